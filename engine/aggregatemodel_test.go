package engine

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/definition"
	"sluice/internal/filter"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
)

// condition is a having that tests one function of one field, or the number of
// records where field is nil.
type condition struct {
	field *record.Field
	fn    string
	op    string
	arg   any
	not   bool
}

func (c *condition) source() map[string]any {
	test := map[string]any{c.op: c.arg}
	if n, ok := c.arg.(int); ok && c.inSeconds() {
		test[c.op] = strings.Replace(fmt.Sprintf("PT%dS", n), "PT-", "-PT", 1)
	}
	out := map[string]any{"count": test}
	if c.field != nil {
		out = map[string]any{c.field.Name: map[string]any{c.fn: test}}
	}
	if c.not {
		return map[string]any{"not": out}
	}
	return out
}

// inSeconds says that the number is compared with a sum of durations.
func (c *condition) inSeconds() bool {
	return c.field != nil && c.field.Type == record.Duration && (c.fn == "sum" || c.fn == "avg")
}

// summed is a random aggregate in the engine's terms and in plain ones.
type summed struct {
	Aggregation
	where  map[string]any
	report string
	having *condition
}

var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"}

// randomSummed makes an aggregate over fields that a user sees.
func randomSummed(s *stage, op *Op, u *oracle.User, f *definition.Form, rnd *rand.Rand) *summed {
	q := &summed{Aggregation: Aggregation{List: List{Form: f.Number}, First: 1 + rnd.IntN(5)}}
	var visible []record.Field
	for _, name := range s.fields(op, u)(f.Name) {
		fd, _ := f.Field(name)
		visible = append(visible, fd.Field)
	}
	one := func() record.Field { return visible[rnd.IntN(len(visible))] }
	if rnd.IntN(2) == 0 {
		q.where = world.RandomWhere(s.w, rnd, f.Name, s.fields(op, u))
		q.List.Where = s.parse(op, f, q.where)
	}
	if r := s.w.App.Reports[rnd.IntN(len(s.w.App.Reports))]; r.Form == f.Name && rnd.IntN(2) == 0 {
		q.report, q.List.Report = r.Name, r.Name
	}
	for range rnd.IntN(4) {
		fd := one()
		if !fd.Groupable() {
			continue
		}
		k := GroupKey{Field: fd}
		if (fd.Type == record.Date || fd.Type == record.DateTime) && rnd.IntN(4) > 0 {
			k.Unit = Unit(1 + rnd.IntN(int(Year)))
		}
		q.GroupBy = append(q.GroupBy, k)
	}
	for range rnd.IntN(4) {
		fd := one()
		if slices.ContainsFunc(q.Measures, func(m Measure) bool { return m.Field.Number == fd.Number }) {
			continue
		}
		q.Measures = append(q.Measures, Measure{fd, FunctionsOf(&fd)})
	}
	zone, err := time.LoadLocation(zones[rnd.IntN(len(zones))])
	must(s.tb, err)
	q.Zone = zone
	for range rnd.IntN(3) {
		o := GroupOrder{Desc: rnd.IntN(2) == 0, NullsFirst: rnd.IntN(2) == 0}
		switch n := rnd.IntN(3); {
		case n == 0 && len(q.GroupBy) > 0:
			o.Key = rnd.IntN(len(q.GroupBy))
		case n == 1:
			o.Of = Count
		default:
			o.Field = one()
			o.Of = randomFunction(&o.Field, rnd)
		}
		q.OrderBy = append(q.OrderBy, o)
	}
	q.randomHaving(s, one(), rnd)
	return q
}

func randomFunction(f *record.Field, rnd *rand.Rand) Function {
	for {
		if fn := Function(rnd.IntN(int(Max) + 1)); FunctionsOf(f).Has(fn) {
			return fn
		}
	}
}

func (q *summed) randomHaving(s *stage, of record.Field, rnd *rand.Rand) {
	if rnd.IntN(2) == 0 {
		return
	}
	c := &condition{op: []string{"eq", "ne", "isNull"}[rnd.IntN(3)], not: rnd.IntN(3) == 0, arg: rnd.IntN(4)}
	ordered := true
	if rnd.IntN(4) > 0 {
		fn := randomFunction(&of, rnd)
		c.field = &of
		for name, x := range functionNames {
			if x == fn {
				c.fn = name
			}
		}
		if fn == Min || fn == Max {
			c.op, ordered = "isNull", false
		}
	}
	if ordered && rnd.IntN(2) == 0 {
		c.op = []string{"lt", "lte", "gt", "gte"}[rnd.IntN(4)]
		c.arg = rnd.IntN(30) - 3
	}
	if c.op == "isNull" {
		c.arg = rnd.IntN(2) == 0
	}
	q.having = c
	e, faults := filter.Parse(c.source(), HavingScope(map[string]record.Field{of.Name: of}), filter.Options{})
	if len(faults) > 0 {
		s.tb.Fatalf("seed %d: %v: %v", s.w.Seed, c.source(), faults)
	}
	q.Having = e
}

// plainGroup is a group as the oracle's records give it.
type plainGroup struct {
	keys  []record.Value
	cells []map[string]record.Value
}

// plain computes an aggregate from the ids that the oracle lists and the cells
// that it reads, one record after the other.
func (q *summed) plain(s *stage, u *oracle.User, f *definition.Form) []string {
	ids := oracle.List(s.w, u, f.Name, q.where, nil)
	if q.report != "" {
		ids = oracle.ListReport(s.w, u, q.report, q.where, nil)
	}
	var groups []*plainGroup
	if len(q.GroupBy) == 0 {
		groups = append(groups, &plainGroup{})
	}
	for _, id := range ids {
		row := map[string]record.Value{}
		for _, name := range oracle.Visible(s.w, u, f.Name) {
			row[name], _ = oracle.Cell(s.w, u, f.Name, s.w.Find(f.Name, id), name)
		}
		var keys []record.Value
		for _, k := range q.GroupBy {
			keys = append(keys, plainPart(row[k.Field.Name], k, q.Zone))
		}
		i := slices.IndexFunc(groups, func(g *plainGroup) bool { return slices.EqualFunc(g.keys, keys, record.Value.Equal) })
		if i < 0 {
			i = len(groups)
			groups = append(groups, &plainGroup{keys: keys})
		}
		groups[i].cells = append(groups[i].cells, row)
	}
	groups = slices.DeleteFunc(groups, func(g *plainGroup) bool { return !q.having.holds(g) })
	slices.SortFunc(groups, q.compare)
	var out []string
	for _, g := range groups {
		out = append(out, q.describePlain(g))
	}
	return out
}

// plainPart goes back day by day to where a part of the calendar begins.
func plainPart(v record.Value, k GroupKey, zone *time.Location) record.Value {
	if v.IsNull() || k.Unit == WholeValue {
		return v
	}
	day := time.Unix(v.Int()*86400, 0).UTC()
	if k.Field.Type == record.DateTime {
		local := time.UnixMicro(v.Int()).In(zone)
		day = time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
	}
	begins := map[Unit]func(time.Time) bool{
		Day: func(time.Time) bool { return true }, Week: func(t time.Time) bool { return t.Weekday() == time.Monday },
		Month: func(t time.Time) bool { return t.Day() == 1 }, Quarter: func(t time.Time) bool { return t.Day() == 1 && t.Month()%3 == 1 },
		Year: func(t time.Time) bool { return t.YearDay() == 1 },
	}[k.Unit]
	for !begins(day) {
		day = day.AddDate(0, 0, -1)
	}
	if k.Field.Type == record.DateTime {
		return record.Int(time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone).UnixMicro())
	}
	return record.Int(day.Unix() / 86400)
}

// value computes one function with fractions of any size; nil for null. Text and
// other values without a number are returned as they are.
func (g *plainGroup) value(f *record.Field, fn Function) (number *big.Rat, v record.Value) {
	if f == nil {
		return big.NewRat(int64(len(g.cells)), 1), record.Value{}
	}
	var all []record.Value
	for _, row := range g.cells {
		if x := row[f.Name]; !x.IsNull() {
			all = append(all, x)
		}
	}
	slices.SortFunc(all, record.Value.Compare)
	sum := new(big.Rat)
	for _, x := range all {
		sum.Add(sum, big.NewRat(x.Int(), 1))
	}
	unit := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places(f))), nil))
	switch n := int64(len(all)); {
	case fn == Count:
		return big.NewRat(n, 1), record.Value{}
	case fn == CountDistinct:
		return big.NewRat(int64(len(slices.CompactFunc(all, record.Value.Equal))), 1), record.Value{}
	case n == 0:
		return nil, record.Value{}
	case fn == Sum:
		return sum.Quo(sum, unit), record.Value{}
	case fn == Avg:
		rounded, _ := new(big.Rat).SetString(sum.Quo(sum, unit.Mul(unit, big.NewRat(n, 1))).FloatString(places(f) + avgPlaces(f)))
		return rounded, record.Value{}
	case fn == Min:
		return nil, all[0]
	}
	return nil, all[len(all)-1]
}

func (c *condition) holds(g *plainGroup) bool {
	if c == nil {
		return true
	}
	n, v := g.value(c.field, functionNames[c.fn])
	null := n == nil && v.IsNull()
	var yes bool
	switch arg, _ := c.arg.(int); {
	case c.op == "isNull":
		yes = null == c.arg.(bool)
	case null:
		yes = c.op == "ne"
	default:
		if c.inSeconds() {
			arg *= 1_000_000
		}
		at := n.Cmp(big.NewRat(int64(arg), 1))
		yes = map[string]bool{"eq": at == 0, "ne": at != 0, "lt": at < 0, "lte": at <= 0, "gt": at > 0, "gte": at >= 0}[c.op]
	}
	return yes != c.not
}

func (q *summed) compare(a, b *plainGroup) int {
	for _, o := range q.OrderBy {
		var m, n *big.Rat
		var v, w record.Value
		switch {
		case o.Of == NoFunction:
			v, w = a.keys[o.Key], b.keys[o.Key]
		case o.Field.Number == 0:
			m, _ = a.value(nil, Count)
			n, _ = b.value(nil, Count)
		default:
			m, v = a.value(&o.Field, o.Of)
			n, w = b.value(&o.Field, o.Of)
		}
		if c := comparePlain(m, n, v, w, o.Desc, o.NullsFirst); c != 0 {
			return c
		}
	}
	for i := range a.keys {
		if c := comparePlain(nil, nil, a.keys[i], b.keys[i], false, false); c != 0 {
			return c
		}
	}
	return 0
}

func comparePlain(m, n *big.Rat, v, w record.Value, desc, nullsFirst bool) int {
	aNull, bNull := m == nil && v.IsNull(), n == nil && w.IsNull()
	var c int
	switch {
	case aNull && bNull:
		return 0
	case aNull || bNull:
		if aNull == nullsFirst {
			return -1
		}
		return 1
	case m != nil:
		c = m.Cmp(n)
	default:
		c = v.Compare(w)
	}
	if desc {
		return -c
	}
	return c
}

func (q *summed) describePlain(g *plainGroup) string {
	var b strings.Builder
	for _, k := range g.keys {
		fmt.Fprint(&b, show(k), " | ")
	}
	fmt.Fprint(&b, len(g.cells))
	for _, m := range q.Measures {
		for fn := Count; fn <= Max; fn++ {
			if !m.Functions.Has(fn) {
				continue
			}
			n, v := g.value(&m.Field, fn)
			text := show(v)
			if n != nil {
				text = n.FloatString(places(&m.Field) + AvgPlaces)
			}
			fmt.Fprint(&b, " ", fn, "=", text)
		}
	}
	return b.String()
}

// describeGroup says the same of a group of the engine.
func describeGroup(q *Aggregation, g Group) string {
	var b strings.Builder
	for _, k := range g.Keys {
		fmt.Fprint(&b, show(k), " | ")
	}
	fmt.Fprint(&b, g.Count)
	for i, m := range q.Measures {
		whole := func(n int) string { return fmt.Sprint(n, ".", strings.Repeat("0", places(&m.Field)+AvgPlaces)) }
		v := g.Values[i]
		number := func(n *Number) string {
			if n == nil {
				return show(record.Value{})
			}
			text := string(n.AppendText(nil))
			if n.Places == 0 {
				text += "."
			}
			return text + strings.Repeat("0", places(&m.Field)+AvgPlaces-n.Places)
		}
		for fn, text := range []string{Count: whole(v.Count), CountDistinct: whole(v.CountDistinct), Sum: number(v.Sum),
			Avg: number(v.Avg), Min: show(v.Min), Max: show(v.Max)} {
			if m.Functions.Has(Function(fn)) {
				fmt.Fprint(&b, " ", fn, "=", strings.ReplaceAll(text, " ", ""))
			}
		}
	}
	return b.String()
}

// compareSummed checks an aggregate and all of its pages.
func (s *stage) compareSummed(op *Op, u *oracle.User, f *definition.Form, q *summed) int {
	squeeze := func(text string) string { return strings.ReplaceAll(text, " ", "") }
	want := q.plain(s, u, f)
	what := fmt.Sprintf("seed %d: %s aggregates %s %+v where %v having %+v", s.w.Seed, u.Email, f.Name, q.Aggregation, q.where, q.having)
	ask := q.Aggregation
	for at := 0; ; {
		refill(op)
		page, err := op.Aggregate(ask)
		if err != nil {
			s.tb.Fatalf("%s: %v", what, err)
		}
		end := min(at+ask.First, len(want))
		if page.Total != len(want) || page.HasNext != (end < len(want)) || page.HasPrev != (at > 0) || len(page.Groups) != end-at {
			s.tb.Fatalf("%s: from %d: %d groups of %d, more %v, before %v; expected %d groups in all", what, at, len(page.Groups), page.Total, page.HasNext, page.HasPrev, len(want))
		}
		for i, g := range page.Groups {
			if got := describeGroup(&q.Aggregation, g); squeeze(got) != squeeze(want[at+i]) {
				s.tb.Fatalf("%s:\ngroup %d\nengine %s\noracle %s", what, at+i, got, want[at+i])
			}
		}
		if at = end; !page.HasNext {
			return len(want)
		}
		ask.After = page.Cursor(len(page.Groups) - 1)
	}
}

// TestP1_AggregateEqualsOracle: on random worlds every aggregate is what adding
// up the records that the oracle lists gives, on the cells that it reads (P1, H5,
// L1, F7): groups, values, having, order and pages.
func TestP1_AggregateEqualsOracle(t *testing.T) {
	var groups, several atomic.Int64
	prove(t, 100, 5_000, func(t *testing.T, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 31))
		s := newStage(t, world.Random(seed, sizeOf(seed)))
		defer s.close()
		for _, u := range s.w.Users {
			op := s.op(u)
			for _, f := range s.w.App.Forms {
				if fs, ok := op.view.Shape().Form(f.Number); !ok || !fs.View {
					continue
				}
				for range 4 {
					n := s.compareSummed(op, u, f, randomSummed(s, op, u, f, rnd))
					groups.Add(int64(n))
					if n > 1 {
						several.Add(1)
					}
				}
			}
			op.Close()
		}
	})
	t.Logf("%d groups; %d aggregates with several", groups.Load(), several.Load())
	if several.Load() < 100 {
		t.Error("too few to prove anything")
	}
}
