package graph

import (
	"encoding/json"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"sluice/internal/fault"
	"sluice/internal/record"
)

// MarshalID writes an id in its canonical text form.
func MarshalID(id record.ID) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = w.Write(append(id.Append([]byte{'"'}), '"'))
	})
}

// UnmarshalID reads the canonical text form; everything else is Invalid.
func UnmarshalID(v any) (record.ID, error) {
	if s, ok := v.(string); ok {
		if id, err := record.ParseID(s); err == nil {
			return id, nil
		}
	}
	return record.ID{}, fault.New(fault.Invalid, "graph.ID", "expected an id of 36 characters")
}

// MarshalInt writes an integer.
func MarshalInt(n int) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = w.Write(strconv.AppendInt(nil, int64(n), 10))
	})
}

// UnmarshalInt reads an integer of 32 bits, as the specification bounds it;
// everything else is Invalid.
func UnmarshalInt(v any) (int, error) {
	var n int64
	var err error
	switch v := v.(type) {
	case json.Number:
		n, err = v.Int64()
	case int64:
		n = v
	case int:
		n = int64(v)
	default:
		err = strconv.ErrSyntax
	}
	if err != nil || n < math.MinInt32 || n > math.MaxInt32 {
		return 0, fault.New(fault.Invalid, "graph.Int", "expected an integer of 32 bits")
	}
	return int(n), nil
}

// MarshalDateTime writes a time as RFC 3339 in UTC.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		b := t.UTC().AppendFormat([]byte{'"'}, time.RFC3339)
		_, _ = w.Write(append(b, '"'))
	})
}

// UnmarshalDateTime reads RFC 3339; everything else is Invalid.
func UnmarshalDateTime(v any) (time.Time, error) {
	if s, ok := v.(string); ok {
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fault.New(fault.Invalid, "graph.DateTime", "expected a time like 2026-03-01T09:00:00Z")
}

// MarshalInstant writes a time with its fraction of a second, in UTC.
func MarshalInstant(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		b := t.UTC().AppendFormat([]byte{'"'}, time.RFC3339Nano)
		_, _ = w.Write(append(b, '"'))
	})
}

// UnmarshalInstant reads RFC 3339; everything else is Invalid.
func UnmarshalInstant(v any) (time.Time, error) { return UnmarshalDateTime(v) }

// MarshalFilter writes a filter as an object, with its keys in order.
func MarshalFilter(where map[string]any) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		b, err := json.Marshal(where)
		if err != nil {
			b = []byte("null") // only for what UnmarshalFilter does not let in
		}
		_, _ = w.Write(b)
	})
}

// UnmarshalFilter reads an object; everything else is Invalid. Whether it is a
// filter is for the engine to say, which knows the form.
func UnmarshalFilter(v any) (map[string]any, error) {
	if where, ok := v.(map[string]any); ok {
		return where, nil
	}
	return nil, fault.New(fault.Invalid, "graph.Filter", "expected an object such as {}")
}
