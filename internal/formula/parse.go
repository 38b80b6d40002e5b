package formula

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/record"
)

// Scope finds the field of that name, false for none. A field that is computed
// itself is complete: its Formula is set.
type Scope func(name string) (*record.Field, bool)

// parser reads an expression by descent and types it on the way.
type parser struct {
	lex   lexer
	tok   token // the next one
	scope Scope
	nodes int
	depth int
	reads record.FieldSet
	names []string
	cost  int
}

func (p *parser) fail(at int, format string, args ...any) error {
	return &Error{at, fmt.Sprintf(format, args...)}
}

func (p *parser) advance() (err error) {
	p.tok, err = p.lex.next()
	return err
}

// step counts one node.
func (p *parser) step(at int) error {
	p.nodes++
	p.cost++
	if p.nodes > MaxNodes {
		return p.fail(at, "expected at most %d operators, functions, fields and constants", MaxNodes)
	}
	return nil
}

// is reports whether the next token is that operator or word.
func (p *parser) is(words ...string) bool {
	if p.tok.kind != markToken && p.tok.kind != nameToken {
		return false
	}
	for _, w := range words {
		if p.tok.text == w {
			return true
		}
	}
	return false
}

func (p *parser) expect(mark string) error {
	if !p.is(mark) {
		return p.fail(p.tok.at, "expected %s, got %s", mark, p.tok.says())
	}
	return p.advance()
}

// expression reads the loosest binding there is.
func (p *parser) expression() (node, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > MaxDepth {
		return node{}, p.fail(p.tok.at, "expected at most %d levels", MaxDepth)
	}
	return p.either()
}

func (p *parser) either() (node, error) {
	return p.chain(p.both, func(_ string, a, b node) (node, error) {
		left, right := a.eval, b.eval
		return condition(func(c record.Cells) bool { return left(c).holds() || right(c).holds() }), p.want(booleanKind, a, b)
	}, "or")
}

func (p *parser) both() (node, error) {
	return p.chain(p.inverse, func(_ string, a, b node) (node, error) {
		left, right := a.eval, b.eval
		return condition(func(c record.Cells) bool { return left(c).holds() && right(c).holds() }), p.want(booleanKind, a, b)
	}, "and")
}

// chain reads operands of operators that bind alike, from left to right.
func (p *parser) chain(operand func() (node, error), apply func(op string, a, b node) (node, error), ops ...string) (node, error) {
	a, err := operand()
	for err == nil && p.is(ops...) {
		op := p.tok
		if err = p.advance(); err != nil {
			break
		}
		var b node
		if b, err = operand(); err != nil {
			break
		}
		if err = p.step(op.at); err != nil {
			break
		}
		at := a.at
		if a, err = apply(op.text, a, b); err == nil {
			a.at = at
		}
	}
	return a, err
}

func (p *parser) inverse() (node, error) {
	if !p.is("not") {
		return p.comparison()
	}
	at := p.tok.at
	a, err := p.prefixed(p.inverse)
	if err != nil {
		return node{}, err
	}
	if err := p.want(booleanKind, a); err != nil {
		return node{}, err
	}
	inner := a.eval
	n := condition(func(c record.Cells) bool { return !inner(c).holds() })
	n.at = at
	return n, nil
}

// prefixed reads what stands behind an operator of one operand.
func (p *parser) prefixed(operand func() (node, error)) (node, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > MaxDepth {
		return node{}, p.fail(p.tok.at, "expected at most %d levels", MaxDepth)
	}
	if err := p.step(p.tok.at); err != nil {
		return node{}, err
	}
	if err := p.advance(); err != nil {
		return node{}, err
	}
	return operand()
}

func (p *parser) comparison() (node, error) {
	a, err := p.additive()
	if err != nil || !p.is("==", "!=", "<", "<=", ">", ">=") {
		return a, err
	}
	op := p.tok
	if err := p.advance(); err != nil {
		return node{}, err
	}
	b, err := p.additive()
	if err != nil {
		return node{}, err
	}
	if err := p.step(op.at); err != nil {
		return node{}, err
	}
	if p.is("==", "!=", "<", "<=", ">", ">=") {
		return node{}, p.fail(p.tok.at, "expected and or or between two comparisons")
	}
	if err := p.comparable(op.text, a, b); err != nil {
		return node{}, err
	}
	n := compared(op.text, a, b)
	n.at = a.at
	return n, nil
}

func (p *parser) comparable(op string, a, b node) error {
	switch {
	case a.kind == nullKind || b.kind == nullKind:
		return p.fail(max(a.at, b.at), "expected a value; isNull tests for null")
	case a.kind == listKind:
		return p.fail(a.at, "expected a single value; has tests a multi-choice")
	case a.kind != b.kind:
		return p.fail(b.at, "expected %s, got %s", a.kind, b.kind)
	case a.kind == booleanKind && op != "==" && op != "!=":
		return p.fail(a.at, "conditions are compared by == and != only")
	}
	for _, x := range [][2]node{{a, b}, {b, a}} {
		if err := p.declared(x[0].choices, x[1]); err != nil {
			return err
		}
	}
	return nil
}

// declared refuses a text that no choice is written like.
func (p *parser) declared(choices []string, n node) error {
	if len(choices) == 0 || n.constant == nil {
		return nil
	}
	for _, c := range choices {
		if c == *n.constant {
			return nil
		}
	}
	quoted := make([]string, 0, len(choices))
	for _, c := range choices[:min(len(choices), 20)] {
		quoted = append(quoted, strconv.Quote(c))
	}
	return p.fail(n.at, "expected one of %s", strings.Join(quoted, ", "))
}

func (p *parser) additive() (node, error) { return p.chain(p.factor, p.addition, "+", "-") }

// addition types + and -: numbers, texts, and dates with days.
func (p *parser) addition(op string, a, b node) (node, error) {
	switch {
	case a.kind == numberKind && b.kind == numberKind && op == "+":
		return sum(a, b), nil
	case a.kind == numberKind && b.kind == numberKind:
		return difference(a, b), nil
	case a.kind == textKind && b.kind == textKind && op == "+":
		return joined([]node{a, b}, false), nil
	case a.kind == dateKind && b.kind == dateKind && op == "-":
		return difference(asNumber(a), asNumber(b)), nil
	case a.kind == dateKind && b.kind == numberKind && b.scale == 0:
		if op == "-" {
			b = negated(b)
		}
		return moved(a, b, 1), nil
	case a.kind == dateKind || a.kind == momentKind:
		return node{}, p.fail(b.at, "expected a whole number of days behind a date, or a date behind a date and -; date-times take addDays, addSeconds and seconds")
	case a.kind == textKind && op == "+":
		return node{}, p.fail(b.at, "expected a text, got %s; text(…) makes one", b.kind)
	case a.kind == textKind:
		return node{}, p.fail(a.at, "expected a number or a date, got %s", a.kind)
	}
	return node{}, p.want(numberKind, a, b)
}

func (p *parser) factor() (node, error) {
	return p.chain(p.signed, func(op string, a, b node) (node, error) {
		if err := p.want(numberKind, a, b); err != nil {
			return node{}, err
		}
		switch op {
		case "*":
			return times(a, b), nil
		case "/":
			return quotient(a, b), nil
		}
		return remainder(a, b), nil
	}, "*", "/", "%")
}

func (p *parser) signed() (node, error) {
	if !p.is("-") {
		return p.primary()
	}
	at := p.tok.at
	a, err := p.prefixed(p.signed)
	if err != nil {
		return node{}, err
	}
	n := negated(a)
	n.at = at
	return n, p.want(numberKind, a)
}

func negated(a node) node {
	inner := a.eval
	return node{kind: a.kind, scale: a.scale, at: a.at, eval: func(c record.Cells) val {
		v := inner(c)
		if !v.ok {
			return v
		}
		return negate(v)
	}}
}

func asNumber(a node) node { return node{kind: numberKind, eval: a.eval, at: a.at} }

// want reports the first operand of another kind.
func (p *parser) want(k kind, operands ...node) error {
	for _, n := range operands {
		if n.kind != k {
			return p.fail(n.at, "expected %s, got %s", k, n.kind)
		}
	}
	return nil
}

func (p *parser) primary() (node, error) {
	t := p.tok
	if err := p.step(t.at); err != nil {
		return node{}, err
	}
	if t.kind == endToken || t.kind == markToken && t.text != "(" {
		return node{}, p.fail(t.at, "expected a field, a constant, a function or (, got %s", t.says())
	}
	if err := p.advance(); err != nil {
		return node{}, err
	}
	n, err := p.operand(t)
	n.at = t.at
	return n, err
}

func (p *parser) operand(t token) (node, error) {
	switch {
	case t.kind == markToken:
		n, err := p.expression()
		if err == nil {
			err = p.expect(")")
		}
		return n, err
	case t.kind == numberToken:
		return numeral(t.text), nil
	case t.kind == textToken:
		s := []byte(t.text)
		return node{kind: textKind, constant: &t.text, eval: func(record.Cells) val { return val{ok: true, s: s} }}, nil
	case p.is("("):
		return p.call(t)
	}
	return p.named(t)
}

func numeral(digits string) node {
	whole, places, _ := strings.Cut(digits, ".")
	n, _ := strconv.ParseInt(whole+places, 10, 64) // the lexer takes at most 17 digits
	v := number(n)
	return node{kind: numberKind, scale: len(places), constant: &digits, eval: func(record.Cells) val { return v }}
}

// named reads a word that no bracket follows.
func (p *parser) named(t token) (node, error) {
	switch t.text {
	case "true", "false":
		v := boolean(t.text == "true")
		return node{kind: booleanKind, eval: func(record.Cells) val { return v }}, nil
	case "null":
		return node{eval: func(record.Cells) val { return val{} }}, nil
	case "and", "or", "not":
		return node{}, p.fail(t.at, "expected a field, a constant, a function or (, got %s", t.text)
	}
	f, ok := p.scope(t.text)
	if !ok {
		return node{}, p.fail(t.at, "the form has no field %s", t.text)
	}
	n, ok := cell(f)
	if !ok {
		return node{}, p.fail(t.at, "a field of type %s is not read by formulas", f.Type)
	}
	p.reads = p.reads.With(f.Number)
	p.note(t.text)
	if f.Formula != nil {
		p.reads = p.reads.Union(f.Formula.Reads)
		p.note(f.Formula.Names...)
		p.cost += f.Formula.Cost
	}
	if p.cost > MaxCost {
		return node{}, p.fail(t.at, "the formula takes more than %d steps together with those that it reads", MaxCost)
	}
	return n, nil
}

func (p *parser) note(names ...string) {
	for _, name := range names {
		if !slices.Contains(p.names, name) {
			p.names = append(p.names, name)
		}
	}
}

// call reads the arguments of a function.
func (p *parser) call(t token) (node, error) {
	fn, ok := functions[t.text]
	if !ok {
		return node{}, p.fail(t.at, "there is no function %s", t.text)
	}
	if err := p.advance(); err != nil {
		return node{}, err
	}
	var args []node
	for !p.is(")") {
		if len(args) > 0 {
			if err := p.expect(","); err != nil {
				return node{}, err
			}
		}
		a, err := p.expression()
		if err != nil {
			return node{}, err
		}
		args = append(args, a)
	}
	if err := p.advance(); err != nil {
		return node{}, err
	}
	if len(args) < fn.least || len(args) > fn.most {
		return node{}, p.fail(t.at, "expected %s", fn.says)
	}
	for i, k := range fn.takes {
		if i < len(args) && args[i].kind != k {
			return node{}, p.fail(args[i].at, "expected %s, got %s: %s", k, args[i].kind, fn.says)
		}
	}
	return fn.build(p, args)
}
