package world

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"sluice/internal/definition"
	"sluice/internal/oracle"
	"sluice/internal/record"
)

// Mutate returns a copy of the world in which only data has changed that the
// user may not see: cells that are hidden or masked on records in their reach
// and that no policy of the form reads, and records out of their reach, which
// are changed, added or removed and stay out of reach, and filters by which
// others hide what is not in their reach anyway. It changes no unique cell, no
// header of a record in reach, no person and no other policy. False means that
// it found nothing to change.
//
// The oracle has confirmed that everything the user may see or do is the same
// in both worlds.
func Mutate(w *World, rnd *rand.Rand, user *oracle.User) (*World, bool) {
	m := &mutation{rnd: rnd, user: user, w: w.Copy()}
	before := m.view()
	done := false
	for range 1 + rnd.IntN(6) {
		form := pick(rnd, w.App.Forms)
		kept := m.w
		m.w = m.w.Copy()
		if !m.step(form) || !slices.Equal(before, m.view()) {
			m.w = kept
			continue
		}
		done = true
	}
	return m.w, done
}

type mutation struct {
	rnd  *rand.Rand
	user *oracle.User
	w    *World
}

// view is everything that the user may see and do, as text.
func (m *mutation) view() []string { return View(m.w, m.user) }

func (m *mutation) step(f *definition.Form) bool {
	if m.rnd.IntN(6) == 0 {
		return m.hide(f)
	}
	rows := m.w.Records[f.Name]
	if len(rows) == 0 || m.rnd.IntN(4) == 0 {
		return m.add(f)
	}
	i := m.rnd.IntN(len(rows))
	r := rows[i]
	if oracle.MaySee(m.w, m.user, definition.View, f.Name, r) {
		return m.rnd.IntN(2) == 0 && m.hiddenLink(f, r) || m.hiddenCell(f, r)
	}
	if m.rnd.IntN(2) == 0 && !holdsUnique(f, r) {
		m.w.Records[f.Name] = slices.Delete(rows, i, i+1)
		return true
	}
	return m.scramble(f, r)
}

// hide changes what somebody else hides: a filter more, less or another. The
// caller finds out whether the user sees a difference.
func (m *mutation) hide(f *definition.Form) bool {
	m.w.Hides = slices.Clone(m.w.Hides)
	if n := len(m.w.Hides); n > 0 && m.rnd.IntN(2) == 0 {
		i := m.rnd.IntN(n)
		if m.w.Hides[i].Admin == m.user.ID {
			return false // that is seen
		}
		m.w.Hides = slices.Delete(m.w.Hides, i, i+1)
		return true
	}
	by := pick(m.rnd, m.w.Users)
	if rows := m.w.Records[f.Name]; len(rows) > 0 {
		if owner := m.w.User(pick(m.rnd, rows).Owner); owner != nil {
			by = owner
		}
	}
	if by.ID == m.user.ID || slices.ContainsFunc(m.w.Hides, func(h *oracle.Hide) bool { return h.Admin == by.ID && h.Form == f.Name }) {
		return false
	}
	where := (&filters{rnd: m.rnd, w: m.w, fields: func(string) []string { return plain(f) }}).object(f, m.rnd.IntN(2))
	m.w.Hides = append(m.w.Hides, &oracle.Hide{Admin: by.ID, Form: f.Name, Where: where})
	return true
}

// hiddenCell changes one cell that the user may not read.
func (m *mutation) hiddenCell(f *definition.Form, r *oracle.Record) bool {
	read := PolicyFields(m.w, f)
	var free []*definition.Field
	for _, field := range f.Fields {
		_, readable := oracle.Cell(m.w, m.user, f.Name, r, field.Name)
		if !readable && !field.Unique && field.Formula == nil && !slices.Contains(read, field.Name) {
			free = append(free, field)
		}
	}
	if len(free) == 0 {
		return false
	}
	field := pick(m.rnd, free)
	before := r.Cells[field.Name]
	for tries := 0; tries < 5 && r.Cells[field.Name].Equal(before); tries++ {
		m.set(field, r)
	}
	return !r.Cells[field.Name].Equal(before)
}

// hiddenLink puts a record that the user does not see into a list of references,
// or takes it out.
func (m *mutation) hiddenLink(f *definition.Form, r *oracle.Record) bool {
	for _, field := range f.Fields {
		if field.Type != record.MultiLookup || slices.Contains(PolicyFields(m.w, f), field.Name) {
			continue
		}
		target := m.w.FormNumber(field.Target).Name
		for _, row := range m.w.Records[target] {
			if m.rnd.IntN(2) == 0 || oracle.MaySee(m.w, m.user, definition.View, target, row) {
				continue
			}
			ids := r.Cells[field.Name].Refs()
			if i := slices.Index(ids, row.ID); i >= 0 {
				ids = slices.Delete(ids, i, i+1)
			} else {
				ids = slices.Insert(ids, m.rnd.IntN(len(ids)+1), row.ID)
			}
			if delete(r.Cells, field.Name); len(ids) > 0 {
				r.Cells[field.Name] = record.Refs(ids...)
			} else if field.Required {
				return false
			}
			return true
		}
	}
	return false
}

// scramble changes any part of a record but its unique cells. The caller finds
// out whether it is still out of reach.
func (m *mutation) scramble(f *definition.Form, r *oracle.Record) bool {
	for _, field := range f.Fields {
		if !field.Unique && field.Formula == nil && m.rnd.IntN(2) == 0 {
			m.set(field, r)
		}
	}
	r.Version++
	r.ModifiedTime += int64(m.rnd.IntN(1000))
	r.ModifiedBy = pick(m.rnd, m.w.Users).ID
	if m.rnd.IntN(3) == 0 {
		r.Owner = pick(m.rnd, m.w.Users).ID
	}
	r.Owner = oracle.Owner(f, r)
	return true
}

func (m *mutation) set(field *definition.Field, r *oracle.Record) {
	v := value(m.rnd, m.w, nil, field.Field)
	if field.Required && v.IsNull() {
		return
	}
	if !field.Required && m.rnd.IntN(5) == 0 {
		v = record.Value{}
	}
	if delete(r.Cells, field.Name); !v.IsNull() {
		r.Cells[field.Name] = v
	}
}

func (m *mutation) add(f *definition.Form) bool {
	r := &oracle.Record{AddedBy: pick(m.rnd, m.w.Users).ID, AddedTime: 1_750_000_000_000_000, ModifiedTime: 1_750_000_000_000_001, Version: 1, Cells: map[string]record.Value{}}
	r.Owner, r.ModifiedBy = r.AddedBy, r.AddedBy
	binary.BigEndian.PutUint64(r.ID[:8], 1_750_000_002_000<<16|0x7000|m.rnd.Uint64N(1<<12))
	binary.BigEndian.PutUint64(r.ID[8:], m.rnd.Uint64()>>2|1<<63)
	if rows := m.w.Records[f.Name]; len(rows) > 0 { // much like another
		near := pick(m.rnd, rows).Copy()
		r.Owner, r.AddedBy, r.Cells = near.Owner, near.AddedBy, near.Cells
	}
	for _, field := range f.Fields {
		_, has := r.Cells[field.Name]
		switch {
		case field.Formula != nil:
		case field.Unique:
			delete(r.Cells, field.Name)
		case m.rnd.IntN(3) == 0 || field.Required && !has:
			m.set(field, r)
		}
	}
	for _, field := range f.Fields {
		if _, has := r.Cells[field.Name]; field.Required && !has {
			return false
		}
	}
	r.Owner = oracle.Owner(f, r)
	m.w.Records[f.Name] = append(m.w.Records[f.Name], r)
	oracle.SortRecords(m.w.Records[f.Name])
	return true
}

func holdsUnique(f *definition.Form, r *oracle.Record) bool {
	return slices.ContainsFunc(f.Fields, func(field *definition.Field) bool {
		_, has := r.Cells[field.Name]
		return field.Unique && has
	})
}

// PolicyFields returns the fields of the form whose cells decide about reach or
// masks: those that criteria, rules, hides and modules read, the owner field and the
// parent.
func PolicyFields(w *World, f *definition.Form) (names []string) {
	for _, field := range f.Fields {
		if field.Number == f.OwnerField || field.Number == f.ParentField {
			names = append(names, field.Name)
		}
	}
	for _, r := range w.App.Reports {
		if r.Form == f.Name {
			names = append(names, named(r.Criteria)...)
		}
	}
	for _, s := range w.App.Sharing {
		if s.Form == f.Name {
			names = append(append(names, named(s.Criteria)...), s.Field)
		}
	}
	for _, h := range w.Hides {
		if h.Form == f.Name {
			names = append(names, named(h.Where)...)
		}
	}
	for _, c := range w.App.Custom {
		if c.Form == f.Name {
			names = append(names, w.Modules[c.Name].Record...)
		}
	}
	return sources(f, names)
}

// named returns the fields that criteria name.
func named(criteria map[string]any) (names []string) {
	for key, arg := range criteria {
		switch key {
		case "and", "or":
			for _, x := range arg.([]any) {
				names = append(names, named(x.(map[string]any))...)
			}
		case "not":
			names = append(names, named(arg.(map[string]any))...)
		default:
			names = append(names, key)
		}
	}
	return names
}
