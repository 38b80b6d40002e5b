package engine

import (
	"context"
	"encoding/json"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

const opTests = "engine.RunTests"

// TestVerdict is the outcome of a permission test. The zero TestVerdict says
// that it was not tested, which is no pass.
type TestVerdict uint8

// The verdicts.
const (
	NotTested TestVerdict = iota
	TestPassed
	TestFailed
	TestVacuous // there was nobody, or no record, to test it on
)

// String returns the name that the API uses.
func (v TestVerdict) String() string {
	if v > TestVacuous {
		v = NotTested
	}
	return [...]string{"NOT_TESTED", "PASSED", "FAILED", "VACUOUS"}[v]
}

// maxCounterexamples bounds those of one test, which ends with the last.
const maxCounterexamples = 5

// Counterexample is a person, and mostly a record, that a test fails on.
type Counterexample struct {
	User record.ID // zero for a stand-in
	Name string    // display name, or what the stand-in holds
	Form string    // empty with no record
	// Record is zero for a test that is about no record, and for one that no single
	// record decides.
	Record record.ID
}

// TestResult is the outcome of one test.
type TestResult struct {
	Text     string // the sentence, or the name of an invariant
	Line     int    // of the definition, 0 for an invariant
	Verdict  TestVerdict
	Why      string // one clause; empty for a pass
	People   int    // on whom it was tested, until it was decided
	Records  int    // likewise
	Counters []Counterexample
}

// TestReport is the outcome of the permission tests of a definition and of the
// built-in invariants.
type TestReport struct {
	Application string
	Version     uint64 // of the definition, that which applying it would give
	Tests       []*TestResult
	Invariants  []*TestResult
	// Faults say why a proposed definition was not tested.
	Faults []definition.Fault
}

// RunTests runs the permission tests of the active definition of an application,
// or of a proposed one where source is not nil, with the built-in invariants, on
// its people and on those of its records that the principal may VIEW and that
// nobody hides: what they may not view does not take part. It takes the right
// REVIEW, for a proposed definition that to apply it too, and is written down, an
// attempt without REVIEW as well. What it shows is verdicts, ids and display names.
func (e *Engine) RunTests(ctx context.Context, p identity.Principal, application string, source []byte) (*TestReport, error) {
	detail, err := json.Marshal(map[string]any{"tests": true, "proposed": source != nil})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, opTests, err, "a look could not be written down")
	}
	if err := e.mayTest(ctx, p, application, source); err != nil {
		return nil, err
	}
	if err := e.note(ctx, p, Look{Tool: identity.Review, Application: application, Detail: detail}); err != nil {
		return nil, err
	}
	var out *TestReport
	err = e.manage(p, func(r storage.Reader, people *directory.People) error {
		if err := people.MayUse(p, application, identity.Review); err != nil {
			return err
		}
		t, faults, err := e.trialOf(ctx, r, people, p, application, source)
		if err != nil {
			return err
		}
		if out = (&TestReport{Application: application, Faults: faults}); len(faults) > 0 {
			return nil
		}
		out.Version = t.app.def.Version
		if out.Tests, err = t.run(t.app.def.Tests); err != nil {
			return err
		}
		out.Invariants, err = t.invariants()
		return err
	})
	return out, err
}

// mayTest reports what stands against a run before it is written down: the missing
// tool, which is written down as well, a document for another application or that
// one may not apply, and an application that is not there.
func (e *Engine) mayTest(ctx context.Context, p identity.Principal, application string, source []byte) error {
	var refused error
	err := e.manage(p, func(r storage.Reader, people *directory.People) error {
		if _, ok, err := readPointer(r, application); source == nil && (err != nil || !ok) {
			return orElse(err, errNoApplication(application))
		}
		if refused = people.MayUse(p, application, identity.Review); refused != nil || source == nil {
			return refused
		}
		if err := people.MayDefine(p, application); err != nil {
			return err
		}
		if name, faults := definition.Name(source); len(faults) == 0 && name != application {
			return fault.New(fault.Invalid, opTests, "definition: is for application %s, expected %s", name, application)
		}
		return nil
	})
	if refused != nil {
		return e.attempted(ctx, p, Look{Tool: identity.Review, Application: application}, refused)
	}
	return err
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// trialOf prepares a run: on the active definition, or on the one of a document,
// whose faults are returned where it has any.
func (e *Engine) trialOf(ctx context.Context, r storage.Reader, people *directory.People, p identity.Principal, name string, source []byte) (*trial, []definition.Fault, error) {
	asker := &Op{e: e, ctx: ctx, r: r, principal: p}
	_, exists, err := readPointer(r, name)
	if err == nil && exists {
		err = asker.open(name)
	}
	if err != nil {
		return nil, nil, err
	}
	if source == nil {
		return e.trialFor(asker, people, asker.app), nil, nil
	}
	j, err := e.judge(r, people, p, name, source, true)
	if err != nil || len(j.faults) > 0 {
		return nil, j.faultsOf(), err
	}
	app, err := e.proposed(r, j.prev, j.next)
	if err != nil {
		return nil, nil, err
	}
	return e.trialFor(asker, people, app), nil, nil
}

func (j *judgement) faultsOf() []definition.Fault {
	if j == nil {
		return nil
	}
	return j.faults
}

// proposed compiles a version that is not active, over the records as they are
// stored now: an index that the version before does not have is not built, and is
// not read.
func (e *Engine) proposed(r storage.Reader, prev, next *definition.Application) (*application, error) {
	app := &application{def: next}
	var err error
	if app.policy, err = policy.Compile(next); err != nil {
		return nil, fault.Wrap(fault.Unavailable, opTests, err, "the definition of application %s does not compile", next.Name)
	}
	app.forms = makeForms(built(prev, next), nil)
	if app.bindings, err = e.readBindings(r, app); err != nil {
		return nil, err
	}
	app.hides, err = readHides(r, app)
	return app, err
}

// built is a version with those indexes alone that the version before has too.
func built(prev, next *definition.Application) *definition.Application {
	if prev == nil {
		return next
	}
	out := *next
	out.Forms = make([]*definition.Form, len(next.Forms))
	for i, f := range next.Forms {
		out.Forms[i] = f
		was, ok := prev.FormNumber(f.Number)
		if !ok {
			continue
		}
		have := map[uint32]bool{}
		for _, ix := range was.Indexes {
			have[ix.Number] = true
		}
		form := *f
		form.Indexes = nil
		for _, ix := range f.Indexes {
			if have[ix.Number] {
				form.Indexes = append(form.Indexes, ix)
			}
		}
		out.Forms[i] = &form
	}
	return &out
}
