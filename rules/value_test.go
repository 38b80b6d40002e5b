package rules

import (
	"encoding/hex"
	"testing"

	"sluice/internal/record"
)

// TestAppendValueStays: digests that are stored were made of these bytes.
func TestAppendValueStays(t *testing.T) {
	for want, v := range map[string]record.Value{
		"00":                                 {},
		"0100":                               record.Bool(false),
		"0101":                               record.Bool(true),
		"02ffffffffffffffff":                 record.Int(-1),
		"0300":                               record.String(""),
		"03026162":                           record.String("ab"),
		"0400000000000000000000000000000007": record.Ref(record.ID{15: 7}),
		"0502016100":                         record.List("a", ""),
	} {
		if got := hex.EncodeToString(AppendValue(nil, v)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
