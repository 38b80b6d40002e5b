package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
)

// talkShape is the full shape with the rights beside cells given to one form.
func talkShape(read, write, history bool) *policy.Shape {
	shape := FullShape(orders())
	for i, f := range shape.Forms {
		f.ReadComments, f.WriteComments, f.ReadHistory = read && i == 1, write && i == 1, history && i == 1
	}
	return shape
}

// TestP2_TalkAbsentWithoutTheRight: types, fields and mutations are there with the
// right that they need and leave no trace without it; one builder makes all of
// them, so that sharing types cannot lend a right.
func TestP2_TalkAbsentWithoutTheRight(t *testing.T) {
	b := NewBuilder(orders())
	words := map[string][]string{
		"read": {
			"type Comment ", "CommentConnection", "CommentEdge", "comments(", "notifications(", "type Notification ", "NotificationConnection",
			"NotificationEdge", "NotificationKind", "markNotificationsRead", "MarkNotificationsReadPayload",
		},
		"write":   {"CommentPayload", "addOrderComment", "editOrderComment", "removeOrderComment"},
		"history": {"HistoryConnection", "HistoryEdge", "HistoryEntry", "HistoryChange", "HistoryKind", "history("},
	}
	for _, c := range []struct{ read, write, history bool }{
		{true, true, true}, {false, false, false}, {true, false, false}, {false, false, true}, {true, true, false}, {true, false, true},
	} {
		s, err := b.Build(talkShape(c.read, c.write, c.history))
		if err != nil {
			t.Fatal(err)
		}
		text := sdl(s)
		for what, on := range map[string]bool{"read": c.read, "write": c.write, "history": c.history} {
			for _, word := range words[what] {
				if strings.Contains(text, word) != on {
					t.Errorf("%+v: %q is in the schema: %v", c, word, !on)
				}
			}
		}
		for _, form := range []string{"Customer", "OrderLine"} {
			if d := s.AST.Types[form]; d.Fields.ForName("comments") != nil || d.Fields.ForName("history") != nil {
				t.Errorf("%+v: %s has what only Order may have", c, form)
			}
		}
	}
	if _, seen := FullShape(orders()).Form(formOrder); !seen {
		t.Fatal("no orders")
	}
}

// TestTalkYieldsNames: a tenant's form, report and field keep their names, and
// what stands beside records takes another one; where nobody sees the form,
// nothing tells of it.
func TestTalkYieldsNames(t *testing.T) {
	a := orders()
	a.Forms = append(a.Forms,
		&definition.Form{Number: 50, Name: "Notification", Plural: "notifications", Fields: []*definition.Field{fieldOf(16, "comments", record.Text)}},
		&definition.Form{Number: 51, Name: "HistoryKind", Plural: "historyKinds", Fields: []*definition.Field{fieldOf(16, "history", record.Text)}},
	)
	if err := Check(a); err != nil {
		t.Fatal(err)
	}
	full, err := NewBuilder(a).Build(FullShape(a))
	if err != nil {
		t.Fatal(err)
	}
	has := func(s *Schema, typ, field, wanted string) {
		t.Helper()
		if f := s.AST.Types[typ].Fields.ForName(field); f == nil || f.Type.Name() != wanted {
			t.Errorf("%s.%s is %v, want %s", typ, field, f, wanted)
		}
	}
	has(full, "Query", "notifications", "NotificationConnection")
	has(full, "Query", "notifications_", "NotificationConnection_")
	has(full, "NotificationConnection_", "nodes", "Notification_")
	has(full, "Notification", "comments", "String")
	has(full, "Notification", "comments_", "CommentConnection")
	has(full, "HistoryKind", "history_", "HistoryConnection")
	has(full, "HistoryEntry", "kind", "HistoryKind_")
	if _, err := validator.LoadSchema(validator.Prelude, &ast.Source{Input: sdl(full)}); err != nil {
		t.Error(err)
	}
	hidden := FullShape(a)
	hidden.Forms = slices.DeleteFunc(hidden.Forms, func(f *policy.FormShape) bool { return f.Form.Number >= 50 })
	s, err := NewBuilder(a).Build(hidden)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := NewBuilder(orders()).Build(FullShape(orders())); err != nil || sdl(s) != sdl(plain) {
		t.Errorf("forms that nobody sees change the schema: %v", err)
	}
}

// TestChildrenKeepOffTalk: a connection to children is not named like what a
// record has beside its cells.
func TestChildrenKeepOffTalk(t *testing.T) {
	a := orders()
	a.Forms = append(a.Forms, &definition.Form{Number: 50, Name: "Remark", Plural: "comments", Fields: []*definition.Field{lookupOf(16, "order", formOrder)}})
	s, err := NewBuilder(a).Build(FullShape(a))
	if err != nil {
		t.Fatal(err)
	}
	d := s.AST.Types["Order"]
	names := map[string]Kind{}
	for _, f := range d.Fields {
		names[f.Name] = s.Meaning(d, f).Kind
	}
	if names["comments"] != Children || names["comments_"] != Comments {
		t.Errorf("comments is of kind %d, comments_ of %d", names["comments"], names["comments_"])
	}
}
