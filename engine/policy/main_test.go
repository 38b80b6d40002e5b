package policy_test

import (
	"flag"
	"os"
	"strconv"
	"testing"

	"sluice/internal/effort"
)

// TestMain sets how many random worlds the property tests make, unless the
// command line does: 1,000, ten times as many in continuous integration, and again in a
// night.
func TestMain(m *testing.M) {
	flag.Parse()
	checks := strconv.Itoa(effort.Of(1000, 10_000, 100_000))
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if !given {
		if err := flag.Set("rapid.checks", checks); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
