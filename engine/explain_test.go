package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

// explain asks about a deal in the house.
func (h *house) explain(who, user string, id record.ID) (*AccessExplanation, error) {
	return h.e.ExplainAccess(h.t.Context(), h.as[who], "crm", Explain{User: h.id[user], Form: "Deal", Record: id})
}

func (x *AccessExplanation) action(name string) ExplainedAction {
	for _, a := range x.Actions {
		if a.Action == name {
			return a
		}
	}
	return ExplainedAction{}
}

// step returns the step of a kind and name, zero for none.
func (a ExplainedAction) step(kind, name string) ExplainedStep {
	for _, s := range a.Steps {
		if s.Kind == kind && s.Name == name {
			return s
		}
	}
	return ExplainedStep{}
}

// TestP10_ReasonsOfModules: what a module answered is told with its reason and
// version, to who may ask about others.
func TestP10_ReasonsOfModules(t *testing.T) {
	h := newHouse(t)
	deal := h.add("rep", "Deal", cell{"title": "big"})
	without := func(who, rule, kind string) {
		t.Helper()
		x, err := h.explain("dev", who, deal)
		must(t, err)
		s := x.action("VIEW").step(kind, rule)
		if s.Statement != "H4" || s.Module != "" || !strings.Contains(s.Text, "no module is active") || x.action("VIEW").Allowed {
			t.Errorf("%s without a module: %+v", rule, s)
		}
	}
	without("gil", "gift", "SHARE_MODULE")
	without("rex", "embargo", "RESTRICT_MODULE")
	title := []rules.Column{{Name: "title", Type: record.Text}}
	reasons := []string{"it is a gift", "too big"}
	gift := func(level, reason uint8) func([]record.Value, []record.Value) rules.Verdict {
		return func([]record.Value, []record.Value) rules.Verdict { return rules.Verdict{Grant: level, Reason: reason} }
	}
	for _, c := range []struct {
		rule, who, action string
		m                 rules.Manifest
		grant, reason     uint8
		outcome, text     string
	}{
		{"gift", "gil", "VIEW", rules.Manifest{Effect: rules.Share, Grant: 1, Record: title, Reasons: reasons}, 0, 2, "REFUSES", `custom rule "gift" gave nothing: reason 2 (too big)`},
		{"gift", "gil", "VIEW", rules.Manifest{Effect: rules.Share, Grant: 1, Record: title, Reasons: reasons}, 1, 1, "GRANTS", `custom rule "gift" shares the record with them (READ): reason 1 (it is a gift)`},
		{"gift", "gil", "EDIT", rules.Manifest{Effect: rules.Share, Grant: 1, Record: title}, 1, 0, "REFUSES", `custom rule "gift" may share with READ at most, and READ_WRITE is needed`},
		{"embargo", "rex", "VIEW", rules.Manifest{Effect: rules.Restrict, Record: title, Reasons: reasons}, 0, 2, "REMOVES", `custom rule "embargo" keeps the record from them: reason 2 (too big)`},
		{"embargo", "rex", "VIEW", rules.Manifest{Effect: rules.Restrict, Record: title, Reasons: reasons}, 1, 0, "PASSES", `custom rule "embargo" lets the record through`},
		{"gift", "mia", "VIEW", rules.Manifest{Effect: rules.Share, Grant: 1, Record: title, Reasons: []string{"other"}}, 1, 1, "NOT_ASKED", `custom rule "gift" does not concern them`},
	} {
		h.fill(c.rule, c.m, gift(c.grant, c.reason))
		x, err := h.explain("admin", c.who, deal)
		must(t, err)
		a := x.action(c.action)
		kind := "SHARE_MODULE"
		if c.m.Effect == rules.Restrict {
			kind = "RESTRICT_MODULE"
		}
		s := a.step(kind, c.rule)
		answered := c.outcome != "NOT_ASKED" && c.action == "VIEW"
		if s.Outcome != c.outcome || s.Text != c.text || (len(s.Module) == 64) != answered || answered && s.Reason != int(c.reason) {
			t.Errorf("%s for %s: %+v", c.rule, c.who, s)
		}
		if own, err := h.explain(c.who, c.who, deal); err == nil {
			for _, a := range own.Actions {
				for _, s := range a.Steps {
					if s.Module != "" || strings.Contains(s.Text, c.rule) || strings.Contains(s.Text, "gift") || s.Reason != 0 {
						t.Errorf("%s is told of a rule: %+v", c.who, s)
					}
				}
			}
		}
	}
}

// TestP10_NearestGrants: what is missing is told by name, what takes a record
// away before it.
func TestP10_NearestGrants(t *testing.T) {
	h := newHouse(t)
	deal := h.add("rep", "Deal", cell{"title": "big", "stage": "open"})
	needs := func(who, action string) (out []string) {
		x, err := h.explain("admin", who, deal)
		must(t, err)
		for _, m := range x.action(action).Missing {
			var ways []string
			for _, n := range m.AnyOf {
				ways = append(ways, n.Statement+" "+n.Text)
			}
			out = append(out, strings.Join(ways, " | "))
		}
		return out
	}
	for _, c := range []struct {
		who, action string
		want        []string
	}{
		{"rep2", "VIEW", []string{`E2 somebody else owns the record | C3 the owner's role "Rep" is not below their role "Rep" | C5 their role "Rep" does not share records among its holders | B6 they need VIEW_ALL on report deals | B6 they need VIEW_ALL on report openDeals`}},
		{"viewer", "EDIT", []string{`B6 they need EDIT on report deals | B6 they need VIEW and EDIT on report openDeals`}},
		{"mia", "DELETE", []string{`E2 somebody else owns the record | C3 the owner's role "Rep" is not below their role "Clerk" | C5 their role "Clerk" does not share records among its holders | F1 sharing rule "to mia" shares the record with them, but with READ_WRITE only, and READ_WRITE_DELETE is needed | F1 sharing rule "managers to clerks" shares records of other owners | B6 they need MODIFY_ALL on report deals | B6 they need DELETE and MODIFY_ALL on report openDeals`}},
		{"rex", "VIEW", []string{`H4 custom rule "embargo" failed as no module is active, which counts against access`}},
		{"rep", "EXPORT", []string{`B6 they need EXPORT on report deals | B6 they need EXPORT on report openDeals`}},
		{"manager", "VIEW", nil},
	} {
		if got := needs(c.who, c.action); strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s %s:\n%s\nwant\n%s", c.who, c.action, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// TestP10_ExplainTakesTheTool: an admin from whom it is withheld has the short
// form about themselves, and nothing about others.
func TestP10_ExplainTakesTheTool(t *testing.T) {
	h := newHouse(t)
	deal := h.add("rep", "Deal", cell{"title": "x"})
	count := func() (n int) {
		for _, l := range h.looks() {
			if !l.Refused {
				n++
			}
		}
		return n
	}
	if _, err := h.explain("rep", "rep", deal); err != nil || count() != 0 {
		t.Errorf("about oneself: %v, %d looks", err, count())
	}
	if _, err := h.explain("rep", "rep2", deal); fault.KindOf(err) != fault.Forbidden || count() != 0 {
		t.Errorf("about another: %v, %d looks", err, count())
	}
	if x, err := h.explain("dev", "rep", deal); err != nil || x.Redacted || count() != 1 {
		t.Errorf("with the tool: %v, %d looks", err, count())
	}
	if x, err := h.explain("dev", "dev", deal); err != nil || x.Redacted || count() != 2 {
		t.Errorf("with the tool about oneself: %v, %d looks", err, count())
	}
	if _, err := h.explain("dev", "rep", numbered(9, 9)); fault.KindOf(err) != fault.NotFound || count() != 3 {
		t.Errorf("about no record: %v, %d looks", err, count())
	}
	if _, err := h.explain("dev", "nobody", deal); fault.KindOf(err) != fault.NotFound {
		t.Errorf("about somebody without a place: %v", err)
	}
	if _, err := h.explain("nobody", "nobody", deal); fault.KindOf(err) != fault.NotFound {
		t.Errorf("by somebody without a place: %v", err)
	}
	for _, who := range []string{"admin", "super"} { // which of them it is only the directory says
		if x, err := h.explain("dev", who, deal); err != nil || x.Kind != identity.Admin {
			t.Errorf("about %s: %+v, %v", who, x, err)
		}
	}
}

// TestP10_ExplainCost: what an explanation touches does not follow what is stored.
func TestP10_ExplainCost(t *testing.T) {
	var costs []int
	for _, total := range []int{1_000, 10_000} {
		c := newCrowd(t, newMemory(t), total, 5)
		for _, who := range []string{"manager", "aided", "gifted", "rep3"} {
			cost := c.spent(who, func(op *Op) {
				for _, id := range []record.ID{numbered(3, 0), numbered(3, uint64(total-1))} {
					c.tell(op, id)
				}
			})
			if cost.Cursors > 0 || cost.Keys > 0 || cost.Gets != 2 {
				t.Errorf("%d records: two explanations for %s cost %+v", total, who, cost)
			}
			costs = append(costs, cost.Gets)
		}
	}
	if len(costs) != 8 {
		t.Errorf("%d were measured", len(costs))
	}
}

// tell explains a record to whoever it is about.
func (c *crowd) tell(op *Op, id record.ID) AccessExplanation {
	c.tb.Helper()
	var out AccessExplanation
	f := c.app.forms[c.form.Number]
	rec, ok := op.raw(f, id)
	if !ok {
		c.tb.Fatal("no such record")
	}
	teller{asker: op, target: op, you: true}.tell(&out, &subject{op: op, form: f, rec: rec})
	must(c.tb, op.failed())
	return out
}

// BenchmarkExplain explains one of 100,000 records: what a manager, one whom a
// criteria rule shares with and one whom a module is asked about are told, and a
// whole question of the head of the firm, which is written down, about a manager
// over 500 people.
func BenchmarkExplain(b *testing.B) {
	c := newCrowd(b, newMemory(b), 100_000, 31)
	for _, who := range []string{"manager", "aided", "gifted"} {
		b.Run("told/"+who, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				op := c.op(c.user[who])
				c.tell(op, numbered(3, uint64(i%100_000)))
				op.Close()
			}
		})
	}
	f := newFirm(b, regions)
	f.hire("east", "East")
	for i := range 500 {
		f.hire(fmt.Sprintf("rep%d", i), "East rep")
	}
	f.deals("rep7", 100_000)
	b.Run("asked", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			x, err := f.e.ExplainAccess(b.Context(), f.as["boss"], "crm", Explain{User: f.id["east"], Form: "Deal", Record: dealID("rep7", i%100_000)})
			if err != nil || !x.Actions[0].Allowed {
				b.Fatal(x, err)
			}
		}
	})
}

// TestP10_ExplainLeavesUnseenParentsOut: of a record whose parent the asker does not
// see the decision is told, and nothing of the parent.
func TestP10_ExplainLeavesUnseenParentsOut(t *testing.T) {
	h, open, shut := embargoed(t)
	for deal, want := range map[record.ID]int{open: 1, shut: 0} {
		line := h.add("rep", "Line", cell{"deal": deal, "product": "x"})
		for _, who := range []string{"super", "admin", "dev"} {
			x, err := h.e.ExplainAccess(t.Context(), h.as[who], "crm", Explain{User: h.id["rep"], Form: "Line", Record: line})
			must(t, err)
			if a := x.action("VIEW"); !a.Allowed || len(a.Parents) != want || want == 1 && a.Parents[0].Record != open {
				t.Errorf("%s: allowed %v, %d parents, want %d", who, a.Allowed, len(a.Parents), want)
			}
			if b, err := json.Marshal(x); err != nil || bytes.Contains(b, []byte(shut.String())) {
				t.Errorf("%s is told of the deal, %v", who, err)
			}
		}
	}
}

// TestH5_ExplainedCoveredCellsReadAsEmpty: to somebody who asks about themselves a
// cell that a mask covers is explained as an empty one is, but for that they may not
// write it; the tool names the mask.
func TestH5_ExplainedCoveredCellsReadAsEmpty(t *testing.T) {
	h := newHouse(t)
	h.cover()
	covered := h.add("rep", "Deal", cell{"title": "a", "stage": "shut", "amount": 7})
	empty := h.add("rep", "Deal", cell{"title": "a", "stage": "open"})
	amount := func(asker string, id record.ID) ExplainedField {
		x, err := h.explain(asker, "mia", id)
		must(t, err)
		for _, f := range x.Fields {
			if f.Field == "amount" {
				return f
			}
		}
		t.Fatalf("%s is told nothing of the amount", asker)
		return ExplainedField{}
	}
	was, is := amount("mia", empty), amount("mia", covered)
	if !was.Readable || !was.Writable || !is.Readable || len(is.Read)+len(was.Read) > 0 || is.Writable {
		t.Errorf("empty %+v, covered %+v", was, is)
	}
	if b, err := json.Marshal(is); err != nil || bytes.Contains(b, []byte("cover")) {
		t.Errorf("the mask shows: %s, %v", b, err)
	}
	if full := amount("admin", covered); full.Readable || len(full.Read) == 0 {
		t.Errorf("with the tool: %+v", full)
	}
}

// TestP10_SparedByAFault: of whom a failing rule takes nothing is told without
// saying what they are.
func TestP10_SparedByAFault(t *testing.T) {
	h := newHouse(t)
	shut := h.add("rep", "Deal", cell{"title": "b", "stage": "shut"})
	h.define(false, embargoOfRex, embargoOfAll)
	h.embargo(trapOnShut)
	x, err := h.explain("super", "super", shut)
	must(t, err)
	s := x.action("VIEW").step("RESTRICT_MODULE", "embargo")
	if want := `custom rule "embargo" failed by a trap; a failing rule takes nothing from this person`; s.Text != want {
		t.Errorf("%q, want %q", s.Text, want)
	}
}

// TestP10_HiddenParentsReadAsAbsent: what is told of a record whose parent the asker
// does not see is, but for what was decided, what is told of one without a parent.
func TestP10_HiddenParentsReadAsAbsent(t *testing.T) {
	h, open, shut := embargoed(t)
	for deal, veiled := range map[record.ID]bool{shut: true, open: false} {
		line := h.add("rep", "Line", cell{"deal": deal, "product": "x"})
		for _, who := range []string{"super", "admin", "dev"} {
			for _, target := range []string{"rep", "rep2", "manager", "viewer"} {
				is, gone := h.tellsOfLine(who, target, line, record.ID{}), h.tellsOfLine(who, target, line, deal)
				differs := false
				for i := range is {
					differs = differs || !sameButDecided(&is[i], &gone[i], is[0].Allowed == gone[0].Allowed)
				}
				if differs == veiled {
					t.Errorf("%s about %s: veiled %v\n%+v\nwithout a parent\n%+v", who, target, veiled, is, gone)
				}
			}
		}
		x, err := h.e.ExplainAccess(t.Context(), h.as["dev"], "crm", Explain{User: h.id["rep"], Form: "Line", Record: line})
		must(t, err)
		view := x.action("VIEW")
		if want := "through the record that it belongs to, which you may not see"; !view.Allowed || (view.Because == want) != veiled {
			t.Errorf("veiled %v: %+v", veiled, view)
		}
	}
}

// tellsOfLine explains a line as if a deal were not there.
func (h *house) tellsOfLine(who, target string, line, without record.ID) (out []ExplainedAction) {
	h.t.Helper()
	h.read(who, func(op *Op) {
		other, err := op.whoIsExplained(h.id[target])
		must(h.t, err)
		f := other.app.forms[h.form("Line").Number]
		rec, _ := other.raw(f, line)
		for _, o := range []*Op{op, other} {
			o.seen[recordKey{h.form("Deal").Number, without}] = seenRecord{}
		}
		var x AccessExplanation
		teller{asker: op, target: other}.tell(&x, &subject{op: other, form: f, rec: rec})
		must(h.t, op.failed())
		must(h.t, other.failed())
		out = x.Actions
	})
	return out
}

// sameButDecided compares what is told of an action, but for whether it, VIEW and
// EDIT are given.
func sameButDecided(a, b *ExplainedAction, sameView bool) bool {
	steps := func(in []ExplainedStep) (out []ExplainedStep) {
		for _, s := range in {
			if s.Kind != "VIEW" && s.Kind != "EDIT" {
				out = append(out, s)
			}
		}
		return out
	}
	same := slices.Equal(steps(a.Steps), steps(b.Steps)) && len(a.Parents) == len(b.Parents)
	if a.Allowed == b.Allowed && a.Action != "CHANGE_OWNER" {
		same = same && reflect.DeepEqual(a.Missing, b.Missing) && (!sameView || a.Because == b.Because)
	}
	return same
}
