package formula

import (
	"time"

	"sluice/internal/record"
)

// Bounds of dates, in days since 1970, and of date-times: the years 0 to 9999.
const (
	firstDay  = -719528
	lastDay   = 2932896
	dayMicros = 24 * 60 * 60 * 1_000_000
)

func dated(days int64) val {
	if days < firstDay || days > lastDay {
		return val{}
	}
	return number(days)
}

func moment(micros int64) val {
	if micros < firstDay*dayMicros || micros >= (lastDay+1)*dayMicros {
		return val{}
	}
	return number(micros)
}

// moved adds a number of days, each of so many units, to a date or date-time.
func moved(a, n node, unit int64) node {
	left, right, within := a.eval, n.eval, dated
	if a.kind == momentKind {
		within = moment
	}
	return node{kind: a.kind, eval: func(c record.Cells) val {
		x, y := left(c), right(c)
		if !x.ok || !y.ok {
			return val{}
		}
		// No step is longer than the calendar.
		if y.big != nil || y.n > 2*lastDay*dayMicros/unit || y.n < -2*lastDay*dayMicros/unit {
			return val{}
		}
		return within(x.n + y.n*unit)
	}}
}

func addDays(p *parser, a []node) (node, error) {
	if a[0].kind != dateKind && a[0].kind != momentKind {
		return node{}, p.fail(a[0].at, "expected a date or a date-time, got %s", a[0].kind)
	}
	if a[1].kind != numberKind || a[1].scale != 0 {
		return node{}, p.fail(a[1].at, "expected a whole number of days")
	}
	unit := int64(1)
	if a[0].kind == momentKind {
		unit = dayMicros
	}
	return moved(a[0], a[1], unit), nil
}

func addSeconds(a []node) node {
	micros := scaled(node{kind: numberKind, scale: a[1].scale, eval: a[1].eval}, 6)
	return moved(a[0], node{eval: micros}, 1)
}

func seconds(a []node) node {
	n := difference(asNumber(a[1]), asNumber(a[0]))
	n.scale = 6
	return n
}

// civil returns year, month and day of days since 1970.
func civil(days int64) (y, m, d int64) {
	t := time.Unix(days*24*60*60, 0).UTC()
	return int64(t.Year()), int64(t.Month()), int64(t.Day())
}

func daysOf(y, m, d int64) int64 {
	return time.Date(int(y), time.Month(m), int(d), 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60)
}

// addMonths keeps the day of the month, or takes the last one where the month is
// shorter.
func addMonths(p *parser, a []node) (node, error) {
	if a[1].scale != 0 {
		return node{}, p.fail(a[1].at, "expected a whole number of months")
	}
	left, right := a[0].eval, a[1].eval
	return node{kind: dateKind, eval: func(c record.Cells) val {
		x, n := left(c), right(c)
		if !x.ok || !n.ok || n.big != nil || n.n > 120_000 || n.n < -120_000 {
			return val{}
		}
		y, m, d := civil(x.n)
		months := y*12 + m - 1 + n.n
		if months < 0 || months >= 120_000 {
			return val{}
		}
		first := daysOf(months/12, months%12+1, 1)
		next := daysOf((months+1)/12, (months+1)%12+1, 1)
		return dated(min(first+d-1, next-1))
	}}, nil
}

func partOf(part func(y, m, d int64) int64) func([]node) node {
	return func(a []node) node {
		inner := a[0].eval
		return node{kind: numberKind, eval: func(c record.Cells) val {
			v := inner(c)
			if !v.ok {
				return v
			}
			return number(part(civil(v.n)))
		}}
	}
}

func weekday(a []node) node {
	inner := a[0].eval
	return node{kind: numberKind, eval: func(c record.Cells) val {
		v := inner(c)
		if !v.ok {
			return v
		}
		return number(((v.n+3)%7+7)%7 + 1) // day 0 was a Thursday
	}}
}

// dateOf is the day of a date-time in UTC, or a constant.
func dateOf(p *parser, a []node) (node, error) {
	switch {
	case a[0].kind == textKind && a[0].constant != nil:
		return constantOf(p, a[0], record.Date, dateKind)
	case a[0].kind != momentKind:
		return node{}, p.fail(a[0].at, `expected a date-time, or a date like "2006-01-31" that is written out`)
	}
	inner := a[0].eval
	return node{kind: dateKind, eval: func(c record.Cells) val {
		v := inner(c)
		if !v.ok {
			return v
		}
		days := v.n / dayMicros
		if v.n%dayMicros < 0 {
			days--
		}
		return number(days)
	}}, nil
}

func momentOf(p *parser, a []node) (node, error) {
	if a[0].constant == nil {
		return node{}, p.fail(a[0].at, "expected a date-time that is written out")
	}
	return constantOf(p, a[0], record.DateTime, momentKind)
}

func constantOf(p *parser, a node, t record.Type, k kind) (node, error) {
	parsed, err := record.ParseValue(&record.Field{Type: t}, *a.constant)
	if err != nil {
		return node{}, p.fail(a.at, "%v", err)
	}
	v := number(parsed.Int())
	return node{kind: k, eval: func(record.Cells) val { return v }}, nil
}
