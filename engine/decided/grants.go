package decided

import (
	"bytes"
	"math"
	"slices"

	"sluice/internal/record"
)

// MaxGrants is how many records a list of grants may hold: with more of them the
// form may as well be walked. MaxFollowed is how many changes it follows before it
// has to be made anew. A set keeps lists of maxScopes scopes.
const (
	MaxGrants   = 1 << 18
	MaxFollowed = 1 << 12
	maxScopes   = 16
)

// Scope names the part of a form that a list speaks of, by a cryptographic hash of
// what tells it. The zero Scope is the whole form.
type Scope [32]byte

// entryWeight is about what an Entry holds.
const entryWeight = 40

// Entry is a record with what an index tells of it. The zero Version stands for a
// record that is not there any more.
type Entry struct {
	ID, Owner record.ID
	Record
}

func compareEntries(a, b Entry) int { return bytes.Compare(a.ID[:], b.ID[:]) }

// Grants are the records of a form, or of a scope in it, that a rule may grant or let
// through in one state of the data: all but those about which it is known to grant
// nothing. Records of other scopes may be among them. It is a proposal
// like that of an index, and does not change.
type Grants struct {
	seq  uint64
	base []Entry // ascending by id, each once
	over []Entry // likewise: what has changed since, in the place of those of base
	wide bool    // it is no list: it would have been too long to be of use
	of   int     // then, the records of its scope
}

// TooMany stands for a list that was too long to be kept, of a scope of so many
// records, so that nobody makes it again soon.
func TooMany(seq uint64, of int) *Grants { return &Grants{seq: seq, wide: true, of: of} }

// TooManyOf returns how many records the scope of such a list had, 0 of a list.
func (g *Grants) TooManyOf() int { return g.of }

// TooMany reports that this is no list.
func (g *Grants) TooMany() bool { return g.wide }

// NewGrants makes the list of the state right behind a change. It keeps entries
// and puts them in order; each must be there once.
func NewGrants(seq uint64, entries []Entry) *Grants {
	slices.SortFunc(entries, compareEntries)
	return &Grants{seq: seq, base: slices.Clip(entries)}
}

// Seq returns the change that the state is right behind.
func (g *Grants) Seq() uint64 { return g.seq }

// Len returns how many records there are, at most.
func (g *Grants) Len() int { return len(g.base) + len(g.over) }

// Follow returns the list of a later state: with the records that changed on the
// way, in the order of their changes, as they became. Nil where those are too many.
func (g *Grants) Follow(seq uint64, changed []Entry) *Grants {
	over := slices.Concat(g.over, changed)
	slices.SortStableFunc(over, compareEntries)
	kept := over[:0]
	for i, en := range over {
		if i+1 == len(over) || over[i+1].ID != en.ID { // the last one says what is
			kept = append(kept, en)
		}
	}
	if len(kept) > MaxFollowed {
		return nil
	}
	return &Grants{seq: seq, base: g.base, over: slices.Clip(kept)}
}

// Grants returns the list of a scope that was kept last, nil for none.
func (s *Set) Grants(of Scope) *Grants {
	if s == nil {
		return nil
	}
	s.form.mu.Lock()
	defer s.form.mu.Unlock()
	if p := s.grants[of]; p != nil {
		return p.list
	}
	return nil
}

// KeepGrants keeps a list of a scope unless there is one of a later state. Where there
// are too many scopes, that of the earliest state makes room.
func (s *Set) KeepGrants(of Scope, g *Grants) {
	if s == nil || g.Len() > MaxGrants {
		return
	}
	s.form.mu.Lock()
	was := s.grants[of]
	switch {
	case was != nil && was.list.seq > g.seq:
		s.form.mu.Unlock()
		return
	case was != nil && !g.wide:
		was.list = g // its orders follow it when they are used next
	default:
		if was == nil && len(s.grants) == maxScopes {
			delete(s.grants, s.earliest())
		}
		if s.grants == nil {
			s.grants = map[Scope]*part{}
		}
		s.grants[of] = &part{list: g}
	}
	set, all := s.bytes(), s.form.bytes()
	s.form.mu.Unlock()
	s.form.cache.weigh(s, set, all)
}

// earliest is the scope whose list is of the earliest state.
func (s *Set) earliest() (of Scope) {
	first := uint64(math.MaxUint64)
	for k, p := range s.grants {
		if p.list.seq <= first {
			of, first = k, p.list.seq
		}
	}
	return of
}

// Walk is a walk over a list. Use it by one goroutine.
type Walk struct {
	g          *Grants
	desc       bool
	base, over []Entry // what is left
	at         Entry
}

// Walk begins a walk by id, behind an id where one is given.
func (g *Grants) Walk(after *record.ID, desc bool) *Walk {
	return &Walk{g: g, desc: desc, base: left(g.base, after, desc), over: left(g.over, after, desc)}
}

func left(all []Entry, after *record.ID, desc bool) []Entry {
	if after == nil {
		return all
	}
	i, found := slices.BinarySearchFunc(all, Entry{ID: *after}, compareEntries)
	switch {
	case desc:
		return all[:i]
	case found:
		i++
	}
	return all[i:]
}

// Next moves to the next record that is there.
func (w *Walk) Next() bool {
	for len(w.base)+len(w.over) > 0 {
		b, o := w.end(w.base), w.end(w.over)
		c := -1
		switch {
		case b == nil:
			c = 1
		case o != nil:
			if c = compareEntries(*b, *o); w.desc {
				c = -c
			}
		}
		if c <= 0 {
			w.at, w.base = *b, w.rest(w.base)
		}
		if c >= 0 {
			w.at, w.over = *o, w.rest(w.over)
		}
		if w.at.Version != 0 {
			return true
		}
	}
	return false
}

// end is the entry that comes next.
func (w *Walk) end(all []Entry) *Entry {
	switch {
	case len(all) == 0:
		return nil
	case w.desc:
		return &all[len(all)-1]
	}
	return &all[0]
}

func (w *Walk) rest(all []Entry) []Entry {
	if w.desc {
		return all[:len(all)-1]
	}
	return all[1:]
}

// At returns the record that the walk stands at.
func (w *Walk) At() *Entry { return &w.at }
