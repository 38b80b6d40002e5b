package engine

import (
	"context"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

// exposure is the house with tax numbers shown to clerks of the set All, whose
// deals they see anyway.
func exposure(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/house.yaml")
	must(t, err)
	was := "  - name: All\n    forms:\n"
	if strings.Count(string(b), was) != 1 || strings.Count(string(b), "      deals: [MODIFY_ALL, DELETE]\n") != 1 {
		t.Fatal("the house has another definition")
	}
	text := strings.Replace(string(b), was, "  - name: All\n    pii: SHOW\n    forms:\n      Customer: {fields: {\"*\": VISIBLE, tax: READ_ONLY}}\n", 1)
	return []byte(strings.Replace(text, "      deals: [MODIFY_ALL, DELETE]\n", "      deals: [MODIFY_ALL, DELETE]\n      customers: [VIEW_ALL]\n", 1))
}

// compared begins a comparison and waits for its end.
func (h *house) compared(who string, c ProposedChange) *Comparison {
	h.t.Helper()
	got, err := h.e.StartComparison(h.t.Context(), h.as[who], "crm", c)
	must(h.t, err)
	return h.ended(who, got.ID)
}

func (h *house) ended(who, id string) *Comparison {
	h.t.Helper()
	h.e.comparisons.all.Wait()
	got, err := h.e.Comparison(h.t.Context(), h.as[who], id)
	must(h.t, err)
	return got
}

// TestP10_ComparisonIsTheAskers: nobody else is shown what a comparison found, and
// its asker not what they do not see any more.
func TestP10_ComparisonIsTheAskers(t *testing.T) {
	h := newHouse(t)
	hidden := h.add("super", "Customer", cell{"name": "Hidden", "tax": "1"})
	shown := h.add("admin", "Customer", cell{"name": "Shown", "tax": "2"})
	c := h.compared("admin", ProposedChange{Source: exposure(t)})
	samples := func(c *Comparison) (out []string) {
		for _, x := range c.Result.Exposed {
			for _, s := range x.Samples {
				out = append(out, s.Record.String())
			}
		}
		return out
	}
	if c.State != ComparisonDone || !c.Exposes || c.Outdated || len(samples(c)) != 2 {
		t.Fatalf("%+v %v", c, samples(c))
	}
	for _, who := range []string{"dev", "rep", "chief", "nobody"} {
		if _, err := h.e.Comparison(t.Context(), h.as[who], c.ID); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s: %v", who, err)
		}
		if _, _, err := h.e.ComparisonRows(t.Context(), h.as[who], "crm", c.ID, nil); fault.KindOf(err) != fault.NotFound {
			t.Errorf("rows for %s: %v", who, err)
		}
	}
	h.refusedByID(c.ID)
	if other := h.ended("super", c.ID); other.Result != nil || other.Checked+other.Total != 0 {
		t.Errorf("another admin is shown %+v", other)
	}
	_, err := h.e.HideRecords(t.Context(), h.as["super"], "crm", "Customer", cell{})
	must(t, err)
	c = h.ended("admin", c.ID)
	if got := samples(c); !c.Outdated || len(got) != 1 || got[0] != shown.String() {
		t.Errorf("outdated %t, samples %v; hidden is %s", c.Outdated, got, hidden)
	}
	// What is begun now does not know of the record at all.
	if c := h.compared("admin", ProposedChange{Source: exposure(t)}); c.Result.Records != 1 || len(samples(c)) != 1 {
		t.Errorf("%d records, samples %v", c.Result.Records, samples(c))
	}
}

// refusedByID: whatever a member without the tool does with a comparison of which
// they know the id, they are told that there is none, and that they tried is kept.
func (h *house) refusedByID(id string) {
	h.t.Helper()
	ctx := h.t.Context()
	for i, try := range []func(who string) error{
		func(who string) error { _, err := h.e.Comparison(ctx, h.as[who], id); return err },
		func(who string) error { _, err := h.e.ReviewComparison(ctx, h.as[who], id); return err },
		func(who string) error { _, err := h.e.ApproveComparison(ctx, h.as[who], id); return err },
		func(who string) error { _, err := h.e.CancelComparison(ctx, h.as[who], id); return err },
		func(who string) error { _, _, err := h.e.ComparisonRows(ctx, h.as[who], "crm", id, nil); return err },
	} {
		for who, want := range map[string]int{"rep2": 1, "nobody": 0} {
			before := h.looksKept()
			if err := try(who); fault.KindOf(err) != fault.NotFound {
				h.t.Errorf("%s, attempt %d: %v", who, i, err)
			}
			if n := h.looksKept() - before; n != want {
				h.t.Errorf("%s, attempt %d: %d looks written down", who, i, n)
			}
		}
	}
}

// TestP10_ApprovalTakesTwo: nobody approves of their own change, or of what they
// have not looked at; an approval holds for one change in one state.
func TestP10_ApprovalTakesTwo(t *testing.T) {
	h := newHouse(t)
	h.e.o.ApproveExposure = true
	h.add("admin", "Customer", cell{"name": "One", "tax": "1"})
	source, ctx := exposure(t), t.Context()
	apply := func(who, id string) error {
		_, err := h.e.ApplyCompared(ctx, h.as[who], source, false, id)
		return err
	}
	denied(t, apply("admin", ""), fault.Forbidden)
	c := h.compared("admin", ProposedChange{Source: source})
	denied(t, apply("admin", c.ID), fault.Forbidden)
	_, err := h.e.ReviewComparison(ctx, h.as["admin"], c.ID)
	denied(t, err, fault.Forbidden)
	_, err = h.e.ApproveComparison(ctx, h.as["admin"], c.ID)
	denied(t, err, fault.Forbidden)
	// Not even with a review of one's own that came about somehow.
	forged := *c
	forged.ID, forged.Of = "01900000-0000-7000-8000-000000000001", c.ID
	must(t, h.e.o.Store.Tenant(h.tenant).Update(ctx, storage.Meta{Time: c.Started}, func(txn *storage.Txn) error { return putComparison(txn, &forged) }))
	_, err = h.e.ApproveComparison(ctx, h.as["admin"], c.ID)
	denied(t, err, fault.Forbidden)
	denied(t, apply("admin", c.ID), fault.Forbidden)

	_, err = h.e.ApproveComparison(ctx, h.as["super"], c.ID)
	denied(t, err, fault.Conflict) // without a look
	review, err := h.e.ReviewComparison(ctx, h.as["super"], c.ID)
	must(t, err)
	h.ended("super", review.ID)
	approved, err := h.e.ApproveComparison(ctx, h.as["super"], c.ID)
	must(t, err)
	if approved.Approval == nil || approved.Approval.By != h.id["super"] {
		t.Fatalf("%+v", approved.Approval)
	}
	another := h.add("admin", "Customer", cell{"name": "Two", "tax": "2"})
	denied(t, apply("admin", c.ID), fault.Conflict) // one record more
	must(t, h.remove("admin", "Customer", another))
	_, err = h.e.ApplyCompared(ctx, h.as["admin"], append(source, '\n'), false, c.ID)
	denied(t, err, fault.Conflict)
	denied(t, apply("dev", c.ID), fault.NotFound)
	must(t, apply("admin", c.ID))
	denied(t, apply("admin", c.ID), fault.Conflict) // the epoch is another one
}

// TestP10_ApplyChecksTheDifference: rights that changed since are a conflict, also
// for a change that exposes nothing.
func TestP10_ApplyChecksTheDifference(t *testing.T) {
	h := newHouse(t)
	source := exposure(t)
	c := h.compared("admin", ProposedChange{Source: source})
	must(t, h.d.SetActive(t.Context(), h.as["admin"], h.id["rep"], false))
	_, err := h.e.ApplyCompared(t.Context(), h.as["admin"], source, false, c.ID)
	denied(t, err, fault.Conflict)
	if _, _, err := h.e.ComparisonRows(t.Context(), h.as["admin"], "crm", c.ID, nil); fault.KindOf(err) != fault.Conflict {
		t.Errorf("rows: %v", err)
	}
}

// TestComparisonsAreBounded: a few at once, and what nobody runs any more is told
// as failed.
func TestComparisonsAreBounded(t *testing.T) {
	h := newHouse(t)
	runs := &h.e.comparisons
	canceled := make([]error, maxTenantComparisons)
	for i := range canceled {
		ctx, cancel := context.WithCancelCause(t.Context())
		_, err := runs.take(runKey{h.tenant, string(rune('a' + i))}, func(cause error) { cancel(cause); canceled[i] = context.Cause(ctx) })
		must(t, err)
	}
	_, err := h.e.StartComparison(t.Context(), h.as["admin"], "crm", ProposedChange{})
	denied(t, err, fault.Limit)
	for i := range canceled {
		runs.give(runKey{h.tenant, string(rune('a' + i))})
	}
	c := h.compared("admin", ProposedChange{})
	if c.State != ComparisonDone || !c.Result.Empty() {
		t.Fatalf("%+v", c)
	}
	lost := *c
	lost.State = ComparisonRunning
	must(t, h.e.o.Store.Tenant(h.tenant).Update(t.Context(), storage.Meta{Time: c.Started}, func(txn *storage.Txn) error { return putComparison(txn, &lost) }))
	if c = h.ended("admin", c.ID); c.State != ComparisonFailed || !strings.Contains(c.Reason, "ended before") {
		t.Errorf("after a restart: %+v", c)
	}
	for range keptComparisons + 3 {
		h.compared("admin", ProposedChange{})
	}
	all, err := h.e.Comparisons(t.Context(), h.as["admin"], "crm")
	must(t, err)
	if len(all) != keptComparisons {
		t.Errorf("%d are kept", len(all))
	}
	h.e.StopComparisons(t.Context())
	_, err = h.e.StartComparison(t.Context(), h.as["admin"], "crm", ProposedChange{})
	denied(t, err, fault.Unavailable)
}

// TestComparisonEndsAsItWasEnded: cancelled, stopped, or by an asker who lost the
// tool.
func TestComparisonEndsAsItWasEnded(t *testing.T) {
	h := newHouse(t)
	c := h.compared("dev", ProposedChange{})
	for cause, want := range map[error]ComparisonState{errComparisonCancelled: ComparisonCancelled, errComparisonStopped: ComparisonFailed} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		again := *c
		h.e.runComparison(ctx, h.as["dev"], &again, &comparisonRun{})
		if got := h.ended("dev", c.ID); got.State != want || got.Result != nil {
			t.Errorf("%v: %s %s", cause, got.State, got.Reason)
		}
	}
	must(t, h.d.RevokeTools(t.Context(), h.as["admin"], "crm", h.id["dev"], identity.ToolSetOf(identity.Compare), nil))
	again := *c
	h.e.runComparison(t.Context(), h.as["dev"], &again, &comparisonRun{})
	if again.State != ComparisonFailed {
		t.Errorf("without the tool: %s", again.State)
	}
	if _, err := h.e.Comparison(t.Context(), h.as["dev"], c.ID); fault.KindOf(err) != fault.NotFound {
		t.Errorf("read without the tool: %v", err)
	}
}

// TestComparisonSurvivesAPanic: a panic while it is computed ends the comparison as
// failed, and not the process; what panicked is reported and not told.
func TestComparisonSurvivesAPanic(t *testing.T) {
	h := newHouse(t)
	h.add("admin", "Deal", cell{"title": "One", "stage": "open"})
	h.fill("embargo", rules.Manifest{Effect: rules.Restrict, Record: stageOf}, func(_, _ []record.Value) rules.Verdict { panic("planted 4711") })
	var panics atomic.Int64
	h.e.o.Events.Panicked = func(_ context.Context, value any, stack []byte) {
		if value == "planted 4711" && strings.Contains(string(stack), "TestComparisonSurvivesAPanic") {
			panics.Add(1)
		}
	}
	c := h.compared("admin", ProposedChange{})
	if c.State != ComparisonFailed || c.Result != nil || c.Ended == nil || !strings.Contains(c.Reason, "fault of its own") || strings.Contains(c.Reason, "4711") {
		t.Fatalf("%+v", c)
	}
	if panics.Load() != 1 || h.e.comparisons.get(runKey{h.tenant, c.ID}) != nil {
		t.Errorf("%d panics reported", panics.Load())
	}
	// One while the end is stored leaves it as lost.
	h.fill("embargo", rules.Manifest{Effect: rules.Restrict, Record: stageOf}, func(_, _ []record.Value) rules.Verdict {
		h.e.o.Now = func() time.Time { panic("planted 4712") }
		return rules.Verdict{Grant: 1}
	})
	now := h.e.o.Now
	started, err := h.e.StartComparison(t.Context(), h.as["admin"], "crm", ProposedChange{})
	must(t, err)
	h.e.comparisons.all.Wait()
	h.e.o.Now = now
	if c = h.ended("admin", started.ID); c.State != ComparisonFailed || !strings.Contains(c.Reason, "ended before") {
		t.Fatalf("%+v", c)
	}
}

// TestOnlyWhatWasComparedIsActivated: a module that is bound while another one, or
// none, is held to what was compared is not activated in its place.
func TestOnlyWhatWasComparedIsActivated(t *testing.T) {
	for _, first := range []string{"strict", ""} {
		h := newHouse(t)
		bind := func(name string) {
			m := rules.Manifest{ABI: 1, Form: "Deal", Effect: rules.Restrict, Record: stageOf}
			module, _ := h.double.Register(name, &m, func(_, _ []record.Value) rules.Verdict { return rules.Verdict{Grant: 1} })
			up, err := h.e.UploadModule(t.Context(), h.as["admin"], "crm", name, module)
			must(t, err)
			_, err = h.e.BindModule(t.Context(), h.as["admin"], "crm", "embargo", up.Hash)
			must(t, err)
		}
		if first != "" {
			bind(first)
		}
		once := false
		h.e.o.Now = func() time.Time { // the transaction asks for it before it begins
			if !once {
				once = true
				bind("lax")
			}
			return time.Now()
		}
		if _, err := h.e.ActivateRule(t.Context(), h.as["admin"], "crm", "embargo"); fault.KindOf(err) != fault.Conflict || !once {
			t.Errorf("%q: got %v, want a conflict", first, err)
		}
	}
}
