package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/engine"
)

// The exact answers of writes, statement by statement, over HTTP. desk_test.go
// has the application and its people; "nobody has" is an id that no record has.
const nobodyHas = "01a204de-91e8-7000-91d7-b79ac4d4486e"

// places are records of everybody's, for one test.
type places struct {
	mine, foreign, shown       string // orders: of rep, of rita, of max and shown to clerks
	mineLine, farLine          string
	shownLine, shownPart       string
	client, farClient, covered string // clients: of rep, of rita, of max
}

func (d *desk) places(t *testing.T) places {
	t.Helper()
	var p places
	p.client, p.farClient, p.covered = d.add(t, "rep", "Client", `name:"mine"`), d.add(t, "rita", "Client", `name:"far"`), d.add(t, "max", "Client", `name:"shown"`)
	p.mine, p.foreign, p.shown = d.add(t, "rep", "Order", `title:"mine" client:%q`, p.client), d.add(t, "rita", "Order", `title:"far"`), d.add(t, "max", "Order", `title:"shown"`)
	p.mineLine, p.farLine = d.add(t, "rep", "Line", `order:%q product:"p"`, p.mine), d.add(t, "rita", "Line", `order:%q product:"p"`, p.foreign)
	p.shownLine = d.add(t, "max", "Line", `order:%q product:"p"`, p.shown)
	p.shownPart = d.add(t, "max", "Part", `line:%q label:"l"`, p.shownLine)
	return p
}

const (
	notFound  = "NOT_FOUND id: record not found"
	forbidden = "FORBIDDEN not permitted on this record"
)

// W5: out of VIEW reach is NOT_FOUND, whatever is asked for, and so is an id
// that nobody has; in it without the action FORBIDDEN.
func TestW5_NotFoundAndForbidden(t *testing.T) {
	d := theDesk(t)
	p := d.places(t)
	d.add(t, "rep", "Order", `title:"x" ref:"w5"`)
	var all []refusal
	for what, ids := range map[string][2]string{"foreign": {p.foreign, p.farLine}, "absent": {nobodyHas, nobodyHas}, "no id": {"x", ""}, "of another form": {p.mineLine, p.mine}} {
		order, line := ids[0], ids[1]
		for _, q := range []string{
			fmt.Sprintf(`updateOrder(id:%q input:{title:"x"}){id}`, order), fmt.Sprintf(`updateOrder(id:%q input:{}){id}`, order),
			fmt.Sprintf(`updateOrder(id:%q input:{ref:"w5"}){id}`, order), fmt.Sprintf(`updateOrder(id:%q input:{title:null due:"never"}){id}`, order),
			fmt.Sprintf(`updateOrder(id:%q input:{title:"x" client:%q} ifVersion:9){id}`, order, nobodyHas), fmt.Sprintf(`updateOrder(id:%q input:{agent:%q}){id}`, order, nobodyHas),
			fmt.Sprintf(`deleteOrder(id:%q){id}`, order), fmt.Sprintf(`deleteOrder(id:%q ifVersion:9){id}`, order),
			fmt.Sprintf(`changeOrderOwner(id:%q owner:%q){id}`, order, d.ids["rep"]), fmt.Sprintf(`changeOrderOwner(id:%q owner:"x" ifVersion:9){id}`, order),
			fmt.Sprintf(`updateLine(id:%q input:{order:%q}){id}`, line, p.mine), fmt.Sprintf(`updateLine(id:%q input:{quantity:"x"}){id}`, line), fmt.Sprintf(`deleteLine(id:%q){id}`, line),
			fmt.Sprintf(`changeClientOwner(id:%q owner:%q){id}`, map[bool]string{true: p.farClient, false: order}[what == "foreign"], d.ids["rep"]),
		} {
			all = append(all, refusal{what + " " + q[:strings.Index(q, "(")], "rep", "mutation{" + q + "}", notFound})
		}
	}
	for _, q := range []string{
		`updateOrder(id:%[1]q input:{title:"x"}){id}`, `updateOrder(id:%[1]q input:{}){id}`, `updateOrder(id:%[1]q input:{agent:%[4]q}){id}`, `deleteOrder(id:%[1]q){id}`,
		`changeOrderOwner(id:%[1]q owner:%[4]q){id}`, `updateLine(id:%[2]q input:{product:"x"}){id}`, `deleteLine(id:%[2]q){id}`, `changeLineOwner(id:%[2]q owner:%[4]q){id}`,
		`updatePart(id:%[3]q input:{label:"x"}){id}`, `deletePart(id:%[3]q){id}`,
	} {
		all = append(all, refusal{"shown " + q[:strings.Index(q, "(")], "cleo", fmt.Sprintf("mutation{"+q+"}%.0[1]s%.0[2]s%.0[3]s%.0[4]s", p.shown, p.shownLine, p.shownPart, d.ids["cleo"]), forbidden})
	}
	all = append(all,
		refusal{"changed by a rule, not deleted", "mia", fmt.Sprintf(`mutation{deleteOrder(id:%q){id}}`, p.mine), forbidden},
		refusal{"hidden by a rule", "rex", fmt.Sprintf(`mutation{updateClient(id:%q input:{name:"x"}){id}}`, p.client), notFound},
		refusal{"hidden by a rule, deleted", "rex", fmt.Sprintf(`mutation{deleteClient(id:%q){id}}`, p.client), notFound})
	d.refuse(t, all)
	if d.must(t, "cleo", `{order(id:%q){title lines{totalCount}} line(id:%q){product} part(id:%q){label}}`, p.shown, p.shownLine, p.shownPart).at("part.label") != "l" {
		t.Error("cleo does not see what she may not change")
	}
}

// B3, B4: a field that is hidden, read only, or of the system is in an input as
// one that never existed, in literals and variables; so is a hidden form, and a
// mutation that one's set does not allow. There are no suggestions.
func TestB4_NoInputForWhatMayNotBeWritten(t *testing.T) {
	d := theDesk(t)
	p := d.places(t)
	same := func(who, name, query, vars string) {
		t.Helper()
		body := func(name string) []byte {
			b, err := json.Marshal(map[string]any{"query": strings.ReplaceAll(query, "NAME", name), "variables": json.RawMessage(strings.ReplaceAll(vars, "NAME", name))})
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		got, unknown := d.send(t, "POST", "/apps/desk/graphql", who, "application/json", body(name)), d.send(t, "POST", "/apps/desk/graphql", who, "application/json", body("zzz"))
		told := fmt.Sprint(got.Errors)
		if len(got.Errors) == 0 || got.Data != nil || got.status != unknown.status || strings.ReplaceAll(told, name, "zzz") != fmt.Sprint(unknown.Errors) || strings.Contains(told, "mean") {
			t.Errorf("%s: %s with %s:\n%+v\nan unknown name:\n%+v", who, query, name, got, unknown)
		}
	}
	before := d.stored(t)
	for _, name := range []string{"fixed", "hush", "id", "owner", "version", "addedBy", "addedTime", "modifiedBy", "modifiedTime", "viewerCanUpdate", "vaults", "order"} {
		same("rep", name, `mutation{createOrder(input:{title:"x" NAME:"x"}){id}}`, `{}`)
		same("rep", name, fmt.Sprintf(`mutation{updateOrder(id:%q input:{NAME:"x"}){id}}`, p.mine), `{}`)
		same("rep", name, `mutation($i:CreateOrderInput!){createOrder(input:$i){id}}`, `{"i":{"title":"x","NAME":"x"}}`)
		same("rep", name, fmt.Sprintf(`mutation($i:UpdateOrderInput!){updateOrder(id:%q input:$i){id}}`, p.mine), `{"i":{"NAME":null}}`)
		same("rep", name, `mutation{createOrder(input:{title:"x" lines:[{product:"p"},{product:"q" NAME:"x"}]}){id}}`, `{}`)
		same("rep", name, `mutation($i:CreateOrderInput!){createOrder(input:$i){id}}`, `{"i":{"title":"x","lines":[{"product":"p","NAME":"x"}]}}`)
		same("rep", name, `mutation($i:CreateLineNestedInput!){createOrder(input:{title:"x" lines:[$i]}){id}}`, `{"i":{"product":"p","NAME":[{}]}}`)
	}
	for _, c := range [][3]string{
		{"rep", "Vault", `mutation{createNAME(input:{}){id}}`}, {"rep", "Vault", `mutation{changeNAMEOwner(id:1 owner:2){id}}`}, {"rep", "Vault", `mutation($i:CreateNAMENestedInput!){createOrder(input:{title:"x" lines:[$i]}){id}}`},
		{"rep", "Box", `mutation{changeNAMEOwner(id:1 owner:2){id}}`}, {"rep", "Box", `mutation{updateNAME(id:1 input:{}){id}}`}, {"rep", "Tag", `mutation{deleteNAME(id:1){id}}`},
		{"rep", "box", `mutation{createBox(input:{}){id NAME{id}}}`},
		{"drop", "Line", `mutation{createNAME(input:{}){id}}`}, {"drop", "Order", `mutation{changeNAMEOwner(id:1 owner:2){id}}`}, {"drop", "parts", `mutation{createOrder(input:{title:"x" lines:[{product:"p" NAME:[]}]}){id}}`},
		{"blind", "Order", `mutation{changeNAMEOwner(id:1 owner:2){id}}`}, {"blind", "Client", `mutation{changeNAMEOwner(id:1 owner:2){id}}`}, {"blind", "lines", `mutation{createOrder(input:{title:"x" NAME:[]}){id}}`},
		{"chief", "Order", `mutation{createNAME(input:{}){id}}`},
	} {
		same(c[0], c[1], c[2], `{}`)
	}
	if d.stored(t) != before {
		t.Error("something is stored")
	}
	for _, ty := range d.must(t, "rep", "%s", `{__schema{types{name inputFields{name}}}}`).list("__schema.types") {
		ty := ty.(map[string]any)
		if strings.Contains(ty["name"].(string), "Vault") {
			t.Errorf("the schema has %v", ty["name"])
		}
	}
}

// H5: a cell that a rule masks is not written, whatever the value, and the
// record's owner not changed where the owner is masked.
func TestH5_MaskedCellIsNotWritten(t *testing.T) {
	d := theDesk(t)
	p := d.places(t)
	d.must(t, "rep", `mutation{updateOrder(id:%q input:{veiled:"secret"}){id}}`, p.mine)
	d.must(t, "mia", `mutation{updateOrder(id:%q input:{title:"by mia"}){id}}`, p.mine)
	var all []refusal
	for i, v := range []string{`"x"`, `"secret"`, `null`, `"` + strings.Repeat("x", 2000) + `"`} {
		all = append(all, refusal{fmt.Sprint("veiled ", i), "mia", fmt.Sprintf(`mutation{updateOrder(id:%q input:{title:"y" veiled:%s}){id}}`, p.mine, v), "FORBIDDEN input.veiled: not permitted on this record"})
	}
	all = append(all, refusal{"owner", "mia", fmt.Sprintf(`mutation{changeClientOwner(id:%q owner:%q){id}}`, p.client, d.ids["mia"]), "FORBIDDEN owner: not permitted on this record"})
	d.refuse(t, all)
}

// W1, E2, W3, A5a: who may change the owner, to whom, and what the payload says.
func TestW1_ChangeOfOwner(t *testing.T) {
	d := theDesk(t)
	p := d.places(t)
	give := func(form, id, to string) string {
		return fmt.Sprintf(`mutation{change%[1]sOwner(id:%[2]q owner:%[3]q){id %[4]s{owner{id} addedBy{id} version}}}`, form, id, d.ids[to], strings.ToLower(form))
	}
	not := "FORBIDDEN owner: not permitted to change the owner of this record"
	var all []refusal
	for name, who := range map[string]string{"edits by a rule": "mia", "half by a rule": "half"} {
		for _, to := range []string{who, "rep", "rita", "nobody"} { // also where the owner stays, and before it is asked who that is
			if who == "half" {
				all = append(all, refusal{name + " to " + to, who, fmt.Sprintf(`mutation{updateOrder(id:%q input:{agent:%q}){id}}`, p.mine, d.ids[to]), "FORBIDDEN input.agent: not permitted to change the owner of this record"})
				continue
			}
			all = append(all, refusal{name + " to " + to, who, give("Order", p.mine, to), not})
		}
	}
	all = append(all, refusal{"by the field", "mia", fmt.Sprintf(`mutation{updateOrder(id:%q input:{title:"x" agent:%q}){id}}`, p.mine, d.ids["mia"]),
		"FORBIDDEN input.agent: not permitted to change the owner of this record"})
	for _, to := range []string{d.ids["nobody"], d.ids["gone"], nobodyHas, "x", p.mine} { // no place here, inactive, none, no id, no user
		all = append(all,
			refusal{"to " + to, "rep", fmt.Sprintf(`mutation{changeOrderOwner(id:%q owner:%q){id}}`, p.mine, to), "BAD_USER_INPUT owner: no such user"},
			refusal{"client to " + to, "rep", fmt.Sprintf(`mutation{changeClientOwner(id:%q owner:%q){id}}`, p.client, to), "BAD_USER_INPUT owner: no such user"})
	}
	all = append(all, refusal{"version", "rep", fmt.Sprintf(`mutation{changeOrderOwner(id:%q owner:%q ifVersion:7){id}}`, p.mine, d.ids["rita"]), "CONFLICT ifVersion: 7, but the record has version 1"})
	d.refuse(t, all)
	d.must(t, "mia", `mutation{updateOrder(id:%q input:{agent:null}){id}}`, p.mine) // as it is: no change of owner
	d.must(t, "half", `mutation{updateOrder(id:%q input:{agent:null}){id}}`, p.mine)

	for _, form := range []struct{ name, id string }{{"Order", p.mine}, {"Client", p.client}} {
		field := strings.ToLower(form.name)
		a := d.must(t, "rep", "%s", give(form.name, form.id, "rita"))
		if a.at("change"+form.name+"Owner.id") != form.id || a.at("change"+form.name+"Owner."+field) != nil {
			t.Errorf("out of reach now: %+v", a.Data)
		}
		if got := d.told(t, "rep", "%s", give(form.name, form.id, "rep")); got != notFound {
			t.Errorf("after giving it away: %s", got)
		}
		a = d.must(t, "rita", `{it:%s(id:%q){owner{id} addedBy{id} version}}`, field, form.id)
		if a.at("it.owner.id") != d.ids["rita"] || a.at("it.addedBy.id") != d.ids["rep"] {
			t.Errorf("the new owner reads %+v", a.Data)
		}
		for _, step := range [][2]string{{"max", "rep"}, {"chief", "rita"}, {"boss", "rep"}, {"rep", "rep"}} { // above, MODIFY_ALL, admin, owner
			a := d.must(t, step[0], "%s", give(form.name, form.id, step[1]))
			if a.at("change"+form.name+"Owner."+field+".owner.id") != d.ids[step[1]] {
				t.Errorf("%s gives it to %s: %+v", step[0], step[1], a.Data)
			}
		}
	}
	if a := d.must(t, "boss", `{order(id:%q){agent{id}}}`, p.mine); a.at("order.agent.id") != d.ids["rep"] {
		t.Errorf("the owner field does not follow: %+v", a.Data)
	}
}

// E1: the owner is who the field names, and who added it where it names nobody.
// W3: an update may take a record out of reach; the payload then has its id.
func TestE1_OwnerByField(t *testing.T) {
	d := theDesk(t)
	id := d.add(t, "rep", "Order", `title:"x" agent:null`)
	owner := func() any { return d.must(t, "boss", `{order(id:%q){owner{id}}}`, id).at("order.owner.id") }
	if owner() != d.ids["rep"] {
		t.Error("an empty field: the owner is not who added it")
	}
	a := d.must(t, "rep", `mutation{updateOrder(id:%q input:{agent:%q}){id order{id}}}`, id, d.ids["rita"])
	if a.at("updateOrder.id") != id || a.at("updateOrder.order") != nil || owner() != d.ids["rita"] {
		t.Errorf("%+v, owner %v", a.Data, owner())
	}
	a = d.must(t, "rita", `mutation{updateOrder(id:%q input:{agent:null}){id order{id}}}`, id)
	if a.at("updateOrder.order") != nil || owner() != d.ids["rep"] {
		t.Errorf("%+v, owner %v", a.Data, owner())
	}
	a = d.must(t, "rep", `mutation{createOrder(input:{title:"for rita" agent:%q}){id order{id}}}`, d.ids["rita"])
	if made := a.at("createOrder.id").(string); a.at("createOrder.order") != nil || d.must(t, "rita", `{order(id:%q){title}}`, made).at("order.title") != "for rita" {
		t.Errorf("%+v", a.Data)
	}
}

// W2: an update that would uncover a cell for its author is refused, in one step,
// and through a later field of the same operation; with it all that came before.
func TestW2_NoUncovering(t *testing.T) {
	d := theDemo(t)
	row := d.ok(t, "nora", `{customers(first:1 where:{and:[{region:{eq:"AMER"}},{accountManager:{eq:%q}}]}){nodes{id phone city version}}}`, d.id(t, "nora"))
	id, version := row.at("customers.nodes.0.id"), row.at("customers.nodes.0.version")
	if id == nil || row.at("customers.nodes.0.phone") != nil {
		t.Fatalf("no customer outside the region: %+v", row.Data)
	}
	const want = "FORBIDDEN input: this change is not permitted on this record"
	for _, m := range []string{
		`a:updateCustomer(id:%[1]q input:{region:"EMEA"}){id}`, `a:updateCustomer(id:%[1]q input:{region:"EMEA" city:"x"} ifVersion:99){id}`,
		`a:updateCustomer(id:%[1]q input:{region:"EMEA" creditLimit:null}){id}`,
		`a:updateCustomer(id:%[1]q input:{city:"step"}){id} b:updateCustomer(id:%[1]q input:{region:"EMEA"}){id}`,
		`a:updateCustomer(id:%[1]q input:{region:"APAC"}){id} b:updateCustomer(id:%[1]q input:{region:"EMEA"}){customer{phone}}`,
	} {
		if strings.Contains(m, "creditLimit") {
			continue // read only for sales: in no input
		}
		a := d.as(t, "nora", "mutation{"+m+"}", id)
		if len(a.Errors) != 1 || a.Data != nil || a.code()+" "+a.Errors[0].Message != want {
			t.Errorf("%s: %+v", m, a)
		}
	}
	if after := d.ok(t, "nora", `{customer(id:%q){region version phone}}`, id); after.at("customer.region") != "AMER" || after.at("customer.version") != version {
		t.Errorf("something was written: %+v", after.Data)
	}
}

// L2: an id out of reach, one that a rule hides and one that nobody has are told
// alike, whoever's record is written; leaving a lookup out keeps what is stored.
func TestL2_UnreachableIsAbsent(t *testing.T) {
	d := theDesk(t)
	p := d.places(t)
	const want = "BAD_USER_INPUT input.%s: no such record"
	var all []refusal
	for what, ids := range map[string][2]string{"foreign": {p.farClient, p.foreign}, "absent": {nobodyHas, nobodyHas}, "of another form": {p.mine, p.client}} {
		for field, q := range map[string]string{
			"client": fmt.Sprintf(`createOrder(input:{title:"x" client:%q}){id}`, ids[0]), "lines[1].client": fmt.Sprintf(`createOrder(input:{title:"x" lines:[{product:"p"},{product:"q" client:%q}]}){id}`, ids[0]),
			"order": fmt.Sprintf(`createLine(input:{order:%q product:"p"}){id}`, ids[1]),
		} {
			all = append(all, refusal{what + " create " + field, "rep", "mutation{" + q + "}", fmt.Sprintf(want, field)})
		}
		all = append(all,
			refusal{what + " update client", "rep", fmt.Sprintf(`mutation{updateOrder(id:%q input:{client:%q}){id}}`, p.mine, ids[0]), fmt.Sprintf(want, "client")},
			refusal{what + " move", "rep", fmt.Sprintf(`mutation{updateLine(id:%q input:{order:%q}){id}}`, p.mineLine, ids[1]), fmt.Sprintf(want, "order")})
	}
	all = append(all, refusal{"hidden by a rule", "rex", fmt.Sprintf(`mutation{createOrder(input:{title:"x" client:%q}){id}}`, p.client), fmt.Sprintf(want, "client")},
		refusal{"hidden by a rule, absent", "rex", fmt.Sprintf(`mutation{createOrder(input:{title:"x" client:%q}){id}}`, nobodyHas), fmt.Sprintf(want, "client")})
	d.refuse(t, all)

	d.must(t, "boss", `mutation{updateOrder(id:%q input:{client:%q}){id}}`, p.mine, p.farClient)
	stays := d.must(t, "rep", `mutation{updateOrder(id:%q input:{title:"y"}){order{client{id}}}}`, p.mine)
	if stays.at("updateOrder.order.client") != nil || d.must(t, "boss", `{order(id:%q){client{id}}}`, p.mine).at("order.client.id") != p.farClient {
		t.Error("a lookup that was left out is shown, or changed")
	}
	if got := d.told(t, "rep", `mutation{updateOrder(id:%q input:{client:%q}){id}}`, p.mine, p.farClient); got != fmt.Sprintf(want, "client") {
		t.Errorf("setting it to what is stored: %s", got)
	}
	d.must(t, "rep", `mutation{updateOrder(id:%q input:{client:null}){id}}`, p.mine)
	if d.must(t, "boss", `{order(id:%q){client{id}}}`, p.mine).at("order.client") != nil {
		t.Error("null does not empty the lookup")
	}
}

// L3: what refers to a record, out of reach or not, does not keep it from being
// deleted, does not follow it, and reads null.
func TestL3_DeletingIsNotBlocked(t *testing.T) {
	d := theDesk(t)
	p := d.places(t)
	d.must(t, "boss", `mutation{updateOrder(id:%q input:{client:%q}){id}}`, p.foreign, p.client)
	if d.must(t, "rep", `mutation{deleteClient(id:%q){id}}`, p.client).at("deleteClient.id") != p.client {
		t.Error("the payload has another id")
	}
	for who, id := range map[string]string{"rep": p.mine, "rita": p.foreign} {
		if a := d.must(t, who, `{order(id:%q){title client{id}} orders(where:{id:{eq:%q} client:{isNull:true}}){totalCount}}`, id, id); a.at("order.title") == nil || a.at("order.client") != nil || a.count("orders.totalCount") != 1 {
			t.Errorf("%s: %+v", who, a.Data)
		}
	}
	d.must(t, "rep", `mutation{deleteOrder(id:%q){id}}`, p.mine) // with a line
	if a := d.must(t, "rep", `{line(id:%q){id}}`, p.mineLine); a.at("line") != nil {
		t.Error("the line of a deleted order is reached")
	}
	if a := d.must(t, "boss", `{line(id:%q){id order{id}}}`, p.mineLine); a.at("line.id") != p.mineLine || a.at("line.order") != nil {
		t.Errorf("the line of a deleted order: %+v", a.Data)
	}
}

// P3(1): a taken unique value is told alike, whoever holds it.
func TestP3_UniqueConflictTellsNothing(t *testing.T) {
	d := theDesk(t)
	p := d.places(t)
	d.add(t, "rep", "Client", `name:"x" code:"near" pin:"near"`)
	d.add(t, "rita", "Client", `name:"x" code:"far" pin:"far"`)
	d.add(t, "boss", "Box", `label:"x" serial:"boxed"`)
	d.add(t, "rep", "Line", `order:%q product:"p" serial:"near"`, p.mine)
	d.add(t, "rita", "Line", `order:%q product:"p" serial:"far"`, p.foreign)
	var all []refusal
	for _, who := range []string{"rep", "rex", "mia"} { // in or out of reach; hidden by a rule; a masked cell
		for _, value := range []string{"near", "far"} {
			all = append(all,
				refusal{who + " code " + value, who, fmt.Sprintf(`mutation{createClient(input:{name:"y" code:%q}){id}}`, value), "CONFLICT input.code: this value is taken"},
				refusal{who + " pin " + value, who, fmt.Sprintf(`mutation{createClient(input:{name:"y" pin:%q}){id}}`, value), "CONFLICT input.pin: this value is taken"})
		}
	}
	for _, value := range []string{"near", "far"} {
		all = append(all,
			refusal{"update " + value, "rep", fmt.Sprintf(`mutation{updateClient(id:%q input:{code:%q}){id}}`, p.client, value), "CONFLICT input.code: this value is taken"},
			refusal{"nested " + value, "rep", fmt.Sprintf(`mutation{createOrder(input:{title:"x" lines:[{product:"p"},{product:"q" serial:%q}]}){id}}`, value), "CONFLICT input.lines[1].serial: this value is taken"})
	}
	all = append(all,
		refusal{"a form that is not seen", "rep", `mutation{createBox(input:{serial:"boxed"}){id}}`, "CONFLICT input.serial: this value is taken"},
		refusal{"twice in one input", "rep", `mutation{createOrder(input:{title:"x" lines:[{product:"p" serial:"new"},{product:"q" parts:[{label:"l"}] serial:"new"}]}){id}}`, "CONFLICT input.lines[1].serial: this value is taken"},
		refusal{"earlier in the operation", "rep", `mutation{a:createBox(input:{serial:"new"}){id} b:createBox(input:{serial:"new"}){id}}`, "CONFLICT input.serial: this value is taken"})
	d.refuse(t, all)
}

// B10: a required field that one may not write is not named.
func TestB10_RequiredFieldIsNotNamed(t *testing.T) {
	d := theDesk(t)
	const want = "BAD_USER_INPUT input: a required field of Tag has no value and may not be written with these rights"
	d.refuse(t, []refusal{{"create", "rep", `mutation{createTag(input:{label:"x"}){id}}`, want}})
	d.add(t, "boss", "Tag", `label:"x" hush:"y"`)
}

// E4: children follow their parent, and grandchildren theirs.
func TestE4_Children(t *testing.T) {
	d := theDesk(t)
	p := d.places(t)
	const may, absent = "FORBIDDEN input.%s: not permitted to change this record", "BAD_USER_INPUT input.%s: no such record"
	own := d.add(t, "cleo", "Order", `title:"cleo"`)
	line := d.add(t, "cleo", "Line", `order:%q product:"p"`, own)
	part := d.add(t, "cleo", "Part", `line:%q label:"l"`, line)
	d.refuse(t, []refusal{
		{"under a shown order", "cleo", fmt.Sprintf(`mutation{createLine(input:{order:%q product:"p"}){id}}`, p.shown), fmt.Sprintf(may, "order")},
		{"under a foreign order", "cleo", fmt.Sprintf(`mutation{createLine(input:{order:%q product:"p"}){id}}`, p.foreign), fmt.Sprintf(absent, "order")},
		{"under none", "cleo", fmt.Sprintf(`mutation{createLine(input:{order:%q product:"p"}){id}}`, nobodyHas), fmt.Sprintf(absent, "order")},
		{"under a line of a shown order", "cleo", fmt.Sprintf(`mutation{createPart(input:{line:%q label:"l"}){id}}`, p.shownLine), fmt.Sprintf(may, "line")},
		{"under a line of a foreign order", "cleo", fmt.Sprintf(`mutation{createPart(input:{line:%q label:"l"}){id}}`, p.farLine), fmt.Sprintf(absent, "line")},
		{"nested under a line of a shown order", "cleo", fmt.Sprintf(`mutation{createLine(input:{order:%q product:"p" parts:[{label:"l"}]}){id}}`, p.shown), fmt.Sprintf(may, "order")},
		{"moved from a shown order", "cleo", fmt.Sprintf(`mutation{updateLine(id:%q input:{order:%q}){id}}`, p.shownLine, own), forbidden},
		{"moved to a shown order", "cleo", fmt.Sprintf(`mutation{updateLine(id:%q input:{order:%q}){id}}`, line, p.shown), fmt.Sprintf(may, "order")},
		{"moved to a foreign order", "cleo", fmt.Sprintf(`mutation{updateLine(id:%q input:{order:%q}){id}}`, line, p.foreign), fmt.Sprintf(absent, "order")},
		{"moved to none", "cleo", fmt.Sprintf(`mutation{updateLine(id:%q input:{order:null}){id}}`, line), "BAD_USER_INPUT input.order: a value is required"},
		{"part moved to a shown line", "cleo", fmt.Sprintf(`mutation{updatePart(id:%q input:{line:%q}){id}}`, part, p.shownLine), fmt.Sprintf(may, "line")},
		{"part moved to a foreign line", "cleo", fmt.Sprintf(`mutation{updatePart(id:%q input:{line:%q}){id}}`, part, p.farLine), fmt.Sprintf(absent, "line")},
		{"part of a foreign order", "cleo", fmt.Sprintf(`mutation{deletePart(id:%q){id}}`, d.add(t, "rita", "Part", `line:%q label:"l"`, p.farLine)), notFound},
	})
	other := d.add(t, "cleo", "Order", `title:"other"`)
	if a := d.must(t, "cleo", `mutation{updateLine(id:%q input:{order:%q}){line{order{id} parts{nodes{id}}}}}`, line, other); a.at("updateLine.line.order.id") != other || a.at("updateLine.line.parts.nodes.0.id") != part {
		t.Errorf("moved: %+v", a.Data)
	}
	d.must(t, "cleo", `mutation{deletePart(id:%q){id} deleteLine(id:%q){id}}`, part, line)
}

// W4: a nested create takes ACCESS on each form, also where the new parent is
// somebody else's; limits name what was expected.
func TestW4_NestedCreate(t *testing.T) {
	d := theDesk(t)
	a := d.must(t, "rep", `mutation{createOrder(input:{title:"n" lines:[{product:"a" quantity:1 parts:[{label:"x"},{label:"y"}]},{product:"b"}]}){order{lines{nodes{product owner{id} parts{nodes{label}}}}}}}`)
	if a.at("createOrder.order.lines.nodes.0.parts.nodes.1.label") != "y" || a.at("createOrder.order.lines.nodes.1.product") != "b" || a.at("createOrder.order.lines.nodes.1.owner.id") != d.ids["rep"] {
		t.Errorf("%+v", a.Data)
	}
	a = d.must(t, "rep", `mutation{createOrder(input:{title:"for rita" agent:%q lines:[{product:"a" parts:[{label:"x"}]}]}){id order{id}}}`, d.ids["rita"])
	id := a.at("createOrder.id").(string)
	if a.at("createOrder.order") != nil {
		t.Error("the record is out of reach, and shown")
	}
	if got := d.must(t, "rita", `{order(id:%q){lines{nodes{parts{nodes{label}}}}}}`, id); got.at("order.lines.nodes.0.parts.nodes.0.label") != "x" {
		t.Errorf("the owner reads %+v", got.Data)
	}
	// ACCESS alone: neither orders nor lines are seen, and no line is added alone.
	id = d.must(t, "drop", `mutation{createOrder(input:{title:"dropped" lines:[{product:"a"}]}){id}}`).at("createOrder.id").(string)
	if got := d.must(t, "boss", `{order(id:%q){lines{nodes{product}}}}`, id); got.at("order.lines.nodes.0.product") != "a" {
		t.Errorf("dropped: %+v", got.Data)
	}
	d.refuse(t, []refusal{
		{"a value", "rep", `mutation{createOrder(input:{title:"n" lines:[{product:"a"},{product:"b" parts:[{label:"x"}] quantity:"many"}]}){id}}`, "BAD_USER_INPUT input.lines[1].quantity: expected a whole number…"},
		{"a required value", "rep", `mutation{createOrder(input:{title:"n" lines:[{product:"a" parts:[{label:""},{label:null}]}]}){id}}`, "BAD_USER_INPUT Expected value of type \"String!\", found null.…"},
	})
	lines := make([]map[string]any, engine.MaxNested+1)
	for i := range lines {
		lines[i] = map[string]any{"product": "p"}
	}
	send := func(n int, query string) answer {
		body, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"l": lines[:n]}})
		if err != nil {
			t.Fatal(err)
		}
		return d.send(t, "POST", "/apps/desk/graphql", "rep", "application/json", body)
	}
	const one = `mutation($l:[CreateLineNestedInput!]){createOrder(input:{title:"n" lines:$l}){id}}`
	const two = `mutation($l:[CreateLineNestedInput!]){a:createOrder(input:{title:"n" lines:$l}){id} b:createOrder(input:{title:"n" lines:$l}){id}}`
	before := d.stored(t)
	want := fmt.Sprintf("input.lines: one operation may add at most %d records below others; send the rest in another", engine.MaxNested)
	for _, a := range []answer{send(len(lines), one), send(engine.MaxNested/2+1, two)} {
		if a.code() != "LIMIT_EXCEEDED" || a.Errors[0].Message != want || a.Data != nil {
			t.Errorf("%+v", a)
		}
	}
	if d.stored(t) != before {
		t.Error("something is stored")
	}
	if a := send(50, one); len(a.Errors) > 0 {
		t.Errorf("%+v", a.Errors)
	}
}

// P5, W3: fields of one mutation see what earlier ones did; when one fails,
// nothing is stored, and there is no data.
func TestP5_OneTransaction(t *testing.T) {
	d := theDesk(t)
	p := d.places(t)
	a := d.must(t, "rep", `mutation{a:updateOrder(id:%[1]q input:{title:"one"}){order{title version}} b:updateOrder(id:%[1]q input:{due:"2026-01-31"} ifVersion:2){order{title due version}} c:deleteLine(id:%[2]q){id} d:updateOrder(id:%[1]q input:{}){order{lines{totalCount}}}}`, p.mine, p.mineLine)
	if a.at("b.order.title") != "one" || a.count("b.order.version") != 3 || a.count("d.order.lines.totalCount") != 0 {
		t.Errorf("%+v", a.Data)
	}
	d.refuse(t, []refusal{
		{"the last", "rep", fmt.Sprintf(`mutation{a:updateOrder(id:%[1]q input:{title:"two"}){id} b:createBox(input:{label:"x"}){id} c:deleteOrder(id:%[2]q){id}}`, p.mine, p.foreign), notFound},
		{"the first", "rep", fmt.Sprintf(`mutation{a:deleteOrder(id:%[2]q){id} b:updateOrder(id:%[1]q input:{title:"two"}){id}}`, p.mine, p.foreign), notFound},
		{"what was given away", "rep", fmt.Sprintf(`mutation{a:changeOrderOwner(id:%[1]q owner:%[2]q){id} b:updateOrder(id:%[1]q input:{title:"two"}){id}}`, p.mine, d.ids["rita"]), notFound},
		{"what was deleted", "rep", fmt.Sprintf(`mutation{a:deleteOrder(id:%[1]q){id} b:createLine(input:{order:%[1]q product:"p"}){id}}`, p.mine), "BAD_USER_INPUT input.order: no such record"},
		{"a line of what was given away", "rep", fmt.Sprintf(`mutation{a:changeOrderOwner(id:%[1]q owner:%[2]q){id} b:createLine(input:{order:%[1]q product:"p"}){id}}`, p.mine, d.ids["rita"]), "BAD_USER_INPUT input.order: no such record"},
		{"version of before", "rep", fmt.Sprintf(`mutation{a:updateOrder(id:%[1]q input:{}){id} b:updateOrder(id:%[1]q input:{} ifVersion:4){id}}`, p.mine), "CONFLICT ifVersion: 4, but the record has version 5"},
	})
}

// P8: of what is not permitted and what is wrong, the answer is the first, pair
// by pair.
func TestP8_PermissionBeforeConstraints(t *testing.T) {
	d := theDesk(t)
	p := d.places(t)
	d.add(t, "rep", "Order", `title:"x" ref:"p8"`)
	d.add(t, "rep", "Line", `order:%q product:"x" serial:"p8"`, p.mine)
	moved := d.add(t, "cleo", "Line", `order:%q product:"p"`, d.add(t, "cleo", "Order", `title:"cleo"`))
	type permission struct{ name, who, id, input, told string }
	type constraint struct{ name, input, args, told string }
	orders := []constraint{
		{"unique", `ref:"p8"`, "", "CONFLICT input.ref…"}, {"required", `title:null`, "", "BAD_USER_INPUT input.title: a value is required"},
		{"choice", `status:"nope"`, "", "BAD_USER_INPUT input.status…"}, {"form", `due:"never"`, "", "BAD_USER_INPUT input.due…"},
		{"length", `title:"` + strings.Repeat("x", 1001) + `"`, "", "BAD_USER_INPUT input.title…"},
		{"reference", fmt.Sprintf(`client:%q`, nobodyHas), "", "BAD_USER_INPUT input.client: no such record"}, {"no reference", `client:"x"`, "", "BAD_USER_INPUT input.client…"},
		{"user", fmt.Sprintf(`watcher:%q`, nobodyHas), "", "BAD_USER_INPUT input.watcher: no such user"}, {"version", ``, " ifVersion:99", "CONFLICT ifVersion…"},
	}
	lines := []constraint{
		{"unique", `serial:"p8"`, "", "CONFLICT input.serial…"}, {"required", `product:null`, "", "BAD_USER_INPUT input.product: a value is required"},
		{"number", `quantity:"x"`, "", "BAD_USER_INPUT input.quantity…"}, {"reference", fmt.Sprintf(`client:%q`, nobodyHas), "", "BAD_USER_INPUT input.client: no such record"},
		{"version", ``, " ifVersion:99", "CONFLICT ifVersion…"},
	}
	var all []refusal
	pairs := func(form, control string, ps []permission, cs []constraint) {
		for _, c := range cs {
			all = append(all, refusal{form + ", " + c.name + " alone", "rep", fmt.Sprintf(`mutation{update%s(id:%q input:{%s}%s){id}}`, form, control, c.input, c.args), c.told})
			for _, q := range ps {
				all = append(all, refusal{form + ", " + q.name + " and " + c.name, q.who, fmt.Sprintf(`mutation{update%s(id:%q input:{%s %s}%s){id}}`, form, q.id, q.input, c.input, c.args), q.told})
			}
		}
	}
	pairs("Order", p.mine, []permission{
		{"out of reach", "rep", p.foreign, "", notFound}, {"shown", "cleo", p.shown, "", forbidden},
		{"masked", "mia", p.mine, `veiled:"x"`, "FORBIDDEN input.veiled: not permitted on this record"},
		{"owner", "mia", p.mine, fmt.Sprintf(`agent:%q`, d.ids["mia"]), "FORBIDDEN input.agent: not permitted to change the owner of this record"},
		{"owner that is none", "mia", p.mine, fmt.Sprintf(`agent:%q`, nobodyHas), "FORBIDDEN input.agent: not permitted to change the owner of this record"},
	}, orders)
	pairs("Line", p.mineLine, []permission{
		{"out of reach", "rep", p.farLine, "", notFound}, {"shown", "cleo", p.shownLine, "", forbidden},
		{"parent", "cleo", moved, fmt.Sprintf(`order:%q`, p.shown), "FORBIDDEN input.order: not permitted to change this record"},
	}, lines)
	for _, c := range lines[:4] {
		input := strings.ReplaceAll(c.input, "product:null", `product:"p"`) // required by the type
		if input == c.input {
			input += ` product:"p"`
		}
		all = append(all, refusal{"create, parent and " + c.name, "cleo", fmt.Sprintf(`mutation{createLine(input:{order:%q %s}){id}}`, p.shown, input), "FORBIDDEN input.order: not permitted to change this record"},
			refusal{"create, parent and below " + c.name, "cleo", fmt.Sprintf(`mutation{createLine(input:{order:%q product:"p" parts:[{label:"%s"}]}){id}}`, p.shown, strings.Repeat("x", 1001)), "FORBIDDEN input.order: not permitted to change this record"})
	}
	for _, q := range [][3]string{{"rep", p.foreign, notFound}, {"mia", p.mine, forbidden}} {
		all = append(all, refusal{"delete and version", q[0], fmt.Sprintf(`mutation{deleteOrder(id:%q ifVersion:99){id}}`, q[1]), q[2]})
	}
	for _, c := range []string{fmt.Sprintf("owner:%q ifVersion:99", d.ids["rita"]), fmt.Sprintf("owner:%q", nobodyHas), `owner:"x" ifVersion:99`} {
		all = append(all,
			refusal{"owner out of reach, " + c, "rep", fmt.Sprintf(`mutation{changeOrderOwner(id:%q %s){id}}`, p.foreign, c), notFound},
			refusal{"owner shown, " + c, "cleo", fmt.Sprintf(`mutation{changeOrderOwner(id:%q %s){id}}`, p.shown, c), forbidden},
			refusal{"owner not given, " + c, "mia", fmt.Sprintf(`mutation{changeOrderOwner(id:%q %s){id}}`, p.mine, c), "FORBIDDEN owner: not permitted to change the owner of this record"})
	}
	d.refuse(t, all)
	if !slices.ContainsFunc(all, func(r refusal) bool { return strings.HasSuffix(r.name, " alone") }) || len(all) < 70 {
		t.Errorf("%d refusals", len(all))
	}
}
