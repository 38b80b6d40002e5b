// Lets a record through for which every function of the library answers as the
// cases expect, and else names the first that does not.
package main

import "strings"

const team = 0

const (
	yes = iota
	nothing
	amount
	day
	moment
	clock
	span
	tags
	count
	title
	weekday
)

func failed(viewer, r Row) uint8 {
	own := viewer.Text(team)
	list := r.Items(tags)
	for i, holds := range []func() bool{
		func() bool { return r.Bool(yes) },
		func() bool { return r.IsNull(nothing) && !r.IsNull(yes) && r.Int(nothing) == 0 },
		func() bool { return r.Decimal(amount) == Units(-12, 2)-34 },
		func() bool { return r.Date(day) == Days(2024, 2, 29) },
		func() bool { return DayOf(r.DateTime(moment)) == r.Date(day) },
		func() bool { return Weekday(r.Date(day)) == r.Int(weekday) },
		func() bool { return r.Time(clock) == 15*Hour+4*Minute+5*Second },
		func() bool { return r.Duration(span) == Day+2*Hour },
		func() bool { return list.Has(own) },
		func() bool { return list.Has("press") && !list.Has("pres") },
		func() bool { return strings.HasPrefix(r.Text(title), own) && !strings.HasPrefix(own, r.Text(title)) },
		func() bool { return list.Len() == 2 && list.At(1) == "north" },
		func() bool { return r.Int(count) == -9000000000000000000 },
	} {
		if !holds() {
			return uint8(i + 1)
		}
	}
	return 0
}

func rule(viewer, record Row, out *Verdict) {
	out.Reason = failed(viewer, record)
	if out.Reason == 0 {
		out.Grant = LetThrough
	}
}
