package record

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

const (
	secondMicros = int64(time.Second / time.Microsecond)
	dayMicros    = daySeconds * secondMicros
)

// parseTime reads the partial-time of RFC 3339, and hours and minutes alone, as
// browsers write them.
func parseTime(src any) (Value, error) {
	if src == nil {
		return Value{}, nil
	}
	if s, ok := src.(string); ok {
		if shaped(s, "00:00") {
			s += ":00"
		}
		head, places, point := strings.Cut(s, ".")
		if shaped(head, "00:00:00") && (!point || places != "" && len(places) <= 6 && allDigits(places)) {
			if t, err := time.Parse("15:04:05", head); err == nil {
				seconds := int64(t.Hour()*3600 + t.Minute()*60 + t.Second())
				return Int(seconds*secondMicros + microsOf(places)), nil
			}
		}
	}
	return Value{}, invalid(`a time of day with at most 6 places of a second, like "15:04:05" or "15:04"`)
}

// microsOf reads up to six places of a second.
func microsOf(places string) int64 {
	n, _ := strconv.ParseInt((places + "000000")[:6], 10, 64) // digits only
	return n
}

func appendTime(dst []byte, micros int64) []byte {
	return time.UnixMicro(micros).UTC().AppendFormat(dst, "15:04:05.999999")
}

// parseDuration reads the dayTimeDuration of XML Schema: ISO 8601 without years
// and months, whose length nobody knows. A day has 24 hours.
func parseDuration(src any) (Value, error) {
	if src == nil {
		return Value{}, nil
	}
	if s, ok := src.(string); ok && len(s) <= 64 {
		if n, ok := duration(s); ok {
			return Int(n), nil
		}
	}
	return Value{}, invalid(`a duration of days, hours, minutes and seconds with at most 6 places, like "P1DT2H30M" or "PT0.5S"`)
}

func duration(s string) (int64, bool) {
	body, negative := strings.CutPrefix(s, "-")
	body, ok := strings.CutPrefix(body, "P")
	if !ok || body == "" {
		return 0, false
	}
	days, clock, timed := strings.Cut(body, "T")
	if timed && clock == "" {
		return 0, false
	}
	total := new(big.Int)
	rest, ok := units(total, days, []unit{{'D', dayMicros}})
	if ok && rest == "" && timed {
		rest, ok = units(total, clock, []unit{{'H', 3600 * secondMicros}, {'M', 60 * secondMicros}, {'S', secondMicros}})
	}
	if !ok || rest != "" {
		return 0, false
	}
	if negative {
		total.Neg(total)
	}
	return total.Int64(), total.IsInt64() && total.Int64() != math.MinInt64
}

// unit is one letter of a duration and its length in microseconds.
type unit struct {
	letter byte
	micros int64
}

// units adds the numbers before the letters, which stand in this order, each at
// most once, and returns what is left.
func units(total *big.Int, s string, us []unit) (rest string, ok bool) {
	for _, u := range us {
		i := strings.IndexByte(s, u.letter)
		if i < 0 {
			continue
		}
		whole, places, point := strings.Cut(s[:i], ".")
		if whole == "" || !allDigits(whole) || point && (u.letter != 'S' || places == "" || len(places) > 6 || !allDigits(places)) {
			return s, false
		}
		n, _ := new(big.Int).SetString(whole, 10)
		total.Add(total, n.Mul(n, big.NewInt(u.micros)))
		total.Add(total, big.NewInt(microsOf(places)))
		s = s[i+1:]
	}
	return s, true
}

// appendDuration writes the canonical form of XML Schema: the largest units that
// fit, none that is zero.
func appendDuration(dst []byte, micros int64) []byte {
	if micros == 0 {
		return append(dst, "PT0S"...)
	}
	u := uint64(micros)
	if micros < 0 {
		dst = append(dst, '-')
		u = -u
	}
	dst = append(dst, 'P')
	if days := u / uint64(dayMicros); days > 0 {
		dst = append(strconv.AppendUint(dst, days, 10), 'D')
	}
	if u %= uint64(dayMicros); u > 0 {
		dst = append(dst, 'T')
	}
	for _, part := range [...]unit{{'H', 3600 * secondMicros}, {'M', 60 * secondMicros}} {
		if n := u / uint64(part.micros); n > 0 {
			dst = append(strconv.AppendUint(dst, n, 10), part.letter)
		}
		u %= uint64(part.micros)
	}
	if u == 0 {
		return dst
	}
	dst = strconv.AppendUint(dst, u/uint64(secondMicros), 10)
	if u %= uint64(secondMicros); u > 0 {
		dst = append(dst, '.')
		for unit := uint64(secondMicros) / 10; u > 0; unit /= 10 {
			dst = append(dst, byte('0'+u/unit))
			u %= unit
		}
	}
	return append(dst, 'S')
}
