package definition

import (
	"os"
	"testing"

	"sluice/internal/record"
)

var people = map[string]record.ID{"ann@example.com": {15: 1}}

// context is a Context that numbers forms from 101 on.
func context(prev *Application) Context {
	next := uint32(100)
	if prev != nil {
		for _, f := range prev.Forms {
			next = max(next, f.Number)
		}
	}
	return Context{
		Previous: prev,
		NextForm: func() uint32 { next++; return next },
		Users:    func(address string) (record.ID, bool) { id, ok := people[address]; return id, ok },
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustResolve(t testing.TB, source []byte, c Context) *Application {
	t.Helper()
	a, faults := Resolve(source, c)
	if a == nil {
		t.Fatalf("faults: %v", faults)
	}
	return a
}

func example(t testing.TB) *Application {
	t.Helper()
	return mustResolve(t, read(t, "testdata/orders.yaml"), context(nil))
}

func TestExample(t *testing.T) {
	a := example(t)
	b, err := Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", b)
}
