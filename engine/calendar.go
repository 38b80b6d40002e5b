package engine

import (
	"regexp"
	"time"
	_ "time/tzdata" // the same zones on every machine that has none of its own

	"sluice/internal/fault"
	"sluice/internal/record"
)

// ZoneOf returns the zone of a name of the tz database, such as Europe/Berlin;
// Invalid for any other text.
func ZoneOf(name string) (*time.Location, error) {
	if zoneForm.MatchString(name) && name != "Local" {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone, nil
		}
	}
	return nil, fault.New(fault.Invalid, opAggregate, "timeZone: expected a name of the tz database, such as Europe/Berlin")
}

var zoneForm = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]{0,31}(/[A-Z][A-Za-z0-9_+-]{0,31}){0,2}$`)

// Unit is a part of the calendar that dates are grouped by. The zero Unit is the
// value itself.
type Unit uint8

// The units. Weeks are those of ISO 8601: they begin on Monday.
const (
	WholeValue Unit = iota
	Day
	Week
	Month
	Quarter
	Year
)

// fits reports whether values of the type can be grouped by the unit.
func (u Unit) fits(t record.Type) bool {
	return u == WholeValue || u <= Year && (t == record.Date || t == record.DateTime)
}

const (
	microsPerDay  = 24 * 60 * 60 * 1_000_000
	secondsPerDay = 24 * 60 * 60
	firstDay      = -719_528 // 0000-01-01, before which there are no dates
	maxBegins     = 4096
)

// calendar finds the part of the calendar that a date or date-time lies in.
type calendar struct {
	unit    Unit
	instant bool // values are date-times
	zone    *time.Location
	begins  map[int64]int64 // first day of the part by day
	// The last period without a change of the zone's offset, in seconds.
	from, to, offset int64
}

// newCalendar returns nil for the value itself.
func newCalendar(t record.Type, u Unit, zone *time.Location) *calendar {
	if u == WholeValue {
		return nil
	}
	return &calendar{unit: u, instant: t == record.DateTime, zone: zone, begins: map[int64]int64{}}
}

// part returns the first day of the part that a value lies in, as a number of
// days; null for null.
func (c *calendar) part(v record.Value) record.Value {
	if v.IsNull() {
		return v
	}
	day := v.Int()
	if c.instant {
		day = c.localDay(v.Int())
	}
	first, ok := c.begins[day]
	if !ok {
		if len(c.begins) >= maxBegins {
			clear(c.begins)
		}
		first = max(c.firstDayOf(day), firstDay)
		c.begins[day] = first
	}
	return record.Int(first)
}

// begin turns what part returned into a value of the field: the day, or the
// instant at which it begins in the zone.
func (c *calendar) begin(part record.Value) record.Value {
	if part.IsNull() || !c.instant {
		return part
	}
	return record.Int(max(startOf(part.Int(), c.zone).UnixMicro(), firstDay*microsPerDay))
}

// localDay is the day of an instant in the zone.
func (c *calendar) localDay(micros int64) int64 {
	seconds := floorDiv(micros, 1_000_000)
	if c.zone == time.UTC {
		return floorDiv(seconds, secondsPerDay)
	}
	if seconds < c.from || seconds >= c.to {
		c.period(seconds)
	}
	return floorDiv(seconds+c.offset, secondsPerDay)
}

// period learns the offset of the zone around an instant.
func (c *calendar) period(seconds int64) {
	t := time.Unix(seconds, 0).In(c.zone)
	_, offset := t.Zone()
	start, end := t.ZoneBounds()
	c.offset, c.from, c.to = int64(offset), seconds, seconds+1
	if !start.IsZero() && !end.IsZero() {
		c.from, c.to = start.Unix(), end.Unix()
	}
}

func (c *calendar) firstDayOf(day int64) int64 {
	switch c.unit {
	case Day:
		return day
	case Week:
		return day - floorMod(day+3, 7) // day 0 was a Thursday
	}
	y, m, _ := time.Unix(day*secondsPerDay, 0).UTC().Date()
	switch c.unit {
	case Quarter:
		m -= (m - 1) % 3
	case Year:
		m = time.January
	}
	return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay
}

// startOf is the first instant of a day in a zone. Where clocks skip midnight it
// is the instant at which they do; where they repeat it, the first of the two.
func startOf(day int64, zone *time.Location) time.Time {
	y, m, d := time.Unix(day*secondsPerDay, 0).UTC().Date()
	t := time.Date(y, m, d, 0, 0, 0, 0, zone)
	if within := func(t time.Time) bool { _, _, x := t.Date(); return x == d }; !within(t) {
		if _, end := t.ZoneBounds(); !end.IsZero() && within(end) {
			return end
		}
		return t
	}
	start, _ := t.ZoneBounds()
	if start.IsZero() {
		return t
	}
	// The same reading of the clock under the offset before.
	_, now := t.Zone()
	_, before := start.Add(-time.Second).Zone()
	if first := t.Add(time.Duration(now-before) * time.Second); first.Before(start) && first.Before(t) {
		return first
	}
	return t
}

func floorDiv(a, b int64) int64 { return (a - floorMod(a, b)) / b }

func floorMod(a, b int64) int64 {
	m := a % b
	if m < 0 {
		m += b
	}
	return m
}
