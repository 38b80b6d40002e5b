package app

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/99designs/gqlgen/graphql/introspection"

	"sluice/graph/app"
	"sluice/internal/definition"
	"sluice/internal/record"
)

// large has 50 forms of 30 fields.
func large() *definition.Application {
	a := &definition.Application{Name: "large", Version: 1}
	for i := range 50 {
		f := &definition.Form{Number: uint32(i + 1), Name: fmt.Sprintf("Form%d", i), Plural: fmt.Sprintf("forms%d", i)}
		for k := range 30 {
			t := []record.Type{record.Text, record.Integer, record.Decimal, record.Date, record.Lookup}[k%5]
			f.Fields = append(f.Fields, fieldOf(uint32(16+k), fmt.Sprintf("field%d", k), t, uint32((i+k)%50+1)))
		}
		a.Forms = append(a.Forms, f)
	}
	return a
}

// TestIntrospectionQuery is the query that clients send.
func TestIntrospectionQuery(t *testing.T) {
	w := world()
	var out struct {
		Schema struct {
			Types      []struct{ Name, Kind string }
			QueryType  struct{ Name string }
			Directives []struct{ Name string }
		} `json:"__schema"`
	}
	text := w.run(t, introspection.NewQuery(introspection.QueryOptions{OneOf: true}), "")
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	if len(out.Schema.Types) != len(w.schema(t).AST.Types) || out.Schema.QueryType.Name != "Query" || len(out.Schema.Directives) != 5 {
		t.Errorf("%+v", out)
	}
}

func BenchmarkIntrospection50x30(b *testing.B) {
	a := large()
	s, err := app.NewBuilder(a).Build(app.FullShape(a))
	if err != nil {
		b.Fatal(err)
	}
	r, _, err := prepare(b, s, introspection.Query, "", "")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		a := r.Query(context.Background(), Request{Viewer: viewer})
		b.ReportMetric(float64(len(a.Data)), "bytes")
		if len(a.Errors) > 0 {
			b.Fatal(a.Errors)
		}
		a.Release()
	}
	b.ReportMetric(float64(r.Cost), "cells")
}

func BenchmarkBuild50x30(b *testing.B) {
	a := large()
	builder, shape := app.NewBuilder(a), app.FullShape(a)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := builder.Build(shape); err != nil {
			b.Fatal(err)
		}
	}
}
