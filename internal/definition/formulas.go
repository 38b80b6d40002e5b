package definition

import (
	"errors"
	"slices"
	"strings"

	"sluice/internal/formula"
	"sluice/internal/record"
)

const formulaType = "formula"

// formulaKeys are the keys of a field that a computed one may have.
var formulaKeys = []string{"name", "label", "type", "expression", "result", "scale", "pii", "ephi", "description", "deprecated", "aliases", "renamedFrom"}

// isFormula reports whether a field of the document is computed.
func isFormula(o object) bool {
	v, ok := o.members["type"]
	return ok && v.n.Value == formulaType
}

// readFormula reads what a computed field says besides its name.
func (r *resolver) readFormula(o object, x *Field) {
	for _, key := range o.order {
		if !slices.Contains(formulaKeys, key) {
			r.fail(o.of(key), "a computed field has no %s: expected %s", key, strings.Join(formulaKeys, ", "))
		}
	}
	x.Required, x.Unique, x.Indexed, x.RecordOwner, x.Parent = false, false, false, false, false
	r.require(o, "expression")
	if o.has("expression") {
		x.Expression, _ = r.textOf(o.members["expression"], formula.MaxSource)
		if x.Expression == "" {
			x.Expression = " " // a fault in any case
		}
	}
	if !o.has("result") {
		if o.has("scale") {
			r.fail(o.of("scale"), "a scale goes with result: decimal")
		}
		return
	}
	var words []string
	for _, t := range formula.Types() {
		words = append(words, t.String())
	}
	n := r.oneOf(o, "result", words...)
	if n == 0 {
		return
	}
	x.Type = formula.Types()[n-1]
	if x.Type == record.Decimal {
		x.Scale = r.scale(o)
	} else if o.has("scale") {
		r.fail(o.of("scale"), "a scale goes with result: decimal")
	}
}

// refuseExpression reports keys that only a computed field has.
func (r *resolver) refuseExpression(o object) {
	for _, key := range []string{"expression", "result"} {
		if o.has(key) {
			r.fail(o.of(key), "only a field of type formula has it")
		}
	}
}

// linkFormulas compiles the formulas of all forms and reports their faults.
func (r *resolver) linkFormulas() {
	for _, f := range r.app.Forms {
		for _, fault := range f.link() {
			at := r.at[fault.field]
			r.fail(at.of("expression"), "%v", fault.err)
		}
	}
}

// Link compiles the formulas of a form, once its fields have their numbers, and
// hands the marks of what they read on to them: a formula over personal data is
// personal data. [Resolve] and [Unmarshal] have called it; whoever puts a form
// together otherwise calls it before anything reads records.
func (f *Form) Link() error {
	var all []error
	for _, fault := range f.link() {
		all = append(all, fault.err)
	}
	return errors.Join(all...)
}

// linkFault is what is wrong with one formula.
type linkFault struct {
	field *Field
	err   error
}

// linker compiles the formulas of a form in the order in which they read each
// other.
type linker struct {
	form   *Form
	done   map[*Field]bool
	path   []*Field
	faults []linkFault
}

func (f *Form) link() []linkFault {
	l := &linker{form: f, done: map[*Field]bool{}}
	for _, x := range f.Fields {
		if x.Expression != "" {
			x.Formula = nil
		}
	}
	for _, x := range f.Fields {
		if x.Expression != "" {
			l.visit(x)
		}
	}
	return l.faults
}

func (l *linker) visit(x *Field) {
	if l.done[x] {
		return
	}
	if at := slices.Index(l.path, x); at >= 0 {
		l.circle(l.path[at:])
		return
	}
	l.path = append(l.path, x)
	for _, name := range formula.Names(x.Expression) {
		if y := ownField(l.form, name); y != nil && y.Expression != "" {
			l.visit(y)
		}
	}
	l.path = l.path[:len(l.path)-1]
	if !l.done[x] { // else it stands in a circle
		l.done[x] = true
		if err := l.compile(x); err != nil {
			l.faults = append(l.faults, linkFault{x, err})
		}
	}
}

// circle reports formulas that read each other, once, at the first of them.
func (l *linker) circle(path []*Field) {
	var names []string
	for _, x := range path {
		names = append(names, x.Name)
		l.done[x] = true
	}
	l.faults = append(l.faults, linkFault{path[0], errors.New("the formulas read each other in a circle: " +
		strings.Join(append(names, path[0].Name), " reads "))})
}

// errUnread keeps a formula that reads a broken one from a fault of its own.
var errUnread = errors.New("it reads a formula that has a fault")

func (l *linker) compile(x *Field) error {
	p, err := formula.Compile(x.Expression, func(name string) (*record.Field, bool) {
		y, ok := l.form.Field(name)
		if !ok || y.Expression != "" && y.Formula == nil {
			return nil, false
		}
		return &y.Field, true
	})
	if err != nil {
		if l.broken(x) {
			return errUnread
		}
		return err
	}
	if x.Type == record.InvalidType {
		x.Type, x.Scale = p.Type()
	}
	if x.Formula, err = p.As(x.Type, x.Scale); err != nil {
		return err
	}
	for _, name := range x.Formula.Names {
		if y, ok := l.form.Field(name); ok {
			x.PII, x.EPHI = x.PII || y.PII, x.EPHI || y.EPHI
		}
	}
	return nil
}

// broken reports whether x reads a formula that was not compiled.
func (l *linker) broken(x *Field) bool {
	return slices.ContainsFunc(formula.Names(x.Expression), func(name string) bool {
		y := ownField(l.form, name)
		return y != nil && y.Expression != "" && y.Formula == nil
	})
}

// Sources returns the stored fields of the form that x is read from: x itself,
// or what its formula reads.
func (f *Form) Sources(x *Field) []*Field {
	if x.Formula == nil {
		return []*Field{x}
	}
	var out []*Field
	for _, y := range f.Fields {
		if y.Formula == nil && slices.Contains(x.Formula.Names, y.Name) {
			out = append(out, y)
		}
	}
	return out
}
