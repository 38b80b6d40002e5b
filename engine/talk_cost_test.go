package engine

import (
	"fmt"
	"testing"

	"sluice/internal/record"
	"sluice/storage"
)

// TestTalkCostFollowsTheRecord: what a page of comments, of history or of the
// inbox touches does not grow with the comments, changes and people elsewhere.
func TestTalkCostFollowsTheRecord(t *testing.T) {
	h := talking(t)
	number := h.form("Deal").Number
	deal := h.add("rep", "Deal", cell{"title": "a"})
	for n := range 4 {
		must(t, h.update("rep", "Deal", deal, cell{"title": fmt.Sprint(n)}))
		_, err := h.comment("rep", "Deal", deal, fmt.Sprint(n), "manager")
		must(t, err)
	}
	asks := map[string]func(op *Op) error{
		"comments": func(op *Op) error {
			_, err := op.Comments(number, []record.ID{deal}, Part{First: 3, Total: true})
			return err
		},
		"history": func(op *Op) error {
			_, err := op.History(number, []record.ID{deal}, Part{First: 3}, true)
			return err
		},
		"inbox": func(op *Op) error {
			_, err := op.Notifications(Part{First: 3, Total: true}, false)
			return err
		},
	}
	cost := func(ask func(op *Op) error) (out storage.Stats) {
		h.read("manager", func(op *Op) {
			before := op.Stats()
			must(t, ask(op))
			after := op.Stats()
			out = storage.Stats{Keys: after.Keys - before.Keys, Gets: after.Gets - before.Gets, Cursors: after.Cursors - before.Cursors}
		})
		return out
	}
	before := map[string]storage.Stats{}
	for name, ask := range asks {
		before[name] = cost(ask)
		if s := before[name]; s.Keys > 10 || s.Gets > 16 || s.Cursors > 3 {
			t.Errorf("%s take %+v", name, s)
		}
	}
	for n := range 40 {
		other := h.add("rep", "Deal", cell{"title": fmt.Sprint(n)})
		must(t, h.write("rep", func(op *Op) error {
			for range 20 {
				if _, err := op.AddComment(number, other, "x", []record.ID{h.id["clerk"]}); err != nil {
					return err
				}
			}
			return op.Update(number, other, h.input("Deal", cell{"title": "changed"}), 0)
		}))
	}
	for name, ask := range asks {
		if got := cost(ask); got != before[name] {
			t.Errorf("%s took %+v, and %+v with 800 comments elsewhere", name, before[name], got)
		}
	}
}
