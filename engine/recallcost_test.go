package engine

import (
	"testing"
	"time"

	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/storage"
)

// aRecord returns a form and a record of the world.
func (h *remembered) aRecord() (string, *oracle.Record) {
	for _, f := range h.w.App.Forms {
		for _, r := range h.worlds[0].Records[f.Name] {
			if h.w.Find(f.Name, r.ID) != nil {
				return f.Name, r
			}
		}
	}
	h.tb.Fatal("no record lived through")
	return "", nil
}

// busy changes records n times, none of them the one given.
func (h *remembered) busy(n int, but record.ID) {
	h.tb.Helper()
	f := h.w.App.Forms[0]
	form := h.app.forms[f.Number].store
	r := h.w.Records[f.Name][0].Copy()
	if r.ID == but {
		r = h.w.Records[f.Name][1].Copy()
	}
	for range n {
		h.end = h.end.Add(time.Second)
		must(h.tb, h.tenant.Update(h.tb.Context(), storage.Meta{Operation: "busy", Time: h.end}, func(txn *storage.Txn) error {
			old, _, err := txn.Record(form, r.ID)
			if err != nil {
				return err
			}
			r.Version = old.Version() + 1
			return txn.Update(form, old, encode(f, r))
		}))
	}
}

// recallStats is the work of one look back at the first state, and of a whole
// history of access.
func (h *remembered) recallStats(p identity.Principal, form string, id record.ID) storage.Stats {
	h.tb.Helper()
	op, err := h.e.recall(h.tb.Context(), p, h.w.App.Name)
	must(h.tb, err)
	defer op.Close()
	before := op.Stats()
	f, err := op.formNamed(form)
	must(h.tb, err)
	seq, err := op.snapshot.ChangeAt(h.times[0])
	must(h.tb, err)
	then, err := op.behind(seq)
	must(h.tb, err)
	_, err = then.whoCouldSee(f, nil, &CouldSee{Application: h.w.App.Name, Form: form, Record: id, First: 10})
	must(h.tb, err)
	marks, err := op.newPart(Part{First: MaxPage})
	must(h.tb, err)
	_, err = op.accessHistory(f, &AccessHistory{Application: h.w.App.Name, Form: form, Record: id, User: p.User, From: h.times[0], To: h.end, First: MaxPage}, marks)
	must(h.tb, err)
	after := op.Stats()
	return storage.Stats{Keys: after.Keys - before.Keys, Gets: after.Gets - before.Gets, Cursors: after.Cursors - before.Cursors}
}

// TestRecallCostsWhatPolicyChanged: changes of other records since then are not
// gone through; finding the moment takes a few entries more.
func TestRecallCostsWhatPolicyChanged(t *testing.T) {
	h := remember(t, 3, 6)
	defer h.close()
	form, r := h.aRecord()
	root := signIn(t, h.d, h.tenant.ID(), h.w.Users[0].ID, identity.Session)
	h.busy(50, r.ID)
	few := h.recallStats(root, form, r.ID)
	h.busy(2000, r.ID)
	many := h.recallStats(root, form, r.ID)
	if many.Keys != few.Keys || many.Cursors != few.Cursors || many.Gets > few.Gets+24 {
		t.Errorf("after 2,000 changes of another record %+v, after 50 %+v", many, few)
	}
}

// TestRecallDoesNotGuess: where the module of a rule is gone, what it said of those
// whom it concerned is not told.
func TestRecallDoesNotGuess(t *testing.T) {
	told := 0
	for seed := uint64(1); seed <= 60; seed++ {
		h := remember(t, seed, 0)
		if len(h.app.bindings) > 0 && len(h.w.Records[h.w.App.Custom[0].Form]) > 0 {
			told += h.withoutModules()
		}
		h.close()
	}
	if told < 20 {
		t.Errorf("of %d people it could not be told", told)
	}
}

// withoutModules takes the modules away behind the log's back and compares what is
// told then: the same, but of those whom a rule concerned.
func (h *remembered) withoutModules() (untold int) {
	h.tb.Helper()
	root := signIn(h.tb, h.d, h.tenant.ID(), h.w.Users[0].ID, identity.Session)
	h.end = h.end.Add(time.Minute)
	form := h.w.App.Custom[0].Form
	ask := func() map[record.ID]*PastOnlookers {
		out := map[record.ID]*PastOnlookers{}
		for _, r := range h.w.Records[form] {
			page, err := h.e.WhoCouldSee(h.tb.Context(), root, CouldSee{Application: h.w.App.Name, Form: form, Record: r.ID, At: h.times[0], First: MaxOnlookers})
			if err == nil {
				out[r.ID] = page
			}
		}
		return out
	}
	before := ask()
	must(h.tb, h.tenant.Update(h.tb.Context(), storage.Meta{Operation: "lose"}, func(txn *storage.Txn) error {
		for _, b := range h.app.bindings {
			if err := txn.PutSecret(spaceModule, moduleBytesKey(h.w.App.Name, b.hash.String()), nil); err != nil {
				return err
			}
		}
		return txn.BumpEpoch()
	}))
	for id, page := range ask() {
		was := map[record.ID]PastOnlooker{}
		if before[id] == nil {
			continue
		}
		for _, o := range before[id].People {
			was[o.User] = o
		}
		for _, o := range page.People {
			if o.Untold {
				untold++
				if len(o.Actions) > 0 || o.Ground.Statement != "" {
					h.tb.Errorf("seed %d: a guess: %+v", h.w.Seed, o)
				}
			} else if w, ok := was[o.User]; !ok || len(w.Actions) != len(o.Actions) {
				h.tb.Errorf("seed %d: %s: told %+v, it was %+v", h.w.Seed, id, o, w)
			}
			delete(was, o.User)
		}
		for _, o := range was {
			h.tb.Errorf("seed %d: %s: nothing is told of %+v", h.w.Seed, id, o)
		}
		if page.Total+page.Untold != len(page.People) {
			h.tb.Errorf("seed %d: %d and %d of %d", h.w.Seed, page.Total, page.Untold, len(page.People))
		}
	}
	return untold
}

// TestP10_RecallIsWrittenDown: each question once, before it is answered, whether
// there is such a record or not.
func TestP10_RecallIsWrittenDown(t *testing.T) {
	h := remember(t, 3, 2)
	defer h.close()
	form, r := h.aRecord()
	root := signIn(t, h.d, h.tenant.ID(), h.w.Users[0].ID, identity.Session)
	looks := func() (n int) {
		sn, err := h.tenant.Snapshot()
		must(t, err)
		defer sn.Close()
		c := sn.Docs(spaceLook, h.w.App.Name+"/")
		defer c.Close()
		for c.Next() {
			n++
		}
		return n
	}
	for i, ask := range []func(id record.ID) error{
		func(id record.ID) error {
			_, err := h.e.WhoCouldSee(t.Context(), root, CouldSee{Application: h.w.App.Name, Form: form, Record: id, At: h.times[1], First: 1})
			return err
		},
		func(id record.ID) error {
			_, err := h.e.AccessHistory(t.Context(), root, AccessHistory{Application: h.w.App.Name, Form: form, Record: id, User: root.User, From: h.times[0], First: 1})
			return err
		},
	} {
		for _, id := range []record.ID{r.ID, {1}} {
			before := looks()
			if err := ask(id); (err == nil) != (id == r.ID) {
				t.Errorf("question %d about %s: %v", i, id, err)
			}
			if n := looks() - before; n != 1 {
				t.Errorf("question %d about %s was written down %d times", i, id, n)
			}
		}
	}
}
