package rules

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"sluice/internal/filter"
	"sluice/internal/record"
)

// How much a check of a plan asks about, if its budget lasts.
const (
	planViewers = 24
	planDrawn   = 512 // records for each viewer
	planShared  = 8   // of those, whose neighbours are asked about
	planNear    = 768 // neighbours
	planArgs    = 64  // constants of a plan, for each column
)

// planCases generates viewers and records for a manifest: always the same ones.
type planCases struct {
	m       *Manifest
	r       *rand.Rand
	viewers [][]record.Value // by column
	usual   [][]record.Value // values of records, by column
	likely  [][]record.Value // those of the plan and of the viewer, and their neighbours
	closed  []bool           // choices of which all are known, by column of records
	started bool
}

func newPlanCases(m *Manifest, in PlanInputs) *planCases {
	g := &planCases{m: m, r: rand.New(rand.NewPCG(1, uint64(len(m.Record)))), likely: make([][]record.Value, len(m.Record)), closed: make([]bool, len(m.Record))}
	for i, c := range m.Record {
		g.closed[i] = c.Type == record.Choice && i < len(in.Record) && len(in.Record[i]) > 0
	}
	var viewers, rows [][]record.Value
	for _, c := range in.Cases {
		viewers, rows = append(viewers, c.Viewer), append(rows, c.Record)
	}
	g.viewers = planPools(m.Viewer, in.Viewer, viewers)
	g.usual = planPools(m.Record, in.Record, rows)
	return g
}

// planPools are the values of columns: known ones, those of rows, and of the type.
func planPools(columns []Column, known, rows [][]record.Value) [][]record.Value {
	out := make([][]record.Value, len(columns))
	for i, c := range columns {
		var pool []record.Value
		if i < len(known) {
			pool = append(pool, known[i]...)
		}
		if len(pool) == 0 || c.Type != record.Choice && c.Type != record.MultiChoice {
			pool = append(pool, extremes(c)...)
		}
		for _, row := range rows {
			if i < len(row) && !row[i].IsNull() {
				pool = append(pool, row[i])
			}
		}
		out[i] = possible(c, pool)
	}
	return out
}

// possible leaves the values that a cell of the column can hold, each once.
func possible(c Column, pool []record.Value) []record.Value {
	out := make([]record.Value, 0, len(pool))
	for _, v := range pool {
		if !holdable(c, v) || slices.ContainsFunc(out, func(x record.Value) bool { return x.Kind() == v.Kind() && x.Compare(v) == 0 }) {
			continue
		}
		out = append(out, v)
	}
	return out
}

// holdable reports whether a value is read back from what it is written as.
func holdable(c Column, v record.Value) bool {
	if v.Kind() != c.Type.Kind() {
		return false
	}
	f := record.Field{Number: record.FirstField, Name: c.Name, Type: c.Type, Scale: c.Scale}
	switch c.Type {
	case record.JSON, record.AutoNumber:
		return true
	case record.Choice:
		f.Choices = []string{string(v.Text())}
	case record.MultiChoice:
		for _, item := range v.List() {
			f.Choices = append(f.Choices, string(item))
		}
	}
	back, err := record.ParseValue(&f, string(record.AppendText(nil, &f, v)))
	return err == nil && back.Kind() == v.Kind() && back.Compare(v) == 0
}

const microsOfDay = 24 * 60 * 60 * 1_000_000

// extremes are bounds of a type, and values that are easily got wrong.
func extremes(c Column) []record.Value {
	texts := func(l ...string) (out []record.Value) {
		for _, s := range l {
			out = append(out, record.String(s))
		}
		return out
	}
	ints := func(l ...int64) (out []record.Value) {
		for _, n := range l {
			out = append(out, record.Int(n))
		}
		return out
	}
	const firstDay, lastDay = -719162, 2932896 // of the years 1 to 9999
	switch c.Type {
	case record.Boolean:
		return []record.Value{record.Bool(false), record.Bool(true)}
	case record.Date:
		return ints(0, 1, -1, 20_000, firstDay, lastDay)
	case record.DateTime:
		return ints(0, 1, -1, 20_000*microsOfDay, firstDay*microsOfDay, (lastDay+1)*microsOfDay-1)
	case record.Time:
		return ints(0, 1, microsOfDay/2, microsOfDay-1)
	case record.AutoNumber:
		return ints(1, 2, 1000)
	case record.Email:
		return texts("a@example.com", "b@example.org")
	case record.Phone:
		return texts("+49301234567", "+12025550123")
	case record.URL:
		return texts("https://example.com/", "http://example.org/a?b=c")
	case record.JSON:
		return []record.Value{record.Bytes([]byte("{}")), record.Bytes([]byte(`{"a":[1,null]}`))}
	case record.Choice:
		return texts("a", "b")
	case record.MultiChoice:
		return []record.Value{record.List(), record.List("a"), record.List("a", "b")}
	}
	switch c.Type.Kind() {
	case record.KindInt:
		one := int64(math.Pow10(int(c.Scale)))
		return ints(0, 1, -1, one, -one, 100*one, 1000*one, 1_000_000*one, math.MaxInt64, math.MinInt64)
	case record.KindText:
		return texts("", "a", "A", "b", "ä", `a"b\c`, "a\nb", "VIEWER", strings.Repeat(`"`, record.MaxText))
	case record.KindRef:
		return []record.Value{record.Ref(record.ID{0: 1}), record.Ref(record.ID{0: 2})}
	}
	return nil
}

// viewer returns the next one; the first has no attributes.
func (g *planCases) viewer() []record.Value {
	row := make([]record.Value, len(g.m.Viewer))
	if !g.started {
		g.started = true
		return row
	}
	for i, pool := range g.viewers {
		if len(pool) > 0 && g.r.IntN(8) > 0 {
			row[i] = pool[g.r.IntN(len(pool))]
		}
	}
	return row
}

// plan makes likely what a viewer's plan and the viewer consist of.
func (g *planCases) plan(p *Plan, viewer []record.Value) {
	for i, c := range g.m.Record {
		var pool []record.Value
		for k, v := range viewer {
			if a := g.m.Viewer[k]; a.Type.Kind() == c.Type.Kind() && a.Scale == c.Scale {
				pool = append(pool, v)
			}
		}
		for _, v := range constantsOf(p.where, uint32(i+1), nil) {
			pool = append(pool, around(c, v)...)
		}
		if g.closed[i] {
			pool = slices.DeleteFunc(pool, func(v record.Value) bool {
				return !slices.ContainsFunc(g.usual[i], func(x record.Value) bool { return x.Compare(v) == 0 })
			})
		}
		g.likely[i] = possible(c, pool)
	}
}

// constantsOf lists what a plan compares a column with.
func constantsOf(e filter.Expr, column uint32, out []record.Value) []record.Value {
	switch e := e.(type) {
	case filter.And:
		for _, x := range e {
			out = constantsOf(x, column, out)
		}
	case filter.Or:
		for _, x := range e {
			out = constantsOf(x, column, out)
		}
	case filter.Not:
		out = constantsOf(e.X, column, out)
	case *filter.Compare:
		for _, a := range e.Args {
			if e.Field.Number == column && e.Op != filter.IsNull && len(out) < planArgs {
				out = append(out, a.Value)
			}
		}
	}
	return out
}

// around are a constant and its neighbours.
func around(c Column, v record.Value) []record.Value {
	switch v.Kind() {
	case record.KindInt:
		n := v.Int()
		out := []record.Value{v}
		if n > math.MinInt64 {
			out = append(out, record.Int(n-1))
		}
		if n < math.MaxInt64 {
			out = append(out, record.Int(n+1))
		}
		return out
	case record.KindText:
		s := string(v.Text())
		if c.Type == record.MultiChoice {
			return []record.Value{record.List(s), record.List(), record.List(s, s+"x")}
		}
		out := []record.Value{v, record.String(s + "x"), record.String(strings.ToUpper(s)), record.String(strings.ToLower(s))}
		if s != "" {
			out = append(out, record.String(s[:len(s)-1]))
		}
		return out
	}
	return []record.Value{v}
}

// records draws rows; the first is all null.
func (g *planCases) records() [][]record.Value {
	out := [][]record.Value{make([]record.Value, len(g.m.Record))}
	for len(out) < planDrawn && len(g.m.Record) > 0 {
		row := make([]record.Value, len(g.m.Record))
		for i := range row {
			row[i] = g.cell(i)
		}
		out = append(out, row)
	}
	return out
}

// cell draws one value: often one of the plan or the viewer, seldom null.
func (g *planCases) cell(column int) record.Value {
	pool := g.usual[column]
	if likely := g.likely[column]; len(likely) > 0 && g.r.IntN(2) == 0 {
		pool = likely
	}
	if len(pool) == 0 || g.r.IntN(8) == 0 {
		return record.Value{}
	}
	return pool[g.r.IntN(len(pool))]
}

// near returns rows that differ from one of those in one column.
func (g *planCases) near(rows [][]record.Value) [][]record.Value {
	var out [][]record.Value
	for _, row := range rows {
		for i := range row {
			for _, v := range slices.Concat([]record.Value{{}}, g.likely[i], g.usual[i]) {
				if len(out) == planNear {
					return out
				}
				other := slices.Clone(row)
				other[i] = v
				out = append(out, other)
			}
		}
	}
	return out
}
