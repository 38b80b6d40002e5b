package authoring

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"text/tabwriter"
	"time"

	"sluice/internal/record"
	"sluice/rules"
)

// Spread is the mean and two percentiles of something per record.
type Spread struct{ Mean, P50, P99 float64 }

// Measurement is what records cost. Batched is how a list asks: 256 records at
// a time, a percentile being that of the batches' averages. Alone is how a
// single record is asked, with the price of the call and of putting the guest
// back.
type Measurement struct {
	Records, AloneRecords int
	Nanos, Fuel           Spread
	AloneNanos, AloneFuel Spread
	Faults                [rules.FaultKinds]int // records of the batches that went wrong, by kind
	Outside               int                   // that the module shares and its plan leaves out
}

// MaxMeasured is the most records that a measurement takes.
const MaxMeasured = 10_000_000

const (
	batchSize = 256
	mostAlone = 2000
)

// Measure asks the module about n records, 1 to [MaxMeasured], taken from cases
// in turn, after a round that is not counted. All records of a batch are asked
// for the viewer of its first one.
func Measure(ctx context.Context, runner rules.Runner, module []byte, cases []Case, n int, now func() time.Time) (*Measurement, error) {
	h, err := runner.Load(ctx, author, module)
	if err != nil {
		return nil, err
	}
	m := &meter{runner: runner, rule: h, cases: cases, now: now}
	if _, _, err := m.run(ctx, min(n, 10*batchSize), batchSize); err != nil { // warms up
		return nil, err
	}
	m.faults, m.outside = [rules.FaultKinds]int{}, 0
	out := &Measurement{Records: n, AloneRecords: min(n, mostAlone)}
	if out.Nanos, out.Fuel, err = m.run(ctx, n, batchSize); err != nil {
		return nil, err
	}
	out.Faults, out.Outside = m.faults, m.outside
	out.AloneNanos, out.AloneFuel, err = m.run(ctx, out.AloneRecords, 1)
	return out, err
}

type meter struct {
	runner rules.Runner
	rule   rules.Hash
	cases  []Case
	now    func() time.Time
	faults [rules.FaultKinds]int
	// outside is counted in the time between batches.
	outside int
}

// run asks about n records, size at a time.
func (m *meter) run(ctx context.Context, n, size int) (nanos, fuel Spread, err error) {
	var times, fuels []float64
	rows, out := make([][]record.Value, 0, size), make([]rules.Verdict, size)
	for done := 0; done < n; done += len(rows) {
		rows = rows[:0]
		for i := range min(size, n-done) {
			rows = append(rows, m.cases[(done+i)%len(m.cases)].Record)
		}
		left := rules.Fuel{Left: rules.QueryFuel}
		b := rules.Batch{Tenant: author, Rule: m.rule, Viewer: m.cases[done%len(m.cases)].Viewer, Rows: rows}
		from := m.now()
		if err := m.runner.Decide(ctx, &b, &left, out[:len(rows)]); err != nil {
			return nanos, fuel, err
		}
		k := float64(len(rows))
		times = append(times, float64(m.now().Sub(from).Nanoseconds())/k)
		fuels = append(fuels, float64(rules.QueryFuel-left.Left)/k)
		for _, v := range out[:len(rows)] {
			m.faults[v.Fault]++
		}
		shared, err := outside(ctx, m.runner, &b)
		if err != nil {
			return nanos, fuel, err
		}
		m.outside += shared
	}
	return spread(times), spread(fuels), nil
}

// spread of a list that is not empty; it is sorted.
func spread(l []float64) Spread {
	slices.Sort(l)
	sum := 0.0
	for _, x := range l {
		sum += x
	}
	at := func(percent int) float64 { return l[(len(l)-1)*percent/100] }
	return Spread{sum / float64(len(l)), at(50), at(99)}
}

// Print writes the measurement as a table.
func (m *Measurement) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "PER RECORD\tMEAN\tP50\tP99")
	for _, l := range []struct {
		name string
		s    Spread
	}{
		{"ns, in batches of 256", m.Nanos}, {"fuel, in batches of 256", m.Fuel},
		{"ns, alone", m.AloneNanos}, {"fuel, alone", m.AloneFuel},
	} {
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.0f\n", l.name, l.s.Mean, l.s.P50, l.s.P99)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	faults := faultCounts(m.Faults)
	_, err := fmt.Fprintf(w, "%d records in batches, %d alone; %d went wrong%s\n", m.Records, m.AloneRecords, faults.all(), faults.text())
	if err == nil && faults.all() > 0 {
		_, err = io.WriteString(w, faults.why())
	}
	if err == nil && m.Outside > 0 {
		_, err = fmt.Fprintf(w, "%d of the records in batches are shared by sluice_decide and left out by sluice_plan, which is too narrow\n", m.Outside)
	}
	return err
}

// Generate returns n cases, 1 or more, without expectations: every column takes
// at random one of the values that the given cases have there, or one of a few
// plain values of its type, or, one time in ten, null. The same seed gives the
// same cases.
func Generate(m *rules.Manifest, given []Case, n int, seed uint64) []Case {
	r := rand.New(rand.NewPCG(seed, 0))
	viewers := pools(m.Viewer, given, func(c *Case) []record.Value { return c.Viewer })
	records := pools(m.Record, given, func(c *Case) []record.Value { return c.Record })
	out := make([]Case, n)
	for i := range out {
		out[i] = Case{Viewer: draw(r, viewers), Record: draw(r, records)}
	}
	return out
}

func pools(columns []rules.Column, given []Case, row func(*Case) []record.Value) [][]record.Value {
	out := make([][]record.Value, len(columns))
	for i, c := range columns {
		for k := range given {
			if v := row(&given[k])[i]; !v.IsNull() {
				out[i] = append(out[i], v)
			}
		}
		out[i] = append(out[i], plain(c.Type)...)
	}
	return out
}

// plain are a few values of a type.
func plain(t record.Type) []record.Value {
	switch t.Kind() {
	case record.KindBool:
		return []record.Value{record.Bool(false), record.Bool(true)}
	case record.KindInt:
		return []record.Value{record.Int(0), record.Int(1), record.Int(20_000), record.Int(1_000_000)}
	case record.KindRef:
		return []record.Value{record.Ref(record.ID{0: 1}), record.Ref(record.ID{0: 2})}
	case record.KindList:
		return []record.Value{record.List(), record.List("a", "b")}
	case record.KindText:
		if t == record.JSON {
			return []record.Value{record.Bytes([]byte("{}"))}
		}
		return []record.Value{record.String("a"), record.String("something of forty letters, as titles are")}
	}
	return []record.Value{{}}
}

func draw(r *rand.Rand, pools [][]record.Value) []record.Value {
	out := make([]record.Value, len(pools))
	for i, p := range pools {
		if r.IntN(10) > 0 {
			out[i] = p[r.IntN(len(p))]
		}
	}
	return out
}
