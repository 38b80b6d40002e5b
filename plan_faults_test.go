package main

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sluice/internal/command"
	"sluice/rules"
)

// oddTitle has the length for which the module of narrowPlan makes its mistake.
const oddTitle = "a title of twenty-three"

// narrowPlan is a SHARE module on orders that shares those whose title has 23 bytes,
// and its plan leaves out all but the paid ones: a mistake that no generated case shows.
func narrowPlan(t *testing.T) []byte {
	t.Helper()
	const (
		plan   = `{"status":{"eq":"paid"}}`
		decide = "\x01\x01\x7f" + "\x02\x40\x03\x40" +
			"\x20\x01\x20\x00\x28\x02\x04\x4f\x0d\x01" + // i ≥ n: done
			"\x20\x00\x28\x02\x14\x20\x01\x20\x00\x28\x02\x08\x6c\x6a" + // the record's row
			"\x28\x02\x14\x41\x17\x46\x04\x40" + // length of the title = 23
			"\x20\x00\x28\x02\x18\x20\x01\x6a\x41\x01\x3a\x00\x00\x0b" +
			"\x20\x01\x41\x01\x6a\x21\x01\x0c\x00\x0b\x0b" + answerOK
	)
	module := []byte(wasmHead +
		part(1, vec("\x60\x01\x7f\x01\x7f")) + part(3, vec("\x00", "\x00", "\x00")) + part(5, vec("\x01\x02\x10")) +
		part(7, vec(sized("memory")+"\x02\x00", sized("sluice_buf")+"\x00\x00", sized("sluice_decide")+"\x00\x01", sized("sluice_plan")+"\x00\x02")) +
		part(10, vec(sized("\x00\x41\x80\x08\x0b"), sized(decide), sized("\x00\x41\x10\x0b"))) +
		part(11, vec("\x00\x41\x10\x0b"+sized(string(rune(len(plan)))+"\x00\x00\x00"+plan))))
	module, err := rules.Embed(module, []byte(`{"abi":1,"form":"Order","effect":"share","grant":"view","viewer":[],"record":[{"name":"status","type":"choice"},{"name":"title","type":"text"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// oddOrder adds an order that the module of narrowPlan shares and its plan leaves out.
func (d *demoServer) oddOrder(t *testing.T, number int) (id string) {
	t.Helper()
	id, _ = d.ok(t, "priya", `mutation{createOrder(input:{number:"ODD-%d" title:%q status:"open"}){id}}`, number, oddTitle).at("createOrder.id").(string)
	return id
}

func (d *demoServer) dropOrder(t *testing.T, id string) {
	t.Helper()
	d.ok(t, "priya", `mutation{deleteOrder(id:%q){id}}`, id)
}

// replays runs "sluice rule replay" where rules can be run.
func (d *demoServer) replays(t *testing.T, who string, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	env := map[string]string{"SLUICE_SERVER": d.url, "SLUICE_TOKEN": d.tokens[who]}
	code = command.Run(t.Context(), &command.Env{
		Args: append([]string{"rule", "replay", "-app", "sales"}, args...), Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		Getenv: func(name string) string { return env[name] }, Parts: command.Parts{NewRules: newRules},
	})
	return code, stdout.String(), stderr.String()
}

// TestPlanFaultsOverHTTP follows a plan that is too narrow on what is stored: the dry run
// counts it, an activation is refused with what to change and without values, and where
// such a record comes later, its fault is logged, nobody is shown the record, and it is
// replayed.
func TestPlanFaultsOverHTTP(t *testing.T) {
	d := theDemo(t)
	d.planned(t)
	hash := d.putRule(t, "/apps/sales/rules/planned", narrowPlan(t))
	odd := d.oddOrder(t, 0)
	id := d.manage(t, "jonas", `mutation{compareAccess(application:"sales",input:{rules:[{rule:"planned",module:%q}]}){difference{id}}}`, hash).at("compareAccess.difference.id").(string)
	d.done(t, "jonas", id)
	cost := d.manage(t, "jonas", `{accessDifference(id:%q){result{costs{outsidePlan outsidePlanRecords impure faults{kind count}}}}}`, id).list("accessDifference.result.costs")
	if c := cost[0].(map[string]any); c["outsidePlan"] != 1.0 || !slices.Contains(c["outsidePlanRecords"].([]any), any(odd)) || c["impure"] != 0.0 {
		t.Errorf("the dry run: %v", c)
	}
	d.manage(t, "mei", `mutation{bindRuleModule(application:"sales" rule:"planned" module:%q){rule{active}}}`, hash)
	activate := func() answer {
		return d.graphql(t, managePath, "mei", `mutation{activateRule(application:"sales" rule:"planned"){rule{active}}}`)
	}
	a := activate()
	if a.code() != "CONFLICT" || a.status != http.StatusOK {
		t.Fatalf("%d %+v", a.status, a)
	}
	for _, part := range []string{"sluice_plan of this module is too narrow", "leaves out 1 that sluice_decide shares", odd, "Widen sluice_plan", "the rule stays as it was"} {
		if !strings.Contains(a.Errors[0].Message, part) {
			t.Errorf("%q is not in: %s", part, a.Errors[0].Message)
		}
	}
	if strings.Contains(a.Errors[0].Message, oddTitle) {
		t.Error(a.Errors[0].Message)
	}
	d.dropOrder(t, odd)
	if a := activate(); a.code() != "" {
		t.Fatalf("without such a record: %+v", a)
	}
	d.faultsByPlan(t)
}

// faultsByPlan adds such a record while the rule decides.
func (d *demoServer) faultsByPlan(t *testing.T) {
	t.Helper()
	var logged map[string]any
	odd := ""
	for n := 1; logged == nil && n < 5000; n++ { // one record in 64 is looked at
		if odd != "" {
			d.dropOrder(t, odd)
		}
		odd = d.oddOrder(t, n)
		if a := d.ok(t, "nora", `{order(id:%q){id} orders(where:{number:{eq:"ODD-%d"}}){totalCount}}`, odd, n); a.at("order") != nil || a.count("orders.totalCount") != 0 {
			t.Fatalf("shown outside of the plan: %v", a.Data)
		}
		end, err := strconv.ParseUint(odd[len(odd)-2:], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		if end%64 != 0 {
			continue
		}
		for _, entry := range d.ruleLog(t, "priya", "planned", "FAULTS") {
			if entry["record"] == odd {
				logged = entry
			}
		}
	}
	t.Cleanup(func() { d.dropOrder(t, odd) })
	if logged == nil || logged["fault"] != "plan" || logged["answer"] != nil {
		t.Fatalf("logged: %v", logged)
	}
	if faults := fmt.Sprint(d.manage(t, "mei", `{ruleStats(application:"sales"){rule faults{kind count}}}`).Data); !strings.Contains(faults, "kind:plan") {
		t.Error(faults)
	}
	code, out, errs := d.replays(t, "priya", "-rule", "planned", logged["id"].(string))
	if code != 0 || !strings.Contains(out, "the same answer, fault: plan") || errs != "" {
		t.Errorf("replayed: %d %s %s", code, out, errs)
	}
	if code, out, errs = d.replays(t, "priya", "-rule", "planned", "-case", logged["id"].(string)); code != 0 || !strings.Contains(out, "expect: {fault: plan}") {
		t.Errorf("as a case: %d %s %s", code, out, errs)
	}
	d.manage(t, "mei", `mutation{deactivateRule(application:"sales" rule:"planned"){rule{active}}}`)
}
