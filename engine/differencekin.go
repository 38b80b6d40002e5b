package engine

import (
	"fmt"

	"sluice/engine/policy"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// kin are people who are treated alike, on both sides, about records that name none
// of them: of equal kind, role and set, and with equal attributes as far as rules
// that concern them read those.
type kin struct {
	at      int
	members []int // positions of people, ascending
	// before and after are the views of a stranger in their place; or of the one
	// member, whom rules name.
	before, after *policy.View
	alone         bool
	still         bool // the same place on both sides
	full          bool // all rights on both sides
}

// stranger is nobody: no cell names them and no record is theirs.
var stranger = record.ID{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// compared is one person, on both sides. Who has no access has a view that denies.
type compared struct {
	id            record.ID
	kin           *kin
	before, after *policy.View
	special       int // the number of the record that names them
}

// gather makes the people and their kins.
func (c *comparison) gather(ids []record.ID) {
	named, alsoNamed := c.before.app.policy.Receivers(), c.after.app.policy.Receivers()
	known := map[string]*kin{}
	for i, id := range ids {
		was, is := c.before.viewers[id], c.after.viewers[id]
		p := &compared{id: id, before: c.before.view(was), after: c.after.view(is)}
		alone := named[id] || alsoNamed[id]
		before, after := c.before.place(&was), c.after.place(&is)
		key := fmt.Sprintf("%q %q", before, after)
		if alone {
			key = id.String()
		}
		k := known[key]
		if k == nil {
			k = &kin{at: len(c.kins), alone: alone, still: before == after, full: fullRights(was.Kind) && fullRights(is.Kind)}
			if k.before, k.after = p.before, p.after; !alone {
				k.before, k.after = c.before.view(inPlaceOf(was)), c.after.view(inPlaceOf(is))
			}
			known[key] = k
			c.kins = append(c.kins, k)
		}
		k.members = append(k.members, i)
		p.kin = k
		c.people, c.at[id] = append(c.people, p), i
	}
}

func (s *side) view(v identity.Viewer) *policy.View { return s.app.policy.View(v, s.people, s.hides) }

// inPlaceOf is a stranger with the place of somebody; nobody stays nobody.
func inPlaceOf(v identity.Viewer) identity.Viewer {
	if !v.User.IsZero() {
		v.User, v.DisplayName = stranger, ""
	}
	return v
}

// place names all of a viewer that decisions depend on but who they are.
func (s *side) place(v *identity.Viewer) string {
	key := fmt.Appendf(nil, "%d %q %q", v.Kind, v.Role, v.PermissionSet)
	for _, f := range s.app.def.Forms {
		for _, rule := range s.app.policy.Concerning(f.Number, v) {
			if b := s.app.bindings[rule]; b != nil {
				key = b.appendAttributes(key, v.Attributes)
			}
		}
	}
	return string(key)
}

// appendAttributes appends the values that a module is asked with.
func (b *binding) appendAttributes(key []byte, attributes map[string]record.Value) []byte {
	for _, col := range b.manifest.Viewer {
		key = storage.AppendSortKey(key, attributes[col.Name])
	}
	return key
}

// question is a module as it is asked for the members of a kin: about a record, or
// about what that hangs below.
type question struct {
	side       *side
	up         int // how many parents
	b          *binding
	attributes map[string]record.Value
	asked      uint32
}

// questions lists what is asked on one side for a viewer about a record of the
// grain and those that it hangs below.
func (c *comparison) questions(g *grain, v *policy.View) (out []question) {
	who := v.Viewer()
	for up := 0; g != nil; g, up = g.parent, up+1 {
		for _, rule := range g.side.app.policy.Concerning(g.form.def.Number, &who) {
			if b := g.side.app.bindings[rule]; b != nil {
				out = append(out, question{g.side, up, b, who.Attributes, c.question(b, v)})
			}
		}
	}
	return out
}

// of returns the record that is asked about, false where there is none.
func (q *question) of(c *comparison, t *ledger, rec record.Record) (record.Record, bool) {
	g, ok := t.grainOf(q.side), true
	for range q.up {
		if rec, ok = g.up(c, rec); !ok {
			return rec, false
		}
		g = g.parent
	}
	return rec, true
}
