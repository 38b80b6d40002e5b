package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

const deskPath = "/apps/desk/graphql"

// keyed sends an operation under an idempotency key and reports whether the
// answer is that of one done before.
func (d *demoServer) keyed(t *testing.T, path, who, key, query string) (answer, bool) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), "POST", d.url+path, strings.NewReader(asked(query)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+d.tokens[who])
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{status: resp.StatusCode}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a, resp.Header.Get("Idempotency-Replayed") == "true"
}

func texts(list []any) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = fmt.Sprint(v)
	}
	return out
}

// addOrders adds orders of somebody, titles t, and returns their ids.
func (d *desk) addOrders(t *testing.T, who string, inputs ...string) []string {
	t.Helper()
	a := d.must(t, who, `mutation{createOrders(input:[{%s}]){ids count}}`, strings.Join(inputs, "},{"))
	if a.count("createOrders.count") != len(inputs) {
		t.Fatal(a)
	}
	return texts(a.list("createOrders.ids"))
}

// W4, E4: records are added with those below them, all or none.
func TestW4_ManyAreAddedWithTheirLines(t *testing.T) {
	d := theDesk(t)
	a := d.must(t, "rep", `mutation{createOrders(input:[{title:"a" lines:[{product:"p"},{product:"q" parts:[{label:"l"}]}]},{title:"b" agent:%q}]){count ids orders{id title lines{totalCount}}}}`, d.ids["rita"])
	ids := texts(a.list("createOrders.ids"))
	if len(ids) != 2 || ids[0] >= ids[1] || len(a.list("createOrders.orders")) != 1 || a.at("createOrders.orders.0.id") != ids[0] || a.count("createOrders.orders.0.lines.totalCount") != 2 {
		t.Errorf("%+v", a)
	}
	if d.must(t, "rita", `{order(id:%q){title}}`, ids[1]).at("order.title") != "b" {
		t.Error("who owns the record does not see it")
	}
	before := d.stored(t)
	d.refuse(t, []refusal{
		{"a value of one", "rep", `mutation{createOrders(input:[{title:"a"},{title:"b" lines:[{product:"p"},{product:"q" quantity:"x"}]}]){ids}}`, "BAD_USER_INPUT input[1].lines[1].quantity: …"},
		{"a reference of one", "rep", fmt.Sprintf(`mutation{createOrders(input:[{title:"a"},{title:"b" client:%q}]){ids}}`, nobodyHas), "BAD_USER_INPUT input[1].client: no such record"},
		{"a value twice", "rep", `mutation{createOrders(input:[{title:"a" ref:"twice"},{title:"b" ref:"twice"}]){ids}}`, "CONFLICT input[1].ref: this value is taken"},
		{"a parent that may not be changed", "cleo", fmt.Sprintf(`mutation{createLines(input:[{order:%q product:"p"}]){ids}}`, d.places(t).shown), "FORBIDDEN input[0].order: not permitted to change this record"},
	})
	if after := d.stored(t); strings.Contains(after, `"twice"`) || len(after) < len(before) {
		t.Error("something of a refused request is stored")
	}
	if a := d.must(t, "rep", `mutation{createOrders(input:[]){ids count orders{id}}}`); a.count("createOrders.count") != 0 {
		t.Errorf("%+v", a)
	}
}

// What is wrong with the values is told all at once, by the way to each, over
// the inputs of one field and over fields; what is not permitted comes first and
// alone.
func TestErrorsOfManyInputs(t *testing.T) {
	d := theDesk(t)
	before := d.stored(t)
	told := func(who, query string) (out []string) {
		a := d.ask(t, who, "%s", query)
		if a.Data != nil {
			t.Errorf("%s has data: %v", query, a.Data)
		}
		for _, e := range a.Errors {
			out = append(out, e.Extensions.Code+" "+e.Message)
		}
		return out
	}
	got := told("rep", fmt.Sprintf(`mutation{a:createOrders(input:[{title:"a" due:"never"},{title:"b"},{title:"c" client:%q}]){ids} b:createOrder(input:{title:"d"}){id} c:createOrder(input:{title:"e" due:"x"}){id}}`, nobodyHas))
	if len(got) != 3 || !strings.Contains(got[0], "input[0].due") || !strings.Contains(got[1], "input[2].client: no such record") || !strings.Contains(got[2], "input.due") {
		t.Errorf("told %q", got)
	}
	got = told("rep", fmt.Sprintf(`mutation{a:createOrder(input:{title:"a" due:"never"}){id} b:deleteOrder(id:%q){id}}`, nobodyHas))
	if len(got) != 1 || !strings.Contains(got[0], "input.due") {
		t.Errorf("told %q: what may come of the first field is told", got)
	}
	got = told("rep", fmt.Sprintf(`mutation{b:deleteOrder(id:%q){id} a:createOrder(input:{title:"a" due:"never"}){id}}`, nobodyHas))
	if len(got) != 1 || got[0] != notFound {
		t.Errorf("told %q", got)
	}
	got = told("rep", `mutation{createOrders(input:[`+strings.Repeat(`{title:"a" due:"never"},`, 40)+`]){ids}}`)
	if len(got) != 20 || !strings.HasPrefix(got[19], "LIMIT_EXCEEDED") {
		t.Errorf("%d errors are told, %q", len(got), got[len(got)-1])
	}
	if d.stored(t) != before {
		t.Error("something is stored")
	}
}

// W5, H5: a write by filter or by list is refused whole where one of its records
// may not be written so; one that is out of reach is not there.
func TestW5_BulkIsRefusedWhole(t *testing.T) {
	d := theDesk(t)
	p := d.places(t)
	mine := d.addOrders(t, "rep", `title:"w5 bulk"`, `title:"w5 bulk"`)
	far := d.addOrders(t, "rita", `title:"w5 bulk"`)
	cleos := d.addOrders(t, "cleo", `title:"cleos"`)
	d.refuse(t, []refusal{
		{"one to view only", "cleo", fmt.Sprintf(`mutation{updateOrders(where:{id:{in:[%q,%q]}} input:{title:"x"}){ids}}`, cleos[0], p.shown), "FORBIDDEN where: not permitted on all of the records that match; nothing was changed"},
		{"one to view only, deleted", "cleo", fmt.Sprintf(`mutation{deleteOrders(where:{id:{in:[%q,%q]}}){ids}}`, cleos[0], p.shown), "FORBIDDEN where: not permitted on all of the records that match; nothing was changed"},
		{"one to view only, by id", "cleo", fmt.Sprintf(`mutation{updateOrdersById(updates:[{id:%q input:{title:"x"}},{id:%q input:{title:"x"}}]){ids}}`, cleos[0], p.shown), "FORBIDDEN updates[1].id: not permitted on this record"},
		{"one out of reach, by id", "rep", fmt.Sprintf(`mutation{updateOrdersById(updates:[{id:%q input:{title:"x"}},{id:%q input:{title:null}}]){ids}}`, mine[0], far[0]), "NOT_FOUND updates[1].id: record not found"},
		{"one that nobody has, by id", "rep", fmt.Sprintf(`mutation{updateOrdersById(updates:[{id:%q input:{title:"x"}},{id:%q input:{title:null}}]){ids}}`, mine[0], nobodyHas), "NOT_FOUND updates[1].id: record not found"},
		{"a masked cell", "mia", `mutation{updateOrders(where:{title:{eq:"w5 bulk"}} input:{veiled:"x"}){ids}}`, "FORBIDDEN input.veiled: not permitted on this record"},
		{"a version", "rep", fmt.Sprintf(`mutation{updateOrdersById(updates:[{id:%q input:{title:"x"}},{id:%q input:{title:"x"} ifVersion:7}]){ids}}`, mine[0], mine[1]), "CONFLICT updates[1].ifVersion: 7, but the record has version 1"},
		{"a record twice", "rep", fmt.Sprintf(`mutation{updateOrdersById(updates:[{id:%q input:{title:"x"}},{id:%q input:{title:"x"}}]){ids}}`, mine[0], mine[0]), "BAD_USER_INPUT updates[1].id: the record of updates[0] again"},
		{"a value for two", "rep", `mutation{updateOrders(where:{title:{eq:"w5 bulk"}} input:{ref:"w5 bulk"}){ids}}`, "CONFLICT input.ref: this value is taken"},
		{"an empty filter", "rep", `mutation{deleteOrders(where:{}){ids}}`, "BAD_USER_INPUT argument where: is empty, …"},
		{"a filter of nothing", "rep", `mutation{deleteOrders(where:{and:[]}){ids}}`, "BAD_USER_INPUT argument where.and: is empty, …"},
		{"a comparison of nothing", "rep", `mutation{deleteOrders(where:{title:{eq:"w5 bulk"} status:{}}){ids}}`, "BAD_USER_INPUT argument where.status: is empty, …"},
		{"a comparison with null", "rep", `mutation{deleteOrders(where:{title:{eq:null}}){ids}}`, "BAD_USER_INPUT argument where.title.eq: is empty, …"},
		{"a variable without value", "rep", `mutation($t:String){deleteOrders(where:{title:{eq:$t}}){ids}}`, "BAD_USER_INPUT argument where.title: is empty, …"},
	})
	a := d.must(t, "rep", `mutation{updateOrders(where:{title:{eq:"w5 bulk"}} input:{title:"w5 done"}){count ids orders{id title version}}}`)
	if !slices.Equal(texts(a.list("updateOrders.ids")), mine) || a.count("updateOrders.count") != 2 || a.at("updateOrders.orders.1.title") != "w5 done" || a.count("updateOrders.orders.0.version") != 2 {
		t.Errorf("%+v", a)
	}
	if d.must(t, "rita", `{order(id:%q){title}}`, far[0]).at("order.title") != "w5 bulk" {
		t.Error("a record out of reach was changed")
	}
	a = d.must(t, "rep", `mutation{updateOrdersById(updates:[{id:%q input:{title:"w5 second"} ifVersion:2},{id:%q input:{ref:"w5-first"}}]){count ids orders{id}}}`, mine[1], mine[0])
	if !slices.Equal(texts(a.list("updateOrdersById.ids")), []string{mine[1], mine[0]}) || a.at("updateOrdersById.orders.0.id") != mine[1] {
		t.Errorf("%+v", a)
	}
	if a := d.must(t, "rep", `mutation{deleteOrders(where:{title:{startsWith:"w5 "}}){count ids}}`); !slices.Equal(texts(a.list("deleteOrders.ids")), mine) {
		t.Errorf("%+v", a)
	}
}

// W3: records are judged as they were before the first is changed, each is
// changed once, and those that leave the reach are named by id alone.
func TestW3_BulkIsJudgedAsStored(t *testing.T) {
	d := theDesk(t)
	ids := d.addOrders(t, "rep", `title:"w3 bulk"`, `title:"w3 bulk"`, `title:"w3 bulk"`)
	a := d.must(t, "rep", `mutation{updateOrders(where:{title:{startsWith:"w3 bulk"}} input:{title:"w3 bulk again" agent:%q}){count ids orders{id}}}`, d.ids["rita"])
	if !slices.Equal(texts(a.list("updateOrders.ids")), ids) || len(a.list("updateOrders.orders")) != 0 {
		t.Errorf("%+v", a)
	}
	if a := d.must(t, "rita", `{orders(where:{title:{eq:"w3 bulk again"}}){nodes{version}}}`); len(a.list("orders.nodes")) != 3 || a.count("orders.nodes.2.version") != 2 {
		t.Errorf("%+v", a)
	}
	if a := d.must(t, "rep", `mutation{updateOrders(where:{title:{startsWith:"w3 bulk"}} input:{title:"x"}){count}}`); a.count("updateOrders.count") != 0 {
		t.Errorf("%+v", a)
	}
}

// P3, P8, H5: an upsert changes the record that the viewer finds by the value,
// and adds one where they find none; a value that is taken where they cannot
// read it answers as it does to who creates a record.
func TestP3_UpsertTellsNoMoreThanCreate(t *testing.T) {
	d := theDesk(t)
	up := func(who, form, input string) answer {
		return d.ask(t, who, `mutation{upsert%s(key:%s){id created}}`, form, input)
	}
	first := up("rep", "Order", `ref input:{ref:"up-1" title:"one"}`)
	again := up("rep", "Order", `ref input:{ref:"up-1" title:"two"}`)
	id := first.at("upsertOrder.id")
	if first.at("upsertOrder.created") != true || again.at("upsertOrder.created") != false || again.at("upsertOrder.id") != id {
		t.Errorf("%+v, then %+v", first, again)
	}
	if d.must(t, "rep", `{order(id:%q){title status}}`, id).at("order.title") != "two" {
		t.Error("the record is not changed")
	}
	d.add(t, "rep", "Client", `name:"masked" code:"up-code" pin:"up-pin"`)
	taken := "CONFLICT input.%s: this value is taken"
	d.refuse(t, []refusal{
		{"held out of reach", "rita", `mutation{upsertOrder(key:ref input:{ref:"up-1" title:"x"}){id}}`, fmt.Sprintf(taken, "ref")},
		{"held out of reach, created", "rita", `mutation{createOrder(input:{ref:"up-1" title:"x"}){id}}`, fmt.Sprintf(taken, "ref")},
		{"held in a masked cell", "mia", `mutation{upsertClient(key:pin input:{pin:"up-pin" name:"x"}){id}}`, fmt.Sprintf(taken, "pin")},
		{"held in a masked cell, created", "mia", `mutation{createClient(input:{pin:"up-pin" name:"x"}){id}}`, fmt.Sprintf(taken, "pin")},
		{"found, and a masked cell is written", "mia", `mutation{upsertClient(key:code input:{code:"up-code" pin:"y"}){id}}`, "FORBIDDEN input.pin: not permitted on this record"},
		{"without the key", "rep", `mutation{upsertOrder(key:ref input:{title:"x"}){id}}`, "BAD_USER_INPUT input.ref: a value is required, as it is the key"},
		{"with a key of null", "rep", `mutation{upsertOrder(key:ref input:{ref:null title:"x"}){id}}`, "BAD_USER_INPUT input.ref: a value is required, as it is the key"},
		{"added without what is required", "rep", `mutation{upsertOrder(key:ref input:{ref:"up-2"}){id}}`, "BAD_USER_INPUT input.title: a value is required"},
		{"a field that is not unique", "rep", `mutation{upsertOrder(key:title input:{ref:"up-2"}){id}}`, "BAD_USER_INPUT …"},
	})
	if a := d.must(t, "mia", `mutation{upsertClient(key:code input:{code:"up-code" name:"by mia"}){created client{name pin}}}`); a.at("upsertClient.created") != false || a.at("upsertClient.client.name") != "by mia" {
		t.Errorf("%+v", a)
	}
	shown := d.must(t, "max", `mutation{upsertOrder(key:ref input:{ref:"up-shown" title:"x"}){id}}`)
	if got := d.told(t, "cleo", `mutation{upsertOrder(key:ref input:{ref:"up-shown" title:"y"}){id}}`); got != forbidden || shown.at("upsertOrder.id") == nil {
		t.Errorf("an upsert of a record to view only: %s", got)
	}
}

// Upserts of one value at the same time give one record.
func TestUpsertsRace(t *testing.T) {
	d := theDesk(t)
	var wg sync.WaitGroup
	answers := make([]answer, 8)
	for i := range answers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			answers[i], _ = d.keyed(t, deskPath, "rep", "", fmt.Sprintf(`mutation{upsertOrder(key:ref input:{ref:"race" title:"%d"}){id created}}`, i))
		}()
	}
	wg.Wait()
	created := 0
	for _, a := range answers {
		if a.at("upsertOrder.created") == true {
			created++
		} else if a.code() != "" && a.code() != "CONFLICT" {
			t.Errorf("%+v", a)
		}
	}
	if n := d.must(t, "boss", `{orders(where:{ref:{eq:"race"}}){totalCount}}`).count("orders.totalCount"); created != 1 || n != 1 {
		t.Errorf("%d upserts added a record, %d are there", created, n)
	}
}

// P11: what is sent again under its key is done once; the answer is read anew
// under the rights that there are now. Keys of one person are nobody else's.
func TestP11_ReplayReadsAnew(t *testing.T) {
	d := theDesk(t)
	all := `mutation{
		one:createOrder(input:{title:"p11" ref:"p11"}){id order{title}}
		many:createOrders(input:[{title:"p11 a"},{title:"p11 b"}]){ids count orders{title}}
		up:upsertOrder(key:ref input:{ref:"p11-up" title:"p11 up"}){id created}
		set:updateOrders(where:{title:{eq:"p11 b"}} input:{title:"p11 c"}){ids}
		gone:deleteOrders(where:{title:{eq:"p11 a"}}){ids count}}`
	first, replayed := d.keyed(t, deskPath, "rep", `"p11-key"`, all)
	if len(first.Errors) > 0 || replayed || first.at("up.created") != true {
		t.Fatalf("%+v, replayed %v", first, replayed)
	}
	before := d.stored(t)
	again, replayed := d.keyed(t, deskPath, "rep", "p11-key", all)
	if !replayed || len(again.Errors) > 0 {
		t.Fatalf("%+v, replayed %v", again, replayed)
	}
	for _, path := range []string{"one.id", "one.order.title", "many.ids.0", "many.ids.1", "many.count", "up.id", "up.created", "set.ids.0", "gone.ids.0", "gone.count"} {
		if x, y := first.at(path), again.at(path); x == nil || x != y {
			t.Errorf("%s was %v and is %v", path, x, y)
		}
	}
	if got := again.list("many.orders"); len(got) != 1 || again.at("many.orders.0.title") != "p11 c" {
		t.Errorf("the replay is not read anew: %v", got)
	}
	id := first.at("one.id")
	if d.stored(t) != before {
		t.Error("the replay has changed something")
	}
	if a, _ := d.keyed(t, deskPath, "rep", "p11-key", `mutation{createOrder(input:{title:"other"}){id}}`); a.status != http.StatusUnprocessableEntity || a.code() != "BAD_USER_INPUT" {
		t.Errorf("the key for something else: %+v", a)
	}
	other, replayed := d.keyed(t, deskPath, "rita", "p11-key", `mutation{createOrder(input:{title:"ritas"}){id order{title}}}`)
	if replayed || other.at("createOrder.order.title") != "ritas" {
		t.Errorf("the key of somebody else: %+v", other)
	}
	d.must(t, "boss", `mutation{changeOrderOwner(id:%q owner:%q){id}}`, id, d.ids["rita"])
	if a, replayed := d.keyed(t, deskPath, "rep", "p11-key", all); !replayed || a.at("one.id") != id || a.at("one.order") != nil || len(a.Errors) > 0 {
		t.Errorf("a replay out of reach: %+v", a)
	}
}

// Failures are not kept, queries take no notice of a key, and what is no key is
// refused.
func TestIdempotencyKeys(t *testing.T) {
	d := theDesk(t)
	if a, _ := d.keyed(t, deskPath, "rep", "failed-key", `mutation{createOrder(input:{title:"x" due:"never"}){id}}`); a.code() != "BAD_USER_INPUT" {
		t.Errorf("%+v", a)
	}
	if a, replayed := d.keyed(t, deskPath, "rep", "failed-key", `mutation{createOrder(input:{title:"x"}){id}}`); replayed || a.at("createOrder.id") == nil {
		t.Errorf("after a failure: %+v", a)
	}
	for range 2 {
		if a, replayed := d.keyed(t, deskPath, "rep", "query-key", `{me{id}}`); replayed || a.at("me.id") == nil {
			t.Errorf("%+v", a)
		}
	}
	for _, key := range []string{`""`, "two words", `"`, strings.Repeat("x", 256), `a"b`} {
		if a, _ := d.keyed(t, deskPath, "rep", key, `mutation{createOrder(input:{title:"x"}){id}}`); a.status != http.StatusBadRequest || a.code() != "BAD_USER_INPUT" {
			t.Errorf("key %q: %+v", key, a)
		}
	}
	body := func(key string) string {
		return `{"query":"mutation{createOrder(input:{title:\"x\"}){id}}","extensions":{"idempotencyKey":` + key + `}}`
	}
	one, two := d.result(t, call{path: deskPath, token: d.tokens["rep"], body: body(`"in-body"`)}), d.result(t, call{path: deskPath, token: d.tokens["rep"], body: body(`"in-body"`), header: map[string]string{"Idempotency-Key": "in-body"}})
	if one.at("createOrder.id") == nil || one.at("createOrder.id") != two.at("createOrder.id") {
		t.Errorf("%+v, then %+v", one, two)
	}
	for _, c := range []call{{body: body(`5`)}, {body: body(`""`)}, {body: body(`"a"`), header: map[string]string{"Idempotency-Key": "b"}}} {
		c.path, c.token = deskPath, d.tokens["rep"]
		if a := d.result(t, c); a.code() != "BAD_USER_INPUT" || a.Data != nil {
			t.Errorf("%s: %+v", c.body, a)
		}
	}
}

// A mutation that is sent several times at once is done once.
func TestIdempotencyKeysAtOnce(t *testing.T) {
	d := theDesk(t)
	var wg sync.WaitGroup
	answers := make([]answer, 8)
	for i := range answers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			answers[i], _ = d.keyed(t, deskPath, "rep", "at-once", `mutation{createOrder(input:{title:"at once"}){id}}`)
		}()
	}
	wg.Wait()
	var id any
	for _, a := range answers {
		if a.code() == "CONFLICT" {
			continue
		}
		if id == nil {
			id = a.at("createOrder.id")
		}
		if id == nil || a.at("createOrder.id") != id {
			t.Errorf("%+v", a)
		}
	}
	if n := d.must(t, "rep", `{orders(where:{title:{eq:"at once"}}){totalCount}}`).count("orders.totalCount"); n != 1 {
		t.Errorf("%d records", n)
	}
}

// A file belongs to one record: a write by filter gives it to one, and to none
// where several match.
func TestBulkGivesAFileToOneRecord(t *testing.T) {
	d := theDemo(t)
	ids := texts(d.ok(t, "felix", `mutation{createProducts(input:[{sku:"BULK-1",name:"bulk",price:"1"},{sku:"BULK-2",name:"bulk",price:"1"}]){ids}}`).list("createProducts.ids"))
	defer func() { d.ok(t, "felix", `mutation{deleteProducts(where:{sku:{startsWith:"BULK-"}}){count}}`) }()
	upload := d.uploads(t, "felix", "lamp.png", "image/png", picture(64))
	set := `mutation{updateProducts(where:{sku:{%s}},input:{picture:%q}){count}}`
	if a := d.as(t, "felix", set, `startsWith:"BULK-"`, upload); a.code() != "BAD_USER_INPUT" || !strings.Contains(a.Errors[0].Message, "input.picture") {
		t.Errorf("%+v", a)
	}
	if a := d.as(t, "felix", set, `eq:"BULK-NONE"`, upload); a.count("updateProducts.count") != 0 {
		t.Errorf("%+v", a)
	}
	if a := d.ok(t, "felix", set, `eq:"BULK-2"`, upload); a.count("updateProducts.count") != 1 {
		t.Errorf("%+v", a)
	}
	for i, want := range []bool{false, true} {
		if a := d.ok(t, "felix", `{product(id:%q){picture{id}}}`, ids[i]); (a.at("product.picture") != nil) != want {
			t.Errorf("product %d: %+v", i, a)
		}
	}
}

// A key goes with the document that is run, also where that is named.
func TestIdempotencyKeysOfRegisteredDocuments(t *testing.T) {
	d := theDemo(t)
	manifest, err := json.Marshal(map[string]string{"keyedAdd": `mutation A { createOrder(input: {number: "KEYED", title: "keyed"}) { id } }`, "keyedGone": `mutation B { deleteOrders(where: {number: {eq: "KEYED"}}) { count } }`})
	if err != nil {
		t.Fatal(err)
	}
	if status, b := d.do(t, call{method: "PUT", path: "/apps/sales/documents", token: d.tokens["mei"], body: string(manifest)}); status >= 300 {
		t.Fatalf("%d %s", status, b)
	}
	ask := func(body, key string) answer {
		return d.result(t, call{path: salesPath, token: d.tokens["ravi"], body: body, header: map[string]string{"Idempotency-Key": key}})
	}
	first, again := ask(`{"documentId":"keyedAdd"}`, "registered"), ask(`{"documentId":"keyedAdd"}`, "registered")
	if id := first.at("createOrder.id"); id == nil || again.at("createOrder.id") != id {
		t.Errorf("%+v, then %+v", first, again)
	}
	if a := ask(`{"documentId":"keyedGone"}`, "registered"); a.code() != "BAD_USER_INPUT" {
		t.Errorf("another document under the key: %+v", a)
	}
	if a := ask(`{"documentId":"keyedGone"}`, "registered-2"); a.count("deleteOrders.count") != 1 {
		t.Errorf("%+v", a)
	}
	for _, name := range []string{"keyedAdd", "keyedGone"} {
		if code, _, errs := d.run(t, "mei", "", "documents", "remove", "-application", "sales", "-id", name); code != 0 {
			t.Error(errs)
		}
	}
}
