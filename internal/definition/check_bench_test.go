package definition

import (
	"fmt"
	"strings"
	"testing"
)

// largest is a document of 10,000 roles, 100 sets and 100 forms.
func largest() string {
	var b strings.Builder
	b.WriteString("application: a\nforms:\n")
	for i := range 100 {
		fmt.Fprintf(&b, "- {name: F%d, plural: fs%d, fields: [{name: a, type: text, required: true}, {name: b, type: user}, {name: c, type: text, pii: true}", i, i)
		if i > 0 {
			fmt.Fprintf(&b, ", {name: p, type: lookup, to: F%d, required: true, parent: true}", i-1)
		}
		b.WriteString("]}\n")
	}
	b.WriteString("roles:\n- {name: r0}\n")
	for i := 1; i < 10_000; i++ {
		fmt.Fprintf(&b, "- {name: r%d, reportsTo: r%d}\n", i, (i-1)/3)
	}
	b.WriteString("permissionSets:\n")
	for i := range 100 {
		fmt.Fprintf(&b, "- name: s%d\n  forms:\n", i)
		for f := range 100 {
			fmt.Fprintf(&b, "    F%d: {fields: {'*': VISIBLE}}\n", f)
		}
		b.WriteString("  reports:\n")
		for f := range 100 {
			fmt.Fprintf(&b, "    fs%d: [VIEW]\n", f)
		}
	}
	b.WriteString("sharingRules:\n")
	for i := range 900 {
		fmt.Fprintf(&b, "- {name: x%d, form: F0, from: {roleAndSubordinates: r%d}, to: {role: r%d}, level: READ}\n", i, i, 9000+i)
	}
	return b.String()
}

// BenchmarkCheck: at most a second each.
func BenchmarkCheck(b *testing.B) {
	a := mustResolve(b, []byte(largest()), context(nil))
	var holdings []Holding
	for i := range 9000 {
		holdings = append(holdings, Holding{Role: fmt.Sprintf("r%d", i), Set: fmt.Sprintf("s%d", i%100), Users: 1})
	}
	for b.Loop() {
		if fs := a.Check(Surroundings{Holdings: holdings, Directory: true}); len(fs) == 0 {
			b.Fatal("nothing is found")
		}
	}
}
