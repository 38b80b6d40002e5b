package engine

import (
	"context"
	"encoding/hex"
	"errors"
	"runtime"
	"testing"

	"sluice/engine/decided"
	"sluice/internal/definition"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/ruletest"
	"sluice/storage"
)

// TestKeptAnswersHoldNoDefinition: a definition that was replaced is gone, whatever
// is kept of answers under it: the bound of the cache does not count definitions.
func TestKeptAnswersHoldNoDefinition(t *testing.T) {
	k := newTwice(t, 400)
	gone := make(chan struct{})
	func() {
		app, def := *k.app, *k.app.def
		app.def = &def
		runtime.AddCleanup(&def, func(c chan struct{}) { close(c) }, gone)
		op := k.op(k.user["given few"])
		defer op.Close()
		op.app = &app
		_, err := op.List(List{Form: k.form.Number, First: 50})
		must(t, err)
	}()
	for range 50 {
		runtime.GC()
		runtime.Gosched()
		select {
		case <-gone:
			if k.e.decided.Size() == 0 {
				t.Error("nothing was kept")
			}
			return
		default:
		}
	}
	t.Error("the definition is held")
}

// TestWhatARuleLetsThroughOfAllIsNoListOfSome: the records of a few owners are read
// by their owners, and not by all that a rule lets through of the form.
func TestWhatARuleLetsThroughOfAllIsNoListOfSome(t *testing.T) {
	barred := &definition.CustomRule{Name: "barred", Form: "Order", Effect: definition.Restrict, Roles: []string{"Manager"}}
	k := &twice{total: 2_000, crowd: newCrowdIn(t, newMemory(t), 2_000, 2, func(app *definition.Application) { app.Custom = append(app.Custom, barred) })}
	k.fill(barred, rules.Manifest{Effect: rules.Restrict}, func(_, _ bool, amount int64) rules.Verdict { return rules.Verdict{Grant: flag(amount%5 < 2)} })
	op := k.op(k.user["manager"])
	defer op.Close()
	f := op.app.forms[k.form.Number]
	var all []decided.Entry
	for c := op.r.Records(f.store, storage.Range{}); c.Next(); {
		if rec := c.Record(); rec.Get(f.fields[k.named("amount").Number]).Int()%5 < 2 {
			all = append(all, entryOf(rec.Clone()))
		}
	}
	seq, err := op.r.LastChange()
	must(t, err)
	op.decisionsOf(f, barred).set.KeepGrants(decided.Scope{}, decided.NewGrants(seq, all))
	scans, ok := op.cover(f, op.view.Reach(f.def.Number, definition.View))
	if !ok || !f.ownedBy(scans) {
		n := 0
		for _, s := range scans {
			if s.grants != nil {
				n += s.grants.Len()
			}
		}
		t.Errorf("the records of 3 owners are covered by %d candidates of the whole form, %v", n, ok)
	}
}

// TestGleanerHoldsNoForm: a walk that need not read what it counts notes no more of it
// at once than a few windows hold.
func TestGleanerHoldsNoForm(t *testing.T) {
	k := newTwice(t, 400)
	op := k.op(k.user["barred from most"])
	defer op.Close()
	set := op.decisionsOf(op.app.forms[k.form.Number], k.app.def.Custom[len(k.app.def.Custom)-2]).set
	g := &gleaner{op: op, lessons: []lesson{{set: set}}}
	const many = 20 * windowSize
	for i := range uint32(many) {
		state := decided.Record{Ordinal: i, Version: 1}
		set.Put([]decided.Record{state}, []rules.Verdict{{Grant: flag(i%4 == 0)}})
		if g.note(&entry{ordinal: i, version: 1}); len(g.seen) > 5*windowSize {
			t.Fatalf("%d candidates are noted at once", len(g.seen))
		}
	}
	if g.settle(); len(g.lessons[0].list) != many/4 || g.walked != many {
		t.Errorf("%d candidates of %d", len(g.lessons[0].list), g.walked)
	}
}

// TestLearningHasBounds: an operation, and all together, hold no more of lists that are
// being learned than they may; what has no room is given up, changes no answer, and is
// learned when there is room. Whatever ends a walk gives its room back.
func TestLearningHasBounds(t *testing.T) {
	k := newTwice(t, 2_000)
	all := &k.e.learning
	list := func(op *Op, q List) (total int) {
		q.Form = k.form.Number
		page, err := op.List(q)
		must(t, err)
		if n := all.held.Load(); n != 0 || op.learned != 0 {
			t.Errorf("%+v: room for %d entries is taken, %d of it by the operation", q, n, op.learned)
		}
		return page.Total
	}
	known := func() bool {
		op := k.op(k.user["given all"])
		defer op.Close()
		return op.decisionsOf(op.app.forms[k.form.Number], k.app.def.Custom[len(k.app.def.Custom)-3]).set.Grants(decided.Scope{}) != nil
	}
	total := func() int {
		op := k.op(k.user["given all"])
		defer op.Close()
		list(op, List{First: 1}) // ends early
		return list(op, List{First: 1, Total: true})
	}
	for name, c := range map[string]struct{ own, all, taken int64 }{
		"the operation has no room": {1_000, usualLearnedAll, 0},
		"there is no room for all":  {usualLearnedOwn, 1_000, 0},
		"others took the room":      {usualLearnedOwn, 10_000, 9_000},
	} {
		all.own, all.all = c.own, c.all
		all.held.Add(c.taken)
		other := c.taken
		op := k.op(k.user["given all"])
		page, err := op.List(List{Form: k.form.Number, First: 1, Total: true})
		must(t, err)
		if page.Total != 2_000 || known() || all.held.Load() != other || op.learned != 0 {
			t.Errorf("%s: %d records, learned %v, %d entries are held", name, page.Total, known(), all.held.Load())
		}
		op.Close()
		all.held.Add(-other)
	}
	all.own, all.all = usualLearnedOwn, usualLearnedAll
	if n := total(); n != 2_000 || !known() {
		t.Errorf("%d records, learned %v, where there is room", n, known())
	}
}

// TestLearningCountsWhatItHolds: of lists that grow at once those that find no room
// go, and the others stay.
func TestLearningCountsWhatItHolds(t *testing.T) {
	k := newTwice(t, 400)
	op := k.op(k.user["barred from most"])
	defer op.Close()
	set := op.decisionsOf(op.app.forms[k.form.Number], k.app.def.Custom[len(k.app.def.Custom)-2]).set
	g := &gleaner{op: op, lessons: []lesson{{set: set}, {set: set}, {set: set}}}
	k.e.learning.own = 40 * windowSize
	for i := range uint32(20 * windowSize) {
		g.note(&entry{ordinal: i, version: 1})
		most := 0
		for i := range g.lessons {
			most += cap(g.lessons[i].list)
		}
		if most > 60*windowSize { // one that has just grown is on top
			t.Fatalf("%d entries are held", most)
		}
	}
	g.settle()
	missed := 0
	for i := range g.lessons {
		if x := &g.lessons[i]; x.missed {
			missed++
		} else if len(x.list) != 20*windowSize {
			t.Errorf("%d entries", len(x.list))
		}
	}
	if missed == 0 || missed == 3 {
		t.Errorf("%d of 3 lists are given up", missed)
	}
	if g.end(); op.learned != 0 || k.e.learning.held.Load() != 0 {
		t.Errorf("%d entries are held behind the end", op.learned)
	}
}

// evicting is a runner that forgets a module once between its loading and its
// question, as one with many modules may.
type evicting struct {
	rules.Runner
	evict func()
}

func (r *evicting) Decide(ctx context.Context, b *rules.Batch, fuel *rules.Fuel, out []rules.Verdict) error {
	r.evict()
	return r.Runner.Decide(ctx, b, fuel, out)
}

// TestModuleThatMadeRoomIsLoadedAgain: a module that made room for another between
// its loading and its question is loaded again, and no list is shorter for it.
func TestModuleThatMadeRoomIsLoadedAgain(t *testing.T) {
	h := newHouse(t)
	h.embargo(func(_, _ []record.Value) rules.Verdict { return rules.Verdict{Grant: 1} })
	id := h.add("rep", "Deal", cell{"title": "a", "stage": "open"})
	b := h.boundTo("embargo")
	times := 0
	h.e.o.Rules = &evicting{h.double, func() {
		if times++; times == 1 {
			h.double.Unload(h.tenant, b.hash)
		}
	}}
	if got := h.list("rex", "Deal", nil); len(got) != 1 || got[0] != id || times != 2 {
		t.Errorf("%v after %d questions", got, times)
	}
}

// TestModuleThatOthersLoadedAgainIsAsked: a module that made room before its question is
// asked again also where somebody else has loaded it meanwhile.
func TestModuleThatOthersLoadedAgainIsAsked(t *testing.T) {
	h := newHouse(t)
	h.embargo(func(_, _ []record.Value) rules.Verdict { return rules.Verdict{Grant: 1} })
	h.add("rep", "Deal", cell{"title": "a", "stage": "open"})
	times := 0
	h.e.o.Rules = &absent{h.double, func(*rules.Batch) bool { times++; return times == 1 }}
	if got := h.list("rex", "Deal", nil); len(got) != 1 || times != 2 {
		t.Errorf("%v after %d questions", got, times)
	}
}

// absent is a runner that says of some questions that the module is not there,
// although it is again when that is looked at.
type absent struct {
	rules.Runner
	of func(*rules.Batch) bool
}

func (r *absent) Decide(ctx context.Context, b *rules.Batch, fuel *rules.Fuel, out []rules.Verdict) error {
	if r.of(b) {
		return allFail(rules.FaultMissing)(fuel, out)
	}
	return r.Runner.Decide(ctx, b, fuel, out)
}

// TestShadowTellsNoFaultOfWhatMadeRoom: a module that makes room before it is asked
// beside another is loaded and asked again, and so is the deciding one there; where that
// does not help, nothing is found.
func TestShadowTellsNoFaultOfWhatMadeRoom(t *testing.T) {
	for tries, compared := range map[int]int{1: 2, loadTries: 0} {
		h := newHouse(t)
		for _, stage := range []string{"open", "shut"} {
			h.add("rep", "Deal", cell{"title": "a", "stage": stage})
		}
		h.embargo(onlyOpen)
		h.besides(1, onlyOpen)
		times := map[rules.Hash]int{}
		h.e.o.Rules = &absent{h.double, func(b *rules.Batch) bool {
			if !b.Beside {
				return false
			}
			if times[b.Rule]++; times[b.Rule] > tries {
				return false
			}
			h.double.Unload(b.Tenant, b.Rule)
			return true
		}}
		h.list("rex", "Deal", nil)
		if got := h.shadowOf("admin"); got.Compared != compared || got.Failed+got.More+got.Less != 0 {
			t.Errorf("missing %d times: %+v", tries, got)
		}
	}
}

// TestDifferenceLoadsAgain: a dry run, and what an activation is held to, tell of no
// faults because a module made room.
func TestDifferenceLoadsAgain(t *testing.T) {
	h := newHouse(t)
	h.add("rep", "Deal", cell{"title": "a", "stage": "open"})
	hash := h.keepModule("open", rules.Manifest{Effect: rules.Restrict, Record: stageOf}, onlyOpen)
	var module rules.Hash
	_, err := hex.Decode(module[:], []byte(hash))
	must(t, err)
	times := 0
	h.e.o.Rules = &evicting{h.double, func() {
		if times++; times%2 == 1 {
			h.double.Unload(h.tenant, module)
		}
	}}
	if got := h.costOf("admin", "embargo", hash); got.Decisions != 1 || len(got.Faults) != 0 || got.Impure != 0 || times < 2 {
		t.Errorf("%+v after %d questions", got, times)
	}
}

// planless is a runner whose plans cannot be asked for now.
type planless struct{ *ruletest.Double }

func (planless) Plan(context.Context, *rules.Batch, *rules.Fuel) (*rules.Plan, rules.FaultKind, error) {
	return nil, rules.NoFault, context.Canceled
}

// TestRefusedUploadLeavesWhatDecides: a check of an upload that fails takes no module
// out of the runner that was there before, as it may decide.
func TestRefusedUploadLeavesWhatDecides(t *testing.T) {
	h := newHouse(t)
	h.e.o.Rules = planless{h.double}
	m := rules.Manifest{ABI: 1, Form: "Deal", Effect: rules.Share, Grant: 1, Record: stageOf}
	module, hash := h.double.Register("sluice_plan", &m, func(_, _ []record.Value) rules.Verdict { return rules.Verdict{Grant: 1} })
	for _, before := range []bool{false, true} {
		if before {
			_, err := h.double.Load(t.Context(), h.tenant, module)
			must(t, err)
		}
		if err := h.e.checkUploadedPlan(t.Context(), h.tenant, h.def, &m, module); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if h.double.Loaded(h.tenant, hash) != before {
			t.Errorf("loaded %v, before %v", !before, before)
		}
	}
}

// boundTo is the binding of a rule as operations have it.
func (h *house) boundTo(rule string) (b *binding) {
	h.read("super", func(op *Op) {
		for r, of := range op.app.bindings {
			if r.Name == rule {
				b = of
			}
		}
	})
	return b
}
