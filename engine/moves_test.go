package engine

import (
	"fmt"
	"testing"

	"sluice/internal/directory"
	"sluice/internal/record"
	"sluice/storage"
)

// newCompany is a firm of n people in as many roles, ten below each, with five
// records of each. People are stored in bulk, as adding them one by one stores
// them.
func newCompany(tb testing.TB, n int) *firm {
	tb.Helper()
	f := newFirm(tb, regions)
	f.hire("east", "East")
	name := func(i int) string { return fmt.Sprint("role ", i) }
	f.define(regions + manyRoles(n-5, name))
	for at := 0; at < n-5; at += 400 {
		must(tb, f.tenant.Update(tb.Context(), storage.Meta{Operation: "hire"}, func(txn *storage.Txn) error {
			for i := at; i < min(at+400, n-5); i++ {
				id := numbered(2, uint64(i))
				user := fmt.Appendf(nil, `{"email":"p%d@x.io","name":"P %d","status":%d}`, i, i, directory.Active)
				if err := txn.PutDoc(directory.SpaceUser, "u/"+id.String(), user); err != nil {
					return err
				}
				place := fmt.Appendf(nil, `{"kind":1,"role":%q,"set":"Sales"}`, name(i))
				if err := txn.PutDoc(directory.SpaceAssignment, id.String()+"/crm", place); err != nil {
					return err
				}
			}
			return txn.BumpEpoch()
		}))
	}
	form := f.open("boss")
	store := form.app.forms[f.deal(form)].store
	form.Close()
	for at := 0; at < n-5; at += 100 {
		must(tb, f.tenant.Update(tb.Context(), storage.Meta{Operation: "load"}, func(txn *storage.Txn) error {
			for i := at * 5; i < min(at+100, n-5)*5; i++ {
				by := numbered(2, uint64(i/5))
				h := record.Header{Version: 1, AddedTime: 1, ModifiedTime: 1, Owner: by, AddedBy: by, ModifiedBy: by}
				if err := txn.Insert(store, record.Encode(numbered(3, uint64(i)), h, record.Record{}, nil)); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	return f
}

// BenchmarkAfterRoleMove is the first read of somebody after another person was
// given another role, among 10,000 people in 10,000 roles: opening an operation,
// and a page of one who is over nobody, over eleven, over 111 and over all.
func BenchmarkAfterRoleMove(b *testing.B) {
	f := newCompany(b, 10_000)
	moves := 0
	for _, who := range []string{"East", "role 500", "role 50", "role 5", "CEO"} {
		f.place("east", who)
		for _, moved := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/moved=%v", who, moved), func(b *testing.B) {
				for b.Loop() {
					if moved {
						b.StopTimer()
						moves++
						f.id["mover"] = numbered(2, 777)
						f.place("mover", fmt.Sprint("role ", 700+moves%50))
						b.StartTimer()
					}
					op := f.open("east")
					if _, err := op.List(List{Form: f.deal(op), First: 50}); err != nil {
						b.Fatal(err)
					}
					op.Close()
				}
			})
		}
	}
}
