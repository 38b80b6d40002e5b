package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/internal/world"
	"sluice/rules"
	"sluice/rules/ruletest"
	"sluice/storage"
)

// failingHouse is a house with an embargo that traps on shut deals, and a clock.
func failingHouse(t *testing.T) (h *house, now *time.Time) {
	h = newHouse(t)
	at := begun.Add(time.Hour)
	h.e.o.Now = func() time.Time { return at }
	h.embargo(trapOnShut)
	return h, &at
}

// shut adds deals that the embargo traps on.
func (h *house) shut(who string, many int) {
	h.t.Helper()
	must(h.t, h.write(who, func(op *Op) error {
		for i := range many {
			if _, err := op.Create(h.form("Deal").Number, h.input("Deal", cell{"title": fmt.Sprint(who, i), "stage": "shut"})); err != nil {
				return err
			}
		}
		return nil
	}))
}

// reads lists all deals, each of which the rules are asked about.
func (h *house) reads(who string) {
	h.t.Helper()
	h.read(who, func(op *Op) {
		_, err := op.List(List{Form: h.form("Deal").Number, First: 1, Total: true})
		must(h.t, err)
	})
}

// flushed stores what waits, and returns the quarantine of the embargo.
func (h *house) flushed() *RuleQuarantine {
	h.t.Helper()
	must(h.t, h.e.FlushRuleLog(h.t.Context()))
	return h.ruleState("embargo").Quarantine
}

// TestH4_QuarantineOfARestrict follows it: what it takes, what it does to whom, that
// it outlives the process, and how it ends.
func TestH4_QuarantineOfARestrict(t *testing.T) {
	h, now := failingHouse(t)
	open := h.add("rep", "Deal", cell{"title": "a", "stage": "open"})
	see := func(what string, want bool) {
		t.Helper()
		if got := h.sees("rex", "Deal", open); got != want {
			t.Errorf("%s: rex sees an open deal: %t", what, got)
		}
		for _, who := range []string{"super", "admin", "dev", "manager"} {
			if !h.sees(who, "Deal", open) {
				t.Errorf("%s: %s does not see an open deal", what, who)
			}
		}
	}
	h.shut("rep", 300)
	h.reads("rex")
	if q := h.flushed(); q != nil {
		t.Fatalf("records of one adder are enough: %+v", q)
	}
	see("faults of one adder", true)
	*now = now.Add(time.Minute)
	h.shut("rep2", 9)
	h.reads("rex")
	if q := h.flushed(); q != nil {
		t.Fatalf("nine records of another are enough: %+v", q)
	}
	h.shut("rep2", 1)
	var told []RuleQuarantine
	h.e.o.Events.RuleQuarantined = func(tenant identity.Tenant, application, rule string, why RuleQuarantine) {
		if tenant != h.tenant || application != "crm" || rule != "embargo" {
			t.Errorf("told of %s of %s", rule, application)
		}
		told = append(told, why)
	}
	h.reads("rex")
	q := h.flushed()
	if q == nil || q.Records < quarantineRecords || q.Records > keptFailing || q.Adders != 2 || !q.Since.Equal(*now) || q.Impure || fmt.Sprint(q.Faults) != fmt.Sprintf("[{trap %d}]", q.Records) {
		t.Fatalf("%+v", q)
	}
	if len(told) != 1 || told[0].Records != q.Records {
		t.Errorf("told %+v", told)
	}
	see("quarantine", false)
	h.toldOfQuarantine("embargo")
	check, err := h.e.Check(t.Context(), h.as["dev"], houseWith(t, "# a word\n"), false)
	must(t, err)
	if !slices.ContainsFunc(check.Findings, func(f definition.Finding) bool {
		return f.Kind == definition.RuleQuarantined && f.Path == "customRules.embargo"
	}) {
		t.Errorf("a check finds %v", check.Findings)
	}
	if asked := h.e.watches.at(ruleKey{h.tenant, "crm", "embargo"}).stats.faults[rules.FaultQuarantine]; asked == 0 {
		t.Error("no fault of quarantine is counted")
	}
	h.restart()
	see("quarantine, after a restart", false)
	*now = now.Add(time.Hour)
	h.reads("rex")
	see("an hour later", false)
	if again := h.flushed(); again == nil || !again.Since.Equal(q.Since) {
		t.Errorf("an hour later: %+v", again)
	}
	_, err = h.e.ReleaseRule(t.Context(), h.as["dev"], "crm", "embargo", 0, "")
	must(t, err)
	see("released", true)
	if q := h.ruleState("embargo").Quarantine; q != nil {
		t.Errorf("released: %+v", q)
	}
	h.reads("rex")
	if h.flushed() == nil {
		t.Error("a version that was released and fails again is not put in quarantine again")
	}
	if story := h.storyOf("embargo"); !strings.HasSuffix(story, "ACTIVATED 1 admin, QUARANTINED 1 , RELEASED 1 dev, QUARANTINED 1 ") {
		t.Error(story)
	}
}

// storyOf is what was done with the versions of a rule, by whom.
func (h *house) storyOf(rule string) string {
	h.t.Helper()
	list, _, err := h.e.RuleEvents(h.t.Context(), h.as["admin"], RulePage{Application: "crm", Rule: rule, First: MaxVersions})
	must(h.t, err)
	var out []string
	for i := range list {
		n := list[len(list)-1-i]
		out = append(out, fmt.Sprint(n.Act, " ", n.Version, " ", n.Name))
	}
	return strings.Join(out, ", ")
}

// restart is another process over what is stored.
func (h *house) restart() {
	h.t.Helper()
	again, err := New(h.e.o)
	must(h.t, err)
	h.e = again
}

// TestH4_QuarantineIsNotOfOnePerson: records of several people on which the rule goes
// wrong since one person changed them are that person's doing.
func TestH4_QuarantineIsNotOfOnePerson(t *testing.T) {
	h, _ := failingHouse(t)
	var all []record.ID
	for i := range quarantineRecords {
		all = append(all, h.add([]string{"rep", "rep2"}[i%2], "Deal", cell{"title": fmt.Sprint(i), "stage": "open"}))
	}
	must(t, h.write("manager", func(op *Op) error {
		for _, id := range all {
			if err := op.Update(h.form("Deal").Number, id, h.input("Deal", cell{"stage": "shut"}), 0); err != nil {
				return err
			}
		}
		return nil
	}))
	h.reads("rex")
	if q := h.flushed(); q != nil {
		t.Fatalf("one person changed all that went wrong: %+v", q)
	}
	for i := range quarantineOthers {
		if h.flushed() != nil {
			t.Fatalf("another person changed %d", i)
		}
		must(t, h.update("rep", "Deal", all[2*i], cell{"title": "b"}))
		h.reads("rex")
	}
	if h.flushed() == nil {
		t.Error("two people are not enough")
	}
}

// TestH4_QuarantineOfAShareAndAMask: a SHARE grants nothing, what it granted and was
// kept included, and a MASK hides all its fields; a release gives both back.
func TestH4_QuarantineOfAShareAndAMask(t *testing.T) {
	h, _ := failingHouse(t)
	open := h.add("rep", "Deal", cell{"title": "a", "stage": "open", "amount": 7})
	h.shut("rep", 90)
	h.shut("rep2", 10)
	trap := func(yes rules.Verdict) ruletest.Func {
		return func(_, row []record.Value) rules.Verdict {
			if string(row[0].Text()) == "open" {
				return yes
			}
			return rules.Verdict{Fault: rules.FaultTrap}
		}
	}
	h.fill("gift", rules.Manifest{Effect: rules.Share, Grant: 1, Record: stageOf}, trap(rules.Verdict{Grant: 1}))
	h.fill("cover", rules.Manifest{Effect: rules.Mask, Mask: []string{"amount"}, Record: stageOf}, trap(rules.Verdict{Visible: 1}))
	check := func(what string, want bool) {
		t.Helper()
		for range 2 {
			if got := h.sees("gil", "Deal", open); got != want {
				t.Errorf("%s: gil sees it: %t", what, got)
			}
			if got := !h.value("mia", "Deal", open, "amount").IsNull(); got != want {
				t.Errorf("%s: mia reads it: %t", what, got)
			}
		}
	}
	check("before", true)
	h.reads("gil")
	h.value("mia", "Deal", open, "amount")
	h.read("mia", func(op *Op) { h.listed(op, "Deal", cell{"amount": cell{"gt": 1}}) })
	h.flushed()
	for _, rule := range []string{"gift", "cover"} {
		if h.ruleState(rule).Quarantine == nil {
			t.Fatalf("%s is not in quarantine", rule)
		}
	}
	check("quarantine", false)
	for _, rule := range []string{"gift", "cover"} {
		_, err := h.e.ReleaseRule(t.Context(), h.as["admin"], "crm", rule, 1, "")
		must(t, err)
	}
	check("released", true)
}

// TestH4_QuarantineIsOfWhatPeopleDo: looks through others' eyes, trials, comparisons,
// looks back and what was never committed put nothing in quarantine.
func TestH4_QuarantineIsOfWhatPeopleDo(t *testing.T) {
	h, _ := failingHouse(t)
	h.shut("rep", 99)
	h.shut("rep2", 99)
	rex := h.id["rex"]
	form := h.form("Deal").Number
	change := errors.New("not committed")
	for name, do := range map[string]func() error{
		"the eyes of another": func() error {
			op, err := h.e.ViewAs(t.Context(), h.as["super"], "crm", rex, nil)
			if err != nil {
				return err
			}
			defer op.Close()
			_, err = op.List(List{Form: form, First: 1, Total: true})
			return err
		},
		"a difference": func() error {
			_, err := h.e.Compare(t.Context(), h.as["super"], "crm", Proposal{Modules: map[string]string{"embargo": h.ruleState("embargo").Bound}}, CompareOptions{})
			return err
		},
		"a permission test": func() error {
			faults := h.applied("super", houseWith(t, sentences("user rex@x.io cannot view Deal where stage is shut")))
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			return nil
		},
		"what is not committed": func() error {
			err := h.write("rex", func(op *Op) error {
				if _, err := op.List(List{Form: form, First: 1, Total: true}); err != nil {
					return err
				}
				return change
			})
			if !errors.Is(err, change) {
				return err
			}
			return nil
		},
	} {
		must(t, do())
		if q := h.flushed(); q != nil {
			t.Errorf("%s: %+v", name, q)
		}
	}
	must(t, h.write("rex", func(op *Op) error {
		_, err := op.List(List{Form: form, First: 1, Total: true})
		return err
	}))
	if h.flushed() == nil {
		t.Error("what is committed puts nothing in quarantine either")
	}
}

// TestH4_QuarantineIsOfOneTenant: another organization goes on with the same module.
func TestH4_QuarantineIsOfOneTenant(t *testing.T) {
	h, _ := failingHouse(t)
	h.shut("rep", 90)
	h.shut("rep2", 10)
	h.reads("rex")
	if h.flushed() == nil {
		t.Fatal("no quarantine")
	}
	other := newHouse(t)
	other.e.o.Now, other.e.watches.rules = h.e.o.Now, h.e.watches.rules
	other.embargo(trapOnShut)
	if other.ruleState("embargo").Bound != h.ruleState("embargo").Bound {
		t.Fatal("another module")
	}
	open := other.add("rep", "Deal", cell{"title": "a", "stage": "open"})
	if other.flushed() != nil || !other.sees("rex", "Deal", open) {
		t.Error("another organization's rule is in quarantine too")
	}
}

// TestH4_QuarantineEndsWithTheVersion: another version decides at once; the one in
// quarantine is let decide by a release alone, whichever way it would come back.
func TestH4_QuarantineEndsWithTheVersion(t *testing.T) {
	h, _ := failingHouse(t)
	open := h.add("rep", "Deal", cell{"title": "a", "stage": "open"})
	h.shut("rep", 90)
	h.shut("rep2", 10)
	h.reads("rex")
	if h.flushed() == nil || h.sees("rex", "Deal", open) {
		t.Fatal("no quarantine")
	}
	ctx, dev := t.Context(), h.as["dev"]
	_, err := h.e.ActivateRule(ctx, dev, "crm", "embargo")
	denied(t, err, fault.Conflict)
	next := h.verdict("embargo", "next", rules.Restrict, 1)
	_, err = h.e.BindModule(ctx, dev, "crm", "embargo", next)
	must(t, err)
	if s := h.ruleState("embargo"); s.Quarantine == nil || s.Next != next {
		t.Errorf("bound beside: %+v", s)
	}
	_, err = h.e.ActivateRule(ctx, dev, "crm", "embargo")
	must(t, err)
	if s := h.ruleState("embargo"); s.Quarantine != nil || !h.sees("rex", "Deal", open) {
		t.Errorf("another version: %+v", s)
	}
	_, err = h.e.RollbackRule(ctx, dev, "crm", "embargo", 0, "")
	denied(t, err, fault.Conflict)
	versions, _, err := h.e.RuleVersions(ctx, dev, RulePage{Application: "crm", Rule: "embargo", First: 10})
	must(t, err)
	if len(versions) != 2 || versions[0].Quarantine != nil || versions[1].Quarantine == nil {
		t.Fatalf("%+v", versions)
	}
	for version, want := range map[int]fault.Kind{2: fault.Conflict, 3: fault.NotFound, -1: fault.Invalid} {
		_, err = h.e.ReleaseRule(ctx, dev, "crm", "embargo", version, "")
		denied(t, err, want)
	}
	_, err = h.e.ReleaseRule(ctx, dev, "crm", "embargo", 1, "")
	must(t, err)
	if s := h.ruleState("embargo"); s.Bound != next || !h.sees("rex", "Deal", open) {
		t.Errorf("the release of another version: %+v", s)
	}
	_, err = h.e.RollbackRule(ctx, dev, "crm", "embargo", 0, "")
	must(t, err)
	if story := h.storyOf("embargo"); !strings.HasSuffix(story, "QUARANTINED 1 , BOUND 2 dev, ACTIVATED 2 dev, RELEASED 1 dev, ROLLED_BACK 1 dev") {
		t.Error(story)
	}
}

// TestH4_WhoMayRelease: admins, and developers of the application.
func TestH4_WhoMayRelease(t *testing.T) {
	h, _ := failingHouse(t)
	h.shut("rep", 90)
	h.shut("rep2", 10)
	h.reads("rex")
	h.flushed()
	for who, want := range map[string]fault.Kind{"rex": fault.Forbidden, "chief": fault.Forbidden, "nobody": fault.NotFound} {
		_, err := h.e.ReleaseRule(t.Context(), h.as[who], "crm", "embargo", 0, "")
		denied(t, err, want)
		_, err = h.e.Rules(t.Context(), h.as[who], "crm")
		denied(t, err, want)
	}
	for rule, want := range map[string]fault.Kind{"none": fault.NotFound, "gift": fault.Conflict} {
		_, err := h.e.ReleaseRule(t.Context(), h.as["admin"], "crm", rule, 0, "")
		denied(t, err, want)
	}
	if h.ruleState("embargo").Quarantine == nil {
		t.Error("released")
	}
}

// TestH4_ReleaseIsHeldToTests: a release gives again what the rule gave, so that a
// permission test of meanwhile stands against it.
func TestH4_ReleaseIsHeldToTests(t *testing.T) {
	h, _ := failingHouse(t)
	open := h.add("rep", "Deal", cell{"title": "a", "stage": "open"})
	h.shut("rep", 90)
	h.shut("rep2", 10)
	h.reads("rex")
	if h.flushed() == nil {
		t.Fatal("no quarantine")
	}
	const never = "user rex@x.io cannot view Deal where stage is open"
	if faults := h.applied("admin", houseWith(t, sentences(never))); len(faults) > 0 {
		t.Fatal(faults)
	}
	_, err := h.e.ReleaseRule(t.Context(), h.as["admin"], "crm", "embargo", 0, "")
	denied(t, err, fault.Conflict)
	if !strings.Contains(fault.Message(err), never) || h.sees("rex", "Deal", open) {
		t.Error(err)
	}
}

// TestH4_QuarantineEndsSubscriptions: of those whom the rule concerns.
func TestH4_QuarantineEndsSubscriptions(t *testing.T) {
	h, _ := failingHouse(t)
	h.shut("rep", 90)
	h.shut("rep2", 10)
	rex, boss := h.mustFollow("rex", "Deal"), h.mustFollow("manager", "Deal")
	h.reads("rex")
	h.flushed()
	wantEnd(t, rex, fault.Reset)
	wantTold(t, boss)
}

// TestH4_AnImpureVersionStaysInQuarantine: what the runner found to answer in two
// ways is in quarantine from one on, and never released.
func TestH4_AnImpureVersionStaysInQuarantine(t *testing.T) {
	for _, kind := range []rules.FaultKind{rules.FaultImpure, rules.FaultQuarantine} {
		h, _ := failingHouse(t)
		h.embargo(func(_, _ []record.Value) rules.Verdict { return rules.Verdict{Fault: kind} })
		h.shut("rep", 1)
		h.reads("rex")
		q := h.flushed()
		if q == nil || !q.Impure {
			t.Fatalf("%s: %+v", kind, q)
		}
		_, err := h.e.ReleaseRule(t.Context(), h.as["super"], "crm", "embargo", 0, "")
		denied(t, err, fault.Conflict)
	}
}

// TestH4_QuarantineIsRemembered: what was in quarantine then says a look back.
func TestH4_QuarantineIsRemembered(t *testing.T) {
	h, now := failingHouse(t)
	open := h.add("rep", "Deal", cell{"title": "a", "stage": "open"})
	h.shut("rep", 90)
	h.shut("rep2", 10)
	step := func() time.Time {
		at := *now
		*now = now.Add(time.Minute)
		return at
	}
	before := step()
	h.reads("rex")
	h.flushed()
	during := step()
	_, err := h.e.ReleaseRule(t.Context(), h.as["admin"], "crm", "embargo", 0, "")
	must(t, err)
	after := step()
	for at, want := range map[time.Time]int{before: 1, during: 0, after: 1} {
		who, err := h.sawThen("super", "Deal", open, at, "rex")
		must(t, err)
		if len(who) != want {
			t.Errorf("at %v: %v", at, who)
		}
	}
	turns := strings.Join(h.turns("super", "Deal", open, "rex"), "\n")
	for _, want := range []string{"the custom rule embargo was put in quarantine by its faults", "the custom rule embargo was released from quarantine"} {
		if !strings.Contains(turns, want) {
			t.Errorf("%q is not in\n%s", want, turns)
		}
	}
}

// TestH4_QuarantineEqualsOracle: on random worlds, a rule in quarantine is one that
// has no module.
func TestH4_QuarantineEqualsOracle(t *testing.T) {
	prove(t, 60, 3_000, func(t *testing.T, seed uint64) {
		w := world.Random(seed, world.Small)
		s := newStage(t, w)
		defer s.close()
		rnd := rand.New(rand.NewPCG(seed, 7))
		for rule, b := range s.app.bindings {
			if rnd.IntN(2) == 0 {
				continue
			}
			b.quarantined = true
			delete(w.Modules, rule.Name)
		}
		s.compare(rnd)
	})
}

// TestH4_ReleaseIsHeldToADifference: a comparison shows what a release would give
// again, and a release can be held to it.
func TestH4_ReleaseIsHeldToADifference(t *testing.T) {
	h, _ := failingHouse(t)
	h.shut("rep", 90)
	h.shut("rep2", 10)
	open := h.add("rep", "Deal", cell{"title": "a", "stage": "open"})
	h.reads("rex")
	if h.flushed() == nil {
		t.Fatal("no quarantine")
	}
	change := ProposedChange{Modules: map[string]string{"embargo": h.ruleState("embargo").Bound}}
	gained := 0
	_, err := h.e.Compare(t.Context(), h.as["admin"], "crm", Proposal{Modules: change.Modules}, CompareOptions{Each: func(r *DifferenceRow) error {
		if r.Record != open || r.Person != h.id["rex"] || len(r.Lost)+len(r.ReadLost) > 0 {
			t.Errorf("%s", r.text())
		}
		gained++
		return nil
	}})
	must(t, err)
	if gained != 1 {
		t.Errorf("%d gains", gained)
	}
	old := h.compared("admin", change)
	h.place("gil", "Clerk", "Half")
	_, err = h.e.ReleaseRule(t.Context(), h.as["admin"], "crm", "embargo", 0, old.ID)
	denied(t, err, fault.Conflict)
	now := h.compared("admin", change)
	_, err = h.e.ReleaseRule(t.Context(), h.as["admin"], "crm", "embargo", 0, now.ID)
	must(t, err)
	if !h.sees("rex", "Deal", open) {
		t.Error("not released")
	}
}

// TestH4_QuarantineIsOnceForAll: operations that began before go on to fail, and
// nothing is written twice; a store that fails keeps what waits.
func TestH4_QuarantineIsOnceForAll(t *testing.T) {
	h, now := failingHouse(t)
	h.shut("rep", 90)
	h.shut("rep2", 10)
	op, err := h.e.Read(t.Context(), h.as["rex"], "crm")
	must(t, err)
	defer op.Close()
	h.reads("rex")
	q := h.flushed()
	*now = now.Add(time.Minute)
	_, err = op.List(List{Form: h.form("Deal").Number, First: 1, Total: true})
	must(t, err)
	if again := h.flushed(); q == nil || again == nil || !again.Since.Equal(q.Since) {
		t.Errorf("%+v, then %+v", q, again)
	}
	if story := h.storyOf("embargo"); strings.Count(story, "QUARANTINED") != 1 {
		t.Error(story)
	}
	_, err = h.e.ReleaseRule(t.Context(), h.as["admin"], "crm", "embargo", 0, "")
	must(t, err)
	h.reads("rex")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if h.e.FlushRuleLog(ended) == nil {
		t.Fatal("stored without time")
	}
	if h.ruleState("embargo").Quarantine != nil || h.flushed() == nil {
		t.Error("a quarantine that could not be stored is lost")
	}
}

// TestH4_QuarantinesAreBounded: of very many versions the first are released.
func TestH4_QuarantinesAreBounded(t *testing.T) {
	var s bindingState
	for i := range 3 * maxQuarantined {
		before := s
		s.Quarantined = s.condemned(quarantineDoc{Module: fmt.Sprint(i)})
		if s.quarantine(fmt.Sprint(i)) == nil || len(s.Quarantined) != min(i+1, maxQuarantined) || before.quarantine(fmt.Sprint(i)) != nil {
			t.Fatalf("%d of %d", len(s.Quarantined), i+1)
		}
	}
	if s.quarantine("0") != nil || s.quarantine(fmt.Sprint(3*maxQuarantined-1)) == nil {
		t.Error("not the last")
	}
}

// condemns puts a module of a rule in quarantine, and takes all others out.
func (h *house) condemns(rule, module string, kind rules.FaultKind, since time.Time) {
	h.t.Helper()
	q := quarantineDoc{Module: module, Since: since, Records: 1, Adders: 1, Faults: map[string]int{kind.String(): 1}}
	must(h.t, h.e.o.Store.Tenant(h.tenant).Update(h.t.Context(), storage.Meta{Operation: "quarantineRule", Time: since}, func(txn *storage.Txn) error {
		s, err := readBinding(txn, "crm", rule)
		if err != nil {
			return err
		}
		after := s
		after.Quarantined = bindingState{}.condemned(q)
		return putBinding(txn, "crm", rule, s, after, VersionActivated, stampDoc{At: since})
	}))
}
