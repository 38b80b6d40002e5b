package badgerstore_test

import (
	"math/rand/v2"
	"testing"

	"sluice/internal/effort"
	"sluice/storage"
	"sluice/storage/badgerstore"
	"sluice/storage/driver"
	"sluice/storage/memstore"
	"sluice/storage/storetest"
)

// small keeps caches and memtables small: tests open many stores.
func small() *badgerstore.Options {
	return &badgerstore.Options{MemTableSize: 1, BlockCache: 8 << 20, IndexCache: 8 << 20}
}

func TestDriver(t *testing.T) {
	storetest.Run(t, func(t testing.TB) driver.Driver { return openDriver(t, t.TempDir()) })
}

func TestStore(t *testing.T) {
	storetest.RunStore(t, func(t testing.TB) *storage.Store {
		s, err := badgerstore.Open(t.TempDir(), small())
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func openDriver(t testing.TB, dir string) driver.Driver {
	t.Helper()
	d, err := badgerstore.NewDriver(dir, small())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestSameAsMemory makes random transactions here and in memory.
func TestSameAsMemory(t *testing.T) {
	seeds, steps := effort.Of(3, 12, 200), effort.Of(150, 1000, 1000)
	for range seeds {
		s, err := badgerstore.Open(t.TempDir(), small())
		if err != nil {
			t.Fatal(err)
		}
		t.Run("", func(t *testing.T) { storetest.RunDifferential(t, s, memstore.Open(), rand.Uint64(), steps) })
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkStore(b *testing.B) {
	storetest.Bench(b, func(t testing.TB) *storage.Store {
		s, err := badgerstore.Open(t.TempDir(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
