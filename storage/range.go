package storage

import (
	"bytes"
	"errors"

	"sluice/internal/record"
)

var (
	errEq    = errors.New("storage: a range has more equal values than the index has parts")
	errWords = errors.New("storage: an index of words has one part")
)

// Range says where a walk begins and ends. The zero Range is everything, in
// ascending order.
type Range struct {
	// Eq are the values of the leading parts of the index; nulls are values.
	// Records takes none.
	Eq []record.Value
	// Low and High bound the next part (the record id, when Eq has all parts), nil
	// for no bound. They do not bound nulls away by themselves: use Low with a
	// value, an exclusive null for all that is not null.
	Low, High *Bound
	// After resumes behind a position that Position gave for the same walk, or for
	// one over the same index with as many values in Eq.
	After []byte
	Desc  bool
}

// Bound is one end of a range.
type Bound struct {
	Value     record.Value
	Exclusive bool
}

// span is a range of keys: those with the prefix, from lo on and before hi.
type span struct {
	prefix []byte
	lo, hi []byte // nil for where the prefix begins and ends
	desc   bool
	cut    int // length of what Position leaves away
}

// ranged opens the walk over base that r describes; parts are those of the
// index, nil for a walk over ids.
func (v *view) ranged(base []byte, r Range, parts []record.Field) *walk {
	for _, value := range r.Eq {
		base = AppendSortKey(base, value)
	}
	ids := len(r.Eq) == len(parts) // the next part is the id
	sp := span{prefix: base, desc: r.Desc, cut: len(base)}
	if r.Low != nil {
		sp.lo = edge(base, r.Low.Value, ids)
		if r.Low.Exclusive {
			sp.lo = after(sp.lo)
		}
	}
	if r.High != nil {
		sp.hi = edge(base, r.High.Value, ids)
		if !r.High.Exclusive {
			sp.hi = after(sp.hi)
		}
	}
	if r.After != nil {
		sp.resume(r.After)
	}
	return v.walk(sp)
}

// edge returns the prefix of all keys whose next part is the value.
func edge(base []byte, value record.Value, ids bool) []byte {
	key := append(make([]byte, 0, len(base)+32), base...)
	if ids {
		id := value.Ref()
		return append(key, id[:]...)
	}
	return AppendSortKey(key, value)
}

// resume leaves out everything up to a position.
func (sp *span) resume(position []byte) {
	key := append(make([]byte, 0, len(sp.prefix)+len(position)+1), sp.prefix...)
	key = append(key, position...)
	if sp.desc {
		if sp.hi == nil || bytes.Compare(key, sp.hi) < 0 {
			sp.hi = key
		}
		return
	}
	if key = append(key, 0); bytes.Compare(key, sp.lo) > 0 {
		sp.lo = key
	}
}
