package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"sluice/engine"
	"sluice/internal/directory"
	"sluice/internal/httpd"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/ruletest"
	"sluice/storage/badgerstore"
	"sluice/storage/driver"
)

const (
	stored  = 100_000
	visible = 113
)

const shop = `
application: shop
forms:
  - name: Order
    plural: orders
    fields:
      - {name: title, type: text}
      - {name: amount, type: decimal, scale: 2}
      - {name: orderDate, type: date, indexed: true}
      - {name: status, type: choice, choices: [open, paid]}
      - {name: seller, type: user, recordOwner: true}
roles: [{name: CEO}, {name: rep, reportsTo: CEO}]
hierarchy: true
permissionSets:
  - name: rep
    forms: {Order: {fields: {"*": VISIBLE}}}
    reports: {orders: [VIEW, EDIT, DELETE]}
`

// world is a server with one rep who sees 113 of 100,000 orders.
type world struct {
	url, token string
	driver     driver.Driver
}

var open = sync.OnceValues(load)

func load() (*world, error) {
	dir, err := tempDir()
	if err != nil {
		return nil, err
	}
	store, err := badgerstore.Open(dir+"/server", nil)
	if err != nil {
		return nil, err
	}
	s, err := httpd.New(httpd.Options{
		Store: store, Rules: ruletest.NewDouble(),
		Inspect: func(context.Context, []byte) (*rules.Manifest, rules.Hash, error) { return nil, rules.Hash{}, nil },
	})
	if err != nil {
		return nil, err
	}
	w := &world{}
	if w.token, err = fill(s); err != nil {
		return nil, err
	}
	w.url = httptest.NewServer(s).URL + "/apps/shop/graphql"
	w.driver, err = plain(dir + "/plain")
	return w, err
}

func fill(s *httpd.Service) (string, error) {
	ctx := context.Background()
	tenant, boss, err := s.Directory.CreateOrganization(ctx, "bench", directory.NewUser{Email: "a@bench.example", DisplayName: "A", Password: "correct horse"})
	if err != nil {
		return "", err
	}
	session, err := s.Directory.OpenSession(ctx, tenant, boss)
	if err != nil {
		return "", err
	}
	admin, err := s.Directory.Authenticate(ctx, session)
	if err != nil {
		return "", err
	}
	if out, err := s.Engine.Apply(ctx, admin, []byte(shop), false); err != nil {
		return "", err
	} else if len(out.Faults) > 0 {
		return "", fmt.Errorf("definition: %v", out.Faults)
	}
	rep, err := s.Directory.AddUser(ctx, admin, directory.NewUser{Email: "r@bench.example", DisplayName: "R", Password: "battery staple"})
	if err != nil {
		return "", err
	}
	place := directory.Assignment{User: rep, Application: "shop", Kind: identity.Live, Role: "rep", PermissionSet: "rep"}
	if err := s.Directory.Assign(ctx, admin, place, nil); err != nil {
		return "", err
	}
	for from := 0; from < stored; from += 400 {
		err := s.Engine.Write(ctx, admin, "shop", "load", func(op *engine.Op) error {
			f, _ := op.Application().Form("Order")
			for i := from; i < min(from+400, stored); i++ {
				if _, err := op.Create(f.Number, order(i, rep)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return s.Directory.OpenSession(ctx, tenant, rep)
}

// order is the i-th order; every 885th belongs to the rep. Field numbers follow
// the definition.
func order(i int, rep record.ID) map[uint32]record.Value {
	out := map[uint32]record.Value{
		record.FirstField:     record.String(fmt.Sprintf("Order %d of a customer with a name", i)),
		record.FirstField + 1: record.Int(int64(i%9973) * 100),
		record.FirstField + 2: record.Int(int64(20_000 - i%700)),
		record.FirstField + 3: record.String([]string{"open", "paid"}[i%2]),
	}
	if i%885 == 0 {
		out[record.FirstField+4] = record.Ref(rep)
	}
	return out
}

// plain is a Badger database with as many values and no engine.
func plain(dir string) (driver.Driver, error) {
	d, err := badgerstore.NewDriver(dir, nil)
	if err != nil {
		return nil, err
	}
	value := bytes.Repeat([]byte("v"), 150)
	var batch []driver.Write
	for i := range stored {
		batch = append(batch, driver.Write{Key: fmt.Appendf(nil, "r%08d", i), Value: value})
	}
	for part := range slices.Chunk(batch, 2000) {
		s, err := d.Snapshot()
		if err != nil {
			return nil, err
		}
		_, err = d.Commit(context.Background(), s.Seq(), nil, part)
		s.Close()
		if err != nil {
			return nil, err
		}
	}
	return d, nil
}

func theWorld(b *testing.B) *world {
	b.Helper()
	w, err := open()
	if err != nil {
		b.Fatal(err)
	}
	return w
}

func request(b *testing.B, url, token, query string) []byte {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, strings.NewReader(`{"query":"`+query+`"}`))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("status %d, %v: %s", resp.StatusCode, err, body)
	}
	return body
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

const pageQuery = `{orders(first:50 orderBy:{field:orderDate direction:DESC}){nodes{id title amount orderDate status version}}}`

// requests runs n goroutines that send until b is done.
func requests(b *testing.B, send func()) {
	send()
	b.SetParallelism(8) // 16 connections on two cores
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			send()
		}
	})
}

// BenchmarkPage is a page of 50 in the order of an indexed field, for a rep who
// sees 113 of 100,000 records, over loopback HTTP at 16 connections.
func BenchmarkPage(b *testing.B) {
	w := theWorld(b)
	if n := bytes.Count(request(b, w.url, w.token, pageQuery), []byte(`"id"`)); n != 50 {
		b.Fatalf("page of %d", n)
	}
	requests(b, func() { request(b, w.url, w.token, pageQuery) })
}

// BenchmarkPageTotal is BenchmarkPage with the exact total.
func BenchmarkPageTotal(b *testing.B) {
	w := theWorld(b)
	query := strings.Replace(pageQuery, "nodes", "totalCount nodes", 1)
	if !bytes.Contains(request(b, w.url, w.token, query), fmt.Appendf(nil, `"totalCount":%d`, visible)) {
		b.Fatal("wrong total")
	}
	requests(b, func() { request(b, w.url, w.token, query) })
}

// BenchmarkRawHTTP answers the bytes of that page from memory: what net/http
// alone costs on both sides.
func BenchmarkRawHTTP(b *testing.B) {
	w := theWorld(b)
	body := request(b, w.url, w.token, pageQuery)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write(body)
	}))
	defer srv.Close()
	requests(b, func() { request(b, srv.URL, "", pageQuery) })
}

// BenchmarkBadgerScan walks 100,000 values of a plain Badger database in
// process: what finding the page without an index costs before HTTP.
func BenchmarkBadgerScan(b *testing.B) {
	w := theWorld(b)
	for b.Loop() {
		s, err := w.driver.Snapshot()
		if err != nil {
			b.Fatal(err)
		}
		c := s.Cursor([]byte("r"), nil, false)
		n := 0
		for c.Next() {
			n += len(c.Value())
		}
		if err := c.Err(); err != nil || n != stored*150 {
			b.Fatal(n, err)
		}
		c.Close()
		s.Close()
	}
}
