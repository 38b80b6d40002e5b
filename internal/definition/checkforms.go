package definition

import "slices"

// forms looks at what all sets together allow on each form.
func (c *checker) forms() {
	for at := range c.facts {
		f := &c.facts[at]
		for _, x := range f.Fields {
			if x.Required && x.Default.IsNull() {
				c.nobody(at, x)
			}
			if x.Unique {
				c.masked(at, x)
			}
		}
	}
}

// custom sets that a check looks at: those that the document writes.
func (c *checker) ownSets(yield func(*setFacts) bool) {
	for i := range c.grants {
		if !c.grants[i].builtIn && !yield(&c.grants[i]) {
			return
		}
	}
}

// nobody reports a required field that no set which adds records may write.
func (c *checker) nobody(at int, x *Field) {
	f, some := &c.facts[at], false
	for s := range c.ownSets {
		if !s.forms[at].add {
			continue
		}
		if some = true; s.Access(f.Name, x) == Writable {
			return
		}
	}
	if some {
		c.add(RequiredByNobody, path("forms", f.Name, "fields", x.Name), advise("give it a default, or let a set that adds to %s write it", f.Name),
			"it is required and has no default, and no set that may add to %s can write it: only admins and developers can add records", f.Name)
	}
}

// masked reports a unique field that a mask may hide from those who write it.
func (c *checker) masked(at int, x *Field) {
	f := &c.facts[at]
	for _, r := range f.custom {
		if r.Effect != Mask || !slices.Contains(r.Fields, x.Name) {
			continue
		}
		var names []string
		for s := range c.ownSets {
			if r.mayConcern(s) && (s.forms[at].add || s.forms[at].edit) && s.Access(f.Name, x) == Writable {
				names = append(names, s.Name)
			}
		}
		if len(names) > 0 {
			c.add(UniqueMasked, path("customRules", r.Name, "fields", x.Name), advise("make %s READ_ONLY in the set, or leave it out of the rule", x.Name),
				"%s is unique, and holders of %s write it: a value that the mask hides from them answers CONFLICT without a reason that they could see", x.Name, list(names))
		}
	}
}

// mayConcern reports whether a holder of the set may be one whom the rule
// concerns: roles and users may hold any set.
func (r *CustomRule) mayConcern(s *setFacts) bool {
	return len(r.Roles)+len(r.Users) > 0 || len(r.Sets) == 0 || slices.Contains(r.Sets, s.Name)
}
