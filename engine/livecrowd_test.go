package engine

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"sluice/internal/directory"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/ruletest"
	"sluice/storage"
)

// crowdShapes is in how many shapes a crowd comes: as many sets, each with fields
// of its own.
const crowdShapes = 20

// audience is a feed with many subscribers.
type audience struct {
	e     *Engine
	tn    storage.Tenant
	feed  *liveFeed
	form  *form
	users []record.ID
	subs  []*Subscription
	deal  map[int]record.ID // of users, by their position
}

// crowdSource is an application with one role and set for each shape; everybody
// sees all deals, or their own.
func crowdSource(all bool) string {
	right, fields, roles, sets := "VIEW", "", "", ""
	if all {
		right = "VIEW_ALL"
	}
	for i := range crowdShapes {
		fields += fmt.Sprintf("      - {name: f%d, type: text}\n", i)
		roles += fmt.Sprintf("  - {name: r%d, reportsTo: CEO}\n", i)
		sets += fmt.Sprintf("  - name: s%d\n    forms:\n      Deal: {fields: {\"*\": VISIBLE, f%d: HIDDEN}}\n    reports:\n      deals: [%s]\n", i, i, right)
	}
	return "application: crowd\nforms:\n  - name: Deal\n    plural: deals\n    fields:\n      - {name: title, type: text}\n" + fields +
		"hierarchy: true\nroles:\n  - {name: CEO}\n" + roles + "permissionSets:\n" + sets
}

// crowdPeople holds everybody in one of the roles.
type crowdPeople struct{}

func (crowdPeople) RoleOf(record.ID) string    { return "r0" }
func (crowdPeople) Members(string) []record.ID { return nil }

func newAudience(tb testing.TB, n int, all bool) *audience {
	tb.Helper()
	store := newMemory(tb)
	d := directory.New(store, &directory.Options{HashMemory: 64})
	e, err := New(Options{Store: store, Directory: d, Rules: ruletest.NewDouble(), Inspect: noModules})
	must(tb, err)
	tenant, super, err := d.CreateOrganization(tb.Context(), "crowd", directory.NewUser{Email: "super@x.io", DisplayName: "Super", Password: password})
	must(tb, err)
	p := signIn(tb, d, tenant, super, identity.Session)
	out, err := e.Apply(tb.Context(), p, []byte(crowdSource(all)), false)
	must(tb, err)
	if len(out.Faults) > 0 {
		tb.Fatal(out.Faults)
	}
	a := &audience{e: e, tn: store.Tenant(tenant), deal: map[int]record.ID{}}
	_, err = e.sealer(tb.Context(), tenant)
	must(tb, err)
	op, err := e.Read(tb.Context(), p, "crowd")
	must(tb, err)
	defer op.Close()
	f, _ := op.app.def.Form("Deal")
	a.form = op.app.forms[f.Number]
	a.feed = newLiveFeed(e, appKey{tenant, "crowd"})
	a.feed.advance(op.r)
	for i := range n {
		a.join(tb, op, i)
	}
	return a
}

// join subscribes somebody who is in no directory.
func (a *audience) join(tb testing.TB, op *Op, i int) {
	u := record.ID{0xaa, byte(i >> 16), byte(i >> 8), byte(i), 1}
	viewer := identity.Viewer{
		Tenant: a.tn.ID(), User: u, Kind: identity.Live, Application: "crowd",
		Role: fmt.Sprint("r", i%crowdShapes), PermissionSet: fmt.Sprint("s", i%crowdShapes), Credential: identity.Session,
	}
	principal := identity.Principal{Tenant: a.tn.ID(), User: u, Credential: identity.Session, CredentialID: fmt.Sprint(i)}
	rights := liveRights{a.e, principal, op.people, op.epoch, op.app, op.app.policy.View(viewer, crowdPeople{}, nil)}
	view, err := rights.over(tb.Context(), op.r).liveView(LiveQuery{Form: a.form.def.Number})
	must(tb, err)
	title := a.form.fields[a.form.def.Fields[0].Number]
	s := &Subscription{
		feed: a.feed, principal: principal, expires: time.Now().Add(time.Hour), wake: make(chan struct{}, 1), form: a.form.def.Number,
		sink: LiveSink{Share: viewer.PermissionSet, Encode: func(_ *Op, ev LiveEvent) (Encoded, error) {
			return Encoded{Bytes: fmt.Appendf(nil, `{"data":{"dealChanges":{"kind":%q,"deal":{"title":%q}}}}`, ev.Kind, ev.Record.Get(title).Text())}, nil
		}},
	}
	s.standing = view.standing()
	a.feed.view(s, view)
	a.feed.add(s, view)
	a.users, a.subs = append(a.users, u), append(a.subs, s)
}

// write commits a change of somebody's deal.
func (a *audience) write(tb testing.TB, who int, title string) {
	tb.Helper()
	must(tb, a.tn.Update(tb.Context(), storage.Meta{Operation: "test"}, func(txn *storage.Txn) error {
		id, known := a.deal[who]
		h := record.Header{Version: 1, Owner: a.users[who]}
		cells := map[uint32]record.Value{a.form.def.Fields[0].Number: record.String(title)}
		if !known {
			id = record.NewID(time.Now())
			a.deal[who] = id
			return txn.Insert(a.form.store, record.Encode(id, h, record.Record{}, cells))
		}
		old, _, err := txn.Record(a.form.store, id)
		if err != nil {
			return err
		}
		h.Version = old.Version() + 1
		return txn.Update(a.form.store, old, record.Encode(id, h, record.Record{}, cells))
	}))
}

// heard takes what everybody was told.
func (a *audience) heard(tb testing.TB) (n int) {
	tb.Helper()
	for _, s := range a.subs {
		for {
			_, ok, err := s.take()
			must(tb, err)
			if !ok {
				break
			}
			n++
		}
	}
	return n
}

// TestFiveThousandSubscribers holds what 5,000 subscribers in 20 shapes cost: one
// decision where one of them owns the record, twenty where all see it, and a
// bounded memory of each.
func TestFiveThousandSubscribers(t *testing.T) {
	const n = 5000
	for name, c := range map[string]struct {
		all                  bool
		views, judged, heard int
	}{
		"own": {false, n, 1, 1},
		"all": {true, crowdShapes, crowdShapes, n},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			a := newAudience(t, n, c.all)
			runtime.GC()
			runtime.ReadMemStats(&after)
			if per := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / n; per > 16<<10 {
				t.Errorf("a subscriber takes %d bytes", per)
			}
			if len(a.feed.views) != c.views {
				t.Errorf("%d views, want %d", len(a.feed.views), c.views)
			}
			from := a.feed.pos
			a.write(t, 7, "one")
			snap, err := a.tn.Snapshot()
			must(t, err)
			defer snap.Close()
			to, err := snap.LastChange()
			must(t, err)
			b, err := newLiveBatch(snap, from, to, func(uint32) bool { return true })
			must(t, err)
			concerned, err := a.feed.concerned(b)
			must(t, err)
			if len(concerned) != c.judged {
				t.Errorf("%d views are asked, want %d", len(concerned), c.judged)
			}
			a.feed.turn()
			if got := a.heard(t); got != c.heard {
				t.Errorf("%d hear of it, want %d", got, c.heard)
			}
		})
	}
}

// BenchmarkSubscribers measures what a commit costs beside itself when 5,000
// subscribe in 20 shapes: the owner hears of it, or everybody does.
func BenchmarkSubscribers(b *testing.B) {
	for _, name := range []string{"own", "all"} {
		b.Run(name, func(b *testing.B) {
			a := newAudience(b, 5000, name == "all")
			a.write(b, 7, "first")
			a.feed.turn()
			a.heard(b)
			var used time.Duration
			b.ResetTimer()
			for i := range b.N {
				b.StopTimer()
				a.write(b, 7, strings.Repeat("x", 1+i%9))
				b.StartTimer()
				before := processorTime(b)
				a.feed.turn()
				used += processorTime(b) - before
				b.StopTimer()
				a.heard(b)
				b.StartTimer()
			}
			b.ReportMetric(float64(used.Microseconds())/1000/float64(b.N), "cpu-ms/commit")
		})
	}
}

func noModules(context.Context, []byte) (*rules.Manifest, rules.Hash, error) {
	return nil, rules.Hash{}, nil
}
