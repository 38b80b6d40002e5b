package main

import (
	"net/http"
	"strings"
	"testing"
)

// reviewAttacks are made on the questions who can see what: by eve, who holds no
// tool, and by whoever comes from elsewhere.
var reviewAttacks = func() map[string][]attack {
	out := joined(
		map[string][]attack{
			"manage Query.whoCanSee": {
				{class: "B01", send: `{whoCanSee(application:"vault",form:"Folder",record:"<eves>",field:"@"){totalCount}}`, right: "secret", wrong: "secrez", code: "FORBIDDEN"},
				{class: "B03", send: `{whoCanSee(application:"vault",form:"Folder",record:"<eves>"){totalCount}}`, code: "FORBIDDEN"},
				{class: "B08", send: `{whoCanSee(application:"vault",form:"Folder",record:"<eves>",after:"@"){nodes{id}}}`, right: "<bob>", wrong: "<absent>", code: "FORBIDDEN"},
			},
			"manage Query.whatCanSee": {
				{class: "B08", send: `{whatCanSee(application:"vault",user:"<eve>"){forms{form}}}`, code: "FORBIDDEN"},
			},
		},
		map[string][]attack{"manage Query.whoCanSee": barred(`{whoCanSee(application:"vault",form:"Folder",record:"@"){totalCount}}`, "<bobs>", "<absent>")},
		map[string][]attack{"manage Query.whoCanSee": barred(`{whoCanSee(application:"vault",form:"@",record:"<eves>"){totalCount}}`, "Ledger", "Ledgez")},
		map[string][]attack{"manage Query.whatCanSee": barred(`{whatCanSee(application:"vault",user:"@"){displayName}}`, "<bob>", "<absent>")},
		map[string][]attack{"manage Query.whatCanSee": barred(`{whatCanSee(application:"vault",user:"<eve>",form:"@"){forms{form}}}`, "Ledger", "Ledgez")},
	)
	for _, extension := range []string{"csv", "json"} {
		path := "/apps/@/access-review." + extension
		out["route /apps/{application}/access-review."+extension] = []attack{
			{class: "B15", by: func(t *testing.T, v *vault) { v.foreignIsAbsent(t, "GET", path, "", "") }},
			{class: "B23", by: func(t *testing.T, v *vault) { v.endedIsRefused(t, "GET", path, "", "") }},
			{class: "B10", by: func(t *testing.T, v *vault) { v.reviewIsNotFor(t, strings.ReplaceAll(path, "@", "vault")) }},
		}
	}
	return out
}()

// reviewIsNotFor asks for the table as people who hold no tool.
func (v *vault) reviewIsNotFor(t *testing.T, path string) {
	t.Helper()
	for who, want := range map[string]int{"eve": http.StatusForbidden, "dan": http.StatusForbidden, "new": http.StatusNotFound} {
		status, b := v.do(t, call{method: "GET", path: path, token: v.tokens[who]})
		if status != want || strings.Contains(string(b), "Folder") {
			t.Errorf("%s: %d %s", who, status, b)
		}
	}
}
