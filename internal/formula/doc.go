// Package formula is the language of computed fields: typed expressions over the
// cells of one record.
//
// [Compile] parses and types an expression once; what it returns is evaluated
// for each read. Evaluation is total and deterministic: it reads cells through
// [record.Cells] and nothing else, has no clock, no loops and no errors. What
// has no result (an overflow, a division by zero, a text that grows too long) is
// null.
//
// Numbers are exact decimals: a whole number times 10^-scale, where the scale is
// known before anything is evaluated. Conditions are two-valued like filters: a
// comparison with null is false, and not and != are exact complements. Other
// operators give null where an operand is null.
package formula

import "fmt"

// Bounds of an expression.
const (
	MaxSource = 2000 // bytes
	MaxNodes  = 200  // operators, functions, fields and constants
	MaxDepth  = 32   // how deep they nest
	// MaxCost bounds the steps of one evaluation, those of the formulas that it
	// reads included.
	MaxCost = 1000
	// MaxText is how long a text may grow on the way, in bytes; longer is null.
	MaxText = 4096
)

// Error says what is wrong with an expression and where.
type Error struct {
	At  int // characters from 1
	Msg string
}

// Error returns the position and what was expected.
func (e *Error) Error() string { return fmt.Sprintf("at character %d: %s", e.At, e.Msg) }
