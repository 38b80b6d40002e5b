// Package effort says how many cases a test runs. There are three measures: few
// on a developer's machine, which is what a plain "go test" does; more in
// continuous integration, with SLUICE_FULL=1, where all packages together have to
// end within half an hour of two cores; and as many as a night gives, with
// SLUICE_NIGHT=1. It also skips, loudly, what a machine lacks the tools for. Tests
// alone import it, so that one place reads the environment.
package effort

import "os"

// Full reports whether the counts of continuous integration, or of a night, are
// asked for.
func Full() bool { return os.Getenv("SLUICE_FULL") == "1" || Night() }

// Night reports whether the counts of a night are asked for.
func Night() bool { return os.Getenv("SLUICE_NIGHT") == "1" }

// Of returns the count for this run.
func Of[N int | uint64](few, full, night N) N {
	switch {
	case Night():
		return night
	case Full():
		return full
	default:
		return few
	}
}
