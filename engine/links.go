package engine

import (
	"maps"
	"slices"
	"strconv"

	"sluice/internal/record"
)

// reachable is the list of a multi-lookup as the viewer reads it: without what
// leads out of reach, and null where nothing is left (L1).
func (op *Op) reachable(f *record.Field, v record.Value) record.Value {
	ids := v.Refs()
	found, err := op.GetMany(f.Target, ids)
	if err := unlessAbsent(err); err != nil {
		op.fail(err)
		return record.Value{}
	}
	kept := ids[:0:0]
	for i, r := range found {
		if !r.IsZero() {
			kept = append(kept, ids[i])
		}
	}
	return record.Refs(kept...)
}

// Links returns the cell of a multi-lookup on each record as the viewer reads it:
// the ids of what is in reach, null for nothing.
func (op *Op) Links(f *record.Field, recs []record.Redacted) ([]record.Value, error) {
	var all []record.ID
	out := make([]record.Value, len(recs))
	for i, r := range recs {
		out[i] = r.Get(f)
		all = append(all, out[i].Refs()...)
	}
	if len(all) == 0 {
		return out, nil
	}
	found, err := op.GetMany(f.Target, all)
	if err := unlessAbsent(err); err != nil {
		return nil, err
	}
	reached := map[record.ID]bool{}
	for i, r := range found {
		reached[all[i]] = !r.IsZero()
	}
	for i, v := range out {
		out[i] = record.Refs(slices.DeleteFunc(v.Refs(), func(id record.ID) bool { return !reached[id] })...)
	}
	return out, nil
}

func item(at string, i int) string { return at + "[" + strconv.Itoa(i) + "]" }

// checkTargets answers alike for a target that is absent and one out of reach
// (L2), also where the stored list holds it.
func (op *Op) checkTargets(f *record.Field, v record.Value, at string, wrong *problems) error {
	ids := v.Refs()
	found, err := op.GetMany(f.Target, ids)
	if err := unlessAbsent(err); err != nil {
		return err
	}
	for i := range ids {
		if i >= len(found) || found[i].IsZero() {
			wrong.about(item(at, i), "no such record")
		}
	}
	return nil
}

// replacing are the cells that a change stores: in the place of a list of a
// multi-lookup that list, and behind it what the stored list leads to out of the
// viewer's reach. They neither learn of it nor take it away. What was deleted
// since is dropped.
func (c *revision) replacing() (map[uint32]record.Value, error) {
	cells := c.values
	for _, n := range slices.Sorted(maps.Keys(c.values)) {
		f := c.form.fields[n]
		if f.Type != record.MultiLookup {
			continue
		}
		given := c.values[n].Refs()
		hidden, err := c.op.outOfReach(f, c.stored.rec.Get(f).Refs(), given)
		if err != nil {
			return nil, err
		}
		if len(hidden) > 0 {
			cells = maps.Clone(cells)
			cells[n] = record.Refs(slices.Concat(given, hidden)...)
		}
	}
	return cells, nil
}

// outOfReach returns those of ids that are records which the viewer does not see,
// and that are not given.
func (op *Op) outOfReach(f *record.Field, ids, given []record.ID) (hidden []record.ID, err error) {
	target := op.app.forms[f.Target]
	if target == nil || len(ids) == 0 {
		return nil, nil
	}
	found, err := op.GetMany(f.Target, ids)
	if err := unlessAbsent(err); err != nil {
		return nil, err
	}
	for i, id := range ids {
		if i < len(found) && !found[i].IsZero() || slices.Contains(given, id) {
			continue
		}
		if _, exists := op.raw(target, id); exists {
			hidden = append(hidden, id)
		}
	}
	return hidden, op.failed()
}
