package engine

import (
	"time"

	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
)

const opAggregate = "engine.Aggregate"

// Bounds of an aggregate. More is Limit, never fewer groups.
const (
	// MaxGroups is how many groups an aggregate may come to.
	MaxGroups = 10_000
	// MaxGroupKeys is how many keys it may be grouped by, and ordered by.
	MaxGroupKeys = 5
	// maxSummaries bounds groups times measures, maxDistinct the values that
	// CountDistinct tells apart, over all groups and measures.
	maxSummaries = 200_000
	maxDistinct  = 200_000
	// maxKept is the length in bytes of all that groups and values are told apart
	// by.
	maxKept = 16 << 20
)

// Function is a value that is computed over the records of a group. The zero
// Function is none.
type Function uint8

// The functions. All but Count of no field pass over null.
const (
	NoFunction    Function = iota
	Count                  // of records, or of a field's values
	CountDistinct          // values that differ
	Sum
	Avg
	Min
	Max
)

// Functions is a set of functions.
type Functions uint8

// With returns s and f.
func (s Functions) With(f Function) Functions { return s | 1<<f }

// Has reports membership.
func (s Functions) Has(f Function) bool { return f != NoFunction && s&(1<<f) != 0 }

// FunctionsOf returns what can be computed over values of a field: counts over
// every type, Min and Max where they have an order, Sum and Avg over numbers.
func FunctionsOf(f *record.Field) Functions {
	s := Functions(0).With(Count).With(CountDistinct)
	if f.Orderable() && f.Type != record.Identity {
		s = s.With(Min).With(Max)
	}
	if f.Summable() {
		s = s.With(Sum).With(Avg)
	}
	return s
}

// Measure asks for functions of one field's cells.
type Measure struct {
	Field     record.Field
	Functions Functions
}

// GroupKey is what records are grouped by: the value of a field, or the part of
// the calendar that it lies in. Nulls are one group (F7), and so are lookups that
// lead out of reach (L1).
type GroupKey struct {
	Field record.Field
	Unit  Unit // WholeValue for the value itself; others for dates and date-times
}

// GroupOrder is one key of the order of groups.
type GroupOrder struct {
	// Key is the position of a key in GroupBy, which counts where Of is NoFunction.
	Key int
	// Of is the function that orders, over Field; Count without a field is the
	// number of records.
	Of         Function
	Field      record.Field
	Desc       bool
	NullsFirst bool // default: nulls last, whatever the direction
}

// Aggregation asks for values over the records of a list, as a whole or group by
// group. All fields must be visible to the viewer and the functions be those of
// their types; Invalid otherwise.
type Aggregation struct {
	// List says which records: its order and its pages mean nothing here.
	List     List
	Measures []Measure
	// GroupBy is empty for one group of all records, which is there even if there
	// are none.
	GroupBy []GroupKey
	// Zone is where days begin and end for date-times; nil for UTC.
	Zone *time.Location
	// Having is what filter.Parse gave for a HavingScope; nil for all groups.
	Having filter.Expr
	// OrderBy is completed by the keys, ascending.
	OrderBy []GroupOrder
	First   int    // 0 to MaxPage
	After   string // a cursor of the same aggregate, empty for the beginning
}

// Group is the outcome for one group.
type Group struct {
	// Keys are the values that its records share, parallel to GroupBy: the value of
	// the field, or the first day or instant of the part of the calendar.
	Keys []record.Value
	// Count is the number of records.
	Count int
	// Values are parallel to Measures.
	Values []Values
}

// Values are what was computed over one field of a group. What was not asked for
// is zero.
type Values struct {
	Count, CountDistinct int
	// Sum is exact. Avg is rounded half away from zero to AvgPlaces more places
	// than the field has. Of durations both are whole microseconds. Both are nil
	// where there is no value.
	Sum, Avg *Number
	Min, Max record.Value
}

// Groups is a page of groups.
type Groups struct {
	Groups  []Group
	HasNext bool
	HasPrev bool
	Total   int // groups on all pages

	ranks   [][]byte
	seal    *sealer
	binding []byte
}

// Cursor returns the sealed cursor of group i.
func (g *Groups) Cursor(i int) string {
	return g.seal.seal(position{keys: [][]byte{g.ranks[i]}}, g.binding)
}

// Aggregate computes values over exactly the records that List would list, on
// the cells as the viewer may read them.
func (op *Op) Aggregate(q Aggregation) (*Groups, error) {
	a, err := op.newAggregator(q)
	if err != nil {
		return nil, err
	}
	reach := a.l.reach()
	if err := a.collect(reach, a.l.plan(reach)); err != nil {
		return nil, err
	}
	return a.page()
}

// AggregateChildren is Aggregate for the records whose lookup leads to each of
// the parents, in the order given; see [Op.Children].
func (op *Op) AggregateChildren(lookup record.Field, parents []record.ID, q Aggregation) ([]*Groups, error) {
	out := make([]*Groups, len(parents))
	for i, parent := range parents {
		a, err := op.newAggregator(q)
		if err != nil {
			return nil, err
		}
		l := a.l
		link, ok := a.field(lookup.Number)
		if !ok || link.Type != record.Lookup {
			return nil, fault.New(fault.Invalid, opAggregate, "not a lookup of this form")
		}
		l.link, l.parent = &link, parent
		under, err := op.under(l.link, parent, op.view.Reach(q.List.Form, l.q.Action))
		if err != nil {
			return nil, err
		}
		if err := a.collect(under, l.plan(under)); err != nil {
			return nil, err
		}
		if out[i], err = a.page(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// whole is the list without an order and without pages.
func (q List) whole() List {
	return List{Form: q.Form, Action: q.Action, Report: q.Report, Created: q.Created, Where: q.Where, Search: q.Search}
}

// aggregator runs one aggregate.
type aggregator struct {
	op *Op
	l  *lister
	q  Aggregation

	keys     []keyReader
	measures []Measure // of the caller, then what having and order need besides
	having   *filter.Program
	lookups  []*record.Field // among keys and measures

	groups   map[string]*group
	all      *group // the only group where there are no keys
	kept     int    // bytes, see maxKept
	distinct int
	scratch  []byte
	// reached says of targets of lookups whether they are in reach. It is forgotten
	// when it holds more than mostReached.
	reached     map[recordKey]bool
	mostReached int
}

func (op *Op) newAggregator(q Aggregation) (*aggregator, error) {
	q.List = q.List.whole()
	l, err := op.newLister(q.List)
	if err != nil {
		return nil, err
	}
	l.listed = []Order{{Field: *l.form.fields[record.FieldID]}} // groups have an order of their own
	l.order = l.listed
	if q.First < 0 || q.First > MaxPage {
		return nil, fault.New(fault.Invalid, opAggregate, "first: expected 0 to %d", MaxPage)
	}
	a := &aggregator{op: op, l: l, q: q, groups: map[string]*group{}, reached: map[recordKey]bool{}, mostReached: maxReached}
	for _, check := range []func() error{a.checkKeys, a.checkMeasures, a.checkHaving, a.checkOrder} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	if len(a.keys) == 0 {
		a.all = a.newGroup()
	}
	return a, nil
}

// field finds a field that the viewer sees, as the form has it.
func (a *aggregator) field(number uint32) (record.Field, bool) {
	f, ok := a.l.form.field(number)
	if !ok || !a.l.shape.Visible.Has(number) {
		return record.Field{}, false
	}
	return *f, true
}

func (a *aggregator) checkKeys() error {
	if len(a.q.GroupBy) > MaxGroupKeys {
		return fault.New(fault.Limit, opAggregate, "groupBy: %d keys, at most %d are allowed", len(a.q.GroupBy), MaxGroupKeys)
	}
	zone := a.q.Zone
	if zone == nil {
		zone = time.UTC
	}
	for _, k := range a.q.GroupBy {
		f, ok := a.field(k.Field.Number)
		if !ok || !f.Groupable() || !k.Unit.fits(f.Type) {
			return fault.New(fault.Invalid, opAggregate, "groupBy: not a field that records can be grouped by in this way")
		}
		a.keys = append(a.keys, keyReader{field: f, calendar: newCalendar(f.Type, k.Unit, zone)})
		a.follow(f)
	}
	return nil
}

func (a *aggregator) checkMeasures() error {
	for _, m := range a.q.Measures {
		f, ok := a.field(m.Field.Number)
		if !ok || m.Functions&^FunctionsOf(&f) != 0 {
			return fault.New(fault.Invalid, opAggregate, "not a field that has such a value")
		}
		a.measures = append(a.measures, Measure{f, m.Functions})
		a.follow(f)
	}
	return nil
}

// follow notes a field whose cells are null where they lead out of reach.
func (a *aggregator) follow(f record.Field) {
	if f.Type.Links() {
		a.lookups = append(a.lookups, &f)
	}
}

// need makes sure that a function is computed and returns where.
func (a *aggregator) need(number uint32, fn Function) (int, error) {
	f, ok := a.field(number)
	if !ok || !FunctionsOf(&f).Has(fn) {
		return 0, fault.New(fault.Invalid, opAggregate, "not a field that has such a value")
	}
	for i, m := range a.measures {
		if m.Field.Number == number {
			a.measures[i].Functions = m.Functions.With(fn)
			return i, nil
		}
	}
	a.measures = append(a.measures, Measure{f, Functions(0).With(fn)})
	a.follow(f)
	return len(a.measures) - 1, nil
}
