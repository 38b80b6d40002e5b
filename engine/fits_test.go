package engine

import (
	"testing"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/rules"
)

// TestFitsNamesTheDifference: what a manifest has otherwise than the form is named,
// and what it would have to be.
func TestFitsNamesTheDifference(t *testing.T) {
	def := &definition.Application{Forms: []*definition.Form{{Name: "Order", Fields: []*definition.Field{
		{Field: record.Field{Number: 100, Name: "status", Type: record.Choice}}, {Field: record.Field{Number: 101, Name: "amount", Type: record.Decimal, Scale: 2}},
	}}}}
	rule := &definition.CustomRule{Name: "large", Form: "Order", Effect: definition.Share}
	for says, column := range map[string]rules.Column{
		"": {Name: "amount", Type: record.Decimal, Scale: 2},
		"module: record field status is of type choice in form Order, not text":      {Name: "status", Type: record.Text},
		"module: record field amount has scale 2 in form Order, not 3":               {Name: "amount", Type: record.Decimal, Scale: 3},
		"module: record field total (decimal, scale 2) is not a field of form Order": {Name: "total", Type: record.Decimal, Scale: 2},
		"module: record field amount is of type decimal in form Order, not text":     {Name: "amount", Type: record.Text},
	} {
		err := fits(&rules.Manifest{Form: "Order", Effect: rules.Share, Grant: 1, Record: []rules.Column{column}}, rule, def)
		if got := fault.Message(err); err == nil && says != "" || err != nil && got != says {
			t.Errorf("%+v: %v, want %q", column, err, says)
		}
	}
}
