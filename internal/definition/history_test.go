package definition

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
)

// model is a definition under edit: what a person means by each form and field,
// whatever its name, so that numbers can be held to meanings.
type model struct {
	forms []*modelForm
	next  int
}

type modelForm struct {
	id        int
	name, was string
	fields    []*modelField
}

type modelField struct {
	id        int
	name, was string
	kind      int
	to        *modelForm
	unique    bool
	indexed   bool
}

var kinds = []string{"text", "integer", "decimal", "date", "user", "choice", "lookup"}

func (m *model) id() int { m.next++; return m.next }

func (m *model) addForm() {
	f := &modelForm{id: m.id()}
	f.name = fmt.Sprintf("F%d", f.id)
	m.forms = append(m.forms, f)
}

func (m *model) addField(t *rapid.T, f *modelForm) {
	x := &modelField{id: m.id(), kind: rapid.IntRange(0, len(kinds)-1).Draw(t, "kind")}
	x.name = fmt.Sprintf("x%d", x.id)
	x.unique, x.indexed = rapid.Bool().Draw(t, "unique"), rapid.Bool().Draw(t, "indexed")
	if kinds[x.kind] == "lookup" {
		x.to = rapid.SampledFrom(m.forms).Draw(t, "to")
	}
	f.fields = append(f.fields, x)
}

// edit changes one thing.
func (m *model) edit(t *rapid.T) {
	f := rapid.SampledFrom(m.forms).Draw(t, "form")
	x := rapid.SampledFrom(f.fields).Draw(t, "field")
	switch rapid.IntRange(0, 8).Draw(t, "edit") {
	case 0:
		m.addForm()
		m.addField(t, m.forms[len(m.forms)-1])
	case 1, 2:
		m.addField(t, f)
	case 3:
		if f.was == "" {
			f.was, f.name = f.name, fmt.Sprintf("R%d", m.id())
		}
	case 4:
		if x.was == "" {
			x.was, x.name = x.name, fmt.Sprintf("r%d", m.id())
		}
	case 5:
		if len(f.fields) > 1 {
			f.fields = slices.DeleteFunc(f.fields, func(y *modelField) bool { return y == x })
		}
	case 6:
		m.dropForm(f)
	case 7:
		x.indexed = !x.indexed
	case 8:
		x.unique = !x.unique
	}
}

func (m *model) dropForm(f *modelForm) {
	for _, o := range m.forms {
		for _, x := range o.fields {
			if x.to == f {
				return
			}
		}
	}
	if len(m.forms) > 1 {
		m.forms = slices.DeleteFunc(m.forms, func(o *modelForm) bool { return o == f })
	}
}

func (m *model) yaml() []byte {
	var b strings.Builder
	b.WriteString("application: a\nforms:\n")
	for _, f := range m.forms {
		fmt.Fprintf(&b, "  - {name: %s, plural: p%d, %sfields: [", f.name, f.id, renamed(f.was))
		for _, x := range f.fields {
			fmt.Fprintf(&b, "{name: %s, type: %s, %sunique: %v, indexed: %v", x.name, kinds[x.kind], renamed(x.was), x.unique, x.indexed)
			switch kinds[x.kind] {
			case "choice":
				b.WriteString(", choices: [a]")
			case "lookup":
				b.WriteString(", to: " + x.to.name)
			}
			b.WriteString("}, ")
		}
		b.WriteString("]}\n")
	}
	return []byte(b.String())
}

func renamed(was string) string {
	if was == "" {
		return ""
	}
	return "renamedFrom: " + was + ", "
}

// TestNumbersFollowMeaning edits a definition at random and holds every number
// that was ever given out to the one form, field or row that got it.
func TestNumbersFollowMeaning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{}
		m.addForm()
		m.addField(t, m.forms[0])
		given := uint32(0)
		owners := map[string]string{} // number → meaning
		hold := func(number, meaning string) {
			if was, ok := owners[number]; ok && was != meaning {
				t.Fatalf("%s was %s and is %s", number, was, meaning)
			}
			owners[number] = meaning
			if was, ok := owners["of "+meaning]; ok && was != number {
				t.Fatalf("%s moved from %s to %s", meaning, was, number)
			}
			owners["of "+meaning] = number
		}
		var prev *Application
		for range rapid.IntRange(1, 8).Draw(t, "versions") {
			next, faults := Resolve(m.yaml(), Context{Previous: prev, AllowDrop: true, NextForm: func() uint32 { given++; return given }})
			if next == nil {
				t.Fatalf("%s\n%v", m.yaml(), faults)
			}
			for i, f := range next.Forms {
				hold(fmt.Sprint("form ", f.Number), fmt.Sprint("form ", m.forms[i].id))
				for j, x := range f.Fields {
					hold(fmt.Sprint("form ", f.Number, " field ", x.Number), fmt.Sprint("field ", m.forms[i].fields[j].id))
				}
				checkRows(t, f, prev)
			}
			checkDiff(t, prev, next)
			checkStored(t, next)
			prev = next
			for range rapid.IntRange(0, 4).Draw(t, "edits") {
				m.edit(t)
			}
			m.settle(prev)
		}
	})
}

// settle forgets renames that the stored version knows.
func (m *model) settle(prev *Application) {
	for _, f := range m.forms {
		was, ok := prev.Form(f.name)
		if ok {
			f.was = ""
		} else if f.was != "" {
			was, ok = prev.Form(f.was)
		}
		if !ok {
			f.was = "" // made and renamed between two versions
			was = &Form{}
		}
		for _, x := range f.fields {
			if ownField(was, x.name) != nil || ownField(was, x.was) == nil {
				x.was = ""
			}
		}
	}
}

// checkRows holds the rows of a form to what its fields ask for, and their
// numbers to those of the previous version.
func checkRows(t *rapid.T, f *Form, prev *Application) {
	want := map[string]bool{fmt.Sprint([]uint32{record.FieldOwner}, false): true}
	for _, x := range f.Fields {
		if x.Indexed || x.Type == record.Lookup {
			want[fmt.Sprint([]uint32{x.Number}, false)], want[fmt.Sprint([]uint32{record.FieldOwner, x.Number}, false)] = true, true
		}
		if x.Unique {
			want[fmt.Sprint([]uint32{x.Number}, true)] = true
		}
	}
	numbers := map[uint32]bool{}
	for _, row := range f.Indexes {
		if !want[fmt.Sprint(row.Parts, row.Unique)] || numbers[row.Number] || row.Number == 0 || row.Number >= f.NextIndex {
			t.Fatalf("row %+v of %s is not wanted, or its number is not good", row, f.Name)
		}
		numbers[row.Number] = true
	}
	if len(f.Indexes) != len(want) {
		t.Fatalf("%d rows, want %d", len(f.Indexes), len(want))
	}
	if prev == nil {
		return
	}
	old, ok := prev.FormNumber(f.Number)
	if !ok {
		return
	}
	for _, row := range f.Indexes {
		same := sameIndex(old.Indexes, row)
		if same != 0 && same != row.Number || same == 0 && row.Number < old.NextIndex {
			t.Fatalf("row %+v had number %d, and new ones begin at %d", row, same, old.NextIndex)
		}
	}
}

// checkDiff applies the changes to the parts of prev and wants those of next.
func checkDiff(t *rapid.T, prev, next *Application) {
	parts := partsOf(prev)
	for _, c := range Diff(prev, next) {
		form, field := fmt.Sprint("form ", c.Form), fmt.Sprint("form ", c.Form, " field ", c.Field)
		row := fmt.Sprint("form ", c.Form, " row ", c.Index.Number)
		switch c.Kind {
		case FormAdded, FormRenamed:
			parts[form] = c.Name
		case FieldAdded, FieldRenamed:
			parts[field] = c.Name
		case FieldDropped:
			delete(parts, field)
		case IndexAdded:
			parts[row] = fmt.Sprint(c.Index.Parts, c.Index.Unique)
		case IndexDropped:
			delete(parts, row)
		case FormDropped:
			for k := range parts {
				if k == form || strings.HasPrefix(k, form+" ") {
					delete(parts, k)
				}
			}
		}
	}
	if want := partsOf(next); !reflect.DeepEqual(parts, want) {
		t.Fatalf("the changes lead to %v, want %v", parts, want)
	}
	if cs := Diff(next, next); len(cs) != 0 {
		t.Fatalf("a version differs from itself: %v", cs)
	}
}

func partsOf(a *Application) map[string]string {
	parts := map[string]string{}
	if a == nil {
		return parts
	}
	for _, f := range a.Forms {
		form := fmt.Sprint("form ", f.Number)
		parts[form] = f.Name
		for _, x := range f.Fields {
			parts[fmt.Sprint(form, " field ", x.Number)] = x.Name
		}
		for _, row := range f.Indexes {
			parts[fmt.Sprint(form, " row ", row.Number)] = fmt.Sprint(row.Parts, row.Unique)
		}
	}
	return parts
}

// bare is an application without what its formulas are compiled to: functions do
// not compare.
func bare(a *Application) *Application {
	out := *a
	out.Forms = nil
	for _, f := range a.Forms {
		form := *f
		form.Fields = nil
		for _, x := range f.Fields {
			field := *x
			field.Formula = nil
			form.Fields = append(form.Fields, &field)
		}
		out.Forms = append(out.Forms, &form)
	}
	return &out
}

func checkStored(t interface{ Fatalf(string, ...any) }, a *Application) {
	b, err := Marshal(a)
	if err != nil {
		t.Fatalf("%v", err)
	}
	back, err := Unmarshal(b)
	if err != nil || !reflect.DeepEqual(bare(a), bare(back)) {
		t.Fatalf("stored and read back it differs: %v", err)
	}
	again, err := Marshal(back)
	if err != nil || string(again) != string(b) {
		t.Fatalf("stored again it differs: %v", err)
	}
}

func TestStoredExample(t *testing.T) {
	checkStored(t, example(t))
}

// TestDamageIsRefused changes every byte of a stored definition in turn.
func TestDamageIsRefused(t *testing.T) {
	b, err := Marshal(mustResolve(t, []byte(base), context(nil)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		c := slices.Clone(b)
		c[i] ^= 1
		if a, err := Unmarshal(c); err == nil || a != nil {
			t.Fatalf("a change of byte %d is not noticed", i)
		}
		if a, err := Unmarshal(b[:i]); err == nil || a != nil {
			t.Fatalf("the first %d bytes are read", i)
		}
	}
	if _, err := Unmarshal(append(slices.Clone(b), ' ')); err == nil {
		t.Fatal("a byte more is not noticed")
	}
}

// TestUnknownKeysAreRefused: a document of a later version of the program is not
// read in part.
func TestUnknownKeysAreRefused(t *testing.T) {
	for _, body := range []string{
		`{"Name":"a","Later":1}`, `{"Forms":[{"Later":1}]}`, `{"Forms":[{"Fields":[{"Later":1,"Default":null}]}]}`, `{} {}`, `null`, `[]`, ``,
		`{"Forms":[{"Fields":[{"Number":16,"Type":3,"Default":"x"}]}]}`, `{"Forms":[{"Fields":[{"Number":16,"Type":3}]}]}`,
	} {
		sum := sha256.Sum256([]byte(body))
		if a, err := Unmarshal([]byte(fmt.Sprintf("%s%x\n%s", storedMagic, sum, body))); !errors.Is(err, ErrDamaged) || a != nil {
			t.Errorf("%s is read: %v", body, err)
		}
	}
	if a, err := Unmarshal([]byte(fmt.Sprintf("%s%x\n{}", storedMagic, sha256.Sum256([]byte("{}"))))); err != nil || a == nil {
		t.Errorf("the test's own form is refused: %v", err)
	}
}

// TestStoredFieldIsWhole: a property that is added to Field and not to its stored
// form would be lost.
func TestStoredFieldIsWhole(t *testing.T) {
	field, stored := reflect.TypeFor[Field](), reflect.TypeFor[storedField]()
	if field.NumField() != stored.NumField() {
		t.Fatalf("Field has %d parts, its stored form %d", field.NumField(), stored.NumField())
	}
	for i := range field.NumField() {
		if field.Field(i).Name != stored.Field(i).Name {
			t.Errorf("%s is %s in the stored form", field.Field(i).Name, stored.Field(i).Name)
		}
	}
}

func FuzzResolve(f *testing.F) {
	f.Add(string(read(f, "testdata/orders.yaml")))
	for _, c := range strings.Split(string(read(f, "testdata/faults.txt")), "=== ")[1:] {
		_, body, _ := strings.Cut(c, "\n")
		source, _, _ := strings.Cut(body, ">>>\n")
		f.Add(source)
		f.Add(base + source)
	}
	first, faults := Resolve([]byte(base), context(nil))
	if faults != nil {
		f.Fatal(faults)
	}
	f.Fuzz(func(t *testing.T, source string) {
		a, faults := Resolve([]byte(source), context(nil))
		if (a == nil) == (len(faults) == 0) {
			t.Fatalf("%v and %v", a, faults)
		}
		for i, x := range faults {
			if x.Msg == "" || x.Line < 0 || i > 0 && x.Line != 0 && faults[i-1].Line > x.Line {
				t.Fatalf("fault %d of %v", i, faults)
			}
		}
		if a != nil {
			a.Check(Surroundings{})
			checkStored(t, a)
		}
		ctx := context(first)
		ctx.AllowDrop = true
		if next, _ := Resolve([]byte(source), ctx); next != nil {
			Diff(first, next)
		}
	})
}
