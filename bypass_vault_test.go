package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// secretMark stands in every value that eve may not see.
const secretMark = "CANARY"

const vaultPath = "/apps/vault/graphql"

// vaultForms are the record types of the vault's schema.
var vaultForms = map[string]bool{"Folder": true, "Sheet": true, "Ledger": true}

// vaultDefinition has one of everything that hides: eve, a clerk, sees her own
// folders without secret (no permission), ssn (personal) and note (masked on
// every record: the rule has no module), nor what formulas make of them. The form Ledger is not for her at all.
const vaultDefinition = `
application: vault
viewerAttributes:
  - {name: region, type: text}
forms:
  - name: Folder
    plural: folders
    fields:
      - {name: title, type: text, required: true, searchable: true}
      - {name: secret, type: text, unique: true, searchable: true}
      - {name: ssn, type: text, pii: true, indexed: true, searchable: true}
      - {name: note, type: text, indexed: true, searchable: true}
      - {name: level, type: integer, indexed: true}
      - {name: code, type: text, unique: true}
      - {name: related, type: lookup, to: Folder}
      - {name: ledger, type: lookup, to: Ledger}
      - {name: keeper, type: user}
      - {name: copy, type: formula, expression: "upper(secret)"}
      - {name: twice, type: formula, expression: "copy + copy"}
      - {name: bare, type: formula, expression: "length(ssn)"}
      - {name: echo, type: formula, expression: 'coalesce(note, "none") + "!"'}
      - {name: high, type: formula, expression: "level >= 5"}
      - {name: scan, type: file}
      - {name: seal, type: file}
      - {name: badge, type: image}
      - {name: rivals, type: multi-lookup, to: Folder}
  - name: Sheet
    plural: sheets
    fields:
      - {name: folder, type: lookup, to: Folder, required: true, parent: true}
      - {name: name, type: text, required: true, searchable: true}
      - {name: content, type: long text, searchable: true}
  - name: Ledger
    plural: ledgers
    fields:
      - {name: entry, type: text, searchable: true}
reports:
  - name: highFolders
    form: Folder
    criteria: {level: {gte: 5}}
    columns: [title, level]
    orderBy: [{field: note}]
` + vaultPages + `roles:
  - {name: CEO}
  - {name: clerk, reportsTo: CEO}
hierarchy: true
permissionSets:
  - name: clerks
    pii: HIDE
    forms:
      Folder: {actions: [ACCESS, IMPORT, CREATE_REPORT], fields: {"*": VISIBLE, secret: HIDDEN, seal: HIDDEN, keeper: READ_ONLY, level: READ_ONLY, bare: VISIBLE, owner: HIDDEN, addedBy: HIDDEN, modifiedBy: HIDDEN}}
      Sheet: {actions: [ACCESS], fields: {"*": VISIBLE, addedBy: HIDDEN, modifiedBy: HIDDEN}}
    reports:
      folders: [VIEW, EDIT, DELETE, EXPORT, WRITE_COMMENTS, READ_HISTORY]
      highFolders: [VIEW]
      sheets: [VIEW, EDIT, DELETE]
    pages: {desk: [ACCESS], board: [ACCESS]}
sharingRules:
  - {name: kept, form: Folder, field: keeper, level: READ}
  - {name: coded, form: Folder, criteria: {code: {eq: SHARED}}, to: {role: clerk}, level: READ}
  - {name: halves, form: Folder, criteria: {and: [{level: {eq: 1}}, {code: {eq: HALF}}]}, to: {role: clerk}, level: READ_WRITE}
  - {name: other-halves, form: Folder, criteria: {and: [{level: {eq: 2}}, {code: {eq: OTHER}}]}, to: {role: clerk}, level: READ_WRITE}
customRules:
  - {name: notes-covered, form: Folder, effect: MASK, fields: [note, badge], roles: [clerk]}
`

// vault is an organization with secrets. ann is its super admin, bob and eve are
// clerks: what is bob's, eve must not notice. dan is above them, new has no place
// in the application, and zed is there to be locked out.
type vault struct {
	*demoServer
	t      *testing.T
	tokens map[string]string
	values map[string]string // by name: what attacks guess
}

var theVaultOnce sync.Map

// theVault makes the vault once for all tests.
func theVault(t *testing.T) *vault {
	t.Helper()
	if v, ok := theVaultOnce.Load("vault"); ok {
		w := *v.(*vault)
		w.t = t
		return &w
	}
	v := &vault{demoServer: theDemo(t), t: t, tokens: map[string]string{}, values: map[string]string{"absent": nobody, "": ""}}
	v.found(t, "vault")
	v.tokens["ann"] = v.signIn(t, "vault")
	status, b := v.do(t, call{method: "PUT", path: "/definition", token: v.tokens["ann"], contentType: "application/yaml", body: vaultDefinition})
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, b)
	}
	for _, name := range []string{"bob", "eve", "dan", "new", "zed"} {
		id := v.must("ann", managePath, `mutation{addUser(input:{email:"%s@vault.example",displayName:"%s",password:"a long password"}){user{id}}}`, name, name).at("addUser.user.id").(string)
		if role := map[string]string{"bob": "clerk", "eve": "clerk", "dan": "CEO", "zed": "clerk"}[name]; role != "" {
			v.must("ann", managePath, `mutation{assignUser(application:"vault",user:%q,role:%q,permissionSet:"clerks"){user{id}}}`, id, role)
		}
		v.tokens[name] = v.must("", managePath, `mutation{signIn(organization:"vault",email:"%s@vault.example",password:"a long password"){token}}`, name).at("signIn.token").(string)
		v.values[name] = id
	}
	v.values["ann"] = v.must("ann", managePath, `{me{user{id}}}`).at("me.user.id").(string)
	v.fill()
	theVaultOnce.Store("vault", v)
	return v
}

// must runs an operation that may not fail.
func (v *vault) must(who, at, query string, args ...any) answer {
	v.t.Helper()
	a := v.result(v.t, call{path: at, token: v.tokens[who], body: asked(fmt.Sprintf(query, args...))})
	if len(a.Errors) > 0 {
		v.t.Fatalf("%s: %s: %+v", who, query, a.Errors)
	}
	return a
}

func (v *vault) ask(who, query string) answer {
	v.t.Helper()
	return v.result(v.t, call{path: vaultPath, token: v.tokens[who], body: asked(query)})
}

func (v *vault) manage(who, query string) answer {
	v.t.Helper()
	return v.result(v.t, call{path: managePath, token: v.tokens[who], body: asked(query)})
}

// put replaces every <name> by the value of that name.
func (v *vault) put(s string) string {
	for name, value := range v.values {
		s = strings.ReplaceAll(s, "<"+name+">", value)
	}
	return s
}

// fill stores what there is to steal. eve's own folder leads to bob's.
func (v *vault) fill() {
	create := func(who, input string) string {
		return v.must(who, vaultPath, `mutation{createFolder(input:{%s}){id}}`, input).at("createFolder.id").(string)
	}
	v.values["ledger"] = v.must("ann", vaultPath, `mutation{createLedger(input:{entry:"CANARY-LEDGER"}){id}}`).at("createLedger.id").(string)
	v.values["bobs"] = create("bob", `title:"CANARY-TITLE",code:"CODE-BOB"`)
	v.values["eves"] = create("eve", `title:"mine",code:"CODE-EVE"`)
	v.values["other"] = create("eve", `title:"other"`)
	v.must("ann", vaultPath, `mutation{updateFolder(id:%q,input:{secret:"CANARY-S-BOB",ssn:"CANARY-P-BOB",note:"CANARY-N-BOB",level:9}){id}}`, v.values["bobs"])
	v.must("ann", vaultPath, `mutation{updateFolder(id:%q,input:{secret:"CANARY-S-EVE",ssn:"CANARY-P-EVE",note:"CANARY-N-EVE",level:7,related:%[2]q,ledger:%[3]q,rivals:[%[2]q]}){id}}`, v.values["eves"], v.values["bobs"], v.values["ledger"])
	v.must("ann", vaultPath, `mutation{updateFolder(id:%q,input:{note:"AAA-CANARY",level:3}){id}}`, v.values["other"])
	// Shared with eve twice, to read; and one that each of two rules half matches.
	v.values["shared"] = create("bob", `title:"shared",code:"SHARED"`)
	v.must("ann", vaultPath, `mutation{updateFolder(id:%q,input:{keeper:%q}){id}}`, v.values["shared"], v.values["eve"])
	v.values["half"] = create("bob", `title:"CANARY-HALF",code:"OTHER"`)
	v.must("ann", vaultPath, `mutation{updateFolder(id:%q,input:{level:1}){id}}`, v.values["half"])
	v.values["bobsSheet"] = v.must("bob", vaultPath, `mutation{createSheet(input:{folder:%q,name:"CANARY-SHEET",content:"CANARY-CONTENT"}){id}}`, v.values["bobs"]).at("createSheet.id").(string)
	v.values["sharedSheet"] = v.must("bob", vaultPath, `mutation{createSheet(input:{folder:%q,name:"shared sheet"}){id}}`, v.values["shared"]).at("createSheet.id").(string)
	v.values["evesSheet"] = v.must("eve", vaultPath, `mutation{createSheet(input:{folder:%q,name:"file"}){id}}`, v.values["eves"]).at("createSheet.id").(string)
	v.values["gone"] = create("eve", `title:"gone"`)
	v.must("eve", vaultPath, `mutation{deleteFolder(id:%q){id}}`, v.values["gone"])
	v.fillTalk()
	v.fillLooks()
	v.fillReports()
	v.fillDifferences()
	v.fillFiles()
	v.fillDocuments()
	for _, who := range []string{"ann", "bob", "eve"} {
		v.values["cursor of "+who] = v.must(who, vaultPath, `{folders(first:1){pageInfo{endCursor}}}`).at("folders.pageInfo.endCursor").(string)
	}
}

// state is everything that the super admin sees of the vault.
func (v *vault) state(t *testing.T) string {
	t.Helper()
	_, records := v.do(t, call{path: vaultPath, token: v.tokens["ann"], body: asked(`{folders(first:100){totalCount nodes{id version title secret ssn note level owner{id} related{id} comments{totalCount nodes{id text}} history{totalCount}}} sheets(first:100){totalCount nodes{id version name content}} ledgers{nodes{id version entry}} createdReports{id name where columns}}`)})
	_, people := v.do(t, call{path: managePath, token: v.tokens["ann"], body: asked(`{applications{name version definition} users(first:100){nodes{id email kind status assignments{application kind role permissionSet}}}}`)})
	return strings.Join([]string{string(records), string(people)}, "\n")
}
