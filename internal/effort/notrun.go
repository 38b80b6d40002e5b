package effort

import (
	"os"
	"testing"
)

// NotRun skips a test for want of something that a plain "go test" does not ask
// for, and says why. Where SLUICE_CI is set everything is there, so that the test
// fails.
func NotRun(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("SLUICE_CI") != "" {
		t.Fatal("NOT RUN: " + why)
	}
	t.Skip("NOT RUN: " + why)
}
