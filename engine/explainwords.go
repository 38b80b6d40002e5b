package engine

import (
	"strconv"
	"strings"

	"sluice/engine/policy"
	"sluice/internal/definition"
)

func itoa(n int) string { return strconv.Itoa(n) }

var (
	aboutYou   = strings.NewReplacer("{they}", "you", "{their}", "your", "{them}", "you")
	aboutOther = strings.NewReplacer("{they}", "they", "{their}", "their", "{them}", "them")
)

// pronouns fills in who is spoken of.
func (t teller) pronouns(text string) string {
	if t.you {
		return aboutYou.Replace(text)
	}
	return aboutOther.Replace(text)
}

// words says in one sentence, without its end, what came of a step.
func (t teller) words(s policy.Step) string {
	text, ok := plainWords[s.Because]
	switch s.Kind {
	case policy.StepReport:
		text = t.onReport(s)
	case policy.StepSharing:
		text = sharingWords(s)
	case policy.StepModule, policy.StepRestrict, policy.StepMask:
		text = t.moduleWords(s)
	case policy.StepField:
		text = fieldWords(s)
	case policy.StepParent:
		text = parentWords(s)
	case policy.StepOwnerChange:
		text = ownerChangeWords(s)
	case policy.StepHiding:
		text = "hidden by its owner"
	case policy.StepForm:
		if s.Because == policy.HasAccess && t.target.view.Viewer().PermissionSet == "" {
			text = "{they} may add records to every form" // admins and developers hold no set
		}
	case policy.StepEdit:
		if s.Because == policy.HasRight {
			text = "{they} may edit the record"
		}
	default:
		if !ok {
			text = s.Kind.String()
		}
	}
	text = strings.NewReplacer("{role}", quoted(s.Role), "{owner role}", quoted(s.OwnerRole), "{name}", s.Name).Replace(text)
	return t.pronouns(text)
}

func quoted(name string) string { return `"` + name + `"` }

// plainWords are those of steps that need no more than roles and a name.
var plainWords = map[policy.Because]string{
	policy.NoPlace:          "{they} have no role and permission set here",
	policy.APIClosed:        "{their} permission set does not let programs in",
	policy.AsAdmin:          "{they} are an admin, who may do everything with every record",
	policy.AsDeveloper:      "{they} are a developer of the application, who may do everything with its live data",
	policy.IsOwner:          "{they} own the record",
	policy.OthersOwn:        "somebody else owns the record",
	policy.HierarchyOff:     "the hierarchy of roles is switched off in this application",
	policy.WithoutRole:      "{they} hold no role, so nobody stands below {them}",
	policy.OwnerWithoutRole: "the owner holds no role, so the owner stands below nobody",
	policy.OwnerBelow:       "the owner's role {owner role} is below {their} role {role}",
	policy.OwnerNotBelow:    "the owner's role {owner role} is not below {their} role {role}",
	policy.IsRoot:           "{their} role {role} is the topmost, which also reaches records whose owner holds no role",
	policy.NotRoot:          "the owner holds no role, and only the topmost role reaches such records",
	policy.IsPeer:           "the owner holds {their} role {role}, which shares records among its holders",
	policy.PeersNotShared:   "{their} role {role} does not share records among its holders",
	policy.NotPeer:          "the owner does not hold {their} role {role}",
	policy.ViewGiven:        "{they} may view the record, as every other action needs",
	policy.ViewMissing:      "{they} may not view the record, as every other action needs",
	policy.EditMissing:      "{they} may not edit the record",
	policy.HasAccess:        "{their} permission set has ACCESS on form {name}, which lets {them} add records",
	policy.NoAccess:         "{their} permission set has no ACCESS on form {name}, which adding records needs",
}

// allRights are what a set needs for an action on everything that a report shows.
var allRights = map[definition.Action]string{
	definition.View: "VIEW_ALL", definition.Edit: "MODIFY_ALL", definition.Delete: "DELETE and MODIFY_ALL",
}

func (t teller) onReport(s policy.Step) string {
	set := "{their} permission set " + quoted(t.target.view.Viewer().PermissionSet)
	has := set + " has " + s.Action.String() + " on report " + s.Name
	switch s.Because {
	case policy.NoRight:
		return set + " has no " + s.Action.String() + " on report " + s.Name
	case policy.BesideNoView:
		return has + ", but no VIEW beside it"
	case policy.OutsideCriteria:
		return has + ", but the record does not meet the criteria of that report"
	case policy.HasAllRight:
		right := allRights[s.Action]
		if right == "" {
			right = s.Action.String() + " and VIEW_ALL"
		}
		return set + " has " + right + " on report " + s.Name + ": every record that it shows"
	}
	return has + ": those of its records that {they} reach"
}

func sharingWords(s policy.Step) string {
	rule := "sharing rule " + quoted(s.Name)
	switch s.Because {
	case policy.Shared:
		return rule + " shares the record with {them} (" + s.Level.String() + ")"
	case policy.ForOthers:
		return rule + " shares with other people"
	case policy.LevelTooLow:
		return rule + " shares the record with {them}, but with " + s.Level.String() + " only, and " + s.Needed.String() + " is needed"
	case policy.FieldNamesOthers:
		return rule + " shares with those whom field " + s.Field + " names, and it does not name {them}"
	}
	if s.Statement == "F2" {
		return rule + " does not match the record"
	}
	return rule + " shares records of other owners"
}

func (t teller) moduleWords(s policy.Step) string {
	rule, says := "custom rule "+quoted(s.Name), t.module(s)
	switch s.Because {
	case policy.ForOthers:
		return rule + " does not concern {them}"
	case policy.IsHidden:
		return rule + " was not asked, as the record is hidden from {them}"
	case policy.NothingOpens:
		return rule + " was not asked, as the permission set gives the action on no report that shows the record to whom it is shared"
	case policy.CapTooLow:
		return rule + " may share with " + s.Level.String() + " at most, and " + s.Needed.String() + " is needed"
	case policy.Failed:
		return rule + " failed " + causeOf(s) + ", which counts against access"
	case policy.FailureSpares:
		return rule + " failed " + causeOf(s) + "; a failing rule takes nothing from this person"
	case policy.Shared:
		return rule + " shares the record with {them} (" + s.Level.String() + ")" + says
	case policy.GaveNothing:
		return rule + " gave nothing" + says
	case policy.GaveTooLittle:
		return rule + " gave " + s.Level.String() + " only, and " + s.Needed.String() + " is needed" + says
	case policy.KeptOut:
		return rule + " keeps the record from {them}" + says
	case policy.Masked:
		return rule + " covers the field on this record" + says
	case policy.ReadsMasked:
		return rule + " covers a field that the formula reads" + says
	}
	if s.Kind == policy.StepMask {
		return rule + " leaves the field as it is" + says
	}
	return rule + " lets the record through" + says
}

func fieldWords(s policy.Step) string {
	switch s.Because {
	case policy.Visible:
		return "{their} rights show field {name}"
	case policy.HiddenBySet:
		return "{their} permission set hides field {name}"
	case policy.HiddenAsPII:
		return "{their} permission set hides personal data, and field {name} is such"
	case policy.HiddenAsEPHI:
		return "{their} permission set hides health data, and field {name} is such"
	case policy.ReadsUnseen:
		return "the formula reads field {name}, which {their} rights hide"
	case policy.IsReadOnly:
		return "field {name} is read only in {their} permission set"
	case policy.IsComputed:
		return "field {name} is computed"
	case policy.IsAllotted:
		return "field {name} is numbered by the server"
	case policy.IsSystem:
		return "field {name} is kept by the server"
	}
	return "{their} rights let {them} write field {name}"
}

func parentWords(s policy.Step) string {
	may := "may view"
	if s.Action == definition.Edit {
		may = "may edit"
	}
	switch s.Because {
	case policy.IsHidden:
		return "the parent record was not asked about, as the record itself is hidden from {them}"
	case policy.ParentInReach:
		return "{they} " + may + " its parent, a record of form {name}"
	case policy.ParentUntold:
		return "what the record of form {name} that it belongs to gives is not told, as you may not see that record"
	}
	// One text for a parent that is not there and one that is not seen.
	return "its parent, a record of form {name}, is none that {they} " + may
}

func ownerChangeWords(s policy.Step) string {
	given := s.Verdict == policy.Grants
	choose := func(yes, no string) string {
		if given {
			return yes
		}
		return no
	}
	switch s.Because {
	case policy.AsAdmin:
		return choose("{they} are an admin", "{they} are no admin")
	case policy.IsOwner:
		return choose("{they} own the record", "somebody else owns the record")
	case policy.OwnerIsBelow:
		return choose("the owner's role is below {their} own", "the owner's role is not below {their} own")
	case policy.MayModifyAll:
		return choose("{their} permission set has MODIFY_ALL on a report that shows the record", "{their} permission set has MODIFY_ALL on no report that shows the record")
	}
	return "{they} may not give the record to another owner"
}
