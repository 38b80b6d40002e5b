package engine

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
	"sluice/rules"
	"sluice/rules/ruletest"
)

// badShadows are what a module that runs beside another may do.
var badShadows = []struct {
	name string
	say  func(m *rules.Manifest) ruletest.Func
}{
	{"grants everything", func(m *rules.Manifest) ruletest.Func {
		return func(_, _ []record.Value) rules.Verdict { return mostOf(m) }
	}},
	{"denies everything", func(*rules.Manifest) ruletest.Func {
		return func(_, _ []record.Value) rules.Verdict { return rules.Verdict{} }
	}},
	{"traps", func(*rules.Manifest) ruletest.Func {
		return func(_, _ []record.Value) rules.Verdict { return rules.Verdict{Fault: rules.FaultTrap} }
	}},
	{"spends its fuel", nil},
	{"panics", func(*rules.Manifest) ruletest.Func {
		return func(_, _ []record.Value) rules.Verdict { panic("a module") }
	}},
}

// mostOf is the verdict of a module that grants all it may.
func mostOf(m *rules.Manifest) rules.Verdict {
	switch m.Effect {
	case rules.Share:
		return rules.Verdict{Grant: m.Grant}
	case rules.Restrict:
		return rules.Verdict{Grant: 1}
	case rules.Mask:
		return rules.Verdict{Visible: 1<<len(m.Mask) - 1}
	case rules.NoEffect:
	}
	return rules.Verdict{}
}

// burner is a runner that spends all fuel of one module.
type burner struct {
	*ruletest.Double
	burns map[rules.Hash]bool
	asked atomic.Int64
}

func (b *burner) Decide(ctx context.Context, batch *rules.Batch, fuel *rules.Fuel, out []rules.Verdict) error {
	if !b.burns[batch.Rule] {
		return b.Double.Decide(ctx, batch, fuel, out)
	}
	b.asked.Add(1)
	fuel.Left = -1
	return fault.New(fault.Limit, "burner", "spent")
}

// shade lets a bad module run beside each of the stage.
func (s *stage) shade(bad int) {
	burns := &burner{Double: s.double, burns: map[rules.Hash]bool{}}
	s.e.o.Rules = burns
	s.app.shadows = map[*definition.CustomRule]*shadow{}
	for rule, b := range s.app.bindings {
		say := func(_, _ []record.Value) rules.Verdict { return rules.Verdict{} }
		if f := badShadows[bad].say; f != nil {
			say = f(b.manifest)
		}
		module, hash := s.double.Register(rule.Name+" beside", b.manifest, say)
		_, err := s.double.Load(context.Background(), s.tenant.ID(), module)
		must(s.tb, err)
		burns.burns[hash] = badShadows[bad].say == nil
		beside := *b
		beside.hash = hash
		s.app.shadows[rule] = &shadow{doc: shadowDoc{ID: rule.Name, Until: time.Now().Add(time.Hour)}, binding: &beside}
	}
}

// found settles the shadows and returns how many pairs of each kind they found.
func (s *stage) found() (out [ShadowFault + 1]int) {
	for rule := range s.app.shadows {
		run := s.e.settleShadow(context.Background(), runKey{s.tenant.ID(), rule.Name})
		if run == nil {
			continue
		}
		run.mu.Lock()
		if run.log != nil {
			for _, p := range run.log.pairs {
				out[p.Kind]++
			}
		}
		run.mu.Unlock()
	}
	return out
}

// TestH2_ShadowChangesNoAnswer puts the same requests to a world with and without
// modules that run beside its own and do the worst they can.
func TestH2_ShadowChangesNoAnswer(t *testing.T) {
	var all [len(badShadowNames)][ShadowFault + 1]atomic.Int64
	prove(t, 30, 1_500, func(t *testing.T, seed uint64) {
		w := world.Random(seed, world.Small)
		bad := int(seed % uint64(len(badShadows)))
		plain, shaded := newStage(t, w), newStage(t, w)
		defer plain.close()
		shaded.shade(bad)
		for i, u := range w.Users[:min(len(w.Users), 3)] {
			asks := shaded.asks(u, seed+uint64(i))
			for k, ask := range plain.asks(u, seed+uint64(i)) {
				if want, got := plain.answered(u, ask), shaded.answered(u, asks[k]); got != want {
					t.Fatalf("seed %d: %s, beside what %s, request %d:\n%s\ninstead of\n%s", seed, u.Email, badShadows[bad].name, k, got, want)
				}
			}
		}
		for kind, n := range shaded.found() {
			all[bad][kind].Add(int64(n))
		}
		shaded.e.StopShadows(context.Background())
		shaded.close()
	})
	for bad, want := range badShadowNames {
		if n := all[bad][want].Load(); n == 0 && badShadows[bad].name != "panics" {
			t.Errorf("what %s was never found to be %s", badShadows[bad].name, want)
		}
	}
}

// answered puts a request as a server does: what does not write to a snapshot.
func (s *stage) answered(u *oracle.User, ask request) string {
	if ask.writes {
		return s.answer(u, ask)
	}
	return s.onSnapshot(u, ask)
}

// badShadowNames are what each of badShadows must have been found to do.
var badShadowNames = [...]ShadowKind{ShadowMore, ShadowLess, ShadowFault, ShadowFault, ShadowSame}

// besides gives the house a clock, and a module beside the embargo.
func (h *house) besides(hours int, f ruletest.Func) (move func(time.Duration), hash string) {
	h.t.Helper()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	h.e.o.Now = func() time.Time { return now }
	hash = h.keepModule("beside", rules.Manifest{Effect: rules.Restrict, Record: stageOf}, f)
	_, err := h.e.ShadowRule(h.t.Context(), h.as["admin"], "crm", "embargo", hash, hours)
	must(h.t, err)
	return func(d time.Duration) { now = now.Add(d) }, hash
}

func (h *house) shadowOf(who string) *ShadowReport {
	h.t.Helper()
	h.settle()
	r, err := h.e.RuleShadow(h.t.Context(), h.as[who], "crm", "embargo")
	must(h.t, err)
	return r
}

// TestShadowReports: what differs is told with both verdicts, kept over a restart,
// and over with its time.
func TestShadowReports(t *testing.T) {
	h := newHouse(t)
	open := h.add("rep", "Deal", cell{"title": "a", "stage": "open"})
	shut := h.add("rep", "Deal", cell{"title": "b", "stage": "shut"})
	h.embargo(onlyOpen)
	move, hash := h.besides(24, func(_, row []record.Value) rules.Verdict {
		if string(row[0].Text()) == "open" {
			return rules.Verdict{Fault: rules.FaultTrap}
		}
		return rules.Verdict{Grant: 1}
	})
	if got := h.list("rex", "Deal", nil); len(got) != 1 || got[0] != open {
		t.Fatalf("rex sees %v", got)
	}
	check := func(what string, running bool) {
		t.Helper()
		got := h.shadowOf("dev")
		if got == nil || got.Compared != 2 || got.More != 1 || got.Failed != 1 || got.Running != running || got.Module != hash || len(got.Samples) != 2 {
			t.Fatalf("%s: %+v", what, got)
		}
		for _, s := range got.Samples {
			if s.Viewer != h.id["rex"] || got.People[s.Viewer] != "rex" || (s.Kind == ShadowFault) != (s.Record == open) || (s.Kind == ShadowMore) != (s.Record == shut) {
				t.Errorf("%s: %+v", what, s)
			}
		}
	}
	check("running", true)
	h.e.StopShadows(t.Context())
	again, err := New(h.e.o)
	must(t, err)
	h.e = again
	check("after a restart", true)
	move(25 * time.Hour)
	check("over", false)
	other := h.add("rep", "Deal", cell{"title": "c", "stage": "shut"})
	if h.sees("rex", "Deal", other) {
		t.Error("the embargo ended")
	}
	check("over, and asked about more", false)
	must(t, h.e.UnshadowRule(t.Context(), h.as["dev"], "crm", "embargo"))
	if got := h.shadowOf("admin"); got != nil {
		t.Errorf("ended: %+v", got)
	}
}

// TestP10_ShadowTellsNothingUnseen: a hidden record is in no number and no sample.
func TestP10_ShadowTellsNothingUnseen(t *testing.T) {
	h, _, _ := newHideout(t)
	h.embargo(onlyOpen)
	h.place("rex", "Manager", "All")
	h.add("rep", "Deal", cell{"title": "c", "stage": "shut"})
	h.besides(1, func(_, _ []record.Value) rules.Verdict { return rules.Verdict{Grant: 1} })
	h.list("rex", "Deal", nil)
	before := h.shadowOf("admin")
	if before.More == 0 || before.Compared < before.More {
		t.Fatalf("%+v", before)
	}
	h.hide("boss", "Deal", cell{"stage": cell{"eq": "shut"}})
	for who, want := range map[string]bool{"admin": false, "boss": true} {
		if got := h.shadowOf(who); (got.More == before.More) != want || len(got.Samples) != got.More {
			t.Errorf("%s: %+v, before %+v", who, got, before)
		}
	}
}

// TestShadowIsForThoseWithTheTool: who may begin, read and end it, and with what.
func TestShadowIsForThoseWithTheTool(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	hash := h.keepModule("beside", rules.Manifest{Effect: rules.Restrict, Record: stageOf}, onlyOpen)
	begin := func(who, rule, module string, hours int) error {
		_, err := h.e.ShadowRule(ctx, h.as[who], "crm", rule, module, hours)
		return err
	}
	for name, c := range map[string]struct {
		err  error
		kind fault.Kind
	}{
		"a clerk":       {begin("clerk", "embargo", hash, 1), fault.Forbidden},
		"nobody":        {begin("nobody", "embargo", hash, 1), fault.NotFound},
		"no rule":       {begin("dev", "embarg", hash, 1), fault.NotFound},
		"no module":     {begin("dev", "embargo", "00", 1), fault.NotFound},
		"another form":  {begin("dev", "cover", hash, 1), fault.Invalid},
		"no time":       {begin("dev", "embargo", hash, 0), fault.Invalid},
		"too much time": {begin("dev", "embargo", hash, MaxShadowHours+1), fault.Invalid},
	} {
		if fault.KindOf(c.err) != c.kind {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	must(t, h.d.Assign(ctx, h.as["admin"], directory.Assignment{User: h.id["dev"], Application: "crm", Kind: identity.Developer}, nil))
	for what, err := range map[string]error{"begin": begin("dev", "embargo", hash, 1), "read": readsShadow(h, "dev")} {
		if fault.KindOf(err) != fault.Forbidden {
			t.Errorf("%s without the tool: %v", what, err)
		}
	}
	if err := h.e.UnshadowRule(ctx, h.as["clerk"], "crm", "embargo"); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("a clerk ends it: %v", err)
	}
	h.embargo(onlyOpen)
	states, err := h.e.Rules(ctx, h.as["admin"], "crm")
	must(t, err)
	for _, s := range states {
		if s.Rule == "embargo" {
			if err := begin("admin", "embargo", s.Bound, 1); fault.KindOf(err) != fault.Conflict {
				t.Errorf("the deciding module: %v", err)
			}
		}
	}
}

func readsShadow(h *house, who string) error {
	_, err := h.e.RuleShadow(h.t.Context(), h.as[who], "crm", "embargo")
	return err
}

// TestShadowLogIsBounded: what does not differ goes first, and one pair stands once.
func TestShadowLogIsBounded(t *testing.T) {
	l := &shadowLog{}
	pair := func(i int, k ShadowKind) shadowPair {
		return shadowPair{Record: record.NewID(time.UnixMilli(int64(i))), Kind: k}
	}
	differs := pair(1, ShadowMore)
	l.put(differs)
	for i := range 3 * maxShadowPairs {
		l.put(pair(i+2, ShadowSame))
	}
	l.put(differs)
	if len(l.pairs) != maxShadowPairs || l.pairs[len(l.pairs)-1].Kind != ShadowMore || l.pairs[0].Kind != ShadowSame {
		t.Error(len(l.pairs), l.pairs[0])
	}
	for i := range l.pairs {
		for n := range uint32(200) {
			l.pairs[i].Old.Hidden = append(l.pairs[i].Old.Hidden, n+1000)
		}
	}
	if b, err := l.encode(); err != nil || len(b) > 512<<10 || l.pairs[len(l.pairs)-1].Kind != ShadowMore {
		t.Error(len(b), err)
	}
}

func TestShadowKinds(t *testing.T) {
	type v = ShadowVerdict
	for i, c := range []struct {
		old, next v
		want      ShadowKind
	}{
		{v{}, v{}, ShadowSame}, {v{Level: 1}, v{Level: 2}, ShadowMore}, {v{Level: 2}, v{Level: 1}, ShadowLess},
		{v{Through: true}, v{}, ShadowLess}, {v{}, v{Through: true}, ShadowMore}, {v{Level: 1}, v{Fault: rules.FaultTrap}, ShadowFault},
		{v{Fault: rules.FaultTrap}, v{Fault: rules.FaultTrap}, ShadowSame}, {v{Fault: rules.FaultTrap}, v{Level: 1}, ShadowMore}, {v{Reason: 1}, v{Reason: 2}, ShadowSame},
		{v{Hidden: []uint32{1, 2}}, v{Hidden: []uint32{2}}, ShadowMore}, {v{Hidden: []uint32{2}}, v{Hidden: []uint32{1, 2}}, ShadowLess},
		{v{Hidden: []uint32{1}}, v{Hidden: []uint32{2}}, ShadowOther},
	} {
		if got := shadowKind(c.old, c.next); got != c.want {
			t.Error(fmt.Sprint(i), got, "want", c.want)
		}
	}
}
