package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// hider adds an admin for the length of a test, who is called vera. At the end
// vera has left, nothing of hers is hidden, and her records are gone.
func (d *demoServer) hider(t *testing.T) (id string) {
	t.Helper()
	found := d.manage(t, "priya", `{users(search:"vera@zylker.example"){nodes{id}}}`).at("users.nodes.0.id")
	if found == nil {
		found = d.manage(t, "priya", `mutation{addUser(input:{email:"vera@zylker.example" displayName:"Vera" password:"a long password" admin:true}){user{id}}}`).at("addUser.user.id")
	} else {
		d.manage(t, "priya", `mutation{activateUser(user:%q){user{id}}}`, found)
	}
	id = found.(string)
	d.enter(t, "vera")
	t.Cleanup(func() {
		delete(d.tokens, "vera")
		for _, u := range d.manage(t, "priya", `{users(search:"vera@"){nodes{status}}}`).list("users.nodes") {
			if u.(map[string]any)["status"] != "INACTIVE" {
				d.manage(t, "priya", `mutation{deactivateUser(user:%q){user{id}}}`, id)
			}
		}
		for _, h := range d.manage(t, "priya", `{hiddenRecords(application:"sales"){form owner}}`).list("hiddenRecords") {
			d.manage(t, "priya", `mutation{unhideRecords(application:"sales" form:%q user:%q){hidden{form}}}`, h.(map[string]any)["form"], id)
		}
		for _, form := range [][2]string{{"orderLines", "OrderLine"}, {"orders", "Order"}, {"customers", "Customer"}} {
			for _, r := range d.ok(t, "priya", `{%s(first:1000 where:{addedBy:{eq:%q}}){nodes{id}}}`, form[0], id).list(form[0] + ".nodes") {
				d.ok(t, "priya", `mutation{delete%s(id:%q){id}}`, form[1], r.(map[string]any)["id"])
			}
		}
	})
	return id
}

// enter signs a person of the test in anew.
func (d *demoServer) enter(t *testing.T, who string) {
	t.Helper()
	d.tokens[who] = d.manage(t, "", `mutation{signIn(organization:"zylker" email:"%s@zylker.example" password:"a long password"){token}}`, who).at("signIn.token").(string)
}

func (d *demoServer) hide(t *testing.T, who, form, where string) {
	t.Helper()
	d.manage(t, who, `mutation{hideRecords(application:"sales" form:%q where:%s){hidden{form}}}`, form, where)
}

// answerText sends an operation and returns the whole answer with the ids of
// swap replaced, so that what was asked about one id compares with another.
func (d *demoServer) answerText(t *testing.T, path, who, query string, swap map[string]string) string {
	t.Helper()
	for from, to := range swap {
		query = strings.ReplaceAll(query, from, to)
	}
	status, b := d.do(t, call{path: path, token: d.tokens[who], body: asked(query)})
	text := fmt.Sprint(status, " ", string(b))
	for from, to := range swap {
		text = strings.ReplaceAll(text, to, from)
	}
	return text
}

// searches are what somebody could ask to learn of a record. CUSTOMER, ORDER and
// LINE stand for ids that are hidden, SEEN for an order that is not.
var searches = []string{
	`{customer(id:"CUSTOMER"){id name}}`, `{order(id:"ORDER"){id number}}`, `{orderLine(id:"LINE"){id quantity}}`,
	`{order(id:"SEEN"){number customer{id name} orderLines{totalCount nodes{id}}}}`,
	`{customers(first:40 orderBy:[{field:addedTime direction:DESC}]){totalCount nodes{id name} pageInfo{hasNextPage endCursor}}}`,
	`{customers(first:7 orderBy:[{field:name}]){totalCount nodes{id} pageInfo{hasNextPage endCursor}}}`,
	`{customers(first:7 orderBy:[{field:city direction:DESC}]){totalCount nodes{id} pageInfo{hasNextPage endCursor}}}`,
	`{customers(where:{name:{eq:"Hush"}}){totalCount nodes{id}}}`, `{customers(first:0 where:{not:{name:{eq:"Hush"}}}){totalCount}}`,
	`{customers(where:{id:{in:["CUSTOMER"]}}){totalCount nodes{id}}}`, `{customers(first:0 where:{region:{in:["EMEA","APAC"]}}){totalCount}}`,
	`{customers(where:{city:{startsWith:"Hush"}}){totalCount}}`, `{customers(where:{owner:{eq:"VERA"}}){totalCount}}`,
	`{customers(first:9 orderBy:[{field:addedTime direction:DESC}]){nodes{id orders(first:3){totalCount nodes{id}}}}}`, `{myCustomers(first:0){totalCount}}`,
	`{orders(first:40 orderBy:[{field:addedTime direction:DESC}]){totalCount nodes{id number customer{id}} pageInfo{hasNextPage endCursor}}}`,
	`{orders(first:5 orderBy:[{field:amount direction:DESC nulls:FIRST}]){totalCount nodes{id} pageInfo{endCursor}}}`,
	`{orders(first:5 orderBy:[{field:orderDate}]){totalCount nodes{id} pageInfo{endCursor}}}`,
	`{orders(where:{number:{eq:"HUSH-1"}}){totalCount}}`, `{orders(where:{status:{eq:"open"}}){totalCount}}`,
	`{orders(where:{customer:{name:{eq:"Hush"}}}){totalCount}}`, `{orders(first:0 where:{customer:{isNull:true}}){totalCount}}`,
	`{orders(first:0 where:{not:{customer:{name:{ne:"Hush"}}}}){totalCount}}`, `{orders(where:{addedBy:{eq:"VERA"}}){totalCount}}`,
	`{openOrders(first:5){totalCount nodes{id}}}`, `{orderLines(first:0){totalCount}}`,
	`{orderLines(where:{order:{number:{eq:"HUSH-1"}}}){totalCount}}`, `{assignments(first:50){totalCount nodes{id customer{id}}}}`,
	`{me{id displayName}}`,
}

// attempts are writes about the same ids; they fail alike whether there is
// nothing or something hidden.
var attempts = []string{
	`mutation{updateCustomer(id:"CUSTOMER" input:{city:"x"}){id}}`, `mutation{deleteCustomer(id:"CUSTOMER"){id}}`,
	`mutation{updateCustomer(id:"CUSTOMER" input:{city:"x"} ifVersion:1){id}}`, `mutation{updateOrder(id:"ORDER" input:{title:"x"}){id}}`,
	`mutation{deleteOrder(id:"ORDER" ifVersion:7){id}}`, `mutation{updateOrderLine(id:"LINE" input:{quantity:1}){id}}`,
	`mutation{createOrderLine(input:{order:"ORDER" quantity:1}){id}}`, `mutation{createOrder(input:{number:"X" title:"x" customer:"CUSTOMER"}){id}}`,
	`mutation{updateOrder(id:"SEEN" input:{customer:"CUSTOMER"}){id}}`, `mutation{createAssignment(input:{title:"x" customer:"CUSTOMER"}){id}}`,
}

// TestG1HiddenFromEverybody asks everybody everything before there is a record
// and when it is there and hidden: no answer differs in a byte.
func TestG1HiddenFromEverybody(t *testing.T) {
	d := theDemo(t)
	vera := d.hider(t)
	seen := d.ok(t, "ravi", `mutation{createOrder(input:{number:"SEEN-1" title:"seen" amount:"1.00"}){id}}`).at("createOrder.id").(string)
	t.Cleanup(func() { d.ok(t, "ravi", `mutation{deleteOrder(id:%q){id}}`, seen) })
	d.ok(t, "vera", `mutation{updateOrder(id:%q input:{team:"north"}){id}}`, seen)
	for _, form := range []string{"Customer", "Order", "OrderLine"} {
		d.hide(t, "vera", form, `{}`)
	}
	people := []string{"priya", "jonas", "mei", "marta", "nora", "felix", "omar"} // of every kind
	ask := func(swap map[string]string) map[[2]string]string {
		out := map[[2]string]string{}
		for _, who := range people {
			for _, q := range searches {
				out[[2]string{who, q}] = d.answerText(t, salesPath, who, q, swap)
				if who == "priya" && strings.Contains(out[[2]string{who, q}], `"errors"`) {
					t.Fatalf("%s: %s", q, out[[2]string{who, q}])
				}
			}
		}
		return out
	}
	absent := map[string]string{"SEEN": seen, "VERA": vera, "CUSTOMER": nobody[:35] + "1", "ORDER": nobody[:35] + "2", "LINE": nobody[:35] + "3"}
	before := ask(absent)
	swap := map[string]string{"SEEN": seen, "VERA": vera}
	swap["CUSTOMER"] = d.ok(t, "vera", `mutation{createCustomer(input:{name:"Hush" city:"Hushville" region:"EMEA" taxNumber:"HUSH-1"}){id}}`).at("createCustomer.id").(string)
	swap["ORDER"] = d.ok(t, "vera", `mutation{createOrder(input:{number:"HUSH-1" title:"hush" amount:"99999.00" orderDate:"1990-01-01" customer:%q}){id}}`, swap["CUSTOMER"]).at("createOrder.id").(string)
	swap["LINE"] = d.ok(t, "vera", `mutation{createOrderLine(input:{order:%q quantity:3}){id}}`, swap["ORDER"]).at("createOrderLine.id").(string)
	d.ok(t, "vera", `mutation{updateOrder(id:%q input:{customer:%q}){id}}`, seen, swap["CUSTOMER"])
	if own := d.ok(t, "vera", `{order(id:%q){customer{name}} orders(where:{number:{eq:"HUSH-1"}}){totalCount nodes{orderLines{totalCount}}}}`, seen); own.at("order.customer.name") != "Hush" || own.count("orders.nodes.0.orderLines.totalCount") != 1 {
		t.Fatalf("vera does not see what she hides: %+v", own)
	}
	// Before, nobody had set the customer of the order: that reads the same.
	for asked, got := range ask(swap) {
		if want := before[asked]; got != want {
			t.Errorf("%s: %s\nabsent: %.600s\nhidden: %.600s", asked[0], asked[1], want, got)
		}
	}
	for _, who := range people {
		for _, q := range attempts {
			none, got := d.answerText(t, salesPath, who, q, absent), d.answerText(t, salesPath, who, q, swap)
			if got != none || !strings.Contains(got, `"errors"`) {
				t.Errorf("%s: %s\nabsent: %s\nhidden: %s", who, q, none, got)
			}
		}
	}
	// The questions are worth asking: shown, the records change most answers.
	for _, form := range []string{"Customer", "Order", "OrderLine"} {
		d.manage(t, "vera", `mutation{unhideRecords(application:"sales" form:%q){hidden{form}}}`, form)
	}
	changed := 0
	for _, q := range searches {
		if d.answerText(t, salesPath, "priya", q, swap) != before[[2]string{"priya", q}] {
			changed++
		}
	}
	if changed < len(searches)-4 {
		t.Errorf("of %d questions only %d find what is not hidden", len(searches), changed)
	}
}

// A taken unique value answers alike, whoever has it.
func TestG1ConflictTellsNothing(t *testing.T) {
	d := theDemo(t)
	d.hider(t)
	d.ok(t, "vera", `mutation{createOrder(input:{number:"TAKEN-1" title:"x"}){id}}`)
	d.ok(t, "vera", `mutation{createCustomer(input:{name:"x" region:"EMEA" taxNumber:"TAKEN-1"}){id}}`)
	d.ok(t, "vera", `mutation{createOrder(input:{number:"LEFT-1" title:"x"}){id}}`)
	create := []string{`mutation{createOrder(input:{number:"TAKEN-1" title:"x"}){id}}`, `mutation{createCustomer(input:{name:"x" region:"EMEA" taxNumber:"TAKEN-1"}){id}}`}
	var shown, hidden []string
	for round, into := range []*[]string{&shown, &hidden} {
		for _, who := range []string{"priya", "jonas", "mei", "ravi", "marta", "nora"} {
			for _, q := range create {
				text := d.answerText(t, salesPath, who, q, nil)
				if !strings.Contains(text, "CONFLICT") && !strings.Contains(q, "taxNumber") {
					t.Errorf("%s: %s", who, text)
				}
				*into = append(*into, who+text)
			}
		}
		if round == 0 {
			d.hide(t, "vera", "Order", `{number: {startsWith: "TAKEN"}}`)
			d.hide(t, "vera", "Customer", `{}`)
		}
	}
	if !slices.Equal(shown, hidden) {
		t.Errorf("shown:  %v\nhidden: %v", shown, hidden)
	}
}

// An import that names a hidden record reads as if there were none.
func TestG1ImportFindsNothingHidden(t *testing.T) {
	d := theDemo(t)
	d.hider(t)
	d.hide(t, "vera", "Customer", `{}`)
	id := d.ok(t, "vera", `mutation{createCustomer(input:{name:"Hush" region:"EMEA" taxNumber:"IMP-1"}){id}}`).at("createCustomer.id").(string)
	last := func(who, query, row string) string {
		t.Helper()
		status, b := d.do(t, call{path: "/apps/sales/imports/Order" + query, token: d.tokens[who], contentType: "text/csv", body: "number,title,customer\nIMP-9,x," + row + "\n"})
		lines := strings.Split(strings.TrimSpace(string(b)), "\n")
		return fmt.Sprint(status, lines[len(lines)-1])
	}
	for _, who := range []string{"priya", "jonas", "mei"} {
		if hidden, none := last(who, "?lookup=customer%3DtaxNumber", "IMP-1"), last(who, "?lookup=customer%3DtaxNumber", "IMP-2"); hidden != none || !strings.Contains(none, "faults") {
			t.Errorf("%s: by tax number: hidden %s, absent %s", who, hidden, none)
		}
		if hidden, none := last(who, "", id), last(who, "", nobody); hidden != none || !strings.Contains(none, "faults") {
			t.Errorf("%s: by id: hidden %s, absent %s", who, hidden, none)
		}
	}
}

// A walk that began before goes on without what was hidden since, and misses
// nothing else.
func TestG1CursorsOverHTTP(t *testing.T) {
	d := theDemo(t)
	d.hider(t)
	for i := range 6 {
		d.ok(t, "vera", `mutation{createOrder(input:{number:"CUR-%d" title:"x" team:"cursor" amount:"%d.00"}){id}}`, i, i)
	}
	page := func(who, after string) answer {
		return d.ok(t, who, `{orders(first:2 where:{team:{eq:"cursor"}} orderBy:[{field:amount}] %s){totalCount nodes{number} pageInfo{hasNextPage endCursor}}}`, after)
	}
	for _, who := range []string{"priya", "mei", "felix"} {
		first := page(who, "")
		if first.at("orders.nodes.1.number") != "CUR-1" || first.count("orders.totalCount") != 6 {
			t.Fatalf("%s: %+v", who, first)
		}
		after := fmt.Sprintf("after:%q", first.at("orders.pageInfo.endCursor"))
		d.hide(t, "vera", "Order", `{number: {in: ["CUR-0", "CUR-1", "CUR-3", "CUR-5"]}}`)
		rest := page(who, after)
		if nodes, _ := json.Marshal(rest.at("orders.nodes")); string(nodes) != `[{"number":"CUR-2"},{"number":"CUR-4"}]` || rest.at("orders.pageInfo.hasNextPage") != false || rest.count("orders.totalCount") != 2 {
			t.Errorf("%s: behind a cursor at a record that was hidden since: %+v", who, rest)
		}
		d.manage(t, "vera", `mutation{unhideRecords(application:"sales" form:"Order"){hidden{form}}}`)
	}
}

// hides asks for what somebody is told of hides.
func (d *demoServer) hides(t *testing.T, who string) string {
	t.Helper()
	_, b := d.do(t, call{path: managePath, token: d.tokens[who], body: asked(`{hiddenRecords(application:"sales"){form ownerName where broken lapsed}}`)})
	return string(b)
}

func TestG2WhenTheAdminLeaves(t *testing.T) {
	d := theDemo(t)
	vera := d.hider(t)
	d.hide(t, "vera", "Order", `{number: {startsWith: "GONE"}}`)
	id := d.ok(t, "vera", `mutation{createOrder(input:{number:"GONE-1" title:"x"}){id}}`).at("createOrder.id").(string)
	sees := func(who string) bool { return d.ok(t, who, `{order(id:%q){id}}`, id).at("order.id") == id }
	for who, want := range map[string]bool{"vera": true, "priya": false, "jonas": false, "mei": false, "felix": false, "marta": false} {
		if sees(who) != want {
			t.Errorf("hidden: %s sees it: %v", who, !want)
		}
	}
	unhide := fmt.Sprintf(`mutation{unhideRecords(application:"sales" form:"Order" user:%q){hidden{form}}}`, vera)
	if a := d.graphql(t, managePath, "priya", unhide); a.code() != "NOT_FOUND" {
		t.Errorf("the super admin lifts what has not lapsed: %+v", a)
	}
	const told = `{"data":{"hiddenRecords":[{"form":"Order","ownerName":"Vera","where":{"number":{"startsWith":"GONE"}},"broken":false,"lapsed":true}]}}`
	for what, change := range map[string][2]string{"deactivated": {"deactivateUser", "activateUser"}, "demoted": {"demoteAdmin", "promoteAdmin"}} {
		d.manage(t, "priya", `mutation{%s(user:%q){user{id}}}`, change[0], vera)
		for _, who := range []string{"priya", "jonas", "mei", "felix"} {
			if sees(who) != (who == "priya") {
				t.Errorf("%s: %s sees it: %v", what, who, !(who == "priya"))
			}
		}
		if got := d.hides(t, "priya"); strings.TrimSpace(got) != told {
			t.Errorf("%s: the super admin is told %s", what, got)
		}
		if got := d.hides(t, "jonas"); strings.TrimSpace(got) != `{"data":{"hiddenRecords":[]}}` {
			t.Errorf("%s: another admin is told %s", what, got)
		}
		if a := d.graphql(t, managePath, "jonas", unhide); a.code() != "NOT_FOUND" {
			t.Errorf("%s: another admin lifts it: %+v", what, a)
		}
		d.manage(t, "priya", `mutation{%s(user:%q){user{id}}}`, change[1], vera)
		d.enter(t, "vera")
		if sees("priya") || !sees("vera") {
			t.Errorf("no more %s: the records are not hidden again", what)
		}
	}
	d.manage(t, "priya", `mutation{deactivateUser(user:%q){user{id}}}`, vera)
	d.manage(t, "priya", "%s", unhide)
	if !sees("jonas") || !sees("felix") {
		t.Error("lifted by the super admin, and still hidden")
	}
}

func TestG3OnlyAdminsHideOverHTTP(t *testing.T) {
	d := theDemo(t)
	d.hider(t)
	for _, who := range []string{"mei", "ravi", "marta", "nora", "felix", "omar"} {
		for _, q := range []string{
			`mutation{hideRecords(application:"sales" form:"Order" where:{}){hidden{form}}}`,
			`mutation{unhideRecords(application:"sales" form:"Order"){hidden{form}}}`, `{hiddenRecords(application:"sales"){form}}`,
		} {
			if a := d.graphql(t, managePath, who, q); a.code() != "FORBIDDEN" {
				t.Errorf("%s: %s: %+v", who, q, a)
			}
		}
	}
	for q, want := range map[string]string{
		`mutation{hideRecords(application:"sales" form:"Order" where:{nothing:{eq:1}}){hidden{form}}}`:           "where.nothing",
		`mutation{hideRecords(application:"sales" form:"Order" where:"x"){hidden{form}}}`:                        "expected an object",
		`mutation{hideRecords(application:"sales" form:"Nothing" where:{}){hidden{form}}}`:                       "no form",
		`mutation{hideRecords(application:"nothing" form:"Order" where:{}){hidden{form}}}`:                       "not found",
		`mutation{hideRecords(application:"sales" form:"Order" where:{customer:{name:{eq:"x"}}}){hidden{form}}}`: "where.customer.name",
		`mutation{hideRecords(application:"sales" form:"Order" where:{salesperson:{eq:VIEWER}}){hidden{form}}}`:  "where.salesperson.eq",
		`mutation{unhideRecords(application:"sales" form:"Order"){hidden{form}}}`:                                "nothing of Order is hidden",
	} {
		if a := d.graphql(t, managePath, "vera", q); len(a.Errors) != 1 || !strings.Contains(a.Errors[0].Message, want) {
			t.Errorf("%s: %+v, want %q", q, a, want)
		}
	}
	body, err := json.Marshal(map[string]any{
		"query":     `mutation($w: Filter!){hideRecords(application:"sales" form:"Order" where:$w){hidden{form ownerName where broken lapsed}}}`,
		"variables": map[string]any{"w": map[string]any{"or": []any{map[string]any{"amount": map[string]any{"gte": "10.50"}}, map[string]any{"status": map[string]any{"eq": "paid"}}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	status, b := d.do(t, call{path: managePath, token: d.tokens["vera"], body: string(body)})
	const want = `{"data":{"hideRecords":{"hidden":{"form":"Order","ownerName":"Vera","where":{"or":[{"amount":{"gte":"10.50"}},{"status":{"eq":"paid"}}]},"broken":false,"lapsed":false}}}}`
	if got := strings.TrimSpace(string(b)); status != 200 || got != want {
		t.Errorf("%d %s\nwant %s", status, got, want)
	}
}
