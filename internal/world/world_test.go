package world

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/rules"
)

func TestRandomIsAFunctionOfItsSeed(t *testing.T) {
	dump := func(seed uint64) []string {
		w := Random(seed, Small)
		out, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		lines := []string{string(out)}
		for _, u := range w.Users {
			lines = append(lines, View(w, u)...) // values have no JSON of their own
		}
		return lines
	}
	for seed := range uint64(100) {
		once := dump(seed)
		if !slices.Equal(once, dump(seed)) {
			t.Fatalf("seed %d gives two worlds", seed)
		}
		if slices.Equal(once, dump(seed+1)) {
			t.Fatalf("seeds %d and %d give one world", seed, seed+1)
		}
	}
}

func TestWorldsHoldTogether(t *testing.T) {
	for seed := range worlds(10_000) {
		w := Random(uint64(seed), Small)
		checkPeople(t, w)
		checkRoles(t, w)
		for _, f := range w.App.Forms {
			checkForm(t, w, f)
		}
		for _, c := range w.App.Custom {
			checkModule(t, w, c)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func checkPeople(t *testing.T, w *World) {
	super := 0
	for _, u := range w.Users {
		if u.Kind == identity.SuperAdmin {
			super++
		}
		set, live := w.Set(u.Set), u.Kind == identity.Live
		if live != (w.Role(u.Role) != nil) || (live || u.Kind == identity.Portal) != (set != nil) || set != nil && set.Portal == live {
			t.Errorf("%v has role %q and set %q", u.Kind, u.Role, u.Set)
		}
	}
	if super != 1 {
		t.Errorf("%d super admins", super)
	}
}

func checkRoles(t *testing.T, w *World) {
	for i, r := range w.App.Roles {
		if (i == 0) != (r.ReportsTo == "") {
			t.Errorf("role %d reports to %q", i, r.ReportsTo)
		}
		if above := w.Role(r.ReportsTo); i > 0 && !slices.Contains(w.App.Roles[:i], above) {
			t.Errorf("role %d reports to a later one", i)
		}
	}
	for _, s := range w.App.Sets {
		for _, rights := range s.Reports {
			views := slices.Contains(rights, definition.View) || slices.Contains(rights, definition.ViewAll) || slices.Contains(rights, definition.ModifyAll)
			if !views {
				t.Errorf("a set with %v and no right to view", rights)
			}
		}
	}
}

func checkForm(t *testing.T, w *World, f *definition.Form) {
	var last uint32
	for _, field := range f.Fields {
		if field.Number <= last || field.Number >= f.NextField {
			t.Errorf("%s.%s has number %d after %d", f.Name, field.Name, field.Number, last)
		}
		last = field.Number
		if field.RecordOwner != (field.Number == f.OwnerField) || field.Parent != (field.Number == f.ParentField) {
			t.Errorf("%s.%s and the form disagree", f.Name, field.Name)
		}
	}
	taken := map[string]bool{}
	for i, r := range w.Records[f.Name] {
		if i > 0 && string(r.ID[:]) <= string(w.Records[f.Name][i-1].ID[:]) {
			t.Errorf("%s is not in order of ids", f.Name)
		}
		if r.Owner != oracle.Owner(f, r) || r.Owner.IsZero() || r.AddedBy.IsZero() {
			t.Errorf("%s: owner %s, want %s", f.Name, r.Owner, oracle.Owner(f, r))
		}
		checkCells(t, f, r, taken)
	}
}

func checkCells(t *testing.T, f *definition.Form, r *oracle.Record, taken map[string]bool) {
	for _, field := range f.Fields {
		v, has := r.Cells[field.Name]
		if has && v.Kind() != field.Type.Kind() || field.Required && !has {
			t.Errorf("%s.%s holds kind %d", f.Name, field.Name, v.Kind())
		}
		if field.Unique && has {
			if taken[string(v.Text())] {
				t.Errorf("%s.%s holds %q twice", f.Name, field.Name, v.Text())
			}
			taken[string(v.Text())] = true
		}
	}
	for name := range r.Cells {
		if _, ok := oracle.Field(f, name); !ok {
			t.Errorf("%s has no field %s", f.Name, name)
		}
	}
}

// checkModule holds the manifest to its rules and the truth, as a runner sees
// it, to the oracle's.
func checkModule(t *testing.T, w *World, c *definition.CustomRule) {
	m, ok := Manifest(w, c.Name)
	if !ok {
		if v := Truth(w, c.Name)(nil, nil); v.Fault != rules.FaultMissing {
			t.Errorf("a rule without module answers %v", v)
		}
		return
	}
	if err := m.Validate(); err != nil {
		t.Error(err)
	}
	f := w.Form(c.Form)
	for _, u := range w.Users {
		for _, r := range w.Records[c.Form] {
			var viewer, row []record.Value
			for _, col := range m.Viewer {
				viewer = append(viewer, u.Attributes[col.Name])
			}
			for _, col := range m.Record {
				row = append(row, oracle.Raw(f, r, col.Name))
			}
			got, want := Truth(w, c.Name)(viewer, row), oracle.Truths[w.Modules[c.Name].Truth](viewer, row)
			if got != m.Accept(got) {
				t.Errorf("%v is out of range", got)
			}
			if (got.Fault != 0) != want.Fault || !want.Fault && c.Effect == definition.Share && int(got.Grant) != want.Level {
				t.Errorf("the runner answers %v, the oracle %v", got, want)
			}
		}
	}
}

// TestPairs asserts that kinds of policy meet in one world often enough: of
// 10,000 worlds at least 500 hold each pair.
func TestPairs(t *testing.T) {
	n := worlds(10_000)
	count := map[[2]string]int{}
	for seed := range n {
		is := kinds(Random(uint64(seed), Small))
		for i, a := range is {
			for _, b := range is[:i] {
				count[[2]string{min(a, b), max(a, b)}]++
			}
		}
	}
	all := []string{"below", "criteria", "developer", "field", "group", "hide", "mask", "module", "owner field", "parent", "peers",
		"personal data", "portal", "report", "restrict", "saved", "token"}
	for i, a := range all {
		for _, b := range all[:i] {
			if got := count[[2]string{b, a}] * 10_000 / n; got < 500 {
				t.Errorf("%s with %s: %d of 10,000 worlds", b, a, got)
			}
		}
	}
}

func kinds(w *World) (is []string) {
	has := map[string]bool{"below": w.App.Hierarchy && len(w.App.Roles) > 1}
	for _, r := range w.App.Roles {
		has["peers"] = has["peers"] || r.SharePeers
	}
	for _, r := range w.App.Reports {
		has["report"] = has["report"] || r.Criteria != nil
	}
	for _, f := range w.App.Forms {
		has["parent"] = has["parent"] || f.ParentField != 0
		has["owner field"] = has["owner field"] || f.OwnerField != 0
		has["personal data"] = has["personal data"] || slices.ContainsFunc(f.Fields, func(x *definition.Field) bool { return x.PII || x.EPHI })
	}
	for _, s := range w.App.Sharing {
		has["field"] = has["field"] || s.Field != ""
		has["criteria"] = has["criteria"] || s.Criteria != nil
		has["group"] = has["group"] || s.From != definition.Group{}
	}
	for _, c := range w.App.Custom {
		has[map[definition.Effect]string{definition.Share: "module", definition.Restrict: "restrict", definition.Mask: "mask"}[c.Effect]] = true
	}
	has["hide"], has["saved"] = len(w.Hides) > 0, len(w.Saved) > 0
	for _, u := range w.Users {
		has["portal"] = has["portal"] || u.Kind == identity.Portal
		has["developer"] = has["developer"] || u.Kind == identity.Developer
		has["token"] = has["token"] || u.Credential == identity.PersonalToken
	}
	for name, yes := range has {
		if yes {
			is = append(is, name)
		}
	}
	return is
}

// TestFiltersAndOrders walks random filters and orders: they name only fields
// given, evaluate, and a filter and its complement share the list out.
func TestFiltersAndOrders(t *testing.T) {
	for seed := range worlds(10_000) {
		w := Random(uint64(seed), Small)
		rnd := rand.New(rand.NewPCG(uint64(seed), 1))
		u, f := pick(rnd, w.Users), pick(rnd, w.App.Forms)
		fields := VisibleTo(w, u)
		where, order := RandomWhere(w, rnd, f.Name, fields), RandomOrder(w, rnd, f.Name, fields)
		for _, name := range named(where) {
			way := func(w Way) bool { return w.Name == name }
			if !slices.Contains(fields(f.Name), name) && !slices.ContainsFunc(Ways(w, f, fields), way) {
				t.Fatalf("seed %d: %v names %s", seed, where, name)
			}
		}
		some := oracle.List(w, u, f.Name, where, order)
		rest := oracle.List(w, u, f.Name, map[string]any{"not": where}, order)
		all := oracle.List(w, u, f.Name, nil, order)
		if len(some)+len(rest) != len(all) {
			t.Fatalf("seed %d: %d and %d of %d", seed, len(some), len(rest), len(all))
		}
		for _, id := range append(some, rest...) {
			if !slices.Contains(all, id) {
				t.Fatalf("seed %d: %s is not in reach", seed, id)
			}
		}
		if _, err := json.Marshal(where); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMutate(t *testing.T) {
	changed, tried := map[string]int{}, 0
	for seed := range worlds(1_000) {
		w := Random(uint64(seed), Small)
		before, _ := json.Marshal(w)
		for _, u := range w.Users {
			rnd := rand.New(rand.NewPCG(uint64(seed), 3))
			tried++
			m, ok := Mutate(w, rnd, u)
			if !slices.Equal(View(w, u), View(m, u)) {
				t.Fatalf("seed %d: %s sees the difference", seed, u.Email)
			}
			if again, _ := Mutate(w, rand.New(rand.NewPCG(uint64(seed), 3)), u); ok && len(records(difference(again, m))) != 0 {
				t.Fatalf("seed %d: two results of one number", seed)
			}
			for what := range difference(w, m) {
				changed[what]++
			}
		}
		if after, _ := json.Marshal(w); string(before) != string(after) {
			t.Fatalf("seed %d: the given world changed", seed)
		}
	}
	t.Log(tried, changed)
	for what, one := range map[string]int{"added": 7, "removed": 6, "changed": 6, "hidden cell": 7, "hide": 7} {
		if changed[what]*one < tried {
			t.Errorf("%s: %d of %d", what, changed[what], tried)
		}
	}
}

// records leaves hides out of a difference: two runs make two of the same.
func records(is map[string]bool) map[string]bool {
	delete(is, "hide")
	return is
}

// difference says how the records of two worlds differ.
func difference(a, b *World) map[string]bool {
	is := map[string]bool{}
	if !slices.Equal(a.Hides, b.Hides) {
		is["hide"] = true
	}
	for _, f := range a.App.Forms {
		for _, r := range a.Records[f.Name] {
			o := b.Find(f.Name, r.ID)
			if o == nil {
				is["removed"] = true
				continue
			}
			cells := 0
			for _, field := range f.Fields {
				if !r.Cells[field.Name].Equal(o.Cells[field.Name]) {
					cells++
				}
			}
			switch {
			case o.Version != r.Version:
				is["changed"] = true
			case cells > 0:
				is["hidden cell"] = true
			}
		}
		for _, o := range b.Records[f.Name] {
			if a.Find(f.Name, o.ID) == nil {
				is["added"] = true
			}
		}
	}
	return is
}

func TestLarge(t *testing.T) {
	w := Random(1, Large)
	for _, f := range w.App.Forms {
		checkForm(t, w, f)
	}
	if len(w.Users) < 10 {
		t.Errorf("%d users", len(w.Users))
	}
}
