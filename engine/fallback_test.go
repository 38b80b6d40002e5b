package engine

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
	"sluice/rules"
)

// throughShut lets shut deals through and keeps the others out.
func throughShut(_, row []record.Value) rules.Verdict {
	if string(row[0].Text()) == "shut" {
		return rules.Verdict{Grant: 1}
	}
	return rules.Verdict{}
}

// bindNamed fills a rule with a module of another name than its own.
func (h *house) bindNamed(rule, name string, m rules.Manifest, f func(viewer, row []record.Value) rules.Verdict) (hash string) {
	h.t.Helper()
	hash = h.keepModule(name, m, f)
	_, err := h.e.BindModule(h.t.Context(), h.as["admin"], "crm", rule, hash)
	must(h.t, err)
	_, err = h.e.ActivateRule(h.t.Context(), h.as["admin"], "crm", rule)
	must(h.t, err)
	return hash
}

// twoEmbargoes is a house with an embargo whose version 1 lets shut deals through
// alone and whose version 2, which decides, traps on them; 100 of them wait to be read.
func twoEmbargoes(t *testing.T) (h *house, now *time.Time, first string, open record.ID) {
	h = newHouse(t)
	at := begun.Add(time.Hour)
	h.e.o.Now = func() time.Time { return at }
	restrict := rules.Manifest{Effect: rules.Restrict, Record: stageOf}
	first = h.bindNamed("embargo", "first", restrict, throughShut)
	open = h.add("rep", "Deal", cell{"title": "open", "stage": "open"})
	h.shut("rep", 90)
	h.shut("rep2", 10)
	h.reads("rex") // kept answers of version 1
	h.bindNamed("embargo", "second", restrict, trapOnShut)
	return h, &at, first, open
}

func (h *house) fallBack(version int) {
	h.t.Helper()
	_, err := h.e.FallbackRule(h.t.Context(), h.as["dev"], "crm", "embargo", version, "")
	must(h.t, err)
}

// counted is how many deals somebody lists.
func (h *house) counted(who string) (total int) {
	h.t.Helper()
	h.read(who, func(op *Op) {
		page, err := op.List(List{Form: h.form("Deal").Number, First: 1, Total: true})
		must(h.t, err)
		total = page.Total
	})
	return total
}

// TestH4_FallbackDecides: while the active version is in quarantine the fallback
// decides, for those whom the rule concerns alone, over a restart, and under its own
// name; with the release the active one does again.
func TestH4_FallbackDecides(t *testing.T) {
	h, _, first, open := twoEmbargoes(t)
	h.fallBack(1)
	deals := func(what string, want int, sees bool) {
		t.Helper()
		for range 2 {
			if got := h.counted("rex"); got != want {
				t.Errorf("%s: rex lists %d deals, want %d", what, got, want)
			}
			if got := h.sees("rex", "Deal", open); got != sees {
				t.Errorf("%s: rex sees the open deal: %t", what, got)
			}
		}
		if got := h.counted("manager"); got != 101 {
			t.Errorf("%s: the manager lists %d", what, got)
		}
	}
	rex, boss := h.mustFollow("rex", "Deal"), h.mustFollow("manager", "Deal")
	deals("before", 1, true)
	if h.flushed() == nil {
		t.Fatal("no quarantine")
	}
	deals("the fallback", 100, false)
	wantEnd(t, rex, fault.Reset)
	wantTold(t, boss)
	h.restart()
	deals("after a restart", 100, false)
	again := h.mustFollow("rex", "Deal")
	must(t, h.update("rep", "Deal", open, cell{"stage": "shut"}))
	wantTold(t, again, "ADDED open")
	must(t, h.update("rep", "Deal", open, cell{"stage": "open"}))
	wantTold(t, again, "REMOVED")
	h.toldOfQuarantine("embargo")
	state := h.ruleState("embargo")
	if f := state.Fallback; f == nil || f.Module != first || !f.Decides || f.Quarantine != nil || state.Quarantine == nil || state.Bound == first {
		t.Errorf("%+v", state)
	}
	x, err := h.explain("super", "rex", open)
	must(t, err)
	if view := x.action("VIEW"); view.Allowed || !slices.ContainsFunc(view.Steps, func(s ExplainedStep) bool { return s.Module == first && s.Name == "embargo" }) {
		t.Errorf("explained by %+v", view)
	}
	must(t, h.e.FlushRuleLog(t.Context()))
	page, err := h.e.RuleLog(t.Context(), h.as["super"], RuleLogQuery{Application: "crm", Rule: "embargo", First: 5, Decisions: true})
	must(t, err)
	if len(page.Entries) == 0 || page.Entries[0].Module != first || page.Quarantine == nil || page.Fallback == nil {
		t.Errorf("%+v", page)
	}
	versions, _, err := h.e.RuleVersions(t.Context(), h.as["dev"], RulePage{Application: "crm", Rule: "embargo", First: 10})
	must(t, err)
	for i, want := range []string{"true false false true", "false true true false"} {
		v := versions[i]
		if got := fmt.Sprint(v.Active, v.Fallback, v.StandsIn, v.Quarantine != nil); got != want {
			t.Errorf("version %d: active, fallback, stands in, quarantine: %s", v.Number, got)
		}
	}
	_, err = h.e.ReleaseRule(t.Context(), h.as["dev"], "crm", "embargo", 0, "")
	must(t, err)
	deals("released", 1, true)
	h.toldOfQuarantine()
	if story := h.storyOf("embargo"); !strings.HasSuffix(story, "ACTIVATED 2 admin, FALLBACK 1 dev, QUARANTINED 2 , RELEASED 2 dev") {
		t.Error(story)
	}
}

// toldOfQuarantine holds what people are told of rules in quarantine: admins and
// developers their names, and nobody else anything.
func (h *house) toldOfQuarantine(rules ...string) {
	h.t.Helper()
	for _, who := range []string{"super", "admin", "dev", "rex", "manager", "chief"} {
		list, err := h.e.Applications(h.t.Context(), h.as[who])
		must(h.t, err)
		want := rules
		if slices.Contains([]string{"rex", "manager", "chief"}, who) {
			want = nil
		}
		if len(list) != 1 || !slices.Equal(list[0].Quarantined, want) {
			h.t.Errorf("%s is told %+v", who, list)
		}
	}
}

// TestH4_FallbackEqualsTheVersion: what it answers is what its version answers when
// it is active, on every path, whatever was kept of either.
func TestH4_FallbackEqualsTheVersion(t *testing.T) {
	h, _, _, _ := twoEmbargoes(t)
	customer := h.add("rep", "Customer", cell{"name": "c"})
	for i, stage := range []string{"open", "shut", "won"} {
		h.add("rep", "Deal", cell{"title": "of c " + stage, "stage": stage, "amount": i, "customer": customer})
	}
	answers := func() string {
		var out []string
		note := func(what string, v any, err error) {
			must(t, err)
			out = append(out, fmt.Sprintf("%s: %v", what, v))
		}
		for _, who := range []string{"rex", "manager"} {
			h.read(who, func(op *Op) {
				form := h.form("Deal").Number
				for _, where := range []cell{nil, {"stage": cell{"eq": "shut"}}, {"title": cell{"startsWith": "of"}}} {
					note("list", h.listed(op, "Deal", where), nil)
				}
				groups, err := op.Aggregate(Aggregation{List: List{Form: form}, GroupBy: []GroupKey{{Field: *h.field("Deal", "stage")}}, First: 10})
				note("aggregate", "", err)
				for _, g := range groups.Groups {
					note("group", fmt.Sprintf("%+v", g), nil)
				}
				pages, err := op.Children(*h.field("Deal", "customer"), []record.ID{customer}, List{Form: form, First: 5, Total: true})
				note("children", "", err)
				for _, r := range pages[0].Records {
					note("child", r.ID(), nil)
				}
				page, err := op.List(List{Form: form, First: 100, Total: true, OrderBy: []Order{{Field: *h.field("Deal", "amount")}}})
				note("total", page.Total, err)
			})
		}
		return strings.Join(out, "\n")
	}
	if _, err := h.e.RollbackRule(t.Context(), h.as["dev"], "crm", "embargo", 1, ""); err != nil {
		t.Fatal(err)
	}
	want := answers()
	_, err := h.e.RollbackRule(t.Context(), h.as["dev"], "crm", "embargo", 2, "")
	must(t, err)
	if answers() == want {
		t.Fatal("both versions answer alike")
	}
	if h.flushed() == nil {
		t.Fatal("no quarantine")
	}
	if answers() == want {
		t.Fatal("no version answers alike")
	}
	h.fallBack(1) // while it is in quarantine: from now on
	if got := answers(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	h.fallBack(0)
	if h.counted("rex") != 0 {
		t.Error("without a fallback rex sees deals")
	}
	h.fallBack(1)
	_, err = h.e.DeactivateRule(t.Context(), h.as["dev"], "crm", "embargo")
	must(t, err)
	if h.counted("rex") != 0 {
		t.Error("a fallback decides for a rule that is off")
	}
}

// TestH4_FallbackFaultsToo: its faults are logged under its own version and put it
// into quarantine, and then the rule is one that goes wrong; a release of it counts as
// an activation.
func TestH4_FallbackFaultsToo(t *testing.T) {
	h, now, _, open := twoEmbargoes(t)
	worse := func(_, row []record.Value) rules.Verdict { return rules.Verdict{Fault: rules.FaultFuel} }
	third := h.keepModule("third", rules.Manifest{Effect: rules.Restrict, Record: stageOf}, worse)
	_, err := h.e.BindModule(t.Context(), h.as["dev"], "crm", "embargo", third)
	must(t, err)
	h.fallBack(3)
	h.reads("rex")
	if h.flushed() == nil {
		t.Fatal("no quarantine")
	}
	*now = now.Add(time.Minute)
	if h.counted("rex") != 0 {
		t.Error("a fallback that goes wrong lets through")
	}
	h.flushed()
	page, err := h.e.RuleLog(t.Context(), h.as["super"], RuleLogQuery{Application: "crm", Rule: "embargo", First: 1, Faults: true})
	must(t, err)
	if page.Entries[0].Module != third || page.Entries[0].Fault != rules.FaultFuel {
		t.Errorf("%+v", page.Entries[0])
	}
	state := h.ruleState("embargo")
	if f := state.Fallback; f == nil || f.Decides || f.Quarantine == nil || !f.Quarantine.Since.Equal(*now) {
		t.Fatalf("%+v", f)
	}
	var hash rules.Hash
	_, err = hex.Decode(hash[:], []byte(third))
	must(t, err)
	asked := h.double.Asked(hash)
	if h.counted("rex") != 0 || h.sees("rex", "Deal", open) || asked == 0 || h.double.Asked(hash) != asked {
		t.Errorf("rex sees deals, or a module in quarantine is asked: %d, %d before", h.double.Asked(hash), asked)
	}
	const never = "user rex@x.io cannot view Deal where stage is open"
	if faults := h.applied("admin", houseWith(t, sentences(never))); len(faults) > 0 {
		t.Fatal(faults)
	}
	_, err = h.e.ReleaseRule(t.Context(), h.as["dev"], "crm", "embargo", 3, "")
	must(t, err) // it lets nothing through
	_, err = h.e.ReleaseRule(t.Context(), h.as["dev"], "crm", "embargo", 2, "")
	denied(t, err, fault.Conflict)
	if story := h.storyOf("embargo"); !strings.HasSuffix(story, "FALLBACK 3 dev, QUARANTINED 2 , QUARANTINED 3 , RELEASED 3 dev") {
		t.Error(story)
	}
}

// TestH4_FallbackOfAMask: a fallback of a MASK hides what it hides, and not all.
func TestH4_FallbackOfAMask(t *testing.T) {
	h, _ := failingHouse(t)
	open := h.add("rep", "Deal", cell{"title": "a", "stage": "open", "amount": 7, "badge": "b"})
	m := rules.Manifest{Effect: rules.Mask, Mask: []string{"amount", "badge"}, Record: stageOf}
	h.bindNamed("cover", "badge only", m, func(_, _ []record.Value) rules.Verdict { return rules.Verdict{Visible: 1} })
	h.bindNamed("cover", "traps", m, func(_, _ []record.Value) rules.Verdict { return rules.Verdict{Fault: rules.FaultTrap} })
	_, err := h.e.FallbackRule(t.Context(), h.as["admin"], "crm", "cover", 1, "")
	must(t, err)
	h.shut("rep", 90)
	h.shut("rep2", 10)
	shown := func() string {
		return fmt.Sprint(!h.value("mia", "Deal", open, "amount").IsNull(), !h.value("mia", "Deal", open, "badge").IsNull())
	}
	if got := shown(); got != "false false" {
		t.Errorf("a version that traps shows %s", got)
	}
	h.read("mia", func(op *Op) { h.listed(op, "Deal", cell{"amount": cell{"gt": 1}}) })
	h.flushed()
	if h.ruleState("cover").Quarantine == nil {
		t.Fatal("no quarantine")
	}
	if got := shown(); got != "true false" {
		t.Errorf("its fallback shows %s", got)
	}
	h.read("mia", func(op *Op) {
		if got := h.listed(op, "Deal", cell{"amount": cell{"eq": 7}}); !slices.Equal(got, []record.ID{open}) {
			t.Errorf("filtered: %v", got)
		}
	})
}

// TestH4_FallbackIsRefused: what cannot be a fallback, and who cannot name one.
func TestH4_FallbackIsRefused(t *testing.T) {
	h, _, first, _ := twoEmbargoes(t)
	h.verdict("gift", "gift 1", rules.Share, 1)
	h.fill("gift", rules.Manifest{Effect: rules.Share, Grant: 1, Record: stageOf}, throughShut)
	h.bindNamed("gift", "gift 2", rules.Manifest{Effect: rules.Share, Grant: 1, Record: stageOf}, throughShut)
	name := func(who, rule string, version int) error {
		_, err := h.e.FallbackRule(t.Context(), h.as[who], "crm", rule, version, "")
		return err
	}
	for what, c := range map[string]struct {
		err  error
		kind fault.Kind
	}{
		"a version that does not exist": {name("dev", "embargo", 3), fault.NotFound},
		"a version below 1":             {name("dev", "embargo", -1), fault.Invalid},
		"a rule that does not exist":    {name("dev", "none", 1), fault.NotFound},
		"of a rule that shares":         {name("dev", "gift", 1), fault.Invalid},
		"of a rule without a module":    {name("dev", "shade", 1), fault.NotFound},
		"the active version":            {name("dev", "embargo", 2), fault.Conflict},
		"by a manager":                  {name("rex", "embargo", 1), fault.Forbidden},
		"none, by a manager":            {name("rex", "embargo", 0), fault.Forbidden},
		"by nobody of the application":  {name("nobody", "embargo", 1), fault.NotFound},
	} {
		t.Run(what, func(t *testing.T) { denied(t, c.err, c.kind) })
	}
	_, err := h.e.FallbackRule(t.Context(), h.as["dev"], "crm", "embargo", 0, "0199")
	denied(t, err, fault.Invalid)
	if h.ruleState("embargo").Fallback != nil {
		t.Error("named")
	}
	h.reads("rex")
	if h.flushed() == nil {
		t.Fatal("no quarantine")
	}
	_, err = h.e.RollbackRule(t.Context(), h.as["dev"], "crm", "embargo", 1, "")
	must(t, err)
	denied(t, name("dev", "embargo", 2), fault.Conflict) // it is in quarantine
	third := h.verdict("embargo", "third", rules.Restrict, 1)
	_, err = h.e.BindModule(t.Context(), h.as["dev"], "crm", "embargo", third)
	must(t, err)
	h.fallBack(3)
	_, err = h.e.DeleteRuleVersion(t.Context(), h.as["dev"], "crm", "embargo", "3")
	denied(t, err, fault.Conflict)
	_, err = h.e.BindModule(t.Context(), h.as["dev"], "crm", "embargo", first) // takes back what waits
	must(t, err)
	_, err = h.e.DeleteRuleVersion(t.Context(), h.as["dev"], "crm", "embargo", "3")
	denied(t, err, fault.Conflict)
	if !strings.Contains(fault.Message(err), "fallback") {
		t.Error(err)
	}
	h.fallBack(0)
	_, err = h.e.DeleteRuleVersion(t.Context(), h.as["dev"], "crm", "embargo", "3")
	must(t, err)
	denied(t, name("dev", "embargo", 3), fault.NotFound)
}

// TestH4_FallbackEndsWithItsActivation: it stays while others are activated, and is
// none any more once it decides itself.
func TestH4_FallbackEndsWithItsActivation(t *testing.T) {
	h, _, first, _ := twoEmbargoes(t)
	h.fallBack(1)
	h.bindNamed("embargo", "third", rules.Manifest{Effect: rules.Restrict, Record: stageOf}, trapOnShut)
	if f := h.ruleState("embargo").Fallback; f == nil || f.Module != first {
		t.Fatalf("%+v", f)
	}
	_, err := h.e.RollbackRule(t.Context(), h.as["dev"], "crm", "embargo", 1, "")
	must(t, err)
	if f := h.ruleState("embargo").Fallback; f != nil {
		t.Errorf("%+v", f)
	}
	if story := h.storyOf("embargo"); !strings.HasSuffix(story, "FALLBACK 1 dev, BOUND 3 admin, ACTIVATED 3 admin, ROLLED_BACK 1 dev, NO_FALLBACK 1 dev") {
		t.Error(story)
	}
}

// TestH4_FallbackIsHeldToTests: to name one is to let it decide, some day without
// anybody's doing: permission tests and differences stand against it now.
func TestH4_FallbackIsHeldToTests(t *testing.T) {
	h, _, first, _ := twoEmbargoes(t)
	const never = "user rex@x.io cannot view Deal where stage is shut"
	if faults := h.applied("admin", houseWith(t, sentences(never))); len(faults) > 0 {
		t.Fatal(faults)
	}
	_, err := h.e.FallbackRule(t.Context(), h.as["admin"], "crm", "embargo", 1, "")
	denied(t, err, fault.Conflict)
	if !strings.Contains(fault.Message(err), never) || h.ruleState("embargo").Fallback != nil {
		t.Error(err)
	}
	h.fallBack(0)
	if faults := h.applied("admin", houseWith(t, "# no tests\n")); len(faults) > 0 {
		t.Fatal(faults)
	}
	change := ProposedChange{Modules: map[string]string{"embargo": first}}
	old := h.compared("admin", change)
	h.place("gil", "Clerk", "Half")
	_, err = h.e.FallbackRule(t.Context(), h.as["admin"], "crm", "embargo", 1, old.ID)
	denied(t, err, fault.Conflict)
	now := h.compared("admin", change)
	_, err = h.e.FallbackRule(t.Context(), h.as["admin"], "crm", "embargo", 1, now.ID)
	must(t, err)
}

// TestH4_FallbackFitsTheDefinition: a definition that it does not fit is refused, and
// a check says what decides.
func TestH4_FallbackFitsTheDefinition(t *testing.T) {
	h, _, _, _ := twoEmbargoes(t)
	h.bindNamed("embargo", "by note", rules.Manifest{Effect: rules.Restrict, Record: []rules.Column{{Name: "note", Type: record.Text}}}, throughShut)
	h.bindNamed("embargo", "second", rules.Manifest{Effect: rules.Restrict, Record: stageOf}, trapOnShut)
	h.fallBack(3)
	noNote := strings.NewReplacer("      - {name: note, type: text}\n", "", ", note: READ_ONLY", "").Replace(string(houseWith(t, "# without notes\n")))
	faults := h.applied("admin", []byte(noNote))
	if len(faults) != 1 || !strings.Contains(faults[0].Msg, "the fallback version does not fit") {
		t.Fatalf("%v", faults)
	}
	h.reads("rex")
	if h.flushed() == nil {
		t.Fatal("no quarantine")
	}
	check, err := h.e.Check(t.Context(), h.as["dev"], houseWith(t, "# a word\n"), false)
	must(t, err)
	if !slices.ContainsFunc(check.Findings, func(f definition.Finding) bool {
		return f.Kind == definition.RuleQuarantined && strings.Contains(f.Msg, "its fallback version decides")
	}) {
		t.Errorf("a check finds %v", check.Findings)
	}
	h.fallBack(0)
	if faults := h.applied("admin", []byte(noNote)); len(faults) > 0 {
		t.Error(faults)
	}
}

// TestH4_FallbackIsOfOneOperation: one that began before goes on with the version that
// it began with, whatever it still reads.
func TestH4_FallbackIsOfOneOperation(t *testing.T) {
	h, _, _, open := twoEmbargoes(t)
	h.fallBack(1)
	h.read("rex", func(before *Op) {
		h.reads("rex")
		if h.flushed() == nil {
			t.Fatal("no quarantine")
		}
		if got := h.listed(before, "Deal", nil); !slices.Equal(got, []record.ID{open}) {
			t.Errorf("%d deals of two versions", len(got))
		}
		if h.counted("rex") != 100 {
			t.Error("the next operation is not the fallback's")
		}
		_, ok, err := before.Get(h.form("Deal").Number, open)
		must(t, err)
		if !ok {
			t.Error("the operation that began before goes on with the fallback")
		}
	})
}

// TestH4_FallbackEndsAShadow: what runs beside the active version ends when the
// fallback takes its place, as with any other that decides; beside the fallback another
// may run, the active one included.
func TestH4_FallbackEndsAShadow(t *testing.T) {
	h, _, first, _ := twoEmbargoes(t)
	h.fallBack(1)
	shadow := func(module string) error {
		_, err := h.e.ShadowRule(t.Context(), h.as["admin"], "crm", "embargo", module, 1)
		return err
	}
	must(t, shadow(first))
	h.reads("rex")
	if h.flushed() == nil {
		t.Fatal("no quarantine")
	}
	runs := func() bool {
		r, err := h.e.RuleShadow(t.Context(), h.as["admin"], "crm", "embargo")
		must(t, err)
		return r.Running
	}
	if runs() {
		t.Error("it runs beside itself")
	}
	denied(t, shadow(first), fault.Conflict)
	must(t, shadow(h.ruleState("embargo").Bound))
	if !runs() {
		t.Error("nothing runs beside the fallback")
	}
	_, err := h.e.ReleaseRule(t.Context(), h.as["admin"], "crm", "embargo", 0, "")
	must(t, err)
	if runs() {
		t.Error("it runs beside itself")
	}
}

// TestH4_FallbackIsRemembered: a look back asks the version that decided then.
func TestH4_FallbackIsRemembered(t *testing.T) {
	h, now, _, open := twoEmbargoes(t)
	h.fallBack(1)
	step := func() time.Time {
		at := *now
		*now = now.Add(time.Minute)
		return at
	}
	before := step()
	h.reads("rex")
	if h.flushed() == nil {
		t.Fatal("no quarantine")
	}
	during := step()
	h.fallBack(0)
	none := step()
	_, err := h.e.ReleaseRule(t.Context(), h.as["admin"], "crm", "embargo", 0, "")
	must(t, err)
	shut := h.add("rep", "Deal", cell{"title": "late", "stage": "shut"})
	if h.sees("rex", "Deal", shut) {
		t.Error("released, rex sees a shut deal")
	}
	for at, want := range map[time.Time]int{before: 1, during: 0, none: 0} {
		who, err := h.sawThen("super", "Deal", open, at, "rex")
		must(t, err)
		if len(who) != want {
			t.Errorf("at %v: %v", at, who)
		}
	}
	turns := strings.Join(h.turns("super", "Deal", open, "rex"), "\n")
	for _, want := range []string{"was put in quarantine by its faults; its fallback version decides", "was released from quarantine"} {
		if !strings.Contains(turns, want) {
			t.Errorf("%q is not in\n%s", want, turns)
		}
	}
}

// TestH4_FallbackEqualsOracle: on random worlds whose answers are kept, rules that go
// over to another version, or to none, answer as the oracle says of that.
func TestH4_FallbackEqualsOracle(t *testing.T) {
	prove(t, 40, 1_000, func(t *testing.T, seed uint64) {
		w := world.Random(seed, world.Small)
		s := newStage(t, w)
		defer s.close()
		rnd := rand.New(rand.NewPCG(seed, 8))
		s.compare(rnd)
		for _, rule := range w.App.Custom {
			m, filled := w.Modules[rule.Name]
			if !filled || rnd.IntN(3) == 0 {
				continue
			}
			state := bindingState{Active: true, Module: "active", Quarantined: []quarantineDoc{{Module: "active"}}}
			if rule.Effect != definition.Share {
				state.Fallback = "fallback"
			}
			if rnd.IntN(4) == 0 {
				state.Quarantined = append(state.Quarantined, quarantineDoc{Module: "fallback"})
			}
			if state.asked() == "fallback" {
				m.Truth = 1 + rnd.IntN(len(oracle.Truths)-1)
				w.Modules[rule.Name] = m
				s.bindAs(rule, rule.Name+" fallback")
			}
			if s.app.bindings[rule].quarantined = state.denies(); state.denies() {
				delete(w.Modules, rule.Name)
			}
		}
		s.compare(rnd)
	})
}
