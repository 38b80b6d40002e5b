package engine

import (
	"slices"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

// activeOddGift lets oddGift decide before there is a record that shows its mistake.
func activeOddGift(t *testing.T) *house {
	h := newHouse(t)
	module, _ := h.oddGift()
	h.bindGift(module)
	_, err := h.e.ActivateRule(t.Context(), h.as["admin"], "crm", "gift")
	must(t, err)
	return h
}

func (h *house) planFaults() map[record.ID]int {
	h.t.Helper()
	page, err := h.e.RuleLog(h.t.Context(), h.as["admin"], RuleLogQuery{Application: "crm", Rule: "gift", Faults: true, First: MaxRuleLogPage})
	must(h.t, err)
	out := map[record.ID]int{}
	for _, n := range page.Entries {
		if n.Fault != rules.FaultPlan {
			h.t.Errorf("%+v", n)
		}
		out[n.Record]++
	}
	return out
}

// giftRead is one read of a record by gil: whether they see it, and how many faults there were.
func (h *house) giftRead(id record.ID) (seen bool, faults int) {
	h.t.Helper()
	op, err := h.e.Read(h.t.Context(), h.as["gil"], "crm")
	must(h.t, err)
	defer op.Close()
	_, seen, err = op.Get(h.form("Deal").Number, id)
	must(h.t, err)
	return seen, op.faults
}

// TestNarrowPlanIsAFaultInSamples: what the module shares outside of its plan gives
// no access, and of one record in 64 it is a fault in the log.
func TestNarrowPlanIsAFaultInSamples(t *testing.T) {
	h := activeOddGift(t)
	var chosen, other record.ID
	for chosen.IsZero() || other.IsZero() {
		id := h.add("admin", "Deal", cell{"title": "an odd title", "amount": int64(1)})
		if sampled(id) {
			chosen = id
		} else {
			other = id
		}
	}
	for range 2 { // a fault is not remembered as an answer
		if seen, faults := h.giftRead(chosen); seen || faults != 1 {
			t.Errorf("sampled: seen %v, %d faults", seen, faults)
		}
	}
	if seen, faults := h.giftRead(other); seen || faults != 0 {
		t.Errorf("not sampled: seen %v, %d faults", seen, faults)
	}
	if got := h.planFaults(); len(got) != 1 || got[chosen] != 1 {
		t.Errorf("%v", got)
	}
	inside := h.add("admin", "Deal", cell{"title": "an odd title", "amount": int64(10)})
	if seen, faults := h.giftRead(inside); !seen || faults != 0 {
		t.Errorf("within the plan: seen %v, %d faults", seen, faults)
	}
}

// TestScoutsLookBesideAPlan: lists that read by the plan never meet what it leaves
// out; one in scoutEvery looks there.
func TestScoutsLookBesideAPlan(t *testing.T) {
	h := activeOddGift(t)
	odd := h.add("admin", "Deal", cell{"title": "an odd title", "amount": int64(1)})
	for i := range scoutEvery {
		if len(h.planFaults()) > 0 {
			t.Fatalf("found after %d lists", i)
		}
		op, err := h.e.Read(t.Context(), h.as["gil"], "crm")
		must(t, err)
		page, err := op.List(List{Form: h.form("Deal").Number, First: 10})
		must(t, err)
		if len(page.Records) != 0 || op.faults != 0 {
			t.Errorf("list %d: %d records, %d faults", i, len(page.Records), op.faults)
		}
		op.Close()
	}
	if got := h.planFaults(); got[odd] != 1 {
		t.Errorf("%v", got)
	}
}

// TestScoutsSeeNothingHidden: nor does the log tell of it.
func TestScoutsSeeNothingHidden(t *testing.T) {
	h := activeOddGift(t)
	h.hire("boss", true)
	h.add("boss", "Deal", cell{"title": "an odd title", "amount": int64(1)})
	h.hide("boss", "Deal", cell{"title": cell{"eq": "an odd title"}})
	for range 2 * scoutEvery {
		op, err := h.e.Read(t.Context(), h.as["gil"], "crm")
		must(t, err)
		_, err = op.List(List{Form: h.form("Deal").Number, First: 10})
		must(t, err)
		op.Close()
	}
	if got := h.planFaults(); len(got) > 0 {
		t.Errorf("%v", got)
	}
}

// TestScoutedPlacesAreEven: over many turns every tenth of a form is looked at.
func TestScoutedPlacesAreEven(t *testing.T) {
	h := newHouse(t)
	var ids []record.ID
	for range 100 {
		ids = append(ids, h.add("admin", "Deal", cell{"title": "a"}))
	}
	op, err := h.e.Read(t.Context(), h.as["admin"], "crm")
	must(t, err)
	defer op.Close()
	f := op.app.forms[h.form("Deal").Number]
	met := map[record.ID]bool{}
	for turn := range uint64(1000) {
		recs := op.scouted(f, turn)
		if len(recs) > scoutedRecords {
			t.Fatalf("%d records", len(recs))
		}
		for _, rec := range recs {
			met[rec.ID()] = true
		}
	}
	must(t, op.failed())
	if len(met) < len(ids)/4 {
		t.Errorf("%d of %d records", len(met), len(ids))
	}
}

// TestNarrowPlansAreNotQuarantined: a plan that is too narrow takes access from some,
// a quarantine would from all; one that cannot be read takes it from all anyway.
func TestNarrowPlansAreNotQuarantined(t *testing.T) {
	for _, narrow := range []bool{true, false} {
		h := activeOddGift(t)
		for _, who := range []string{"rep", "rep2"} {
			must(t, h.write(who, func(op *Op) error {
				for range quarantineRecords {
					if _, err := op.Create(h.form("Deal").Number, h.input("Deal", cell{"title": "an odd title", "amount": 1})); err != nil {
						return err
					}
				}
				return nil
			}))
		}
		h.read("gil", func(op *Op) {
			f := op.app.forms[h.form("Deal").Number]
			var recs []record.Record
			for c := op.r.Records(f.store, storage.Range{}); c.Next(); {
				recs = append(recs, c.Record().Clone())
			}
			rule := op.app.def.Custom[slices.IndexFunc(op.app.def.Custom, func(r *definition.CustomRule) bool { return r.Name == "gift" })]
			verdicts := make([]rules.Verdict, len(recs))
			for i := range verdicts {
				verdicts[i].Fault = rules.FaultPlan
			}
			b := op.app.bindings[rule]
			if narrow && len(op.audits(b, recs)) != len(recs) {
				t.Error("they are not outside of the plan")
			}
			op.watch(ruleAnswers{rule: rule, binding: b, form: f, records: recs, verdicts: verdicts})
		})
		must(t, h.e.FlushRuleLog(t.Context()))
		if q := h.ruleState("gift").Quarantine; (q == nil) != narrow {
			t.Errorf("narrow %v: %+v", narrow, q)
		}
	}
}
