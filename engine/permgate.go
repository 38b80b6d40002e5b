package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/storage"
)

// gateTries is how often the tests of one version are run while rights change
// below them.
const gateTries = 4

// errUntested ends a transaction that would activate a version whose tests have
// not passed at the epoch of that transaction.
var errUntested = errors.New("engine: permission tests have not passed at this epoch")

// pass says at which epoch, of people, definitions and rules, the tests of a
// version passed. A nil pass is none.
type pass struct {
	epoch    uint64
	findings []definition.Finding
}

// needs returns errUntested where a version has tests, or is to be judged for
// another reason, and did not pass at the epoch of a transaction. Reading the epoch
// keeps the transaction from being committed beside one that changes it.
func (g *pass) needs(txn *storage.Txn, next *definition.Application, judge bool) error {
	if len(next.Tests) == 0 && !judge {
		return nil
	}
	epoch, err := txn.Epoch()
	if err == nil && (g == nil || g.epoch != epoch) {
		err = errUntested
	}
	return err
}

// gated runs activate, which calls pass.needs, until the tests have passed at the
// epoch at which it activates. It returns the faults of tests that fail.
func gated(activate func(*pass) error, test func() (*pass, []definition.Fault, error)) (*pass, []definition.Fault, error) {
	var g *pass
	for range gateTries {
		err := activate(g)
		if !errors.Is(err, errUntested) {
			return g, nil, err
		}
		var faults []definition.Fault
		if g, faults, err = test(); err != nil || len(faults) > 0 {
			return nil, faults, err
		}
	}
	return nil, nil, fault.New(fault.Conflict, "engine.gated", "people or rights changed again and again while the permission tests ran; try again")
}

// testDocument runs the tests of a document that is to be applied.
func (e *Engine) testDocument(ctx context.Context, p identity.Principal, name string, source []byte, allowDrop bool) (*pass, []definition.Fault, error) {
	return e.testGate(ctx, p, name, func(r storage.Reader, people *directory.People) (prev, next *definition.Application, err error) {
		j, err := e.judge(r, people, p, name, source, allowDrop)
		if err != nil || len(j.faults) > 0 {
			return nil, nil, err // faults are found again by who applies
		}
		return j.prev, j.next, nil
	})
}

// testPrepared runs the tests of a version that is about to be activated.
func (e *Engine) testPrepared(ctx context.Context, p identity.Principal, prep *preparation) (*pass, []definition.Fault, error) {
	return e.testGate(ctx, p, prep.name, func(r storage.Reader, people *directory.People) (prev, next *definition.Application, err error) {
		if err := people.MayDefine(p, prep.name); err != nil {
			return nil, nil, err
		}
		ptr, _, err := readPointer(r, prep.name)
		if err != nil {
			return nil, nil, err
		}
		prev, err = readDefinition(r, prep.name, ptr.Active)
		return prev, prep.next, err
	})
}

// testModule runs the tests of the active version with a module as the one that
// fills a rule, and where it is not the fallback of that rule, with the fallback, too.
func (e *Engine) testModule(ctx context.Context, p identity.Principal, name, rule, module string, act RuleAct) (*pass, []definition.Fault, error) {
	var def *definition.Application
	othersOff := false
	active := func(r storage.Reader, people *directory.People) (_, _ *definition.Application, err error) {
		if def, err = e.definable(r, people, p, name); err != nil {
			return nil, nil, err
		}
		for _, c := range def.Custom {
			s, err := readBinding(r, name, c.Name)
			if err != nil {
				return nil, nil, err
			}
			othersOff = othersOff || c.Name != rule && (!s.Active || s.denies())
		}
		return def, def, nil
	}
	g, report, err := e.tried(ctx, p, name, active, map[string]string{rule: module})
	if err != nil {
		return nil, nil, err
	}
	faults := faultsOf(report, false)
	if len(faults) > 0 && othersOff {
		_, now, err := e.tried(ctx, p, name, active, nil)
		if err != nil {
			return nil, nil, err
		}
		excuse(def, report, now)
		faults = faultsOf(report, false)
	}
	if len(faults) == 0 {
		faults, err = e.testFallbacks(ctx, p, name, active, &standing{map[string]string{rule: module}, act == VersionFallback})
	}
	return g, faults, err
}

// excuse lets tests pass that say what people can do, and fail already: rules that
// are off deny, and are switched on one after the other.
func excuse(def *definition.Application, report, now *TestReport) {
	if len(now.Tests) != len(report.Tests) || len(def.Tests) != len(report.Tests) {
		return // another version meanwhile, which is another epoch
	}
	for i, x := range report.Tests {
		if !def.Tests[i].Cannot && x.Verdict == TestFailed && now.Tests[i].Verdict == TestFailed {
			x.Verdict = TestPassed
		}
	}
}

// refusesRule says which permission test stands against switching a rule on. It
// names nobody.
func refusesRule(faults []definition.Fault) error {
	return fault.New(fault.Conflict, "engine.ActivateRule", "rule: with this module %s; the rule stays as it was", faults[0].Msg)
}

// testGate runs tests and invariants on one snapshot.
func (e *Engine) testGate(ctx context.Context, p identity.Principal, name string, versions testedVersions) (*pass, []definition.Fault, error) {
	g, report, err := e.tried(ctx, p, name, versions, nil)
	if err != nil {
		return nil, nil, err
	}
	faults, err := e.gateFaults(ctx, p, name, report)
	if err == nil && len(faults) == 0 {
		faults, err = e.testFallbacks(ctx, p, name, versions, &standing{})
	}
	return g, faults, err
}

// testedVersions returns the active version, nil for none, and the one whose tests
// are run, nil for none.
type testedVersions func(storage.Reader, *directory.People) (prev, next *definition.Application, err error)

// tried runs tests and invariants on one snapshot, where modules, by rule, fill
// their rules.
func (e *Engine) tried(ctx context.Context, p identity.Principal, name string, versions testedVersions, modules map[string]string) (*pass, *TestReport, error) {
	report := &TestReport{}
	g, err := e.tryOn(ctx, p, name, versions, func(asker *Op, people *directory.People, app *application) (err error) {
		if app, err = asker.rebound(app, modules); err != nil {
			return err
		}
		t := e.trialFor(asker, people, app)
		if report.Tests, err = t.run(app.def.Tests); err != nil {
			return err
		}
		report.Invariants, err = t.invariants()
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	g.findings = vacuous(report.Tests)
	return g, report, nil
}

// tryOn runs try on one snapshot with the version whose tests are run, if there is one.
func (e *Engine) tryOn(ctx context.Context, p identity.Principal, name string, versions testedVersions, try func(asker *Op, people *directory.People, app *application) error) (*pass, error) {
	g := &pass{}
	err := e.manage(p, func(r storage.Reader, people *directory.People) error {
		prev, next, err := versions(r, people)
		if err != nil {
			return err
		}
		if g.epoch, err = r.Epoch(); err != nil || next == nil {
			return err
		}
		asker := &Op{e: e, ctx: ctx, r: r, principal: p}
		if prev != nil {
			if err := asker.open(name); err != nil {
				return err
			}
		}
		app, err := e.proposed(r, prev, next)
		if err != nil {
			return err
		}
		return try(asker, people, app)
	})
	return g, err
}

// gateFaults says which tests stand against a version. Who fails them is said to
// those who may look through others' eyes, and written down.
func (e *Engine) gateFaults(ctx context.Context, p identity.Principal, name string, report *TestReport) ([]definition.Fault, error) {
	named := false
	failing := append(failed(report.Tests), failed(report.Invariants)...)
	for _, x := range failing {
		named = named || len(x.Counters) > 0
	}
	if named {
		err := e.note(ctx, p, Look{Tool: identity.Review, Application: name, Detail: []byte(`{"asks":"tests of apply"}`)})
		switch kind := fault.KindOf(err); {
		case err != nil && kind != fault.Forbidden && kind != fault.NotFound:
			return nil, err
		case err != nil:
			named = false
		}
	}
	return faultsOf(report, named), nil
}

// faultsOf are the tests that failed or were not tested, with those who fail them
// where named.
func faultsOf(report *TestReport, named bool) (out []definition.Fault) {
	for i, x := range report.Tests {
		if x.Verdict == TestFailed || x.Verdict == NotTested {
			out = append(out, definition.Fault{Line: x.Line, Path: fmt.Sprintf("tests[%d]", i), Msg: x.complaint(named)})
		}
	}
	for _, x := range report.Invariants {
		if x.Verdict == TestFailed {
			out = append(out, definition.Fault{Path: "tests", Msg: "a built-in invariant fails, which is a fault of the server and none of the definition: " + x.complaint(named)})
		}
	}
	return out
}

// failed returns those that failed.
func failed(all []*TestResult) (out []*TestResult) {
	for _, x := range all {
		if x.Verdict == TestFailed {
			out = append(out, x)
		}
	}
	return out
}

// complaint says what stands against a test, with those who fail it where named.
func (x *TestResult) complaint(named bool) string {
	if x.Verdict == NotTested {
		return fmt.Sprintf("the permission test %q was not tested: %s", x.Text, x.Why)
	}
	s := fmt.Sprintf("the permission test %q fails", x.Text)
	if !named || len(x.Counters) == 0 {
		return s
	}
	var all []string
	for _, c := range x.Counters {
		all = append(all, c.String())
	}
	return s + ": " + x.Why + ": " + strings.Join(all, "; ")
}

// String names a person and a record by what may be shown of them.
func (c Counterexample) String() string {
	s := c.Name
	if !c.User.IsZero() {
		s += " (" + c.User.String() + ")"
	}
	if !c.Record.IsZero() {
		s += " on " + c.Form + " " + c.Record.String()
	}
	return s
}

// vacuous tells of tests that held for want of anybody or anything to test.
func vacuous(tests []*TestResult) (out []definition.Finding) {
	for i, x := range tests {
		if x.Verdict == TestVacuous {
			out = append(out, definition.Finding{
				Kind: definition.TestVacuous, Severity: definition.Warning, Line: x.Line, Path: fmt.Sprintf("tests[%d]", i),
				Msg: fmt.Sprintf("the permission test %q says nothing yet: %s", x.Text, x.Why),
				Fix: "nothing, where people or records are still to come; else say it of somebody and something that is there",
			})
		}
	}
	return out
}

// testsToRun tells a check of the tests that applying would run.
func testsToRun(j *judgement) []definition.Finding {
	if len(j.faults) > 0 || j.unchanged || len(j.next.Tests) == 0 {
		return nil
	}
	return []definition.Finding{{
		Kind: definition.TestsToRun, Severity: definition.Info, Line: j.next.Tests[0].Line, Path: "tests",
		Msg: fmt.Sprintf("applying runs the permission tests (%d) first, and refuses the definition where one fails", len(j.next.Tests)),
		Fix: "nothing; sluice test -f FILE runs them now and changes nothing",
	}}
}
