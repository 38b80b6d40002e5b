package main

import (
	"regexp"
	"strings"
	"testing"
)

// explains asks for everything that an explanation holds; rest stands behind the
// application.
func explains(rest string) string {
	return `{explainAccess(application:"vault",` + rest + `){version short user{id displayName kind role permissionSet} actions{action allowed because ` +
		explainedSteps + ` missing{anyOf{statement kind name text}} parents{form record action allowed ` + explainedSteps +
		` missing{anyOf{text}}}} fields{field readable writable read{statement outcome name text} write{statement outcome name text}}}}`
}

const explainedSteps = `steps{statement kind outcome name text module{version reason reasonText}}`

var explainAttacks = map[string][]attack{
	"manage Query.explainAccess": append(barred(explains(`user:"@",form:"Folder",record:"<eves>"`), "<bob>", "<absent>"),
		attack{class: "B09", send: explains(`user:"@",form:"Folder",record:"<eves>"`), right: "<dan>", wrong: "<absent>", code: "FORBIDDEN"},
		attack{class: "B15", send: explains(`form:"Folder",record:"@"`), right: "<bobs>", wrong: "<absent>", code: "NOT_FOUND"},
		attack{class: "B15", send: explains(`form:"Folder",record:"@"`), right: "<half>", wrong: "<absent>", code: "NOT_FOUND"},
		attack{class: "B15", send: explains(`form:"Sheet",record:"@"`), right: "<bobsSheet>", wrong: "<absent>", code: "NOT_FOUND"},
		attack{class: "B15", send: explains(`user:"<eve>",form:"Folder",record:"@"`), right: "<bobs>", wrong: "<absent>", code: "NOT_FOUND"},
		attack{class: "B15", send: explains(`user:"<bob>",form:"Folder",record:"@"`), right: "<bobs>", wrong: "<absent>", code: "FORBIDDEN", told: true},
		attack{class: "B05", send: explains(`form:"@",record:"<ledger>"`), right: "Ledger", wrong: "Ledgez", code: "NOT_FOUND"},
		attack{class: "B05", send: explains(`form:"@",record:"<eves>"`), right: "Ledger", wrong: "Ledgez", code: "NOT_FOUND", told: true},
		attack{class: "B08", send: strings.ReplaceAll(explains(`form:"Folder",record:"<eves>"`), `"vault"`, `"@"`), right: "sales", wrong: "salez", code: "NOT_FOUND", told: true},
		attack{class: "B26", by: tellsNoMoreThanTheSchema}, attack{class: "B19", by: explainsWhatIsThere}),
}

// tellsNoMoreThanTheSchema: what eve is told of records that she sees names no
// rule, role of others, set of others, hidden field, hidden form, or person, and a cell
// that a rule covers reads as an empty one.
func tellsNoMoreThanTheSchema(t *testing.T, v *vault) {
	hidden := regexp.MustCompile(`secret|ssn|seal|copy|twice|bare|kept|coded|halves|notes-covered|Ledger|ledger|addedBy|modifiedBy|CEO|desk|bob|ann|dan|vault\.example|owner\b|` + secretMark)
	for _, id := range []string{"<eves>", "<other>", "<shared>"} {
		_, b := v.do(t, call{path: managePath, token: v.tokens["eve"], body: asked(v.put(explains(`form:"Folder",record:"` + id + `"`)))})
		text := strings.ReplaceAll(string(b), "CHANGE_OWNER", "")
		if found := hidden.FindAllString(text, -1); len(found) > 0 || !strings.Contains(text, `"VIEW","allowed":true`) {
			t.Errorf("%s: %v in %s", id, found, text)
		}
		if !strings.Contains(text, `"field":"note","readable":true,"writable":false`) || strings.Contains(text, `"field":"owner"`) {
			t.Errorf("%s: %s", id, text)
		}
		_, b = v.do(t, call{path: managePath, token: v.tokens["ann"], body: asked(v.put(explains(`user:"<eve>",form:"Folder",record:"` + id + `"`)))})
		for _, want := range []string{`notes-covered`, `"field":"secret"`, `"short":false`} {
			if !strings.Contains(string(b), want) {
				t.Errorf("the super admin is not told %s: %s", want, b)
			}
		}
		if strings.Contains(string(b), secretMark) || strings.Contains(string(b), "vault.example") {
			t.Errorf("an explanation shows a cell or an address: %s", b)
		}
	}
}

// explainsWhatIsThere: what eve is told about herself is what she can do.
func explainsWhatIsThere(t *testing.T, v *vault) {
	for _, id := range []string{"eves", "other", "shared"} {
		can := v.must("eve", vaultPath, `{folder(id:%q){viewerCanUpdate viewerCanDelete}}`, v.values[id])
		x := v.must("eve", managePath, `{explainAccess(application:"vault",form:"Folder",record:%q){actions{action allowed}}}`, v.values[id])
		for action, path := range map[string]string{"1": "folder.viewerCanUpdate", "2": "folder.viewerCanDelete"} {
			if x.at("explainAccess.actions."+action+".allowed") != can.at(path) {
				t.Errorf("%s: %s is %v, explained %v", id, path, can.at(path), x.Data)
			}
		}
	}
}
