package policy

import (
	"sluice/internal/definition"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// stranger is nobody: no record is theirs, and no cell names them.
var stranger = record.ID{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// Decided says who may do what with one record. Its sets belong to it.
type Decided struct {
	Actions [judgedTop]Bits // by action; nil for those that are not judged
	// Read and Write are by field number, nil for nobody. The field that names the
	// owner, or owner itself, is written by whoever may give the record away (W1).
	Read, Write map[uint32]Bits
}

// trial is one record before a crowd.
type trial struct {
	c    *Crowd
	f    *crowdForm
	s    CrowdSubject
	rec  record.Record
	met  map[*Criteria]match
	self Bits // scratch
}

// match says who meets criteria: everybody or nobody, but for those whom a cell
// names.
type match struct {
	all          bool
	with, except []int
}

// Decide judges one record of a form for everybody, with its cells where fields is
// set. Nobody may do anything with no record.
func (c *Crowd) Decide(form uint32, s CrowdSubject, fields bool) *Decided {
	out := &Decided{}
	f := c.formOf(form)
	for _, a := range judged {
		out.Actions[a] = c.none()
	}
	if f == nil || s.Record().IsZero() {
		return out
	}
	t := &trial{c: c, f: f, s: s, rec: s.Record(), met: map[*Criteria]match{}}
	lost := t.lost()
	var scopes [definition.ReadWriteDelete + 1]Bits
	for _, a := range judged {
		d := out.Actions[a]
		t.covers(&f.base[a], d)
		l := levelOf(a)
		if scopes[l] == nil {
			scopes[l] = t.scope(a)
		}
		d.intersect(scopes[l])
		t.covers(&f.all[a], d)
		d.Minus(lost)
	}
	if fields {
		t.cells(out)
	}
	return out
}

// lost are those from whom the record is hidden, or whom a RESTRICT keeps out.
func (t *trial) lost() Bits {
	out := t.c.none()
	owner := t.rec.Owner()
	for _, h := range t.f.hides {
		if h.owner == owner && (h.criteria == nil || h.criteria.Match(t.rec, stranger)) {
			out.Union(h.from)
		}
	}
	for _, r := range t.f.restricts {
		for _, a := range r.asked {
			switch o := t.s.Outcome(r.rule.def, a); {
			case o.Fault:
				kept := append(Bits(nil), a.People...)
				kept.Minus(t.f.super)
				out.Union(kept)
			case !o.Through:
				out.Union(a.People)
			}
		}
	}
	return out
}

// meets evaluates criteria once, and once more for each person whom a cell names
// that they compare with the viewer.
func (t *trial) meets(m *Criteria) match {
	if x, ok := t.met[m]; ok {
		return x
	}
	x := match{all: m.Match(t.rec, stranger)}
	for _, i := range t.named(t.f.cells[m]) {
		switch yes := m.Match(t.rec, t.c.views[i].viewer.User); {
		case yes && !x.all:
			x.with = append(x.with, i)
		case !yes && x.all:
			x.except = append(x.except, i)
		}
	}
	t.met[m] = x
	return x
}

// named returns the people whom cells name.
func (t *trial) named(cells []record.Field) (out []int) {
	for i := range cells {
		v := t.rec.Get(&cells[i])
		if at, ok := t.c.at[v.Ref()]; ok {
			out = append(out, at)
		}
		for _, id := range v.Refs() {
			if at, ok := t.c.at[id]; ok {
				out = append(out, at)
			}
		}
	}
	return out
}

// covers adds those for whom the cover holds the record.
func (t *trial) covers(s *spread, to Bits) {
	to.Union(s.every)
	for m, people := range s.by {
		x := t.meets(m)
		if x.all && len(x.except) == 0 {
			to.Union(people)
			continue
		}
		if x.all {
			few := append(t.self[:0], people...)
			for _, i := range x.except {
				few[i/64] &^= 1 << (i % 64)
			}
			to.Union(few)
			t.self = few
		}
		for _, i := range x.with {
			if people.Has(i) {
				to.Add(i)
			}
		}
	}
}

// scope are those in whose own, below, peers and shared the record is; of a child
// form, those who may do with its parent what the action takes.
func (t *trial) scope(a definition.Action) Bits {
	out := t.c.none()
	if t.f.form.parent >= 0 {
		if p, ok := t.s.Parent(); ok {
			out.Union(p.Actions[ofParent(a)])
		}
		return out
	}
	l, owner := levelOf(a), t.rec.Owner()
	out.Union(t.f.positions[l][t.position()])
	out.Union(t.f.owners[l][owner])
	for m, people := range t.f.audience[l] {
		for _, i := range t.named([]record.Field{m.Field}) {
			if people.Has(i) {
				out.Add(i)
			}
		}
	}
	t.covers(&t.f.criteria[l], out)
	for m, asked := range t.f.shares[l] {
		for _, a := range asked {
			if m.grants(t.s.Outcome(m.Rule, a)) {
				out.Union(a.People)
			}
		}
	}
	return out
}

func (t *trial) position() int32 { return t.c.policy.Position(t.c.people.RoleOf(t.rec.Owner())) }

// cells says who reads and writes which fields.
func (t *trial) cells(d *Decided) {
	view, edit := d.Actions[definition.View], d.Actions[definition.Edit]
	d.Read, d.Write = map[uint32]Bits{}, map[uint32]Bits{}
	masked := t.masked()
	for n, people := range t.f.visible {
		read := append(Bits(nil), people...)
		read.intersect(view)
		if m := masked[n]; m != nil {
			read.Minus(m)
		}
		if len(masked) > 0 {
			for _, source := range t.f.reads(n) {
				read.Minus(masked[source])
			}
		}
		d.Read[n] = read
	}
	gives := t.gives(edit)
	for n, people := range t.f.writable {
		write := append(Bits(nil), people...)
		write.intersect(edit)
		write.intersect(d.Read[n])
		if n == t.f.form.def.OwnerField {
			write.intersect(gives)
		}
		d.Write[n] = write
	}
	if t.f.form.def.OwnerField == 0 && d.Read[record.FieldOwner] != nil {
		gives.intersect(d.Read[record.FieldOwner])
		d.Write[record.FieldOwner] = gives
	}
}

// reads returns what a formula reads, nothing for other fields.
func (f *crowdForm) reads(n uint32) []uint32 {
	for _, fd := range f.form.def.Fields {
		if fd.Number == n && fd.Formula != nil {
			return fd.Formula.Reads.Numbers()
		}
	}
	return nil
}

// masked says from whom MASK rules hide which field.
func (t *trial) masked() map[uint32]Bits {
	out := map[uint32]Bits{}
	for _, m := range t.f.masks {
		for _, a := range m.asked {
			for _, n := range m.rule.hidden(t.s.Outcome(m.rule.def, a)).Numbers() {
				if out[n] == nil {
					out[n] = t.c.none()
				}
				out[n].Union(a.People)
			}
		}
	}
	return out
}

// gives are those who may give the record to another owner (W1).
func (t *trial) gives(edit Bits) Bits {
	out := append(Bits(nil), t.f.admins...)
	if i, ok := t.c.at[t.rec.Owner()]; ok {
		out.Add(i)
	}
	out.Union(t.f.below[t.position()])
	modify := t.c.none()
	t.covers(&t.f.modify, modify)
	modify.intersect(t.f.limited)
	out.Union(modify)
	out.intersect(edit)
	return out
}

// viewerCells lists the fields that a filter compares with the viewer.
func viewerCells(e filter.Expr) (out []record.Field) {
	switch e := e.(type) {
	case filter.And:
		for _, x := range e {
			out = append(out, viewerCells(x)...)
		}
	case filter.Or:
		for _, x := range e {
			out = append(out, viewerCells(x)...)
		}
	case filter.Not:
		return viewerCells(e.X)
	case *filter.Compare:
		for _, a := range e.Args {
			if a.Viewer {
				return []record.Field{e.Field}
			}
		}
	}
	return out
}
