package engine

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

// verdict uploads a module for deals that answers the same of every record.
func (h *house) verdict(rule, name string, effect rules.Effect, grant uint8) string {
	h.t.Helper()
	m := rules.Manifest{ABI: 1, Form: "Deal", Effect: effect, Record: stageOf}
	if effect == rules.Share {
		m.Grant = 1
	}
	module, _ := h.double.Register(name, &m, func(_, _ []record.Value) rules.Verdict { return rules.Verdict{Grant: grant} })
	up, err := h.e.UploadModule(h.t.Context(), h.as["admin"], "crm", rule, module)
	must(h.t, err)
	return up.Hash
}

func (h *house) ruleState(rule string) RuleState {
	h.t.Helper()
	all, err := h.e.Rules(h.t.Context(), h.as["admin"], "crm")
	must(h.t, err)
	for _, s := range all {
		if s.Rule == rule {
			return s
		}
	}
	h.t.Fatalf("no rule %s", rule)
	return RuleState{}
}

// TestBindingKeepsWhatDecides: a module that is bound beside one that decides
// changes nothing until it is activated, for a SHARE as for a RESTRICT.
func TestBindingKeepsWhatDecides(t *testing.T) {
	h := newHouse(t)
	deal := h.add("rep", "Deal", cell{"title": "one", "stage": "open"})
	ctx, admin := t.Context(), h.as["admin"]
	for _, c := range []struct {
		rule, viewer string
		effect       rules.Effect
	}{{"gift", "gil", rules.Share}, {"embargo", "rex", rules.Restrict}} {
		yes, no := h.verdict(c.rule, c.rule+"yes", c.effect, 1), h.verdict(c.rule, c.rule+"no", c.effect, 0)
		want := func(what string, sees bool, state RuleState) {
			t.Helper()
			got := h.ruleState(c.rule)
			state.Rule, state.Form, state.Effect = got.Rule, got.Form, got.Effect
			if got != state {
				t.Errorf("%s: %s: %+v, want %+v", c.rule, what, got, state)
			}
			if c.rule == "embargo" || got.Active {
				if h.sees(c.viewer, "Deal", deal) != sees {
					t.Errorf("%s: %s: sees is %t", c.rule, what, !sees)
				}
			}
		}
		bind := func(module string) {
			t.Helper()
			_, err := h.e.BindModule(ctx, admin, "crm", c.rule, module)
			must(t, err)
		}
		activate := func() {
			t.Helper()
			_, err := h.e.ActivateRule(ctx, admin, "crm", c.rule)
			must(t, err)
		}
		bind(no)
		bind(yes)
		want("bound", false, RuleState{Bound: yes})
		activate()
		want("activated", true, RuleState{Bound: yes, Active: true})
		bind(no)
		want("another bound", true, RuleState{Bound: yes, Active: true, Next: no})
		bind(yes)
		want("taken back", true, RuleState{Bound: yes, Active: true})
		bind(no)
		activate()
		want("swapped", false, RuleState{Bound: no, Active: true})
		bind(yes)
		_, err := h.e.DeactivateRule(ctx, admin, "crm", c.rule)
		must(t, err)
		want("off", false, RuleState{Bound: yes})
		activate()
		want("on again", true, RuleState{Bound: yes, Active: true})
	}
	_, err := h.e.BindModule(ctx, admin, "crm", "gift", "none")
	denied(t, err, fault.NotFound)
}

// story is what was done with the versions of a rule, the first act first.
func (h *house) story(rule string) (out []string) {
	h.t.Helper()
	q := RulePage{Application: "crm", Rule: rule, First: 2}
	for {
		page, more, err := h.e.RuleEvents(h.t.Context(), h.as["dev"], q)
		must(h.t, err)
		for _, e := range page {
			out = append(out, fmt.Sprintf("%d %s %d %s", e.Number, e.Act, e.Version, e.Name))
			q.After = e.Number
		}
		if !more {
			slices.Reverse(out)
			return out
		}
	}
}

// numbers are the versions of a rule with what is said of each, read row by row.
func (h *house) numbers(rule string) (out []string) {
	h.t.Helper()
	q := RulePage{Application: "crm", Rule: rule, First: 1}
	for {
		page, more, err := h.e.RuleVersions(h.t.Context(), h.as["dev"], q)
		must(h.t, err)
		for _, v := range page {
			out = append(out, fmt.Sprintf("%d %s active=%t next=%t previous=%t by=%s", v.Number, v.Label, v.Active, v.Next, v.Before, v.Bound.Name))
			q.After = v.Number
		}
		if !more {
			return out
		}
	}
}

// TestVersionsOfARule: numbers follow the first binding, stay, and survive that the
// rule is dropped; everything done is written down with who did it.
func TestVersionsOfARule(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	one, two := h.verdict("gift", "one", rules.Share, 1), h.verdict("gift", "two", rules.Share, 0)
	bind := func(who, module string) {
		t.Helper()
		_, err := h.e.BindModule(ctx, h.as[who], "crm", "gift", module)
		must(t, err)
	}
	activate := func() {
		t.Helper()
		_, err := h.e.ActivateRule(ctx, h.as["admin"], "crm", "gift")
		must(t, err)
	}
	rollback := func(version int) error {
		_, err := h.e.RollbackRule(ctx, h.as["dev"], "crm", "gift", version, "")
		return err
	}
	if got := append(h.numbers("gift"), h.story("gift")...); len(got) > 0 {
		t.Fatal(got)
	}
	denied(t, rollback(0), fault.Conflict)
	denied(t, rollback(1), fault.NotFound)
	bind("admin", one)
	denied(t, rollback(0), fault.Conflict)
	activate()
	activate() // changes nothing
	bind("dev", two)
	bind("dev", one)
	bind("dev", two)
	activate()
	must(t, rollback(0))
	if s := h.ruleState("gift"); s.Bound != one || !s.Active {
		t.Error(s)
	}
	must(t, rollback(0))
	must(t, rollback(2)) // decides already
	_, err := h.e.DeactivateRule(ctx, h.as["admin"], "crm", "gift")
	must(t, err)
	must(t, rollback(0))
	admin, dev := h.nameOf("admin"), h.nameOf("dev")
	want := []string{
		"1 BOUND 1 " + admin, "2 ACTIVATED 1 " + admin, "3 BOUND 2 " + dev, "4 TAKEN_BACK 2 " + dev, "5 BOUND 2 " + dev,
		"6 ACTIVATED 2 " + admin, "7 ROLLED_BACK 1 " + dev, "8 ROLLED_BACK 2 " + dev, "9 DEACTIVATED 2 " + admin, "10 ROLLED_BACK 1 " + dev,
	}
	if got := h.story("gift"); !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	want = []string{"2 gift active=false next=false previous=true by=" + dev, "1 gift active=true next=false previous=false by=" + admin}
	if got := h.numbers("gift"); !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	source, err := os.ReadFile("testdata/house.yaml")
	must(t, err)
	var without []string
	for line := range strings.SplitSeq(string(source), "\n") {
		if !strings.Contains(line, "name: gift") {
			without = append(without, line)
		}
	}
	if faults := h.applied("admin", []byte(strings.Join(without, "\n"))); len(faults) > 0 {
		t.Fatal(faults)
	}
	_, _, err = h.e.RuleVersions(ctx, h.as["admin"], RulePage{Application: "crm", Rule: "gift", First: 1})
	denied(t, err, fault.NotFound)
	denied(t, rollback(1), fault.NotFound)
	if faults := h.applied("admin", source); len(faults) > 0 {
		t.Fatal(faults)
	}
	if s := h.ruleState("gift"); s.Bound != "" || s.Active {
		t.Error(s)
	}
	denied(t, rollback(0), fault.Conflict)
	bind("admin", h.verdict("gift", "three", rules.Share, 0))
	if got := h.numbers("gift"); len(got) != 3 || !strings.HasPrefix(got[0], "3 ") || !strings.Contains(got[0], "next=true") {
		t.Error(got)
	}
	if got := h.story("gift"); len(got) != 12 || got[10] != "11 DROPPED 1 "+admin {
		t.Error(got)
	}
	for _, q := range []RulePage{{First: 0}, {First: MaxVersions + 1}, {First: 1, After: -1}} {
		q.Application, q.Rule = "crm", "gift"
		_, _, err := h.e.RuleEvents(ctx, h.as["admin"], q)
		denied(t, err, fault.Invalid)
		_, _, err = h.e.RuleVersions(ctx, h.as["admin"], q)
		denied(t, err, fault.Invalid)
	}
}

// nameOf is the display name of somebody of the house.
func (h *house) nameOf(who string) (name string) {
	h.read("admin", func(op *Op) { name = op.nameOf(h.id[who]) })
	return name
}

// TestRollbackMeetsTheGates: what stands against activating a version stands against
// rolling back to it, and what decides goes on to.
func TestRollbackMeetsTheGates(t *testing.T) {
	h := newHouse(t)
	deal := h.add("rep", "Deal", cell{"title": "one", "stage": "open"})
	must(t, h.switched("embargo", rules.Restrict, 1))
	must(t, h.switched("gift", rules.Share, 1))
	must(t, h.switched("gift", rules.Share, 0))
	if faults := h.applied("admin", houseWith(t, sentences("user gil@x.io cannot view Deal on any record"),
		"  - {name: shade, form: Customer, effect: MASK, fields: [owner], users: [gil@x.io]}\n", "",
		"  - {name: cover, form: Deal, effect: MASK, fields: [amount, stage, badge], users: [mia@x.io]}\n", "")); len(faults) > 0 {
		t.Fatal(faults)
	}
	before := h.story("gift")
	for _, version := range []int{0, 1} {
		_, err := h.e.RollbackRule(t.Context(), h.as["admin"], "crm", "gift", version, "")
		if text := denied(t, err, fault.Conflict); !strings.Contains(text, "gil@x.io cannot view Deal") {
			t.Error(text)
		}
	}
	_, err := h.e.RollbackRule(t.Context(), h.as["admin"], "crm", "gift", 1, h.id["gil"].String())
	denied(t, err, fault.NotFound)
	for who, kind := range map[string]fault.Kind{"rep": fault.Forbidden, "gil": fault.Forbidden} {
		_, err := h.e.RollbackRule(t.Context(), h.as[who], "crm", "gift", 2, "")
		denied(t, err, kind)
		_, _, err = h.e.RuleModule(t.Context(), h.as[who], "crm", "gift", "1")
		denied(t, err, kind)
	}
	if h.sees("gil", "Deal", deal) || !slices.Equal(before, h.story("gift")) || !h.ruleState("gift").Active {
		t.Error("a version that was refused decides, or is written down as if it did")
	}
}

// TestRollbackToWhatDoesNotFit: a version that reads a field which the definition
// dropped since is refused, and the field is named.
func TestRollbackToWhatDoesNotFit(t *testing.T) {
	h := newHouse(t)
	ctx, admin := t.Context(), h.as["admin"]
	old, _ := h.double.Register("old", &rules.Manifest{ABI: 1, Form: "Deal", Effect: rules.Share, Grant: 1, Record: []rules.Column{{Name: "story", Type: record.LongText}}},
		func(_, _ []record.Value) rules.Verdict { return rules.Verdict{Grant: 1} })
	up, err := h.e.UploadModule(ctx, admin, "crm", "gift", old)
	must(t, err)
	_, err = h.e.BindModule(ctx, admin, "crm", "gift", up.Hash)
	must(t, err)
	_, err = h.e.ActivateRule(ctx, admin, "crm", "gift")
	must(t, err)
	must(t, h.switched("gift", rules.Share, 0))
	_, err = h.e.BindModule(ctx, admin, "crm", "gift", up.Hash)
	must(t, err)
	if faults := h.applied("admin", houseWith(t, "", "      - {name: story, type: long text}\n", "")); len(faults) > 0 {
		t.Fatal(faults)
	}
	now := h.ruleState("gift")
	_, err = h.e.RollbackRule(ctx, admin, "crm", "gift", 1, "")
	if text := denied(t, err, fault.Invalid); !strings.Contains(text, "record field story") {
		t.Error(text)
	}
	_, err = h.e.ActivateRule(ctx, admin, "crm", "gift") // it waits beside the other one
	if text := denied(t, err, fault.Invalid); !strings.Contains(text, "record field story") {
		t.Error(text)
	}
	if got := h.ruleState("gift"); got != now || !got.Active {
		t.Errorf("%+v, was %+v", got, now)
	}
	_, b, err := h.e.RuleModule(ctx, h.as["dev"], "crm", "gift", up.Hash)
	if must(t, err); !bytes.Equal(b, old) {
		t.Error("the module is not what was uploaded")
	}
}

// TestVersionsOfEarlierBindings: a binding that was stored before versions had
// numbers is one, without knowing whose.
func TestVersionsOfEarlierBindings(t *testing.T) {
	h := newHouse(t)
	one := h.verdict("gift", "one", rules.Share, 1)
	must(t, h.e.change(t.Context(), h.as["admin"], "test", func(txn *storage.Txn, _ *directory.People) error {
		if err := txn.PutDoc(spaceBinding, bindingKey("crm", "gift"), []byte(`{"module":"`+one+`","active":true}`)); err != nil {
			return err
		}
		return txn.BumpEpoch()
	}))
	want := "1 gift active=true next=false previous=false by="
	if got := h.numbers("gift"); !slices.Equal(got, []string{want}) {
		t.Error(got)
	}
	must(t, h.switched("gift", rules.Share, 0))
	if got := h.numbers("gift"); len(got) != 2 || got[1] != "1 gift active=false next=false previous=true by=" {
		t.Error(got)
	}
	if got := h.story("gift"); len(got) != 2 || !strings.HasPrefix(got[1], "2 ACTIVATED 2 ") {
		t.Error(got)
	}
}

// TestRunningQueryKeepsItsVersion: what began before a swap goes on with the version
// it began with, of records that it reads for the first time too.
func TestRunningQueryKeepsItsVersion(t *testing.T) {
	h := newHouse(t)
	deals := []record.ID{}
	for i := range 8 {
		deals = append(deals, h.add("rep", "Deal", cell{"title": fmt.Sprint("deal ", i), "stage": "open"}))
	}
	must(t, h.switched("embargo", rules.Restrict, 1))
	must(t, h.switched("gift", rules.Share, 0))
	must(t, h.switched("gift", rules.Share, 1))
	for _, before := range []bool{true, false, true} {
		h.read("gil", func(op *Op) {
			get := func(op *Op, id record.ID, want bool) {
				t.Helper()
				if _, got, err := op.Get(h.form("Deal").Number, id); (err != nil && fault.KindOf(err) != fault.NotFound) || got != want {
					t.Errorf("sees is %t, %v", got, err)
				}
			}
			get(op, deals[0], before)
			_, err := h.e.RollbackRule(t.Context(), h.as["admin"], "crm", "gift", 0, "")
			must(t, err)
			for _, id := range deals {
				get(op, id, before)
			}
			if got := len(h.listed(op, "Deal", nil)); got != map[bool]int{true: len(deals)}[before] {
				t.Errorf("lists %d", got)
			}
			h.read("gil", func(op *Op) { get(op, deals[7], !before) })
		})
	}
}
