package main

import (
	"strings"
	"testing"
)

// fillReports keeps reports: two of ann's that name what eve may not see, one of
// ann's and one of bob's that eve may read.
func (v *vault) fillReports() {
	keep := func(who, input string) string {
		return v.must(who, vaultPath, `mutation{createReportOfFolder(input:{%s}){id}}`, input).at("createReportOfFolder.id").(string)
	}
	v.values["secretReport"] = keep("ann", `name:"CANARY-R1",where:{secret:{isNull:false}}`)
	v.values["personalReport"] = keep("ann", `name:"CANARY-R2",columns:[title,ssn]`)
	v.values["masksReport"] = keep("ann", `name:"notes",where:{note:{isNull:false}},orderBy:[{field:note}]`)
	v.values["bobsReport"] = keep("bob", `name:"titles",where:{title:{ne:"nothing"}}`)
}

func reported(key, head, list, tail string) map[string][]attack {
	use := func(more string) string {
		return head + list + `(report:"@"` + more + `){totalCount nodes{id title}}` + tail
	}
	return map[string][]attack{key: {
		{class: "B11", send: use(""), right: "<secretReport>", wrong: "<absent>"},
		{class: "B11", send: use(`,where:{title:{isNull:false}}`), right: "<personalReport>", wrong: "<absent>"},
		{class: "B15", send: use(""), right: "<bobs>", wrong: "<absent>", told: true},
	}}
}

// showsOwnReach: with a report of bob's eve lists what she lists without, and one
// whose filter reads a masked field finds nothing.
func showsOwnReach(t *testing.T, v *vault) {
	plain, _ := v.listOf(t, "eve", `{folders(first:100){nodes{id}}}`, "folders")
	with, _ := v.listOf(t, "eve", `{folders(first:100,report:"<bobsReport>"){nodes{id}}}`, "folders")
	if len(plain) == 0 || len(with) != len(plain) {
		t.Errorf("%d folders, %d in the report", len(plain), len(with))
	}
	masked, _ := v.listOf(t, "eve", `{folders(first:100,report:"<masksReport>"){nodes{id}}}`, "folders")
	all, _ := v.listOf(t, "ann", `{folders(first:100,report:"<masksReport>"){nodes{id}}}`, "folders")
	if len(masked) != 0 || len(all) == 0 {
		t.Errorf("%d folders by a masked field, for the super admin %d", len(masked), len(all))
	}
}

func reportsListed(t *testing.T, v *vault) {
	a := v.ask("eve", `{createdReports{id name where columns viewerCanUpdate maker{id}}}`)
	if len(a.Errors) > 0 || len(a.list("createdReports")) != 2 {
		t.Fatalf("%+v", a)
	}
	for _, r := range a.list("createdReports") {
		if m := r.(map[string]any); m["viewerCanUpdate"] != false || strings.Contains(m["name"].(string), secretMark) {
			t.Errorf("%v", m)
		}
	}
}

var reportAttacks = joined(
	reported("app Query.folders", "{", "folders", "}"),
	map[string][]attack{
		"app Query.folders": {{class: "B11", by: showsOwnReach}},
		"app Query.createdReports": {
			{class: "B11", by: reportsListed}, {class: "B03", by: reportsListed},
			{class: "B15", send: `{createdReports(form:"@"){id}}`, right: "Ledger", wrong: "Ledgez", told: true},
			noField("B09", `{createdReports{maker{@}}}`, "email"),
		},
		"app Mutation.createReportOfFolder": {
			names("B01", `mutation{createReportOfFolder(input:{name:"x",where:{@:{isNull:true}}}){id}}`, "secret"),
			names("B02", `mutation{createReportOfFolder(input:{name:"x",orderBy:[{field:@}]}){id}}`, "ssn"),
			names("B05", `mutation{createReportOfFolder(input:{name:"x",columns:[@]}){id}}`, "secret"),
			names("B13", `mutation{createReportOfFolder(input:{name:"x",where:{@:{entry:{eq:"x"}}}}){id}}`, "ledger"),
			noField("B14", `mutation{createReportOfFolder(input:{name:"x",@:null}){id}}`, "maker"),
		},
		"app Mutation.updateReportOfFolder": {
			{class: "B15", send: `mutation{updateReportOfFolder(id:"@",input:{name:"x"}){id}}`, right: "<secretReport>", wrong: "<absent>", code: "NOT_FOUND"},
			{class: "B21", send: `mutation{updateReportOfFolder(id:"<bobsReport>",input:{name:"x"}){id}}`, code: "FORBIDDEN"},
			names("B01", `mutation{updateReportOfFolder(id:"<bobsReport>",input:{where:{@:{isNull:true}}}){id}}`, "secret"),
			noField("B14", `mutation{updateReportOfFolder(id:"<bobsReport>",input:{@:null}){id}}`, "maker"),
		},
		"app Mutation.deleteReportOfFolder": {
			{class: "B15", send: `mutation{deleteReportOfFolder(id:"@"){id}}`, right: "<personalReport>", wrong: "<absent>", code: "NOT_FOUND"},
			{class: "B21", send: `mutation{deleteReportOfFolder(id:"<bobsReport>"){id}}`, code: "FORBIDDEN"},
		},
		// The set of eve gives no CREATE_REPORT on sheets, and ledgers are not hers.
		"app Mutation.createReportOfSheet":  unknownField(`mutation{@(input:{name:"x"}){id}}`, "createReportOfSheet"),
		"app Mutation.updateReportOfSheet":  unknownField(`mutation{@(id:"<bobsReport>",input:{name:"x"}){id}}`, "updateReportOfSheet"),
		"app Mutation.deleteReportOfSheet":  unknownField(`mutation{@(id:"<bobsReport>"){id}}`, "deleteReportOfSheet"),
		"app Mutation.createReportOfLedger": unknownField(`mutation{@(input:{name:"x"}){id}}`, "createReportOfLedger"),
		"app Mutation.updateReportOfLedger": unknownField(`mutation{@(id:"<bobsReport>",input:{name:"x"}){id}}`, "updateReportOfLedger"),
		"app Mutation.deleteReportOfLedger": unknownField(`mutation{@(id:"<bobsReport>"){id}}`, "deleteReportOfLedger"),
	},
)
