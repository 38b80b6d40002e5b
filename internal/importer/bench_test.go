package importer

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkRun imports 10,000 rows in both passes, into memory.
func BenchmarkRun(b *testing.B) {
	const rows = 10_000
	var lines strings.Builder
	lines.WriteString("number,customer.code,count,due\n")
	for i := range rows {
		fmt.Fprintf(&lines, "N%05d,C%d,%d,2026-01-01\n", i, i%50, i)
	}
	for b.Loop() {
		b.StopTimer()
		k := newDesk(b)
		k.load("sue", "Customer", "code,name\n"+strings.Join(codes(50), "\n"), nil)
		b.StartTimer()
		k.load("sue", "Order", lines.String(), nil)
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}

func codes(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("C%d,name", i))
	}
	return out
}
