package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
	"sluice/storage"
)

// exported are the ids among listed that the user may export, in their order.
func (s *stage) exported(u *oracle.User, form string, listed []record.ID) []record.ID {
	return slices.DeleteFunc(slices.Clone(listed), func(id record.ID) bool {
		return !oracle.MaySee(s.w, u, definition.Export, form, s.w.Find(form, id))
	})
}

// walked collects what a walk gives.
func (s *stage) walked(op *Op, q List) (ids []record.ID) {
	s.tb.Helper()
	must(s.tb, op.Walk(q, func(rs []record.Redacted) error {
		for _, r := range rs {
			ids = append(ids, r.ID())
		}
		return nil
	}))
	return ids
}

// narrower counts the exports of live users that hold some of what they view.
var narrower atomic.Int64

func (s *stage) compareExport(op *Op, u *oracle.User, f *definition.Form, rnd *rand.Rand) {
	fs, ok := op.view.Shape().Form(f.Number)
	if !ok || !fs.View {
		return
	}
	for i := range 3 {
		var where map[string]any
		var keys []oracle.Order
		if i > 0 {
			where = world.RandomWhere(s.w, rnd, f.Name, s.fields(op, u))
		}
		if i > 1 {
			keys = world.RandomOrder(s.w, rnd, f.Name, s.fields(op, u))
		}
		ours, theirs := s.orders(f, keys)
		q := List{Form: f.Number, Action: definition.Export, Where: s.parse(op, f, where), OrderBy: ours, First: 1 + rnd.IntN(9)}
		all := oracle.List(s.w, u, f.Name, where, theirs)
		want := s.exported(u, f.Name, all)
		if u.Kind == identity.Live && len(want) > 0 && len(want) < len(all) {
			narrower.Add(1)
		}
		what := fmt.Sprintf("%s exports %s where %v order %+v", u.Email, f.Name, where, theirs)
		s.walk(op, what, q, want)
		got := s.walked(op, q)
		if len(ours) == 0 { // any order will do
			slices.SortFunc(got, compareIDs)
			slices.SortFunc(want, compareIDs)
		}
		if !slices.Equal(got, want) {
			s.tb.Fatalf("seed %d: %s:\nengine %v\noracle %v", s.w.Seed, what, got, want)
		}
		if !fs.Export && len(want) > 0 {
			s.tb.Fatalf("seed %d: %s may export %s by oracle, not by shape", s.w.Seed, u.Email, f.Name)
		}
	}
}

// TestB7ExportIsItsOwnReach compares exports of random worlds with the oracle:
// with filter and order, in pages and in one walk, of forms and of reports.
func TestB7ExportIsItsOwnReach(t *testing.T) {
	n := worlds(60, 5_000)
	sharded(t, n, func(t *testing.T, i int) {
		seed := firstSeed() + uint64(i)*31
		rnd := rand.New(rand.NewPCG(seed, 7))
		s := newStage(t, world.Random(seed, world.Small))
		defer s.close()
		for _, u := range s.w.Users {
			op := s.op(u)
			for _, f := range s.w.App.Forms {
				s.compareExport(op, u, f, rnd)
			}
			for _, r := range s.w.App.Reports {
				f, _ := s.w.App.Form(r.Form)
				if fs, ok := op.view.Shape().Form(f.Number); !ok || !fs.View {
					continue
				}
				q := List{Form: f.Number, Report: r.Name, Action: definition.Export, OrderBy: []Order{{Field: record.System[0]}}}
				want := s.exported(u, f.Name, oracle.ListReport(s.w, u, r.Name, nil, nil))
				slices.SortFunc(want, compareIDs)
				if got := s.walked(op, q); !slices.Equal(got, want) {
					t.Fatalf("seed %d: %s exports report %s: engine %v, oracle %v", seed, u.Email, r.Name, got, want)
				}
			}
			op.Close()
		}
	})
	if narrower.Load() < int64(n/10) {
		t.Errorf("only %d exports of %d worlds were narrower than their lists", narrower.Load(), n)
	}
}

// TestB7ExportCellsAreQueryCells: an export hands on what a query reads: records
// cut to the viewer's cells, the same as Get gives.
func TestB7ExportCellsAreQueryCells(t *testing.T) {
	for i := range worlds(20, 1_000) {
		seed := firstSeed() + uint64(i)*17
		s := newStage(t, world.Random(seed, world.Small))
		for _, u := range s.w.Users {
			op := s.op(u)
			for _, f := range s.w.App.Forms {
				if fs, ok := op.view.Shape().Form(f.Number); !ok || !fs.Export {
					continue
				}
				must(t, op.Walk(List{Form: f.Number, Action: definition.Export}, func(rs []record.Redacted) error {
					for _, r := range rs {
						s.compareCells(op, u, f, s.w.Find(f.Name, r.ID()), r)
					}
					return nil
				}))
			}
			op.Close()
		}
		s.close()
	}
}

// TestP3_ExportTellsNothingUnseen is the two-world proof over exports.
func TestP3_ExportTellsNothingUnseen(t *testing.T) {
	n := worlds(40, 3_000)
	pairs := 0
	for seed := firstSeed(); pairs < n; seed++ {
		rnd := rand.New(rand.NewPCG(seed, 9))
		w := world.Random(seed, world.Small)
		u := w.Users[rnd.IntN(len(w.Users))]
		other, ok := world.Mutate(w, rnd, u)
		if !ok {
			continue
		}
		pairs++
		one, two := newStage(t, w), newStage(t, other)
		for _, f := range w.App.Forms {
			op := one.op(u)
			keys, _ := one.orders(f, world.RandomOrder(w, rnd, f.Name, one.fields(op, u)))
			q := List{Form: f.Number, Action: definition.Export, OrderBy: append(keys, Order{Field: record.System[0]})}
			if fs, ok := op.view.Shape().Form(f.Number); ok && fs.View {
				q.Where = one.parse(op, f, world.RandomWhere(w, rnd, f.Name, one.fields(op, u)))
			}
			op.Close()
			ask := request{ask: func(op *Op) string {
				var b strings.Builder
				err := op.Walk(q, func(rs []record.Redacted) error {
					for _, r := range rs {
						b.WriteString(describe(op, f, r))
					}
					return nil
				})
				return b.String() + failure(err)
			}}
			if x, y := one.answer(u, ask), two.answer(u, ask); x != y {
				t.Fatalf("seed %d: %s tells two worlds apart by an export of %s:\n%s\n---\n%s", seed, u.Email, f.Name, x, y)
			}
		}
		one.close()
		two.close()
	}
}

// take exports from a form of the house; meanwhile runs before each step.
func (h *house) take(who, form string, meanwhile func()) (ids []record.ID, rows int, err error) {
	h.t.Helper()
	rows, err = h.e.Export(h.t.Context(), h.as[who], "crm", form, func(op *Op, shape *policy.FormShape) (List, json.RawMessage, Exporter, error) {
		return List{}, json.RawMessage(`{"by":"test"}`), func(rs []record.Redacted) error {
			for _, r := range rs {
				ids = append(ids, r.ID())
			}
			if meanwhile != nil {
				meanwhile()
			}
			return nil
		}, nil
	})
	return ids, rows, err
}

// TestB7ExportNeedsItsRight: a form that the viewer knows is FORBIDDEN, any
// other the same NOT_FOUND as one that does not exist.
func TestB7ExportNeedsItsRight(t *testing.T) {
	h := newHouse(t)
	h.add("rep", "Deal", cell{"title": "a"})
	_, _, err := h.take("rep", "Deal", nil)
	denied(t, err, fault.Forbidden)
	_, _, err = h.take("all", "Customer", nil)
	hidden := denied(t, err, fault.NotFound)
	_, _, err = h.take("all", "Nothing", nil)
	if unknown := denied(t, err, fault.NotFound); strings.ReplaceAll(hidden, "Customer", "Nothing") != unknown {
		t.Errorf("hidden %q, unknown %q", hidden, unknown)
	}
	if ids, rows, err := h.take("admin", "Deal", nil); err != nil || len(ids) != 1 || rows != 1 {
		t.Errorf("an admin exports %v, %d: %v", ids, rows, err)
	}
}

// deals adds more records than one step of an export has.
func (h *house) deals(n int) {
	h.t.Helper()
	must(h.t, h.write("admin", func(op *Op) error {
		for i := range n {
			if _, err := op.Create(h.form("Deal").Number, h.input("Deal", cell{"title": fmt.Sprint("deal ", i)})); err != nil {
				return err
			}
		}
		return nil
	}))
}

// TestP5ExportEndsWithItsRights: what was narrowed while an export ran ends it
// before the next records, and the trace says so.
func TestP5ExportEndsWithItsRights(t *testing.T) {
	for name, c := range map[string]struct {
		narrow func(h *house) error
		kind   fault.Kind
	}{
		"session ended":    {func(h *house) error { return h.d.SignOut(t.Context(), h.as["dev"]) }, fault.Unauthenticated},
		"user deactivated": {func(h *house) error { return h.d.SetActive(t.Context(), h.as["admin"], h.id["dev"], false) }, fault.Unauthenticated},
		"place taken":      {func(h *house) error { return h.d.Unassign(t.Context(), h.as["admin"], h.id["dev"], "crm") }, fault.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.deals(windowSize + 1)
			steps := 0
			ids, rows, err := h.take("dev", "Deal", func() {
				if steps++; steps == 1 {
					must(t, c.narrow(h))
				}
			})
			denied(t, err, c.kind)
			if steps != 1 || rows != len(ids) || rows == 0 || rows > windowSize {
				t.Errorf("%d records in %d steps", rows, steps)
			}
			traces, err := h.e.Exports(t.Context(), h.as["admin"], "crm")
			must(t, err)
			if len(traces) != 1 || traces[0].State != ExportAborted || traces[0].Rows != rows || traces[0].User != h.id["dev"] || traces[0].Reason != c.kind.String() {
				t.Errorf("trace: %+v", traces)
			}
		})
	}
}

// TestB7ExportLeavesATrace: in the documents and in the change log, before the
// first record leaves; each sees their own, admins and developers all of them.
func TestB7ExportLeavesATrace(t *testing.T) {
	h := newHouse(t)
	h.deals(3)
	_, _, err := h.take("admin", "Deal", func() {
		traces, err := h.e.Exports(t.Context(), h.as["admin"], "crm")
		must(t, err)
		if len(traces) != 1 || traces[0].State != ExportRunning || string(traces[0].Request) != `{"by":"test"}` {
			t.Errorf("trace of a running export: %+v", traces)
		}
	})
	must(t, err)
	for who, want := range map[string]int{"admin": 1, "super": 1, "dev": 1, "rep": 0} {
		traces, err := h.e.Exports(t.Context(), h.as[who], "crm")
		must(t, err)
		if len(traces) != want || want == 1 && (traces[0].State != ExportDone || traces[0].Rows != 3 || traces[0].Form != "Deal") {
			t.Errorf("%s sees %+v", who, traces)
		}
	}
	h.hide("admin", "Deal", cell{})
	for who, want := range map[string]int{"admin": 1, "super": 0, "dev": 0} {
		if traces, err := h.e.Exports(t.Context(), h.as[who], "crm"); err != nil || len(traces) != want {
			t.Errorf("while its maker hides records, %s sees %+v, %v", who, traces, err)
		}
	}
	snap, err := h.e.o.Store.Tenant(h.tenant).Snapshot()
	must(t, err)
	defer snap.Close()
	logged := 0
	c := snap.Changes(0)
	for c.Next() {
		if ch := c.Change(); ch.Space == spaceExport && ch.Form == 0 && ch.Meta.Actor == h.id["admin"] && ch.Meta.Operation == "export" {
			logged++
		}
	}
	must(t, c.Err())
	if logged != 2 {
		t.Errorf("%d entries in the change log, want begin and end", logged)
	}
}

// TestP7ExportThatCannotEndIsAnError: an exporter that fails, a snapshot that is
// too old and a deadline are errors, never fewer records.
func TestP7ExportThatCannotEndIsAnError(t *testing.T) {
	h := newHouse(t)
	h.deals(2)
	broken := errors.New("the line is cut")
	for _, c := range []struct {
		cause error
		kind  fault.Kind
	}{{broken, fault.Internal}, {storage.ErrExpired, fault.Limit}} {
		rows, err := h.e.Export(t.Context(), h.as["admin"], "crm", "Deal", func(*Op, *policy.FormShape) (List, json.RawMessage, Exporter, error) {
			return List{}, json.RawMessage(`{}`), func([]record.Redacted) error { return c.cause }, nil
		})
		if !errors.Is(err, c.cause) || fault.KindOf(err) != c.kind || rows != 2 {
			t.Errorf("%v: %d records, %v", c.cause, rows, err)
		}
	}
}
