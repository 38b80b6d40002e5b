package engine

import "os"

// firstSeed begins the sequence of random worlds. A failing test prints the
// seed of its world.
const firstSeed = 20_261_122

// worlds returns how many worlds a test runs: few on a developer's machine, all
// where SLUICE_FULL is set.
func worlds(few, all int) int {
	if os.Getenv("SLUICE_FULL") != "" {
		return all
	}
	return few
}
