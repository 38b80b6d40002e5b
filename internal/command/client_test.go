package command

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	rulesexamples "sluice/examples/rules"
	"sluice/internal/demo"
)

func TestEveryCommandHelps(t *testing.T) {
	term := newTerminal(t)
	for _, c := range commands() {
		for _, args := range [][]string{append(strings.Fields(c.name), "--help"), append([]string{"help"}, strings.Fields(c.name)...)} {
			out := term.must(args...)
			for _, part := range []string{"Usage: sluice " + c.name + " ", "\nExamples:\n  ", "\nFlags:\n"} {
				if !strings.Contains(out, part) {
					t.Errorf("%v: no %q in\n%s", args, part, out)
				}
			}
			example := out[strings.Index(out, "Examples:"):strings.Index(out, "\nFlags:")]
			if !strings.Contains(example, "sluice "+c.name+" ") && !strings.Contains(example, "sluice "+c.name+"\n") {
				t.Errorf("%s: its examples do not use it: %s", c.name, example)
			}
		}
	}
	if code, out, errs := term.run(); code != 0 || !strings.Contains(out, "import undo") {
		t.Errorf("overview: %d %s%s", code, out, errs)
	}
	if out := term.must("rule", "--help"); !strings.Contains(out, "rule push             upload a rule module") || strings.Contains(out, "import undo") {
		t.Errorf("the commands of a word: %s", out)
	}
}

// TestMistakesNameTheFlag: exit code 2, before anything is sent.
func TestMistakesNameTheFlag(t *testing.T) {
	term := newTerminal(t)
	term.env[envServer], term.env[envToken] = "http://127.0.0.1:1", "token"
	for line, says := range map[string]string{
		"looks -n 1 -app a x":        `"x" is one word too many`,
		"explain -app a r -form":     "flag needs an argument: -form",
		"nonsense":                   `unknown command "nonsense"`,
		"user":                       "user is no command by itself; there are user add, user assign,",
		"apply":                      "-f is required",
		"apply -f x y":               `"y" is one word too many`,
		"apply -wrong":               "flag provided but not defined: -wrong; `sluice apply --help`",
		"rule push -actvate":         "-actvate, did you mean -activate?; `",
		"rule push -dry":             "-dry, did you mean -dry-run?; `",
		"rule push -applications":    "-applications, did you mean -application?; `",
		"rule push -rules":           "-rules, did you mean -rule?; `",
		"apply -f x -server ftp://x": "-server: expected a URL",
		"setup -code x":              "-organization is required",
		"setup -code x -organization o -email e -name n": "-password-stdin: a password is required",
		"token -organization o":                          "-email is required",
		"token -organization o -email e -password-stdin": "standard input holds no password",
		"token create":                                                    "-label is required",
		"token create -label l -days -1":                                  "-days: expected 0 or more",
		"token create -label l -days x":                                   "-days",
		"user add -email e":                                               "-name is required",
		"user assign -email e":                                            "-application is required",
		"user assign -application a -email e":                             "-role is required",
		"user assign -application a -email e -role r":                     "-set is required",
		"user assign -application a -email e -role r -developer":          "-developer: a developer has no role",
		"user assign -application a -email e -role r -set s -attribute x": "-attribute: expected NAME=VALUE",
		"user activate":                                                   "-email is required",
		"user deactivate":                                                 "-email is required",
		"user delete":                                                     "-email is required",
		"user revoke":                                                     "-email is required",
		"user reassign -from e":                                           "-to is required",
		"user portal -email e":                                            "-application is required",
		"user portal -email e -application a":                             "-set is required",
		"user portal -email e -application a -set s -attribute x":         "-attribute: expected NAME=VALUE",
		"rule push -application a -f x":                                   "-rule is required",
		"rule list":                                                       "-application is required",
		"rule nonsense":                                                   `unknown command "rule nonsense"; there are rule new,`,
		"rule rollback -application a -rule x -version first":             `-version: expected a whole number, 1 or more, got "first"; `,
		"import -application a -f x":                                      "-form is required",
		"import -application a -form F -f x -time-zone Mars":              "-time-zone: expected a name",
		"import -application a -form F -f x -map x":                       "-map: expected name=value",
		"import -application a -form F -f x -address a=b":                 "-address: expected a text with one *",
		"import -application a -form F -f x -delimiter ab":                "-delimiter: expected one character",
		"import undo -application a":                                      "-import is required",
		"import resume -application a -import i":                          "-f is required",
		"import list":                                                     "-application is required",
	} {
		term.fails(2, says, strings.Fields(line)...)
	}
	delete(term.env, envToken)
	for _, line := range []string{"apply -f x", "import list -application a", "user activate -email e", "rule list -application a"} {
		term.fails(2, "-token: a token is required", strings.Fields(line)...)
	}
	term.env[envToken] = "token"
	term.fails(1, "-server: http://127.0.0.1:1 does not answer", "import", "list", "-application", "a")
	term.fails(1, "-f: open ", "apply", "-f", filepath.Join(t.TempDir(), "none.yaml"))
}

func TestSetupAndCredentials(t *testing.T) {
	term := newTerminal(t)
	term.stdin = adminPassword + "\n"
	setup := []string{"setup", "-organization", "acme", "-email", "sue@acme.example", "-name", "Sue", "-password-stdin", "-code"}
	term.fails(1, "code: not the code", append(setup, "wrong")...)
	term.must(append(setup, term.code)...)
	term.fails(1, "it was used already", append(setup, term.code)...)
	token := []string{"token", "-organization", "acme", "-email", "sue@acme.example", "-password-stdin"}
	term.env[envToken] = "of yesterday" // signing in does not send it
	session := strings.TrimSpace(term.must(token...))
	term.env[envToken] = session
	personal := strings.TrimSpace(term.must("token", "create", "-label", "script", "-days", "2"))
	term.stdin = "wrong password"
	term.fails(1, "token: ", token...)
	apply := []string{"apply", "-f", file(t, "d.yaml", "application: tiny\nforms: [{name: Note, plural: notes, fields: [{name: text, type: text}]}]\n"), "-token"}
	term.must(append(apply, personal)...)
	term.fails(1, "-token: the server does not take it", append(apply, personal+"x")...)
	term.now = term.now.Add(49 * time.Hour)
	term.fails(1, "may have expired", append(apply, personal)...)
	term.must(append(apply, session)...)
	term.now = term.now.Add(60 * 24 * time.Hour)
	term.fails(1, "may have expired", append(apply, session)...)
}

func TestPeople(t *testing.T) {
	term := newOffice(t)
	term.must("apply", "-f", file(t, "sales.yaml", string(demo.Definition)))
	out := func() string {
		delete(term.env, envPassword)
		return term.must("user", "add", "-email", "bob@acme.example", "-name", "Bob")
	}()
	m := regexp.MustCompile(`Added bob@acme\.example\.\nPassword: (\S{16,})\n`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("user add: %s", out)
	}
	term.stdin = adminPassword
	term.must("user", "add", "-email", "notbob@acme.example", "-name", "Eve", "-admin", "-password-stdin")
	assign := []string{"user", "assign", "-application", "sales", "-email"}
	term.fails(1, "-email: there is no user", append(assign, "ob@acme.example", "-developer")...)
	term.fails(1, "BAD_USER_INPUT", append(assign, "bob@acme.example", "-role", "sales-rep", "-set", "none")...)
	term.fails(1, "(", append(assign, "notbob@acme.example", "-developer")...) // an admin holds no place
	term.must(append(assign, "BOB@acme.example", "-role", "sales-rep", "-set", "sales", "-attribute", "team=red", "-attribute", "region=EMEA")...)
	term.env[envPassword] = m[1]
	bob := term.signIn("bob@acme.example")
	term.fails(1, "FORBIDDEN", "user", "activate", "-email", "bob@acme.example", "-token", bob)
	if out := term.must("user", "deactivate", "-email", "bob@acme.example"); out != "bob@acme.example is INACTIVE.\n" {
		t.Error(out)
	}
	term.fails(1, "-token: the server does not take it", "import", "list", "-application", "sales", "-token", bob)
	if out := term.must("user", "activate", "-email", "bob@acme.example"); out != "bob@acme.example is ACTIVE.\n" {
		t.Error(out)
	}
	term.must("import", "list", "-application", "sales", "-token", term.signIn("bob@acme.example"))
}

// TestPeopleLeave: a portal user, everything signed out, records given away, and
// a deletion with them.
func TestPeopleLeave(t *testing.T) {
	term := newOffice(t)
	term.must("apply", "-f", file(t, "sales.yaml", string(demo.Definition)))
	term.stdin = adminPassword
	for _, name := range []string{"kim", "bob", "eve"} {
		term.must("user", "add", "-email", name+"@acme.example", "-name", name, "-password-stdin")
	}
	term.fails(1, "is not a permission set", "user", "portal", "-application", "sales", "-email", "kim@acme.example", "-set", "sales")
	if out := term.must("user", "portal", "-application", "sales", "-email", "kim@acme.example", "-set", "Customer", "-attribute", "region=EMEA"); out != "kim@acme.example is a portal user of sales.\n" {
		t.Error(out)
	}
	for _, name := range []string{"bob", "eve"} {
		term.must("user", "assign", "-application", "sales", "-email", name+"@acme.example", "-role", "sales-rep", "-set", "sales")
	}
	term.env[envPassword] = adminPassword
	bob := term.signIn("bob@acme.example")
	term.must("import", "-application", "sales", "-form", "Customer", "-f",
		file(t, "c.csv", "name,region,accountManager\nA,EMEA,bob@acme.example\nB,EMEA,bob@acme.example\n"))
	if out := term.must("user", "revoke", "-email", "bob@acme.example"); out != "bob@acme.example is signed out everywhere.\n" {
		t.Error(out)
	}
	term.fails(1, "-token: the server does not take it", "import", "list", "-application", "sales", "-token", bob)
	term.fails(1, "(BAD_USER_INPUT)", "user", "reassign", "-from", "bob@acme.example", "-to", "bob@acme.example")
	if out := term.must("user", "reassign", "-from", "bob@acme.example", "-to", "eve@acme.example", "-application", "sales"); out != "2 records given away.\n" {
		t.Error(out)
	}
	if out := term.must("user", "delete", "-email", "eve@acme.example", "-reassign-to", "bob@acme.example"); out != "2 records given away.\neve@acme.example is deleted.\n" {
		t.Error(out)
	}
	if out := term.must("user", "delete", "-email", "bob@acme.example"); out != "bob@acme.example is deleted.\n" {
		t.Error(out)
	}
	term.fails(1, "-email: there is no user", "user", "delete", "-email", "bob@acme.example")
}

func TestApplyPrintsFaults(t *testing.T) {
	term := newOffice(t)
	broken := file(t, "broken.yaml", "application: a\nforms:\n  - {name: A, plural: as, fields: [}\n")
	term.fails(1, broken+":2: ERROR   not YAML", "apply", "-f", broken)
	wrong := file(t, "wrong.yaml", "application: a\nforms:\n  - name: A\n    plural: as\n    fields:\n      - {name: x, type: txet}\n      - {name: Y, type: text}\n")
	term.fails(1, wrong+":6: ", "apply", "-f", wrong)
	term.fails(1, wrong+": the definition has faults (2), nothing was changed", "apply", "-f", wrong)
	term.stdin = "application: a\nforms: [{name: A, plural: as, fields: [{name: x, type: text}, {name: y, type: text}]}]\n"
	if out := term.must("apply", "-f", "-"); out != "Application a has version 1.\n" {
		t.Error(out)
	}
	term.stdin = "application: a\nforms: [{name: A, plural: as, fields: [{name: x, type: text}]}]\n"
	term.fails(1, "nothing was changed", "apply", "-f", "-")
	if out := term.must("apply", "-f", "-", "-allow-drop"); out != "Application a has version 2.\n" {
		t.Error(out)
	}
	term.fails(1, "the body is empty", "apply", "-f", file(t, "empty.yaml", ""))
}

func TestRules(t *testing.T) {
	term := newOffice(t)
	term.must("apply", "-f", file(t, "sales.yaml", string(demo.Definition)))
	const rule = "same-team-open-orders"
	module, err := rulesexamples.Module(rule, rulesexamples.C)
	if err != nil {
		t.Fatal(err)
	}
	wasm := file(t, "rule.wasm", string(module))
	push := []string{"rule", "push", "-application", "sales", "-rule", rule, "-f", wasm}
	list := func() string {
		for line := range strings.Lines(term.must("rule", "list", "-application", "sales")) {
			if strings.HasPrefix(line, rule) {
				return strings.Join(strings.Fields(line)[1:4], " ")
			}
		}
		return ""
	}
	term.must(push...)
	if got := list(); got != "Order SHARE false" {
		t.Error(got)
	}
	term.must(append(push, "-activate")...)
	if got := list(); got != "Order SHARE true" {
		t.Error(got)
	}
	term.fails(1, "BAD_USER_INPUT", "rule", "push", "-application", "sales", "-rule", "phone-outside-region", "-f", wasm, "-bind")
	term.fails(1, "BAD_USER_INPUT", "rule", "push", "-application", "sales", "-rule", rule, "-f", file(t, "x.wasm", "nonsense"))
	term.fails(1, "-manifest: ", append(push, "-manifest", file(t, "m.json", "{"))...)
	term.fails(1, "NOT_FOUND", "rule", "list", "-application", "none")
}

// TestServeRefuses: a directory that another process has, and one that is
// damaged, before anything listens.
func TestServeRefuses(t *testing.T) {
	term := newTerminal(t)
	dir := t.TempDir()
	serve := []string{"serve", "-data", dir, "-addr", "127.0.0.1:0"}
	s, err := parts.OpenStore(filepath.Join(dir, "db"), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	term.fails(1, "in use by another process", serve...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(dir, "db", "MANIFEST")
	b, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 0x40
	if err := os.WriteFile(manifest, b, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := term.run(serve...)
	if code != 1 || strings.Contains(out, "serves") || !strings.Contains(errs, "manifest has checksum mismatch") {
		t.Errorf("damaged: exit code %d: %s%s", code, out, errs)
	}
}

// TestAnotherServer: what is no Sluice server is named, not misread.
func TestAnotherServer(t *testing.T) {
	term := newTerminal(t)
	term.env[envToken] = "x"
	term.env[envServer] += "/elsewhere"
	term.fails(1, "-token: the server does not take it", "rule", "list", "-application", "a", "-server", strings.TrimSuffix(term.env[envServer], "/elsewhere"))
	term.fails(1, "NOT_FOUND", "rule", "list", "-application", "a")
}

// TestCheckAndApplyPrintFindings pins what both print of one document: aligned,
// one finding to a line, its fix below; and what an unchanged one prints.
func TestCheckAndApplyPrintFindings(t *testing.T) {
	term := newOffice(t)
	t.Chdir(t.TempDir())
	const source = `application: a
forms: [{name: A, plural: as, fields: [{name: x, type: text, required: true}, {name: y, type: text, pii: true}]}]
permissionSets:
  - name: S
    forms: {A: {actions: [ACCESS], fields: {x: READ_ONLY}}}
    reports: {as: [VIEW]}
`
	if err := os.WriteFile("a.yaml", []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	const findings = `a.yaml:   WARNING permissionSets.Customer.reports: portal users of this set see every record of as
                  fix: write a portal set named Customer with the rights that are meant
a.yaml:2: WARNING forms.A.fields.x: it is required and has no default, and no set that may add to A can write it: only admins and developers can add records
                  fix: give it a default, or let a set that adds to A write it
a.yaml:5: WARNING permissionSets.S.forms.A: holders may add to A but not write its required field x, which has no default: every create fails
                  fix: write ` + "`x: VISIBLE`" + ` in permissionSets.S.forms.A.fields, or give the field a default
a.yaml:5: WARNING permissionSets.S.forms.A: holders may add or edit records of A and write none of its fields
                  fix: make a field VISIBLE, or take ACCESS and EDIT on A away
`
	if out := term.must("check", "-f", "a.yaml"); out != findings+"It would be version 1 of application a. Warnings: 4, notes: 0.\n" {
		t.Errorf("check prints\n%s", out)
	}
	code, out, errs := term.run("apply", "-f", "a.yaml")
	if code != 0 || out != "Application a has version 1.\n" || errs != findings {
		t.Errorf("apply: %d %s\n%s", code, out, errs)
	}
	code, out, errs = term.run("apply", "-f", "a.yaml")
	_, withoutCustomer, _ := strings.Cut(findings, "meant\n")
	if code != 0 || out != "Application a is unchanged at version 1.\n" || errs != withoutCustomer {
		t.Errorf("apply again: %d %s\n%s", code, out, errs)
	}
	term.fails(1, "the definition has warnings (4), and -strict lets none pass", "check", "-f", "a.yaml", "--strict")
	clean := strings.Replace(source, "x: READ_ONLY", "x: VISIBLE", 1) + "  - {name: Customer, portal: true}\n"
	if out := term.must("check", "-strict", "-f", file(t, "clean.yaml", clean)); out != "It would be version 2 of application a. Warnings: 0, notes: 0.\n" {
		t.Errorf("a clean document: %s", out)
	}
	term.fails(1, "would be refused", "check", "-f", file(t, "broken.yaml", "application: a\n"))
}

// TestSameFlagsEverywhere: a flag that names one thing is called the same in all
// commands, and its other name comes with it.
func TestSameFlagsEverywhere(t *testing.T) {
	term := newTerminal(t)
	for _, c := range commands() {
		_, flags, _ := strings.Cut(term.must(append(strings.Fields(c.name), "--help")...), "\nFlags:\n")
		for name, short := range shortFlags {
			if strings.Contains(flags, "  -"+name+" ") && !strings.Contains(flags, "  -"+short+" ") {
				t.Errorf("%s: -%s without -%s", c.name, name, short)
			}
		}
		if strings.Contains(flags, "  -app ") != strings.Contains(flags, "  -application ") || strings.Contains(flags, "  -out ") != strings.Contains(flags, "  -o ") {
			t.Errorf("%s: -app without -application, or -out without -o:\n%s", c.name, flags)
		}
	}
}

// TestGuideListsEveryCommand: docs/commands.md names each, where the second and later
// words of a row may go without the first.
func TestGuideListsEveryCommand(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "commands.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(guide)) {
		cell, ok := strings.CutPrefix(line, "| `")
		if !ok {
			continue
		}
		cell, _, _ = strings.Cut(cell, "` |")
		first := strings.Fields(cell)[0]
		for _, name := range strings.Split(cell, "`, `") {
			listed[name], listed[strings.Trim(first, "`,")+" "+name] = true, true
		}
	}
	for _, c := range commands() {
		if !listed[c.name] {
			t.Errorf("docs/commands.md does not list %s", c.name)
		}
	}
}
