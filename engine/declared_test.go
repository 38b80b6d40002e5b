package engine

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
	"sluice/rules"
)

// TestH2OnlyEqualAttributesShareAnswers: what viewers are told apart by where answers are
// kept differs wherever one of the attributes does that the module may know, by null and
// empty, the order of a list, or where one text ends and the next begins.
func TestH2OnlyEqualAttributesShareAnswers(t *testing.T) {
	b := &binding{manifest: &rules.Manifest{Viewer: []rules.Column{{Name: "a"}, {Name: "b"}}}}
	text := rapid.SampledFrom([]string{"", "a", "A", "b", "ab", "\x00", "\x00\x01", "\x01", "a\x00", "\xff"})
	value := rapid.Custom(func(t *rapid.T) record.Value {
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			return record.Value{}
		case 1:
			return record.String(text.Draw(t, "text"))
		case 2:
			return record.Int(rapid.SampledFrom([]int64{0, 1, -1, 97}).Draw(t, "int"))
		case 3:
			return record.Bool(rapid.Bool().Draw(t, "bool"))
		}
		return record.List(rapid.SliceOfN(text, 0, 3).Draw(t, "list")...)
	})
	rapid.Check(t, func(t *rapid.T) {
		var keys []string
		var all [][]record.Value
		for range 2 {
			x, y := value.Draw(t, "a"), value.Draw(t, "b")
			attributes := map[string]record.Value{"a": x, "b": y, "undeclared": record.String(text.Draw(t, "undeclared"))}
			if x.IsNull() && rapid.Bool().Draw(t, "missing") {
				delete(attributes, "a")
			}
			keys, all = append(keys, declared(b, attributes)), append(all, []record.Value{x, y})
		}
		if same := slices.EqualFunc(all[0], all[1], record.Value.Equal); same != (keys[0] == keys[1]) {
			t.Fatalf("%v and %v: equal %v, kept as %q and %q", all[0], all[1], same, keys[0], keys[1])
		}
	})
}
