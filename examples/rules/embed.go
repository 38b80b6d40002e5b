// Package rulesexamples holds three example rules, each built from C and from
// AssemblyScript, with their manifests embedded: ready to upload.
package rulesexamples

import (
	"embed"
	"fmt"

	"sluice/rules"
)

//go:embed */manifest.json */*.wasm
var files embed.FS

// The example rules.
const (
	// SameTeamOpenOrders is a SHARE rule on the form Order: whoever has the
	// viewer attribute "team" sees the open orders of that team from 1,000.00.
	SameTeamOpenOrders = "same-team-open-orders"
	// PhoneOutsideRegion is a MASK rule on the form Customer: the field phone is
	// visible only to viewers whose attribute "region" is the customer's.
	PhoneOutsideRegion = "phone-outside-region"
	// PlannedTeamOrders is a SHARE rule on the form Order with a plan: whoever has the
	// viewer attribute "team" sees the open orders of that team, and those shipped from
	// 1,000.00. The demo does not use it.
	PlannedTeamOrders = "planned-team-orders"
)

// The languages that the rules were built from.
const (
	C              = "c"
	AssemblyScript = "as"
)

// Demo returns the names of those that the demo has.
func Demo() []string { return []string{SameTeamOpenOrders, PhoneOutsideRegion} }

// Names returns the names of the example rules.
func Names() []string { return []string{SameTeamOpenOrders, PhoneOutsideRegion, PlannedTeamOrders} }

// Languages returns the languages that every example is built from.
func Languages() []string { return []string{C, AssemblyScript} }

// Module returns a rule built from a language, with its manifest embedded. The
// bytes are the caller's.
func Module(name, language string) ([]byte, error) {
	bare, err := files.ReadFile(name + "/" + name + "." + language + ".wasm")
	if err != nil {
		return nil, fmt.Errorf("no example rule %q in %q", name, language)
	}
	manifest, err := Manifest(name)
	if err != nil {
		return nil, err
	}
	return rules.Embed(bare, manifest)
}

// Manifest returns the manifest of a rule as JSON.
func Manifest(name string) ([]byte, error) {
	b, err := files.ReadFile(name + "/manifest.json")
	if err != nil {
		return nil, fmt.Errorf("no example rule %q", name)
	}
	return b, nil
}
