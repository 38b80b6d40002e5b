package definition

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/internal/words"
)

// searchDocument is an application with one form of the fields given.
func searchDocument(fields ...string) []byte {
	return []byte("application: notes\nforms:\n  - name: Note\n    plural: notes\n    fields:\n      - {" + strings.Join(fields, "}\n      - {") + "}\nroles:\n  - {name: CEO}\n")
}

// wordRows are the parts of the rows of words of the only form.
func wordRows(a *Application) (out []uint32) {
	for _, row := range a.Forms[0].Indexes {
		if row.Words != 0 {
			out = append(out, row.Number)
		}
	}
	return out
}

// TestSearchableFieldsHaveRows: switching search on adds a row to build, off drops
// it, and back on adds another, as what is stored under the first is out of date.
func TestSearchableFieldsHaveRows(t *testing.T) {
	off := searchDocument("name: title, type: text", "name: body, type: long text, searchable: true, pii: true")
	on := searchDocument("name: title, type: text, searchable: true", "name: body, type: long text, searchable: true, pii: true")
	first := mustResolve(t, off, context(nil))
	if f := first.Forms[0].Fields; f[0].Searchable || !f[1].Searchable || len(wordRows(first)) != 1 {
		t.Fatalf("%+v, rows %v", f, wordRows(first))
	}
	second := mustResolve(t, on, context(first))
	added := func(prev, next *Application) (out []uint32) {
		for _, c := range Diff(prev, next) {
			if c.Kind == IndexAdded {
				if out = append(out, c.Index.Number); c.Index.Words != words.Version || !c.NeedsData() {
					t.Errorf("%+v", c)
				}
			}
		}
		return out
	}
	if got := added(first, second); len(got) != 1 || !slices.Contains(wordRows(second), got[0]) || wordRows(second)[1] != wordRows(first)[0] {
		t.Errorf("added %v, rows %v after %v", got, wordRows(second), wordRows(first))
	}
	b, err := Marshal(second)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := Unmarshal(b); err != nil || !back.Forms[0].Fields[0].Searchable || !slices.Equal(wordRows(back), wordRows(second)) {
		t.Errorf("read back: %+v, %v", back, err)
	}
	third := mustResolve(t, on, context(mustResolve(t, off, context(second))))
	if got := added(second, third); len(got) != 1 || got[0] == wordRows(second)[0] {
		t.Errorf("switched off and on: added %v", got)
	}
	old := *second
	form := *second.Forms[0]
	form.Indexes = slices.Clone(form.Indexes)
	for i := range form.Indexes {
		if form.Indexes[i].Words != 0 {
			form.Indexes[i].Words = words.Version + 1
		}
	}
	old.Forms = []*Form{&form}
	if got := added(&old, mustResolve(t, on, context(&old))); len(got) != 2 {
		t.Errorf("words that were cut in another way: added %v", got)
	}
}

// TestSearchableFaults: only what holds words can be searched, and only so much.
func TestSearchableFaults(t *testing.T) {
	for _, typ := range []string{"integer", "boolean", "date", "user", "decimal", "choice, choices: [a]", "multi-choice, choices: [a]", "lookup, to: Note"} {
		_, faults := Resolve(searchDocument("name: x, searchable: true, type: "+typ), context(nil))
		if len(faults) != 1 || !strings.Contains(faults[0].Msg, "cannot be searchable") {
			t.Errorf("%s: %v", typ, faults)
		}
	}
	var fields []string
	for i := range MaxSearchable {
		fields = append(fields, fmt.Sprintf("name: f%d, type: text, searchable: true", i))
	}
	mustResolve(t, searchDocument(fields...), context(nil))
	fields = append(fields, "name: more, type: email, searchable: true", "name: most, type: email, searchable: true")
	if _, faults := Resolve(searchDocument(fields...), context(nil)); len(faults) != 1 || !strings.Contains(faults[0].Msg, "at most 8 fields") {
		t.Errorf("%v", faults)
	}
}
