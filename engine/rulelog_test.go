package engine

import (
	"fmt"
	"slices"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/rules"
)

func (h *house) ruleLog(who string, q RuleLogQuery) *RuleLogPage {
	h.t.Helper()
	q.Application, q.Rule = "crm", "embargo"
	if q.First == 0 {
		q.First = MaxRuleLogPage
	}
	page, err := h.e.RuleLog(h.t.Context(), h.as[who], q)
	must(h.t, err)
	return page
}

// TestP10RuleLogShowsWhatItsReaderSees: of a record that is hidden from the reader an
// entry leaves what it leaves of one that is gone.
func TestP10RuleLogShowsWhatItsReaderSees(t *testing.T) {
	h := newHouse(t)
	h.embargo(trapOnShut)
	gone := h.add("admin", "Deal", cell{"title": "a", "stage": "shut"})
	hidden := h.add("admin", "Deal", cell{"title": "b", "stage": "shut"})
	plain := h.add("rep", "Deal", cell{"title": "c", "stage": "shut"})
	for _, id := range []record.ID{gone, hidden, plain} {
		h.sees("rex", "Deal", id)
	}
	before := h.ruleLog("super", RuleLogQuery{Faults: true})
	if len(before.Entries) < 3 || slices.ContainsFunc(before.Entries, func(n RuleLogEntry) bool { return n.Untold || n.Viewer != h.id["rex"] || n.Fault != rules.FaultTrap }) {
		t.Fatalf("%+v", before.Entries)
	}
	must(t, h.remove("admin", "Deal", gone))
	h.hide("admin", "Deal", cell{"title": cell{"eq": "b"}})
	told := map[record.ID]RuleLogEntry{}
	for i, n := range h.ruleLog("super", RuleLogQuery{Faults: true}).Entries {
		was := before.Entries[i]
		if n.ID != was.ID {
			t.Fatalf("entry %s, then %s", was.ID, n.ID)
		}
		if n.Untold && n != (RuleLogEntry{ID: n.ID, Time: n.Time, Module: n.Module, Fault: n.Fault, Untold: true}) {
			t.Errorf("an entry that is not told tells: %+v", n)
		}
		told[was.Record] = n
	}
	if !told[gone].Untold || !told[hidden].Untold || told[plain].Untold {
		t.Errorf("%+v", told)
	}
	for _, n := range []RuleLogEntry{told[gone], told[hidden]} {
		_, err := h.e.RuleReplay(t.Context(), h.as["super"], "crm", "embargo", n.ID)
		denied(t, err, fault.NotFound)
	}
	for _, who := range []string{"rex", "manager"} {
		_, err := h.e.RuleLog(t.Context(), h.as[who], RuleLogQuery{Application: "crm", Rule: "embargo", First: 1})
		denied(t, err, fault.Forbidden)
	}
}

// TestH4RuleLogIsARing: a rule keeps so many faults, the newest, and tells how many it
// dropped; a page goes on where the one before ended.
func TestH4RuleLogIsARing(t *testing.T) {
	h := newHouse(t)
	h.embargo(trapOnShut)
	const many, rounds = 200, 3
	for i := range rounds {
		for k := range many {
			h.add("rep", "Deal", cell{"title": fmt.Sprint(i, k), "stage": "shut"})
		}
		h.read("rex", func(op *Op) { h.listed(op, "Deal", nil) })
		must(t, h.e.FlushRuleLog(t.Context()))
	}
	var ids []string
	q := RuleLogQuery{Faults: true}
	for {
		page := h.ruleLog("super", q)
		for _, n := range page.Entries {
			ids = append(ids, n.ID)
		}
		if !page.HasNext {
			if page.Dropped+MaxRuleLog < many*rounds || len(ids) != MaxRuleLog {
				t.Errorf("%d entries, %d dropped", len(ids), page.Dropped)
			}
			break
		}
		q.After = ids[len(ids)-1]
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != MaxRuleLog {
		t.Error("a page repeats another")
	}
}

// TestRuleReplayKnowsItsInput: a replay is of the input as it was, from the history
// where the record has changed since, and none where the history does not have it for
// the reader.
func TestRuleReplayKnowsItsInput(t *testing.T) {
	h := newHouse(t)
	h.embargo(onlyOpen)
	id := h.add("rep", "Deal", cell{"title": "a", "stage": "open"})
	h.sees("rex", "Deal", id)
	n := h.ruleLog("dev", RuleLogQuery{Decisions: true}).Entries[0]
	for i, stage := range []string{"open", "shut"} {
		if i > 0 {
			must(t, h.update("rep", "Deal", id, cell{"stage": stage}))
		}
		x, err := h.e.RuleReplay(t.Context(), h.as["dev"], "crm", "embargo", n.ID)
		must(t, err)
		if string(x.Record) != `{"stage":"open"}` || string(x.Viewer) != `{}` || x.Entry.Answer != "in" {
			t.Errorf("%s %s %+v", x.Record, x.Viewer, x.Entry)
		}
	}
}

func TestFuelStepsHoldTheirFuel(t *testing.T) {
	for _, f := range []int64{0, 1, 7, 8, 9, 15, 16, 17, 100, 1000, 99_999, 100_000, 1 << 30} {
		top := stepFuel(fuelStep(f))
		if top < f || top > f+f/8 || f > 0 && stepFuel(fuelStep(f)-1) >= f {
			t.Errorf("fuel %d falls into a class up to %d", f, top)
		}
	}
}
