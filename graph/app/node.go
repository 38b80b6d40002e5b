package app

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"sluice/engine/policy"
)

// MaxNodes is how many ids the field nodes takes.
const MaxNodes = 100

// nodeName is that of the interface of records, or one like it where a form that
// the viewer sees has the name.
func nodeName(shape *policy.Shape) string {
	name := "Node"
	for slices.ContainsFunc(shape.Forms, func(f *policy.FormShape) bool { return f.View && f.Form.Name == name }) {
		name += "_"
	}
	return name
}

// node adds the interface of records with the fields of Query that find them by id
// alone, where the viewer sees records of any form. taken are the fields that
// Query has.
func (s *Schema) node(taken ast.FieldList) ast.FieldList {
	if len(s.viewed) == 0 {
		return nil
	}
	d := &ast.Definition{Kind: ast.Interface, Description: "A record of any form."}
	for _, f := range s.viewed {
		record := s.AST.Types[f.Name]
		d.Name = record.Interfaces[0]
		s.AST.PossibleTypes[d.Name] = append(s.AST.PossibleTypes[d.Name], record)
		s.AST.Implements[f.Name] = []*ast.Definition{d}
	}
	d.Fields = ast.FieldList{field("id", "ID!")}
	s.AST.Types[d.Name] = d
	one := described(field(freeField("node", taken), d.Name, arg("id", "ID!")), "The record with this id, of whatever form; null where the viewer reaches none.")
	many := described(field(freeField("nodes", taken), "["+d.Name+"]!", arg("ids", "[ID!]!")), "The records with these ids, at most 100, in their order; null for each that the viewer does not reach.")
	s.own[one], s.own[many] = Meaning{Kind: NodeByID}, Meaning{Kind: NodesByID}
	return ast.FieldList{one, many}
}
