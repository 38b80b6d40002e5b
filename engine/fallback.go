package engine

import (
	"context"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/storage"
)

// The acts of FallbackRule; the latter also where the version is let decide itself.
const (
	VersionFallback   RuleAct = "FALLBACK"
	VersionNoFallback RuleAct = "NO_FALLBACK"
)

const opFallback = "engine.FallbackRule"

// RuleFallback is the version that decides while the active one is in quarantine.
type RuleFallback struct {
	Module  string // hash
	Decides bool   // now, as the active version is in quarantine
	// Quarantine is its own: it is not asked then, and the rule goes wrong on every
	// record. Nil where it is not in quarantine.
	Quarantine *RuleQuarantine
}

// asked is the module that is asked, or would be but for its quarantine: the deciding
// one, and while that is in quarantine the fallback where there is one. Empty for none.
func (s bindingState) asked() string {
	if s.standsIn() {
		return s.Fallback
	}
	return s.deciding()
}

// standsIn reports whether the fallback is in the place of the deciding module.
func (s bindingState) standsIn() bool {
	return s.Active && s.Fallback != "" && s.quarantine(s.Module) != nil
}

// denies reports whether no module is asked for a quarantine. There is no fallback of
// a fallback.
func (s bindingState) denies() bool { return s.quarantine(s.asked()) != nil }

// decidesAs reports whether two states of a rule give the same answers.
func (s bindingState) decidesAs(t bindingState) bool {
	return s.asked() == t.asked() && s.denies() == t.denies()
}

func (s bindingState) fallback() *RuleFallback {
	if s.Fallback == "" {
		return nil
	}
	return &RuleFallback{Module: s.Fallback, Decides: s.standsIn() && !s.denies(), Quarantine: s.quarantine(s.Fallback).told()}
}

func (s *bindingState) fallBack(module string) { s.Fallback = module }

// FallbackRule names the version of a RESTRICT or MASK rule that decides while the
// active one is in quarantine, from the next operation on where it is now; version 0
// names none. It stays named when another version is activated, until that is the
// fallback itself. To name one is held to what ActivateRuleCompared is held to, as if
// it decided from now on; none is always possible, as it gives nobody anything.
//
// NotFound for an unknown version, and one that was deleted. Invalid for a rule that
// shares, and for a version that does not fit the rule or the definition of now.
// Conflict for the version that fills the rule, and one in quarantine.
func (e *Engine) FallbackRule(ctx context.Context, p identity.Principal, application, rule string, version int, comparison string) (RuleState, error) {
	const operation = "fallbackRule"
	switch {
	case version < 0:
		return RuleState{}, fault.New(fault.Invalid, opFallback, "version: expected 1 or more")
	case version == 0 && comparison != "":
		return RuleState{}, fault.New(fault.Invalid, opFallback, "difference: expected none without a version")
	case version == 0:
		return e.rebind(ctx, p, operation, application, rule, VersionFallback, func(_ *storage.Txn, _ *definition.Application, _ *definition.CustomRule, s *bindingState) error {
			s.fallBack("")
			return nil
		})
	}
	return e.switchOn(ctx, p, application, rule, comparison, &swapping{operation, VersionFallback, func(r storage.Reader, s bindingState) (string, error) {
		v, err := versionNamed(r, application, rule, s, itoa(version))
		return v.Module, err
	}, (*bindingState).fallBack, mayFallBack})
}

// mayFallBack reports why a module cannot be the fallback of a rule.
func mayFallBack(rule *definition.CustomRule, s bindingState, module string) error {
	switch {
	case rule.Effect == definition.Share:
		return fault.New(fault.Invalid, opFallback, "rule: %q shares, and shares nothing while it is in quarantine; it takes no fallback", rule.Name)
	case s.filling() == "":
		return fault.New(fault.Conflict, opFallback, "rule: %q has no module bound, which another could stand in for", rule.Name)
	case module == s.filling():
		return fault.New(fault.Conflict, opFallback, "version: it fills %q itself; name another one", rule.Name)
	}
	return s.refusesQuarantined(rule.Name, module)
}
