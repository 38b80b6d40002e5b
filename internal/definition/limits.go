package definition

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"sluice/internal/fault"
	"sluice/internal/record"
)

// maxPattern bounds a pattern, in characters.
const maxPattern = 200

// Limits are the bounds on the values of a field. They are checked when a value
// is written; stored values stay as they are. The zero Limits bound nothing.
type Limits struct {
	// Min and Max bound numbers, dates and times, both included; null for none.
	Min, Max record.Value
	// MinLength and MaxLength bound texts, in characters, and lists, in items;
	// 0 for none.
	MinLength, MaxLength int
	// Pattern is a regular expression of RE2 that whole texts match, "" for none.
	Pattern string

	compiled *regexp.Regexp // of Pattern, where a document or its stored form was read
}

// bounded says which bounds fields of a type may have.
func bounded(t record.Type) (numbers, lengths, pattern bool) {
	switch t {
	case record.Text, record.LongText, record.Email, record.URL:
		return false, true, true
	case record.Phone:
		return false, false, true
	case record.Integer, record.Decimal, record.Currency, record.Percent, record.Date, record.DateTime, record.Time, record.Duration:
		return true, false, false
	}
	return false, t == record.MultiChoice || t.Refs(), false
}

// Check reports a value that is outside of the bounds, as a [fault.Error] of
// kind Invalid that says what was expected and nothing of the value. Null is
// within.
func (f *Field) Check(v record.Value) error {
	if v.IsNull() {
		return nil
	}
	n := 0
	switch v.Kind() {
	case record.KindInt:
		if !f.Min.IsNull() && v.Compare(f.Min) < 0 || !f.Max.IsNull() && v.Compare(f.Max) > 0 {
			return fault.New(fault.Invalid, "", "expected a value %s", f.interval())
		}
		return nil
	case record.KindText:
		n = utf8.RuneCount(v.Text())
	case record.KindList:
		n = len(v.List())
	}
	if n < f.MinLength || f.MaxLength > 0 && n > f.MaxLength {
		return fault.New(fault.Invalid, "", "expected %s", f.lengths(v.Kind()))
	}
	if f.Pattern == "" || v.Kind() != record.KindText {
		return nil
	}
	re, err := f.expression()
	if err != nil || !re.Match(v.Text()) {
		return fault.New(fault.Invalid, "", "expected text of the pattern %s", f.Pattern)
	}
	return nil
}

func (f *Field) interval() string {
	text := func(v record.Value) string { return string(record.AppendText(nil, &f.Field, v)) }
	switch {
	case f.Max.IsNull():
		return "of at least " + text(f.Min)
	case f.Min.IsNull():
		return "of at most " + text(f.Max)
	}
	return "from " + text(f.Min) + " to " + text(f.Max)
}

func (f *Field) lengths(k record.Kind) string {
	unit := "characters"
	if k == record.KindList {
		unit = "items"
	}
	switch {
	case f.MaxLength == 0:
		return fmt.Sprintf("at least %d %s", f.MinLength, unit)
	case f.MinLength == 0:
		return fmt.Sprintf("at most %d %s", f.MaxLength, unit)
	}
	return fmt.Sprintf("%d to %d %s", f.MinLength, f.MaxLength, unit)
}

// expression returns the pattern anchored at both ends.
func (l *Limits) expression() (*regexp.Regexp, error) {
	if l.compiled != nil {
		return l.compiled, nil
	}
	return regexp.Compile(`\A(?:` + l.Pattern + `)\z`)
}

// readLimits reads min, max, minLength, maxLength and pattern.
func (r *resolver) readLimits(o object, x *Field) {
	numbers, lengths, pattern := bounded(x.Type)
	r.unbounded(o, x, numbers, "min", "max")
	r.unbounded(o, x, lengths, "minLength", "maxLength")
	r.unbounded(o, x, pattern, "pattern")
	if numbers {
		x.Min, x.Max = r.bound(o, "min", x), r.bound(o, "max", x)
		if !x.Min.IsNull() && !x.Max.IsNull() && x.Min.Compare(x.Max) > 0 {
			r.fail(o.of("max"), "expected no less than min")
		}
	}
	if lengths {
		x.MinLength, x.MaxLength = r.length(o, "minLength"), r.length(o, "maxLength")
		if x.MaxLength > 0 && x.MinLength > x.MaxLength {
			r.fail(o.of("maxLength"), "expected no less than minLength")
		}
	}
	if pattern {
		r.readPattern(o, x)
	}
}

func (r *resolver) unbounded(o object, x *Field, fits bool, keys ...string) {
	for _, key := range keys {
		if o.has(key) && !fits {
			r.fail(o.of(key), "a field of type %s has no %s", x.Type, key)
		}
	}
}

func (r *resolver) bound(o object, key string, x *Field) record.Value {
	if !o.has(key) {
		return record.Value{}
	}
	v := o.members[key]
	parsed, err := record.ParseValue(&x.Field, r.plain(v, 0))
	switch {
	case err != nil:
		r.fail(v.at, "%v", err)
	case parsed.IsNull():
		r.fail(v.at, "expected a value; leave %s out for none", key)
	}
	return parsed
}

func (r *resolver) length(o object, key string) int {
	if !o.has(key) {
		return 0
	}
	v := o.members[key]
	expected := fmt.Sprintf("a number from 1 to %d", record.MaxLongText)
	if !r.expect(v, "int", expected) {
		return 0
	}
	n, err := strconv.Atoi(v.n.Value)
	if err != nil || n < 1 || n > record.MaxLongText {
		r.fail(v.at, "expected %s", expected)
		return 0
	}
	return n
}

func (r *resolver) readPattern(o object, x *Field) {
	x.Pattern = r.text(o, "pattern", maxPattern)
	if x.Pattern == "" {
		return
	}
	re, err := x.expression()
	if err != nil || strings.Contains(x.Pattern, "\n") {
		r.fail(o.of("pattern"), "expected a regular expression of RE2 on one line")
		return
	}
	x.compiled = re
}

// storedLimits is the stored form of limits.
type storedLimits struct {
	Min, Max             json.RawMessage `json:",omitempty"`
	MinLength, MaxLength int             `json:",omitempty"`
	Pattern              string          `json:",omitempty"`
}

func (f *Field) storeLimits() storedLimits {
	s := storedLimits{MinLength: f.MinLength, MaxLength: f.MaxLength, Pattern: f.Pattern}
	if !f.Min.IsNull() {
		s.Min = record.AppendJSON(nil, &f.Field, f.Min)
	}
	if !f.Max.IsNull() {
		s.Max = record.AppendJSON(nil, &f.Field, f.Max)
	}
	return s
}

func (f *Field) loadLimits(s storedLimits) (err error) {
	f.MinLength, f.MaxLength, f.Pattern = s.MinLength, s.MaxLength, s.Pattern
	if len(s.Min) > 0 {
		if f.Min, err = storedValue(f, s.Min); err != nil {
			return err
		}
	}
	if len(s.Max) > 0 {
		if f.Max, err = storedValue(f, s.Max); err != nil {
			return err
		}
	}
	if f.Pattern != "" {
		f.compiled, err = f.expression()
	}
	return err
}

// storedValue reads a value of the field from its JSON form.
func storedValue(x *Field, b json.RawMessage) (record.Value, error) {
	var src any
	if err := strict(b, &src); err != nil {
		return record.Value{}, err
	}
	return record.ParseValue(&x.Field, src)
}
