package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/fault"
	"sluice/internal/record"
)

// clocked gives the house a clock that each call of the returned function moves
// on: what is changed behind a call was made at its time.
func (h *house) clocked() func() time.Time {
	now := time.Now().Add(time.Hour)
	h.e.o.Now = func() time.Time { return now }
	return func() time.Time {
		now = now.Add(time.Minute)
		return now
	}
}

// sawThen is who of those asked for could see a record at a moment.
func (h *house) sawThen(who, form string, id record.ID, at time.Time, asked ...string) (out []string, err error) {
	h.t.Helper()
	page, err := h.e.WhoCouldSee(h.t.Context(), h.as[who], CouldSee{Application: "crm", Form: form, Record: id, At: at, First: MaxOnlookers})
	if err != nil {
		return nil, err
	}
	for _, name := range asked {
		if slices.ContainsFunc(page.People, func(o PastOnlooker) bool { return o.User == h.id[name] }) {
			out = append(out, name)
		}
	}
	return out, nil
}

// turns are the causes of the changes of somebody's access to a record, from its
// beginning to now, each with whether they could see it then.
func (h *house) turns(who, form string, id record.ID, user string) (out []string) {
	h.t.Helper()
	page, err := h.e.AccessHistory(h.t.Context(), h.as[who], AccessHistory{Application: "crm", Form: form, Record: id, User: h.id[user], First: MaxPage})
	must(h.t, err)
	if page.Start.Exists || page.HasNext {
		h.t.Errorf("a history from its beginning: %+v", page)
	}
	for _, c := range page.Changes {
		text := "sees: "
		if len(c.After.Actions) == 0 {
			text = "does not see: "
		}
		for _, cause := range c.Causes {
			text += cause.Kind.String() + " " + cause.Words
		}
		out = append(out, text)
	}
	return out
}

func (h *house) turned(form string, id record.ID, user string, want ...string) {
	h.t.Helper()
	if got := h.turns("super", form, id, user); !slices.Equal(got, want) {
		h.t.Errorf("%s and the record:\ngot  %q\nwant %q", user, got, want)
	}
}

// TestP10_RecallOfStatesThatAreHidden: a hide of now that matches what a record was,
// and not what it is, keeps what it was from everybody but its author.
func TestP10_RecallOfStatesThatAreHidden(t *testing.T) {
	h, _, _ := newHideout(t)
	step := h.clocked()
	shut := step()
	id := h.add("boss", "Deal", cell{"title": "turns", "stage": "shut"})
	open := step()
	must(t, h.update("boss", "Deal", id, cell{"stage": "open"}))
	step()
	h.hide("boss", "Deal", isShut)
	step()
	h.seenBy(id, "super", "admin", "boss", "peer", "dev", "all", "chief")
	for _, who := range []string{"super", "peer", "dev", "boss"} {
		if got, err := h.sawThen(who, "Deal", id, open, "all"); err != nil || len(got) != 1 {
			t.Errorf("%s, when it was open: %v, %v", who, got, err)
		}
		got, err := h.sawThen(who, "Deal", id, shut, "all")
		if who == "boss" {
			if err != nil || len(got) != 1 {
				t.Errorf("its author, when it was shut: %v, %v", got, err)
			}
			continue
		}
		if fault.KindOf(err) != fault.Invalid || fault.Message(err) != fault.Message(errNotThen) {
			t.Errorf("%s, when it was shut: %v, %v", who, got, err)
		}
	}
	h.turned("Deal", id, "all", "sees: RECORD_CREATED the record was added")
	if got := h.turns("boss", "Deal", id, "all"); len(got) != 1 {
		t.Errorf("its author is told %q", got)
	}
	page, err := h.e.AccessHistory(t.Context(), h.as["super"], AccessHistory{Application: "crm", Form: "Deal", Record: id, User: h.id["all"], First: 1})
	must(t, err)
	if len(page.Changes) != 1 || !page.Changes[0].Time.Equal(open.Truncate(time.Microsecond)) {
		t.Errorf("it began for others when it was opened: %+v", page.Changes)
	}
}

// TestP10_RecallFollowsParents: what is changed of the parent alone is a change of
// who could see the record that belongs to it.
func TestP10_RecallFollowsParents(t *testing.T) {
	h := newHouse(t)
	step := h.clocked()
	deal := h.add("rep", "Deal", cell{"title": "parent"})
	line := h.add("rep", "Line", cell{"deal": deal, "product": "x"})
	times := []time.Time{step()}
	for _, owner := range []string{"rep2", "rep"} {
		times = append(times, step())
		must(t, h.update("admin", "Deal", deal, cell{"rep": h.id[owner]}))
	}
	step()
	for i, want := range [][]string{{"rep"}, {"rep2"}, {"rep"}} {
		if got, err := h.sawThen("dev", "Line", line, times[i], "rep", "rep2"); err != nil || !slices.Equal(got, want) {
			t.Errorf("moment %d: %v, %v; want %v", i, got, err, want)
		}
	}
	const parent = "PARENT the record that it belongs to was changed"
	h.turned("Line", line, "rep2", "sees: "+parent, "does not see: "+parent)
	h.turned("Line", line, "rep", "sees: RECORD_CREATED the record was added", "does not see: "+parent, "sees: "+parent)
}

// TestP10_RecallOfPlacesOfOthers: the place that a new owner has got before counts
// as it was when they became the owner, and not as it was when the history begins.
func TestP10_RecallOfPlacesOfOthers(t *testing.T) {
	h := newHouse(t)
	step := h.clocked()
	id := h.add("rep", "Deal", cell{"title": "given"})
	step()
	h.place("rep2", "Manager", "Sales")
	step()
	h.turned("Deal", id, "clerk")
	must(t, h.update("admin", "Deal", id, cell{"rep": h.id["rep2"]}))
	step()
	h.place("rep", "Manager", "Sales")
	step()
	h.turned("Deal", id, "clerk", "sees: OWNER the record was given to another owner")
	h.place("rep2", "Rep", "Sales")
	step()
	h.turned("Deal", id, "clerk",
		"sees: OWNER the record was given to another owner",
		"does not see: ROLE the owner's role changed from Manager to Rep")
}

// TestP7_AccessHistoryGoesOnBehindItsBound: a page that looked at as many moments
// as it may says so, and how far it looked; the next one goes on there.
func TestP7_AccessHistoryGoesOnBehindItsBound(t *testing.T) {
	h := newHouse(t)
	step := h.clocked()
	id := h.add("rep", "Deal", cell{"title": "busy"})
	created := step()
	for range maxLookedAt + 20 {
		step()
		must(t, h.update("rep", "Deal", id, cell{"amount": 1 + step().Minute()}))
	}
	given := step()
	must(t, h.update("admin", "Deal", id, cell{"rep": h.id["rep2"]}))
	end := step().Truncate(time.Microsecond)
	q := AccessHistory{Application: "crm", Form: "Deal", Record: id, User: h.id["rep"], From: created, First: MaxPage}
	page, err := h.e.AccessHistory(t.Context(), h.as["super"], q)
	must(t, err)
	// Each change was made two minutes behind the one before.
	if want := created.Add(2 * maxLookedAt * time.Minute).Truncate(time.Microsecond); !page.HasNext || len(page.Changes) > 0 || !page.Until.Equal(want) {
		t.Fatalf("until %v, want %v; more %v; %+v", page.Until, want, page.HasNext, page.Changes)
	}
	q.After = page.Cursor()
	page, err = h.e.AccessHistory(t.Context(), h.as["super"], q)
	must(t, err)
	if page.HasNext || len(page.Changes) != 1 || !page.Changes[0].Time.Equal(given.Truncate(time.Microsecond)) || !page.Until.Truncate(time.Microsecond).Equal(end) {
		t.Errorf("the next page: until %v, want %v; more %v; %+v", page.Until, end, page.HasNext, page.Changes)
	}
	if len(page.Start.Actions) == 0 {
		t.Errorf("between the two: %+v", page.Start)
	}
}

// TestP10_RecallOfRenamedFields: a field with another name is the same field.
func TestP10_RecallOfRenamedFields(t *testing.T) {
	h := newHouse(t)
	step := h.clocked()
	id := h.add("rep", "Deal", cell{"title": "told", "story": "long"})
	step()
	h.define(false, "{name: story, type", "{name: tale, renamedFrom: story, type")
	step()
	h.turned("Deal", id, "rep", "sees: RECORD_CREATED the record was added")
	h.define(false, "{name: story, type", "{name: tale, renamedFrom: story, type", "note: READ_ONLY", "tale: HIDDEN, note: READ_ONLY")
	step()
	h.turned("Deal", id, "rep", "sees: RECORD_CREATED the record was added", "sees: DEFINITION version 3 of the definition came into force")
}

// TestP10_RecallTellsNothingOfUnseenParents: what was changed of a parent that the
// asker does not see is a change of access without an actor and a cause.
func TestP10_RecallTellsNothingOfUnseenParents(t *testing.T) {
	h, open, shut := embargoed(t)
	step := h.clocked()
	const (
		parent = "PARENT the record that it belongs to was changed"
		role   = "ROLE the parent's owner's role changed from Rep to Manager"
	)
	lines := map[record.ID]record.ID{}
	for _, deal := range []record.ID{open, shut} {
		lines[deal] = h.add("rep", "Line", cell{"deal": deal, "product": "x"})
		step()
		must(t, h.update("rep", "Deal", deal, cell{"rep": h.id["rep2"]}))
		step()
	}
	h.place("rep2", "Manager", "Sales")
	step()
	for deal, line := range lines {
		for user, want := range map[string][]string{
			"rep":   {"sees: RECORD_CREATED the record was added", "does not see: " + parent},
			"rep2":  {"sees: " + parent},
			"clerk": {"sees: " + role},
		} {
			if deal == shut {
				for i, text := range want {
					want[i] = strings.TrimSuffix(strings.TrimSuffix(text, parent), role)
				}
			}
			for _, who := range []string{"super", "admin", "dev"} {
				if got := h.turns(who, "Line", line, user); !slices.Equal(got, want) {
					t.Errorf("%s about %s: open %v\ngot  %q\nwant %q", who, user, deal == open, got, want)
				}
			}
			page, err := h.e.AccessHistory(t.Context(), h.as["dev"], AccessHistory{Application: "crm", Form: "Line", Record: line, User: h.id[user], First: MaxPage})
			must(t, err)
			for _, c := range page.Changes {
				if told := len(c.Causes) > 0; told == c.By.IsZero() || told == (c.ByName == "") {
					t.Errorf("%s: %+v", user, c)
				}
			}
		}
	}
}
