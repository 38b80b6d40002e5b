package record

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"
)

// Bounds on a JSON value: bytes of its shortest form, and levels.
const (
	MaxJSON      = 65536
	maxJSONDepth = 32
)

// parseJSON reads any value of JSON, given as encoding/json reads it with
// UseNumber or as json.RawMessage of its text, and writes it in its shortest form
// with sorted keys. Digits of numbers stay as they are.
func parseJSON(src any) (Value, error) {
	expected := invalid("a JSON value of at most 65536 bytes and 32 levels, without NUL")
	if raw, ok := src.(json.RawMessage); ok {
		var err error
		if src, err = readJSON(raw); err != nil {
			return Value{}, expected
		}
	}
	if src == nil {
		return Value{}, nil
	}
	if !plainJSON(src, maxJSONDepth) {
		return Value{}, expected
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(src); err != nil || b.Len()-1 > MaxJSON {
		return Value{}, expected
	}
	return Bytes(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// readJSON reads exactly one value.
func readJSON(raw []byte) (v any, err error) {
	if len(raw) > 4*MaxJSON || !utf8.Valid(raw) {
		return nil, io.ErrUnexpectedEOF
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err = dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, io.ErrUnexpectedEOF
	}
	return v, nil
}

// plainJSON reports whether v holds only what JSON knows, texts that are valid,
// and no more than depth levels.
func plainJSON(v any, depth int) bool {
	if depth == 0 {
		return false
	}
	switch v := v.(type) {
	case nil, bool, json.Number, int, int64, float64:
		return true
	case string:
		return plainText(v)
	case []any:
		for _, x := range v {
			if !plainJSON(x, depth-1) {
				return false
			}
		}
		return true
	case map[string]any:
		for k, x := range v {
			if !plainText(k) || !plainJSON(x, depth-1) {
				return false
			}
		}
		return true
	}
	return false
}

func plainText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
