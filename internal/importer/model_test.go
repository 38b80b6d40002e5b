package importer

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// orderRow is a row of random cells, some of them good.
type orderRow struct{ number, amount, due string }

// faulty is written from the documentation: which rows of a file are refused,
// whatever the chunks.
func faulty(rows []orderRow) []bool {
	numbers, amounts := map[string]bool{"stored": true}, map[string]bool{}
	exact := map[string]string{"1": "1.00", "1.0": "1.00", "1.00": "1.00", "2": "2.00", "2.000": "2.00"}
	out := make([]bool, len(rows))
	for i, r := range rows {
		amount, known := exact[r.amount]
		out[i] = r.number == "" || numbers[r.number] || known && amounts[amount] || !known && r.amount != "" || r.due == "2026-02-30"
		numbers[r.number] = r.number != ""
		if known {
			amounts[amount] = true
		}
	}
	return out
}

// TestImportsAgreeWithTheModel: the faulty rows are those of the model, for
// chunks of any size; with one nothing is written, without all rows are.
func TestImportsAgreeWithTheModel(t *testing.T) {
	k := newDesk(t)
	k.load("sue", "Order", "number\nstored\n", nil)
	row := rapid.Custom(func(t *rapid.T) orderRow {
		return orderRow{
			rapid.OneOf(rapid.SampledFrom([]string{"", "stored", "a", "b"}), rapid.StringMatching("[c-z]{3}")).Draw(t, "number"),
			rapid.SampledFrom([]string{"", "", "", "", "1", "1.0", "1.00", "2", "2.000", "1.001", "x"}).Draw(t, "amount"),
			rapid.SampledFrom([]string{"", "", "2026-02-28", "2026-02-28 00:00:00", "2026-02-30"}).Draw(t, "due"),
		}
	})
	good := 0
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(row, 0, 7).Draw(t, "rows")
		k.im.chunk = rapid.IntRange(1, 4).Draw(t, "chunk")
		file, want := "number,amount,due\n", []int{}
		for i, r := range rows {
			file += fmt.Sprintf("%s,%s,%s\n", r.number, r.amount, r.due)
			if faulty(rows)[i] {
				want = append(want, i+2)
			}
		}
		r, err := k.run("sue", "Order", file, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, f := range r.Faults {
			got = append(got, f.Line)
		}
		if !slices.Equal(slices.Compact(got), want) || r.Faulty != len(want) || r.Rows != len(rows) {
			t.Fatalf("%q in chunks of %d: faulty lines %v of %d, want %v", file, k.im.chunk, got, r.Faulty, want)
		}
		stored := k.stored("Order", "number")[1:]
		if len(want) > 0 && len(stored) > 0 || len(want) == 0 && len(stored) != len(rows) {
			t.Fatalf("%q: stored %q", file, stored)
		}
		if r.Job == nil {
			return
		}
		good++
		job, err := k.e.UndoImport(k.t.Context(), k.as["sue"], "desk", r.Job.ID, nil)
		if err != nil || job.Removed != len(rows) || strings.Join(k.stored("Order", "number"), "") != "stored" {
			t.Fatalf("undo: %v, %+v", err, job)
		}
	})
	if good == 0 {
		t.Error("no file was good: the test compares nothing but faults")
	}
}
