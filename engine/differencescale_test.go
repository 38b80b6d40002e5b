package engine

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/effort"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
	"sluice/storage"
	"sluice/storage/badgerstore"
	"sluice/storage/memstore"
)

// salesSource is the definition of a company with everything that decides about
// records: a tree of roles, sets, reports with criteria, rules of every kind, a
// child form and personal data.
func salesSource() string {
	var b strings.Builder
	b.WriteString(`
application: app
hierarchy: true
viewerAttributes:
  - {name: region, type: text}
forms:
  - name: Deal
    plural: deals
    fields:
      - {name: title, type: text}
      - {name: amount, type: integer}
      - {name: stage, type: choice, choices: [open, won, lost]}
      - {name: region, type: text}
      - {name: assignee, type: user}
      - {name: tax, type: text, pii: true}
  - name: Line
    plural: lines
    fields:
      - {name: deal, type: lookup, to: Deal, required: true, parent: true}
      - {name: product, type: text}
      - {name: quantity, type: integer}
reports:
  - {name: openDeals, form: Deal, criteria: {stage: {eq: open}}}
  - {name: bigDeals, form: Deal, criteria: {amount: {gte: 900}}}
  - {name: mine, form: Deal, criteria: {assignee: {eq: VIEWER}}}
roles:
  - {name: CEO}
`)
	for i := range 40 {
		up := "CEO"
		if i >= 4 {
			up = fmt.Sprint("R", i/4-1)
		}
		fmt.Fprintf(&b, "  - {name: R%d, reportsTo: %s, sharePeers: %v}\n", i, up, i%5 == 0)
	}
	b.WriteString("permissionSets:\n")
	for i := range 8 {
		fmt.Fprintf(&b, `  - name: S%d
    forms:
      Deal: {actions: [ACCESS], fields: {"*": VISIBLE, amount: %s}}
      Line: {fields: {"*": VISIBLE}}
    reports:
      deals: [%s]
      openDeals: [VIEW%s]
      bigDeals: [%s]
      mine: [VIEW, EDIT]
      lines: [VIEW, EDIT]
`, i, []string{"VISIBLE", "READ_ONLY", "HIDDEN"}[i%3], []string{"VIEW", "VIEW, EDIT", "VIEW, EDIT, DELETE", "VIEW, EXPORT"}[i%4],
			[]string{"", ", VIEW_ALL"}[i/4], []string{"VIEW", "VIEW, EDIT, MODIFY_ALL"}[i%2])
	}
	b.WriteString(`
sharingRules:
  - {name: up, form: Deal, from: {roleAndSubordinates: R0}, to: {roleAndSubordinates: R1}, level: READ}
  - {name: won, form: Deal, criteria: {stage: {eq: won}}, to: {roleAndSubordinates: R2}, level: READ_WRITE}
  - {name: assigned, form: Deal, field: assignee, level: READ_WRITE}
  - {name: by hand, form: Deal, from: {user: person7@x.io}, to: {user: person8@x.io}, level: READ_WRITE_DELETE}
customRules:
  - {name: regional, form: Deal, effect: SHARE, maxLevel: READ}
  - {name: shade, form: Deal, effect: MASK, fields: [amount, tax], sets: [S1, S2]}
`)
	return b.String()
}

// salesChanged is the same with personal data shown to some, other rights and rules.
var salesChanged = strings.NewReplacer(
	"  - name: S4\n", "  - name: S4\n    pii: SHOW\n",
	"reportsTo: R3,", "reportsTo: R2,",
	"amount: {gte: 900}", "amount: {gte: 800}",
	"level: READ}\n  - {name: won", "level: READ_WRITE}\n  - {name: won",
	"sets: [S1, S2]", "sets: [S2, S3]",
)

// sales is the company before and after a change, with records in between.
type sales struct {
	*stage
	after *world.World
	admin *oracle.User
}

func salesApp(tb testing.TB, source string, users []*oracle.User) *definition.Application {
	tb.Helper()
	numbers := uint32(0)
	app, faults := definition.Resolve([]byte(source), definition.Context{
		NextForm: func() uint32 { numbers++; return numbers },
		Users: func(address string) (record.ID, bool) {
			i := slices.IndexFunc(users, func(u *oracle.User) bool { return u.Email == address })
			return users[max(i, 0)].ID, i >= 0
		},
	})
	if len(faults) > 0 {
		tb.Fatal(faults)
	}
	for _, s := range app.Sets { // custom sets hide new personal data (B9)
		if p := s.Forms["Deal"]; p != nil {
			p.Fields["tax"] = definition.ReadOnly
		}
	}
	return app
}

func newSales(tb testing.TB, store *storage.Store, people, deals, lines int) *sales {
	tb.Helper()
	users := []*oracle.User{{ID: numbered(1, 1), Email: "boss", Kind: identity.SuperAdmin, Credential: identity.Session}}
	for i := range people - 1 {
		users = append(users, &oracle.User{
			ID: numbered(2, uint64(i)), Email: fmt.Sprintf("person%d@x.io", i), Kind: identity.Live, Credential: identity.Session,
			Role: fmt.Sprint("R", i%40), Set: fmt.Sprint("S", i/40%8), Attributes: map[string]record.Value{"region": record.String(fmt.Sprint("region ", i%6))},
		})
	}
	w := &world.World{
		App: salesApp(tb, salesSource(), users), Users: users, Records: map[string][]*oracle.Record{},
		Modules: map[string]oracle.Module{"regional": {Truth: 4, Record: []string{"region"}, Viewer: []string{"region"}}, "shade": {Truth: 5, Record: []string{"stage", "amount"}}},
	}
	after := *w
	after.App = salesApp(tb, salesChanged.Replace(salesSource()), users)
	s := &sales{newStageOn(tb, w, store, someTenant), &after, users[0]}
	s.load(1, deals, func(i int) map[uint32]record.Value {
		v := map[uint32]record.Value{16: record.String("t"), 17: record.Int(int64(i * 7919 % 1000)), 18: record.String([]string{"open", "won", "lost"}[i%3]), 19: record.String(fmt.Sprint("region ", i%6))}
		if i%4 == 0 {
			v[20] = record.Ref(numbered(2, uint64(i*31%(people-1))))
		}
		if i%2 == 0 {
			v[21] = record.String("DE123")
		}
		return v
	}, people)
	s.load(2, lines, func(i int) map[uint32]record.Value {
		return map[uint32]record.Value{16: record.Ref(numbered(11, uint64(i*13%deals))), 17: record.String("p"), 18: record.Int(int64(i % 9))}
	}, people)
	return s
}

func (s *sales) load(form uint32, n int, values func(i int) map[uint32]record.Value, people int) {
	f := s.app.forms[form].store
	for at := 0; at < n; at += 300 {
		s.update(func(txn *storage.Txn) error {
			for i := at; i < min(at+300, n); i++ {
				owner := numbered(2, uint64(i*17%(people-1)))
				h := record.Header{Version: 1, AddedTime: 1, ModifiedTime: 1, Owner: owner, AddedBy: owner, ModifiedBy: owner}
				if err := txn.Insert(f, record.Encode(numbered(10+uint64(form), uint64(i)), h, record.Record{}, values(i))); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// BenchmarkDifference compares two definitions, and two assignments, over 1,000
// people and 100,000 records.
func BenchmarkDifference(b *testing.B) {
	for name, open := range map[string]func() *storage.Store{
		"memory": memstore.Open,
		"badger": func() *storage.Store {
			store, err := badgerstore.Open(b.TempDir(), nil)
			must(b, err)
			return store
		},
	} {
		s := newSales(b, open(), 1000, 60_000, 40_000)
		b.Run(name+"/definition", func(b *testing.B) { s.benchmark(b, s.after) })
		moved := *s.w
		moved.Users = slices.Clone(s.w.Users)
		for i := 10; i < 20; i++ {
			u := *moved.Users[i]
			u.Role, u.Set = "R1", "S5"
			moved.Users[i] = &u
		}
		b.Run(name+"/assignments", func(b *testing.B) { s.benchmark(b, &moved) })
		s.close()
	}
}

// BenchmarkDifferenceDigest compares two definitions over 1,000 people and 100,000
// records, with counts alone and with the digest of all rows.
func BenchmarkDifferenceDigest(b *testing.B) {
	s := newSales(b, memstore.Open(), 1000, 60_000, 40_000)
	defer s.close()
	b.Run("counts", func(b *testing.B) { s.benchmark(b, s.after) })
	b.Run("digest", func(b *testing.B) {
		before, rows := processorTime(b), 0
		for b.Loop() {
			g := &digester{h: sha256.New()}
			rows = 0
			d := s.differ(s.admin, s.after, &CompareOptions{Samples: 5, Each: func(r *DifferenceRow) error { rows++; return g.row(r) }})
			_, err := g.sum(d)
			must(b, err)
		}
		b.ReportMetric((processorTime(b)-before).Seconds()/float64(b.N), "cpu-s/op")
		b.ReportMetric(float64(rows), "rows")
	})
}

func (s *sales) benchmark(b *testing.B, after *world.World) {
	before := processorTime(b)
	for b.Loop() {
		d := s.differ(s.admin, after, &CompareOptions{Samples: 5, Progress: func(int, int) {}})
		if d.Empty() || d.Records != 100_000 || d.People != 1000 {
			b.Fatalf("%d records, %d people", d.Records, d.People)
		}
	}
	b.ReportMetric((processorTime(b)-before).Seconds()/float64(b.N), "cpu-s/op")
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys)/(1<<20), "sys-MiB")
}

// TestP10_DifferenceEqualsDecideAtScale compares every row of a difference over many
// people and records with policy.Decide about each of them: 1,000 and 10,000 in a
// night.
func TestP10_DifferenceEqualsDecideAtScale(t *testing.T) {
	people, records := effort.Of(60, 250, 1000), effort.Of(300, 2_500, 10_000)
	s := newSales(t, memstore.Open(), people, records*6/10, records*4/10)
	defer s.close()
	got := map[Pair]string{}
	s.differ(s.admin, s.after, &CompareOptions{Samples: 3, Each: func(r *DifferenceRow) error {
		got[Pair{r.Person, r.Record}] = r.text()
		return nil
	}})
	var mu sync.Mutex
	seen := 0
	var wait sync.WaitGroup
	for part := range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			n := s.decideAll(part, runtime.GOMAXPROCS(0), got)
			mu.Lock()
			seen += n
			mu.Unlock()
		})
	}
	wait.Wait()
	if seen != len(got) || seen == 0 {
		t.Errorf("%d rows, %d by hand", len(got), seen)
	}
	t.Logf("%d gains and losses of %d people on %d records", seen, people, records)
}

// decideAll decides about every person and each record of a part, one by one, and
// returns how many pairs turn.
func (s *sales) decideAll(part, of int, got map[Pair]string) (n int) {
	op := s.op(s.admin)
	defer op.Close()
	c := newComparison(op, s.sideOf(s.w, ""), s.sideOf(s.after, " anew"), &CompareOptions{})
	for _, form := range slices.Sorted(maps.Keys(s.app.forms)) {
		records := op.r.Records(s.app.forms[form].store, storage.Range{})
		for i := 0; records.Next(); i++ {
			if i%of != part {
				continue
			}
			rec := records.Record().Clone()
			for at, person := range c.people {
				was, is := c.before.oneByOne(c, at, form, rec), c.after.oneByOne(c, at, form, rec)
				want := ""
				if line := changedByHand(was, is); line != "" {
					want = fmt.Sprint(form, " ", person, " ", rec.ID(), line)
					n++
				}
				if have := got[Pair{person, rec.ID()}]; have != want {
					s.tb.Errorf("got  %s\nwant %s", have, want)
					return n
				}
			}
		}
		records.Close()
	}
	return n
}

// oneByOne is what rightsByHand is, by policy.Decide and a redacted record.
func (s *side) oneByOne(c *comparison, at int, form uint32, rec record.Record) (out []int) {
	f, v := s.app.forms[form], s.views[at]
	shape, ok := v.Shape().Form(form)
	if !ok {
		return nil
	}
	sub := &slowly{&weighed{c: c, side: s, form: f, rec: rec}, v}
	may := map[definition.Action]bool{}
	for _, a := range world.RecordActions {
		if may[a] = v.Decide(form, a, sub); may[a] {
			out = append(out, -int(a))
		}
	}
	if !may[definition.View] {
		return out
	}
	cut := record.Redact(rec, shape.Visible, v.Masked(form, sub))
	for n, fd := range f.fields {
		readable := cut.Readable(fd)
		if readable {
			out = append(out, int(n))
		}
		gives := n != f.def.OwnerField && n != record.FieldOwner || v.MayChangeOwner(form, sub)
		writable := shape.Writable.Has(n) || n == record.FieldOwner && f.def.OwnerField == 0
		if readable && may[definition.Edit] && writable && gives {
			out = append(out, 10_000+int(n))
		}
	}
	slices.Sort(out)
	return out
}

// slowly is a record for one viewer.
type slowly struct {
	*weighed
	v *policy.View
}

func (s *slowly) Outcome(rule *definition.CustomRule) policy.Outcome {
	return s.weighed.Outcome(rule, &policy.Asking{View: s.v, Key: s.c.question(s.side, rule, s.v)})
}

func (s *slowly) Parent() (policy.Subject, bool) {
	up, ok := s.above()
	return &slowly{up, s.v}, ok
}
