package command

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"sluice/rules"
)

// ruleBoard is what the server tells of the custom rules of an application and of the
// modules uploaded to it, to those who may define it.
type ruleBoard struct {
	Rules   []ruleFilled
	Modules []ruleModule
}

// ruleFilled is a custom rule with what fills it.
type ruleFilled struct {
	Name, Form, Effect, Module, Next string
	Active                           bool
	Quarantine                       *quarantine
	Fallback                         *fallback
}

type ruleModule struct {
	Hash, Name string
	Size       int
	Uploaded   time.Time
}

const ruleFilledFields = `name form effect module active next `

// board asks for the rules and modules of an application.
func (r *remote) board(ctx context.Context, application string) (*ruleBoard, error) {
	var out struct{ RuleModules ruleBoard }
	err := r.graphql(ctx, `query($a: String!) { ruleModules(application: $a) { rules { `+ruleFilledFields+quarantineFields+` `+fallbackFields+` } modules { hash name size uploaded } } }`,
		map[string]any{"a": application}, &out)
	return &out.RuleModules, err
}

// ruleNamed is the rule of that name of an application; the error names those that
// there are.
func (r *remote) ruleNamed(ctx context.Context, application, name string) (*ruleFilled, error) {
	b, err := r.board(ctx, application)
	if err != nil {
		return nil, err
	}
	return b.rule(application, name)
}

func (b *ruleBoard) rule(application, name string) (*ruleFilled, error) {
	names := make([]string, len(b.Rules))
	for i := range b.Rules {
		if b.Rules[i].Name == name {
			return &b.Rules[i], nil
		}
		names[i] = b.Rules[i].Name
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("-rule: application %s has no custom rule %q, nor any other; write it under customRules of the definition and apply that", application, name)
	}
	return nil, fmt.Errorf("-rule: application %s has no custom rule %q; it has %s", application, name, some(names, ", "))
}

// maxListed bounds the names that an error lists; rule list prints all of them.
const maxListed = 20

// some joins a list for an error.
func some(list []string, between string) string {
	if n := len(list) - maxListed; n > 0 {
		return strings.Join(list[:maxListed], between) + between + fmt.Sprintf("and %d more, see sluice rule list", n)
	}
	return strings.Join(list, between)
}

// byFlags says of a refusal for want of something which flag names that, and where to
// look for others.
func (r *remote) byFlags(err error) error {
	e, refused := errors.AsType[*serverError](err)
	if !refused || r.flags == nil {
		return err
	}
	given := func(flag string) string {
		if f := r.flags.Lookup(flag); f != nil {
			return f.Value.String()
		}
		return ""
	}
	if e.code != "NOT_FOUND" {
		name, says, _ := strings.Cut(e.message, ": ")
		if flag, attribute := flagOf(name); given(flag) != "" {
			return &serverError{e.code, "-" + flag + ": " + attribute + says}
		}
		return err
	}
	switch {
	case given("application") != "" && (strings.HasSuffix(e.message, "no such application") || strings.HasPrefix(e.message, `application "`) && strings.HasSuffix(e.message, ": not found")):
		return fmt.Errorf("-application: there is no application %q, or you have no place in it (NOT_FOUND)", given("application"))
	case given("difference") != "" && strings.HasPrefix(e.message, "id: no such comparison"):
		return fmt.Errorf("-difference: there is no such difference, or it is none that you may use; a plan, a dry run and `sluice compare` make one (NOT_FOUND)")
	case given("rule") != "" && strings.HasPrefix(e.message, "version: rule "):
		return fmt.Errorf("-%s; `sluice rule versions` lists those that there are (NOT_FOUND)", e.message)
	}
	return err
}

// flagOf is the flag that stands for an argument of the API, empty for none; one for
// several attributes is followed by which of them it is.
func flagOf(argument string) (flag, attribute string) {
	if name, ok := strings.CutPrefix(argument, "attributes."); ok {
		return "attribute", name + ": "
	}
	return map[string]string{"rule": "rule", "difference": "difference", "version": "version", "role": "role", "permissionSet": "set"}[argument], ""
}

// withRules adds to a refusal for want of a rule the names of those that there are.
func (r *remote) withRules(ctx context.Context, err error) error {
	err = r.byFlags(err)
	e, refused := errors.AsType[*serverError](err)
	if !refused || e.code != "NOT_FOUND" || r.rule == nil || !strings.HasPrefix(e.message, "rule: ") {
		return err
	}
	b, unread := r.board(ctx, *r.application)
	if unread != nil {
		return err
	}
	if _, unknown := b.rule(*r.application, *r.rule); unknown != nil {
		return unknown
	}
	return err
}

// leastHash is how many digits of a hash a command takes at least: so many stand for
// no number of a version.
const leastHash = 8

// isHash reports whether a text is the beginning of a hash, or all of it.
func isHash(text string) bool {
	if len(text) < leastHash || len(text) > 2*len(rules.Hash{}) || strings.ToLower(text) != text {
		return false
	}
	_, err := hex.DecodeString(text + strings.Repeat("0", len(text)%2))
	return err == nil
}

// hash completes the hash of an uploaded module, which the flag gives the first
// digits of. The error of an unknown or an ambiguous one lists candidates.
func (b *ruleBoard) hash(flag, application, given string) (string, error) {
	if !isHash(given) {
		return "", badUsage("-%s: expected the hash of a module, its first %d digits (0-9, a-f) at least, got %q", flag, leastHash, given)
	}
	var fit []ruleModule
	for _, m := range b.Modules {
		if strings.HasPrefix(m.Hash, given) {
			fit = append(fit, m)
		}
	}
	switch {
	case len(fit) == 1:
		return fit[0].Hash, nil
	case len(fit) > 1:
		return "", fmt.Errorf("-%s: %s is the beginning of %d modules, give more digits:\n%s", flag, given, len(fit), candidates(fit))
	case len(b.Modules) == 0:
		return "", fmt.Errorf("-%s: no module is uploaded to application %s; sluice rule push does it", flag, application)
	}
	return "", fmt.Errorf("-%s: no module of application %s has a hash that begins with %s; the newest are\n%s", flag, application, given, candidates(b.Modules))
}

// candidates lists modules, one to a line.
func candidates(list []ruleModule) string {
	lines := make([]string, len(list))
	for i, m := range list {
		lines[i] = fmt.Sprintf("  %s  %s, uploaded %s", m.Hash, m.Name, m.Uploaded.UTC().Format(time.RFC3339))
	}
	return some(lines, "\n")
}

// moduleNamed completes a hash that is given by a flag.
func (r *remote) moduleNamed(ctx context.Context, flag, application, given string) (string, error) {
	if !isHash(given) {
		return (&ruleBoard{}).hash(flag, application, given)
	}
	b, err := r.board(ctx, application)
	if err != nil && len(given) == 2*len(rules.Hash{}) {
		return given, nil // who may not list the modules may still name one
	}
	if err != nil {
		return "", err
	}
	return b.hash(flag, application, given)
}

// versionNamed takes the number of a version, and completes the hash of a module.
func (r *remote) versionNamed(ctx context.Context, application, given string) (string, error) {
	if isHash(given) {
		return r.moduleNamed(ctx, "version", application, given)
	}
	if n := (&number{least: 1, most: unbounded}); n.Set(given) != nil {
		return "", badUsage("-version: expected the number of a version, or the hash of a module, its first %d digits (0-9, a-f) at least, got %q", leastHash, given)
	}
	return given, nil
}
