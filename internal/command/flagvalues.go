package command

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// number is the value of a flag that is a whole number within bounds.
type number struct{ value, least, most int }

// String is the value in digits.
func (n *number) String() string { return strconv.Itoa(n.value) }

// Set takes a number within the bounds.
func (n *number) Set(text string) error {
	v, err := strconv.Atoi(text)
	switch {
	case err == nil && n.least <= v && v <= n.most:
		n.value = v
		return nil
	case n.most == unbounded:
		return fmt.Errorf("expected a whole number, %d or more", n.least)
	}
	return fmt.Errorf("expected a whole number, %d to %d", n.least, n.most)
}

// unbounded is the most of a number that only the API bounds.
const unbounded = math.MaxInt32

// numberFlag adds a flag for a number from least to most.
func numberFlag(fs *flag.FlagSet, name string, value, least, most int, usage string) *int {
	n := &number{value, least, most}
	fs.Var(n, name, usage)
	return &n.value
}

// countFlag is -n of a command that lists.
func countFlag(fs *flag.FlagSet) *int {
	return numberFlag(fs, "n", 0, 0, unbounded, "at most so `MANY`, the newest; 0 for all")
}

// versionFlag is the number of a version of a rule.
func versionFlag(fs *flag.FlagSet, usage string) *int {
	return numberFlag(fs, "version", 0, 1, unbounded, usage)
}

// idText is the value of a flag that is an id; what names what it is of.
type idText struct{ text, what string }

// String is the id.
func (d *idText) String() string { return d.text }

// Set takes what may be an id.
func (d *idText) Set(text string) error {
	if len(text) != idLength || strings.Trim(text, "0123456789abcdef-") != "" {
		return errors.New("expected the id of " + d.what + ", of " + strconv.Itoa(idLength) + " digits and hyphens")
	}
	d.text = text
	return nil
}

// differenceFlag is the difference that a change is held to.
func differenceFlag(fs *flag.FlagSet, usage string) *string {
	d := &idText{what: "a difference, as a plan, a dry run or `sluice compare list` prints it"}
	fs.Var(d, "difference", usage)
	return &d.text
}

var misreadFlag = regexp.MustCompile(`(?s)^invalid (?:boolean )?value (".*") for (?:flag )?-([a-z-]+): (.*)$`)

// misread says of a fault in the flags which one it is about, and what it takes.
func misread(fs *flag.FlagSet, err error) string {
	m := misreadFlag.FindStringSubmatch(err.Error())
	if name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); unknown {
		return err.Error() + meant(fs, name)
	}
	if m == nil {
		return err.Error()
	}
	given, name, why := m[1], m[2], m[3]
	if why == "parse error" || why == "value out of range" {
		why = "expected " + kindOf(fs.Lookup(name))
	}
	return "-" + name + ": " + why + ", got " + given
}

// meant offers the first flag that an unknown one is the beginning of, or almost is.
func meant(fs *flag.FlagSet, unknown string) (text string) {
	fs.VisitAll(func(f *flag.Flag) {
		if text == "" && (similar(f.Name, unknown) || len(unknown) > 1 && strings.HasPrefix(f.Name, unknown)) {
			text = ", did you mean -" + f.Name + "?"
		}
	})
	return text
}

// similar reports whether texts are the same but for one letter more, less or other.
func similar(a, b string) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	if len(b) < 3 || len(a)-len(b) > 1 {
		return false
	}
	i := 0
	for i < len(b) && a[i] == b[i] {
		i++
	}
	return a[min(i+1, len(a)):] == b[min(i+1, len(b)):] || a[min(i+1, len(a)):] == b[i:]
}

// kindOf says what a flag takes.
func kindOf(f *flag.Flag) string {
	getter, ok := f.Value.(flag.Getter)
	if !ok {
		return "another value"
	}
	switch getter.Get().(type) {
	case bool:
		return "true or false"
	case int:
		return "a whole number"
	case uint, uint64:
		return "a whole number, 0 or more"
	default:
		return "another value"
	}
}
