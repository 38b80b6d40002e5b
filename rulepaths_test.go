package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"sluice/internal/demo"
)

// rulePaths are reads of customers, each over another path: @ID is the customer, @A
// a phone number, @ORDER an order of the customer.
var rulePaths = map[string]string{
	"one":         `{customer(id:"@ID"){id phone}}`,
	"node":        `{node(id:"@ID"){id ... on Customer{phone}}}`,
	"nodes":       `{nodes(ids:["@ID"]){id ... on Customer{phone}}}`,
	"list":        `{customers(first:1000){totalCount nodes{id phone}}}`,
	"edges":       `{customers(first:1000 orderBy:[{field:name}]){edges{cursor node{id phone}}}}`,
	"report":      `{myCustomers(first:1000){totalCount nodes{id}}}`,
	"equal":       `{customers(where:{phone:{eq:"@A"}}){totalCount nodes{id}}}`,
	"not equal":   `{customers(where:{and:[{phone:{ne:"@A"}} {name:{startsWith:"Rule Path"}}]}){totalCount nodes{id}}}`,
	"not":         `{customers(where:{and:[{not:{phone:{eq:"@A"}}} {name:{startsWith:"Rule Path"}}]}){totalCount nodes{id}}}`,
	"one of":      `{customers(where:{phone:{in:["@A"]}}){totalCount}}`,
	"less":        `{customers(where:{and:[{phone:{lte:"@A"}} {id:{eq:"@ID"}}]}){totalCount}}`,
	"more":        `{customers(where:{and:[{phone:{gte:"@A"}} {id:{eq:"@ID"}}]}){totalCount}}`,
	"contains":    `{customers(where:{phone:{contains:"@A"}}){totalCount}}`,
	"begins":      `{customers(where:{phone:{startsWith:"@A"}}){totalCount}}`,
	"matches":     `{customers(where:{phone:{matches:"@A"}}){totalCount}}`,
	"is null":     `{customers(where:{and:[{phone:{isNull:true}} {id:{eq:"@ID"}}]}){totalCount}}`,
	"is not null": `{customers(where:{and:[{phone:{isNull:false}} {id:{eq:"@ID"}}]}){totalCount}}`,
	"search":      `{customers(search:"@A"){totalCount nodes{id}}}`,
	"order":       `{customers(first:1000 orderBy:[{field:phone} {field:name}]){edges{cursor node{id}}}}`,
	"order back":  `{customers(last:1000 orderBy:[{field:phone direction:DESC} {field:name}]){edges{cursor node{id}}}}`,
	"group":       `{customersAggregate(groupBy:[{field:phone}] first:1000){totalCount nodes{key{phone} count}}}`,
	"aggregate":   `{customersAggregate(groupBy:[{field:region}]){nodes{key{region} count phone{count min max}}}}`,
	"having":      `{customersAggregate(groupBy:[{field:region}] having:{phone:{count:{gte:1}}} orderBy:[{field:phone function:MAX}]){nodes{key{region}}}}`,
	"connection":  `{customers(where:{id:{eq:"@ID"}}){aggregate{count phone{count min max}}}}`,
	"nested":      `{order(id:"@ORDER"){id customer{id phone}}}`,
	"through":     `{orders(where:{customer:{phone:{eq:"@A"}}}){totalCount nodes{id}}}`,
	"through not": `{orders(where:{and:[{id:{eq:"@ORDER"}} {customer:{phone:{isNull:true}}}]}){totalCount}}`,
	"order by":    `{orders(first:1000 orderBy:[{customer:{field:phone}} {field:number}]){edges{cursor node{id}}}}`,
	"reverse":     `{customers(where:{orders:{some:{id:{eq:"@ORDER"}}}}){totalCount nodes{id phone}}}`,
	"page again":  `{a:customers(first:1 orderBy:[{field:phone}]){pageInfo{endCursor hasNextPage}}}`,
}

// exports are what an export of the customers may ask.
var exports = []url.Values{
	{"columns": {"id,name,phone"}}, {"columns": {"id"}, "where": {`{"phone":{"eq":"@A"}}`}},
	{"columns": {"id"}, "orderBy": {"phone,name"}}, {"columns": {"id"}, "where": {`{"phone":{"isNull":true}}`}},
}

// rulePathWorld has a customer outside nora's region with an order of hers, and phones
// that are searched, indexed and exported.
func rulePathWorld(t *testing.T, d *demoServer, rules string) (customer, order string) {
	t.Helper()
	source := string(demo.Definition)
	for _, r := range [][2]string{
		{"{name: phone, type: text, pii: true}", "{name: phone, type: text, pii: true, searchable: true, indexed: true}"},
		{"customers: [VIEW, EDIT, DELETE]", "customers: [VIEW, EDIT, DELETE, EXPORT]"},
		{"effect: MASK, fields: [phone], roles: [inside-sales]}\n", "effect: MASK, fields: [phone], roles: [inside-sales]}\n" + rules},
	} {
		if strings.Count(source, r[0]) != 1 {
			t.Fatalf("%q stands %d times in the demo's definition", r[0], strings.Count(source, r[0]))
		}
		source = strings.Replace(source, r[0], r[1], 1)
	}
	d.define(t, source)
	nora := d.id(t, "nora")
	customer, _ = d.ok(t, "priya", `mutation{createCustomer(input:{name:"Rule Path" region:"AMER" accountManager:%q}){id}}`, nora).at("createCustomer.id").(string)
	order, _ = d.ok(t, "priya", `mutation{createOrder(input:{number:"RULE-1" title:"path" customer:%q salesperson:%q}){id}}`, customer, nora).at("createOrder.id").(string)
	t.Cleanup(func() {
		d.ok(t, "priya", `mutation{deleteOrder(id:%q){id}}`, order)
		d.ok(t, "priya", `mutation{deleteCustomer(id:%q){id}}`, customer)
		d.define(t, string(demo.Definition))
	})
	if customer == "" || order == "" {
		t.Fatal("nothing was created")
	}
	return customer, order
}

// pathAnswers reads every path as nora.
func pathAnswers(t *testing.T, d *demoServer, with *strings.Replacer) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, query := range rulePaths {
		a := d.graphql(t, "/apps/sales/graphql", "nora", with.Replace(query))
		if len(a.Errors) > 0 {
			t.Fatalf("%s: %+v", name, a.Errors)
		}
		b, err := json.Marshal(a.Data)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(b)
	}
	for i, q := range exports {
		asked := url.Values{}
		for k, v := range q {
			asked.Set(k, with.Replace(v[0]))
		}
		x := d.export(t, "nora", "GET", "Customer", asked)
		if x.status != 200 {
			t.Fatalf("export %v: status %d %s", asked, x.status, x.body)
		}
		out[fmt.Sprintf("export %d", i)] = x.body
	}
	return out
}

// TestH5_MaskedCellOnEveryPath: whatever stands in a cell that a rule masks, its
// viewer gets the same answers, by every path; another persona does not.
func TestH5_MaskedCellOnEveryPath(t *testing.T) {
	d := theDemo(t)
	customer, order := rulePathWorld(t, d, "")
	const sought = "555-0100"
	with := strings.NewReplacer("@ID", customer, "@ORDER", order, "@A", sought)
	if n := d.ok(t, "priya", `{customers(where:{phone:{eq:%q}}){totalCount}}`, sought).count("customers.totalCount"); n != 0 {
		t.Fatalf("%d customers have the phone already", n)
	}
	before := pathAnswers(t, d, with)
	for _, phone := range []string{`"555-0100"`, `"555-0199"`, `"000"`, `"zzz"`} {
		d.ok(t, "priya", `mutation{updateCustomer(id:%q input:{phone:%s}){id}}`, customer, phone)
		for name, got := range pathAnswers(t, d, with) {
			if got != before[name] {
				t.Errorf("%s with phone %s:\n%.400s\nwithout one:\n%.400s", name, phone, got, before[name])
			}
		}
		want := 0
		if strings.Contains(phone, sought) {
			want = 1
		}
		if n := d.ok(t, "priya", `{customers(where:{phone:{eq:%q}}){totalCount}}`, sought).count("customers.totalCount"); n != want {
			t.Errorf("priya, whom no rule concerns, finds %d customers by phone %s", n, phone)
		}
	}
	if a := d.as(t, "nora", `mutation{updateCustomer(id:%q input:{phone:"1"}){id}}`, customer); len(a.Errors) == 0 {
		t.Error("nora writes a masked cell")
	}
	s := d.eventsOf(t, "nora", `subscription{customerChanges{kind id customer{name phone}}}`)
	d.ok(t, "priya", `mutation{updateCustomer(id:%q input:{phone:%q}){id}}`, customer, sought)
	d.ok(t, "priya", `mutation{updateCustomer(id:%q input:{name:"Rule Path two"}){id}}`, customer)
	event, data := s.next()
	a := parsed(t, []byte(data))
	if event != "next" || a.at("customerChanges.customer.name") != "Rule Path two" || a.at("customerChanges.customer.phone") != nil {
		t.Errorf("the first event of a stream where the phone changed first: %s %s", event, data)
	}
	_ = s.resp.Body.Close()
}

// TestH1_RestrictedRecordOnEveryPath: what a RESTRICT rule removes is as if it were
// not there, by every path.
func TestH1_RestrictedRecordOnEveryPath(t *testing.T) {
	d := theDemo(t)
	customer, order := rulePathWorld(t, d, "  - {name: embargo, form: Customer, effect: RESTRICT, roles: [inside-sales]}\n")
	with := strings.NewReplacer("@ID", customer, "@ORDER", order, "@A", "555-0100")
	d.ok(t, "priya", `mutation{updateCustomer(id:%q input:{region:"EMEA" phone:"555-0100"}){id}}`, customer)
	seen := func() (in []string) {
		for name, got := range pathAnswers(t, d, with) {
			if strings.Contains(got, customer) || strings.Contains(got, "555-0100") {
				in = append(in, name)
			}
		}
		return in
	}
	if in := seen(); len(in) > 0 {
		t.Errorf("a rule without a module keeps everything out, and the customer is seen in %q", in)
	}
	for _, write := range []string{`updateCustomer(id:%q input:{name:"x"}){id}`, `deleteCustomer(id:%q){id}`} {
		if a := d.as(t, "nora", `mutation{`+write+`}`, customer); a.code() != "NOT_FOUND" {
			t.Errorf("%s: %+v", write, a)
		}
	}
	if n := d.ok(t, "priya", `{customers(where:{phone:{eq:"555-0100"}}){totalCount}}`).count("customers.totalCount"); n != 1 {
		t.Errorf("priya, whom the rule does not concern, finds %d", n)
	}
	d.define(t, strings.Replace(string(demo.Definition), "customers: [VIEW, EDIT, DELETE]", "customers: [VIEW, EDIT, DELETE, EXPORT]", 1))
	a := d.ok(t, "nora", `{customer(id:%q){id phone}}`, customer)
	if a.at("customer.id") != customer || a.at("customer.phone") != "555-0100" {
		t.Errorf("without the rule nora sees %v: the paths above showed nothing", a.Data)
	}
}
