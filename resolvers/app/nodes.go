package app

import (
	"sluice/graph/app"
	"sluice/internal/fault"
	"sluice/internal/record"
)

// found is a record by its id alone: place at among those of its form.
type found struct {
	form uint32
	at   int
}

// find looks for records in every form that the viewer sees, a batch for each. An
// id says nothing of its form: one that nobody has costs what one out of reach
// does. It returns where the record of each id is, form 0 where there is none.
func (x *exec) find(f *field, ids []record.ID) ([]found, map[uint32]*rows, error) {
	places, loaded := make([]found, len(ids)), map[uint32]*rows{}
	var open []int // ids not found yet
	for i, id := range ids {
		if !id.IsZero() {
			open = append(open, i)
		}
	}
	for _, form := range x.r.schema.Viewed() {
		if len(open) == 0 {
			break
		}
		asked := make([]record.ID, len(open))
		for i, at := range open {
			asked[i] = ids[at]
		}
		recs, err := x.req.Op.GetMany(form.Number, asked)
		if err != nil {
			return nil, nil, err
		}
		var here []record.Redacted
		left := open[:0]
		for i, at := range open {
			if recs[i].IsZero() {
				left = append(left, at)
				continue
			}
			places[at] = found{form.Number, len(here)}
			here = append(here, recs[i])
		}
		if open = left; len(here) > 0 {
			loaded[form.Number] = x.load(f.records[form.Number], here)
		}
	}
	return places, loaded, nil
}

// nodeByID writes the record with an id, of whatever form.
func (x *exec) nodeByID(f *field) bool {
	id, err := x.id(f)
	if err != nil {
		return x.fail(f, err)
	}
	places, loaded, err := x.find(f, []record.ID{id})
	if err != nil {
		return x.fail(f, err)
	}
	return x.found(f, places[0], loaded)
}

// nodesByID writes a list of them, null for each that is not there.
func (x *exec) nodesByID(f *field) bool {
	v, err := x.argument(f, "ids")
	if err != nil {
		return x.fail(f, err)
	}
	texts, _ := v.([]any)
	if len(texts) > app.MaxNodes {
		return x.fail(f, fault.New(fault.Limit, "resolvers/app", "argument ids: %d ids, at most %d are allowed", len(texts), app.MaxNodes))
	}
	ids := make([]record.ID, len(texts))
	for i, t := range texts {
		s, _ := t.(string)
		if id, bad := record.ParseID(s); bad == nil {
			ids[i] = id
		}
	}
	places, loaded, err := x.find(f, ids)
	if err != nil {
		return x.fail(f, err)
	}
	return x.array(len(places), func(i int) bool {
		mark := len(x.b)
		if x.found(f, places[i], loaded) {
			return true
		}
		x.b = append(x.b[:mark], "null"...)
		return x.fatal == nil
	})
}

func (x *exec) found(f *field, at found, loaded map[uint32]*rows) bool {
	if at.form == 0 {
		return x.null()
	}
	return x.row(f.records[at.form], loaded[at.form], at.at)
}

// nodeCost is that of n records of the form that costs most, and of looking for
// each in every form.
func (r *Run) nodeCost(f *field, n int) int {
	most := 0
	for _, s := range f.records {
		most = max(most, r.cost(s, n, 0))
	}
	return n*len(f.records) + most
}

// idsOf is how many ids the field is given, as far as that can be read.
func (r *Run) idsOf(f *field) int {
	v, _, err := argument(r.schema.AST, f.node, "ids", r.vars)
	if ids, ok := v.([]any); err == nil && ok {
		return min(len(ids), app.MaxNodes)
	}
	return app.MaxNodes
}
