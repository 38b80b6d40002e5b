package main

import (
	"slices"
	"strings"
	"testing"
)

// idsAt lists the ids of a connection.
func idsAt(a answer, path string) []string {
	out := []string{}
	for _, n := range a.list(path) {
		out = append(out, n.(map[string]any)["id"].(string))
	}
	return out
}

// having lists the ids of the records that have all of the words in some of the
// fields, by reading them.
func having(a answer, path string, fields []string, words ...string) []string {
	out := []string{}
	for _, n := range a.list(path) {
		n, text := n.(map[string]any), " "
		for _, f := range fields {
			if s, ok := n[f].(string); ok {
				text += strings.Map(func(r rune) rune {
					if strings.ContainsRune("-.@", r) {
						return ' '
					}
					return r
				}, strings.ToLower(s)) + " "
			}
		}
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, " "+w) }) {
			out = append(out, n["id"].(string))
		}
	}
	return out
}

// TestP1_SearchOverHTTP: what a search gives is what one finds by reading all
// records of the list: in lists, reports, and lists below a record.
func TestP1_SearchOverHTTP(t *testing.T) {
	d := theDemo(t)
	for _, who := range []string{"ravi", "marta", "felix", "priya"} {
		all := d.ok(t, who, `{orders(first:1000 where:{number:{lt:"SO-10900"}}){nodes{id title number}} openOrders(first:1000){nodes{id title number}}
			customers(first:40){nodes{id orders(first:100){nodes{id title number}}}}}`)
		a := d.ok(t, who, `{orders(first:1000 where:{number:{lt:"SO-10900"}} search:"ORDER pil*"){totalCount nodes{id}}
			openOrders(first:1000 search:"\"pilot order\""){totalCount nodes{id}}
			matching: orders(first:1000 where:{number:{lt:"SO-10900"} title:{matches:"order pilot"}}){nodes{id}}
			customers(first:40){nodes{id orders(first:100 search:"order"){nodes{id}}}}}`)
		for path, want := range map[string][]string{
			"orders.nodes":     having(all, "orders.nodes", []string{"title", "number"}, "order ", "pil"),
			"openOrders.nodes": having(all, "openOrders.nodes", []string{"title", "number"}, "pilot order "),
			"matching.nodes":   having(all, "orders.nodes", []string{"title"}, "order ", "pilot "),
		} {
			got := idsAt(a, path)
			slices.Sort(got)
			if slices.Sort(want); !slices.Equal(got, want) || len(want) == 0 {
				t.Errorf("%s, %s: %d records, %d have the words", who, path, len(got), len(want))
			}
		}
		if a.count("orders.totalCount") != len(a.list("orders.nodes")) {
			t.Errorf("%s: a total of %d", who, a.count("orders.totalCount"))
		}
		for i, n := range a.list("customers.nodes") {
			got := idsAt(answer{Data: n.(map[string]any)}, "orders.nodes")
			want := having(answer{Data: all.list("customers.nodes")[i].(map[string]any)}, "orders.nodes", []string{"title", "number"}, "order ")
			if !slices.Equal(got, want) {
				t.Errorf("%s: %d orders of a customer, %d have the word", who, len(got), len(want))
			}
		}
	}
}

// TestP3_SearchCoversPermittedFieldsOnly: who does not see addresses does not
// find customers by them, and who does, does.
func TestP3_SearchCoversPermittedFieldsOnly(t *testing.T) {
	d := theDemo(t)
	a := d.ok(t, "ravi", `{customers(first:1 where:{email:{isNull:false}}){nodes{id email}}}`)
	id, email := a.at("customers.nodes.0.id").(string), a.at("customers.nodes.0.email").(string)
	for who, want := range map[string]bool{"ravi": true, "felix": false} {
		a := d.ok(t, who, `{customer(id:%q){id} customers(first:1000 search:"\"%s\""){totalCount nodes{id}}}`, id, email)
		if found := slices.Contains(idsAt(a, "customers.nodes"), id); found != want || a.at("customer.id") != id || !want && a.count("customers.totalCount") != 0 {
			t.Errorf("%s finds by address: %v, %d in all", who, found, a.count("customers.totalCount"))
		}
	}
	if a := d.as(t, "felix", `{customers(where:{email:{matches:"x"}}){totalCount}}`); a.code() != "BAD_USER_INPUT" {
		t.Errorf("a hidden field can be named: %+v", a.Errors)
	}
}

// TestSearchFollowsWrites: a record is found by its words as soon as they are
// written, and not by those that it had.
func TestSearchFollowsWrites(t *testing.T) {
	d := theDemo(t)
	found := func(query string) int {
		return d.ok(t, "ravi", `{orders(search:%q){totalCount}}`, query).count("orders.totalCount")
	}
	id := d.ok(t, "ravi", `mutation{createOrder(input:{number:"S-1" title:"Quokka-Käfig für 東京"}){id}}`).at("createOrder.id").(string)
	for query, want := range map[string]int{"quokka": 1, "KÄFIG quokka": 1, "東京": 1, "käf*": 1, `"quokka käfig" s-1`: 1, `"käfig quokka"`: 0, "quok": 0, "wombat": 0} {
		if got := found(query); got != want {
			t.Errorf("%q finds %d", query, got)
		}
	}
	d.ok(t, "ravi", `mutation{updateOrder(id:%q input:{title:"Wombat"}){id}}`, id)
	if found("quokka") != 0 || found("wombat") != 1 {
		t.Error("the words of the older title are found, or those of the newer are not")
	}
	d.ok(t, "ravi", `mutation{deleteOrder(id:%q){id}}`, id)
	if found("wombat") != 0 {
		t.Error("a deleted record is found")
	}
}

// TestSearchRefusals: what is no query is an error, and a list without a field to
// search has no such argument.
func TestSearchRefusals(t *testing.T) {
	d := theDemo(t)
	for _, args := range []string{`search:""`, `search:" - "`, `search:"\"open"`, `search:"p*mp"`, `search:"*"`, `where:{title:{matches:""}}`,
		`where:{status:{matches:"open"}}`, `where:{team:{matches:"x"}}`, `where:{title:{matches:null}}`} {
		if a := d.as(t, "ravi", `{orders(%s){totalCount}}`, args); a.code() != "BAD_USER_INPUT" || a.at("orders") != nil {
			t.Errorf("%s: %+v", args, a)
		}
	}
	if a := d.as(t, "ravi", `{orderLines(search:"x"){totalCount}}`); a.code() != "BAD_USER_INPUT" {
		t.Errorf("a list without searchable fields: %+v", a)
	}
	if a := d.ok(t, "ravi", `{a: orders(search:null first:0){totalCount} b: orders(first:0){totalCount}}`); a.count("a.totalCount") != a.count("b.totalCount") {
		t.Error("no search is not no search")
	}
}

// TestP3_SearchCursorsAreBound: a cursor belongs to the search that it came from.
func TestP3_SearchCursorsAreBound(t *testing.T) {
	d := theDemo(t)
	a := d.ok(t, "priya", `{orders(search:"order" first:1){pageInfo{endCursor hasNextPage}}}`)
	cursor := a.at("orders.pageInfo.endCursor").(string)
	d.ok(t, "priya", `{orders(search:"order" first:1 after:%q){nodes{id}}}`, cursor)
	for _, args := range []string{`search:"pilot"`, `search:"Order"`, `where:{title:{matches:"order"}}`, ""} {
		if a := d.as(t, "priya", `{orders(%s first:1 after:%q){nodes{id}}}`, args, cursor); a.code() != "BAD_USER_INPUT" {
			t.Errorf("a cursor of another search with %s: %+v", args, a)
		}
	}
}
