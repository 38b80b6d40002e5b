package definition

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// manyRoles is the base document with n roles more.
func manyRoles(t *testing.T, n int) *Application {
	t.Helper()
	var b strings.Builder
	b.WriteString(strings.TrimSpace(base) + "\n")
	a := mustResolve(t, []byte(b.String()), context(nil))
	for i := range n {
		a.Roles = append(a.Roles, &Role{Name: fmt.Sprint("role ", i), ReportsTo: a.Roles[i/10].Name})
	}
	return a
}

// TestStoredLargeIsDeflated: a long definition takes a fraction of its JSON and
// is read back whole.
func TestStoredLargeIsDeflated(t *testing.T) {
	a := manyRoles(t, 10_000)
	checkStored(t, a)
	b, err := Marshal(a)
	if err != nil || !strings.HasPrefix(string(b), deflatedMagic) || len(b) > 128<<10 {
		t.Errorf("stored in %d bytes, beginning with %.24q, %v", len(b), b, err)
	}
	small, err := Marshal(manyRoles(t, 1))
	if err != nil || !strings.HasPrefix(string(small), storedMagic) {
		t.Errorf("a short definition begins with %.24q, %v", small, err)
	}
}

// TestDamageOfLargeIsRefused changes, cuts and appends bytes all over a deflated
// definition.
func TestDamageOfLargeIsRefused(t *testing.T) {
	b, err := Marshal(manyRoles(t, 2000))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(b); i += 1 + i/100 {
		c := slices.Clone(b)
		c[i] ^= 1
		for what, damaged := range map[string][]byte{"changed": c, "cut": b[:i]} {
			if a, err := Unmarshal(damaged); err == nil || a != nil {
				t.Fatalf("byte %d %s: not noticed", i, what)
			}
		}
	}
	// A checksum that holds does not make a stream of it.
	for _, body := range [][]byte{nil, []byte("{}"), b[len(deflatedMagic)+65 : len(b)-10]} {
		sum := sha256.Sum256(body)
		if a, err := Unmarshal(fmt.Appendf(nil, "%s%x\n%s", deflatedMagic, sum, body)); err == nil || a != nil {
			t.Errorf("%d bytes are read as a stream", len(body))
		}
	}
}
