package app

import (
	"github.com/vektah/gqlparser/v2/ast"

	"sluice/engine/policy"
)

// createdReportsField lists the reports that people made, to whoever views some
// form (B8).
func createdReportsField() *ast.FieldDefinition {
	f := field("createdReports", "[CreatedReport!]!", arg("form", "String"))
	return described(f, "Reports that people made, by form and name: those of one form, or of all. The argument report of a form's list takes their id.")
}

// withReports puts what everybody who views a form has of created reports into a
// schema, and takes out the types that there is then no way to. It returns the
// field of Query, nil for none.
func (s *Schema) withReports(shape *policy.Shape) *ast.FieldDefinition {
	view, keep := false, false
	for _, f := range shape.Forms {
		view, keep = view || f.View, keep || f.CreateReport
	}
	if !keep {
		delete(s.AST.Types, "CreatedReportPayload")
	}
	if view {
		return createdReportsField()
	}
	for _, name := range []string{"CreatedReport", "CreatedReportOrder", "CreatedReportFilter"} {
		delete(s.AST.Types, name)
	}
	return nil
}

// reports adds the mutations of those who may keep reports of the form.
func (p *plan) reports(f *Form) {
	if !p.shape.CreateReport || !p.shape.View {
		return
	}
	columns := &ast.Definition{Kind: ast.Enum, Name: "ReportOf" + f.Name + "Column", Description: "A field that a report can show."}
	add := func(name string, of ast.DirectiveList) {
		columns.EnumValues = append(columns.EnumValues, &ast.EnumValueDefinition{Name: name, Directives: of})
	}
	add("id", nil)
	for _, x := range p.fields {
		add(x.Name, deprecation(x))
	}
	for _, x := range p.system {
		add(x.Name, nil)
	}
	members := func(name string) ast.FieldList {
		return ast.FieldList{
			described(field("name", name), "1 to 100 characters; several reports may have one name."),
			described(field("columns", "["+columns.Name+"!]"), "What to show, in this order; none is no choice."),
			field("where", f.Name+"Filter"),
			described(field("orderBy", "["+f.Name+"Order!]"), "The order of lists that are given none."),
		}
	}
	create, update := input("CreateReportOf"+f.Name+"Input", members("String!")), input("UpdateReportOf"+f.Name+"Input", members("String"))
	update.Description = "What is left out stays; null takes it away, the name excepted."
	f.defs = append(f.defs, columns, create, update)
	id := arg("id", "ID!")
	for _, m := range []struct {
		verb string
		kind Kind
		args []*ast.ArgumentDefinition
	}{
		{"create", CreateReport, []*ast.ArgumentDefinition{arg("input", create.Name+"!")}},
		{"update", UpdateReport, []*ast.ArgumentDefinition{id, arg("input", update.Name+"!")}},
		{"delete", DeleteReport, []*ast.ArgumentDefinition{id}},
	} {
		d := field(m.verb+"ReportOf"+f.Name, "CreatedReportPayload!", m.args...)
		f.mutation = append(f.mutation, f.mean(d, Meaning{Kind: m.kind, Form: f.Number}))
	}
}
