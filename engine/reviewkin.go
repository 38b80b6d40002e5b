package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/filter"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// kin returns a key that is equal for two censuses of one lookers only where they
// count the same: where every reach is the same and, as far as a reach depends on
// who looks, so are those who look.
func (c *lookers) kin(t *census) string {
	v := t.op.view.Viewer()
	k := kinKey{lookers: c, form: t.form, viewer: v.User, class: c.class(v), super: v.Kind == identity.SuperAdmin}
	k.b = binary.AppendUvarint(k.b, uint64(t.form.def.Number))
	for _, a := range judgedActions {
		k.reach(t.reach[a])
	}
	sum := sha256.Sum256(k.b)
	return string(sum[:])
}

// kinKey encodes reaches, each as a prefix code.
type kinKey struct {
	lookers *lookers
	form    *form // whose records the reach is of
	b       []byte
	viewer  record.ID
	class   string // of attributes that rules read
	super   bool   // no fault takes a record from the super admin
}

func (k *kinKey) text(s string) {
	k.b = binary.AppendUvarint(k.b, uint64(len(s)))
	k.b = append(k.b, s...)
}

// rule encodes what a rule is asked: about whom matters by their attributes.
func (k *kinKey) rule(kind byte, name string) {
	k.b = append(k.b, kind)
	k.text(name)
	k.text(k.class)
}

func (k *kinKey) all(kind byte, rs []policy.Reach) {
	k.b = binary.AppendUvarint(append(k.b, kind), uint64(len(rs)))
	for _, r := range rs {
		k.reach(r)
	}
}

func (k *kinKey) reach(r policy.Reach) {
	switch r := r.(type) {
	case policy.All:
		k.b = append(k.b, 'A')
	case *policy.Owners:
		k.owners(r)
	case *policy.Criteria:
		k.b = filter.AppendCanonical(append(k.b, 'C'), r.Expr)
		if readsViewer(r.Expr) {
			k.b = append(k.b, k.viewer[:]...)
		}
	case *policy.Audience:
		k.b = binary.AppendUvarint(append(k.b, 'U'), uint64(r.Field.Number))
		k.b = append(k.b, k.viewer[:]...)
	case *policy.Rule:
		k.rule('R', r.Rule.Name)
		k.b = append(k.b, byte(r.Level))
	case *policy.Kept:
		k.rule('K', r.Rule.Name)
		k.b = append(k.b, flag(k.super))
	case *policy.AskerKept: // the asker is one and the same
		k.b = append(k.b, 'Q')
		k.text(r.Rule.Name)
	case *policy.OfParent:
		k.b = binary.AppendUvarint(append(k.b, 'P'), uint64(r.Field.Number))
		k.b = binary.AppendUvarint(k.b, uint64(r.Form))
		child := k.form
		k.form = k.lookers.asker.app.forms[r.Form]
		k.reach(r.Parent)
		k.form = child
	case policy.Union:
		k.all('O', r)
	case policy.Intersect:
		k.all('I', r)
	case *policy.Minus:
		k.b = append(k.b, 'M')
		k.reach(r.From)
		k.reach(r.Take)
	default:
		k.b = append(k.b, 'N')
	}
}

// owners encodes those who own records: whose reach differs only in owners of
// none, such as themselves, are kin.
func (k *kinKey) owners(r *policy.Owners) {
	k.b = append(k.b, 'W', flag(r.NoRole))
	for _, id := range r.Users {
		if k.lookers.owns(k.form, id) {
			k.b = append(append(k.b, 1), id[:]...)
		}
	}
	k.b = append(k.b, 0)
}

// owns reports whether a user may own a record of the form: where no index tells,
// and after an error, which the count will meet, they may.
func (c *lookers) owns(f *form, user record.ID) bool {
	if f == nil || f.byOwner == nil {
		return true
	}
	key := recordKey{f.def.Number, user}
	known, asked := c.owner[key]
	if asked {
		return known
	}
	cursor := c.asker.r.Index(f.store, f.byOwner, storage.Range{Eq: []record.Value{record.Ref(user)}})
	defer cursor.Close()
	c.owner[key] = cursor.Next() || cursor.Err() != nil
	return c.owner[key]
}

// readsViewer reports whether VIEWER stands in a criterion.
func readsViewer(e filter.Expr) bool {
	switch e := e.(type) {
	case filter.And:
		return slices.ContainsFunc(e, readsViewer)
	case filter.Or:
		return slices.ContainsFunc(e, readsViewer)
	case filter.Not:
		return readsViewer(e.X)
	case *filter.Compare:
		return slices.ContainsFunc(e.Args, func(a filter.Operand) bool { return a.Viewer })
	}
	return true // what criteria do not have
}
