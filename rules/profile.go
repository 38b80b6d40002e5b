package rules

// Profile says which module the sandbox takes: what it may import, how large it
// may be and what a call of it may cost. A manifest names it and a custom rule
// of a definition permits it. The zero Profile is Lean.
type Profile uint8

// The profiles.
const (
	// Lean is for languages without a runtime of their own: no imports, small,
	// cheap to put back.
	Lean Profile = iota
	// Go adds what the runtime of Go imports, with answers that never change,
	// and the room that it needs.
	Go
)

var profileNames = [...]string{"lean", "go"}

// String returns the name that manifests use, empty for an invalid profile.
func (p Profile) String() string {
	if int(p) < len(profileNames) {
		return profileNames[p]
	}
	return ""
}
