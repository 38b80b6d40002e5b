package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// attacks are by path. Their order within a path does not matter.
var attacks = joined(
	searchAttacks,
	folderLists("app Query.folders", "{", "folders", "}"),
	folderLists("app Query.highFolders", "{", "highFolders", "}"),
	folderLists("app Folder.folders", `{folder(id:"<eves>"){`, "folders", "}}"),
	sheetLists("app Query.sheets", "{", "sheets", "}"),
	sheetLists("app Folder.sheets", `{folder(id:"<eves>"){`, "sheets", "}}"),
	differenceAttacks,
	toolAttacks, ledgerPaths, singleReads, folderWrites, sheetWrites, managementReads, managementWrites, routeAttacks, formulaAttacks, talkReads, talkWrites, reportAttacks, bulkWrites, fileAttacks, pageAttacks, pageRoutes, further,
	aggregateAttacks, liveAttacks,
	reviewAttacks, explainAttacks, viewAsAttacks, recallAttacks, permTestAttacks,
	versionAttacks, ruleLogAttacks, shadowAttacks, quarantineAttacks,
)

// harmlessPaths lead to nothing that anybody could lack the right to see.
var harmlessPaths = map[string]string{
	"app Query._schemaVersion":         "a fingerprint of the viewer's own schema",
	"manage Mutation.signOut":          "ends one's own session",
	"manage Query.organization":        "the name that one signs in with",
	"route /":                          "answers 404, or hands on to the management routes below",
	"route /apps/{application}/files/": "hands on to the routes of files",
	"route GET /healthz":               "says that the process runs",
	"route GET /readyz":                "says that the store is open",
	"route GET /{$}":                   "leads to the playground, which holds no data",
}

// excused are demands that do not apply, by class and path, with the reason.
var excused = map[string]string{
	"B25 app Query.members": "people are in memory, and as many lists of them as a document has room for stay within the budget",
	"B23 route /metrics":    "it is on a listener of its own, which takes no credentials",
}

// nowhere are classes that no path could be attacked in, with the reason.
var nowhere = map[string]string{
	"B16": "the server opens no connection to anybody",
}

func joined(parts ...map[string][]attack) map[string][]attack {
	out := map[string][]attack{}
	for _, p := range parts {
		for key, list := range p {
			out[key] = append(out[key], list...)
		}
	}
	return out
}

// names guesses whether a name exists: the wrong one is as long.
func names(class, send, name string) attack {
	wrong := name[:len(name)-1] + "z"
	return attack{class: class, send: send, right: name, wrong: wrong}
}

// noField guesses the name of something stored that no schema has.
func noField(class, send, name string) attack {
	a := names(class, send, name)
	a.told = true
	return a
}

// folderLists attacks a list of folders, which stands between head and tail.
func folderLists(key, head, list, tail string) map[string][]attack {
	q := func(args, selection string) string { return head + list + "(" + args + "){" + selection + "}" + tail }
	where := func(filter string) string { return q("where:{"+filter+"}", "totalCount nodes{id}") }
	out := []attack{
		{class: "B01", send: where(`secret:{eq:"@"}`), right: "CANARY-S-EVE", wrong: "CANARY-S-XYZ", code: "BAD_USER_INPUT"},
		{class: "B01", send: where(`ssn:{startsWith:"@"}`), right: "CANARY-P", wrong: "CANARY-Q", code: "BAD_USER_INPUT"},
		{class: "B01", send: where(`note:{eq:"@"}`), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B01", send: where(`note:{gte:"@"}`), right: "CANARY-N", wrong: "ZZZZZZZZ"},
		{class: "B01", send: where(`note:{isNull:@}`), right: "false", wrong: "false", told: true},
		{class: "B01", send: where(`or:[{note:{contains:"@"}},{title:{eq:"nothing"}}]`), right: "CANARY-N", wrong: "CANARY-Q"},
		names("B01", where("@:{isNull:true}"), "secret"),
		names("B01", where("@:{isNull:true}"), "ssn"),
		names("B01", where("and:[{not:{@:{isNull:true}}}]"), "secret"),
		{class: "B01", send: head + list + `(where:$w){totalCount}` + tail, vars: `{"w":{"@":{"eq":"x"}}}`, right: "secret", wrong: "secrez", told: true},
		names("B02", q("orderBy:[{field:@}]", "nodes{id}"), "secret"),
		names("B02", q("orderBy:[{field:@}]", "nodes{id}"), "ssn"),
		names("B05", q("first:5", "nodes{...on Folder{@}}"), "secret"),
		names("B05", q("first:5", "edges{node{@}}"), "ssn"),
		names("B05", q("first:5", "nodes{ledger{@}}"), "entry"),
		{class: "B04", send: q(`after:"@"`, "nodes{id}"), right: "<cursor of bob>", wrong: "<cursor of ann>", code: "BAD_USER_INPUT", told: true},
		{class: "B04", send: q(`last:3,before:"@"`, "nodes{id} pageInfo{hasPreviousPage hasNextPage}"), right: "<cursor of bob>", wrong: "<cursor of ann>", code: "BAD_USER_INPUT", told: true},
		{class: "B13", send: where(`related:{title:{eq:"@"}}`), right: "CANARY-TITLE", wrong: "CANARY-XXXXX"},
		{class: "B13", send: where(`related:{id:{eq:"@"}}`), right: "<bobs>", wrong: "<absent>"},
		{class: "B13", send: where(`related:{related:{title:{eq:"@"}}}`), right: "CANARY-TITLE", wrong: "CANARY-XXXXX", told: true},
		names("B13", where("@:{entry:{isNull:false}}"), "ledger"),
		names("B13", where("@:{isNull:true}"), "owner"),
		{class: "B13", send: where(`sheets:{some:{name:{eq:"@"}}}`), right: "CANARY-SHEET", wrong: "CANARY-XXXXX"},
		{class: "B13", send: where(`sheets:{some:{id:{eq:"@"}}}`), right: "<bobsSheet>", wrong: "<absent>"},
		{class: "B13", send: where(`folders:{some:{note:{eq:"@"}}}`), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B13", send: where(`sheets:{some:{folder:{note:{eq:"@"}}}}`), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ", told: true},
		{class: "B18", send: where(`sheets:{none:{name:{eq:"@"}}}`), right: "CANARY-SHEET", wrong: "CANARY-XXXXX"},
		{class: "B18", send: where(`not:{sheets:{every:{name:{ne:"@"}}}}`), right: "CANARY-SHEET", wrong: "CANARY-XXXXX"},
		names("B13", where("folders:{some:{@:{isNull:true}}}"), "secret"),
		names("B13", where("sheets:{none:{folder:{@:{isNull:true}}}}"), "ssn"),
		names("B02", q("orderBy:[{related:{field:@}}]", "nodes{id}"), "secret"),
		names("B02", q("orderBy:[{@:{field:entry}}]", "nodes{id}"), "ledger"),
		{class: "B18", send: where(`not:{related:{title:{eq:"@"}}}`), right: "CANARY-TITLE", wrong: "CANARY-XXXXX"},
		{class: "B18", send: where(`note:{ne:"@"}`), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B18", send: where(`note:{notIn:["@"]}`), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B03", by: func(t *testing.T, v *vault) { v.countsWhatItLists(t, q("first:100", "totalCount nodes{id}"), list) }},
		{class: "B19", by: func(t *testing.T, v *vault) { v.listIsGet(t, q("first:100", "nodes{id}"), list, "folder") }},
		{class: "B02", by: func(t *testing.T, v *vault) { v.orderTellsNothing(t, head, list, tail) }},
		{class: "B20", by: func(t *testing.T, v *vault) { v.cursorIsBound(t, head, list, tail) }},
		{class: "B25", by: func(t *testing.T, v *vault) { v.aliasesAreCounted(t, head, list, tail) }},
	}
	out = append(out, rivalAttacks(where)...)
	for i := range out { // a filter in a variable
		if out[i].vars != "" {
			out[i].send = "query($w:FolderFilter)" + out[i].send
		}
	}
	return map[string][]attack{key: quiet(key, out)}
}

// quiet marks what tells the super admin nothing either: reached by the folder
// that eve owns there is only what leads to it, which is nothing.
func quiet(key string, list []attack) []attack {
	for i := range list {
		list[i].told = list[i].told || strings.HasPrefix(key, "app Folder.") && list[i].by == nil
	}
	return list
}

func sheetLists(key, head, list, tail string) map[string][]attack {
	q := func(args, selection string) string { return head + list + "(" + args + "){" + selection + "}" + tail }
	where := func(filter string) string { return q("where:{"+filter+"}", "totalCount nodes{id}") }
	return map[string][]attack{key: quiet(strings.Replace(key, "sheets", "folders", 1), []attack{
		{class: "B01", send: where(`name:{eq:"@"}`), right: "CANARY-SHEET", wrong: "CANARY-XXXXX"},
		{class: "B01", send: where(`folder:{secret:{eq:"@"}}`), right: "CANARY-S-EVE", wrong: "CANARY-S-XYZ", code: "BAD_USER_INPUT"},
		{class: "B13", send: where(`folder:{title:{eq:"@"}}`), right: "CANARY-TITLE", wrong: "CANARY-XXXXX"},
		{class: "B13", send: where(`folder:{note:{eq:"@"}}`), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B18", send: where(`not:{folder:{note:{eq:"@"}}}`), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		noField("B02", q("orderBy:[{field:@}]", "nodes{id}"), "folder"),
		names("B05", q("first:5", "nodes{folder{@}}"), "secret"),
		{class: "B04", send: q(`after:"@"`, "nodes{id}"), right: "<cursor of bob>", wrong: "<cursor of eve>", code: "BAD_USER_INPUT", told: true},
		{class: "B04", send: q(`first:3,before:"@"`, "nodes{id}"), right: "<cursor of bob>", wrong: "<cursor of eve>", code: "BAD_USER_INPUT", told: true},
		{class: "B03", by: func(t *testing.T, v *vault) { v.countsWhatItLists(t, q("first:100", "totalCount nodes{id}"), list) }},
		{class: "B19", by: func(t *testing.T, v *vault) { v.listIsGet(t, q("first:100", "nodes{id}"), list, "sheet") }},
		{class: "B20", by: func(t *testing.T, v *vault) { v.cursorIsBound(t, head, list, tail) }},
		{class: "B25", by: func(t *testing.T, v *vault) { v.aliasesAreCounted(t, head, list, tail) }},
	})}
}

// unknownField is what eve must hear of a field that exists for others: that
// there is none.
func unknownField(send, name string) []attack {
	var out []attack
	for _, class := range []string{"B01", "B02", "B03", "B04", "B05", "B13", "B14", "B15", "B18", "B19", "B20", "B25"} {
		a := names(class, send, name)
		a.code = "BAD_USER_INPUT"
		out = append(out, a)
	}
	return out
}

// ledgerPaths are those of a form that eve's set does not open.
var ledgerPaths = map[string][]attack{
	"app Query.ledger":          unknownField(`{@(id:"<ledger>"){id}}`, "ledger"),
	"app Query.ledgers":         unknownField(`{@(first:1){totalCount}}`, "ledgers"),
	"app Folder.ledger":         unknownField(`{folder(id:"<eves>"){@{id}}}`, "ledger"),
	"app Mutation.createLedger": unknownField(`mutation{@(input:{entry:"x"}){id}}`, "createLedger"),
	"app Mutation.updateLedger": unknownField(`mutation{@(id:"<ledger>",input:{entry:"x"}){id}}`, "updateLedger"),
	"app Mutation.deleteLedger": unknownField(`mutation{@(id:"<ledger>"){id}}`, "deleteLedger"),
	"app Ledger.folders":        unknownField(`{...on @{folders{totalCount}}}`, "Ledger"),
	"app Ledger.owner":          unknownField(`{...on @{owner{id}}}`, "Ledger"),
	"app Ledger.addedBy":        unknownField(`{...on @{addedBy{id}}}`, "Ledger"),
	"app Ledger.modifiedBy":     unknownField(`{...on @{modifiedBy{id}}}`, "Ledger"),
}

var singleReads = map[string][]attack{
	"app Query.folder": {
		{class: "B15", send: `{folder(id:"@"){id title}}`, right: "<bobs>", wrong: "<absent>"},
		{class: "B15", send: `{folder(id:"@"){id title}}`, right: "<gone>", wrong: "<absent>", told: true},
		{class: "B15", send: `{folder(id:"@"){id}}`, right: "<bobsSheet>", wrong: "<absent>", told: true},
		names("B05", `{folder(id:"<eves>"){@}}`, "secret"),
		names("B05", `{folder(id:"<eves>"){...on Node{id} @}}`, "secret"),
		{class: "B22", send: `{folder(id:"@"){id}}`, right: "<half>", wrong: "<absent>"},
	},
	"app Query.sheet": {
		{class: "B15", send: `{sheet(id:"@"){id name folder{title}}}`, right: "<bobsSheet>", wrong: "<absent>"},
		names("B05", `{sheet(id:"<evesSheet>"){folder{@}}}`, "secret"),
	},
	"app Query.node":  nodeAttacks(`node(id:"@")`, `node(id:"<eves>")`),
	"app Query.nodes": nodeAttacks(`nodes(ids:["<eves>","@"])`, `nodes(ids:["<absent>","<eves>"])`),
	"app Folder.related": {
		{class: "B05", by: func(t *testing.T, v *vault) {
			if a := v.ask("eve", v.put(`{folder(id:"<eves>"){related{id title}}}`)); len(a.Errors) > 0 || a.at("folder.related") != nil || a.at("folder") == nil {
				t.Errorf("a lookup out of reach: %+v", a)
			}
		}},
		names("B05", `{folder(id:"<eves>"){related{@}}}`, "secret"),
	},
	"app Folder.rivals":     {{class: "B05", by: rivalsAreUnseen}, names("B05", `{folder(id:"<eves>"){rivals{@}}}`, "secret")},
	"app Sheet.folder":      {names("B05", `{sheets{nodes{folder{@}}}}`, "ssn")},
	"app Folder.keeper":     {noField("B09", `{folders{nodes{keeper{@}}}}`, "email")},
	"app Folder.owner":      {names("B05", `{folders{nodes{@{id}}}}`, "owner")},
	"app Folder.addedBy":    {names("B05", `{folders{nodes{@{id}}}}`, "addedBy")},
	"app Folder.modifiedBy": {names("B05", `{folders{nodes{@{id}}}}`, "modifiedBy")},
	"app Sheet.owner":       {noField("B09", `{sheets{nodes{owner{@}}}}`, "email")},
	"app Sheet.addedBy":     {names("B05", `{sheets{nodes{@{id}}}}`, "addedBy")},
	"app Sheet.modifiedBy":  {names("B05", `{sheets{nodes{@{id}}}}`, "modifiedBy")},
	"app Query.members": {
		noField("B09", `{members{nodes{@}}}`, "email"),
		{class: "B03", by: membersAreActive}, {class: "B19", by: membersAreActive},
		{class: "B04", send: `{members(after:"@"){nodes{id}}}`, right: "<cursor of eve>", wrong: "<cursor of bob>", code: "BAD_USER_INPUT", told: true},
		{class: "B20", send: `{members(after:"@"){nodes{id}}}`, right: "<cursor of eve>", wrong: "<cursor of ann>", code: "BAD_USER_INPUT", told: true},
		{class: "B04", send: `{members(last:1,before:"@"){nodes{id}}}`, right: "<cursor of eve>", wrong: "<cursor of bob>", code: "BAD_USER_INPUT", told: true},
		{class: "B20", send: `{members(last:1,before:"@"){nodes{id}}}`, right: "<cursor of eve>", wrong: "<cursor of ann>", code: "BAD_USER_INPUT", told: true},
	},
	"app Query.me": {
		{class: "B08", by: func(t *testing.T, v *vault) {
			a := v.ask("eve", `{me{id displayName kind role permissionSet application rights{component kind actions}}}`)
			if a.at("me.kind") != "LIVE" || a.at("me.id") != v.values["eve"] || len(a.list("me.rights")) == 0 {
				t.Errorf("%+v", a)
			}
			for _, r := range a.list("me.rights") {
				if name := r.(map[string]any)["component"]; strings.Contains(strings.ToLower(fmt.Sprint(name)), "ledger") {
					t.Errorf("me names %v", name)
				}
			}
		}},
		noField("B09", `{me{@}}`, "email"),
	},
}

// systemFields attacks an input with each system field, and with fields that
// eve may not write. The super admin is told the same.
func systemFields(mutation string) []attack {
	var out []attack
	for _, name := range []string{"_id", "owner", "addedBy", "addedTime", "modifiedBy", "modifiedTime", "version", "secret", "ssn", "keeper", "level", "ledger", "__typename"} {
		out = append(out, attack{class: "B14", send: fmt.Sprintf(mutation, `@:null`), right: name, wrong: name[:len(name)-1] + "q", code: "BAD_USER_INPUT"})
	}
	return append(out, attack{class: "B14", send: fmt.Sprintf(mutation, `title:"x",owner:"@"`), right: "<ann>", wrong: "<absent>", code: "BAD_USER_INPUT"})
}

var folderWrites = map[string][]attack{
	"app Mutation.createFolder": slices.Concat(systemFields(`mutation{createFolder(input:{%s}){id}}`), []attack{
		{class: "B15", send: `mutation{createFolder(input:{title:"x",related:"@"}){id}}`, right: "<bobs>", wrong: "<absent>", code: "BAD_USER_INPUT"},
		{class: "B15", send: `mutation{createFolder(input:{title:"x",code:"@"}){id}}`, right: "CODE-BOB", wrong: "CODE-EVE", code: "CONFLICT"},
		names("B05", `mutation{createFolder(input:{title:"x"}){folder{@}}}`, "secret"),
	}),
	"app Mutation.updateFolder": slices.Concat(systemFields(`mutation{updateFolder(id:"<eves>",input:{%s}){id}}`), []attack{
		{class: "B15", send: `mutation{updateFolder(id:"@",input:{title:"x"}){id}}`, right: "<bobs>", wrong: "<absent>", code: "NOT_FOUND"},
		{class: "B15", send: `mutation{updateFolder(id:"@",input:{title:null},ifVersion:77){id}}`, right: "<bobs>", wrong: "<absent>", code: "NOT_FOUND"},
		{class: "B15", send: `mutation{updateFolder(id:"@",input:{code:"CODE-EVE"}){id}}`, right: "<bobs>", wrong: "<absent>", code: "NOT_FOUND"},
		{class: "B15", send: `mutation{updateFolder(id:"<eves>",input:{related:"@"}){id}}`, right: "<bobs>", wrong: "<absent>", code: "BAD_USER_INPUT"},
		{class: "B15", send: `mutation{updateFolder(id:"<eves>",input:{rivals:["@"]}){id}}`, right: "<bobs>", wrong: "<absent>", code: "BAD_USER_INPUT"},
		{class: "B15", send: `mutation{updateFolder(id:"<eves>",input:{note:"@"}){id}}`, right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ", code: "FORBIDDEN"},
		{class: "B21", send: `mutation{updateFolder(id:"@",input:{title:"x"}){id}}`, right: "<shared>", wrong: "<shared>", code: "FORBIDDEN"},
		names("B05", `mutation{updateFolder(id:"<eves>",input:{title:"mine"}){folder{@}}}`, "secret"),
	}),
	"app Mutation.deleteFolder": {
		{class: "B15", send: `mutation{deleteFolder(id:"@"){id}}`, right: "<bobs>", wrong: "<absent>", code: "NOT_FOUND"},
		{class: "B15", send: `mutation{deleteFolder(id:"@",ifVersion:77){id}}`, right: "<bobs>", wrong: "<absent>", code: "NOT_FOUND"},
		{class: "B15", send: `mutation{deleteFolder(id:"@"){id}}`, right: "<bobsSheet>", wrong: "<absent>", code: "NOT_FOUND"},
		{class: "B21", send: `mutation{deleteFolder(id:"@"){id}}`, right: "<shared>", wrong: "<shared>", code: "FORBIDDEN"},
	},
}

var sheetWrites = map[string][]attack{
	"app Mutation.createSheet": {
		{class: "B15", send: `mutation{createSheet(input:{folder:"@",name:"x"}){id}}`, right: "<bobs>", wrong: "<absent>", code: "BAD_USER_INPUT"},
		{class: "B14", send: `mutation{createSheet(input:{folder:"<eves>",name:"x",owner:"@"}){id}}`, right: "<bob>", wrong: "<absent>", code: "BAD_USER_INPUT"},
		{class: "B21", send: `mutation{createSheet(input:{folder:"@",name:"x"}){id}}`, right: "<shared>", wrong: "<shared>", code: "FORBIDDEN"},
		names("B05", `mutation{createSheet(input:{folder:"<eves>",name:"x"}){sheet{folder{@}}}}`, "secret"),
	},
	"app Mutation.updateSheet": {
		{class: "B15", send: `mutation{updateSheet(id:"@",input:{name:"x"}){id}}`, right: "<bobsSheet>", wrong: "<absent>", code: "NOT_FOUND"},
		{class: "B15", send: `mutation{updateSheet(id:"<evesSheet>",input:{folder:"@"}){id}}`, right: "<bobs>", wrong: "<absent>", code: "BAD_USER_INPUT"},
		{class: "B14", send: `mutation{updateSheet(id:"<evesSheet>",input:{@:null}){id}}`, right: "owner", wrong: "ownez", code: "BAD_USER_INPUT"},
		names("B05", `mutation{updateSheet(id:"<evesSheet>",input:{name:"file"}){sheet{folder{@}}}}`, "secret"),
	},
	"app Mutation.deleteSheet": {
		{class: "B15", send: `mutation{deleteSheet(id:"@"){id}}`, right: "<bobsSheet>", wrong: "<absent>", code: "NOT_FOUND"},
	},
}

// barred is a field of the management API that eve may not use, whatever she
// guesses.
func barred(send, right, wrong string) []attack {
	a := attack{class: "B09", send: send, right: right, wrong: wrong, code: "FORBIDDEN"}
	b := a
	b.class = "B15"
	return []attack{a, b}
}

var managementReads = map[string][]attack{
	"manage Query.me":              {noField("B09", `{me{user{@}}}`, "password"), noField("B08", `{me{user{@}}}`, "generation")},
	"manage Query.applications":    {{class: "B09", by: onlyTheVault}},
	"manage Query.application":     {{class: "B09", send: `{application(name:"@"){name version}}`, right: "sales", wrong: "salez", told: true}},
	"manage Query.users":           barred(`{users(search:"@"){nodes{id}}}`, "bob", "zzz"),
	"manage Query.user":            barred(`{user(id:"@"){id email}}`, "<bob>", "<absent>"),
	"manage Query.reassignments":   barred(`{reassignments{from to}}`, "", ""),
	"manage Query.checkDefinition": barred(`{checkDefinition(yaml:"application: vault"){faults{message}}}`, "", ""),
	"manage Query.ruleModules":     barred(`{ruleModules(application:"vault"){rules{name}}}`, "", ""),
}

var managementWrites = map[string][]attack{
	"manage Mutation.applyDefinition":    barred(`mutation{applyDefinition(yaml:"application: vault"){application{name}}}`, "", ""),
	"manage Mutation.createToken":        {{class: "B09", send: `mutation{createToken(label:"x",days:9999){id}}`, code: "BAD_USER_INPUT"}},
	"manage Mutation.revokeToken":        {{class: "B09", by: tokensOfOthers}, {class: "B15", by: tokensOfOthers}},
	"manage Mutation.changePassword":     {{class: "B09", send: `mutation{changePassword(old:"wrong",new:"another long password"){changed}}`}},
	"manage Mutation.addUser":            {{class: "B09", send: `mutation{addUser(input:{email:"@",displayName:"x"}){user{id}}}`, right: "bob@vault.example", wrong: "nil@vault.example", code: "FORBIDDEN"}, {class: "B14", send: `mutation{addUser(input:{email:"x@vault.example",displayName:"x",admin:true}){user{id}}}`, code: "FORBIDDEN"}},
	"manage Mutation.assignUser":         barred(`mutation{assignUser(application:"vault",user:"@",role:"CEO",permissionSet:"clerks"){user{id}}}`, "<eve>", "<absent>"),
	"manage Mutation.assignDeveloper":    barred(`mutation{assignDeveloper(application:"vault",user:"@"){user{id}}}`, "<eve>", "<absent>"),
	"manage Mutation.assignPortalUser":   barred(`mutation{assignPortalUser(application:"vault",user:"@",permissionSet:"Customer"){user{id}}}`, "<eve>", "<absent>"),
	"manage Mutation.deleteUser":         barred(`mutation{deleteUser(user:"@",reassignTo:"<eve>"){id}}`, "<bob>", "<absent>"),
	"manage Mutation.reassignRecords":    barred(`mutation{reassignRecords(application:"vault",from:"@",to:"<eve>"){reassignment{moved}}}`, "<bob>", "<absent>"),
	"manage Mutation.revokeCredentials":  barred(`mutation{revokeCredentials(user:"@"){user{id}}}`, "<bob>", "<absent>"),
	"manage Mutation.unassignUser":       barred(`mutation{unassignUser(application:"vault",user:"@"){user{id}}}`, "<bob>", "<absent>"),
	"manage Mutation.deactivateUser":     barred(`mutation{deactivateUser(user:"@"){user{id}}}`, "<bob>", "<absent>"),
	"manage Mutation.activateUser":       barred(`mutation{activateUser(user:"@"){user{id}}}`, "<bob>", "<absent>"),
	"manage Mutation.promoteAdmin":       barred(`mutation{promoteAdmin(user:"@"){user{id}}}`, "<eve>", "<absent>"),
	"manage Mutation.demoteAdmin":        barred(`mutation{demoteAdmin(user:"@"){user{id}}}`, "<ann>", "<absent>"),
	"manage Mutation.transferSuperAdmin": barred(`mutation{transferSuperAdmin(user:"@"){user{id}}}`, "<eve>", "<absent>"),
	"manage Mutation.setPassword":        barred(`mutation{setPassword(user:"@",password:"another long password"){user{id}}}`, "<ann>", "<absent>"),
	"manage Mutation.bindRuleModule":     barred(`mutation{bindRuleModule(application:"vault",rule:"@",module:"x"){rule{name}}}`, "notes-covered", "notes-coverez"),
	"manage Mutation.activateRule":       barred(`mutation{activateRule(application:"vault",rule:"@"){rule{name}}}`, "notes-covered", "notes-coverez"),
	"manage Mutation.deactivateRule":     barred(`mutation{deactivateRule(application:"vault",rule:"@"){rule{name}}}`, "notes-covered", "notes-coverez"),
	"manage Mutation.signIn":             {{class: "B09", by: signInTellsNothing}, {class: "B24", by: limitsHold}},
}

// membersAreActive: neither somebody without a place nor an address is offered.
func membersAreActive(t *testing.T, v *vault) {
	a := v.ask("eve", `{members(first:100){nodes{id displayName}}}`)
	if len(a.list("members.nodes")) != 5 {
		t.Errorf("%+v", a)
	}
	for _, n := range a.list("members.nodes") {
		if n.(map[string]any)["id"] == v.values["new"] {
			t.Error("somebody without a place is offered")
		}
	}
}

func onlyTheVault(t *testing.T, v *vault) {
	a := v.manage("eve", `{applications{name definition}}`)
	if len(a.list("applications")) != 1 || a.at("applications.0.name") != "vault" || a.at("applications.0.definition") != nil {
		t.Errorf("%+v", a)
	}
}

func tokensOfOthers(t *testing.T, v *vault) {
	theirs := v.manage("bob", `{me{credentials{id}}}`).at("me.credentials.0.id").(string)
	got := v.manage("eve", fmt.Sprintf(`mutation{revokeToken(id:%q){id}}`, theirs))
	none := v.manage("eve", fmt.Sprintf(`mutation{revokeToken(id:%q){id}}`, theirs[:len(theirs)-1]+"0"))
	if got.code() != "NOT_FOUND" || none.code() != got.code() || none.Errors[0].Message != got.Errors[0].Message {
		t.Errorf("another's %+v, none %+v", got, none)
	}
	if a := v.manage("bob", `{me{kind}}`); a.status != http.StatusOK {
		t.Error("bob's session is gone")
	}
}

// listOf returns the ids that a list shows, and its total.
func (v *vault) listOf(t *testing.T, who, query, list string) (ids []string, a answer) {
	t.Helper()
	a = v.ask(who, v.put(query))
	if len(a.Errors) > 0 {
		t.Fatalf("%s: %s: %+v", who, query, a.Errors)
	}
	nodes := a.list(list + ".nodes")
	if strings.HasPrefix(query, "{folder(") {
		nodes = a.list("folder." + list + ".nodes")
	}
	for _, n := range nodes {
		ids = append(ids, n.(map[string]any)["id"].(string))
	}
	return ids, a
}

func (v *vault) countsWhatItLists(t *testing.T, query, list string) {
	ids, a := v.listOf(t, "eve", query, list)
	total := a.count(list + ".totalCount")
	if strings.HasPrefix(query, "{folder(") {
		total = a.count("folder." + list + ".totalCount")
	}
	if total != len(ids) {
		t.Errorf("%d records, total %d", len(ids), total)
	}
	if slices.Contains(ids, v.values["bobs"]) || slices.Contains(ids, v.values["half"]) || slices.Contains(ids, v.values["bobsSheet"]) {
		t.Errorf("what is bob's is listed: %v", ids)
	}
}

// listIsGet holds that of what the super admin finds, eve can get just what she
// can list.
func (v *vault) listIsGet(t *testing.T, query, list, get string) {
	seen, _ := v.listOf(t, "eve", query, list)
	all, _ := v.listOf(t, "ann", query, list)
	whole := strings.HasPrefix(query, "{"+get+"s(")
	for _, id := range all {
		got := v.ask("eve", fmt.Sprintf(`{%s(id:%q){id}}`, get, id)).at(get) != nil
		if listed := slices.Contains(seen, id); got != listed && (whole || listed) {
			t.Errorf("%s: listed %v, got %v", id, listed, got)
		}
	}
}

// orderTellsNothing orders by a field whose cells are all masked for eve: both
// directions are those of the id.
func (v *vault) orderTellsNothing(t *testing.T, head, list, tail string) {
	for _, dir := range []string{"ASC", "DESC"} {
		byID, _ := v.listOf(t, "eve", fmt.Sprintf("%s%s(orderBy:[{field:id,direction:%s}]){nodes{id}}%s", head, list, dir, tail), list)
		for _, key := range []string{"{field:note,direction:%s}", "{related:{field:title,direction:%s}}", "{related:{field:id,direction:%s,nulls:FIRST}}", "{related:{related:{field:note,direction:%s}}}"} {
			by, _ := v.listOf(t, "eve", fmt.Sprintf("%s%s(orderBy:["+key+"]){nodes{id}}%s", head, list, dir, tail), list)
			if !slices.Equal(by, byID) {
				t.Errorf("by "+key+": %v, by id %v", dir, by, byID)
			}
		}
	}
}

// cursorIsBound takes a cursor to a list with another order or filter, and to
// another viewer.
func (v *vault) cursorIsBound(t *testing.T, head, list, tail string) {
	page := func(who, args string) answer {
		return v.ask(who, v.put(head+list+"("+args+"){pageInfo{endCursor hasPreviousPage}}"+tail))
	}
	at := list + ".pageInfo.endCursor"
	if strings.HasPrefix(head, "{folder(") {
		at = "folder." + at
	}
	own, ok := page("eve", "first:1").at(at).(string)
	if !ok { // nothing leads to her folder: a cursor of the whole list is as foreign
		own = v.values["cursor of eve"]
	}
	for _, c := range []struct{ who, args string }{
		{"eve", `orderBy:[{field:id,direction:DESC}]`}, {"eve", `where:{id:{ne:"<absent>"}}`}, {"bob", ""}, {"ann", ""},
	} {
		for _, window := range []string{"first:1,after", "last:1,before", "first:1,before", "last:1,after"} {
			if a := page(c.who, fmt.Sprintf("%s:%q,%s", window, own, c.args)); len(a.Errors) > 0 && a.code() != "BAD_USER_INPUT" || len(a.Errors) == 0 && a.at(at) != nil {
				t.Errorf("%s with %s: %+v", c.who, c.args, a)
			}
		}
	}
}

func (v *vault) aliasesAreCounted(t *testing.T, head, list, tail string) {
	var many strings.Builder
	for i := range 60 {
		fmt.Fprintf(&many, "a%d:%s(first:1000){...F} ", i, list)
	}
	form := "Folder"
	if list == "sheets" {
		form = "Sheet"
	}
	if a := v.ask("eve", v.put(head+many.String()+tail)+" fragment F on "+form+"Connection{nodes{id version addedTime modifiedTime viewerCanUpdate viewerCanDelete}}"); a.code() != "LIMIT_EXCEEDED" {
		t.Errorf("%d %+v", a.status, a.Errors)
	}
}

// further are attacks that need more than one document.
var further = map[string][]attack{
	"app Query.folders": {
		{class: "B17", by: func(t *testing.T, v *vault) {
			ids, _ := v.listOf(t, "dan", "{folders(first:100){nodes{id title level}}}", "folders")
			for _, name := range []string{"bobs", "eves", "half", "shared"} {
				if !slices.Contains(ids, v.values[name]) {
					t.Errorf("dan does not see %s", name)
				}
			}
			for _, name := range []string{"secret", "ssn", "ledger"} {
				if a := v.ask("dan", fmt.Sprintf("{folders{nodes{%s}}}", name)); a.code() != "BAD_USER_INPUT" || a.Data != nil {
					t.Errorf("dan reads %s: %+v", name, a)
				}
			}
			if a := v.ask("dan", `mutation{updateFolder(id:"`+v.values["bobs"]+`",input:{level:1}){id}}`); a.code() != "BAD_USER_INPUT" {
				t.Errorf("dan writes what is read only: %+v", a)
			}
		}},
		{class: "B27", by: func(t *testing.T, v *vault) {
			none := v.result(t, call{path: "/apps/nothing/graphql", token: v.tokens["new"], body: asked(`{folders{totalCount}}`)})
			if a := v.ask("new", `{folders{totalCount}}`); a.status != http.StatusNotFound || a.code() != none.code() || a.Data != nil {
				t.Errorf("without a place: %d %+v", a.status, a)
			}
		}},
	},
}

func signInTellsNothing(t *testing.T, v *vault) {
	try := func(organization, email string) string {
		status, b := v.do(t, call{path: managePath, body: asked(fmt.Sprintf(`mutation{signIn(organization:%q,email:%q,password:"wrong password"){token}}`, organization, email))})
		return fmt.Sprint(status, string(b))
	}
	known := try("vault", "bob@vault.example")
	for _, other := range []string{try("vault", "none@vault.example"), try("nothing", "bob@vault.example"), try("vault", "new@vault.example")} {
		if other != known {
			t.Errorf("known %s, other %s", known, other)
		}
	}
}

// limitsHold guesses zed's password under ever new addresses.
func limitsHold(t *testing.T, v *vault) {
	refused := false
	for i := range 20 {
		a := v.result(t, call{path: managePath, header: map[string]string{"X-Forwarded-For": fmt.Sprintf("10.0.0.%d", i), "X-Real-Ip": fmt.Sprintf("10.0.1.%d", i)},
			body: asked(`mutation{signIn(organization:"vault",email:"zed@vault.example",password:"guess"){token}}`)})
		refused = refused || a.code() == "LIMIT_EXCEEDED"
	}
	right := v.result(t, call{path: managePath, body: asked(`mutation{signIn(organization:"vault",email:"zed@vault.example",password:"a long password"){token}}`)})
	if !refused && right.code() == "" {
		t.Error("twenty guesses, and the account is open still")
	}
}

// routeAttacks are made for every route that serves data: a token that has
// ended is refused, and an application of others is like none.
var routeAttacks = func() map[string][]attack {
	out := map[string][]attack{}
	for pattern, r := range map[string]struct{ method, path, media, body string }{
		"/apps/{application}/graphql":                                  {"POST", "/apps/@/graphql", "application/json", `{"query":"{me{id}}"}`},
		"/graphql":                                                     {"POST", "/graphql", "application/json", `{"query":"{me{kind}}"}`},
		"/apps/{application}/imports":                                  {"GET", "/apps/@/imports", "", ""},
		"/apps/{application}/imports/":                                 {"GET", "/apps/@/imports/" + nobody, "", ""},
		"GET /apps/{application}/imports":                              {"GET", "/apps/@/imports", "", ""},
		"GET /apps/{application}/imports/{job}":                        {"GET", "/apps/@/imports/" + nobody, "", ""},
		"POST /apps/{application}/imports/{form}":                      {"POST", "/apps/@/imports/Folder", "text/csv", "title\nx\n"},
		"POST /apps/{application}/imports/{job}/resume":                {"POST", "/apps/@/imports/" + nobody + "/resume", "", ""},
		"POST /apps/{application}/imports/{job}/undo":                  {"POST", "/apps/@/imports/" + nobody + "/undo", "", ""},
		"POST /apps/{application}/files/{form}/{field}":                {"POST", "/apps/@/files/Folder/scan?name=a.txt", "text/plain", "x"},
		"GET /apps/{application}/files/{form}/{record}/{field}/{file}": {"GET", "/apps/@/files/Folder/" + nobody + "/scan/" + nobody, "", ""},
		"PUT /apps/{application}/rules/{name}":                         {"PUT", "/apps/@/rules/notes-covered", "application/wasm", "x"},
		"/apps/{application}/export/{form}":                            {"GET", "/apps/@/export/Folder", "", ""},
		"POST /definition/check":                                       {"POST", "/definition/check", "application/yaml", "application: @\n"},
		"PUT /definition":                                              {"PUT", "/definition", "application/yaml", "application: @\n"},
	} {
		out["route "+pattern] = []attack{
			{class: "B15", by: func(t *testing.T, v *vault) { v.foreignIsAbsent(t, r.method, r.path, r.media, r.body) }},
			{class: "B23", by: func(t *testing.T, v *vault) { v.endedIsRefused(t, r.method, r.path, r.media, r.body) }},
		}
	}
	out["route POST /setup"] = []attack{
		{class: "B15", by: setupIsOver}, {class: "B23", by: setupIsOver}, {class: "B27", by: setupIsOver},
	}
	out["route PUT /apps/{application}/rules/{name}"] = append(out["route PUT /apps/{application}/rules/{name}"], attack{class: "B26", by: func(t *testing.T, v *vault) {
		for _, who := range []string{"eve", "dan", "new"} {
			if a := v.result(t, call{method: "PUT", path: "/apps/vault/rules/notes-covered", token: v.tokens[who], contentType: "application/wasm", body: "\x00asm\x01\x00\x00\x00"}); a.code() != "FORBIDDEN" && a.code() != "NOT_FOUND" {
				t.Errorf("%s uploads a module: %d %+v", who, a.status, a)
			}
		}
	}})
	return out
}()

// foreignIsAbsent asks for the vault with the token of another organization.
func (v *vault) foreignIsAbsent(t *testing.T, method, path, media, body string) {
	ask := func(application string) string {
		put := func(s string) string { return strings.ReplaceAll(s, "@", application) }
		status, b := v.do(t, call{method: method, path: put(path), token: v.demoServer.tokens["omar"], contentType: media, body: put(body)})
		return fmt.Sprint(status, strings.ReplaceAll(string(b), application, "@"))
	}
	if got, none := ask("vault"), ask("vaulz"); got != none || strings.Contains(got, secretMark) {
		t.Errorf("another's %s, none %s", got, none)
	}
}

// endedIsRefused uses a session that has been signed out, and no session.
func (v *vault) endedIsRefused(t *testing.T, method, path, media, body string) {
	token := v.signIn(t, "vault")
	v.result(t, call{path: managePath, token: token, body: asked(`mutation{signOut{signedOut}}`)})
	put := func(s string) string { return strings.ReplaceAll(s, "@", "vault") }
	answers := map[string]bool{}
	for _, tk := range []string{token, "", "sls_nothing"} {
		status, b := v.do(t, call{method: method, path: put(path), token: tk, contentType: media, body: put(body)})
		if status != http.StatusUnauthorized {
			t.Errorf("status %d: %s", status, b)
		}
		answers[string(b)] = true
	}
	if len(answers) != 1 {
		t.Errorf("answered in %d ways: %v", len(answers), slices.Collect(maps.Keys(answers)))
	}
}

// setupIsOver: the route that makes the first organization is shut afterwards.
func setupIsOver(t *testing.T, v *vault) {
	status, b := v.do(t, call{path: "/setup", body: `{"code":"x","organization":"x","email":"x@x.example","displayName":"x","password":"a long password"}`})
	if status < 400 || status >= 500 {
		t.Errorf("%d %s", status, b)
	}
}
