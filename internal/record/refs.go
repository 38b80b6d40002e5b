package record

import (
	"fmt"
	"strconv"
	"strings"
)

// Bounds on lists of references, in items, and on numbers that are allotted, in
// digits.
const (
	MaxRefs   = 100
	MaxDigits = 12
)

// parseRefs reads a list of ids, or its JSON text.
func parseRefs(src any) (Value, error) {
	if src == nil {
		return Value{}, nil
	}
	expected := invalid(fmt.Sprintf("a list without duplicates of at most %d ids", MaxRefs))
	items, ok := texts(src)
	if !ok || len(items) > MaxRefs {
		return Value{}, expected
	}
	ids, seen := make([]ID, len(items)), map[ID]bool{}
	for i, s := range items {
		id, err := ParseID(s)
		if err != nil || id.IsZero() || seen[id] {
			return Value{}, expected
		}
		ids[i], seen[id] = id, true
	}
	return Refs(ids...), nil
}

// appendRefs writes a JSON list of ids.
func appendRefs(dst []byte, v Value) []byte {
	dst = append(dst, '[')
	first := true
	for rest := v.text; len(rest) > 0; {
		var item []byte
		if item, rest = nextItem(rest); len(item) != len(ID{}) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(ID(item).Append(append(dst, '"')), '"')
	}
	return append(dst, ']')
}

// parseAutoNumber reads a number with its prefix, however many zeros lead it.
func parseAutoNumber(f *Field, src any) (Value, error) {
	if src == nil {
		return Value{}, nil
	}
	if s, ok := src.(string); ok {
		digits, ok := strings.CutPrefix(s, f.Prefix)
		if ok && digits != "" && len(digits) <= 18 && allDigits(digits) {
			n, err := strconv.ParseInt(digits, 10, 64)
			if err == nil {
				return Int(n), nil
			}
		}
	}
	return Value{}, invalid("a number like " + strconv.Quote(string(appendAutoNumber(nil, f, 1))))
}

func appendAutoNumber(dst []byte, f *Field, n int64) []byte {
	dst = append(dst, f.Prefix...)
	var buf [20]byte
	digits := strconv.AppendInt(buf[:0], n, 10)
	for range int(f.Digits) - len(digits) {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}
