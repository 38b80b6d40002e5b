package engine

import (
	"context"
	"crypto/sha256"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// ComparisonRow is a DifferenceRow in names.
type ComparisonRow struct {
	Form, Name             string // of the form, and of the person, empty for somebody who was deleted
	Person, Record         record.ID
	Gained, Lost           []string // actions
	ReadGained, ReadLost   []string // fields
	WriteGained, WriteLost []string // fields
}

// ComparisonRows gives every row of one's own comparison of an application, which is done, to each, in
// the order of Compare: computed anew, under the rights of now, from the records of
// now. It returns how many there were, and whether they are those that were
// compared. Conflict where people or definitions were changed since; NotFound for
// every other id. The row is valid until each returns.
func (e *Engine) ComparisonRows(ctx context.Context, p identity.Principal, application, id string, each func(*ComparisonRow) error) (rows int, same bool, err error) {
	op, err := e.comparisonOp(ctx, p, application)
	if err != nil {
		return 0, false, err
	}
	defer op.Close()
	c, err := readComparison(op.r, id)
	switch {
	case err != nil:
		return 0, false, err
	case c.Application != application || c.Asker != p.User:
		return 0, false, errNoComparison
	case c.State != ComparisonDone:
		return 0, false, fault.New(fault.Conflict, opComparison, "the difference is not done")
	case c.Epoch != op.epoch:
		return 0, false, fault.New(fault.Conflict, opComparison, "people or definitions of the organization were changed since; compare again")
	}
	return op.comparisonRows(c, each)
}

func (op *Op) comparisonRows(c *Comparison, each func(*ComparisonRow) error) (rows int, same bool, err error) {
	proposal, err := op.proposal(&c.Change)
	if err != nil {
		return 0, false, err
	}
	before, after, err := op.sides(proposal, &Difference{})
	if err != nil || after == nil {
		return 0, err == nil, err
	}
	n := newRowNames(op, before.app.def, after.app.def)
	g := &digester{h: sha256.New()}
	d, err := op.compare(proposal, &CompareOptions{Each: func(r *DifferenceRow) error {
		rows++
		_ = g.row(r) // never fails
		return each(n.row(r))
	}})
	if err != nil {
		return rows, false, err
	}
	digest, err := g.sum(d)
	return rows, digest == c.Digest, err
}

// rowNames are the names of both sides, the new one's before the old one's.
type rowNames struct {
	op     *Op
	forms  map[uint32]string
	fields map[uint32]map[uint32]string
	out    ComparisonRow
}

func newRowNames(op *Op, defs ...*definition.Application) *rowNames {
	n := &rowNames{op: op, forms: map[uint32]string{}, fields: map[uint32]map[uint32]string{}}
	for _, def := range defs {
		for _, f := range def.Forms {
			n.forms[f.Number] = f.Name
			if n.fields[f.Number] == nil {
				n.fields[f.Number] = map[uint32]string{}
			}
		}
	}
	for _, app := range defs {
		for number, f := range makeForms(app, nil) {
			for _, fd := range f.fields {
				n.fields[number][fd.Number] = fd.Name
			}
		}
	}
	return n
}

func (n *rowNames) row(r *DifferenceRow) *ComparisonRow {
	out := &n.out
	out.Form, out.Person, out.Record, out.Name = n.forms[r.Form], r.Person, r.Record, ""
	if u, ok := n.op.people.User(r.Person); ok {
		out.Name = u.DisplayName
	}
	out.Gained, out.Lost = actionNames(out.Gained[:0], r.Gained), actionNames(out.Lost[:0], r.Lost)
	fields := func(to []string, numbers []uint32) []string {
		for _, number := range numbers {
			to = append(to, n.fields[r.Form][number])
		}
		return to
	}
	out.ReadGained, out.ReadLost = fields(out.ReadGained[:0], r.ReadGained), fields(out.ReadLost[:0], r.ReadLost)
	out.WriteGained, out.WriteLost = fields(out.WriteGained[:0], r.WriteGained), fields(out.WriteLost[:0], r.WriteLost)
	return out
}

func actionNames(to []string, list []definition.Action) []string {
	for _, a := range list {
		to = append(to, a.String())
	}
	return to
}
