package engine

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/effort"
	"sluice/internal/filter"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
	"sluice/storage"
)

// The crowd is one form with many records: rep and rep2 own 112 each, so the
// manager over staff sees the sum of all reps; the rest belongs to a stranger.
const ownedByRep = 112

// crowd is a stage with the ids of its people by name.
type crowd struct {
	*stage
	user map[string]*oracle.User
	form *definition.Form
}

func numbered(prefix, n uint64) (id record.ID) {
	binary.BigEndian.PutUint64(id[:], prefix<<56|7<<12)
	binary.BigEndian.PutUint64(id[8:], 1<<63|n)
	return id
}

func crowdForm() *definition.Form {
	f := &definition.Form{Number: 3, Name: "Order", Plural: "orders", NextField: record.FirstField}
	for _, fd := range []record.Field{{Name: "title", Type: record.Text}, {Name: "amount", Type: record.Integer}, {Name: "state", Type: record.Text}, {Name: "helper", Type: record.User}} {
		fd.Number = f.NextField
		f.Fields = append(f.Fields, &definition.Field{Field: fd, Indexed: true})
		f.NextField++
	}
	amount, helper := f.Fields[1].Number, f.Fields[3].Number
	for i, parts := range [][]uint32{{record.FieldOwner}, {amount}, {record.FieldOwner, amount}, {helper}} {
		f.Indexes = append(f.Indexes, definition.Index{Number: uint32(i + 1), Parts: parts})
	}
	f.NextIndex = 5
	return f
}

// newCrowd stores total records: 112 of each of reps owners, the others a
// stranger's.
func newCrowd(tb testing.TB, store *storage.Store, total, reps int) *crowd {
	tb.Helper()
	return newCrowdOf(tb, store, total, reps, func(*definition.Form) {})
}

// newCrowdOf is newCrowd with a form that is changed first.
func newCrowdOf(tb testing.TB, store *storage.Store, total, reps int, change func(*definition.Form)) *crowd {
	tb.Helper()
	return newCrowdIn(tb, store, total, reps, func(app *definition.Application) { change(app.Forms[0]) })
}

// newCrowdIn is newCrowd in an application that is changed first.
func newCrowdIn(tb testing.TB, store *storage.Store, total, reps int, change func(*definition.Application)) *crowd {
	tb.Helper()
	form := crowdForm()
	app := &definition.Application{
		Name: "app", Version: 1, Hierarchy: true, Users: map[string]record.ID{"aided@x.io": numbered(1, 3)}, Forms: []*definition.Form{form},
		Roles: []*definition.Role{{Name: "CEO"}, {Name: "Manager", ReportsTo: "CEO"}, {Name: "Rep", ReportsTo: "Manager"}, {Name: "Other", ReportsTo: "CEO"}},
	}
	app.Custom = []*definition.CustomRule{{Name: "gift", Form: "Order", Effect: definition.Share, MaxLevel: definition.Read, Users: []string{"gifted@x.io"}}}
	change(app)
	all := map[string]definition.FieldAccess{}
	for _, fd := range form.Fields {
		all[fd.Name] = definition.Writable
	}
	app.Reports = []*definition.Report{{Name: "orders", Form: "Order", Default: true}}
	app.Sets = []*definition.PermissionSet{{Name: "Sales", Forms: map[string]*definition.FormPermission{"Order": {Fields: all}},
		Reports: map[string][]definition.Action{"orders": {definition.View}}}}
	app.Sharing = []*definition.SharingRule{{Name: "even", Form: "Order", Criteria: map[string]any{"state": map[string]any{"eq": "s3"}},
		To: definition.Group{User: "aided@x.io"}, Level: definition.Read}}
	w := &world.World{App: app, Records: map[string][]*oracle.Record{}}
	c := &crowd{user: map[string]*oracle.User{}, form: form}
	hire := func(name, role string, id record.ID) {
		u := &oracle.User{ID: id, Kind: identity.Live, Role: role, Set: "Sales", Credential: identity.Session, Email: name}
		w.Users, c.user[name] = append(w.Users, u), u
	}
	hire("manager", "Manager", numbered(1, 1))
	hire("stranger", "Other", numbered(1, 2))
	hire("aided", "Other", numbered(1, 3))
	for i := range reps {
		hire(fmt.Sprint("rep", i), "Rep", numbered(2, uint64(i)))
	}
	app.Users["gifted@x.io"] = numbered(1, 4)
	hire("gifted", "Other", numbered(1, 4))
	w.Modules = map[string]oracle.Module{"gift": {Truth: 5, Record: []string{"state"}}}
	c.stage = newStageOn(tb, w, store, someTenant)
	c.load(total, reps)
	return c
}

// load inserts the records in chunks; the reps' are spread among all.
func (c *crowd) load(total, reps int) {
	s := c.app.forms[c.form.Number].store
	step := max(total/(reps*ownedByRep), 1)
	for at := 0; at < total; at += 400 {
		err := c.tenant.Update(c.tb.Context(), storage.Meta{Operation: "load"}, func(txn *storage.Txn) error {
			for i := at; i < min(at+400, total); i++ {
				owner := c.user["stranger"].ID
				if n := i / step; i%step == 0 && n < reps*ownedByRep {
					owner = numbered(2, uint64(n%reps))
				}
				h := record.Header{Version: 1, AddedTime: 1, ModifiedTime: 1, Owner: owner, AddedBy: owner, ModifiedBy: owner}
				r := record.Encode(numbered(3, uint64(i)), h, record.Record{}, map[uint32]record.Value{
					c.form.Fields[0].Number: record.String(fmt.Sprint("order ", i)), c.form.Fields[1].Number: record.Int(int64(i*7919%total - 5)),
					c.form.Fields[2].Number: record.String(fmt.Sprint("s", i%10)),
				})
				if err := txn.Insert(s, r); err != nil {
					return err
				}
			}
			return nil
		})
		must(c.tb, err)
	}
}

// spent runs fn on a fresh snapshot and returns the storage work that it took.
func (c *crowd) spent(who string, fn func(*Op)) storage.Stats {
	c.tb.Helper()
	op := c.op(c.user[who])
	defer op.Close()
	before := op.Stats()
	fn(op)
	after := op.Stats()
	return storage.Stats{Keys: after.Keys - before.Keys, Gets: after.Gets - before.Gets, Cursors: after.Cursors - before.Cursors}
}

// page lists a page of 50 and demands that it is full.
func (c *crowd) page(q List) func(*Op) {
	return func(op *Op) {
		c.tb.Helper()
		q.Form, q.First = c.form.Number, 50
		p, err := op.List(q)
		must(c.tb, err)
		if len(p.Records) != 50 || !p.HasNext {
			c.tb.Fatalf("%d records, has next %v", len(p.Records), p.HasNext)
		}
	}
}

func (c *crowd) byAmount(desc bool) List {
	return List{OrderBy: []Order{{Field: c.form.Fields[1].Field, Desc: desc}}}
}

func sizes() []int {
	return []int{10_000, effort.Of(50_000, 200_000, 1_000_000)}
}

// TestCostFollowsTheVisible counts the keys that answers touch: a viewer who
// sees 112 records pays for those, however many there are, and a manager for one
// cursor per owner besides the page.
func TestCostFollowsTheVisible(t *testing.T) {
	const reps = 20
	var pages []storage.Stats
	for _, total := range sizes() {
		c := newCrowd(t, newMemory(t), total, reps)
		var got []storage.Stats
		for _, q := range []List{{}, c.byAmount(false), c.byAmount(true), {OrderBy: []Order{{Field: record.System[0], Desc: true}}}} {
			s := c.spent("rep3", c.page(q))
			if s.Keys+s.Gets > 200 || s.Cursors > 3 {
				t.Errorf("%d records: a page of one who sees 112 costs %+v", total, s)
			}
			got = append(got, s)
			const n = reps + 1 // the manager and the reps below
			s = c.spent("manager", c.page(q))
			if s.Keys+s.Gets > 150+2*n || s.Cursors > n+2 {
				t.Errorf("%d records: a page of one over %d owners costs %+v", total, n, s)
			}
			got = append(got, s)
		}
		// After the first page too.
		got = append(got, c.spent("rep3", func(op *Op) {
			q := c.byAmount(false)
			q.Form, q.First = c.form.Number, 50
			p, err := op.List(q)
			must(t, err)
			q.After = p.Cursor(49)
			before := op.Stats()
			_, err = op.List(q)
			must(t, err)
			if s := op.Stats(); s.Keys+s.Gets-before.Keys-before.Gets > 200 {
				t.Errorf("%d records: the second page costs %+v after %+v", total, s, before)
			}
		}))
		if pages != nil && !slices.Equal(pages, got) {
			t.Errorf("cost depends on what is not seen: %+v, with more records %+v", pages, got)
		}
		pages = got
		c.checkTotals(t)
		c.checkGet(t, total)
	}
	t.Logf("keys, gets, cursors at %v records: %v", sizes(), pages)
}

// checkTotals holds that counting by owner reads no record beyond the page.
func (c *crowd) checkTotals(t *testing.T) {
	q := List{Form: c.form.Number, First: 0, Total: true}
	s := c.spent("rep3", func(op *Op) {
		p, err := op.List(q)
		must(t, err)
		if p.Total != ownedByRep {
			t.Errorf("total %d", p.Total)
		}
	})
	if s.Gets > 1 || s.Keys > ownedByRep+2 {
		t.Errorf("counting 112 records costs %+v", s)
	}
}

// checkGet holds that a hidden record costs what an absent one does, but for
// the record itself that is read.
func (c *crowd) checkGet(t *testing.T, total int) {
	cost := func(id record.ID) storage.Stats {
		return c.spent("rep3", func(op *Op) {
			_, ok, err := op.Get(c.form.Number, id)
			must(t, err)
			if ok {
				t.Error("a stranger's record is seen")
			}
		})
	}
	hidden, absent := cost(numbered(3, uint64(total-1))), cost(numbered(4, 1))
	if hidden != absent {
		t.Errorf("a hidden record costs %+v, an absent one %+v", hidden, absent)
	}
}

// TestCostAllocations bounds what a decision and a page allocate.
func TestCostAllocations(t *testing.T) {
	c := newCrowd(t, newMemory(t), 2000, 5)
	op := c.op(c.user["rep3"])
	defer op.Close()
	f := c.app.forms[c.form.Number]
	rec, ok := op.raw(f, numbered(3, 0))
	if !ok {
		t.Fatal("no record")
	}
	s := &subject{op: op, form: f, rec: rec}
	if n := testing.AllocsPerRun(100, func() { op.view.Decide(c.form.Number, viewAction, s) }); n > 0 {
		t.Errorf("a decision allocates %v times", n)
	}
	ask := c.page(c.byAmount(false))
	if n := testing.AllocsPerRun(20, func() { clear(op.seen); ask(op) }); n > maxPageAllocs {
		t.Errorf("a page of 50 allocates %v times, at most %d are expected", n, maxPageAllocs)
	} else {
		t.Logf("a page of 50 allocates %v times", n)
	}
}

// maxPageAllocs is a little above what a page of 50 by an index allocates.
const maxPageAllocs = 320

func BenchmarkDecide(b *testing.B) {
	c := newCrowd(b, newMemory(b), 2000, 5)
	op := c.op(c.user["manager"])
	defer op.Close()
	f := c.app.forms[c.form.Number]
	for _, n := range []struct {
		name string
		id   record.ID
	}{{"seen", numbered(3, 0)}, {"hidden", numbered(3, 1999)}} {
		rec, _ := op.raw(f, n.id)
		s := &subject{op: op, form: f, rec: rec}
		b.Run(n.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				op.view.Decide(c.form.Number, viewAction, s)
			}
		})
	}
}

// BenchmarkPage lists a page of 50 among 100,000 records: for a rep who sees
// 112 and a manager who sees 3,472 of 31 owners; and among 10,000 for one who
// reaches a tenth by a criteria rule, and one whom a module is asked about.
func BenchmarkPage(b *testing.B) {
	c := newCrowd(b, newMemory(b), 100_000, 31)
	small := newCrowd(b, newMemory(b), 10_000, 5)
	where, faults := filter.Parse(map[string]any{"title": map[string]any{"contains": "9"}}, scopeOf(c, "rep3"), filter.Options{})
	if len(faults) > 0 {
		b.Fatal(faults)
	}
	for _, n := range []struct {
		name, who string
		c         *crowd
		q         List
	}{
		{"rep/id", "rep3", c, List{}}, {"rep/amount", "rep3", c, c.byAmount(true)}, {"rep/total", "rep3", c, List{Total: true}},
		{"manager/id", "manager", c, List{}}, {"manager/amount", "manager", c, c.byAmount(true)}, {"manager/filter", "manager", c, List{Where: where}},
		{"rule/id", "aided", small, List{}}, {"rule/amount", "aided", small, small.byAmount(true)},
		{"module/id", "gifted", small, List{}}, {"module/amount", "gifted", small, small.byAmount(true)},
	} {
		b.Run(n.name, func(b *testing.B) {
			b.ReportAllocs()
			ask := n.c.page(n.q)
			for b.Loop() {
				op := n.c.op(n.c.user[n.who])
				ask(op)
				op.Close()
			}
		})
	}
}

func scopeOf(c *crowd, who string) filter.Scope {
	op := c.op(c.user[who])
	defer op.Close()
	return op.Scope(c.form.Number)
}

// TestCostMemory holds that an operation remembers the page that it returned and
// not all that it went through.
func TestCostMemory(t *testing.T) {
	c := newCrowd(t, newMemory(t), 5000, 5)
	op := c.op(c.user["manager"])
	defer op.Close()
	where, faults := filter.Parse(map[string]any{"title": map[string]any{"contains": "5"}}, scopeOf(c, "manager"), filter.Options{})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	p, err := op.List(List{Form: c.form.Number, Where: where, First: 20, Total: true})
	must(t, err)
	if p.Total < 50 || len(op.seen) != 20 {
		t.Errorf("of %d matching records on a page of 20 the operation remembers %d", p.Total, len(op.seen))
	}
	before := op.Stats().Gets
	for _, r := range p.Records {
		if _, ok, err := op.Get(c.form.Number, r.ID()); !ok || err != nil {
			t.Errorf("%v, %v", ok, err)
		}
		if _, err := op.Can(c.form.Number, definition.Edit, r); err != nil {
			t.Error(err)
		}
	}
	if after := op.Stats().Gets; after != before {
		t.Errorf("records of the page are read again: %d gets", after-before)
	}
}
