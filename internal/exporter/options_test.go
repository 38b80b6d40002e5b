package exporter

import (
	"net/url"
	"reflect"
	"strings"
	"testing"

	"sluice/internal/fault"
)

func TestParseOptions(t *testing.T) {
	got, err := ParseOptions(url.Values{
		"format": {"csv"}, "columns": {"a,b.c"}, "where": {`{"a":{"eq":1}}`}, "orderBy": {"a:desc,b"}, "report": {"open"}, "null": {"NULL"},
	})
	if err != nil {
		t.Fatal(err)
	}
	where := got.Where.(map[string]any)["a"].(map[string]any)["eq"]
	got.Where = nil
	want := &Options{Format: CSV, Columns: []string{"a", "b.c"}, OrderBy: []string{"a:desc", "b"}, Report: "open", Null: "NULL"}
	if !reflect.DeepEqual(got, want) || reflect.TypeOf(where).String() != "json.Number" {
		t.Errorf("%+v, %T", got, where)
	}
	if got, err := ParseOptions(nil); err != nil || !reflect.DeepEqual(got, &Options{Format: CSV}) {
		t.Errorf("%+v %v", got, err)
	}
	for _, c := range []struct {
		q    string
		kind fault.Kind
		says string
	}{
		{"limit=5", fault.Invalid, "no such parameter"},
		{"format=xlsx", fault.Invalid, "format: expected csv or ndjson"},
		{"format=csv&format=csv", fault.Invalid, "format: expected one value"},
		{"columns=", fault.Invalid, "columns: expected one value"},
		{"evil%0d%0a=", fault.Invalid, "a parameter: expected one value"},
		{"where=[", fault.Invalid, "where: expected a filter as JSON"},
		{"where={}x", fault.Invalid, "where: expected a filter as JSON"},
		{"where=null", fault.Invalid, "where: expected a filter as JSON"},
		{"null==x", fault.Invalid, "null: expected a short text"},
		{"null=a%0ab", fault.Invalid, "null: expected a short text"},
		{"null='", fault.Invalid, "null: expected a short text"},
		{"null=" + strings.Repeat("x", 65), fault.Invalid, "null: expected a short text"},
		{"null=x&format=ndjson", fault.Invalid, "null: is for format csv"},
		{"columns=" + strings.Repeat("a,", 1000) + "a", fault.Limit, "columns: at most 1000"},
		{"orderBy=" + strings.Repeat("a,", 10) + "a", fault.Limit, "orderBy: at most 10"},
	} {
		q, err := url.ParseQuery(c.q)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseOptions(q); err == nil || fault.KindOf(err) != c.kind || !strings.Contains(fault.Message(err), c.says) {
			t.Errorf("%.40s: %v", c.q, err)
		}
	}
}
