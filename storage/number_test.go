package storage_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"sluice/internal/record"
	"sluice/storage"
	"sluice/storage/memstore"
)

// TestNumbersAreDense: transactions at once get each its own numbers, none
// conflicts over them, and what a failed one was given is given again.
func TestNumbersAreDense(t *testing.T) {
	store := memstore.Open()
	defer func() { _ = store.Close() }()
	id, err := store.NewTenant(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tenant := store.Tenant(id)
	form := &storage.Form{Number: 7}
	var mu sync.Mutex
	var got []int64
	failed := errors.New("not this time")
	take := func(n int, end error) error {
		var own []int64
		err := tenant.Update(t.Context(), storage.Meta{}, func(txn *storage.Txn) error {
			own = own[:0]
			for range n {
				v, err := txn.Number(form, record.FirstField)
				if err != nil {
					return err
				}
				own = append(own, v)
			}
			return end
		})
		if err == nil {
			mu.Lock()
			got = append(got, own...)
			mu.Unlock()
		}
		return err
	}
	var wait sync.WaitGroup
	for i := range 60 {
		wait.Go(func() {
			if err := take(1+i%3, nil); err != nil {
				t.Error(err)
			}
			if err := take(2, failed); !errors.Is(err, failed) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	slices.Sort(got)
	if len(got) != 120 || len(slices.Compact(slices.Clone(got))) != 120 || got[0] < 1 {
		t.Fatalf("%v", got)
	}
	if last := got[len(got)-1]; last > 120+60*2 {
		t.Errorf("the last of 120 numbers is %d", last)
	}
}
