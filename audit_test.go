package main

import (
	"os"
	"os/exec"
	"testing"
)

// notRun skips a test for want of something that a plain go test does not ask
// for. Where SLUICE_CI is set everything is there, so that it fails.
func notRun(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("SLUICE_CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// TestHTTPAudits runs the graphql-http audits against both surfaces of the demo.
// The suite comes from npm, which go test asks for nothing: .ci/run installs it.
func TestHTTPAudits(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		notRun(t, "NOT RUN: the HTTP audits need node")
	}
	if _, err := os.Stat("console/audit/node_modules"); err != nil {
		notRun(t, "NOT RUN: the HTTP audits are not installed; console/audit/check.sh installs and runs them")
	}
	d := theDemo(t)
	for _, who := range []string{"ravi", "priya"} {
		if d.tokens[who] == "" {
			t.Fatalf("the demo has no persona %s", who)
		}
		cmd := exec.CommandContext(t.Context(), node, "console/audit/run.mjs", "--token", d.tokens[who],
			"--url", d.url+"/apps/sales/graphql", "--url", d.url+"/graphql")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", who, err, out)
		}
	}
}
