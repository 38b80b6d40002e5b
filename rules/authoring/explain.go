package authoring

import (
	"fmt"
	"strings"

	"sluice/rules"
)

// explain says what a fault means to the author of a rule and where to look, empty
// for none.
func explain(kind rules.FaultKind) string {
	switch kind {
	case rules.FaultTrap:
		return "the module ended by a trap: a division by zero, memory that it does not have, a stack that is full (8 KiB in C and Rust), calls too deep, a failed assertion or panic"
	case rules.FaultFuel:
		return "the module spent all the fuel that one record has, 100,000 and with the Go profile 2,000,000: loop less, and test first what most records fail"
	case rules.FaultAnswer:
		return "the module answered what its manifest does not allow, such as a higher grant or the number of a reason that is not there, or returned another status than 0"
	case rules.FaultImpure:
		return "in a list the module answered otherwise than alone: let nothing be left of one record, such as a variable of the module, when it decides about the next"
	case rules.FaultQuarantine:
		return "the module answered one question in two ways, so that it is not asked any more: let nothing be left of one record, such as a variable of the module, when it decides about the next"
	default:
		return ""
	}
}

// faultCounts are how many records went wrong, by kind.
type faultCounts [rules.FaultKinds]int

// all is how many went wrong.
func (c *faultCounts) all() (n int) {
	for kind := rules.NoFault + 1; int(kind) < len(c); kind++ {
		n += c[kind]
	}
	return n
}

// text lists the kinds, with a colon before, empty for nothing.
func (c *faultCounts) text() string {
	var out []string
	for kind := rules.NoFault + 1; int(kind) < len(c); kind++ {
		if c[kind] > 0 {
			out = append(out, fmt.Sprintf("%d by %s", c[kind], kind))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return ": " + strings.Join(out, ", ")
}

// why says, a line each, what the kinds mean, and how to find the records.
func (c *faultCounts) why() string {
	var b strings.Builder
	for kind := rules.NoFault + 1; int(kind) < len(c); kind++ {
		if text := explain(kind); c[kind] > 0 && text != "" {
			fmt.Fprintf(&b, "  %s: %s\n", kind, text)
		}
	}
	b.WriteString("What goes wrong counts against access, and ends early: times and fuel are of no use. Mend it first;\n`sluice rule test` says which cases go wrong.\n")
	return b.String()
}
