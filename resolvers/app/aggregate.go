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

// Groups is a page of the groups of an aggregate.
type Groups struct {
	Groups           []engine.Group
	HasNext, HasPrev bool
	Total            int
	Cursor           func(i int) string
}

func (o over) Aggregate(q engine.Aggregation) (*Groups, error) {
	g, err := o.Op.Aggregate(q)
	if err != nil {
		return nil, err
	}
	return groupsOf(g), nil
}

func (o over) AggregateChildren(lookup record.Field, parents []record.ID, q engine.Aggregation) ([]*Groups, error) {
	all, err := o.Op.AggregateChildren(lookup, parents, q)
	if err != nil {
		return nil, err
	}
	out := make([]*Groups, len(all))
	for i, g := range all {
		out[i] = groupsOf(g)
	}
	return out, nil
}

func groupsOf(g *engine.Groups) *Groups {
	return &Groups{Groups: g.Groups, HasNext: g.HasNext, HasPrev: g.HasPrev, Total: g.Total, Cursor: g.Cursor}
}

var functions = map[app.Kind]engine.Function{
	app.ValueCount: engine.Count, app.ValueCountDistinct: engine.CountDistinct, app.ValueSum: engine.Sum,
	app.ValueAvg: engine.Avg, app.ValueMin: engine.Min, app.ValueMax: engine.Max,
}

// measures lists what a set of values asks for, each field once.
func measures(s *set, out []engine.Measure) []engine.Measure {
	for i := range s.fields {
		f := &s.fields[i]
		if f.mean.Kind != app.FieldAggregate {
			continue
		}
		at := measureAt(out, f.mean.Field)
		if at < 0 {
			at = len(out)
			out = append(out, engine.Measure{Field: *f.mean.Field})
		}
		for k := range f.sub.fields {
			if fn := functions[f.sub.fields[k].mean.Kind]; fn != engine.NoFunction {
				out[at].Functions = out[at].Functions.With(fn)
			}
		}
	}
	return out
}

func measureAt(ms []engine.Measure, f *record.Field) int {
	return slices.IndexFunc(ms, func(m engine.Measure) bool { return m.Field.Number == f.Number })
}

// summed is an aggregate that is being written.
type summed struct {
	q      engine.Aggregation
	groups *Groups
	cells  map[*field]int  // position of the key that a field of a key gives
	loads  map[*field]load // of the lookups among keys
}

// aggregates writes the groups of a list.
func (x *exec) aggregates(f *field) bool {
	sum, err := x.summedOf(f)
	if err != nil {
		return x.fail(f, err)
	}
	return x.object(f.sub, func(g *field) bool {
		switch g.mean.Kind {
		case app.GroupTotal:
			return x.int32(g, int64(sum.groups.Total))
		case app.GroupPageInfo:
			return x.object(g.sub, func(h *field) bool { return x.groupInfo(h, sum.groups) })
		case app.GroupNodes:
			return x.array(len(sum.groups.Groups), func(i int) bool { return x.group(g.sub, sum, i) })
		}
		return x.unknown(g)
	})
}

// summedOf reads the arguments, computes the groups and loads what they lead to.
func (x *exec) summedOf(f *field) (*summed, error) {
	sum := &summed{cells: map[*field]int{}, loads: map[*field]load{}}
	var err error
	if sum.q, err = x.aggregationOf(f); err != nil {
		return nil, err
	}
	keys := keyFields(f.sub)
	for _, g := range keys {
		at, err := x.keyAt(g, sum.q.GroupBy)
		if err != nil {
			return nil, err
		}
		sum.cells[g] = at
	}
	for i := range f.sub.fields {
		if g := &f.sub.fields[i]; g.mean.Kind == app.GroupNodes {
			sum.q.Measures = measures(g.sub, sum.q.Measures)
		}
	}
	if sum.groups, err = x.req.Op.Aggregate(sum.q); err != nil {
		return nil, err
	}
	for _, g := range keys {
		if g.mean.Kind != app.GroupLookup {
			continue
		}
		ids := make([]record.ID, len(sum.groups.Groups))
		for i, group := range sum.groups.Groups {
			ids[i] = group.Keys[sum.cells[g]].Ref()
		}
		var l load
		if err := x.loadTargets(g, &l, ids); err != nil {
			return nil, err
		}
		sum.loads[g] = l
	}
	return sum, nil
}

// keyFields are the fields of the keys that are selected of groups.
func keyFields(s *set) (out []*field) {
	for i := range s.fields {
		if nodes := &s.fields[i]; nodes.mean.Kind == app.GroupNodes {
			for k := range nodes.sub.fields {
				if key := &nodes.sub.fields[k]; key.mean.Kind == app.GroupKey {
					for n := range key.sub.fields {
						if f := &key.sub.fields[n]; f.mean.Kind != app.TypeName {
							out = append(out, f)
						}
					}
				}
			}
		}
	}
	return out
}

// keyAt finds the key of groupBy that a field gives.
func (x *exec) keyAt(f *field, keys []engine.GroupKey) (int, error) {
	by, err := x.argument(f, "by")
	if err != nil {
		return 0, err
	}
	if at, ok := findKey(keys, f.mean.Field, by); ok {
		return at, nil
	}
	return 0, fault.New(fault.Invalid, "resolvers/app", "field %s of key: expected one that groupBy has once; where it has several of the field, say which with by", f.node.Name)
}

var units = map[string]engine.Unit{"DAY": engine.Day, "WEEK": engine.Week, "MONTH": engine.Month, "QUARTER": engine.Quarter, "YEAR": engine.Year}

// findKey returns the position of the only key of a field, or of the one by that
// unit.
func findKey(keys []engine.GroupKey, f *record.Field, by any) (int, bool) {
	name, _ := by.(string)
	found := -1
	for i, k := range keys {
		if k.Field.Number != f.Number || name != "" && k.Unit != units[name] {
			continue
		}
		if found >= 0 && keys[found].Unit != k.Unit {
			return 0, false
		}
		found = i
	}
	return found, found >= 0
}

// aggregationOf reads the arguments of a field that gives groups.
func (x *exec) aggregationOf(f *field) (engine.Aggregation, error) {
	q := engine.Aggregation{List: engine.List{Form: f.mean.Form, Report: f.mean.Report}}
	form, ok := x.r.schema.Form(f.mean.Form)
	if !ok {
		return q, fault.New(fault.Internal, "resolvers/app", "no form of an aggregate")
	}
	for _, read := range []func() error{
		func() (err error) { q.First, err = x.firstOf(f); return err },
		func() (err error) { q.After, err = x.cursorOf(f, "after"); return err },
		func() (err error) { q.List.Search, err = x.searchOf(f); return err },
		func() (err error) { q.List.Created, err = x.reportOf(f); return err },
		func() (err error) { q.List.Where, err = x.whereOf(f); return err },
		func() (err error) { q.GroupBy, err = x.groupByOf(f, form); return err },
		func() (err error) { q.OrderBy, err = x.groupOrderOf(f, form, q.GroupBy); return err },
		func() (err error) { q.Having, err = x.havingOf(f, form); return err },
		func() error {
			v, err := x.argument(f, "timeZone")
			if name, given := v.(string); err == nil && given {
				q.Zone, err = engine.ZoneOf(name)
			}
			return err
		},
	} {
		if err := read(); err != nil {
			return q, err
		}
	}
	return q, nil
}

func (x *exec) groupByOf(f *field, form *app.Form) ([]engine.GroupKey, error) {
	v, err := x.argument(f, "groupBy")
	if err != nil {
		return nil, err
	}
	items, _ := v.([]any)
	out := make([]engine.GroupKey, 0, len(items))
	for i, item := range items {
		m, _ := item.(map[string]any)
		name, _ := m["field"].(string)
		by, ok := form.Groups[name]
		if !ok {
			return nil, fault.New(fault.Invalid, "resolvers/app", "argument groupBy[%d].field: unknown field", i)
		}
		unit, _ := m["by"].(string)
		if unit != "" && by.Type != record.Date && by.Type != record.DateTime {
			return nil, fault.New(fault.Invalid, "resolvers/app", "argument groupBy[%d].by: expected a field of type date or date-time", i)
		}
		out = append(out, engine.GroupKey{Field: by, Unit: units[unit]})
	}
	return out, nil
}

var orderFunctions = map[string]engine.Function{"COUNT": engine.Count, "COUNT_DISTINCT": engine.CountDistinct, "SUM": engine.Sum,
	"AVG": engine.Avg, "MIN": engine.Min, "MAX": engine.Max}

func (x *exec) groupOrderOf(f *field, form *app.Form, keys []engine.GroupKey) ([]engine.GroupOrder, error) {
	v, err := x.argument(f, "orderBy")
	if err != nil {
		return nil, err
	}
	items, _ := v.([]any)
	out := make([]engine.GroupOrder, len(items))
	for i, item := range items {
		m, _ := item.(map[string]any)
		bad := func(expected string) error {
			return fault.New(fault.Invalid, "resolvers/app", "argument orderBy[%d]: expected %s", i, expected)
		}
		o := engine.GroupOrder{Desc: m["direction"] == "DESC", NullsFirst: m["nulls"] == "FIRST"}
		function, _ := m["function"].(string)
		name, named := m["field"].(string)
		by, ok := form.Groups[name]
		o.Of = orderFunctions[function]
		switch {
		case named && !ok:
			return nil, bad("a field that there is")
		case !named && o.Of != engine.Count:
			return nil, bad("a field, or the function COUNT")
		case named && o.Of != engine.NoFunction && m["by"] != nil:
			return nil, bad("by without a function: it says which key is meant")
		case named && o.Of != engine.NoFunction:
			if o.Field = by; !engine.FunctionsOf(&by).Has(o.Of) {
				return nil, bad("a function that fields of type " + by.Type.String() + " have")
			}
		case named:
			if o.Key, ok = findKey(keys, &by, m["by"]); !ok {
				return nil, bad("a field that groupBy has once, or a function; where groupBy has several of the field, say which with by")
			}
		}
		out[i] = o
	}
	return out, nil
}

func (x *exec) havingOf(f *field, form *app.Form) (filter.Expr, error) {
	v, err := x.argument(f, "having")
	if err != nil || v == nil {
		return nil, err
	}
	e, faults := filter.Parse(v, engine.HavingScope(form.Aggregates), filter.Options{})
	if len(faults) > 0 {
		return nil, fault.New(fault.Invalid, "resolvers/app", "%s", filterFaults("having", faults))
	}
	return e, nil
}

func (x *exec) groupInfo(f *field, g *Groups) bool {
	switch f.mean.Kind {
	case app.HasNextPage:
		x.b = strconv.AppendBool(x.b, g.HasNext)
	case app.HasPreviousPage:
		x.b = strconv.AppendBool(x.b, g.HasPrev)
	case app.StartCursor, app.EndCursor:
		at := 0
		if f.mean.Kind == app.EndCursor {
			at = len(g.Groups) - 1
		}
		if len(g.Groups) == 0 {
			return x.null()
		}
		x.text(g.Cursor(at))
	default:
		return x.unknown(f)
	}
	return true
}

// group writes group i.
func (x *exec) group(s *set, sum *summed, i int) bool {
	g := &sum.groups.Groups[i]
	return x.object(s, func(f *field) bool {
		if f.mean.Kind == app.GroupKey {
			return x.object(f.sub, func(k *field) bool { return x.groupKey(k, sum, i) })
		}
		return x.values(f, sum.q.Measures, g)
	})
}

func (x *exec) groupKey(f *field, sum *summed, i int) bool {
	v := sum.groups.Groups[i].Keys[sum.cells[f]]
	switch {
	case f.mean.Kind == app.GroupLookup:
		l := sum.loads[f]
		if l.at[i] < 0 {
			return x.null()
		}
		return x.row(f.sub, l.next, int(l.at[i]))
	case v.IsNull():
		return x.null()
	case f.mean.Kind == app.GroupUser:
		return x.object(f.sub, func(g *field) bool { return x.user(g, v.Ref()) })
	}
	x.b = appendCell(x.b, f.mean.Field, v)
	return true
}

// values writes a field of what was computed over records.
func (x *exec) values(f *field, ms []engine.Measure, g *engine.Group) bool {
	if f.mean.Kind == app.RecordCount {
		return x.int32(f, int64(g.Count))
	}
	at := -1
	if f.mean.Kind == app.FieldAggregate {
		at = measureAt(ms, f.mean.Field)
	}
	if at < 0 {
		return x.unknown(f)
	}
	return x.object(f.sub, func(h *field) bool { return x.function(h, f.mean.Field, &g.Values[at]) })
}

func (x *exec) function(f *field, of *record.Field, v *engine.Values) bool {
	switch f.mean.Kind {
	case app.ValueCount:
		return x.int32(f, int64(v.Count))
	case app.ValueCountDistinct:
		return x.int32(f, int64(v.CountDistinct))
	case app.ValueSum:
		return x.number(f, of.Type, v.Sum)
	case app.ValueAvg:
		if of.Type == record.Duration {
			return x.number(f, of.Type, v.Avg)
		}
		return x.number(f, record.Decimal, v.Avg)
	case app.ValueMin:
		x.b = appendCell(x.b, of, v.Min)
	case app.ValueMax:
		x.b = appendCell(x.b, of, v.Max)
	default:
		return x.unknown(f)
	}
	return true
}

// number writes an exact number: as Long, as Duration where that holds it, else as
// Decimal.
func (x *exec) number(f *field, as record.Type, n *engine.Number) bool {
	switch {
	case n == nil:
		return x.null()
	case as == record.Duration && !n.Digits.IsInt64():
		return x.fail(f, fault.New(fault.Limit, "resolvers/app", "field %s: the durations are too long to be added up", f.node.Name))
	case as == record.Duration:
		x.b = appendCell(x.b, &record.Field{Type: as}, record.Int(n.Digits.Int64()))
	case as == record.Integer && n.Digits.IsInt64() && n.Digits.Int64() <= maxSafe && n.Digits.Int64() >= -maxSafe:
		x.b = n.AppendText(x.b)
	default:
		x.b = append(n.AppendText(append(x.b, '"')), '"')
	}
	return true
}

// sums computes what a connection is asked over all of its records, for each of
// its pages; nil where it is not asked.
func (x *exec) sums(s *set, q engine.List, run func(engine.Aggregation) ([]*Groups, error)) ([]*Groups, []engine.Measure, error) {
	var ms []engine.Measure
	asked := false
	for i := range s.fields {
		if f := &s.fields[i]; f.mean.Kind == app.Aggregate {
			ms, asked = measures(f.sub, ms), true
		}
	}
	if !asked {
		return nil, nil, nil
	}
	out, err := run(engine.Aggregation{List: q, Measures: ms, First: 1})
	return out, ms, err
}

// countsOnly reports whether nothing of a connection is asked that its records
// would be needed for.
func (s *set) countsOnly() bool {
	for i := range s.fields {
		switch s.fields[i].mean.Kind {
		case app.TotalCount, app.Aggregate, app.TypeName:
		default:
			return false
		}
	}
	return true
}
