package gateway

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// FuzzRequests sends documents, variables, cursors and filters to a small world
// over HTTP, as somebody with rights and as somebody with few: no panic, no fault
// of ours, an answer in JSON, and nothing that is hidden from them.
func FuzzRequests(f *testing.F) {
	for _, seed := range [][2]string{
		{`{orders(first:2){totalCount nodes{id title quantity due status reviewer{displayName} lines{nodes{product}}} pageInfo{endCursor hasNextPage}}}`, `{}`},
		{`query($w:OrderFilter,$o:[OrderOrder!],$n:Int=3,$c:String){orders(where:$w,orderBy:$o,first:$n,after:$c){edges{cursor node{...F}}}} fragment F on Order{id version owner{displayName}}`,
			`{"w":{"or":[{"title":{"iContains":"n"}},{"not":{"quantity":{"between":[1,9]}}}]},"o":[{"field":"due","direction":"DESC","nulls":"FIRST"}],"n":2,"c":"CURSOR"}`},
		{`query($c:String){orders(after:$c,last:2,before:"CURSOR"){nodes{title}}}`, `{"c":"AAAA"}`},
		{`{openOrders(where:{status:{in:["OPEN",null]},and:[{customer:{name:{startsWith:"A"}}}]}){totalCount}}`, `null`},
		{`mutation($i:CreateOrderInput!){createOrder(input:$i){id order{title amount}}}`, `{"i":{"title":"t","amount":"1e999","quantity":9007199254740993,"due":"2024-02-30"}}`},
		{`mutation{updateOrder(id:"ORDER",input:{title:"x",amount:"0.001"},ifVersion:-1){order{version}}}`, `{}`},
		{`{__schema{types{name fields(includeDeprecated:true){name args{defaultValue}}}} __type(name:"Order"){name}}`, `{}`},
		{`query A($b:Boolean!){me@skip(if:$b){rights{actions}}} query B{a:order(id:""){id}}`, `{"b":"x"}`},
		{`{orders(where:{and:[{and:[{and:[{not:{not:{title:{eq:"\u0000"}}}}]}]}]},first:2147483648){totalCount}}`, `{}`},
		{`subscription{orderChanges{id}}`, `[]`},
		{`{...A}fragment A on Query{...B}fragment B on Query{...A}`, `{"":{}}`},
	} {
		f.Add(seed[0], seed[1])
	}
	w := newFuzzWorld(f)
	f.Fuzz(func(t *testing.T, query, variables string) {
		query, variables = w.put.Replace(query), w.put.Replace(variables)
		body := map[string]any{"query": query}
		if json.Valid([]byte(variables)) {
			body["variables"] = json.RawMessage(variables)
		}
		b, err := json.Marshal(body)
		if err != nil {
			t.Skip()
		}
		for _, who := range []string{"ann", "bob"} {
			w.ask(t, who, b)
		}
	})
}

// fuzzWorld is a shop with some orders, of which neither sees the first. put
// replaces words of a request by a cursor and an id.
type fuzzWorld struct {
	*shop
	put   *strings.Replacer
	count int
}

func newFuzzWorld(f *testing.F) *fuzzWorld {
	s := newShop(f)
	id := s.create("sue", "hidden CANARY")
	for _, title := range []string{"one", "two", "three"} {
		s.create("ann", title)
	}
	var out struct {
		Orders struct{ PageInfo struct{ EndCursor string } }
	}
	s.must(json.Unmarshal([]byte(s.ask("ann", `{orders(first:1){pageInfo{endCursor}}}`, nil)), &out))
	return &fuzzWorld{shop: s, put: strings.NewReplacer("CURSOR", out.Orders.PageInfo.EndCursor, "ORDER", id)}
}

func (w *fuzzWorld) ask(t *testing.T, who string, body []byte) {
	t.Helper()
	s := *w.shop // its events go to the shop itself
	s.t = t
	got := s.send(who, "sales", body, map[string]string{"Accept": mediaGraphQL})
	text := got.Body.String()
	if got.Code >= http.StatusInternalServerError || strings.Contains(text, `"INTERNAL"`) || len(w.panicks) > 0 {
		t.Fatalf("%s: %s: %d %s %v", who, body, got.Code, text, w.panicks)
	}
	var a struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(got.Body.Bytes(), &a); err != nil || a.Data == nil && len(a.Errors) == 0 {
		t.Fatalf("%s: %s: %s", who, body, text)
	}
	if strings.Contains(text, "CANARY") && !strings.Contains(string(body), "CANARY") {
		t.Fatalf("%s: %s: shows what is not theirs: %s", who, body, text)
	}
	if w.count++; w.count%2000 == 0 && who == "ann" {
		tidy(t, &s)
	}
}

// tidy keeps the world small: what the requests added is deleted.
func tidy(t *testing.T, s *shop) {
	t.Helper()
	var out struct {
		Orders struct{ Nodes []struct{ ID, Title string } }
	}
	if err := json.Unmarshal([]byte(s.ask("sue", `{orders(first:1000){nodes{id title}}}`, nil)), &out); err != nil {
		t.Fatal(err)
	}
	if len(out.Orders.Nodes) > 500 {
		for _, o := range out.Orders.Nodes {
			if !strings.Contains("hidden CANARY one two three", o.Title) {
				s.post("sue", "sales", `mutation($i:ID!){deleteOrder(id:$i){id}}`, map[string]any{"i": o.ID})
			}
		}
	}
}

// TestBombsAreRefused: in the newer media type every bomb that is refused is a
// 4xx, on both surfaces; and a registered document may be longer, not dearer.
func TestBombsAreRefused(t *testing.T) {
	s := newShop(t)
	s.ask("ann", `{me{id}}`, nil)
	for name, text := range bombs() {
		text = strings.ReplaceAll(text, "X:", "")
		b, err := json.Marshal(map[string]string{"query": text})
		s.must(err)
		w := s.send("ann", "sales", b, map[string]string{"Accept": mediaGraphQL})
		if strings.Contains(w.Body.String(), `"data"`) { // it ran: an error of a field, or one of the harmless
			continue
		}
		if w.Code < 400 || w.Code >= 500 {
			t.Errorf("%s: %d %.200s", name, w.Code, w.Body)
		}
	}
	var fragments strings.Builder
	for i := range 30 {
		fields := make([]string, 250)
		for j := range fields {
			fields[j] = "title"
		}
		fragments.WriteString(" fragment F" + string(rune('a'+i%26)) + string(rune('a'+i/26)) + " on Order{" + strings.Join(fields, " ") + "}")
	}
	for name, text := range map[string]string{
		"10,000 directives":   "{__typename " + strings.Repeat("@a ", 5500) + "}",
		"10,000 operations":   strings.Repeat("query Q{__typename} ", 1500),
		"repeated field":      "{" + strings.Repeat("__typename ", 5000) + "}",
		"fragments of fields": "{orders{nodes{...Faa}}}" + fragments.String(),
		"deep":                strings.Repeat("{a", 3000) + strings.Repeat("}", 3000),
		"multiplying":         "{...F0} " + multiplied(60),
	} {
		b, err := json.Marshal(map[string]string{"x": text})
		s.must(err)
		if code, body := s.register("sue", string(b)); code != http.StatusUnprocessableEntity || len(body) > 10_000 {
			t.Errorf("%s: %d %.200s", name, code, body)
		}
	}
}

// multiplied returns n fragments, each twice as large as the next.
func multiplied(n int) string {
	var b strings.Builder
	for i := range n {
		name := func(i int) string { return "F" + strings.Repeat("x", i/10) + string(rune('0'+i%10)) }
		b.WriteString("fragment " + name(i) + " on Query{..." + name(i+1) + " ..." + name(i+1) + "} ")
		if i == n-1 {
			b.WriteString("fragment " + name(n) + " on Query{__typename}")
		}
	}
	return b.String()
}
