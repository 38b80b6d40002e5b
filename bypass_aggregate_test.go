package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// summedFolders attacks an aggregate of folders.
func summedFolders(list string) map[string][]attack {
	q := func(args, selection string) string { return "{" + list + "(" + args + "){" + selection + "}}" }
	where := func(filter string) string {
		return q("where:{"+filter+"}", "nodes{count title{min max} note{count countDistinct min max}}")
	}
	return map[string][]attack{"app Query." + list: {
		names("B01", q("groupBy:[{field:@}]", "totalCount"), "secret"),
		names("B01", q("groupBy:[{field:@}]", "totalCount"), "ssn"),
		names("B01", q("having:{@:{count:{gt:0}}}", "totalCount"), "secret"),
		names("B01", where("@:{isNull:true}"), "ssn"),
		{class: "B01", send: where(`note:{eq:"@"}`), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B01", send: q(`having:{note:{max:{gte:"@"}}}`, "totalCount nodes{count}"), right: "CANARY", wrong: "ZZZZZZ"},
		{class: "B01", send: q(`groupBy:[{field:note}],having:{note:{min:{eq:"@"}}}`, "totalCount"), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		names("B02", q("orderBy:[{field:@,function:MAX}]", "totalCount"), "secret"),
		names("B02", q("groupBy:[{field:title}],orderBy:[{field:@}]", "totalCount"), "ssn"),
		{class: "B02", by: func(t *testing.T, v *vault) { v.groupOrderTellsNothing(t, list) }},
		names("B03", q("first:1", "nodes{@{count countDistinct}}"), "secret"),
		names("B03", q("first:1", "nodes{key{@}}"), "ssn"),
		{class: "B03", by: func(t *testing.T, v *vault) { v.sumsWhatItLists(t, list) }},
		{class: "B04", send: q(`after:"@"`, "nodes{count}"), right: "<cursor of bob>", wrong: "<cursor of ann>", code: "BAD_USER_INPUT", told: true},
		names("B05", q("groupBy:[{field:@}]", "nodes{key{@{entry}}}"), "ledger"),
		names("B05", q("groupBy:[{field:related}]", "nodes{key{related{@}}}"), "secret"),
		noField("B09", q("groupBy:[{field:keeper}]", "nodes{key{keeper{@}}}"), "email"),
		{class: "B13", send: where(`related:{title:{eq:"@"}}`), right: "CANARY-TITLE", wrong: "CANARY-XXXXX"},
		{class: "B13", send: where(`rivals:{some:{title:{eq:"@"}}}`), right: "CANARY-TITLE", wrong: "CANARY-XXXXX"},
		{class: "B13", send: where(`related:{id:{eq:"@"}}`), right: "<bobs>", wrong: "<absent>"},
		{class: "B18", send: where(`not:{related:{title:{eq:"@"}}}`), right: "CANARY-TITLE", wrong: "CANARY-XXXXX"},
		{class: "B18", send: where(`note:{ne:"@"}`), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B18", send: q(`groupBy:[{field:id}],having:{not:{note:{max:{eq:"@"}}}}`, "totalCount"), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B19", by: func(t *testing.T, v *vault) { v.groupsAreGot(t, list) }},
		{class: "B20", by: func(t *testing.T, v *vault) { v.groupCursorIsBound(t, list) }},
		{class: "B25", by: func(t *testing.T, v *vault) { v.sumsAreCounted(t, list) }},
	}}
}

func summedSheets(list string) map[string][]attack {
	q := func(args, selection string) string { return "{" + list + "(" + args + "){" + selection + "}}" }
	where := func(filter string) string { return q("where:{"+filter+"}", "nodes{count name{min max}}") }
	return map[string][]attack{"app Query." + list: {
		{class: "B01", send: where(`name:{eq:"@"}`), right: "CANARY-SHEET", wrong: "CANARY-XXXXX"},
		{class: "B02", send: q("groupBy:[{field:name}],orderBy:[{field:@}]", "totalCount"), right: "addedBy", wrong: "addedBz"},
		{class: "B03", by: func(t *testing.T, v *vault) { v.sumsWhatItLists(t, list) }},
		{class: "B04", send: q(`after:"@"`, "nodes{count}"), right: "<cursor of bob>", wrong: "<cursor of eve>", code: "BAD_USER_INPUT", told: true},
		names("B05", q("groupBy:[{field:folder}]", "nodes{key{folder{@}}}"), "secret"),
		{class: "B13", send: where(`folder:{note:{eq:"@"}}`), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B18", send: where(`not:{folder:{note:{eq:"@"}}}`), right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B19", by: func(t *testing.T, v *vault) { v.groupsAreGot(t, list) }},
		{class: "B20", by: func(t *testing.T, v *vault) { v.groupCursorIsBound(t, list) }},
		{class: "B25", by: func(t *testing.T, v *vault) { v.sumsAreCounted(t, list) }},
	}}
}

// groupsOf are the groups of an aggregate, each as the text of what it has.
func (v *vault) groupsOf(t *testing.T, who, list, args, selection string) (out []string) {
	t.Helper()
	a := v.ask(who, v.put("{"+list+"("+args+"){nodes{"+selection+"}}}"))
	if len(a.Errors) > 0 {
		t.Fatalf("%s %s: %+v", who, args, a.Errors)
	}
	for _, g := range a.list(list + ".nodes") {
		out = append(out, fmt.Sprint(g))
	}
	return out
}

// groupOrderTellsNothing orders by a field that is masked everywhere: the groups
// come by their keys.
func (v *vault) groupOrderTellsNothing(t *testing.T, list string) {
	plain := v.groupsOf(t, "eve", list, "groupBy:[{field:id}]", "key{id}")
	for _, order := range []string{"MAX,direction:ASC", "MAX,direction:DESC", "COUNT,direction:DESC", "COUNT_DISTINCT,direction:ASC"} {
		if got := v.groupsOf(t, "eve", list, "groupBy:[{field:id}],orderBy:[{field:note,function:"+order+"}]", "key{id}"); !slices.Equal(got, plain) {
			t.Errorf("by %s %v, by id %v", order, got, plain)
		}
	}
}

// sumsWhatItLists: counts of groups, of the whole and of the connection are those
// of the list; a masked field has no value and one group.
func (v *vault) sumsWhatItLists(t *testing.T, list string) {
	of := strings.TrimSuffix(list, "Aggregate")
	a := v.ask("eve", fmt.Sprintf(`{%s{nodes{count}} byID:%s(groupBy:[{field:id}]){totalCount} %s(first:100){totalCount nodes{id} aggregate{count}}}`, list, list, of))
	n := len(a.list(of + ".nodes"))
	if n < 1 || a.count(list+".nodes.0.count") != n || a.count("byID.totalCount") != n || a.count(of+".totalCount") != n || a.count(of+".aggregate.count") != n {
		t.Errorf("%+v", a)
	}
	if strings.HasPrefix(list, "sheets") {
		return
	}
	if got := v.groupsOf(t, "eve", list, "groupBy:[{field:note}]", "key{note} count note{count countDistinct min max}"); len(got) != 1 || !strings.Contains(got[0], "note:<nil>") || strings.Contains(got[0], secretMark) {
		t.Errorf("%v", got)
	}
	if got := v.groupsOf(t, "eve", list, "groupBy:[{field:related}]", "key{related{title}}"); len(got) != 1 || strings.Contains(got[0], secretMark) {
		t.Errorf("a lookup out of reach: %v", got)
	}
	if got := v.groupsOf(t, "ann", list, "groupBy:[{field:note}]", "key{note}"); len(got) < 2 {
		t.Errorf("the super admin has %v, the attack proves nothing", got)
	}
}

// groupsAreGot: grouped by id they are the records that eve can get.
func (v *vault) groupsAreGot(t *testing.T, list string) {
	get := strings.ToLower(strings.TrimSuffix(list, "sAggregate"))
	if strings.HasPrefix(list, "highFolders") {
		get = "folder"
	}
	seen := v.groupsOf(t, "eve", list, "groupBy:[{field:id}]", "key{id}")
	for _, g := range v.groupsOf(t, "ann", list, "groupBy:[{field:id}]", "key{id}") {
		id := strings.TrimSuffix(strings.TrimPrefix(g, "map[key:map[id:"), "]]")
		if got := v.ask("eve", fmt.Sprintf(`{%s(id:%q){id}}`, get, id)).at(get) != nil; got != slices.Contains(seen, g) {
			t.Errorf("%s: in a group %v, got %v", id, !got, got)
		}
	}
}

// groupCursorIsBound takes a cursor to another aggregate and to another viewer.
func (v *vault) groupCursorIsBound(t *testing.T, list string) {
	page := func(who, args string) answer {
		return v.ask(who, v.put("{"+list+"("+args+"){nodes{count} pageInfo{endCursor}}}"))
	}
	own, _ := page("eve", "groupBy:[{field:id}],first:1").at(list + ".pageInfo.endCursor").(string)
	if a := page("eve", fmt.Sprintf("groupBy:[{field:id}],first:1,after:%q", own)); own == "" || len(a.Errors) > 0 {
		t.Fatalf("%q: %+v", own, a.Errors)
	}
	for _, c := range []struct{ who, args string }{
		{"eve", "groupBy:[{field:addedTime}]"}, {"eve", "groupBy:[{field:id},{field:id}]"}, {"eve", `groupBy:[{field:id}],timeZone:"Asia/Tokyo"`},
		{"eve", "groupBy:[{field:id}],where:{id:{isNull:false}}"}, {"eve", "groupBy:[{field:id}],having:{count:{gt:0}}"},
		{"eve", "groupBy:[{field:id}],orderBy:[{function:COUNT}]"}, {"bob", "groupBy:[{field:id}]"}, {"ann", "groupBy:[{field:id}]"},
	} {
		if a := page(c.who, fmt.Sprintf("%s,after:%q", c.args, own)); a.code() != "BAD_USER_INPUT" {
			t.Errorf("%s with %s: %+v", c.who, c.args, a)
		}
	}
}

func (v *vault) sumsAreCounted(t *testing.T, list string) {
	var many strings.Builder
	for i := range 60 {
		fmt.Fprintf(&many, "a%d:%s{nodes{count key{id} version{sum avg}}}", i, list)
	}
	if a := v.ask("eve", "{"+many.String()+"}"); a.code() != "LIMIT_EXCEEDED" {
		t.Errorf("%d %+v", a.status, a.Errors)
	}
}

// keyArguments attacks the fields of keys that take an argument.
func keyArguments(list, typ string) map[string][]attack {
	out := map[string][]attack{}
	for _, name := range []string{"addedTime", "modifiedTime"} {
		send := func(selection string) string {
			return "{" + list + "(groupBy:[{field:" + name + ",by:DAY}]){nodes{key{" + selection + "}}}}"
		}
		out["app "+typ+"."+name] = []attack{
			names("B05", send(name+"(by:DAY) @"), "addedBy"),
		}
	}
	return out
}

// ofConnections attacks values over the records of connections.
var ofConnections = map[string][]attack{
	"app Query.folders": {
		names("B03", `{folders{aggregate{@{count}}}}`, "secret"),
		names("B03", `{folders{aggregate{@{min}}}}`, "ssn"),
		{class: "B03", send: `{folders(where:{note:{eq:"@"}}){aggregate{count title{min max}}}}`, right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		{class: "B03", send: `{folders(where:{related:{title:{eq:"@"}}}){aggregate{count}}}`, right: "CANARY-TITLE", wrong: "CANARY-XXXXX"},
	},
	"app Folder.folders": {
		names("B03", `{folder(id:"<eves>"){folders{aggregate{@{count}}}}}`, "secret"),
		{class: "B03", by: func(t *testing.T, v *vault) {
			a := v.ask("eve", v.put(`{folder(id:"<eves>"){folders{aggregate{count}} sheets{totalCount aggregate{count name{max}}}}}`))
			if a.count("folder.folders.aggregate.count") != 0 || a.count("folder.sheets.aggregate.count") != a.count("folder.sheets.totalCount") || a.at("folder.sheets.aggregate.name.max") != "file" {
				t.Errorf("%+v", a)
			}
		}},
	},
}

var aggregateAttacks = joined(
	summedFolders("foldersAggregate"), summedFolders("highFoldersAggregate"), summedSheets("sheetsAggregate"), ofConnections,
	keyArguments("foldersAggregate", "FolderAggregateKey"), keyArguments("sheetsAggregate", "SheetAggregateKey"),
	map[string][]attack{
		"app Query.foldersAggregate": {
			{class: "B11", send: `{foldersAggregate(report:"@"){nodes{count}}}`, right: "<secretReport>", wrong: "<absent>"},
			{class: "B15", send: `{foldersAggregate(report:"@"){nodes{count}}}`, right: "<bobs>", wrong: "<absent>", told: true},
		},
		"app Query.ledgersAggregate":          unknownField(`{@{totalCount}}`, "ledgersAggregate"),
		"app LedgerAggregateKey.addedTime":    unknownField(`{...on @{addedTime}}`, "LedgerAggregateKey"),
		"app LedgerAggregateKey.modifiedTime": unknownField(`{...on @{modifiedTime}}`, "LedgerAggregateKey"),
	},
)
