package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/storage"
)

// CauseKind is what was changed that decides about a person's access. The zero
// CauseKind is none.
type CauseKind uint8

// The kinds of causes.
const (
	NoCause CauseKind = iota
	CauseCreated
	CauseDeleted
	CauseOwner   // the record has another owner
	CauseParent  // the record belongs to another parent, or its parent was changed
	CauseValues  // other values of the record
	CausePlace   // a place in the application, given or taken, or in the organization
	CauseRole    // another role
	CauseSet     // another permission set
	CauseViewer  // another viewer attribute
	CauseVersion // another version of the definition is in force
	CauseRule    // a custom rule was switched, or has another module
	CauseHiding  // an admin hides records, or does not any more
)

var causeNames = [...]string{
	"NONE", "RECORD_CREATED", "RECORD_DELETED", "OWNER", "PARENT", "VALUES", "PLACE", "ROLE", "PERMISSION_SET", "ATTRIBUTES",
	"DEFINITION", "CUSTOM_RULE", "HIDING",
}

// String returns the name that the API uses.
func (k CauseKind) String() string {
	if int(k) < len(causeNames) {
		return causeNames[k]
	}
	return causeNames[NoCause]
}

// Cause is one thing that was changed. It names roles, sets, rules and fields and
// never values.
type Cause struct {
	Kind CauseKind
	// Words say it in a sentence without a full stop.
	Words string
	// Version is that of the definition that came into force; 0 for other causes.
	Version uint64
}

// causes tells what a moment changed, none where it is all of parents that the asker
// does not see. before is the chain as it was.
func (t *timeline) causes(m *moment, before []*subject) (out []Cause, err error) {
	for i := range m.changes {
		var more []Cause
		ch := &m.changes[i]
		told, err := t.tells(ch, before)
		if err != nil {
			return nil, err
		}
		switch {
		case !told:
		case ch.Form != 0:
			more, err = t.recordCauses(ch)
		case ch.Space == spaceUser:
			more, err = t.userCauses(ch, before)
		case ch.Space == spacePlace:
			more, err = t.placeCauses(ch, before)
		default:
			more, err = t.policyCauses(ch)
		}
		if err != nil {
			return nil, err
		}
		for _, c := range more {
			if !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out, nil
}

// sides reads both states of a record's change, zero where there was none that the
// asker may know of.
func (t *timeline) sides(ch *storage.Change) (before, after record.Record, err error) {
	side := func(b []byte) (rec record.Record, err error) {
		if b == nil {
			return rec, nil
		}
		rec, err = stateOfRecord(ch.Record, b)
		if err == nil && ch.Record == t.q.Record && !t.op.sees(t.form, rec) {
			rec = record.Record{}
		}
		return rec, err
	}
	if before, err = side(ch.Before); err == nil {
		after, err = side(ch.After)
	}
	return before, after, err
}

func (t *timeline) recordCauses(ch *storage.Change) ([]Cause, error) {
	before, after, err := t.sides(ch)
	if err != nil {
		return nil, err
	}
	if ch.Record != t.q.Record {
		return []Cause{{Kind: CauseParent, Words: "the record that it belongs to was changed"}}, nil
	}
	switch {
	case before.IsZero() && after.IsZero():
		return nil, nil
	case before.IsZero():
		return []Cause{{Kind: CauseCreated, Words: "the record was added"}}, nil
	case after.IsZero():
		return []Cause{{Kind: CauseDeleted, Words: "the record was deleted"}}, nil
	}
	var out []Cause
	if before.Owner() != after.Owner() {
		out = append(out, Cause{Kind: CauseOwner, Words: "the record was given to another owner"})
	}
	app := t.then.op.app
	if app == nil || app.forms[t.form.def.Number] == nil {
		return out, nil
	}
	f := app.forms[t.form.def.Number]
	var names []string
	for _, fd := range f.def.Fields {
		switch {
		case before.Get(&fd.Field).Equal(after.Get(&fd.Field)) || fd.Number == f.def.OwnerField:
		case fd.Number == f.def.ParentField:
			moved, err := t.tellsOfMove(fd, before, after)
			if err != nil {
				return nil, err
			}
			if moved {
				out = append(out, Cause{Kind: CauseParent, Words: "the record was moved to another " + t.formName(fd.Target)})
			}
		default:
			names = append(names, fd.Name)
		}
	}
	if len(names) > 0 {
		out = append(out, Cause{Kind: CauseValues, Words: "the record was changed: " + strings.Join(names, ", ")})
	}
	return out, nil
}

func (t *timeline) formName(number uint32) string {
	if f := t.then.op.app.forms[number]; f != nil {
		return f.def.Name
	}
	return "record"
}

// whose names who a change of people is about: the person, or an owner.
func (t *timeline) whose(user record.ID, before []*subject) string {
	if user == t.q.User {
		return "their"
	}
	for i, s := range append(slices.Clone(before), t.chain...) {
		if s.rec.Owner() == user && (i == 0 || s.rec.ID() == t.q.Record) {
			return "the owner's"
		}
	}
	return "the parent's owner's"
}

// userCauses tell of a person as a whole. What exactly was done is for admins:
// developers have no directory (A6).
func (t *timeline) userCauses(ch *storage.Change, chain []*subject) ([]Cause, error) {
	id, _ := directory.ChangedUser(ch.Key)
	before, after, err := directory.UserSides(ch)
	if err != nil {
		return nil, err
	}
	what := "place in the organization changed"
	switch {
	case before != nil && after != nil && before.Status == after.Status && before.Admin == after.Admin:
		return nil, nil // a name or an address
	case !t.op.view.Viewer().Kind.Administers():
	case before == nil:
		what = "account was added"
	case after == nil:
		what = "account was deleted"
	case before.Admin != after.Admin && after.Admin.Administers() && !before.Admin.Administers():
		what = "account was made an admin's"
	case before.Admin != after.Admin && !after.Admin.Administers():
		what = "account is no admin's any more"
	case after.Status == directory.Inactive:
		what = "account was switched off"
	case after.Status == directory.Active:
		what = "account became active"
	}
	return []Cause{{Kind: CausePlace, Words: t.whose(id, chain) + " " + what}}, nil
}

func (t *timeline) placeCauses(ch *storage.Change, chain []*subject) ([]Cause, error) {
	id, _, _ := directory.ChangedPlace(ch.Key)
	before, after, err := directory.PlaceSides(ch)
	if err != nil {
		return nil, err
	}
	whose := t.whose(id, chain) + " "
	switch {
	case before == nil && after == nil:
		return nil, nil
	case before == nil:
		return []Cause{{Kind: CausePlace, Words: whose + "place in the application was given: " + placeWords(after)}}, nil
	case after == nil:
		return []Cause{{Kind: CausePlace, Words: whose + "place in the application was taken"}}, nil
	}
	var out []Cause
	if before.Kind != after.Kind {
		out = append(out, Cause{Kind: CausePlace, Words: whose + "place in the application is another: " + placeWords(after)})
	}
	if before.Role != after.Role {
		out = append(out, Cause{Kind: CauseRole, Words: whose + "role changed from " + orNone(before.Role) + " to " + orNone(after.Role)})
	}
	if before.PermissionSet != after.PermissionSet {
		out = append(out, Cause{Kind: CauseSet, Words: whose + "permission set changed from " + orNone(before.PermissionSet) + " to " + orNone(after.PermissionSet)})
	}
	if !sameAttributes(before, after) {
		out = append(out, Cause{Kind: CauseViewer, Words: whose + "viewer attributes changed"})
	}
	return out, nil
}

func sameAttributes(a, b *directory.Assignment) bool {
	if len(a.Attributes) != len(b.Attributes) {
		return false
	}
	for name, v := range a.Attributes {
		if w, ok := b.Attributes[name]; !ok || !v.Equal(w) {
			return false
		}
	}
	return true
}

func placeWords(a *directory.Assignment) string {
	switch {
	case a.Role != "":
		return "role " + a.Role + ", permission set " + a.PermissionSet
	case a.PermissionSet != "":
		return "portal user, permission set " + a.PermissionSet
	}
	return "developer"
}

func orNone(name string) string {
	if name == "" {
		return "none"
	}
	return name
}

// policyCauses tell of definition, rules and hides.
func (t *timeline) policyCauses(ch *storage.Change) ([]Cause, error) {
	switch ch.Space {
	case spaceDefinition:
		var before, after pointer
		if err := readSides(ch, &before, &after); err != nil || before.Active == after.Active {
			return nil, err
		}
		return []Cause{{Kind: CauseVersion, Version: after.Active, Words: fmt.Sprintf("version %d of the definition came into force", after.Active)}}, nil
	case spaceBinding:
		var before, after bindingState
		if err := readSides(ch, &before, &after); err != nil || sameBinding(before, after) {
			return nil, err
		}
		return []Cause{{Kind: CauseRule, Words: "the custom rule " + strings.TrimPrefix(ch.Key, t.events.prefix) + " " + ruleWords(before, after)}}, nil
	}
	form, owner, ok := parseHideKey(strings.TrimPrefix(ch.Key, t.events.prefix))
	if !ok || !t.decided(form, owner) {
		return nil, nil
	}
	words := "an admin hides records"
	if ch.After == nil {
		words = "an admin shows again what they hid"
	}
	return []Cause{{Kind: CauseHiding, Words: words}}, nil
}

// decided reports whether a record of the chain is of a form and an owner.
func (t *timeline) decided(form uint32, owner record.ID) bool {
	return slices.ContainsFunc(t.chain, func(s *subject) bool { return s.form.def.Number == form && s.rec.Owner() == owner })
}

func ruleWords(before, after bindingState) string {
	switch {
	case !before.Active && after.Active:
		return "was switched on"
	case before.Active && !after.Active:
		return "was switched off"
	case before.deciding() != after.deciding():
		return "has another module"
	}
	was, is := before.quarantine(before.Module) != nil, after.quarantine(after.Module) != nil
	switch {
	case was && !is:
		return "was released from quarantine"
	case was && before.asked() != after.asked():
		return fallbackWords(after, "has another fallback version")
	case was && after.denies():
		return "has a fallback version in quarantine, too"
	case was:
		return "has a fallback version that was released from quarantine"
	}
	return fallbackWords(after, "was put in quarantine by its faults")
}

// fallbackWords adds to what became of a rule in quarantine whether its fallback
// version decides.
func fallbackWords(s bindingState, words string) string {
	switch {
	case !s.standsIn():
		return words
	case s.denies():
		return words + ", with a fallback version that is in quarantine, too"
	}
	return words + "; its fallback version decides"
}

// sameBinding reports whether two bindings decide alike.
func sameBinding(a, b bindingState) bool {
	return a.deciding() == b.deciding() && a.decidesAs(b)
}

// readSides reads both sides of a document's change; an absent one stays zero.
func readSides(ch *storage.Change, before, after any) error {
	for _, side := range []struct {
		b  []byte
		to any
	}{{ch.Before, before}, {ch.After, after}} {
		if side.b == nil {
			continue
		}
		if err := json.Unmarshal(side.b, side.to); err != nil {
			return fault.Wrap(fault.Unavailable, opRecall, err, "the change log is damaged")
		}
	}
	return nil
}
