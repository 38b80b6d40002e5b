package app

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"sluice/internal/definition"
)

// rename gives the root fields of a form and its reports the descriptions and
// deprecations of the definition, and repeats those of old names beside them. An
// old name is there where the new one is, with the same arguments and meaning.
func (p *plan) rename(f *Form) {
	form := p.shape.Form
	names := map[string][]string{} // old names by name
	for _, old := range form.Aliases {
		from, to := formFields(form.Name), formFields(old)
		if lowerFirst(old) == old {
			from, to = pluralFields(form.Plural), pluralFields(old)
		}
		for i := range from {
			names[from[i]] = append(names[from[i]], to[i])
		}
	}
	reports := map[string]*definition.Report{}
	for _, r := range p.shape.Reports {
		for _, suffix := range []string{"", "Aggregate"} {
			reports[r.Name+suffix] = r
			for _, old := range r.Aliases {
				names[r.Name+suffix] = append(names[r.Name+suffix], old+suffix)
			}
		}
	}
	for _, list := range []*ast.FieldList{&f.query, &f.mutation, &f.subscription} {
		for _, d := range *list {
			why := form.Deprecated
			if r := reports[d.Name]; r != nil {
				if why == "" {
					why = r.Deprecated
				}
				if d.Name == r.Name {
					d.Description = r.Description
				}
			}
			deprecate(d, why)
			for _, old := range names[d.Name] {
				*list = append(*list, f.again(d, old))
			}
		}
	}
}

// again is a root field under an old name.
func (f *Form) again(d *ast.FieldDefinition, old string) *ast.FieldDefinition {
	out := *d
	out.Name, out.Directives = old, nil
	deprecate(&out, definition.RenamedTo(d.Name))
	return f.mean(&out, f.meanings[d])
}

func deprecate(d *ast.FieldDefinition, why string) {
	d.Directives = append(d.Directives, deprecation(&definition.Field{Deprecated: why})...)
}

// formFields are the root fields that are named after a form, pluralFields those
// named after its plural.
func formFields(name string) []string {
	out := []string{lowerFirst(name), lowerFirst(name) + "Changes", "change" + name + "Owner"}
	for _, verb := range strings.Fields("create update delete upsert createReportOf updateReportOf deleteReportOf") {
		out = append(out, verb+name)
	}
	return out
}

func pluralFields(name string) []string {
	up := upperFirst(name)
	return []string{name, name + "Aggregate", "create" + up, "update" + up, "delete" + up, "update" + up + "ById"}
}
