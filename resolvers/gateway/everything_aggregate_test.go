package gateway

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	graphapp "sluice/graph/app"
)

// grouped lists queries that use each key, function, test and order of an
// aggregate once.
func grouped(s *graphapp.Schema, f *ast.FieldDefinition) []string {
	var out []string
	ask := func(args, selection string) {
		out = append(out, fmt.Sprintf("{%s(first:5,%s){totalCount nodes{%s}}}", f.Name, args, selection))
	}
	typeOf := func(argument string) *ast.Definition { return s.AST.Types[f.Arguments.ForName(argument).Type.Name()] }
	group := s.AST.Types[s.AST.Types[f.Type.Name()].Fields.ForName("nodes").Type.Name()]
	key := s.AST.Types[group.Fields.ForName("key").Type.Name()]
	var values strings.Builder
	for _, x := range group.Fields {
		if x.Name != "key" {
			values.WriteString(x.Name + selected(s, x, 1))
		}
	}
	ask(`timeZone:"Europe/Berlin"`, values.String())
	for _, v := range s.AST.Types[typeOf("groupBy").Fields.ForName("field").Type.Name()].EnumValues {
		shown := "key{" + v.Name + selected(s, key.Fields.ForName(v.Name), 2) + "} count"
		for _, how := range []string{"", "direction:DESC", "nulls:FIRST", "direction:DESC,nulls:FIRST"} {
			ask(fmt.Sprintf(`groupBy:[{field:%s}],orderBy:[{field:%s,%s}]`, v.Name, v.Name, how), shown)
		}
		if key.Fields.ForName(v.Name).Arguments.ForName("by") != nil {
			for _, unit := range s.AST.Types["CalendarUnit"].EnumValues {
				ask(fmt.Sprintf(`groupBy:[{field:%s,by:%s}]`, v.Name, unit.Name), shown)
			}
		}
		if x := group.Fields.ForName(v.Name); x != nil {
			for _, fn := range s.AST.Types[x.Type.Name()].Fields {
				name := strings.ReplaceAll(strings.ToUpper(fn.Name), "DISTINCT", "_DISTINCT")
				ask(fmt.Sprintf(`groupBy:[{field:id}],orderBy:[{field:%s,function:%s}]`, v.Name, name), "count")
			}
		}
	}
	for _, x := range typeOf("having").Fields {
		switch {
		case x.Name == "and" || x.Name == "or":
			ask(fmt.Sprintf("having:{%s:[{},{}]}", x.Name), "count")
		case x.Name == "not":
			ask("having:{not:{}}", "count")
		case x.Name == "count":
			ask("having:{count:{gt:0}}", "count")
		default:
			for _, fn := range s.AST.Types[x.Type.NamedType].Fields {
				for _, op := range s.AST.Types[fn.Type.NamedType].Fields {
					ask(fmt.Sprintf("having:{%s:{%s:{%s:%s}}}", x.Name, fn.Name, op.Name, sample(op.Type)), "count")
				}
			}
		}
	}
	return out
}

// selected is the selection set of a field, empty for a leaf.
func selected(s *graphapp.Schema, f *ast.FieldDefinition, depth int) string {
	if s.AST.Types[f.Type.Name()].IsLeafType() {
		return " "
	}
	return "{" + leaves(s, f.Type.Name(), depth) + "} "
}
