package main

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// TestG3HiddenIsNeitherExportedNorTold: an export, comments, history and
// notifications have of a hidden record what they had before there was one.
func TestG3HiddenIsNeitherExportedNorTold(t *testing.T) {
	d := theDemo(t)
	vera := d.hider(t)
	people := []string{"priya", "jonas", "mei", "felix"}
	state := func(who, id string) []string {
		swap := map[string]string{"ORDER": id, "VERA": vera}
		out := []string{d.export(t, who, "GET", "Order", url.Values{}).body, d.export(t, who, "GET", "Order", url.Values{"format": {"ndjson"}}).body}
		for _, q := range []string{
			`{notifications(first:100){totalCount nodes{id record comment{text}}}}`, `{notifications(first:0 unreadOnly:true){totalCount}}`,
			`{order(id:"ORDER"){comments{totalCount nodes{text}}}}`, `{order(id:"ORDER"){history{totalCount nodes{version changes{field before after}}}}}`,
			`mutation{addOrderComment(id:"ORDER" text:"x"){id}}`,
		} {
			out = append(out, d.answerText(t, salesPath, who, q, swap))
		}
		return out
	}
	before := map[string][]string{}
	for _, who := range people {
		before[who] = state(who, nobody)
	}
	id := d.ok(t, "vera", `mutation{createOrder(input:{number:"TOLD-1" title:"told"}){id}}`).at("createOrder.id").(string)
	d.ok(t, "vera", `mutation{updateOrder(id:%q input:{title:"told twice"}){id}}`, id)
	comment := d.ok(t, "vera", `mutation{addOrderComment(id:%q text:"hush" mentions:[%q %q %q]){comment{id}}}`, id, d.id(t, "priya"), d.id(t, "jonas"), d.id(t, "mei")).at("addOrderComment.comment.id").(string)
	for _, who := range people[:3] {
		shown := state(who, id)
		if !strings.Contains(shown[0], "TOLD-1") || !strings.Contains(shown[1], `"TOLD-1"`) || !strings.Contains(shown[2], "hush") || !strings.Contains(shown[4], "hush") || !strings.Contains(shown[5], "told twice") {
			t.Fatalf("%s is not told of what is not hidden: %.300s", who, shown[2:])
		}
	}
	for _, c := range d.ok(t, "vera", `{order(id:%q){comments{nodes{id text}}}}`, id).list("order.comments.nodes") {
		if c := c.(map[string]any); c["id"] != comment {
			d.ok(t, "vera", `mutation{removeOrderComment(id:%q comment:%q){id}}`, id, c["id"])
		}
	}
	d.hide(t, "vera", "Order", `{number: {startsWith: "TOLD"}}`)
	for _, who := range people {
		for i, got := range state(who, id) {
			if want := before[who][i]; got != want {
				t.Errorf("%s, %d:\nbefore %.500s\nhidden %.500s", who, i, want, got)
			}
		}
		// The id of a comment that somebody has seen opens nothing either.
		for _, q := range []string{`mutation{editOrderComment(id:%q comment:%q text:"x"){id}}`, `mutation{removeOrderComment(id:%q comment:%q){id}}`} {
			if a := d.as(t, who, q, id, comment); len(a.Errors) == 0 || a.code() == "FORBIDDEN" {
				t.Errorf("%s: %s: %+v", who, q, a)
			}
		}
	}
	// Its owner reads, exports and is told as before.
	own := state("vera", id)
	if !strings.Contains(own[0], "TOLD-1") || !strings.Contains(own[4], "hush") || !strings.Contains(own[5], "told twice") {
		t.Errorf("the owner: %.300s", own[2:])
	}
}

// TestG1ToolsOfAdminsLeaveHiddenRecords: giving records away leaves what somebody
// hides where it is, and counts it as little as what is not there; an import of
// theirs is not there for others.
func TestG1ToolsOfAdminsLeaveHiddenRecords(t *testing.T) {
	d := theDemo(t)
	vera := d.hider(t)
	d.hide(t, "vera", "Order", `{number: {startsWith: "KEEP"}}`)
	_, b := d.do(t, call{path: "/apps/sales/imports/Order", token: d.tokens["vera"], contentType: "text/csv", body: "number,title\nKEEP-1,x\nKEEP-2,x\nGIVE-1,x\n"})
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	var last struct{ Job struct{ ID string } }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Job.ID == "" {
		t.Fatalf("%v: %s", err, b)
	}
	kept := func() int {
		return d.ok(t, "vera", `{orders(where:{number:{startsWith:"KEEP"}}){totalCount}}`).count("orders.totalCount")
	}
	for i, who := range []string{"jonas", "priya"} {
		to := d.id(t, "ravi")
		a := d.manage(t, who, `mutation{reassignRecords(application:"sales" from:%q to:%q){reassignment{moved kept}}}`, vera, to)
		if moved := a.count("reassignRecords.reassignment.moved"); moved != 1-i || a.at("reassignRecords.reassignment.kept") != 0.0 || kept() != 2 {
			t.Errorf("%s gives away %d records, %d are kept: %+v", who, moved, kept(), a.Data)
		}
	}
	// The job's figures would tell of the records, and an undo by somebody else end it.
	job := "/apps/sales/imports/" + last.Job.ID
	for _, who := range []string{"jonas", "priya", "mei"} {
		if _, b := d.do(t, call{method: "GET", path: "/apps/sales/imports", token: d.tokens[who]}); strings.Contains(string(b), last.Job.ID) {
			t.Errorf("%s is shown the job: %s", who, b)
		}
		for _, c := range []call{{method: "GET", path: job}, {path: job + "/undo"}, {path: job + "/resume", contentType: "text/csv", body: "number,title\n"}} {
			c.token = d.tokens[who]
			_, b := d.do(t, c)
			c.path = strings.Replace(c.path, last.Job.ID, nobody, 1)
			if _, none := d.do(t, c); string(b) != string(none) || !strings.Contains(string(b), "NOT_FOUND") {
				t.Errorf("%s: %s, and of no job %s", c.path, b, none)
			}
		}
	}
	_, b = d.do(t, call{path: job + "/undo", token: d.tokens["vera"], body: ""})
	if !strings.Contains(string(b), `"UNDONE"`) || !strings.Contains(string(b), `"removed":3`) || kept() != 0 {
		t.Errorf("her own undo leaves %d: %s", kept(), b)
	}
}
