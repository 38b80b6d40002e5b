package engine

import (
	"strings"
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
		"module: record field status is of type choice in form Order, not text":                                {Name: "status", Type: record.Text},
		"module: record field amount has scale 2 in form Order, not 3":                                         {Name: "amount", Type: record.Decimal, Scale: 3},
		"module: record field total (decimal, scale 2) is not a field of form Order, which has status, amount": {Name: "total", Type: record.Decimal, Scale: 2},
		"module: record field amount is of type decimal in form Order, not text":                               {Name: "amount", Type: record.Text},
	} {
		err := fits(&rules.Manifest{Form: "Order", Effect: rules.Share, Grant: 1, Record: []rules.Column{column}}, rule, def)
		if got := fault.Message(err); err == nil && says != "" || err != nil && got != says {
			t.Errorf("%+v: %v, want %q", column, err, says)
		}
	}
	def.Attributes = []record.Field{{Name: "team", Type: record.Text}, {Name: "limit", Type: record.Decimal, Scale: 2}}
	for says, column := range map[string]rules.Column{
		"": {Name: "team", Type: record.Text},
		"module: viewer attribute Team (text) is not declared by the application, which has team, limit under viewerAttributes": {Name: "Team", Type: record.Text},
		"module: viewer attribute team is declared with type text, not choice":                                                  {Name: "team", Type: record.Choice},
		"module: viewer attribute limit is declared with scale 2, not 0":                                                        {Name: "limit", Type: record.Decimal},
	} {
		err := fits(&rules.Manifest{Form: "Order", Effect: rules.Share, Grant: 1, Viewer: []rules.Column{column}}, rule, def)
		if got := fault.Message(err); err == nil && says != "" || err != nil && got != says {
			t.Errorf("%+v: %v, want %q", column, err, says)
		}
	}
}

// TestRefusalsListBoundedNames: a definition has hundreds of names, a message few.
func TestRefusalsListBoundedNames(t *testing.T) {
	names := strings.Fields(strings.Repeat("a ", maxNamed+2))
	for want, list := range map[string][]string{"none": nil, "a, a": names[:2], strings.Repeat("a, ", maxNamed-1) + "a": names[:maxNamed], strings.Repeat("a, ", maxNamed-1) + "a and 2 more": names} {
		if got := someOf(list); got != want {
			t.Errorf("%d names: %q, want %q", len(list), got, want)
		}
	}
}
