package command

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	rulesexamples "sluice/examples/rules"
	"sluice/internal/demo"
	"sluice/rules"
)

// TestRuleBindUnbindDeactivate: what each prints, and what decides meanwhile.
func TestRuleBindUnbindDeactivate(t *testing.T) {
	term, bob := newRuled(t)
	act := func(args ...string) string {
		t.Helper()
		return term.must(append(append([]string{"rule"}, args...), "-application", "sales", "-rule", sharing)...)
	}
	shared := func(want string) {
		t.Helper()
		if got := term.asks(bob, "{orders{nodes{number}}}"); got != `{"data":{"orders":{"nodes":[`+want+`]}}}` {
			t.Errorf("Bob is shared %s", got)
		}
	}
	hashes := moduleHashes(t)
	first, second := hashes[rulesexamples.AssemblyScript], hashes[rulesexamples.C]
	term.fails(1, "no module waits for activation", "rule", "unbind", "-app", "sales", "-rule", sharing)
	out := act("bind", "-module", first[:8])
	out += "\n" + term.must("rule", "list", "-app", "sales")
	out += "\n" + act("unbind")
	out += "\n" + act("bind", "-module", second)
	shared(`{"number":"N-1"}`)
	out += "\n" + act("deactivate")
	shared("")
	out += "\n" + act("bind", "-module", first)
	shared("")
	term.fails(1, sharing+" is off, so that no module waits", "rule", "unbind", "-app", "sales", "-rule", sharing)
	out += "\n" + act("deactivate") // again, with the other module
	act("activate")
	shared(`{"number":"N-1"}`)
	mask := []string{"-app", "sales", "-rule", "phone-outside-region"}
	out += "\n" + term.must(append([]string{"rule", "deactivate"}, mask...)...)
	for hash, word := range map[string]string{first: "FIRST", second: "SECOND"} {
		out = strings.NewReplacer(hash, word, short(hash), word).Replace(out)
	}
	ruleGolden(t, "switch.txt", out)
	term.fails(1, "(FORBIDDEN)", "rule", "deactivate", "-app", "sales", "-rule", sharing, "-token", bob)
	term.fails(1, "(BAD_USER_INPUT)", append([]string{"rule", "bind", "-module", first}, mask...)...)
}

// moduleHashes are the hashes of the example as it was built from each language.
func moduleHashes(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, language := range []string{rulesexamples.AssemblyScript, rulesexamples.C} {
		module, err := rulesexamples.Module(rulesexamples.SameTeamOpenOrders, language)
		if err != nil {
			t.Fatal(err)
		}
		out[language] = rules.HashOf(module).String()
	}
	return out
}

// TestRulePushRefusesBeforeUpload: under the name of no rule nothing is uploaded, and
// every command about a rule names those that there are.
func TestRulePushRefusesBeforeUpload(t *testing.T) {
	term, bob := newRuled(t)
	const there = `application sales has no custom rule "same-team"; it has ` + sharing + ", phone-outside-region"
	modules := term.must("rule", "list", "-app", "sales")
	other := file(t, "other.wasm", string(otherModule(t)))
	for _, line := range []string{
		"push -f " + other, "push -bind -f " + other, "push -dry-run -f " + other, "push -activate -f " + other,
		"bind -module " + moduleHashes(t)[rulesexamples.C], "unbind", "activate", "activate -dry-run", "deactivate", "versions", "versions -events", "rollback",
		"release", "release -dry-run", "download -version 1", "delete-version -version 1", "shadow", "shadow -report", "shadow -stop", "log", "replay d-1",
	} {
		term.fails(1, there, append(strings.Fields("rule "+line), "-application", "sales", "-rule", "same-team")...)
	}
	term.fails(1, "(FORBIDDEN)", "rule", "push", "-f", other, "-app", "sales", "-rule", "same-team", "-token", bob)
	if got := term.must("rule", "list", "-app", "sales"); got != modules {
		t.Errorf("something was uploaded:\n%s", got)
	}
	none := strings.NewReplacer("application: sales", "application: plain").Replace(string(demo.Definition))
	before, _, found := strings.Cut(none, "\ncustomRules:")
	if !found {
		t.Fatal("the demo has no customRules")
	}
	term.must("apply", "-f", file(t, "plain.yaml", before+"\n"))
	term.fails(1, "nor any other; write it under customRules", "rule", "push", "-f", other, "-app", "plain", "-rule", "same-team")
	if got := term.must("rule", "list", "-app", "plain"); !strings.Contains(got, "Application plain has no custom rule; write it under customRules") {
		t.Error(got)
	}
}

// otherModule is the example in C with a section more, which is another module.
func otherModule(t *testing.T) []byte {
	t.Helper()
	module, err := rulesexamples.Module(rulesexamples.SameTeamOpenOrders, rulesexamples.C)
	if err != nil {
		t.Fatal(err)
	}
	return append(module, 0, 2, 1, 'x')
}

// TestRulePushSaysWhatStays: a module that is uploaded and then refused is named.
func TestRulePushSaysWhatStays(t *testing.T) {
	term, _ := newRuled(t)
	other := file(t, "other.wasm", string(otherModule(t)))
	hash := rules.HashOf(otherModule(t)).String()
	term.fails(1, "The module stays uploaded. Where nothing else needs it, delete it:\n  sluice rule delete-version -application sales -rule phone-outside-region -version "+hash[:12]+"\n",
		"rule", "push", "-bind", "-f", other, "-app", "sales", "-rule", "phone-outside-region")
	if out := term.must("rule", "delete-version", "-application", "sales", "-rule", "phone-outside-region", "-version", hash[:12]); out != "Module "+hash+", is deleted.\n" {
		t.Error(out)
	}
	for range 2 {
		term.must("rule", "push", "-f", other, "-app", "sales", "-rule", sharing, "-activate")
	}
	if out := term.must("rule", "push", "-f", other, "-app", "sales", "-rule", sharing, "-bind"); !strings.HasSuffix(out, "It decides for rule "+sharing+" already.\n") {
		t.Error(out)
	}
	out := term.must("rule", "push", "-f", other, "-app", "sales", "-rule", sharing)
	if want := fmt.Sprintf("Nothing was bound. To fill the rule with it, which changes nothing yet:\n  sluice rule bind -application sales -rule %s -module %s\n", sharing, hash[:12]); !strings.HasSuffix(out, want) {
		t.Error(out)
	}
}

// TestRulePushWarnsOfAnOldModule: one that is older than its source, or fails a case, is
// what the author does not mean; a module without a source beside it has none.
func TestRulePushWarnsOfAnOldModule(t *testing.T) {
	term, _ := newRuled(t)
	dir := filepath.Join(t.TempDir(), "rule")
	if out := term.must("rule", "new", "-lang", "go", "-dir", dir, "large-orders"); !strings.HasSuffix(out, "write profile: GO at the custom rule of the definition, and apply that\n") {
		t.Error(out)
	}
	wasm := filepath.Join(dir, "rule.wasm")
	if err := os.WriteFile(wasm, otherModule(t), 0o600); err != nil {
		t.Fatal(err)
	}
	push := []string{"rule", "push", "-app", "sales", "-rule", sharing, "-f", wasm}
	for built, want := range map[time.Duration]string{-time.Hour: "Warning: rule.go has changed since rule.wasm was built; run `sluice rule build`\n", time.Hour: ""} {
		at := time.Now().Add(built)
		if err := os.Chtimes(wasm, at, at); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := term.run(push...); code != 0 || errs != want {
			t.Errorf("%d %q, want %q", code, errs, want)
		}
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(wasm, later, later); err != nil {
		t.Fatal(err)
	}
	for cases, want := range map[string]string{
		"- name: a small one\n  viewer: {team: north}\n  record: {team: north, status: open, amount: 1.00}\n  expect: {grant: view, reason: 1}\n": "Warning: 1 of 1 cases of cases.yaml fail; `sluice rule test` shows them\n",
		"- nonsense\n": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, "cases.yaml"), []byte(cases), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := term.run(push...); code != 0 || errs != want {
			t.Errorf("%d %q, want %q", code, errs, want)
		}
	}
}

// TestModuleByTheBeginningOfItsHash: all commands that take a hash take 8 digits of it.
func TestModuleByTheBeginningOfItsHash(t *testing.T) {
	term, _ := newRuled(t)
	first := moduleHashes(t)[rulesexamples.AssemblyScript]
	rule := []string{"-application", "sales", "-rule", sharing}
	of := func(line string) []string { return append(strings.Fields("rule "+line), rule...) }
	term.must(of("bind -module " + first[:8])...)
	term.must(of("shadow -module " + first[:9])...)
	if out := term.must(of("download -version " + first[:10])...); rules.HashOf([]byte(out)).String() != first {
		t.Error("another module was downloaded")
	}
	term.must("compare", "-application", "sales", "-rule", sharing+"="+first[:8])
	for line, says := range map[string]string{
		"bind -module " + first[:7]:              "-module: expected the hash of a module, its first 8 digits",
		"bind -module " + first + "0":            "-module: expected the hash of a module, its first 8 digits",
		"shadow -module waits-here":              `got "waits-here"`,
		"download -version first":                "-version: expected the number of a version, or the hash of a module, its first 8 digits",
		"delete-version -version 0":              "-version: expected the number of a version",
		"delete-version -version " + first[:7]:   "-version: expected the number of a version",
		"download -version " + first + first[:1]: "-version: expected the number of a version",
	} {
		term.fails(2, says, of(line)...)
	}
	for _, line := range []string{"bind -module 00000000", "shadow -module 00000000", "download -version 00000000", "delete-version -version 00000000"} {
		term.fails(1, "no module of application sales has a hash that begins with 00000000; the newest are\n  ", of(line)...)
		term.fails(1, "\n  "+first+"  "+sharing+", uploaded 2", of(line)...)
	}
	term.fails(1, "-rule: no module of application sales", "compare", "-application", "sales", "-rule", sharing+"=00000000")
}

// TestHashOfTwoModules: what begins two hashes is refused with both of them, and more
// than an error lists are counted.
func TestHashOfTwoModules(t *testing.T) {
	var b ruleBoard
	for i := range maxListed + 2 {
		b.Modules = append(b.Modules, ruleModule{Hash: fmt.Sprintf("abcdef01%02d%s", i, strings.Repeat("0", 54)), Name: "r"})
	}
	if got, err := b.hash("module", "sales", "abcdef0107"); err != nil || got != b.Modules[7].Hash {
		t.Error(got, err)
	}
	_, err := b.hash("module", "sales", "abcdef010")
	if err == nil || !strings.HasPrefix(err.Error(), "-module: abcdef010 is the beginning of 10 modules, give more digits:\n  "+b.Modules[0].Hash) || !strings.Contains(err.Error(), b.Modules[9].Hash) {
		t.Error(err)
	}
	_, err = b.hash("module", "sales", "abcdef01")
	if err == nil || strings.Contains(err.Error(), b.Modules[maxListed].Hash) || !strings.HasSuffix(err.Error(), "\nand 2 more, see sluice rule list") {
		t.Error(err)
	}
	_, err = (&ruleBoard{}).hash("module", "sales", "abcdef01")
	if err == nil || err.Error() != "-module: no module is uploaded to application sales; sluice rule push does it" {
		t.Error(err)
	}
}

// TestRuleFlagsSayWhatTheyTake: every flag of the rule commands that is misread is
// named, with what was expected.
func TestRuleFlagsSayWhatTheyTake(t *testing.T) {
	term := newTerminal(t)
	term.env[envServer], term.env[envToken] = "http://127.0.0.1:1", "token"
	module, _ := example(t)
	const difference = `-difference: expected the id of a difference, as a plan, a dry run or ` + "`sluice compare list`" + ` prints it, of 36 digits and hyphens, got "`
	for line, says := range map[string]string{
		"rule activate -app a -rule r -difference x":                         difference + `x"`,
		"rule rollback -app a -rule r -difference 0199...":                   difference + `0199..."`,
		"rule release -app a -rule r -difference " + strings.Repeat("Z", 36): difference + "ZZ",
		"apply -f x -difference x":                                           difference,
		"rule rollback -app a -rule r -version 0":                            `-version: expected a whole number, 1 or more, got "0"`,
		"rule rollback -app a -rule r -version -1":                           `-version: expected a whole number, 1 or more, got "-1"`,
		"rule release -app a -rule r -version x":                             `-version: expected a whole number, 1 or more, got "x"`,
		"rule release -app a -rule r -version 99999999999999999999":          `-version: expected a whole number, 1 or more`,
		"rule shadow -app a -rule r -hours 0":                                `-hours: expected a whole number, 1 to 168, got "0"`,
		"rule shadow -app a -rule r -hours long":                             `-hours: expected a whole number, 1 to 168, got "long"`,
		"rule shadow -app a -rule r -report=perhaps":                         `-report: expected true or false, got "perhaps"`,
		"rule log -app a -rule r -n many":                                    `-n: expected a whole number, 0 or more, got "many"`,
		"rule bench -n 0":                                                    `-n: expected a whole number, 1 to 10000000, got "0"`,
		"rule bench -seed -1":                                                `-seed: expected a whole number, 0 or more, got "-1"`,
		"rule push -app a -rule r -f x -activate=maybe":                      `-activate: expected true or false, got "maybe"`,
		"rule push -app a -rule r -f x -activate -dry-run":                   "-activate and -dry-run contradict each other",
		"rule push -app a -rule r -f x -json":                                "rule push: -json and -o go with -dry-run",
		"rule activate -app a -rule r -o x":                                  "rule activate: -json and -o go with -dry-run",
		"rule release -app a -rule r -json":                                  "rule release: -json and -o go with -dry-run",
		"rule bind -app a -rule r":                                           "-module is required",
		"rule unbind -app a":                                                 "-rule is required",
		"rule deactivate -rule r":                                            "-application is required",
		"rule new -lang cobol x":                                             `-lang: expected c or`,
		"compare -app a -version no":                                         `-version: expected a whole number, 0 or more, got "no"`,
		"compare -app a -rule r=12":                                          "-rule: expected the hash of a module, its first 8 digits",
		"rule list -app a -server nowhere":                                   "-server: expected a URL",
	} {
		term.fails(2, says, strings.Fields(line)...)
	}
	for line, says := range map[string]string{
		"rule push -app a -rule r -f nothing.wasm":             "-f: open nothing.wasm: ",
		"rule push -app a -rule r -f /dev/null -manifest m.no": "-manifest: open m.no: ",
		"rule test -module nothing.wasm":                       "-module: nothing.wasm: no such file",
		"rule bench -module nothing.wasm":                      "-module: nothing.wasm: no such file",
		"rule build -dir nowhere":                              "-dir: nowhere: no rule here",
		"rule test -dir nowhere":                               "-dir: nowhere: no rule here",
		"rule test -cases no.yaml -module " + module:           "-cases: no.yaml: no such file",
	} {
		term.fails(1, says, strings.Fields(line)...)
	}
	term.fails(1, "sluice: .: no rule here; expected rule.c or", "rule", "build")
}

// TestLogOfADeletedVersion says what it was instead of its answers.
func TestLogOfADeletedVersion(t *testing.T) {
	term, bob := newRuled(t)
	of := func(args ...string) string {
		t.Helper()
		return term.must(append(append([]string{"rule"}, args...), "-application", "sales", "-rule", sharing)...)
	}
	term.must("rule", "rollback", "-app", "sales", "-rule", sharing)
	term.asks(bob, "{orders{nodes{number}}}")
	for _, name := range []string{"third.wasm", "fourth.wasm"} {
		term.later()
		of("push", "-activate", "-f", file(t, name, string(append(otherModule(t), 0, 2, 1, name[0]))))
	}
	of("delete-version", "-version", "1")
	term.later()
	fuelGolden(t, "log-deleted.txt", of("log"))
	term.fails(1, "there is nothing to replay", "rule", "replay", "-app", "sales", "-rule", sharing, "d-1")
}
