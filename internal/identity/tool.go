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
