package sandbox

import (
	"testing"

	"sluice/rules/ruletest"
)

// conformance are the kit's behaviours as modules.
var conformance = map[ruletest.Behaviour]string{
	// Both nulls are read from the rows' bitmaps: bit 0 of their first byte.
	ruletest.Match: "\x20\x02\x2d\x00\x00" + loadViewer + "\x2d\x00\x00\x72\x45" +
		"\x20\x02\x29\x03\x08" + loadViewer + "\x29\x03\x08\x51" + "\x71\x04\x40" +
		grant(i32(2)) + loadReasons + "\x20\x01\x6a" + i32(1) + store8 + end,
	ruletest.Excessive:     grant(i32(3) + i32(1) + isThirteen + "\x1b"),
	ruletest.Trapping:      isThirteen + "\x04\x40\x00" + end + grant(i32(1)),
	ruletest.UnknownReason: grant(i32(1)) + loadReasons + "\x20\x01\x6a" + i32(9) + i32(0) + isThirteen + "\x1b" + store8,
}

const isThirteen = "\x20\x02\x29\x03\x08\x42\x0d\x51"

func TestConformance(t *testing.T) {
	for name, interpreter := range map[string]bool{"compiler": false, "interpreter": true} {
		t.Run(name, func(t *testing.T) {
			ruletest.Run(t, func(t testing.TB) ruletest.Harness {
				return ruletest.Harness{
					Runner: newRunner(t, &Options{interpreter: interpreter}),
					Module: func(_ testing.TB, b ruletest.Behaviour) []byte {
						return withManifest(eachRule(conformance[b]).build(), ruletest.Manifest())
					},
				}
			})
		})
	}
}
