package app

import (
	"fmt"
	"strings"
	"testing"

	"sluice/internal/fault"
)

// TestTalkIsLoadedByLevel: the comments and the history of all records of a level
// are one call, and one error is told once.
func TestTalkIsLoadedByLevel(t *testing.T) {
	w := world()
	w.run(t, `{orders{nodes{comments(first:2){totalCount nodes{text}} history{nodes{version}} customer{comments{nodes{id}}}}}}`, "")
	if w.calls["Comments"] != 2 || w.calls["History"] != 1 {
		t.Errorf("%d calls for comments, %d for history; want 2 and 1", w.calls["Comments"], w.calls["History"])
	}
	w = world()
	w.fail["Comments"] = fault.New(fault.Unavailable, "op", "not now")
	got := w.run(t, `{orders{nodes{id comments{totalCount}}}}`, "")
	if strings.Count(got, "UNAVAILABLE") != 1 || strings.Count(got, `"comments":null`) != 5 {
		t.Errorf("a failed batch answers %s", got)
	}
}

func TestTalkMutations(t *testing.T) {
	said := idOf(98, 10).String()
	for _, c := range []struct{ query, said, want string }{
		{
			`mutation{addOrderComment(id:"` + order(1) + `",text:"hi",mentions:["` + idOf(99, 2).String() + `","nonsense"]){id comment{text viewerCanEdit author{displayName}}}}`,
			fmt.Sprint("add hi ", "[", idOf(99, 2), " 00000000-0000-0000-0000-000000000000]"),
			`{"addOrderComment":{"id":"` + said + `","comment":{"text":"say \"0\"","viewerCanEdit":true,"author":{"displayName":"Ann"}}}}`,
		},
		{
			`mutation{editOrderComment(id:"` + order(1) + `",comment:"` + said + `",text:"x"){id}}`,
			"edit x [] true", `{"editOrderComment":{"id":"` + said + `"}}`,
		},
		{
			`mutation{editOrderComment(id:"` + order(1) + `",comment:"` + said + `",text:"x",mentions:[]){id}}`,
			"edit x [] false", `{"editOrderComment":{"id":"` + said + `"}}`,
		},
		{
			`mutation{removeOrderComment(id:"` + order(4) + `",comment:"` + said + `"){id comment{id}}}`,
			"delete " + said, `{"removeOrderComment":{"id":"` + said + `","comment":null}}`,
		},
		{
			`mutation{markNotificationsRead(ids:["` + idOf(97, 2).String() + `"]){notifications{form record kind comment{text}}}}`,
			fmt.Sprint("read [", idOf(97, 2), "]"),
			`{"markNotificationsRead":{"notifications":[{"form":"Order","record":"` + order(2) + `","kind":"MENTION","comment":{"text":"say \"1\""}}]}}`,
		},
	} {
		w := world()
		if got := w.run(t, c.query, ""); got != c.want || w.said != c.said {
			t.Errorf("%s\ngot  %s\nwant %s\nsaid %q, want %q", c.query, got, c.want, w.said, c.said)
		}
	}
	w := world()
	w.fail["AddComment"] = fault.New(fault.Forbidden, "op", "not permitted on this record")
	if got := w.run(t, `mutation{addOrderComment(id:"`+order(1)+`",text:"x"){id}}`, ""); !strings.HasPrefix(got, "FORBIDDEN addOrderComment: not permitted") {
		t.Errorf("a refusal answers %s", got)
	}
}

// TestTalkCost: lists beside cells multiply as all lists do, and count what they
// open.
func TestTalkCost(t *testing.T) {
	s := world().schema(t)
	for query, want := range map[string]int{
		`{orders(first:10){nodes{comments(first:20){nodes{text}}}}}`:                11 + 10*25 + 10*20,
		`{orders(first:10){nodes{comments(first:20){nodes{author{id}}}}}}`:          11 + 10*25 + 10*20*2,
		`{orders(first:10){nodes{history(first:20){nodes{changes{field after}}}}}}`: 11 + 10*25 + 10*20*costChanges*2,
		`{orders(first:10){nodes{comments(first:0){totalCount}}}}`:                  11 + 10*5 + 10*costTotal,
		`{notifications(first:30){nodes{comment{text}}}}`:                           35 + 30*2,
		`{orders(first:10){nodes{history(first:1){complete}}}}`:                     11 + 10*6 + 10*costPart,
	} {
		r, _, err := prepare(t, s, query, "", "")
		if err != nil {
			t.Fatal(err)
		}
		if r.Cost != want {
			t.Errorf("%s costs %d, want %d", query, r.Cost, want)
		}
	}
	r, _, err := prepare(t, s, `{orders(first:1000){nodes{comments(first:1000){nodes{text}}}}}`, "", "")
	if err != nil || r.Cost <= DefaultBudget {
		t.Errorf("a million comments cost %d: %v", r.Cost, err)
	}
}

func TestTalkArguments(t *testing.T) {
	for query, want := range map[string]string{
		`{orders(first:1){nodes{comments(first:1001){totalCount}}}}`:                             "BAD_USER_INPUT orders.nodes[0].comments: argument first: expected 0 to 1000",
		`{orders(first:1){nodes{history(first:-1){totalCount}}}}`:                                "BAD_USER_INPUT orders.nodes[0].history: argument first: expected 0 to 1000",
		`{notifications(first:-1){totalCount}}`:                                                  "BAD_USER_INPUT notifications: argument first: expected 0 to 1000",
		`{notifications(last:1001){totalCount}}`:                                                 "BAD_USER_INPUT notifications: argument last: expected 0 to 1000",
		`{notifications(first:1,last:1){totalCount}}`:                                            "BAD_USER_INPUT notifications: arguments first and last: expected one of them",
		`{notifications(last:1){nodes{read} pageInfo{hasNextPage hasPreviousPage startCursor}}}`: `{"notifications":{"nodes":[{"read":true}],"pageInfo":{"hasNextPage":false,"hasPreviousPage":true,"startCursor":"t1"}}}`,
		`{notifications(last:1,before:"t1"){nodes{read} pageInfo{hasNextPage hasPreviousPage}}}`: `{"notifications":{"nodes":[{"read":false}],"pageInfo":{"hasNextPage":true,"hasPreviousPage":false}}}`,
		`{notifications(unreadOnly:true){totalCount nodes{read}}}`:                               `{"notifications":{"totalCount":1,"nodes":[{"read":false}]}}`,
	} {
		if got := world().run(t, query, ""); !strings.HasPrefix(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", query, got, want)
		}
	}
}
