package formula

import (
	"bytes"
	"math/big"

	"sluice/internal/record"
)

// kind is the type of an expression. The zero kind is that of the word null.
type kind uint8

const (
	nullKind kind = iota
	numberKind
	textKind
	booleanKind
	dateKind
	momentKind // date-time
	listKind   // multi-choice
)

var kindNames = [...]string{"null", "a number", "a text", "a condition", "a date", "a date-time", "a multi-choice"}

func (k kind) String() string { return kindNames[k] }

// val is the result of an expression on one record. The zero val is null.
type val struct {
	ok  bool
	n   int64    // a number that fits, a boolean, days or microseconds
	big *big.Int // a number that does not
	s   []byte   // a text, or the body of nothing else
	v   record.Value
}

type eval func(c record.Cells) val

// node is an expression that is typed and ready to run.
type node struct {
	kind     kind
	scale    int // of a number
	eval     eval
	at       int
	constant *string  // of a text or a whole number that is written out
	choices  []string // of a choice
}

func boolean(b bool) val {
	v := val{ok: true}
	if b {
		v.n = 1
	}
	return v
}

// holds reports whether a condition is met: null is not.
func (v val) holds() bool { return v.ok && v.n != 0 }

func condition(e func(c record.Cells) bool) node {
	return node{kind: booleanKind, eval: func(c record.Cells) val { return boolean(e(c)) }}
}

func short(s []byte) val {
	if len(s) > MaxText {
		return val{}
	}
	return val{ok: true, s: s}
}

// cell is the expression that reads a field.
func cell(f *record.Field) (node, bool) {
	n := node{choices: f.Choices}
	switch f.Type {
	case record.Integer:
		n.kind = numberKind
	case record.Decimal, record.Currency, record.Percent:
		n.kind, n.scale = numberKind, int(f.Scale)
	case record.Duration: // seconds; stored as microseconds
		n.kind, n.scale = numberKind, 6
	case record.Text, record.LongText, record.Email, record.Phone, record.URL, record.Choice:
		n.kind = textKind
	case record.Boolean:
		n.kind = booleanKind
	case record.Date:
		n.kind = dateKind
	case record.DateTime:
		n.kind = momentKind
	case record.MultiChoice:
		n.kind, n.choices = listKind, f.Choices
	default:
		return node{}, false
	}
	want := f.Type.Kind()
	n.eval = func(c record.Cells) val {
		v := c.Get(f)
		if v.Kind() != want {
			return val{}
		}
		switch want {
		case record.KindText:
			return val{ok: true, s: v.Text()}
		case record.KindBool:
			return boolean(v.Bool())
		case record.KindList:
			return val{ok: true, v: v}
		}
		return number(v.Int())
	}
	return n, true
}

// compared compares two expressions of one kind.
func compared(op string, a, b node) node {
	compare := compareNumbers
	if a.kind == textKind {
		compare = func(x, y val) int { return bytes.Compare(x.s, y.s) }
	}
	e, _ := aligned(a, b, func(x, y val) val { return number(int64(compare(x, y))) })
	return condition(func(c record.Cells) bool { return relation(op, e(c)) })
}

// relation reads the outcome of a comparison, null where a side is null: then
// nothing holds but !=.
func relation(op string, v val) bool {
	if !v.ok {
		return op == "!="
	}
	switch op {
	case "==":
		return v.n == 0
	case "!=":
		return v.n != 0
	case "<":
		return v.n < 0
	case "<=":
		return v.n <= 0
	case ">":
		return v.n > 0
	}
	return v.n >= 0
}

// joined is a text followed by another.
func joined(parts []node, nullIsEmpty bool) node {
	return node{kind: textKind, eval: func(c record.Cells) val {
		out := []byte{}
		for _, p := range parts {
			v := p.eval(c)
			if !v.ok && !nullIsEmpty || len(out)+len(v.s) > MaxText {
				return val{}
			}
			out = append(out, v.s...)
		}
		return val{ok: true, s: out}
	}}
}
