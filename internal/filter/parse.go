package filter

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/record"
)

// Bounds of the language.
const (
	// DefaultMaxNodes is what MaxNodes 0 means.
	DefaultMaxNodes = 200
	// MaxDepth is how deep objects may nest.
	MaxDepth = 20
	// MaxItems is how many values a list of in, notIn, hasAny or hasAll may hold.
	MaxItems = 1000
)

// Parse reads the where language from plain values as JSON or YAML give them
// (map[string]any, []any, string, bool, json.Number, int, int64, float64, nil).
// It reports every fault; the Expr is nil when there is one. Several keys of one
// object are joined by and, in the order of their names; an object without keys
// matches everything, and under a lookup every reachable target.
func Parse(src any, sc Scope, o Options) (Expr, []Fault) {
	p := &parser{left: o.MaxNodes, max: o.MaxNodes, viewer: o.AllowViewer}
	if p.max <= 0 {
		p.left, p.max = DefaultMaxNodes, DefaultMaxNodes
	}
	e := p.object(src, sc, 1)
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return e, nil
}

type parser struct {
	left, max int
	viewer    bool
	path      []string
	faults    []Fault
	spent     bool
}

func (p *parser) fail(format string, args ...any) {
	p.faults = append(p.faults, Fault{Path: slices.Clone(p.path), Msg: fmt.Sprintf(format, args...)})
}

// at runs f one step further down the path.
func (p *parser) at(step string, f func()) {
	p.path = append(p.path, step)
	f()
	p.path = p.path[:len(p.path)-1]
}

// spend takes one node off the budget. The first that does not fit is the last
// fault reported.
func (p *parser) spend() bool {
	if p.left > 0 {
		p.left--
		return true
	}
	if !p.spent {
		p.spent = true
		p.fail("the filter has more than %d operators and names", p.max)
	}
	return false
}

// open checks that src is an object not too deep, and returns its keys sorted.
func (p *parser) open(src any, depth int, expected string) (map[string]any, []string, bool) {
	m, ok := src.(map[string]any)
	if !ok {
		p.fail("expected %s, got %s", expected, describe(src))
		return nil, nil, false
	}
	if depth > MaxDepth {
		p.fail("the filter nests deeper than %d objects", MaxDepth)
		return nil, nil, false
	}
	return m, slices.Sorted(maps.Keys(m)), true
}

// join is the filter of an object whose keys gave es.
func join(es []Expr) Expr {
	if len(es) == 1 {
		return es[0]
	}
	return And(es)
}

// object reads {name: …, and: […], or: […], not: {…}}.
func (p *parser) object(src any, sc Scope, depth int) Expr {
	m, keys, ok := p.open(src, depth, "an object of fields, and, or, not")
	if !ok {
		return nil
	}
	return p.keys(m, keys, sc, depth)
}

func (p *parser) keys(m map[string]any, keys []string, sc Scope, depth int) Expr {
	es := make([]Expr, 0, len(keys))
	var fields given
	for _, k := range keys {
		if !p.spend() {
			break
		}
		p.at(quoteLong(k), func() { es = append(es, p.member(k, m[k], sc, depth, &fields)) })
	}
	return join(es)
}

// given are the fields that one object names.
type given struct{ fields, names []string }

// take notes a field and returns the other name under which the object has it.
func (g *given) take(field, name string) string {
	if i := slices.Index(g.fields, field); i >= 0 {
		return g.names[i]
	}
	g.fields, g.names = append(g.fields, field), append(g.names, name)
	return ""
}

func (p *parser) member(key string, src any, sc Scope, depth int, fields *given) Expr {
	switch key {
	case "and":
		return And(p.list(src, sc, depth))
	case "or":
		return Or(p.list(src, sc, depth))
	case "not":
		return Not{X: p.object(src, sc, depth+1)}
	}
	f, ok := sc.Field(key)
	if r, reverses := sc.(Reverser); !ok && reverses {
		if by, target, ok := r.Reverse(key); ok {
			return p.quantified(by, src, target, depth+1)
		}
	}
	if !ok {
		p.fail("unknown name %s", quoted(key))
		return nil
	}
	if other := fields.take(f.Name, key); other != "" {
		p.fail("%s and %s are names of one field: give one of them", quoted(other), quoted(key))
		return nil
	}
	if f.Type == record.Lookup {
		return p.lookup(f, src, sc, depth+1)
	}
	return p.comparisons(f, src, sc, depth+1)
}

func (p *parser) list(src any, sc Scope, depth int) []Expr {
	l, ok := src.([]any)
	if !ok {
		p.fail("expected a list of filters, got %s", describe(src))
		return nil
	}
	es := make([]Expr, 0, min(len(l), p.max))
	for i, x := range l {
		if !p.spend() {
			break
		}
		p.at(strconv.Itoa(i), func() { es = append(es, p.object(x, sc, depth+1)) })
	}
	return es
}

// comparisons reads {gte: 5, lt: 10}.
func (p *parser) comparisons(f record.Field, src any, sc Scope, depth int) Expr {
	m, keys, ok := p.open(src, depth, "an object of operators such as {isNull: false}")
	if !ok {
		return nil
	}
	es := make([]Expr, 0, len(keys))
	for _, k := range keys {
		if !p.spend() {
			break
		}
		p.at(quoteLong(k), func() {
			e, ok := p.listed(f, k, m[k], sc, depth+1)
			if !ok {
				e = p.comparison(f, k, m[k])
			}
			es = append(es, e)
		})
	}
	return join(es)
}

func (p *parser) comparison(f record.Field, key string, src any) Expr {
	op, _ := ParseOp(key) // no type offers the invalid one
	if !offers(&f, op) {
		p.fail("unknown operator %s for a field of type %s; expected one of %s", quoted(key), f.Type, operatorList(&f))
		return nil
	}
	return &Compare{Field: f, Op: op, Args: p.operands(f, op, src)}
}

// lookup reads {isNull: false, name of the target form: …}. The key isNull
// stands for the lookup itself.
func (p *parser) lookup(f record.Field, src any, sc Scope, depth int) Expr {
	m, keys, ok := p.open(src, depth, "an object of fields of the record that the lookup leads to, or isNull")
	if !ok {
		return nil
	}
	var es []Expr
	if i, own := slices.BinarySearch(keys, IsNull.String()); own {
		keys = slices.Delete(keys, i, i+1)
		if p.spend() {
			p.at(IsNull.String(), func() { es = append(es, p.comparison(f, IsNull.String(), m[IsNull.String()])) })
		}
		if len(keys) == 0 {
			return join(es)
		}
	}
	target, ok := sc.Related(f)
	if !ok {
		target = nowhere{}
		if len(keys) == 0 {
			p.fail("expected {isNull: true} or {isNull: false}")
		}
	}
	return join(append(es, &Related{Field: f, Where: p.keys(m, keys, target, depth)}))
}

// nowhere is the scope in which nothing may be named.
type nowhere struct{}

func (nowhere) Field(string) (record.Field, bool)  { return record.Field{}, false }
func (nowhere) Related(record.Field) (Scope, bool) { return nil, false }

func operatorList(f *record.Field) string {
	names := make([]string, 0, len(textOps))
	for _, o := range Operators(f.Type) {
		names = append(names, o.String())
	}
	if offers(f, Matches) {
		names = append(names, Matches.String())
	}
	return strings.Join(names, ", ")
}

// describe names the kind of a plain value.
func describe(src any) string {
	switch src.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "text"
	case bool:
		return "a boolean"
	}
	return "a number"
}

// quoteLong and quoted keep what the author wrote at a length that a message
// can bear.
func quoteLong(s string) string {
	if len(s) > 64 {
		return strings.ToValidUTF8(s[:64], "") + "…"
	}
	return s
}

func quoted(s string) string { return strconv.Quote(quoteLong(s)) }
