package engine

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// lookHouse is a house with a clock that goes on with each look at it, and a
// second admin, who may hide.
func lookHouse(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	h.hire("boss", true)
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	h.e.o.Now = func() time.Time { now = now.Add(time.Second); return now }
	return h
}

func (h *house) look(who string, l Look) error {
	l.Application = "crm"
	return h.e.note(h.t.Context(), h.as[who], l)
}

// looksOf reads a page of looks; the test ends where that is refused.
func (h *house) looksOf(who string, q LookQuery) LookPage {
	h.t.Helper()
	page, err := h.tryLooksOf(who, q)
	must(h.t, err)
	return page
}

func (h *house) tryLooksOf(who string, q LookQuery) (LookPage, error) {
	q.Application = "crm"
	if q.First == 0 {
		q.First = MaxLooks
	}
	return h.e.Looks(h.t.Context(), h.as[who], q)
}

func lookedAt(h *house, looks []Look) (out []string) {
	for _, l := range looks {
		for name, id := range h.id {
			if id == l.Target {
				out = append(out, name)
			}
		}
	}
	return out
}

// TestP10_EveryToolIsARight: a look takes the tool that it is made with, of
// developers and admins; a right that ends counts at once.
func TestP10_EveryToolIsARight(t *testing.T) {
	h := lookHouse(t)
	ctx := t.Context()
	h.hire("coder", false)
	place := directory.Assignment{User: h.id["coder"], Application: "crm", Kind: identity.Developer}
	must(t, h.d.Assign(ctx, h.as["admin"], place, nil))
	may := func(who string) (out identity.ToolSet) {
		for _, tool := range identity.Tools() {
			err := h.look(who, Look{Tool: tool, Target: h.id["rep"]})
			if err == nil {
				out = out.With(identity.ToolSetOf(tool))
			} else {
				denied(t, err, fault.Forbidden)
			}
		}
		return out
	}
	holds := func(who string, want identity.ToolSet) {
		t.Helper()
		if got := may(who); got != want {
			t.Errorf("%s holds %v, want %v", who, got.List(), want.List())
		}
	}
	for who, want := range map[string]identity.ToolSet{"super": identity.AllTools, "admin": identity.AllTools, "dev": identity.AllTools, "coder": 0, "rep": 0, "chief": 0, "all": 0} {
		holds(who, want)
	}
	for _, tool := range identity.Tools() {
		one := identity.ToolSetOf(tool)
		must(t, h.d.GrantTools(ctx, h.as["admin"], "crm", h.id["coder"], one, nil))
		holds("coder", one)
		must(t, h.d.RevokeTools(ctx, h.as["admin"], "crm", h.id["coder"], one, nil))
		must(t, h.d.RevokeTools(ctx, h.as["super"], "crm", h.id["admin"], one, nil))
		holds("admin", identity.AllTools.Without(one))
		must(t, h.d.GrantTools(ctx, h.as["super"], "crm", h.id["admin"], one, nil))
	}
	holds("coder", 0)
	holds("admin", identity.AllTools)
}

// TestP10_EveryLookIsReadNewestFirst: by who looked, at whom, with what, in pages
// from both ends.
func TestP10_EveryLookIsReadNewestFirst(t *testing.T) {
	h := lookHouse(t)
	for _, l := range []struct {
		who, target string
		tool        identity.Tool
	}{
		{"admin", "rep", identity.ViewAs}, {"dev", "rep", identity.Explain}, {"admin", "clerk", identity.Explain},
		{"boss", "rep", identity.ViewAs}, {"dev", "mia", identity.Explain},
	} {
		must(t, h.look(l.who, Look{Tool: l.tool, Target: h.id[l.target]}))
	}
	must(t, h.look("dev", Look{Tool: identity.Compare}))
	for _, c := range []struct {
		q    LookQuery
		want string
	}{
		{LookQuery{}, "[mia rep clerk rep rep]"},
		{LookQuery{Tool: identity.ViewAs}, "[rep rep]"},
		{LookQuery{User: h.id["dev"]}, "[mia rep]"},
		{LookQuery{User: h.id["dev"], Tool: identity.Compare}, "[]"},
		{LookQuery{Target: h.id["rep"]}, "[rep rep rep]"},
		{LookQuery{Target: h.id["rep"], Tool: identity.Explain}, "[rep]"},
		{LookQuery{Target: h.id["rep"], User: h.id["boss"]}, "[rep]"},
		{LookQuery{Target: h.id["chief"]}, "[]"},
	} {
		if got := fmt.Sprint(lookedAt(h, h.looksOf("super", c.q).Looks)); got != c.want {
			t.Errorf("%+v: %s, want %s", c.q, got, c.want)
		}
	}
	all := h.looksOf("admin", LookQuery{})
	if len(all.Looks) != 6 || all.Newer || all.Older || all.Looks[0].Tool != identity.Compare || !all.Looks[0].Time.After(all.Looks[1].Time) {
		t.Errorf("%+v", all)
	}
	var forward, backward []Look
	for page, cursor := (LookPage{Older: true}), ""; page.Older; cursor = forward[len(forward)-1].ID {
		page = h.looksOf("admin", LookQuery{First: 2, Cursor: cursor})
		if forward = append(forward, page.Looks...); page.Newer != (cursor != "") {
			t.Errorf("behind %q: %+v", cursor, page)
		}
	}
	for page, cursor := (LookPage{Newer: true}), ""; page.Newer; cursor = backward[0].ID {
		page = h.looksOf("admin", LookQuery{First: 4, Cursor: cursor, Backward: true})
		if backward = append(slices.Clone(page.Looks), backward...); page.Older != (cursor != "") {
			t.Errorf("before %q: %+v", cursor, page)
		}
	}
	if want := fmt.Sprint(all.Looks); fmt.Sprint(forward) != want || fmt.Sprint(backward) != want {
		t.Errorf("all %v\nforward %v\nbackward %v", all.Looks, forward, backward)
	}
}

// TestIDsOfLooksFollowTheClock: to the microsecond.
func TestIDsOfLooksFollowTheClock(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 0, 0, 998_000_000, time.UTC)
	last := lookID(at)
	for range 4000 {
		at = at.Add(time.Microsecond)
		next := lookID(at)
		if back, err := record.ParseID(next.String()); err != nil || back != next || next.String() <= last.String() || next[6]>>4 != 7 {
			t.Fatalf("%s behind %s, %v", next, last, err)
		}
		last = next
	}
}

// TestP10_WhoReadsLooks: admins all, developers their own, nobody else any.
func TestP10_WhoReadsLooks(t *testing.T) {
	h := lookHouse(t)
	must(t, h.look("admin", Look{Tool: identity.ViewAs, Target: h.id["rep"]}))
	must(t, h.look("dev", Look{Tool: identity.Explain, Target: h.id["clerk"]}))
	if got := lookedAt(h, h.looksOf("dev", LookQuery{}).Looks); !slices.Equal(got, []string{"clerk"}) {
		t.Error(got)
	}
	if got := h.looksOf("dev", LookQuery{Target: h.id["rep"]}).Looks; len(got) != 0 {
		t.Errorf("a developer is told of an admin's look: %+v", got)
	}
	if got := lookedAt(h, h.looksOf("dev", LookQuery{User: h.id["dev"]}).Looks); !slices.Equal(got, []string{"clerk"}) {
		t.Error(got)
	}
	_, err := h.tryLooksOf("dev", LookQuery{User: h.id["admin"]})
	denied(t, err, fault.Forbidden)
	_, err = h.tryLooksOf("rep", LookQuery{})
	denied(t, err, fault.Forbidden)
	_, err = h.tryLooksOf("nobody", LookQuery{})
	denied(t, err, fault.NotFound)
	for _, q := range []LookQuery{{First: -1}, {First: MaxLooks + 1}, {Cursor: "x"}} {
		_, err = h.tryLooksOf("admin", q)
		denied(t, err, fault.Invalid)
	}
	h.e.o.Now = time.Now
	must(t, h.d.SetActive(t.Context(), h.as["super"], h.id["admin"], false))
	_, err = h.tryLooksOf("admin", LookQuery{})
	denied(t, err, fault.Unauthenticated)
}

// TestP10_LooksShowNoHiddenRecord: a look at a record that its reader may not see
// is one at nothing, like a look at a record that never was.
func TestP10_LooksShowNoHiddenRecord(t *testing.T) {
	h := lookHouse(t)
	open, hidden := h.add("rep", "Deal", cell{"title": "open"}), h.add("boss", "Deal", cell{"title": "dark"})
	detail := []byte(`{"field":"title"}`)
	for _, id := range []record.ID{open, hidden, record.NewID(time.Now())} {
		must(t, h.look("boss", Look{Tool: identity.Explain, Target: h.id["clerk"], Form: "Deal", Record: id, Detail: detail}))
	}
	must(t, h.look("boss", Look{Tool: identity.Review, Form: "Deal", Detail: detail}))
	_, err := h.e.HideRecords(t.Context(), h.as["boss"], "crm", "Deal", cell{"title": cell{"eq": "dark"}})
	must(t, err)
	shown := func(who string) (out []bool) {
		for _, l := range h.looksOf(who, LookQuery{}).Looks {
			if l.Form != "" && (l.Form != "Deal" || string(l.Detail) != string(detail)) || l.Form == "" && (l.Detail != nil || l.Number != 0 || !l.Record.IsZero()) {
				t.Errorf("%s is shown %+v", who, l)
			}
			out = append(out, l.Form != "")
		}
		return out
	}
	for who, want := range map[string]string{"admin": "[true false false true]", "super": "[true false false true]", "boss": "[true false true true]"} {
		if got := fmt.Sprint(shown(who)); got != want {
			t.Errorf("%s is shown %s, want %s", who, got, want)
		}
	}
	_, err = h.e.UnhideRecords(t.Context(), h.as["boss"], "crm", "Deal", h.id["boss"])
	must(t, err)
	if got := fmt.Sprint(shown("admin")); got != "[true false true true]" {
		t.Error(got)
	}
	must(t, h.remove("boss", "Deal", open))
	if got := fmt.Sprint(shown("boss")); got != "[true false true false]" {
		t.Error("a deleted record", got)
	}
}

// TestP10_RefusedLooksAreKept: an attempt without the tool is written down as
// refused, so many of an hour, and one from outside is not.
func TestP10_RefusedLooksAreKept(t *testing.T) {
	h := lookHouse(t)
	at := h.e.o.Now().Truncate(time.Hour)
	h.e.o.Now = func() time.Time { at = at.Add(time.Second); return at }
	deal := h.add("rep", "Deal", cell{"title": "a"})
	l := Look{Tool: identity.Explain, Target: h.id["clerk"], Form: "Deal", Record: deal, Detail: []byte(`{"a":1}`)}
	denied(t, h.look("nobody", l), fault.NotFound)
	if got := h.looksOf("admin", LookQuery{}).Looks; len(got) != 0 {
		t.Fatalf("%+v", got)
	}
	denied(t, h.look("rep", l), fault.Forbidden)
	denied(t, h.look("rep", Look{Target: h.id["clerk"]}), fault.Forbidden) // no tool: nothing to write down
	got := h.looksOf("admin", LookQuery{}).Looks
	if len(got) != 1 || !got[0].Refused || got[0].Muted || got[0].User != h.id["rep"] || got[0].Record != deal || got[0].Detail != nil {
		t.Fatalf("%+v", got)
	}
	for range maxRefused + 3 {
		denied(t, h.look("rep", l), fault.Forbidden)
	}
	denied(t, h.look("clerk", l), fault.Forbidden) // bounded for each person
	got = h.looksOf("admin", LookQuery{User: h.id["rep"]}).Looks
	muted := slices.IndexFunc(got, func(l Look) bool { return l.Muted })
	if len(got) != maxRefused || muted != 0 || len(h.looksOf("admin", LookQuery{User: h.id["clerk"]}).Looks) != 1 {
		t.Errorf("%d looks, the muted one is %d", len(got), muted)
	}
	at = at.Add(time.Hour)
	denied(t, h.look("rep", l), fault.Forbidden)
	if n := len(h.looksOf("admin", LookQuery{User: h.id["rep"]}).Looks); n != maxRefused+1 {
		t.Errorf("%d looks an hour later", n)
	}
	h.read("clerk", func(op *Op) { denied(t, op.mayUse(l), fault.Forbidden) })
	h.read("dev", func(op *Op) { must(t, op.mayUse(l)) })
	if n := len(h.looksOf("admin", LookQuery{User: h.id["clerk"]}).Looks); n != 2 {
		t.Errorf("%d looks of the clerk", n)
	}
	if n := len(h.looksOf("admin", LookQuery{User: h.id["dev"]}).Looks); n != 0 {
		t.Error("permitted is not used")
	}
	must(t, h.d.RevokeTools(t.Context(), h.as["super"], "memos", h.id["admin"], identity.AllTools, nil))
	denied(t, h.e.note(t.Context(), h.as["admin"], Look{Tool: identity.Explain, Application: "memos"}), fault.NotFound)
}

// TestP10_PeopleSeeWhoLookedAtThem: with VIEW_AS and EXPLAIN, done and not
// refused, and of records those that they may see themselves.
func TestP10_PeopleSeeWhoLookedAtThem(t *testing.T) {
	h := lookHouse(t)
	own, other := h.add("rep", "Deal", cell{"title": "a"}), h.add("clerk", "Deal", cell{"title": "b"})
	target := h.id["rep"]
	for _, l := range []Look{
		{Tool: identity.Explain, Target: target, Form: "Deal", Record: own, Detail: []byte(`{}`)},
		{Tool: identity.Explain, Target: target, Form: "Deal", Record: other},
		{Tool: identity.ViewAs, Target: target}, {Tool: identity.Review, Target: target}, {Tool: identity.Explain, Target: h.id["clerk"]},
	} {
		must(t, h.look("dev", l))
	}
	denied(t, h.look("clerk", Look{Tool: identity.Explain, Target: target}), fault.Forbidden)
	at := func(who string) (LookPage, error) {
		return h.e.LookedAt(t.Context(), h.as[who], LookQuery{Application: "crm", First: 10})
	}
	page, err := at("rep")
	must(t, err)
	if len(page.Looks) != 3 || page.Looks[0].Tool != identity.ViewAs || page.Looks[1].Form != "" || page.Looks[2].Record != own {
		t.Errorf("%+v", page)
	}
	for _, l := range page.Looks {
		if l.User != h.id["dev"] || l.Target != target || l.Detail != nil {
			t.Errorf("%+v", l)
		}
	}
	if page, err = at("manager"); err != nil || len(page.Looks) != 0 {
		t.Error("somebody else's", page, err)
	}
	if _, err = at("nobody"); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
	h.hire("guest", false)
	guest := directory.Assignment{User: h.id["guest"], Application: "crm", Kind: identity.Portal, PermissionSet: "Customer"}
	must(t, h.d.Assign(t.Context(), h.as["admin"], guest, nil))
	_, err = at("guest")
	denied(t, err, fault.Forbidden)
}

// TestLooksOfOneCostNothingOfOthers: a page costs what is on it, however many
// looks of others there are.
func TestLooksOfOneCostNothingOfOthers(t *testing.T) {
	h := lookHouse(t)
	cost := func(who string, q LookQuery) (keys int) {
		h.read(who, func(op *Op) {
			q.Application = "crm"
			before := op.Stats()
			_, err := op.looks(q, func(*Look) bool { return true })
			must(t, err)
			keys = op.Stats().Keys + op.Stats().Gets - before.Keys - before.Gets
		})
		return keys
	}
	for range 3 {
		must(t, h.look("dev", Look{Tool: identity.Explain, Target: h.id["rep"]}))
	}
	pages := []LookQuery{{User: h.id["dev"], First: 2}, {Target: h.id["rep"], First: 2}, {Target: h.id["rep"], Tool: identity.Explain, First: 2, Backward: true}}
	var before []int
	for _, q := range pages {
		before = append(before, cost("admin", q))
	}
	for range 60 {
		must(t, h.look("admin", Look{Tool: identity.ViewAs, Target: h.id["clerk"]}))
	}
	for i, q := range pages {
		if after := cost("admin", q); after != before[i] || after > 10 {
			t.Errorf("%+v: %d, %d before", q, after, before[i])
		}
	}
	if n := cost("admin", LookQuery{First: 2}); n > 5 {
		t.Errorf("the newest two cost %d", n)
	}
}
