package oracle

import (
	"hash/fnv"

	"sluice/internal/record"
)

// Verdict is what a module answers about one record. The zero Verdict grants
// nothing, lets nothing through and shows nothing.
type Verdict struct {
	Level   int    // Share: 0 to 3. Restrict: 0 keeps out, more lets through
	Visible uint64 // Mask: bit i shows the i-th field of the rule
	Fault   bool   // something went wrong: nothing else of the verdict counts
}

// Truth is a module's function: viewer attributes and record cells in the order
// that the [Module] declares.
type Truth func(viewer, row []record.Value) Verdict

const showAll = ^uint64(0)

// Truths is the table of modules. A world names them by their place in it.
var Truths = []Truth{
	// 0: no module is active.
	func(_, _ []record.Value) Verdict { return Verdict{Fault: true} },
	// 1: the least yes.
	func(_, _ []record.Value) Verdict { return Verdict{Level: 1, Visible: showAll} },
	// 2: the greatest yes.
	func(_, _ []record.Value) Verdict { return Verdict{Level: 3, Visible: showAll} },
	// 3: no.
	func(_, _ []record.Value) Verdict { return Verdict{} },
	// 4: the first cell must equal the first attribute.
	func(viewer, row []record.Value) Verdict {
		if len(viewer) > 0 && !row[0].IsNull() && compare(viewer[0], row[0]) == 0 {
			return Verdict{Level: 2, Visible: showAll}
		}
		return Verdict{}
	},
	// 5: a null first cell traps; others are decided by everything declared.
	func(viewer, row []record.Value) Verdict {
		if row[0].IsNull() {
			return Verdict{Fault: true}
		}
		h := mix(viewer, row)
		return Verdict{Level: int(h % 4), Visible: h >> 8}
	},
	// 6: the first cell must hold something.
	func(_, row []record.Value) Verdict {
		if row[0].IsNull() {
			return Verdict{Visible: 1}
		}
		return Verdict{Level: 3, Visible: showAll &^ 1}
	},
	// 7: one record in five traps, the rest at random.
	func(viewer, row []record.Value) Verdict {
		h := mix(viewer, row)
		return Verdict{Level: int(h >> 4 % 4), Visible: h >> 8, Fault: h%5 == 0}
	},
	// 8: mostly yes.
	func(viewer, row []record.Value) Verdict {
		h := mix(viewer, row)
		switch h % 8 {
		case 0:
			return Verdict{Fault: true}
		case 1:
			return Verdict{}
		}
		return Verdict{Level: 3, Visible: h >> 8}
	},
	// 9: a fault beside a yes, which does not count.
	func(_, _ []record.Value) Verdict { return Verdict{Level: 3, Visible: showAll, Fault: true} },
}

// Plans is the table of what a sharing module says beforehand of all that it
// shares, as a function. What one says no to is not shared.
var Plans = []func(viewer, row []record.Value) bool{
	// 0: nothing is said.
	func(_, _ []record.Value) bool { return true },
	// 1: the first cell holds something.
	func(_, row []record.Value) bool { return !row[0].IsNull() },
	// 2: the first cell is null.
	func(_, row []record.Value) bool { return row[0].IsNull() },
	// 3: the first cell equals the first attribute, and both hold something.
	func(viewer, row []record.Value) bool {
		return len(viewer) > 0 && !row[0].IsNull() && viewer[0].Kind() == row[0].Kind() && compare(viewer[0], row[0]) == 0
	},
}

// mix makes a number of the inputs: equal inputs, equal number.
func mix(viewer, row []record.Value) uint64 {
	h := fnv.New64a()
	for _, side := range [][]record.Value{viewer, row} {
		for _, v := range side {
			n := v.Int()
			if v.Bool() {
				n = 1
			}
			id := v.Ref()
			_, _ = h.Write([]byte{byte(v.Kind()), byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24), byte(n >> 32)})
			_, _ = h.Write(append(v.Text(), id[:]...))
			for _, item := range v.List() {
				_, _ = h.Write(append([]byte{1}, item...))
			}
		}
		_, _ = h.Write([]byte{0xff})
	}
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	return x ^ x>>29
}
