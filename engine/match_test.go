package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
)

// family is a stage with orders of ten customers, three lines each. rep owns every
// second order, some lines of these and of others, and all customers but the last.
type family struct {
	*stage
	rep   *oracle.User
	admin *oracle.User
}

func linkOf(n uint32, name string, target uint32) *definition.Field {
	return &definition.Field{Field: record.Field{Number: n, Name: name, Type: record.Lookup, Target: target}}
}

func plainOf(n uint32, name string, t record.Type) *definition.Field {
	return &definition.Field{Field: record.Field{Number: n, Name: name, Type: t}}
}

func newFamily(tb testing.TB, orders int, indexed bool, more ...func(w *world.World)) *family {
	tb.Helper()
	forms := []*definition.Form{
		{Number: 1, Name: "Customer", Plural: "customers", Fields: []*definition.Field{plainOf(16, "name", record.Text), linkOf(17, "head", 1)}},
		{Number: 2, Name: "Order", Plural: "orders", Fields: []*definition.Field{plainOf(16, "n", record.Integer), linkOf(17, "customer", 1)}},
		{Number: 3, Name: "Line", Plural: "lines", Fields: []*definition.Field{plainOf(16, "n", record.Integer), linkOf(17, "order", 2)}},
	}
	app := &definition.Application{Name: "app", Version: 1, Users: map[string]record.ID{}, Forms: forms,
		Roles: []*definition.Role{{Name: "CEO"}, {Name: "Rep", ReportsTo: "CEO"}}}
	set := &definition.PermissionSet{Name: "Sales", Forms: map[string]*definition.FormPermission{}, Reports: map[string][]definition.Action{}}
	for _, f := range forms {
		f.NextField, f.NextIndex = 18, 3
		f.Indexes = []definition.Index{{Number: 1, Parts: []uint32{record.FieldOwner}}}
		if indexed {
			f.Indexes = append(f.Indexes, definition.Index{Number: 2, Parts: []uint32{17}})
		}
		app.Reports = append(app.Reports, &definition.Report{Name: f.Plural, Form: f.Name, Default: true})
		set.Reports[f.Plural] = []definition.Action{definition.View}
		p := &definition.FormPermission{Fields: map[string]definition.FieldAccess{}}
		for _, fd := range f.Fields {
			p.Fields[fd.Name] = definition.Writable
		}
		set.Forms[f.Name] = p
	}
	app.Sets = []*definition.PermissionSet{set}
	rep := &oracle.User{ID: numbered(1, 1), Kind: identity.Live, Role: "Rep", Set: "Sales", Credential: identity.Session, Email: "rep"}
	admin := &oracle.User{ID: numbered(1, 2), Kind: identity.SuperAdmin, Credential: identity.Session, Email: "admin"}
	w := &world.World{App: app, Records: map[string][]*oracle.Record{}, Users: []*oracle.User{admin, rep}, Modules: map[string]oracle.Module{}}
	put := func(form *definition.Form, n, owner int, cells map[string]record.Value) {
		by := []record.ID{rep.ID, admin.ID}[owner%2]
		r := &oracle.Record{ID: numbered(uint64(10+form.Number), uint64(n)), Owner: by, AddedBy: by, ModifiedBy: by, AddedTime: 1, ModifiedTime: 1, Version: 1, Cells: cells}
		w.Records[form.Name] = append(w.Records[form.Name], r)
	}
	for i := range 10 {
		put(forms[0], i, i/9, map[string]record.Value{"name": record.String(fmt.Sprint("c", (i*7)%10)), "head": record.Ref(numbered(11, uint64((i+1)%10)))})
	}
	for i := range orders {
		put(forms[1], i, i, map[string]record.Value{"n": record.Int(int64(i)), "customer": record.Ref(numbered(11, uint64(i/2%10)))})
		for k := range 3 {
			put(forms[2], 3*i+k, i/4+k, map[string]record.Value{"n": record.Int(int64(k)), "order": record.Ref(numbered(12, uint64(i)))})
		}
	}
	for _, f := range more {
		f(w)
	}
	return &family{stage: newStage(tb, w), rep: rep, admin: admin}
}

// TestL1_QuantifiersAreOverReach compares some, every and none with the oracle
// over records of which many lead here out of reach, with the index of their
// lookup and without.
func TestL1_QuantifiersAreOverReach(t *testing.T) {
	for _, indexed := range []bool{true, false} {
		s := newFamily(t, 60, indexed)
		for i, where := range []map[string]any{
			{"lines": map[string]any{"some": map[string]any{"n": map[string]any{"eq": 1}}}},
			{"lines": map[string]any{"every": map[string]any{"n": map[string]any{"ne": 1}}}},
			{"lines": map[string]any{"none": map[string]any{"n": map[string]any{"eq": 1}}, "some": map[string]any{}}},
			{"not": map[string]any{"lines": map[string]any{"every": map[string]any{"order": map[string]any{"customer": map[string]any{"name": map[string]any{"eq": "c3"}}}}}}},
			{"customer": map[string]any{"orders": map[string]any{"some": map[string]any{"lines": map[string]any{"none": map[string]any{}}}}}},
			{"or": []any{map[string]any{"n": map[string]any{"lt": 7}}, map[string]any{"customer": map[string]any{"customers": map[string]any{"every": map[string]any{"orders": map[string]any{"some": map[string]any{}}}}}}}},
		} {
			for _, u := range []*oracle.User{s.rep, s.admin} {
				op := s.op(u)
				f := s.w.App.Forms[1]
				want := oracle.List(s.w, u, "Order", where, nil)
				s.walk(op, fmt.Sprint(u.Email, where), List{Form: f.Number, Where: s.parse(op, f, where), First: 7}, want)
				if all := len(oracle.ListForm(s.w, u, "Order")); i < 3 && u == s.admin && (len(want) == 0) != (i > 0) || u == s.rep && i < 3 && (len(want) == 0 || len(want) == all) {
					t.Errorf("%s: %v tells nothing: %d of %d", u.Email, where, len(want), all)
				}
				op.Close()
			}
		}
		s.close()
	}
}

// TestH5_MaskedLookupLeadsNowhere: a line whose lookup a rule masks is a line of no
// order, and an order by what a masked lookup leads to is an order by nulls. A rule
// without a module masks on every record.
func TestH5_MaskedLookupLeadsNowhere(t *testing.T) {
	s := newFamily(t, 20, true, func(w *world.World) {
		for form, field := range map[string]string{"Line": "order", "Order": "customer"} {
			w.App.Custom = append(w.App.Custom, &definition.CustomRule{Name: "cover " + form, Form: form, Effect: definition.Mask, Fields: []string{field}, Roles: []string{"Rep"}})
		}
	})
	defer s.close()
	f := s.w.App.Forms[1]
	for where, matches := range map[string]bool{"some": false, "every": true, "none": true} {
		for _, u := range []*oracle.User{s.rep, s.admin} {
			op := s.op(u)
			filter := map[string]any{"lines": map[string]any{where: map[string]any{"n": map[string]any{"eq": 7}}}}
			if where == "some" {
				filter = map[string]any{"lines": map[string]any{"some": map[string]any{}}}
			}
			want := oracle.List(s.w, u, "Order", filter, nil)
			if u == s.rep && (len(want) == 10) != matches {
				t.Errorf("%s: the oracle lists %d", where, len(want))
			}
			s.walk(op, where, List{Form: f.Number, Where: s.parse(op, f, filter), First: 4}, want)
			keys, theirs := s.orders(f, []oracle.Order{{Field: "customer.name", Desc: true, NullsFirst: true}})
			s.walk(op, "by a masked lookup", List{Form: f.Number, OrderBy: keys, First: 4}, oracle.List(s.w, u, "Order", nil, theirs))
			op.Close()
		}
	}
}

// TestL1_OrderThroughLookups compares orders by cells of targets with the oracle,
// two lookups deep; a target out of reach orders as null.
func TestL1_OrderThroughLookups(t *testing.T) {
	s := newFamily(t, 80, true)
	defer s.close()
	rnd := rand.New(rand.NewPCG(1, 2))
	f := s.w.App.Forms[1]
	for _, u := range []*oracle.User{s.rep, s.admin} {
		op := s.op(u)
		for _, path := range []string{"customer.name", "customer.head.name", "customer.head.id", "customer.head.head.name"} {
			for i := range 4 {
				keys := []oracle.Order{{Field: path, Desc: i&1 > 0, NullsFirst: i&2 > 0}, {Field: "n", Desc: i == 2}}
				ours, theirs := s.orders(f, keys)
				want := oracle.List(s.w, u, "Order", nil, theirs)
				q := List{Form: f.Number, OrderBy: ours, First: 9}
				s.walk(op, fmt.Sprint(u.Email, keys), q, want)
				s.windows(op, fmt.Sprint(u.Email, keys), q, want, rnd)
			}
		}
		op.Close()
	}
}

// TestOrderPathsAreChecked refuses ways that are no lookups, lead too far, or end
// where there is no order, all alike.
func TestOrderPathsAreChecked(t *testing.T) {
	s := newFamily(t, 4, true)
	defer s.close()
	op := s.op(s.rep)
	defer op.Close()
	customer, head, name, n := s.w.App.Forms[1].Fields[1].Field, s.w.App.Forms[0].Fields[1].Field, s.w.App.Forms[0].Fields[0].Field, s.w.App.Forms[1].Fields[0].Field
	for _, k := range []Order{
		{Path: []record.Field{customer, head, head, head}, Field: name}, {Path: []record.Field{n}, Field: name}, {Path: []record.Field{customer}, Field: head},
		{Path: []record.Field{{Number: 99}}, Field: name}, {Path: []record.Field{customer}, Field: record.Field{Number: 99}},
	} {
		if _, err := op.List(List{Form: 2, First: 1, OrderBy: []Order{k}}); fault.KindOf(err) != fault.Invalid || fault.Message(err) != "orderBy: not a field that this list can be ordered by" {
			t.Errorf("%+v: %v", k, err)
		}
	}
	if _, err := op.List(List{Form: 2, First: 1, OrderBy: []Order{{Path: []record.Field{customer, head, head}, Field: name}}}); err != nil {
		t.Error(err)
	}
}

// TestCostOfRelations counts what filters and orders over other records read:
// each target once for a window, the lines of what a page goes through, and
// nothing that grows with the form.
func TestCostOfRelations(t *testing.T) {
	var first []string
	for _, orders := range []int{300, 1200} {
		s := newFamily(t, orders, true)
		op := s.op(s.rep)
		f := s.w.App.Forms[1]
		var costs []string
		for _, c := range []struct {
			name       string
			where      map[string]any
			keys, gets int
		}{
			// 30 of 50 candidates match: the window of the page and one more.
			{"target", map[string]any{"customer": map[string]any{"name": map[string]any{"lt": "c6"}}}, 200, 2*30 + 12},
			{"targets that are null", map[string]any{"customer": map[string]any{"isNull": false}}, 200, 2*30 + 12},
			// At most three lines for each of the 60 orders that the windows hold.
			{"some", map[string]any{"lines": map[string]any{"some": map[string]any{"n": map[string]any{"eq": 0}}}}, 60 + 3*60 + 10, 60 + 2*60 + 10},
			{"cheap first", map[string]any{"n": map[string]any{"lt": 4}, "lines": map[string]any{"some": map[string]any{}}}, orders + 60, orders + 60},
		} {
			clear(op.seen)
			before := op.Stats()
			q := List{Form: f.Number, Where: s.parse(op, f, c.where), First: 30}
			_, err := op.List(q)
			must(t, err)
			after := op.Stats()
			keys, gets := after.Keys-before.Keys, after.Gets-before.Gets
			if keys > c.keys || gets > c.gets {
				t.Errorf("%d orders: %s reads %d keys and %d records, at most %d and %d are expected", orders, c.name, keys, gets, c.keys, c.gets)
			}
			if c.name != "cheap first" {
				costs = append(costs, fmt.Sprint(c.name, keys, gets, after.Cursors-before.Cursors))
			}
		}
		if first != nil && !slices.Equal(first, costs) {
			t.Errorf("cost grows with the form: %v, then %v", first, costs)
		}
		first = costs
		op.Close()
		s.close()
	}
}

// TestP7_RelatedRecordsAreBounded ends a filter that goes through too much with an
// error, not with a shorter list.
func TestP7_RelatedRecordsAreBounded(t *testing.T) {
	s := newFamily(t, 60, true)
	defer s.close()
	op := s.op(s.rep)
	defer op.Close()
	f := s.w.App.Forms[1]
	q := List{Form: f.Number, First: 50, Where: s.parse(op, f, map[string]any{"lines": map[string]any{"none": map[string]any{"n": map[string]any{"eq": 9}}}})}
	if _, err := op.List(q); err != nil {
		t.Fatal(err)
	}
	if op.related == 0 || op.related > 60 {
		t.Errorf("%d lines of 30 orders were gone through", op.related)
	}
	op.related = MaxRelated - 10
	if page, err := op.List(q); fault.KindOf(err) != fault.Limit {
		t.Errorf("%+v, %v", page, err)
	}
}

// TestDamagedFiltersMatchNothing holds that not around a damaged part does not
// open, where parts are asked one by one.
func TestDamagedFiltersMatchNothing(t *testing.T) {
	s := newFamily(t, 10, true)
	defer s.close()
	op := s.op(s.admin)
	defer op.Close()
	customer, order := s.w.App.Forms[1].Fields[1].Field, s.w.App.Forms[2].Fields[1].Field
	whole := &filter.Related{Field: customer, Where: filter.And{}}
	for i, e := range []filter.Expr{
		filter.Not{X: filter.And{whole, nil}}, filter.Or{whole, filter.Not{}}, filter.Not{X: &filter.Related{Field: customer}},
		filter.Not{X: &filter.Quantified{Kind: filter.Some, By: filter.Reverse{Form: 3, Lookup: order}}},
		filter.Not{X: &filter.Quantified{By: filter.Reverse{Form: 3, Lookup: order}, Where: filter.And{}}},
		filter.Not{X: &filter.Quantified{Kind: filter.None + 1, By: filter.Reverse{Form: 3, Lookup: order}, Where: filter.And{}}},
	} {
		page, err := op.List(List{Form: 2, First: 5, Where: e})
		must(t, err)
		if len(page.Records) > 0 {
			t.Errorf("%d: a damaged filter matches", i)
		}
	}
}

// TestP3_CursorsAreBoundToTheWay refuses a cursor of an order through one lookup
// in the order of the same field through another way.
func TestP3_CursorsAreBoundToTheWay(t *testing.T) {
	s := newFamily(t, 12, true)
	defer s.close()
	op := s.op(s.rep)
	defer op.Close()
	customer, head, name := s.w.App.Forms[1].Fields[1].Field, s.w.App.Forms[0].Fields[1].Field, s.w.App.Forms[0].Fields[0].Field
	q := List{Form: 2, First: 2, OrderBy: []Order{{Path: []record.Field{customer}, Field: name}}}
	page, err := op.List(q)
	must(t, err)
	q.After = page.Cursor(0)
	if _, err = op.List(q); err != nil {
		t.Fatal(err)
	}
	q.OrderBy = []Order{{Path: []record.Field{customer, head}, Field: name}}
	if _, err = op.List(q); fault.KindOf(err) != fault.Invalid {
		t.Errorf("%v", err)
	}
}
