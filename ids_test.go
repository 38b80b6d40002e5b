package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sluice/internal/demo"
	"sluice/internal/effort"
)

// classesOfIDs are what a probe puts where an id, a cursor or a name is expected.
var classesOfIDs = []string{"foreign", "absent", "deleted", "malformed", "other form's", "other type's"}

// probes are a value of each class. The first two are of one length.
type probes [6]string

// stranger is another organization with the same application, and everything in
// it: what somebody of this one may try.
type stranger struct {
	*demoServer
	token   string
	records map[string]string // by form
	secrets []string          // none of which this organization may ever see
}

// elsewhere is an application that only the stranger has.
const elsewhere = `
application: elsewhere
forms: [{name: Elseform, plural: elseforms, fields: [{name: title, type: text}]}]
roles: [{name: CEO}, {name: elserole, reportsTo: CEO}]
permissionSets: [{name: elseset, reports: {elseforms: [VIEW]}}]
`

func newStranger(t *testing.T, d *demoServer) *stranger {
	t.Helper()
	d.found(t, "elsewhere")
	s := &stranger{demoServer: d, token: d.signIn(t, "elsewhere"), records: map[string]string{}}
	for _, source := range []string{string(demo.Definition), elsewhere} {
		if a := d.result(t, call{method: "PUT", path: "/definition", token: s.token, contentType: "application/yaml", body: source}); a.status != http.StatusOK {
			t.Fatalf("definition: %+v", a)
		}
	}
	d.tokens["ann"] = s.token
	forms := d.surface(t, salesPath, "ann")
	for i, form := range demoForms {
		fill := func(_ string, f schemaField) string {
			if f.Type.named().Name == "ID" {
				return fmt.Sprintf("%q", s.records[strings.ToUpper(f.Name[:1])+f.Name[1:]])
			}
			if v := usual[f.Name]; v != "" {
				return v
			}
			return fmt.Sprintf(`"ELSEWHERE %d"`, i)
		}
		input := forms.object(forms.types["Create"+form+"Input"], "", "", "", fill)
		s.records[form] = s.made(t, salesPath, "create"+form, fmt.Sprintf(`mutation{create%s(input:%s){id}}`, form, input))
	}
	s.secrets = append(slices.Collect(maps.Values(s.records)), "ELSEWHERE", "@elsewhere.example", "Elseform", "elserole", "elseset")
	return s
}

// usual are values for required fields of the demo that do not take any text.
var usual = map[string]string{
	"region": `"EMEA"`, "quantity": "1", "price": `"1.00"`, "where": "{}", "application": `"sales"`, "permissionSet": `"sales"`,
	"form": `"Order"`, "role": `"sales-rep"`, "rule": `"same-team-open-orders"`, "first": "1", "allowDrop": "false", "attributes": "[]",
}

var demoForms = []string{"Customer", "Product", "Order", "OrderLine", "Assignment", "Supplier", "DistributionArea"}

// made runs a mutation of the stranger and returns the id of its payload.
func (s *stranger) made(t *testing.T, path, field, query string) string {
	t.Helper()
	a := s.result(t, call{path: path, token: s.token, body: asked(query)})
	id, ok := a.at(field + ".id").(string)
	if !ok {
		t.Fatalf("%s: %+v", query, a)
	}
	return id
}

// hunt is the attempt of one organization's people at another.
type hunt struct {
	*demoServer
	t       *testing.T
	foe     *stranger
	records map[string][]string // ours, by form
	values  map[string]probes
	count   int
	refused int // answers with an error
	told    int // probes that tell the stranger's own people something
}

// unused is an id of this moment that nothing has.
func unused() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	b[6], b[8] = 0x70|b[6]&15, 0x80|b[8]&63
	return fmt.Sprintf("01990000-%x-%x-%x-%x", b[4:6], b[6:8], b[8:10], b[10:])
}

// arm gathers the values of every class for every kind of thing.
func (h *hunt) arm() {
	t, s := h.t, h.foe
	ann := s.result(t, call{path: managePath, token: s.token, body: asked(`{me{user{id}}}`)}).at("me.user.id").(string)
	s.secrets = append(s.secrets, ann)
	us := h.id(t, "ravi")
	for _, form := range demoForms {
		list := strings.ToLower(form[:1]) + form[1:] + "s"
		for _, n := range h.ok(t, "priya", `{%s(first:5){nodes{id}}}`, list).list(list + ".nodes") {
			h.records[form] = append(h.records[form], n.(map[string]any)["id"].(string))
		}
	}
	gone := h.ok(t, "priya", `mutation{createSupplier(input:{name:"gone"}){id}}`).at("createSupplier.id").(string)
	h.ok(t, "priya", `mutation{deleteSupplier(id:%q){id}}`, gone)
	user := h.manage(t, "priya", `mutation{addUser(input:{email:"gone@zylker.example",displayName:"Gone"}){user{id}}}`).at("addUser.user.id").(string)
	h.manage(t, "priya", `mutation{deleteUser(user:%q){id}}`, user)
	for i, form := range demoForms {
		other := h.records[demoForms[(i+1)%len(demoForms)]][0]
		h.values[form] = probes{s.records[form], unused(), gone, "01234567", other, us}
	}
	h.values["user"] = probes{ann, unused(), user, "x", h.records["Order"][0], h.records["Customer"][0]}
	comment := func(token string) (id string) {
		record := s.records["Order"]
		if token != s.token {
			record = h.records["Order"][0]
		}
		a := h.result(t, call{token: token, body: asked(fmt.Sprintf(`mutation{addOrderComment(id:%q text:"ELSEWHERE"){id}}`, record))})
		return a.at("addOrderComment.id").(string)
	}
	mine := comment(h.tokens["priya"])
	h.ok(t, "priya", `mutation{removeOrderComment(id:%q comment:%q){id}}`, h.records["Order"][0], mine)
	h.values["comment"] = probes{comment(s.token), unused(), mine, "", h.records["Order"][0], us}
	h.values["notification"] = h.values["comment"]
	report := s.made(t, salesPath, "createReportOfOrder", `mutation{createReportOfOrder(input:{name:"ELSEWHERE"}){id}}`)
	was := h.ok(t, "priya", `mutation{createReportOfOrder(input:{name:"gone"}){id}}`).at("createReportOfOrder.id").(string)
	h.ok(t, "priya", `mutation{deleteReportOfOrder(id:%q){id}}`, was)
	h.values["report"] = probes{report, unused(), was, "openOrders", h.records["Order"][0], us}
	cursor := func(token, list string) string {
		a := h.result(t, call{token: token, body: asked(`{` + list + `{pageInfo{endCursor}}}`)})
		return a.at(list[:strings.IndexByte(list, '(')] + ".pageInfo.endCursor").(string)
	}
	theirs := cursor(s.token, "orders(first:1)")
	forged := []byte(theirs)
	slices.Reverse(forged)
	h.values["after"] = probes{theirs, string(forged), cursor(h.tokens["priya"], "orders(first:1,where:{title:{isNull:false}})"), "%", cursor(h.tokens["priya"], "products(first:1)"), us}
	h.values["application"] = probes{"elsewhere", "elsewhcre", "gone", "a/b", "Order", us}
	h.values["form"] = probes{"Elseform", "Elsefbrm", "Gone", "a/b", "orders", us}
	h.values["rule"] = probes{"elserule", "elserula", "gone", "a/b", "openOrders", us}
	h.values["role"] = probes{"elserole", "elserola", "gone", "a/b", "sales", us}
	h.values["permissionSet"] = probes{"elseset", "elsesat", "gone", "a/b", "sales-rep", us}
	h.values["module"] = probes{strings.Repeat("0f", 32), strings.Repeat("f0", 32), strings.Repeat("00", 32), "x", us, "sales"}
	credential := credentialOf(t, s)
	n := len(credential)
	h.values["credential"] = probes{credential, strings.Repeat("f", n), strings.Repeat("0", n), "x", us, h.records["Order"][0]}
}

func credentialOf(t *testing.T, s *stranger) string {
	t.Helper()
	a := s.result(t, call{path: managePath, token: s.token, body: asked(`{me{credentials{id}}}`)})
	id, ok := a.at("me.credentials.0.id").(string)
	if !ok {
		t.Fatalf("%+v", a)
	}
	s.secrets = append(s.secrets, id)
	return id
}

// kind says what a position expects: the key of its values.
func kind(p *position) string {
	field, name := p.way[len(p.way)-1].Name, p.last().Name
	if p.last().Type.named().Name == "String" {
		switch {
		case field == "revokeToken":
			return "credential"
		case field == "application":
			return "application"
		}
		return name
	}
	if p.owner == "UserFilter" || slices.Contains([]string{"user", "from", "to", "reassignTo", "owner", "mentions", "assignee", "accountManager", "salesperson"}, name) || field == "user" {
		return "user"
	}
	switch {
	case name == "comment" || name == "report":
		return name
	case field == "markNotificationsRead":
		return "notification"
	case strings.Contains(field, "ReportOf"):
		if name == "id" {
			return "report"
		}
	case slices.Contains(demoForms, strings.ToUpper(name[:1])+name[1:]):
		return strings.ToUpper(name[:1]) + name[1:]
	}
	if p.owner == "IDFilter" && len(p.into) > 2 {
		if x := p.into[len(p.into)-3].Name; slices.Contains(demoForms, strings.ToUpper(x[:1])+x[1:]) {
			return strings.ToUpper(x[:1]) + x[1:]
		}
	}
	return formOf(field)
}

// formOf finds the form that a field is named after, the longest first.
func formOf(field string) string {
	found := ""
	for _, form := range demoForms {
		if strings.Contains(strings.ToLower(field), strings.ToLower(form)) && len(form) > len(found) {
			found = form
		}
	}
	return or(found, "Order")
}

// good is a value that is there, for whatever is required beside the probe. Users
// are an exception: a probe that is let through must not change anybody.
func (h *hunt) good(field string, f schemaField) string {
	form := formOf(field)
	if f.Type.named().Name == "ID" {
		if slices.Contains([]string{"user", "from", "to"}, f.Name) {
			return fmt.Sprintf("%q", h.values["user"][2])
		}
		if x := strings.ToUpper(f.Name[:1]) + f.Name[1:]; slices.Contains(demoForms, x) {
			form = x
		}
		return fmt.Sprintf("%q", h.records[form][0])
	}
	return or(usual[f.Name], `"a value"`)
}

// reply is everything that a client gets.
type reply struct {
	status int
	header string
	body   []byte
}

func (h *hunt) ask(path, token string, body []byte) reply {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, h.url+path, bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	resp.Header.Del("Date")
	h.count++
	if bytes.Contains(b, []byte(`"errors"`)) {
		h.refused++
	}
	return reply{resp.StatusCode, fmt.Sprint(resp.Header), b}
}

// probe tries every class at one position as one person.
func (h *hunt) probe(p *position, who string, variable bool) {
	k := kind(p)
	values, ok := h.values[k]
	if !ok {
		h.t.Fatalf("%s: no values of kind %q", p, k)
	}
	var got [6]reply
	for i, v := range values {
		got[i] = h.ask(p.surface.path, h.tokens[who], p.document(v, variable, h.good))
		if len(v) < 30 && len(v) > 3 { // names: what the asker wrote may be said back
			got[i].body = bytes.ReplaceAll(got[i].body, []byte(v), []byte("<name>"))
		}
		h.check(p, who, classesOfIDs[i], got[i])
	}
	h.same(p, who, "foreign", "absent", got[0], got[1])
	if p.root == "query" && who == "priya" { // to its own people it tells something
		own := h.ask(p.surface.path, h.foe.token, p.document(values[0], variable, h.good))
		none := h.ask(p.surface.path, h.foe.token, p.document(values[1], variable, h.good))
		if !bytes.Equal(own.body, none.body) {
			h.told++
		}
	}
	if p.last().Type.named().Name == "ID" {
		h.same(p, who, "deleted", "absent", got[2], got[1])
	}
}

func (h *hunt) same(p *position, who, what, other string, a, b reply) {
	if a.status != b.status || a.header != b.header || !bytes.Equal(a.body, b.body) {
		h.t.Errorf("%s, %s: %s and %s differ:\n%d %s %.300s\n%d %s %.300s", p, who, what, other, a.status, a.header, a.body, b.status, b.header, b.body)
	}
}

func (h *hunt) check(p *position, who, what string, r reply) {
	if r.status >= 500 || bytes.Contains(r.body, []byte(`"INTERNAL"`)) {
		h.t.Errorf("%s, %s: %s: %d %.300s", p, who, what, r.status, r.body)
	}
	for _, secret := range h.foe.secrets {
		if bytes.Contains(r.body, []byte(secret)) {
			h.t.Errorf("%s, %s: %s: the answer holds %q: %.300s", p, who, what, secret, r.body)
		}
	}
}

// TestP2_NoIDTellsOfAnotherOrganization puts ids of another organization, absent,
// deleted and malformed ones, and those of other forms and types, wherever either
// schema takes an id, a cursor or a name. What belongs to another organization
// and what does not exist get the same answer: status, headers and body.
func TestP2_NoIDTellsOfAnotherOrganization(t *testing.T) {
	d := theDemo(t)
	h := &hunt{demoServer: d, t: t, foe: newStranger(t, d), records: map[string][]string{}, values: map[string]probes{}}
	h.arm()
	before := d.everything(t)
	every := effort.Of(7, 3, 1) // every place is put to three of nine people in continuous integration
	people := []string{"priya", "ravi"}
	if effort.Full() {
		people = []string{"priya", "jonas", "mei", "marta", "ravi", "nora", "felix", "omar", "ines"}
	}
	places := map[string]int{}
	for round := 0; round == 0 || effort.Night() && h.count < 100_000; round++ {
		for i, who := range people {
			for _, path := range []string{salesPath, managePath} {
				s := d.surface(t, path, who)
				for j, p := range s.positions() {
					places[p.String()]++
					if (i+j)%every == 0 {
						h.probe(p, who, (round+j)%2 == 1)
					}
				}
			}
		}
	}
	if d.everything(t) != before {
		t.Error("the probes changed something")
	}
	if len(places) < 1000 || h.refused == 0 || h.refused == h.count || h.told < 10 {
		t.Errorf("%d places, %d of %d answers are errors, %d tell their own people something: the test asks the wrong questions", len(places), h.refused, h.count, h.told)
	}
	t.Logf("%d probes at %d places, %d answered with an error, %d tell their own people something", h.count, len(places), h.refused, h.told)
}
