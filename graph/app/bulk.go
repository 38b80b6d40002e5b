package app

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// bulk adds the mutations of several records, and the one that finds its record
// by a unique field.
func (p *plan) bulk(f *Form, create, update ast.FieldList) {
	plural, filter := upperFirst(p.shape.Form.Plural), f.Name+"Filter!"
	if p.shape.Create && len(create) > 0 {
		p.several(f, "create"+plural, CreateMany, true, "Adds records, all or none.", arg("input", "[Create"+f.Name+"Input!]!"))
	}
	if p.shape.Edit && p.shape.View && len(update) > 0 {
		p.several(f, "update"+plural, UpdateWhere, true,
			"Gives the same values to every record that matches the filter: all, or none where one of them may not be changed so.",
			arg("where", filter), arg("input", "Update"+f.Name+"Input!"))
		each := "Update" + plural + "ByIdInput"
		f.defs = append(f.defs, input(each, ast.FieldList{
			field("id", "ID!"), field("input", "Update"+f.Name+"Input!"), field("ifVersion", "Int"),
		}))
		p.several(f, "update"+plural+"ById", UpdateMany, true, "Gives each record values of its own, all or none.", arg("updates", "["+each+"!]!"))
	}
	if p.shape.Delete && p.shape.View {
		p.several(f, "delete"+plural, DeleteWhere, false,
			"Deletes every record that matches the filter: all, or none where one of them may not be deleted.", arg("where", filter))
	}
	p.upsert(f, update)
}

// several adds a mutation of several records with its payload.
func (p *plan) several(f *Form, name string, k Kind, withRecords bool, says string, args ...*ast.ArgumentDefinition) {
	payload := object(upperFirst(name)+"Payload", "", ast.FieldList{
		f.mean(field("ids", "[ID!]!"), Meaning{Kind: PayloadIDs}), f.mean(field("count", "Int!"), Meaning{Kind: PayloadCount}),
	})
	if withRecords && p.shape.View {
		d := described(field(freeField(p.shape.Form.Plural, payload.Fields), "["+f.Name+"!]!"),
			"The records as they are now, in the order of ids, without those that are not, or no longer, in the viewer's reach.")
		payload.Fields = append(payload.Fields, f.mean(d, Meaning{Kind: PayloadRecords, Form: f.Number}))
	}
	f.defs = append(f.defs, payload)
	d := described(field(name, payload.Name+"!", args...), says)
	f.mutation = append(f.mutation, f.mean(d, Meaning{Kind: k, Form: f.Number}))
}

func (p *plan) upsert(f *Form, update ast.FieldList) {
	if !p.shape.Create || !p.shape.Edit || !p.shape.View {
		return
	}
	keys := &ast.Definition{Kind: ast.Enum, Name: f.Name + "UniqueField"}
	for _, x := range p.fields {
		if x.Unique && update.ForName(x.Name) != nil {
			keys.EnumValues = append(keys.EnumValues, &ast.EnumValueDefinition{Name: x.Name})
		}
	}
	if len(keys.EnumValues) == 0 {
		return
	}
	f.defs = append(f.defs, keys)
	p.mutation(f, "upsert"+f.Name, Upsert, true, arg("key", keys.Name+"!"), arg("input", "Update"+f.Name+"Input!"))
	d, payload := f.mutation[len(f.mutation)-1], f.defs[len(f.defs)-1]
	d.Description = "Changes the record whose unique field has the value that input gives it, or adds one where there is none."
	created := described(field("created", "Boolean!"), "Whether the record was added.")
	payload.Fields = append(payload.Fields, f.mean(created, Meaning{Kind: PayloadCreated}))
}
