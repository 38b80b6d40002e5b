package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
	"sluice/storage"
)

// request is one thing that a user asks; ask gives what they get to see of the
// answer, errors and cursors included.
type request struct {
	ask    func(op *Op) (text string)
	writes bool
	alone  []request // of one that writes: each of its writes by itself
}

// requests makes random requests of a user in a world, with constants from true
// cells and ids of records that may not be reached. They can be put to any
// stage of the same application.
func (s *stage) requests(u *oracle.User, rnd *rand.Rand, ids map[uint32][]record.ID) []request {
	op := s.op(u)
	defer op.Close()
	var out []request
	for _, f := range s.w.App.Forms {
		out = append(out, s.bulkWriting(op, u, f, ids))
		out = append(out, getting(f, ids[f.Number]), s.writing(f, rnd, ids))
		out = append(out, remarks(f, ids[f.Number], rnd.IntN(3)), histories(f, ids[f.Number], rnd.IntN(3)))
		for range 3 {
			keys, _ := s.orders(f, world.RandomOrder(s.w, rnd, f.Name, s.fields(op, u)))
			q := List{Form: f.Number, OrderBy: keys, First: rnd.IntN(6), Total: rnd.IntN(2) == 0}
			if fs, ok := op.view.Shape().Form(f.Number); ok && fs.View {
				q.Where = s.parse(op, f, world.RandomWhere(s.w, rnd, f.Name, s.fields(op, u)))
				if len(fs.Searchable()) > 0 && rnd.IntN(3) == 0 {
					q.Search = world.RandomQuery(rnd)
				}
			}
			if rnd.IntN(4) == 0 {
				q.Action = definition.Export
			}
			if r := s.w.App.Reports[rnd.IntN(len(s.w.App.Reports))]; rnd.IntN(2) == 0 {
				q.Report = r.Name
			}
			out = append(out, listing(f, q), windows(f, q, rnd.IntN(6), rnd.IntN(6)))
			for _, fd := range f.Fields {
				if fd.Type == record.Lookup {
					out = append(out, descending(f, fd, ids[fd.Target], q))
				}
			}
		}
	}
	return append(out, s.summing(op, u, rnd, ids)...)
}

func failure(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf("error %v %s\n", fault.KindOf(err), fault.Message(err))
}

func show(v record.Value) string {
	if refs := v.Refs(); len(refs) > 0 {
		return fmt.Sprint(v.Kind(), refs)
	}
	return fmt.Sprint(v.Kind(), v.Int(), v.Bool(), string(v.Text()), v.Ref(), v.List())
}

// describe is all that can be read of a record.
func describe(op *Op, f *definition.Form, r record.Redacted) string {
	var b strings.Builder
	fmt.Fprintln(&b, r.ID(), r.Version())
	fields := slices.Clone(record.System)
	for _, fd := range f.Fields {
		fields = append(fields, fd.Field)
	}
	c := cells{op: op, form: op.app.forms[f.Number], rec: r}
	for i := range fields {
		v := c.Get(&fields[i])
		fmt.Fprintln(&b, fields[i].Name, r.Readable(&fields[i]), show(v))
	}
	for _, a := range world.RecordActions {
		ok, err := op.Can(f.Number, a, r)
		fmt.Fprintln(&b, a, ok, failure(err))
	}
	return b.String()
}

func getting(f *definition.Form, ids []record.ID) request {
	return request{ask: func(op *Op) string {
		var b strings.Builder
		for _, id := range ids {
			r, ok, err := op.Get(f.Number, id)
			b.WriteString(failure(err))
			if ok {
				b.WriteString(describe(op, f, r))
			}
		}
		return b.String()
	}}
}

func showPage(b *strings.Builder, op *Op, f *definition.Form, page *Page) {
	fmt.Fprintln(b, page.HasNext, page.HasPrevious, page.Total)
	for i, r := range page.Records {
		fmt.Fprintln(b, page.Cursor(i), describe(op, f, r))
	}
}

func listing(f *definition.Form, q List) request {
	return request{ask: func(op *Op) string {
		var b strings.Builder
		for q := q; ; {
			page, err := op.List(q)
			if err != nil {
				return b.String() + failure(err)
			}
			showPage(&b, op, f, page)
			if !page.HasNext || q.First == 0 {
				return b.String()
			}
			q.After = page.Cursor(len(page.Records) - 1)
		}
	}}
}

func descending(f *definition.Form, link *definition.Field, parents []record.ID, q List) request {
	q.Report, q.Action = "", definition.NoAction
	return request{ask: func(op *Op) string {
		var b strings.Builder
		pages, err := op.Children(link.Field, parents, q)
		b.WriteString(failure(err))
		for i, page := range pages {
			if len(page.Records) > 0 || page.Total > 0 {
				fmt.Fprint(&b, parents[i], " ")
			}
			if len(page.Records) > 0 || page.Total > 0 || page.HasNext {
				showPage(&b, op, f, page)
			}
		}
		return b.String()
	}}
}

var errRollback = errors.New("not kept")

// writing tries to change and delete records, and to add some that are much
// like them; none of it is kept.
func (s *stage) writing(f *definition.Form, rnd *rand.Rand, ids map[uint32][]record.ID) request {
	type try struct {
		kind    int
		id      record.ID
		input   map[uint32]record.Value
		version uint32
	}
	var tries []try
	for range 6 {
		t := try{kind: rnd.IntN(6), id: record.ID{1}, version: uint32(rnd.IntN(3))}
		if known := ids[f.Number]; len(known) > 0 {
			t.id = known[rnd.IntN(len(known))]
		}
		t.input = s.randomInput(f, rnd, ids, t.kind == 0)
		tries = append(tries, t)
	}
	attempt := func(op *Op, t try) string {
		var err error
		switch t.kind {
		case 0:
			_, err = op.Create(f.Number, t.input)
		case 1:
			err = op.Delete(f.Number, t.id, t.version)
		case 4:
			_, err = op.AddComment(f.Number, t.id, "remark", nil)
		default:
			err = op.Update(f.Number, t.id, t.input, t.version)
		}
		return fmt.Sprintln(t.kind, failure(err))
	}
	all := request{writes: true, ask: func(op *Op) string {
		var b strings.Builder
		for _, t := range tries {
			b.WriteString(attempt(op, t))
		}
		return b.String()
	}}
	for _, t := range tries {
		all.alone = append(all.alone, request{writes: true, ask: func(op *Op) string { return attempt(op, t) }})
	}
	return all
}

// randomInput gives values to some fields of a form; all required ones where
// whole. User fields are left out: who may stand there is the directory's.
func (s *stage) randomInput(f *definition.Form, rnd *rand.Rand, ids map[uint32][]record.ID, whole bool) map[uint32]record.Value {
	input := map[uint32]record.Value{}
	for _, fd := range f.Fields {
		if fd.Type == record.User || rnd.IntN(3) > 0 && !(whole && fd.Required) {
			continue
		}
		v := record.Value{}
		if rows := s.w.Records[f.Name]; len(rows) > 0 && rnd.IntN(4) > 0 {
			v = rows[rnd.IntN(len(rows))].Cells[fd.Name]
		}
		if known := ids[fd.Target]; fd.Type == record.Lookup && len(known) > 0 {
			v = record.Ref(known[rnd.IntN(len(known))])
		}
		input[fd.Number] = v
	}
	return input
}

// answer puts a request to a stage, on a snapshot or in a transaction that is
// not kept.
func (s *stage) answer(u *oracle.User, ask request) string {
	var text string
	err := s.change(u, func(op *Op) error {
		text = ask.ask(op)
		return errRollback
	})
	if !errors.Is(err, errRollback) {
		s.tb.Fatalf("seed %d: %v", s.w.Seed, err)
	}
	return text
}

// change runs fn as a write of the user.
func (s *stage) change(u *oracle.User, fn func(op *Op) error) error {
	w := &writeState{now: time.UnixMicro(1_760_000_000_000_000).UTC()}
	return s.tenant.Update(s.tb.Context(), storage.Meta{Actor: u.ID, Operation: "test"}, func(txn *storage.Txn) error {
		w.next = 0
		op := s.opOn(u, txn, nil)
		op.txn, op.write = txn, w
		op.people = &directory.People{} // nobody may be named
		return fn(op)
	})
}

// idsOf lists the ids of all records of both worlds, and one of none, by form.
func idsOf(a, b *world.World) map[uint32][]record.ID {
	ids := map[uint32][]record.ID{}
	for _, f := range a.App.Forms {
		all := []record.ID{{1}}
		for _, w := range []*world.World{a, b} {
			for _, r := range w.Records[f.Name] {
				all = append(all, r.ID)
			}
		}
		slices.SortFunc(all, compareIDs)
		ids[f.Number] = slices.Compact(all)
	}
	return ids
}

// singly takes writes apart: where others hide something else, a write may put a
// record out of reach in one world and not in the other, as its new state may
// (W3), and the next write of the same operation would tell (P3).
func singly(asks []request) (out []request) {
	for _, ask := range asks {
		if ask.writes {
			out = append(out, ask.alone...)
			continue
		}
		out = append(out, ask)
	}
	return out
}

func comparePair(t *testing.T, a, b *world.World, u *oracle.User, rnd *rand.Rand) {
	one, two := newStageWithPast(t, a, &past{u, 1}), newStageWithPast(t, b, &past{b.User(u.ID), 2})
	defer one.close()
	defer two.close()
	two.kept(a)
	asks := append(one.kept(a), one.requests(u, rnd, idsOf(a, b))...)
	if !slices.Equal(a.Hides, b.Hides) {
		asks = singly(asks)
	}
	for i, ask := range asks {
		x, y := one.answer(u, ask), two.answer(u, ask)
		if x != y {
			t.Fatalf("seed %d: %s tells two worlds apart by request %d:\n%s\n---\n%s", a.Seed, u.Email, i, x, y)
		}
		if ask.writes {
			continue
		}
		if z := one.onSnapshot(u, ask); z != x {
			t.Fatalf("seed %d: %s gets another answer from a snapshot than in a transaction to request %d:\n%s\n---\n%s", a.Seed, u.Email, i, x, z)
		}
	}
}

// TestP3_UnseenChangesNothing is the two-world proof (P2, P3, P8): worlds that
// differ only in what a user may not see give the same answers, errors, totals
// and cursors, byte for byte.
func TestP3_UnseenChangesNothing(t *testing.T) {
	prove(t, 150, 8_000, func(t *testing.T, seed uint64) {
		for salt := uint64(3); ; salt++ {
			rnd := rand.New(rand.NewPCG(seed, salt))
			w := world.Random(seed+salt<<40, sizeOf(seed))
			u := w.Users[rnd.IntN(len(w.Users))]
			if other, ok := world.Mutate(w, rnd, u); ok {
				comparePair(t, w, other, u, rnd)
				return
			}
		}
	})
}
