package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// typesDefinition has a field of each type. A rep sees their own things, and the
// label of a thing is closed to who holds Narrow.
const typesDefinition = `application: desk
forms:
  - name: Thing
    plural: things
    fields:
      - {name: label, type: text, required: true, minLength: 2, maxLength: 20}
      - {name: code, type: text, pattern: "[A-Z]{2}-[0-9]+", unique: true}
      - {name: price, type: currency, currency: EUR, min: "0.00", max: "1000.00", indexed: true, description: What it costs.}
      - {name: yen, type: currency, currency: JPY}
      - {name: rate, type: percent, scale: 1, default: "19.0"}
      - {name: opens, type: time, indexed: true}
      - {name: effort, type: duration, min: PT0S, indexed: true}
      - {name: phone, type: phone, indexed: true}
      - {name: site, type: url}
      - {name: extra, type: json}
      - {name: size, type: integer, min: 1}
      - {name: old, type: text, deprecated: use label}
      - {name: must, type: text, required: true, default: x, deprecated: use label}
      - {name: secret, type: duration}
      - {name: number, type: auto-number, prefix: "T-", digits: 4}
      - {name: team, type: users}
      - {name: related, type: multi-lookup, to: Thing, maxLength: 3}
  - name: Part
    plural: parts
    fields:
      - {name: thing, type: lookup, to: Thing, required: true, parent: true}
      - {name: name, type: text, required: true}
      - {name: weight, type: decimal, max: "10.00"}
roles: [{name: Head}, {name: Rep, reportsTo: Head}]
permissionSets:
  - name: Work
    forms:
      Thing: {actions: [ACCESS], fields: {"*": VISIBLE}}
      Part: {actions: [ACCESS], fields: {"*": VISIBLE}}
    reports: {things: [VIEW, EDIT, EXPORT], parts: [VIEW, EDIT, EXPORT]}
  - name: Narrow
    forms:
      Thing: {actions: [ACCESS], fields: {"*": VISIBLE, secret: HIDDEN}}
    reports: {things: [VIEW, EDIT]}
sharingRules:
  - {name: the team, form: Thing, field: team, level: READ_WRITE}
`

var sharedTypes = sync.OnceValues(func() (*desk, error) {
	d, _, err := openDesk(typesDefinition, [][3]string{{"rep", "Rep", "Work"}, {"rita", "Rep", "Work"}, {"nora", "Rep", "Narrow"}})
	return d, err
})

func theTypes(t *testing.T) *desk {
	t.Helper()
	d, err := sharedTypes()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// variables runs an operation with variables.
func (d *desk) variables(t *testing.T, who, query string, vars map[string]any) answer {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	if err != nil {
		t.Fatal(err)
	}
	return d.send(t, "POST", "/apps/desk/graphql", who, "application/json", body)
}

// TestScalarTypes writes each value as a literal and as a variable, and reads it
// back in the form that the documentation promises.
func TestScalarTypes(t *testing.T) {
	d := theTypes(t)
	for _, c := range []struct {
		field, literal string
		variable, want any
	}{
		{"price", `"12.5"`, "12.5", "12.50"}, {"price", `7`, 7, "7.00"}, {"yen", `"1200"`, 1200, "1200"}, {"rate", `"7.5"`, "7.5", "7.5"},
		{"opens", `"08:30"`, "08:30", "08:30:00"}, {"opens", `"23:59:59.25"`, "23:59:59.250", "23:59:59.25"},
		{"effort", `"PT90M"`, "PT90M", "PT1H30M"}, {"effort", `"P1DT0.5S"`, "P1DT0.5S", "P1DT0.5S"},
		{"phone", `"+49 (30) 123-45"`, "+49 30 12345", "+493012345"}, {"site", `"https://example.com/a?b"`, "https://example.com/a?b", "https://example.com/a?b"},
		{"extra", `{b: [1, 2.50, "x", null], a: {c: true}}`, map[string]any{"b": []any{1, json.Number("2.50"), "x", nil}, "a": map[string]any{"c": true}},
			map[string]any{"a": map[string]any{"c": true}, "b": []any{1.0, 2.5, "x", nil}}},
		{"extra", `"text"`, "text", "text"}, {"extra", `[]`, []any{}, []any{}}, {"extra", `null`, nil, nil}, {"extra", `5`, 5, 5.0},
	} {
		a := d.must(t, "rep", `mutation{createThing(input:{label:"a thing", %s:%s}){thing{%[1]s}}}`, c.field, c.literal)
		b := d.variables(t, "rep", `mutation($i:CreateThingInput!){createThing(input:$i){thing{`+c.field+`}}}`,
			map[string]any{"i": map[string]any{"label": "a thing", c.field: c.variable}})
		for _, got := range []answer{a, b} {
			if v := got.at("createThing.thing." + c.field); len(got.Errors) > 0 || fmt.Sprint(v) != fmt.Sprint(c.want) {
				t.Errorf("%s %s: %#v %+v", c.field, c.literal, v, got.Errors)
			}
		}
	}
	a := d.variables(t, "rep", `mutation($x:Int $y:String){createThing(input:{label:"a thing", extra:{n:$x, m:$y, l:[$x]}}){thing{extra}}}`, map[string]any{"x": 3})
	if got := fmt.Sprint(a.at("createThing.thing.extra")); got != "map[l:[3] n:3]" {
		t.Errorf("JSON with variables: %s %+v", got, a.Errors)
	}
}

// TestScalarFilters: filters and orders by the new types, F7 with null.
func TestScalarFilters(t *testing.T) {
	d := theTypes(t)
	for i, values := range []string{
		`price:"1", opens:"08:00", effort:"PT1H", phone:"+49301111", site:"https://a.example/"`,
		`price:"2", opens:"09:00", effort:"PT2H", phone:"+49302222", site:"https://b.example/", extra:{a:1}`,
		`price:"10", opens:"10:00", effort:"P1D", phone:"+3312345", site:"http://c.example/"`, ``,
	} {
		d.must(t, "rita", `mutation{createThing(input:{label:"f%d" %s}){id}}`, i, values)
	}
	for where, want := range map[string]string{
		`{price:{gt:"1.5"}}`: "f1 f2", `{price:{ne:"1"}}`: "f1 f2 f3", `{price:{isNull:true}}`: "f3", `{price:{between:["1","2"]}}`: "f0 f1",
		`{opens:{lt:"09:30"}}`: "f0 f1", `{opens:{notIn:["08:00:00"]}}`: "f1 f2 f3", `{effort:{gte:"PT120M"}}`: "f1 f2", `{effort:{eq:"PT24H"}}`: "f2",
		`{phone:{eq:"+49 30 1111"}}`: "f0", `{phone:{startsWith:"+49"}}`: "f0 f1", `{phone:{in:["+33 123-45","+49302222"]}}`: "f1 f2",
		`{site:{startsWith:"https:"}}`: "f0 f1", `{site:{iContains:"B.EX"}}`: "f1", `{extra:{isNull:false}}`: "f1", `{not:{extra:{isNull:false}}}`: "f0 f2 f3",
		`{not:{effort:{gt:"PT1H"}}}`: "f0 f3",
	} {
		a := d.must(t, "rita", `{things(where:{and:[{label:{startsWith:"f"}},%s]} orderBy:[{field:label}]){nodes{label}}}`, where)
		if got := labels(a); got != want {
			t.Errorf("%s: %s, want %s", where, got, want)
		}
	}
	for order, want := range map[string]string{"price": "f0 f1 f2 f3", "effort": "f0 f1 f2 f3", "opens": "f0 f1 f2 f3", "phone": "f2 f0 f1 f3"} {
		a := d.must(t, "rita", `{things(where:{label:{startsWith:"f"}} orderBy:[{field:%s}]){nodes{label}}}`, order)
		if got := labels(a); got != want {
			t.Errorf("by %s: %s, want %s", order, got, want)
		}
	}
	for _, c := range []struct{ query, want string }{
		{`{things(where:{phone:{eq:"030 1"}}){totalCount}}`, "BAD_USER_INPUT where.phone.eq: expected a phone number…"},
		{`{things(where:{effort:{eq:"P1Y"}}){totalCount}}`, "BAD_USER_INPUT where.effort.eq: expected a duration…"},
		{`{things(orderBy:[{field:extra}]){totalCount}}`, "BAD_USER_INPUT…"},
	} {
		if got := d.told(t, "rita", "%s", c.query); !strings.HasPrefix(got, strings.TrimSuffix(c.want, "…")) {
			t.Errorf("%s: %s", c.query, got)
		}
	}
}

func labels(a answer) string {
	var out []string
	for _, n := range a.list("things.nodes") {
		out = append(out, fmt.Sprint(n.(map[string]any)["label"]))
	}
	return strings.Join(out, " ")
}

// TestAllErrorsOfAnInput: what is wrong with the values comes at once, each with
// its way, and after what is not permitted (P8).
func TestAllErrorsOfAnInput(t *testing.T) {
	d := theTypes(t)
	a := d.ask(t, "rep", `mutation{createThing(input:{label:"  ", price:"1000.01", effort:"-PT1S", phone:"x", code:"ab-1", size:0,
		parts:[{name:"ok", weight:"1"},{name:" ", weight:"10.01"},{name:"n", weight:"many"}]}){id}}`)
	want := []string{
		"input.phone: expected a phone number with its country code, like \"+49 30 1234567\"",
		"input.code: expected text of the pattern [A-Z]{2}-[0-9]+",
		"input.price: expected a value from 0.00 to 1000.00",
		"input.effort: expected a value of at least PT0S",
		"input.size: expected a value of at least 1",
		"input.label: a value is required",
		"input.parts[1].weight: expected a value of at most 10.00",
		"input.parts[1].name: a value is required",
		"input.parts[2].weight: expected a decimal with at most 2 places, as number or string, from -92233720368547758.08 to 92233720368547758.07",
	}
	var got []string
	for _, e := range a.Errors {
		got = append(got, e.Message)
		if e.Extensions.Code != "BAD_USER_INPUT" || !strings.HasPrefix(e.Message, e.Extensions.Argument+": ") {
			t.Errorf("%+v", e)
		}
	}
	if !slices.Equal(got, want) || a.Data != nil {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	id := d.must(t, "rep", `mutation{createThing(input:{label:"long enough"}){id}}`).at("createThing.id")
	a = d.ask(t, "rep", `mutation{updateThing(id:%q input:{label:"x", price:"-1", site:"javascript:alert(1)"}){id}}`, id)
	if len(a.Errors) != 3 {
		t.Errorf("an update: %+v", a.Errors)
	}
	a = d.ask(t, "rita", `mutation{updateThing(id:%q input:{label:"x", price:"-1"}){id}}`, id)
	if len(a.Errors) != 1 || a.code() != "NOT_FOUND" {
		t.Errorf("what is wrong with a record out of reach: %+v", a.Errors)
	}
}

// TestDeprecation: a reason reaches the schema wherever the field may be left
// out, and a required input is never deprecated.
func TestDeprecation(t *testing.T) {
	d := theTypes(t)
	const names = `{name isDeprecated deprecationReason}`
	a := d.must(t, "rep", `{out:__type(name:"Thing"){fields(includeDeprecated:true)`+names+` plain:fields{name}}
		filter:__type(name:"ThingFilter"){inputFields(includeDeprecated:true)`+names+` plain:inputFields{name}}
		create:__type(name:"CreateThingInput"){inputFields(includeDeprecated:true)`+names+`}
		order:__type(name:"ThingOrderField"){enumValues(includeDeprecated:true)`+names+`}}`)
	for _, list := range []string{"out.fields", "filter.inputFields", "create.inputFields", "order.enumValues"} {
		for _, x := range a.list(list) {
			f := x.(map[string]any)
			want := f["name"] == "old" || f["name"] == "must"
			if f["isDeprecated"] != want || want && f["deprecationReason"] != "use label" {
				t.Errorf("%s: %v", list, f)
			}
		}
	}
	if plain := fmt.Sprint(a.at("out.plain"), a.at("filter.plain")); strings.Contains(plain, "old") || !strings.Contains(plain, "label") {
		t.Errorf("without includeDeprecated: %s", plain)
	}
}

// TestScalarsAreSpecified: each scalar of our own has a description, and a
// specification where there is one.
func TestScalarsAreSpecified(t *testing.T) {
	a := theTypes(t).must(t, "rep", `{__schema{types{kind name description specifiedByURL}} __type(name:"Thing"){fields{name description}}}`)
	specified := 0
	for _, x := range a.list("__schema.types") {
		s := x.(map[string]any)
		if s["kind"] != "SCALAR" || slices.Contains([]string{"Int", "Float", "String", "Boolean", "ID"}, s["name"].(string)) {
			continue
		}
		if s["description"] == nil || s["specifiedByURL"] == nil && s["name"] != "CreatedReportFilter" {
			t.Errorf("%v", s)
		}
		specified++
	}
	if specified < 9 {
		t.Errorf("%d scalars", specified)
	}
	if fields := fmt.Sprint(a.at("__type.fields")); !strings.Contains(fields, "description:What it costs.\n\nAn amount in EUR (ISO 4217). name:price") {
		t.Errorf("the currency is not told: %s", fields)
	}
}

// TestB3_HiddenScalars: a field of a new type that is not visible is nowhere.
func TestB3_HiddenScalars(t *testing.T) {
	d := theTypes(t)
	for _, query := range []string{`{things{nodes{%s}}}`, `{things(where:{%s:{isNull:true}}){totalCount}}`, `{things(orderBy:[{field:%s}]){totalCount}}`,
		`mutation{createThing(input:{label:"xx" %s:"PT1S"}){id}}`} {
		hidden, absent := d.ask(t, "nora", query, "secret"), d.ask(t, "nora", query, "absent")
		if got, want := strings.ReplaceAll(fmt.Sprint(hidden.Errors), "secret", "absent"), fmt.Sprint(absent.Errors); got != want || len(hidden.Errors) == 0 {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

// thing adds a thing and returns its id.
func (d *desk) thing(t *testing.T, who, input string, args ...any) string {
	t.Helper()
	return d.must(t, who, `mutation{createThing(input:{label:"a thing" %s}){id}}`, fmt.Sprintf(input, args...)).at("createThing.id").(string)
}

// TestAutoNumber: every record gets another number, ascending in one mutation,
// which nobody writes.
func TestAutoNumber(t *testing.T) {
	d := theTypes(t)
	a := d.must(t, "rep", `mutation{a:createThing(input:{label:"aa"}){thing{number}} b:createThing(input:{label:"bb"}){thing{number}}}`)
	first, second := a.at("a.thing.number").(string), a.at("b.thing.number").(string)
	if len(first) < 6 || !strings.HasPrefix(first, "T-0") || first >= second {
		t.Errorf("%s and %s", first, second)
	}
	if a := d.must(t, "rep", `{things(where:{number:{in:[%q,%q]}} orderBy:[{field:number direction:DESC}]){nodes{label}}}`, first, second); labels(a) != "bb aa" {
		t.Errorf("by number: %s", labels(a))
	}
	if a := d.must(t, "rep", `{thingsAggregate(where:{number:{in:[%q,%q]}} having:{number:{max:{eq:%[2]q}}}){nodes{count number{max}}}}`, first, second); fmt.Sprint(a.at("thingsAggregate.nodes")) != fmt.Sprintf("[map[count:2 number:map[max:%s]]]", second) {
		t.Errorf("having: %v", a.Data)
	}
	for _, query := range []string{`mutation{createThing(input:{label:"xx" number:"T-0001"}){id}}`, `mutation{updateThing(id:"x" input:{number:"T-0001"}){id}}`} {
		if got := d.told(t, "rep", "%s", query); !strings.HasPrefix(got, "BAD_USER_INPUT Field \"number\" is not defined") {
			t.Errorf("%s: %s", query, got)
		}
	}
	var wait sync.WaitGroup
	numbers := make([]string, 40)
	for i := range numbers {
		wait.Go(func() {
			a := d.ask(t, []string{"rep", "rita"}[i%2], `mutation{createThing(input:{label:"many"}){thing{number}}}`)
			numbers[i], _ = a.at("createThing.thing.number").(string)
		})
	}
	wait.Wait()
	slices.Sort(numbers)
	if numbers[0] == "" || len(slices.Compact(numbers)) != 40 {
		t.Errorf("numbers of creates at once: %v", numbers)
	}
}

// TestEveryTypeIsIntrospected: no field of a schema is without a type.
func TestEveryTypeIsIntrospected(t *testing.T) {
	d := theTypes(t)
	a := d.must(t, "rep", `{__schema{types{name fields{name type{kind name ofType{name}}} inputFields{name type{kind name ofType{name}}}}}}`)
	for _, x := range a.list("__schema.types") {
		def := x.(map[string]any)
		for _, key := range []string{"fields", "inputFields"} {
			of, _ := def[key].([]any)
			for _, f := range of {
				if typ := f.(map[string]any)["type"].(map[string]any); typ["kind"] == nil || typ["name"] == nil && typ["ofType"] == nil {
					t.Errorf("%s.%s has the type %v", def["name"], f.(map[string]any)["name"], typ)
				}
			}
		}
	}
}

// TestF3_UsersOfAList: a field rule over a list of people shares with each of
// them, from the change on.
func TestF3_UsersOfAList(t *testing.T) {
	d := theTypes(t)
	id := d.thing(t, "rep", `team:[%q,%q]`, d.ids["rita"], d.ids["nora"])
	for _, who := range []string{"rita", "nora"} {
		if a := d.must(t, who, `{thing(id:%q){team{displayName}}}`, id); fmt.Sprint(a.at("thing.team")) != "[map[displayName:rita] map[displayName:nora]]" {
			t.Errorf("%s: %v", who, a.Data)
		}
	}
	if a := d.must(t, "nora", `{things(where:{team:{has:%q}}){nodes{id}} none:things(where:{not:{team:{hasAny:[%q]}}, id:{eq:%q}}){totalCount}}`, d.ids["nora"], d.ids["rita"], id); len(a.list("things.nodes")) != 1 || a.count("none.totalCount") != 0 {
		t.Errorf("%v", a.Data)
	}
	d.must(t, "rep", `mutation{updateThing(id:%q input:{team:[]}){thing{team{id}}}}`, id)
	if a := d.must(t, "nora", `{thing(id:%q){id}}`, id); a.at("thing") != nil {
		t.Errorf("after: %v", a.Data)
	}
	if a := d.must(t, "rep", `{thing(id:%q){team{id}} things(where:{id:{eq:%[1]q}, team:{isNull:true}}){totalCount}}`, id); a.at("thing.team") != nil || a.count("things.totalCount") != 1 {
		t.Errorf("an empty list: %v", a.Data)
	}
	if got := d.told(t, "rep", `mutation{createThing(input:{label:"xx" team:[%q,%q]}){id}}`, d.ids["rita"], nobodyHas); got != "BAD_USER_INPUT input.team[1]: no such user" {
		t.Error(got)
	}
}

// TestL1_MultiLookup: a list leads to what is in reach, in every path; a list of
// which nothing is in reach is like an empty one.
func TestL1_MultiLookup(t *testing.T) {
	d := theTypes(t)
	mine, theirs := d.thing(t, "rep", ``), d.thing(t, "rita", ``)
	both := d.thing(t, "boss", `team:[%q] related:[%q,%q]`, d.ids["rep"], theirs, mine)
	hidden := d.thing(t, "boss", `team:[%q] related:[%q]`, d.ids["rep"], theirs)
	a := d.must(t, "rep", `{both:thing(id:%q){related{id}} hidden:thing(id:%q){related{id}}
		has:things(where:{related:{has:%[3]q}}){totalCount} mine:things(where:{related:{hasAll:[%[4]q]}}){nodes{id}} nulls:things(where:{id:{in:[%[1]q,%[2]q]} related:{isNull:true}}){nodes{id}}}`, both, hidden, theirs, mine)
	one := fmt.Sprintf("[map[id:%s]]", both)
	if fmt.Sprint(a.at("both.related")) != fmt.Sprintf("[map[id:%s]]", mine) || a.at("hidden.related") != nil || a.count("has.totalCount") != 0 ||
		fmt.Sprint(a.at("mine.nodes")) != one || fmt.Sprint(a.at("nulls.nodes")) != fmt.Sprintf("[map[id:%s]]", hidden) {
		t.Errorf("%v", a.Data)
	}
	if a := d.must(t, "boss", `{thing(id:%q){related{id}} things(where:{related:{has:%q}}){totalCount}}`, both, theirs); len(a.list("thing.related")) != 2 || a.count("things.totalCount") != 2 {
		t.Errorf("boss: %v", a.Data)
	}
}

// TestL1_MultiLookupBehindALookup: an export leads through one lookup and no
// further, to a list of records neither.
func TestL1_MultiLookupBehindALookup(t *testing.T) {
	d := theTypes(t)
	thing := d.thing(t, "boss", `team:[%q] related:[%q]`, d.ids["rep"], d.thing(t, "rita", ``))
	d.must(t, "boss", `mutation{createPart(input:{thing:%q name:"a part"}){id}}`, thing)
	take := func(columns string) (int, string) {
		status, b := d.do(t, call{method: http.MethodGet, token: d.tokens["rep"],
			path: "/apps/desk/export/Part?" + url.Values{"columns": {columns}, "where": {fmt.Sprintf(`{"thing":{"id":{"eq":%q}}}`, thing)}}.Encode()})
		return status, string(b)
	}
	if status, body := take("name,thing.label"); status != http.StatusOK || body != "name,thing.label\na part,a thing\n" && body != "name,thing.label\r\na part,a thing\r\n" {
		t.Errorf("through a lookup: %d %q", status, body)
	}
	_, unknown := take("name,thing.nothing")
	if status, body := take("name,thing.related"); status != http.StatusBadRequest || body != strings.ReplaceAll(unknown, "nothing", "related") {
		t.Errorf("to a list behind a lookup: %d %q, an unknown field: %q", status, body, unknown)
	}
}

// TestL2_MultiLookup: what is out of reach is set like what is not there, and
// stays where somebody else put it.
func TestL2_MultiLookup(t *testing.T) {
	d := theTypes(t)
	mine, theirs := d.thing(t, "rep", ``), d.thing(t, "rita", ``)
	for _, id := range []string{theirs, nobodyHas} {
		if got := d.told(t, "rep", `mutation{createThing(input:{label:"xx" related:[%q,%q]}){id}}`, mine, id); got != "BAD_USER_INPUT input.related[1]: no such record" {
			t.Error(got)
		}
	}
	list := d.thing(t, "boss", `team:[%q] related:[%q]`, d.ids["rep"], theirs)
	for _, related := range []string{fmt.Sprintf(`[%q]`, mine), `[]`, `null`} {
		a := d.must(t, "rep", `mutation{updateThing(id:%q input:{related:%s}){thing{related{id}}}}`, list, related)
		if n := len(a.list("updateThing.thing.related")); n != strings.Count(related, mine) {
			t.Errorf("%s: %v", related, a.Data)
		}
		boss := d.must(t, "boss", `{thing(id:%q){related{id}}}`, list)
		if n := len(boss.list("thing.related")); n != 1+strings.Count(related, mine) {
			t.Errorf("%s: the boss has %v", related, boss.Data)
		}
	}
	if got := d.told(t, "rep", `mutation{updateThing(id:%q input:{related:[%q,%[2]q]}){id}}`, list, mine); !strings.HasPrefix(got, "BAD_USER_INPUT input.related: expected a list without duplicates") {
		t.Error(got)
	}
}
