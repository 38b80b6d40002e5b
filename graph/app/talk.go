package app

import (
	"fmt"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"sluice/engine/policy"
)

// What this file adds stands beside names that a tenant gave. Where a form, report
// or field has a name already, it keeps it, and the name here ends in "_": that
// follows from what the shape shows alone. Names that types of forms refer to, and
// the fields comments and history, are reserved for definitions.

// talkTypes are the types of comments, history and notifications, with roots of
// their own.
type talkTypes struct {
	s               *Schema
	query, mutation ast.FieldList
	meanings        meanings
	err             error
}

// talk adds to the schema what the shape lets the viewer read and write beside
// records.
func (s *Schema) talk(shape *policy.Shape, query ast.FieldList) (*talkTypes, error) {
	t := &talkTypes{s: s, meanings: meanings{}}
	read, history := false, false
	for _, f := range shape.Forms {
		read, history = read || f.View && f.ReadComments, history || f.View && f.ReadHistory
	}
	if read {
		t.comments()
		t.notifications(query)
		t.writes(shape)
	}
	if history {
		t.history()
	}
	return t, t.err
}

// talk returns what a record of the form has beside its cells; taken are the
// fields that it has.
func (p *plan) talk(f *Form, taken ast.FieldList) (out ast.FieldList) {
	if p.shape.ReadComments {
		d := described(field(freeField("comments", taken), "CommentConnection", partArgs()...),
			"What people say about the record, the oldest first; null where the viewer may not read it on this record.")
		out = append(out, f.mean(d, Meaning{Kind: Comments, Form: f.Number}))
	}
	if p.shape.ReadHistory {
		d := described(field(freeField("history", taken), "HistoryConnection", partArgs()...),
			"What was changed, the newest first, as far as the viewer may see it; null where they may not read it on this record.")
		out = append(out, f.mean(d, Meaning{Kind: History, Form: f.Number}))
	}
	return out
}

func freeField(name string, taken ast.FieldList) string {
	for taken.ForName(name) != nil {
		name += "_"
	}
	return name
}

func (t *talkTypes) mean(d *ast.FieldDefinition, k Kind) *ast.FieldDefinition {
	t.meanings[d] = Meaning{Kind: k}
	return d
}

// name is that of a type, or one like it where a form has the name.
func (t *talkTypes) name(want string) string {
	for t.s.AST.Types[want] != nil {
		want += "_"
	}
	return want
}

func (t *talkTypes) add(d *ast.Definition) {
	if t.s.AST.Types[d.Name] != nil {
		t.err = fmt.Errorf("two types of the schema are named %q", d.Name)
	}
	t.s.AST.Types[d.Name], t.s.owner[d.Name] = d, t.meanings
}

func (t *talkTypes) enum(want string, values ...string) string {
	d := &ast.Definition{Kind: ast.Enum, Name: t.name(want)}
	for _, v := range values {
		d.EnumValues = append(d.EnumValues, &ast.EnumValueDefinition{Name: v})
	}
	t.add(d)
	return d.Name
}

// connection adds the types of a Relay connection to nodes of a type.
func (t *talkTypes) connection(connection, edge, node, total string, more ...*ast.FieldDefinition) {
	t.add(object(edge, "", ast.FieldList{
		t.mean(field("cursor", "String!"), EdgeCursor), t.mean(field("node", node+"!"), EdgeNode),
	}))
	t.add(object(connection, "", append(ast.FieldList{
		t.mean(field("edges", "["+edge+"!]!"), Edges), t.mean(field("nodes", "["+node+"!]!"), Nodes),
		t.mean(field("pageInfo", "PageInfo!"), PageInfo),
		described(t.mean(field("totalCount", "Int!"), TotalCount), total),
	}, more...)))
}

func (t *talkTypes) comments() {
	t.add(object("Comment", "What a person said about a record.", ast.FieldList{
		t.mean(field("id", "ID!"), CommentID),
		t.mean(field("text", "String!"), CommentText),
		t.mean(field("author", "User!"), CommentAuthor),
		t.mean(field("time", "DateTime!"), CommentTime),
		described(t.mean(field("editedTime", "DateTime"), CommentEdited), "When the text was last changed, null where it was not."),
		t.mean(field("mentions", "[User!]!"), CommentMentions),
		t.mean(field("viewerCanEdit", "Boolean!"), CommentCanEdit),
		t.mean(field("viewerCanDelete", "Boolean!"), CommentCanDelete),
	}))
	t.connection("CommentConnection", "CommentEdge", "Comment", "How many comments the record has; exact.")
}

func (t *talkTypes) notifications(query ast.FieldList) {
	kind := t.enum("NotificationKind", "MENTION")
	node, connection, edge := t.name("Notification"), t.name("NotificationConnection"), t.name("NotificationEdge")
	t.add(object(node, "Tells the viewer of something on a record.", ast.FieldList{
		t.mean(field("id", "ID!"), NoticeID),
		t.mean(field("kind", kind+"!"), NoticeKind),
		t.mean(field("time", "DateTime!"), NoticeTime),
		t.mean(field("read", "Boolean!"), NoticeRead),
		described(t.mean(field("actor", "User!"), NoticeActor), "Who mentioned the viewer."),
		described(t.mean(field("form", "String!"), NoticeForm), "The form of the record."),
		t.mean(field("record", "ID!"), NoticeRecord),
		t.mean(field("comment", "Comment!"), NoticeComment),
	}))
	t.connection(connection, edge, node, "How many notifications the list has; exact.")
	unread := arg("unreadOnly", "Boolean")
	unread.DefaultValue = &ast.Value{Kind: ast.BooleanValue, Raw: "false"}
	d := described(field(freeField("notifications", query), connection+"!", append(partArgs(), unread)...),
		"What the viewer is told in this application, the newest first. The newest 1000 are kept; one that leads to what the viewer may not read now is not among them while that is so.")
	t.query = append(t.query, t.mean(d, Notifications))
	payload := object(t.name("MarkNotificationsReadPayload"), "", ast.FieldList{
		t.mean(field("notifications", "["+node+"!]!"), PayloadNotices),
	})
	t.add(payload)
	t.mutation = append(t.mutation, described(t.mean(field("markNotificationsRead", payload.Name+"!", arg("ids", "[ID!]!")), MarkRead),
		"Marks at most 100 notifications as read: all of them, or none where one is not there."))
}

// writes adds the mutations of the forms on which the viewer may comment.
func (t *talkTypes) writes(shape *policy.Shape) {
	payload := object(t.name("CommentPayload"), "", ast.FieldList{
		t.mean(field("id", "ID!"), PayloadID),
		described(t.mean(field("comment", "Comment"), PayloadComment), "The comment as it is now, null where it is deleted."),
	})
	if !slices.ContainsFunc(shape.Forms, commented) {
		return
	}
	t.add(payload)
	id, comment, text, mentions := arg("id", "ID!"), arg("comment", "ID!"), arg("text", "String!"), arg("mentions", "[ID!]")
	for _, s := range shape.Forms {
		if !commented(s) {
			continue
		}
		add := func(verb, says string, k Kind, args ...*ast.ArgumentDefinition) {
			d := described(field(verb+s.Form.Name+"Comment", payload.Name+"!", args...), says)
			t.meanings[d] = Meaning{Kind: k, Form: s.Form.Number}
			t.mutation = append(t.mutation, d)
		}
		add("add", "Comments on a record and tells active members of the application who are mentioned.", AddComment, id, text, mentions)
		add("edit", "Changes one's own comment. Without mentions, whom it mentions stays.", EditComment, id, comment, text, mentions)
		add("remove", "Deletes one's own comment; admins delete anyone's.", DeleteComment, id, comment)
	}
}

func commented(s *policy.FormShape) bool { return s.View && s.WriteComments }

func (t *talkTypes) history() {
	kind := t.enum("HistoryKind", "CREATED", "UPDATED")
	change := object(t.name("HistoryChange"), "A cell before and after a change.", ast.FieldList{
		described(t.mean(field("field", "String!"), ChangeField), "The name that the field has today."),
		described(t.mean(field("before", "JSON"), ChangeBefore), "The value as its field gives it in JSON; of a lookup or a user the id."),
		t.mean(field("after", "JSON"), ChangeAfter),
	})
	t.add(change)
	t.add(object("HistoryEntry", "A change of a record.", ast.FieldList{
		described(t.mean(field("version", "Int!"), HistoryVersion), "The version of the record afterwards. Changes of what the viewer may not see leave gaps."),
		t.mean(field("time", "DateTime!"), HistoryTime),
		described(t.mean(field("actor", "User"), HistoryActor), "Who made the change; null where the viewer may not see who adds or modifies records."),
		t.mean(field("kind", kind+"!"), HistoryKind),
		t.mean(field("changes", "["+change.Name+"!]!"), HistoryChanges),
	}))
	t.connection("HistoryConnection", "HistoryEdge", "HistoryEntry", "How many changes the viewer may see; exact.",
		described(t.mean(field("complete", "Boolean!"), HistoryComplete),
			"Whether the history goes back to the record's creation. Changes made before the server kept histories are not part of it."))
}
