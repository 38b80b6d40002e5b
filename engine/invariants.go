package engine

import (
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// Samples of the invariants.
const (
	maxSamplePeople  = 8  // each of another kind, role or set
	maxSampleRecords = 20 // of each form
)

// answers are what the paths to the records of one form say to one person: those
// of the sample that each gives.
type answers struct {
	decided, got, listed []bool
	counted              int
	// absent says that a record out of reach is answered as one that never was.
	absent bool
	// open is a record of which a cell that may not be read shows, -1 for none.
	open int
}

// wrong returns for each invariant the position of a record that speaks against
// it, -1 for none.
func (a *answers) wrong() (out [3]int) {
	out = [3]int{-1, -1, a.open}
	n := 0
	for i, yes := range a.decided {
		if a.got[i] != yes || a.listed[i] != yes {
			out[0] = i
		}
		if yes {
			n++
		}
	}
	if a.counted != n && len(a.decided) > 0 && out[0] < 0 {
		out[0] = 0
	}
	if !a.absent && len(a.decided) > 0 {
		out[1] = 0
	}
	return out
}

var invariantNames = [3]string{
	"P1: a record by id, in a list and in a count is there for the same people",
	"P2: a record that one may not view is answered as one that is not there",
	"P3: a cell that one may not read is empty, and no filter finds what it holds",
}

// invariants holds what is promised of every application against samples: of each
// form some records that the asker views and nobody hides, and people of different
// roles and sets.
func (t *trial) invariants() ([]*TestResult, error) {
	out := make([]*TestResult, len(invariantNames))
	for i, name := range invariantNames {
		out[i] = &TestResult{Text: name, Verdict: TestVacuous, Why: "there is nobody, or no record, to try it on"}
	}
	if t.asker.app == nil {
		return out, nil
	}
	people := t.samplePeople()
	for _, f := range t.app.def.Forms {
		recs, err := t.sampleRecords(f)
		if err == nil && len(recs) > 0 {
			err = t.tryOn(people, t.app.forms[f.Number], recs, out)
		}
		switch {
		case err == nil:
		case fault.KindOf(err) != fault.Limit:
			return nil, err
		default:
			for _, x := range out {
				if x.Verdict != TestFailed {
					x.Verdict, x.Why = NotTested, fault.Message(err)
				}
			}
			return out, nil
		}
	}
	return out, nil
}

func (t *trial) samplePeople() (out []*tested) {
	seen := map[definition.Subject]bool{}
	for _, p := range t.persons {
		key := definition.Subject{Kind: definition.SubjectKind(p.viewer.Kind), Role: p.viewer.Role, Set: p.viewer.PermissionSet}
		if !seen[key] && len(out) < maxSamplePeople {
			seen[key] = true
			out = append(out, p)
		}
	}
	return out
}

func (t *trial) sampleRecords(def *definition.Form) (out []record.Record, err error) {
	today := t.asker.app.forms[def.Number]
	if today == nil {
		return nil, nil
	}
	recs, _, err := t.chunk(today, nil)
	for _, rec := range recs {
		if _, shown := t.touched(&subject{op: t.lens, form: t.app.forms[def.Number], rec: rec}); shown && len(out) < maxSampleRecords {
			out = append(out, rec)
		}
	}
	return out, orElse(err, t.lens.failed())
}

func (t *trial) tryOn(people []*tested, f *form, recs []record.Record, out []*TestResult) error {
	for _, p := range people {
		op := t.opFor(t.app, p.viewer)
		if _, ok := op.view.Shape().Form(f.def.Number); !ok {
			continue
		}
		a, err := op.answersOn(f, recs, t.stranger())
		if err != nil {
			return err
		}
		for i, at := range a.wrong() {
			x := out[i]
			x.People, x.Records = x.People+1, x.Records+len(recs)
			switch {
			case at >= 0 && len(x.Counters) < maxCounterexamples:
				x.Verdict, x.Why = TestFailed, "it does not hold for these people"
				x.Counters = append(x.Counters, Counterexample{User: p.viewer.User, Name: p.name, Form: f.def.Name, Record: recs[at].ID()})
			case x.Verdict == TestVacuous:
				x.Verdict, x.Why = TestPassed, ""
			}
		}
	}
	return nil
}

// answersOn asks every path about records of a form that the viewer may open.
func (op *Op) answersOn(f *form, recs []record.Record, nobodys record.ID) (*answers, error) {
	n := f.def.Number
	a := &answers{absent: true, open: -1, decided: make([]bool, len(recs)), got: make([]bool, len(recs)), listed: make([]bool, len(recs))}
	within := &filter.Compare{Field: *f.fields[record.FieldID], Op: filter.In}
	at := map[record.ID]int{}
	for i, rec := range recs {
		at[rec.ID()] = i
		within.Args = append(within.Args, filter.Operand{Value: record.Ref(rec.ID())})
		a.decided[i] = op.view.Decide(n, viewAction, &subject{op: op, form: f, rec: rec})
	}
	page, err := op.List(List{Form: n, Where: within, First: MaxPage})
	if err != nil {
		return nil, err
	}
	for _, r := range page.Records {
		a.listed[at[r.ID()]] = true
	}
	groups, err := op.Aggregate(Aggregation{List: List{Form: n, Where: within}, First: 1})
	if err != nil {
		return nil, err
	}
	a.counted = groups.Groups[0].Count
	none, isThere, err := op.Get(n, nobodys)
	if err != nil {
		return nil, err
	}
	for i, rec := range recs {
		r, ok, err := op.Get(n, rec.ID())
		if err != nil {
			return nil, err
		}
		a.got[i] = ok
		if !a.decided[i] && (ok != isThere || r.IsZero() != none.IsZero()) {
			a.absent = false
		}
		if ok {
			closed, err := op.closed(f, r, within.Field)
			if err != nil {
				return nil, err
			}
			if !closed {
				a.open = i
			}
		}
	}
	return a, op.failed()
}

// closed reports whether the cells that may not be read of a record are null, in
// what is read and in a filter, and those outside the shape in no filter's scope.
func (op *Op) closed(f *form, r record.Redacted, id record.Field) (bool, error) {
	shape, _ := op.view.Shape().Form(f.def.Number)
	for _, fd := range f.def.Fields {
		if r.Readable(&fd.Field) {
			continue
		}
		if !r.Get(&fd.Field).IsNull() {
			return false, nil
		}
		if !shape.Visible.Has(fd.Number) {
			if _, named := op.Scope(f.def.Number).Field(fd.Name); named {
				return false, nil
			}
			continue
		}
		found, err := op.List(List{Form: f.def.Number, First: 1, Where: filter.And{
			&filter.Compare{Field: id, Op: filter.Eq, Args: []filter.Operand{{Value: record.Ref(r.ID())}}},
			&filter.Compare{Field: fd.Field, Op: filter.IsNull, Args: []filter.Operand{{Value: record.Bool(false)}}},
		}})
		if err != nil || len(found.Records) > 0 {
			return false, err
		}
	}
	return true, nil
}
