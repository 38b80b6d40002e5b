package app

import (
	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
)

const (
	formCustomer uint32 = 1
	formOrder    uint32 = 2
	formLine     uint32 = 3
)

func fieldOf(n uint32, name string, t record.Type) *definition.Field {
	f := &definition.Field{Field: record.Field{Number: n, Name: name, Type: t}}
	switch t {
	case record.Decimal:
		f.Scale = 2
	case record.Choice, record.MultiChoice:
		f.Choices = []string{"new", "in work", "done"}
	}
	return f
}

func lookupOf(n uint32, name string, target uint32) *definition.Field {
	f := fieldOf(n, name, record.Lookup)
	f.Target = target
	return f
}

func searchable(f *definition.Field) *definition.Field {
	f.Searchable = true
	return f
}

func required(f *definition.Field) *definition.Field {
	f.Required = true
	return f
}

// orders is an application with every type of field, two lookups between two
// forms and a report.
func orders() *definition.Application {
	order := &definition.Form{Number: formOrder, Name: "Order", Plural: "orders", Description: "What a customer wants.", Fields: []*definition.Field{
		searchable(required(fieldOf(16, "title", record.Text))),
		searchable(fieldOf(17, "note", record.LongText)),
		fieldOf(18, "quantity", record.Integer),
		required(fieldOf(19, "amount", record.Decimal)),
		fieldOf(20, "urgent", record.Boolean),
		fieldOf(21, "due", record.Date),
		fieldOf(22, "shippedAt", record.DateTime),
		fieldOf(23, "state", record.Choice),
		fieldOf(24, "tags", record.MultiChoice),
		fieldOf(25, "contact", record.Email),
		fieldOf(26, "assignee", record.User),
		lookupOf(27, "customer", formCustomer),
		lookupOf(28, "billTo", formCustomer),
	}}
	order.Fields[3].Default = record.Int(0)
	order.Fields[0].Description = "In a few words."
	customer := &definition.Form{Number: formCustomer, Name: "Customer", Plural: "customers", Fields: []*definition.Field{
		required(fieldOf(16, "name", record.Text)), fieldOf(17, "taxNumber", record.Text),
	}}
	line := &definition.Form{Number: formLine, Name: "OrderLine", Plural: "lines", ParentField: 16, Fields: []*definition.Field{
		required(lookupOf(16, "order", formOrder)), searchable(fieldOf(17, "product", record.Text)),
	}}
	return &definition.Application{
		Name: "sales", Version: 3, Forms: []*definition.Form{customer, order, line},
		Reports: []*definition.Report{
			{Name: "customers", Form: "Customer", Default: true}, {Name: "orders", Form: "Order", Default: true},
			{Name: "lines", Form: "OrderLine", Default: true}, {Name: "openOrders", Form: "Order"},
		},
	}
}

// form returns the full shape of one form, for tests to cut.
func shapeOf(s *policy.Shape, number uint32) *policy.FormShape {
	f, ok := s.Form(number)
	if !ok {
		panic("no such form")
	}
	return f
}

func without(s *policy.FormShape, numbers ...uint32) {
	s.Visible = s.Visible.Minus(record.FieldSetOf(numbers...))
	s.Writable = s.Writable.Minus(record.FieldSetOf(numbers...))
}

// shapes are the ways to see the application that the golden files show.
func shapes() map[string]*policy.Shape {
	narrow := FullShape(orders())
	without(shapeOf(narrow, formOrder), 17, 18, 28)
	s := shapeOf(narrow, formOrder)
	s.Writable, s.Delete, s.Reports = record.FieldSetOf(16, 20), false, nil
	c := shapeOf(narrow, formCustomer)
	without(c, 17)
	c.Writable, c.Create, c.Edit, c.Delete = record.FieldSet{}, false, false, false

	blind := FullShape(orders())
	blind.Forms = blind.Forms[1:] // no customers: lookups to them are gone
	adder := FullShape(orders())
	adder.Forms = []*policy.FormShape{{Form: orders().Forms[0], Visible: record.FieldSetOf(1, 16), Writable: record.FieldSetOf(16), Create: true}}
	return map[string]*policy.Shape{
		"full": FullShape(orders()), "narrow": narrow, "blind": blind, "adder": adder, "nothing": {},
	}
}
