package gateway

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"sluice/storage"
	"sluice/storage/driver"
	"sluice/storage/memstore"
)

// meddler does something between the work of a transaction and its commit.
type meddler struct {
	driver.Driver
	before func()
}

func (m *meddler) Commit(ctx context.Context, snapshot uint64, reads [][]byte, writes []driver.Write) (uint64, error) {
	if f := m.before; f != nil {
		m.before = nil
		f()
	}
	return m.Driver.Commit(ctx, snapshot, reads, writes)
}

// TestRightsChangeBeforeTheCommit changes rights when the mutation has run and is
// not committed: it is prepared anew for the rights that bind then.
func TestRightsChangeBeforeTheCommit(t *testing.T) {
	m := &meddler{Driver: memstore.NewDriver()}
	store, err := storage.New(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newShopOn(t, store)
	id := s.create("ann", "An order")
	for _, c := range []struct{ query, set, want string }{
		{`mutation{updateOrder(id:"` + id + `",input:{quantity:5}){order{quantity version}}}`, "Clerk", `{"data":{"updateOrder":{"order":{"quantity":5,"version":2}}}}`},
		{`mutation{updateOrder(id:"` + id + `",input:{quantity:6}){id}}`, "Screen", `does not support operation type`},
	} {
		m.before = func() { s.assign("ann", c.set) }
		code, body := s.post("ann", "sales", c.query, nil)
		if code != http.StatusOK || !strings.Contains(body, c.want) {
			t.Errorf("%d %s, expected %s", code, body, c.want)
		}
	}
	if len(s.failed) > 0 {
		t.Error(s.failed)
	}
}
