package identity

// Tool is a way to look through another person's eyes: each is a right of its own
// (P10). The zero Tool is none and is given to nobody.
type Tool uint8

// The tools. Their numbers are stored.
const (
	NoTool  Tool = iota
	Explain      // why a person may or may not see a record
	ViewAs       // read as another person
	Review       // who sees a record, what a person sees, and the table of all
	Compare      // what a change of rights would give and take
	Recall       // who could see a record in the past
)

var toolNames = [...]string{"NONE", "EXPLAIN", "VIEW_AS", "REVIEW", "COMPARE", "RECALL"}

// String returns the name that the API uses.
func (t Tool) String() string {
	if int(t) < len(toolNames) {
		return toolNames[t]
	}
	return toolNames[NoTool]
}

// Tools returns all tools in the order of their numbers; the caller owns it.
func Tools() []Tool { return []Tool{Explain, ViewAs, Review, Compare, Recall} }

// ParseTool returns the tool of a name that the API uses, false for every other
// text and for NONE.
func ParseTool(name string) (Tool, bool) {
	for _, t := range Tools() {
		if t.String() == name {
			return t, true
		}
	}
	return NoTool, false
}

// ToolSet is a set of tools; the zero ToolSet is empty. Its bits are stored.
type ToolSet uint8

// AllTools is the set of all tools.
const AllTools = ToolSet(1<<Explain | 1<<ViewAs | 1<<Review | 1<<Compare | 1<<Recall)

// ToolSetOf returns the set of the tools that are given; NoTool, and what is no
// tool, adds nothing.
func ToolSetOf(tools ...Tool) ToolSet {
	var s ToolSet
	for _, t := range tools {
		if t < 8 {
			s |= 1 << t
		}
	}
	return s & AllTools
}

// Has reports whether the tool is in the set; NoTool never is.
func (s ToolSet) Has(t Tool) bool { return t < 8 && s&AllTools&(1<<t) != 0 }

// With returns the set with those of the other one.
func (s ToolSet) With(other ToolSet) ToolSet { return (s | other) & AllTools }

// Without returns the set less those of the other one.
func (s ToolSet) Without(other ToolSet) ToolSet { return s &^ other & AllTools }

// List returns the tools of the set in the order of their numbers; the caller
// owns it.
func (s ToolSet) List() []Tool {
	out := []Tool{}
	for _, t := range Tools() {
		if s.Has(t) {
			out = append(out, t)
		}
	}
	return out
}
