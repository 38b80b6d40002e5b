package exporter

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
)

// TestLinesAreReadBack: whatever texts and nulls a line holds, a CSV reader finds
// as many cells, and each is what it was once it is unguarded; in JSON likewise.
func TestLinesAreReadBack(t *testing.T) {
	text := &record.Field{Number: 20, Name: "text", Type: record.Text}
	rapid.Check(t, func(t *rapid.T) {
		o := &Options{Null: rapid.SampledFrom([]string{"", "NULL", "-"}).Draw(t, "null")}
		if o.Null == "-" {
			o.Null = "" // which options refuse
		}
		cells := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) record.Value {
			if rapid.Bool().Draw(t, "none") {
				return record.Value{}
			}
			return record.String(rapid.StringOf(rapid.SampledFrom([]rune("a \",;'=+-@\t\nNUL=\r"))).Draw(t, "text"))
		}), 1, 4).Draw(t, "cells")
		p := &plan{}
		for i := range cells {
			p.columns = append(p.columns, column{name: fmt.Sprint("c", i), field: *text})
		}
		at := func(k int) (*record.Field, record.Value) { return text, cells[k] }
		got, err := csv.NewReader(strings.NewReader(string(p.header(nil, &Options{Format: CSV})) + string(p.line(nil, o, at)))).ReadAll()
		if err != nil || len(got) != 2 {
			t.Fatalf("%q: %v", got, err)
		}
		var object map[string]*string
		if err := json.Unmarshal(p.object(nil, o, at), &object); err != nil {
			t.Fatal(err)
		}
		for i, v := range cells {
			is := got[1][i]
			switch {
			case v.IsNull() && (is != o.Null || object[got[0][i]] != nil):
				t.Fatalf("null became %q and %v", is, object)
			case v.IsNull():
			case o.Null != "" && is == o.Null:
				t.Fatalf("%q reads like null", v.Text())
			case record.Unguard(is, o.Null) != strings.ReplaceAll(string(v.Text()), "\r\n", "\n"), *object[got[0][i]] != string(v.Text()):
				t.Fatalf("%q became %q and %q", v.Text(), is, *object[got[0][i]])
			}
		}
	})
}
