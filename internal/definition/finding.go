package definition

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says how much a finding matters. The zero Severity is none.
type Severity uint8

// The severities. A document with an Error is refused: it is a [Fault].
const (
	NoSeverity Severity = iota
	Info                // works as written; worth knowing
	Warning             // works, and probably was not meant
	Error
)

var severityNames = [...]string{"NONE", "INFO", "WARNING", "ERROR"}

// String returns the name that the API uses.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return severityNames[NoSeverity]
}

// Finding is something that a definition allows and that its author should know.
type Finding struct {
	Kind     Kind
	Severity Severity // Info or Warning
	Line     int      // from 1; 0 for what the document does not write: built-in sets
	Path     string   // "permissionSets.sales.forms.Customer", people's names as they stand
	Msg      string   // what is so, and what follows from it
	Fix      string   // what to write instead; never empty
	// BuiltIn marks findings about nothing but the built-in sets, which every
	// application has.
	BuiltIn bool

	steps []string
	edits []edit
}

// edit is a fix that a program could make: text put under a mapping or sequence.
type edit struct {
	at   []string
	text string // "title: VISIBLE", or "VIEW" for a sequence
}

// String returns the finding as "line 12: WARNING permissionSets.sales: … (…)".
func (f Finding) String() string {
	s := fmt.Sprintf("%s %s: %s (%s)", f.Severity, f.Path, f.Msg, f.Fix)
	if f.Line > 0 {
		s = fmt.Sprintf("line %d: %s", f.Line, s)
	}
	return s
}

// maxFindings bounds a report. Of more, the least severe are left out, and the
// last finding says how many.
const maxFindings = 1000

// report orders findings by line, those without one first, and bounds them.
func report(fs []Finding) []Finding {
	dropped := 0
	if len(fs) > maxFindings {
		slices.SortStableFunc(fs, func(a, b Finding) int { return cmp.Compare(b.Severity, a.Severity) })
		dropped = len(fs) - maxFindings
		fs = fs[:maxFindings]
	}
	slices.SortStableFunc(fs, func(a, b Finding) int { return cmp.Compare(a.Line, b.Line) })
	if dropped > 0 {
		fs = append(fs, Finding{
			Kind: MoreFindings, Severity: Info, Msg: fmt.Sprintf("%d more findings are not listed", dropped),
			Fix: "settle those that are listed first",
		})
	}
	return fs
}

// Standing is what the directory says of an address that a rule names. The zero
// Standing is unknown.
type Standing uint8

// The standings.
const (
	UnknownUser Standing = iota
	InactiveUser
	// OutsideUser is active and has no place in the application.
	OutsideUser
	// PlacedUser has a place in the application, or administers.
	PlacedUser
)

// Holding is how many users hold a role and a permission set together.
type Holding struct {
	Role, Set string
	Users     int
}

// Input is what the module bound to a custom rule declares.
type Input struct {
	Active      bool     // the module decides
	Quarantined bool     // it is not asked, for its faults
	StandIn     bool     // its fallback is asked instead
	Fields      []string // the record fields that it and its fallback read
}

// Surroundings is what Check may know from outside the document. The zero value
// knows nothing: findings that would need more are left out.
type Surroundings struct {
	// Previous is the version that the document replaces, nil for none.
	Previous *Application
	// Standing looks up an address; nil takes what Resolve found.
	Standing func(address string) Standing
	// Holdings lists who holds what, portal users with an empty role; nil for
	// unknown. Where nobody holds anything yet, nothing is said about it.
	Holdings []Holding
	// Inputs holds the modules that are bound to custom rules, by rule; nil for
	// unknown.
	Inputs map[string]Input
	// Directory says that the reader may open the user directory (A5). Others
	// learn of people no more than whether a role or set is held at all, and of
	// an address only whether it names somebody with access.
	Directory bool
}

// Check returns what the definition allows and probably does not mean, by line.
// Equal arguments give equal findings. It reads a only, which must come from
// Resolve or Unmarshal.
func (a *Application) Check(around Surroundings) []Finding {
	c := newChecker(a, around)
	c.sets()
	c.forms()
	c.reports()
	c.sharing()
	c.custom()
	c.roles()
	c.people()
	c.marks()
	for i := range c.out {
		c.out[i].Line = c.lines.of(c.out[i].steps)
	}
	return report(c.out)
}

// fix is how to settle a finding.
type fix struct {
	text  string
	edits []edit
}

// write suggests to put text into a place.
func write(text string, at ...string) fix {
	where := "at the top"
	if len(at) > 0 {
		where = "in " + strings.Join(at, ".")
	}
	return fix{fmt.Sprintf("write `%s` %s", text, where), []edit{{at, text}}}
}

// and does both.
func (f fix) and(g fix) fix {
	return fix{f.text + " and " + g.text, append(f.edits, g.edits...)}
}

// or adds another way to settle it.
func (f fix) or(format string, args ...any) fix {
	f.text += ", or " + fmt.Sprintf(format, args...)
	return f
}

// advise suggests what no program could do.
func advise(format string, args ...any) fix { return fix{text: fmt.Sprintf(format, args...)} }
