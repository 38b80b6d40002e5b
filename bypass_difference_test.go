package main

import (
	"net/http"
	"strings"
	"testing"
)

// fillDifferences keeps a difference of ann's that names what eve may not see.
func (v *vault) fillDifferences() {
	v.values["difference"] = v.must("ann", managePath, `mutation{compareAccess(application:"vault",input:{assignments:[{user:%q,unassign:true}]}){difference{id}}}`, v.values["eve"]).
		at("compareAccess.difference.id").(string)
	for v.must("ann", managePath, `{accessDifference(id:%q){state}}`, v.values["difference"]).at("accessDifference.state") == "RUNNING" {
		continue
	}
}

// compares is a mutation that compares what stands in the input.
func compares(input string) string {
	return `mutation{compareAccess(application:"vault",input:{` + input + `}){difference{id state}}}`
}

const rowsPath = "/apps/{application}/access-differences/"

var differenceAttacks = joined(
	map[string][]attack{
		"manage Mutation.compareAccess": append(barred(compares(`assignments:[{user:"@",role:"CEO"}]`), "<eve>", "<absent>"),
			attack{class: "B01", send: compares(`rules:[{rule:"@"}]`), right: "notes-covered", wrong: "notes-coverez", code: "FORBIDDEN"},
			attack{class: "B09", send: compares(`@`), right: "version: 1", wrong: "version: 99", code: "FORBIDDEN"},
			attack{class: "B09", send: compares(`definition:"application: @"`), right: "vault", wrong: "vaulz", code: "FORBIDDEN", told: true},
			attack{class: "B15", send: `mutation{compareAccess(application:"@",input:{}){difference{id}}}`, right: "sales", wrong: "salez", code: "NOT_FOUND", told: true},
			noField("B14", `mutation{compareAccess(application:"vault",input:{@:null}){difference{id}}}`, "approval"),
			noField("B14", `mutation{compareAccess(application:"vault",input:{@:null}){difference{id}}}`, "asker"),
			attack{class: "B08", by: comparesNothing},
		),
		"manage Query.accessDifference": {
			{class: "B09", send: `{accessDifference(id:"@"){id state result{records}}}`, right: "<difference>", wrong: "<absent>"},
			{class: "B15", send: `{accessDifference(id:"@"){id asker{name} definition}}`, right: "<difference>", wrong: "<absent>"},
			{class: "B03", send: `{accessDifference(id:"@"){progress{done total}}}`, right: "<difference>", wrong: "<absent>", told: true},
		},
		"manage Query.accessDifferences": append(barred(`{accessDifferences(application:"vault"){id}}`, "", ""),
			attack{class: "B15", send: `{accessDifferences(application:"@"){id}}`, right: "sales", wrong: "salez", code: "NOT_FOUND", told: true}),
		"manage Mutation.cancelDifference":  absentDifference(`mutation{cancelDifference(id:"@"){difference{id}}}`),
		"manage Mutation.reviewDifference":  absentDifference(`mutation{reviewDifference(id:"@"){difference{id}}}`),
		"manage Mutation.approveDifference": absentDifference(`mutation{approveDifference(id:"@"){difference{id}}}`),
		"manage Mutation.applyDefinition":   barred(`mutation{applyDefinition(yaml:"application: vault",difference:"@"){application{name}}}`, "<difference>", "<absent>"),
		"manage Mutation.activateRule":      barred(`mutation{activateRule(application:"vault",rule:"notes-covered",difference:"@"){rule{name}}}`, "<difference>", "<absent>"),

		"route POST /definition/compare": {
			{class: "B15", by: func(t *testing.T, v *vault) {
				v.foreignIsAbsent(t, "POST", "/definition/compare", "application/yaml", "application: @")
			}},
			{class: "B23", by: func(t *testing.T, v *vault) {
				v.endedIsRefused(t, "POST", "/definition/compare", "application/yaml", "application: @")
			}},
		},
		"route " + rowsPath:            rowsAttacks,
		"route " + rowsPath + "{file}": append(rowsAttacks, attack{class: "B10", by: rowsAreTheAskers}),
	},
)

// absentDifference: of somebody else's difference there is nothing to do, to look
// at or to approve.
func absentDifference(send string) []attack {
	return []attack{
		{class: "B09", send: send, right: "<difference>", wrong: "<absent>", code: "NOT_FOUND"},
		{class: "B15", send: send, right: "<difference>", wrong: "<absent>", code: "NOT_FOUND"},
	}
}

// rowsAttacks are made on the route of rows, by people from elsewhere and with
// sessions that ended.
var rowsAttacks = []attack{
	{class: "B15", by: func(t *testing.T, v *vault) {
		v.foreignIsAbsent(t, "GET", "/apps/@/access-differences/"+v.values["difference"]+".csv", "", "")
	}},
	{class: "B23", by: func(t *testing.T, v *vault) {
		v.endedIsRefused(t, "GET", "/apps/@/access-differences/"+v.values["difference"]+".csv", "", "")
	}},
}

// rowsAreTheAskers: nobody else is given the rows, and an id of another
// application is none.
func rowsAreTheAskers(t *testing.T, v *vault) {
	of := func(who, application, id string) (int, string) {
		status, b := v.do(t, call{method: "GET", path: "/apps/" + application + "/access-differences/" + id + ".csv", token: v.tokens[who]})
		return status, strings.ReplaceAll(string(b), id, "@")
	}
	id := v.values["difference"]
	if status, b := of("ann", "vault", id); status != http.StatusOK || !strings.Contains(b, "eve") {
		t.Errorf("the asker: %d %s", status, b)
	}
	if status, _ := of("ann", "other", id); status != http.StatusNotFound {
		t.Errorf("through another application: %d", status)
	}
	for _, who := range []string{"eve", "dan", "bob", "new"} {
		got, b := of(who, "vault", id)
		none, c := of(who, "vault", nobody)
		if got != http.StatusNotFound || none != got || b != c {
			t.Errorf("%s: %d %s, of none %d %s", who, got, b, none, c)
		}
	}
}

// comparesNothing: who was refused has left no difference behind.
func comparesNothing(t *testing.T, v *vault) {
	v.ask("eve", `{__typename}`)
	if n := len(v.must("ann", managePath, `{accessDifferences(application:"vault"){id}}`).list("accessDifferences")); n != 1 {
		t.Errorf("%d differences, ann asked for one", n)
	}
}
