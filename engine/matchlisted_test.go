package engine

import (
	"fmt"
	"slices"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
)

// watched gives each order a list of up to four customers, of whom the rep does
// not see the last, and of something that is gone; every fifth list is null, and
// every seventh holds nothing in the rep's reach.
func watched(w *world.World) {
	f := w.App.Forms[1]
	f.Fields = append(f.Fields, &definition.Field{Field: record.Field{Number: 18, Name: "watchers", Type: record.MultiLookup, Target: 1}})
	f.NextField, f.NextIndex = 19, 4
	f.Indexes = append(f.Indexes, definition.Index{Number: 3, Parts: []uint32{18}})
	w.App.Sets[0].Forms[f.Name].Fields["watchers"] = definition.Writable
	for i, r := range w.Records[f.Name] {
		ids := []record.ID{numbered(11, 9), numbered(11, 77)}
		for k := range i % 4 {
			if id := numbered(11, uint64((i*3+k*k)%9)); i%7 > 0 && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		if i%5 > 0 {
			r.Cells["watchers"] = record.Refs(ids...)
		}
	}
}

func of(name string, x any) map[string]any { return map[string]any{name: x} }

var ofWatchers = []map[string]any{
	of("watchers", of("some", of("name", of("lt", "c4")))),
	of("watchers", of("every", of("name", of("gte", "c3")))),
	of("watchers", of("none", of("name", of("in", []any{"c1", "c3", "c5"})))),
	of("watchers", map[string]any{"every": of("name", of("ne", "c2")), "some": map[string]any{}, "isNull": false}),
	of("not", of("watchers", of("some", of("head", of("name", of("gt", "c6")))))),
	of("watchers", of("some", of("orders", of("some", of("n", of("lt", 5)))))),
	of("customer", of("orders", of("some", of("watchers", of("none", map[string]any{}))))),
	of("or", []any{of("n", of("lt", 7)), of("watchers", of("every", of("orders", of("every", of("watchers", of("some", of("name", of("eq", "c0"))))))))}),
}

// TestL1_QuantifiersOverLists compares some, every and none over what lists lead to
// with the oracle: of lists that are null, of which the viewer sees a part, and of
// which they see nothing.
func TestL1_QuantifiersOverLists(t *testing.T) {
	s := newFamily(t, 70, true, watched)
	defer s.close()
	f := s.w.App.Forms[1]
	for i, where := range ofWatchers {
		for _, u := range []*oracle.User{s.rep, s.admin} {
			op := s.op(u)
			want := oracle.List(s.w, u, "Order", where, nil)
			s.walk(op, fmt.Sprint(u.Email, where), List{Form: f.Number, Where: s.parse(op, f, where), First: 7}, want)
			if all := len(oracle.ListForm(s.w, u, "Order")); u == s.rep && i < 6 && (len(want) == 0 || len(want) == all) {
				t.Errorf("%v tells nothing: %d of %d", where, len(want), all)
			}
			op.Close()
		}
	}
}

// TestH5_MaskedListLeadsNowhere: for who has the list masked, no list leads
// anywhere.
func TestH5_MaskedListLeadsNowhere(t *testing.T) {
	s := newFamily(t, 20, true, watched, func(w *world.World) {
		w.App.Custom = append(w.App.Custom, &definition.CustomRule{Name: "cover", Form: "Order", Effect: definition.Mask, Fields: []string{"watchers"}, Roles: []string{"Rep"}})
	})
	defer s.close()
	f := s.w.App.Forms[1]
	for kind, matches := range map[string]bool{"some": false, "every": true, "none": true} {
		where := of("watchers", of(kind, of("name", of("lt", "c4"))))
		for _, u := range []*oracle.User{s.rep, s.admin} {
			op := s.op(u)
			want := oracle.List(s.w, u, "Order", where, nil)
			if u == s.rep && len(want) != map[bool]int{true: 10}[matches] {
				t.Errorf("%s: the oracle lists %d", kind, len(want))
			}
			s.walk(op, kind, List{Form: f.Number, Where: s.parse(op, f, where), First: 4}, want)
			op.Close()
		}
	}
}

// TestP2_UnseenTargetsHaveNoQuantifiers: to who may not view the form that a list
// leads to, some is as unknown an operator as any.
func TestP2_UnseenTargetsHaveNoQuantifiers(t *testing.T) {
	s := newFamily(t, 4, true, watched, func(w *world.World) { delete(w.App.Sets[0].Reports, "customers") })
	defer s.close()
	op := s.op(s.rep)
	defer op.Close()
	fault := func(key string) string {
		_, faults := filter.Parse(of("watchers", of(key, map[string]any{})), op.Scope(2), filter.Options{})
		return fmt.Sprint(faults)
	}
	if got, want := fault("some"), `[{[watchers some] unknown operator "some" for a field of type multi-lookup; expected one of has, hasAny, hasAll, isNull}]`; got != want {
		t.Error(got)
	}
	if got, want := fault("none"), `[{[watchers none] unknown operator "none" for a field of type multi-lookup; expected one of has, hasAny, hasAll, isNull}]`; got != want {
		t.Error(got)
	}
}

// TestQuantifiersOverListsAreBounded: the operation counts what the lists lead to
// in reach, and no more than it may go through; a subscription takes none of them.
func TestQuantifiersOverListsAreBounded(t *testing.T) {
	s := newFamily(t, 70, true, watched)
	defer s.close()
	op := s.op(s.rep)
	defer op.Close()
	f := s.w.App.Forms[1]
	for _, where := range ofWatchers[:5] {
		if _, err := op.liveView(LiveQuery{Form: f.Number, Where: s.parse(op, f, where)}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("a subscription to %v: %v", where, err)
		}
	}
	q := List{Form: f.Number, First: 30, Where: s.parse(op, f, ofWatchers[0])}
	_, err := op.List(q)
	must(t, err)
	if op.related == 0 || op.related > 3*9 {
		t.Errorf("%d of nine customers were gone through by windows of 35 orders", op.related)
	}
	op.related = MaxRelated - 5
	if page, err := op.List(q); fault.KindOf(err) != fault.Limit {
		t.Errorf("%+v, %v", page, err)
	}
}

// TestCostOfQuantifiedLists counts what is read: each target once for a window, and
// nothing that grows with the forms.
func TestCostOfQuantifiedLists(t *testing.T) {
	for _, orders := range []int{300, 1200} {
		s := newFamily(t, orders, true, watched)
		op := s.op(s.rep)
		f := s.w.App.Forms[1]
		before := op.Stats()
		_, err := op.List(List{Form: f.Number, First: 30, Where: s.parse(op, f, of("watchers", of("none", of("name", of("eq", "c7")))))})
		must(t, err)
		now := op.Stats()
		if keys, gets := now.Keys-before.Keys, now.Gets-before.Gets; keys > 200 || gets > 2*60+12 {
			t.Errorf("%d orders: %d keys, %d gets", orders, keys, gets)
		}
		op.Close()
		s.close()
	}
}
