package record_test

import (
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
)

func TestGuard(t *testing.T) {
	for _, c := range []struct{ in, null, want string }{
		{"", "", ""},
		{"plain", "", "plain"},
		{"a=b", "", "a=b"},
		{"=1+1", "", "'=1+1"},
		{"+49 30", "", "'+49 30"},
		{"-1", "", "'-1"},
		{"@x", "", "'@x"},
		{"\tx", "", "'\tx"},
		{"\rx", "", "'\rx"},
		{"＝x", "", "'＝x"},
		{"'=x", "", "''=x"},
		{"'x", "", "'x"},
		{"NULL", "", "NULL"},
		{"NULL", "NULL", "'NULL"},
		{"NULLS", "NULL", "NULLS"},
	} {
		if got := record.Guard(c.in, c.null); got != c.want {
			t.Errorf("Guard(%q, %q) = %q, want %q", c.in, c.null, got, c.want)
		}
		if got := record.Unguard(c.want, c.null); got != c.in {
			t.Errorf("Unguard(%q, %q) = %q, want %q", c.want, c.null, got, c.in)
		}
	}
}

func TestUnguardIsTheInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		null := rapid.SampledFrom([]string{"", "NULL", "'"}).Draw(t, "null")
		s := rapid.StringOf(rapid.SampledFrom([]rune("'=+-@\t\r\nNULx＝"))).Draw(t, "text")
		if null == "'" {
			null = ""
		}
		guarded := record.Guard(s, null)
		if got := record.Unguard(guarded, null); got != s {
			t.Fatalf("%q becomes %q, then %q", s, guarded, got)
		}
		if null != "" && guarded == null {
			t.Fatalf("%q reads like null", s)
		}
	})
}
