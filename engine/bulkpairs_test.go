package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"sluice/internal/definition"
	"sluice/internal/filter"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
)

// bulkWriting tries writes of several records, by filter and by a unique value;
// none of it is kept. Its chance is its own, so that it moves no other request.
func (s *stage) bulkWriting(op *Op, u *oracle.User, f *definition.Form, ids map[uint32][]record.ID) request {
	rnd := rand.New(rand.NewPCG(s.w.Seed, uint64(f.Number)+100))
	var tries []func(op *Op) string
	try := func(fn func(op *Op) ([]record.ID, error)) {
		tries = append(tries, func(op *Op) string {
			got, err := fn(op)
			for i, id := range got {
				if !slices.Contains(ids[f.Number], id) {
					got[i] = record.ID{} // ids of new records are random
				}
			}
			return fmt.Sprintln(got, failure(err))
		})
	}
	var key uint32
	for _, fd := range f.Fields {
		if fd.Unique {
			key = fd.Number
		}
	}
	for range 4 {
		input := s.randomInput(f, rnd, ids, rnd.IntN(2) == 0)
		d := &Draft{Values: input}
		if shape, ok := op.view.Shape().Form(f.Number); ok && shape.View {
			where := s.parse(op, f, world.RandomWhere(s.w, rnd, f.Name, s.fields(op, u)))
			if where != nil && len(filter.Fields(where)) > 0 {
				try(func(op *Op) ([]record.ID, error) { return op.ChangeWhere(f.Number, where, d) })
				try(func(op *Op) ([]record.ID, error) { return op.DeleteWhere(f.Number, where) })
			}
		}
		var changes []Amendment
		for range 2 {
			if known := ids[f.Number]; len(known) > 0 {
				changes = append(changes, Amendment{ID: known[rnd.IntN(len(known))], Draft: &Draft{Values: s.randomInput(f, rnd, ids, false)}})
			}
		}
		try(func(op *Op) ([]record.ID, error) { return nil, op.ChangeMany(f.Number, changes) })
		try(func(op *Op) ([]record.ID, error) { return op.AddMany(f.Number, []*Draft{d, d}) })
		if rows := s.w.Records[f.Name]; key != 0 && len(rows) > 0 {
			fd, _ := f.FieldNumber(key)
			values := map[uint32]record.Value{key: rows[rnd.IntN(len(rows))].Cells[fd.Name]}
			try(func(op *Op) ([]record.ID, error) {
				id, _, err := op.Upsert(f.Number, key, &Draft{Values: values})
				return []record.ID{id}, err
			})
		}
	}
	all := request{writes: true, ask: func(op *Op) (text string) {
		for _, t := range tries {
			text += t(op)
		}
		return text
	}}
	for _, t := range tries {
		all.alone = append(all.alone, request{writes: true, ask: t})
	}
	return all
}
