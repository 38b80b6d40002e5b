package engine

import (
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
	"sluice/rules"
)

// proposalOf turns some of a world's places and modules, in the world and as a
// proposal.
func proposalOf(h *inhabited, rnd *rand.Rand) (*world.World, Proposal) {
	after := under(h.w, func(*definition.Application) {})
	otherPlaces(after, rnd)
	var p Proposal
	for i, u := range after.Users {
		was := h.w.Users[i]
		c := AssignmentChange{User: u.ID}
		switch {
		case u == was || u.Kind == was.Kind && u.Kind == identity.Nobody:
			after.Users[i] = was
			continue
		case u.Kind == identity.Nobody:
			c.Unassign = true
		default:
			c.Assign = &directory.Assignment{Kind: u.Kind, Role: u.Role, PermissionSet: u.Set}
			if u.Attributes = nil; u.Kind != identity.Developer {
				u.Attributes = was.Attributes
				c.Assign.Attributes = u.Attributes
			}
		}
		if rnd.IntN(3) == 0 {
			u.Inactive = !u.Inactive
			active := !u.Inactive
			c.Active = &active
		}
		p.Assignments = append(p.Assignments, c)
	}
	after.Modules = maps.Clone(after.Modules)
	for _, rule := range after.App.Custom {
		if rnd.IntN(2) == 0 {
			delete(after.Modules, rule.Name)
			if p.Modules == nil {
				p.Modules = map[string]string{}
			}
			p.Modules[rule.Name] = ""
		}
	}
	return after, p
}

// namesOutsiders reports whether a proposal gives a place to somebody who has none:
// a developer learns nothing of them.
func namesOutsiders(w *world.World, p Proposal) bool {
	return slices.ContainsFunc(p.Assignments, func(c AssignmentChange) bool { return w.User(c.User).Kind == identity.Nobody })
}

// TestP10_CompareIsForThoseWithTheTool puts proposals to the engine as a server does,
// as people of every kind: those who may compare get what the oracle says, and
// nobody else is told anything.
func TestP10_CompareIsForThoseWithTheTool(t *testing.T) {
	prove(t, 12, 300, func(t *testing.T, seed uint64) {
		w := world.Random(seed, world.Small)
		allBySession(w)
		h := inhabit(t, w)
		defer h.close()
		after, p := proposalOf(h, rand.New(rand.NewPCG(seed, 34)))
		for id, as := range h.as {
			var got []string
			d, err := h.e.Compare(t.Context(), as, w.App.Name, p, CompareOptions{Samples: 3, Each: func(r *DifferenceRow) error {
				got = append(got, r.text())
				return nil
			}})
			switch u := w.User(id); {
			case u.Kind == identity.Nobody:
				wantKind(t, fault.NotFound, err)
			case !fullRights(u.Kind):
				wantKind(t, fault.Forbidden, err)
			case u.Kind == identity.Developer && namesOutsiders(w, p):
				wantKind(t, fault.Invalid, err)
			case err != nil:
				t.Fatalf("seed %d: as %s: %v", seed, u.Email, err)
			default:
				want, records := byHand(w, after, u)
				if i := unequal(got, want); i >= 0 || d.Records != records {
					t.Fatalf("seed %d: as %s: %d records, by hand %d; row %d:\ngot  %v\nwant %v", seed, u.Email, d.Records, records, i, at(got, i), at(want, i))
				}
				if wrong := recount(d, want); wrong != "" {
					t.Fatalf("seed %d: as %s: %s", seed, u.Email, wrong)
				}
			}
		}
	})
}

func wantKind(t *testing.T, kind fault.Kind, err error) {
	t.Helper()
	if fault.KindOf(err) != kind {
		t.Errorf("got %v, want %v", err, kind)
	}
}

// TestP10_DifferenceTellsNothingUnseen changes data that the asker does not see: the
// difference stays, samples and progress included.
func TestP10_DifferenceTellsNothingUnseen(t *testing.T) {
	prove(t, 60, 2_000, func(t *testing.T, seed uint64) {
		before, after, what := twoWorlds(seed, world.Small)
		for _, asker := range before.Users {
			if asker.Inactive || !fullRights(asker.Kind) {
				continue
			}
			other, ok := world.Mutate(before, rand.New(rand.NewPCG(seed, 35)), asker)
			// Who else is kept from a record is known of each record that is seen.
			if !ok || !reflect.DeepEqual(other.Hides, before.Hides) || hangsBelowUnseen(before, asker) {
				continue
			}
			changed := *after
			changed.Records = other.Records
			a, b := toldOf(t, before, after, asker), toldOf(t, other, &changed, asker)
			if i := unequal(a, b); i >= 0 {
				t.Fatalf("seed %d: %s as %s: what is unseen tells:\n%s\n%s", seed, what, asker.Email, at(a, i), at(b, i))
			}
		}
	})
}

// hangsBelowUnseen reports whether somebody sees a record and not its parent: the
// reach of others over it follows from that.
func hangsBelowUnseen(w *world.World, u *oracle.User) bool {
	for _, f := range w.App.Forms {
		i := slices.IndexFunc(f.Fields, func(fd *definition.Field) bool { return f.ParentField != 0 && fd.Number == f.ParentField })
		if i < 0 {
			continue
		}
		parent := w.FormNumber(f.Fields[i].Target).Name
		for _, r := range w.Records[f.Name] {
			up := w.Find(parent, r.Cells[f.Fields[i].Name].Ref())
			if oracle.MaySee(w, u, definition.View, f.Name, r) && (up == nil || !oracle.MaySee(w, u, definition.View, parent, up)) {
				return true
			}
		}
	}
	return false
}

// toldOf is everything that a comparison tells the asker.
func toldOf(t *testing.T, before, after *world.World, asker *oracle.User) (out []string) {
	s := newStage(t, before)
	defer s.close()
	d := s.differ(asker, after, &CompareOptions{
		Samples: 3, Costs: true,
		Progress: func(done, total int) { out = append(out, strings.Repeat("+", done)+strings.Repeat("-", total-done)) },
		Each: func(r *DifferenceRow) error {
			out = append(out, r.text())
			return nil
		},
	})
	return append(out, strings.Fields(textOf(d))...)
}

// textOf is a difference as text, samples included.
func textOf(d *Difference) string {
	b, err := json.Marshal(d)
	if err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(string(b), ",", " ,")
}

// TestCompareRefuses holds a comparison to errors that say what is wrong, and to
// ending with the right to compare.
func TestCompareRefuses(t *testing.T) {
	f := newFirm(t, role("Rep", "CEO"))
	f.hire("ann", "Rep")
	ctx, boss := t.Context(), f.as["boss"]
	for name, p := range map[string]Proposal{
		"version: application crm has no such version":           {Version: 7},
		"version: expected either a document or a version":       {Version: 1, Source: firmSource("")},
		"rule: application crm has no custom rule \"gift\"":      {Modules: map[string]string{"gift": ""}},
		"user: no such user":                                     {Assignments: []AssignmentChange{{User: record.ID{1}}}},
		"assignment: expected either a place or none":            {Assignments: []AssignmentChange{{User: f.id["ann"], Unassign: true, Assign: &directory.Assignment{}}}},
		"user: an organization keeps its super admin":            {Assignments: []AssignmentChange{{User: f.id["boss"], Active: new(bool)}}},
		"role: \"Nobody\" is not a role of application crm":      {Assignments: []AssignmentChange{{User: f.id["ann"], Assign: &directory.Assignment{Kind: identity.Live, Role: "Nobody"}}}},
		"source: expected a document of application crm":         {Source: []byte(strings.Replace(string(firmSource("")), "crm", "other", 1))},
		"user: admins have every application and hold neither r": {Assignments: []AssignmentChange{{User: f.id["boss"], Unassign: true}}},
	} {
		_, err := f.e.Compare(ctx, boss, "crm", p, CompareOptions{})
		if fault.KindOf(err) != fault.Invalid || !strings.HasPrefix(fault.Message(err), name) {
			t.Errorf("got %v, want %s", err, name)
		}
	}
	if d, err := f.e.Compare(ctx, boss, "crm", Proposal{Source: []byte("application: crm\nforms: 3\n")}, CompareOptions{}); err != nil || len(d.Faults) == 0 {
		t.Errorf("a document with faults: %+v, %v", d, err)
	}
	if d, err := f.e.Compare(ctx, boss, "crm", Proposal{}, CompareOptions{}); err != nil || !d.Empty() || d.People != 2 || d.Data == 0 {
		t.Errorf("no change: %+v, %v", d, err)
	}
	again := errors.New("no more")
	f.deals("ann", 1)
	_, err := f.e.Compare(ctx, boss, "crm", Proposal{Assignments: []AssignmentChange{{User: f.id["ann"], Unassign: true}}}, CompareOptions{
		Each: func(*DifferenceRow) error { return again },
	})
	if !errors.Is(err, again) {
		t.Errorf("got %v, want the error of Each", err)
	}
	_, err = f.e.Compare(ctx, boss, "crm", Proposal{}, CompareOptions{Progress: func(done, _ int) {
		if done == 0 {
			must(t, f.d.RevokeCredentials(ctx, boss, f.id["boss"]))
		}
	}})
	wantKind(t, fault.Unauthenticated, err)
}

// TestP10_DifferenceAsksOfOtherFormulas: a rule that reads a formula is asked anew
// where the other side computes it otherwise.
func TestP10_DifferenceAsksOfOtherFormulas(t *testing.T) {
	const field = "{name: note, type: text}"
	cheap := func(expression string) []string {
		return []string{field, field + "\n      - {name: worth, type: formula, expression: \"amount * 1\"}\n" +
			"      - {name: cheap, type: formula, expression: \"" + expression + "\"}"}
	}
	h := newHouse(t)
	h.define(false, cheap("worth < 10")...)
	h.fill("embargo", rules.Manifest{Effect: rules.Restrict, Record: []rules.Column{{Name: "cheap", Type: record.Boolean}}}, func(_, row []record.Value) rules.Verdict {
		return rules.Verdict{Grant: flag(row[0].Bool())}
	})
	h.add("rex", "Deal", cell{"title": "a", "amount": 50})
	for name, other := range map[string][]string{
		"itself":            cheap("worth < 100"),
		"one that it reads": append(cheap("worth < 10"), "amount * 1", "amount / 10"),
	} {
		source := h.source(other...)
		d, err := h.e.Compare(t.Context(), h.as["admin"], "crm", Proposal{Source: source}, CompareOptions{})
		must(t, err)
		if len(d.Faults) > 0 || len(d.Forms) != 1 || len(d.Forms[0].Actions) == 0 || d.Forms[0].Actions[0].Gained.Pairs != 1 {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// TestP10_StaticRightsNameFieldsOnce: a person who gets a place gains each field of
// a form once, system fields among them.
func TestP10_StaticRightsNameFieldsOnce(t *testing.T) {
	h := newHouse(t)
	d, err := h.e.Compare(t.Context(), h.as["admin"], "crm", Proposal{Assignments: []AssignmentChange{{
		User: h.id["nobody"], Assign: &directory.Assignment{Kind: identity.Live, Role: "Rep", PermissionSet: "Half"},
	}}}, CompareOptions{})
	must(t, err)
	if len(d.Shapes) != 1 || len(d.Shapes[0].Gained.Forms) != 1 {
		t.Fatalf("%+v", d.Shapes)
	}
	got := d.Shapes[0].Gained.Forms[0].Visible
	if want := []string{"id", "version", "addedTime", "modifiedBy", "modifiedTime", "title", "rep"}; !slices.Equal(got, want) {
		t.Errorf("gains %v, want %v", got, want)
	}
}
