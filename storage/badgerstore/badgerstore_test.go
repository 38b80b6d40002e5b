package badgerstore_test

import (
	"testing"

	"sluice/storage"
	"sluice/storage/badgerstore"
	"sluice/storage/driver"
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
