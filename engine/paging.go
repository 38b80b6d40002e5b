package engine

import (
	"slices"

	"sluice/engine/policy"
	"sluice/internal/record"
)

// A page from the end of a list is one from the beginning of the list in reverse:
// the same plans, indexes and phases serve both directions, and cursors are those
// of the list's own order in both.

// directed returns an order for a walk in its direction, or against it.
func directed(order []Order, backward bool) []Order {
	if !backward {
		return order
	}
	out := slices.Clone(order)
	for i := range out {
		out[i].Desc, out[i].NullsFirst = !out[i].Desc, !out[i].NullsFirst
	}
	return out
}

// size names the argument that the page size comes from.
func (q *List) size() string {
	if q.Backward {
		return "last"
	}
	return "first"
}

// bounds reads the cursors of the window.
func (l *lister) bounds(page *Page) error {
	after, err := l.bound(page, "after", l.q.After)
	if err != nil {
		return err
	}
	before, err := l.bound(page, "before", l.q.Before)
	if err != nil {
		return err
	}
	l.from, l.until = after, before
	if l.q.Backward {
		l.from, l.until = before, after
	}
	return nil
}

func (l *lister) bound(page *Page, argument, cursor string) (*position, error) {
	if cursor == "" {
		return nil, nil
	}
	at, err := page.seal.open(argument, cursor, len(l.listed)-1, page.binding)
	if err != nil {
		return nil, err
	}
	return &at, nil
}

// ends says what lies before and behind a page; more that the walk found another
// record of the window. Beyond a cursor lies what a whole walk has seen there, and
// else what a walk away from the window finds first.
func (l *lister) ends(page *Page, c *collector, reach policy.Reach, p *plan, more bool) error {
	cut := p.ordered && !l.q.Total
	side := func(asked bool, at *position, seen, backward bool) (bool, error) {
		switch {
		case !asked || at == nil:
			return false, nil
		case !cut:
			return seen, nil
		}
		return l.any(reach, at, backward)
	}
	start, err := side(l.q.Previous && !l.q.Backward || l.q.Next && l.q.Backward, l.from, c.behind, !l.q.Backward)
	if err != nil {
		return err
	}
	if !more {
		if more, err = side(l.q.Next && !l.q.Backward || l.q.Previous && l.q.Backward, l.until, c.beyond, l.q.Backward); err != nil {
			return err
		}
	}
	page.HasPrevious, page.HasNext = start, more
	if l.q.Backward {
		page.HasPrevious, page.HasNext = more, start
	}
	return nil
}

// any reports whether the list has a record at a position or, in the direction
// given, behind it.
func (l *lister) any(reach policy.Reach, at *position, backward bool) (bool, error) {
	b := *l
	b.q.First, b.q.Total, b.q.Backward = 0, false, backward
	b.order, b.until = directed(l.listed, backward), nil
	from := position{keys: at.keys, id: neighbour(at.id, b.order[len(b.order)-1].Desc)}
	b.from = &from
	c, err := b.collect(reach, b.plan(reach))
	return err == nil && len(c.hits()) > 0, err
}

// neighbour is the id just before another in ascending or descending order: what
// lies behind it begins with the other. Ids of records are never the first or
// the last of all.
func neighbour(id record.ID, desc bool) record.ID {
	for i := len(id) - 1; i >= 0; i-- {
		if desc {
			if id[i]++; id[i] != 0 {
				break
			}
		} else if id[i]--; id[i] != 0xff {
			break
		}
	}
	return id
}
