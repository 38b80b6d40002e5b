package app

import (
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"

	"sluice/internal/record"
)

// DefaultGroups is how many groups an aggregate gives where a query names no
// number.
const DefaultGroups = 1000

// aggregateName names the type of values over a field, without Aggregate or
// AggregateHaving: the types are those of common.graphqls, by scalar and not by
// form, so that a form adds few types.
func aggregateName(f *record.Field) string {
	if !f.Orderable() {
		return "Value"
	}
	if f.Type.Kind() == record.KindText || f.Type == record.AutoNumber {
		return "Text"
	}
	return outType(f.Type)
}

// havingName is aggregateName for the input that tests values: auto-numbers are
// written as texts and compared as numbers.
func havingName(f *record.Field) string {
	if f.Type == record.AutoNumber {
		return "AutoNumber"
	}
	return aggregateName(f)
}

// typesOf shares the types of fields between forms; read only.
var typesOf = func() map[string]*ast.Type {
	out := map[string]*ast.Type{}
	for _, name := range []string{"Value", "Long", "Decimal", "Boolean", "Date", "DateTime", "Time", "Duration", "Text", "AutoNumber"} {
		out[name+"Aggregate!"] = typ(name + "Aggregate!")
		out[name+"AggregateHaving"] = typ(name + "AggregateHaving")
	}
	return out
}()

func sharedField(name, t string) *ast.FieldDefinition {
	return &ast.FieldDefinition{Name: name, Type: typesOf[t]}
}

// aggregates adds the types and fields that give values over records of the form.
func (p *plan) aggregates(f *Form) {
	values, having := p.values(f)
	key, enum := p.groupKey(f)
	name := f.Name + "Aggregate"
	group := object(name+"Group", "", append(ast.FieldList{
		described(f.mean(field("key", key.Name+"!"), Meaning{Kind: GroupKey, Form: f.Number}), "What the records of the group share."),
	}, values.Fields...))
	f.defs = append(f.defs, values, group, key, enum, having,
		object(name+"Connection", "", ast.FieldList{
			f.mean(field("nodes", "["+group.Name+"!]!"), Meaning{Kind: GroupNodes, Form: f.Number}),
			f.mean(field("pageInfo", "PageInfo!"), Meaning{Kind: GroupPageInfo}),
			described(f.mean(field("totalCount", "Int!"), Meaning{Kind: GroupTotal}), "How many groups there are on all pages."),
		}),
		input(name+"By", ast.FieldList{
			field("field", enum.Name+"!"),
			described(field("by", "CalendarUnit"), "Group dates and date-times by the part of the calendar that they lie in."),
		}),
		input(name+"Order", ast.FieldList{
			described(field("field", enum.Name), "Left out for the number of records."),
			described(field("by", "CalendarUnit"), "Which key of that field, where groupBy has several."),
			described(field("function", "AggregateFunction"), "What to order by; the field's value among the keys where it is left out."),
			enumDefault(field("direction", "Direction"), "ASC"),
			enumDefault(field("nulls", "Nulls"), "LAST"),
		}))
	p.aggregateQueries(f)
}

// values are the type of what is computed over records, and the input that tests
// it.
func (p *plan) values(f *Form) (out, having *ast.Definition) {
	name := f.Name + "Aggregate"
	count := described(f.mean(field("count", "Int!"), Meaning{Kind: RecordCount}), "How many records there are.")
	out = object(name, "", ast.FieldList{count})
	list := "[" + name + "Having!]"
	having = input(name+"Having", ast.FieldList{field("and", list), field("or", list), field("not", name+"Having"), field("count", "IntFilter")})
	taken := p.taken()
	add := func(x *record.Field) {
		n := x.Name
		if n == "count" || n == "key" { // which every group has
			for taken[n] {
				n += "_"
			}
		}
		f.Aggregates[n] = *x
		out.Fields = append(out.Fields, f.mean(sharedField(n, aggregateName(x)+"Aggregate!"), Meaning{Kind: FieldAggregate, Field: x}))
		having.Fields = append(having.Fields, sharedField(n, havingName(x)+"AggregateHaving"))
	}
	for _, x := range p.fields {
		add(&x.Field)
	}
	for i := range p.system {
		add(&p.system[i])
	}
	return out, having
}

func (p *plan) taken() map[string]bool {
	taken := map[string]bool{}
	for _, x := range p.named {
		taken[x.Name] = true
	}
	return taken
}

// groupKey is the type of what groups share, and the enum of the fields that
// records can be grouped by. Lookups and people in it are as in a record.
func (p *plan) groupKey(f *Form) (key, enum *ast.Definition) {
	key = object(f.Name+"AggregateKey", "", nil)
	enum = &ast.Definition{Kind: ast.Enum, Name: f.Name + "AggregateField"}
	add := func(x *record.Field, t string) {
		if !x.Groupable() {
			return
		}
		d := field(x.Name, t)
		m := Meaning{Kind: GroupCell, Field: x}
		switch x.Type {
		case record.Lookup:
			m.Kind, m.Form = GroupLookup, x.Target
		case record.User:
			m.Kind = GroupUser
		case record.Date, record.DateTime:
			d.Arguments = unitArgs
		}
		key.Fields = append(key.Fields, f.mean(d, m))
		enum.EnumValues = append(enum.EnumValues, &ast.EnumValueDefinition{Name: x.Name})
		f.Groups[x.Name] = *x
	}
	add(&record.System[0], "ID")
	for _, x := range p.fields {
		t := outType(x.Type)
		if x.Type == record.Lookup {
			t = p.targets[x.Target]
		}
		add(&x.Field, t)
	}
	for i := range p.system {
		add(&p.system[i], outType(p.system[i].Type))
	}
	return key, enum
}

// unitArgs says which of several keys of one field is meant; read only.
var unitArgs = func() ast.ArgumentDefinitionList {
	by := arg("by", "CalendarUnit")
	by.Description = "The by of that key in groupBy; needed where several keys are of this field."
	return ast.ArgumentDefinitionList{by}
}()

// aggregateQueries adds an aggregate beside each list of the form's records.
func (p *plan) aggregateQueries(f *Form) {
	name := f.Name + "Aggregate"
	args := func(more ...*ast.ArgumentDefinition) []*ast.ArgumentDefinition {
		first := arg("first", "Int")
		first.DefaultValue = &ast.Value{Kind: ast.IntValue, Raw: strconv.Itoa(DefaultGroups)}
		zone := arg("timeZone", "String")
		zone.Description = "Where days begin and end for date-times: a name of the tz database, such as Europe/Berlin."
		zone.DefaultValue = &ast.Value{Kind: ast.StringValue, Raw: "UTC"}
		var out []*ast.ArgumentDefinition
		for _, a := range recordArgs(p.shape) {
			if a.Name == "where" || a.Name == "search" {
				out = append(out, a)
			}
		}
		out = append(out, more...)
		return append(out, arg("groupBy", "["+name+"By!]"), arg("having", name+"Having"), arg("orderBy", "["+name+"Order!]"),
			first, arg("after", "String"), zone)
	}
	form := p.shape.Form
	add := func(list, report string, more ...*ast.ArgumentDefinition) {
		d := field(list+"Aggregate", name+"Connection!", args(more...)...)
		d.Description = "Values over the records that " + list + " lists, group by group."
		f.query = append(f.query, f.mean(d, Meaning{Kind: Aggregates, Form: f.Number, Report: report}))
	}
	add(form.Plural, "", arg("report", "ID"))
	for _, r := range p.shape.Reports {
		add(r.Name, r.Name)
	}
}
