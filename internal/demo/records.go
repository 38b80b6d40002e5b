package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"sluice/engine"
	"sluice/internal/definition"
	"sluice/internal/record"
)

// How many records of each form the demo has; an order has one to four lines.
const (
	nCustomers   = 320
	nProducts    = 90
	nOrders      = 1300
	nAssignments = 48
	nSuppliers   = 36
)

// today is the demo's date, in days since 1970: data does not move with the
// clock. It is 2026-10-30.
const today = 20_756

// row is one record to add: cells by field name.
type row struct {
	form  string
	cells map[string]record.Value
	id    record.ID // filled when it is stored
}

// author makes the demo's records from one seed.
type author struct {
	*rand.Rand
	st        *staff
	customers []*row
	products  []*row
}

func (s *seeder) records(ctx context.Context, st *staff) error {
	a := &author{Rand: rand.New(rand.NewPCG(2026, 11)), st: st}
	steps := []struct {
		what string
		make func() []*row
	}{
		{"customers", a.makeCustomers},
		{"products", a.makeProducts},
		{"suppliers", a.makeSuppliers},
		{"distribution areas", a.makeAreas},
		{"assignments", a.makeAssignments},
	}
	for _, step := range steps {
		rows := step.make()
		s.progress(fmt.Sprintf("%d %s", len(rows), step.what))
		if err := s.store(ctx, st, rows); err != nil {
			return err
		}
	}
	orders := a.makeOrders()
	s.progress(fmt.Sprintf("%d orders", len(orders)))
	if err := s.store(ctx, st, orders); err != nil {
		return err
	}
	lines := a.makeLines(orders)
	s.progress(fmt.Sprintf("%d order lines", len(lines)))
	if err := s.store(ctx, st, lines); err != nil {
		return err
	}
	s.progress("comments")
	return s.comment(ctx, st, orders)
}

// store adds rows as the super admin, a chunk in each transaction.
func (s *seeder) store(ctx context.Context, st *staff, rows []*row) error {
	for part := range slices.Chunk(rows, chunk) {
		err := s.engine.Write(ctx, st.admin, Application, "demo", func(op *engine.Op) error {
			for _, r := range part {
				if err := r.create(op); err != nil {
					return fmt.Errorf("%s: %w", r.form, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *row) create(op *engine.Op) error {
	f, ok := op.Application().Form(r.form)
	if !ok {
		return fmt.Errorf("no such form")
	}
	input, err := numbered(f, r.cells)
	if err != nil {
		return err
	}
	r.id, err = op.Create(f.Number, input)
	return err
}

func numbered(f *definition.Form, cells map[string]record.Value) (map[uint32]record.Value, error) {
	out := make(map[uint32]record.Value, len(cells))
	for name, v := range cells {
		fd, ok := f.Field(name)
		if !ok {
			return nil, fmt.Errorf("no field %s", name)
		}
		out[fd.Number] = v
	}
	return out, nil
}

func pick[T any](a *author, from []T) T { return from[a.IntN(len(from))] }

// sellers are who may own customers and orders, some more than others.
func (a *author) seller() person {
	var sellers []person
	for _, p := range people {
		if p.role == "sales-rep" || p.role == "inside-sales" || p.role == "sales-manager" && a.IntN(4) == 0 {
			sellers = append(sellers, p)
		}
	}
	return pick(a, sellers)
}

func (a *author) user(p person) record.Value { return record.Ref(a.st.ids[p.email]) }
