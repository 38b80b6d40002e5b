package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sluice/internal/demo"
	"sluice/rules"
)

// maskedPaths are more reads of a customer whose phone a rule masks: what is computed
// from it, its history, and what is said about the record.
var maskedPaths = map[string]string{
	"formula":          `{customer(id:"@ID"){id phoneCopy}}`,
	"by formula":       `{customers(where:{phoneCopy:{eq:"@A"}}){totalCount nodes{id phoneCopy}}}`,
	"order by formula": `{customers(first:1 orderBy:[{field:phoneCopy direction:DESC nulls:LAST}]){nodes{id phoneCopy}}}`,
	"max of formula":   `{customersAggregate(where:{id:{eq:"@ID"}} groupBy:[{field:region}]){nodes{key{region} count phone{count min max}}}}`,
	"history":          `{customer(id:"@ID"){history(first:100){totalCount nodes{changes{field before after}}}}}`,
	"comments":         `{customer(id:"@ID"){phone comments{totalCount nodes{text}}}}`,
}

// maskedWorld is a customer with a phone outside of Nora's region, on many paths.
func maskedWorld(t *testing.T, d *demoServer) (customer, order string) {
	t.Helper()
	customer, order = rulePathWorld(t, d, "")
	source := string(demo.Definition)
	for _, r := range [][2]string{
		{"{name: phone, type: text, pii: true}", "{name: phone, type: text, pii: true, searchable: true, indexed: true}"},
		{"      - {name: taxNumber, type: text, pii: true, unique: true}\n", "      - {name: taxNumber, type: text, pii: true, unique: true}\n      - {name: phoneCopy, type: formula, expression: phone, result: text}\n"},
		{"phone: VISIBLE, taxNumber: READ_ONLY, creditLimit", "phone: VISIBLE, phoneCopy: READ_ONLY, taxNumber: READ_ONLY, creditLimit"},
		{"customers: [VIEW, EDIT, DELETE]", "customers: [VIEW, EDIT, DELETE, EXPORT, READ_HISTORY, WRITE_COMMENTS]"},
	} {
		if strings.Count(source, r[0]) != 1 {
			t.Fatalf("%q stands %d times in the demo's definition", r[0], strings.Count(source, r[0]))
		}
		source = strings.Replace(source, r[0], r[1], 1)
	}
	d.define(t, source)
	t.Cleanup(func() {
		if a := d.send(t, http.MethodPut, "/definition?allowDrop=true", "mei", "application/yaml", []byte(demo.Definition)); a.status != http.StatusOK {
			t.Fatalf("definition: status %d %+v", a.status, a)
		}
	})
	return customer, order
}

// TestH5MaskedCellWithKeptAnswers: a server that keeps answers of rules says on every
// path what one that keeps none says, right after the record changed, the viewer's
// attribute, or the rule; and a masked cell is in none of it.
func TestH5MaskedCellWithKeptAnswers(t *testing.T) {
	d := theDemo(t)
	customer, order := maskedWorld(t, d)
	const phone, rule = "555-0100", "phone-outside-region"
	with := strings.NewReplacer("@ID", customer, "@ORDER", order, "@A", phone)
	warm, cold := d.serving(t, 0), d.serving(t, -1)
	all := func(s *demoServer) map[string]string {
		t.Helper()
		out := pathAnswers(t, s, with)
		for name, query := range maskedPaths {
			b, err := json.Marshal(s.ok(t, "nora", "%s", with.Replace(query)).Data)
			if err != nil {
				t.Fatal(err)
			}
			out[name] = string(b)
		}
		return out
	}
	said := func(what string, shown bool) {
		t.Helper()
		n := 0
		want := all(cold)
		for name, got := range all(warm) {
			if got != want[name] {
				t.Errorf("%s, %s:\n%.400s\nwithout kept answers:\n%.400s", what, name, got, want[name])
			}
			if strings.Contains(got, phone) {
				if n++; !shown {
					t.Errorf("%s: %s tells the phone: %.300s", what, name, got)
				}
			}
		}
		if shown && n < 10 {
			t.Errorf("%s: %d paths tell the phone, which is not masked", what, n)
		}
	}
	update := func(who, input string) answer {
		return warm.as(t, who, `mutation{updateCustomer(id:%q input:{%s}){customer{phone phoneCopy region}}}`, customer, input)
	}
	region := func(name string) {
		d.manage(t, "priya", `mutation{assignUser(application:"sales",user:%q,role:"inside-sales",permissionSet:"sales",attributes:[{name:"team",value:"north"},{name:"region",value:%q}]){user{id}}}`, d.id(t, "nora"), name)
	}
	t.Cleanup(func() { region("EMEA") })
	said("without a phone", false)
	update("priya", fmt.Sprintf(`phone:%q`, phone))
	d.ok(t, "nora", `mutation{addCustomerComment(id:%q text:"called"){id}}`, customer)
	said("with one", false)
	update("priya", `region:"EMEA"`)
	said("in Nora's region", true)
	a := warm.ok(t, "nora", `mutation{a:updateCustomer(id:%q input:{region:"AMER"}){customer{phone phoneCopy region}} b:updateCustomer(id:%q input:{notes:"x"}){customer{phone phoneCopy region}}}`, customer, customer)
	for _, at := range []string{"a", "b"} {
		if a.at(at+".customer.region") != "AMER" || a.at(at+".customer.phone") != nil || a.at(at+".customer.phoneCopy") != nil {
			t.Errorf("%s, of the change that masks it: %v", at, a.Data)
		}
	}
	said("and out of it by Nora", false)
	if a := update("nora", `region:"EMEA"`); len(a.Errors) == 0 {
		t.Errorf("Nora uncovers a masked cell: %v", a.Data)
	}
	region("AMER")
	said("Nora moved after it", true)
	region("EMEA")
	said("and back", false)
	region("AMER")
	d.swapMask(t, rule, func() { said("a version that hides all", false) })
	said("the first version again", true)
}

// swapMask lets a version decide that hides every phone, for as long as during runs.
func (d *demoServer) swapMask(t *testing.T, rule string, during func()) {
	t.Helper()
	module, err := rules.Embed(guest{}.build(), []byte(`{"abi":1,"form":"Customer","effect":"mask","viewer":[{"name":"region","type":"choice"}],"record":[{"name":"region","type":"choice"}],"mask":["phone"]}`))
	if err != nil {
		t.Fatal(err)
	}
	hash := d.putRule(t, "/apps/sales/rules/"+rule, module)
	d.manage(t, "mei", `mutation{bindRuleModule(application:"sales",rule:%q,module:%q){rule{name}} activateRule(application:"sales",rule:%q){rule{name}}}`, rule, hash, rule)
	back := func() {
		d.manage(t, "mei", `mutation{rollbackRule(application:"sales",rule:%q,version:1){rule{name}}}`, rule)
	}
	t.Cleanup(back)
	during()
	back()
}
