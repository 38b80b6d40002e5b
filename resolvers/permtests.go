package resolvers

import (
	"context"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Tests run permission tests.
type Tests interface {
	// RunTests runs the tests of an application's active definition, or of source
	// where it is not nil; see engine.RunTests.
	RunTests(ctx context.Context, p identity.Principal, application string, source []byte) (*engine.TestReport, error)
}

func newTestReport(r *engine.TestReport) *graph.PermissionTestReport {
	out := &graph.PermissionTestReport{
		Application: r.Application, Tests: newTestResults(r.Tests), Invariants: newTestResults(r.Invariants), Faults: newFaults(r.Faults),
	}
	if len(r.Faults) == 0 {
		version := int(r.Version)
		out.Version = &version
	}
	return out
}

func newTestResults(in []*engine.TestResult) []*graph.PermissionTest {
	out := make([]*graph.PermissionTest, len(in))
	for i, x := range in {
		out[i] = &graph.PermissionTest{
			Text: x.Text, Line: x.Line, Verdict: graph.PermissionTestVerdict(x.Verdict.String()), Why: text(x.Why),
			People: x.People, Records: x.Records, Counterexamples: make([]*graph.Counterexample, len(x.Counters)),
		}
		for j, c := range x.Counters {
			out[i].Counterexamples[j] = &graph.Counterexample{User: unlessZero(c.User), Name: c.Name, Form: text(c.Form), Record: unlessZero(c.Record)}
		}
	}
	return out
}

func unlessZero(id record.ID) *record.ID {
	if id.IsZero() {
		return nil
	}
	return &id
}
