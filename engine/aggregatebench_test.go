package engine

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/storage"
	"sluice/storage/badgerstore"
)

// BenchmarkAggregate groups 100,000 visible records: of an admin, who sees
// everything, and of one owner.
func BenchmarkAggregate(b *testing.B) {
	b.Run("memory", func(b *testing.B) { benchmarkAggregate(b, newMemory(b)) })
	b.Run("badger", func(b *testing.B) {
		store, err := badgerstore.Open(b.TempDir(), nil)
		must(b, err)
		b.Cleanup(func() { must(b, store.Close()) })
		benchmarkAggregate(b, store)
	})
}

func benchmarkAggregate(b *testing.B, store *storage.Store) {
	c := newCrowd(b, store, 100_112, 1)
	c.user["admin"] = &oracle.User{ID: numbered(9, 1), Kind: identity.Admin, Credential: identity.Session, Email: "admin"}
	title, amount, state := c.form.Fields[0].Field, c.form.Fields[1].Field, c.form.Fields[2].Field
	numbers := Measure{amount, Functions(0).With(Sum).With(Avg).With(Min).With(Max)}
	for _, who := range []string{"admin", "stranger"} {
		for name, q := range map[string]Aggregation{
			"Count":         {},
			"Sum":           {Measures: []Measure{numbers}},
			"GroupByState":  {Measures: []Measure{numbers}, GroupBy: []GroupKey{{Field: state}}},
			"GroupByMonth":  {Measures: []Measure{numbers}, GroupBy: []GroupKey{{Field: record.System[4], Unit: Month}}},
			"CountDistinct": {Measures: []Measure{{title, Functions(0).With(CountDistinct)}}},
		} {
			b.Run(fmt.Sprint(who, "/", name), func(b *testing.B) {
				q.List.Form, q.First = c.form.Number, 100
				before := processorTime(b)
				for b.Loop() {
					op := c.op(c.user[who])
					page, err := op.Aggregate(q)
					if err != nil || page.Total < 1 {
						b.Fatal(page, err)
					}
					op.Close()
				}
				b.ReportMetric(float64((processorTime(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
			})
		}
	}
}

// processorTime is what this process has used of the processors, which says more
// than a clock where others use them too.
func processorTime(tb testing.TB) time.Duration {
	var r syscall.Rusage
	must(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &r))
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
