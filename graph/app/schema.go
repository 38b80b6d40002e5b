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
	// Rights is what the viewer may do, component by component.
	Rights []Right

	forms  map[uint32]*Form
	viewed []*Form
	owner  map[string]meanings // by type name
}

// Right is what the viewer may do with one form, report or page.
type Right struct {
	Component, Kind string
	Actions         []string
}

// Meaning returns what a field of an object type stands for; the zero Meaning
// for a field that is not of this schema.
func (s *Schema) Meaning(parent *ast.Definition, f *ast.FieldDefinition) Meaning {
	return s.owner[parent.Name][f]
}

// Form returns what the schema knows of a form.
func (s *Schema) Form(number uint32) (*Form, bool) {
	f, ok := s.forms[number]
	return f, ok
}

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
}

// NewBuilder returns a builder for a definition, which it reads only.
func NewBuilder(a *definition.Application) *Builder {
	return &Builder{app: a, shared: map[string]*Form{}}
}

// Build makes the schema of a shape of the builder's application. It fails when
// two names of the schema clash, which [Check] finds beforehand.
func (b *Builder) Build(shape *policy.Shape) (*Schema, error) {
	s := &Schema{
		AST: &ast.Schema{
			Types: maps.Clone(base.types), Directives: base.directives,
			PossibleTypes: map[string][]*ast.Definition{}, Implements: map[string][]*ast.Definition{},
		},
		Version: b.app.Name + "." + strconv.FormatUint(b.app.Version, 10),
		Rights:  rights(shape),
		forms:   map[uint32]*Form{},
		owner:   map[string]meanings{},
	}
	for name := range commonMeanings {
		s.owner[name] = base.meanings
	}
	root := meanings{}
	query := ast.FieldList{described(field("_schemaVersion", "String!"), "Name and version of the application's definition."), field("me", "Viewer!")}
	root[query[0]], root[query[1]] = Meaning{Kind: SchemaVersion}, Meaning{Kind: Me}
	if shape.NamesUsers() {
		query = append(query, membersField())
		root[query[2]] = Meaning{Kind: Members}
	} else {
		delete(s.AST.Types, "UserConnection")
	}
	if d := s.withReports(shape); d != nil {
		query = append(query, d)
		root[d] = Meaning{Kind: CreatedReports}
	}
	var mutation, subscription ast.FieldList
	for _, p := range plans(shape) {
		f, err := b.form(p)
		if err != nil {
			return nil, err
		}
		s.forms[f.Number] = f
		if p.shape.View {
			s.viewed = append(s.viewed, f)
		}
		for _, d := range f.defs {
			if s.AST.Types[d.Name] != nil || d.Name == "Query" || d.Name == "Mutation" || d.Name == "Subscription" {
				return nil, fmt.Errorf("two types of the schema are named %q", d.Name)
			}
			s.AST.Types[d.Name], s.owner[d.Name] = d, f.meanings
		}
		query, mutation, subscription = append(query, f.query...), append(mutation, f.mutation...), append(subscription, f.subscription...)
		for _, d := range slices.Concat(f.query, f.mutation, f.subscription) {
			root[d] = f.meanings[d]
		}
	}
	query = append(query, s.node(query, root)...)
	talk, err := s.talk(shape, query)
	if err != nil {
		return nil, err
	}
	query, mutation = append(query, talk.query...), append(mutation, talk.mutation...)
	maps.Copy(root, talk.meanings)
	if err := distinct("Query", query); err != nil {
		return nil, err
	}
	intro := validator.QueryIntrospectionFields()
	root[intro[0]], root[intro[1]] = Meaning{Kind: IntroSchema}, Meaning{Kind: IntroType}
	s.AST.Query = s.addRoot("Query", append(query, intro...), root)
	if len(mutation) > 0 {
		s.AST.Mutation = s.addRoot("Mutation", mutation, root)
	}
	if len(subscription) > 0 {
		s.AST.Subscription = s.addRoot("Subscription", subscription, root)
	}
	for name, d := range s.AST.Types {
		if d.Kind == ast.Object {
			s.AST.PossibleTypes[name] = []*ast.Definition{d}
		}
	}
	return s, nil
}

// membersField offers people to whoever may name them, to nobody else (A5a).
func membersField() *ast.FieldDefinition {
	first := arg("first", "Int")
	first.DefaultValue = &ast.Value{Kind: ast.IntValue, Raw: strconv.Itoa(DefaultFirst)}
	f := field("members", "UserConnection!", arg("search", "String"), first, arg("after", "String"))
	return described(f, "Active members of the application, for user fields and mentions. search is text that the display name contains, in any case.")
}

func (s *Schema) addRoot(name string, fields ast.FieldList, m meanings) *ast.Definition {
	d := object(name, "", slices.Clip(fields))
	s.AST.Types[name], s.owner[name] = d, m
	return d
}

// form returns the types for a plan, from those already made where one is equal.
func (b *Builder) form(p *plan) (*Form, error) {
	key := p.key()
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.shared[key]
	if f == nil {
		f = p.build()
		if err := f.checkNames(); err != nil {
			return nil, err
		}
		if len(b.shared) < maxShared {
			b.shared[key] = f
		}
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
	out := make([]*plan, 0, len(shape.Forms))
	for _, s := range shape.Forms {
		p := &plan{shape: s, targets: map[uint32]string{}}
		for _, f := range s.Form.Fields {
			if !s.Visible.Has(f.Number) {
				continue
			}
			if f.Type == record.Lookup {
				target := byNumber[f.Target]
				if target == nil {
					continue
				}
				p.targets[f.Target] = target.Form.Name
			}
			p.fields = append(p.fields, f)
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
		p.node = node
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
