package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/demo"
	"sluice/internal/directory"
	"sluice/internal/httpd"
	"sluice/storage/memstore"
)

// Bad requests, over HTTP as a stranger would send them: each is refused with a
// code, changes nothing, and the server goes on.

const (
	salesPath  = "/apps/sales/graphql"
	managePath = "/graphql"
	nobody     = "01900000-0000-7000-8000-000000000000" // an id that nothing has
)

// call is one HTTP request; the zero of what it leaves out is the usual.
type call struct {
	method, path, token, contentType string // default POST, salesPath, none, application/json
	header                           map[string]string
	body                             string
}

func asked(query string) string {
	b, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// do sends a call and returns its status and body.
func (d *demoServer) do(t *testing.T, c call) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), or(c.method, "POST"), d.url+or(c.path, salesPath), strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", or(c.contentType, "application/json"))
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for k, v := range c.header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, b
}

// result sends a call and decodes the answer.
func (d *demoServer) result(t *testing.T, c call) answer {
	t.Helper()
	status, b := d.do(t, c)
	a := answer{status: status}
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatalf("%s: status %d, body %q", c.path, status, b)
	}
	return a
}

// everything is what the super admin sees: all records with their versions, the
// directory, definition and rules. Two of them are equal when nothing changed.
func (d *demoServer) everything(t *testing.T) string {
	t.Helper()
	var all []string
	for _, list := range []string{"customers", "products", "orders", "orderLines", "assignments", "suppliers", "distributionAreas"} {
		after := ""
		for {
			status, b := d.do(t, call{token: d.tokens["priya"], body: asked(fmt.Sprintf(`{l:%s(first:1000%s){totalCount nodes{id version modifiedTime} pageInfo{hasNextPage endCursor}}}`, list, after))})
			var a answer
			if err := json.Unmarshal(b, &a); err != nil || status != http.StatusOK || len(a.Errors) > 0 {
				t.Fatalf("%s: %d %s", list, status, b)
			}
			all = append(all, string(b))
			if a.at("l.pageInfo.hasNextPage") != true {
				break
			}
			after = fmt.Sprintf(",after:%q", a.at("l.pageInfo.endCursor"))
		}
	}
	_, b := d.do(t, call{path: managePath, token: d.tokens["priya"], body: asked(`{applications{name version definition}
		users(first:200){nodes{id email displayName kind status assignments{application kind role permissionSet}}}
		ruleModules(application:"sales"){modules{hash name} rules{name module active}}}`)})
	return strings.Join(append(all, string(b)), "\n")
}

// serves holds that the server still gives a right answer.
func (d *demoServer) serves(t *testing.T) {
	t.Helper()
	if got := d.ok(t, "omar", `{distributionAreas(first:0){totalCount}}`).count("distributionAreas.totalCount"); got != 20 {
		t.Fatalf("%d distribution areas", got)
	}
}

func TestBadInput(t *testing.T) {
	d := theDemo(t)
	ravi, mei := d.tokens["ravi"], d.tokens["mei"]
	foreign := d.ok(t, "priya", `{orders(first:1 where:{salesperson:{ne:%q}}){nodes{id number}}}`, d.id(t, "ravi"))
	theirs, number := foreign.at("orders.nodes.0.id"), foreign.at("orders.nodes.0.number")
	own := d.ok(t, "ravi", `{orders(first:1 where:{salesperson:{eq:%q}}){nodes{id}}}`, d.id(t, "ravi")).at("orders.nodes.0.id")
	hers := d.ok(t, "jonas", `{customers(first:1){pageInfo{endCursor}}}`).at("customers.pageInfo.endCursor")
	query := func(q string, args ...any) call { return call{token: ravi, body: asked(fmt.Sprintf(q, args...))} }
	manage := func(q string, args ...any) call { c := query(q, args...); c.path = managePath; return c }

	before := d.everything(t)
	for _, c := range []struct {
		name   string
		call   call
		status int
		code   string
	}{
		{"unknown field", query(`{orders{nodes{numbr}}}`), 200, "BAD_USER_INPUT"},
		{"unknown argument", query(`{orders(limit:1){totalCount}}`), 200, "BAD_USER_INPUT"},
		{"unknown form", query(`{suppliers{totalCount}}`), 200, "BAD_USER_INPUT"},
		{"unknown mutation", query(`mutation{createProduct(input:{sku:"x",name:"x",price:"1"}){id}}`), 200, "BAD_USER_INPUT"},
		{"subscription", query(`subscription{orders{totalCount}}`), 200, "BAD_USER_INPUT"},
		{"text for a number", query(`{orderLines(where:{quantity:{eq:"many"}}){totalCount}}`), 200, "BAD_USER_INPUT"},
		{"number for a text", query(`{orders(where:{title:{eq:5}}){totalCount}}`), 200, "BAD_USER_INPUT"},
		{"number beyond 64 bits", query(`mutation{createOrderLine(input:{order:%q,quantity:9223372036854775808}){id}}`, own), 200, "BAD_USER_INPUT"},
		{"decimal with too many places", query(`mutation{updateOrder(id:%q,input:{amount:"1.001"}){id}}`, own), 200, "BAD_USER_INPUT"},
		{"decimal that is none", query(`mutation{updateOrder(id:%q,input:{amount:"NaN"}){id}}`, own), 200, "BAD_USER_INPUT"},
		{"day that is none", query(`mutation{updateOrder(id:%q,input:{orderDate:"2026-02-30"}){id}}`, own), 200, "BAD_USER_INPUT"},
		{"choice that is none", query(`mutation{updateOrder(id:%q,input:{status:"lost"}){id}}`, own), 200, "BAD_USER_INPUT"},
		{"NUL in a text", query(`mutation{updateOrder(id:%q,input:{title:"a\u0000"}){id}}`, own), 200, "BAD_USER_INPUT"},
		{"null where a value is required", query(`mutation{updateOrder(id:%q,input:{title:null}){id}}`, own), 200, "BAD_USER_INPUT"},
		{"page too large", query(`{orders(first:1001){totalCount}}`), 200, "BAD_USER_INPUT"},
		{"cursor of somebody else", query(`{customers(after:%q){totalCount}}`, hers), 200, "BAD_USER_INPUT"},
		{"cursor that is none", query(`{customers(after:"AAAA"){totalCount}}`), 200, "BAD_USER_INPUT"},

		{"filter on a hidden field", call{token: d.tokens["felix"], body: asked(`{customers(where:{taxNumber:{eq:"ZY100007"}}){totalCount}}`)}, 200, "BAD_USER_INPUT"},
		{"filter on a hidden field, nested", call{token: d.tokens["felix"], body: asked(`{orders(where:{customer:{phone:{eq:"1"}}}){totalCount}}`)}, 200, "BAD_USER_INPUT"},
		{"filter on a hidden field, in a variable", call{token: d.tokens["felix"],
			body: `{"query":"query($w:CustomerFilter){customers(where:$w){totalCount}}","variables":{"w":{"phone":{"eq":"1"}}}}`}, 200, "BAD_USER_INPUT"},
		{"order by a hidden field", call{token: d.tokens["felix"], body: asked(`{customers(orderBy:[{field:phone}]){totalCount}}`)}, 200, "BAD_USER_INPUT"},
		{"writing a field that is read only", query(`mutation{createCustomer(input:{name:"x",region:"EMEA",taxNumber:"1"}){id}}`), 200, "BAD_USER_INPUT"},
		{"writing a system field", query(`mutation{updateOrder(id:%q,input:{version:7}){id}}`, own), 200, "BAD_USER_INPUT"},

		{"updating what is out of reach", query(`mutation{updateOrder(id:%q,input:{title:"mine"}){id}}`, theirs), 200, "NOT_FOUND"},
		{"deleting what is out of reach", query(`mutation{deleteOrder(id:%q){id}}`, theirs), 200, "NOT_FOUND"},
		{"deleting what is not there", query(`mutation{deleteOrder(id:%q){id}}`, nobody), 200, "NOT_FOUND"},
		{"an id of another form", query(`mutation{deleteOrderLine(id:%q){id}}`, own), 200, "NOT_FOUND"},
		{"an id that is none", query(`mutation{createOrderLine(input:{order:"1",quantity:1}){id}}`), 200, "BAD_USER_INPUT"},
		{"a child of what is out of reach", query(`mutation{createOrderLine(input:{order:%q,quantity:1}){id}}`, theirs), 200, "BAD_USER_INPUT"},
		{"an owner who is nobody", query(`mutation{updateOrder(id:%q,input:{salesperson:%q}){id}}`, own, nobody), 200, "BAD_USER_INPUT"},
		{"a unique value that is taken", query(`mutation{createOrder(input:{number:%q,title:"x"}){id}}`, number), 200, "CONFLICT"},
		{"another version", query(`mutation{updateOrder(id:%q,input:{title:"x"},ifVersion:1000){id}}`, own), 200, "CONFLICT"},
		{"the last of several fails", query(`mutation{a:createOrder(input:{number:"HOSTILE",title:"x"}){id} b:deleteOrder(id:%q){id}}`, nobody), 200, "NOT_FOUND"},

		{"fragments in a circle", query(`{...a} fragment a on Query{...b} fragment b on Query{...a}`), 200, "BAD_USER_INPUT"},
		{"fragments that multiply", query(`{...f0}%s`, multiplying(25)), 200, "LIMIT_EXCEEDED"},
		{"too deep", query("%s", strings.Repeat(`{orders{nodes{customer`, 8)+`{id`+strings.Repeat(`}}}`, 8)+`}`), 200, "LIMIT_EXCEEDED"},
		{"too costly", query(`{orders(first:1000){nodes{orderLines(first:1000){nodes{id}}}}}`), 200, "LIMIT_EXCEEDED"},
		{"too many tokens", query("%s", `{`+strings.Repeat(`a:__typename `, 500)+`}`), 200, "LIMIT_EXCEEDED"},
		{"filter too deep", query("%s", `{orders(where:`+strings.Repeat(`{not:`, 100)+`{}`+strings.Repeat(`}`, 100)+`){totalCount}}`), 200, "BAD_USER_INPUT"},
		{"large document", query("%s", `{me{id}}`+strings.Repeat(" ", 17<<10)), 200, "LIMIT_EXCEEDED"},
		{"large body", call{token: ravi, body: asked(strings.Repeat(" ", 65<<10))}, 413, "LIMIT_EXCEEDED"},
		{"large body, management", call{path: managePath, token: ravi, body: asked(strings.Repeat(" ", 2<<20))}, 413, "LIMIT_EXCEEDED"},
		{"large definition", call{method: "PUT", path: "/definition", token: mei, contentType: "application/yaml", body: strings.Repeat("#", 513<<10)}, 413, "LIMIT_EXCEEDED"},
		{"deep JSON", call{token: ravi, body: `{"query":"{me{id}}","variables":{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}}`}, 400, "BAD_USER_INPUT"},
		{"a body that is not UTF-8", call{token: ravi, body: "{\"query\":\"mutation{updateOrder(id:\\\"" + own.(string) + "\\\",input:{title:\\\"\xff\\\"}){id}}\"}"}, 400, "BAD_USER_INPUT"},
		{"a list of requests", call{token: ravi, body: "[" + asked(`{me{id}}`) + "]"}, 400, "BAD_USER_INPUT"},
		{"no body", call{token: ravi}, 400, "BAD_USER_INPUT"},
		{"a form", call{token: ravi, contentType: "application/x-www-form-urlencoded", body: "query=mutation"}, 415, "BAD_USER_INPUT"},
		{"text", call{token: ravi, contentType: "text/plain", body: asked(`{me{id}}`)}, 415, "BAD_USER_INPUT"},
		{"definition as JSON", call{method: "PUT", path: "/definition", token: mei, body: `{}`}, 415, "BAD_USER_INPUT"},
		{"GET", call{method: "GET", path: salesPath + "?query={me{id}}", token: ravi}, 400, "BAD_USER_INPUT"},
		{"GET, management", call{method: "GET", path: managePath + "?query={me{kind}}", token: ravi}, 405, "BAD_USER_INPUT"},
		{"another site", call{token: ravi, header: map[string]string{"Sec-Fetch-Site": "cross-site"}, body: asked(`{me{id}}`)}, 403, "FORBIDDEN"},
		{"another origin, definition", call{method: "PUT", path: "/definition", token: mei, contentType: "application/yaml",
			header: map[string]string{"Origin": "https://evil.example"}, body: string(demo.Definition)}, 403, "FORBIDDEN"},
		{"an address that is none", call{path: "/apps/sales/graphql/x", token: ravi, body: asked(`{me{id}}`)}, 404, "NOT_FOUND"},
		{"an application that is none", call{path: "/apps/hr/graphql", token: ravi, body: asked(`{me{id}}`)}, 404, "NOT_FOUND"},

		{"directory as a live user", manage(`{users{nodes{email}}}`), 200, "FORBIDDEN"},
		{"promotion of oneself", manage(`mutation{assignUser(application:"sales",user:%q,role:"CEO",permissionSet:"finance"){user{id}}}`, d.id(t, "ravi")), 200, "FORBIDDEN"},
		{"another's password", manage(`mutation{setPassword(user:%q,password:"owned by ravi"){user{id}}}`, d.id(t, "jonas")), 200, "FORBIDDEN"},
		{"definition as a live user", call{method: "PUT", path: "/definition", token: ravi, contentType: "application/yaml", body: string(demo.Definition)}, 403, "FORBIDDEN"},
		{"rule off as a live user", manage(`mutation{deactivateRule(application:"sales",rule:"phone-outside-region"){rule{active}}}`), 200, "FORBIDDEN"},
		{"a token for a hundred years", manage(`mutation{createToken(label:"x",days:36500){id}}`), 200, "BAD_USER_INPUT"},
		{"a token for no time", manage(`mutation{createToken(label:"x",days:0){id}}`), 200, "BAD_USER_INPUT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if a := d.result(t, c.call); a.status != c.status || a.code() != c.code || a.Errors[0].Message == "" {
				t.Errorf("%d %q %+v, expected %d %s", a.status, a.code(), a.Errors, c.status, c.code)
			}
			d.serves(t)
		})
	}
	if after := d.everything(t); after != before {
		t.Error("something was changed")
	}
}

// multiplying returns n fragments, each twice as large as the next.
func multiplying(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " fragment f%d on Query{...f%d ...f%d}", i, i+1, i+1)
	}
	fmt.Fprintf(&b, " fragment f%d on Query{__typename}", n)
	return b.String()
}

// TestBrokenDefinitions: faults name a line, and nothing of the document counts.
func TestBrokenDefinitions(t *testing.T) {
	d := theDemo(t)
	before := d.everything(t)
	source := string(demo.Definition)
	for name, yaml := range map[string]string{
		"not YAML":          source + "\n  - [",
		"tabs":              "application: sales\nforms:\n\t- name: X\n",
		"a list":            "- application: sales\n",
		"unknown key":       source + "\nbackdoor: true\n",
		"key twice":         source + "\nhierarchy: false\n",
		"unknown type":      strings.Replace(source, "type: email, pii: true", "type: mail", 1),
		"lookup to nothing": strings.Replace(source, "to: Customer", "to: Custoner", 1),
		"circle of roles":   strings.Replace(source, "- {name: CEO}", "- {name: CEO, reportsTo: sales-rep}", 1),
		"edit without view": strings.Replace(source, "assignments: [VIEW, EDIT]", "assignments: [EDIT]", 1),
		"unknown field":     strings.Replace(source, "criteria: {status: {eq: open}}", "criteria: {stat: {eq: open}}", 1),
		"form dropped":      "application: sales\nforms:\n  - name: Customer\n    plural: customers\n    fields:\n      - {name: name, type: text}\n",
		"aliases multiply":  "application: sales\nforms: &a [x]\nreports: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nroles: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nx: [*c,*c,*c,*c,*c,*c,*c,*c]\n",
		"not UTF-8":         "application: sales\nforms: [\xff]\n",
		"huge number":       strings.Replace(source, "scale: 2", "scale: 99999999999999999999", 1),
	} {
		t.Run(name, func(t *testing.T) {
			status, b := d.do(t, call{method: "PUT", path: "/definition", token: d.tokens["mei"], contentType: "application/yaml", body: yaml})
			var got struct {
				Application string
				Faults      []struct {
					Line    int
					Message string
				}
			}
			if err := json.Unmarshal(b, &got); err != nil || status != http.StatusUnprocessableEntity || got.Application != "" || len(got.Faults) == 0 {
				t.Fatalf("%d %s", status, b)
			}
			for _, f := range got.Faults {
				if f.Line < 1 || f.Line > strings.Count(yaml, "\n")+1 || f.Message == "" {
					t.Errorf("fault %+v", f)
				}
			}
			d.serves(t)
		})
	}
	if d.everything(t) != before {
		t.Error("something was changed")
	}
}

// TestTokens: whatever is not a living credential of this place is answered
// like no credential at all.
func TestTokens(t *testing.T) {
	d := theDemo(t)
	ravi, jonas := d.tokens["ravi"], d.tokens["jonas"]
	gone := d.leaver(t)
	for name, token := range map[string]string{
		"none":             "",
		"of nothing":       "x",
		"cut":              ravi[:len(ravi)-1],
		"longer":           ravi + "a",
		"forged end":       ravi[:len(ravi)-2] + map[bool]string{true: "ab", false: "aa"}[strings.HasSuffix(ravi, "aa")],
		"in capitals":      strings.ToUpper(ravi),
		"of another kind":  strings.Replace(ravi, "sls_", "slp_", 1),
		"two halves":       jonas[:40] + ravi[40:],
		"very long":        "sls_" + strings.Repeat("a", 8000),
		"an inactive user": gone,
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{salesPath, managePath, "/apps/nothing/graphql"} {
				a := d.result(t, call{path: path, token: token, body: asked(`{me{__typename}}`)})
				if a.status != http.StatusUnauthorized || a.code() != "UNAUTHENTICATED" || a.Data != nil {
					t.Errorf("%s: %d %+v", path, a.status, a)
				}
			}
			for path, media := range map[string]string{"/definition": "application/yaml", "/apps/sales/rules/x": "application/wasm"} {
				if a := d.result(t, call{method: "PUT", path: path, token: token, contentType: media, body: "x"}); a.status != http.StatusUnauthorized || a.code() != "UNAUTHENTICATED" {
					t.Errorf("%s: %d %+v", path, a.status, a)
				}
			}
			d.serves(t)
		})
	}
	if a := d.graphql(t, managePath, "", `mutation{signIn(organization:"zylker",email:"paul@zylker.example",password:"zylker demo password"){token}}`); a.code() != "UNAUTHENTICATED" {
		t.Errorf("an inactive user signs in: %+v", a)
	}
}

// leaver returns the token of somebody who used it and was then deactivated.
func (d *demoServer) leaver(t *testing.T) string {
	t.Helper()
	id := d.manage(t, "jonas", `mutation{addUser(input:{email:"leaver@zylker.example",displayName:"Leaver",password:"a long password"}){user{id}}}`).at("addUser.user.id")
	d.manage(t, "jonas", `mutation{assignUser(application:"sales",user:%q,role:"distributor",permissionSet:"distributor"){user{id}}}`, id)
	token := d.manage(t, "", `mutation{signIn(organization:"zylker",email:"leaver@zylker.example",password:"a long password"){token}}`).at("signIn.token").(string)
	if a := d.result(t, call{token: token, body: asked(`{distributionAreas(first:0){totalCount}}`)}); a.count("distributionAreas.totalCount") != 20 {
		t.Fatalf("the token does not work before: %+v", a)
	}
	d.manage(t, "jonas", `mutation{deactivateUser(user:%q){user{id}}}`, id)
	return token
}

// TestTokensExpire lets the clock run.
func TestTokensExpire(t *testing.T) {
	var ahead atomic.Int64
	runner, inspect, _, err := newRules()
	if err != nil {
		t.Fatal(err)
	}
	s, err := httpd.New(httpd.Options{Store: memstore.Open(), Rules: runner, Inspect: inspect,
		Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	d := &demoServer{url: srv.URL, httpd: s}
	d.found(t, "acme")
	session := d.signIn(t, "acme")
	made := d.result(t, call{path: managePath, token: session, body: asked(`mutation{createToken(label:"x",days:1){token}}`)})
	personal, _ := made.at("createToken.token").(string)
	me := func(token string) int {
		return d.result(t, call{path: managePath, token: token, body: asked(`{me{kind}}`)}).status
	}
	if me(session) != 200 || me(personal) != 200 {
		t.Fatal("fresh tokens are refused")
	}
	ahead.Store(int64(25 * time.Hour))
	if me(session) != 200 || me(personal) != 401 {
		t.Error("a day later:", me(session), me(personal))
	}
	ahead.Store(int64(31 * 24 * time.Hour))
	if me(session) != 401 || me(personal) != 401 {
		t.Error("a month later:", me(session), me(personal))
	}
}

// found makes an organization whose super admin is ann.
func (d *demoServer) found(t *testing.T, organization string) {
	t.Helper()
	u := directory.NewUser{Email: "ann@" + organization + ".example", DisplayName: "Ann", Password: "a long password"}
	if _, _, err := d.httpd.Directory.CreateOrganization(context.Background(), organization, u); err != nil {
		t.Fatal(err)
	}
}

func (d *demoServer) signIn(t *testing.T, organization string) string {
	t.Helper()
	a := d.result(t, call{path: managePath, body: asked(fmt.Sprintf(`mutation{signIn(organization:%q,email:"ann@%s.example",password:"a long password"){token}}`, organization, organization))})
	token, ok := a.at("signIn.token").(string)
	if !ok {
		t.Fatalf("%+v", a)
	}
	return token
}

// TestOrganizationsDoNotMeet: the super admin of one with the same application
// tries every id of the other.
func TestOrganizationsDoNotMeet(t *testing.T) {
	d := theDemo(t)
	d.found(t, "globex")
	ann := d.signIn(t, "globex")
	sales := func(q string, args ...any) answer {
		return d.result(t, call{token: ann, body: asked(fmt.Sprintf(q, args...))})
	}
	manage := func(q string, args ...any) answer {
		return d.result(t, call{path: managePath, token: ann, body: asked(fmt.Sprintf(q, args...))})
	}
	if a := sales(`{me{id}}`); a.status != http.StatusNotFound || a.code() != "NOT_FOUND" {
		t.Errorf("another's application: %d %+v", a.status, a)
	}
	if a := d.result(t, call{method: "PUT", path: "/definition", token: ann, contentType: "application/yaml", body: string(demo.Definition)}); a.status != 200 {
		t.Fatalf("%d %+v", a.status, a)
	}
	before := d.everything(t)
	theirs := d.ok(t, "priya", `{orders(first:1){nodes{id number customer{id}} pageInfo{endCursor}}}`)
	id, customer, priya := theirs.at("orders.nodes.0.id"), theirs.at("orders.nodes.0.customer.id"), d.id(t, "priya")
	rules := d.manage(t, "priya", `{ruleModules(application:"sales"){modules{hash}} me{credentials{id}}}`)

	a := sales(`{order(id:%q){id} orders(where:{id:{eq:%q}}){totalCount} users:customers{totalCount} lines:orderLines{totalCount}}`, id, id)
	if a.code() != "" || a.at("order") != nil || a.count("orders.totalCount") != 0 || a.count("users.totalCount") != 0 || a.count("lines.totalCount") != 0 {
		t.Errorf("reads: %+v", a)
	}
	if a := manage(`{users(first:200){nodes{email}} user(id:%q){id} applications{name}}`, priya); len(a.list("users.nodes")) != 1 || a.at("user") != nil || len(a.list("applications")) != 1 {
		t.Errorf("directory: %+v", a)
	}
	// A unique value of the other organization is free in this one.
	if a := sales(`mutation{createOrder(input:{number:%q,title:"x"}){id}}`, theirs.at("orders.nodes.0.number")); a.code() != "" {
		t.Errorf("unique: %+v", a)
	}
	for name, c := range map[string]struct {
		got  answer
		code string
	}{
		"update":     {sales(`mutation{updateOrder(id:%q,input:{title:"x"}){id}}`, id), "NOT_FOUND"},
		"delete":     {sales(`mutation{deleteOrder(id:%q){id}}`, id), "NOT_FOUND"},
		"lookup":     {sales(`mutation{createOrder(input:{number:"G",title:"x",customer:%q}){id}}`, customer), "BAD_USER_INPUT"},
		"parent":     {sales(`mutation{createOrderLine(input:{order:%q,quantity:1}){id}}`, id), "BAD_USER_INPUT"},
		"owner":      {sales(`mutation{createOrder(input:{number:"G",title:"x",salesperson:%q}){id}}`, priya), "BAD_USER_INPUT"},
		"cursor":     {sales(`{orders(after:%q){totalCount}}`, theirs.at("orders.pageInfo.endCursor")), "BAD_USER_INPUT"},
		"password":   {manage(`mutation{setPassword(user:%q,password:"owned by ann"){user{id}}}`, priya), "NOT_FOUND"},
		"deactivate": {manage(`mutation{deactivateUser(user:%q){user{id}}}`, d.id(t, "ravi")), "NOT_FOUND"},
		"assign":     {manage(`mutation{assignUser(application:"sales",user:%q,role:"CEO",permissionSet:"sales"){user{id}}}`, d.id(t, "ravi")), "NOT_FOUND"},
		"module":     {manage(`mutation{bindRuleModule(application:"sales",rule:"same-team-open-orders",module:%q){rule{name}}}`, rules.at("ruleModules.modules.0.hash")), "NOT_FOUND"},
		"token":      {manage(`mutation{revokeToken(id:%q){id}}`, rules.at("me.credentials.0.id")), "NOT_FOUND"},
	} {
		if c.got.code() != c.code {
			t.Errorf("%s: %+v", name, c.got)
		}
	}
	if d.everything(t) != before {
		t.Error("the other organization was changed")
	}
	if bytes.Contains([]byte(before), []byte("globex")) {
		t.Error("the other organization is seen")
	}
}
