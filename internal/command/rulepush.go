package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sluice/rules"
	"sluice/rules/authoring"
)

var rulePushCommand = &command{
	name: "rule push", summary: "upload a rule module, bind and activate it",
	usage: "-application NAME -rule NAME -f FILE [-manifest FILE] [-bind] [-activate | -dry-run]",
	help: `
Uploads a rule module for a custom rule of an application. -bind makes it the one
that fills the rule once it is activated; what decides until then goes on to.
-activate (which implies -bind) lets it decide from the next request on. -dry-run
lets it decide nothing and says instead who would gain and lose what if it did, what
goes wrong with it, and what it costs: see sluice rule activate.

Examples:
  sluice rule push -application sales -rule embargo -f embargo.wasm
  sluice rule push -application sales -rule embargo -f embargo.wasm -dry-run
  sluice rule push -application sales -rule embargo -f embargo.wasm -manifest embargo.json -activate`,
	run: runRulePush,
}

func runRulePush(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application, rule := r.ruleFlags(fs)
	file := fs.String("f", "", "`FILE` with the module, - for standard input")
	manifest := fs.String("manifest", "", "`FILE` with the manifest, for a module that does not hold it")
	bind := fs.Bool("bind", false, "fill the rule with the module")
	activate := fs.Bool("activate", false, "bind, and let the module decide")
	dry := dryRunFlags(fs)
	if err := r.start(args, 0, "application", "rule", "f"); err != nil {
		return err
	}
	if *dry.run && *activate {
		return badUsage("rule push: -activate and -dry-run contradict each other")
	}
	if err := dry.check(c.name); err != nil {
		return err
	}
	module, err := moduleWith(env, *file, *manifest)
	if err != nil {
		return err
	}
	env.warnProject(ctx, *file)
	// A module under the name of no rule would lie about.
	if _, err := r.ruleNamed(ctx, *application, *rule); err != nil {
		return err
	}
	hash, err := r.upload(ctx, *application, *rule, module)
	if err != nil {
		return ofFile(*file, len(module), err)
	}
	say := dry.words(env)
	fmt.Fprintf(say, "Uploaded %s (%d bytes).\n", hash, len(module))
	named := "-application " + *application + " -rule " + *rule
	if !*bind && !*activate {
		bindIt := "  sluice rule bind " + named + " -module " + short(hash) + "\n"
		if !*dry.run {
			fmt.Fprint(say, "Nothing was bound. To fill the rule with it, which changes nothing yet:\n"+bindIt)
		}
		return dry.show(ctx, r, *application, *rule, hash, "Nothing was bound. To fill the rule with it and compare again:\n"+bindIt+"  sluice rule activate "+named+" -dry-run\n")
	}
	now, err := r.bind(ctx, *application, *rule, hash)
	if err != nil {
		return fmt.Errorf("%w\nThe module stays uploaded. Where nothing else needs it, delete it:\n  sluice rule delete-version %s -version %s", err, named, short(hash))
	}
	switch {
	case now.Active && now.Module == hash:
		fmt.Fprintf(say, "It decides for rule %s already.\n", *rule)
	case now.Active && !*activate:
		fmt.Fprintf(say, "It waits at rule %s, where %s goes on to decide.\n", *rule, short(now.Module))
	default:
		fmt.Fprintf(say, "Rule %s is filled with it.\n", *rule)
	}
	if !*activate {
		return dry.show(ctx, r, *application, *rule, hash, "")
	}
	if err := r.activate(ctx, *application, *rule, ""); err != nil {
		return fmt.Errorf("%w\nThe module is bound and does not decide. To try again:\n  sluice rule activate %s", err, named)
	}
	fmt.Fprintf(say, "Rule %s is active.\n", *rule)
	return nil
}

// warnProject says that the module of a project is older than its source, or fails
// cases of it.
func (env *Env) warnProject(ctx context.Context, file string) {
	if filepath.Base(file) != authoring.ModuleFile {
		return
	}
	p, err := authoring.Open(filepath.Dir(file))
	if err != nil {
		return // a module by itself
	}
	module, err := p.Module()
	if err != nil {
		fmt.Fprintf(env.Stderr, "Warning: %s\n", said(err))
		return
	}
	if failed, of := env.failing(ctx, p.Dir, module); failed > 0 {
		fmt.Fprintf(env.Stderr, "Warning: %d of %d cases of %s fail; `sluice rule test` shows them\n", failed, of, authoring.CasesFile)
	}
}

// failing counts the cases of a folder that a module fails; none where they cannot be
// asked, of which rule test says why.
func (env *Env) failing(ctx context.Context, dir string, module []byte) (failed, of int) {
	manifest, err := rules.ReadManifest(module)
	if err != nil {
		return 0, 0
	}
	src, err := authoring.ReadFile(filepath.Join(dir, authoring.CasesFile))
	if err != nil {
		return 0, 0
	}
	cases, err := authoring.ReadCases(src, manifest)
	if err != nil {
		return 0, 0
	}
	runner, _, closeRules, err := env.Parts.NewRules()
	if err != nil {
		return 0, 0
	}
	defer func() { _ = closeRules() }() // frees memory that the process is about to give back
	results, err := authoring.Ask(ctx, runner, module, cases)
	if err != nil {
		return 0, 0
	}
	failed, _ = authoring.Report(io.Discard, manifest, results)
	return failed, len(results)
}

// upload sends a module and returns its hash.
func (r *remote) upload(ctx context.Context, application, name string, module []byte) (string, error) {
	path := "/apps/" + url.PathEscape(application) + "/rules/" + url.PathEscape(name)
	r.doing = doingUpload
	status, answer, err := r.exchange(ctx, http.MethodPut, path, "application/wasm", module)
	if err != nil {
		return "", err
	}
	var up struct{ Hash string }
	if status != http.StatusOK || json.Unmarshal(answer, &up) != nil || up.Hash == "" {
		return "", r.unexpected(status, answer)
	}
	return up.Hash, nil
}

// ofFile says of a refusal of a module which file it is about.
func ofFile(file string, size int, err error) error {
	e, refused := errors.AsType[*serverError](err)
	if !refused || e.code != "BAD_USER_INPUT" && e.code != "LIMIT_EXCEEDED" {
		return err
	}
	return &serverError{e.code, fmt.Sprintf("-f: %s (%d bytes): %s", file, size, strings.TrimPrefix(e.message, "module: "))}
}

// moduleWith reads a module and puts a manifest into it, if there is one.
func moduleWith(env *Env, file, manifest string) ([]byte, error) {
	module, err := readInput(env, file)
	if err != nil || manifest == "" {
		return module, err
	}
	m, err := os.ReadFile(manifest)
	if err != nil {
		return nil, fmt.Errorf("-manifest: %w", err)
	}
	if module, err = rules.Embed(module, m); err != nil {
		return nil, fmt.Errorf("-manifest: %s", message(err))
	}
	return module, nil
}

var ruleListCommand = &command{
	name: "rule list", summary: "list custom rules and uploaded modules",
	usage: "-application NAME",
	help: `
Lists the custom rules of an application with the module that fills each and the one
that WAITS beside it for activation, then all modules, and below that which rules are in
quarantine and why.

Examples:
  sluice rule list -application sales`,
	run: runRuleList,
}

func runRuleList(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	if err := r.start(args, 0, "application"); err != nil {
		return err
	}
	b, err := r.board(ctx, *application)
	if err != nil {
		return err
	}
	t := newTable(env.Stdout, "RULE", "FORM", "EFFECT", "ACTIVE", "WAITS", "MODULE")
	for _, l := range b.Rules {
		t.row(l.Name, l.Form, l.Effect, l.Active, dash(short(l.Next)), dash(l.Module))
	}
	if err := t.flush(); err != nil {
		return err
	}
	if len(b.Rules) == 0 {
		fmt.Fprintf(env.Stdout, "Application %s has no custom rule; write it under customRules of the definition and apply that.\n", *application)
	}
	fmt.Fprintln(env.Stdout)
	t = newTable(env.Stdout, "MODULE", "NAME", "BYTES", "UPLOADED")
	for _, m := range b.Modules {
		t.row(m.Hash, m.Name, m.Size, m.Uploaded.Format(time.RFC3339))
	}
	if err := t.flush(); err != nil {
		return err
	}
	for _, l := range b.Rules {
		l.Quarantine.print(env.Stdout, *application, l.Name, l.Fallback)
	}
	return nil
}
