package app

import (
	"github.com/vektah/gqlparser/v2/ast"

	"sluice/engine/policy"
)

// recordArgs are the arguments of a list of records of a form: search among them
// where the viewer sees a field that can be searched.
func recordArgs(s *policy.FormShape) []*ast.ArgumentDefinition {
	args := listArgs(s.Form.Name)
	if len(s.Searchable()) == 0 {
		return args
	}
	search := arg("search", "String")
	search.Description = "Records that have each of these words in a field that the viewer reads and that can be searched."
	return append(args, search)
}
