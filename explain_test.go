package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// explained is one explanation over HTTP, whole, as text.
func (d *demoServer) explained(t *testing.T, who, user, form, id string) string {
	t.Helper()
	u := ""
	if user != "" {
		u = fmt.Sprintf(`user:%q `, user)
	}
	query := strings.Replace(explains(fmt.Sprintf(`%sform:%q record:%q`, u, form, id)), `"vault"`, `"sales"`, 1)
	_, b := d.do(t, call{path: managePath, token: d.tokens[who], body: asked(query)})
	return string(b)
}

// access is an explanation, read.
type access struct {
	Short   bool
	Actions map[string]bool
	Why     map[string]string
	Fields  map[string][2]bool // readable, writable
	Text    string
}

func (d *demoServer) access(t *testing.T, who, user, form, id string) access {
	t.Helper()
	text := d.explained(t, who, user, form, id)
	var w struct {
		Data struct {
			ExplainAccess struct {
				Short   bool
				Actions []struct {
					Action, Because string
					Allowed         bool
				}
				Fields []struct {
					Field              string
					Readable, Writable bool
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &w); err != nil || len(w.Data.ExplainAccess.Actions) != 9 {
		t.Fatalf("%s asks about %s %s: %s", who, form, id, text)
	}
	x := access{Short: w.Data.ExplainAccess.Short, Actions: map[string]bool{}, Why: map[string]string{}, Fields: map[string][2]bool{}, Text: text}
	for _, a := range w.Data.ExplainAccess.Actions {
		x.Actions[a.Action], x.Why[a.Action] = a.Allowed, a.Because
	}
	for _, f := range w.Data.ExplainAccess.Fields {
		x.Fields[f.Field] = [2]bool{f.Readable, f.Writable}
	}
	return x
}

var explainedPeople = []string{"jonas", "mei", "marta", "ravi", "nora", "felix"}

// TestP10_ExplainOverHTTP: what a developer is told about each person is what
// that person can do, whatever form the record is of.
func TestP10_ExplainOverHTTP(t *testing.T) {
	d := theDemo(t)
	for form, plural := range map[string]string{"Order": "orders", "Customer": "customers", "OrderLine": "orderLines"} {
		single := strings.ToLower(form[:1]) + form[1:]
		for _, n := range d.ok(t, "mei", `{%s(first:4){nodes{id}}}`, plural).list(plural + ".nodes") {
			id := n.(map[string]any)["id"].(string)
			for _, who := range explainedPeople {
				x := d.access(t, "mei", d.id(t, who), form, id)
				can := d.ok(t, who, `{%s(id:%q){viewerCanUpdate viewerCanDelete}}`, single, id)
				sees := can.at(single) != nil
				if x.Actions["VIEW"] != sees || x.Actions["EDIT"] != (can.at(single+".viewerCanUpdate") == true) || x.Actions["DELETE"] != (can.at(single+".viewerCanDelete") == true) {
					t.Errorf("%s %s of %s: explained %v, can %v", form, id, who, x.Actions, can.Data)
				}
				if strings.Contains(x.Text, "zylker.example") || x.Short {
					t.Errorf("an explanation shows an address: %s", x.Text)
				}
				if sees == (x.Fields["id"] == [2]bool{}) {
					t.Errorf("%s %s of %s: fields %v", form, id, who, x.Fields)
				}
			}
		}
	}
}

// TestP10_ExplanationsNameTheGrants: reports, roles, rules and fields by name,
// with their statements, and what is missing.
func TestP10_ExplanationsNameTheGrants(t *testing.T) {
	d := theDemo(t)
	order := d.ok(t, "ravi", `{orders(first:1){nodes{id}}}`).at("orders.nodes.0.id").(string)
	paul := d.manage(t, "priya", `{users(search:"paul@"){nodes{id}}}`).at("users.nodes.0.id")
	other := d.ok(t, "jonas", `{orders(first:1 where:{owner:{eq:%q}}){nodes{id}}}`, paul).at("orders.nodes.0.id").(string)
	customer := d.ok(t, "nora", `{customers(first:1 where:{accountManager:{eq:%q}}){nodes{id}}}`, d.id(t, "nora")).at("customers.nodes.0.id").(string)
	for _, c := range []struct {
		who, form, id string
		want          []string
	}{
		{"ravi", "Order", order, []string{`"statement":"E2"`, `they own the record`, `they need EXPORT on report orders`}},
		{"marta", "Order", order, []string{`"statement":"C3"`, `the owner's role \"sales-rep\" is below their role \"sales-manager\"`}},
		{"ravi", "Order", other, []string{`somebody else owns the record`, `the owner's role \"sales-rep\" is not below their role \"sales-rep\"`, `they need VIEW_ALL on report orders`}},
		{"ravi", "Customer", customer, []string{`sharing rule \"inside-sales-customers-to-reps\" shares the record with them (READ)`, `shares the record with them, but with READ only, and READ_WRITE is needed`}},
		{"felix", "Customer", customer, []string{`their permission set \"finance\" has VIEW_ALL on report customers`, `their permission set hides personal data, and field taxNumber is such`, `their permission set \"finance\" has no EDIT on report customers`}},
		{"nora", "Customer", customer, []string{`custom rule \"phone-outside-region\"`}},
		{"nora", "Order", other, []string{`custom rule \"same-team-open-orders\"`, `"module":{"version":"`, `the owner does not hold their role \"inside-sales\"`}},
		{"omar", "Order", order, []string{`they need VIEW on report orders`}},
		{"jonas", "Order", order, []string{`they are an admin`, `"statement":"A3"`}},
		{"mei", "Order", order, []string{`"statement":"A13"`}},
	} {
		text := d.explained(t, "priya", d.id(t, c.who), c.form, c.id)
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s of %s: %q is not in %s", c.form, c.who, want, text)
			}
		}
	}
}

// TestP10_WhoMayExplain: the tool is for admins and developers; others ask about
// themselves, in the short form, whatever they name.
func TestP10_WhoMayExplain(t *testing.T) {
	d := theDemo(t)
	order := d.ok(t, "ravi", `{orders(first:1){nodes{id}}}`).at("orders.nodes.0.id").(string)
	for _, who := range []string{"priya", "jonas", "mei"} {
		if x := d.access(t, who, "", "Order", order); x.Short || !x.Actions["VIEW"] {
			t.Errorf("%s about themselves: %s", who, x.Text)
		}
	}
	own := d.access(t, "ravi", "", "Order", order)
	if !own.Short || own.Why["VIEW"] != "you own the record" || own.Text != d.access(t, "ravi", d.id(t, "ravi"), "Order", order).Text {
		t.Errorf("ravi about himself: %s", own.Text)
	}
	for _, name := range []string{"sales-rep-", "marta", "Marta", "same-team", "inside-sales", "finance", "version\":1"} {
		if strings.Contains(own.Text, name) {
			t.Errorf("ravi is told of %s: %s", name, own.Text)
		}
	}
	code := func(who, user, form, id string) string {
		var a answer
		if err := json.Unmarshal([]byte(d.explained(t, who, user, form, id)), &a); err != nil {
			t.Fatal(err)
		}
		return a.code()
	}
	for _, c := range [][5]string{
		{"ravi", d.id(t, "nora"), "Order", order, "FORBIDDEN"}, {"ravi", nobody, "Order", order, "FORBIDDEN"}, {"ravi", d.id(t, "priya"), "Order", nobody, "FORBIDDEN"},
		{"omar", "", "Order", order, "NOT_FOUND"}, {"omar", "", "None", order, "NOT_FOUND"}, {"mei", nobody, "Order", order, "NOT_FOUND"},
		{"mei", "", "None", order, "NOT_FOUND"}, {"mei", "", "Order", nobody, "NOT_FOUND"}, {"mei", d.id(t, "ravi"), "Customer", order, "NOT_FOUND"},
		{"", "", "Order", order, "UNAUTHENTICATED"},
	} {
		if got := code(c[0], c[1], c[2], c[3]); got != c[4] {
			t.Errorf("%v: %s", c, got)
		}
	}
}

// TestP2_ExplainedAbsentOverHTTP: a record out of reach is answered as one that
// does not exist, to whoever asks about themselves.
func TestP2_ExplainedAbsentOverHTTP(t *testing.T) {
	d := theDemo(t)
	orders := d.ok(t, "priya", `{orders(first:60){nodes{id}}}`).list("orders.nodes")
	unseen := 0
	for _, who := range []string{"ravi", "nora", "omar", "marta"} {
		for _, n := range orders {
			id := n.(map[string]any)["id"].(string)
			if who != "omar" && d.ok(t, who, `{order(id:%q){id}}`, id).at("order") != nil {
				continue
			}
			unseen++
			got, want := d.explained(t, who, "", "Order", id), d.explained(t, who, "", "Order", nobody)
			if got != want || !strings.Contains(got, "NOT_FOUND") {
				t.Fatalf("%s: %s, absent %s", who, got, want)
			}
		}
	}
	if unseen < 100 {
		t.Errorf("%d records only are out of reach", unseen)
	}
}

// TestG3_HiddenByItsOwner: who hides a record is told that this is why others do
// not see it; to everybody else it is absent, about whomever they ask.
func TestG3_HiddenByItsOwner(t *testing.T) {
	d := theDemo(t)
	vera := d.hider(t)
	id := d.ok(t, "vera", `mutation{createOrder(input:{number:"GONE-X" title:"Hush"}){id}}`).at("createOrder.id").(string)
	line := d.ok(t, "vera", `mutation{createOrderLine(input:{order:%q quantity:3}){id}}`, id).at("createOrderLine.id").(string)
	if x := d.access(t, "jonas", d.id(t, "marta"), "Order", id); x.Actions["VIEW"] || strings.Contains(x.Text, "hidden") {
		t.Fatalf("before: %s", x.Text)
	}
	d.hide(t, "vera", "Order", `{number:{startsWith:"GONE"}}`)
	for _, user := range []string{"marta", "felix", "jonas", "priya", "mei"} {
		x := d.access(t, "vera", d.id(t, user), "Order", id)
		if x.Actions["VIEW"] || x.Why["VIEW"] != "hidden by its owner" || strings.Contains(x.Text, "Hush") || strings.Contains(x.Text, "GONE") {
			t.Errorf("vera about %s: %s", user, x.Text)
		}
	}
	if x := d.access(t, "vera", "", "Order", id); !x.Actions["VIEW"] || x.Short {
		t.Errorf("vera about herself: %s", x.Text)
	}
	for _, who := range []string{"jonas", "priya", "mei", "felix"} {
		for _, user := range []string{"", d.id(t, who), vera, d.id(t, "marta")} {
			if who == "felix" && user != "" && user != d.id(t, who) {
				continue
			}
			got, want := d.explained(t, who, user, "Order", id), d.explained(t, who, user, "Order", nobody)
			if got != want || !strings.Contains(got, "NOT_FOUND") {
				t.Errorf("%s about %q: %s, absent %s", who, user, got, want)
			}
		}
	}
	// A line of the order is there for admins; of its parent they learn nothing.
	text := d.explained(t, "jonas", d.id(t, "marta"), "OrderLine", line)
	if strings.Contains(text, id) || strings.Contains(text, "hidden") || !strings.Contains(text, `"parents":[]`) {
		t.Errorf("jonas is told of the order: %s", text)
	}
	if text = d.explained(t, "vera", d.id(t, "marta"), "OrderLine", line); !strings.Contains(text, id) || !strings.Contains(text, "hidden by its owner") {
		t.Errorf("vera is not told of the order: %s", text)
	}
}
