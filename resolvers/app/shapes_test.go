package app

import (
	"runtime"
	"testing"

	"sluice/graph/app"
)

// maxShape bounds what one more schema keeps in memory where the types of its
// forms are known, in bytes: a map of types by name, for the most part.
const maxShape = 100 << 10

// TestShapesShareTypes holds the memory of a shape of 50 forms with 30 fields each
// and all rights, whose types other shapes have already.
func TestShapesShareTypes(t *testing.T) {
	const shapes = 50
	a := large()
	builder, shape := app.NewBuilder(a), app.FullShape(a)
	kept := make([]*app.Schema, 0, shapes+1)
	build := func() {
		s, err := builder.Build(shape)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, s)
	}
	build()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range shapes {
		build()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := int(after.HeapAlloc-before.HeapAlloc) / shapes
	t.Logf("%d KiB a shape, %d types", each>>10, len(kept[0].AST.Types))
	if each > maxShape {
		t.Errorf("%d bytes a shape, at most %d are expected", each, maxShape)
	}
	runtime.KeepAlive(kept)
}
