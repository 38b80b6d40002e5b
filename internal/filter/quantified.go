package filter

import (
	"slices"

	"sluice/internal/record"
)

// Quantifier says how many of the records at the end of a way must match. The
// zero Quantifier is invalid and never matches.
type Quantifier uint8

// The quantifiers.
const (
	InvalidQuantifier Quantifier = iota
	Some                         // at least one matches
	Every                        // none fails to match; true where there is none
	None                         // none matches; true where there is none
)

var quantifierNames = [...]string{InvalidQuantifier: "invalid", Some: "some", Every: "every", None: "none"}

// String returns the name that the language uses, such as "every".
func (q Quantifier) String() string {
	if int(q) < len(quantifierNames) {
		return quantifierNames[q]
	}
	return quantifierNames[InvalidQuantifier]
}

// IsQuantifier reports whether a key of the language is one of some, every, none.
func IsQuantifier(key string) bool {
	_, ok := parseQuantifier(key)
	return ok
}

func parseQuantifier(s string) (Quantifier, bool) {
	i := slices.Index(quantifierNames[:], s)
	return Quantifier(max(i, 0)), i > 0
}

// Decided reports whether one record that matches Where, or does not, settles the
// answer, and which it is then. Where no record settles it, it is the opposite
// of what one would have made it.
func (q Quantifier) Decided(matches bool) (answer, decided bool) {
	return q == Some, matches == (q != Every)
}

// Reverse is the way from the records of a form to those that look them up.
type Reverse struct {
	Form   uint32       // whose records they are
	Lookup record.Field // by which they lead here
}

// Quantified matches by several records that the reader may reach: those whose
// lookup By, as the reader may read it, leads to the record, or those that List,
// a multi-lookup of the record, leads to. It has one of the two.
type Quantified struct {
	By    Reverse
	List  record.Field
	Kind  Quantifier
	Where Expr
}

// Listed reports whether q is about what the record's own list leads to.
func (q *Quantified) Listed() bool { return q.List.Type == record.MultiLookup }

func (*Quantified) expr() {}

// Reverser is a [Scope] in which records that look a record up have names. A scope
// that is none has no such names.
type Reverser interface {
	Scope
	// Reverse returns the way of that name, and the scope of the form that it leads
	// to.
	Reverse(name string) (Reverse, Scope, bool)
}

// Quantifying is a [Reader] that reaches the records that look its record up, and
// those that its lists lead to. A program that quantifies matches nothing on a reader that is none.
type Quantifying interface {
	Reader
	// Quantify reports whether the quantified filter holds.
	Quantify(q *Quantified, viewer record.ID) bool
}

// quantified reads {some: {…}, none: {…}}.
func (p *parser) quantified(by Reverse, src any, sc Scope, depth int) Expr {
	m, keys, ok := p.open(src, depth, "an object of some, every, none")
	if !ok {
		return nil
	}
	es := make([]Expr, 0, len(keys))
	for _, k := range keys {
		if !p.spend() {
			break
		}
		p.at(quoteLong(k), func() {
			kind, ok := parseQuantifier(k)
			if !ok {
				p.fail("unknown name %s; expected one of some, every, none", quoted(k))
				return
			}
			es = append(es, &Quantified{By: by, Kind: kind, Where: p.object(m[k], sc, depth+1)})
		})
	}
	return join(es)
}

// listed reads one of {some: {…}, none: {…}} beside the operators of a list; false
// where the key is none of them, or the list leads to nothing that may be named.
func (p *parser) listed(f record.Field, key string, src any, sc Scope, depth int) (Expr, bool) {
	kind, ok := parseQuantifier(key)
	if !ok || f.Type != record.MultiLookup {
		return nil, false
	}
	target, ok := sc.Related(f)
	if !ok {
		return nil, false
	}
	return &Quantified{List: f, Kind: kind, Where: p.object(src, target, depth)}, true
}

// compileQuantified asks the reader; a reader that cannot answer is found before
// the program runs.
func compileQuantified(e *Quantified) (matcher, bool) {
	if e == nil || e.Kind == InvalidQuantifier || int(e.Kind) >= len(quantifierNames) || e.Listed() == (e.By.Lookup.Type == record.Lookup) {
		return nil, false
	}
	if _, ok := compile(e.Where); !ok {
		return nil, false
	}
	own := *e
	return func(r Reader, viewer record.ID) bool {
		k, ok := r.(Quantifying)
		return ok && k.Quantify(&own, viewer)
	}, true
}

// quantifies reports whether a filter quantifies anywhere outside of another
// quantified one.
func quantifies(e Expr) bool {
	switch e := e.(type) {
	case And:
		return slices.ContainsFunc(e, quantifies)
	case Or:
		return slices.ContainsFunc(e, quantifies)
	case Not:
		return quantifies(e.X)
	case *Related:
		return quantifies(e.Where)
	case *Quantified:
		return true
	}
	return false
}
