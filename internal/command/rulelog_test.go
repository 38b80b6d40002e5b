package command

import (
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	rulesexamples "sluice/examples/rules"
	"sluice/internal/demo"
)

// newRuled is an office where a rule shares orders with Bob, in the second of its
// versions, and another has no module; bob is a token of his.
func newRuled(t *testing.T) (term *terminal, bob string) {
	t.Helper()
	term = newOffice(t)
	term.must("apply", "-f", file(t, "sales.yaml", string(demo.Definition)))
	term.stdin = adminPassword
	term.must("user", "add", "-email", "bob@acme.example", "-name", "Bob", "-password-stdin")
	term.must("user", "assign", "-application", "sales", "-email", "bob@acme.example", "-role", "inside-sales", "-set", "sales", "-attribute", "team=north")
	for _, order := range []string{"N-1,a,open,2500.00,north", "N-2,b,open,20.00,north", "S-1,c,open,9000.00,south"} {
		term.later()
		term.must("import", "-application", "sales", "-form", "Order", "-f", file(t, "o.csv", "number,title,status,amount,team\n"+order+"\n"))
	}
	for _, language := range []string{rulesexamples.AssemblyScript, rulesexamples.C} {
		term.later()
		module, err := rulesexamples.Module(rulesexamples.SameTeamOpenOrders, language)
		if err != nil {
			t.Fatal(err)
		}
		wasm := file(t, "rule.wasm", string(module))
		term.must("rule", "push", "-application", "sales", "-rule", sharing, "-f", wasm, "-activate")
	}
	return term, term.signIn("bob@acme.example")
}

const sharing = rulesexamples.SameTeamOpenOrders

// asks sends a query of the application sales, and returns the answer.
func (term *terminal) asks(token, query string) string {
	term.t.Helper()
	req, err := http.NewRequestWithContext(term.t.Context(), http.MethodPost, term.env[envServer]+"/apps/sales/graphql", strings.NewReader(`{"query":"`+query+`"}`))
	if err != nil {
		term.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		term.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		term.t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// volatile are times and hashes of modules, which end a line in a table or are cut there.
var volatile = []struct {
	is   *regexp.Regexp
	word string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`), "TIME"},
	{regexp.MustCompile(`(?m)[0-9a-f]{64}$|\b[0-9a-f]{12}$`), "HASH"},
}

// ruleGolden compares with a file of testdata, ids, times and modules aside.
func ruleGolden(t *testing.T, name, got string) {
	t.Helper()
	for _, v := range volatile {
		got = v.is.ReplaceAllString(got, v.word)
	}
	golden(t, filepath.Join("rule", name), got)
}

var (
	spent  = regexp.MustCompile(`  [1-9]\d{2,}\b| \d+ fuel`)
	spaces = regexp.MustCompile(`   +`)
)

// fuelGolden is ruleGolden without amounts of fuel, whose prices may change, and
// without the widths of their columns.
func fuelGolden(t *testing.T, name, got string) {
	t.Helper()
	ruleGolden(t, name, spaces.ReplaceAllString(spent.ReplaceAllString(got, "  MANY"), "  "))
}

// TestRuleTables: what the commands print about a rule that decided, that was swapped,
// rolled back and left without a module.
func TestRuleTables(t *testing.T) {
	term, bob := newRuled(t)
	of := func(rule string, args ...string) string {
		t.Helper()
		return term.must(append(append([]string{"rule"}, args...), "-app", "sales", "-rule", rule)...)
	}
	ruleGolden(t, "log-nothing.txt", of(sharing, "log"))
	ruleGolden(t, "stats-nothing.txt", term.must("rule", "stats", "-app", "sales"))
	if got := term.asks(bob, "{orders{nodes{number}}}"); got != `{"data":{"orders":{"nodes":[{"number":"N-1"}]}}}` {
		t.Fatalf("Bob is shared %s", got)
	}
	fuelGolden(t, "log.txt", of(sharing, "log"))
	fuelGolden(t, "log-one.txt", of(sharing, "log", "-decisions", "-n", "1"))
	ruleGolden(t, "log-faults.txt", of(sharing, "log", "-faults"))
	fuelGolden(t, "stats.txt", term.must("rule", "stats", "-app", "sales"))
	fuelGolden(t, "replay.txt", of(sharing, "replay", "d-1"))
	ruleGolden(t, "replay-case.txt", of(sharing, "replay", "-case", "d-1"))
	ruleGolden(t, "versions.txt", of(sharing, "versions"))
	term.later()
	of(sharing, "rollback")
	ruleGolden(t, "versions-back.txt", of(sharing, "versions"))
	ruleGolden(t, "events.txt", of(sharing, "versions", "-events"))
	term.must("import", "-application", "sales", "-form", "Customer", "-f", file(t, "c.csv", "name,region,accountManager\nAcme,EMEA,bob@acme.example\n"))
	term.asks(bob, "{customers{nodes{phone}}}")
	ruleGolden(t, "log-missing.txt", of("phone-outside-region", "log"))
	fuelGolden(t, "stats-missing.txt", term.must("rule", "stats", "-app", "sales"))
	term.fails(1, "(CONFLICT)", "rule", "replay", "-app", "sales", "-rule", "phone-outside-region", "f-1")
	for _, raw := range [][]string{{"rule", "log", "-json"}, {"rule", "versions", "-json"}, {"rule", "versions", "-events", "-json"}} {
		if got := term.must(append(raw, "-application", "sales", "-rule", sharing)...); !strings.HasPrefix(got, "{") || !strings.Contains(got, `"nodes"`) {
			t.Errorf("%v: %.200s", raw, got)
		}
	}
}

// TestRuleReplayOfAnother: a replay with another module says what it answers
// otherwise, and fails; a record that changed since is refused.
func TestRuleReplayOfAnother(t *testing.T) {
	term, bob := newRuled(t)
	term.asks(bob, "{orders{nodes{number}}}")
	same, err := rulesexamples.Module(sharing, rulesexamples.AssemblyScript)
	if err != nil {
		t.Fatal(err)
	}
	replay := []string{"rule", "replay", "-application", "sales", "-rule", sharing}
	if got := term.must(append(replay, "-module", file(t, "as.wasm", string(same)), "d-1")...); !strings.Contains(got, "the same answer") {
		t.Error(got)
	}
	term.fails(1, "(NOT_FOUND)", append(replay, "d-99")...)
	term.fails(1, "-module: ", append(replay, "-module", "nowhere.wasm", "d-1")...)
	term.fails(1, "(FORBIDDEN)", append(replay, "-token", bob, "d-1")...)
	for line, says := range map[string]string{
		"rule log -rule x": "-application is required",
		"rule log -app a":  "-rule is required",
		"rule log -app a -rule x -faults -decisions": "expected one of them",
		"rule log -app a -rule x -n -1":              "expected a whole number, 0 or more",
		"rule replay -app a -rule x":                 "a word is missing at the end",
		"rule replay -rule x d-1":                    "-application is required",
		"rule replay -app a -rule x 12":              "ENTRY: expected an entry as `sluice rule log` lists it, like d-12 or f-3, got \"12\"",
		"rule replay -app a -rule x d-":              "ENTRY: expected an entry",
		"rule stats":                                 "-application is required",
		"rule versions -app a":                       "-rule is required",
	} {
		term.fails(2, says, strings.Fields(line)...)
	}
}

// TestRuleDeleteVersion: what rolls back is kept, what nobody needs goes and is shown
// as deleted.
func TestRuleDeleteVersion(t *testing.T) {
	term, _ := newRuled(t)
	rule := []string{"-application", "sales", "-rule", sharing}
	remove := append([]string{"rule", "delete-version"}, rule...)
	term.fails(1, "it decides; activate another first (CONFLICT)", append(remove, "-version", "2")...)
	term.fails(1, "which rollback leads to; activate another first (CONFLICT)", append(remove, "-version", "1")...)
	term.fails(1, "(NOT_FOUND)", append(remove, "-version", "3")...)
	term.fails(2, "-version is required", remove...)
	module, err := rulesexamples.Module(sharing, rulesexamples.C)
	if err != nil {
		t.Fatal(err)
	}
	third := append(module, 0, 2, 1, 'x') // a custom section
	term.later()
	term.must(append([]string{"rule", "push", "-f", file(t, "third.wasm", string(third)), "-activate"}, rule...)...)
	if got := term.must(append(remove, "-version", "1")...); !strings.HasPrefix(got, "Version 1 of rule "+sharing+", module ") || !strings.HasSuffix(got, " is deleted.\n") {
		t.Error(got)
	}
	ruleGolden(t, "versions-deleted.txt", term.must(append([]string{"rule", "versions"}, rule...)...))
	term.fails(1, "it is not kept any more", append([]string{"rule", "rollback", "-version", "1"}, rule...)...)
	term.fails(1, "(NOT_FOUND)", append([]string{"rule", "download", "-version", "1"}, rule...)...)
}
