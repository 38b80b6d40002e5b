package rules

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/fault"
	"sluice/internal/record"
)

const goodManifest = `{"abi":1,"form":"Order","effect":"share","grant":"edit",
 "record":[{"name":"team","type":"text"},{"name":"amount","type":"decimal","scale":2},{"name":"tags","type":"multi-choice"}],
 "viewer":[{"name":"team","type":"text"}],"reasons":["same team"]}`

const goodMask = `{"abi":1,"form":"Customer","effect":"mask","mask":["phone","email"]}`

func TestParseManifest(t *testing.T) {
	m, err := ParseManifest([]byte(goodManifest))
	if err != nil {
		t.Fatal(err)
	}
	want := &Manifest{
		ABI: 1, Form: "Order", Effect: Share, Grant: 2,
		Record:  []Column{{"team", record.Text, 0}, {"amount", record.Decimal, 2}, {"tags", record.MultiChoice, 0}},
		Viewer:  []Column{{"team", record.Text, 0}},
		Reasons: []string{"same team"},
	}
	if !reflect.DeepEqual(m, want) {
		t.Errorf("got %+v", m)
	}
}

func TestParseManifestRefuses(t *testing.T) {
	change := func(old, now string) string { return strings.Replace(goodManifest, old, now, 1) }
	columns := func(n int) string {
		var c []string
		for i := range n {
			c = append(c, fmt.Sprintf(`{"name":"f%d","type":"text"}`, i))
		}
		return `"record":[` + strings.Join(c, ",") + `]`
	}
	names := func(n int) string {
		var c []string
		for i := range n {
			c = append(c, fmt.Sprintf(`"f%d"`, i))
		}
		return strings.Join(c, ",")
	}
	for _, c := range []struct{ name, src, path string }{
		{"empty", "", "document"},
		{"not an object", "[]", "expected {"},
		{"null", "null", "expected {"},
		{"cut", goodManifest[:60], "not well-formed"},
		{"after the object", goodManifest + "{}", "nothing after"},
		{"not UTF-8", change("Order", "\xff"), "UTF-8"},
		{"too large", goodManifest + strings.Repeat(" ", MaxManifest), "at most"},
		{"no version", change(`"abi":1,`, ""), "abi"},
		{"another version", change(`"abi":1`, `"abi":2`), "abi"},
		{"version as text", change(`"abi":1`, `"abi":"1"`), "abi"},
		{"version as fraction", change(`"abi":1`, `"abi":1.5`), "abi"},
		{"unknown key", change(`"abi"`, `"colour":1,"abi"`), "colour"},
		{"key in capitals", change(`"abi"`, `"ABI"`), "ABI"},
		{"key twice", change(`"abi":1`, `"abi":1,"abi":1`), "abi: given twice"},
		{"unknown key in a column", change(`"scale":2`, `"scale":2,"x":1`), "record[1]."},
		{"key twice in a column", change(`"scale":2`, `"scale":2,"scale":2`), "record[1].scale: given twice"},
		{"no form", change(`"form":"Order",`, ""), "form"},
		{"form with a line break", change(`"Order"`, `"Or\nder"`), "form"},
		{"effect", change(`"share"`, `"allow"`), "effect"},
		{"empty effect", change(`"share"`, `""`), "effect"},
		{"no effect", change(`"effect":"share",`, ""), "effect"},
		{"grant", change(`"edit"`, `"admin"`), "grant"},
		{"no grant", change(`"grant":"edit",`, ""), "grant"},
		{"grant of a mask", `{"abi":1,"form":"C","effect":"mask","mask":["p"],"grant":"view"}`, "grant"},
		{"mask without fields", `{"abi":1,"form":"C","effect":"mask"}`, "mask"},
		{"mask of a share", change(`"abi":1`, `"abi":1,"mask":["x"]`), "mask"},
		{"mask twice", `{"abi":1,"form":"C","effect":"mask","mask":["p","p"]}`, "mask[1]"},
		{"65 masks", `{"abi":1,"form":"C","effect":"mask","mask":[` + names(65) + `]}`, "at most 64"},
		{"65 columns", `{"abi":1,"form":"C","effect":"restrict",` + columns(65) + `}`, "at most 64"},
		{"256 reasons", `{"abi":1,"form":"C","effect":"restrict","reasons":[` + names(256) + `]}`, "at most 255"},
		{"empty reason", change("same team", ""), "reasons[0]"},
		{"long reason", change("same team", strings.Repeat("x", 201)), "reasons[0]"},
		{"type", change(`"multi-choice"`, `"blob"`), "record[2].type"},
		{"type id", change(`"multi-choice"`, `"id"`), "record[2].type"},
		{"no type", change(`,"type":"multi-choice"`, ""), "record[2].type"},
		{"no name", change(`"name":"tags",`, ""), "record[2].name"},
		{"column twice", change(`"tags"`, `"team"`), "named twice"},
		{"scale of a text", change(`"type":"text"}`, `"type":"text","scale":1}`), "record[0].scale"},
		{"scale 10", change(`"scale":2`, `"scale":10`), "record[1].scale"},
		{"negative scale", change(`"scale":2`, `"scale":-1`), "record[1].scale"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseManifest([]byte(c.src))
			if err == nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Message(err), c.path) {
				t.Errorf("got %v, expected kind Invalid and %q in the message", err, c.path)
			}
		})
	}
}

// manifests draws valid manifests.
func manifests(t *rapid.T) *Manifest {
	m := &Manifest{ABI: 1, Form: "F" + rapid.StringMatching(`[A-Za-z0-9]{0,9}`).Draw(t, "form"), Effect: Effect(rapid.IntRange(1, 3).Draw(t, "effect"))}
	list := func(label string, least, most int) (out []string) {
		for i := range rapid.IntRange(least, most).Draw(t, label) {
			out = append(out, fmt.Sprintf("%s%d", label, i))
		}
		return out
	}
	columns := func(label string) (out []Column) {
		for _, name := range list(label, 0, MaxColumns) {
			c := Column{Name: name, Type: record.Type(rapid.IntRange(int(record.Text), int(record.Lookup)).Draw(t, "type"))}
			if c.Type == record.Decimal {
				c.Scale = uint8(rapid.IntRange(0, 9).Draw(t, "scale"))
			}
			out = append(out, c)
		}
		return out
	}
	m.Record, m.Viewer, m.Reasons = columns("r"), columns("v"), list("reason ", 0, MaxReasons)
	switch m.Effect {
	case Share:
		m.Grant = uint8(rapid.IntRange(1, 3).Draw(t, "grant"))
	case Mask:
		m.Mask = list("m", 1, MaxMask)
	}
	return m
}

func TestManifestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := manifests(t)
		back, err := ParseManifest(m.Marshal())
		if err != nil || !reflect.DeepEqual(m, back) {
			t.Fatalf("%+v became %+v, %v", m, back, err)
		}
	})
}

// TestAccept: whatever a guest answers, what comes out is within the manifest or
// denies everything.
func TestAccept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := manifests(t)
		v := Verdict{
			Grant: uint8(rapid.IntRange(0, 5).Draw(t, "grant")), Reason: rapid.Byte().Draw(t, "reason"),
			Visible: rapid.Uint64().Draw(t, "visible") & (1<<rapid.IntRange(0, 63).Draw(t, "bits") - 1),
			Fault:   FaultKind(rapid.IntRange(0, 1).Draw(t, "fault")),
		}
		got := m.Accept(v)
		inRange := int(v.Reason) <= len(m.Reasons) && v.Fault == NoFault
		switch m.Effect {
		case Share:
			inRange = inRange && v.Grant <= m.Grant && v.Visible == 0
		case Restrict:
			inRange = inRange && v.Grant <= 1 && v.Visible == 0
		case Mask:
			for i := range 64 {
				inRange = inRange && (v.Visible>>i&1 == 0 || i < len(m.Mask))
			}
			inRange = inRange && v.Grant == 0
		}
		if inRange && got != v {
			t.Fatalf("%+v became %+v", v, got)
		}
		if !inRange && (got.Grant != 0 || got.Visible != 0 || got.Reason != 0 || got.Fault == NoFault) {
			t.Fatalf("%+v became %+v", v, got)
		}
	})
}

func TestZeroManifestDenies(t *testing.T) {
	var m Manifest
	if got := m.Accept(Verdict{Grant: 1}); got != (Verdict{Fault: FaultAnswer}) {
		t.Errorf("got %+v", got)
	}
	if m.Validate() == nil {
		t.Error("the zero manifest is valid")
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(goodManifest))
	f.Add([]byte(goodMask))
	f.Add([]byte(`{"abi":1}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		m, err := ParseManifest(src)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("kind %v", fault.KindOf(err))
			}
			return
		}
		again, err := ParseManifest(m.Marshal())
		if err != nil || string(again.Marshal()) != string(m.Marshal()) {
			t.Fatalf("%s does not come back: %v", m.Marshal(), err)
		}
	})
}
