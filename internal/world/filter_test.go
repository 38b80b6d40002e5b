package world

import (
	"math/rand/v2"
	"slices"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/filter"
	"sluice/internal/oracle"
	"sluice/internal/record"
)

// scope lets a filter name what a user may.
type scope struct {
	w      *World
	form   *definition.Form
	fields Fields
}

func (s scope) Field(name string) (record.Field, bool) {
	if !slices.Contains(s.fields(s.form.Name), name) {
		return record.Field{}, false
	}
	return oracle.Field(s.form, name)
}

func (s scope) Related(f record.Field) (filter.Scope, bool) {
	target := s.w.FormNumber(f.Target)
	return scope{s.w, target, s.fields}, len(s.fields(target.Name)) > 0
}

func (s scope) Reverse(name string) (filter.Reverse, filter.Scope, bool) {
	for _, way := range Ways(s.w, s.form, s.fields) {
		if way.Name == name {
			return filter.Reverse{Form: way.Form.Number, Lookup: way.Lookup}, scope{s.w, way.Form, s.fields}, true
		}
	}
	return filter.Reverse{}, nil, false
}

// cells reads through the oracle what a user may.
type cells struct {
	w    *World
	u    *oracle.User
	form *definition.Form
	rec  *oracle.Record
}

func (c cells) Get(f *record.Field) record.Value {
	v, _ := oracle.Cell(c.w, c.u, c.form.Name, c.rec, f.Name)
	return v
}

func (c cells) Related(f *record.Field) (filter.Reader, bool) {
	target := c.w.FormNumber(f.Target)
	rec := c.w.Find(target.Name, c.Get(f).Ref())
	return cells{c.w, c.u, target, rec}, rec != nil
}

func (c cells) Quantify(q *filter.Quantified, viewer record.ID) bool {
	if q.Listed() {
		return c.quantifyList(q, viewer)
	}
	child, program := c.w.FormNumber(q.By.Form), filter.Compile(q.Where)
	for _, rec := range c.w.Records[child.Name] {
		row := cells{c.w, c.u, child, rec}
		if oracle.MaySee(c.w, c.u, definition.View, child.Name, rec) && row.Get(&q.By.Lookup).Ref() == c.rec.ID {
			if answer, decided := q.Kind.Decided(program.Match(row, viewer)); decided {
				return answer
			}
		}
	}
	return q.Kind != filter.Some
}

func (c cells) quantifyList(q *filter.Quantified, viewer record.ID) bool {
	target, program := c.w.FormNumber(q.List.Target), filter.Compile(q.Where)
	for _, id := range c.Get(&q.List).Refs() {
		rec := c.w.Find(target.Name, id)
		if answer, decided := q.Kind.Decided(program.Match(cells{c.w, c.u, target, rec}, viewer)); decided {
			return answer
		}
	}
	return q.Kind != filter.Some
}

// TestTwoFilters runs random filters through the house's filter package and
// through the oracle's own evaluator.
func TestTwoFilters(t *testing.T) {
	for seed := range worlds(100_000) {
		w := Random(uint64(seed), Small)
		rnd := rand.New(rand.NewPCG(uint64(seed), 5))
		u, f := pick(rnd, w.Users), pick(rnd, w.App.Forms)
		fields := VisibleTo(w, u)
		where := RandomWhere(w, rnd, f.Name, fields)
		expr, faults := filter.Parse(where, scope{w, f, fields}, filter.Options{})
		if len(faults) > 0 {
			t.Fatalf("seed %d: %v: %v", seed, where, faults)
		}
		program := filter.Compile(expr)
		var got []record.ID
		for _, id := range oracle.ListForm(w, u, f.Name) {
			if program.Match(cells{w, u, f, w.Find(f.Name, id)}, u.ID) {
				got = append(got, id)
			}
		}
		if want := oracle.List(w, u, f.Name, where, nil); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %v finds %v, the oracle %v", seed, where, got, want)
		}
	}
}

// TestCriteriaAreFilters holds the criteria of reports and rules to the filter
// package, VIEWER included.
func TestCriteriaAreFilters(t *testing.T) {
	own := func(w *World) Fields {
		return func(form string) (names []string) {
			for _, f := range record.System {
				names = append(names, f.Name)
			}
			for _, f := range w.Form(form).Fields {
				names = append(names, f.Name)
			}
			return names
		}
	}
	for seed := range worlds(20_000) {
		w := Random(uint64(seed), Small)
		check := func(form string, criteria map[string]any) {
			if criteria == nil {
				return
			}
			if _, faults := filter.Parse(criteria, scope{w, w.Form(form), own(w)}, filter.Options{AllowViewer: true}); len(faults) > 0 {
				t.Fatalf("seed %d: %v: %v", seed, criteria, faults)
			}
		}
		for _, r := range w.App.Reports {
			check(r.Form, r.Criteria)
		}
		for _, s := range w.App.Sharing {
			check(s.Form, s.Criteria)
		}
	}
}
