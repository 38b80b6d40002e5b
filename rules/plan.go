package rules

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// MaxPlan is the most bytes of JSON that a plan may have.
const MaxPlan = 4 << 10

// Plan is what a share rule says of all records that it shares with one viewer: a
// predicate in the filter language over the rule's own columns. A record that does
// not satisfy it is not shared, whatever the module would decide, so that lists
// which read only what satisfies it lose nothing that a single record gives. It is
// immutable and safe for concurrent use. The zero Plan and nil hold for nothing.
type Plan struct {
	where   filter.Expr
	program *filter.Program
	text    string
}

// Planner is a [Runner] whose rules may have plans. Decide of a Planner grants
// nothing where the rule's plan does not hold.
type Planner interface {
	Runner
	// Plan returns the plan of the rule for b.Viewer; b.Rows is not read. It is nil
	// where the rule has none, or cannot be asked, and any record may be shared.
	// [FaultPlan] says that the module gave no plan although it should: nothing is
	// shared. The error is that of Decide.
	Plan(ctx context.Context, b *Batch, fuel *Fuel) (*Plan, FaultKind, error)
	// Outside sets out[i] where the module alone would share b.Rows[i] and its plan
	// does not hold: a mistake of its author, which costs access and never gives it.
	// len(out) = len(b.Rows). The error is that of Decide.
	Outside(ctx context.Context, b *Batch, fuel *Fuel, out []bool) error
}

// MayPlan reports whether a module may export sluice_plan: false where it does not.
func MayPlan(module []byte) bool { return bytes.Contains(module, []byte("sluice_plan")) }

// ParsePlan reads a plan over the record columns of m. It is strict: a name that is
// no column, a key given twice, a literal of another type, or anything after the
// object is an error of kind Invalid, which names what the module wrote.
//
//	{"team": {"eq": "north"}, "amount": {"gte": "1000.00"}}
//
// Columns are compared as the filter language has it, with three differences: any
// text may be compared with a choice, a lookup is compared by its target's id, and
// what it leads to is not named.
func ParsePlan(m *Manifest, text []byte) (*Plan, error) {
	if len(text) > MaxPlan {
		return nil, planFault("%d bytes, at most %d", len(text), MaxPlan)
	}
	if !utf8.Valid(text) {
		return nil, planFault("expected UTF-8")
	}
	src, err := parsePlain(text)
	if err != nil {
		return nil, err
	}
	where, faults := filter.Parse(src, planScope{m.Record, textsIn(src, nil)}, filter.Options{})
	if len(faults) > 0 {
		f := faults[0]
		return nil, planFault("at %q: %s", strings.Join(f.Path, "."), f.Msg)
	}
	p := &Plan{where: where, program: filter.Compile(where), text: string(text)}
	if !p.program.Valid() {
		return nil, planFault("not a filter")
	}
	return p, nil
}

func planFault(format string, args ...any) error {
	return fault.New(fault.Invalid, "rules", "plan: %s", fmt.Sprintf(format, args...))
}

// String returns the plan as it was written; empty for none.
func (p *Plan) String() string {
	if p == nil {
		return ""
	}
	return p.text
}

// Holds reports whether a row of the manifest's record columns satisfies the plan.
func (p *Plan) Holds(row []record.Value) bool {
	return p != nil && p.program.Match(planRow(row), record.ID{})
}

// Where returns the plan over other fields: those of a form, in the order of the
// manifest's record columns. Nil, which is no filter, where there is no plan or a
// field is missing.
func (p *Plan) Where(columns []*record.Field) filter.Expr {
	if p == nil {
		return nil
	}
	e, ok := renumber(p.where, columns)
	if !ok {
		return nil
	}
	return e
}

func renumber(e filter.Expr, columns []*record.Field) (filter.Expr, bool) {
	all := func(es []filter.Expr) ([]filter.Expr, bool) {
		out := make([]filter.Expr, len(es))
		for i, x := range es {
			y, ok := renumber(x, columns)
			if !ok {
				return nil, false
			}
			out[i] = y
		}
		return out, true
	}
	switch e := e.(type) {
	case filter.And:
		es, ok := all(e)
		return filter.And(es), ok
	case filter.Or:
		es, ok := all(e)
		return filter.Or(es), ok
	case filter.Not:
		x, ok := renumber(e.X, columns)
		return filter.Not{X: x}, ok
	case *filter.Compare:
		i := int(e.Field.Number) - 1
		if i < 0 || i >= len(columns) || columns[i] == nil {
			return nil, false
		}
		return &filter.Compare{Field: *columns[i], Op: e.Op, Args: e.Args}, true
	}
	return nil, false
}

// planScope names the columns: column i is field i+1.
type planScope struct {
	columns []Column
	texts   []string
}

func (s planScope) Field(name string) (record.Field, bool) {
	i := slices.IndexFunc(s.columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return record.Field{}, false
	}
	c := s.columns[i]
	f := record.Field{Number: uint32(i + 1), Name: c.Name, Type: c.Type, Scale: c.Scale}
	switch c.Type {
	case record.Lookup:
		f.Type = record.Identity
	case record.Choice, record.MultiChoice:
		f.Choices = s.texts // a manifest does not say which there are
	}
	return f, true
}

func (planScope) Related(record.Field) (filter.Scope, bool) { return nil, false }

// textsIn lists the texts of a plain value.
func textsIn(src any, out []string) []string {
	switch x := src.(type) {
	case string:
		return append(out, x)
	case []any:
		for _, y := range x {
			out = textsIn(y, out)
		}
	case map[string]any:
		for _, y := range x {
			out = textsIn(y, out)
		}
	}
	return out
}

// planRow reads the cells of a row by column.
type planRow []record.Value

func (r planRow) Get(f *record.Field) record.Value {
	if i := int(f.Number) - 1; i >= 0 && i < len(r) {
		return r[i]
	}
	return record.Value{}
}

func (planRow) Related(*record.Field) (filter.Reader, bool) { return nil, false }

// maxPlanDepth is deeper than any filter nests.
const maxPlanDepth = 2 * filter.MaxDepth

// parsePlain reads one JSON value whose objects have each key once.
func parsePlain(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := plain(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, planFault("expected nothing after the object")
	}
	return v, nil
}

func plain(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, planFault("expected JSON, it ends or breaks at byte %d", d.InputOffset())
	}
	open, isDelim := t.(json.Delim)
	if !isDelim {
		return t, nil
	}
	if depth == maxPlanDepth {
		return nil, planFault("it nests too deep")
	}
	out := map[string]any{}
	var items []any
	for d.More() {
		key := ""
		if open == '{' {
			k, err := d.Token()
			if err != nil {
				return nil, planFault("expected JSON, it breaks at byte %d", d.InputOffset())
			}
			key, _ = k.(string)
			if _, twice := out[key]; twice {
				return nil, planFault("key %.40q is given twice", key)
			}
		}
		v, err := plain(d, depth+1)
		if err != nil {
			return nil, err
		}
		out[key], items = v, append(items, v)
	}
	if _, err := d.Token(); err != nil {
		return nil, planFault("expected JSON, it ends at byte %d", d.InputOffset())
	}
	if open == '{' {
		return out, nil
	}
	return append([]any{}, items...), nil
}
