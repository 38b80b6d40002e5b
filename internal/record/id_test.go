package record

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestIDText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := drawID(t)
		for _, s := range []string{id.String(), strings.ToUpper(id.String())} {
			if back, err := ParseID(s); err != nil || back != id {
				t.Fatalf("%s read back as %s, %v", s, back, err)
			}
		}
		b, err := json.Marshal(map[ID]ID{id: id})
		var m map[ID]ID
		if err != nil || json.Unmarshal(b, &m) != nil || m[id] != id {
			t.Fatalf("%s, %v", b, err)
		}
	})
}

func TestParseIDRefuses(t *testing.T) {
	good := ID{1, 2, 3}.String()
	for _, s := range []string{"", good[1:], good + "0", strings.ReplaceAll(good, "-", ""), strings.Replace(good, "-", "0", 1),
		strings.Replace(good, "0", "-", 1), strings.Replace(good, "0", "g", 1), "{" + good[:34] + "}", " " + good[1:], strings.Repeat("é", 18)} {
		if id, err := ParseID(s); err == nil || !id.IsZero() {
			t.Errorf("%q is read as %s", s, id)
		}
	}
}

func TestNewID(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	seen := map[ID]bool{}
	var last ID
	for i := range 2000 {
		id := NewID(start.Add(time.Duration(i) * time.Millisecond))
		if seen[id] || id[6]>>4 != 7 || id[8]>>6 != 2 {
			t.Fatalf("%s is not a fresh version 7 id", id)
		}
		if bytes.Compare(id[:], last[:]) <= 0 {
			t.Fatalf("%s comes before %s", id, last)
		}
		seen[id], last = true, id
	}
	id := NewID(time.UnixMilli(0x0123456789ab))
	if !strings.HasPrefix(id.String(), "01234567-89ab-7") {
		t.Errorf("the time is not at the front: %s", id)
	}
	a, b := NewID(start), NewID(start)
	differ := 0
	for i := range a {
		if a[i] != b[i] {
			differ++
		}
	}
	if differ < 4 {
		t.Errorf("%s and %s hardly differ", a, b)
	}
}
