package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sluice/internal/demo"
)

// TestFormulas_OverHTTP: the total of an order line is an output, a filter, an
// order and a column of exports, and in no input.
func TestFormulas_OverHTTP(t *testing.T) {
	d := theDemo(t)
	id := d.ok(t, "priya", `mutation{createOrder(input:{number:"FORMULA-1" title:"x"}){id}}`).at("createOrder.id").(string)
	t.Cleanup(func() { d.ok(t, "priya", `mutation{deleteOrder(id:%q){id}}`, id) })
	line := func(cells string) {
		made := d.ok(t, "priya", `mutation{createOrderLine(input:{order:%q %s}){id}}`, id, cells).at("createOrderLine.id").(string)
		t.Cleanup(func() { d.ok(t, "priya", `mutation{deleteOrderLine(id:%q){id}}`, made) })
	}
	line(`quantity:3 unitPrice:"19.99" discount:"0.1250"`)
	line(`quantity:2 unitPrice:"10.00"`)
	line(`quantity:5`)
	line(`quantity:9223372036854775807 unitPrice:"10.00"`)
	list := func(args string) string {
		a := d.ok(t, "priya", `{orderLines(where:{order:{id:{eq:%q}} %s){totalCount nodes{total}}}`, id, args)
		var totals []string
		for _, n := range a.list("orderLines.nodes") {
			totals = append(totals, fmt.Sprint(n.(map[string]any)["total"]))
		}
		return strings.Join(totals, " ")
	}
	for args, want := range map[string]string{
		`} orderBy:[{field:total}]`:                            "20.00 52.47 <nil> <nil>",
		`} orderBy:[{field:total direction:DESC}]`:             "52.47 20.00 <nil> <nil>",
		`total:{gt:"20.00"}}`:                                  "52.47",
		`total:{between:["20","53"]}} orderBy:[{field:total}]`: "20.00 52.47",
		`total:{isNull:true}}`:                                 "<nil> <nil>",
		`not:{total:{eq:"52.47"}}} orderBy:[{field:total}]`:    "20.00 <nil> <nil>",
		`total:{in:["52.47"]} quantity:{eq:3}}`:                "52.47",
		`total:{ne:"52.47"} and:[{total:{isNull:false}}]}`:     "20.00",
		`} orderBy:[{field:total}] first:1`:                    "20.00",
		`} orderBy:[{field:total nulls:FIRST}] first:3`:        "<nil> <nil> 20.00",
	} {
		if got := list(args); got != want {
			t.Errorf("%s: got %s, want %s", args, got, want)
		}
	}
	for _, doc := range []string{
		`mutation{createOrderLine(input:{order:"` + id + `" quantity:1 total:"1.00"}){id}}`,
		`mutation{createOrder(input:{number:"FORMULA-2" title:"x" orderLines:[{quantity:1 total:"1.00"}]}){id}}`,
	} {
		if a := d.as(t, "priya", "%s", doc); a.code() != "BAD_USER_INPUT" {
			t.Errorf("%s: %+v", doc, a)
		}
	}
	header, rows := d.taken(t, "priya", "OrderLine", url.Values{"columns": {"quantity,total"}, "where": {fmt.Sprintf(`{"order":{"id":{"eq":%q}}}`, id)}, "orderBy": {"total"}})
	if got := fmt.Sprint(header, rows); got != "[quantity total] [[2 20.00] [3 52.47] [5 ] [9223372036854775807 ]]" && got != "[quantity total] [[2 20.00] [3 52.47] [9223372036854775807 ] [5 ]]" {
		t.Errorf("exported: %s", got)
	}
}

// TestFormulas_AreNotImported: the importer names the column and says why.
func TestFormulas_AreNotImported(t *testing.T) {
	d := theDemo(t)
	status, b := d.do(t, call{path: "/apps/sales/imports/OrderLine", token: d.tokens["priya"], contentType: "text/csv", body: "quantity,total\n1,2.00\n"})
	if status != http.StatusBadRequest || !strings.Contains(string(b), `column \"total\": field total is computed, which is not imported; ignore the column`) {
		t.Errorf("%d %s", status, b)
	}
}

// formulaFields stand behind the phone of the demo's customers: over personal
// data, over a field that is read only, and over each other.
const formulaFields = `{name: phone, type: text, pii: true}
      - {name: phoneSize, type: formula, expression: "length(phone)"}
      - {name: phoneEven, type: formula, expression: "phoneSize % 2 == 0 or isNull(phone)"}
      - {name: ceiling, type: formula, expression: "round(creditLimit / 3, 2)"}`

// withFormulas applies the demo's definition with formulaFields, for the length
// of the test.
func (d *demoServer) withFormulas(t *testing.T) {
	t.Helper()
	source := string(demo.Definition)
	d.define(t, strings.Replace(source, `{name: phone, type: text, pii: true}`, formulaFields, 1))
	t.Cleanup(func() {
		if a := d.send(t, http.MethodPut, "/definition?allowDrop=true", "mei", "application/yaml", []byte(source)); a.status != http.StatusOK {
			t.Fatalf("definition: status %d %+v", a.status, a)
		}
	})
}

// TestB3_FormulaTakesTheRightsOfWhatItReads: a formula over personal data is
// personal data, and "*" does not stand for it; one over another is as hidden.
func TestB3_FormulaTakesTheRightsOfWhatItReads(t *testing.T) {
	d := theDemo(t)
	d.withFormulas(t)
	unknown := d.as(t, "felix", `{customers{nodes{ceilinz}}}`)
	for _, who := range []string{"felix", "ravi"} { // ravi sees phone, and his set does not name the formulas
		for _, name := range []string{"phoneSize", "phoneEven"} {
			for _, doc := range []string{`{customers{nodes{%s}}}`, `{customers(where:{%s:{isNull:true}}){totalCount}}`, `{customers(orderBy:[{field:%s}]){totalCount}}`,
				`{customersAggregate(groupBy:[{field:%s}]){nodes{count}}}`} {
				if a := d.as(t, who, doc, name); a.code() != "BAD_USER_INPUT" || a.Data != nil {
					t.Errorf("%s: %s of %s: %+v", who, doc, name, a)
				}
			}
		}
		if a := d.ok(t, who, `{customers(first:3){nodes{creditLimit ceiling}}}`); a.at("customers.nodes.0.ceiling") == nil {
			t.Errorf("%s does not see what they may: %+v", who, a)
		}
	}
	a := d.as(t, "felix", `{customers{nodes{phoneSize}}}`)
	if strings.ReplaceAll(a.Errors[0].Message, "phoneSize", "@") != strings.ReplaceAll(unknown.Errors[0].Message, "ceilinz", "@") {
		t.Errorf("hidden: %s, unknown: %s", a.Errors[0].Message, unknown.Errors[0].Message)
	}
	all := d.ok(t, "priya", `{customers(where:{phoneEven:{eq:true}} first:1){totalCount nodes{phone phoneSize}}}`)
	if all.count("customers.totalCount") < 1 {
		t.Errorf("the super admin: %+v", all)
	}
}

// TestH5_FormulaOfAMaskedCellIsNull: the rule phone-outside-region masks the
// phones of customers of other regions for inside sales.
func TestH5_FormulaOfAMaskedCellIsNull(t *testing.T) {
	d := theDemo(t)
	d.withFormulas(t)
	var inside string
	for who := range d.tokens {
		if d.as(t, who, `{me{role}}`).at("me.role") == "inside-sales" {
			inside = who
		}
	}
	if inside == "" {
		t.Fatal("the demo has nobody in inside sales")
	}
	// The set sales is made to name the formulas.
	source := d.manage(t, "mei", `{application(name:"sales"){definition}}`).at("application.definition").(string)
	d.define(t, strings.Replace(source, "phone: VISIBLE,", "phone: VISIBLE, phoneSize: VISIBLE, phoneEven: VISIBLE,", 1))
	const list = `{customers(first:500){totalCount nodes{id phone phoneSize phoneEven}}}`
	truths := map[any]map[string]any{}
	for _, n := range d.ok(t, "priya", list).list("customers.nodes") {
		m := n.(map[string]any)
		truths[m["id"]] = m
	}
	masked, shown := 0, 0
	for _, n := range d.ok(t, inside, list).list("customers.nodes") {
		m := n.(map[string]any)
		truth := truths[m["id"]]
		switch {
		case m["phone"] == nil && truth["phone"] != nil:
			if masked++; m["phoneSize"] != nil || m["phoneEven"] != nil {
				t.Errorf("the phone is masked, its formulas are not: %v", m)
			}
		case m["phone"] != nil:
			if shown++; m["phoneSize"] != truth["phoneSize"] || m["phoneEven"] != truth["phoneEven"] {
				t.Errorf("%v, the super admin sees %v", m, truth)
			}
		}
	}
	if masked == 0 || shown == 0 {
		t.Fatalf("%d masked, %d shown: the test proves nothing", masked, shown)
	}
	none := d.ok(t, inside, `{customers(where:{phone:{isNull:true}}){totalCount}}`).count("customers.totalCount")
	if got := d.ok(t, inside, `{customers(where:{phoneEven:{isNull:true}}){totalCount}}`).count("customers.totalCount"); got != masked || none < masked {
		t.Errorf("%d masked, %d without the formula, %d without phone", masked, got, none)
	}
}
