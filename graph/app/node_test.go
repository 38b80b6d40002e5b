package app

import (
	"testing"

	"sluice/internal/definition"
	"sluice/internal/record"
)

// TestNodeYieldsNames lets forms keep the names of what finds records by id, for
// who sees them alone (P2).
func TestNodeYieldsNames(t *testing.T) {
	a := &definition.Application{Name: "x", Version: 1, Forms: []*definition.Form{
		{Number: 1, Name: "Node", Plural: "nodes", Fields: []*definition.Field{fieldOf(16, "title", record.Text)}},
		{Number: 2, Name: "Other", Plural: "others", Fields: []*definition.Field{fieldOf(16, "title", record.Text)}},
	}}
	full := FullShape(a)
	b := NewBuilder(a)
	s, err := b.Build(full)
	if err != nil {
		t.Fatal(err)
	}
	q := s.AST.Query.Fields
	if q.ForName("node").Type.String() != "Node" || q.ForName("node_").Type.String() != "Node_" || q.ForName("nodes_").Type.String() != "[Node_]!" {
		t.Errorf("node is %s, node_ is %s", q.ForName("node").Type, q.ForName("node_").Type)
	}
	narrow := FullShape(a)
	narrow.Forms = narrow.Forms[1:]
	if s, err = b.Build(narrow); err != nil {
		t.Fatal(err)
	}
	if d := s.AST.Types["Other"]; d.Interfaces[0] != "Node" || len(s.AST.GetPossibleTypes(s.AST.Types["Node"])) != 1 || s.AST.Query.Fields.ForName("node_") != nil {
		t.Errorf("%v, a form that is hidden leaves a trace", d.Interfaces)
	}
	narrow.Forms = nil
	if s, err = b.Build(narrow); err != nil || s.AST.Types["Node"] != nil || s.AST.Query.Fields.ForName("node") != nil {
		t.Errorf("%v: without a form there is an interface", err)
	}
}

// TestOrderThroughLookups names lookups beside what an order key has of its own.
func TestOrderThroughLookups(t *testing.T) {
	to := func(n uint32, name string) *definition.Field { return lookupOf(n, name, 1) }
	a := &definition.Application{Name: "x", Version: 1, Forms: []*definition.Form{
		{Number: 1, Name: "Thing", Plural: "things", Fields: []*definition.Field{to(16, "field"), to(17, "nulls"), to(18, "part")}},
	}}
	s, err := NewBuilder(a).Build(FullShape(a))
	if err != nil {
		t.Fatal(err)
	}
	keys := s.AST.Types["ThingOrder"].Fields
	for _, name := range []string{"field_", "nulls_", "part"} {
		f, _ := s.Form(1)
		if d := keys.ForName(name); d == nil || d.Type.String() != "ThingOrder" || f.Through[name] == nil {
			t.Errorf("%s is %v", name, d)
		}
	}
	many := s.AST.Types["ThingFilter"].Fields
	for _, name := range []string{"thingsByField", "thingsByNulls", "thingsByPart"} {
		if d := many.ForName(name); d == nil || d.Type.String() != "ThingManyFilter" {
			t.Errorf("%s is %v", name, d)
		}
	}
}
