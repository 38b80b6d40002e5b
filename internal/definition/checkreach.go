package definition

import "slices"

// The actions of rights.reach.
const (
	toView = iota
	toEdit
	toDelete
)

var judged = [...]Action{View, Edit, Delete}

// reaching reports rights on the reports of a form that reach no record.
func (c *checker) reaching(s *setFacts, at int) {
	f := &c.facts[at]
	for _, p := range f.reports {
		var none []string
		for a, action := range judged {
			if s.allows(p.Name, action) && !c.all(s, p, a) && !c.scope(s, at, a) {
				none = append(none, action.String())
			}
		}
		if len(none) == 0 {
			continue
		}
		where := path("permissionSets", s.Name, "reports", p.Name)
		all := "VIEW_ALL"
		if none[0] != View.String() {
			all = "MODIFY_ALL"
		}
		if f.parent < 0 {
			c.ofSet(s, ReachEmpty, where, write(all, where...).or("let holders add to %s, or write a rule that shares its records", f.Name),
				"no record is reached by %s: holders may not add to %s, and nobody's records are shared with them; only what an admin hands over could be theirs", list(none), f.Name)
			continue
		}
		c.ofSet(s, ChildWithoutParent, where, c.openParent(s, f.parent, none),
			"no record is reached by %s: those of %s are reached with the record of %s that they belong to, which the set does not let holders %s",
			list(none), f.Name, c.facts[f.parent].Name, takes(none))
	}
	if f.parent >= 0 && s.forms[at].add && !c.creates(s, at) {
		c.ofSet(s, ChildWithoutParent, path("permissionSets", s.Name, "forms", f.Name, "actions"), c.openParent(s, f.parent, []string{"EDIT"}),
			"ACCESS gives nothing: a record of %s is added under one of %s, which holders may neither edit nor add", f.Name, c.facts[f.parent].Name)
	}
}

// creates reports whether holders could add a record of the form: below a parent
// that they edit, or with a new one (W4).
func (c *checker) creates(s *setFacts, at int) bool {
	for range c.facts { // as deep as parents can be
		parent := c.facts[at].parent
		if !s.forms[at].add || parent < 0 || c.reaches(s, parent, toEdit) {
			return s.forms[at].add
		}
		at = parent
	}
	return false
}

// takes says what actions on a child take on its parent.
func takes(actions []string) string {
	if slices.Equal(actions, []string{View.String()}) {
		return "view"
	}
	return "edit"
}

// openParent suggests the rights on a parent that actions on its child take.
func (c *checker) openParent(s *setFacts, parent int, actions []string) fix {
	plural, action := c.facts[parent].Plural, toView
	rights := [2]string{"VIEW", "VIEW_ALL"}
	if takes(actions) == "edit" {
		action, rights = toEdit, [2]string{"VIEW, EDIT", "MODIFY_ALL"}
	}
	text := plural + ": [" + rights[0] + "]"
	if !c.scope(s, parent, action) {
		text = plural + ": [" + rights[1] + "]"
	}
	if len(s.Reports[plural]) > 0 {
		return advise("extend the rights to `%s` in permissionSets.%s.reports", text, s.Name)
	}
	return write(text, "permissionSets", s.Name, "reports").or("take the right away")
}

// all reports whether the set takes the action on every record of a report.
func (c *checker) all(s *setFacts, p *Report, action int) bool {
	right := ModifyAll
	if action == toView {
		right = ViewAll
	}
	return s.allows(p.Name, right)
}

// reaches reports whether some holder of the set could take the action on some
// record of the form.
func (c *checker) reaches(s *setFacts, at, action int) bool {
	answer := &s.forms[at].reach[action]
	if *answer == unasked {
		*answer = asked
		*answer = c.anyReport(s, at, action)
	}
	return *answer == is
}

func (c *checker) anyReport(s *setFacts, at, action int) memo {
	for _, p := range c.facts[at].reports {
		if s.allows(p.Name, judged[action]) && (c.all(s, p, action) || c.scope(s, at, action)) {
			return is
		}
	}
	return isNot
}

// scope reports whether own, below, peers and shared could hold a record for
// some holder of the set; for a child form, whether its parent is reached.
func (c *checker) scope(s *setFacts, at, action int) bool {
	f := &c.facts[at]
	if f.parent >= 0 {
		return c.reaches(s, f.parent, min(action, toEdit))
	}
	if s.forms[at].add || f.OwnerField != 0 {
		return true
	}
	if !s.Portal && (c.app.Hierarchy && len(c.app.Roles) > 1 || slices.ContainsFunc(c.app.Roles, func(r *Role) bool { return r.SharePeers })) {
		return true
	}
	level := Level(action + 1)
	return slices.ContainsFunc(f.sharing, func(r *SharingRule) bool { return r.Level >= level }) ||
		slices.ContainsFunc(f.custom, func(r *CustomRule) bool { return r.Effect == Share && r.MaxLevel >= level })
}
