package definition

import (
	"cmp"
	"fmt"
	"slices"
)

// Fault is one thing wrong with a document.
type Fault struct {
	Line int    // from 1; 0 when the fault has no place of its own
	Path string // "forms[2].fields[0].type"
	Msg  string // what is wrong and what was expected
}

// String returns the fault as "line 12: forms[2].fields[0].type: …", without the
// parts that it does not have.
func (f Fault) String() string {
	s := f.Msg
	if f.Path != "" {
		s = f.Path + ": " + s
	}
	if f.Line > 0 {
		s = fmt.Sprintf("line %d: %s", f.Line, s)
	}
	return s
}

// FaultKind stands where a finding has its [Kind].
const FaultKind = "FAULT"

// maxFaults bounds a report. A document with more gets one last fault that says
// so.
const maxFaults = 1000

// sortFaults orders faults by line, those of one line as they were found.
func sortFaults(fs []Fault) []Fault {
	slices.SortStableFunc(fs, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
	return fs
}
