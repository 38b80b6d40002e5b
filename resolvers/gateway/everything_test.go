package gateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	graphapp "sluice/graph/app"
)

// sample is a literal of each input type that fits a field of the shop.
func sample(t *ast.Type) string {
	if t.Elem != nil {
		return "[" + sample(t.Elem) + "," + sample(t.Elem) + "]"
	}
	switch t.NamedType {
	case "Int", "Long":
		return "1"
	case "Decimal":
		return `"1.50"`
	case "Boolean":
		return "true"
	case "Date":
		return `"2024-02-29"`
	case "DateTime":
		return `"2024-02-29T12:00:00+02:00"`
	case "ID":
		return `"01234567-89ab-7def-8123-456789abcdef"`
	}
	return `"OPEN"`
}

// everything lists queries that use each filter operator, order and list field
// of a schema once.
func everything(s *graphapp.Schema) []string {
	var out []string
	for _, f := range s.AST.Query.Fields {
		where := f.Arguments.ForName("where")
		if where == nil {
			continue
		}
		for _, x := range s.AST.Types[where.Type.NamedType].Fields {
			out = append(out, comparisons(s, f.Name, x)...)
		}
		if f.Arguments.ForName("groupBy") != nil {
			out = append(out, grouped(s, f)...)
			continue
		}
		order := s.AST.Types[f.Arguments.ForName("orderBy").Type.Elem.NamedType]
		for _, v := range s.AST.Types[order.Fields[0].Type.NamedType].EnumValues {
			for _, how := range []string{"", "direction:DESC", "nulls:FIRST", "direction:DESC,nulls:FIRST"} {
				out = append(out, fmt.Sprintf(`{%s(orderBy:[{field:%s,%s}]){totalCount}}`, f.Name, v.Name, how))
			}
		}
		out = append(out, fmt.Sprintf(`{%s{nodes{%s}}}`, f.Name, leaves(s, s.AST.Types[f.Type.NamedType].Fields.ForName("nodes").Type.Name(), 2)))
	}
	return out
}

func comparisons(s *graphapp.Schema, list string, x *ast.FieldDefinition) []string {
	switch {
	case x.Name == "and" || x.Name == "or":
		return []string{fmt.Sprintf(`{%s(where:{%s:[{},{}]}){totalCount}}`, list, x.Name)}
	case x.Name == "not":
		return []string{fmt.Sprintf(`{%s(where:{not:{}}){totalCount}}`, list)}
	}
	var out []string
	for _, op := range s.AST.Types[x.Type.NamedType].Fields {
		value := sample(op.Type)
		if s.AST.Types[op.Type.Name()].Kind == ast.InputObject {
			value = "{}"
		}
		out = append(out, fmt.Sprintf(`{%s(where:{%s:{%s:%s}}){totalCount}}`, list, x.Name, op.Name, value))
	}
	return out
}

// leaves selects all fields of a type, down to a depth.
func leaves(s *graphapp.Schema, typ string, depth int) string {
	var b strings.Builder
	b.WriteString("__typename ")
	for _, f := range s.AST.Types[typ].Fields {
		switch {
		case s.AST.Types[f.Type.Name()].IsLeafType():
			b.WriteString(f.Name + " ")
		case depth > 0 && f.Arguments.ForName("first") != nil:
			b.WriteString(f.Name + "(first:2){" + leaves(s, f.Type.Name(), depth-1) + "} ")
		case depth > 0:
			b.WriteString(f.Name + "{" + leaves(s, f.Type.Name(), depth-1) + "} ")
		}
	}
	return b.String()
}

// TestEverythingInTheSchemaWorks uses whatever the schema of each viewer offers:
// what is offered is accepted by the filter language and by the engine.
func TestEverythingInTheSchemaWorks(t *testing.T) {
	s := newShop(t)
	s.create("ann", "An order")
	for _, who := range []string{"sue", "ann", "bob", "dan"} {
		queries := everything(s.schemaOf(who))
		if len(queries) < 20 {
			t.Fatalf("%s: %d queries", who, len(queries))
		}
		for _, q := range queries {
			_, body := s.post(who, "sales", q, nil)
			if strings.Contains(body, `"errors"`) {
				t.Errorf("%s: %s: %s", who, q, body)
			}
		}
	}
}
