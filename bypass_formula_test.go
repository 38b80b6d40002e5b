package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Formulas read what eve may not: copy and twice the field secret, bare the
// personal ssn although her set names the formula, and echo the masked note. The
// first three do not exist for her, and echo is null.

// unreadable are the formulas that do not exist for eve.
var unreadable = []string{"copy", "twice", "bare"}

// formulaLists attacks a list of folders, which stands between head and tail.
func formulaLists(key, head, list, tail string) map[string][]attack {
	q := func(args, selection string) string { return head + list + "(" + args + "){" + selection + "}" + tail }
	where := func(filter string) string { return q("where:{"+filter+"}", "totalCount nodes{id}") }
	out := []attack{
		{class: "B06", send: where(`copy:{eq:"@"}`), right: "CANARY-S-EVE", wrong: "CANARY-S-XYZ", code: "BAD_USER_INPUT"},
		{class: "B06", send: where(`twice:{startsWith:"@"}`), right: "CANARY", wrong: "CANARZ", code: "BAD_USER_INPUT"},
		{class: "B06", send: where(`bare:{gt:@}`), right: "0", wrong: "9", code: "BAD_USER_INPUT"},
		{class: "B06", send: where(`echo:{eq:"@!"}`), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B06", send: where(`echo:{gte:"@"}`), right: "CANARY-N", wrong: "ZZZZZZZZ"},
		{class: "B06", send: where(`not:{echo:{startsWith:"@"}}`), right: "CANARY-N", wrong: "CANARY-Q"},
		{class: "B06", send: where(`echo:{ne:"@!"}`), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B06", send: where(`or:[{echo:{contains:"@"}},{title:{eq:"nothing"}}]`), right: "CANARY-N", wrong: "CANARY-Q"},
		{class: "B06", send: where(`related:{echo:{startsWith:"@"}}`), right: "CANARY", wrong: "CANARZ"},
		{class: "B06", by: func(t *testing.T, v *vault) { v.echoOrdersNothing(t, head, list, tail) }},
	}
	for _, name := range unreadable {
		out = append(out, names("B06", where("@:{isNull:true}"), name), names("B06", q("orderBy:[{field:@}]", "nodes{id}"), name),
			names("B06", q("first:5", "nodes{@}"), name), names("B06", where("related:{@:{isNull:true}}"), name))
	}
	return map[string][]attack{key: quiet(key, out)}
}

// echoOrdersNothing orders by a formula of a masked cell: that is null on every
// record.
func (v *vault) echoOrdersNothing(t *testing.T, head, list, tail string) {
	for _, dir := range []string{"ASC", "DESC"} {
		byEcho, _ := v.listOf(t, "eve", fmt.Sprintf("%s%s(orderBy:[{field:echo,direction:%s}]){nodes{id echo}}%s", head, list, dir, tail), list)
		byID, _ := v.listOf(t, "eve", fmt.Sprintf("%s%s(orderBy:[{field:id,direction:%s}]){nodes{id}}%s", head, list, dir, tail), list)
		if !slices.Equal(byEcho, byID) {
			t.Errorf("%s: by echo %v, by id %v", dir, byEcho, byID)
		}
	}
}

// echoIsNull: eve reads null, the super admin the note.
func echoIsNull(t *testing.T, v *vault) {
	const doc = `{folder(id:"<eves>"){echo high}}`
	own, all := v.ask("eve", v.put(doc)), v.ask("ann", v.put(doc))
	if len(own.Errors) > 0 || own.at("folder.echo") != nil || own.at("folder.high") == nil || !strings.HasPrefix(fmt.Sprint(all.at("folder.echo")), secretMark) {
		t.Errorf("eve %+v, the super admin %+v", own, all)
	}
}

// formulasAreNotExported: no column, no filter and no order of an export brings
// more than a list.
func formulasAreNotExported(t *testing.T, v *vault) {
	get := func(query string) (int, string) {
		status, b := v.do(t, call{method: http.MethodGet, path: "/apps/vault/export/Folder?" + query, token: v.tokens["eve"]})
		return status, string(b)
	}
	status, all := get("")
	header, _, _ := strings.Cut(all, "\r\n")
	columns := strings.Split(header, ",")
	if status != http.StatusOK || strings.Contains(all, secretMark) || !slices.Contains(columns, "echo") {
		t.Errorf("%d %s", status, all)
	}
	for _, name := range unreadable {
		if slices.Contains(columns, name) {
			t.Errorf("%s is exported: %s", name, header)
		}
		for _, query := range []string{"columns=@", "orderBy=@", "columns=related.@", "where=%7B%22@%22:%7B%22isNull%22:true%7D%7D"} {
			wrong := name[:len(name)-1] + "z"
			s1, b1 := get(strings.ReplaceAll(query, "@", name))
			s2, b2 := get(strings.ReplaceAll(query, "@", wrong))
			if s1 != http.StatusBadRequest || s1 != s2 || strings.ReplaceAll(b1, name, "@") != strings.ReplaceAll(b2, wrong, "@") {
				t.Errorf("%s: %d %s, unknown %d %s", query, s1, b1, s2, b2)
			}
		}
	}
	for _, guess := range [][2]string{{"CANARY-N-EVE!", "CANARY-N-XYZ!"}} {
		s1, b1 := get("columns=title,echo&where=%7B%22echo%22:%7B%22eq%22:%22" + guess[0] + "%22%7D%7D")
		s2, b2 := get("columns=title,echo&where=%7B%22echo%22:%7B%22eq%22:%22" + guess[1] + "%22%7D%7D")
		if s1 != s2 || b1 != b2 {
			t.Errorf("right %d %s, wrong %d %s", s1, b1, s2, b2)
		}
	}
}

// formulasAreNotImported: a formula that eve may not read is a column like one
// that never existed; one that she may read is refused by its name.
func formulasAreNotImported(t *testing.T, v *vault) {
	send := func(name string) (int, string) {
		status, b := v.do(t, call{path: "/apps/vault/imports/Folder", token: v.tokens["eve"], contentType: "text/csv", body: "title," + name + "\nx,y\n"})
		return status, strings.ReplaceAll(string(b), name, "@")
	}
	s, none := send("copz")
	for _, name := range unreadable {
		if status, b := send(name); status != s || b != none || status != http.StatusBadRequest {
			t.Errorf("%s: %d %s, unknown %d %s", name, status, b, s, none)
		}
	}
	if status, b := send("echo"); status != http.StatusBadRequest || !strings.Contains(b, "is computed") {
		t.Errorf("echo: %d %s", status, b)
	}
}

// formulasAreNotInHistory: what was written stands there, not what follows.
func formulasAreNotInHistory(t *testing.T, v *vault) {
	for _, who := range []string{"eve", "ann"} {
		a := v.ask(who, v.put(`{folder(id:"<eves>"){history{nodes{changes{field}}}}}`))
		text := fmt.Sprint(a.Data)
		for _, name := range append([]string{"echo", "high"}, unreadable...) {
			if len(a.Errors) > 0 || strings.Contains(text, "field:"+name) {
				t.Errorf("%s: %+v", who, a)
			}
		}
	}
}

// reportOfFormulas: a report that its maker orders and filters by formulas shows
// eve nothing of them.
func reportOfFormulas(t *testing.T, v *vault) {
	keep := func(input string) string {
		id := v.must("ann", vaultPath, `mutation{createReportOfFolder(input:{%s}){id}}`, input).at("createReportOfFolder.id").(string)
		t.Cleanup(func() { v.must("ann", vaultPath, `mutation{deleteReportOfFolder(id:%q){id}}`, id) })
		return id
	}
	hidden := keep(`name:"by copy",where:{copy:{isNull:false}}`)
	ordered := keep(`name:"by bare",orderBy:[{field:bare}]`)
	echoed := keep(`name:"by echo",where:{echo:{startsWith:"CANARY"}},orderBy:[{field:echo}]`)
	none := fmt.Sprint(v.ask("eve", v.put(`{folders(report:"<absent>"){totalCount}}`)))
	for _, id := range []string{hidden, ordered} {
		if got := fmt.Sprint(v.ask("eve", fmt.Sprintf(`{folders(report:%q){totalCount}}`, id))); got != none {
			t.Errorf("%s, absent %s", got, none)
		}
	}
	own, all := v.ask("eve", fmt.Sprintf(`{folders(report:%q){totalCount}}`, echoed)), v.ask("ann", fmt.Sprintf(`{folders(report:%q){totalCount}}`, echoed))
	if own.count("folders.totalCount") != 0 || all.count("folders.totalCount") < 1 {
		t.Errorf("eve %+v, the super admin %+v", own, all)
	}
}

// inputs attacks an input with every formula, also with those that eve reads.
func formulaInputs(mutation string) []attack {
	var out []attack
	for _, name := range append([]string{"echo", "high"}, unreadable...) {
		out = append(out, attack{class: "B06", send: fmt.Sprintf(mutation, `@:null`), right: name, wrong: name[:len(name)-1] + "q", code: "BAD_USER_INPUT", told: true})
	}
	return out
}

// formulaSums attacks an aggregate of folders.
func formulaSums(list string) map[string][]attack {
	q := func(args, selection string) string { return "{" + list + "(" + args + "){" + selection + "}}" }
	out := []attack{
		{class: "B06", send: q(`where:{echo:{eq:"@!"}}`, "nodes{count}"), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B06", send: q(`having:{echo:{max:{gte:"@"}}}`, "totalCount nodes{count}"), right: "AAAA", wrong: "zzzz"},
		{class: "B06", send: q(`groupBy:[{field:echo}],having:{echo:{min:{eq:"@!"}}}`, "totalCount"), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B06", by: func(t *testing.T, v *vault) {
			groups := v.groupsOf(t, "eve", list, "groupBy:[{field:echo}]", "key{echo} count echo{count countDistinct min max}")
			if len(groups) != 1 || !strings.Contains(groups[0], "echo:<nil>") || strings.Contains(groups[0], secretMark) {
				t.Errorf("groups of a formula over a masked cell: %v", groups)
			}
			if all := v.groupsOf(t, "ann", list, "groupBy:[{field:echo}]", "key{echo}"); len(all) < 2 {
				t.Errorf("the super admin has %v, the attack proves nothing", all)
			}
		}},
	}
	for _, name := range unreadable {
		out = append(out, names("B06", q("groupBy:[{field:@}]", "totalCount"), name), names("B06", q("having:{@:{count:{gt:0}}}", "totalCount"), name),
			names("B06", q("orderBy:[{field:@,function:MAX}]", "totalCount"), name), names("B06", q("first:1", "nodes{@{count}}"), name),
			names("B06", q("where:{@:{isNull:true}}", "nodes{count}"), name))
	}
	return map[string][]attack{"app Query." + list: out}
}

// echoIsQuiet: a change of a cell that is masked for eve is no change of the
// formula over it.
func echoIsQuiet(t *testing.T, v *vault) {
	s := v.live(t, "eve", `subscription{folderChanges{kind id folder{id echo high}}}`)
	own, gone := v.folder("eve", "echo")
	s.tells("ADDED", own)
	v.must("ann", vaultPath, `mutation{updateFolder(id:%q,input:{note:"CANARY-N-ECHO",secret:"CANARY-S-ECHO",ssn:"CANARY-P-ECHO"}){id}}`, own)
	v.must("ann", vaultPath, `mutation{updateFolder(id:%q,input:{level:9}){id}}`, own)
	if event, data := s.next(); event != "next" || !strings.Contains(data, `"high":true`) || strings.Contains(data, secretMark) || !strings.Contains(data, `"echo":null`) {
		t.Errorf("%s %s", event, data)
	}
	gone()
	s.tells("REMOVED", own)
}

var formulaAttacks = joined(
	formulaSums("foldersAggregate"), formulaSums("highFoldersAggregate"),
	formulaLists("app Query.folders", "{", "folders", "}"),
	formulaLists("app Query.highFolders", "{", "highFolders", "}"),
	formulaLists("app Folder.folders", `{folder(id:"<eves>"){`, "folders", "}}"),
	map[string][]attack{
		"app Subscription.folderChanges": {{class: "B06", by: echoIsQuiet}},
		"app Query.folder": {
			{class: "B06", by: echoIsNull},
			names("B06", `{folder(id:"<eves>"){@}}`, "copy"), names("B06", `{folder(id:"<eves>"){@}}`, "twice"), names("B06", `{folder(id:"<eves>"){@}}`, "bare"),
		},
		"app Query.sheets": {
			{class: "B06", send: `{sheets(where:{folder:{echo:{eq:"@!"}}}){totalCount}}`, right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
			{class: "B06", send: `{sheets(where:{not:{folder:{echo:{gt:"@"}}}}){totalCount}}`, right: "CANARY", wrong: "ZZZZZZ"},
			names("B06", `{sheets(where:{folder:{@:{isNull:true}}}){totalCount}}`, "copy"),
			names("B06", `{sheets{nodes{folder{@}}}}`, "bare"),
		},
		"app Folder.related":        {names("B06", `{folder(id:"<eves>"){related{@}}}`, "twice")},
		"app Mutation.createFolder": formulaInputs(`mutation{createFolder(input:{title:"x",%s}){id}}`),
		"app Mutation.updateFolder": append(formulaInputs(`mutation{updateFolder(id:"<eves>",input:{%s}){id}}`),
			names("B06", `mutation{updateFolder(id:"<eves>",input:{title:"mine"}){folder{@}}}`, "copy")),
		"app Mutation.createReportOfFolder": {
			names("B06", `mutation{createReportOfFolder(input:{name:"x",where:{@:{isNull:true}}}){id}}`, "copy"),
			names("B06", `mutation{createReportOfFolder(input:{name:"x",orderBy:[{field:@}]}){id}}`, "bare"),
			names("B06", `mutation{createReportOfFolder(input:{name:"x",columns:[@]}){id}}`, "twice"),
		},
		"app Query.createdReports":                      {{class: "B06", by: reportOfFormulas}},
		"app Folder.history":                            {{class: "B06", by: formulasAreNotInHistory}},
		"route /apps/{application}/export/{form}":       {{class: "B06", by: formulasAreNotExported}},
		"route POST /apps/{application}/imports/{form}": {{class: "B06", by: formulasAreNotImported}},
	},
)
