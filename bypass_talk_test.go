package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// fillTalk adds comments and changes: bob's mention eve on a record that is not
// hers, ann's is on eve's own.
func (v *vault) fillTalk() {
	add := func(who, folder, text, more string) string {
		return v.must(who, vaultPath, `mutation{addFolderComment(id:%q,text:%q%s){comment{id}}}`, v.values[folder], text, more).at("addFolderComment.comment.id").(string)
	}
	v.values["bobsComment"] = add("bob", "bobs", "CANARY-COMMENT", fmt.Sprintf(",mentions:[%q]", v.values["eve"]))
	v.values["annsComment"] = add("ann", "eves", "to eve", fmt.Sprintf(",mentions:[%q]", v.values["eve"]))
	v.values["evesComment"] = add("eve", "eves", "from eve", "")
	v.must("ann", vaultPath, `mutation{addFolderComment(id:%q,text:"x",mentions:[%q]){id}}`, v.values["bobs"], v.values["bob"])
	v.values["bobsNotice"] = v.must("bob", vaultPath, `{notifications{nodes{id}}}`).at("notifications.nodes.0.id").(string)
	for _, who := range []string{"ann", "bob"} {
		v.values["comments of "+who] = v.must(who, vaultPath, `{folder(id:%q){comments(first:1){pageInfo{endCursor}}}}`, v.values["bobs"]).at("folder.comments.pageInfo.endCursor").(string)
	}
}

// talkLists attacks a connection that belongs to a record or to the viewer.
func talkLists(key, head, list, tail string) map[string][]attack {
	return map[string][]attack{key: {
		{class: "B04", send: head + list + `(after:"@"){nodes{id}}` + tail, right: "<comments of bob>", wrong: "<comments of ann>", code: "BAD_USER_INPUT", told: true},
		{class: "B20", send: head + list + `(after:"@"){nodes{id}}` + tail, right: "<cursor of eve>", wrong: "<cursor of bob>", code: "BAD_USER_INPUT", told: true},
		{class: "B04", send: head + list + `(last:1,before:"@"){nodes{id}}` + tail, right: "<comments of bob>", wrong: "<comments of ann>", code: "BAD_USER_INPUT", told: true},
		{class: "B20", send: head + list + `(last:1,before:"@"){nodes{id}}` + tail, right: "<cursor of eve>", wrong: "<cursor of bob>", code: "BAD_USER_INPUT", told: true},
		{class: "B03", by: func(t *testing.T, v *vault) { v.talkCounts(t, head, list, tail) }},
		{class: "B19", by: func(t *testing.T, v *vault) { v.talkCounts(t, head, list, tail) }},
		{class: "B25", by: func(t *testing.T, v *vault) {
			var many strings.Builder
			for i := range 60 {
				fmt.Fprintf(&many, "a%d:%s(first:1000){...F} ", i, list)
			}
			connection := map[string]string{"comments": "Comment", "history": "History", "notifications": "Notification"}[list]
			q := head + many.String() + tail + " fragment F on " + connection + "Connection{edges{cursor node{__typename}} nodes{__typename} pageInfo{endCursor}}"
			if a := v.ask("eve", v.put(q)); a.code() != "LIMIT_EXCEEDED" && a.code() != "BAD_USER_INPUT" {
				t.Errorf("%d %+v", a.status, a.Errors)
			}
		}},
	}}
}

// talkCounts holds a total against what is listed.
func (v *vault) talkCounts(t *testing.T, head, list, tail string) {
	a := v.ask("eve", v.put(head+list+"(first:100){totalCount edges{cursor}}"+tail))
	at := list
	if strings.HasPrefix(head, "{folder(") {
		at = "folder." + list
	}
	last := v.ask("eve", v.put(head+list+"(last:100){totalCount edges{cursor}}"+tail))
	if fmt.Sprint(a.at(at)) != fmt.Sprint(last.at(at)) {
		t.Errorf("from the end: %+v, want %+v", last, a)
	}
	if len(a.Errors) > 0 || a.count(at+".totalCount") != len(a.list(at+".edges")) {
		t.Errorf("%+v", a)
	}
}

const evesFolder = `{folder(id:"<eves>"){`

var talkReads = joined(
	talkLists("app Folder.comments", evesFolder, "comments", "}}"),
	talkLists("app Folder.history", evesFolder, "history", "}}"),
	talkLists("app Query.notifications", "{", "notifications", "}"),
	map[string][]attack{
		"app Folder.comments": {
			noField("B09", evesFolder+`comments{nodes{author{@}}}}}`, "email"),
			{class: "B15", send: `{folder(id:"@"){comments{totalCount nodes{text}}}}`, right: "<bobs>", wrong: "<absent>"},
			{class: "B11", by: func(t *testing.T, v *vault) { // shared to be read, without a right to comments beyond the set's
				if a := v.ask("eve", v.put(`{folder(id:"<shared>"){comments{totalCount}}}`)); len(a.Errors) > 0 {
					t.Errorf("%+v", a)
				}
			}},
		},
		"app Folder.history": {
			{class: "B12", by: historyShowsNoMore},
			{class: "B15", send: `{folder(id:"@"){history{totalCount nodes{changes{before after}}}}}`, right: "<bobs>", wrong: "<absent>"},
		},
		"app Query.notifications": {
			{class: "B07", by: inboxIsChecked}, {class: "B10", by: inboxIsChecked},
			noField("B09", `{notifications{nodes{actor{@}}}}`, "email"),
		},
		// The set of eve gives neither on sheets and ledgers.
		"app Sheet.comments":  unknownField(`{sheets{nodes{@{totalCount}}}}`, "comments"),
		"app Sheet.history":   unknownField(`{sheets{nodes{@{totalCount}}}}`, "history"),
		"app Ledger.comments": unknownField(`{...on @{comments{totalCount}}}`, "Ledger"),
		"app Ledger.history":  unknownField(`{...on @{history{totalCount}}}`, "Ledger"),
	},
)

// historyShowsNoMore: the history of eve's own folder, which ann changed in
// every field, names and shows what the folder does.
func historyShowsNoMore(t *testing.T, v *vault) {
	query := v.put(evesFolder + `history(first:100){totalCount nodes{version kind changes{field before after}}}}}`)
	body := asked(query)
	_, mine := v.do(t, call{path: vaultPath, token: v.tokens["eve"], body: body})
	_, all := v.do(t, call{path: vaultPath, token: v.tokens["ann"], body: body})
	if !strings.Contains(string(all), secretMark) || !strings.Contains(string(all), `"secret"`) {
		t.Fatalf("nothing to steal: %s", all)
	}
	for _, hidden := range []string{secretMark, `"secret"`, `"ssn"`, `"ledger"`, v.values["bobs"], v.values["ledger"]} {
		if strings.Contains(string(mine), hidden) {
			t.Errorf("the history shows %s: %s", hidden, mine)
		}
	}
	if !strings.Contains(string(mine), `"level"`) {
		t.Errorf("the history does not show what eve may see: %s", mine)
	}
}

// inboxIsChecked: of two mentions eve hears of that on a record in reach only.
func inboxIsChecked(t *testing.T, v *vault) {
	a := v.ask("eve", `{notifications(first:100){totalCount nodes{id form record comment{id text}}}}`)
	if a.count("notifications.totalCount") != 1 || len(a.list("notifications.nodes")) != 1 || a.at("notifications.nodes.0.record") != v.values["eves"] {
		t.Errorf("%+v", a)
	}
}

// sameOnBoth are attacks with the id of a record out of reach and one in reach
// to read only.
func sameOnBoth(send string) []attack {
	return []attack{
		{class: "B15", send: send, right: "<bobs>", wrong: "<absent>", code: "NOT_FOUND"},
		{class: "B15", send: send, right: "<bobsSheet>", wrong: "<absent>", code: "NOT_FOUND"},
	}
}

var talkWrites = joined(map[string][]attack{
	"app Mutation.addFolderComment": append(sameOnBoth(`mutation{addFolderComment(id:"@",text:"x"){id}}`),
		attack{class: "B15", send: `mutation{addFolderComment(id:"<eves>",text:"x",mentions:["@"]){id}}`, right: "<new>", wrong: "<absent>", code: "BAD_USER_INPUT"},
		attack{class: "B15", send: `mutation{addFolderComment(id:"@",text:""){id}}`, right: "<bobs>", wrong: "<absent>"}),
	"app Mutation.editFolderComment": append(sameOnBoth(`mutation{editFolderComment(id:"@",comment:"<bobsComment>",text:"x"){id}}`),
		attack{class: "B15", send: `mutation{editFolderComment(id:"<eves>",comment:"@",text:"x"){id}}`, right: "<bobsComment>", wrong: "<absent>", code: "NOT_FOUND"},
		attack{class: "B21", send: `mutation{editFolderComment(id:"<eves>",comment:"<annsComment>",text:"x"){id}}`, code: "FORBIDDEN"}),
	"app Mutation.removeFolderComment": append(sameOnBoth(`mutation{removeFolderComment(id:"@",comment:"<bobsComment>"){id}}`),
		attack{class: "B15", send: `mutation{removeFolderComment(id:"<eves>",comment:"@"){id}}`, right: "<bobsComment>", wrong: "<absent>", code: "NOT_FOUND"},
		attack{class: "B21", send: `mutation{removeFolderComment(id:"<eves>",comment:"<annsComment>"){id}}`, code: "FORBIDDEN"}),
	"app Mutation.addSheetComment":     unknownField(`mutation{@(id:"<evesSheet>",text:"x"){id}}`, "addSheetComment"),
	"app Mutation.editSheetComment":    unknownField(`mutation{@(id:"<evesSheet>",comment:"<absent>",text:"x"){id}}`, "editSheetComment"),
	"app Mutation.removeSheetComment":  unknownField(`mutation{@(id:"<evesSheet>",comment:"<absent>"){id}}`, "removeSheetComment"),
	"app Mutation.addLedgerComment":    unknownField(`mutation{@(id:"<ledger>",text:"x"){id}}`, "addLedgerComment"),
	"app Mutation.editLedgerComment":   unknownField(`mutation{@(id:"<ledger>",comment:"<absent>",text:"x"){id}}`, "editLedgerComment"),
	"app Mutation.removeLedgerComment": unknownField(`mutation{@(id:"<ledger>",comment:"<absent>"){id}}`, "removeLedgerComment"),
	"app Mutation.markNotificationsRead": {
		{class: "B15", send: `mutation{markNotificationsRead(ids:["@"]){notifications{id}}}`, right: "<bobsNotice>", wrong: "<absent>", code: "NOT_FOUND"},
	},
	// The owner of a folder is hidden from eve, that of a sheet is not.
	"app Mutation.changeFolderOwner": append(unknownField(`mutation{@(id:"<eves>",owner:"<bob>"){id}}`, "changeFolderOwner"),
		names("B05", `mutation{changeFolderOwner(id:"<eves>",owner:"<absent>"){folder{@}}}`, "secret")),
	"app Mutation.changeSheetOwner": append(sameOnBoth(`mutation{changeSheetOwner(id:"@",owner:"<eve>"){id}}`)[1:],
		attack{class: "B15", send: `mutation{changeSheetOwner(id:"<evesSheet>",owner:"@"){id}}`, right: "<new>", wrong: "<absent>", code: "BAD_USER_INPUT"},
		attack{class: "B21", send: `mutation{changeSheetOwner(id:"<sharedSheet>",owner:"<eve>"){id}}`, code: "FORBIDDEN"},
		names("B05", `mutation{changeSheetOwner(id:"<evesSheet>",owner:"<absent>"){sheet{folder{@}}}}`, "secret")),
	"app Mutation.changeLedgerOwner": unknownField(`mutation{@(id:"<ledger>",owner:"<eve>"){id}}`, "changeLedgerOwner"),
	"manage Query.hiddenRecords":     barred(`{hiddenRecords(application:"vault"){form}}`, "", ""),
	"manage Mutation.hideRecords": append(barred(`mutation{hideRecords(application:"vault",form:"@",where:{}){hidden{form}}}`, "Folder", "Foldez"),
		attack{class: "B01", send: `mutation{hideRecords(application:"vault",form:"Folder",where:{@:{isNull:true}}){hidden{form}}}`, right: "secret", wrong: "secrez", code: "FORBIDDEN"},
		attack{class: "B13", send: `mutation{hideRecords(application:"vault",form:"Folder",where:{related:{title:{eq:"@"}}}){hidden{form}}}`, right: "CANARY-TITLE", wrong: "CANARY-XXXXX", code: "FORBIDDEN"},
		attack{class: "B18", send: `mutation{hideRecords(application:"vault",form:"Folder",where:{not:{}}){hidden{form}}}`, code: "FORBIDDEN"}),
	"manage Mutation.unhideRecords": barred(`mutation{unhideRecords(application:"vault",form:"@"){hidden{form}}}`, "Folder", "Foldez"),
})

// TestExportsHoldNoMore: eve's export is what she can list, in every format and
// with every parameter that a request may carry.
func TestExportsHoldNoMore(t *testing.T) {
	v := theVault(t)
	get := func(who, path string) (int, string) {
		status, b := v.do(t, call{method: "GET", path: path, token: v.tokens[who]})
		return status, string(b)
	}
	for _, query := range []string{"", "?format=ndjson", "?format=csv"} {
		status, body := get("eve", "/apps/vault/export/Folder"+query)
		_, all := get("ann", "/apps/vault/export/Folder"+query)
		if status != http.StatusOK || strings.Contains(body, secretMark) || strings.Contains(body, "ssn") || strings.Contains(body, v.values["bobs"]) || !strings.Contains(all, secretMark) {
			t.Errorf("%s: %d %s", query, status, body)
		}
		for _, title := range []string{"mine", "other", "shared"} {
			if strings.Count(body, title) != 1 {
				t.Errorf("%s: %s stands in the export %d times: %s", query, title, strings.Count(body, title), body)
			}
		}
	}
	for _, pair := range [][2]string{
		{"?columns=secret", "?columns=secrez"}, {"?columns=ssn", "?columns=ssz"}, {"?orderBy=secret", "?orderBy=secrez"},
		{`?where={"secret":{"eq":"CANARY-S-EVE"}}`, `?where={"secrez":{"eq":"CANARY-S-EVE"}}`},
		{`?where={"note":{"eq":"CANARY-N-EVE"}}`, `?where={"note":{"eq":"CANARY-N-XYZ"}}`},
	} {
		put := func(s string) string {
			return "/apps/vault/export/Folder" + strings.NewReplacer("{", "%7B", "}", "%7D", `"`, "%22").Replace(s)
		}
		s1, b1 := get("eve", put(pair[0]))
		s2, b2 := get("eve", put(pair[1]))
		same := strings.NewReplacer("secrez", "secret", "ssz", "ssn", "XYZ", "EVE")
		if s1 != s2 || same.Replace(b1) != same.Replace(b2) || strings.Contains(b1, "CANARY-P") {
			t.Errorf("%s: %d %s\n%s: %d %s", pair[0], s1, b1, pair[1], s2, b2)
		}
	}
	s1, b1 := get("eve", "/apps/vault/export/Ledger")
	s2, b2 := get("eve", "/apps/vault/export/Ledgez")
	if s1 != s2 || strings.ReplaceAll(b2, "Ledgez", "Ledger") != b1 || s1 == http.StatusOK {
		t.Errorf("a form that is not hers: %d %s, none: %d %s", s1, b1, s2, b2)
	}
}
