package definition

import (
	"fmt"
	"slices"
	"strings"

	"sluice/internal/filter"
)

// checker gathers the findings of one application.
type checker struct {
	app    *Application
	around Surroundings
	index  map[string]int // position of forms by name
	facts  []formFacts    // of the forms, in their order
	grants []setFacts     // of the sets, in their order
	exprs  map[any]filter.Expr
	texts  map[any]string // canonical, of exprs
	tree   *tree
	lines  *lines
	// users counts holders, held and byRole those of each set and role.
	users        int
	held, byRole map[string]int
	out          []Finding
}

// formFacts is what the rest of the definition says about one form.
type formFacts struct {
	*Form
	parent  int // position of the parent form, -1 for none
	reports []*Report
	sharing []*SharingRule
	custom  []*CustomRule
}

// setFacts is what a set allows on each form.
type setFacts struct {
	*PermissionSet
	builtIn bool
	forms   []rights
}

// rights is what a set allows on one form, all its reports taken together.
type rights struct {
	permission         *FormPermission // nil for none
	add                bool
	view, edit, delete bool
	viewAll, modifyAll bool
	reach              [3]memo
}

// memo remembers an answer. The zero memo has none.
type memo uint8

const (
	unasked memo = iota
	asked        // and not answered yet: a circle
	isNot
	is
)

func newChecker(a *Application, around Surroundings) *checker {
	c := &checker{app: a, around: around, index: map[string]int{}, exprs: map[any]filter.Expr{}, texts: map[any]string{}, tree: treeOf(a.Roles), lines: newLines(a.Source)}
	byNumber := map[uint32]int{}
	for i, f := range a.Forms {
		c.index[f.Name], byNumber[f.Number] = i, i
		c.facts = append(c.facts, formFacts{Form: f, parent: -1})
	}
	for i := range c.facts {
		if x, ok := c.facts[i].FieldNumber(c.facts[i].ParentField); ok && c.facts[i].ParentField != 0 {
			if at, known := byNumber[x.Target]; known {
				c.facts[i].parent = at
			}
		}
	}
	c.assign()
	for _, s := range a.Sets {
		c.grants = append(c.grants, c.factsOf(s))
	}
	return c
}

// assign hands reports and rules to their forms and reads their criteria.
func (c *checker) assign() {
	for _, p := range c.app.Reports {
		if i, ok := c.index[p.Form]; ok {
			c.facts[i].reports = append(c.facts[i].reports, p)
			c.read(p, c.facts[i].Form, p.Criteria)
		}
	}
	for _, s := range c.app.Sharing {
		if i, ok := c.index[s.Form]; ok {
			c.facts[i].sharing = append(c.facts[i].sharing, s)
			c.read(s, c.facts[i].Form, s.Criteria)
		}
	}
	for _, r := range c.app.Custom {
		if i, ok := c.index[r.Form]; ok {
			c.facts[i].custom = append(c.facts[i].custom, r)
		}
	}
}

// read keeps what the criteria of a report or rule say.
func (c *checker) read(owner any, f *Form, criteria map[string]any) {
	if criteria == nil {
		return
	}
	if e, faults := filter.Parse(criteria, c.app.FilterScope(f), filter.Options{AllowViewer: true}); len(faults) == 0 {
		c.exprs[owner] = e
	}
}

func (c *checker) factsOf(s *PermissionSet) setFacts {
	out := setFacts{PermissionSet: s, builtIn: c.builtIn(s), forms: make([]rights, len(c.facts))}
	for i := range c.facts {
		r := &out.forms[i]
		r.permission = s.Forms[c.facts[i].Name]
		r.add = r.permission != nil && slices.Contains(r.permission.Actions, Access)
		for _, p := range c.facts[i].reports {
			for _, a := range implied(s.Reports[p.Name]) {
				r.note(a)
			}
		}
	}
	return out
}

// allows reports whether the set has an action on a report, named or implied.
func (s *setFacts) allows(report string, a Action) bool {
	given := s.Reports[report]
	return slices.Contains(given, a) || slices.ContainsFunc(given, func(g Action) bool {
		return g == ModifyAll && (a == Edit || a == View || a == ViewAll) || g == ViewAll && a == View
	})
}

func (r *rights) note(a Action) {
	switch a {
	case View:
		r.view = true
	case Edit:
		r.edit = true
	case Delete:
		r.delete = true
	case ViewAll:
		r.viewAll = true
	case ModifyAll:
		r.modifyAll = true
	}
}

// builtIn tells the sets that no document writes. Of Customer, which documents
// may write, the text decides.
func (c *checker) builtIn(s *PermissionSet) bool {
	return s.Name == ReadSet || s.Name == WriteSet ||
		s.Name == CustomerSet && c.app.Source != "" && c.lines.of(path("permissionSets", s.Name)) == 0
}

// add records a finding. Steps lead to where it stands.
func (c *checker) add(kind Kind, steps []string, f fix, format string, args ...any) *Finding {
	c.out = append(c.out, Finding{
		Kind: kind, Severity: severities[kind], Path: strings.Join(steps, "."), steps: steps,
		Msg: fmt.Sprintf(format, args...), Fix: f.text, edits: f.edits,
	})
	return &c.out[len(c.out)-1]
}

// ofSet is add for a finding about a set. What holds for the built-in sets holds
// whether or not somebody has them, so it matters less.
func (c *checker) ofSet(s *setFacts, kind Kind, steps []string, f fix, format string, args ...any) {
	x := c.add(kind, steps, f, format, args...)
	if x.BuiltIn = s.builtIn; s.builtIn && kind != PortalSeesAll {
		x.Severity = Info
	}
}

// path makes steps.
func path(steps ...string) []string { return steps }

// written returns the fields of a form, by name, that e reads and the set may
// write.
func (c *checker) written(form *Form, e filter.Expr, s *setFacts) (names []string) {
	for _, read := range filter.Fields(e) {
		if x := ownNumber(form, read.Number); x != nil {
			names = s.writes(form, x, names)
		}
	}
	return names
}

// writes adds the names of the fields that x is read from and the set may write.
func (s *setFacts) writes(form *Form, x *Field, names []string) []string {
	for _, y := range form.Sources(x) {
		if s.Access(form.Name, y) == Writable && !slices.Contains(names, y.Name) {
			names = append(names, y.Name)
		}
	}
	return names
}

// opens reports whether the set views some report of the form.
func (s *setFacts) opens(form int) bool { return s.forms[form].view }

// list joins names for a message: "a, b and c".
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// canonical returns a text that two filters share only if they are the same.
func (c *checker) canonical(owner any) string {
	text, ok := c.texts[owner]
	if e := c.exprs[owner]; !ok && e != nil {
		text = string(filter.AppendCanonical(nil, e))
		c.texts[owner] = text
	}
	return text
}
