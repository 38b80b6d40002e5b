package engine

import (
	"context"
	"slices"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/storage"
)

const (
	opDeleteVersion = "engine.DeleteRuleVersion"
	// VersionDeleted is the act of DeleteRuleVersion.
	VersionDeleted RuleAct = "DELETED"
	// maxRuleVersions bounds the versions that a rule ever had, deleted ones included:
	// their numbers stay.
	maxRuleVersions = 10_000
)

// DeleteRuleVersion deletes a module of an application and makes room for another:
// version is its number in a rule, or its hash, which names modules too that were never
// bound. The version keeps its number and its place in the history, in every rule that
// had it; the same bytes uploaded again are it again. What the rule log says of it
// cannot be replayed, and what was visible while it decided is not known any more.
//
// Conflict for a module that a rule of the application needs: one that decides, or did
// last where the rule is off, that waits for activation, that RollbackRule without a
// version leads to, that is named by FallbackRule, or that runs beside the deciding one. NotFound for an unknown rule,
// version or module, and one that was deleted. For those who may define the application.
func (e *Engine) DeleteRuleVersion(ctx context.Context, p identity.Principal, application, rule, version string) (RuleVersion, error) {
	var out RuleVersion
	err := e.change(ctx, p, "deleteRuleVersion", func(txn *storage.Txn, people *directory.People) error {
		def, err := e.definable(txn, people, p, application)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(def.Custom, func(c *definition.CustomRule) bool { return c.Name == rule }) {
			return errNoRule(application, rule)
		}
		if out, err = deletable(txn, application, rule, version); err != nil {
			return err
		}
		for _, c := range def.Custom {
			if err := e.unneeded(txn, application, c.Name, out.Module); err != nil {
				return err
			}
			if err := recordDeletion(txn, application, c.Name, out.Module, stampDoc{p.User, e.stampTime()}); err != nil {
				return err
			}
		}
		return deleteModule(txn, application, out.Module, out.Size)
	})
	if err != nil {
		return RuleVersion{}, err
	}
	out.Deleted = true
	return out, nil
}

// deletable finds the module that is named by its number in a rule or its hash.
func deletable(r storage.Reader, application, rule, version string) (RuleVersion, error) {
	var out RuleVersion
	s, err := readBinding(r, application, rule)
	if err != nil {
		return out, err
	}
	v, err := versionNamed(r, application, rule, s, version)
	switch {
	case err == nil:
		out = RuleVersion{Number: v.number, Module: v.Module}
	case fault.KindOf(err) == fault.NotFound && validHash(version):
		out = RuleVersion{Module: version}
	default:
		return out, err
	}
	if err := out.describe(r, application); err != nil {
		return out, err
	}
	if out.Deleted {
		return out, errNoVersion(rule)
	}
	return out, nil
}

// unneeded reports Conflict for a module that a rule needs.
func (e *Engine) unneeded(r storage.Reader, application, rule, module string) error {
	s, err := readBinding(r, application, rule)
	if err != nil {
		return err
	}
	d, shadowed, err := readShadow(r, application, rule)
	if err != nil {
		return err
	}
	var why string
	switch {
	case s.deciding() == module:
		why = "it decides; activate another first"
	case s.Module == module:
		why = "it would decide if the rule was activated; bind and activate another first"
	case s.Next == module:
		why = "it waits for activation; bind another first"
	case s.Previous == module:
		why = "the one before, which rollback leads to; activate another first"
	case s.Fallback == module:
		why = "it decides while another is in quarantine; name another fallback, or none, first"
	case shadowed && d.Module == module && d.runs(e.o.Now()):
		why = "it runs beside the one that decides; stop that first"
	default:
		return nil
	}
	return fault.New(fault.Conflict, opDeleteVersion, "version: rule %s needs this module: %s", rule, why)
}

// recordDeletion writes a deletion into the history of a rule that had the module.
func recordDeletion(txn *storage.Txn, application, rule, module string, by stampDoc) error {
	s, err := readBinding(txn, application, rule)
	if err != nil {
		return err
	}
	if _, err := versionNamed(txn, application, rule, s, module); err != nil {
		if fault.KindOf(err) == fault.NotFound {
			return nil
		}
		return err
	}
	return recordActs(txn, application, rule, s, []ruleAct{{VersionDeleted, module}}, by)
}

// deleteModule removes a module and its bytes.
func deleteModule(txn *storage.Txn, application, hash string, size int) error {
	if err := txn.PutDoc(spaceModule, moduleKey(application, hash), nil); err != nil {
		return err
	}
	for part := 0; part == 0 || part*storage.MaxValue < size; part++ {
		if err := txn.PutSecret(spaceModule, modulePartKey(application, hash, part), nil); err != nil {
			return err
		}
	}
	return nil
}

// roomForVersion refuses a module that would be one version too many.
func roomForVersion(r storage.Reader, application, rule string, s bindingState, module string) error {
	all, err := versionsOf(r, application, rule, s)
	if err != nil {
		return err
	}
	if grown, _ := withVersion(all, module, stampDoc{}); len(grown) > maxRuleVersions {
		return fault.New(fault.Limit, "engine.BindModule", "rule: %q had %d versions, the most that is allowed; put a rule with another name in its place", rule, maxRuleVersions)
	}
	return nil
}
