package main

import (
	"fmt"
	"testing"
)

// labelled adds a thing with a label and returns its id.
func (d *desk) labelled(t *testing.T, who, label, input string, args ...any) string {
	t.Helper()
	return d.must(t, who, `mutation{createThing(input:{label:%q %s}){id}}`, label, fmt.Sprintf(input, args...)).at("createThing.id").(string)
}

// TestL1_QuantifiedListsOverHTTP: some, every and none speak of the records of a
// list that the viewer reaches; what is out of reach is as if it were not listed,
// in lists, counts, values and kept reports.
func TestL1_QuantifiedListsOverHTTP(t *testing.T) {
	d := theTypes(t)
	mine, other := d.labelled(t, "rep", "list filter mine", `size:3`), d.labelled(t, "rep", "list filter other", `size:9`)
	theirs := d.labelled(t, "rita", "list filter theirs", `size:3`)
	share := fmt.Sprintf(`team:[%q]`, d.ids["rep"])
	holders := map[string]string{}
	for name, related := range map[string]string{
		"both": fmt.Sprintf(`related:[%q,%q]`, theirs, mine), "hidden": fmt.Sprintf(`related:[%q]`, theirs),
		"two": fmt.Sprintf(`related:[%q,%q]`, mine, other), "empty": "",
	} {
		holders[d.labelled(t, "boss", "holder "+name, `size:5 %s %s`, share, related)] = name
	}
	found := func(who, related string) string {
		t.Helper()
		where := fmt.Sprintf(`{label:{startsWith:"holder "} related:{%s}}`, related)
		a := d.must(t, who, `{things(where:%s orderBy:[{field:label}]){totalCount aggregate{count} nodes{id}}}`, where)
		names := ""
		for _, n := range a.list("things.nodes") {
			names += holders[n.(map[string]any)["id"].(string)] + " "
		}
		if n := len(a.list("things.nodes")); a.count("things.totalCount") != n || a.count("things.aggregate.count") != n {
			t.Errorf("%s: %s: %v", who, related, a.Data)
		}
		return names
	}
	for _, c := range []struct{ related, rep, boss string }{
		{`some:{label:{eq:"list filter theirs"}}`, "", "both hidden "},
		{`some:{label:{eq:"list filter mine"}}`, "both two ", "both two "},
		{`some:{}`, "both two ", "both hidden two "},
		{`none:{}`, "empty hidden ", "empty "},
		{`none:{size:{eq:"3"}}`, "empty hidden ", "empty "},
		{`every:{label:{eq:"list filter mine"}}`, "both empty hidden ", "empty "},
		{`every:{size:{eq:3}} isNull:false`, "both ", "both hidden "},
		{fmt.Sprintf(`some:{size:{gt:3}} has:%q`, mine), "two ", "two "},
	} {
		if got := found("rep", c.related); got != c.rep {
			t.Errorf("rep: %s: %q, want %q", c.related, got, c.rep)
		}
		if got := found("boss", c.related); got != c.boss {
			t.Errorf("boss: %s: %q, want %q", c.related, got, c.boss)
		}
	}
	report := d.must(t, "boss", `mutation{createReportOfThing(input:{name:"with small ones", columns:[label],
		where:{label:{startsWith:"holder "} related:{some:{size:{lt:5}} has:%q}}}){id report{where}}}`, theirs)
	id := report.at("createReportOfThing.id")
	defer d.must(t, "boss", `mutation{deleteReportOfThing(id:%q){id}}`, id)
	if got := fmt.Sprint(report.at("createReportOfThing.report.where.related")); got != fmt.Sprintf("map[has:%s some:map[size:map[lt:5]]]", theirs) {
		t.Errorf("kept as %s", got)
	}
	if n := d.must(t, "boss", `{things(report:%q){totalCount}}`, id).count("things.totalCount"); n != 2 {
		t.Errorf("the report has %d", n)
	}
	if n := d.must(t, "rep", `{things(report:%q){totalCount}}`, id).count("things.totalCount"); n != 0 {
		t.Errorf("the report shows rep %d", n)
	}
}

// TestB3_QuantifiedListsNameWhatIsShown: below some, a hidden field is as unknown
// as one that never was, and people have no fields at all.
func TestB3_QuantifiedListsNameWhatIsShown(t *testing.T) {
	d := theTypes(t)
	for _, where := range []string{`{related:{some:{%s:{isNull:false}}}}`, `{not:{related:{every:{related:{none:{%s:{isNull:true}}}}}}}`} {
		ask := func(field string) string {
			return d.told(t, "nora", `{things(where:%s){totalCount}}`, fmt.Sprintf(where, field))
		}
		if hidden, never := ask("secret"), ask("secrex"); hidden == "" || len(hidden) != len(never) {
			t.Errorf("%s: %s, of one that never was %s", where, hidden, never)
		}
		if got := d.must(t, "rep", `{things(where:%s first:0){totalCount}}`, fmt.Sprintf(where, "secret")); got.Data == nil {
			t.Error("rep may not name what they see")
		}
	}
	if got := d.told(t, "rep", `{things(where:{team:{some:{}}}){totalCount}}`); got == "" {
		t.Error("people are filtered by their fields")
	}
}
