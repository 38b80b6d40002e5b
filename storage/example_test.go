package storage_test

import (
	"context"
	"fmt"
	"time"

	"sluice/internal/record"
	"sluice/storage"
	"sluice/storage/memstore"
)

func Example() {
	ctx := context.Background()
	store := memstore.Open()
	defer store.Close()
	id, _ := store.NewTenant(ctx)
	tenant := store.Tenant(id)

	title := record.Field{Number: 16, Name: "title", Type: record.Text}
	byTitle := &storage.Index{Number: 1, Parts: []record.Field{title}}
	form := &storage.Form{Number: 1, Indexes: []*storage.Index{byTitle}}

	now := time.Unix(1_700_000_000, 0)
	err := tenant.Update(ctx, storage.Meta{Operation: "example", Time: now}, func(tx *storage.Txn) error {
		for _, text := range []string{"pears", "apples", "plums"} {
			r := record.Encode(record.NewID(now), record.Header{Version: 1}, record.Record{}, map[uint32]record.Value{16: record.String(text)})
			if err := tx.Insert(form, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	sn, err := tenant.Snapshot()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sn.Close()
	c := sn.Index(form, byTitle, storage.Range{Low: &storage.Bound{Value: record.String("b")}})
	defer c.Close()
	for c.Next() {
		r, _, _ := sn.Record(form, c.ID())
		fmt.Printf("%s\n", r.Get(&title).Text())
	}
	fmt.Println(c.Err(), sn.Stats())
	// Output:
	// pears
	// plums
	// <nil> {2 2 1}
}
