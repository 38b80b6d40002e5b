package formula

import (
	"slices"
	"strings"
	"unicode/utf8"

	"sluice/internal/record"
)

// Program is a typed expression. It is immutable and safe for concurrent use.
type Program struct {
	root  node
	reads record.FieldSet
	names []string
	cost  int
}

// Compile parses and types an expression over the fields of a scope. The error
// is an [*Error]: the first thing that is wrong.
func Compile(source string, scope Scope) (*Program, error) {
	p := &parser{lex: lexer{rest: source, at: 1}, scope: scope}
	switch {
	case len(source) > MaxSource:
		return nil, p.fail(1, "expected at most %d bytes", MaxSource)
	case !utf8.ValidString(source) || strings.ContainsRune(source, 0):
		return nil, p.fail(1, "expected UTF-8 without NUL")
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	n, err := p.expression()
	switch {
	case err != nil:
		return nil, err
	case p.tok.kind != endToken:
		return nil, p.fail(p.tok.at, "expected an operator or the end, got %s", p.tok.says())
	case n.kind == nullKind || n.kind == listKind:
		return nil, p.fail(n.at, "expected a number, a text, a condition, a date or a date-time, got %s", n.kind)
	}
	return &Program{root: n, reads: p.reads, names: p.names, cost: p.cost}, nil
}

var results = map[kind]record.Type{
	textKind: record.Text, booleanKind: record.Boolean, dateKind: record.Date, momentKind: record.DateTime,
}

// Types are those that a formula may have, in order.
func Types() []record.Type {
	return []record.Type{record.Text, record.Integer, record.Decimal, record.Boolean, record.Date, record.DateTime}
}

// Type returns the type that the expression has where none is declared, and the
// scale of a decimal: as many places as the expression has, at most 9.
func (p *Program) Type() (record.Type, uint8) {
	if p.root.kind != numberKind {
		return results[p.root.kind], 0
	}
	if p.root.scale == 0 {
		return record.Integer, 0
	}
	return record.Decimal, uint8(min(p.root.scale, maxPlaces)) //nolint:gosec // G115: at most 9
}

// As makes the formula of a field with that type and scale. A decimal is rounded
// to the scale, half away from zero. The error is an [*Error] where the
// expression has another type: an integer takes an expression without places.
func (p *Program) As(t record.Type, scale uint8) (*record.Formula, error) {
	own, _ := p.Type()
	switch {
	case own == t:
	case t == record.Decimal && own == record.Integer:
	case t == record.Integer && own == record.Decimal:
		return nil, &Error{p.root.at, "expected a whole number, got one with places; round, floor and ceil make one"}
	default:
		return nil, &Error{p.root.at, "expected a result of type " + t.String() + ", got " + own.String()}
	}
	f := &record.Formula{Reads: p.reads, Names: p.names, Cost: p.cost}
	e, up := p.root.eval, int(scale)-p.root.scale
	switch t {
	case record.Integer, record.Decimal:
		f.Value = func(c record.Cells) record.Value {
			if v := rescale(e(c), up); v.ok && v.big == nil {
				return record.Int(v.n)
			}
			return record.Value{}
		}
	case record.Text:
		f.Value = func(c record.Cells) record.Value {
			if v := e(c); v.ok && len(v.s) <= record.MaxText {
				return record.Bytes(v.s)
			}
			return record.Value{}
		}
	case record.Boolean:
		f.Value = func(c record.Cells) record.Value {
			if v := e(c); v.ok {
				return record.Bool(v.n != 0)
			}
			return record.Value{}
		}
	default:
		f.Value = func(c record.Cells) record.Value {
			if v := e(c); v.ok {
				return record.Int(v.n)
			}
			return record.Value{}
		}
	}
	return f, nil
}

// Names returns the fields that an expression names, in order of their first
// appearance, whether they exist or not. It is for putting formulas in order before they are compiled.
func Names(source string) []string {
	l := lexer{rest: source, at: 1}
	var out []string
	t, err := l.next()
	for err == nil && t.kind != endToken {
		var next token
		if next, err = l.next(); err != nil {
			next = token{}
		}
		if t.kind == nameToken && next.text != "(" && !slices.Contains(out, t.text) {
			out = append(out, t.text)
		}
		t = next
	}
	return out
}
