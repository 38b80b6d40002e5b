package graph

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"sluice/internal/fault"
	"sluice/internal/record"
)

func written(m graphql.Marshaler) string {
	var b strings.Builder
	m.MarshalGQL(&b)
	return b.String()
}

func TestScalars(t *testing.T) {
	id := record.NewID(time.Unix(0, 0))
	if got := written(MarshalID(id)); got != `"`+id.String()+`"` {
		t.Errorf("id written as %s", got)
	}
	if got, err := UnmarshalID(id.String()); err != nil || got != id {
		t.Errorf("id read as %v %v", got, err)
	}
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.FixedZone("", 3600))
	if got := written(MarshalDateTime(at)); got != `"2026-03-01T09:00:00Z"` {
		t.Errorf("time written as %s", got)
	}
	if got, err := UnmarshalDateTime("2026-03-01T10:00:00+01:00"); err != nil || !got.Equal(at) {
		t.Errorf("time read as %v %v", got, err)
	}
	if got, err := UnmarshalFilter(map[string]any{"b": []any{int64(1)}, "a": nil}); err != nil || written(MarshalFilter(got)) != `{"a":null,"b":[1]}` {
		t.Errorf("filter read as %v %v", got, err)
	}
	if got := written(MarshalFilter(nil)); got != "null" {
		t.Errorf("no filter is written as %s", got)
	}
	for _, in := range []any{int64(-7), -7, json.Number("-7")} {
		if got, err := UnmarshalInt(in); err != nil || got != -7 || written(MarshalInt(got)) != "-7" {
			t.Errorf("%T read as %v %v", in, got, err)
		}
	}
}

func TestScalarsRefuse(t *testing.T) {
	invalid := func(what string, in any, err error) {
		t.Helper()
		if err == nil || fault.KindOf(err) != fault.Invalid || strings.Contains(fault.Message(err), "hunter2") {
			t.Errorf("%s %v: %v", what, in, err)
		}
	}
	for _, in := range []any{nil, "", "hunter2", 1, int64(1), true, []any{}, map[string]any{}} {
		_, err := UnmarshalID(in)
		invalid("id", in, err)
		_, err = UnmarshalDateTime(in)
		invalid("time", in, err)
	}
	for _, in := range []any{nil, "hunter2", 1, true, []any{}} {
		_, err := UnmarshalFilter(in)
		invalid("filter", in, err)
	}
	for _, in := range []any{nil, "1", 1.5, true, json.Number("1.5"), json.Number("hunter2"), int64(math.MaxInt32) + 1, int64(math.MinInt32) - 1, json.Number("99999999999999999999")} {
		_, err := UnmarshalInt(in)
		invalid("int", in, err)
	}
}
