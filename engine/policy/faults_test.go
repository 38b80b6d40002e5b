package policy_test

import (
	"strings"
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
)

// TestFaultyDefinitions spoils a good definition in one place each and wants
// the whole of it refused for that reason.
func TestFaultyDefinitions(t *testing.T) {
	type app = definition.Application
	custom := func(r definition.CustomRule) func(*app) {
		return func(a *app) { a.Custom = append(a.Custom, &r) }
	}
	for name, c := range map[string]struct {
		spoil func(*app)
		want  string
	}{
		"nil form":              {func(a *app) { a.Forms[2] = nil }, "form 2 is missing"},
		"form number zero":      {func(a *app) { a.Forms[2].Number = 0 }, "number 0 is taken or zero"},
		"form number twice":     {func(a *app) { a.Forms[2].Number = order }, "number 1 is taken"},
		"form name twice":       {func(a *app) { a.Forms[2].Name = "Order" }, "name is taken or empty"},
		"form without name":     {func(a *app) { a.Forms[2].Name = "" }, "name is taken or empty"},
		"nil field":             {func(a *app) { a.Forms[0].Fields[0] = nil }, "field 0 is missing"},
		"field number twice":    {func(a *app) { a.Forms[0].Fields[0].Number = amount }, "number 17 is taken or out of range"},
		"system field number":   {func(a *app) { a.Forms[0].Fields[0].Number = 15 }, "number 15 is taken or out of range"},
		"field number too high": {func(a *app) { a.Forms[0].Fields[0].Number = 4096 }, "number 4096 is taken or out of range"},
		"field name twice":      {func(a *app) { a.Forms[0].Fields[0].Name = "amount" }, `field "amount": name is taken or empty`},
		"field without name":    {func(a *app) { a.Forms[0].Fields[0].Name = "" }, `field "": name is taken or empty`},
		"system field name":     {func(a *app) { a.Forms[0].Fields[0].Name = "owner" }, `field "owner": name is taken or empty`},
		"parent is no lookup":   {func(a *app) { a.Forms[1].ParentField = quantity }, "the parent field is not a lookup"},
		"parent is no field":    {func(a *app) { a.Forms[1].ParentField = 99 }, "the parent field is not a lookup"},
		"parent of other type": {func(a *app) {
			a.Forms[1].ParentField, a.Forms[1].Fields[1].Target = quantity, order
		}, "the parent field is not a lookup"},
		"parent leads nowhere":  {func(a *app) { a.Forms[1].Fields[0].Target = 99 }, "the parent form does not exist"},
		"parent circle":         {func(a *app) { a.Forms[1].Fields[0].Target = line }, "run in a circle"},
		"nil report":            {func(a *app) { a.Reports[4] = nil }, "report 4 is missing"},
		"report name twice":     {func(a *app) { a.Reports[1].Name = "orders" }, `report "orders": name is taken`},
		"report without name":   {func(a *app) { a.Reports[1].Name = "" }, "name is taken or empty"},
		"report of no form":     {func(a *app) { a.Reports[0].Form = "Invoice" }, `form "Invoice" does not exist`},
		"criteria":              {func(a *app) { a.Reports[0].Criteria = map[string]any{"color": nil} }, "criteria: [color]"},
		"criteria over lookups": {func(a *app) { a.Reports[3].Criteria = map[string]any{"order": map[string]any{"amount": 1}} }, "criteria: [order"},
		"nil set":               {func(a *app) { a.Sets[0] = nil }, "permission set 0 has no name"},
		"set without name":      {func(a *app) { a.Sets[0].Name = "" }, "permission set 0 has no name"},
		"set name twice":        {func(a *app) { a.Sets = append(a.Sets, a.Sets[0]) }, `permission set "s": name is taken`},
		"unknown report":        {func(a *app) { a.Sets[0].Reports["invoices"] = list{view} }, `report "invoices" does not exist`},
		"action of forms":       {func(a *app) { a.Sets[0].Reports["orders"] = list{access} }, "is not one of reports"},
		"no action":             {func(a *app) { a.Sets[0].Reports["orders"] = list{0} }, "is not one of reports"},
		"edit without view":     {func(a *app) { a.Sets[0].Reports["orders"] = list{edit} }, "need VIEW"},
		"delete without view":   {func(a *app) { a.Sets[0].Reports["orders"] = list{del} }, "need VIEW"},
		"unknown form":          {func(a *app) { a.Sets[0].Forms["Invoice"] = &definition.FormPermission{} }, `form "Invoice" does not exist`},
		"nil form permission":   {func(a *app) { a.Sets[0].Forms["Order"] = nil }, `form "Order" does not exist`},
		"action of reports":     {func(a *app) { a.Sets[0].Forms["Order"].Actions = list{history} }, "is not one of forms"},
		"action out of range":   {func(a *app) { a.Sets[0].Forms["Order"].Actions = list{13} }, "is not one of forms"},
		"unknown field":         {func(a *app) { a.Sets[0].Forms["Order"].Fields["color"] = definition.Hidden }, `field "color"`},
		"unknown field access":  {func(a *app) { a.Sets[0].Forms["Order"].Fields["title"] = 3 }, "unknown access"},
		"nil sharing rule":      {func(a *app) { a.Sharing = append(a.Sharing, nil) }, "sharing rule 0 is missing"},
		"nil custom rule":       {func(a *app) { a.Custom = append(a.Custom, nil) }, "custom rule 0 is missing"},
		"rule of no form":       {custom(definition.CustomRule{Effect: definition.Restrict}), `form "" does not exist`},
		"rule without effect":   {custom(definition.CustomRule{Form: "Order"}), "unknown effect"},
		"rule of other effect":  {custom(definition.CustomRule{Form: "Order", Effect: 4}), "unknown effect"},
		"rule, role":            {custom(definition.CustomRule{Form: "Order", Effect: definition.Restrict, Roles: []string{"Intern"}}), `role "Intern" does not exist`},
		"rule, set":             {custom(definition.CustomRule{Form: "Order", Effect: definition.Restrict, Sets: []string{"t"}}), `permission set "t" does not exist`},
		"rule, level":           {custom(definition.CustomRule{Form: "Order", Effect: definition.Share, MaxLevel: 4}), "unknown level"},
		"rule, field":           {custom(definition.CustomRule{Form: "Order", Effect: definition.Mask, Fields: []string{"color"}}), "cannot be masked"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld().onOrders(view)
			c.spoil(w.app)
			p, err := policy.Compile(w.app)
			if err == nil || p != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	// The highest numbers are fine.
	w := newWorld().onOrders(view)
	w.app.Forms[2].Number, w.app.Forms[0].Fields[6].Number = 1<<32-1, 4095
	w.policy(t)
}
