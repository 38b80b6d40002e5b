package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sluice/engine/decided"
	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
	"sluice/rules"
	"sluice/rules/ruletest"
	"sluice/storage"
)

// TestH2_KeptAnswersChangeNothing holds, on random worlds, that answers of rules
// that are kept change nothing that anybody sees: for everybody, time and again,
// after writes that happened and after those that did not, between two
// organizations that are equal but for what their records hold.
func TestH2_KeptAnswersChangeNothing(t *testing.T) {
	prove(t, 40, 250, func(t *testing.T, seed uint64) {
		k := newKeeping(t, world.Random(seed, sizeOf(seed)), seed)
		defer k.close()
		for range 2 {
			k.compare()
			k.compare() // what is known now is used
			k.attempt(errors.New("not committed"))
			k.compare()
			k.attempt(nil)
		}
		k.compare()
	})
}

// keeping is one world, and its mirror in another organization whose records have
// each other's contents. Both stages use one cache.
type keeping struct {
	t    *testing.T
	rnd  *rand.Rand
	both [2]*stage
	kept *decided.Cache
}

func newKeeping(t *testing.T, w *world.World, seed uint64) *keeping {
	k := &keeping{t: t, rnd: rand.New(rand.NewPCG(seed, 6)), kept: decided.New(decided.Usual)}
	k.both[0] = newStage(t, w)
	k.both[1] = stageOver(t, w, k.both[0].stored, identity.Tenant{8, 7, 6, 5, 4, 3, 2, 1})
	was := w.Records
	w.Records = map[string][]*oracle.Record{}
	for form, rows := range was {
		for i, r := range rows {
			other := *rows[len(rows)-1-i]
			other.ID, other.Version = r.ID, r.Version
			w.Records[form] = append(w.Records[form], &other)
		}
	}
	k.both[1].store()
	w.Records = was
	return k
}

func (k *keeping) close() { k.both[0].close() }

// compare asks for everything as everybody, with the cache and without.
func (k *keeping) compare() {
	k.t.Helper()
	for _, s := range k.both {
		for _, u := range s.w.Users {
			s.e.decided = nil
			want := s.told(u)
			s.e.decided = k.kept
			if got := s.told(u); got != want {
				k.t.Fatalf("seed %d: %s of %v: with answers that were kept\n%s\nwithout\n%s", s.w.Seed, u.Email, s.tenant.ID(), got, want)
			}
		}
	}
}

// told is all that somebody is told of the records of all forms.
func (s *stage) told(u *oracle.User) string {
	op := s.op(u)
	defer op.Close()
	refill(op)
	return tellAll(s.w, op)
}

func tellAll(w *world.World, op *Op) string {
	var b strings.Builder
	for _, f := range w.App.Forms {
		op.trimAll()
		for _, q := range append(ordered(f), []List{
			{First: 2, Total: true}, {First: 2}, {First: MaxPage}, {First: MaxPage, Backward: true, Total: true},
			{First: MaxPage, Action: definition.Export}, {First: 3, Total: true, OrderBy: someOrder(f)}, {First: 1, Backward: true},
		}...) {
			q.Form = f.Number
			page, err := op.List(q)
			if err != nil {
				fmt.Fprintln(&b, f.Name, err)
				continue
			}
			fmt.Fprintln(&b, f.Name, page.Total, page.HasNext, page.HasPrevious)
			for _, r := range page.Records {
				fmt.Fprintf(&b, " %v %x", r.ID(), r.AppendMask(nil))
				for _, fd := range f.Fields {
					fmt.Fprint(&b, " ", r.Get(&fd.Field))
				}
			}
			fmt.Fprintln(&b)
			if op.trimAll(); (page.HasNext || page.HasPrevious) && len(page.positions) > 0 {
				if q.After = page.Cursor(len(page.positions) - 1); q.Backward {
					q.After, q.Before = "", page.Cursor(0)
				}
				next, err := op.List(q)
				fmt.Fprintln(&b, " then", err)
				for i := 0; next != nil && i < len(next.Records); i++ {
					fmt.Fprintln(&b, "  ", next.Records[i].ID())
				}
			}
		}
		groups, err := op.Aggregate(Aggregation{List: List{Form: f.Number}, First: 10})
		if err == nil {
			fmt.Fprintln(&b, groups.Groups)
		}
		for _, r := range w.Records[f.Name] {
			for _, a := range world.RecordActions {
				may, err := op.may(f.Number, a, []record.ID{r.ID})
				fmt.Fprint(&b, may, err != nil)
			}
		}
	}
	return b.String()
}

// ordered are lists in the orders of fields that have an index.
func ordered(f *definition.Form) (out []List) {
	for _, ix := range f.Indexes {
		fd, ok := f.FieldNumber(ix.Parts[len(ix.Parts)-1])
		if !ok || ix.Unique || ix.Words != 0 || !fd.Orderable() || fd.Number < record.FirstField {
			continue
		}
		out = append(out, List{First: 2, OrderBy: []Order{{Field: fd.Field}}},
			List{First: 2, Backward: true, OrderBy: []Order{{Field: fd.Field, NullsFirst: true}}},
			List{First: 2, OrderBy: []Order{{Field: fd.Field, Desc: true}}})
	}
	return out[:min(len(out), 6)]
}

// someOrder is a list's order by the first field that has one.
func someOrder(f *definition.Form) []Order {
	for _, fd := range f.Fields {
		if fd.Orderable() {
			return []Order{{Field: fd.Field}}
		}
	}
	return nil
}

// trimAll forgets what the operation itself remembers.
func (op *Op) trimAll() {
	clear(op.outcomes)
	clear(op.seen)
	clear(op.grants)
	if op.asker != nil {
		op.asker.trimAll()
	}
}

// attempt writes to both organizations: some records get the contents of others,
// some go, some come back under their id. In the transaction everybody reads what
// it wrote. It ends as asked.
func (k *keeping) attempt(end error) {
	for _, s := range k.both {
		meta := storage.Meta{Operation: "keeping"}
		err := s.tenant.Update(k.t.Context(), meta, func(txn *storage.Txn) error {
			for _, f := range s.w.App.Forms {
				if err := k.rewrite(s, txn, f); err != nil {
					return err
				}
			}
			for _, u := range s.w.Users {
				op := s.opOn(u, txn, nil)
				refill(op)
				tellAll(s.w, op)
			}
			return end
		})
		if !errors.Is(err, end) {
			k.t.Fatalf("seed %d: %v", s.w.Seed, err)
		}
	}
}

func (k *keeping) rewrite(s *stage, txn *storage.Txn, f *definition.Form) error {
	form := s.app.forms[f.Number].store
	rows := s.w.Records[f.Name]
	for _, r := range rows {
		old, found, err := txn.Record(form, r.ID)
		if err != nil {
			return err
		}
		next := *rows[k.rnd.IntN(len(rows))]
		next.ID, next.Version = r.ID, old.Version()+1
		switch at := k.rnd.IntN(6); {
		case !found:
			next.Version = 1
			err = txn.Insert(form, encode(f, &next))
		case at == 0:
			err = txn.Delete(form, old)
		case at < 4:
			err = txn.Update(form, old, encode(f, &next))
		}
		var taken *storage.UniqueError
		if err != nil && !errors.As(err, &taken) {
			return err
		}
	}
	return nil
}

// TestH2_KeptAnswersAreUsed: what is asked once is not asked again, whoever of
// those with equal attributes asks, until the record changes.
func TestH2_KeptAnswersAreUsed(t *testing.T) {
	k := newRuled(t, 300)
	asked := func(who string) int {
		before := k.double.Asked(k.hash)
		k.count(who)
		return k.double.Asked(k.hash) - before
	}
	for _, c := range []struct {
		who  string
		want int
	}{{"north", 300}, {"north", 0}, {"also north", 0}, {"south", 300}, {"south", 0}} {
		if got := asked(c.who); got != c.want {
			t.Errorf("%s: %d records were asked about, want %d", c.who, got, c.want)
		}
	}
	k.move(7)
	for _, c := range []struct {
		who  string
		want int
	}{{"also north", 1}, {"north", 0}, {"south", 1}} {
		if got := asked(c.who); got != c.want {
			t.Errorf("after a change, %s: %d records were asked about, want %d", c.who, got, c.want)
		}
	}
	k.e.decided = nil
	if got := asked("north"); got != 300 {
		t.Errorf("without a cache %d records were asked about", got)
	}
}

// TestH2_AnotherVersionIsAsked: what one version of a rule answered is not the
// answer of another, and is there again when the rule goes back to it.
func TestH2_AnotherVersionIsAsked(t *testing.T) {
	k := newRuled(t, 10)
	for _, c := range []struct {
		name string
		f    ruletest.Func
		want int
	}{
		{"ruled", regional, 5},
		{"all", func(_, _ []record.Value) rules.Verdict { return rules.Verdict{Grant: 1} }, 10},
		{"none", func(_, _ []record.Value) rules.Verdict { return rules.Verdict{} }, 0},
		{"ruled", regional, 5},
	} {
		k.swap(c.name, c.f)
		for range 2 {
			if got := k.count("north"); got != c.want {
				t.Errorf("%s: %d records are seen, want %d", c.name, got, c.want)
			}
		}
	}
	if asked := k.double.Asked(k.hash); asked != 10 {
		t.Errorf("%d records were asked about", asked)
	}
}

// quarantined is a runner that has put every rule in quarantine.
type quarantined struct{ rules.Runner }

func (quarantined) Quarantined(identity.Tenant, rules.Hash) bool { return true }

func (quarantined) Decide(_ context.Context, _ *rules.Batch, _ *rules.Fuel, out []rules.Verdict) error {
	for i := range out {
		out[i] = rules.Verdict{Fault: rules.FaultQuarantine}
	}
	return nil
}

// TestH4_QuarantineEndsWhatWasAnswered: what a rule granted before it was put in
// quarantine it does not grant any more.
func TestH4_QuarantineEndsWhatWasAnswered(t *testing.T) {
	k := newRuled(t, 10)
	if got := k.count("north"); got != 5 {
		t.Fatalf("%d records are seen", got)
	}
	k.e.o.Rules = quarantined{k.double}
	if got := k.count("north"); got != 0 {
		t.Errorf("%d records are seen by a rule in quarantine", got)
	}
}

// TestH4_FaultsAreNotKept: a rule that fails is asked again each time, and every
// time it is counted.
func TestH4_FaultsAreNotKept(t *testing.T) {
	k := newRuled(t, 10)
	for range 2 {
		op := k.op(k.user["broken"])
		if got := k.counted(op); got != 0 || op.Faults() != 10 {
			t.Errorf("%d records are seen, %d faults are counted", got, op.Faults())
		}
		op.Close()
	}
}

// TestH2_OldStatesFindNothing: an older state of a record that is asked about later does
// not take the place of the newest.
func TestH2_OldStatesFindNothing(t *testing.T) {
	k := newRuled(t, 10)
	old := k.op(k.user["north"])
	defer old.Close()
	was := k.ids(old)
	k.move(0)
	k.count("north")
	old.trimAll()
	if again := k.ids(old); !slices.Equal(again, was) {
		t.Errorf("a snapshot lists %v, and before %v", again, was)
	}
	now := k.op(k.user["north"])
	defer now.Close()
	if got := k.ids(now); slices.Equal(got, was) {
		t.Error("the change changed nothing")
	}
}

// TestH2_GrantsOfAWholeWalkOnly: what a rule grants is listed by those walks alone
// that saw the whole form, and the list costs what is granted.
func TestH2_GrantsOfAWholeWalkOnly(t *testing.T) {
	const total = 2000
	list := func(k *ruled, q List) *Page {
		op := k.op(k.user["north"])
		defer op.Close()
		q.Form = k.form.Number
		page, err := op.List(q)
		must(t, err)
		return page
	}
	for name, walk := range map[string]func(*ruled){
		"the first page": func(k *ruled) { list(k, List{First: 5}) },
		"the last page":  func(k *ruled) { list(k, List{First: 5, Backward: true}) },
		"behind a cursor": func(k *ruled) {
			first := list(k, List{First: 300})
			list(k, List{First: MaxPage, After: first.Cursor(299)})
		},
		"before a cursor": func(k *ruled) {
			first := list(k, List{First: 300})
			list(k, List{First: MaxPage, Before: first.Cursor(299)})
		},
		"everything": func(k *ruled) { list(k, List{First: 1, Total: true}) },
	} {
		k := newRuled(t, total)
		walk(k)
		if got := k.count("north"); got != total/2 {
			t.Errorf("after %s %d records are seen", name, got)
		}
		k.move(3)
		k.move(8)
		k.move(13)
		if got := k.count("north"); got != total/2-1 {
			t.Errorf("after %s and changes %d records are seen", name, got)
		}
	}
	k := newRuled(t, total)
	k.count("sparse")
	work := k.spent("sparse", func(op *Op) { k.counted(op) })
	if work.Gets+work.Keys > 50 {
		t.Errorf("%+v for a record", work)
	}
}

// ruled is a crowd of one rule that tells viewers apart by an attribute: some get
// half of the records, some a few, some all, one makes the rule fail.
type ruled struct {
	*crowd
	hash rules.Hash
}

func newRuled(tb testing.TB, total int) *ruled { return newRuledOn(tb, newMemory(tb), total) }

func newRuledOn(tb testing.TB, store *storage.Store, total int) *ruled {
	tb.Helper()
	k := &ruled{crowd: newCrowd(tb, store, total, 1)}
	m := &rules.Manifest{ABI: 1, Form: "Order", Effect: rules.Share, Grant: 1,
		Record: []rules.Column{{Name: "amount", Type: record.Integer}, {Name: "state", Type: record.Text}},
		Viewer: []rules.Column{{Name: "region", Type: record.Text}},
	}
	k.app.bindings[k.w.App.Custom[0]] = &binding{manifest: m, columns: []*record.Field{&k.form.Fields[1].Field, &k.form.Fields[2].Field}}
	k.swap("ruled", regional)
	for name, region := range map[string]string{"north": "n", "also north": "n", "south": "s", "sparse": "few", "wide": "all", "broken": "trap"} {
		u := *k.user["gifted"]
		u.Email, u.Attributes = name, map[string]record.Value{"region": record.String(region)}
		k.user[name] = &u
	}
	return k
}

// swap puts another version of the module in the place of the one that decides.
func (k *ruled) swap(name string, f ruletest.Func) {
	k.tb.Helper()
	rule := k.w.App.Custom[0]
	next := *k.app.bindings[rule]
	module, hash := k.double.Register(name, next.manifest, f)
	_, err := k.double.Load(k.tb.Context(), k.tenant.ID(), module)
	must(k.tb, err)
	k.hash, next.hash = hash, hash
	k.app.bindings[rule] = &next
}

func regional(viewer, row []record.Value) rules.Verdict {
	north := string(row[1].Text()) < "s5"
	grants := false
	switch string(viewer[0].Text()) {
	case "trap":
		return rules.Verdict{Fault: rules.FaultTrap}
	case "n":
		grants = north
	case "s":
		grants = !north
	case "few":
		grants = row[0].Int()%2000 == 0
	case "all":
		grants = true
	}
	if grants {
		return rules.Verdict{Grant: 1}
	}
	return rules.Verdict{}
}

// move brings a record from the north to the south, or back.
func (k *ruled) move(i int) {
	k.tb.Helper()
	form := k.app.forms[k.form.Number].store
	k.update(func(txn *storage.Txn) error {
		old, _, err := txn.Record(form, numbered(3, uint64(i)))
		if err != nil {
			return err
		}
		h, state := old.Header(), k.form.Fields[2].Field
		h.Version++
		to := "s0"
		if string(old.Get(&state).Text()) < "s5" {
			to = "s9"
		}
		return txn.Update(form, old, record.Encode(old.ID(), h, old, map[uint32]record.Value{state.Number: record.String(to)}))
	})
}

func (k *ruled) count(who string) int {
	k.tb.Helper()
	op := k.op(k.user[who])
	defer op.Close()
	return k.counted(op)
}

func (k *ruled) counted(op *Op) int {
	k.tb.Helper()
	page, err := op.List(List{Form: k.form.Number, First: 50, Total: true})
	must(k.tb, err)
	return page.Total
}

func (k *ruled) ids(op *Op) (out []record.ID) {
	k.tb.Helper()
	page, err := op.List(List{Form: k.form.Number, First: MaxPage})
	must(k.tb, err)
	for _, r := range page.Records {
		out = append(out, r.ID())
	}
	return out
}
