package main

import (
	"fmt"
	"strings"
	"testing"

	"sluice/internal/demo"
)

// ofBatch answers 1 for records that satisfy a condition on the batch, and 0 else: no
// rule, as a record's answer is to be that of asking it alone.
func ofBatch(condition string) string {
	return condition + "\x04\x40" + strings.TrimSuffix(everybody, answerOK) + "\x0b" + answerOK
}

const (
	recordsAsked = "\x20\x00\x28\x02\x04" // how many records are asked about
	amongOthers  = recordsAsked + "\x41\x01\x4b"
)

// TestH2ImpureInASmallFormOverHTTP: a module that answers otherwise about a record
// among others than about it alone is found in a form of a few records, whatever its
// hash, at the first list, before that list shows anything by it.
func TestH2ImpureInASmallFormOverHTTP(t *testing.T) {
	d := theDemo(t)
	source := string(demo.Definition)
	const last = "effect: MASK, fields: [phone], roles: [inside-sales]}\n"
	d.define(t, strings.Replace(source, last, last+"  - {name: embargo, form: Supplier, effect: RESTRICT}\n", 1))
	t.Cleanup(func() { d.define(t, source) })
	for i := range 8 {
		module := append(guest{decide: ofBatch(amongOthers)}.build(), part(0, sized("variant")+fmt.Sprint(i))...)
		hash := d.restricting(t, module)
		d.manage(t, "mei", `mutation{bindRuleModule(application:"sales" rule:"embargo" module:%q){rule{module}} activateRule(application:"sales" rule:"embargo"){rule{active}}}`, hash)
		if a := d.ok(t, "ines", `{suppliers(first:10){totalCount nodes{id name}}}`); a.count("suppliers.totalCount") != 0 || len(a.list("suppliers.nodes")) != 0 {
			t.Errorf("variant %d: %v", i, a.Data)
		}
	}
	for _, n := range d.ruleLog(t, "priya", "embargo", "FAULTS") {
		if n["record"] == nil || n["fault"] != "impure" {
			continue
		}
		if code, out, errs := d.replays(t, "priya", "-rule", "embargo", n["id"].(string)); code != 0 || !strings.Contains(out, "the same answer, fault: impure") {
			t.Errorf("replayed: %d %s %s", code, out, errs)
		}
		return
	}
	t.Error("no fault was logged")
}

// TestH2ImpureIsNotActivated: a module of which a dry run, or the tests of the activation,
// found that it is no rule is not let decide, and whoever tries is told what to change.
func TestH2ImpureIsNotActivated(t *testing.T) {
	d := theDemo(t)
	d.planned(t)
	for i, first := range []bool{true, false} { // a dry run comes first
		hash := d.sharing(t, append(guest{decide: ofBatch(amongOthers)}.build(), part(0, sized("variant")+fmt.Sprint("dry", i))...))
		if first {
			id := d.manage(t, "jonas", `mutation{compareAccess(application:"sales",input:{rules:[{rule:"planned",module:%q}]}){difference{id}}}`, hash).at("compareAccess.difference.id").(string)
			d.done(t, "jonas", id)
			cost := d.manage(t, "jonas", `{accessDifference(id:%q){result{costs{impure faults{kind count}}}}}`, id).list("accessDifference.result.costs")
			if c := fmt.Sprint(cost); !strings.Contains(c, "kind:impure") {
				t.Errorf("the dry run: %v", c)
			}
		}
		a := d.graphql(t, managePath, "mei", fmt.Sprintf(`mutation{bindRuleModule(application:"sales" rule:"planned" module:%q){rule{module}} activateRule(application:"sales" rule:"planned"){rule{active}}}`, hash))
		if a.code() != "CONFLICT" || !strings.Contains(a.Errors[0].Message, "gave two answers to one question") || !strings.Contains(a.Errors[0].Message, "the rule stays as it was") {
			t.Errorf("variant %d: %+v", i, a)
		}
	}
}
