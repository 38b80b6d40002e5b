package engine

import (
	"encoding/json"
	"slices"
	"testing"

	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// viewAs opens an operation of who as another person.
func (h *house) viewAs(who, target string) *Op {
	h.t.Helper()
	op, err := h.e.ViewAs(h.t.Context(), h.as[who], "crm", h.id[target], nil)
	must(h.t, err)
	h.t.Cleanup(op.Close)
	return op
}

// looks are those that were written down, the oldest first.
func (h *house) looks() (out []Look) {
	h.t.Helper()
	snap, err := h.e.o.Store.Tenant(h.tenant).Snapshot()
	must(h.t, err)
	defer snap.Close()
	c := snap.Docs(spaceLook, "crm/")
	defer c.Close()
	for c.Next() {
		var l Look
		must(h.t, json.Unmarshal(c.Value(), &l))
		out = append(out, l)
	}
	must(h.t, c.Err())
	return out
}

// embargoed is a house where an embargo of shut deals binds admins, and not the
// rep, who has an open deal and a shut one.
func embargoed(t *testing.T) (h *house, open, shut record.ID) {
	t.Helper()
	h = newHouse(t)
	open = h.add("rep", "Deal", cell{"title": "a", "stage": "open"})
	shut = h.add("rep", "Deal", cell{"title": "b", "stage": "shut"})
	h.define(false, embargoOfRex, embargoOfAll)
	h.embargo(onlyOpen)
	return h, open, shut
}

// TestP10_WhoMayViewAsWhom: admins and developers may, of people who are in the
// application and no admins; of who may not, that they were refused is.
func TestP10_WhoMayViewAsWhom(t *testing.T) {
	h, _, _ := embargoed(t)
	h.hire("away", false)
	h.place("away", "Rep", "Sales")
	must(t, h.d.SetActive(t.Context(), h.as["admin"], h.id["away"], false))
	h.hire("coder", false)
	h.hire("intern", false) // a developer without the tool
	must(t, h.d.Assign(t.Context(), h.as["admin"], directory.Assignment{User: h.id["intern"], Application: "crm", Kind: identity.Developer, Tools: identity.AllTools.Without(identity.ToolSetOf(identity.ViewAs))}, nil))
	h.as["program"] = signIn(t, h.d, h.tenant, h.id["admin"], identity.PersonalToken)
	h.id["stranger"] = record.ID{1}
	for _, c := range []struct {
		who, target string
		want        fault.Kind
	}{
		{"rep", "rep2", fault.Forbidden}, {"rep", "admin", fault.Forbidden}, {"rep", "stranger", fault.Forbidden}, {"chief", "rep", fault.Forbidden},
		{"intern", "rep", fault.Forbidden}, {"program", "rep", fault.Forbidden}, {"nobody", "rep", fault.NotFound}, {"coder", "rep", fault.NotFound},
		{"admin", "stranger", fault.NotFound}, {"admin", "away", fault.NotFound}, {"dev", "nobody", fault.NotFound}, {"super", "coder", fault.NotFound},
		{"super", "admin", fault.Forbidden}, {"admin", "super", fault.Forbidden}, {"dev", "admin", fault.Forbidden}, {"admin", "admin", fault.Forbidden},
	} {
		op, err := h.e.ViewAs(t.Context(), h.as[c.who], "crm", h.id[c.target], nil)
		if err == nil || fault.KindOf(err) != c.want || op != nil {
			t.Errorf("%s as %s: %v, %v", c.who, c.target, op, err)
		}
	}
	for _, l := range h.looks() {
		if !l.Refused {
			t.Errorf("written down: %+v", l)
		}
	}
	for _, who := range []string{"super", "admin", "dev"} {
		for _, target := range []string{"rep", "chief", "dev"} {
			op := h.viewAs(who, target)
			if asker, ok := op.Asker(); !ok || asker.User != h.id[who] || op.View().Viewer().User != h.id[target] {
				t.Errorf("%s as %s: %+v", who, target, asker)
			}
		}
	}
	h.read("rep", func(op *Op) {
		if _, ok := op.Asker(); ok {
			t.Error("somebody looks through the eyes of who reads for themselves")
		}
	})
}

// TestP10_ViewAsIsWrittenDown: each look once, with who and whom, and with what the
// caller says of it.
func TestP10_ViewAsIsWrittenDown(t *testing.T) {
	h, _, _ := embargoed(t)
	op, err := h.e.ViewAs(t.Context(), h.as["dev"], "crm", h.id["rep"], json.RawMessage(`{"operation":"Deals"}`))
	must(t, err)
	defer op.Close()
	if n := len(h.listed(op, "Deal", nil)); n != 1 {
		t.Errorf("%d deals", n)
	}
	got := h.looks()
	if len(got) != 1 || got[0].User != h.id["dev"] || got[0].Target != h.id["rep"] || got[0].Tool != identity.ViewAs || string(got[0].Detail) != `{"operation":"Deals"}` {
		t.Errorf("written down: %+v", got)
	}
}

// TestP10_ViewAsWritesNothing: whatever the target may do.
func TestP10_ViewAsWritesNothing(t *testing.T) {
	h, open, _ := embargoed(t)
	op := h.viewAs("admin", "rep")
	number, in := h.form("Deal").Number, h.input("Deal", cell{"title": "x"})
	_, made := op.Create(number, in)
	for name, err := range map[string]error{"create": made, "update": op.Update(number, open, in, 0), "delete": op.Delete(number, open, 0)} {
		if err == nil {
			t.Errorf("%s is done", name)
		}
	}
	if _, err := op.MarkRead([]record.ID{{1}}); err == nil {
		t.Error("a notification is read for somebody else")
	}
	if _, err := op.within(h.id["rep2"]); err == nil {
		t.Error("somebody looks through two pairs of eyes")
	}
}

// TestP10_CursorsFitNoOtherEyes: one list, four ways to read it, and no cursor of
// one is one of another's.
func TestP10_CursorsFitNoOtherEyes(t *testing.T) {
	h := newHouse(t)
	for range 3 {
		h.add("rep", "Deal", cell{"title": "a", "stage": "open"})
	}
	ops := []*Op{h.viewAs("admin", "rep"), h.viewAs("super", "rep"), h.viewAs("admin", "dev")}
	for _, who := range []string{"rep", "admin", "dev"} {
		op, err := h.e.Read(t.Context(), h.as[who], "crm")
		must(t, err)
		defer op.Close()
		ops = append(ops, op)
	}
	q := List{Form: h.form("Deal").Number, First: 1}
	for i, op := range ops {
		page, err := op.List(q)
		must(t, err)
		notices, err := op.newPart(Part{}, []byte("inbox"))
		must(t, err)
		for j, other := range ops {
			next := q
			next.After = page.Cursor(0)
			if _, err := other.List(next); (err == nil) != (i == j) {
				t.Errorf("a cursor of %d for %d: %v", i, j, err)
			}
			if _, err := other.newPart(Part{After: notices.cursor(record.ID{1})}, []byte("inbox")); (err == nil) != (i == j) {
				t.Errorf("a part's cursor of %d for %d: %v", i, j, err)
			}
		}
	}
}

// TestP10_AskersRulesAreJudgedAsTheAsker: a rule that binds admins and tells
// people apart takes from the asker by what the asker is.
func TestP10_AskersRulesAreJudgedAsTheAsker(t *testing.T) {
	h, open, shut := embargoed(t)
	for _, who := range []string{"super", "admin", "dev"} {
		op := h.viewAs(who, "rep")
		if got := h.listed(op, "Deal", nil); !slices.Equal(got, []record.ID{open}) {
			t.Errorf("%s as rep lists %v", who, got)
		}
		if _, ok, err := op.Get(h.form("Deal").Number, shut); ok || err != nil {
			t.Errorf("%s as rep gets what the embargo keeps from admins: %v", who, err)
		}
	}
	h.embargo(trapOnShut) // spares the super admin, and the rep is none of those it binds
	for who, want := range map[string]int{"super": 2, "admin": 1, "dev": 1} {
		if got := h.listed(h.viewAs(who, "rep"), "Deal", nil); len(got) != want {
			t.Errorf("%s as rep lists %v, want %d", who, got, want)
		}
	}
}

// TestP10_NotificationsOfAnother: what the target is told of records that the asker
// does not see is neither listed nor counted.
func TestP10_NotificationsOfAnother(t *testing.T) {
	h := talking(t)
	deals := map[string]record.ID{}
	for _, stage := range []string{"open", "shut"} {
		deals[stage] = h.add("rep", "Deal", cell{"title": stage, "stage": stage})
		_, err := h.comment("manager", "Deal", deals[stage], "look at this", "rep")
		must(t, err)
	}
	h.grant(embargoOfRex, embargoOfAll)
	h.embargo(onlyOpen)
	if got := h.inbox("rep", true); len(got) != 2 {
		t.Fatalf("the rep is told of %d", len(got))
	}
	op := h.viewAs("admin", "rep")
	page, err := op.Notifications(Part{First: 10, Total: true}, false)
	must(t, err)
	if page.Total != 1 || len(page.Notifications) != 1 || page.Notifications[0].Record != deals["open"] {
		t.Errorf("notifications: %+v", page)
	}
	for stage, want := range map[string]bool{"open": true, "shut": false} {
		pages, err := op.Comments(h.form("Deal").Number, []record.ID{deals[stage]}, Part{First: 5})
		must(t, err)
		past, err := op.History(h.form("Deal").Number, []record.ID{deals[stage]}, Part{First: 5}, false)
		must(t, err)
		if (pages[0] != nil) != want || (past[0] != nil) != want {
			t.Errorf("%s: comments %v, history %v", stage, pages[0], past[0])
		}
	}
}

// TestP10_ChildrenOfWhatTheAskerDoesNotSee: a record that both see is shown, also
// where it belongs to one that the asker does not see.
func TestP10_ChildrenOfWhatTheAskerDoesNotSee(t *testing.T) {
	h, _, shut := embargoed(t)
	line := h.add("rep", "Line", cell{"deal": shut, "product": "x"})
	for _, who := range []string{"super", "admin", "dev"} {
		if !h.sees(who, "Line", line) || h.sees(who, "Deal", shut) {
			t.Fatalf("%s sees the line %v, the deal %v", who, h.sees(who, "Line", line), h.sees(who, "Deal", shut))
		}
		op := h.viewAs(who, "rep")
		_, got, err := op.Get(h.form("Line").Number, line)
		must(t, err)
		if listed := h.listed(op, "Line", nil); !got || !slices.Equal(listed, []record.ID{line}) {
			t.Errorf("%s as rep gets the line %v, lists %v", who, got, listed)
		}
	}
}
