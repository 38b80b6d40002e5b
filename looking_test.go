package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// toolPath is a path that looks through another's eyes, and what it takes: each
// is held against what all of them promise (P10).
type toolPath struct {
	key  string // as in the inventory of attacks
	tool string
	// call asks about an order as a person.
	call func(user, order string) call
	// user and order say which of the two the path takes; self, that everybody may
	// ask about themselves.
	user, order, self bool
	// quiet says that the path lists names and looks at nobody: where it is permitted
	// nothing of it is written down.
	quiet bool
	// job says that the path begins what goes on in the background.
	job bool
}

// askedAt is the moment about which the past is asked.
var askedAt = sync.OnceValue(func() string { return time.Now().Format(time.RFC3339Nano) })

// ofThen is managed with AT for askedAt.
func ofThen(query string) func(user, order string) call {
	return func(user, order string) call { return managed(strings.ReplaceAll(query, "AT", askedAt()))(user, order) }
}

// managed is a call of the management API, where @ stands for the application and
// USER and ORDER for what is asked about.
func managed(query string) func(user, order string) call {
	return func(user, order string) call {
		return call{path: managePath, body: asked(strings.NewReplacer("@", `application:"sales" `, "USER", user, "ORDER", order).Replace(query))}
	}
}

// besideModule is a module that may run as a shadow, set by whoever tries the paths.
var besideModule string

var toolPaths = []toolPath{
	{key: "manage Query.explainAccess", tool: "EXPLAIN", user: true, order: true, self: true,
		call: managed(`{explainAccess(@user:"USER" form:"Order" record:"ORDER"){short actions{action allowed steps{text}} fields{field readable}}}`)},
	{key: "manage Query.whoCanSee", tool: "REVIEW", order: true, call: managed(`{whoCanSee(@form:"Order" record:"ORDER"){totalCount nodes{id}}}`)},
	{key: "manage Query.whatCanSee", tool: "REVIEW", user: true, call: managed(`{whatCanSee(@user:"USER" form:"Product"){displayName forms{form}}}`)},
	{key: "route /apps/{application}/access-review.csv", tool: "REVIEW",
		call: func(_, _ string) call { return call{method: "GET", path: "/apps/sales/access-review.csv"} }},
	{key: "route /apps/{application}/access-review.json", tool: "REVIEW",
		call: func(_, _ string) call { return call{method: "GET", path: "/apps/sales/access-review.json"} }},
	{key: "manage Query.ruleLog", tool: "EXPLAIN", call: managed(`{ruleLog(@rule:"same-team-open-orders"){droppedCount nodes{id fault record}}}`)},
	{key: "manage Query.viewAsTargets", tool: "VIEW_AS", quiet: true, call: managed(`{viewAsTargets(@first:2){nodes{id displayName}}}`)},
	{key: "manage Query.runPermissionTests", tool: "REVIEW", call: managed(`{runPermissionTests(@){tests{text verdict} invariants{verdict}}}`)},
	{key: "manage Query.whoCouldSee", tool: "RECALL", order: true, call: ofThen(`{whoCouldSee(@form:"Order" record:"ORDER" at:"AT"){totalCount nodes{id}}}`)},
	{key: "manage Query.accessHistory", tool: "RECALL", user: true, order: true,
		call: ofThen(`{accessHistory(@form:"Order" record:"ORDER" user:"USER" from:"2020-01-01T00:00:00Z" to:"AT"){displayName changes{time}}}`)},
	{key: "manage Mutation.compareAccess", tool: "COMPARE", user: true, job: true,
		call: managed(`mutation{compareAccess(@input:{assignments:[{user:"USER" unassign:true}]}){difference{id}}}`)},
	{key: "manage Query.ruleShadow", tool: "COMPARE", call: managed(`{ruleShadow(@rule:"same-team-open-orders"){compared samples{record}}}`)},
	{key: "manage Mutation.shadowRule", tool: "COMPARE", call: func(_, _ string) call {
		return managed(`mutation{shadowRule(@rule:"same-team-open-orders" module:"`+besideModule+`" hours:1){shadow{compared}}}`)("", "")
	}},
	{key: "header Sluice-View-As", tool: "VIEW_AS", user: true, order: true, call: func(user, order string) call {
		return call{header: map[string]string{"Sluice-View-As": user},
			body: fmt.Sprintf(`{"query":"query($o:ID!){order(id:$o){number} orders(where:{id:{eq:$o}}){totalCount}}","variables":{"o":%q}}`, order)}
	}},
}

// jobPaths give what a job found: why the rows above do not hold them.
var jobPaths = map[string]string{
	"route /apps/{application}/access-differences/":       "gives what a job found to the one who asked for it",
	"route /apps/{application}/access-differences/{file}": "gives what a job found to the one who asked for it",
}

// speaksOfTool finds the tool that a description says a field takes.
var speaksOfTool = regexp.MustCompile(`\btool (EXPLAIN|VIEW_AS|REVIEW|COMPARE|RECALL)\b`)

// TestP10_EveryToolPathIsHeldToIt: every root field of the management API that says
// that it takes a tool, and every route that is named after one, has a row.
func TestP10_EveryToolPathIsHeldToIt(t *testing.T) {
	d := theDemo(t)
	var rows, found []string
	for _, p := range toolPaths {
		rows = append(rows, p.key)
	}
	a := d.manage(t, "priya", `{__schema{queryType{fields{name description}} mutationType{fields{name description}}}}`)
	for _, root := range []string{"query", "mutation"} {
		for _, f := range a.list("__schema." + root + "Type.fields") {
			m := f.(map[string]any)
			if description, _ := m["description"].(string); speaksOfTool.MatchString(strings.Join(strings.Fields(description), " ")) {
				found = append(found, "manage "+strings.ToUpper(root[:1])+root[1:]+"."+m["name"].(string))
			}
		}
	}
	for _, r := range routes(t) {
		if strings.Contains(r.name, "access-") || strings.Contains(r.name, "difference") {
			found = append(found, r.key())
		}
	}
	for _, key := range found {
		if !slices.Contains(rows, key) && jobPaths[key] == "" {
			t.Errorf("%s has no row", key)
		}
	}
	for _, key := range rows {
		if !slices.Contains(found, key) && !strings.HasPrefix(key, "header ") {
			t.Errorf("%s is no path that speaks of a tool", key)
		}
	}
	for key := range jobPaths {
		if !slices.Contains(found, key) || len(attacks[key]) == 0 {
			t.Errorf("%s is no path that speaks of a tool, or has no attacks", key)
		}
	}
	if len(found) < 5 {
		t.Errorf("found %v", found)
	}
}

// tries sends a call of a path as somebody and returns code and whole answer.
func (d *demoServer) tries(t *testing.T, p toolPath, who, user, order string) (code, text string) {
	t.Helper()
	c := p.call(user, order)
	c.token = d.tokens[who]
	_, b := d.do(t, c)
	text = string(b)
	if m := regexp.MustCompile(`"code":\s*"([A-Z_]+)"`).FindStringSubmatch(text); m != nil {
		code = m[1]
	}
	return code, text
}

// lookIDs are the ids of the newest looks of somebody, and what is told of them.
func (d *demoServer) lookIDs(t *testing.T, reader, user string) (ids, told []string) {
	t.Helper()
	a := d.manage(t, reader, `{looks(application:"sales" user:%q first:200){nodes{id tool target{id} form record refused detail}}}`, user)
	for _, n := range a.list("looks.nodes") {
		m := n.(map[string]any)
		ids = append(ids, m["id"].(string))
		delete(m, "id")
		told = append(told, fmt.Sprint(m))
	}
	return ids, told
}

// guest adds somebody for the length of the test, signed in under the name, with
// the place that the mutation gives.
func (d *demoServer) guest(t *testing.T, who, place string) (id string) {
	t.Helper()
	id = d.manage(t, "jonas", `mutation{addUser(input:{email:"%s@zylker.example" displayName:%[1]q password:"correct horse"}){user{id}}}`, who).at("addUser.user.id").(string)
	t.Cleanup(func() {
		d.manage(t, "jonas", `mutation{deleteUser(user:%q){deleted}}`, id)
		delete(d.tokens, who)
	})
	d.manage(t, "jonas", `mutation{%s{user{id}}}`, fmt.Sprintf(place, id))
	d.tokens[who] = d.manage(t, "", `mutation{signIn(organization:"zylker" email:"%s@zylker.example" password:"correct horse"){token}}`, who).at("signIn.token").(string)
	return id
}

const noSuchID = "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000"

// TestP10_ToolPathsKeepIt runs each path as people of every kind.
func TestP10_ToolPathsKeepIt(t *testing.T) {
	v := theVault(t)
	d := theDemo(t)
	d.manage(t, "priya", `mutation{applyDefinition(yaml:%s){application{name} faults{message}}}`,
		jsonText("application: tiny\nforms: [{name: Note, plural: notes, fields: [{name: text, type: text}]}]\nroles: [{name: CEO}]\n"))
	besideModule = d.shadowed(t)
	d.hider(t)
	hidden := d.ok(t, "vera", `mutation{createOrder(input:{number:"LOOK-1" title:"hush"}){id}}`).at("createOrder.id").(string)
	d.hide(t, "vera", "Order", `{number: {eq: "LOOK-1"}}`)
	order, nora := d.ok(t, "marta", `{orders(first:1){nodes{id}}}`).at("orders.nodes.0.id").(string), d.id(t, "nora")
	for _, p := range toolPaths {
		t.Run(p.key, func(t *testing.T) {
			people := map[string]string{
				"liv":   d.guest(t, "liv", `assignUser(application:"sales" user:%q role:"sales-rep" permissionSet:"sales")`),
				"petra": d.guest(t, "petra", `assignPortalUser(application:"sales" user:%q permissionSet:"Customer")`),
				"dora":  d.guest(t, "dora", `assignDeveloper(application:"sales" user:%q)`),
				"else":  d.guest(t, "else", `assignDeveloper(application:"tiny" user:%q tools:[EXPLAIN VIEW_AS REVIEW COMPARE RECALL])`),
			}
			d.refusesStrangers(t, p, people, nora, order)
			for _, who := range []string{"priya", "jonas", "mei"} {
				d.looksOnce(t, p, who, nora, order)
				d.tellsNothingOf(t, p, who, nora, hidden, v.values["bobs"], v.values["bob"])
			}
			d.manage(t, "jonas", `mutation{grantTools(application:"sales" user:%q tools:[%s]){user{id}}}`, people["dora"], p.tool)
			d.looksOnce(t, p, "dora", nora, order)
		})
	}
}

// refusesStrangers: members without the tool are refused, which is written down;
// for everybody else there is no such application.
func (d *demoServer) refusesStrangers(t *testing.T, p toolPath, people map[string]string, user, order string) {
	t.Helper()
	for _, who := range []string{"liv", "petra", "dora"} {
		if code, text := d.tries(t, p, who, user, order); code != "FORBIDDEN" {
			t.Errorf("%s: %s", who, text)
		}
		_, told := d.lookIDs(t, "priya", people[who])
		if len(told) != 1 || !strings.Contains(told[0], "refused:true") || !strings.Contains(told[0], "tool:"+p.tool) {
			t.Errorf("%s: written down: %v", who, told)
		}
	}
	if code, text := d.tries(t, p, "else", user, order); code != "NOT_FOUND" {
		t.Errorf("a developer of another application: %s", text)
	}
	if ids, _ := d.lookIDs(t, "priya", people["else"]); len(ids) != 0 {
		t.Error("an attempt from outside is written down")
	}
	if p.self {
		own := d.ok(t, "liv", `mutation{createOrder(input:{number:"OWN-%s" title:"own"}){id}}`, people["liv"][:8]+people["liv"][24:]).at("createOrder.id").(string)
		defer d.ok(t, "priya", `mutation{deleteOrder(id:%q){id}}`, own)
		if code, text := d.tries(t, p, "liv", people["liv"], own); code != "" {
			t.Errorf("about oneself: %s", text)
		}
		if ids, _ := d.lookIDs(t, "priya", people["liv"]); len(ids) != 1 {
			t.Error("asking about oneself is written down")
		}
	}
}

// looksOnce: a use that is permitted leaves one look, which says who and whom.
func (d *demoServer) looksOnce(t *testing.T, p toolPath, who, user, order string) {
	t.Helper()
	me := d.id(t, who)
	before, _ := d.lookIDs(t, who, me)
	code, text := d.tries(t, p, who, user, order)
	if code != "" {
		t.Errorf("%s: %s", who, text)
		return
	}
	if p.job {
		d.ends(t, who, text)
	}
	ids, told := d.lookIDs(t, who, me)
	if p.quiet {
		if fmt.Sprint(ids) != fmt.Sprint(before) {
			t.Errorf("%s: a list of names is written down: %v", who, told[:1])
		}
		return
	}
	fresh := slices.IndexFunc(ids, func(id string) bool { return len(before) > 0 && id == before[0] })
	if fresh < 0 {
		fresh = len(ids)
	}
	if fresh != 1 || !strings.Contains(told[0], "refused:false") || !strings.Contains(told[0], "tool:"+p.tool) ||
		p.user && !strings.Contains(told[0], user) || p.order && p.tool != "VIEW_AS" && !strings.Contains(told[0], order) {
		t.Errorf("%s: %d looks, the newest %v", who, fresh, told[:1])
	}
}

// ends waits for the difference of an answer.
func (d *demoServer) ends(t *testing.T, who, text string) {
	t.Helper()
	m := regexp.MustCompile(`"id":\s*"([0-9a-f-]+)"`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("%s: no difference: %s", who, text)
	}
	for d.manage(t, who, `{accessDifference(id:%q){state}}`, m[1]).at("accessDifference.state") == "RUNNING" {
		continue
	}
}

// tellsNothingOf: a record that another admin hides, one of another organization
// and a person of it are answered, and written down, like what never was.
func (d *demoServer) tellsNothingOf(t *testing.T, p toolPath, who, user, hidden, foreign, stranger string) {
	t.Helper()
	told := func(user, order string) string {
		_, text := d.tries(t, p, who, user, order)
		_, looks := d.lookIDs(t, who, d.id(t, who))
		return strings.NewReplacer(order, "@", user, "&").Replace(text + looks[0])
	}
	if p.order {
		absent := told(user, noSuchID)
		for what, id := range map[string]string{"hidden": hidden, "foreign": foreign} {
			if got := told(user, id); got != absent {
				t.Errorf("%s, %s\nabsent %s\n%s", who, what, absent, got)
			}
		}
	}
	if p.user {
		absent, got := told(noSuchID, hidden), told(stranger, hidden)
		if got != absent {
			t.Errorf("%s, a foreign person\nabsent %s\n%s", who, absent, got)
		}
	}
}
