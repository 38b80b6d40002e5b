package policy

import "sluice/internal/definition"

// Searchable returns the fields that full-text search covers for the viewer:
// those that they see and that the definition marks, in its order; none without
// VIEW.
func (s *FormShape) Searchable() []*definition.Field {
	var out []*definition.Field
	for _, f := range s.Form.Fields {
		if f.Searchable && s.View && s.Visible.Has(f.Number) {
			out = append(out, f)
		}
	}
	return out
}
