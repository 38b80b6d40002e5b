package app

import (
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
)

// Form is what a schema knows of one form. It is shared between the schemas of
// a [Builder] and read only.
type Form struct {
	Number uint32
	Name   string
	// Inputs are the fields that a create or update input may name.
	Inputs map[string]*record.Field
	// Nested are the lists of a create input that hold records to add below the
	// new one: the numbers of their forms by name.
	Nested map[string]uint32
	// Orders are the fields that a list may be ordered by, and Through the lookups
	// to records that it may be ordered by, as the order input names them.
	Orders  map[string]record.Field
	Through map[string]*record.Field
	// Aggregates are the fields that values are computed over, by their names in
	// aggregates; Groups those that records can be grouped by.
	Aggregates, Groups map[string]record.Field

	defs            []*ast.Definition
	query, mutation ast.FieldList
	subscription    ast.FieldList
	meanings        meanings
	viewed          bool // the viewer may see records of it
	alone           bool // not shared with other schemas
}

// plan is everything that the types of one form depend on.
type plan struct {
	shape    *policy.FormShape
	fields   []*definition.Field // visible, lookups to forms without VIEW excluded
	named    []*definition.Field // fields, and behind each what stands for it under its old names
	system   []record.Field      // visible system fields without id
	reverses []policy.Reverse
	node     string // name of the interface of records
	nests    []nest
	listed   bool              // a multi-lookup that the viewer sees leads to records of the form
	targets  map[uint32]string // form number to name, of the lookups among fields
}

// key is equal for plans that give equal types.
func (p *plan) key() string {
	b := make([]byte, 0, 16*(len(p.fields)+len(p.reverses)+8))
	number := func(n uint32, on ...bool) {
		b = strconv.AppendUint(b, uint64(n), 10)
		for _, x := range on {
			if x {
				b = append(b, '+')
			} else {
				b = append(b, '-')
			}
		}
	}
	s := p.shape
	number(s.Form.Number, s.View, s.Create, s.CreateNested, s.Edit, s.Delete, s.ReadComments, s.ReadHistory, s.CreateReport)
	for _, f := range p.fields {
		b = append(b, 'f')
		number(f.Number, s.Writable.Has(f.Number))
	}
	for _, f := range p.system {
		b = append(b, 's')
		number(f.Number)
	}
	for _, r := range p.reverses {
		b = append(b, 'r')
		number(r.Child.Form.Number)
		b = append(b, '.')
		number(r.Lookup.Number)
		b = append(append(append(b, '.'), r.Name...), ' ')
		if len(r.Child.Searchable()) > 0 {
			b = append(b, 'q')
		}
	}
	if p.listed {
		b = append(b, 'l')
	}
	for _, n := range p.nests {
		b = append(b, 'n')
		number(n.child.shape.Form.Number)
		b = append(append(append(b, '.'), n.name...), ' ')
	}
	for _, r := range s.Reports {
		b = strconv.AppendQuote(b, r.Name)
	}
	return string(append(b, p.node...))
}

func (p *plan) build() *Form {
	f := &Form{
		Number: p.shape.Form.Number, Name: p.shape.Form.Name,
		Inputs: map[string]*record.Field{}, Nested: map[string]uint32{}, Orders: map[string]record.Field{}, Through: map[string]*record.Field{},
		Aggregates: map[string]record.Field{}, Groups: map[string]record.Field{}, meanings: meanings{},
	}
	if p.shape.View {
		p.object(f)
		p.connection(f)
		p.filters(f)
		p.order(f)
		p.queries(f)
		p.aggregates(f)
		p.changes(f)
	}
	p.mutations(f)
	p.reports(f)
	p.rename(f)
	return f
}

func (f *Form) mean(d *ast.FieldDefinition, m Meaning) *ast.FieldDefinition {
	f.meanings[d] = m
	return d
}

func (p *plan) object(f *Form) {
	fields := ast.FieldList{f.mean(field("id", "ID!"), Meaning{Kind: RecordID})}
	for _, x := range p.named {
		fields = append(fields, documented(p.cell(f, x), x))
	}
	for _, r := range p.reverses {
		d := field(r.Name, r.Child.Form.Name+"Connection!", recordArgs(r.Child)...)
		fields = append(fields, f.mean(d, Meaning{Kind: Children, Form: r.Child.Form.Number, Field: &r.Lookup.Field}))
	}
	for i := range p.system {
		fields = append(fields, f.system(&p.system[i]))
	}
	fields = append(fields,
		f.mean(field("viewerCanUpdate", "Boolean!"), Meaning{Kind: CanUpdate, Form: f.Number}),
		f.mean(field("viewerCanDelete", "Boolean!"), Meaning{Kind: CanDelete, Form: f.Number}))
	fields = append(fields, p.talk(f, fields)...)
	d := object(f.Name, p.shape.Form.Description, fields)
	d.Interfaces = []string{p.node}
	f.defs = append(f.defs, d)
}

func (p *plan) cell(f *Form, x *definition.Field) *ast.FieldDefinition {
	m := Meaning{Kind: Cell, Field: &x.Field}
	switch x.Type {
	case record.User:
		m.Kind = UserCell
	case record.File, record.Image:
		m.Kind, m.Form = FileCell, p.shape.Form.Number
	case record.Users:
		m.Kind = UsersCell
	case record.MultiLookup:
		m.Kind, m.Form = LinksCell, x.Target
		return f.mean(field(x.Name, "["+p.targets[x.Target]+"!]"), m)
	case record.Lookup:
		m.Kind, m.Form = LookupCell, x.Target
		return f.mean(field(x.Name, p.targets[x.Target]), m)
	}
	return f.mean(field(x.Name, outType(x.Type)), m)
}

func (f *Form) system(x *record.Field) *ast.FieldDefinition {
	switch {
	case x.Number == record.FieldVersion:
		return f.mean(field(x.Name, "Int!"), Meaning{Kind: RecordVersion})
	case x.Type == record.User:
		return f.mean(field(x.Name, "User"), Meaning{Kind: UserCell, Field: x})
	}
	return f.mean(field(x.Name, outType(x.Type)+"!"), Meaning{Kind: Cell, Field: x})
}

func (p *plan) connection(f *Form) {
	edge := object(f.Name+"Edge", "", ast.FieldList{
		f.mean(field("cursor", "String!"), Meaning{Kind: EdgeCursor}),
		f.mean(field("node", f.Name+"!"), Meaning{Kind: EdgeNode, Form: f.Number}),
	})
	conn := object(f.Name+"Connection", "", ast.FieldList{
		f.mean(field("edges", "["+f.Name+"Edge!]!"), Meaning{Kind: Edges, Form: f.Number}),
		f.mean(field("nodes", "["+f.Name+"!]!"), Meaning{Kind: Nodes, Form: f.Number}),
		f.mean(field("pageInfo", "PageInfo!"), Meaning{Kind: PageInfo}),
		described(f.mean(field("totalCount", "Int!"), Meaning{Kind: TotalCount}),
			"How many records the list has on all pages; exact, and counted only when it is selected."),
		described(f.mean(field("aggregate", f.Name+"Aggregate!"), Meaning{Kind: Aggregate, Form: f.Number}),
			"Values over the records that the list has on all pages."),
	})
	f.defs = append(f.defs, edge, conn)
}

func (p *plan) filters(f *Form) {
	list := "[" + f.Name + "Filter!]"
	combine := ast.FieldList{field("and", list), field("or", list), field("not", f.Name+"Filter")}
	names := ast.FieldList{field("id", "IDFilter")}
	for _, x := range p.named {
		t := filterType(&x.Field)
		switch x.Type {
		case record.Lookup:
			t = p.targets[x.Target] + "LookupFilter"
		case record.MultiLookup:
			t = listFilter(p.targets[x.Target])
		}
		names = append(names, deprecated(field(x.Name, t), x))
	}
	for i := range p.system {
		names = append(names, field(p.system[i].Name, filterType(&p.system[i])))
	}
	for _, r := range p.reverses {
		names = append(names, field(r.Name, manyFilter(r.Child.Form.Name)))
	}
	combine = append(combine, names...)
	lookup := combine
	if combine.ForName("isNull") == nil {
		lookup = append(combine[:len(combine):len(combine)], described(field("isNull", "Boolean"),
			"Whether the lookup is null or leads to a record that the viewer cannot reach."))
	}
	f.defs = append(f.defs, input(f.Name+"Filter", combine), input(f.Name+"LookupFilter", lookup))
	if len(p.targets) > 0 {
		f.defs = append(f.defs, p.quantified())
	}
	if p.listed {
		f.defs = append(f.defs, p.listFilter())
	}
}

func manyFilter(form string) string { return form + "ManyFilter" }
func listFilter(form string) string { return form + "MultiLookupFilter" }

// quantified is the filter by the records of this form that lead to a record.
func (p *plan) quantified() *ast.Definition {
	d := input(manyFilter(p.shape.Form.Name), p.quantifiers())
	d.Description = "By the records that lead here and that the viewer reaches."
	return d
}

// listFilter is the filter of a multi-lookup to records of this form.
func (p *plan) listFilter() *ast.Definition {
	own := base.types[filterType(&record.Field{Type: record.MultiLookup})].Fields
	d := input(listFilter(p.shape.Form.Name), append(own[:len(own):len(own)], p.quantifiers()...))
	d.Description = "By the records that a list leads to and that the viewer reaches, by id or by filter. An empty list is null."
	return d
}

func (p *plan) quantifiers() ast.FieldList {
	name := p.shape.Form.Name
	return ast.FieldList{
		described(field("some", name+"Filter"), "At least one of them matches."),
		described(field("every", name+"Filter"), "None of them fails to match; so too where there are none."),
		described(field("none", name+"Filter"), "None of them matches; so too where there are none."),
	}
}

func (p *plan) order(f *Form) {
	enum := &ast.Definition{Kind: ast.Enum, Name: f.Name + "OrderField"}
	add := func(x record.Field, of ast.DirectiveList) {
		if x.Orderable() {
			enum.EnumValues = append(enum.EnumValues, &ast.EnumValueDefinition{Name: x.Name, Directives: of})
			f.Orders[x.Name] = x
		}
	}
	add(record.System[0], nil)
	for _, x := range p.named {
		add(x.Field, deprecation(x))
	}
	for _, x := range p.system {
		add(x, nil)
	}
	keys := ast.FieldList{
		described(field("field", enum.Name), "The field to order by; either this or one lookup is given."),
		enumDefault(field("direction", "Direction"), "ASC"),
		enumDefault(field("nulls", "Nulls"), "LAST"),
	}
	for _, x := range p.named {
		if x.Type != record.Lookup {
			continue
		}
		name := freeField(x.Name, keys)
		f.Through[name] = &x.Field
		keys = append(keys, deprecated(described(field(name, p.targets[x.Target]+"Order"),
			"The record that the lookup leads to, with direction and nulls of its own; one out of reach counts as null."), x))
	}
	f.defs = append(f.defs, enum, input(f.Name+"Order", keys))
}

func (p *plan) queries(f *Form) {
	form := p.shape.Form
	f.query = append(f.query,
		f.mean(field(lowerFirst(form.Name), form.Name, arg("id", "ID!")), Meaning{Kind: Get, Form: f.Number}),
		f.mean(field(form.Plural, form.Name+"Connection!", append(recordArgs(p.shape), arg("report", "ID"))...), Meaning{Kind: List, Form: f.Number}))
	for _, r := range p.shape.Reports {
		d := field(r.Name, form.Name+"Connection!", recordArgs(p.shape)...)
		f.query = append(f.query, f.mean(d, Meaning{Kind: List, Form: f.Number, Report: r.Name}))
	}
}

func (p *plan) mutations(f *Form) {
	create, update := p.inputs(f)
	create = append(create, p.nested(f)...)
	p.nestedType(f, create)
	id, version := arg("id", "ID!"), arg("ifVersion", "Int")
	if p.shape.Create {
		var args []*ast.ArgumentDefinition
		if len(create) > 0 {
			f.defs = append(f.defs, input("Create"+f.Name+"Input", create))
			args = append(args, arg("input", "Create"+f.Name+"Input!"))
		}
		p.mutation(f, "create"+f.Name, Create, true, args...)
	}
	if p.shape.Edit && len(update) > 0 {
		f.defs = append(f.defs, input("Update"+f.Name+"Input", update))
		p.mutation(f, "update"+f.Name, Update, true, id, arg("input", "Update"+f.Name+"Input!"), version)
	}
	if p.shape.ChangesOwner() {
		p.mutation(f, "change"+f.Name+"Owner", ChangeOwner, true, id, arg("owner", "ID!"), version)
	}
	if p.shape.Delete {
		p.mutation(f, "delete"+f.Name, Delete, false, id, version)
	}
	p.bulk(f, create, update)
}

func (p *plan) mutation(f *Form, name string, k Kind, withRecord bool, args ...*ast.ArgumentDefinition) {
	payload := object(upperFirst(name)+"Payload", "", ast.FieldList{f.mean(field("id", "ID!"), Meaning{Kind: PayloadID})})
	if withRecord && p.shape.View {
		d := described(field(lowerFirst(f.Name), f.Name), "The record as it is now; null when it is not, or no longer, in the viewer's reach.")
		payload.Fields = append(payload.Fields, f.mean(d, Meaning{Kind: PayloadRecord, Form: f.Number}))
	}
	f.defs = append(f.defs, payload)
	f.mutation = append(f.mutation, f.mean(field(name, payload.Name+"!", args...), Meaning{Kind: k, Form: f.Number}))
}

// inputs returns the fields of the create and update inputs.
func (p *plan) inputs(f *Form) (create, update ast.FieldList) {
	for _, x := range p.named {
		if !p.shape.Writable.Has(x.Number) {
			continue
		}
		f.Inputs[x.Name] = &x.Field
		t := inType(x.Type)
		update = append(update, documented(field(x.Name, t), x))
		if x.Required && x.Default.IsNull() && len(x.Aliases) == 0 { // else an old name may stand for it
			t += "!"
		}
		create = append(create, documented(field(x.Name, t), x))
	}
	return create, update
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
