package peers

import (
	"fmt"
	"slices"
	"testing"
)

// TestEnginesAgree says that the engines compared decide the same.
func TestEnginesAgree(t *testing.T) {
	all := orders()
	want := make([]bool, len(all))
	if err := plain(t, all)(0, want); err != nil {
		t.Fatal(err)
	}
	if granted := len(slices.DeleteFunc(slices.Clone(want), func(b bool) bool { return !b })); granted < 100 || granted > distinct/2 {
		t.Fatalf("%d of %d orders are granted: the rule says too little", granted, distinct)
	}
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			got := make([]bool, len(all))
			if err := e.make(t, all)(0, got); err != nil {
				t.Fatal(err)
			}
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("order %d: %v, plain Go says %v", i, got[i], want[i])
				}
			}
		})
	}
}

// BenchmarkRule decides about 100,000 orders, in runs of all the different ones.
func BenchmarkRule(b *testing.B) {
	const records = 100_000
	all := orders()
	for _, e := range engines {
		b.Run(fmt.Sprintf("%s/%d", e.name, records), func(b *testing.B) {
			ask, out := e.make(b, all), make([]bool, distinct)
			b.ReportAllocs()
			for b.Loop() {
				for done := 0; done < records; done += distinct {
					if err := ask(0, out[:min(distinct, records-done)]); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*records), "ns/record")
		})
	}
}
