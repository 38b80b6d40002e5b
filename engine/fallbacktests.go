package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// standing says what fills rules when fallbacks are tried.
type standing struct {
	modules map[string]string // by rule, in place of what is bound
	lone    bool              // they are fallbacks themselves, and the rule is asked nothing else
}

// testFallbacks runs the tests that say what people cannot do, as if every record was
// asked of the active version or the fallback of a rule, whichever lets more through:
// so they hold whichever rules are in quarantine some day, when a fallback takes over
// without anybody's doing. That is enough, as a RESTRICT and a MASK only take away: who
// may do something with some rules in quarantine may do it then. It may be too strict for
// "on some record", where neither version alone need fail. Tests that say what people can
// do are left out, since the rule would deny without its fallback.
func (e *Engine) testFallbacks(ctx context.Context, p identity.Principal, name string, versions testedVersions, as *standing) ([]definition.Fault, error) {
	var faults []definition.Fault
	_, err := e.tryOn(ctx, p, name, versions, func(asker *Op, people *directory.People, app *application) error {
		app, named, err := asker.loosened(app, as)
		if err != nil || len(named) == 0 {
			return err
		}
		var forbids []*definition.Test
		var at []int
		for i, t := range app.def.Tests {
			if t.Cannot {
				forbids, at = append(forbids, t), append(at, i)
			}
		}
		results, err := e.trialFor(asker, people, app).run(forbids)
		if err != nil {
			return err
		}
		for i, x := range results {
			if x.Verdict == TestFailed || x.Verdict == NotTested {
				faults = append(faults, definition.Fault{Line: x.Line, Path: fmt.Sprintf("tests[%d]", at[i]), Msg: fmt.Sprintf(
					"%s, once the fallback version decides of rule %s; name another fallback, or none, first", x.complaint(false), strings.Join(named, ", or "))})
			}
		}
		return nil
	})
	return faults, err
}

// loosened is the application where fallbacks that may take over some day may answer
// as well, with the names of their rules.
func (op *Op) loosened(app *application, as *standing) (out *application, named []string, err error) {
	if out, err = op.rebound(app, as.modules); err != nil {
		return nil, nil, err
	}
	for _, rule := range app.def.Custom {
		s, err := readBinding(op.r, app.def.Name, rule.Name)
		if err != nil {
			return nil, nil, err
		}
		if module := as.modules[rule.Name]; module != "" {
			if as.lone {
				continue
			}
			s.swap(module)
			s.release(module)
		}
		b := out.bindings[rule]
		if b == nil || s.Fallback == "" || s.standsIn() {
			continue // one that is in quarantine is released without a test while another decides
		}
		m, err := readModule(op.r, app.def.Name, s.Fallback)
		if err != nil {
			return nil, nil, err
		}
		if m == nil || fits(m.manifest, rule, app.def) != nil {
			continue // it denies
		}
		both := *b
		both.or = newBinding(app, rule, m, false)
		out.bindings[rule] = &both
		named = append(named, rule.Name)
	}
	slices.Sort(named)
	return out, named, nil
}

// loosen asks a second module about records, and leaves of both outcomes the one that
// lets more through.
func (op *Op) loosen(f *form, rule *definition.CustomRule, b *binding, recs []record.Record) {
	verdicts, err := op.verdicts(rule, b, recs)
	if err != nil {
		op.fail(err)
		return
	}
	for i, r := range recs {
		k := keyOf(rule, r)
		op.outcomes[k] = looser(rule.Effect, op.outcomes[k], outcomeOf(f, rule, b, verdicts[i]))
	}
}

// looser is what lets through what either outcome does. What goes wrong keeps a record
// from all but the super admin (H4).
func looser(e definition.Effect, a, b policy.Outcome) policy.Outcome {
	switch {
	case e != definition.Mask && (b.Through || b.Fault && !a.Through):
		return b
	case e == definition.Mask && a.Fault:
		return b
	case e == definition.Mask && !b.Fault:
		a.Visible = a.Visible.Union(b.Visible)
	}
	return a
}
