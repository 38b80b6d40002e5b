package app

import (
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"sluice/graph"
	"sluice/graph/app"
)

// maxPlans bounds the plans kept per operation: one for each combination of the
// boolean variables that was asked for.
const maxPlans = 16

// Document is a validated document with the schema that it was validated
// against. It is safe for concurrent use.
type Document struct {
	schema *app.Schema
	ops    map[string]*Operation
}

// NewDocument takes over a document that was guarded and validated against the
// schema.
func NewDocument(s *app.Schema, doc *ast.QueryDocument) *Document {
	d := &Document{schema: s, ops: make(map[string]*Operation, len(doc.Operations))}
	for _, o := range doc.Operations {
		d.ops[o.Name] = &Operation{schema: s, def: o, booleans: booleans(o), plans: map[uint64]*set{}}
	}
	return d
}

// Operation returns the operation of that name, or the only one where the name
// is empty.
func (d *Document) Operation(name string) (*Operation, *gqlerror.Error) {
	if name == "" && len(d.ops) == 1 {
		for _, o := range d.ops {
			return o, nil
		}
	}
	if o, ok := d.ops[name]; ok && name != "" {
		return o, nil
	}
	if name == "" {
		return nil, graph.Coded(graph.CodeBadUserInput, "the document has several operations; operationName must say which one to run")
	}
	return nil, graph.Coded(graph.CodeBadUserInput, "the document has no operation of the given operationName")
}

// Operation is one operation of a document with its plans. It is safe for
// concurrent use.
type Operation struct {
	schema   *app.Schema
	def      *ast.OperationDefinition
	booleans []string // variables that @skip and @include may read

	mu    sync.Mutex
	plans map[uint64]*set
}

// Mutates reports whether the operation is a mutation.
func (o *Operation) Mutates() bool { return o.def.Operation == ast.Mutation }

// Subscribes reports whether the operation is a subscription.
func (r *Run) Subscribes() bool { return r.subscribes }

// Name is what the change log calls the operation: the field of a mutation that
// has one root field, else "mutation".
func (r *Run) Name() string {
	if len(r.set.fields) == 1 {
		return r.set.fields[0].node.Name
	}
	return "mutation"
}

// Run is an operation with its variables: ready to be run, any number of times.
type Run struct {
	schema     *app.Schema
	vars       map[string]any
	set        *set
	subscribes bool
	// Cost is the number of cells that the operation may come to; of a subscription
	// that an event may.
	Cost int
}

// Introspects reports whether the answer says nothing but what the schema and
// the text of the document do: no data, no viewer, no variable.
func (r *Run) Introspects() bool {
	if len(r.vars) > 0 || r.subscribes {
		return false
	}
	for i := range r.set.fields {
		switch r.set.fields[i].mean.Kind {
		case app.IntroSchema, app.IntroType, app.TypeName:
		default:
			return false
		}
	}
	return true
}

// Known is an answer without errors that was given before. The data is lent.
func Known(data []byte) *Answer { return &Answer{Data: data} }

// Prepare coerces the variables, plans and weighs the operation. sent is what
// encoding/json reads with UseNumber.
func (o *Operation) Prepare(sent map[string]any) (*Run, *gqlerror.Error) {
	vars, err := variables(o.schema.AST, o.def.VariableDefinitions, sent)
	if err != nil {
		return nil, graph.Coded(graph.CodeBadUserInput, "%s", err)
	}
	r := &Run{schema: o.schema, vars: vars, set: o.plan(vars), subscribes: o.def.Operation == ast.Subscription}
	r.Cost = r.cost(r.set, 1, 0)
	return r, nil
}

func (o *Operation) plan(vars map[string]any) *set {
	key, cacheable := o.key(vars)
	if cacheable {
		o.mu.Lock()
		s := o.plans[key]
		o.mu.Unlock()
		if s != nil {
			return s
		}
	}
	root := o.schema.AST.Query
	switch {
	case o.Mutates():
		root = o.schema.AST.Mutation
	case o.def.Operation == ast.Subscription:
		root = o.schema.AST.Subscription
	}
	s := (&planner{schema: o.schema, vars: vars}).plan(root, []ast.SelectionSet{o.def.SelectionSet}, nil)
	if cacheable {
		o.mu.Lock()
		if len(o.plans) < maxPlans {
			o.plans[key] = s
		}
		o.mu.Unlock()
	}
	return s
}

// key is equal for variables that give equal plans.
func (o *Operation) key(vars map[string]any) (uint64, bool) {
	if len(o.booleans) > 64 {
		return 0, false
	}
	var key uint64
	for i, name := range o.booleans {
		if on, _ := vars[name].(bool); on {
			key |= 1 << i
		}
	}
	return key, true
}

// booleans are the variables that the condition of a directive may be.
func booleans(o *ast.OperationDefinition) []string {
	var out []string
	for _, d := range o.VariableDefinitions {
		if d.Type.NamedType == "Boolean" {
			out = append(out, d.Variable)
		}
	}
	return out
}
