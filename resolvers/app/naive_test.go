package app

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"pgregory.net/rapid"

	"sluice/engine"
	"sluice/graph/app"
	"sluice/internal/definition"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// naive executes a query by the letter of the specification: selection by
// selection and record by record, into maps, without plan, batches or cost. It
// reads the schema's meanings and the fake, and shares no code with the executor.
type naive struct {
	w    *fake
	s    *app.Schema
	vars map[string]any
}

// value of the field for its parent: an object is a resolver of its own fields.
type resolve func(m app.Meaning, f *ast.Field) any

// typed is an object of one of several types.
type typed struct {
	name string
	resolve
}

func is(def *ast.Definition, condition string) bool {
	return condition == "" || condition == def.Name || condition == "Node" && len(def.Interfaces) > 0
}

func (n naive) object(def *ast.Definition, sets []ast.SelectionSet, r resolve) map[string]any {
	out := map[string]any{}
	grouped := map[string][]*ast.Field{}
	for _, s := range sets {
		n.collect(def, s, grouped)
	}
	for key, fields := range grouped {
		f := fields[0]
		if f.Name == "__typename" {
			out[key] = def.Name
			continue
		}
		var subs []ast.SelectionSet
		for _, x := range fields {
			subs = append(subs, x.SelectionSet)
		}
		out[key] = n.complete(f.Definition.Type, r(n.s.Meaning(def, def.Fields.ForName(f.Name)), f), subs)
	}
	return out
}

// collect expands fragments as often as they are spread.
func (n naive) collect(def *ast.Definition, set ast.SelectionSet, grouped map[string][]*ast.Field) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if n.wanted(s.Directives) {
				grouped[s.Alias] = append(grouped[s.Alias], s)
			}
		case *ast.InlineFragment:
			if n.wanted(s.Directives) && is(def, s.TypeCondition) {
				n.collect(def, s.SelectionSet, grouped)
			}
		case *ast.FragmentSpread:
			if n.wanted(s.Directives) && is(def, s.Definition.TypeCondition) {
				n.collect(def, s.Definition.SelectionSet, grouped)
			}
		}
	}
}

func (n naive) wanted(ds ast.DirectiveList) bool {
	for _, d := range ds {
		if v, _ := d.Arguments[0].Value.Value(n.vars); v == (d.Name == "skip") {
			return false
		}
	}
	return true
}

func (n naive) complete(t *ast.Type, v any, subs []ast.SelectionSet) any {
	switch v := v.(type) {
	case []resolve:
		out := []any{}
		for _, x := range v {
			out = append(out, n.complete(t.Elem, x, subs))
		}
		return out
	case []typed:
		out := []any{}
		for _, x := range v {
			out = append(out, n.complete(t.Elem, x, subs))
		}
		return out
	case typed:
		if v.resolve == nil {
			return nil
		}
		return n.object(n.s.AST.Types[v.name], subs, v.resolve)
	case resolve:
		if v == nil {
			return nil
		}
		return n.object(n.s.AST.Types[t.Name()], subs, v)
	}
	return v
}

func (n naive) root(m app.Meaning, f *ast.Field) any {
	args := f.ArgumentMap(n.vars)
	switch m.Kind {
	case app.SchemaVersion:
		return n.s.Version
	case app.Get:
		id, _ := record.ParseID(fmt.Sprint(args["id"]))
		return n.recordOf(m.Form, id)
	case app.NodeByID:
		return n.node(args["id"])
	case app.NodesByID:
		out := []typed{}
		for _, id := range args["ids"].([]any) {
			out = append(out, n.node(id))
		}
		return out
	case app.Members:
		return n.members(args)
	case app.Notifications:
		return n.notifications(args)
	case app.Aggregates:
		return n.aggregates(m.Form, args)
	case app.CreatedReports:
		return []any{} // the fake has none until one is kept
	}
	return n.page(m.Form, args, func(record.Redacted) bool { return true })
}

func (n naive) node(text any) typed {
	id, _ := record.ParseID(fmt.Sprint(text))
	for _, f := range n.s.Viewed() {
		if r := n.recordOf(f.Number, id); r != nil {
			return typed{f.Name, r}
		}
	}
	return typed{}
}

func (n naive) recordOf(form uint32, id record.ID) resolve {
	i, ok := n.w.find(form, id)
	if !ok {
		return nil
	}
	return n.record(form, n.w.redact(form, n.w.records[form][i]))
}

func (n naive) record(form uint32, r record.Redacted) resolve {
	return func(m app.Meaning, f *ast.Field) any {
		switch m.Kind {
		case app.RecordID:
			return r.ID().String()
		case app.RecordVersion:
			return float64(r.Version())
		case app.CanUpdate, app.CanDelete:
			ok, _ := n.w.Can(form, map[app.Kind]definition.Action{app.CanUpdate: definition.Edit, app.CanDelete: definition.Delete}[m.Kind], r)
			return ok
		case app.Comments:
			return n.comments(r.ID(), f.ArgumentMap(n.vars))
		case app.History:
			return n.history(r.ID(), f.ArgumentMap(n.vars))
		case app.UserCell:
			return n.user(r.Get(m.Field).Ref())
		case app.LookupCell:
			return n.recordOf(m.Form, r.Get(m.Field).Ref())
		case app.Children:
			return n.page(m.Form, f.ArgumentMap(n.vars), func(c record.Redacted) bool { return c.Get(m.Field).Ref() == r.ID() })
		}
		var v any
		_ = json.Unmarshal(record.AppendJSON(nil, m.Field, r.Get(m.Field)), &v)
		return v
	}
}

func (n naive) user(id record.ID) resolve {
	if id.IsZero() {
		return nil
	}
	return func(m app.Meaning, _ *ast.Field) any {
		if m.Kind == app.UserID {
			return id.String()
		}
		return people[id]
	}
}

func (n naive) page(form uint32, args map[string]any, keep func(record.Redacted) bool) any {
	q := engine.List{Form: form, First: 50, Total: true}
	for _, name := range []string{"first", "last"} {
		if size, ok := args[name].(int64); ok {
			q.First, q.Backward = int(size), name == "last"
		}
	}
	if where, ok := args["where"]; ok {
		q.Where, _ = filter.Parse(where, n.w.Scope(form), filter.Options{})
	}
	p, err := n.w.page(q, keep)
	if err != nil {
		panic(err)
	}
	node := func(i int) resolve { return n.record(form, p.Records[i]) }
	return resolve(func(m app.Meaning, _ *ast.Field) any {
		switch m.Kind {
		case app.TotalCount:
			return float64(p.Total)
		case app.PageInfo:
			return n.info(p)
		case app.Aggregate:
			return n.aggregate(form, args, keep)
		}
		out := []resolve{}
		for i := range p.Records {
			if m.Kind == app.Nodes {
				out = append(out, node(i))
				continue
			}
			out = append(out, func(m app.Meaning, _ *ast.Field) any {
				if m.Kind == app.EdgeCursor {
					return p.Cursor(i)
				}
				return node(i)
			})
		}
		return out
	})
}

func (n naive) members(args map[string]any) any {
	start, end := naiveEnds(args, 2)
	var ids []record.ID
	for i := start; i < end; i++ {
		ids = append(ids, idOf(99, uint64(i+1)))
	}
	return resolve(func(m app.Meaning, _ *ast.Field) any {
		if m.Kind == app.MemberNodes {
			out := []resolve{}
			for _, id := range ids {
				out = append(out, n.user(id))
			}
			return out
		}
		return resolve(func(m app.Meaning, _ *ast.Field) any {
			switch {
			case m.Kind == app.HasNextPage:
				return end < 2
			case m.Kind == app.HasPreviousPage:
				return start > 0
			case len(ids) == 0:
				return nil
			case m.Kind == app.StartCursor:
				return ids[0].String()
			}
			return ids[len(ids)-1].String()
		})
	})
}

func (n naive) info(p *Page) resolve {
	return func(m app.Meaning, _ *ast.Field) any {
		last := len(p.Records) - 1
		switch {
		case m.Kind == app.HasNextPage:
			return p.HasNext
		case m.Kind == app.HasPreviousPage:
			return p.HasPrevious
		case last < 0:
			return nil
		case m.Kind == app.StartCursor:
			return p.Cursor(0)
		}
		return p.Cursor(last)
	}
}

// writer makes random queries that are valid: aliases that may meet have equal
// arguments, since equal fields get equal ones.
type writer struct {
	t         *rapid.T
	s         *app.Schema
	fragments []string
}

func (w *writer) set(def *ast.Definition, depth int) string {
	var b strings.Builder
	b.WriteString("{__typename ")
	for range rapid.IntRange(1, 4).Draw(w.t, "n") {
		switch inner := depth > 0; {
		case inner && rapid.IntRange(0, 9).Draw(w.t, "inline") == 0:
			on := def
			if types := w.s.AST.PossibleTypes[def.Name]; def.Kind == ast.Interface {
				on = rapid.SampledFrom(types).Draw(w.t, "type")
			}
			b.WriteString("... on " + on.Name + w.directive() + w.set(on, depth-1))
		case inner && rapid.IntRange(0, 9).Draw(w.t, "spread") == 0 && len(w.fragments) < 5:
			at := len(w.fragments)
			w.fragments = append(w.fragments, "")
			w.fragments[at] = fmt.Sprintf("fragment F%d on %s%s ", at, def.Name, w.set(def, depth-1))
			b.WriteString(strings.Repeat(fmt.Sprintf("...F%d%s ", at, w.directive()), rapid.IntRange(1, 2).Draw(w.t, "times")))
		default:
			b.WriteString(w.field(def, depth))
		}
	}
	return b.String() + "}"
}

func (w *writer) directive() string {
	return rapid.SampledFrom([]string{"", "", "", "@skip(if:$yes)", "@include(if:$yes)", "@skip(if:false)@include(if:$no)"}).Draw(w.t, "directive")
}

func (w *writer) field(def *ast.Definition, depth int) string {
	f := rapid.SampledFrom(def.Fields).Draw(w.t, "field")
	typ := w.s.AST.Types[f.Type.Name()]
	if strings.HasPrefix(f.Name, "_") || f.Name == "me" || f.Name == "key" || depth == 0 && typ.IsCompositeType() {
		return "__typename "
	}
	alias := rapid.SampledFrom([]string{"", f.Name + "A:", f.Name + "B:"}).Draw(w.t, "alias")
	out := alias + f.Name + w.arguments(f, alias) + w.directive()
	if typ.IsCompositeType() {
		out += w.set(typ, depth-1)
	}
	return out + " "
}

// arguments depend on field and alias alone, so that merged fields agree.
func (w *writer) arguments(f *ast.FieldDefinition, alias string) string {
	switch {
	case f.Name == "node" && len(f.Arguments) > 0:
		return fmt.Sprintf(`(id:"%s")`, idOf(uint32(1+len(alias)%5), 2))
	case f.Name == "nodes" && len(f.Arguments) > 0:
		return fmt.Sprintf(`(ids:["%s","x","%s","%s"])`, idOf(formOrder, uint64(len(alias))), idOf(formCustomer, 1), idOf(formOrder, 2))
	case f.Arguments.ForName("id") != nil:
		form := map[byte]uint32{'o': formOrder, 'c': formCustomer}[f.Name[0]]
		return fmt.Sprintf(`(id:"%s")`, idOf(form, uint64(1+len(alias)%3)))
	case f.Arguments.ForName("last") != nil && strings.HasSuffix(alias, "B:"):
		return fmt.Sprintf(`(last:%d)`, len(f.Name)%4)
	case f.Arguments.ForName("where") == nil && f.Arguments.ForName("first") != nil && alias != "":
		return fmt.Sprintf(`(first:%d)`, len(alias)%4)
	case f.Arguments.ForName("first") != nil && alias != "":
		return fmt.Sprintf(`(first:%d,where:{id:{isNull:false}})`, len(alias)%4)
	}
	return ""
}

// TestEqualsNaive compares the executor with the naive one on random queries.
func TestEqualsNaive(t *testing.T) {
	w := world()
	s := w.schema(t)
	vars := map[string]any{"yes": true, "no": false}
	ran := 0
	rapid.Check(t, func(t *rapid.T) {
		gen := &writer{t: t, s: s}
		text := "query($yes:Boolean!,$no:Boolean!){a:_schemaVersion@skip(if:$no) b:__typename@include(if:$yes) ..." + gen.set(s.AST.Query, 7) + "}"
		text += strings.Join(gen.fragments, "")
		doc, err := parser.ParseQuery(&ast.Source{Input: text})
		if err != nil {
			t.Fatal(err)
		}
		if errs := validator.ValidateWithRules(s.AST, doc, app.Rules()); len(errs) > 0 {
			t.Fatalf("%s: %v", text, errs)
		}
		o, gerr := NewDocument(s, doc).Operation("")
		if gerr != nil {
			t.Fatal(gerr)
		}
		r, gerr := o.Prepare(vars)
		if gerr != nil {
			t.Fatal(gerr)
		}
		a := r.Query(context.Background(), Request{Viewer: viewer, Op: w})
		defer a.Release()
		var got any
		if err := json.Unmarshal(a.Data, &got); err != nil || len(a.Errors) > 0 {
			t.Fatal(err, a.Errors)
		}
		n := naive{w, s, vars}
		want := n.object(s.AST.Query, []ast.SelectionSet{doc.Operations[0].SelectionSet}, n.root)
		if !reflect.DeepEqual(got, any(want)) {
			t.Fatalf("%s\ngot  %v\nwant %v", text, got, want)
		}
		if len(a.Data) > 300 {
			ran++
		}
	})
	if ran < 10 && os.Getenv("RAPID_CHECKS") == "" {
		t.Errorf("only %d answers were worth comparing", ran)
	}
}
