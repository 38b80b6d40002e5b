package engine

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/ruletest"
)

func always1(_, _ []record.Value) rules.Verdict { return rules.Verdict{Grant: 1} }

// TestH2_ShadowEnds: what runs beside a module ends when another one decides, or none,
// when the definition drops the rule, and with its time; nobody is asked after that.
func TestH2_ShadowEnds(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		end  func(h *house, beside string, move func(time.Duration)) error
		gone bool // with what it found
	}{
		"time": {end: func(_ *house, _ string, move func(time.Duration)) error { move(2 * time.Hour); return nil }},
		"the shadow is activated": {end: func(h *house, beside string, _ func(time.Duration)) error {
			_, err := h.e.BindModule(ctx, h.as["admin"], "crm", "embargo", beside)
			must(h.t, err)
			_, err = h.e.ActivateRule(ctx, h.as["admin"], "crm", "embargo")
			return err
		}},
		"rolled back": {end: func(h *house, _ string, _ func(time.Duration)) error {
			_, err := h.e.RollbackRule(ctx, h.as["admin"], "crm", "embargo", 0, "")
			return err
		}},
		"off": {end: func(h *house, _ string, _ func(time.Duration)) error {
			_, err := h.e.DeactivateRule(ctx, h.as["admin"], "crm", "embargo")
			return err
		}},
		"off and on again": {end: func(h *house, _ string, _ func(time.Duration)) error {
			_, err := h.e.DeactivateRule(ctx, h.as["admin"], "crm", "embargo")
			must(h.t, err)
			_, err = h.e.ActivateRule(ctx, h.as["admin"], "crm", "embargo")
			return err
		}},
		"dropped": {gone: true, end: func(h *house, _ string, _ func(time.Duration)) error { return h.without("embargo") }},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.add("rep", "Deal", cell{"title": "a", "stage": "shut"})
			_, err := h.e.BindModule(ctx, h.as["admin"], "crm", "embargo", h.verdict("embargo", "older", rules.Restrict, 1))
			must(t, err)
			_, err = h.e.ActivateRule(ctx, h.as["admin"], "crm", "embargo")
			must(t, err)
			h.embargo(onlyOpen)
			move, beside := h.besides(1, always1)
			h.list("rex", "Deal", nil)
			if got := h.shadowOf("admin"); !got.Running || got.More != 1 {
				t.Fatalf("before: %+v", got)
			}
			must(t, h.e.FlushShadows(t.Context()))
			must(t, c.end(h, beside, move))
			h.add("rep", "Deal", cell{"title": "b", "stage": "shut"})
			asked := h.askedBeside(beside, func() { h.list("rex", "Deal", nil) })
			if asked != 0 {
				t.Errorf("it was asked about %d records", asked)
			}
			if c.gone {
				must(t, h.redefineHouse())
				asked = h.askedBeside(beside, func() { h.list("rex", "Deal", nil) })
				if got := h.shadowOf("admin"); got != nil || asked != 0 || h.shadowDocs() != 0 {
					t.Errorf("as the rule comes back: %+v, %d records asked about, %d documents", got, asked, h.shadowDocs())
				}
				return
			}
			if got := h.shadowOf("admin"); got.Running || got.More != 1 || got.Until.After(h.e.o.Now()) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// askedBeside counts the records that a shadow's module was asked about beside another.
func (h *house) askedBeside(hash string, fn func()) (n int) {
	h.t.Helper()
	spy := &besideSpy{Runner: h.e.o.Rules, hash: hash}
	h.e.o.Rules = spy
	fn()
	h.settle()
	h.e.o.Rules = spy.Runner
	return spy.rows
}

// besideSpy counts rows of batches that decide nothing. Settle before reading it.
type besideSpy struct {
	rules.Runner
	hash string
	rows int
}

func (s *besideSpy) Decide(ctx context.Context, b *rules.Batch, fuel *rules.Fuel, out []rules.Verdict) error {
	if b.Beside && b.Rule.String() == s.hash {
		s.rows += len(b.Rows)
	}
	return s.Runner.Decide(ctx, b, fuel, out)
}

// settle waits for all questions to shadows.
func (h *house) settle() {
	h.e.shadows.mu.Lock()
	var keys []runKey
	for key := range h.e.shadows.runs {
		keys = append(keys, key)
	}
	h.e.shadows.mu.Unlock()
	for _, key := range keys {
		h.e.settleShadow(context.Background(), key)
	}
}

func (h *house) houseWithout(rule string) []byte {
	h.t.Helper()
	source, err := os.ReadFile("testdata/house.yaml")
	must(h.t, err)
	var lines []string
	for line := range strings.SplitSeq(string(source), "\n") {
		if rule == "" || !strings.Contains(line, "name: "+rule) {
			lines = append(lines, line)
		}
	}
	return []byte(strings.Join(lines, "\n"))
}

func (h *house) without(rule string) error {
	if faults := h.applied("admin", h.houseWithout(rule)); len(faults) > 0 {
		return fmt.Errorf("%v", faults)
	}
	return nil
}

func (h *house) redefineHouse() error { return h.without("") }

// shadowDocs counts the documents that shadows keep.
func (h *house) shadowDocs() (n int) {
	h.t.Helper()
	snap, err := h.e.o.Store.Tenant(h.tenant).Snapshot()
	must(h.t, err)
	defer snap.Close()
	c := snap.Docs(spaceShadow, "")
	defer c.Close()
	for c.Next() {
		n++
	}
	must(h.t, c.Err())
	return n
}

// TestShadowsAreFew: so many run beside others in an organization, and one that is over
// or replaced makes room.
func TestShadowsAreFew(t *testing.T) {
	h := newHouse(t)
	extra := make([]string, MaxShadows)
	more := ""
	for i := range extra {
		extra[i] = fmt.Sprintf("more%d", i)
		more += fmt.Sprintf("\n  - {name: %s, form: Deal, effect: RESTRICT, users: [rex@x.io]}", extra[i])
	}
	source := strings.Replace(string(h.houseWithout("")), "\ncustomRules:", "\ncustomRules:"+more, 1)
	if faults := h.applied("admin", []byte(source)); len(faults) > 0 {
		t.Fatal(faults)
	}
	_, hash := h.besides(1, always1)
	begin := func(rule string) error {
		_, err := h.e.ShadowRule(t.Context(), h.as["admin"], "crm", rule, hash, 1)
		return err
	}
	for _, rule := range extra[1:] {
		must(t, begin(rule))
	}
	denied(t, begin(extra[0]), fault.Limit)
	must(t, begin("embargo"))
	must(t, h.e.UnshadowRule(t.Context(), h.as["admin"], "crm", "embargo"))
	must(t, begin(extra[0]))
	denied(t, begin("embargo"), fault.Limit)
	now := h.e.o.Now()
	h.e.o.Now = func() time.Time { return now.Add(2 * time.Hour) }
	must(t, begin("embargo"))
}

// TestShadowsTakeLittleRoom: the line of questions has an end, for one organization
// before that for all; what is in memory is stored and forgotten; and the documents
// are two for a rule.
func TestShadowsTakeLittleRoom(t *testing.T) {
	h := newHouse(t)
	h.add("rep", "Deal", cell{"title": "a", "stage": "shut"})
	h.embargo(onlyOpen)
	gate := &gated1{Runner: h.e.o.Rules, begun: make(chan struct{}, 1000), open: make(chan struct{})}
	move, _ := h.besides(1, always1)
	h.e.o.Rules = gate
	h.list("rex", "Deal", nil)
	<-gate.begun // one question is being asked
	for range 3 * shadowJobs {
		h.list("rex", "Deal", nil)
	}
	h.e.shadows.mu.Lock()
	waiting, runs := len(h.e.shadows.jobs), len(h.e.shadows.runs)
	h.e.shadows.mu.Unlock()
	if waiting != shadowOwn || runs != 1 {
		t.Errorf("%d questions of one organization wait, %d shadows are known", waiting, runs)
	}
	close(gate.open)
	h.settle()
	must(t, h.e.FlushShadows(t.Context()))
	if n := h.shadowDocs(); n != 1 {
		t.Errorf("%d documents before a minute is over", n)
	}
	move(shadowKept)
	must(t, h.e.FlushShadows(t.Context()))
	if n, runs := h.shadowDocs(), len(h.e.shadows.runs); n != 2 || runs != 0 {
		t.Errorf("%d documents, %d shadows known", n, runs)
	}
	if got := h.shadowOf("admin"); got.More != 1 {
		t.Errorf("%+v", got)
	}
}

// gated1 holds questions that decide nothing until it is opened.
type gated1 struct {
	rules.Runner
	begun, open chan struct{}
}

func (g *gated1) Decide(ctx context.Context, b *rules.Batch, fuel *rules.Fuel, out []rules.Verdict) error {
	if b.Beside {
		g.begun <- struct{}{}
		<-g.open
	}
	return g.Runner.Decide(ctx, b, fuel, out)
}

// TestShadowsOfMany: no more shadows are known at once than there is room for, and one
// that was forgotten makes room.
func TestShadowsOfMany(t *testing.T) {
	h := &shadowHub{}
	now := time.UnixMilli(1)
	for i := range 2 * maxShadows {
		h.run(runKey{id: fmt.Sprint(i)}, now)
	}
	if len(h.runs) != maxShadows || h.run(runKey{id: "0"}, now) == nil || h.run(runKey{id: "x"}, now) != nil {
		t.Error(len(h.runs))
	}
	r := &shadowRun{}
	n := 0
	for range 2 * shadowMinute {
		if r.admits(now) {
			n++
		}
	}
	if n != shadowMinute || !r.admits(now.Add(time.Minute)) {
		t.Error(n)
	}
}

// TestH2_ShadowIsAskedOfKeptAnswers: what the deciding module answered before and is not
// asked again, the shadow is asked about; also records that kept answers leave out of
// the list.
func TestH2_ShadowIsAskedOfKeptAnswers(t *testing.T) {
	h := newHouse(t)
	var shared [2]record.ID
	for i, stage := range []string{"open", "shut"} {
		shared[i] = h.add("rep", "Deal", cell{"title": stage, "stage": stage})
	}
	m := rules.Manifest{Effect: rules.Share, Grant: 1, Record: stageOf}
	h.fill("gift", m, onlyOpen)
	deciding := h.ruleState("gift").Bound
	list := func() {
		t.Helper()
		if got := h.list("gil", "Deal", nil); len(got) != 1 || got[0] != shared[0] {
			t.Fatalf("gil sees %v", got)
		}
	}
	hash := h.keepModule("beside", m, always1)
	_, err := h.e.ShadowRule(t.Context(), h.as["admin"], "crm", "gift", hash, 1)
	must(t, err)
	list()
	h.forgetFound()
	decided := h.askedDeciding(deciding, list)
	if decided != 0 {
		t.Errorf("the deciding module was asked about %d records whose answer is kept", decided)
	}
	got, err := h.e.RuleShadow(t.Context(), h.as["admin"], "crm", "gift")
	must(t, err)
	if got.Compared != 2 || got.More != 1 || len(got.Samples) != 1 || got.Samples[0].Record != shared[1] || got.Samples[0].Viewer != h.id["gil"] {
		t.Errorf("%+v", got)
	}
}

// forgetFound drops what was found so far, and is not stored.
func (h *house) forgetFound() {
	h.settle()
	h.e.shadows.mu.Lock()
	defer h.e.shadows.mu.Unlock()
	h.e.shadows.runs = nil
}

// askedDeciding counts the records that a module was asked about to decide.
func (h *house) askedDeciding(hash string, fn func()) int {
	spy := &decideSpy{Runner: h.e.o.Rules, hash: hash}
	h.e.o.Rules = spy
	fn()
	h.settle()
	h.e.o.Rules = spy.Runner
	return spy.rows
}

type decideSpy struct {
	rules.Runner
	hash string
	rows int
}

func (s *decideSpy) Decide(ctx context.Context, b *rules.Batch, fuel *rules.Fuel, out []rules.Verdict) error {
	if !b.Beside && b.Rule.String() == s.hash {
		s.rows += len(b.Rows)
	}
	return s.Runner.Decide(ctx, b, fuel, out)
}

// TestH2_ShadowWalksTheForm: where kept answers leave most records out, or say all, the
// shadow is asked about all of them in turn.
func TestH2_ShadowWalksTheForm(t *testing.T) {
	const many = 3 * shadowAround
	h := newHouse(t)
	for i := range many {
		h.add("rep", "Deal", cell{"title": fmt.Sprint(i), "stage": "shut"})
	}
	m := rules.Manifest{Effect: rules.Share, Grant: 1, Record: stageOf}
	h.fill("gift", m, onlyOpen)
	hash := h.keepModule("beside", m, always1)
	_, err := h.e.ShadowRule(t.Context(), h.as["admin"], "crm", "gift", hash, 1)
	must(t, err)
	h.list("gil", "Deal", nil)
	h.forgetFound()
	for name, look := range map[string]func(){
		"lists": func() { h.list("gil", "Deal", nil) },
		"what is kept": func() {
			h.read("gil", func(op *Op) { op.decisionsOf(op.app.forms[h.form("Deal").Number], op.app.def.Custom[3]) })
		},
	} {
		for range many/shadowAround + 1 {
			look()
			h.settle()
		}
		got, err := h.e.RuleShadow(t.Context(), h.as["admin"], "crm", "gift")
		must(t, err)
		if got.More != many || got.Compared != many {
			t.Errorf("%s: %+v", name, got)
		}
		h.forgetFound()
	}
}

// failsBeside lets what is asked beside go wrong.
type failsBeside struct {
	rules.Runner
	how func(fuel *rules.Fuel, out []rules.Verdict) error
}

func (f *failsBeside) Decide(ctx context.Context, b *rules.Batch, fuel *rules.Fuel, out []rules.Verdict) error {
	if b.Beside {
		return f.how(fuel, out)
	}
	return f.Runner.Decide(ctx, b, fuel, out)
}

func allFail(kind rules.FaultKind) func(*rules.Fuel, []rules.Verdict) error {
	return func(_ *rules.Fuel, out []rules.Verdict) error {
		for i := range out {
			out[i] = rules.Verdict{Fault: kind}
		}
		return nil
	}
}

// TestH2_ShadowGoesWrongForItself: whatever goes wrong with a shadow, who asks gets the
// same answer with the same fuel, and neither a fault nor an entry of the rule's log is
// added.
func TestH2_ShadowGoesWrongForItself(t *testing.T) {
	for name, c := range map[string]struct {
		how  func(*rules.Fuel, []rules.Verdict) error
		want string // a kind of fault that is reported
	}{
		"trap":   {allFail(rules.FaultTrap), "trap"},
		"impure": {allFail(rules.FaultImpure), "impure"},
		"fuel of a record": {func(fuel *rules.Fuel, _ []rules.Verdict) error {
			fuel.Left = -1
			return fault.New(fault.Limit, "failing", "spent")
		}, "fuel"},
		"nothing to spare": {func(*rules.Fuel, []rules.Verdict) error { return fault.New(fault.Limit, "failing", "spent") }, ""},
		"made room":        {allFail(rules.FaultMissing), ""},
		"timeout":          {func(*rules.Fuel, []rules.Verdict) error { return context.DeadlineExceeded }, ""},
		"panic":            {func(*rules.Fuel, []rules.Verdict) error { panic("a module") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.double.Cost = 10
			var told int
			h.e.o.Events.RuleFault = func(identity.Tenant, string, string, rules.FaultKind) { told++ }
			for _, stage := range []string{"open", "shut", "open"} {
				h.add("rep", "Deal", cell{"title": "a", "stage": stage})
			}
			h.embargo(trapOnShut)
			ask := func() string {
				var out string
				h.e.decided = newDecided(0)
				h.read("rex", func(op *Op) {
					ids := h.listed(op, "Deal", nil)
					out = fmt.Sprint(ids, op.Faults(), op.fuel.Left, op.failed())
				})
				h.settle()
				return out
			}
			want, wasTold := ask(), told
			logged := len(h.ruleLog("dev", RuleLogQuery{}).Entries)
			h.besides(1, ruletest.Func(always1))
			h.e.o.Rules = &failsBeside{Runner: h.double, how: c.how}
			if got := ask(); got != want || told != 2*wasTold {
				t.Errorf("%s, %d faults told\nwant %s, %d", got, told, want, 2*wasTold)
			}
			if n := len(h.ruleLog("dev", RuleLogQuery{}).Entries); n != logged {
				t.Errorf("%d entries of the log, %d before", n, logged)
			}
			var kinds []string
			for _, f := range h.shadowOf("admin").Faults {
				kinds = append(kinds, f.Kind.String())
			}
			if got := strings.Join(kinds, " "); got != c.want {
				t.Errorf("reported: %q, want %q", got, c.want)
			}
		})
	}
}

// TestP10_ShadowTellsNoStateUnseen: what was said of a record as it was while it was
// hidden from the reader stays untold when it is not hidden any more.
func TestP10_ShadowTellsNoStateUnseen(t *testing.T) {
	h, _, open := newHideout(t)
	h.embargo(onlyOpen)
	h.place("rex", "Manager", "All")
	h.besides(1, func(_, _ []record.Value) rules.Verdict { return rules.Verdict{} })
	h.list("rex", "Deal", nil)
	if got := h.shadowOf("dev"); got.Less != 1 {
		t.Fatalf("%+v", got)
	}
	h.hide("boss", "Deal", cell{"stage": cell{"eq": "open"}})
	must(t, h.update("boss", "Deal", open, cell{"stage": "shut"}))
	for who, want := range map[string]int{"dev": 0, "admin": 0, "boss": 1} {
		if got := h.shadowOf(who); got.Less != want || len(got.Samples) != want {
			t.Errorf("%s: %+v", who, got)
		}
	}
}

// TestShadowSamplesAllThatIsMet: each record that an operation asks about may be in its
// question, and not the first ones alone.
func TestShadowSamplesAllThatIsMet(t *testing.T) {
	const many, questions = 10 * shadowSample, 100
	var taken [many]int
	for seed := range uint64(questions) {
		job := &shadowJob{dice: seed}
		place := map[int]int{}
		for i := range many {
			if at, ok := job.place(); ok {
				place[at] = i
			}
		}
		if len(place) != shadowSample || len(job.items) != shadowSample {
			t.Fatal(len(place), len(job.items))
		}
		for _, i := range place {
			taken[i]++
		}
	}
	for i, n := range taken {
		if n == 0 || n > questions/2 {
			t.Errorf("record %d of %d is in %d of %d samples", i, many, n, questions)
		}
	}
}

// TestShadowsTogether: people ask, what was found is stored and read, and the rule is
// switched, all at once; then it stops.
func TestShadowsTogether(t *testing.T) {
	h := newHouse(t)
	for range 2 * shadowSample {
		h.add("rep", "Deal", cell{"title": "a", "stage": "shut"})
	}
	h.embargo(onlyOpen)
	h.besides(1, always1)
	var all sync.WaitGroup
	run := func(fn func() error) {
		all.Go(func() {
			for range 20 {
				if err := fn(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 3 {
		run(func() error {
			op, err := h.e.Read(t.Context(), h.as["rex"], "crm")
			if err != nil {
				return err
			}
			defer op.Close()
			page, err := op.List(List{Form: h.form("Deal").Number, First: 10})
			if err == nil && len(page.Records) > 0 {
				err = fmt.Errorf("rex sees %d deals", len(page.Records))
			}
			return err
		})
	}
	run(func() error {
		_, err := h.e.RuleShadow(t.Context(), h.as["dev"], "crm", "embargo")
		return err
	})
	run(func() error { return h.e.FlushShadows(t.Context()) })
	run(func() error {
		_, err := h.e.DeactivateRule(t.Context(), h.as["admin"], "crm", "embargo")
		if err == nil {
			_, err = h.e.ActivateRule(t.Context(), h.as["admin"], "crm", "embargo")
		}
		return err
	})
	all.Wait()
	h.e.StopShadows(t.Context())
	if got := h.shadowOf("dev"); got.Running {
		t.Errorf("%+v", got)
	}
	h.list("rex", "Deal", nil)
	if len(h.e.shadows.jobs) != 0 || h.e.shadows.working {
		t.Error("something was asked after the end")
	}
}

// TestH4_ShadowBesideNothing: beside a rule that is off, and one in quarantine, what a
// shadow grants is more than the nothing of now.
func TestH4_ShadowBesideNothing(t *testing.T) {
	for name, quarantined := range map[string]bool{"off": false, "in quarantine": true} {
		h := newHouse(t)
		deal := h.add("rep", "Deal", cell{"title": "a", "stage": "shut"})
		if quarantined {
			h.embargo(onlyOpen)
			h.e.watches.mu.Lock()
			h.e.watches.at(ruleKey{h.tenant, "crm", "embargo"}).condemn(&quarantineDoc{Module: h.ruleState("embargo").Bound, Since: time.Now(), Faults: map[string]int{"trap": 1}})
			h.e.watches.mu.Unlock()
			must(t, h.e.FlushRuleLog(t.Context()))
			if h.ruleState("embargo").Quarantine == nil {
				t.Fatal("not in quarantine")
			}
		}
		h.besides(1, always1)
		for range 2 { // asked about what was met, and then about what comes in the form
			if h.sees("rex", "Deal", deal) {
				t.Errorf("%s: the shadow decides", name)
			}
			got := h.shadowOf("admin")
			if got.More != 1 || !got.Running || len(got.Samples) != 1 || got.Samples[0].Old.Through || got.Samples[0].Old.Fault == rules.NoFault {
				t.Errorf("%s: %+v", name, got)
			}
			h.forgetFound()
			h.read("rex", func(op *Op) { op.decisionsOf(op.app.forms[h.form("Deal").Number], op.app.def.Custom[2]) })
		}
	}
}
