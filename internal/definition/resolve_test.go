package definition

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/filter"
	"sluice/internal/record"
)

var people = map[string]record.ID{"ann@example.com": {15: 1}}

// context is a Context that numbers forms from 101 on.
func context(prev *Application) Context {
	next := uint32(100)
	if prev != nil {
		for _, f := range prev.Forms {
			next = max(next, f.Number)
		}
	}
	return Context{
		Previous: prev,
		NextForm: func() uint32 { next++; return next },
		Users:    func(address string) (record.ID, bool) { id, ok := people[address]; return id, ok },
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustResolve(t testing.TB, source []byte, c Context) *Application {
	t.Helper()
	a, faults := Resolve(source, c)
	if a == nil {
		t.Fatalf("faults: %v", faults)
	}
	return a
}

func example(t testing.TB) *Application {
	t.Helper()
	return mustResolve(t, read(t, "testdata/orders.yaml"), context(nil))
}

// TestExampleGolden pins what the example gives: numbers, rows, sets, warnings.
func TestExampleGolden(t *testing.T) {
	a := example(t)
	a.Source = ""
	b, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/orders.json", append(b, '\n'))
	var warnings strings.Builder
	a.Source = string(read(t, "testdata/orders.yaml"))
	for _, w := range a.Check(Surroundings{}) {
		warnings.WriteString(w.String() + "\n")
	}
	golden(t, "testdata/orders.warnings", []byte(warnings.String()))
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := read(t, path); string(want) != string(got) {
		t.Errorf("%s differs; got\n%s", path, got)
	}
}

func TestResolveIsDeterministic(t *testing.T) {
	a, b := example(t), example(t)
	if !reflect.DeepEqual(bare(a), bare(b)) {
		t.Error("two answers to one document")
	}
}

func TestUsers(t *testing.T) {
	a := example(t)
	if len(a.Users) != 1 || a.Users["ann@example.com"] != people["ann@example.com"] {
		t.Errorf("got %v", a.Users)
	}
	if b := mustResolve(t, read(t, "testdata/orders.yaml"), Context{}); len(b.Users) != 0 || b.Forms[0].Number != 1 || b.Forms[2].Number != 3 {
		t.Error("a context of zero does not resolve without people and numbers")
	}
}

func TestCarriesNameAndVersion(t *testing.T) {
	first := mustResolve(t, []byte(base), context(nil))
	second := mustResolve(t, []byte(base), context(first))
	if first.Version != 1 || second.Version != 2 {
		t.Errorf("versions %d and %d", first.Version, second.Version)
	}
	_, faults := Resolve([]byte(strings.Replace(base, "application: a", "application: b", 1)), context(first))
	if len(faults) != 1 || faults[0].Msg != "the application is named a, which cannot change" {
		t.Errorf("got %v", faults)
	}
	if name, faults := Name([]byte(base)); name != "a" || faults != nil {
		t.Errorf("name %q, %v", name, faults)
	}
	if name, faults := Name([]byte("forms: []")); name != "" || len(faults) == 0 {
		t.Errorf("name %q, %v", name, faults)
	}
}

func TestRolesDefaultToRoot(t *testing.T) {
	a := mustResolve(t, []byte(base), context(nil))
	if len(a.Roles) != 1 || a.Roles[0].Name != RootRole || a.Roles[0].ReportsTo != "" {
		t.Errorf("got %+v", a.Roles)
	}
}

func TestLookups(t *testing.T) {
	a := example(t)
	order, ok := a.Form("Order")
	byNumber, ok2 := a.FormNumber(order.Number)
	if !ok || !ok2 || byNumber != order {
		t.Fatal("the form is not found")
	}
	for _, name := range []string{"amount", "owner", "id"} {
		x, ok := order.Field(name)
		y, ok2 := order.FieldNumber(x.Number)
		if !ok || !ok2 || x != y || x.Name != name {
			t.Errorf("field %s is not found", name)
		}
	}
	_, f := a.Form("order")
	_, n := a.FormNumber(0)
	_, p := a.Report("")
	_, r := a.Role("")
	_, s := a.Set("")
	_, x := order.Field("")
	_, y := order.FieldNumber(0)
	if f || n || p || r || s || x || y {
		t.Error("found what is not there")
	}
	for _, name := range []string{ReadSet, WriteSet, CustomerSet, "Sales"} {
		if s, ok := a.Set(name); !ok || s.Name != name {
			t.Errorf("set %s is not found", name)
		}
	}
}

// TestB9_NewPIIStartsHidden: a field that becomes marked, or comes marked, is in no
// wildcard (B9), and not in the built-in sets.
func TestB9_NewPIIStartsHidden(t *testing.T) {
	sets := "permissionSets: [{name: S, pii: SHOW, ephi: SHOW, forms: {Order: {fields: {'*': VISIBLE}}}}]\n"
	for _, mark := range []string{"pii", "ephi"} {
		marked := strings.Replace(base, "{name: title, type: text}", "{name: title, type: text, "+mark+": true}", 1)
		a := mustResolve(t, []byte(marked+sets), context(nil))
		for _, s := range a.Sets {
			x, _ := a.Forms[0].Field("title")
			if s.Access("Order", x) != Hidden {
				t.Errorf("%s: visible in %s", mark, s.Name)
			}
			if rep, _ := a.Forms[0].Field("rep"); s.Access("Order", rep) == Hidden {
				t.Errorf("%s: the other field is hidden in %s", mark, s.Name)
			}
		}
	}
}

func TestSwitchHides(t *testing.T) {
	x := &Field{Field: record.Field{Number: 16, Name: "tax"}, PII: true}
	both := &Field{Field: record.Field{Number: 17, Name: "file"}, PII: true, EPHI: true}
	s := &PermissionSet{Forms: map[string]*FormPermission{"F": {Fields: map[string]FieldAccess{"tax": Writable, "file": Writable}}}}
	if s.Access("F", x) != Hidden || s.Access("G", x) != Hidden {
		t.Error("hidden personal data is visible")
	}
	s.ShowPII = true
	if s.Access("F", x) != Writable || s.Access("F", both) != Hidden {
		t.Error("one switch shows what the other hides")
	}
}

func TestCustomerCanBeReplaced(t *testing.T) {
	a := mustResolve(t, []byte(base+"permissionSets: [{name: Customer, portal: true}]\n"), context(nil))
	if s, _ := a.Set(CustomerSet); len(a.Sets) != 3 || len(s.Reports) != 0 {
		t.Error("the built-in set stands beside the document's")
	}
}

func TestCriteriaKeepNumbers(t *testing.T) {
	a := mustResolve(t, []byte("application: a\nforms: [{name: A, plural: as, fields: [{name: n, type: integer}, {name: d, type: decimal, scale: 9}]}]\n"+
		"reports: [{name: r, form: A, criteria: {n: {eq: 9007199254740993}, d: {lt: 123456789.123456789}}}]\n"), context(nil))
	b, err := Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	a, err = Unmarshal(b)
	if err != nil {
		t.Fatal(err)
	}
	e, faults := filter.Parse(a.Reports[1].Criteria, a.FilterScope(a.Forms[0]), filter.Options{})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	var got []int64
	for _, x := range e.(filter.And) {
		got = append(got, x.(*filter.Compare).Args[0].Value.Int())
	}
	if !slices.Equal(got, []int64{123456789123456789, 9007199254740993}) {
		t.Errorf("got %v", got)
	}
}

func TestSourceIsUTF8(t *testing.T) {
	for source, line := range map[string]int{"application: \xff": 1, "a: é\nb: \xe9\n": 2, "\xff\xfea\x00": 1} {
		_, faults := Resolve([]byte(source), context(nil))
		if len(faults) != 1 || faults[0].Msg != "expected UTF-8" || faults[0].Line != line {
			t.Errorf("%q: %v", source, faults)
		}
	}
}

// TestSchemaTypesAreReserved holds the reserved names to the types that the
// schema has beside those of forms.
func TestSchemaTypesAreReserved(t *testing.T) {
	text := string(read(t, "../../graph/app/common.graphqls"))
	types := regexp.MustCompile(`(?m)^(?:type|input|enum|scalar|interface|union) (\w+)`).FindAllStringSubmatch(text, -1)
	if len(types) < 10 {
		t.Fatal("the types are not found")
	}
	for _, m := range types {
		if !slices.Contains(reservedTypes, m[1]) {
			t.Errorf("a form may be named %s", m[1])
		}
	}
}

// TestHostileDocuments holds the time and the length of the answer to documents
// that are built to cost.
func TestHostileDocuments(t *testing.T) {
	var wide, ring strings.Builder
	wide.WriteString("application: a\nforms:\n")
	for i := range 40 {
		fmt.Fprintf(&wide, "  - {name: A%d, plural: a%d, fields: [", i, i)
		for j := range 500 {
			fmt.Fprintf(&wide, "{name: f%d, type: text},", j)
		}
		wide.WriteString("]}\n")
	}
	wide.WriteString("permissionSets:\n")
	for i := range 400 {
		fmt.Fprintf(&wide, "  - {name: s%d, forms: {", i)
		for j := range 15 {
			fmt.Fprintf(&wide, "A%d: {fields: {'*': VISIBLE}},", j)
		}
		wide.WriteString("}}\n")
	}
	ring.WriteString(base + "roles:\n")
	for i := range 9999 {
		fmt.Fprintf(&ring, "  - {name: r%d, reportsTo: r%d}\n", i, (i+1)%9999)
	}
	for name, source := range map[string]string{
		"too long":   strings.Repeat("#", MaxSource+1),
		"brackets":   strings.Repeat("[", MaxSource/2),
		"braces":     strings.Repeat("{a: ", MaxSource/8),
		"indent":     strings.Repeat("- ", MaxSource/4) + "a",
		"deep":       "application: a\nforms: [{name: A, plural: as, fields: [{name: a, type: text, default: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "}]}]\n",
		"wide sets":  wide.String(),
		"unknown":    base + strings.Repeat("x:\n", 200_000),
		"long key":   strings.Repeat("k", 500_000) + ": 1\n" + base,
		"role ring":  ring.String(),
		"many forms": "application: a\nforms: [" + strings.Repeat("5,", 400_000) + "]\n",
		"bad items":  "application: a\nforms: [" + strings.Repeat("5,", 499) + "]\nroles: [" + strings.Repeat("5,", 9000) + "]\n",
	} {
		if len(source) > MaxSource+1 {
			t.Fatalf("%s is %d bytes long", name, len(source))
		}
		start := time.Now()
		a, faults := Resolve([]byte(source), context(nil))
		if a != nil || len(faults) == 0 || len(faults) > maxFaults+1 {
			t.Errorf("%s: %d faults", name, len(faults))
		}
		length := 0
		for _, f := range faults {
			length += len(f.String())
		}
		if took := time.Since(start); took > time.Minute || length > 1<<20 {
			t.Errorf("%s took %v and gave %d bytes", name, took, length)
		}
	}
}
