package app

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"sluice/engine"
	"sluice/internal/record"
)

// fixed answers every list with the same page, without work of its own: what is
// left to measure is the executor's.
type fixed struct {
	*fake
	page *Page
}

func (f fixed) List(engine.List) (*Page, error) { return f.page, nil }

func fiftyOrders() fixed {
	w := world()
	w.records[formOrder] = nil
	for i := range uint64(50) {
		w.put(formOrder, i+1, map[uint32]record.Value{
			16: record.String(fmt.Sprintf("Order %d", i)), 18: record.Int(int64(i)), 19: record.Int(int64(i) * 150),
			21: record.Int(int64(i)), 23: record.String("done"), 25: record.Ref(idOf(99, 1)),
		})
	}
	p, err := w.List(engine.List{Form: formOrder, First: 50})
	if err != nil {
		panic(err)
	}
	return fixed{w, p}
}

const (
	sixFields  = `{orders{nodes{id title quantity amount due state}}}`
	withPeople = `{orders(where:{quantity:{gte:0}},orderBy:[{field:title}]){nodes{id title quantity amount assignee{id displayName} owner{displayName}}}}`
)

// TestAllocations holds the executor's allocations for a page of 50 records with
// 6 fields: plain ones, and people with a filter and an order, which are read anew
// at each run. The race detector's pools forget now and then.
func TestAllocations(t *testing.T) {
	w := fiftyOrders()
	for _, c := range []struct {
		query string
		most  float64
	}{{sixFields, 40}, {withPeople, 50}} {
		r, _, err := prepare(t, w.schema(t), c.query, "", "")
		if err != nil {
			t.Fatal(err)
		}
		got := testing.AllocsPerRun(100, func() {
			a := r.Query(context.Background(), Request{Viewer: viewer, Op: w})
			if len(a.Errors) > 0 || len(a.Data) < 5000 {
				t.Fatal(string(a.Data), a.Errors)
			}
			a.Release()
		})
		t.Logf("%s: %v allocations", c.query, got)
		if got > c.most {
			t.Errorf("%s: %v allocations, want at most %v", c.query, got, c.most)
		}
	}
}

func BenchmarkPage50x6(b *testing.B) {
	w := fiftyOrders()
	for name, query := range map[string]string{"cells": sixFields, "people": withPeople} {
		b.Run(name, func(b *testing.B) {
			r, _, err := prepare(b, w.schema(b), query, "", "")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				r.Query(context.Background(), Request{Viewer: viewer, Op: w}).Release()
			}
		})
	}
}

func BenchmarkPrepare(b *testing.B) {
	w := fiftyOrders()
	_, o, err := prepare(b, w.schema(b), `query($w:OrderFilter){orders(where:$w){nodes{id title}}}`, "", "")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.Prepare(map[string]any{"w": map[string]any{"title": map[string]any{"eq": "x"}}}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestCost is a table of predicted cells.
func TestCost(t *testing.T) {
	w := world()
	for _, c := range []struct {
		query string
		want  int
	}{
		{`{_schemaVersion}`, 1},
		{`{orders(first:10){nodes{id title}}}`, 11 + 20},
		{`{orders{nodes{id}}}`, 51 + 50},
		{`{orders(last:10){nodes{id title}}}`, 11 + 20},
		{`{orders(first:10,before:"x"){nodes{id} pageInfo{hasNextPage}}}`, 11 + 10 + 10 + 2},
		{`{node(id:"x"){id ...on Order{title lines(last:10){nodes{id}}}}}`, 4 + 2 + 11 + 10},
		{`{nodes(ids:["x","y","z"]){id ...on Order{title}}}`, 3*4 + 3*2},
		{`{orders(first:10){totalCount pageInfo{hasNextPage endCursor}}}`, 11 + 100 + 3},
		{`{orders(first:10){nodes{customer{name}}}}`, 11 + 10 + 10},
		{`{orders(first:10){nodes{lines(first:20){nodes{product id}}}}}`, 11 + 10*21 + 10*20*2},
		{`{orders(first:10){edges{cursor node{id}}}}`, 11 + 10 + 10 + 10},
		{`{a:orders(first:1000){nodes{id}} b:orders(first:1000){nodes{id}}}`, 2 * (1001 + 1000)},
		{`mutation{a:deleteOrder(id:1){id} b:deleteOrder(id:2){id}}`, 2 * 101},
	} {
		r, _, err := prepare(t, w.schema(t), c.query, "", "")
		if err != nil {
			t.Fatal(err)
		}
		if r.Cost != c.want {
			t.Errorf("%s costs %d, want %d", c.query, r.Cost, c.want)
		}
	}
	deep := `{orders(first:1000){nodes{` + strings.Repeat(`lines(first:1000){nodes{order{`, 15) + `id` + strings.Repeat(`}}}`, 15) + `}}}`
	r, _, err := prepare(t, w.schema(t), deep, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if r.Cost != costCeiling {
		t.Errorf("lists within lists cost %d", r.Cost)
	}
}

// TestCostHoldsWhatIsWritten compares the prediction with the cells of the
// answer, counted as its keys and list elements.
func TestCostHoldsWhatIsWritten(t *testing.T) {
	for _, query := range []string{
		`{orders{nodes{id title customer{name orders{nodes{id lines{nodes{product}}}}} assignee{id displayName}}}}`,
		`{orders{edges{cursor node{lines{edges{cursor node{id product order{id}}}}}} totalCount} me{rights{component}}}`,
	} {
		w := world()
		r, _, err := prepare(t, w.schema(t), query, "", "")
		if err != nil {
			t.Fatal(err)
		}
		a := r.Query(context.Background(), Request{Viewer: viewer, Op: w})
		if cells := strings.Count(string(a.Data), `":`); cells > 2*r.Cost {
			t.Errorf("%s: %d cells, predicted %d", query, cells, r.Cost)
		}
	}
}

func TestAnswerTooLarge(t *testing.T) {
	w := fiftyOrders()
	long := record.String(strings.Repeat("x", 65_000))
	w.records[formOrder] = nil
	for i := range uint64(300) {
		w.put(formOrder, i+1, map[uint32]record.Value{17: long})
	}
	got := w.fake.run(t, `{_schemaVersion orders(first:1000){nodes{note}} me{id}}`, "")
	want := "LIMIT_EXCEEDED : the answer has more than 16777216 bytes; ask for fewer records or fields\nnull"
	if got != want {
		t.Errorf("got %.200s", got)
	}
}

func TestDeadline(t *testing.T) {
	w := fiftyOrders()
	r, _, err := prepare(t, w.schema(t), `{a:_schemaVersion b:orders{nodes{viewerCanUpdate id lines{nodes{id}}}}}`, "", "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	got := w.text(t, r.Query(ctx, Request{Viewer: viewer, Op: w}))
	if got != "UNAVAILABLE : the operation was cancelled\nnull" {
		t.Error(got)
	}
}

// TestErrorsAreBounded asks for more faulty fields than errors are told.
func TestErrorsAreBounded(t *testing.T) {
	w := world()
	w.fail["Get"] = context.DeadlineExceeded
	var q strings.Builder
	for i := range 100 {
		fmt.Fprintf(&q, "a%d:order(id:\"%s\"){id} ", i, order(1))
	}
	got := w.run(t, "{"+q.String()+"}", "")
	if n := strings.Count(got, "LIMIT_EXCEEDED"); n != 20 || !strings.Contains(got, "only the first 19 are shown") {
		t.Errorf("%d errors: %s", n, got)
	}
}
