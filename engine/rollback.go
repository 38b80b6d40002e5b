package engine

import (
	"context"
	"strconv"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/storage"
)

// choice says which module of a rule is to decide, empty for none. It is asked
// before the gates and again in the transaction that swaps.
type choice func(r storage.Reader, s bindingState) (module string, err error)

// bindingNext chooses what activation lets decide.
func bindingNext(_ storage.Reader, s bindingState) (string, error) { return s.candidate(), nil }

// RollbackRule lets an earlier version of a rule decide, from one transaction to the
// next; version 0 is the one that decided before, so that doing it twice leads back
// to where it began. It takes what ActivateRuleCompared takes: permission tests, and
// the comparison where one is named. NotFound for an unknown version, Conflict where
// none decided before, Invalid where the version does not fit the definition of now.
func (e *Engine) RollbackRule(ctx context.Context, p identity.Principal, application, rule string, version int, comparison string) (RuleState, error) {
	if version < 0 {
		return RuleState{}, fault.New(fault.Invalid, "engine.RollbackRule", "version: expected 1 or more")
	}
	return e.switchOn(ctx, p, application, rule, comparison, &swapping{"rollbackRule", VersionRolledBack, func(r storage.Reader, s bindingState) (string, error) {
		if version == 0 {
			if s.Previous == "" {
				return "", fault.New(fault.Conflict, "engine.RollbackRule", "rule: no other version of %q decided before", rule)
			}
			return s.Previous, nil
		}
		v, err := versionNamed(r, application, rule, s, strconv.Itoa(version))
		return v.Module, err
	}, (*bindingState).swap, nil})
}

// swapping is a way to let a module decide.
type swapping struct {
	operation string
	act       RuleAct
	choose    choice
	put       func(s *bindingState, module string)
	// allows reports why a module may not be that, nil for no reason.
	allows func(rule *definition.CustomRule, s bindingState, module string) error
}

// switchOn lets the module that is chosen decide, through the gates of rights.
func (e *Engine) switchOn(ctx context.Context, p identity.Principal, application, rule, comparison string, how *swapping) (RuleState, error) {
	module, err := e.chosen(p, application, rule, how)
	if err != nil {
		return RuleState{}, err
	}
	if module != "" && how.act == VersionActivated {
		if err := e.checkStoredPlan(ctx, p, application, rule, module); err != nil {
			return RuleState{}, err
		}
	}
	var held *bound
	if module != "" {
		if held, err = e.bind(ctx, p, application, &ProposedChange{Modules: map[string]string{rule: module}}, comparison); err != nil {
			return RuleState{}, err
		}
	}
	var out RuleState
	_, failing, err := gated(func(g *pass) (err error) {
		out, err = e.activate(ctx, p, application, rule, module, held, g, how)
		return err
	}, func() (*pass, []definition.Fault, error) {
		return e.testModule(ctx, p, application, rule, module, how.act)
	})
	if len(failing) > 0 {
		return RuleState{}, refusesRule(failing)
	}
	return out, err
}

// chosen returns the module that is to decide, empty for none.
func (e *Engine) chosen(p identity.Principal, application, rule string, how *swapping) (module string, err error) {
	err = e.ruled(p, application, rule, func(r storage.Reader, _ *directory.People, s bindingState) error {
		module, err = how.choose(r, s)
		return err
	})
	return module, err
}
