package formula

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"sluice/internal/record"
)

// function is what a name before a bracket stands for.
type function struct {
	says        string
	least, most int
	takes       []kind // of the first arguments, checked before build
	build       func(p *parser, args []node) (node, error)
}

const num, txt, cond, day, mom = numberKind, textKind, booleanKind, dateKind, momentKind

var functions = map[string]function{
	"abs":   {"abs(number)", 1, 1, []kind{num}, plain(absolute)},
	"round": {"round(number, places), places from 0 to 9 written out", 1, 2, []kind{num}, round},
	"floor": {"floor(number)", 1, 1, []kind{num}, plain(func(a []node) node { return rounded(a[0], 0, floorBig) })},
	"ceil":  {"ceil(number)", 1, 1, []kind{num}, plain(func(a []node) node { return rounded(a[0], 0, ceilBig) })},
	"min":   {"min(a, b, …) of numbers, dates or date-times", 2, MaxNodes, nil, extreme("<")},
	"max":   {"max(a, b, …) of numbers, dates or date-times", 2, MaxNodes, nil, extreme(">")},

	"length":     {"length(text)", 1, 1, []kind{txt}, plain(length)},
	"upper":      {"upper(text)", 1, 1, []kind{txt}, plain(mapped(bytes.ToUpper))},
	"lower":      {"lower(text)", 1, 1, []kind{txt}, plain(mapped(bytes.ToLower))},
	"trim":       {"trim(text)", 1, 1, []kind{txt}, plain(mapped(bytes.TrimSpace))},
	"left":       {"left(text, count)", 2, 2, []kind{txt, num}, cut(func(_, n, size int64) (int64, int64) { return 0, min(n, size) })},
	"right":      {"right(text, count)", 2, 2, []kind{txt, num}, cut(func(_, n, size int64) (int64, int64) { return max(size-n, 0), size })},
	"substring":  {"substring(text, from, count), from counting from 1", 3, 3, []kind{txt, num, num}, cut(between)},
	"contains":   {"contains(text, part)", 2, 2, []kind{txt, txt}, plain(tested(bytes.Contains))},
	"startsWith": {"startsWith(text, part)", 2, 2, []kind{txt, txt}, plain(tested(bytes.HasPrefix))},
	"endsWith":   {"endsWith(text, part)", 2, 2, []kind{txt, txt}, plain(tested(bytes.HasSuffix))},
	"concat":     {"concat(text, …)", 1, MaxNodes, nil, concat},
	"text":       {"text(value)", 1, 1, nil, textOf},
	"has":        {"has(multi-choice, text)", 2, 2, []kind{listKind, txt}, has},

	"if":       {"if(condition, then, else)", 3, 3, []kind{cond}, choose},
	"coalesce": {"coalesce(a, b, …)", 2, MaxNodes, nil, coalesce},
	"isNull":   {"isNull(value)", 1, 1, nil, plain(isNull)},

	"date":       {`date(date-time) or date("2006-01-31")`, 1, 1, nil, dateOf},
	"dateTime":   {`dateTime("2006-01-31T15:04:05Z")`, 1, 1, []kind{txt}, momentOf},
	"days":       {"days(from, to) of two dates", 2, 2, []kind{day, day}, plain(func(a []node) node { return difference(asNumber(a[1]), asNumber(a[0])) })},
	"seconds":    {"seconds(from, to) of two date-times", 2, 2, []kind{mom, mom}, plain(seconds)},
	"addDays":    {"addDays(date or date-time, whole number)", 2, 2, nil, addDays},
	"addMonths":  {"addMonths(date, whole number)", 2, 2, []kind{day, num}, addMonths},
	"addSeconds": {"addSeconds(date-time, number)", 2, 2, []kind{mom, num}, plain(addSeconds)},
	"year":       {"year(date)", 1, 1, []kind{day}, plain(partOf(func(y, _, _ int64) int64 { return y }))},
	"month":      {"month(date)", 1, 1, []kind{day}, plain(partOf(func(_, m, _ int64) int64 { return m }))},
	"day":        {"day(date)", 1, 1, []kind{day}, plain(partOf(func(_, _, d int64) int64 { return d }))},
	"weekday":    {"weekday(date), 1 for Monday to 7 for Sunday", 1, 1, []kind{day}, plain(weekday)},
}

// Functions returns the names of all functions, in order.
func Functions() []string { return slices.Sorted(maps.Keys(functions)) }

// plain makes a build of a function that has nothing to refuse.
func plain(f func(args []node) node) func(*parser, []node) (node, error) {
	return func(_ *parser, args []node) (node, error) { return f(args), nil }
}

func absolute(a []node) node {
	inner := a[0].eval
	return node{kind: numberKind, scale: a[0].scale, eval: func(c record.Cells) val {
		v := inner(c)
		if v.ok && (v.big == nil && v.n < 0 || v.big != nil && v.big.Sign() < 0) {
			return negate(v)
		}
		return v
	}}
}

func round(p *parser, a []node) (node, error) {
	places := 0
	if len(a) == 2 {
		if a[1].kind != numberKind || a[1].scale != 0 || a[1].constant == nil {
			return node{}, p.fail(a[1].at, "expected a whole number from 0 to 9 that is written out")
		}
		n, err := strconv.Atoi(*a[1].constant)
		if err != nil || n > maxPlaces {
			return node{}, p.fail(a[1].at, "expected a whole number from 0 to 9 that is written out")
		}
		places = n
	}
	return rounded(a[0], places, roundBig), nil
}

// same checks that all are of one kind, null aside, and gives numbers one scale.
func (p *parser) same(args []node, nulls bool) (k kind, scale int, err error) {
	for _, a := range args {
		if a.kind == nullKind && nulls {
			continue
		}
		if k == nullKind {
			k = a.kind
		}
		if a.kind != k || a.kind == nullKind || a.kind == listKind {
			return k, 0, p.fail(a.at, "expected %s, got %s", k, a.kind)
		}
		scale = max(scale, a.scale)
	}
	if k == nullKind {
		return k, 0, p.fail(args[0].at, "expected a value besides null")
	}
	return k, scale, nil
}

// scaled evaluates a number to a larger scale.
func scaled(a node, scale int) eval {
	up, inner := scale-a.scale, a.eval
	if up == 0 || a.kind != numberKind {
		return inner
	}
	return func(c record.Cells) val { return rescale(inner(c), up) }
}

func scaledAll(args []node, scale int) []eval {
	out := make([]eval, len(args))
	for i, a := range args {
		out[i] = scaled(a, scale)
	}
	return out
}

func extreme(op string) func(*parser, []node) (node, error) {
	return func(p *parser, args []node) (node, error) {
		k, scale, err := p.same(args, false)
		if err == nil && (k == textKind || k == booleanKind) {
			err = p.fail(args[0].at, "expected a number, a date or a date-time, got %s", k)
		}
		all := scaledAll(args, scale)
		return node{kind: k, scale: scale, eval: func(c record.Cells) val {
			var best val
			for i, e := range all {
				v := e(c)
				if !v.ok {
					return val{}
				}
				if i == 0 || relation(op, number(int64(compareNumbers(v, best)))) {
					best = v
				}
			}
			return best
		}}, err
	}
}

func choose(p *parser, a []node) (node, error) {
	k, scale, err := p.same(a[1:], true)
	test, then, otherwise := a[0].eval, scaled(a[1], scale), scaled(a[2], scale)
	return node{kind: k, scale: scale, eval: func(c record.Cells) val {
		if test(c).holds() {
			return then(c)
		}
		return otherwise(c)
	}}, err
}

func coalesce(p *parser, a []node) (node, error) {
	k, scale, err := p.same(a, false)
	all := scaledAll(a, scale)
	return node{kind: k, scale: scale, eval: func(c record.Cells) val {
		for _, e := range all {
			if v := e(c); v.ok {
				return v
			}
		}
		return val{}
	}}, err
}

func isNull(a []node) node {
	inner := a[0].eval
	return condition(func(c record.Cells) bool { return !inner(c).ok })
}

func length(a []node) node {
	inner := a[0].eval
	return node{kind: numberKind, eval: func(c record.Cells) val {
		v := inner(c)
		if !v.ok {
			return v
		}
		return number(int64(utf8.RuneCount(v.s)))
	}}
}

func mapped(f func([]byte) []byte) func([]node) node {
	return func(a []node) node {
		inner := a[0].eval
		return node{kind: textKind, eval: func(c record.Cells) val {
			v := inner(c)
			if !v.ok || len(v.s) > MaxText {
				return val{}
			}
			return short(f(v.s))
		}}
	}
}

func tested(f func(s, part []byte) bool) func([]node) node {
	return func(a []node) node {
		left, right := a[0].eval, a[1].eval
		return condition(func(c record.Cells) bool {
			s, part := left(c), right(c)
			return s.ok && part.ok && f(s.s, part.s)
		})
	}
}

// cut makes a function that takes characters out of a text: which, says bounds
// from the numbers (the last two arguments, or 0 and the last) and the length.
func cut(bounds func(from, n, size int64) (low, high int64)) func(*parser, []node) (node, error) {
	return func(p *parser, a []node) (node, error) {
		for _, n := range a[1:] {
			if n.scale != 0 {
				return node{}, p.fail(n.at, "expected a whole number; round, floor and ceil make one")
			}
		}
		inner, count := a[0].eval, a[len(a)-1].eval
		from := func(record.Cells) val { return number(1) }
		if len(a) == 3 {
			from = a[1].eval
		}
		return node{kind: textKind, eval: func(c record.Cells) val {
			s, f, n := inner(c), from(c), count(c)
			if !s.ok || !f.ok || !n.ok || f.big != nil || n.big != nil || n.n < 0 || f.n < 1 {
				return val{}
			}
			return short(characters(s.s, f.n, n.n, bounds))
		}}, nil
	}
}

func characters(s []byte, from, n int64, bounds func(from, n, size int64) (low, high int64)) []byte {
	low, high := bounds(from, n, int64(utf8.RuneCount(s)))
	start := skip(s, low)
	return s[start : start+skip(s[start:], high-low)]
}

// skip returns how many bytes the first n characters take.
func skip(s []byte, n int64) int {
	at := 0
	for ; n > 0 && at < len(s); n-- {
		_, size := utf8.DecodeRune(s[at:])
		at += size
	}
	return at
}

func between(from, n, size int64) (low, high int64) {
	low = min(from-1, size)
	return low, low + min(n, size-low)
}

func concat(p *parser, a []node) (node, error) {
	for _, x := range a {
		if x.kind != textKind {
			return node{}, p.fail(x.at, "expected a text, got %s; text(…) makes one", x.kind)
		}
	}
	return joined(a, true), nil
}

var textTypes = map[kind]record.Type{booleanKind: record.Boolean, dateKind: record.Date, momentKind: record.DateTime}

// textOf writes a value as it stands in an export.
func textOf(p *parser, a []node) (node, error) {
	inner := a[0].eval
	write := func(v val) []byte { return v.s }
	switch k := a[0].kind; k {
	case nullKind, listKind:
		return node{}, p.fail(a[0].at, "expected a single value, got %s", k)
	case numberKind:
		places := a[0].scale
		write = func(v val) []byte { return appendNumber(nil, v, places) }
	case booleanKind:
		write = func(v val) []byte { return strconv.AppendBool(nil, v.n != 0) }
	case dateKind, momentKind:
		f := record.Field{Type: textTypes[k]}
		write = func(v val) []byte { return record.AppendText(nil, &f, record.Int(v.n)) }
	}
	return node{kind: textKind, eval: func(c record.Cells) val {
		v := inner(c)
		if !v.ok {
			return v
		}
		return short(write(v))
	}}, nil
}

func appendNumber(dst []byte, v val, places int) []byte {
	digits := v.bigInt().String()
	if digits[0] == '-' {
		dst, digits = append(dst, '-'), digits[1:]
	}
	for len(digits) <= places {
		digits = "0" + digits
	}
	dst = append(dst, digits[:len(digits)-places]...)
	if places > 0 {
		dst = append(append(dst, '.'), digits[len(digits)-places:]...)
	}
	return dst
}

func has(p *parser, a []node) (node, error) {
	list, item := a[0].eval, a[1].eval
	return condition(func(c record.Cells) bool {
		l, i := list(c), item(c)
		return l.ok && i.ok && l.v.Holds(i.s)
	}), p.declared(a[0].choices, a[1])
}
