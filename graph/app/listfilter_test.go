package app

import (
	"testing"

	"sluice/internal/definition"
	"sluice/internal/record"
)

// TestP2_ListFilters: a multi-lookup is filtered by ids and by what it leads to;
// who sees no list to a form sees no trace of that filter.
func TestP2_ListFilters(t *testing.T) {
	list := fieldOf(17, "watchers", record.MultiLookup)
	list.Target = 2
	a := &definition.Application{Name: "x", Version: 1, Forms: []*definition.Form{
		{Number: 1, Name: "Thing", Plural: "things", Fields: []*definition.Field{fieldOf(16, "title", record.Text), list}},
		{Number: 2, Name: "Watcher", Plural: "watchers", Fields: []*definition.Field{fieldOf(16, "name", record.Text)}},
	}}
	b := NewBuilder(a)
	full := FullShape(a)
	s, err := b.Build(full)
	if err != nil {
		t.Fatal(err)
	}
	if d := s.AST.Types["ThingFilter"].Fields.ForName("watchers"); d == nil || d.Type.String() != "WatcherMultiLookupFilter" {
		t.Errorf("watchers is filtered by %+v", d)
	}
	for name, typ := range map[string]string{"has": "ID", "hasAny": "[ID!]", "hasAll": "[ID!]", "isNull": "Boolean", "some": "WatcherFilter", "every": "WatcherFilter", "none": "WatcherFilter"} {
		if d := s.AST.Types["WatcherMultiLookupFilter"].Fields.ForName(name); d == nil || d.Type.String() != typ {
			t.Errorf("%s is %+v", name, d)
		}
	}
	if n := len(base.types["IDListFilter"].Fields); n != 4 {
		t.Errorf("the filter of people has %d operators", n)
	}
	narrow := FullShape(a)
	narrow.Forms[0].Visible = record.FieldSetOf(16)
	if s, err = b.Build(narrow); err != nil {
		t.Fatal(err)
	}
	if s.AST.Types["WatcherMultiLookupFilter"] != nil || s.AST.Types["ThingFilter"].Fields.ForName("watchers") != nil {
		t.Error("a hidden list leaves a filter")
	}
}
