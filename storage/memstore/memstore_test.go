package memstore_test

import (
	"testing"

	"sluice/storage"
	"sluice/storage/driver"
	"sluice/storage/memstore"
	"sluice/storage/storetest"
)

func TestDriver(t *testing.T) {
	storetest.Run(t, func(testing.TB) driver.Driver { return memstore.NewDriver() })
}

func BenchmarkStore(b *testing.B) {
	storetest.Bench(b, func(testing.TB) *storage.Store { return memstore.Open() })
}
