package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// liveKey is equal for views that decide equally about every record: it holds all
// that the decision reads. It is made of content, not of pointers, so that it
// outlives the compiled policy that it came from.
func (op *Op) liveKey(l *liveView, where filter.Expr) [32]byte {
	k := &keyWriter{op: op}
	t := op.r.Tenant()
	k.bytes(t[:])
	k.bytes([]byte(op.app.def.Name))
	k.number(op.app.def.Version)
	k.number(uint64(l.form.def.Number))
	k.number(uint64(op.view.Viewer().Kind))
	if where != nil {
		k.filter(where)
	}
	for _, n := range slices.Sorted(maps.Keys(l.reach)) {
		k.number(uint64(n))
		k.reach(l.reach[n])
		if s, ok := op.view.Shape().Form(n); ok {
			for _, v := range s.Visible.Numbers() {
				k.number(uint64(v))
			}
		}
		k.b = append(k.b, 'm')
		for _, m := range op.view.Masks(n) {
			k.rule(m)
		}
	}
	if k.personal {
		u := op.principal.User
		k.bytes(u[:])
	}
	if k.attributes {
		k.viewer()
	}
	return sha256.Sum256(k.b)
}

// keyWriter collects what a decision reads.
type keyWriter struct {
	op         *Op
	b          []byte
	personal   bool // who the viewer is
	attributes bool // what rules are told of the viewer
}

func (k *keyWriter) number(n uint64) { k.b = binary.BigEndian.AppendUint64(k.b, n) }

func (k *keyWriter) bytes(b []byte) {
	k.number(uint64(len(b)))
	k.b = append(k.b, b...)
}

func (k *keyWriter) filter(e filter.Expr) {
	k.bytes(filter.AppendCanonical(nil, e))
	k.personal = k.personal || namesViewer(e)
}

// namesViewer reports whether a filter reads who asks; true for one of a kind
// that is not known here.
func namesViewer(e filter.Expr) bool {
	switch e := e.(type) {
	case filter.And:
		return slices.ContainsFunc(e, namesViewer)
	case filter.Or:
		return slices.ContainsFunc(e, namesViewer)
	case filter.Not:
		return namesViewer(e.X)
	case *filter.Compare:
		return slices.ContainsFunc(e.Args, func(o filter.Operand) bool { return o.Viewer })
	}
	return true
}

func (k *keyWriter) reach(r policy.Reach) {
	switch r := r.(type) {
	case nil, policy.None:
		k.b = append(k.b, 'n')
	case policy.All:
		k.b = append(k.b, 'a')
	case *policy.Owners:
		k.owners(r)
	case *policy.Criteria:
		k.b = append(k.b, 'c')
		k.filter(r.Expr)
	case *policy.Audience:
		k.b = append(k.b, 'u')
		k.number(uint64(r.Field.Number))
		k.personal = true
	case *policy.Rule:
		k.b = append(k.b, 'r', byte(r.Level))
		k.rule(r.Rule)
	case *policy.Kept:
		k.b = append(k.b, 'k')
		k.rule(r.Rule)
	case *policy.OfParent:
		k.b = append(k.b, 'p')
		k.number(uint64(r.Field.Number))
		k.number(uint64(r.Form))
		k.reach(r.Parent)
	case policy.Union:
		k.each('+', r)
	case policy.Intersect:
		k.each('*', r)
	case *policy.Minus:
		k.b = append(k.b, '-')
		k.reach(r.From)
		k.reach(r.Take)
	default:
		k.b, k.personal, k.attributes = append(k.b, '?'), true, true
	}
}

func (k *keyWriter) each(tag byte, rs []policy.Reach) {
	k.b = append(k.b, tag)
	k.number(uint64(len(rs)))
	for _, m := range rs {
		k.reach(m)
	}
}

// owners depends on all roles where it holds the records of those without one.
func (k *keyWriter) owners(r *policy.Owners) {
	k.b = append(k.b, 'o', flag(r.NoRole))
	if r.NoRole {
		k.number(k.op.epoch)
	}
	k.number(uint64(len(r.Users)))
	for _, u := range r.Users {
		k.b = append(k.b, u[:]...)
	}
}

// rule is one by name, with the module that answers for it.
func (k *keyWriter) rule(r *definition.CustomRule) {
	k.bytes([]byte(r.Name))
	if b := k.op.app.bindings[r]; b != nil {
		k.bytes(b.hash[:])
		k.b = append(k.b, flag(b.quarantined))
	}
	k.attributes = true
}

func (k *keyWriter) viewer() {
	attributes := k.op.view.Viewer().Attributes
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		k.bytes([]byte(name))
		k.bytes(valueText(attributes[name]))
	}
}

func valueText(v record.Value) []byte {
	return fmt.Appendf(nil, "%d %d %q %v %q", v.Kind(), v.Int(), v.Text(), v.Ref(), v.List())
}

// standing is equal while nothing of what the viewer was told to be has changed:
// who they are in the application, and the version of it.
func (l *liveView) standing() [32]byte {
	k := &keyWriter{op: &Op{view: l.view}}
	v := l.view.Viewer()
	k.bytes(l.key[:])
	k.bytes(v.User[:])
	k.number(uint64(v.Kind))
	k.number(uint64(v.Credential))
	k.bytes([]byte(v.Role))
	k.bytes([]byte(v.PermissionSet))
	k.viewer()
	fp := l.view.Shape().Fingerprint
	k.bytes(fp[:])
	return sha256.Sum256(k.b)
}
