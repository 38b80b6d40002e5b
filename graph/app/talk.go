package app

import (
	"fmt"
	"maps"

	"github.com/vektah/gqlparser/v2/ast"

	"sluice/engine/policy"
	"sluice/internal/definition"
)

// What this file adds stands beside names that a tenant gave. Where a form, report
// or field has a name already, it keeps it, and the name here ends in "_": that
// follows from what the shape shows alone. Names that types of forms refer to, and
// the fields comments and history, are reserved for definitions.

// talkTypes are the types of comments, history and notifications, with roots of
// their own. The schemas of a builder share them.
type talkTypes struct {
	defs            []*ast.Definition
	query, mutation ast.FieldList
	meanings        meanings
	names           map[string]string // of what may be taken, the name that it gets
	payload         string            // of the mutations of comments; empty without any
}

// talkNames are the names that a tenant may have given already.
var talkNames = []string{"NotificationKind", "Notification", "NotificationConnection", "NotificationEdge",
	"MarkNotificationsReadPayload", "CommentPayload", "HistoryKind", "HistoryChange"}

// maxTalks bounds the variants that a builder keeps. There are several only where
// the names of forms differ between shapes.
const maxTalks = 64

// talk returns what the shape lets the viewer read and write beside records.
func (b *Builder) talk(s *Schema, shape *policy.Shape, query ast.FieldList) *talkTypes {
	read, write, history := false, false, false
	for _, f := range shape.Forms {
		read, write, history = read || f.View && f.ReadComments, write || commented(f), history || f.View && f.ReadHistory
	}
	t := &talkTypes{meanings: meanings{}, names: map[string]string{"notifications": freeField("notifications", query)}}
	key := fmt.Sprint(read, write, history, t.names["notifications"])
	for _, want := range talkNames {
		name := want
		for s.AST.Types[name] != nil {
			name += "_"
		}
		t.names[want] = name
		key += " " + name
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if known := b.talks[key]; known != nil {
		return known
	}
	if read {
		t.comments()
		t.notifications()
	}
	if read && write {
		t.writes()
	}
	if history {
		t.history()
	}
	if len(b.talks) < maxTalks {
		b.talks[key] = t
		b.known.add(t.meanings)
	} else {
		maps.Copy(s.own, t.meanings)
	}
	return t
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

func (t *talkTypes) name(want string) string { return t.names[want] }

func (t *talkTypes) add(d *ast.Definition) { t.defs = append(t.defs, d) }

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

func (t *talkTypes) notifications() {
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
	d := described(field(t.name("notifications"), connection+"!", append(partArgs(), unread)...),
		"What the viewer is told in this application, the newest first. The newest 1000 are kept; one that leads to what the viewer may not read now is not among them while that is so.")
	t.query = append(t.query, t.mean(d, Notifications))
	payload := object(t.name("MarkNotificationsReadPayload"), "", ast.FieldList{
		t.mean(field("notifications", "["+node+"!]!"), PayloadNotices),
	})
	t.add(payload)
	t.mutation = append(t.mutation, described(t.mean(field("markNotificationsRead", payload.Name+"!", arg("ids", "[ID!]!")), MarkRead),
		"Marks at most 100 notifications as read: all of them, or none where one is not there."))
}

// writes adds what the mutations of comments answer with.
func (t *talkTypes) writes() {
	t.payload = t.name("CommentPayload")
	t.add(object(t.payload, "", ast.FieldList{
		t.mean(field("id", "ID!"), PayloadID),
		described(t.mean(field("comment", "Comment"), PayloadComment), "The comment as it is now, null where it is deleted."),
	}))
}

// commentKey names the mutations of a form's comments.
type commentKey struct {
	form    uint32
	payload string
}

type commentMutations struct {
	fields   ast.FieldList
	meanings meanings
}

// commentWrites returns the mutations of the forms on which the viewer may
// comment.
func (b *Builder) commentWrites(s *Schema, shape *policy.Shape, t *talkTypes) (out ast.FieldList) {
	if t.payload == "" {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range shape.Forms {
		if !commented(f) {
			continue
		}
		key := commentKey{f.Form.Number, t.payload}
		m := b.writes[key]
		if m == nil {
			m = newCommentMutations(f.Form, t.payload)
			if len(b.writes) < maxShared {
				b.writes[key] = m
				b.known.add(m.meanings)
			} else {
				maps.Copy(s.own, m.meanings)
			}
		}
		out = append(out, m.fields...)
	}
	return out
}

func newCommentMutations(f *definition.Form, payload string) *commentMutations {
	m := &commentMutations{meanings: meanings{}}
	id, comment, text, mentions := arg("id", "ID!"), arg("comment", "ID!"), arg("text", "String!"), arg("mentions", "[ID!]")
	add := func(verb, says string, k Kind, args ...*ast.ArgumentDefinition) {
		d := described(field(verb+f.Name+"Comment", payload+"!", args...), says)
		m.meanings[d] = Meaning{Kind: k, Form: f.Number}
		m.fields = append(m.fields, d)
	}
	add("add", "Comments on a record and tells active members of the application who are mentioned.", AddComment, id, text, mentions)
	add("edit", "Changes one's own comment. Without mentions, whom it mentions stays.", EditComment, id, comment, text, mentions)
	add("remove", "Deletes one's own comment; admins delete anyone's.", DeleteComment, id, comment)
	return m
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
