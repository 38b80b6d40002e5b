package record

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/fault"
)

const id1 = "0190a3f0-1234-7abc-8def-0123456789ab"

var choices = []string{"red", "green", "dark \"blue\""}

func fieldOf(t Type) *Field {
	f := &Field{Number: FirstField, Name: "f", Type: t, Scale: 2}
	if t == AutoNumber {
		f.Prefix, f.Digits = "N-", 3
	}
	if t == Choice || t == MultiChoice {
		f.Choices = choices
	}
	return f
}

func TestParseValue(t *testing.T) {
	const id = "0190a3f0-1234-7abc-8def-0123456789ab"
	wantID, _ := ParseID(id)
	for _, c := range []struct {
		typ  Type
		src  any
		want Value
	}{
		{Text, "ab", String("ab")},
		{Text, "", String("")},
		{LongText, strings.Repeat("x", 65536), String(strings.Repeat("x", 65536))},
		{Integer, 12, Int(12)},
		{Integer, int64(-12), Int(-12)},
		{Integer, json.Number("9223372036854775807"), Int(math.MaxInt64)},
		{Integer, "-9223372036854775808", Int(math.MinInt64)},
		{Integer, 3.0, Int(3)},
		{Integer, json.Number("1e3"), Int(1000)},
		{Integer, "0", Int(0)},
		{Decimal, "12.50", Int(1250)},
		{Decimal, "12.5", Int(1250)},
		{Decimal, "-0.01", Int(-1)},
		{Decimal, 0.1, Int(10)},
		{Decimal, 12, Int(1200)},
		{Decimal, json.Number("1.5e1"), Int(1500)},
		{Decimal, json.Number("125e-2"), Int(125)},
		{Decimal, "92233720368547758.07", Int(math.MaxInt64)},
		{Boolean, true, Bool(true)},
		{Boolean, "false", Bool(false)},
		{Date, "1970-01-02", Int(1)},
		{Date, "1969-12-31", Int(-1)},
		{Date, "2024-02-29", Int(19782)},
		{DateTime, "1970-01-01T00:00:01Z", Int(1e6)},
		{DateTime, "1970-01-01T01:00:00.25+01:00", Int(250000)},
		{DateTime, "1969-12-31T23:59:59.999999Z", Int(-1)},
		{Choice, "red", String("red")},
		{MultiChoice, []any{"green", "red"}, List("green", "red")},
		{MultiChoice, []any{}, List()},
		{MultiChoice, []string{"red"}, List("red")},
		{MultiChoice, `["red","dark \"blue\""]`, List("red", `dark "blue"`)},
		{Email, "a@example.com", String("a@example.com")},
		{Currency, "12.5", Int(1250)},
		{Percent, json.Number("19"), Int(1900)},
		{Time, "15:04", Int(54240e6)},
		{Time, "00:00:00", Int(0)},
		{Time, "23:59:59.999999", Int(86400e6 - 1)},
		{Duration, "PT0S", Int(0)},
		{Duration, "P1DT2H30M", Int(95400e6)},
		{Duration, "-PT0.5S", Int(-5e5)},
		{Duration, "PT90M", Int(5400e6)},
		{Duration, "P106751991DT4H54.775807S", Int(math.MaxInt64)},
		{Phone, "+49 (30) 123-45.67", String("+49301234567")},
		{URL, "https://example.com/a%20b?c=d#e", String("https://example.com/a%20b?c=d#e")},
		{URL, "http://[::1]:8080", String("http://[::1]:8080")},
		{JSON, map[string]any{"b": json.Number("1.50"), "a": []any{nil, true, "<x>"}}, String(`{"a":[null,true,"<x>"],"b":1.50}`)},
		{JSON, "text", String(`"text"`)},
		{JSON, json.RawMessage(" [1, 2] "), String("[1,2]")},
		{JSON, json.RawMessage("null"), Value{}},
		{Users, []any{id}, Refs(wantID)},
		{MultiLookup, `["` + id + `"]`, Refs(wantID)},
		{MultiLookup, []any{}, Value{}},
		{AutoNumber, "N-007", Int(7)},
		{AutoNumber, "N-123456", Int(123456)},
		{User, id, Ref(wantID)},
		{Lookup, wantID, Ref(wantID)},
		{Identity, strings.ToUpper(id), Ref(wantID)},
	} {
		v, err := ParseValue(fieldOf(c.typ), c.src)
		if err != nil || !v.Equal(c.want) || v.Kind() != c.want.Kind() {
			t.Errorf("%v from %#v: got %v, %v", c.typ, c.src, v, err)
		}
	}
}

func TestParseValueNull(t *testing.T) {
	for typ := Text; typ <= Identity; typ++ {
		if v, err := ParseValue(fieldOf(typ), nil); err != nil || !v.IsNull() {
			t.Errorf("%v from nil: %v, %v", typ, v, err)
		}
	}
	if _, err := ParseValue(&Field{}, nil); err == nil {
		t.Error("the invalid type was read")
	}
}

func TestParseValueRefuses(t *testing.T) {
	for _, c := range []struct {
		typ Type
		src any
	}{
		{Text, 5}, {Text, "a\x00b"}, {Text, "\xff"}, {Text, strings.Repeat("x", 1001)}, {LongText, strings.Repeat("x", 65537)},
		{Text, []any{"a"}}, {Text, true},
		{Integer, 1.5}, {Integer, "1.0"}, {Integer, ""}, {Integer, "x"}, {Integer, "+1"}, {Integer, " 1"}, {Integer, "9223372036854775808"},
		{Integer, "1e31"}, {Integer, true}, {Integer, math.NaN()}, {Integer, math.Inf(1)}, {Integer, 1e300}, {Integer, "0x10"}, {Integer, "1_000"},
		{Integer, 9007199254740993.0}, {Integer, "e5"}, {Integer, "1e"}, {Integer, "-"}, {Integer, "٣"},
		{Decimal, "1.234"}, {Decimal, "12.500"}, {Decimal, 0.30000000000000004}, {Decimal, "1."}, {Decimal, ".5"}, {Decimal, "--1"},
		{Decimal, "92233720368547758.08"}, {Decimal, 1234567890123.456789}, {Decimal, "1,5"}, {Decimal, strings.Repeat("1", 70)},
		{Boolean, "yes"}, {Boolean, 1}, {Boolean, "TRUE"},
		{Date, "2023-02-29"}, {Date, "2023-2-1"}, {Date, "20230201"}, {Date, "2023-02-01T00:00:00Z"}, {Date, 5}, {Date, "10000-01-01"},
		{DateTime, "2023-02-01"}, {DateTime, "2023-02-01T00:00:00"}, {DateTime, "2023-02-01T0:00:00Z"}, {DateTime, "2023-02-01T00:00:00,5Z"},
		{DateTime, "2023-02-01T00:00:00.1234567Z"}, {DateTime, "2023-02-01T24:00:00Z"}, {DateTime, "2023-02-01T00:00:00+99:00"},
		{DateTime, "2023-02-01T00:00:00.Z"}, {DateTime, "0000-01-01T00:00:00+01:00"}, {DateTime, "9999-12-31T23:59:59-01:00"},
		{DateTime, "2023-02-01T00:00:00.5"}, {DateTime, "2023-02-01T00:00:00."}, {DateTime, "2023-02-01 00:00:00Z"}, {DateTime, ""},
		{Choice, "blue"}, {Choice, ""}, {Choice, 1},
		{MultiChoice, "red"}, {MultiChoice, []any{"red", "red"}}, {MultiChoice, []any{"pink"}}, {MultiChoice, []any{1}}, {MultiChoice, []any{nil}},
		{MultiChoice, `[null]`}, {MultiChoice, `[`}, {MultiChoice, `["red"] x`},
		{Email, ""}, {Email, "a"}, {Email, "A <a@example.com>"}, {Email, "a@b@c"}, {Email, " a@example.com"}, {Email, "a@example.com, b@example.com"},
		{Email, strings.Repeat("x", 250) + "@e.co"}, {Email, "a@example.com\n"}, {Email, 7},
		{Currency, "1.234"}, {Percent, "19 %"}, {Time, "24:00:00"}, {Time, "15:04:05Z"}, {Time, "15:4"}, {Time, "15:04:60"}, {Time, "15:04:05.1234567"},
		{Time, "15:04:05."}, {Time, 5}, {Time, "15:04.5"}, {Duration, "P"}, {Duration, "PT"}, {Duration, "P1Y"}, {Duration, "P1M"}, {Duration, "P1W"},
		{Duration, "PT1M1H"}, {Duration, "PT1H1H"}, {Duration, "P1.5D"}, {Duration, "PT.5S"}, {Duration, "1D"}, {Duration, "+P1D"}, {Duration, "P-1D"},
		{Duration, "PT1.1234567S"}, {Duration, "P106751991DT4H54.775808S"}, {Duration, "P1DT"}, {Duration, 5}, {Duration, "P1H"}, {Duration, "PT1D"},
		{Phone, "030 1234567"}, {Phone, "+0301234567"}, {Phone, "+1234567890123456"}, {Phone, "+123"}, {Phone, "+49 30 x"}, {Phone, ""}, {Phone, 49},
		{URL, "example.com"}, {URL, "javascript:alert(1)"}, {URL, "https://"}, {URL, "https:///a"}, {URL, "https://a@example.com"}, {URL, "https://exämple.com"},
		{URL, "https://example.com/a b"}, {URL, "https://example.com/%zz"}, {URL, "ftp://example.com"}, {URL, "https://example.com/" + strings.Repeat("a", 990)}, {URL, ""},
		{JSON, json.RawMessage("{")}, {JSON, json.RawMessage("1 2")}, {JSON, json.RawMessage("")}, {JSON, "a\x00"}, {JSON, "\xff"}, {JSON, math.NaN()},
		{JSON, map[string]any{"a\x00": 1}}, {JSON, strings.Repeat("x", 65535)}, {JSON, nested(33)}, {JSON, struct{}{}}, {JSON, json.Number("1x")},
		{Users, "x"}, {Users, []any{"x"}}, {MultiLookup, []any{id1, id1}}, {Users, []any{nil}}, {Users, []any{"00000000-0000-0000-0000-000000000000"}}, {Users, id1},
		{AutoNumber, "7"}, {AutoNumber, "N-"}, {AutoNumber, "n-7"}, {AutoNumber, "N--7"}, {AutoNumber, 7}, {AutoNumber, "N-1234567890123456789"},
		{User, ""}, {User, "me"}, {User, "00000000-0000-0000-0000-000000000000"}, {User, ID{}}, {Lookup, 5}, {Identity, "0190a3f0x1234-7abc-8def-0123456789ab"},
	} {
		v, err := ParseValue(fieldOf(c.typ), c.src)
		if err == nil {
			t.Errorf("%v from %#v: got %v, want an error", c.typ, c.src, v)
			continue
		}
		if fault.KindOf(err) != fault.Invalid || !strings.HasPrefix(err.Error(), "expected ") || err.Error() != fault.Message(err) {
			t.Errorf("%v from %v: error %q is not one to show", c.typ, c.src, err)
		}
		if s, ok := c.src.(string); ok && c.typ.Kind() != KindInt && len(s) > 9 && strings.Contains(err.Error(), s) {
			t.Errorf("%v: error %q echoes the value", c.typ, err)
		}
	}
}

// nested returns a list in a list, so many levels deep.
func nested(levels int) any {
	var v any = true
	for range levels - 1 {
		v = []any{v}
	}
	return v
}

// anyValue draws a value that ParseValue can give for the field, null included.
func anyValue(t *rapid.T, f *Field) Value {
	if rapid.IntRange(0, 9).Draw(t, "null") == 0 {
		return Value{}
	}
	switch f.Type {
	case Text, LongText:
		return String(strings.ReplaceAll(rapid.StringN(0, 50, 200).Draw(t, "text"), "\x00", ""))
	case Email:
		return String(rapid.StringMatching(`[a-z]{1,9}@[a-z]{1,9}\.[a-z]{2,3}`).Draw(t, "email"))
	case Users, MultiLookup:
		ids := rapid.SliceOfNDistinct(rapid.Uint64Min(1), 0, 3, rapid.ID[uint64]).Draw(t, "ids")
		refs := make([]ID, len(ids))
		for i, n := range ids {
			binary.BigEndian.PutUint64(refs[i][8:], n)
		}
		return Refs(refs...)
	case AutoNumber:
		return Int(rapid.Int64Range(0, 1e17).Draw(t, "number"))
	case Time:
		return Int(rapid.Int64Range(0, 86400e6-1).Draw(t, "micros"))
	case Duration:
		return Int(rapid.Int64Range(-math.MaxInt64, math.MaxInt64).Draw(t, "micros"))
	case Phone:
		return String(rapid.StringMatching(`\+[1-9][0-9]{3,14}`).Draw(t, "phone"))
	case URL:
		return String(rapid.StringMatching(`https?://[a-z]{1,9}\.[a-z]{2,3}(/[a-z0-9]{0,9})?`).Draw(t, "url"))
	case JSON:
		v, err := ParseValue(f, drawJSON(t, 3))
		if err != nil || v.IsNull() {
			t.Skip("null or too long")
		}
		return v
	case Integer, Decimal, Currency, Percent:
		return Int(rapid.Int64().Draw(t, "int"))
	case Date:
		return Int(rapid.Int64Range(-719528, 2932896).Draw(t, "days"))
	case DateTime:
		return Int(rapid.Int64Range(-719528*86400e6, 2932897*86400e6-1).Draw(t, "micros"))
	case Boolean:
		return Bool(rapid.Bool().Draw(t, "bool"))
	case Choice:
		return String(rapid.SampledFrom(f.Choices).Draw(t, "choice"))
	case MultiChoice:
		return List(rapid.SliceOfNDistinct(rapid.SampledFrom(f.Choices), 0, 3, rapid.ID[string]).Draw(t, "list")...)
	case File, Image:
		return anyAttachment(t).Value()
	}
	var id ID
	copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
	return Ref(id)
}

func TestFormatRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := fieldOf(Type(rapid.IntRange(int(Text), int(Identity)).Draw(t, "type")))
		f.Scale = uint8(rapid.IntRange(0, 9).Draw(t, "scale"))
		v := anyValue(t, f)

		text := AppendJSON(nil, f, v)
		d := json.NewDecoder(strings.NewReader(string(text)))
		d.UseNumber()
		var src any
		if err := d.Decode(&src); err != nil {
			t.Fatalf("%v: %s is not JSON: %v", f.Type, text, err)
		}
		if f.Type.IsFile() && !v.IsNull() {
			return // what is read back is the id of an uploaded file
		}
		back, err := ParseValue(f, src)
		if err != nil || !back.Equal(v) {
			t.Fatalf("%v: %s read back as %v, %v", f.Type, text, back, err)
		}
		if v.IsNull() {
			if string(text) != "null" || len(AppendText(nil, f, v)) != 0 {
				t.Fatalf("null is written as %s", text)
			}
			return
		}
		if back, err = ParseValue(f, asText(f, AppendText(nil, f, v))); err != nil || !back.Equal(v) {
			t.Fatalf("%v: text %s read back as %v, %v", f.Type, AppendText(nil, f, v), back, err)
		}
	})
}

// asText is what an importer gives ParseValue for a cell of text.
func asText(f *Field, text []byte) any {
	if f.Type == JSON {
		return json.RawMessage(text)
	}
	return string(text)
}

// drawJSON draws a JSON value as encoding/json reads it.
func drawJSON(t *rapid.T, depth int) any {
	switch kind := rapid.IntRange(0, 3+2*min(depth, 1)).Draw(t, "kind"); kind {
	case 0:
		return rapid.Bool().Draw(t, "bool")
	case 1:
		return json.Number(rapid.StringMatching(`-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,9})?(e[0-9]{1,3})?`).Draw(t, "number"))
	case 2:
		return strings.ReplaceAll(rapid.StringN(0, 9, 30).Draw(t, "string"), "\x00", "")
	case 4:
		items := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			items = append(items, drawJSON(t, depth-1))
		}
		return items
	case 5:
		members := map[string]any{}
		for range rapid.IntRange(0, 3).Draw(t, "members") {
			members[rapid.StringMatching(`[a-z]{0,3}`).Draw(t, "key")] = drawJSON(t, depth-1)
		}
		return members
	}
	return nil
}

func TestAppendOfWrongKindIsNull(t *testing.T) {
	for typ := InvalidType; typ <= Identity; typ++ {
		for _, v := range []Value{Int(1), Bool(true), String("x"), List("x"), Ref(ID{1})} {
			if v.Kind() == typ.Kind() {
				continue
			}
			f := fieldOf(typ)
			if got := AppendJSON(nil, f, v); string(got) != "null" {
				t.Errorf("%v of kind %d gives %s", typ, v.Kind(), got)
			}
			if got := AppendText(nil, f, v); len(got) != 0 {
				t.Errorf("%v of kind %d gives text %s", typ, v.Kind(), got)
			}
		}
	}
}

func TestAppendDecimal(t *testing.T) {
	for _, c := range []struct {
		n     int64
		scale uint8
		want  string
	}{
		{0, 2, `"0.00"`}, {5, 2, `"0.05"`}, {-5, 2, `"-0.05"`}, {1250, 2, `"12.50"`}, {7, 0, `"7"`}, {-123, 3, `"-0.123"`},
		{math.MinInt64, 9, `"-9223372036.854775808"`}, {math.MaxInt64, 1, `"922337203685477580.7"`},
	} {
		if got := AppendJSON(nil, &Field{Type: Decimal, Scale: c.scale}, Int(c.n)); string(got) != c.want {
			t.Errorf("%d scale %d: got %s, want %s", c.n, c.scale, got, c.want)
		}
	}
}

func FuzzAppendJSONString(f *testing.F) {
	for _, s := range []string{"", "a\"\\b", "\x00\x1f\n\t\r\b\f\x7f", "é\xffé", "\xed\xa0\x80", "日本語", "\u2028", "<&>"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		var got, want string
		if err := json.Unmarshal(AppendJSONString(nil, s), &got); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		standard, _ := json.Marshal(string(s))
		_ = json.Unmarshal(standard, &want)
		if got != want {
			t.Fatalf("%q: got %q, want %q", s, got, want)
		}
	})
}

func FuzzParseValue(f *testing.F) {
	for _, s := range []string{"12.50", "-1e5", "15:04:05.25", "-P1DT2H3M4.5S", "+49 30 1234", "https://a.example/", `{"b":[1,null],"a":"x"}`, "2024-02-29", "2024-02-29T12:00:00.5+05:30", "a@b.c", `["red"]`, "true", "0190a3f0-1234-7abc-8def-0123456789ab"} {
		f.Add(uint8(Decimal), uint8(2), s)
	}
	f.Fuzz(func(t *testing.T, typ, scale uint8, s string) {
		fd := fieldOf(Type(typ % uint8(Identity+1)))
		fd.Scale = scale % 10
		v, err := ParseValue(fd, asText(fd, []byte(s)))
		if err != nil {
			return
		}
		if v.IsNull() && fd.Type == JSON || fd.Type.IsFile() {
			return // null is text of its own; the id of a file stands for what was uploaded
		}
		again, err := ParseValue(fd, asText(fd, AppendText(nil, fd, v)))
		if err != nil || !again.Equal(v) {
			t.Fatalf("%v %q: %v then %v, %v", fd.Type, s, v, again, err)
		}
		if fd.Type == Decimal && fd.Scale == 0 {
			if n, err := strconv.ParseInt(s, 10, 64); err == nil && n != v.Int() {
				t.Fatalf("%q read as %d", s, v.Int())
			}
		}
	})
}

func TestAppendAllocations(t *testing.T) {
	buf := make([]byte, 0, 256)
	for typ := Text; typ <= Identity; typ++ {
		if typ.IsFile() {
			continue // written field by field
		}
		f, v := fieldOf(typ), Int(123456)
		switch typ.Kind() {
		case KindText:
			v = String("plain \"text\"\n")
		case KindBool:
			v = Bool(true)
		case KindRef:
			v = Ref(ID{1})
		case KindList:
			v = List("red", "green")
		}
		if n := testing.AllocsPerRun(100, func() { buf = AppendJSON(buf[:0], f, v) }); n != 0 {
			t.Errorf("%v: %v allocations", typ, n)
		}
	}
}
