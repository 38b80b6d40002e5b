package definition

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"sluice/internal/filter"
	"sluice/internal/record"
)

// readReports reads the reports and puts the default reports before them.
func (r *resolver) readReports(o object) {
	for _, f := range r.app.Forms {
		r.app.Reports = append(r.app.Reports, &Report{Name: f.Plural, Form: f.Name, Default: true})
	}
	seen := map[string]bool{}
	for _, v := range r.items(o, "reports", MaxReports, "a list of reports") {
		ro, ok := r.object(v, "name", "label", "form", "description", "deprecated", "aliases", "criteria", "columns", "orderBy")
		if !ok {
			continue
		}
		r.require(ro, "form")
		p := &Report{Description: r.describe(ro), Deprecated: r.text(ro, "deprecated", maxText), Aliases: r.readAliases(ro, false)}
		r.at[p] = ro
		p.Name = r.fieldNameOf(ro, p)
		if p.Name != "" && seen[p.Name] {
			r.fail(r.nameAt(p), "another report has %s", r.thisName(p, p.Name))
		}
		seen[p.Name] = true
		r.app.Reports = append(r.app.Reports, p)
		f, ok := r.form(ro, "form")
		if !ok {
			continue
		}
		p.Form = f.Name
		p.Criteria = r.criteria(ro, f)
		p.Columns = r.texts(ro, "columns", MaxFields)
		for _, name := range p.Columns {
			r.field(f, name, ro.of("columns"))
		}
		r.readOrder(ro, f, p)
	}
}

func (r *resolver) readOrder(ro object, f *Form, p *Report) {
	seen := map[string]bool{}
	for _, v := range r.items(ro, "orderBy", 10, "a list of {field: name, desc: true or false}") {
		o, ok := r.object(v, "field", "desc")
		if !ok || !r.require(o, "field") {
			continue
		}
		key := Order{Field: r.text(o, "field", maxName), Desc: r.flag(o, "desc", false)}
		x, ok := r.field(f, key.Field, o.of("field"))
		switch {
		case !ok:
		case !x.Orderable():
			r.fail(o.of("field"), "a field of type %s gives no order", x.Type)
		case seen[key.Field]:
			r.fail(o.of("field"), "%s stands twice in the order", key.Field)
		}
		seen[key.Field] = true
		p.OrderBy = append(p.OrderBy, key)
	}
}

// criteria reads and checks an optional filter, nil where it is missing.
func (r *resolver) criteria(o object, f *Form) map[string]any {
	if !o.has("criteria") {
		return nil
	}
	return r.filterOf(o.members["criteria"], f)
}

// filterOf reads and checks a filter over a form's own fields.
func (r *resolver) filterOf(v value, f *Form) map[string]any {
	if !r.expect(v, "object", "a filter such as {status: {eq: OPEN}}") {
		return nil
	}
	before := len(r.faults)
	src, _ := r.plain(v, 0).(map[string]any)
	if len(r.faults) > before {
		return nil
	}
	_, faults := filter.Parse(src, formScope{f}, filter.Options{AllowViewer: true})
	for _, x := range faults {
		r.fail(locate(v, x.Path), "%s%s", x.Msg, ownFieldsOnly(f, x))
	}
	return src
}

// ownFieldsOnly explains a fault that a nested lookup filter gave.
func ownFieldsOnly(f *Form, x filter.Fault) string {
	for _, step := range x.Path[:max(len(x.Path)-1, 0)] {
		if own, ok := f.Field(step); ok && own.Type == record.Lookup && strings.HasPrefix(x.Msg, "unknown name") {
			return "; criteria read the record's own fields only, of a lookup isNull"
		}
	}
	return ""
}

// locate finds the place that a path of the filter leads to.
func locate(v value, path []string) *place {
	for _, step := range path {
		next, ok := member(v, step)
		if !ok {
			return &place{parent: v.at, step: "." + shorten(step), line: v.at.line}
		}
		v = next
	}
	return v.at
}

func member(v value, step string) (value, bool) {
	switch v.n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(v.n.Content); i += 2 {
			if k := v.n.Content[i]; k.Value == step {
				return value{n: v.n.Content[i+1], at: &place{parent: v.at, step: "." + step, line: k.Line}}, true
			}
		}
	case yaml.SequenceNode:
		for i, n := range v.n.Content {
			if s := "[" + step + "]"; s == index(i) {
				return value{n: n, at: &place{parent: v.at, step: s, line: n.Line}}, true
			}
		}
	}
	return value{}, false
}

// formScope names a form's own and system fields, and nothing behind lookups.
type formScope struct{ form *Form }

// FilterScope returns the scope of criteria over the form: every own and system
// field, and of lookups isNull alone.
func (a *Application) FilterScope(form *Form) filter.Scope { return formScope{form} }

func (s formScope) Field(name string) (record.Field, bool) {
	x, ok := s.form.Field(name)
	if !ok {
		return record.Field{}, false
	}
	return x.Field, true
}

func (s formScope) Related(record.Field) (filter.Scope, bool) { return nil, false }
