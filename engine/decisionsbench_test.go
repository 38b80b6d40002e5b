package engine

import (
	"testing"
	"time"

	"sluice/engine/decided"
)

// BenchmarkRuledList compares lists over 100,000 records of somebody to whom a
// custom rule gives them, asked for the first time and again, with the same list
// of somebody who needs no rule. The rule is a Go function here: what a module
// costs on top is measured in package sandbox.
func BenchmarkRuledList(b *testing.B) {
	k := newRuled(b, 100_112)
	run := func(name, who string, first bool, q List) {
		b.Run(name, func(b *testing.B) {
			q.Form = k.form.Number
			k.e.decided = decided.New(decided.Usual)
			if !first {
				k.count(who)
			}
			var spent time.Duration
			for b.Loop() {
				if first {
					k.e.decided = decided.New(decided.Usual)
				}
				op := k.op(k.user[who])
				before := time.Now()
				page, err := op.List(q)
				spent += time.Since(before)
				must(b, err)
				if len(page.Records) == 0 {
					b.Fatal("nothing is seen")
				}
				op.Close()
			}
			b.ReportMetric(float64(spent.Microseconds())/1000/float64(b.N), "ms/list")
		})
	}
	for _, q := range []struct {
		name string
		list List
	}{{"page", List{First: 50}}, {"page+total", List{First: 50, Total: true}}} {
		run(q.name+"/stranger without a rule", "stranger", false, q.list)
		for _, who := range []string{"wide", "north", "sparse"} {
			run(q.name+"/"+who+" first", who, true, q.list)
			run(q.name+"/"+who+" again", who, false, q.list)
		}
		run(q.name+"/rep0 without a rule", "rep0", false, q.list)
	}
}
