package northwind_test

import (
	"os"
	"strings"
	"testing"

	"sluice/internal/definition"
)

// TestCheckIsAsMeant pins what the check finds: each line is intended.
func TestCheckIsAsMeant(t *testing.T) {
	source, err := os.ReadFile("northwind.yaml")
	if err != nil {
		t.Fatal(err)
	}
	a, faults := definition.Resolve(source, definition.Context{})
	if a == nil {
		t.Fatal(faults)
	}
	var got []string
	for _, f := range a.Check(definition.Surroundings{}) {
		got = append(got, f.Severity.String()+" "+f.Path+" "+string(f.Kind))
	}
	want := strings.Join([]string{
		"WARNING permissionSets.Customer.reports PORTAL_SEES_ALL", // the built-in one, which nobody holds
	}, "\n")
	if s := strings.Join(got, "\n"); s != want {
		t.Errorf("found\n%s\nwant\n%s", s, want)
	}
}
