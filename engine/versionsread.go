package engine

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/storage"
)

// RulePage asks for a page of the history of a rule of the active definition.
type RulePage struct {
	Application, Rule string
	First             int // 1 to MaxVersions
	// After is the number of the last row of the page before, 0 for the first page.
	After int
}

// ruled runs fn on a rule of the active definition with what is bound to it, for
// somebody who may define the application. NotFound for an unknown rule.
func (e *Engine) ruled(p identity.Principal, application, rule string, fn func(r storage.Reader, people *directory.People, s bindingState) error) error {
	return e.manage(p, func(r storage.Reader, people *directory.People) error {
		def, err := e.definable(r, people, p, application)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(def.Custom, func(c *definition.CustomRule) bool { return c.Name == rule }) {
			return errNoRule(application, rule)
		}
		s, err := readBinding(r, application, rule)
		if err != nil {
			return err
		}
		return fn(r, people, s)
	})
}

func errNoRule(application, rule string) error {
	return fault.New(fault.NotFound, "engine.rule", "rule: application %s has no custom rule %q", application, rule)
}

func (q *RulePage) check() error {
	if q.First < 1 || q.First > MaxVersions {
		return fault.New(fault.Invalid, "engine.RuleVersions", "first: expected 1 to %d", MaxVersions)
	}
	if q.After < 0 {
		return fault.New(fault.Invalid, "engine.RuleVersions", "after: expected the endCursor of a page")
	}
	return nil
}

// RuleVersions returns the versions of a rule, the newest first, and whether there
// are more. For admins and developers of the application.
func (e *Engine) RuleVersions(_ context.Context, p identity.Principal, q RulePage) (out []RuleVersion, more bool, err error) {
	if err := q.check(); err != nil {
		return nil, false, err
	}
	err = e.ruled(p, q.Application, q.Rule, func(r storage.Reader, people *directory.People, s bindingState) error {
		all, err := versionsOf(r, q.Application, q.Rule, s)
		if err != nil {
			return err
		}
		slices.Reverse(all)
		for _, v := range all {
			if q.After != 0 && v.number >= q.After {
				continue
			}
			if more = len(out) == q.First; more {
				return nil
			}
			x := RuleVersion{
				Number: v.number, Module: v.Module, Active: v.Module == s.deciding(), Next: v.Module == s.Next,
				Before: v.Module == s.Previous, Bound: stamped(people, p, q.Application, v.stampDoc),
				Fallback: v.Module == s.Fallback, StandsIn: v.Module == s.Fallback && s.standsIn(), Quarantine: s.quarantine(v.Module).told(),
			}
			if err := x.describe(r, q.Application); err != nil {
				return err
			}
			out = append(out, x)
		}
		return nil
	})
	return out, more, err
}

// describe adds what is stored beside the module.
func (v *RuleVersion) describe(r storage.Reader, application string) error {
	var d moduleDoc
	b, ok, err := r.Doc(spaceModule, moduleKey(application, v.Module))
	if err == nil && ok {
		err = json.Unmarshal(b, &d)
	}
	v.Label, v.Size, v.Deleted = d.Name, d.Size, !ok
	return err
}

// RuleEvents returns what was done with the versions of a rule, the last first, and
// whether there is more. For admins and developers of the application.
func (e *Engine) RuleEvents(_ context.Context, p identity.Principal, q RulePage) (out []RuleEvent, more bool, err error) {
	if err := q.check(); err != nil {
		return nil, false, err
	}
	err = e.ruled(p, q.Application, q.Rule, func(r storage.Reader, people *directory.People, _ bindingState) error {
		prefix, from := eventPrefix(q.Application, q.Rule), storage.DocRange{Desc: true}
		if q.After > 0 {
			from.After = numberKey(prefix, q.After)
		}
		c := r.DocsIn(spaceVersion, prefix, from)
		defer c.Close()
		for c.Next() {
			if more = len(out) == q.First; more {
				return nil
			}
			var d eventDoc
			n, err := serialOf(c.Key())
			if err == nil {
				err = json.Unmarshal(c.Value(), &d)
			}
			if err != nil {
				return fault.Wrap(fault.Unavailable, "engine.RuleEvents", err, "the history of rule %s is damaged", q.Rule)
			}
			out = append(out, RuleEvent{n, d.Act, d.Version, d.Module, stamped(people, p, q.Application, d.stampDoc)})
		}
		return c.Err()
	})
	return out, more, err
}

// RuleModule returns a version of a rule with its module, byte for byte as it was
// uploaded; version is its number or its hash. The caller owns the bytes. NotFound
// for everything that is no version of the rule. For admins and developers of the
// application.
func (e *Engine) RuleModule(_ context.Context, p identity.Principal, application, rule, version string) (v RuleVersion, module []byte, err error) {
	err = e.ruled(p, application, rule, func(r storage.Reader, people *directory.People, s bindingState) error {
		d, err := versionNamed(r, application, rule, s, version)
		if err != nil {
			return err
		}
		m, err := readModule(r, application, d.Module)
		if err != nil {
			return err
		}
		if m == nil {
			return errNoVersion(rule)
		}
		v = RuleVersion{Number: d.number, Module: d.Module, Size: len(m.bytes), Bound: stamped(people, p, application, d.stampDoc)}
		module = m.bytes
		return nil
	})
	return v, module, err
}

func errNoVersion(rule string) error {
	return fault.New(fault.NotFound, "engine.version", "version: rule %s has no such version", rule)
}

// versionNamed finds a version by its number or its hash.
func versionNamed(r storage.Reader, application, rule string, s bindingState, version string) (versionDoc, error) {
	all, err := versionsOf(r, application, rule, s)
	if err != nil {
		return versionDoc{}, err
	}
	i := slices.IndexFunc(all, func(v versionDoc) bool { return version == strconv.Itoa(v.number) || version == v.Module })
	if i < 0 {
		return versionDoc{}, errNoVersion(rule)
	}
	return all[i], nil
}
