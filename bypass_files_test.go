package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// png is the smallest image that is one.
const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"

// put uploads a file and returns its id.
func (v *vault) upload(who, field, name, media, content string) string {
	v.t.Helper()
	status, b := v.do(v.t, call{path: "/apps/vault/files/Folder/" + field + "?name=" + name, token: v.tokens[who], contentType: media, body: content})
	var got struct{ ID string }
	if err := json.Unmarshal(b, &got); err != nil || status != http.StatusCreated || got.ID == "" {
		v.t.Fatalf("%s uploads %s: %d %s", who, field, status, b)
	}
	return got.ID
}

// fillFiles puts files into bob's folder and eve's: those of bob and the sealed
// and the masked one of eve's own are not for her.
func (v *vault) fillFiles() {
	put := func(who, folder, field, media, content string) {
		v.values[folder+" "+field] = v.upload(who, field, "CANARY-"+field, media, content)
		v.must(who, vaultPath, `mutation{updateFolder(id:%q,input:{%s:%q}){id}}`, v.values[folder], field, v.values[folder+" "+field])
	}
	put("bob", "bobs", "scan", "text/plain", "CANARY-CONTENT")
	put("ann", "eves", "seal", "text/plain", "CANARY-CONTENT")
	put("ann", "eves", "badge", "image/png", png+"CANARY")
	v.must("eve", vaultPath, `mutation{updateFolder(id:%q,input:{scan:%q}){id}}`, v.values["eves"], v.upload("eve", "scan", "scan.txt", "text/plain", "to be read by eve"))
	v.values["eves scan"] = v.must("eve", vaultPath, `{folder(id:%q){scan{id}}}`, v.values["eves"]).at("folder.scan.id").(string)
	v.values["bobs upload"] = v.upload("bob", "scan", "CANARY-waiting", "text/plain", "CANARY-CONTENT")
}

const fileRoute = "route GET /apps/{application}/files/{form}/{record}/{field}/{file}"

// fileAttacks try to read what a file holds or is called, and to take it over.
var fileAttacks = map[string][]attack{
	"app Folder.scan": {
		{class: "B05", send: `{folder(id:"@"){scan{name url}}}`, right: "<bobs>", wrong: nobody},
		{class: "B01", send: `{folders(where:{related:{scan:{isNull:@}}}){totalCount}}`, right: "true", wrong: "false"},
		{class: "B15", send: `mutation{updateFolder(id:"<eves>",input:{scan:"@"}){id}}`, right: "<bobs upload>", wrong: nobody, code: "BAD_USER_INPUT"},
		{class: "B15", send: `mutation{updateFolder(id:"<eves>",input:{scan:"@"}){id}}`, right: "<bobs scan>", wrong: nobody, code: "BAD_USER_INPUT", told: true},
		{class: "B15", send: `mutation{createFolder(input:{title:"x",scan:"@"}){id}}`, right: "<eves seal>", wrong: nobody, code: "BAD_USER_INPUT", told: true},
	},
	"app Folder.seal": {
		noFieldOf("B01", `{folders(where:{@:{isNull:true}}){totalCount}}`),
		noFieldOf("B05", `{folder(id:"<eves>"){@{id name}}}`),
		noFieldOf("B14", `mutation{updateFolder(id:"<eves>",input:{@:"<eves seal>"}){id}}`),
	},
	"app Folder.badge": {
		{class: "B01", by: func(t *testing.T, v *vault) {
			if a := v.ask("eve", v.put(`{folders(where:{badge:{isNull:false}}){totalCount}}`)); len(a.Errors) > 0 || a.count("folders.totalCount") != 0 {
				t.Errorf("a masked file is found: %+v", a)
			}
		}},
		{class: "B05", by: func(t *testing.T, v *vault) {
			if a := v.ask("eve", v.put(`{folder(id:"<eves>"){badge{id name url}}}`)); len(a.Errors) > 0 || a.at("folder.badge") != nil {
				t.Errorf("a masked file: %+v", a)
			}
		}},
		{class: "B14", send: `mutation{updateFolder(id:"<eves>",input:{badge:null}){id}}`, code: "FORBIDDEN"},
	},
	fileRoute: {
		{class: "B04", by: func(t *testing.T, v *vault) {
			v.noContent(t, "Folder/<bobs>/scan/<bobs scan>")   // out of reach
			v.noContent(t, "Folder/<eves>/seal/<eves seal>")   // hidden field
			v.noContent(t, "Folder/<eves>/badge/<eves badge>") // masked cell
			v.noContent(t, "Folder/<eves>/scan/<bobs scan>")   // another record's file
			v.noContent(t, "Folder/<eves>/scan/<bobs upload>") // another's upload
			v.noContent(t, "Folder/<eves>/title/<eves scan>")  // a field that holds none
			v.noContent(t, "Ledger/<ledger>/entry/<eves scan>")
			v.noContent(t, "Folder/<gone>/scan/<eves scan>")
			v.noContent(t, "Folder/"+nobody+"/scan/"+nobody)
			v.noContent(t, "Nothing/x/y/z")
		}},
		{class: "B20", by: func(t *testing.T, v *vault) {
			status, b := v.do(t, call{method: "GET", path: v.put("/apps/vault/files/Folder/<eves>/scan/<eves scan>"), token: v.tokens["eve"]})
			if status != http.StatusOK || string(b) != "to be read by eve" {
				t.Errorf("eve's own file: %d %q", status, b)
			}
			for _, who := range []string{"bob", "new"} {
				if status, b := v.do(t, call{method: "GET", path: v.put("/apps/vault/files/Folder/<eves>/scan/<eves scan>"), token: v.tokens[who]}); status != http.StatusNotFound {
					t.Errorf("%s reads eve's file: %d %q", who, status, b)
				}
			}
		}},
	},
	"route POST /apps/{application}/files/{form}/{field}": {
		{class: "B14", by: func(t *testing.T, v *vault) {
			answers := map[string]bool{}
			for _, at := range []string{"Folder/seal", "Folder/nothing", "Folder/title", "Folder/id", "Ledger/entry", "Nothing/scan"} {
				status, b := v.do(t, call{path: "/apps/vault/files/" + at + "?name=a.txt", token: v.tokens["eve"], contentType: "text/plain", body: "x"})
				answers[fmt.Sprint(status, string(b))] = true
				if status != http.StatusNotFound {
					t.Errorf("%s: %d %s", at, status, b)
				}
			}
			if len(answers) != 1 {
				t.Errorf("hidden and absent are told apart: %v", answers)
			}
		}},
	},
}

// noFieldOf guesses the name of the hidden field of a file.
func noFieldOf(class, send string) attack {
	return attack{class: class, send: send, right: "seal", wrong: "zeal"}
}

// noContent expects the one answer for a file that is not there for eve.
func (v *vault) noContent(t *testing.T, at string) {
	t.Helper()
	path := v.put("/apps/vault/files/" + at)
	if strings.Contains(path, "<") {
		t.Fatal(path)
	}
	status, b := v.do(t, call{method: "GET", path: path, token: v.tokens["eve"]})
	want, none := v.do(t, call{method: "GET", path: "/apps/vault/files/Folder/" + nobody + "/scan/" + nobody, token: v.tokens["eve"]})
	if status != want || string(b) != string(none) || status != http.StatusNotFound {
		t.Errorf("%s: %d %s, one that is not there %d %s", at, status, b, want, none)
	}
}
