package policy_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain sets how many random worlds the property tests make, unless the
// command line does: 1,000, and 30,000 with SLUICE_FULL=1.
func TestMain(m *testing.M) {
	flag.Parse()
	checks := "1000"
	if os.Getenv("SLUICE_FULL") == "1" {
		checks = "30000"
	}
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if !given {
		if err := flag.Set("rapid.checks", checks); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
