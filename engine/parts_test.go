package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/fault"
	"sluice/internal/record"
)

// shelf is a list as the model has it: its cursors in order, and which of them
// still have an item.
type shelf struct {
	name    string
	who     string
	cursors []string
	alive   []bool
	ask     func(op *Op, q Part) (Marks, []string, error)
}

// page is what a part of the list holds, by the letter; after and before are
// indexes of places, -1 and the number of places without them.
func (l *shelf) page(q Part, after, before int) (m Marks, cursors []string) {
	m.Total = -1
	if q.Total {
		m.Total = 0
	}
	var in []int
	left, right := false, false
	for i := range l.cursors {
		if !l.alive[i] {
			continue
		}
		if q.Total {
			m.Total++
		}
		if i > after && i < before {
			in = append(in, i)
		}
		left, right = left || i <= after, right || i >= before
	}
	kept := in[:min(q.First, len(in))]
	if q.Backward {
		kept = in[max(len(in)-q.First, 0):]
	}
	more := len(kept) < len(in)
	m.HasPrevious, m.HasNext = left && q.Previous || more && q.Backward, right && q.Next || more && !q.Backward
	for _, i := range kept {
		cursors = append(cursors, l.cursors[i])
	}
	return m, cursors
}

func marksOf[T any](m *Marks, items []T, cursor func(int) string) (Marks, []string, error) {
	var out []string
	for i := range items {
		out = append(out, cursor(i))
	}
	return Marks{HasNext: m.HasNext, HasPrevious: m.HasPrevious, Total: m.Total}, out, nil
}

// talkative is a house with lists of every kind, some of whose items went after
// their cursors were given.
func talkative(t *testing.T) (*house, []*shelf) {
	h := talking(t)
	deal := h.add("rep", "Deal", cell{"title": "0"})
	number := h.form("Deal").Number
	var said []record.ID
	for n := range 6 {
		must(t, h.update("rep", "Deal", deal, cell{"title": fmt.Sprint(n + 1)}))
		must(t, h.update("admin", "Deal", deal, cell{"quiet": fmt.Sprint(n)}))
		c, err := h.comment("rep", "Deal", deal, fmt.Sprint(n), "manager")
		must(t, err)
		said = append(said, c)
	}
	comments := &shelf{name: "comments", who: "rep", ask: func(op *Op, q Part) (Marks, []string, error) {
		pages, err := op.Comments(number, []record.ID{deal}, q)
		if err != nil {
			return Marks{}, nil, err
		}
		return marksOf(&pages[0].Marks, pages[0].Comments, pages[0].Cursor)
	}}
	history := &shelf{name: "history", who: "rep", ask: func(op *Op, q Part) (Marks, []string, error) {
		pages, err := op.History(number, []record.ID{deal}, q, true)
		if err != nil {
			return Marks{}, nil, err
		}
		return marksOf(&pages[0].Marks, pages[0].Revisions, pages[0].Cursor)
	}}
	inbox := &shelf{name: "notifications", who: "manager", ask: func(op *Op, q Part) (Marks, []string, error) {
		p, err := op.Notifications(q, false)
		if err != nil {
			return Marks{}, nil, err
		}
		return marksOf(&p.Marks, p.Notifications, p.Cursor)
	}}
	lists := []*shelf{comments, history, inbox}
	for _, l := range lists {
		h.read(l.who, func(op *Op) {
			_, all, err := l.ask(op, Part{First: MaxPage})
			must(t, err)
			l.cursors, l.alive = all, slices.Repeat([]bool{true}, len(all))
		})
	}
	for _, i := range []int{0, 3} {
		must(t, h.write("rep", func(op *Op) error { return op.DeleteComment(number, deal, said[i]) }))
		comments.alive[i], inbox.alive[len(said)-1-i] = false, false
	}
	if len(comments.cursors) != 6 || len(history.cursors) != 7 || len(inbox.cursors) != 6 {
		t.Fatalf("%d comments, %d changes, %d notifications", len(comments.cursors), len(history.cursors), len(inbox.cursors))
	}
	return h, lists
}

// TestP7_PartsInWindows compares parts between any two cursors, from either end,
// with slices of the whole list.
func TestP7_PartsInWindows(t *testing.T) {
	h, lists := talkative(t)
	rapid.Check(t, func(t *rapid.T) {
		l := rapid.SampledFrom(lists).Draw(t, "list")
		yes := func(name string) bool { return rapid.Bool().Draw(t, name) }
		q := Part{First: rapid.IntRange(0, 4).Draw(t, "first"), Backward: yes("backward"), Total: yes("total"), Previous: yes("previous"), Next: yes("next")}
		after, before := rapid.IntRange(-1, len(l.cursors)-1).Draw(t, "after"), rapid.IntRange(0, len(l.cursors)).Draw(t, "before")
		if after >= 0 {
			q.After = l.cursors[after]
		}
		if before < len(l.cursors) {
			q.Before = l.cursors[before]
		}
		want, cursors := l.page(q, after, before)
		h.read(l.who, func(op *Op) {
			got, all, err := l.ask(op, q)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(all, cursors) || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%s %+v between %d and %d of %v: %v with %+v, want %v with %+v", l.name, q, after, before, l.alive, all, got, cursors, want)
			}
		})
	})
}

// TestP7_BeforeIsBound: a cursor of another list, person or argument is none here.
func TestP7_BeforeIsBound(t *testing.T) {
	h, lists := talkative(t)
	for _, l := range lists {
		h.read(l.who, func(op *Op) {
			for _, other := range lists {
				if other != l {
					_, _, err := l.ask(op, Part{First: 1, Backward: true, Before: other.cursors[1]})
					denied(t, err, fault.Invalid)
				}
			}
			_, _, err := l.ask(op, Part{First: 1, Before: "x"})
			denied(t, err, fault.Invalid)
		})
	}
	h.read("admin", func(op *Op) {
		for _, l := range lists[:2] {
			_, _, err := l.ask(op, Part{First: 1, Backward: true, Before: l.cursors[1]})
			denied(t, err, fault.Invalid)
		}
	})
}

// TestA5a_MembersInWindows compares pages of people with slices of all of them.
func TestA5a_MembersInWindows(t *testing.T) {
	h := newHouse(t)
	h.read("rep", func(op *Op) {
		whole, err := op.Members(Crowd{First: MaxMembers})
		must(t, err)
		all := whole.Users
		if len(all) < 4 {
			t.Fatalf("%d members", len(all))
		}
		for at := range (len(all) + 1) * (len(all) + 1) * 10 {
			from, to, rest := at%(len(all)+1)-1, at/(len(all)+1)%(len(all)+1), at/(len(all)+1)/(len(all)+1)
			q := Crowd{First: rest / 2, Backward: rest%2 == 1}
			if from >= 0 {
				q.After = all[from].ID
			}
			if to < len(all) {
				q.Before = all[to].ID
			}
			got, err := op.Members(q)
			must(t, err)
			in := all[min(from+1, to):to]
			want := Members{Users: in[:min(q.First, len(in))], Before: from >= 0, After: to < len(all)}
			if q.Backward {
				want.Users = in[len(in)-min(q.First, len(in)):]
				want.Before = want.Before || len(want.Users) < len(in)
			} else {
				want.After = want.After || len(want.Users) < len(in)
			}
			if !slices.Equal(got.Users, want.Users) || got.Before != want.Before || got.After != want.After {
				t.Fatalf("%+v: %+v, want %+v", q, got, want)
			}
		}
	})
}

// backward walks a list from its end, as a viewer hears it.
func backward(b *strings.Builder, ask func(q Part) (*Marks, string, func() string, error)) {
	for q := (Part{First: 2, Backward: true, Total: true, Previous: true, Next: true}); ; {
		m, items, start, err := ask(q)
		if b.WriteString(failure(err)); err != nil || m == nil {
			return
		}
		fmt.Fprintln(b, "backward", m.Total, m.HasPrevious, m.HasNext, items)
		if !m.HasPrevious {
			return
		}
		q.Before = start()
		b.WriteString(q.Before)
	}
}

func hearBackward(b *strings.Builder, op *Op, form uint32, id record.ID) {
	backward(b, func(q Part) (*Marks, string, func() string, error) {
		pages, err := op.Comments(form, []record.ID{id}, q)
		if err != nil || pages[0] == nil {
			return nil, "", nil, err
		}
		return &pages[0].Marks, fmt.Sprint(pages[0].Comments), func() string { return pages[0].Cursor(0) }, nil
	})
	backward(b, func(q Part) (*Marks, string, func() string, error) {
		pages, err := op.History(form, []record.ID{id}, q, true)
		if err != nil || pages[0] == nil {
			return nil, "", nil, err
		}
		var said strings.Builder
		for _, r := range pages[0].Revisions {
			fmt.Fprintln(&said, r.Version, r.Time, r.Actor, r.Created)
			for _, c := range r.Cells {
				fmt.Fprintln(&said, c.Field.Name, show(c.Before), show(c.After))
			}
		}
		return &pages[0].Marks, said.String(), func() string { return pages[0].Cursor(0) }, nil
	})
}

func readBackward(b *strings.Builder, op *Op, unread bool) {
	backward(b, func(q Part) (*Marks, string, func() string, error) {
		p, err := op.Notifications(q, unread)
		if err != nil {
			return nil, "", nil, err
		}
		return &p.Marks, fmt.Sprint(p.Notifications), func() string { return p.Cursor(0) }, nil
	})
}
