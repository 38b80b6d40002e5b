package app

import (
	"slices"
	"strconv"

	"sluice/engine"
	"sluice/graph/app"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// Bulk is the writes of several records, see [engine.Op].
type Bulk interface {
	AddMany(form uint32, ds []*engine.Draft) ([]record.ID, error)
	ChangeMany(form uint32, changes []engine.Amendment) error
	ChangeWhere(form uint32, where filter.Expr, d *engine.Draft) ([]record.ID, error)
	DeleteWhere(form uint32, where filter.Expr) ([]record.ID, error)
	Upsert(form, key uint32, d *engine.Draft) (id record.ID, created bool, err error)
}

func (x *exec) createMany(f *field) (engine.Outcome, error) {
	items, err := x.objects(f, "input")
	if err != nil {
		return engine.Outcome{}, err
	}
	drafts := make([]*engine.Draft, len(items))
	for i, given := range items {
		if drafts[i], err = x.r.draftOf(f.mean.Form, given, at("input", i)); err != nil {
			return engine.Outcome{}, err
		}
	}
	ids, err := x.req.Op.AddMany(f.mean.Form, drafts)
	return engine.Outcome{IDs: ids}, err
}

func (x *exec) updateMany(f *field) (engine.Outcome, error) {
	items, err := x.objects(f, "updates")
	if err != nil {
		return engine.Outcome{}, err
	}
	out := engine.Outcome{IDs: make([]record.ID, len(items))}
	changes := make([]engine.Amendment, len(items))
	for i, item := range items {
		given, _ := item["input"].(map[string]any)
		c := &changes[i]
		c.ID = idArg(item["id"])
		if c.IfVersion, err = versionOf(item["ifVersion"], at("updates", i)+".ifVersion"); err != nil {
			return out, err
		}
		if c.Draft, err = x.r.draftOf(f.mean.Form, given, at("updates", i)+".input"); err != nil {
			return out, err
		}
		out.IDs[i] = c.ID
	}
	return out, x.req.Op.ChangeMany(f.mean.Form, changes)
}

func (x *exec) updateWhere(f *field) (engine.Outcome, error) {
	where, err := x.scopeOfWrite(f)
	if err != nil {
		return engine.Outcome{}, err
	}
	d, err := x.draft(f)
	if err != nil {
		return engine.Outcome{}, err
	}
	ids, err := x.req.Op.ChangeWhere(f.mean.Form, where, d)
	return engine.Outcome{IDs: ids}, err
}

func (x *exec) deleteWhere(f *field) (engine.Outcome, error) {
	where, err := x.scopeOfWrite(f)
	if err != nil {
		return engine.Outcome{}, err
	}
	ids, err := x.req.Op.DeleteWhere(f.mean.Form, where)
	return engine.Outcome{IDs: ids}, err
}

func (x *exec) upsert(f *field) (engine.Outcome, error) {
	v, err := x.argument(f, "key")
	if err != nil {
		return engine.Outcome{}, err
	}
	name, _ := v.(string)
	form, _ := x.r.schema.Form(f.mean.Form)
	if form == nil || form.Inputs[name] == nil {
		return engine.Outcome{}, fault.New(fault.Invalid, "resolvers/app", "argument key: unknown field")
	}
	d, err := x.draft(f)
	if err != nil {
		return engine.Outcome{}, err
	}
	id, created, err := x.req.Op.Upsert(f.mean.Form, form.Inputs[name].Number, d)
	return engine.Outcome{IDs: []record.ID{id}, Created: created}, err
}

// scopeOfWrite reads the filter of a write. Every object of it has to say
// something: a variable that has no value must not widen what is changed.
func (x *exec) scopeOfWrite(f *field) (filter.Expr, error) {
	v, err := x.argument(f, "where")
	if err != nil {
		return nil, err
	}
	if path, found := hollow(v, "where"); found {
		return nil, fault.New(fault.Invalid, "resolvers/app",
			"argument %s: is empty, which a write does not take for everything; all records are {id: {isNull: false}}", path)
	}
	return x.whereOf(f)
}

// hollow finds an object without keys, and a list of filters without members.
func hollow(v any, path string) (string, bool) {
	switch v := v.(type) {
	case nil:
		return path, true
	case map[string]any:
		for _, key := range sortedKeys(v) {
			at := path + "." + key
			if l, ok := v[key].([]any); ok && len(l) == 0 && (key == "and" || key == "or") {
				return at, true
			}
			if p, found := hollow(v[key], at); found {
				return p, true
			}
		}
		return path, len(v) == 0
	case []any:
		for i := range v {
			if p, found := hollow(v[i], at(path, i)); found {
				return p, true
			}
		}
	}
	return "", false
}

// objects reads an argument that is a list of input objects.
func (x *exec) objects(f *field, name string) ([]map[string]any, error) {
	v, err := x.argument(f, name)
	if err != nil {
		return nil, err
	}
	return objectsIn(v), nil
}

func objectsIn(v any) []map[string]any {
	items, _ := v.([]any)
	out := make([]map[string]any, len(items))
	for i, item := range items {
		out[i], _ = item.(map[string]any)
	}
	return out
}

func at(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

// several writes the payload of a write of several records.
func (x *exec) several(f *field, out engine.Outcome) bool {
	return x.object(f.sub, func(g *field) bool {
		switch g.mean.Kind {
		case app.PayloadIDs:
			return x.array(len(out.IDs), func(i int) bool {
				x.idText(out.IDs[i])
				return true
			})
		case app.PayloadCount:
			return x.int32(g, int64(len(out.IDs)))
		case app.PayloadRecords:
			return x.records(g, out.IDs)
		}
		return x.unknown(g)
	})
}

// records writes those of the records that are in reach: a list holds no holes.
func (x *exec) records(f *field, ids []record.ID) bool {
	if len(ids) == 0 {
		return x.array(0, nil)
	}
	recs, err := x.req.Op.GetMany(f.mean.Form, ids)
	if err != nil {
		return x.fail(f, err)
	}
	recs = slices.DeleteFunc(slices.Clone(recs), func(r record.Redacted) bool { return r.IsZero() })
	rs := x.load(f.sub, recs)
	return x.array(len(recs), func(i int) bool { return x.row(f.sub, rs, i) })
}

// severalCost weighs a write of several records and its payload.
func (r *Run) severalCost(f *field) int {
	n, weight := engine.MaxBulk, engine.MaxBulk
	switch f.mean.Kind {
	case app.CreateMany:
		items := r.objects(f, "input")
		n, weight = len(items), 0
		for _, given := range items {
			weight += r.addedBy(f.mean.Form, given)
		}
	case app.UpdateMany:
		n = len(r.objects(f, "updates"))
		weight = n
	}
	return costMutation*max(weight, 1) + r.cost(f.sub, 1, n)
}

func (r *Run) objects(f *field, name string) []map[string]any {
	v, _, err := argument(r.schema.AST, f.node, name, r.vars)
	if err != nil {
		return nil
	}
	return objectsIn(v)
}
