package record

// ParseValue reads the text, JSON or YAML form of a value of field f: string,
// json.Number, int, int64, float64, bool, []any or []string of strings, nil for
// null. Nothing is lost silently: a decimal with more places than the scale, a
// number out of range, a choice that is not declared or a time without zone is
// an error, whose text says what was expected and is safe to show.
//
// Forms: Decimal as string or number, "12.50"; Date "2006-01-02"; DateTime RFC
// 3339 with zone, up to microseconds; Choice and items of MultiChoice as
// declared (MultiChoice drops nothing and refuses duplicates); User, Lookup and
// id as ids; Email one address, ≤ 254 bytes; Text ≤ 1,000 bytes, LongText ≤
// 65,536, valid UTF-8 without NUL.
func ParseValue(f *Field, src any) (Value, error) { panic("skeleton") }

// AppendJSON appends the JSON form of v as a value of field f: what ParseValue
// reads back. Decimals are strings with exactly scale places; date-times RFC
// 3339 in UTC; null is null.
func AppendJSON(dst []byte, f *Field, v Value) []byte { panic("skeleton") }

// AppendJSONString appends s as a JSON string; invalid UTF-8 becomes U+FFFD.
func AppendJSONString(dst, s []byte) []byte { panic("skeleton") }

// AppendText appends the plain text form, as CSV wants it: AppendJSON without
// quotes, null as nothing.
func AppendText(dst []byte, f *Field, v Value) []byte { panic("skeleton") }
