package engine

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
)

// summing makes random aggregates, of forms and of what leads to each record.
func (s *stage) summing(op *Op, u *oracle.User, rnd *rand.Rand, ids map[uint32][]record.ID) (out []request) {
	for _, f := range s.w.App.Forms {
		if fs, ok := op.view.Shape().Form(f.Number); !ok || !fs.View {
			continue
		}
		for range 2 {
			q := randomSummed(s, op, u, f, rnd).Aggregation
			out = append(out, request{ask: func(op *Op) string { return showGroups(&q, op.Aggregate) }})
			for _, fd := range f.Fields {
				if fd.Type == record.Lookup {
					out = append(out, summingBelow(q, fd.Field, ids[fd.Target]))
				}
			}
		}
	}
	return out
}

func summingBelow(q Aggregation, link record.Field, parents []record.ID) request {
	q.List.Report = ""
	return request{ask: func(op *Op) string {
		var b strings.Builder
		for _, parent := range parents {
			text := showGroups(&q, func(q Aggregation) (*Groups, error) {
				all, err := op.AggregateChildren(link, []record.ID{parent}, q)
				if err != nil {
					return nil, err
				}
				return all[0], nil
			})
			if strings.Contains(text, "error") || strings.Contains(text, "\n") {
				fmt.Fprintln(&b, text)
			}
		}
		return b.String()
	}}
}

// showGroups is all that can be read of an aggregate, page by page.
func showGroups(q *Aggregation, ask func(Aggregation) (*Groups, error)) string {
	var b strings.Builder
	for next := *q; ; {
		page, err := ask(next)
		if err != nil {
			return b.String() + failure(err)
		}
		fmt.Fprint(&b, page.Total, page.HasNext, page.HasPrev)
		for i, g := range page.Groups {
			fmt.Fprint(&b, "\n", page.Cursor(i), " ", describeGroup(q, g))
		}
		if !page.HasNext {
			return b.String()
		}
		next.After = page.Cursor(len(page.Groups) - 1)
	}
}

// TestSumsAreExact holds 128 bits to numbers of any size: sums, averages rounded
// half away from zero, order, and what is written.
func TestSumsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ns := rapid.SliceOfN(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-9, 9), rapid.SampledFrom([]int64{math.MaxInt64, math.MinInt64})), 1, 40).Draw(t, "values")
		var s summary
		want := new(big.Int)
		for _, n := range ns {
			s.add(Functions(0).With(Sum), record.Int(n))
			want.Add(want, big.NewInt(n))
		}
		if s.sum.big().Cmp(want) != 0 {
			t.Fatalf("sum %s, want %s", s.sum.big(), want)
		}
		places := rapid.IntRange(0, 9).Draw(t, "places")
		unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil)
		exact := new(big.Rat).SetFrac(want, unit)
		if got := string(Number{want, places}.AppendText(nil)); got != exact.FloatString(places) {
			t.Fatalf("%s is written %s", exact.FloatString(places), got)
		}
		mean := exact.Quo(exact, big.NewRat(int64(len(ns)), 1)).FloatString(places + AvgPlaces)
		if got := string(Number{s.avg(&record.Field{Type: record.Integer}).big(), places + AvgPlaces}.AppendText(nil)); got != mean && strings.Trim(mean, "-0.") != "" {
			t.Fatalf("average %s, want %s", got, mean)
		}
		other := wideOf(rapid.Int64().Draw(t, "other"))
		if got := strings.Compare(string(s.sum.appendSortKey(nil)), string(other.appendSortKey(nil))); got != want.Cmp(other.big()) {
			t.Fatalf("%s and %s order %d", want, other.big(), got)
		}
		if c := s.sum.clamped(); want.IsInt64() && c != want.Int64() || !want.IsInt64() && c != map[int]int64{1: math.MaxInt64, -1: math.MinInt64}[want.Sign()] {
			t.Fatalf("%s is clamped to %d", want, c)
		}
	})
}

// TestDaysOfZones are days that begin at an unusual hour, or twice.
func TestDaysOfZones(t *testing.T) {
	for _, c := range []struct{ zone, at, unit, want string }{
		{"UTC", "2026-01-01T23:59:59.999999Z", "day", "2026-01-01T00:00:00Z"},
		{"UTC", "1969-12-31T23:59:59.999999Z", "day", "1969-12-31T00:00:00Z"},
		{"UTC", "1969-12-28T12:00:00Z", "week", "1969-12-22T00:00:00Z"},
		{"UTC", "2027-01-01T00:00:00Z", "week", "2026-12-28T00:00:00Z"},
		{"UTC", "2026-12-31T00:00:00Z", "quarter", "2026-10-01T00:00:00Z"},
		{"UTC", "0000-01-01T00:00:00Z", "week", "0000-01-01T00:00:00Z"},
		{"Europe/Berlin", "2026-03-29T12:00:00Z", "day", "2026-03-28T23:00:00Z"},
		{"Europe/Berlin", "2026-03-31T22:30:00Z", "month", "2026-03-31T22:00:00Z"},
		{"Europe/Berlin", "2026-01-01T00:00:00Z", "year", "2025-12-31T23:00:00Z"},
		{"Asia/Kathmandu", "2026-05-05T18:14:59Z", "day", "2026-05-04T18:15:00Z"},
		{"America/Sao_Paulo", "2018-11-04T12:00:00Z", "day", "2018-11-04T03:00:00Z"}, // midnight is skipped
		{"America/Havana", "2025-11-02T12:00:00Z", "day", "2025-11-02T04:00:00Z"},    // midnight comes twice
		{"Pacific/Apia", "2011-12-30T12:00:00Z", "day", "2011-12-30T10:00:00Z"},      // the 30th is left out
	} {
		zone, err := time.LoadLocation(c.zone)
		must(t, err)
		at, err := time.Parse(time.RFC3339Nano, c.at)
		must(t, err)
		unit := map[string]Unit{"day": Day, "week": Week, "month": Month, "quarter": Quarter, "year": Year}[c.unit]
		cal := newCalendar(record.DateTime, unit, zone)
		got := cal.begin(cal.part(record.Int(at.UnixMicro())))
		if text := time.UnixMicro(got.Int()).UTC().Format(time.RFC3339Nano); text != c.want {
			t.Errorf("%s of %s in %s begins %s, want %s", c.unit, c.at, c.zone, text, c.want)
		}
	}
}

func (h *house) groups(who string, q Aggregation) (out []string, err error) {
	h.read(who, func(op *Op) {
		var page *Groups
		if page, err = op.Aggregate(q); err != nil {
			return
		}
		for _, g := range page.Groups {
			out = append(out, strings.ReplaceAll(describeGroup(&q, g), " ", ""))
		}
	})
	return out, err
}

// TestH5_MaskedCellIsNullInAggregates: in keys, values, having and order.
func TestH5_MaskedCellIsNullInAggregates(t *testing.T) {
	h := newHouse(t)
	h.cover()
	h.add("rep", "Deal", cell{"title": "b", "stage": "shut", "amount": 9})
	h.add("rep", "Deal", cell{"title": "a", "stage": "open", "amount": 5})
	amount := *h.field("Deal", "amount")
	q := Aggregation{List: List{Form: h.form("Deal").Number}, First: 10, Measures: []Measure{{amount, FunctionsOf(&amount)}}}
	var whole Group
	h.read("mia", func(op *Op) {
		page, err := op.Aggregate(q)
		must(t, err)
		whole = page.Groups[0]
	})
	if v := whole.Values[0]; whole.Count != 2 || v.Count != 1 || v.CountDistinct != 1 || v.Sum.Digits.Int64() != 5 || v.Max.Int() != 5 {
		t.Errorf("%+v", whole)
	}
	q.GroupBy = []GroupKey{{Field: amount}}
	groups, err := h.groups("mia", q)
	must(t, err)
	if len(groups) != 2 || !strings.HasPrefix(groups[1], strings.ReplaceAll(show(record.Value{}), " ", "")+"|1") {
		t.Errorf("%q", groups)
	}
	having, faults := filter.Parse(cell{"amount": cell{"max": cell{"gte": 6}}}, HavingScope(map[string]record.Field{"amount": amount}), filter.Options{})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	q.Having = having
	if groups, err = h.groups("mia", q); err != nil || len(groups) != 0 {
		t.Errorf("having reads a masked cell: %q, %v", groups, err)
	}
	if groups, err = h.groups("admin", q); err != nil || len(groups) != 1 {
		t.Errorf("the admin has %q, %v", groups, err)
	}
}

// TestB3_AggregatesOfHiddenFieldsAreRefused, in every place, like those of no
// field at all.
func TestB3_AggregatesOfHiddenFieldsAreRefused(t *testing.T) {
	h := newHouse(t)
	h.add("admin", "Customer", cell{"name": "a", "tax": "1"})
	list := List{Form: h.form("Customer").Number}
	having := func(f record.Field) filter.Expr {
		e, faults := filter.Parse(cell{"x": cell{"count": cell{"gt": 0}}}, HavingScope(map[string]record.Field{"x": f}), filter.Options{})
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		return e
	}
	all := func(f record.Field) []Aggregation {
		return []Aggregation{
			{List: list, GroupBy: []GroupKey{{Field: f}}},
			{List: list, Measures: []Measure{{f, Functions(0).With(Count)}}},
			{List: list, OrderBy: []GroupOrder{{Of: Max, Field: f}}},
			{List: list, Having: having(f)},
		}
	}
	hidden, none := all(*h.field("Customer", "tax")), all(record.Field{Number: 4000, Type: record.Text})
	for i, q := range hidden {
		if _, err := h.groups("admin", q); err != nil {
			t.Errorf("%d: the admin: %v", i, err)
		}
		_, err := h.groups("rep", q)
		_, absent := h.groups("rep", none[i])
		if denied(t, err, fault.Invalid) != denied(t, absent, fault.Invalid) {
			t.Errorf("%d: hidden %v, absent %v", i, err, absent)
		}
	}
	_, err := h.groups("rep", Aggregation{List: List{Form: 4000}})
	denied(t, err, fault.NotFound)
}

// TestP7_LimitsOfAggregatesAreErrors: more groups or values than are kept fail,
// and pages lead to all.
func TestP7_LimitsOfAggregatesAreErrors(t *testing.T) {
	c := newCrowd(t, newMemory(t), MaxGroups+1, 1)
	title, state := c.form.Fields[0].Field, c.form.Fields[2].Field
	op := c.op(c.user["stranger"])
	defer op.Close()
	list := List{Form: c.form.Number}
	within, faults := filter.Parse(cell{"amount": cell{"lt": MaxGroups - 10}}, op.Scope(list.Form), filter.Options{})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	page, err := op.Aggregate(Aggregation{List: List{Form: list.Form, Where: within}, GroupBy: []GroupKey{{Field: title}}, First: 10})
	if err != nil || page.Total < MaxGroups-200 || len(page.Groups) != 10 || !page.HasNext {
		t.Errorf("%+v, %v", page, err)
	}
	many := Measure{title, Functions(0).With(Count)}
	for what, q := range map[string]Aggregation{
		"measures": {List: list, GroupBy: []GroupKey{{Field: title}}, Measures: slicesOf(many, 25)},
		"keys":     {List: list, GroupBy: slicesOf(GroupKey{Field: state}, MaxGroupKeys+1)},
		"order":    {List: list, OrderBy: slicesOf(GroupOrder{Of: Count}, MaxGroupKeys+1)},
	} {
		if _, err := op.Aggregate(q); fault.KindOf(err) != fault.Limit {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err = op.Aggregate(Aggregation{List: list, First: MaxPage + 1})
	denied(t, err, fault.Invalid)
	boss := c.op(&oracle.User{ID: numbered(9, 1), Kind: identity.Admin, Credential: identity.Session, Email: "admin"})
	defer boss.Close()
	_, err = boss.Aggregate(Aggregation{List: list, GroupBy: []GroupKey{{Field: title}}})
	denied(t, err, fault.Limit)
}

func slicesOf[T any](x T, n int) (out []T) {
	for range n {
		out = append(out, x)
	}
	return out
}

// TestP1_AggregatesOverManyTargets: what is known of the targets of one lookup is
// not given up for that of another before the records are counted.
func TestP1_AggregatesOverManyTargets(t *testing.T) {
	h := newHouse(t)
	link := "- {name: customer, type: lookup, to: Customer}"
	h.redefined(false, link, link+"\n      - {name: partner, type: lookup, to: Customer}")
	for _, name := range []string{"a", "b", "c"} {
		c := h.add("rep", "Customer", cell{"name": name})
		p := h.add("rep", "Customer", cell{"name": name + " and sons"})
		h.add("admin", "Deal", cell{"title": name, "customer": c, "partner": p})
	}
	h.read("admin", func(op *Op) {
		counts := Functions(0).With(Count).With(CountDistinct)
		a, err := op.newAggregator(Aggregation{List: List{Form: h.form("Deal").Number}, First: 1,
			Measures: []Measure{{*h.field("Deal", "customer"), counts}, {*h.field("Deal", "partner"), counts}}})
		must(t, err)
		a.mostReached = 1
		reach := a.l.reach()
		must(t, a.collect(reach, a.l.plan(reach)))
		page, err := a.page()
		must(t, err)
		want := Values{Count: 3, CountDistinct: 3}
		for i, v := range page.Groups[0].Values {
			if v.Count != want.Count || v.CountDistinct != want.CountDistinct {
				t.Errorf("lookup %d: %d targets, %d of them different, want 3 and 3", i, v.Count, v.CountDistinct)
			}
		}
	})
}
