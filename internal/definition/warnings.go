package definition

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/filter"
)

// Warnings returns what the definition allows and probably does not mean, in a
// fixed order: portal sets that see all (A12), sets that add records to a form
// with a required field that they cannot write (B10), sets whose reports all
// omit a visible field (B3a), criteria that read a field which their subjects
// may write (W2), and addresses that name no user. What custom rules read is not
// known here. Read the application only: it must come from Resolve or Unmarshal.
func (a *Application) Warnings() []Warning {
	w := &warner{app: a}
	for _, s := range a.Sets {
		w.at = "permissionSets." + s.Name
		w.portal(s)
		for _, f := range a.Forms {
			w.create(s, f)
			w.columns(s, f)
		}
	}
	w.reports()
	w.sharing()
	w.users()
	return w.out
}

type warner struct {
	app *Application
	at  string
	out []Warning
}

func (w *warner) warn(format string, args ...any) {
	w.out = append(w.out, Warning{Path: w.at, Msg: fmt.Sprintf(format, args...)})
}

func (w *warner) portal(s *PermissionSet) {
	if !s.Portal {
		return
	}
	var all []string
	for _, p := range w.app.Reports {
		if slices.Contains(s.Reports[p.Name], ViewAll) {
			all = append(all, p.Name)
		}
	}
	if len(all) > 0 {
		w.warn("portal users of this set see every record of %s", strings.Join(all, ", "))
	}
}

// Access returns what the set allows on a field of the form, the PII and ePHI
// switches applied (B2). System fields are never Writable.
func (s *PermissionSet) Access(form string, x *Field) FieldAccess {
	p := s.Forms[form]
	if p == nil || x.PII && !s.ShowPII || x.EPHI && !s.ShowEPHI {
		return Hidden
	}
	return p.Fields[x.Name]
}

func (w *warner) create(s *PermissionSet, f *Form) {
	p := s.Forms[f.Name]
	if p == nil || !slices.Contains(p.Actions, Access) {
		return
	}
	for _, x := range f.Fields {
		if x.Required && x.Default.IsNull() && s.Access(f.Name, x) != Writable {
			w.warn("holders may add to %s but not write its required field %s, which has no default: every create fails", f.Name, x.Name)
		}
	}
}

// columns warns where every report of the form that the set opens leaves out a
// field that the set shows.
func (w *warner) columns(s *PermissionSet, f *Form) {
	shown, any := map[string]bool{}, false
	for _, p := range w.app.Reports {
		if p.Form != f.Name || !slices.Contains(s.Reports[p.Name], View) {
			continue
		}
		if any = true; len(p.Columns) == 0 {
			return
		}
		for _, c := range p.Columns {
			shown[c] = true
		}
	}
	for _, x := range f.Fields {
		if any && !shown[x.Name] && s.Access(f.Name, x) != Hidden {
			w.warn("no report of %s that the set opens has the column %s: columns hide nothing, and the field is visible to holders", f.Name, x.Name)
		}
	}
}

// written returns the fields that e reads and holders of the set may write
// through an EDIT on one of the reports.
func (w *warner) written(f *Form, criteria map[string]any, s *PermissionSet) (names []string) {
	e, faults := filter.Parse(criteria, w.app.FilterScope(f), filter.Options{AllowViewer: true})
	if len(faults) > 0 {
		return nil
	}
	for _, read := range filter.Fields(e) {
		if x := ownNumber(f, read.Number); x != nil && s.Access(f.Name, x) == Writable {
			names = append(names, x.Name)
		}
	}
	return names
}

func (w *warner) reports() {
	for _, p := range w.app.Reports {
		f, ok := w.app.Form(p.Form)
		if !ok || p.Criteria == nil {
			continue
		}
		w.at = "reports." + p.Name
		for _, s := range w.app.Sets {
			if !slices.Contains(s.Reports[p.Name], Edit) {
				continue
			}
			if names := w.written(f, p.Criteria, s); len(names) > 0 {
				w.warn("holders of %s may write %s, which the criteria read: they can move records in and out", s.Name, strings.Join(names, ", "))
			}
		}
	}
}

// edits reports whether the set may edit records of the form at all.
func (w *warner) edits(s *PermissionSet, form string) bool {
	return slices.ContainsFunc(w.app.Reports, func(p *Report) bool {
		return p.Form == form && slices.Contains(s.Reports[p.Name], Edit)
	})
}

func (w *warner) sharing() {
	for _, rule := range w.app.Sharing {
		f, ok := w.app.Form(rule.Form)
		if !ok {
			continue
		}
		w.at = "sharingRules." + rule.Name
		for _, s := range w.app.Sets {
			var names []string
			switch {
			case !w.edits(s, f.Name):
			case rule.Criteria != nil:
				names = w.written(f, rule.Criteria, s)
			case rule.Field != "":
				if x := ownField(f, rule.Field); x != nil && s.Access(f.Name, x) == Writable {
					names = []string{x.Name}
				}
			}
			if len(names) > 0 {
				w.warn("holders of %s may write %s, which the rule reads: they can change who is let in", s.Name, strings.Join(names, ", "))
			}
		}
	}
}

func (w *warner) users() {
	unknown := func(address string) {
		if _, ok := w.app.Users[address]; address != "" && !ok {
			w.warn("%s names no user and grants nothing", strconv.Quote(address))
		}
	}
	for _, s := range w.app.Sharing {
		w.at = "sharingRules." + s.Name
		unknown(s.From.User)
		unknown(s.To.User)
	}
	for _, c := range w.app.Custom {
		w.at = "customRules." + c.Name
		for _, address := range c.Users {
			unknown(address)
		}
	}
}
