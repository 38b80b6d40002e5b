package policy_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// formula judges one record straight from the definition, report by report and
// term by term, without compiling anything: the slow way to every answer.
type formula struct {
	w *world
	v identity.Viewer
}

func (f *formula) full() bool { return f.v.Kind >= identity.Developer }

func (f *formula) placed() bool { return f.full() || f.v.Kind == identity.Live && f.v.Role != "" }

func (f *formula) set() *definition.PermissionSet { return f.w.app.Sets[0] }

func (f *formula) may(form string, a definition.Action, s *subject) bool {
	if !f.placed() || f.removed(form, s) || f.hidden(form, s) {
		return false
	}
	if f.full() {
		return true
	}
	for _, r := range f.w.app.Reports {
		if r.Form == form && f.matches(r, s) && f.inScope(r, a, s) {
			return a == view || f.may(form, view, s)
		}
	}
	return false
}

func (f *formula) removed(form string, s *subject) bool {
	for _, c := range f.w.app.Custom {
		if c.Form != form || c.Effect != definition.Restrict || !f.concerned(c) {
			continue
		}
		o := s.outcomes[c.Name]
		if o.Fault && f.v.Kind == identity.SuperAdmin {
			continue
		}
		if o.Fault || !o.Through {
			return true
		}
	}
	return false
}

func (f *formula) concerned(c *definition.CustomRule) bool {
	if f.full() {
		return c.Effect == definition.Restrict && c.BindsAdmins
	}
	if c.Roles == nil && c.Sets == nil && c.Users == nil {
		return true
	}
	return slices.Contains(c.Roles, f.v.Role) || slices.Contains(c.Sets, "s") ||
		slices.ContainsFunc(c.Users, func(u string) bool { return f.w.app.Users[u] == f.v.User })
}

// matches knows the two criteria of the test application.
func (f *formula) matches(r *definition.Report, s *subject) bool {
	switch r.Name {
	case "bigOrders":
		return s.cell(amount, record.Integer).Int() >= 100
	case "emeaOrders":
		return string(s.cell(region, record.Text).Text()) == "EMEA"
	}
	return true
}

func (s *subject) cell(n uint32, t record.Type) record.Value {
	return s.rec.Get(&record.Field{Number: n, Type: t})
}

// has reads the rights of one report, with what they imply.
func (f *formula) has(r *definition.Report, a definition.Action) bool {
	given := f.set().Reports[r.Name]
	listed := func(a definition.Action) bool { return slices.Contains(given, a) }
	switch a {
	case view:
		return listed(view) || listed(viewAll) || listed(modifyAll)
	case viewAll:
		return listed(viewAll) || listed(modifyAll)
	case edit:
		return listed(edit) || listed(modifyAll)
	case readComm:
		return listed(readComm) || listed(writeComm)
	}
	return listed(a)
}

func (f *formula) inScope(r *definition.Report, a definition.Action, s *subject) bool {
	if !f.has(r, a) {
		return false
	}
	scope := a
	if a != edit && a != del {
		scope = view
	}
	if !f.has(r, scope) {
		return false
	}
	if scope == view && f.has(r, viewAll) || scope != view && f.has(r, modifyAll) {
		return true
	}
	if r.Form == "Line" {
		on := view
		if scope != view {
			on = edit
		}
		return s.parent != nil && f.may("Order", on, s.parent)
	}
	return f.owned(s.rec.Owner()) || f.shared(r.Form, scope, s)
}

func (f *formula) owned(owner record.ID) bool {
	if owner == f.v.User {
		return true
	}
	role := f.w.people().of[owner]
	if role != "" && role == f.v.Role && f.w.role(role).SharePeers {
		return true
	}
	return f.below(owner)
}

func (f *formula) below(owner record.ID) bool {
	if !f.w.app.Hierarchy || f.v.Role == "" {
		return false
	}
	role := f.w.people().of[owner]
	if role == "" {
		return f.v.Role == "CEO"
	}
	return role != f.v.Role && f.w.under(role, f.v.Role)
}

// under reports whether the role is top or leads up to it.
func (w *world) under(role, top string) bool {
	for ; role != ""; role = w.role(role).ReportsTo {
		if role == top {
			return true
		}
	}
	return false
}

func (f *formula) shared(form string, a definition.Action, s *subject) bool {
	level := map[definition.Action]definition.Level{view: definition.Read, edit: definition.ReadWrite, del: definition.ReadWriteDelete}[a]
	for _, r := range f.w.app.Sharing {
		if r.Form == form && r.Level >= level && f.ruleShares(r, s) {
			return true
		}
	}
	for _, c := range f.w.app.Custom {
		o := s.outcomes[c.Name]
		if c.Form == form && c.Effect == definition.Share && f.concerned(c) && !o.Fault && o.Level >= level && c.MaxLevel >= level {
			return true
		}
	}
	return false
}

func (f *formula) ruleShares(r *definition.SharingRule, s *subject) bool {
	switch r.Field {
	case "assignee":
		return s.cell(assignee, record.User).Ref() == f.v.User
	case "addedBy":
		return s.rec.Header().AddedBy == f.v.User
	}
	if !f.in(r.To, f.v.User) {
		return false
	}
	if r.Criteria == nil {
		return f.in(r.From, s.rec.Owner())
	}
	if _, ok := r.Criteria["region"]; ok {
		return string(s.cell(region, record.Text).Text()) == "EMEA"
	}
	if _, ok := r.Criteria["assignee"]; ok {
		return s.cell(assignee, record.User).Ref() != f.v.User
	}
	return true
}

func (f *formula) in(g definition.Group, user record.ID) bool {
	if g.User != "" {
		id, known := f.w.app.Users[g.User]
		return known && id == user
	}
	role := f.w.people().of[user]
	return role == g.Role || role != "" && g.Subordinates && f.w.under(role, g.Role)
}

func (f *formula) changesOwner(form string, s *subject) bool {
	if !f.may(form, edit, s) {
		return false
	}
	if f.v.Kind.Administers() || s.rec.Owner() == f.v.User {
		return true
	}
	if f.full() {
		return false
	}
	return f.below(s.rec.Owner()) || slices.ContainsFunc(f.w.app.Reports, func(r *definition.Report) bool {
		return r.Form == form && slices.Contains(f.set().Reports[r.Name], modifyAll) && f.matches(r, s)
	})
}

// TestFormula holds the compiled view to the formula on random worlds: single
// decisions, reaches, reports and the change of owners.
func TestFormula(t *testing.T) {
	yes, no := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		d := &drawing{T: rt}
		w := d.world()
		who := w.viewer(d)
		f, v := &formula{w, who}, w.as(t, who)
		for range 4 {
			for number, form := range []string{order: "Order", line: "Line"} {
				if form == "" {
					continue
				}
				s := w.line(d)
				if form == "Order" {
					s = w.order(d)
				}
				for _, a := range judged {
					want := f.may(form, a, s)
					compare(rt, v, uint32(number), a, s, want)
					if want {
						yes++
					} else {
						no++
					}
				}
				if got, want := v.MayChangeOwner(uint32(number), s), f.changesOwner(form, s); got != want {
					rt.Fatalf("%s: may change the owner: %v, want %v", form, got, want)
				}
				checkReports(rt, f, v, form, s)
			}
		}
		for _, a := range judged {
			for _, form := range []uint32{order, line, task} {
				checkSimple(rt, v.Reach(form, a), true)
			}
		}
	})
	if yes < no/20 || no < yes/20 {
		t.Errorf("%d granted and %d denied: the worlds are one-sided", yes, no)
	}
}

func compare(t *rapid.T, v *policy.View, form uint32, a definition.Action, s *subject, want bool) {
	if got := v.Decide(form, a, s); got != want {
		t.Fatalf("form %d, action %d: Decide = %v, want %v", form, a, got, want)
	}
	if got := v.Contains(v.Reach(form, a), s); got != want {
		t.Fatalf("form %d, action %d: Contains(%#v) = %v, want %v", form, a, v.Reach(form, a), got, want)
	}
}

func checkReports(t *rapid.T, f *formula, v *policy.View, form string, s *subject) {
	for _, r := range f.w.app.Reports {
		if r.Form != form {
			continue
		}
		want := f.placed() && !f.removed(form, s) && !f.hidden(form, s) && f.matches(r, s) && (f.full() || f.inScope(r, view, s))
		if got := v.Contains(v.ReportReach(r.Name), s); got != want {
			t.Fatalf("report %s: %v, want %v", r.Name, got, want)
		}
		if want && !f.may(form, view, s) {
			t.Fatalf("report %s shows what the list does not", r.Name)
		}
	}
}

// checkSimple asserts the promises that planners rely on.
func checkSimple(t *rapid.T, r policy.Reach, top bool) {
	switch m := r.(type) {
	case policy.None, policy.All:
		if !top {
			t.Fatalf("%T inside a reach", r)
		}
	case *policy.Owners:
		if len(m.Users) == 0 && !m.NoRole {
			t.Fatalf("empty Owners")
		}
		if !slices.IsSortedFunc(m.Users, func(a, b record.ID) int { return slices.Compare(a[:], b[:]) }) || len(slices.Compact(slices.Clone(m.Users))) != len(m.Users) {
			t.Fatalf("Owners are not ascending, each once")
		}
	case *policy.OfParent:
		checkSimple(t, m.Parent, true)
		if m.Parent == (policy.None{}) || m.Form != order || m.Field.Number != lineOrder {
			t.Fatalf("OfParent %+v", m)
		}
	case *policy.Minus:
		if !top {
			t.Fatalf("Minus inside a reach")
		}
		checkSimple(t, m.From, true)
		checkSimple(t, m.Take, false)
		if m.From == (policy.None{}) {
			t.Fatalf("nothing less something")
		}
	case policy.Union:
		owned := 0
		for _, r := range m {
			if _, ok := r.(policy.Union); ok {
				t.Fatalf("a union in a union")
			}
			if _, ok := r.(*policy.Owners); ok {
				owned++
			}
			checkSimple(t, r, false)
		}
		if len(m) < 2 || owned > 1 {
			t.Fatalf("a union of %d with %d Owners", len(m), owned)
		}
	case policy.Intersect:
		for _, r := range m {
			if _, ok := r.(policy.Intersect); ok {
				t.Fatalf("an intersection in an intersection")
			}
			checkSimple(t, r, false)
		}
		if len(m) < 2 {
			t.Fatalf("an intersection of %d", len(m))
		}
	case *policy.Criteria, *policy.Audience, *policy.Rule, *policy.Kept:
	default:
		t.Fatalf("unexpected %T", r)
	}
}
