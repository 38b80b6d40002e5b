package record

import (
	"strings"
	"time"
)

const (
	dateForm     = "2006-01-02"
	dateTimeForm = "2006-01-02T15:04:05.999999Z"
	daySeconds   = 24 * 60 * 60
)

func parseDate(src any) (Value, error) {
	if src == nil {
		return Value{}, nil
	}
	if s, ok := src.(string); ok && shaped(s, "0000-00-00") {
		if t, err := time.Parse(dateForm, s); err == nil {
			return Int(t.Unix() / daySeconds), nil
		}
	}
	return Value{}, invalid(`a date like "2006-01-31"`)
}

func parseDateTime(src any) (Value, error) {
	if src == nil {
		return Value{}, nil
	}
	if s, ok := src.(string); ok && dateTimeShaped(s) {
		t, err := time.Parse(time.RFC3339Nano, s)
		if y := t.UTC().Year(); err == nil && y >= 0 && y <= 9999 {
			return Int(t.UnixMicro()), nil
		}
	}
	return Value{}, invalid(`a date-time with zone and at most 6 places of a second, like "2006-01-31T15:04:05Z" or "2006-01-31T15:04:05.25+02:00"`)
}

// dateTimeShaped holds time.Parse to RFC 3339: by itself it reads one-digit
// hours and commas too.
func dateTimeShaped(s string) bool {
	const stamp = "0000-00-00T00:00:00"
	if len(s) <= len(stamp) || !shaped(s[:len(stamp)], stamp) {
		return false
	}
	rest := s[len(stamp):]
	if zone := strings.IndexAny(rest, "Z+-"); rest[0] == '.' && zone >= 0 {
		if zone < 2 || zone > 7 || !allDigits(rest[1:zone]) {
			return false
		}
		rest = rest[zone:]
	}
	return rest == "Z" || rest != "" && strings.IndexByte("+-", rest[0]) >= 0 && shaped(rest[1:], "00:00")
}

// shaped reports whether s is as form, with any digit where form has 0.
func shaped(s, form string) bool {
	if len(s) != len(form) {
		return false
	}
	for i := range len(s) {
		digit := s[i] >= '0' && s[i] <= '9'
		if form[i] == '0' && !digit || form[i] != '0' && s[i] != form[i] {
			return false
		}
	}
	return true
}

func appendDate(dst []byte, days int64) []byte {
	return time.Unix(days*daySeconds, 0).UTC().AppendFormat(dst, dateForm)
}

func appendDateTime(dst []byte, micros int64) []byte {
	return time.UnixMicro(micros).UTC().AppendFormat(dst, dateTimeForm)
}
