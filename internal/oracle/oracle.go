package oracle

import (
	"slices"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Why is a set of reasons for which a record is in reach. The zero Why denies.
type Why uint32

// The reasons.
const (
	AsAdmin       Why = 1 << iota // A3
	AsDeveloper                   // A13, environments off
	AllRight                      // the "all" right of the set on a report
	Own                           // E2
	Below                         // C3
	RootOverNone                  // C4
	Peers                         // C5
	ShareGroup                    // F1
	ShareCriteria                 // F2
	ShareField                    // F3
	ShareModule                   // F4
	ThroughParent                 // E4
)

// MaySee reports whether the record is in the user's reach for the action: View,
// Edit, Delete, Export, ReadComments, WriteComments or ReadHistory; where somebody
// looks through the user's eyes, in the reach of both.
func MaySee(w *World, u *User, a definition.Action, form string, r *Record) bool {
	return Grants(w, u, a, form, r) != 0 && (u.Asker == nil || MaySee(w, u.Asker, a, form, r))
}

// Grants is MaySee of the user alone with every reason there is.
func Grants(w *World, u *User, a definition.Action, form string, r *Record) Why {
	onRecords := a == definition.View || a == definition.Edit || a == definition.Delete || a >= definition.Export && a <= definition.ReadHistory
	if !onRecords || !admitted(w, u) || hidden(w, u, form, r) || restricted(w, u, form, r) {
		return 0
	}
	if a != definition.View && Grants(w, u, definition.View, form, r) == 0 {
		return 0
	}
	// Decision: B7's "never implied" speaks of sets; admins and developers export.
	switch u.Kind {
	case identity.SuperAdmin, identity.Admin:
		return AsAdmin
	case identity.Developer:
		return AsDeveloper
	}
	var why Why
	for _, rep := range w.App.Reports {
		if rep.Form == form && policyMatches(w, u, form, r, rep.Criteria) {
			why |= scope(w, u, rep.Name, a, form, r)
		}
	}
	return why
}

// scope is one report's term of the formula in §9, without the criteria.
func scope(w *World, u *User, report string, a definition.Action, form string, r *Record) Why {
	has := func(a definition.Action) bool { return holdsRight(w.Set(u.Set), report, a) }
	if !has(a) {
		return 0
	}
	if a != definition.Edit && a != definition.Delete {
		a = definition.View // Export, comments and history: the scope of View
	}
	if a == definition.View && has(definition.ViewAll) || a != definition.View && has(definition.ModifyAll) {
		return AllRight
	}
	if f := w.Form(form); f.ParentField != 0 {
		if a == definition.Delete {
			a = definition.Edit
		}
		if parent, rec := parentOf(w, f, r); rec != nil && Grants(w, u, a, parent, rec) != 0 {
			return ThroughParent
		}
		return 0 // E4: the parent stands in for owner scope and sharing rules
	}
	return ownership(w, u, Owner(w.Form(form), r)) | shared(w, u, a, form, r)
}

// implying names the rights that imply a right (B6).
var implying = map[definition.Action][]definition.Action{
	definition.View:         {definition.ViewAll, definition.ModifyAll},
	definition.Edit:         {definition.ModifyAll},
	definition.ViewAll:      {definition.ModifyAll},
	definition.ReadComments: {definition.WriteComments},
}

// holdsRight reports whether a set has the right on a report, itself or implied.
func holdsRight(s *definition.PermissionSet, report string, a definition.Action) bool {
	return s != nil && slices.ContainsFunc(s.Reports[report], func(have definition.Action) bool {
		return have == a || slices.Contains(implying[a], have)
	})
}

func ownership(w *World, u *User, owner record.ID) (why Why) {
	if owner == u.ID {
		why |= Own
	}
	mine, theirs := w.Role(u.Role), w.Role(roleOf(w, owner))
	switch {
	case mine == nil:
	case isBelow(w, u, owner):
		why |= Below
		if theirs == nil {
			why = why&^Below | RootOverNone
		}
	case theirs == mine && mine.SharePeers && owner != u.ID:
		why |= Peers
	}
	return why
}

// isBelow reports whether the owner is in below(v). E5: the owner's status does
// not matter; a deleted user has no role.
func isBelow(w *World, u *User, owner record.ID) bool {
	mine, theirs := w.Role(u.Role), roleOf(w, owner)
	if !w.App.Hierarchy || mine == nil {
		return false
	}
	if theirs == "" {
		return mine.ReportsTo == ""
	}
	return theirs != mine.Name && inGroup(w, record.ID{}, theirs, definition.Group{Role: mine.Name, Subordinates: true})
}

func roleOf(w *World, id record.ID) string {
	if u := w.User(id); u != nil && u.Kind == identity.Live {
		return u.Role
	}
	return ""
}

// inGroup reports whether a person with this id and role belongs to the group.
// Decision: the subordinates of a group follow the tree of roles, whether or
// not the hierarchy switch gives reach by position.
// Decision: an address of a user who was deleted since still names their records.
func inGroup(w *World, id record.ID, role string, g definition.Group) bool {
	if g.User != "" {
		named, known := w.App.Users[g.User]
		return known && named == id
	}
	for steps := 0; role != "" && steps <= len(w.App.Roles); steps++ {
		if role == g.Role {
			return true
		}
		r := w.Role(role)
		if r == nil || !g.Subordinates {
			return false
		}
		role = r.ReportsTo
	}
	return false
}

// covering is the least level that covers an action (F1).
var covering = map[definition.Action]definition.Level{definition.View: definition.Read,
	definition.Edit: definition.ReadWrite, definition.Delete: definition.ReadWriteDelete}

// shared gives the reasons of sharing rules and Share modules for View, Edit or
// Delete (F1 to F5).
func shared(w *World, u *User, a definition.Action, form string, r *Record) (why Why) {
	need := covering[a]
	owner := Owner(w.Form(form), r)
	for _, s := range w.App.Sharing {
		if s.Form != form || s.Level < need {
			continue
		}
		named := inGroup(w, u.ID, u.Role, s.To)
		switch {
		case s.Field != "":
			if cell := Raw(w.Form(form), r, s.Field); cell.Ref() == u.ID || slices.Contains(cell.Refs(), u.ID) {
				why |= ShareField
			}
		case s.Criteria != nil:
			if named && policyMatches(w, u, form, r, s.Criteria) {
				why |= ShareCriteria
			}
		case named && inGroup(w, owner, roleOf(w, owner), s.From):
			why |= ShareGroup
		}
	}
	for _, c := range w.App.Custom {
		if c.Form == form && c.Effect == definition.Share && concerns(w, c, u) {
			if v := ask(w, c, u, r); !v.Fault && min(v.Level, int(c.MaxLevel)) >= int(need) {
				why |= ShareModule
			}
		}
	}
	return why
}

// concerns reports whether a custom rule is about the user at all (H3, H7).
// Decision: a rule that binds admins binds each of them, and developers, whatever
// roles, sets and users it names besides.
func concerns(w *World, c *definition.CustomRule, u *User) bool {
	if everything(u) {
		return c.Effect == definition.Restrict && c.BindsAdmins
	}
	named := slices.ContainsFunc(c.Users, func(address string) bool {
		return inGroup(w, u.ID, "", definition.Group{User: address})
	})
	return named || slices.Contains(c.Roles, u.Role) || slices.Contains(c.Sets, u.Set) || len(c.Roles)+len(c.Sets)+len(c.Users) == 0
}

// ask runs a module on true values (H6). A missing module is a fault (H4).
func ask(w *World, c *definition.CustomRule, u *User, r *Record) Verdict {
	m, ok := w.Modules[c.Name]
	if !ok {
		return Verdict{Fault: true}
	}
	var viewer, row []record.Value
	for _, name := range m.Viewer {
		viewer = append(viewer, u.Attributes[name])
	}
	for _, name := range m.Record {
		row = append(row, Raw(w.Form(c.Form), r, name))
	}
	if c.Effect == definition.Share && !Plans[m.Plan](viewer, row) {
		return Verdict{} // the plan is part of the rule
	}
	return Truths[m.Truth](viewer, row)
}

func restricted(w *World, u *User, form string, r *Record) bool {
	return slices.ContainsFunc(w.App.Custom, func(c *definition.CustomRule) bool {
		if c.Form != form || c.Effect != definition.Restrict || !concerns(w, c, u) {
			return false
		}
		v := ask(w, c, u, r)
		return v.Fault && u.Kind != identity.SuperAdmin || !v.Fault && v.Level == 0
	})
}

// maskedAlone is [Masked] without regard to what formulas read.
func maskedAlone(w *World, u *User, form string, r *Record, field string) bool {
	return slices.ContainsFunc(w.App.Custom, func(c *definition.CustomRule) bool {
		i := slices.Index(c.Fields, field)
		if c.Form != form || c.Effect != definition.Mask || i < 0 || unmaskable(field) || !concerns(w, c, u) {
			return false
		}
		v := ask(w, c, u, r)
		return v.Fault || v.Visible&(1<<i) == 0
	})
}

func unmaskable(field string) bool {
	return slices.Contains([]string{"id", "version", "addedTime", "modifiedTime"}, field)
}

func everything(u *User) bool { return u.Kind.Administers() || u.Kind == identity.Developer }

// admitted reports whether the user may ask for anything (A7, A9, B1).
// Decision: the API switch is one of sets, so it does not stop who holds none.
func admitted(w *World, u *User) bool {
	s := w.Set(u.Set)
	switch {
	case u.Inactive || u.Credential == identity.NoCredential:
		return false
	case everything(u):
		return true
	case u.Kind == identity.Live && w.Role(u.Role) != nil, u.Kind == identity.Portal:
		return s != nil && (s.APIAccess || u.Credential != identity.PersonalToken)
	}
	return false
}

func policyMatches(w *World, u *User, form string, r *Record, criteria map[string]any) bool {
	return matches(reader{w, u, w.Form(form), r, true}, criteria)
}

func parentOf(w *World, f *definition.Form, r *Record) (string, *Record) {
	for _, field := range f.Fields {
		if field.Number == f.ParentField {
			form := w.FormNumber(field.Target).Name
			return form, w.Find(form, r.Cells[field.Name].Ref())
		}
	}
	return "", nil
}
