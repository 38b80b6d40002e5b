package policy

import "sluice/internal/definition"

// scope tries whose records the viewer reaches: for a child form through its
// parent (E4), else by owner and by sharing. SHARE rules are asked only where
// opened says that a report gives the action.
func (e *explainer) scope(opened bool) (scoped bool) {
	if e.fv.form.parent >= 0 {
		return e.parent()
	}
	own := e.own()
	steps := []Step{own}
	if own.Verdict != Grants { // nobody stands above themselves, or beside
		steps = append(steps, e.below(), e.root(), e.peers())
	}
	for _, s := range steps {
		if s.Kind != NoStep {
			e.add(s)
			scoped = scoped || s.Verdict == Grants
		}
	}
	for _, r := range e.fv.form.sharing {
		s := e.sharing(r)
		e.add(s)
		scoped = scoped || s.Verdict == Grants
	}
	for _, c := range e.fv.form.custom {
		if c.def.Effect == definition.Share {
			s := e.module(c, opened)
			e.add(s)
			scoped = scoped || s.Verdict == Grants
		}
	}
	return scoped
}

func (e *explainer) parent() bool {
	form := e.v.policy.forms[e.fv.form.parent].def
	s := Step{Statement: "E4", Kind: StepParent, Name: form.Name, Action: ofParent(e.a), Verdict: Refuses, Because: NoParent}
	parent, ok := e.s.Parent()
	switch {
	case e.hidden:
		s.Verdict, s.Because = NotAsked, IsHidden
	case ok:
		x := e.v.Explain(form.Number, s.Action, parent)
		e.x.Parent = &x
		s.Because = ParentOutOfReach
		if x.Allowed {
			s.Verdict, s.Because = Grants, ParentInReach
		}
	}
	e.add(s)
	return s.Verdict == Grants
}

// roleOf returns the name of the viewer's role and of the owner's.
func (e *explainer) roleOf() (mine, theirs string) {
	if e.v.pos != noRole {
		mine = e.v.policy.roles.def[e.v.pos].Name
	}
	return mine, e.v.people.RoleOf(e.rec.Owner())
}

func (e *explainer) own() Step {
	s := Step{Statement: "E2", Kind: StepOwn, Verdict: Refuses, Because: OthersOwn}
	if e.rec.Owner() == e.v.viewer.User {
		s.Verdict, s.Because = Grants, IsOwner
	}
	return s
}

// below is C3, of owners with a role.
func (e *explainer) below() Step {
	mine, theirs := e.roleOf()
	s := Step{Statement: "C3", Kind: StepBelow, Role: mine, OwnerRole: theirs, Verdict: Refuses}
	switch {
	case e.v.pos == noRole:
		s.Because = WithoutRole
	case !e.v.policy.app.Hierarchy:
		s.Because = HierarchyOff
	case theirs == "":
		s.Because = OwnerWithoutRole
	case e.ownerIn(e.v.below.spans):
		s.Verdict, s.Because = Grants, OwnerBelow
	default:
		s.Because = OwnerNotBelow
	}
	return s
}

func (e *explainer) ownerIn(spans []span) bool {
	pos, ok := e.v.policy.roles.at[e.v.people.RoleOf(e.rec.Owner())]
	return ok && inSpans(spans, pos)
}

// root is C4, of owners without a role; no step where there is nothing to say.
func (e *explainer) root() Step {
	mine, theirs := e.roleOf()
	s := Step{Statement: "C4", Kind: StepRoot, Role: mine, Verdict: Refuses, Because: NotRoot}
	switch {
	case e.v.pos == noRole || !e.v.policy.app.Hierarchy || theirs != "":
		return Step{}
	case e.v.below.noRole:
		s.Verdict, s.Because = Grants, IsRoot
	}
	return s
}

func (e *explainer) peers() Step {
	mine, theirs := e.roleOf()
	s := Step{Statement: "C5", Kind: StepPeers, Role: mine, OwnerRole: theirs, Verdict: Refuses}
	switch {
	case e.v.pos == noRole:
		return Step{}
	case !e.v.policy.roles.def[e.v.pos].SharePeers:
		s.Because = PeersNotShared
	case e.ownerIn([]span{{e.v.pos, e.v.pos + 1}}):
		s.Verdict, s.Because = Grants, IsPeer
	default:
		s.Because = NotPeer
	}
	return s
}

// sharing tries one sharing rule (F1 to F3). What it says first is what would
// have to change first: whom it is for, which records, and how much.
func (e *explainer) sharing(r *sharing) Step {
	s := Step{Statement: "F1", Kind: StepSharing, Name: r.def.Name, Level: r.def.Level, Needed: e.level, Verdict: Refuses}
	covered, because := e.sharedBy(r, &s)
	switch {
	case r.audience == nil && !r.to.has(e.v.viewer.User, e.v.pos):
		s.Because = ForOthers
	case !covered:
		s.Because = because
	case r.def.Level < e.level:
		s.Because = LevelTooLow
	default:
		s.Verdict, s.Because = Grants, Shared
	}
	return s
}

// sharedBy reports whether the record is one that the rule shares.
func (e *explainer) sharedBy(r *sharing, s *Step) (bool, Because) {
	switch {
	case r.audience != nil:
		s.Statement, s.Field = "F3", r.audience.Field.Name
		return e.v.named(r.audience, e.rec), FieldNamesOthers
	case r.criteria != nil:
		s.Statement = "F2"
		return e.v.matches(r.criteria, e.rec), OtherRecords
	}
	owner, pos := e.rec.Owner(), noRole
	if at, ok := e.v.policy.roles.at[e.v.people.RoleOf(owner)]; ok {
		pos = at
	}
	return r.from.has(owner, pos), OtherRecords
}

// module tries one SHARE rule (F4, H3).
func (e *explainer) module(c *custom, opened bool) Step {
	s := Step{Statement: "F4", Kind: StepModule, Name: c.def.Name, Rule: c.def, Level: c.def.MaxLevel, Needed: e.level}
	switch {
	case !c.concerns(&e.v.viewer):
		s.Statement, s.Because = "H3", ForOthers
		return s
	case e.hidden:
		s.Because = IsHidden
		return s
	case !opened:
		s.Because = NothingOpens
		return s
	case c.byLevel[e.level] == nil:
		s.Statement, s.Verdict, s.Because = "H3", Refuses, CapTooLow
		return s
	}
	o := e.s.Outcome(c.def)
	s.Level, s.Reason, s.Cause, s.Verdict = min(o.Level, c.def.MaxLevel), o.Reason, o.Cause, Refuses
	switch {
	case shared(c.byLevel[e.level], e.s):
		s.Verdict, s.Because = Grants, Shared
	case o.Fault:
		s.Statement, s.Level, s.Because = "H4", definition.NoLevel, Failed
	case o.Level == definition.NoLevel:
		s.Because = GaveNothing
	default:
		s.Because = GaveTooLittle
	}
	return s
}
