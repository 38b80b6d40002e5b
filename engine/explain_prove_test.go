package engine

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
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

// TestP10_ExplainEqualsDecide compares every explanation of random worlds with
// the decision of the engine, and with that of the oracle and its reasons.
func TestP10_ExplainEqualsDecide(t *testing.T) {
	prove(t, 60, 1_000, func(t *testing.T, seed uint64) {
		w := world.Random(seed, sizeOf(seed))
		s := newStage(t, w)
		defer s.close()
		rnd := rand.New(rand.NewPCG(seed, 7))
		for _, u := range w.Users {
			op := s.op(u)
			refill(op)
			for _, f := range w.App.Forms {
				for _, r := range w.Records[f.Name] {
					s.explains(op, u, f, r, rnd)
				}
			}
			op.Close()
		}
	})
}

func (s *stage) explains(op *Op, u *oracle.User, f *definition.Form, r *oracle.Record, rnd *rand.Rand) {
	raw, _ := op.raw(s.app.forms[f.Number], r.ID)
	sub := &subject{op: op, form: s.app.forms[f.Number], rec: raw}
	for _, a := range world.RecordActions {
		x := op.view.Explain(f.Number, a, sub)
		got, want := x.Allowed, oracle.Grants(s.w, u, a, f.Name, r)
		if got != (want != 0) || got != op.view.Decide(f.Number, a, sub) {
			s.tb.Fatalf("seed %d: %s action %s on %s %s: explained %v, oracle %b: %+v", s.w.Seed, u.Email, a, f.Name, r.ID, got, want, x.Steps)
		}
		if reasons := whyOf(x); got && reasons != want {
			s.tb.Fatalf("seed %d: %s action %s on %s %s: reasons %b, oracle %b: %+v", s.w.Seed, u.Email, a, f.Name, r.ID, reasons, want, x.Steps)
		}
		s.checkMissing(op, u, f, x, raw, rnd)
	}
	if got := op.view.ExplainOwnerChange(f.Number, sub).Allowed; got != oracle.MayChangeOwner(s.w, u, f.Name, r) {
		s.tb.Fatalf("seed %d: %s gives %s %s away: explained %v", s.w.Seed, u.Email, f.Name, r.ID, got)
	}
	s.explainsCreate(op, u, f, r, sub)
	s.explainsFields(op, u, f, r, sub)
}

func (s *stage) explainsCreate(op *Op, u *oracle.User, f *definition.Form, r *oracle.Record, sub *subject) {
	want := oracle.MayCreate(s.w, u, f.Name)
	if f.ParentField != 0 {
		at, _ := s.app.forms[f.Number].field(f.ParentField)
		want = oracle.MayCreateUnder(s.w, u, f.Name, r.Cells[at.Name].Ref())
	}
	if x := op.view.ExplainCreate(f.Number, sub); x.Allowed != want || x.Allowed == (len(x.Missing) > 0) {
		s.tb.Fatalf("seed %d: %s adds to %s beside %s: explained %+v, oracle %v", s.w.Seed, u.Email, f.Name, r.ID, x, want)
	}
}

func (s *stage) explainsFields(op *Op, u *oracle.User, f *definition.Form, r *oracle.Record, sub *subject) {
	got, seen, err := op.Get(f.Number, r.ID)
	seen = seen && err == nil
	xs := op.view.ExplainFields(f.Number, sub)
	if len(xs) != len(record.System)+len(f.Fields) {
		s.tb.Fatalf("seed %d: %d fields of %s are explained", s.w.Seed, len(xs), f.Name)
	}
	for _, x := range xs {
		fd, _ := f.Field(x.Name)
		_, readable := oracle.Cell(s.w, u, f.Name, r, x.Name)
		if x.Readable != readable || x.Readable != (seen && got.Readable(&fd.Field)) {
			s.tb.Fatalf("seed %d: %s reads %s.%s of %s: explained %+v, oracle %v", s.w.Seed, u.Email, f.Name, x.Name, r.ID, x, readable)
		}
		if writable := fd.Number >= record.FirstField && oracle.Writable(s.w, u, f.Name, r, x.Name); x.Writable != writable {
			s.tb.Fatalf("seed %d: %s writes %s.%s of %s: explained %+v, oracle %v", s.w.Seed, u.Email, f.Name, x.Name, r.ID, x, writable)
		}
		if stands(x.Read) != x.Readable || stands(append(slices.Clone(x.Read), x.Write...)) != x.Writable && x.Readable {
			s.tb.Fatalf("seed %d: the steps of %s.%s say otherwise than %+v", s.w.Seed, f.Name, x.Name, x)
		}
	}
}

// stands reports whether none of the steps refuses or removes.
func stands(steps []policy.Step) bool {
	return !slices.ContainsFunc(steps, func(s policy.Step) bool { return s.Verdict == policy.Refuses || s.Verdict == policy.Removes })
}

// whyOf gives the reasons of an explanation in the words of the oracle.
func whyOf(x policy.Explanation) (why oracle.Why) {
	opened := false
	for _, s := range x.Steps {
		if s.Verdict == policy.Opens {
			opened = true
		}
		if s.Verdict != policy.Grants {
			continue
		}
		switch s.Kind {
		case policy.StepStanding:
			why |= map[policy.Because]oracle.Why{policy.AsAdmin: oracle.AsAdmin, policy.AsDeveloper: oracle.AsDeveloper}[s.Because]
		case policy.StepReport:
			why |= oracle.AllRight
		default:
			if opened { // reports stand before
				why |= scopeWhy[s.Statement]
			}
		}
	}
	return why
}

var scopeWhy = map[string]oracle.Why{
	"E2": oracle.Own, "C3": oracle.Below, "C4": oracle.RootOverNone, "C5": oracle.Peers, "F1": oracle.ShareGroup,
	"F2": oracle.ShareCriteria, "F3": oracle.ShareField, "F4": oracle.ShareModule, "E4": oracle.ThroughParent,
}

// checkMissing demands of a denial that it names what is missing, and of those
// that rights alone would lift, that these rights do.
func (s *stage) checkMissing(op *Op, u *oracle.User, f *definition.Form, x policy.Explanation, raw record.Record, rnd *rand.Rand) {
	if x.Allowed != (len(x.Missing) == 0) {
		s.tb.Fatalf("seed %d: %s on %s %s: allowed %v, missing %+v", s.w.Seed, u.Email, f.Name, x.Record, x.Allowed, x.Missing)
	}
	set := s.w.Set(u.Set)
	if x.Allowed || set == nil || rnd.IntN(8) > 0 {
		return
	}
	wanted := map[string][]definition.Action{}
	for _, m := range x.Missing {
		at := slices.IndexFunc(m.AnyOf, func(n policy.Need) bool { return len(n.Actions) > 0 })
		if at < 0 {
			return
		}
		wanted[m.AnyOf[at].Name] = append(wanted[m.AnyOf[at].Name], m.AnyOf[at].Actions...)
	}
	app, more := *s.w.App, *set
	more.Reports = map[string][]definition.Action{}
	for name, list := range set.Reports {
		more.Reports[name] = list
	}
	for name, list := range wanted {
		more.Reports[name] = append(slices.Clone(more.Reports[name]), list...)
	}
	app.Sets = slices.Clone(app.Sets)
	app.Sets[slices.Index(app.Sets, set)] = &more
	p, err := policy.Compile(&app)
	must(s.tb, err)
	lifted := *op
	lifted.view = p.View(op.view.Viewer(), truePeople{s.w}, s.hides())
	if !lifted.view.Decide(f.Number, x.Action, &subject{op: &lifted, form: s.app.forms[f.Number], rec: raw}) {
		s.tb.Fatalf("seed %d: %s %s on %s %s stays denied with %v: %+v", s.w.Seed, u.Email, x.Action, f.Name, x.Record, wanted, x.Missing)
	}
}

// TestP10_ExplainWithinAsker asks for explanations as people of every kind about
// people of every kind: what the asker may not see is absent, the short form
// names what its reader may see alone, and each answer in full was written down
// once.
func TestP10_ExplainWithinAsker(t *testing.T) {
	prove(t, 30, 500, func(t *testing.T, seed uint64) {
		h := inhabit(t, world.Random(seed, world.Small))
		defer h.close()
		rnd := rand.New(rand.NewPCG(seed, 8))
		full := 0
		for _, asker := range h.actors() {
			for range 6 {
				target := h.w.Users[rnd.IntN(len(h.w.Users))]
				if rnd.IntN(3) == 0 {
					target = asker
				}
				f := h.w.App.Forms[rnd.IntN(len(h.w.App.Forms))]
				if records := h.w.Records[f.Name]; len(records) > 0 && h.explainsWithin(asker, target, f, records[rnd.IntN(len(records))]) {
					full++
				}
			}
		}
		if got := h.looks(); got != full {
			t.Fatalf("seed %d: %d looks are written down, %d were answered in full", seed, got, full)
		}
	})
}

// looks counts what is written down of uses of tools that were answered.
func (h *inhabited) looks() (n int) {
	snap, err := h.tenant.Snapshot()
	must(h.tb, err)
	defer snap.Close()
	c := snap.Docs(spaceLook, h.w.App.Name+"/")
	defer c.Close()
	for c.Next() {
		var l Look
		must(h.tb, json.Unmarshal(c.Value(), &l))
		if !l.Refused {
			n++
		}
	}
	must(h.tb, c.Err())
	return n
}

// explainsWithin reports whether the question was one that is written down.
func (h *inhabited) explainsWithin(asker, target *oracle.User, f *definition.Form, r *oracle.Record) (noted bool) {
	ask := func(id record.ID) (*AccessExplanation, error) {
		return h.e.ExplainAccess(h.tb.Context(), h.as[asker.ID], h.w.App.Name, Explain{User: target.ID, Form: f.Name, Record: id})
	}
	x, err := ask(r.ID)
	tool := asker.Kind.Administers() || asker.Kind == identity.Developer
	what := "seed %d: %s asks about %s and %s %s: %+v, %v"
	args := []any{h.w.Seed, asker.Email, target.Email, f.Name, r.ID, x, err}
	s := h.w.Set(asker.Set)
	if s != nil && !s.APIAccess && asker.Credential == identity.PersonalToken || !tool && target != asker {
		if fault.KindOf(err) != fault.Forbidden {
			h.tb.Fatalf(what, args...)
		}
		return false
	}
	place := !target.Inactive && target.Kind != identity.Nobody
	if !place || !oracle.MaySee(h.w, asker, definition.View, f.Name, r) {
		_, none := ask(numbered(9, 1))
		if fault.KindOf(err) != fault.NotFound || none == nil || fault.Message(none) != fault.Message(err) && oracle.Views(h.w, asker, f.Name) {
			h.tb.Fatalf(what, args...)
		}
		if tool {
			h.tb.Helper()
			must(h.tb, h.forgetLook())
		}
		return tool
	}
	if err != nil {
		h.tb.Fatalf(what, args...)
	}
	seen := *target
	if target != asker {
		seen.Credential = identity.Session
	}
	for i, a := range world.RecordActions {
		if x.Actions[i].Action != a.String() || x.Actions[i].Allowed != oracle.MaySee(h.w, &seen, a, f.Name, r) {
			h.tb.Fatalf(what, args...)
		}
	}
	if x.Redacted == tool {
		h.tb.Fatalf(what, args...)
	}
	if x.Redacted {
		h.namesOnlyTheSeen(asker, f, x)
	} else {
		h.parentsAreSeen(asker, x)
	}
	return tool
}

// forgetLook takes away one look, for the question about nobody's record.
func (h *inhabited) forgetLook() error {
	return h.tenant.Update(h.tb.Context(), storage.Meta{Operation: "forget"}, func(txn *storage.Txn) error {
		c := txn.Docs(spaceLook, h.w.App.Name+"/")
		last := ""
		for c.Next() {
			var l Look
			if err := json.Unmarshal(c.Value(), &l); err != nil {
				return err
			}
			if !l.Refused { // of one millisecond any comes last
				last = c.Key()
			}
		}
		c.Close()
		return txn.PutDoc(spaceLook, last, nil)
	})
}

func (h *inhabited) parentsAreSeen(asker *oracle.User, x *AccessExplanation) {
	for _, a := range x.Actions {
		for _, p := range a.Parents {
			if !oracle.MaySee(h.w, asker, definition.View, p.Form, h.w.Find(p.Form, p.Record)) {
				h.tb.Fatalf("seed %d: %s is told of %s %s", h.w.Seed, asker.Email, p.Form, p.Record)
			}
		}
	}
}

// namesOnlyTheSeen: reports with VIEW and fields that are visible, and nothing
// else that has a name.
func (h *inhabited) namesOnlyTheSeen(u *oracle.User, f *definition.Form, x *AccessExplanation) {
	visible := oracle.Visible(h.w, u, f.Name)
	for _, a := range x.Actions {
		if len(a.Missing)+len(a.Parents) > 0 {
			h.tb.Fatalf("seed %d: %s is told too much: %+v", h.w.Seed, u.Email, a)
		}
		for _, s := range a.Steps {
			if s.Module != "" || s.Kind != "SCOPE" && (s.Kind != "REPORT" || !slices.Contains(h.w.Set(u.Set).Reports[s.Name], definition.View) && !holdsView(h.w.Set(u.Set), s.Name)) {
				h.tb.Fatalf("seed %d: %s is told %+v", h.w.Seed, u.Email, s)
			}
			if s.Statement == "E2" && !slices.Contains(visible, "owner") {
				h.tb.Fatalf("seed %d: %s is told who owns the record", h.w.Seed, u.Email)
			}
		}
	}
	for _, fx := range x.Fields {
		if !slices.Contains(visible, fx.Field) {
			h.tb.Fatalf("seed %d: %s is told of field %s", h.w.Seed, u.Email, fx.Field)
		}
		if !fx.Readable || len(fx.Read) > 0 {
			h.tb.Fatalf("seed %d: %s is told what covers field %s: %+v", h.w.Seed, u.Email, fx.Field, fx.Read)
		}
	}
}

func holdsView(s *definition.PermissionSet, report string) bool {
	return slices.Contains(s.Reports[report], definition.ViewAll) || slices.Contains(s.Reports[report], definition.ModifyAll)
}
