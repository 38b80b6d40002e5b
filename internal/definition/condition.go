package definition

import (
	"strings"

	"sluice/internal/filter"
	"sluice/internal/record"
)

// condition reads what follows where, as the filter that it stands for.
func (s *sentence) condition(f *Form) map[string]any {
	return s.joined(f, "or", func() map[string]any {
		return s.joined(f, "and", func() map[string]any { return s.part(f) })
	})
}

// joined reads parts with a word between them.
func (s *sentence) joined(f *Form, with string, part func() map[string]any) map[string]any {
	all := []any{part()}
	for !s.failed && s.take(with) {
		all = append(all, part())
	}
	if len(all) == 1 {
		return all[0].(map[string]any)
	}
	return map[string]any{with: all}
}

// part reads a comparison, or a condition in parentheses or behind not.
func (s *sentence) part(f *Form) map[string]any {
	if s.nodes++; s.nodes > filter.DefaultMaxNodes {
		s.fail(s.next, "the condition has more than %d parts", filter.DefaultMaxNodes)
	}
	s.depth++
	defer func() { s.depth-- }()
	switch {
	case s.failed:
	case s.depth > maxConditionDepth:
		s.fail(s.next, "nested deeper than %d", maxConditionDepth)
	case s.take("not"):
		return map[string]any{"not": s.part(f)}
	case s.take("("):
		inner := s.condition(f)
		if !s.failed && !s.take(")") {
			s.expected("and, or, or )")
		}
		return inner
	default:
		return s.comparison(f)
	}
	return nil
}

const comparisonForms = "is, is not, in, not in, <, <=, >, >=, has, contains, starts with or ends with"

// comparisonWords are the comparisons with one value.
var comparisonWords = []struct {
	words []string
	op    filter.Op
}{
	{[]string{"<="}, filter.Lte}, {[]string{"<"}, filter.Lt}, {[]string{">="}, filter.Gte}, {[]string{">"}, filter.Gt},
	{[]string{"has"}, filter.Has}, {[]string{"contains"}, filter.Contains},
	{[]string{"starts", "with"}, filter.StartsWith}, {[]string{"ends", "with"}, filter.EndsWith},
}

func (s *sentence) comparison(f *Form) map[string]any {
	at := s.next
	name, ok := s.any("a field of " + f.Name)
	if !ok {
		return nil
	}
	if before, _, dotted := strings.Cut(name.text, "."); dotted && before == f.Name {
		s.fail(at, "the condition speaks of %s already: write the field alone", f.Name)
		return nil
	}
	x, ok := s.field(f, at, name.text)
	if !ok {
		return nil
	}
	op, src := s.operator()
	if s.failed {
		return nil
	}
	if text, ok := src.(string); ok && x.Type == record.Boolean && (text == "true" || text == "false") {
		src = text == "true"
	}
	return map[string]any{x.Name: map[string]any{op.String(): src}}
}

// operator reads a comparison with what it compares with.
func (s *sentence) operator() (filter.Op, any) {
	switch {
	case s.take("is", "not", "empty"):
		return filter.IsNull, false
	case s.take("is", "empty"):
		return filter.IsNull, true
	case s.take("is", "not", "in"), s.take("not", "in"):
		return filter.NotIn, s.values()
	case s.take("is", "in"), s.take("in"):
		return filter.In, s.values()
	case s.take("is", "not"):
		return filter.Ne, s.value()
	case s.take("is"):
		return filter.Eq, s.value()
	}
	for _, c := range comparisonWords {
		if s.take(c.words...) {
			return c.op, s.value()
		}
	}
	s.expected(comparisonForms)
	return filter.InvalidOp, nil
}

// value reads one value as text, which the field's type reads.
func (s *sentence) value() any {
	w, _ := s.any("a value, in quotes where it has spaces, or VIEWER")
	return w.text
}

func (s *sentence) values() any {
	if !s.take("(") {
		s.expected("a list of values in parentheses: (a, b)")
		return nil
	}
	var all []any
	for !s.failed {
		if all = append(all, s.value()); s.take(")") {
			break
		}
		if !s.failed && !s.take(",") {
			s.expected("a comma or )")
		}
	}
	return all
}
