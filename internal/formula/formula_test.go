package formula_test

import (
	"errors"
	"strings"
	"testing"

	"sluice/internal/formula"
	"sluice/internal/record"
)

// fields are those of the record that the tests read.
var fields = []record.Field{
	{Number: 16, Name: "quantity", Type: record.Integer},
	{Number: 17, Name: "price", Type: record.Decimal, Scale: 2},
	{Number: 18, Name: "discount", Type: record.Decimal, Scale: 4},
	{Number: 19, Name: "first", Type: record.Text},
	{Number: 20, Name: "last", Type: record.Text},
	{Number: 21, Name: "done", Type: record.Boolean},
	{Number: 22, Name: "due", Type: record.Date},
	{Number: 23, Name: "at", Type: record.DateTime},
	{Number: 24, Name: "status", Type: record.Choice, Choices: []string{"OPEN", "WON"}},
	{Number: 25, Name: "tags", Type: record.MultiChoice, Choices: []string{"red", "green"}},
	{Number: 26, Name: "note", Type: record.LongText},
	{Number: 27, Name: "customer", Type: record.Lookup, Target: 1},
	{Number: 28, Name: "owner2", Type: record.User},
	{Number: 29, Name: "huge", Type: record.Integer},
	{Number: 31, Name: "fee", Type: record.Currency, Scale: 2},
	{Number: 32, Name: "vat", Type: record.Percent, Scale: 1},
	{Number: 33, Name: "spent", Type: record.Duration},
	{Number: 34, Name: "phone", Type: record.Phone},
	{Number: 30, Name: "empty", Type: record.Decimal, Scale: 2},
}

func scope(name string) (*record.Field, bool) {
	for i := range fields {
		if fields[i].Name == name {
			return &fields[i], true
		}
	}
	return nil, false
}

// row gives cells by field number.
type row map[uint32]string

func (r row) Get(f *record.Field) record.Value {
	s, ok := r[f.Number]
	if !ok {
		return record.Value{}
	}
	v, err := record.ParseValue(f, s)
	if err != nil {
		panic(err)
	}
	return v
}

var sample = row{
	16: "3", 17: "19.99", 18: "0.1250", 19: "Ada", 20: "Lövelace", 21: "true", 22: "2024-01-31", 23: "2024-02-29T23:59:59.5Z",
	31: "100.00", 32: "12.5", 33: "PT1H30M", 34: "+4930123456",
	24: "WON", 25: `["red"]`, 26: strings.Repeat("x", 5000), 29: "9223372036854775807",
}

// TestValues says what expressions give on one record: null is "".
func TestValues(t *testing.T) {
	for source, want := range map[string]string{
		"1 + 2 * 3":                         "7",
		"(1 + 2) * 3":                       "9",
		"10 - 2 - 3":                        "5",
		"-2 * -3":                           "6",
		"1.5 + 2":                           "3.5",
		"0.1 + 0.2":                         "0.3",
		"quantity * price * (1 - discount)": "52.473750",
		"round(quantity * price * (1 - discount), 2)": "52.47",
		"round(2.5)":                      "3",
		"round(-2.5)":                     "-3",
		"floor(-2.5)":                     "-3",
		"ceil(-2.5)":                      "-2",
		"ceil(2.1)":                       "3",
		"round(price, 5)":                 "19.99",
		"1 / 3":                           "0.333333333",
		"2 / 3":                           "0.666666667",
		"-2 / 3":                          "-0.666666667",
		"1 / 0":                           "",
		"7 % 3":                           "1",
		"-7 % 3":                          "-1",
		"7 % 0":                           "",
		"huge + 1":                        "",
		"huge + 1 - 1":                    "9223372036854775807",
		"huge * huge / huge":              "",
		"huge * huge * huge":              "",
		"round(huge * 2 / 4)":             "4611686018427387904",
		"-huge - 1":                       "-9223372036854775808",
		"-huge - 2":                       "",
		"abs(-3.5)":                       "3.5",
		"min(3, 1.5, 2)":                  "1.5",
		"max(quantity, 10)":               "10",
		"min(1, empty)":                   "",
		"empty + 1":                       "",
		"coalesce(empty, 0)":              "0.00",
		"if(empty > 1, 1, 2)":             "2",
		"if(done, price, null)":           "19.99",
		"if(not done, price, null)":       "",
		"empty > 1":                       "false",
		"empty <= 1":                      "false",
		"empty == 1":                      "false",
		"empty != 1":                      "true",
		"not (empty == 1)":                "true",
		"isNull(empty)":                   "true",
		"isNull(empty + 1) and done":      "true",
		"done or 1 / 0 > 1":               "true",
		"not done == false":               "true",
		`first + " " + last`:              "Ada Lövelace",
		`first + "\"\\"`:                  `Ada"\`,
		`concat(first, text(empty), "!")`: "Ada!",
		"length(last)":                    "8",
		"upper(last)":                     "LÖVELACE",
		"lower(last)":                     "lövelace",
		`trim(" a ")`:                     "a",
		"left(last, 3)":                   "Löv",
		"left(last, 100)":                 "Lövelace",
		"right(last, 3)":                  "ace",
		"right(last, 100)":                "Lövelace",
		"substring(last, 2, 3)":           "öve",
		"substring(last, 9, 3)":           "",
		"length(substring(last, 9, 3))":   "0",
		"left(last, -1)":                  "",
		"substring(last, 0, 1)":           "",
		`contains(last, "vel")`:           "true",
		`startsWith(last, "vel")`:         "false",
		`endsWith(last, "ace")`:           "true",
		`status == "WON"`:                 "true",
		`has(tags, "red") and not has(tags, "green")`: "true",
		"length(note)":        "5000",
		"isNull(upper(note))": "true",
		"note + note":         "",
		"isNull(tags)":        "false",
		"text(price) + text(quantity) + text(done)": "19.993true",
		"text(-0.05)":                "-0.05",
		"text(due)":                  "2024-01-31",
		"due + 30":                   "2024-03-01",
		"due - 31":                   "2023-12-31",
		"due - date(\"2024-01-01\")": "30",
		"days(due, date(at))":        "29",
		"date(at)":                   "2024-02-29",
		"addMonths(due, 1)":          "2024-02-29",
		"addMonths(due, -2)":         "2023-11-30",
		"addMonths(due, 200000)":     "",
		"addDays(at, 1)":             "2024-03-01T23:59:59.5Z",
		"addSeconds(at, 0.5)":        "2024-03-01T00:00:00Z",
		`seconds(dateTime("2024-02-29T23:59:00Z"), at)`: "59.500000",
		"due + 9000000": "",
		"year(due) * 10000 + month(due) * 100 + day(due)": "20240131",
		"weekday(due)":                  "3",
		"weekday(date(\"1969-12-28\"))": "7",
		"due < date(at)":                "true",
		"fee * (1 + vat / 100)":         "112.500000000",
		"spent / 3600":                  "1.500000000",
		"right(phone, 3)":               "456",
		"max(due, date(at))":            "2024-02-29",
	} {
		p, err := formula.Compile(source, scope)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		typ, scale := p.Type()
		f, err := p.As(typ, scale)
		if err != nil {
			t.Errorf("%s as %s: %v", source, typ, err)
			continue
		}
		if got := string(record.AppendText(nil, &record.Field{Type: typ, Scale: scale}, f.Value(sample))); got != want {
			t.Errorf("%s: got %q, want %q", source, got, want)
		}
	}
}

// TestNullInputs: what has nothing to read gives nothing, and panics nowhere.
func TestNullInputs(t *testing.T) {
	for _, source := range []string{"quantity * price", "first + last", "upper(first)", "due + 1", "addSeconds(at, price)", "days(due, due)",
		"addMonths(due, quantity)", "date(at)", "left(first, quantity)", "-price", "abs(price)", "round(price)", "quantity / price",
		"text(due)", "weekday(due)", "coalesce(first, last)", "max(due, due)", "done"} {
		p, err := formula.Compile(source, scope)
		if err != nil {
			t.Fatal(source, err)
		}
		f, err := p.As(p.Type())
		if err != nil {
			t.Fatal(source, err)
		}
		if v := f.Value(row{}); !v.IsNull() {
			t.Errorf("%s of nothing is %v", source, v)
		}
	}
}

// TestFaults says what is refused, where, and what was expected.
func TestFaults(t *testing.T) {
	for source, want := range map[string]string{
		"":                                  "at character 1: expected a field, a constant, a function or (, got the end",
		"1 +":                               "at character 4: expected a field, a constant, a function or (, got the end",
		"(1":                                "at character 3: expected ), got the end",
		"1 2":                               "at character 3: expected an operator or the end, got 2",
		"price = 1":                         "at character 7: expected == to compare",
		"price # 1":                         "at character 7: expected a field, a constant, an operator or a bracket",
		`"ä" + missing`:                     "at character 7: the form has no field missing",
		"now()":                             "at character 1: there is no function now",
		"first * 2":                         "at character 1: expected a number, got a text",
		"1 + first":                         "at character 5: expected a number, got a text",
		"first + 1":                         "at character 9: expected a text, got a number; text(…) makes one",
		"first - last":                      "at character 1: expected a number or a date, got a text",
		"first == 1":                        "at character 10: expected a text, got a number",
		"empty == null":                     "at character 10: expected a value; isNull tests for null",
		"tags == tags":                      "at character 1: expected a single value; has tests a multi-choice",
		"done < true":                       "at character 1: conditions are compared by == and != only",
		"1 < quantity < 3":                  "at character 14: expected and or or between two comparisons",
		`status == "LOST"`:                  `at character 11: expected one of "OPEN", "WON"`,
		`has(tags, "blue")`:                 `at character 11: expected one of "red", "green"`,
		"not price":                         "at character 5: expected a condition, got a number",
		"done and price":                    "at character 10: expected a condition, got a number",
		"if(price, 1, 2)":                   "at character 4: expected a condition, got a number: if(condition, then, else)",
		"if(done, 1, first)":                "at character 13: expected a number, got a text",
		"if(done, null, null)":              "at character 10: expected a value besides null",
		"if(done, 1)":                       "at character 1: expected if(condition, then, else)",
		"null":                              "at character 1: expected a number, a text, a condition, a date or a date-time, got null",
		"tags":                              "at character 1: expected a number, a text, a condition, a date or a date-time, got a multi-choice",
		"customer":                          "at character 1: a field of type lookup is not read by formulas",
		"isNull(owner2)":                    "at character 8: a field of type user is not read by formulas",
		"round(price, quantity)":            "at character 14: expected a whole number from 0 to 9 that is written out",
		"round(price, 10)":                  "at character 14: expected a whole number from 0 to 9 that is written out",
		"left(first, 1.5)":                  "at character 13: expected a whole number; round, floor and ceil make one",
		"due + 1.5":                         "at character 7: expected a whole number of days behind a date, or a date behind a date and -; date-times take addDays, addSeconds and seconds",
		"at - at":                           "at character 6: expected a whole number of days behind a date, or a date behind a date and -; date-times take addDays, addSeconds and seconds",
		`date("2024-13-01")`:                `at character 6: expected a date like "2006-01-31"`,
		"date(first)":                       `at character 6: expected a date-time, or a date like "2006-01-31" that is written out`,
		"dateTime(first)":                   "at character 10: expected a date-time that is written out",
		`"abc`:                              `at character 1: expected " at the end of a text`,
		`"a\n"`:                             `at character 1: expected \" or \\ behind a backslash in a text`,
		"1.":                                "at character 1: expected 1 to 9 digits behind the point",
		"12ab":                              "at character 1: expected a number of at most 17 digits, like 12 or 0.25",
		"1234567890123456789":               "at character 1: expected a number of at most 17 digits, like 12 or 0.25",
		"and":                               "at character 1: expected a field, a constant, a function or (, got and",
		"max(first, last)":                  "at character 5: expected a number, a date or a date-time, got a text",
		strings.Repeat("(", 40):             "at character 33: expected at most 32 levels",
		strings.Repeat("-", 40):             "at character 32: expected at most 32 levels",
		strings.Repeat("not ", 40) + "done": "at character 125: expected at most 32 levels",
		"1" + strings.Repeat("+1", 150):     "at character 200: expected at most 200 operators, functions, fields and constants",
		"1" + strings.Repeat(" ", formula.MaxSource): "at character 1: expected at most 2000 bytes",
		"\xff": "at character 1: expected UTF-8 without NUL",
	} {
		_, err := formula.Compile(source, scope)
		if at, ok := errors.AsType[*formula.Error](err); !ok || at.Error() != want {
			t.Errorf("%.60s:\n got %v\nwant %s", source, err, want)
		}
	}
}

// TestResults says which results a declaration takes.
func TestResults(t *testing.T) {
	for _, c := range []struct {
		source string
		as     record.Type
		scale  uint8
		want   string // "!" for a refusal
	}{
		{"price * quantity", record.Decimal, 0, "60"},
		{"price * quantity", record.Decimal, 1, "60.0"},
		{"price * -quantity", record.Decimal, 0, "-60"},
		{"price / 10", record.Decimal, 2, "2.00"},
		{"quantity", record.Decimal, 3, "3.000"},
		{"huge", record.Decimal, 1, ""},
		{"price", record.Integer, 0, "!"},
		{"round(price)", record.Integer, 0, "20"},
		{"price", record.Text, 0, "!"},
		{"first", record.Boolean, 0, "!"},
		{"due", record.DateTime, 0, "!"},
		{"left(note, 1001)", record.Text, 0, ""},
		{"left(note, 3)", record.Text, 0, "xxx"},
	} {
		p, err := formula.Compile(c.source, scope)
		if err != nil {
			t.Fatal(c.source, err)
		}
		f, err := p.As(c.as, c.scale)
		if (err != nil) != (c.want == "!") {
			t.Errorf("%s as %s: %v", c.source, c.as, err)
		}
		if err != nil {
			continue
		}
		if got := string(record.AppendText(nil, &record.Field{Type: c.as, Scale: c.scale}, f.Value(sample))); got != c.want {
			t.Errorf("%s as %s: got %q, want %q", c.source, c.as, got, c.want)
		}
	}
}

// TestCostAddsUp: formulas that read each other twice grow by powers of two, and
// are refused before they do.
func TestCostAddsUp(t *testing.T) {
	last := &record.Field{Number: 16, Name: "x", Type: record.Integer}
	for n := uint32(17); ; n++ {
		p, err := formula.Compile("x + x", func(string) (*record.Field, bool) { return last, true })
		if err != nil {
			if n < 20 || !strings.Contains(err.Error(), "takes more than 1000 steps") {
				t.Fatalf("at level %d: %v", n, err)
			}
			break
		}
		f, err := p.As(record.Integer, 0)
		if err != nil || f.Cost > formula.MaxCost {
			t.Fatalf("level %d costs %d: %v", n, f.Cost, err)
		}
		if !f.Reads.Has(16) || !f.Reads.Has(n-1) || f.Reads.Has(n) {
			t.Fatalf("level %d reads %v", n, f.Reads.Numbers())
		}
		last = &record.Field{Number: n, Name: "x", Type: record.Integer, Formula: f}
	}
}

func TestNames(t *testing.T) {
	got := strings.Join(formula.Names(`if(done, price + price, length(first)) == "last" and broken #`), " ")
	if got != "done price first and broken" {
		t.Errorf("got %q", got)
	}
}

// FuzzCompile: whatever is compiled is evaluated without a panic, twice to the
// same result, and a value of the type that it claims.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{"quantity * price * (1 - discount)", `first + " " + last`, "if(isNull(due), addMonths(due, 1), date(at))", "((", "1e5", `"\"`,
		"-huge * huge / price % 3", "seconds(at, addSeconds(at, price))"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		p, err := formula.Compile(source, scope)
		if err != nil {
			return
		}
		typ, scale := p.Type()
		made, err := p.As(typ, scale)
		if err != nil {
			t.Fatal(err)
		}
		for _, cells := range []row{sample, {}} {
			v, again := made.Value(cells), made.Value(cells)
			if !v.Equal(again) || !v.IsNull() && v.Kind() != typ.Kind() {
				t.Fatalf("%v and %v as %s", v, again, typ)
			}
		}
	})
}

// BenchmarkLineTotal is one formula on one record.
func BenchmarkLineTotal(b *testing.B) {
	p, err := formula.Compile("round(quantity * price * (1 - discount), 2)", scope)
	if err != nil {
		b.Fatal(err)
	}
	f, err := p.As(record.Decimal, 2)
	if err != nil {
		b.Fatal(err)
	}
	r := record.Encode(record.ID{1}, record.Header{}, record.Record{}, map[uint32]record.Value{16: record.Int(3), 17: record.Int(1999), 18: record.Int(1250)})
	b.ReportAllocs()
	for b.Loop() {
		f.Value(r)
	}
}
