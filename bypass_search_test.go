package main

import (
	"slices"
	"testing"
)

// searchAttacks try full-text search on every list: by words of fields that are
// hidden, masked, or of records out of reach.
var searchAttacks = joined(
	folderSearches("app Query.folders", "{", "folders", "}"),
	folderSearches("app Query.highFolders", "{", "highFolders", "}"),
	folderSearches("app Folder.folders", `{folder(id:"<eves>"){`, "folders", "}}"),
	sheetSearches("app Query.sheets", "{", "sheets", "}"),
	sheetSearches("app Folder.sheets", `{folder(id:"<eves>"){`, "sheets", "}}"),
	aggregateSearches("app Query.foldersAggregate", "foldersAggregate", "CANARY-N-EVE", "CANARY-N-XYZ"),
	aggregateSearches("app Query.foldersAggregate", "foldersAggregate", "CANARY-S-EVE", "CANARY-S-XYZ"),
	aggregateSearches("app Query.foldersAggregate", "foldersAggregate", "CANARY-TITLE", "CANARY-XXXXX"),
	aggregateSearches("app Query.highFoldersAggregate", "highFoldersAggregate", "CANARY-N-EVE", "CANARY-N-XYZ"),
	aggregateSearches("app Query.sheetsAggregate", "sheetsAggregate", "CANARY-CONTENT", "CANARY-XXXXXXX"),
	aggregateSearches("app Query.ledgersAggregate", "ledgersAggregate", "CANARY-LEDGER", "CANARY-XXXXXX"),
	map[string][]attack{"app Query.ledgers": {{class: "B01", send: `{ledgers(search:"@"){totalCount}}`, right: "CANARY-LEDGER", wrong: "CANARY-XXXXXX", code: "BAD_USER_INPUT"}}},
)

func folderSearches(key, head, list, tail string) map[string][]attack {
	q := func(args, selection string) string { return head + list + "(" + args + "){" + selection + "}" + tail }
	where := func(filter string) string { return q("where:{"+filter+"}", "totalCount nodes{id}") }
	found := "totalCount nodes{id} pageInfo{hasNextPage}"
	return map[string][]attack{key: quiet(key, []attack{
		{class: "B01", send: q(`search:"@"`, found), right: "CANARY-S-EVE", wrong: "CANARY-S-XYZ"},
		{class: "B01", send: q(`search:"\"@\""`, found), right: "CANARY-P-EVE", wrong: "CANARY-P-XYZ"},
		{class: "B01", send: q(`search:"@"`, found), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B01", send: q(`search:"@*"`, found), right: "CANARY-S", wrong: "CANARY-Q"},
		{class: "B01", send: q(`search:"canar* @"`, "totalCount"), right: "bob", wrong: "rob"},
		{class: "B01", send: q(`search:"@",first:0`, "totalCount"), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B01", send: where(`secret:{matches:"@"}`), right: "CANARY-S-EVE", wrong: "CANARY-S-XYZ", code: "BAD_USER_INPUT"},
		{class: "B01", send: where(`ssn:{matches:"@"}`), right: "CANARY-P-EVE", wrong: "CANARY-P-XYZ", code: "BAD_USER_INPUT"},
		{class: "B01", send: where(`note:{matches:"@"}`), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B01", send: where(`or:[{note:{matches:"@*"}},{title:{eq:"nothing"}}]`), right: "CANARY-N", wrong: "CANARY-Q"},
		{class: "B03", send: q(`search:"@"`, found), right: "CANARY-TITLE", wrong: "CANARY-XXXXX"},
		{class: "B13", send: where(`related:{title:{matches:"@"}}`), right: "CANARY-TITLE", wrong: "CANARY-XXXXX"},
		{class: "B18", send: where(`not:{note:{matches:"@"}}`), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B18", send: where(`not:{related:{title:{matches:"@"}}}`), right: "CANARY-TITLE", wrong: "CANARY-XXXXX"},
	})}
}

func sheetSearches(key, head, list, tail string) map[string][]attack {
	q := func(args string) string { return head + list + "(" + args + "){totalCount nodes{id}}" + tail }
	out := []attack{
		{class: "B03", send: q(`search:"@"`), right: "CANARY-SHEET", wrong: "CANARY-XXXXX"},
		{class: "B01", send: q(`search:"@*"`), right: "CANARY-CON", wrong: "CANARY-QQQ"},
		{class: "B01", send: q(`where:{name:{matches:"@"}}`), right: "CANARY-SHEET", wrong: "CANARY-XXXXX"},
		{class: "B13", send: q(`where:{folder:{note:{matches:"@"}}}`), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B18", send: q(`where:{not:{folder:{note:{matches:"@"}}}}`), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
	}
	for i := range out {
		out[i].told = key == "app Folder.sheets" // below eve's folder there is a file of hers only
	}
	return map[string][]attack{key: out}
}

func aggregateSearches(key, name, right, wrong string) map[string][]attack {
	return map[string][]attack{key: {{class: "B03", send: "{" + name + `(search:"@"){nodes{count}}}`, right: right, wrong: wrong}}}
}

// TestEveryListIsSearched: the paths that take search are those that are attacked
// with it.
func TestEveryListIsSearched(t *testing.T) {
	v := theVault(t)
	var paths []string
	for _, p := range schemaPaths(t, "app", func(q string) answer { return v.ask("ann", q) }) {
		if p.args["search"] && p.name != "Query.members" {
			paths = append(paths, p.key())
		}
	}
	for _, key := range paths {
		if len(searchAttacks[key]) == 0 && key != "app Ledger.folders" {
			t.Errorf("%s takes search and has no attack with it", key)
		}
	}
	for key := range searchAttacks {
		if !slices.Contains(paths, key) {
			t.Errorf("%s takes no search", key)
		}
	}
}
