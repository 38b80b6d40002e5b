package main

import (
	"fmt"
	"strings"
	"testing"
)

// order makes an order of the sales rep and takes it away at the end.
func (d *demoServer) order(t *testing.T, number string) string {
	t.Helper()
	id := d.ok(t, "ravi", `mutation{createOrder(input:{number:%q title:"talk"}){id}}`, number).at("createOrder.id").(string)
	t.Cleanup(func() { d.as(t, "ravi", `mutation{deleteOrder(id:%q){id}}`, id) })
	return id
}

func (d *demoServer) me(t *testing.T, who string) string {
	t.Helper()
	return d.ok(t, who, `{me{id}}`).at("me.id").(string)
}

// TestB6_CommentsOverHTTP: a rep comments on an order of his and mentions his
// manager, who finds it in her inbox; finance reads and does not write; who
// does not see the order is answered as for one that does not exist.
func TestB6_CommentsOverHTTP(t *testing.T) {
	d := theDemo(t)
	order := d.order(t, "T-1")
	marta, nora := d.me(t, "marta"), d.me(t, "nora")
	a := d.ok(t, "ravi", `mutation{addOrderComment(id:%q text:"Look at this" mentions:[%q %q]){id comment{id text author{displayName} mentions{displayName} viewerCanEdit}}}`, order, marta, nora)
	comment, _ := a.at("addOrderComment.id").(string)
	if a.at("addOrderComment.comment.text") != "Look at this" || a.at("addOrderComment.comment.author.displayName") != "Ravi Patel" ||
		a.at("addOrderComment.comment.mentions.1.displayName") != "Nora Lindqvist" || a.at("addOrderComment.comment.viewerCanEdit") != true {
		t.Errorf("the payload is %v", a.Data)
	}
	read := `{order(id:%q){version comments{totalCount nodes{text viewerCanEdit viewerCanDelete}}}}`
	for who, want := range map[string]string{
		"ravi": "true true", "marta": "false false", "felix": "false false", "priya": "false true",
	} {
		a := d.ok(t, who, read, order)
		got := fmt.Sprint(a.at("order.comments.nodes.0.viewerCanEdit"), " ", a.at("order.comments.nodes.0.viewerCanDelete"))
		if got != want || a.count("order.comments.totalCount") != 1 || a.count("order.version") != 1 {
			t.Errorf("%s reads %v", who, a.Data)
		}
	}
	inbox := `{notifications{totalCount nodes{id read actor{displayName} form record kind comment{text}}}}`
	a = d.ok(t, "marta", "%s", inbox)
	if a.at("notifications.nodes.0.record") != order || a.at("notifications.nodes.0.form") != "Order" || a.at("notifications.nodes.0.comment.text") != "Look at this" ||
		a.at("notifications.nodes.0.actor.displayName") != "Ravi Patel" || a.at("notifications.nodes.0.kind") != "MENTION" || a.at("notifications.nodes.0.read") != false {
		t.Errorf("marta's inbox is %v", a.Data)
	}
	if got := d.ok(t, "nora", "%s", inbox); got.count("notifications.totalCount") != 0 {
		t.Errorf("nora, who cannot see the order, is told %v", got.Data)
	}
	entry := a.at("notifications.nodes.0.id")
	a = d.ok(t, "marta", `mutation{markNotificationsRead(ids:[%q]){notifications{read}}}`, entry)
	if a.at("markNotificationsRead.notifications.0.read") != true {
		t.Errorf("marking answers %v", a.Data)
	}
	if a := d.as(t, "nora", `mutation{markNotificationsRead(ids:[%q]){notifications{read}}}`, entry); a.code() != "NOT_FOUND" {
		t.Errorf("another's notification answers %+v", a)
	}
	for query, want := range map[string]string{
		`mutation{addOrderComment(id:"` + order + `" text:"x"){id}}`:                                                 "NOT_FOUND",
		`mutation{editOrderComment(id:"` + order + `" comment:"` + comment + `" text:"x"){id}}`:                      "NOT_FOUND",
		`mutation{addOrderComment(id:"00000000-0000-7000-8000-000000000001" text:"x"){id}}`:                          "NOT_FOUND",
		`mutation{removeOrderComment(id:"00000000-0000-7000-8000-000000000001" comment:"` + comment + `"){id}}`:      "NOT_FOUND",
		`mutation{markNotificationsRead(ids:["00000000-0000-7000-8000-000000000001"]){notifications{id}}}`:           "NOT_FOUND",
		`{orders(first:1){nodes{comments(after:"bm90IGEgY3Vyc29y"){totalCount}}}}`:                                   "BAD_USER_INPUT",
		`mutation{addOrderComment(id:"` + order + `" text:"x" mentions:"00000000-0000-7000-8000-000000000001"){id}}`: "NOT_FOUND",
	} {
		if a := d.as(t, "nora", "%s", query); a.code() != want {
			t.Errorf("nora: %s: %+v", query, a.Errors)
		}
	}
	for who, want := range map[string]string{"marta": "FORBIDDEN", "ravi": ""} {
		if a := d.as(t, who, `mutation{editOrderComment(id:%q comment:%q text:"Look at that"){comment{text editedTime}}}`, order, comment); a.code() != want {
			t.Errorf("%s edits: %+v", who, a)
		}
	}
	if a := d.as(t, "ravi", `mutation{addOrderComment(id:%q text:"x" mentions:[%q]){id}}`, order, strings.Repeat("0", 36)); a.code() != "BAD_USER_INPUT" {
		t.Errorf("an unknown person is mentioned: %+v", a)
	}
	if a := d.ok(t, "priya", `mutation{removeOrderComment(id:%q comment:%q){id comment{id}}}`, order, comment); a.at("removeOrderComment.comment") != nil {
		t.Errorf("the deletion answers %v", a.Data)
	}
	if got := d.ok(t, "marta", "%s", inbox); strings.Contains(fmt.Sprint(got.Data), order) {
		t.Errorf("a deleted comment is in the inbox: %v", got.Data)
	}
}

// TestP2_CommentsAreAbsentOverHTTP: without the right there is no field, type or
// mutation, and asking for one answers as for a name that nobody has.
func TestP2_CommentsAreAbsentOverHTTP(t *testing.T) {
	d := theDemo(t)
	for who, queries := range map[string][]string{
		"omar":  {`{distributionAreas{nodes{%s{totalCount}}}}`, `{%s{totalCount}}`},
		"felix": {`{orders{nodes{%s{complete}}}}`, `mutation{%s(id:"x",text:"x"){id}}`},
	} {
		hidden := map[string][]string{"omar": {"comments", "notifications"}, "felix": {"history", "addOrderComment"}}[who]
		for i, query := range queries {
			a, b := d.as(t, who, query, hidden[i]), d.as(t, who, query, strings.Repeat("z", len(hidden[i])))
			if a.code() != b.code() || a.status != b.status || a.code() != "BAD_USER_INPUT" {
				t.Errorf("%s asks for %s: %+v, for nothing: %+v", who, hidden[i], a, b)
			}
		}
	}
	for who, types := range map[string][]string{
		"omar":  {"Comment", "CommentConnection", "Notification", "HistoryEntry", "HistoryConnection", "CommentPayload"},
		"felix": {"HistoryEntry", "HistoryConnection", "CommentPayload"},
	} {
		for _, name := range types {
			if a := d.ok(t, who, `{__type(name:%q){name}}`, name); a.at("__type") != nil {
				t.Errorf("%s finds the type %s", who, name)
			}
		}
	}
}

// TestH5_HistoryOverHTTP changes an order and reads its history, as those who may
// and as one who may not.
func TestH5_HistoryOverHTTP(t *testing.T) {
	d := theDemo(t)
	order := d.order(t, "T-2")
	read := `{order(id:%q){history(first:%d after:%s){totalCount complete nodes{version kind actor{displayName} changes{field before after}} pageInfo{hasNextPage hasPreviousPage endCursor}}}}`
	d.ok(t, "marta", `mutation{updateOrder(id:%q input:{title:"talk more" amount:"12.50"}){id}}`, order)
	a := d.ok(t, "ravi", read, order, 1, "null")
	want := "map[changes:[map[after:talk more before:talk field:title] map[after:12.50 before:<nil> field:amount]] kind:UPDATED version:2]"
	entry, _ := a.at("order.history.nodes.0").(map[string]any)
	delete(entry, "actor")
	if fmt.Sprint(entry) != want || a.count("order.history.totalCount") != 2 || a.at("order.history.complete") != true || a.at("order.history.pageInfo.hasNextPage") != true {
		t.Errorf("the history is %v", a.Data)
	}
	a = d.ok(t, "ravi", read, order, 5, fmt.Sprintf("%q", a.at("order.history.pageInfo.endCursor")))
	if a.at("order.history.nodes.0.kind") != "CREATED" || a.count("order.history.totalCount") != 2 || a.at("order.history.pageInfo.hasPreviousPage") != true {
		t.Errorf("the next page is %v", a.Data)
	}
	a = d.ok(t, "ravi", `mutation{updateOrder(id:%q input:{title:"talk less"}){order{history(first:1){nodes{version changes{after}}}}}}`, order)
	if a.count("updateOrder.order.history.nodes.0.version") != 3 {
		t.Errorf("the payload's history is %v", a.Data)
	}
	if a := d.as(t, "nora", read, order, 5, "null"); a.at("order") != nil {
		t.Errorf("nora, who cannot see the order, reads %v", a.Data)
	}
	d.ok(t, "ravi", `mutation{deleteOrder(id:%q){id}}`, order)
	if a := d.ok(t, "priya", read, order, 5, "null"); a.at("order") != nil {
		t.Errorf("a deleted order has %v", a.Data)
	}
}

// TestP7_CommentsAreGuarded: lists of comments within lists count before they
// run.
func TestP7_CommentsAreGuarded(t *testing.T) {
	d := theDemo(t)
	for _, query := range []string{
		`{orders(first:1000){nodes{comments(first:1000){nodes{text}}}}}`,
		`{orders(first:1000){nodes{history(first:500){nodes{version}}}}}`,
		`{orders(first:1000){nodes{comments(first:0){totalCount} history(first:0){totalCount} orderLines(first:1){totalCount}}}}`,
	} {
		if a := d.as(t, "ravi", "%s", query); a.code() != "LIMIT_EXCEEDED" {
			t.Errorf("%s: %+v", query, a.Errors)
		}
	}
}
