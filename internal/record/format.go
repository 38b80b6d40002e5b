package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sluice/internal/fault"
)

// Bounds on values, in bytes of UTF-8.
const (
	MaxText     = 1000
	MaxLongText = 65536
	MaxEmail    = 254
)

// ParseValue reads the text, JSON or YAML form of a value of field f: string,
// json.Number, int, int64, float64, bool, []any or []string of strings, nil for
// null. Nothing is lost silently: a decimal with more places than the scale, a
// number out of range, a choice that is not declared or a time without zone is
// an error, whose text says what was expected and is safe to show.
//
// Forms: Decimal as string or number, "12.50"; Date "2006-01-02"; DateTime RFC
// 3339 with zone, up to microseconds; Choice and items of MultiChoice as
// declared (MultiChoice drops nothing and refuses duplicates); User, Lookup,
// File, Image and id as ids; Email one address, ≤ 254 bytes; Text ≤ 1,000 bytes, LongText ≤
// 65,536, valid UTF-8 without NUL; Currency and Percent as Decimal; Time
// "15:04:05" with up to six places of a second; Duration as dayTimeDuration of
// XML Schema, "P1DT2H30M"; Phone in international form, "+49 30 1234567"; URL
// absolute, with http or https; JSON any value, which is null for null, or its
// text as json.RawMessage; Users and MultiLookup a list of ids without duplicates,
// which is null for none; AutoNumber its prefix and digits.
//
// What AppendText writes is read too: Integer as "12", Boolean as "true" or
// "false", MultiChoice as a JSON list of strings; JSON as json.RawMessage, since
// a string is a JSON string. A float64 of more than 15
// digits is refused, since it may have lost some already: such a number is
// written as a string. The error is a [fault.Error] of kind Invalid without an
// operation.
func ParseValue(f *Field, src any) (Value, error) {
	switch f.Type {
	case Text:
		return parseText(src, MaxText)
	case LongText:
		return parseText(src, MaxLongText)
	case Integer:
		return parseScaled(src, 0, "a whole number")
	case Decimal, Currency, Percent:
		return parseScaled(src, f.Scale, fmt.Sprintf("a decimal with at most %d places, as number or string", f.Scale))
	case Boolean:
		return parseBool(src)
	case Date:
		return parseDate(src)
	case DateTime:
		return parseDateTime(src)
	case Choice:
		return parseChoice(f, src)
	case MultiChoice:
		return parseMultiChoice(f, src)
	case Email:
		return parseEmail(src)
	case User, Lookup, Identity, File, Image:
		return parseRef(src)
	case Time:
		return parseTime(src)
	case Duration:
		return parseDuration(src)
	case Phone:
		return parsePhone(src)
	case URL:
		return parseURL(src)
	case JSON:
		return parseJSON(src)
	case Users, MultiLookup:
		return parseRefs(src)
	case AutoNumber:
		return parseAutoNumber(f, src)
	}
	return Value{}, invalid("a field of a known type")
}

// invalid is the fault of a value: what was expected, and nothing of the value.
func invalid(expected string) error {
	return &fault.Error{Kind: fault.Invalid, Msg: "expected " + expected}
}

func parseText(src any, limit int) (Value, error) {
	if src == nil {
		return Value{}, nil
	}
	s, ok := src.(string)
	if !ok || len(s) > limit || !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		return Value{}, invalid(fmt.Sprintf("text of at most %d bytes, valid UTF-8 without NUL", limit))
	}
	return String(s), nil
}

func parseEmail(src any) (Value, error) {
	v, err := parseText(src, MaxEmail)
	if err == nil && v.IsNull() {
		return v, nil
	}
	if err == nil {
		s := string(v.Text())
		if a, bad := mail.ParseAddress(s); bad == nil && a.Address == s {
			return v, nil
		}
	}
	return Value{}, invalid("one e-mail address of at most 254 bytes, like name@example.com")
}

// parseScaled reads a number of at most scale places as an integer times
// 10^scale.
func parseScaled(src any, scale uint8, expected string) (Value, error) {
	var s string
	switch n := src.(type) {
	case nil:
		return Value{}, nil
	case string:
		s = n
	case json.Number:
		s = n.String()
	case int:
		s = strconv.Itoa(n)
	case int64:
		s = strconv.FormatInt(n, 10)
	case float64:
		s = strconv.FormatFloat(n, 'f', -1, 64)
		if countDigits(s) > 15 {
			return Value{}, invalid(expected + "; one of more than 15 digits as a string")
		}
	default:
		return Value{}, invalid(expected)
	}
	n, ok := scaled(s, int(scale))
	if !ok {
		return Value{}, invalid(fmt.Sprintf("%s, from %s to %s", expected,
			appendScaled(nil, math.MinInt64, scale), appendScaled(nil, math.MaxInt64, scale)))
	}
	return Int(n), nil
}

// countDigits counts the digits of a plain decimal number after leading zeros.
func countDigits(s string) int {
	return len(strings.TrimLeft(strings.ReplaceAll(s, ".", ""), "-0"))
}

// scaled reads -?digits[.digits][e[+-]digits] as an integer times 10^scale. It
// is exact or false.
func scaled(s string, scale int) (int64, bool) {
	if len(s) > 64 {
		return 0, false
	}
	exp := 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		var err error
		if exp, err = strconv.Atoi(s[i+1:]); err != nil || exp < -30 || exp > 30 {
			return 0, false
		}
		s = s[:i]
	}
	digits, negative := strings.CutPrefix(s, "-")
	whole, places, point := strings.Cut(digits, ".")
	if whole == "" || point && places == "" || !allDigits(whole) || !allDigits(places) {
		return 0, false
	}
	zeros := scale + exp - len(places)
	if zeros < 0 {
		return 0, false
	}
	text := strings.TrimLeft(whole+places, "0")
	if text == "" {
		return 0, true
	}
	if negative {
		text = "-" + text
	}
	n, err := strconv.ParseInt(text+strings.Repeat("0", zeros), 10, 64)
	return n, err == nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func parseBool(src any) (Value, error) {
	switch b := src.(type) {
	case nil:
		return Value{}, nil
	case bool:
		return Bool(b), nil
	case string:
		if b == "true" || b == "false" {
			return Bool(b == "true"), nil
		}
	}
	return Value{}, invalid("true or false")
}

func parseChoice(f *Field, src any) (Value, error) {
	if src == nil {
		return Value{}, nil
	}
	if s, ok := src.(string); ok && slices.Contains(f.Choices, s) {
		return String(s), nil
	}
	return Value{}, invalid("one of " + choiceList(f.Choices))
}

// choiceList names the declared choices, at most twenty of them.
func choiceList(choices []string) string {
	const most = 20
	quoted := make([]string, 0, most)
	for _, c := range choices[:min(len(choices), most)] {
		quoted = append(quoted, strconv.Quote(c))
	}
	s := strings.Join(quoted, ", ")
	if len(choices) > most {
		s += fmt.Sprintf(" and %d more", len(choices)-most)
	}
	return s
}

func parseMultiChoice(f *Field, src any) (Value, error) {
	if src == nil {
		return Value{}, nil
	}
	items, ok := texts(src)
	for i, s := range items {
		ok = ok && slices.Contains(f.Choices, s) && !slices.Contains(items[:i], s)
	}
	if !ok {
		return Value{}, invalid("a list without duplicates of " + choiceList(f.Choices))
	}
	return List(items...), nil
}

// texts reads a list of strings, or its JSON text.
func texts(src any) ([]string, bool) {
	switch l := src.(type) {
	case []string:
		return l, true
	case string:
		var items []*string
		if !strings.HasPrefix(l, "[") || json.Unmarshal([]byte(l), &items) != nil {
			return nil, false
		}
		out := make([]string, len(items))
		for i, s := range items {
			if s == nil {
				return nil, false
			}
			out[i] = *s
		}
		return out, true
	case []any:
		out := make([]string, len(l))
		for i, x := range l {
			s, ok := x.(string)
			if !ok {
				return nil, false
			}
			out[i] = s
		}
		return out, true
	}
	return nil, false
}

func parseRef(src any) (Value, error) {
	var id ID
	switch s := src.(type) {
	case nil:
		return Value{}, nil
	case ID:
		id = s
	case string:
		id, _ = ParseID(s)
	}
	if id.IsZero() {
		return Value{}, invalid("an id, 36 characters like 01234567-89ab-7def-8123-456789abcdef")
	}
	return Ref(id), nil
}

// AppendJSON appends the JSON form of v as a value of field f: what ParseValue
// reads back, but for files: they are objects that say what is known of one.
// Decimals are strings with exactly scale places; date-times RFC
// 3339 in UTC; null is null, and so is a value of a kind that f does not hold.
func AppendJSON(dst []byte, f *Field, v Value) []byte {
	if v.kind == KindNull || v.kind != f.Type.Kind() {
		return append(dst, "null"...)
	}
	switch f.Type {
	case Text, LongText, Choice, Email, Phone, URL:
		return AppendJSONString(dst, v.text)
	case JSON:
		if len(v.text) == 0 { // nothing that was parsed is: a record that is damaged
			return append(dst, "null"...)
		}
		return append(dst, v.text...)
	case Integer, Boolean, MultiChoice, Users, MultiLookup:
		return AppendText(dst, f, v)
	case File, Image:
		return appendAttachment(dst, v)
	}
	dst = append(dst, '"')
	dst = AppendText(dst, f, v)
	return append(dst, '"')
}

// AppendText appends the plain text form, as CSV wants it: AppendJSON without
// quotes, null as nothing. A MultiChoice is a JSON list, a file its id.
func AppendText(dst []byte, f *Field, v Value) []byte {
	if v.kind == KindNull || v.kind != f.Type.Kind() {
		return dst
	}
	switch f.Type {
	case Text, LongText, Choice, Email, Phone, URL, JSON:
		return append(dst, v.text...)
	case Integer:
		return strconv.AppendInt(dst, v.num, 10)
	case Decimal, Currency, Percent:
		return appendScaled(dst, v.num, f.Scale)
	case Boolean:
		return strconv.AppendBool(dst, v.Bool())
	case Date:
		return appendDate(dst, v.num)
	case DateTime:
		return appendDateTime(dst, v.num)
	case Time:
		return appendTime(dst, v.num)
	case Duration:
		return appendDuration(dst, v.num)
	case User, Lookup, Identity:
		return v.Ref().Append(dst)
	case MultiChoice:
		return appendList(dst, v)
	case Users, MultiLookup:
		return appendRefs(dst, v)
	case AutoNumber:
		return appendAutoNumber(dst, f, v.num)
	case File, Image:
		a, _ := v.Attachment()
		return a.ID.Append(dst)
	}
	return dst
}

func appendList(dst []byte, v Value) []byte {
	dst = append(dst, '[')
	for rest := v.text; len(rest) > 0; {
		var item []byte
		item, rest = nextItem(rest)
		dst = AppendJSONString(dst, item)
		if len(rest) > 0 {
			dst = append(dst, ',')
		}
	}
	return append(dst, ']')
}

func appendScaled(dst []byte, n int64, scale uint8) []byte {
	if scale == 0 {
		return strconv.AppendInt(dst, n, 10)
	}
	u := uint64(n)
	if n < 0 {
		dst = append(dst, '-')
		u = -u
	}
	var buf [32]byte
	digits := strconv.AppendUint(buf[:0], u, 10)
	for range int(scale) + 1 - len(digits) {
		digits = slices.Insert(digits, 0, '0')
	}
	point := len(digits) - int(scale)
	dst = append(dst, digits[:point]...)
	dst = append(dst, '.')
	return append(dst, digits[point:]...)
}

const hexDigits = "0123456789abcdef"

// AppendJSONString appends s as a JSON string; invalid UTF-8 becomes U+FFFD.
func AppendJSONString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for len(s) > 0 {
		n := plainPrefix(s)
		dst, s = append(dst, s[:n]...), s[n:]
		if len(s) == 0 {
			break
		}
		if s[0] < utf8.RuneSelf {
			dst, s = appendEscape(dst, s[0]), s[1:]
			continue
		}
		r, size := utf8.DecodeRune(s)
		dst, s = utf8.AppendRune(dst, r), s[size:]
	}
	return append(dst, '"')
}

// plainPrefix returns how many ASCII bytes at the start of s need no escape.
func plainPrefix(s []byte) int {
	for i, c := range s {
		if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return i
		}
	}
	return len(s)
}

func appendEscape(dst []byte, c byte) []byte {
	if i := bytes.IndexByte([]byte("\"\\\n\r\t\b\f"), c); i >= 0 {
		return append(dst, '\\', "\"\\nrtbf"[i])
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
