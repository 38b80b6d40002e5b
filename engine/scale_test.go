package engine

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/effort"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/ruletest"
	"sluice/storage"
	"sluice/storage/driver"
	"sluice/storage/memstore"
)

// counter counts what is written.
type counter struct {
	driver.Driver
	writes, bytes atomic.Int64
}

func (c *counter) Commit(ctx context.Context, snap uint64, reads [][]byte, writes []driver.Write) (uint64, error) {
	for _, w := range writes {
		c.bytes.Add(int64(len(w.Key) + len(w.Value) + len(w.AlsoValue)))
	}
	c.writes.Add(int64(len(writes)))
	return c.Driver.Commit(ctx, snap, reads, writes)
}

// firm is an organization with an application of one form, over storage that
// counts.
type firm struct {
	tb     testing.TB
	e      *Engine
	d      *directory.Directory
	tenant storage.Tenant
	disk   *counter
	id     map[string]record.ID
	as     map[string]identity.Principal
}

func newFirm(tb testing.TB, roles string) *firm {
	tb.Helper()
	f := &firm{tb: tb, disk: &counter{Driver: memstore.NewDriver()}, id: map[string]record.ID{}, as: map[string]identity.Principal{}}
	store, err := storage.New(f.disk, nil)
	must(tb, err)
	tb.Cleanup(func() { must(tb, store.Close()) })
	f.d = directory.New(store, &directory.Options{HashMemory: 64})
	f.e, err = New(Options{Store: store, Directory: f.d, Rules: ruletest.NewDouble(),
		Inspect: func(context.Context, []byte) (*rules.Manifest, rules.Hash, error) { return nil, rules.Hash{}, nil }})
	must(tb, err)
	tenant, boss, err := f.d.CreateOrganization(tb.Context(), "zylker", directory.NewUser{Email: "boss@x.io", DisplayName: "Boss", Password: password})
	must(tb, err)
	f.tenant = store.Tenant(tenant)
	f.id["boss"], f.as["boss"] = boss, signIn(tb, f.d, tenant, boss, identity.Session)
	f.define(roles)
	return f
}

// firmSource is the definition with the roles given, one a line.
func firmSource(roles string) []byte {
	const head = `
application: crm
hierarchy: true
forms:
  - name: Deal
    plural: deals
    fields:
      - {name: title, type: text}
      - {name: amount, type: integer, indexed: true}
permissionSets:
  - name: Sales
    forms: {Deal: {actions: [ACCESS], fields: {"*": VISIBLE}}}
    reports: {deals: [VIEW, EDIT]}
roles:
  - {name: CEO}
`
	return []byte(head + roles)
}

func role(name, up string) string { return fmt.Sprintf("  - {name: %s, reportsTo: %s}\n", name, up) }

func (f *firm) apply(roles string) (*Applied, error) {
	return f.e.Apply(f.tb.Context(), f.as["boss"], firmSource(roles), false)
}

func (f *firm) define(roles string) {
	f.tb.Helper()
	out, err := f.apply(roles)
	must(f.tb, err)
	if len(out.Faults) > 0 {
		f.tb.Fatal(out.Faults)
	}
}

func (f *firm) hire(name, role string) {
	f.tb.Helper()
	id, err := f.d.AddUser(f.tb.Context(), f.as["boss"], directory.NewUser{Email: name + "@x.io", DisplayName: name, Password: password})
	must(f.tb, err)
	f.id[name] = id
	f.place(name, role)
	f.as[name] = signIn(f.tb, f.d, f.tenant.ID(), id, identity.Session)
}

func (f *firm) place(name, role string) {
	f.tb.Helper()
	must(f.tb, f.d.Assign(f.tb.Context(), f.as["boss"], directory.Assignment{
		User: f.id[name], Application: "crm", Kind: identity.Live, Role: role, PermissionSet: "Sales",
	}, nil))
}

// deals stores n records of one owner, as many as fit in a transaction.
func (f *firm) deals(owner string, n int) {
	f.tb.Helper()
	op := f.open("boss")
	form := op.app.forms[f.deal(op)]
	op.Close()
	by := f.id[owner]
	for at := 0; at < n; at += 400 {
		must(f.tb, f.tenant.Update(f.tb.Context(), storage.Meta{Operation: "load"}, func(txn *storage.Txn) error {
			for i := at; i < min(at+400, n); i++ {
				h := record.Header{Version: 1, AddedTime: 1, ModifiedTime: 1, Owner: by, AddedBy: by, ModifiedBy: by}
				r := record.Encode(dealID(owner, i), h, record.Record{}, map[uint32]record.Value{
					form.def.Fields[0].Number: record.String(owner), form.def.Fields[1].Number: record.Int(int64(i * 7919 % 1000)),
				})
				if err := txn.Insert(form.store, r); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

// dealID orders the records by owner first.
func dealID(owner string, i int) record.ID {
	id := numbered(3, uint64(i))
	id[1] = owner[0]
	return id
}

func (f *firm) open(who string) *Op {
	f.tb.Helper()
	op, err := f.e.Read(f.tb.Context(), f.as[who], "crm")
	must(f.tb, err)
	return op
}

func (f *firm) deal(op *Op) uint32 {
	form, ok := op.Application().Form("Deal")
	if !ok {
		f.tb.Fatal("no form")
	}
	return form.Number
}

// page lists the first 50, and says what it cost and whose records they are.
func (f *firm) page(who string) (cost storage.Stats, owners map[string]int) {
	f.tb.Helper()
	op := f.open(who)
	defer op.Close()
	before := op.Stats()
	p, err := op.List(List{Form: f.deal(op), First: 50})
	must(f.tb, err)
	after := op.Stats()
	cost = storage.Stats{Keys: after.Keys - before.Keys, Gets: after.Gets - before.Gets, Cursors: after.Cursors - before.Cursors}
	owners = map[string]int{}
	for _, r := range p.Records {
		owners[string(r.Get(&op.app.forms[f.deal(op)].def.Fields[0].Field).Text())]++
	}
	return cost, owners
}

// total counts what somebody reaches.
func (f *firm) total(who string) int {
	op := f.open(who)
	defer op.Close()
	p, err := op.List(List{Form: f.deal(op), Total: true})
	must(f.tb, err)
	return p.Total
}

// logged walks the change log from a sequence on.
func (f *firm) logged(from uint64) (changes []storage.Change, next uint64) {
	f.tb.Helper()
	snap, err := f.tenant.Snapshot()
	must(f.tb, err)
	defer snap.Close()
	c := snap.Changes(from)
	defer c.Close()
	for next = from; c.Next(); next = c.Change().Seq + 1 {
		ch := c.Change()
		changes = append(changes, storage.Change{Form: ch.Form, Space: ch.Space, Key: strings.Clone(ch.Key)})
	}
	must(f.tb, c.Err())
	return changes, next
}

const regions = "  - {name: East, reportsTo: CEO}\n  - {name: West, reportsTo: CEO}\n" +
	"  - {name: East rep, reportsTo: East}\n  - {name: West rep, reportsTo: West}\n"

// TestE3RoleMoveRewritesNothing moves somebody who owns many records to another
// role. The move writes the person and their place, whatever they own; the next
// page of the former and of the new manager shows it, and costs the same however
// many records changed hands.
func TestE3RoleMoveRewritesNothing(t *testing.T) {
	type figures struct {
		writes, logged int
		east, west     storage.Stats
	}
	sizes := []int{1000, 4000}
	if effort.Full() {
		sizes = []int{1000, 100_000}
	}
	var all []figures
	for _, size := range sizes {
		f := newFirm(t, regions)
		f.hire("east", "East")
		f.hire("west", "West")
		f.hire("mover", "East rep")
		f.deals("east", 60)
		f.deals("west", 20)
		f.deals("mover", size)
		if e, w := f.total("east"), f.total("west"); e != 60+size || w != 20 {
			t.Fatalf("before the move they reach %d and %d", e, w)
		}
		_, next := f.logged(1)
		writes := f.disk.writes.Load()
		f.place("mover", "West rep")
		got := figures{writes: int(f.disk.writes.Load() - writes)}
		changes, _ := f.logged(next)
		got.logged = len(changes)
		for _, ch := range changes {
			if ch.Form != 0 || ch.Space != directory.SpaceUser && ch.Space != directory.SpaceAssignment {
				t.Errorf("the move changed %+v", ch)
			}
		}
		var owners map[string]int
		if got.east, owners = f.page("east"); owners["mover"] != 0 || owners["east"] != 50 {
			t.Errorf("the former manager's page: %v", owners)
		}
		if got.west, owners = f.page("west"); owners["mover"] != 50 {
			t.Errorf("the new manager's page: %v", owners)
		}
		if e, w := f.total("east"), f.total("west"); e != 60 || w != 20+size {
			t.Errorf("after the move they reach %d and %d", e, w)
		}
		for who, cost := range map[string]storage.Stats{"east": got.east, "west": got.west} {
			if cost.Keys+cost.Gets > 150+2*2 {
				t.Errorf("%d records moved: a page of %s costs %+v", size, who, cost)
			}
		}
		if got.writes > 8 {
			t.Errorf("the move of %d records wrote %d keys", size, got.writes)
		}
		all = append(all, got)
	}
	if all[0] != all[1] {
		t.Errorf("cost depends on what is owned: %+v for %d, %+v for %d", all[0], sizes[0], all[1], sizes[1])
	}
	t.Logf("writes, changes, pages: %+v", all[0])
}

// manyRoles are n roles with ten below each.
func manyRoles(n int, name func(int) string) string {
	var b strings.Builder
	for i := range n {
		up := "CEO"
		if i >= 10 {
			up = name(i/10 - 1)
		}
		b.WriteString(role(name(i), up))
	}
	return b.String()
}

// TestC1TenThousandRoles applies as many roles as are allowed, with names that
// repeat and with names that nothing can shorten, and the stored definition
// stands a restart. One more is refused, and so are two that make a circle.
func TestC1TenThousandRoles(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	noise := make([]string, 10_000)
	for i := range noise {
		noise[i] = fmt.Sprintf("x%d", i)
		for range 5 {
			noise[i] += fmt.Sprintf("%05x", rnd.IntN(1<<20))
		}
	}
	f := newFirm(t, regions)
	f.hire("rep", "West rep")
	for what, name := range map[string]func(int) string{
		"short": func(i int) string { return fmt.Sprint("role ", i) },
		"noise": func(i int) string { return noise[i] },
	} {
		roles := regions + manyRoles(9_995, name)
		f.define(roles)
		f.place("rep", name(9_000))
		restarted, err := New(f.e.o)
		must(t, err)
		op, err := restarted.Read(t.Context(), f.as["rep"], "crm")
		must(t, err)
		if n := len(op.Application().Roles); n != 10_000 || op.View().Viewer().Role != name(9_000) {
			t.Errorf("%s: %d roles, %q", what, n, op.View().Viewer().Role)
		}
		version := op.Application().Version
		op.Close()
		for want, source := range map[string]string{
			"at most 10000":     roles + role("one more", "CEO"),
			"reports to itself": strings.Replace(roles, "East, reportsTo: CEO", "East, reportsTo: East rep", 1),
		} {
			if what == "noise" {
				continue // as before, and slow
			}
			out, err := f.apply(source)
			if err != nil || !slices.ContainsFunc(out.Faults, func(x definition.Fault) bool { return strings.Contains(x.String(), want) }) {
				t.Errorf("%s: want a fault with %q, got %v, %v", what, want, out, err)
			}
		}
		op = f.open("rep")
		if op.Application().Version != version {
			t.Errorf("%s: a refused document became version %d", what, op.Application().Version)
		}
		op.Close()
	}
}

// TestDefinitionInParts stores documents around the length of a part, and loses
// each part in turn: nothing is read of what is not whole.
func TestDefinitionInParts(t *testing.T) {
	f := newFirm(t, regions)
	put := func(fn func(*storage.Txn) error) error {
		return f.tenant.Update(t.Context(), storage.Meta{Operation: "test"}, fn)
	}
	for i, n := range []int{1, partSize - 1, partSize, partSize + 1, 2 * partSize, maxParts * partSize} {
		doc := make([]byte, n)
		doc[0], doc[n-1] = 1, 2
		key := fmt.Sprint("test/", i)
		must(t, put(func(txn *storage.Txn) error { return putParts(txn, key, doc) }))
		snap, err := f.tenant.Snapshot()
		must(t, err)
		got, ok, err := readParts(snap, key)
		if err != nil || !ok || !slices.Equal(got, doc) {
			t.Errorf("%d bytes: read %d, %v, %v", n, len(got), ok, err)
		}
		snap.Close()
	}
	err := put(func(txn *storage.Txn) error { return putParts(txn, "test/long", make([]byte, maxParts*partSize+1)) })
	denied(t, err, fault.Limit)
}

// TestC1ConcurrentEditsMakeNoCircle applies two documents at once, each a tree,
// that together would put two roles below each other. Both are whole documents:
// one is the next version of the other, and every version is one of the two.
func TestC1ConcurrentEditsMakeNoCircle(t *testing.T) {
	f := newFirm(t, role("A", "CEO")+role("B", "CEO"))
	edits := [2]string{role("A", "B") + role("B", "CEO"), role("A", "CEO") + role("B", "A")}
	for round := range 10 {
		f.define(role("A", "CEO") + role("B", "CEO"))
		var wg sync.WaitGroup
		for _, edit := range edits {
			wg.Go(func() {
				if out, err := f.apply(edit); err != nil && fault.KindOf(err) != fault.Conflict || err == nil && len(out.Faults) > 0 {
					t.Errorf("round %d: %v, %v", round, out, err)
				}
			})
		}
		wg.Wait()
		op := f.open("boss")
		up := map[string]string{}
		for _, r := range op.Application().Roles {
			up[r.Name] = r.ReportsTo
		}
		if !maps.Equal(up, map[string]string{"CEO": "", "A": "B", "B": "CEO"}) && !maps.Equal(up, map[string]string{"CEO": "", "A": "CEO", "B": "A"}) {
			t.Errorf("round %d: %v", round, up)
		}
		op.Close()
	}
}

// TestC3ReadersSeeOneTree moves a team with all below it between two managers,
// by new versions of the definition, while both read: what an operation reaches
// is what the tree of its own version says, in every part of its answer.
func TestC3ReadersSeeOneTree(t *testing.T) {
	tree := func(above string) string {
		return regions + role("Team", above) + role("Junior", "Team")
	}
	f := newFirm(t, tree("East"))
	f.hire("east", "East")
	f.hire("west", "West")
	f.hire("lead", "Team")
	f.hire("junior", "Junior")
	f.deals("lead", 7)
	f.deals("junior", 5)
	var stop atomic.Bool
	var wg sync.WaitGroup
	for who, name := range map[string]string{"east": "East", "west": "West"} {
		wg.Go(func() {
			for !stop.Load() {
				f.readTree(who, name)
			}
		})
	}
	for i := range 40 {
		f.define(tree([]string{"West", "East"}[i%2]))
	}
	stop.Store(true)
	wg.Wait()
}

// readTree checks one operation of a manager against the tree of its version.
func (f *firm) readTree(who, name string) {
	op, err := f.e.Read(f.tb.Context(), f.as[who], "crm")
	if err != nil {
		f.tb.Error(err)
		return
	}
	defer op.Close()
	team, _ := op.Application().Role("Team")
	want := 0
	if team.ReportsTo == name {
		want = 12
	}
	form := f.deal(op)
	p, err := op.List(List{Form: form, First: 50, Total: true})
	if err != nil || len(p.Records) != want || p.Total != want {
		f.tb.Errorf("version %d: %s lists %d of %d, want %d (%v)", op.Application().Version, who, len(p.Records), p.Total, want, err)
	}
	for _, owner := range []string{"lead", "junior"} {
		if _, ok, err := op.Get(form, dealID(owner, 1)); ok != (want > 0) || err != nil {
			f.tb.Errorf("version %d: %s reads the deal of %s: %v, %v", op.Application().Version, who, owner, ok, err)
		}
	}
}
