package record

// Cells gives the cells of one record: raw ones, or those that a viewer may
// read.
type Cells interface {
	// Get returns the cell of f, null where there is none to be read.
	Get(f *Field) Value
}

var (
	_ Cells = Record{}
	_ Cells = Redacted{}
)

// Formula is how a field is computed. It is read only and safe for concurrent
// use.
type Formula struct {
	// Reads holds the numbers of all fields that the formula reads, and of those
	// that formulas among them read.
	Reads FieldSet
	// Names are their names.
	Names []string
	// Cost is how many steps an evaluation takes at most, those of the formulas
	// that it reads included.
	Cost int
	// Value computes the cell. It depends on the cells alone, and may borrow from
	// them.
	Value func(c Cells) Value
}

// Within reports whether every number of s is in o.
func (s FieldSet) Within(o FieldSet) bool {
	for i, w := range s.words {
		if i < len(o.words) {
			w &^= o.words[i]
		}
		if w != 0 {
			return false
		}
	}
	return true
}

// Meets reports whether s and o have a number in common.
func (s FieldSet) Meets(o FieldSet) bool {
	for i, w := range s.words {
		if i < len(o.words) && w&o.words[i] != 0 {
			return true
		}
	}
	return false
}
