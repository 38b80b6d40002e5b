package resolvers

import (
	"context"

	"sluice/engine"
	"sluice/internal/directory"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Definitions is what the management API asks of the engine. Every method
// checks in its own snapshot or transaction that the principal's credential
// stands (Unauthenticated), and that the principal may:
//
//   - an application that does not exist and one that the principal has no
//     place in are the same NotFound;
//   - reading a definition and changing anything is for admins and developers
//     of the application (A6), Forbidden for live users (A10); People.MayDefine
//     of the directory answers both;
//   - an application that does not exist yet is made by admins only.
//
// Methods that change something bump the tenant's epoch. Implementations are
// safe for concurrent use.
type Definitions interface {
	Reviews
	Sights
	Differences
	Shadows
	Recalls
	RuleLogs
	Tests

	// Applications returns the applications that the principal has a place in and
	// the credential opens (B1), ascending by name; all of them for admins.
	Applications(ctx context.Context, p identity.Principal) ([]engine.Summary, error)

	// Application returns one of them, false for every other name; Forbidden for
	// one that the credential does not open (B1).
	Application(ctx context.Context, p identity.Principal, name string) (engine.Summary, bool, error)
	// Source returns the YAML text of the active definition.
	Source(ctx context.Context, p identity.Principal, application string) (string, error)

	// ApplyCompared checks a document and makes it the application's next version,
	// held to a comparison, empty for none; see engine.ApplyCompared. What is wrong
	// with the document is in Applied.Faults; an error is anything else. The
	// application is the one that the document names.
	ApplyCompared(ctx context.Context, p identity.Principal, source []byte, allowDrop bool, comparison string) (*engine.Applied, error)

	// Check says what Apply would say of a document, and changes nothing.
	Check(ctx context.Context, p identity.Principal, source []byte, allowDrop bool) (*engine.Applied, error)

	// CheckAssignment reports whether the active definition has the role, the
	// permission set and the attributes of a: Invalid when not, with the argument
	// named; NotFound for an application that does not exist. It does not judge
	// whether the principal may assign: the directory does.
	CheckAssignment(ctx context.Context, p identity.Principal, a directory.Assignment) error

	// Attributes turns the text form of viewer attributes into values of the
	// types that the active definition declares; Invalid for an unknown name or
	// a value that does not fit. Errors otherwise as CheckAssignment.
	Attributes(ctx context.Context, p identity.Principal, application string, text map[string]string) (map[string]record.Value, error)

	// DeleteUser deletes a person, after their records were given to another where
	// one is named; see engine.DeleteUser.
	DeleteUser(ctx context.Context, p identity.Principal, user record.ID, to *record.ID) (engine.Reassignment, error)
	// Reassign gives records of one person to another; see engine.Reassign.
	Reassign(ctx context.Context, p identity.Principal, application string, from, to record.ID) (engine.Reassignment, error)
	// Reassignments returns the last reassignment of each user, for admins.
	Reassignments(ctx context.Context, p identity.Principal) ([]engine.Reassignment, error)
	// UploadModule checks a module and keeps it under its hash; the same bytes
	// again are the same module. Invalid when a check refuses it.
	UploadModule(ctx context.Context, p identity.Principal, application, name string, module []byte) (engine.Module, error)

	// Modules returns the application's modules, the newest first.
	Modules(ctx context.Context, p identity.Principal, application string) ([]engine.Module, error)

	// Rules returns the custom rules of the active definition in its order.
	Rules(ctx context.Context, p identity.Principal, application string) ([]engine.RuleState, error)

	// BindModule makes the module the one that fills the rule, not active yet.
	// NotFound for an unknown rule or module, Invalid when the module's manifest
	// does not fit the rule.
	BindModule(ctx context.Context, p identity.Principal, application, rule, module string) (engine.RuleState, error)

	// ActivateRuleCompared switches the rule on, held to a comparison, empty for none;
	// see engine.ActivateRuleCompared. Conflict when nothing is bound.
	ActivateRuleCompared(ctx context.Context, p identity.Principal, application, rule, comparison string) (engine.RuleState, error)

	// RollbackRule lets an earlier version of the rule decide, held to a comparison,
	// empty for none; version 0 is the one before. See engine.RollbackRule.
	RollbackRule(ctx context.Context, p identity.Principal, application, rule string, version int, comparison string) (engine.RuleState, error)
	// DeleteRuleVersion deletes the module of a version that no rule needs, by number or
	// hash. See engine.DeleteRuleVersion.
	DeleteRuleVersion(ctx context.Context, p identity.Principal, application, rule, version string) (engine.RuleVersion, error)

	// FallbackRule names what decides while the active version is in quarantine, held to
	// a comparison, empty for none; version 0 names none. See engine.FallbackRule.
	FallbackRule(ctx context.Context, p identity.Principal, application, rule string, version int, comparison string) (engine.RuleState, error)
	// ReleaseRule takes a version of the rule out of quarantine, held to a comparison,
	// empty for none; version 0 is the one that decides. See engine.ReleaseRule.
	ReleaseRule(ctx context.Context, p identity.Principal, application, rule string, version int, comparison string) (engine.RuleState, error)

	// RuleVersions returns a page of the versions of a rule, the newest first, and
	// whether there are more.
	RuleVersions(ctx context.Context, p identity.Principal, q engine.RulePage) ([]engine.RuleVersion, bool, error)

	// RuleEvents returns a page of what was done with them, the last first, and
	// whether there is more.
	RuleEvents(ctx context.Context, p identity.Principal, q engine.RulePage) ([]engine.RuleEvent, bool, error)

	// RuleModule returns a version, by number or hash, with its module as uploaded;
	// NotFound for everything that is no version of the rule.
	RuleModule(ctx context.Context, p identity.Principal, application, rule, version string) (engine.RuleVersion, []byte, error)

	// DeactivateRule switches the rule off.
	DeactivateRule(ctx context.Context, p identity.Principal, application, rule string) (engine.RuleState, error)

	// HideRecords hides the principal's own records of a form that match the
	// filter from everybody else; it replaces what they hid of the form before.
	// Forbidden for everybody but admins, NotFound for an unknown form, Invalid
	// for a filter that is none.
	HideRecords(ctx context.Context, p identity.Principal, application, form string, where map[string]any) (engine.Hidden, error)

	// UnhideRecords lifts what a user hides of a form: an admin their own, the
	// super admin also what has lapsed; NotFound for everything else.
	UnhideRecords(ctx context.Context, p identity.Principal, application, form string, user record.ID) (engine.Hidden, error)

	// HiddenRecords returns what the principal may lift, in the order of forms.
	HiddenRecords(ctx context.Context, p identity.Principal, application string) ([]engine.Hidden, error)

	// ExplainAccess says why a person may or may not do what with a record; see
	// engine.ExplainAccess.
	ExplainAccess(ctx context.Context, p identity.Principal, application string, q engine.Explain) (*engine.AccessExplanation, error)

	// Looks returns who looked through whose eyes; see engine.Looks.
	Looks(ctx context.Context, p identity.Principal, q engine.LookQuery) (engine.LookPage, error)

	// LookedAt returns who looked through the principal's eyes; see engine.LookedAt.
	LookedAt(ctx context.Context, p identity.Principal, q engine.LookQuery) (engine.LookPage, error)
}

var _ Definitions = (*engine.Engine)(nil)
