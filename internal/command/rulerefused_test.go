package command

import (
	"encoding/json"
	"strings"
	"testing"

	"sluice/internal/demo"
	"sluice/rules"
)

// TestRefusalsNameFlags: what is not found names the flag that asked for it and where
// to look for others.
func TestRefusalsNameFlags(t *testing.T) {
	term, _ := newRuled(t)
	const none = "0199aaaa-0000-7000-8000-000000000000"
	const noApplication = `sluice: -application: there is no application "nosuch", or you have no place in it (NOT_FOUND)`
	rule := " -application sales -rule " + sharing
	for line, says := range map[string]string{
		"rule activate -difference " + none + rule:                             "sluice: -difference: there is no such difference, or it is none that you may use; a plan,",
		"rule rollback -difference " + none + rule:                             "sluice: -difference: there is no such difference",
		"rule rollback -version 77" + rule:                                     "sluice: -version: rule " + sharing + " has no such version; `sluice rule versions` lists those that there are (NOT_FOUND)",
		"rule release -version 77" + rule:                                      "`sluice rule versions` lists",
		"rule download -version 77" + rule:                                     "`sluice rule versions` lists",
		"rule delete-version -version 77" + rule:                               "`sluice rule versions` lists",
		"rule list -application nosuch":                                        noApplication,
		"rule stats -app nosuch":                                               noApplication,
		"rule log -app nosuch -rule x":                                         noApplication,
		"rule versions -app nosuch -rule x":                                    noApplication,
		"rule deactivate -app nosuch -rule x":                                  noApplication,
		"rule shadow -app nosuch -rule x -report":                              noApplication,
		"rule push -app nosuch -rule x -f " + file(t, "rule.wasm", openOrTrap): noApplication,
		"rule push -f " + file(t, "rule.wasm", openOrTrap) + rule:              "which `sluice rule build` writes, and `sluice rule push -manifest FILE`",
	} {
		term.fails(1, says, strings.Fields(line)...)
	}
	large := file(t, "large.wasm", strings.Repeat("x", 4<<20))
	term.must("user", "add", "-email", "new@acme.example", "-name", "New")
	assign := "user assign -user new@acme.example -application sales"
	for line, says := range map[string]string{
		assign + " -role nobody -set sales":                       `sluice: -role: "nobody" is not a role of application sales, which has CEO, `,
		assign + " -role sales-rep -set nothing":                  `sluice: -set: "nothing" is not a permission set of application sales for its users, which has Read, Write, `,
		assign + " -role sales-rep -set sales -attribute taem=x":  "sluice: -attribute: taem: not a viewer attribute of application sales, which has ",
		assign + " -role x -set x -server http://127.0.0.1:1":     "sluice: -server: http://127.0.0.1:1 does not answer",
		"rule push -f " + large + rule:                            "sluice: -f: " + large + " (4194304 bytes): the body has more than 3670016 bytes (LIMIT_EXCEEDED)",
		"rule push -f " + file(t, "rule.c", "int x;") + rule:      "rule.c (6 bytes): expected a WebAssembly module of version 1 (BAD_USER_INPUT)",
		"rule fallback -version 1" + rule:                         `sluice: -rule: "` + sharing + `" shares`,
		"rule list -server http://127.0.0.1:1 -application sales": "is Sluice running there? -server and SLUICE_SERVER name another address",
	} {
		term.fails(1, says, strings.Fields(line)...)
	}
	term.fails(2, `-server: expected a URL like http://127.0.0.1:8080, here or in SLUICE_SERVER, got "127.0.0.1:8080"`, "rule", "list", "-server", "127.0.0.1:8080", "-application", "sales")
	source := file(t, "sales.yaml", string(demo.Definition)+"  - role sales-rep can view Order where owner is VIEWER and status is open\n")
	term.fails(1, "-difference: there is no such difference", "apply", "-f", source, "-difference", none)
}

// TestDryRunOfAModuleThatGoesWrong says to mend it before it names the command that
// lets it decide.
func TestDryRunOfAModuleThatGoesWrong(t *testing.T) {
	term, _ := newRuled(t)
	module, err := rules.Embed([]byte(openOrTrap), []byte(openOrTrapManifest))
	if err != nil {
		t.Fatal(err)
	}
	term.must("import", "-application", "sales", "-form", "Order", "-f", file(t, "x.csv", "number,title,status\nX-1,x,shipped\n"))
	out := term.must("rule", "push", "-application", "sales", "-rule", sharing, "-f", file(t, "open.wasm", string(module)), "-bind", "-dry-run")
	code, text, errs := term.run("rule", "push", "-application", "sales", "-rule", sharing, "-f", file(t, "open.wasm", string(module)), "-bind", "-dry-run", "-json")
	if only := term.must("rule", "push", "-application", "sales", "-rule", sharing, "-f", file(t, "open.wasm", string(module)), "-dry-run"); !strings.Contains(only, "Mend what goes wrong first") || !strings.Contains(only, "Nothing was bound. ") {
		t.Errorf("without -bind: %s", only)
	}
	if !json.Valid([]byte(text)) || code != 0 || !strings.HasPrefix(errs, "Uploaded ") {
		t.Errorf("-json: %d %s %s", code, errs, text)
	}
	for _, want := range []string{"It waits at rule " + sharing + ", where ", "WENT WRONG: ", "Nothing was activated. Mend what goes wrong first: it counts against access.", "all the same:\n  sluice rule activate "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
}
