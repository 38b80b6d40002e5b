package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// schemaType is a type as introspection tells it.
type schemaType struct {
	Kind, Name  string
	OfType      *schemaType
	Fields      []schemaField
	InputFields []schemaField
	EnumValues  []struct{ Name string }
	IsOneOf     bool
}

type schemaField struct {
	Name string
	Args []schemaField
	Type *schemaType
}

func (t *schemaType) named() *schemaType {
	for t.OfType != nil {
		t = t.OfType
	}
	return t
}

// surface is one of the two schemas, as somebody sees it.
type surface struct {
	path  string
	types map[string]*schemaType
}

func (d *demoServer) surface(t *testing.T, path, who string) *surface {
	t.Helper()
	const query = `{__schema{types{kind name fields(includeDeprecated:true){name args{name type{...T}} type{...T}} inputFields{name type{...T}} enumValues{name}}}}
		fragment T on __Type{kind name ofType{kind name ofType{kind name ofType{kind name ofType{kind name}}}}}`
	status, b := d.do(t, call{path: path, token: d.tokens[who], body: asked(query)})
	var a struct {
		Data struct {
			Schema struct{ Types []*schemaType } `json:"__schema"`
		}
	}
	if err := json.Unmarshal(b, &a); err != nil || status != http.StatusOK || len(a.Data.Schema.Types) == 0 {
		t.Fatalf("%s: introspection: %d %.300s", path, status, b)
	}
	s := &surface{path: path, types: map[string]*schemaType{}}
	for _, x := range a.Data.Schema.Types {
		s.types[x.Name] = x
	}
	return s
}

// position is a place in a document where an id, a cursor or a name may stand.
type position struct {
	surface *surface
	root    string        // query or mutation
	way     []schemaField // fields from the root to the one with the argument
	arg     schemaField
	into    []schemaField // input fields below the argument
	owner   string        // the input type that holds the last of them
}

func (p *position) String() string {
	var b strings.Builder
	b.WriteString(p.surface.path + " " + p.root)
	for _, f := range p.way {
		b.WriteString("." + f.Name)
	}
	b.WriteString("(" + p.arg.Name)
	for _, f := range p.into {
		b.WriteString("." + f.Name)
	}
	return b.String() + ")"
}

// last is the argument or input field itself.
func (p *position) last() schemaField {
	if n := len(p.into); n > 0 {
		return p.into[n-1]
	}
	return p.arg
}

// namings are the arguments of type String that name a thing of the tenant.
var namings = []string{"after", "application", "form", "rule", "role", "permissionSet", "module"}

// changesAll reports whether an id that nobody has makes the filter of a
// mutation match every record: such filters are tried on queries.
func (p *position) changesAll() bool {
	return p.root == "mutation" && slices.ContainsFunc(p.into, func(f schemaField) bool {
		return slices.Contains([]string{"ne", "notIn", "not", "none", "every"}, f.Name)
	})
}

func (p *position) probed() bool {
	if p.changesAll() {
		return false
	}
	f := p.last()
	switch f.Type.named().Name {
	case "ID":
		return true
	case "String":
		field := p.way[len(p.way)-1].Name
		return len(p.into) == 0 && (slices.Contains(namings, f.Name) || field == "application" && f.Name == "name" || field == "revokeToken")
	}
	return false
}

// positions walks the schema: every argument and input field, of root fields and
// of the first field of each type that is reached from them.
func (s *surface) positions() (out []*position) {
	type at struct {
		root string
		way  []schemaField
	}
	var todo []at
	for _, root := range []string{"query", "mutation"} {
		if t := s.types[map[string]string{"query": "Query", "mutation": "Mutation"}[root]]; t != nil {
			for _, f := range t.Fields {
				todo = append(todo, at{root, []schemaField{f}})
			}
		}
	}
	seen := map[string]bool{}
	for len(todo) > 0 {
		here := todo[0]
		todo = todo[1:]
		f := here.way[len(here.way)-1]
		for _, a := range f.Args {
			p := &position{surface: s, root: here.root, way: here.way, arg: a}
			out = append(out, p.below(a.Type.named(), nil)...)
		}
		under := s.types[f.Type.named().Name]
		if here.root == "mutation" || under.Kind != "OBJECT" || seen[under.Name] {
			continue
		}
		seen[under.Name] = true
		for _, x := range under.Fields {
			todo = append(todo, at{here.root, append(slices.Clip(here.way), x)})
		}
	}
	return out
}

// below collects the positions under an argument; no input type stands in itself.
func (p *position) below(t *schemaType, within []string) (out []*position) {
	if p.probed() {
		return []*position{p}
	}
	if field := p.way[len(p.way)-1].Name; strings.Contains(field, "ReportOf") && len(p.into) > 0 && p.last().Name == "where" {
		return nil // kept and said back as its maker wrote it; the language is that of lists
	}
	def := p.surface.types[t.Name]
	if def.Kind != "INPUT_OBJECT" || slices.Contains(within, def.Name) || len(within) > 3 {
		return nil
	}
	for _, f := range def.InputFields {
		next := *p
		next.into, next.owner = append(slices.Clip(p.into), f), def.Name
		out = append(out, next.below(f.Type.named(), append(slices.Clip(within), def.Name))...)
	}
	return out
}

// document writes the operation with the value at the position, as a literal or
// as a variable; good gives what else has to be there.
func (p *position) document(value string, variable bool, good func(field string, f schemaField) string) []byte {
	body := map[string]any{}
	literal, head := fmt.Sprintf("%q", value), p.root
	if variable {
		literal, head = "$v", p.root+"($v:"+p.last().Type.named().Name+"!)"
		body["variables"] = map[string]string{"v": value}
	}
	var open, shut string
	for i, f := range p.way {
		var args []string
		for _, a := range f.Args {
			switch {
			case i == len(p.way)-1 && a.Name == p.arg.Name:
				args = append(args, a.Name+":"+p.surface.wrap(a.Type, p.surface.inner(p.into, literal, f.Name, good)))
			case a.Name == "first":
				args = append(args, "first:2")
			case a.Type.Kind == "NON_NULL":
				args = append(args, a.Name+":"+p.surface.sample(f.Name, a, good))
			}
		}
		open += "{" + f.Name
		if len(args) > 0 {
			open += "(" + strings.Join(args, ",") + ")"
		}
		shut += "}"
	}
	body["query"] = head + open + p.surface.selection(p.way[len(p.way)-1].Type.named(), 2) + shut
	b, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return b
}

// wrap puts a value into as many lists as the type asks for.
func (s *surface) wrap(t *schemaType, value string) string {
	switch t.Kind {
	case "NON_NULL":
		return s.wrap(t.OfType, value)
	case "LIST":
		return "[" + s.wrap(t.OfType, value) + "]"
	}
	return value
}

// inner writes the input objects from the argument down to the value.
func (s *surface) inner(into []schemaField, literal, field string, good func(string, schemaField) string) string {
	if len(into) == 0 {
		return literal
	}
	return s.object(s.holder(into[0]), into[0].Name, s.wrap(into[0].Type, s.inner(into[1:], literal, field, good)), field, good)
}

// holder finds the input type that a field belongs to.
func (s *surface) holder(f schemaField) *schemaType {
	for _, t := range s.types {
		for i := range t.InputFields {
			if t.InputFields[i].Type == f.Type {
				return t
			}
		}
	}
	return nil
}

// object writes an input object: one field as given, and what is required.
func (s *surface) object(t *schemaType, name, value, field string, good func(string, schemaField) string) string {
	var parts []string
	for _, f := range t.InputFields {
		switch {
		case f.Name == name:
			parts = append(parts, f.Name+":"+value)
		case f.Type.Kind == "NON_NULL":
			parts = append(parts, f.Name+":"+s.sample(field, f, good))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// sample writes a value of the field's type.
func (s *surface) sample(field string, f schemaField, good func(string, schemaField) string) string {
	t := s.types[f.Type.named().Name]
	var value string
	switch {
	case t.Kind == "INPUT_OBJECT":
		value = s.object(t, "", "", field, good)
	case t.Kind == "ENUM":
		value = t.EnumValues[0].Name
	default:
		value = good(field, f)
	}
	return s.wrap(f.Type, value)
}

// selection asks for all that needs no argument, but for cursors: they are sealed
// with what the asker wrote, and so with the probe.
func (s *surface) selection(t *schemaType, depth int) string {
	def := s.types[t.Name]
	if def.Kind != "OBJECT" && def.Kind != "INTERFACE" {
		return ""
	}
	out := "{__typename"
	for _, f := range def.Fields {
		inner := s.types[f.Type.named().Name]
		leaf := inner.Kind == "SCALAR" || inner.Kind == "ENUM"
		if len(f.Args) == 0 && !strings.Contains(strings.ToLower(f.Name), "cursor") && (leaf || depth > 0 && inner.Kind == "OBJECT") {
			out += " " + f.Name + s.selection(f.Type.named(), depth-1)
		}
	}
	return out + "}"
}
