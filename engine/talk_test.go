package engine

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/record"
)

// talking is a house where the set Sales may comment on deals and read their
// history, and Look may read both.
func talking(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	var ticks atomic.Int64 // no two writes in one millisecond: ids order them
	start := time.Now()
	h.e.o.Now = func() time.Time { return start.Add(time.Duration(ticks.Add(1)) * time.Second) }
	h.grant("      deals: [VIEW, EDIT, DELETE]\n", "      deals: [VIEW, EDIT, DELETE, WRITE_COMMENTS, READ_HISTORY]\n")
	return h
}

// grant replaces parts of the definition, given in pairs of old and new.
func (h *house) grant(pairs ...string) {
	h.t.Helper()
	source, err := h.e.Source(h.t.Context(), h.as["admin"], "crm")
	must(h.t, err)
	for pair := range slices.Chunk(pairs, 2) {
		if !strings.Contains(source, pair[0]) {
			h.t.Fatalf("the definition has no %q", pair[0])
		}
		source = strings.Replace(source, pair[0], pair[1], 1)
	}
	out, err := h.e.Apply(h.t.Context(), h.as["admin"], []byte(source), true)
	must(h.t, err)
	if len(out.Faults) > 0 {
		h.t.Fatal(out.Faults)
	}
	h.def = out.Application
}

func (h *house) comment(who, form string, id record.ID, text string, mentions ...string) (comment record.ID, err error) {
	var ids []record.ID
	for _, name := range mentions {
		ids = append(ids, h.id[name])
	}
	err = h.write(who, func(op *Op) error {
		comment, err = op.AddComment(h.form(form).Number, id, text, ids)
		return err
	})
	return comment, err
}

// comments are the texts that somebody reads on a record, nil where they may not.
func (h *house) comments(who, form string, id record.ID) (texts []string) {
	h.t.Helper()
	h.read(who, func(op *Op) {
		pages, err := op.Comments(h.form(form).Number, []record.ID{id}, Part{First: MaxPage, Total: true})
		must(h.t, err)
		if pages[0] == nil {
			return
		}
		texts = []string{}
		for _, c := range pages[0].Comments {
			texts = append(texts, c.Text)
		}
		if pages[0].Total != len(texts) {
			h.t.Errorf("%d comments are counted, %d listed", pages[0].Total, len(texts))
		}
	})
	return texts
}

func (h *house) inbox(who string, unreadOnly bool) (out []Notification) {
	h.t.Helper()
	h.read(who, func(op *Op) {
		page, err := op.Notifications(Part{First: MaxPage, Total: true}, unreadOnly)
		must(h.t, err)
		if page.Total != len(page.Notifications) {
			h.t.Errorf("%d notifications are counted, %d listed", page.Total, len(page.Notifications))
		}
		out = page.Notifications
	})
	return out
}

func TestB6_CommentRights(t *testing.T) {
	h := talking(t)
	h.grant("      deals: [VIEW]\n", "      deals: [VIEW, READ_COMMENTS]\n")
	deal := h.add("rep", "Deal", cell{"title": "a", "rep": h.id["rep"]})
	first, err := h.comment("rep", "Deal", deal, " first ")
	must(t, err)
	_, err = h.comment("manager", "Deal", deal, "second")
	must(t, err)
	for who, want := range map[string][]string{
		"rep": {"first", "second"}, "manager": {"first", "second"}, "mia": {"first", "second"}, "admin": {"first", "second"},
		"viewer": {"first", "second"}, // READ_COMMENTS alone
		"all":    nil,                 // VIEW_ALL and no right to comments
		"rep2":   nil,                 // the right and no reach
		"clerk":  nil,
	} {
		if got := h.comments(who, "Deal", deal); !slices.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("%s reads %q, want %q", who, got, want)
		}
	}
	number := h.form("Deal").Number
	edit := func(who string, text string) error {
		return h.write(who, func(op *Op) error { return op.EditComment(number, deal, first, text, nil) })
	}
	remove := func(who string, id record.ID) error {
		return h.write(who, func(op *Op) error { return op.DeleteComment(number, deal, id) })
	}
	for _, who := range []string{"viewer", "all"} { // in VIEW reach without the right (W5)
		_, err := h.comment(who, "Deal", deal, "no")
		denied(t, err, fault.Forbidden)
		denied(t, edit(who, "no"), fault.Forbidden)
		denied(t, remove(who, first), fault.Forbidden)
	}
	_, out := h.comment("rep2", "Deal", deal, "no")
	_, absent := h.comment("rep2", "Deal", record.ID{1}, "no")
	if a, b := denied(t, out, fault.NotFound), denied(t, absent, fault.NotFound); a != b {
		t.Errorf("a deal out of reach answers %q, an absent one %q", a, b)
	}
	denied(t, edit("rep2", "no"), fault.NotFound)
	denied(t, edit("manager", "another's"), fault.Forbidden)
	denied(t, edit("admin", "another's"), fault.Forbidden)
	denied(t, remove("manager", first), fault.Forbidden)
	denied(t, remove("rep", record.ID{1}), fault.NotFound)
	must(t, edit("rep", "first, better"))
	must(t, remove("admin", first))
	if got := h.comments("rep", "Deal", deal); !slices.Equal(got, []string{"second"}) {
		t.Errorf("after the deletion: %q", got)
	}
	h.read("rep", func(op *Op) {
		if r, _, err := op.Get(number, deal); err != nil || r.Version() != 1 {
			t.Errorf("comments made version %d of the record: %v", r.Version(), err)
		}
	})
}

func TestP8_CommentsAreChecked(t *testing.T) {
	h := talking(t)
	deal := h.add("rep", "Deal", cell{"title": "a"})
	for name, text := range map[string]string{"empty": "", "blank": " \n", "long": strings.Repeat("é", MaxComment+1), "not UTF-8": "a\xff"} {
		_, err := h.comment("rep", "Deal", deal, text)
		denied(t, err, fault.Invalid)
		if _, err := h.comment("rep2", "Deal", deal, text); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s: permission is not checked first: %v", name, err)
		}
	}
	_, err := h.comment("rep", "Deal", deal, strings.Repeat("é", MaxComment))
	must(t, err)
	var many []string
	for range MaxMentions + 1 {
		many = append(many, "rep")
	}
	_, err = h.comment("rep", "Deal", deal, "x", many...)
	denied(t, err, fault.Invalid)
	_, err = h.comment("rep", "Deal", deal, "a\x00b")
	denied(t, err, fault.Invalid)
}

// TestP7_CommentsAreBounded fills a record with comments: one more is refused by
// name, and the record is still deleted with all of them at once.
func TestP7_CommentsAreBounded(t *testing.T) {
	h := talking(t)
	deal, other := h.add("rep", "Deal", cell{"title": "a"}), h.add("rep", "Deal", cell{"title": "b"})
	number := h.form("Deal").Number
	fill := func(n int, text string) error {
		return h.write("rep", func(op *Op) error {
			for range n {
				if _, err := op.AddComment(number, deal, text, nil); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for range 10 {
		must(t, fill(MaxComments/10, strings.Repeat("x", 1800)))
	}
	msg := denied(t, fill(1, "x"), fault.Limit)
	if !strings.Contains(msg, fmt.Sprint(MaxComments)) {
		t.Errorf("the refusal says %q", msg)
	}
	_, err := h.comment("rep", "Deal", other, "stays")
	must(t, err)
	if got := len(h.comments("rep", "Deal", deal)); got != MaxComments {
		t.Errorf("%d comments are listed", got)
	}
	must(t, h.remove("rep", "Deal", deal))
	sn, err := h.e.o.Store.Tenant(h.tenant).Snapshot()
	must(t, err)
	defer sn.Close()
	c := sn.Docs(spaceComment, "")
	defer c.Close()
	left := 0
	for c.Next() {
		if left++; strings.Contains(c.Key(), deal.String()) {
			t.Fatalf("the deleted record left %s", c.Key())
		}
	}
	must(t, c.Err())
	if left != 2 { // the other's comment and its thread
		t.Errorf("%d documents are left", left)
	}
}

// TestP7_CommentsByPage walks a record's comments forth and counts what the
// cursors do: each comment once, in order, whatever the page.
func TestP7_CommentsByPage(t *testing.T) {
	h := talking(t)
	deal, other := h.add("rep", "Deal", cell{"title": "a"}), h.add("rep", "Deal", cell{"title": "b"})
	number := h.form("Deal").Number
	must(t, h.write("rep", func(op *Op) error {
		for n := range 7 {
			if _, err := op.AddComment(number, deal, fmt.Sprint(n), nil); err != nil {
				return err
			}
		}
		return nil
	}))
	for size := 1; size <= 8; size++ {
		got, after := "", ""
		h.read("rep", func(op *Op) {
			for more := true; more; {
				pages, err := op.Comments(number, []record.ID{deal, other}, Part{First: size, After: after, Total: true, Previous: true})
				if after != "" { // a cursor belongs to one record
					denied(t, err, fault.Invalid)
					pages, err = op.Comments(number, []record.ID{deal}, Part{First: size, After: after, Total: true, Previous: true})
				}
				must(t, err)
				p := pages[0]
				if p.Total != 7 || p.HasPrevious != (after != "") {
					t.Errorf("total %d, previous %v behind %q", p.Total, p.HasPrevious, after)
				}
				for _, c := range p.Comments {
					got += c.Text
				}
				if more = p.HasNext; more {
					after = p.Cursor(len(p.Comments) - 1)
				}
			}
		})
		if got != "0123456" {
			t.Errorf("pages of %d give %s", size, got)
		}
	}
}

func TestA5a_Mentions(t *testing.T) {
	h := talking(t)
	deal := h.add("rep", "Deal", cell{"title": "a"})
	must(t, h.d.SetActive(t.Context(), h.as["admin"], h.id["rep2"], false))
	_, err := h.comment("rep", "Deal", deal, "x", "rep2")
	inactive := denied(t, err, fault.Invalid)
	_, err = h.comment("rep", "Deal", deal, "x", "nobody") // not in the application
	outside := denied(t, err, fault.Invalid)
	err = h.write("rep", func(op *Op) error {
		_, err := op.AddComment(h.form("Deal").Number, deal, "x", []record.ID{{7}})
		return err
	})
	if unknown := denied(t, err, fault.Invalid); inactive != unknown || outside != unknown {
		t.Errorf("answers differ: inactive %q, outside %q, unknown %q", inactive, outside, unknown)
	}
	// clerk cannot see the deal: the mention is taken like any other.
	c, err := h.comment("rep", "Deal", deal, "x", "clerk", "manager", "rep", "manager")
	must(t, err)
	h.read("rep", func(op *Op) {
		got, _, ok, err := op.Comment(h.form("Deal").Number, deal, c)
		must(t, err)
		if !ok || !slices.Equal(got.Mentions, []record.ID{h.id["clerk"], h.id["manager"], h.id["rep"]}) {
			t.Errorf("the comment mentions %v", got.Mentions)
		}
	})
	if n := len(h.inbox("manager", true)); n != 1 {
		t.Errorf("manager has %d notifications, want one for two mentions", n)
	}
	for _, who := range []string{"clerk", "rep"} { // out of reach; oneself
		if n := len(h.inbox(who, false)); n != 0 {
			t.Errorf("%s has %d notifications", who, n)
		}
	}
}

// TestP5_InboxIsCheckedWhenRead: an entry is there while its reader may read the
// comment, and comes back with the right.
func TestP5_InboxIsCheckedWhenRead(t *testing.T) {
	h := talking(t)
	number := h.form("Deal").Number
	deal := h.add("rep", "Deal", cell{"title": "a", "rep": h.id["rep"]})
	c, err := h.comment("rep", "Deal", deal, "look", "clerk", "manager")
	must(t, err)
	shown := func(who string, want int) {
		t.Helper()
		if n := len(h.inbox(who, false)); n != want {
			t.Errorf("%s has %d notifications, want %d", who, n, want)
		}
	}
	mark := func(who string, ids ...record.ID) error {
		return h.write(who, func(op *Op) error {
			_, err := op.MarkRead(ids)
			return err
		})
	}
	entry := h.inbox("manager", true)[0]
	if entry.Comment.Text != "look" || entry.Comment.ID != c || entry.Record != deal || entry.Form != number || entry.Actor != h.id["rep"] || entry.Read {
		t.Errorf("the notification says %+v", entry)
	}
	shown("clerk", 0)
	var hidden record.ID
	must(t, h.write("rep", func(op *Op) error {
		b, _, err := op.r.Doc(spaceComment, commentKey("crm", number, deal, c))
		must(t, err)
		stored, err := parseComment(b)
		must(t, err)
		hidden = stored.Mentions[0].Entry
		return nil
	}))
	if a, b := denied(t, mark("clerk", hidden), fault.NotFound), denied(t, mark("clerk", record.ID{9}), fault.NotFound); a != b {
		t.Errorf("a notification out of reach answers %q, an absent one %q", a, b)
	}
	denied(t, mark("rep", entry.ID), fault.NotFound) // another's
	must(t, h.update("manager", "Deal", deal, cell{"rep": h.id["clerk"]}))
	shown("clerk", 1)
	must(t, mark("clerk", hidden))
	if n := len(h.inbox("clerk", true)); n != 0 {
		t.Errorf("clerk has %d unread", n)
	}
	must(t, h.update("admin", "Deal", deal, cell{"rep": h.id["rep"]}))
	shown("clerk", 0)
	denied(t, mark("manager", entry.ID, record.ID{9}), fault.NotFound)
	if h.inbox("manager", false)[0].Read {
		t.Error("a refused call marked something")
	}
	must(t, h.write("rep", func(op *Op) error { return op.EditComment(number, deal, c, "look, all", []record.ID{h.id["mia"]}) }))
	shown("manager", 0) // not mentioned any more
	shown("mia", 1)
	h.place("mia", "Clerk", "All") // loses READ_COMMENTS
	shown("mia", 0)
	h.place("mia", "Clerk", "Sales")
	shown("mia", 1)
	must(t, h.write("rep", func(op *Op) error { return op.DeleteComment(number, deal, c) }))
	shown("mia", 0)
}

// TestP7_InboxKeepsTheNewest: the newest mention takes the place of the oldest,
// and pages agree with the count.
func TestP7_InboxKeepsTheNewest(t *testing.T) {
	h := talking(t)
	deal := h.add("rep", "Deal", cell{"title": "a"})
	number := h.form("Deal").Number
	must(t, h.write("rep", func(op *Op) error {
		for n := range 3 {
			if _, err := op.AddComment(number, deal, fmt.Sprint(n), []record.ID{h.id["manager"]}); err != nil {
				return err
			}
		}
		return op.txn.PutDoc(spaceInbox, inboxKey("crm", h.id["manager"]), fmt.Appendf(nil, `{"count":%d}`, MaxInbox))
	}))
	_, err := h.comment("rep", "Deal", deal, "3", "manager")
	must(t, err)
	got, after := "", ""
	h.read("manager", func(op *Op) {
		for more := true; more; {
			p, err := op.Notifications(Part{First: 2, After: after, Total: after == "", Previous: true}, false)
			must(t, err)
			if after == "" && p.Total != 3 || p.HasPrevious != (after != "") {
				t.Errorf("total %d, previous %v", p.Total, p.HasPrevious)
			}
			for _, n := range p.Notifications {
				got += n.Comment.Text
			}
			if more = p.HasNext; more {
				after = p.Cursor(len(p.Notifications) - 1)
			}
		}
		_, err := op.Notifications(Part{First: 2, After: after}, true)
		denied(t, err, fault.Invalid) // a cursor of another list
	})
	if got != "321" {
		t.Errorf("the inbox holds %s, want 321", got)
	}
}

func TestP2_CommentsDeniedAndAbsent(t *testing.T) {
	h := talking(t)
	deal := h.add("rep", "Deal", cell{"title": "a"})
	_, err := h.comment("rep", "Deal", deal, "x")
	must(t, err)
	for _, form := range []string{"Deal", "Customer", "Tag"} {
		h.read("rep2", func(op *Op) {
			ids := []record.ID{deal, {1}, {}}
			comments, err := op.Comments(h.form(form).Number, ids, Part{First: 5, Total: true})
			must(t, err)
			histories, err := op.History(h.form(form).Number, ids, Part{First: 5, Total: true}, true)
			must(t, err)
			for i := range ids {
				if comments[i] != nil || histories[i] != nil {
					t.Errorf("%s %d: comments %v, history %v", form, i, comments[i], histories[i])
				}
			}
		})
	}
	shape := func(who string) (out definition.Form, read bool) {
		h.read(who, func(op *Op) {
			f, _ := op.View().Shape().Form(h.form("Deal").Number)
			read = f.ReadComments || f.WriteComments || f.ReadHistory
		})
		return out, read
	}
	if _, read := shape("all"); read {
		t.Error("the shape of a set without comments has them")
	}
}

// TestL3_CommentsGoWithTheirRecord races a comment with the deletion of its
// record: whoever comes second finds the other's work.
func TestL3_CommentsGoWithTheirRecord(t *testing.T) {
	h := talking(t)
	number := h.form("Deal").Number
	deal := h.add("rep", "Deal", cell{"title": "a"})
	tries := 0
	err := h.write("rep", func(op *Op) error {
		tries++
		err := op.Delete(number, deal, 0)
		if tries == 1 {
			_, err := h.comment("manager", "Deal", deal, "in between")
			must(t, err)
		}
		return err
	})
	must(t, err)
	if tries != 2 {
		t.Errorf("the deletion ran %d times, want 2: it has to see the comment", tries)
	}
	deal, tries = h.add("rep", "Deal", cell{"title": "b"}), 0
	err = h.write("manager", func(op *Op) error {
		_, err := op.AddComment(number, deal, "too late", nil)
		if tries++; tries == 1 {
			must(t, h.remove("rep", "Deal", deal))
		}
		return err
	})
	denied(t, err, fault.NotFound)
	sn, err := h.e.o.Store.Tenant(h.tenant).Snapshot()
	must(t, err)
	defer sn.Close()
	c := sn.Docs(spaceComment, "")
	defer c.Close()
	if c.Next() {
		t.Errorf("%s was left without its record", c.Key())
	}
}
