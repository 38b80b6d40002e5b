package storage_test

import (
	"testing"

	"sluice/storage"
	"sluice/storage/memstore"
	"sluice/storage/storetest"
)

func TestStore(t *testing.T) {
	storetest.RunStore(t, func(testing.TB) *storage.Store { return memstore.Open() })
}
