package sandbox

import (
	"strings"

	"sluice/rules"
)

const splitIt = "split the function, and keep the compiler from inlining the parts into it again"

// advice says what to change where a module, or a function of it, has too many of
// something.
var advice = map[string]string{
	"basic blocks":              splitIt,
	"locals":                    splitIt,
	"groups of locals":          splitIt,
	"locals × basic blocks":     splitIt,
	"bytes":                     splitIt,
	"targets of a branch table": "split the switch",
	"pages of memory":           "make static data and the stack smaller",
	"functions":                 "leave out libraries, and what the rule does not use",
	"bodies":                    "leave out libraries, and what the rule does not use",
	"types":                     "leave out libraries, and what the rule does not use",
	"imports":                   "define in the source what it calls",
	"table entries":             "take the address of fewer functions",
	"data segments":             "put constants together",
	"globals":                   "put variables of the module together, in memory",
	"exports":                   "export what the interface asks for, and no more",
}

// moduleBytes is the advice for a module that is too long.
const moduleBytes = `leave out libraries, static data and debug information; a module of Go says so, with "profile": "go"`

// adviceOn is the advice for too many of something at a place, which is empty for
// the module; it begins with a colon, and is empty for none.
func adviceOn(place, what string) string {
	text := advice[what]
	if place == "" && what == "bytes" {
		text = moduleBytes
	}
	if text == "" {
		return ""
	}
	return ": " + text
}

// instead says what the author of a module with a refused import can do.
func (m *module) instead(space, name string) string {
	switch {
	case m.profile == rules.Go:
		return "the Go profile has only what the bare runtime imports; leave out packages that use files, output or the system, such as fmt, os, log, time and net"
	case space == wasi:
		return `this needs a system; for a module built with Go write "profile": "go" into the manifest, and profile: GO at the custom rule of the definition; in other languages build without WASI`
	}
	return "the only import is the function env.abort; " + withoutHost(name)
}

// withoutHost says what to do without a function that compilers take from the host.
func withoutHost(name string) string {
	switch {
	case strings.HasPrefix(name, "console.") || name == "trace":
		return "a rule has no output: leave " + name + " out"
	case name == "seed":
		return "a rule has no randomness: leave Math.random out"
	case strings.HasPrefix(name, "Date.") || strings.HasPrefix(name, "performance."):
		return "a rule has no clock: compare with a field"
	}
	return "define in the source what it calls"
}
