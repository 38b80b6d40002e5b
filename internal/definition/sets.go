package definition

import (
	"maps"
	"slices"
	"strconv"

	"sluice/internal/record"
)

var (
	formActionWords   = []string{"ACCESS", "IMPORT", "CREATE_REPORT"}
	reportActionWords = []string{"VIEW", "EDIT", "DELETE", "VIEW_ALL", "MODIFY_ALL", "EXPORT", "READ_COMMENTS", "WRITE_COMMENTS", "READ_HISTORY"}
)

// String returns the name that definitions use, such as "VIEW_ALL".
func (a Action) String() string {
	switch {
	case a >= View && a <= ReadHistory:
		return reportActionWords[a-View]
	case a >= Access && a <= CreateReport:
		return formActionWords[a-Access]
	}
	return "NONE"
}

// readSets reads the permission sets and puts the built-in sets before them.
func (r *resolver) readSets(o object) {
	seen := map[string]bool{ReadSet: true, WriteSet: true}
	r.app.Sets = append(r.app.Sets, r.builtIn(ReadSet), r.builtIn(WriteSet))
	for _, v := range r.items(o, "permissionSets", MaxSets, "a list of permission sets") {
		so, ok := r.object(v, "name", "description", "apiAccess", "portal", "pii", "ephi", "forms", "reports", "pages")
		if !ok {
			continue
		}
		s := &PermissionSet{
			Name: r.title(so, seen), Description: r.text(so, "description", maxText),
			APIAccess: r.flag(so, "apiAccess", true), Portal: r.flag(so, "portal", false),
			ShowPII: r.show(so, "pii"), ShowEPHI: r.show(so, "ephi"),
			Forms: map[string]*FormPermission{}, Reports: map[string][]Action{},
		}
		r.at[s] = so
		if s.Name == CustomerSet && !s.Portal {
			r.fail(so.of("portal"), "%s is a portal set: expected portal: true, or another name", CustomerSet)
		}
		r.readSetForms(so, s)
		r.readSetReports(so, s)
		r.readSetPages(so, s)
		r.app.Sets = append(r.app.Sets, s)
	}
	if !seen[CustomerSet] {
		r.app.Sets = slices.Insert(r.app.Sets, 2, r.builtIn(CustomerSet))
	}
}

func (r *resolver) show(o object, key string) bool {
	return o.has(key) && r.oneOf(o, key, "SHOW", "HIDE") == 1
}

func (r *resolver) readSetForms(so object, s *PermissionSet) {
	if !so.has("forms") || r.granted > MaxGrants {
		return // reported once
	}
	o, _ := r.object(so.members["forms"])
	for _, name := range o.order {
		po, ok := r.object(o.members[name], "actions", "fields")
		f, known := r.app.Form(name)
		if !known {
			r.fail(o.of(name), "there is no form %s%s", strconv.Quote(shorten(name)), nearest(name, r.knownForms()))
		}
		if !ok || !known {
			continue
		}
		p := &FormPermission{Actions: r.actions(po, "actions", Access, formActionWords), Fields: systemAccess()}
		if slices.Contains(p.Actions, Import) && !slices.Contains(p.Actions, Access) {
			r.fail(po.of("actions"), "IMPORT takes ACCESS")
		}
		r.readFieldAccess(po, f, p)
		s.Forms[name] = p
		if r.granted += len(p.Fields); r.granted > MaxGrants {
			r.fail(o.of(name), "the permission sets hold more than %d field permissions together", MaxGrants)
			return
		}
	}
}

// systemAccess is the access to system fields where a set says nothing.
func systemAccess() map[string]FieldAccess {
	m := map[string]FieldAccess{}
	for _, f := range record.System {
		m[f.Name] = ReadOnly
	}
	return m
}

var accessWords = []string{"HIDDEN", "READ_ONLY", "VISIBLE"}

func (r *resolver) readFieldAccess(po object, f *Form, p *FormPermission) {
	if !po.has("fields") {
		return
	}
	o, _ := r.object(po.members["fields"])
	if o.has("*") {
		access := FieldAccess(max(r.oneOf(o, "*", accessWords...), 1) - 1)
		for _, x := range f.Fields {
			if !x.PII && !x.EPHI {
				p.Fields[x.Name] = access
			}
		}
	}
	for _, name := range o.order {
		if name == "*" {
			continue
		}
		x, ok := r.field(f, name, o.of(name))
		word := r.oneOf(o, name, accessWords...)
		if ok && word > 0 && r.systemFits(x, FieldAccess(word-1), o.of(name)) {
			p.Fields[name] = FieldAccess(word - 1)
		}
	}
	maps.DeleteFunc(p.Fields, func(name string, access FieldAccess) bool {
		_, system := record.SystemField(name)
		return access == Hidden && !system
	})
}

// systemFits reports an access that a system field cannot have.
func (r *resolver) systemFits(x *Field, access FieldAccess, at *place) bool {
	switch {
	case x.Number >= record.FirstField || x.Number == 0 || access == ReadOnly:
		return true
	case x.Type != record.User:
		r.fail(at, "%s is visible wherever the form is and never writable: expected READ_ONLY", x.Name)
		return false
	case access == Writable:
		r.fail(at, "%s is never writable: expected READ_ONLY or HIDDEN", x.Name)
		return false
	}
	return true
}

func (r *resolver) readSetReports(so object, s *PermissionSet) {
	if !so.has("reports") {
		return
	}
	o, _ := r.object(so.members["reports"])
	for _, name := range o.order {
		p, ok := r.app.Report(name)
		if !ok {
			r.fail(o.of(name), "there is no report %s", strconv.Quote(shorten(name)))
			continue
		}
		actions := implied(r.actions(o, name, View, reportActionWords))
		for _, a := range []Action{Edit, Delete} {
			if slices.Contains(actions, a) && !slices.Contains(actions, View) {
				r.fail(o.of(name), "%s takes VIEW on the same report", a)
			}
		}
		s.Reports[name] = actions
		if s.Forms[p.Form] == nil && len(actions) > 0 && p.Form != "" {
			r.openForm(s, p.Form)
		}
	}
}

// openForm lists a form that a set names by a report alone: its own fields stay
// hidden.
func (r *resolver) openForm(s *PermissionSet, name string) {
	s.Forms[name] = &FormPermission{Fields: systemAccess()}
}

// actions reads a list of words as actions counted from first, in ascending
// order.
func (r *resolver) actions(o object, key string, first Action, words []string) []Action {
	var out []Action
	for _, v := range r.items(o, key, len(words), "a list of actions") {
		n := r.word(v, words...)
		if n == 0 {
			continue
		}
		a := first + Action(n-1)
		if slices.Contains(out, a) {
			r.fail(v.at, "%s stands twice in the list", a)
			continue
		}
		out = append(out, a)
	}
	slices.Sort(out)
	return out
}

// implied adds what actions on a report imply (B6), in ascending order.
func implied(given []Action) []Action {
	has := map[Action]bool{}
	for _, a := range given {
		has[a] = true
		switch a {
		case ModifyAll:
			has[ViewAll], has[Edit], has[View] = true, true, true
		case ViewAll:
			has[View] = true
		case WriteComments:
			has[ReadComments] = true
		}
	}
	var out []Action
	for a := View; a <= ReadHistory; a++ {
		if has[a] {
			out = append(out, a)
		}
	}
	return out
}

// Access returns what the set allows on a field of the form, the PII and ePHI
// switches applied (B2). System fields are never Writable.
func (s *PermissionSet) Access(form string, x *Field) FieldAccess {
	p := s.Forms[form]
	if p == nil || x.PII && !s.ShowPII || x.EPHI && !s.ShowEPHI {
		return Hidden
	}
	access := p.Fields[x.Name]
	if x.Allotted() {
		return min(access, ReadOnly)
	}
	if x.Formula == nil {
		return access
	}
	return min(access, s.leastOf(p, x))
}

// leastOf is what the set allows on a computed field at most: to read it where
// every field that it reads may be read (B3).
func (s *PermissionSet) leastOf(p *FormPermission, x *Field) FieldAccess {
	for _, name := range x.Formula.Names {
		if p.Fields[name] == Hidden && !slices.Contains(unmaskable, name) {
			return Hidden
		}
	}
	return ReadOnly
}
