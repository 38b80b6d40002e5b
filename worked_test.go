package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	rulesexamples "sluice/examples/rules"
)

// The worked cases of docs/access-model.md, each over HTTP as a frontend would
// ask. The super admin's answers tell what is stored.

// Case 1: a rep with View, Edit and Delete reaches exactly what the rep owns.
func TestCase1_RepReachesWhatTheRepOwns(t *testing.T) {
	d := theDemo(t)
	ravi := d.id(t, "ravi")
	stored := d.ok(t, "priya", `{orders(first:1000 where:{salesperson:{eq:%q}}){totalCount nodes{id}} others: orders(first:1 where:{salesperson:{ne:%q}}){nodes{id}}}`, ravi, ravi)
	seen := d.ok(t, "ravi", `{orders(first:1000){totalCount nodes{id owner{id} viewerCanUpdate viewerCanDelete}}}`)
	if n := stored.count("orders.totalCount"); n < 50 || seen.count("orders.totalCount") != n || len(seen.list("orders.nodes")) != n {
		t.Fatalf("owns %d, sees %d and %d records", n, seen.count("orders.totalCount"), len(seen.list("orders.nodes")))
	}
	for i, o := range seen.list("orders.nodes") {
		o := o.(map[string]any)
		if o["id"] != stored.list("orders.nodes")[i].(map[string]any)["id"] || o["owner"].(map[string]any)["id"] != ravi || o["viewerCanUpdate"] != true || o["viewerCanDelete"] != true {
			t.Fatalf("record %d: %v", i, o)
		}
	}
	foreign := stored.at("others.nodes.0.id").(string)
	if got := d.ok(t, "ravi", `{order(id:%q){number}}`, foreign); got.at("order") != nil {
		t.Error("a foreign order can be read by id")
	}
	for _, m := range []string{`mutation{updateOrder(id:%q input:{title:"mine"}){id}}`, `mutation{deleteOrder(id:%q){id}}`} {
		if got := d.as(t, "ravi", m, foreign); got.code() != "NOT_FOUND" {
			t.Errorf("%s on a foreign order: %+v", m, got)
		}
	}
	id := d.ok(t, "ravi", `mutation{createOrder(input:{number:"CASE-1" title:"mine"}){id order{owner{id}}}}`).at("createOrder.id").(string)
	if got := d.ok(t, "ravi", `mutation{updateOrder(id:%q input:{title:"changed"}){order{title version}}}`, id); got.at("updateOrder.order.title") != "changed" || got.count("updateOrder.order.version") != 2 {
		t.Errorf("update: %+v", got)
	}
	d.ok(t, "ravi", `mutation{deleteOrder(id:%q){id}}`, id)
	if got := d.ok(t, "ravi", `{order(id:%q){number}}`, id); got.at("order") != nil {
		t.Error("a deleted order can be read")
	}
}

// Case 2: the same set for a manager: own and theirs while hierarchy is on, own
// alone while it is off.
func TestCase2_ManagerAndHierarchy(t *testing.T) {
	d := theDemo(t)
	marta := d.id(t, "marta")
	own := d.ok(t, "priya", `{orders(where:{salesperson:{eq:%q}}){totalCount}}`, marta).count("orders.totalCount")
	team := 0
	for _, u := range d.manage(t, "priya", `{users(first:100){nodes{id assignments{application role}}}}`).list("users.nodes") {
		u := u.(map[string]any)
		for _, p := range u["assignments"].([]any) {
			if r := p.(map[string]any)["role"]; r == "sales-rep" || r == "sales-manager" {
				team += d.ok(t, "priya", `{orders(where:{salesperson:{eq:%q}}){totalCount}}`, u["id"]).count("orders.totalCount")
			}
		}
	}
	if got := d.ok(t, "marta", `{orders{totalCount}}`).count("orders.totalCount"); own < 1 || team <= own || got != team {
		t.Errorf("hierarchy on: sees %d, own %d, own and below %d", got, own, team)
	}
	d.redefine(t, "hierarchy: true", "hierarchy: false")
	if got := d.ok(t, "marta", `{orders{totalCount}}`).count("orders.totalCount"); got != own {
		t.Errorf("hierarchy off: sees %d, owns %d", got, own)
	}
}

// Case 3: a sharing rule from another department's role, capped by the level.
func TestCase3_SharingRuleFromAnotherDepartment(t *testing.T) {
	d := theDemo(t)
	ravi, nora := d.id(t, "ravi"), d.id(t, "nora")
	shared := d.ok(t, "ravi", `{customers(first:1 where:{accountManager:{eq:%q}}){totalCount nodes{id viewerCanUpdate viewerCanDelete}}}`, nora)
	if shared.count("customers.totalCount") < 1 || shared.at("customers.nodes.0.viewerCanUpdate") != false || shared.at("customers.nodes.0.viewerCanDelete") != false {
		t.Fatalf("shared customers: %+v", shared)
	}
	id := shared.at("customers.nodes.0.id").(string)
	if got := d.as(t, "ravi", `mutation{updateCustomer(id:%q input:{city:"Oslo"}){id}}`, id); got.code() != "FORBIDDEN" {
		t.Errorf("a READ rule let an update through: %+v", got)
	}
	stored := d.ok(t, "priya", `{customers(where:{accountManager:{eq:%q}}){totalCount}}`, ravi).count("customers.totalCount")
	d.redefine(t, "to: {role: sales-rep}, level: READ}", "to: {role: finance-clerk}, level: READ}")
	if got := d.ok(t, "ravi", `{customers{totalCount}}`).count("customers.totalCount"); got != stored {
		t.Errorf("without the rule: sees %d, owns %d", got, stored)
	}
}

// Case 4: View All and Modify All, whoever added the record.
func TestCase4_ViewAllAndModifyAll(t *testing.T) {
	d := theDemo(t)
	all := d.ok(t, "priya", `{orders{totalCount} products(first:1){totalCount nodes{id name}}}`)
	seen := d.ok(t, "felix", `{orders(first:1){totalCount nodes{id viewerCanUpdate}} products(first:1){totalCount nodes{id viewerCanUpdate viewerCanDelete}}}`)
	if seen.count("orders.totalCount") != all.count("orders.totalCount") || seen.at("orders.nodes.0.viewerCanUpdate") != false {
		t.Errorf("View All: %+v", seen)
	}
	if seen.at("products.nodes.0.viewerCanUpdate") != true || seen.at("products.nodes.0.viewerCanDelete") != true {
		t.Errorf("Modify All with Delete: %+v", seen)
	}
	id, name := all.at("products.nodes.0.id").(string), all.at("products.nodes.0.name").(string)
	d.ok(t, "felix", `mutation{updateProduct(id:%q input:{name:"Renamed"}){product{name}}}`, id)
	d.ok(t, "felix", `mutation{updateProduct(id:%q input:{name:%q}){product{name}}}`, id, name)
}

// Case 5: distributors and suppliers find nothing of each other's form.
func TestCase5_OtherFormsAreNotInTheSchema(t *testing.T) {
	d := theDemo(t)
	for who, other := range map[string][3]string{
		"omar": {"distributionAreas", "suppliers", "Supplier"}, "ines": {"suppliers", "distributionAreas", "DistributionArea"},
	} {
		if d.ok(t, who, `{%s{totalCount}}`, other[0]).count(other[0]+".totalCount") < 1 {
			t.Errorf("%s does not see %s", who, other[0])
		}
		hidden, unknown := d.as(t, who, `{%s{totalCount}}`, other[1]), d.as(t, who, `{zzz{totalCount}}`)
		if got := strings.ReplaceAll(hidden.Errors[0].Message, other[1], "zzz"); got != unknown.Errors[0].Message || hidden.code() != unknown.code() {
			t.Errorf("%s: a hidden form answers %q, an unknown one %q", who, got, unknown.Errors[0].Message)
		}
		types := d.ok(t, who, "%s", `{__schema{types{name fields{name} inputFields{name}}}}`)
		for _, ty := range types.list("__schema.types") {
			if name := ty.(map[string]any)["name"].(string); strings.Contains(name, other[2]) {
				t.Errorf("%s finds type %s", who, name)
			}
		}
	}
}

// Case 6: an admin adds an assignment; the assignee sees it and nobody else.
func TestCase6_AssignedWork(t *testing.T) {
	d := theDemo(t)
	id := d.ok(t, "jonas", `mutation{createAssignment(input:{title:"Case six" assignee:%q}){id}}`, d.id(t, "nora")).at("createAssignment.id").(string)
	t.Cleanup(func() { d.ok(t, "jonas", `mutation{deleteAssignment(id:%q){id}}`, id) })
	if got := d.ok(t, "nora", `{assignment(id:%q){title viewerCanUpdate} assignments(where:{title:{eq:"Case six"}}){totalCount}}`, id); got.at("assignment.title") != "Case six" || got.count("assignments.totalCount") != 1 {
		t.Errorf("the assignee: %+v", got)
	}
	for _, who := range []string{"ravi", "marta"} {
		if got := d.ok(t, who, `{assignment(id:%q){title} assignments(where:{title:{eq:"Case six"}}){totalCount}}`, id); got.at("assignment") != nil || got.count("assignments.totalCount") != 0 {
			t.Errorf("%s sees it: %+v", who, got)
		}
	}
	d.ok(t, "nora", `mutation{updateAssignment(id:%q input:{done:true}){id}}`, id)
}

// Case 7: personal data is nowhere for a set that hides it.
func TestCase7_PersonalDataIsNowhere(t *testing.T) {
	d := theDemo(t)
	introspection := `{__schema{types{name fields{name args{name}} inputFields{name} enumValues{name}}}}`
	for _, name := range []string{"taxNumber", "email", "phone"} {
		for _, q := range []string{
			`{customers(where:{%s:{eq:"x"}}){totalCount}}`, `{customers(where:{not:{%s:{isNull:true}}}){totalCount}}`,
			`{customers(orderBy:{field:%s}){totalCount}}`, `{customers{nodes{%s}}}`, `{orders(where:{customer:{%s:{eq:"x"}}}){totalCount}}`,
			`{orders{nodes{customer{%s}}}}`, `mutation{updateCustomer(id:"01a204de-91e8-7000-91d7-b79ac4d4486e" input:{%s:"x"}){id}}`,
		} {
			hidden, unknown := d.as(t, "felix", q, name), d.as(t, "felix", q, "zzz")
			if len(hidden.Errors) == 0 || strings.ReplaceAll(hidden.Errors[0].Message, name, "zzz") != unknown.Errors[0].Message || hidden.status != unknown.status {
				t.Errorf("%s with %s: %+v, an unknown name: %+v", q, name, hidden, unknown)
			}
			if shown := d.as(t, "marta", q, name); name == "phone" && strings.HasPrefix(q, "{") && len(shown.Errors) > 0 {
				t.Errorf("%s is refused to a set that shows it: %+v", q, shown)
			}
		}
		for _, ty := range d.ok(t, "felix", "%s", introspection).list("__schema.types") {
			for _, part := range []string{"fields", "inputFields", "enumValues"} {
				members, _ := ty.(map[string]any)[part].([]any)
				for _, m := range members {
					if m.(map[string]any)["name"] == name {
						t.Errorf("introspection shows %s in %v", name, ty.(map[string]any)["name"])
					}
				}
			}
		}
	}
}

// Case 8: whoever reaches an order reaches its lines, nobody else does.
func TestCase8_LinesFollowTheirOrder(t *testing.T) {
	d := theDemo(t)
	for _, who := range []string{"ravi", "marta", "nora"} {
		nested := 0
		a := d.ok(t, who, `{orders(first:1000){nodes{orderLines(first:20){totalCount}}} orderLines(first:1){totalCount}}`)
		for _, o := range a.list("orders.nodes") {
			nested += int(o.(map[string]any)["orderLines"].(map[string]any)["totalCount"].(float64))
		}
		if nested < 50 || nested != a.count("orderLines.totalCount") {
			t.Errorf("%s: %d lines below orders, %d listed", who, nested, a.count("orderLines.totalCount"))
		}
	}
	ravi := d.id(t, "ravi")
	foreign := d.ok(t, "priya", `{orders(first:1 where:{salesperson:{ne:%q}}){nodes{id orderLines(first:1){nodes{id}}}}}`, ravi)
	line := foreign.at("orders.nodes.0.orderLines.nodes.0.id").(string)
	if got := d.ok(t, "ravi", `{orderLine(id:%q){quantity}}`, line); got.at("orderLine") != nil {
		t.Error("a foreign line can be read")
	}
	if got := d.as(t, "ravi", `mutation{createOrderLine(input:{order:%q quantity:1}){id}}`, foreign.at("orders.nodes.0.id")); got.code() != "BAD_USER_INPUT" {
		t.Errorf("a line under a foreign order: %+v", got)
	}
	mine := d.ok(t, "ravi", `{orders(first:1){nodes{id}}}`).at("orders.nodes.0.id")
	id := d.ok(t, "ravi", `mutation{createOrderLine(input:{order:%q quantity:1}){id}}`, mine).at("createOrderLine.id")
	d.ok(t, "ravi", `mutation{deleteOrderLine(id:%q){id}}`, id)
}

// The custom rules: a module shares large open orders of one's team, another
// masks the phone of customers outside one's region, and both act on the next
// query after they are switched.
func TestH_ModulesDecide(t *testing.T) {
	d := theDemo(t)
	team := `{orders(where:{and:[{team:{eq:"north"}},{status:{eq:"open"}},{amount:{gte:"1000.00"}}]}){totalCount}}`
	phones := `{masked: customers(where:{and:[{region:{ne:"EMEA"}},{phone:{isNull:false}}]}){totalCount} outside: customers(where:{region:{ne:"EMEA"}}){totalCount}
		inside: customers(where:{and:[{region:{eq:"EMEA"}},{phone:{isNull:false}}]}){totalCount}}`
	stored := d.ok(t, "priya", "%s", team).count("orders.totalCount")
	if got := d.ok(t, "nora", "%s", team).count("orders.totalCount"); stored < 5 || got != stored {
		t.Errorf("SHARE: sees %d of the team's %d", got, stored)
	}
	p := d.ok(t, "nora", "%s", phones)
	if p.count("masked.totalCount") != 0 || p.count("outside.totalCount") < 1 || p.count("inside.totalCount") < 1 {
		t.Errorf("MASK: %+v", p.Data)
	}
	d.manage(t, "mei", `mutation{deactivateRule(application:"sales" rule:"same-team-open-orders"){rule{active}}}`)
	if got := d.ok(t, "nora", "%s", team).count("orders.totalCount"); got >= stored {
		t.Errorf("an inactive SHARE rule still shares %d of %d", got, stored)
	}
	d.manage(t, "mei", `mutation{deactivateRule(application:"sales" rule:"phone-outside-region"){rule{active}}}`)
	if p := d.ok(t, "nora", "%s", phones); p.count("inside.totalCount") != 0 {
		t.Errorf("an inactive MASK rule shows phones: %+v", p.Data)
	}
	for _, rule := range rulesexamples.Demo() {
		module, err := rulesexamples.Module(rule, rulesexamples.AssemblyScript)
		if err != nil {
			t.Fatal(err)
		}
		status, body := d.do(t, call{method: "PUT", path: "/apps/sales/rules/" + rule, token: d.tokens["mei"], contentType: "application/wasm", body: string(module)})
		var up struct{ Hash string }
		if err := json.Unmarshal(body, &up); err != nil || status != http.StatusOK || up.Hash == "" {
			t.Fatalf("upload: status %d, %s", status, body)
		}
		d.manage(t, "mei", `mutation{bindRuleModule(application:"sales" rule:%q module:%q){rule{active}}}`, rule, up.Hash)
		d.manage(t, "mei", `mutation{activateRule(application:"sales" rule:%q){rule{active}}}`, rule)
	}
	if got := d.ok(t, "nora", "%s", team).count("orders.totalCount"); got != stored {
		t.Errorf("the module from AssemblyScript shares %d of %d", got, stored)
	}
}
