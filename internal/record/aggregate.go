package record

// Groupable reports whether records can be grouped by the values of the field:
// they are single and short. Like Orderable it is the one answer for schemas and
// the engine.
func (f *Field) Groupable() bool {
	return f.Orderable() || f.Type == User || f.Type == Lookup
}

// Summable reports whether values of the field can be added up.
func (f *Field) Summable() bool {
	return f.Type == Integer || f.Type.Scaled() || f.Type == Duration
}
