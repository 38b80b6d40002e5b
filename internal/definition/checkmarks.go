package definition

// marks looks at fields that became personal data or health information, or are
// so no more, since the previous version. Such a field starts hidden (B9): "*"
// does not stand for it. A set that names it is the tenant's word, so the field
// is visible there at once, and the check says so.
func (c *checker) marks() {
	prev := c.around.Previous
	if prev == nil {
		return
	}
	for at := range c.facts {
		f := &c.facts[at]
		before, existed := prev.FormNumber(f.Number)
		for _, x := range f.Fields {
			var was *Field
			if existed {
				was = ownNumber(before, x.Number)
			}
			if was == nil {
				was = &Field{}
			}
			if x.PII && !was.PII || x.EPHI && !was.EPHI {
				c.marked(at, x)
			}
			if was.PII && !x.PII || was.EPHI && !x.EPHI {
				c.unmarked(at, x, before.Name, was)
			}
		}
	}
}

// marked reports the sets of before that show a field which is personal data or
// health information from now on.
func (c *checker) marked(at int, x *Field) {
	f := &c.facts[at]
	for s := range c.ownSets {
		if _, before := c.around.Previous.Set(s.Name); !before || s.Access(f.Name, x) == Hidden {
			continue
		}
		c.add(PersonalDataNew, path("permissionSets", s.Name, "forms", f.Name, "fields", x.Name), advise("nothing, where it is meant; else make it HIDDEN in the set"),
			"%s is personal data or health information from this version on, and the set names it: its holders see it at once", x.Name)
	}
}

// unmarked reports a field that sets show from now on because it is marked no
// more.
func (c *checker) unmarked(at int, x *Field, form string, was *Field) {
	f := &c.facts[at]
	var names []string
	for i := range c.grants {
		s := &c.grants[i]
		old, before := c.around.Previous.Set(s.Name)
		if before && old.Access(form, was) == Hidden && s.Access(f.Name, x) != Hidden {
			names = append(names, s.Name)
		}
	}
	if len(names) > 0 {
		c.add(PersonalDataUnmarked, path("forms", f.Name, "fields", x.Name), advise("mark it again, or make it HIDDEN in these sets"),
			"it was marked pii or ephi and is so no more: holders of %s, from whom it was hidden, see it now", list(names))
	}
}
