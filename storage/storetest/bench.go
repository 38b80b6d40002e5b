package storetest

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"sluice/internal/record"
	"sluice/storage"
)

// Bench measures a store: durable inserts of a record with four index entries
// and its change log at 1, 16 and 64 writers, and reads among 100,000 records.
func Bench(b *testing.B, open func(testing.TB) *storage.Store) {
	for _, writers := range []int{1, 16, 64} {
		b.Run(fmt.Sprint("Insert/", writers), func(b *testing.B) { benchInsert(b, open(b), writers) })
	}
	s := open(b)
	b.Cleanup(func() { must(b, s.Close()) })
	tn := newTenant(b, s)
	fill(b, tn, 100_000)
	b.Run("Snapshot", func(b *testing.B) {
		for b.Loop() {
			sn, err := tn.Snapshot()
			must(b, err)
			sn.Close()
		}
	})
	sn := snapshot(b, tn)
	b.Run("Get", func(b *testing.B) {
		sn := snapshot(b, tn)
		for b.Loop() {
			if _, ok, err := sn.Record(order, id(1+rand.IntN(100_000))); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("Cursor", func(b *testing.B) {
		for b.Loop() {
			c := sn.Index(order, byOwner, storage.Range{Eq: []record.Value{record.Ref(user(rand.IntN(100)))}})
			c.Next()
			c.Close()
		}
	})
	b.Run("IndexKey", func(b *testing.B) {
		c := sn.Index(order, byAmount, storage.Range{})
		for b.Loop() {
			if !c.Next() {
				c.Close()
				c = sn.Index(order, byAmount, storage.Range{})
			}
		}
		c.Close()
	})
	b.Run("ScanRecord", func(b *testing.B) {
		c := sn.Records(order, storage.Range{})
		for b.Loop() {
			if !c.Next() {
				c.Close()
				c = sn.Records(order, storage.Range{})
			}
		}
		c.Close()
	})
}

func benchRecord(n int) record.Record {
	return rec(n, n%100, cells{16: record.String(fmt.Sprint("title of ", n)), 17: record.Int(int64(n * 7919 % 100_003)), 19: record.String(fmt.Sprint("code-", n))})
}

func fill(b *testing.B, tn storage.Tenant, n int) {
	const chunk = 400
	for first := 0; first < n; first += chunk {
		update(b, tn, func(tx *storage.Txn) error {
			for i := first; i < min(first+chunk, n); i++ {
				if err := tx.Insert(order, benchRecord(i+1)); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func benchInsert(b *testing.B, s *storage.Store, writers int) {
	defer func() { must(b, s.Close()) }()
	tn := newTenant(b, s)
	var next atomic.Int64
	b.SetParallelism(max(1, writers/2)) // of two processors
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := int(next.Add(1))
			if err := tn.Update(b.Context(), meta, func(tx *storage.Txn) error { return tx.Insert(order, benchRecord(n)) }); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}
