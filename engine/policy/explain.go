package policy

import (
	"sluice/internal/definition"
	"sluice/internal/record"
)

// Verdict is what came of one step of an explanation. The zero Verdict is that
// nobody asked.
type Verdict uint8

// The verdicts.
const (
	NotAsked Verdict = iota
	Refuses          // gives nothing
	Opens            // the set allows the action on a report that shows the record, for records in scope
	Grants           // with what Opens, or by itself where it is an all-right
	Passes           // could take the record away and does not
	Removes          // takes it away, whatever grants
)

// StepKind is what a step speaks of.
type StepKind uint8

// The kinds of steps.
const (
	NoStep       StepKind = iota
	StepPlace             // the viewer's place in the application
	StepStanding          // an admin's or a developer's
	StepReport            // the permission set on one report
	StepOwn
	StepBelow
	StepRoot
	StepPeers
	StepSharing // a sharing rule
	StepModule  // a SHARE rule
	StepParent
	StepHiding
	StepRestrict
	StepView // that VIEW is needed as well
	StepForm // the permission set on the form
	StepField
	StepMask
	StepEdit // that EDIT is needed as well
	StepOwnerChange
)

// Because says why a step came out as it did.
type Because uint8

// The reasons.
const (
	NoBecause       Because = iota
	NoPlace                 // without role and set, or without any place
	APIClosed               // B1
	AsAdmin                 // A3
	AsDeveloper             // A13
	NoRight                 // the set does not list the action
	BesideNoView            // the set lists the action without VIEW on the same report
	OutsideCriteria         // the report does not show the record
	HasRight
	HasAllRight
	NothingOpens // not asked: no report gives the action on the record
	IsHidden     // not asked: somebody hides the record
	IsOwner
	OthersOwn
	HierarchyOff
	WithoutRole      // the viewer holds no role
	OwnerWithoutRole // so nobody stands above them
	OwnerBelow
	OwnerNotBelow
	IsRoot
	NotRoot
	OwnerHasRole
	IsPeer
	PeersNotShared
	NotPeer
	LevelTooLow // of the rule
	ForOthers   // the rule shares with others, or concerns others
	OtherRecords
	FieldNamesOthers
	Shared
	CapTooLow     // of the binding
	GaveNothing   // the module
	GaveTooLittle // the module
	Failed        // the module
	FailureSpares // H4: never the super admin
	LetThrough
	KeptOut
	ParentInReach
	ParentOutOfReach
	NoParent
	ParentUntold // to an asker who does not see the parent, if there is one
	ViewGiven
	ViewMissing
	HiddenBySet
	HiddenAsPII
	HiddenAsEPHI
	ReadsUnseen // a formula
	ReadsMasked // a formula
	Masked
	Visible
	Writable
	IsReadOnly
	IsComputed
	IsAllotted
	IsSystem
	EditMissing
	OwnerChangeMissing
	OwnerIsBelow
	MayModifyAll
	NotOwnersOwn
	HasAccess
	NoAccess
)

// Step is one grant that was tried, or one thing that could take the record
// away. It names parts of the definition and never people or values.
type Step struct {
	Statement string // of docs/access-model.md
	Kind      StepKind
	Verdict   Verdict
	Because   Because
	// Name is that of a report, a rule, a form or a field, empty for none.
	Name string
	// Field is the user field of a field rule.
	Field string
	// Action is what was asked, on a report or of the parent.
	Action definition.Action
	// Level is what a rule gives, Needed what the action takes.
	Level, Needed definition.Level
	// Role is the viewer's and OwnerRole the record owner's, where roles decide.
	Role, OwnerRole string
	// Rule is the custom rule that was asked; Reason and Cause as in Outcome.
	Rule          *definition.CustomRule
	Reason, Cause uint8
}

// Need is one thing of which any in a Missing would do.
type Need struct {
	Kind      StepKind
	Statement string
	Name      string
	// Actions are rights that the set lacks on the report Name; empty for a need
	// that is no right.
	Actions []definition.Action
	// Step is what refused or removed; nil for rights.
	Step *Step
}

// Missing is one thing that a denied action lacks: any of its needs would do. An
// explanation lists every Missing: all of them are needed.
type Missing struct{ AnyOf []Need }

// Explanation says why a viewer may or may not take an action on one record. The
// zero Explanation denies.
type Explanation struct {
	Form    uint32
	Action  definition.Action // NoAction for those that are no action of the formula
	Allowed bool
	Steps   []Step // in the order in which they are tried
	Missing []Missing
	// Parent explains what was asked about the parent record, where one was read.
	Parent *Explanation
	// Record is what is explained.
	Record record.ID
}

// Explain is Decide with its reasons: Allowed is what Decide answers, and every
// grant was tried, where Decide stops at the first. A custom rule is not asked
// about a record that is hidden from the viewer, and a SHARE rule not where no
// report opens. It is a denial without steps where there is nothing to explain:
// no such form or record, an action that the formula does not speak of, or a view
// that somebody else looks through (see Within): what two people share is not
// explained.
func (v *View) Explain(form uint32, a definition.Action, s Subject) Explanation {
	x := Explanation{Form: form, Action: a}
	fv := v.formOf(form)
	if fv == nil || v.asker != nil || !isJudged(a) || s == nil || s.Record().IsZero() {
		return x
	}
	x.Record = s.Record().ID()
	e := explainer{v: v, fv: fv, a: a, s: s, rec: s.Record(), x: &x, level: levelOf(a)}
	e.explain()
	return x
}

// explainer gathers the steps of one explanation.
type explainer struct {
	v      *View
	fv     *formView
	a      definition.Action
	level  definition.Level
	s      Subject
	rec    record.Record
	x      *Explanation
	hidden bool
	gates  []gate
}

// gate is a report with what the set allows on it.
type gate struct {
	report *report
	acts   actions
	shows  bool // the record meets the criteria
}

func (e *explainer) add(s Step) { e.x.Steps = append(e.x.Steps, s) }

func (e *explainer) explain() {
	v := e.v
	if v.set == v.policy.nothing {
		e.noPlace()
		return
	}
	e.hidden = v.hidden(e.fv, e.rec)
	all, opened := e.gate()
	var scoped bool
	if v.set != v.policy.full {
		scoped = e.scope(opened)
	}
	if e.hidden {
		e.add(Step{Statement: "G1", Kind: StepHiding, Verdict: Removes, Because: IsHidden})
	}
	kept := e.restricts()
	e.besideView()
	e.x.Allowed = (all || opened && scoped) && !e.hidden && kept
	if !e.x.Allowed {
		e.missing(all, opened, scoped)
	}
}

func (e *explainer) noPlace() {
	s := Step{Statement: "A7", Kind: StepPlace, Verdict: Refuses, Because: NoPlace}
	if e.v.refused != nil {
		s.Statement, s.Because = "B1", APIClosed
	}
	e.add(s)
	e.x.Missing = []Missing{{AnyOf: []Need{needOf(s)}}}
}

// gate tells on which reports the set gives the action: on everything that one
// of them shows, or on what is in the viewer's scope.
func (e *explainer) gate() (all, opened bool) {
	if e.v.set == e.v.policy.full {
		s := Step{Statement: "A3", Kind: StepStanding, Verdict: Grants, Because: AsAdmin, Action: e.a}
		if !e.v.viewer.Kind.Administers() {
			s.Statement, s.Because = "A13", AsDeveloper
		}
		e.add(s)
		return true, false
	}
	for _, r := range e.fv.form.reports {
		g := gate{report: r, acts: e.v.set.reports[r], shows: r.criteria == nil || e.v.matches(r.criteria, e.rec)}
		e.gates = append(e.gates, g)
		s := Step{Statement: "B6", Kind: StepReport, Name: r.def.Name, Action: e.a, Verdict: Refuses}
		switch {
		case !g.acts.has(e.a):
			s.Because = NoRight
		case !g.acts.has(definition.View):
			s.Because = BesideNoView
		case !g.shows:
			s.Because = OutsideCriteria
		case g.acts.all(e.a):
			s.Verdict, s.Because, all = Grants, HasAllRight, true
		default:
			s.Verdict, s.Because, opened = Opens, HasRight, true
		}
		e.add(s)
	}
	return all, opened
}

// besideView says that the other actions come with VIEW alone. It decides
// nothing: their grants are counted beside VIEW on the same report only.
func (e *explainer) besideView() {
	if e.a == definition.View {
		return
	}
	s := Step{Statement: "B6", Kind: StepView, Verdict: Passes, Because: ViewGiven, Action: definition.View}
	if !e.v.Decide(e.fv.form.def.Number, definition.View, e.s) {
		s.Verdict, s.Because = Refuses, ViewMissing
	}
	e.add(s)
}

// restricts asks the RESTRICT rules (H1, H7).
func (e *explainer) restricts() (kept bool) {
	kept = true
	for _, c := range e.fv.form.custom {
		if c.def.Effect != definition.Restrict {
			continue
		}
		s := Step{Statement: "H1", Kind: StepRestrict, Name: c.def.Name, Rule: c.def, Verdict: Passes, Because: LetThrough}
		switch {
		case !c.concerns(&e.v.viewer):
			s.Verdict, s.Because, s.Statement = NotAsked, ForOthers, "H3"
			if e.v.set == e.v.policy.full {
				s.Statement = "H7"
			}
		case e.hidden:
			s.Verdict, s.Because = NotAsked, IsHidden
		default:
			o := e.s.Outcome(c.def)
			s.Reason, s.Cause = o.Reason, o.Cause
			through := e.v.through(c.def, e.s)
			kept = kept && through
			switch {
			case o.Fault && through:
				s.Statement, s.Because = "H4", FailureSpares
			case o.Fault:
				s.Statement, s.Verdict, s.Because = "H4", Removes, Failed
			case !through:
				s.Verdict, s.Because = Removes, KeptOut
			}
		}
		e.add(s)
	}
	return kept
}
