package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

// slowRunner has no module ready, and time is over when one was to be loaded.
type slowRunner struct {
	rules.Runner
	cancel context.CancelFunc
}

func (r slowRunner) Loaded(identity.Tenant, rules.Hash) bool { return false }

func (r slowRunner) Load(ctx context.Context, _ identity.Tenant, _ []byte) (rules.Hash, error) {
	r.cancel()
	return rules.Hash{}, ctx.Err()
}

// lateRunner answers with faults once time is over, as a sandbox without memory
// for another guest does.
type lateRunner struct {
	rules.Runner
	cancel context.CancelFunc
}

func (r lateRunner) Decide(_ context.Context, _ *rules.Batch, _ *rules.Fuel, out []rules.Verdict) error {
	r.cancel()
	for i := range out {
		out[i].Fault = rules.FaultMissing
	}
	return nil
}

// badModules cannot read the modules' documents.
type badModules struct{ storage.Reader }

func (r badModules) Doc(s storage.Space, key string) ([]byte, bool, error) {
	if s == spaceModule {
		return nil, false, errPlanted
	}
	return r.Reader.Doc(s, key)
}

// TestP7_ModulesThatCannotBeLoaded holds that what keeps a module from being
// asked, other than the module, ends the answer: no list is shorter for it.
func TestP7_ModulesThatCannotBeLoaded(t *testing.T) {
	h := newHouse(t)
	row := []rules.Column{{Name: "stage", Type: record.Text}}
	h.fill("embargo", rules.Manifest{Effect: rules.Restrict, Record: row}, func(_, _ []record.Value) rules.Verdict { return rules.Verdict{Grant: 1} })
	h.add("rep", "Deal", cell{"title": "a", "stage": "open"})
	if got := h.list("rex", "Deal", nil); len(got) != 1 {
		t.Fatalf("%d records are seen", len(got))
	}
	for _, c := range []struct {
		name   string
		runner func(context.CancelFunc) rules.Runner
		broken bool
		want   error
	}{
		{"no time to load", func(cancel context.CancelFunc) rules.Runner { return slowRunner{h.double, cancel} }, false, context.Canceled},
		{"no time to ask", func(cancel context.CancelFunc) rules.Runner { return lateRunner{h.double, cancel} }, false, context.Canceled},
		{"read error", func(cancel context.CancelFunc) rules.Runner { return slowRunner{h.double, cancel} }, true, errPlanted},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			h.e.o.Rules = c.runner(cancel)
			h.e.decided = nil // what is known needs no module
			op, err := h.e.Read(ctx, h.as["rex"], "crm")
			must(t, err)
			defer op.Close()
			if c.broken {
				op.r = badModules{op.r}
			}
			if p, err := op.List(List{Form: h.form("Deal").Number, First: 10}); !errors.Is(err, c.want) {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

// lapsing is over when it has been asked often enough.
type lapsing struct {
	context.Context
	left int
}

func (c *lapsing) Err() error {
	if c.left--; c.left < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// TestCostOfCountingEnds holds the deadline against a walk that reads no record.
func TestCostOfCountingEnds(t *testing.T) {
	c := newCrowd(t, newMemory(t), 5_000, 2)
	op := c.op(c.user["stranger"])
	defer op.Close()
	op.ctx = &lapsing{Context: t.Context(), left: 2}
	if p, err := op.List(List{Form: c.form.Number, Total: true}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%+v, %v", p, err)
	}
}

// TestCostOfMemory holds that an operation does not remember all that it reads.
func TestCostOfMemory(t *testing.T) {
	const total, reps = 10_000, 2
	c := newCrowd(t, newMemory(t), total, reps)
	where, faults := filter.Parse(map[string]any{"title": map[string]any{"contains": "order"}}, scopeOf(c, "stranger"), filter.Options{})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	op := c.op(c.user["stranger"])
	defer op.Close()
	p, err := op.List(List{Form: c.form.Number, Where: where, First: 5, Total: true})
	must(t, err)
	if want := total - reps*ownedByRep; p.Total != want {
		t.Errorf("total %d, expected %d", p.Total, want)
	}
	if n := len(op.seen); n > maxSeen+windowSize {
		t.Errorf("%d records are remembered", n)
	}
}

// TestP7_CursorsOfLongKeys goes on behind the longest cursor that a list gives,
// and demands that an order which could give a longer one is refused.
func TestP7_CursorsOfLongKeys(t *testing.T) {
	c := newCrowd(t, newMemory(t), 0, 1)
	f := c.app.forms[c.form.Number]
	title := c.form.Fields[0].Field
	must(t, c.tenant.Update(t.Context(), storage.Meta{}, func(txn *storage.Txn) error {
		for i := range uint64(2) {
			h := record.Header{Version: 1, Owner: c.user["stranger"].ID, AddedBy: c.user["stranger"].ID}
			r := record.Encode(numbered(3, i), h, record.Record{}, map[uint32]record.Value{title.Number: record.String(strings.Repeat("x", record.MaxText))})
			if err := txn.Insert(f.store, r); err != nil {
				return err
			}
		}
		return nil
	}))
	op := c.op(c.user["stranger"])
	defer op.Close()
	q := List{Form: c.form.Number, First: 1, OrderBy: slices.Repeat([]Order{{Field: title}}, MaxOrder)}
	first, err := op.List(q)
	must(t, err)
	q.After = first.Cursor(0)
	second, err := op.List(q)
	must(t, err)
	if len(second.Records) != 1 || second.Records[0].ID() != numbered(3, 1) || second.HasNext {
		t.Errorf("%d records follow", len(second.Records))
	}
	q.OrderBy = append(q.OrderBy, Order{Field: title})
	if _, err := op.List(q); fault.KindOf(err) != fault.Limit {
		t.Error(err)
	}
}
