package effort

import (
	"runtime"
	"testing"
)

// verdict notes how a test ended, as testing does: by ending its goroutine.
type verdict struct {
	testing.TB
	failed, skipped string
}

func (v *verdict) Helper() {}

func (v *verdict) Fatal(args ...any) { v.failed = args[0].(string); runtime.Goexit() }

func (v *verdict) Skip(args ...any) { v.skipped = args[0].(string); runtime.Goexit() }

func TestNotRun(t *testing.T) {
	for _, c := range []struct{ ci, failed, skipped string }{
		{"", "", "NOT RUN: it needs node"},
		{"1", "NOT RUN: it needs node", ""},
	} {
		t.Setenv("SLUICE_CI", c.ci)
		v := &verdict{}
		done := make(chan struct{})
		go func() { defer close(done); NotRun(v, "it needs node") }()
		<-done
		if v.failed != c.failed || v.skipped != c.skipped {
			t.Errorf("SLUICE_CI=%q: failed %q, skipped %q", c.ci, v.failed, v.skipped)
		}
	}
}
