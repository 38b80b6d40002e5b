package app

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/validator"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
)

// maxShared bounds the form types that a Builder keeps for sharing.
const maxShared = 4096

// Schema is the schema of one shape. It is read only and safe for concurrent
// use.
type Schema struct {
	AST *ast.Schema
	// Version names application and definition version, as _schemaVersion
	// answers it.
	Version string

	shape  *policy.Shape
	forms  map[uint32]*Form
	viewed []*Form
	// own are the meanings of fields of this schema alone, shared those of types
	// that several schemas of a builder have.
	own    meanings
	shared *registry
}

// Right is what the viewer may do with one form, report or page.
type Right struct {
	Component, Kind string
	Actions         []string
}

// Meaning returns what a field of an object type stands for; the zero Meaning
// for a field that is not of this schema.
func (s *Schema) Meaning(parent *ast.Definition, f *ast.FieldDefinition) Meaning {
	if s.AST.Types[parent.Name] != parent || !slices.Contains(parent.Fields, f) {
		return Meaning{}
	}
	if m, ok := s.own[f]; ok {
		return m
	}
	if m, ok := base.meanings[f]; ok {
		return m
	}
	return s.shared.meaning(f)
}

// Form returns what the schema knows of a form.
func (s *Schema) Form(number uint32) (*Form, bool) {
	f, ok := s.forms[number]
	return f, ok
}

// Rights returns what the viewer may do, component by component.
func (s *Schema) Rights() []Right { return rights(s.shape) }

// Viewed returns the forms whose records the viewer may see, in the definition's
// order. Read only.
func (s *Schema) Viewed() []*Form { return s.viewed }

// WriteSDL writes the schema as text that describes it completely, in the order
// of type names.
func (s *Schema) WriteSDL(w io.Writer) {
	formatter.NewFormatter(w, formatter.WithIndent("  ")).FormatSchema(s.AST)
}

// Shape is what a schema is made of: the static part of a view.
type Shape = policy.Shape

// Builder makes the schemas of one version of one application. It is safe for
// concurrent use.
type Builder struct {
	app *definition.Application

	mu     sync.Mutex
	shared map[string]*Form
	talks  map[string]*talkTypes
	writes map[commentKey]*commentMutations
	known  registry
}

// registry holds what the fields of shared types stand for. A field has one
// meaning in every schema that has the field.
type registry struct {
	mu sync.RWMutex
	of meanings
}

func (r *registry) meaning(f *ast.FieldDefinition) Meaning {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.of[f]
}

func (r *registry) add(m meanings) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = meanings{}
	}
	maps.Copy(r.of, m)
}

// NewBuilder returns a builder for a definition, which it reads only.
func NewBuilder(a *definition.Application) *Builder {
	return &Builder{app: a, shared: map[string]*Form{}, talks: map[string]*talkTypes{}, writes: map[commentKey]*commentMutations{}}
}

// Build makes the schema of a shape of the builder's application. It fails when
// two names of the schema clash, which [Check] finds beforehand.
func (b *Builder) Build(shape *policy.Shape) (*Schema, error) {
	forms, size, err := b.forms(shape)
	if err != nil {
		return nil, err
	}
	s := &Schema{
		AST: &ast.Schema{
			Types: make(map[string]*ast.Definition, size), Directives: base.directives,
			PossibleTypes: map[string][]*ast.Definition{}, Implements: map[string][]*ast.Definition{},
		},
		Version: b.app.Name + "." + strconv.FormatUint(b.app.Version, 10),
		shape:   shape,
		forms:   make(map[uint32]*Form, len(forms)),
		own:     meanings{},
		shared:  &b.known,
	}
	maps.Copy(s.AST.Types, base.types)
	query := s.fixed(shape)
	var mutation, subscription ast.FieldList
	for _, f := range forms {
		if err := s.take(f); err != nil {
			return nil, err
		}
		query, mutation, subscription = append(query, f.query...), append(mutation, f.mutation...), append(subscription, f.subscription...)
	}
	query = append(query, s.node(query)...)
	talk := b.talk(s, shape, query)
	if err := s.put(talk.defs); err != nil {
		return nil, err
	}
	query, mutation = append(query, talk.query...), append(append(mutation, talk.mutation...), b.commentWrites(s, shape, talk)...)
	if err := distinct("Query", query); err != nil {
		return nil, err
	}
	intro := validator.QueryIntrospectionFields()
	s.own[intro[0]], s.own[intro[1]] = Meaning{Kind: IntroSchema}, Meaning{Kind: IntroType}
	s.AST.Query = s.addRoot("Query", append(query, intro...))
	if len(mutation) > 0 {
		s.AST.Mutation = s.addRoot("Mutation", mutation)
	}
	if len(subscription) > 0 {
		s.AST.Subscription = s.addRoot("Subscription", subscription)
	}
	return s, nil
}

// forms returns the types of the forms of a shape, and how many types a schema
// of them has about.
func (b *Builder) forms(shape *policy.Shape) (out []*Form, size int, err error) {
	size = len(base.types) + 32
	for _, p := range plans(shape) {
		f, err := b.form(p)
		if err != nil {
			return nil, 0, err
		}
		out, size = append(out, f), size+len(f.defs)
	}
	return out, size, nil
}

// fixed adds what a schema has whatever its forms are, and takes out the types
// that nothing leads to then. It returns the fields of Query.
func (s *Schema) fixed(shape *policy.Shape) ast.FieldList {
	var query ast.FieldList
	add := func(d *ast.FieldDefinition, k Kind) {
		query = append(query, d)
		s.own[d] = Meaning{Kind: k}
	}
	add(described(field("_schemaVersion", "String!"), "Name and version of the application's definition."), SchemaVersion)
	add(field("me", "Viewer!"), Me)
	if shape.NamesUsers() {
		add(membersField(), Members)
	} else {
		delete(s.AST.Types, "UserConnection")
	}
	if d := s.withReports(shape); d != nil {
		add(d, CreatedReports)
	}
	return query
}

// take puts the types of a form into the schema.
func (s *Schema) take(f *Form) error {
	s.forms[f.Number] = f
	if f.viewed {
		s.viewed = append(s.viewed, f)
	}
	if f.alone {
		maps.Copy(s.own, f.meanings)
	}
	return s.put(f.defs)
}

// put adds types. An object has no entry among the possible types, see [Rules].
func (s *Schema) put(defs []*ast.Definition) error {
	for _, d := range defs {
		if s.AST.Types[d.Name] != nil || d.Name == "Query" || d.Name == "Mutation" || d.Name == "Subscription" {
			return fmt.Errorf("two types of the schema are named %q", d.Name)
		}
		s.AST.Types[d.Name] = d
	}
	return nil
}

// membersField offers people to whoever may name them, to nobody else (A5a).
func membersField() *ast.FieldDefinition {
	f := field("members", "UserConnection!", append([]*ast.ArgumentDefinition{arg("search", "String")}, partArgs()...)...)
	return described(f, "Active members of the application, for user fields and mentions. search is text that the display name contains, in any case.")
}

func (s *Schema) addRoot(name string, fields ast.FieldList) *ast.Definition {
	d := object(name, "", slices.Clone(fields))
	s.AST.Types[name] = d
	return d
}

// form returns the types for a plan, from those already made where one is equal.
func (b *Builder) form(p *plan) (*Form, error) {
	key := p.key()
	b.mu.Lock()
	defer b.mu.Unlock()
	if f := b.shared[key]; f != nil {
		return f, nil
	}
	f := p.build()
	if err := f.checkNames(); err != nil {
		return nil, err
	}
	f.viewed, f.alone = p.shape.View, len(b.shared) >= maxShared
	if !f.alone {
		b.shared[key] = f
		b.known.add(f.meanings)
	}
	return f, nil
}

// plans decides what the types of each form of a shape hold.
func plans(shape *policy.Shape) []*plan {
	byNumber := map[uint32]*policy.FormShape{}
	for _, s := range shape.Forms {
		if s.View {
			byNumber[s.Form.Number] = s
		}
	}
	listed := map[uint32]bool{} // forms that multi-lookups lead to
	out := make([]*plan, 0, len(shape.Forms))
	for _, s := range shape.Forms {
		p := &plan{shape: s, targets: map[uint32]string{}}
		for _, f := range s.Form.Fields {
			if !s.Visible.Has(f.Number) {
				continue
			}
			if f.Type.Links() {
				target := byNumber[f.Target]
				if target == nil {
					continue
				}
				p.targets[f.Target] = target.Form.Name
				listed[f.Target] = listed[f.Target] || f.Type == record.MultiLookup
			}
			p.fields = append(p.fields, f)
			p.named = append(p.named, f)
			for _, name := range f.Aliases {
				p.named = append(p.named, f.Aliased(name))
			}
		}
		for _, f := range record.System {
			if f.Number != record.FieldID && s.Visible.Has(f.Number) {
				p.system = append(p.system, f)
			}
		}
		out = append(out, p)
	}
	reverses, node := shape.Reverses(), nodeName(shape)
	for _, p := range out {
		p.node, p.listed = node, listed[p.shape.Form.Number]
		p.reverses = reverses[p.shape.Form.Number]
	}
	nestings(out)
	return out
}

// rights lists what a shape allows, forms and reports in their order.
func rights(shape *policy.Shape) []Right {
	out := []Right{}
	for _, s := range shape.Forms {
		r := Right{Component: s.Form.Name, Kind: "FORM", Actions: []string{}}
		for _, a := range []struct {
			name string
			has  bool
		}{
			{"ACCESS", s.Create || s.CreateNested}, {"VIEW", s.View}, {"EDIT", s.Edit}, {"DELETE", s.Delete},
			{"READ_COMMENTS", s.ReadComments}, {"WRITE_COMMENTS", s.WriteComments}, {"READ_HISTORY", s.ReadHistory},
			{"EXPORT", s.Export}, {"CREATE_REPORT", s.CreateReport},
		} {
			if a.has {
				r.Actions = append(r.Actions, a.name)
			}
		}
		out = append(out, r)
		for _, report := range s.Reports {
			out = append(out, Right{Component: report.Name, Kind: "REPORT", Actions: []string{"VIEW"}})
		}
	}
	for _, p := range shape.Pages {
		out = append(out, Right{Component: p.Name, Kind: "PAGE", Actions: []string{"ACCESS"}})
	}
	return out
}
