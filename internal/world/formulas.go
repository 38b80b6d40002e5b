package world

import (
	"slices"

	"sluice/internal/definition"
	"sluice/internal/record"
)

// computed are the formulas that a form may have where it has what they read. A
// later one may read an earlier one.
var computed = []struct {
	reads []string
	field definition.Field
}{
	{[]string{"amount", "qty"}, definition.Field{Field: record.Field{Name: "total", Type: record.Decimal, Scale: 2}, Expression: "amount * qty"}},
	{[]string{"amount"}, definition.Field{Field: record.Field{Name: "third", Type: record.Decimal, Scale: 1}, Expression: "amount / 3 - 0.25"}},
	{[]string{"total", "qty"}, definition.Field{Field: record.Field{Name: "rate", Type: record.Decimal, Scale: 4}, Expression: "total / qty + 1.5"}},
	{[]string{"title"}, definition.Field{Field: record.Field{Name: "size", Type: record.Integer}, Expression: "length(title)"}},
	{[]string{"title", "mail"}, definition.Field{Field: record.Field{Name: "label", Type: record.Text}, Expression: `title + " " + coalesce(mail, upper(title))`}},
	{[]string{"done", "due", "qty"}, definition.Field{Field: record.Field{Name: "end", Type: record.Date}, Expression: "if(done, due, due + qty)"}},
	{[]string{"state", "amount"}, definition.Field{Field: record.Field{Name: "good", Type: record.Boolean}, Expression: `not (state == "lost" or isNull(amount)) and amount > 0.5`}},
	{[]string{"good", "size"}, definition.Field{Field: record.Field{Name: "odd", Type: record.Boolean}, Expression: "good != (size < 3)"}},
}

func (g *gen) formulas(f *definition.Form) {
	for _, c := range computed {
		missing := slices.ContainsFunc(c.reads, func(name string) bool { _, ok := f.Field(name); return !ok })
		if missing || g.chance(0.4) {
			continue
		}
		x := g.addField(f, c.field)
		x.Required, x.Indexed = false, false
	}
	if err := f.Link(); err != nil {
		panic("world: " + err.Error())
	}
}

// sources adds to names those of the fields that formulas among them read.
func sources(f *definition.Form, names []string) []string {
	for _, name := range names {
		if x, ok := f.Field(name); ok && x.Formula != nil {
			names = append(names, x.Formula.Names...)
		}
	}
	return names
}
