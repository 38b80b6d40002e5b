package main

import (
	"os"
	"os/exec"
	"testing"

	"sluice/internal/effort"
)

// TestHTTPAudits runs the graphql-http audits against both surfaces of the demo.
// The suite comes from npm, which go test asks for nothing: .ci/run installs it.
func TestHTTPAudits(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		effort.NotRun(t, "the HTTP audits need node")
	}
	if _, err := os.Stat("console/audit/node_modules"); err != nil {
		effort.NotRun(t, "the HTTP audits are not installed; console/audit/check.sh installs and runs them")
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
