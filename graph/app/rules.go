package app

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// Rules returns the rules of the specification that documents are checked by,
// without "did you mean", in a fixed order. They serve schemas of applications,
// whose possible types are those of interfaces alone, and schemas that were
// loaded from text alike. The caller owns what is returned.
func Rules() *rules.Rules {
	r := rules.NewDefaultRules()
	for _, own := range []struct {
		name string
		rule core.Rule
	}{
		{rules.FieldsOnCorrectTypeRule.Name, rules.FieldsOnCorrectTypeRuleWithoutSuggestions},
		{rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions},
		{rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions},
		{rules.PossibleFragmentSpreadsRule.Name, possibleSpreads},
		{rules.ScalarLeafsRule.Name, rules.ScalarLeafsRuleWithoutSuggestions},
		{rules.ValuesOfCorrectTypeRule.Name, rules.ValuesOfCorrectTypeRuleWithoutSuggestions},
	} {
		r.ReplaceRule(own.name, own.rule.RuleFunc)
	}
	return r
}

// possibleSpreads is rules.PossibleFragmentSpreadsRule for schemas that have no
// possible types of objects: an object is of no type but its own, and an entry
// for each object of each shape would be most of what a schema keeps for itself.
var possibleSpreads = core.Rule{
	Name: rules.PossibleFragmentSpreadsRule.Name,
	RuleFunc: func(observers *core.Events, report core.AddErrFunc) {
		observers.OnInlineFragment(func(w *core.Walker, f *ast.InlineFragment) {
			if !overlap(w.Schema, f.ObjectDefinition, f.TypeCondition) {
				report(core.Message(`Fragment cannot be spread here as objects of type "%s" can never be of type "%s".`,
					f.ObjectDefinition.Name, f.TypeCondition), core.At(f.Position))
			}
		})
		observers.OnFragmentSpread(func(w *core.Walker, f *ast.FragmentSpread) {
			if f.Definition != nil && !overlap(w.Schema, f.ObjectDefinition, f.Definition.TypeCondition) {
				report(core.Message(`Fragment "%s" cannot be spread here as objects of type "%s" can never be of type "%s".`,
					f.Name, f.ObjectDefinition.Name, f.Definition.TypeCondition), core.At(f.Position))
			}
		})
	},
}

// overlap tells whether an object can be of both types. It is true of what other
// rules refuse: types that are not known or have no fields.
func overlap(s *ast.Schema, parent *ast.Definition, condition string) bool {
	on := s.Types[condition]
	if parent == nil || !parent.IsCompositeType() || on == nil || !on.IsCompositeType() {
		return true
	}
	of := possible(s, parent)
	return slices.ContainsFunc(possible(s, on), func(d *ast.Definition) bool {
		return slices.ContainsFunc(of, func(p *ast.Definition) bool { return p.Name == d.Name })
	})
}

// possible returns the object types of a composite type.
func possible(s *ast.Schema, d *ast.Definition) []*ast.Definition {
	if d.Kind == ast.Object {
		return []*ast.Definition{d}
	}
	return s.GetPossibleTypes(d)
}
