package engine

import (
	"encoding/binary"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/record"
)

// grain reads from records of one form what the decisions of one side depend on.
type grain struct {
	side   *side
	form   *form
	alike  *policy.Alike
	hides  []policy.Hide // of the form
	parent *grain        // nil for none
	memo   map[record.ID]ground
	shared bool // both sides decide alike about equal signatures
}

// ground is what is known of a record: its signature, equal for records about which
// everybody is decided alike whom they do not name, and whom they name.
type ground struct {
	signature uint32
	names     []int // positions of people, each once
}

// maxGrounds bounds what is kept of parents, and signatures.
const maxGrounds = 1 << 20

func (c *comparison) grain(s *side, number uint32) *grain {
	f := s.app.forms[number]
	if f == nil {
		return nil
	}
	k := grainKey{s, number}
	if g := c.grains[k]; g != nil {
		return g
	}
	g := &grain{side: s, form: f, alike: s.app.policy.Alike(number), memo: map[record.ID]ground{}, shared: c.sameRules}
	for _, h := range s.hides {
		if h.Form == number {
			g.hides = append(g.hides, h)
		}
	}
	c.grains[k] = g
	if f.parent != nil {
		g.parent = c.grain(s, f.parent.Target)
	}
	return g
}

type grainKey struct {
	side *side
	form uint32
}

// up returns the record that one hangs below, false for none.
func (g *grain) up(c *comparison, rec record.Record) (record.Record, bool) {
	if g.parent == nil {
		return record.Record{}, false
	}
	id := rec.Get(g.form.parent).Ref()
	if id.IsZero() {
		return record.Record{}, false
	}
	return c.op.raw(g.parent.form, id)
}

// of reads one record. A nil grain, of a form that a side has not, knows nothing.
func (g *grain) of(c *comparison, rec record.Record, names []int) ground {
	if g == nil {
		return ground{names: names}
	}
	key := g.appendOwn(c.key[:0], rec)
	names = g.named(c, rec, names)
	if g.parent != nil {
		above, ok := g.up(c, rec)
		if key = append(key, 0); ok {
			p := g.parent.remembered(c, above)
			key[len(key)-1] = 1
			key = binary.BigEndian.AppendUint32(key, p.signature)
			names = append(names, p.names...)
		}
	}
	c.key = key
	return ground{c.signature(key), names}
}

// remembered is of, for records that others hang below.
func (g *grain) remembered(c *comparison, rec record.Record) ground {
	if p, ok := g.memo[rec.ID()]; ok {
		return p
	}
	key := c.key
	c.key = nil // that of the record below is not made yet
	p := g.of(c, rec, nil)
	c.key = key
	g.memo[rec.ID()] = p
	return p
}

// appendOwn appends what the record itself says: of which kind its owner is, which
// criteria it matches, and who hides it.
func (g *grain) appendOwn(key []byte, rec record.Record) []byte {
	tag := byte(0)
	if !g.shared {
		tag = 1
		if g.side.later {
			tag = 2
		}
	}
	key = append(key, tag)
	key = binary.BigEndian.AppendUint32(key, g.form.def.Number)
	owner := rec.Owner()
	key = binary.BigEndian.AppendUint32(key, uint32(g.side.app.policy.Position(g.side.people.RoleOf(owner))))
	if _, named := slices.BinarySearchFunc(g.alike.Owners, owner, compareIDs); named {
		key = append(append(key, 1), owner[:]...)
	} else {
		key = append(key, 0)
	}
	for _, m := range g.alike.Criteria {
		key = appendBit(key, m.Match(rec, stranger))
	}
	for _, h := range g.hides {
		key = appendBit(key, h.Owner == owner && (h.Criteria == nil || h.Criteria.Program == nil || h.Criteria.Match(rec, stranger)))
	}
	return key
}

func appendBit(key []byte, on bool) []byte {
	if on {
		return append(key, 1)
	}
	return append(key, 0)
}

// named appends the people whom the record names: its owner, and whoever stands
// where a rule may mean the viewer.
func (g *grain) named(c *comparison, rec record.Record, names []int) []int {
	add := func(id record.ID) {
		if i, ok := c.at[id]; ok {
			names = append(names, i)
		}
	}
	add(rec.Owner())
	for i := range g.alike.Cells {
		v := rec.Get(&g.alike.Cells[i])
		if id := v.Ref(); !id.IsZero() {
			add(id)
		}
		for _, id := range v.Refs() {
			add(id)
		}
	}
	return names
}

// signature numbers a key.
func (c *comparison) signature(key []byte) uint32 {
	if n, ok := c.signatures[string(key)]; ok {
		return n
	}
	n := uint32(len(c.signatures) + 1)
	c.signatures[string(key)] = n
	return n
}
