package app

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"sluice/graph/app"
)

// set is a compiled selection set: what to write for an object, in order.
type set struct {
	typ    string // type name in JSON, quoted
	fields []field
	// loads are the positions in fields of what has to be fetched for a batch of
	// records before any of them is written.
	loads []int
	// slots are the sets that are written for the records of a connection: those
	// of its nodes and of the nodes of its edges.
	slots []*set
	// before and after say that a connection is asked whether records come before
	// and after its page.
	before, after bool
	// total says that a connection is asked for its total.
	total bool
	// cursors says that positions of records are asked for.
	cursors bool
}

// field is a compiled field of a selection set.
type field struct {
	key     []byte // the response key with quotes and colon
	alias   string
	mean    app.Meaning
	nonNull bool
	node    *ast.Field // the first of the fields merged into this one
	sub     *set
	// records are what is written for a record of each form, where the field gives
	// records of any.
	records map[uint32]*set
	// slot is the position among the loads of the set, or among the slots of the
	// enclosing connection.
	slot int
}

// planner compiles the selection of one operation for one assignment of the
// variables that its @skip and @include read.
type planner struct {
	schema *app.Schema
	vars   map[string]any
}

// merged is a response key with all fields that it collects.
type merged struct {
	node *ast.Field
	subs []ast.SelectionSet
}

// collector follows CollectFields of the specification. Each named fragment is
// expanded once per set: without that, fragments that spread one another twice
// would take exponential time.
type collector struct {
	p       *planner
	def     *ast.Definition
	order   []merged
	index   map[string]int
	visited map[string]bool
}

func (p *planner) collect(def *ast.Definition, sets []ast.SelectionSet) []merged {
	c := collector{p: p, def: def, index: map[string]int{}, visited: map[string]bool{}}
	for _, s := range sets {
		c.add(s)
	}
	return c.order
}

func (c *collector) add(selections ast.SelectionSet) {
	for _, s := range selections {
		switch s := s.(type) {
		case *ast.Field:
			if c.p.included(s.Directives) {
				c.field(s)
			}
		case *ast.InlineFragment:
			if c.p.included(s.Directives) && c.applies(s.TypeCondition) {
				c.add(s.SelectionSet)
			}
		case *ast.FragmentSpread:
			if !c.p.included(s.Directives) || c.visited[s.Name] {
				continue
			}
			c.visited[s.Name] = true
			if s.Definition != nil && c.applies(s.Definition.TypeCondition) {
				c.add(s.Definition.SelectionSet)
			}
		}
	}
}

func (c *collector) field(f *ast.Field) {
	i, ok := c.index[f.Alias]
	if !ok {
		i = len(c.order)
		c.index[f.Alias] = i
		c.order = append(c.order, merged{node: f})
	}
	if len(f.SelectionSet) > 0 {
		c.order[i].subs = append(c.order[i].subs, f.SelectionSet)
	}
}

// applies is equality of names, or that of an interface of the type.
func (c *collector) applies(condition string) bool {
	return condition == "" || condition == c.def.Name || slices.Contains(c.def.Interfaces, condition)
}

// included evaluates @skip and @include. A value that cannot be read leaves the
// selection out.
func (p *planner) included(ds ast.DirectiveList) bool {
	for _, d := range ds {
		if d.Name != "skip" && d.Name != "include" {
			continue
		}
		a := d.Arguments.ForName("if")
		if a == nil {
			return false
		}
		v, err := literal(p.schema.AST, a.Value, &ast.Type{NamedType: "Boolean", NonNull: true}, p.vars)
		on, ok := v.(bool)
		if err != nil || !ok || on == (d.Name == "skip") {
			return false
		}
	}
	return true
}

// plan compiles selections on an object type. conn is the set of the connection
// that they are within, nil outside of one.
func (p *planner) plan(def *ast.Definition, selections []ast.SelectionSet, conn *set) *set {
	order := p.collect(def, selections)
	s := &set{typ: `"` + def.Name + `"`, fields: make([]field, len(order))}
	for i, m := range order {
		f := &s.fields[i]
		*f = field{key: []byte(`"` + m.node.Alias + `":`), alias: m.node.Alias, node: m.node, slot: -1}
		if m.node.Name == "__typename" {
			f.mean, f.nonNull = app.Meaning{Kind: app.TypeName}, true
			continue
		}
		of := m.node.Definition
		if own := def.Fields.ForName(m.node.Name); own != nil {
			of = own // selected on an interface of the type
		}
		f.mean = p.schema.Meaning(def, of)
		f.nonNull = of.Type.NonNull
		p.sub(s, f, m.subs, conn)
		if needsLoad(f.mean.Kind) {
			f.slot = len(s.loads)
			s.loads = append(s.loads, i)
		}
	}
	return s
}

func needsLoad(k app.Kind) bool {
	return k == app.LookupCell || k == app.LinksCell || k == app.Children || k == app.CanUpdate || k == app.CanDelete || k == app.Comments || k == app.History
}

// sub compiles what is selected below a field of s.
func (p *planner) sub(s *set, f *field, subs []ast.SelectionSet, conn *set) {
	def := p.schema.AST.Types[f.node.Definition.Type.Name()]
	if conn == nil {
		conn = s
	}
	switch f.mean.Kind {
	case app.EdgeCursor, app.StartCursor, app.EndCursor:
		conn.cursors = true
	case app.HasPreviousPage:
		conn.before = true
	case app.HasNextPage:
		conn.after = true
	case app.TotalCount:
		conn.total = true
	case app.Edges, app.PageInfo:
		f.sub = p.plan(def, subs, conn)
	case app.Nodes, app.EdgeNode:
		f.sub = p.plan(def, subs, nil)
		f.slot = len(conn.slots)
		conn.slots = append(conn.slots, f.sub)
	case app.NodeByID, app.NodesByID:
		f.records = map[uint32]*set{}
		for _, form := range p.schema.Viewed() {
			f.records[form.Number] = p.plan(p.schema.AST.Types[form.Name], subs, nil)
		}
	default:
		if def != nil && def.IsCompositeType() {
			f.sub = p.plan(def, subs, nil)
		}
	}
}
