package rules

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// PlanFuel is the budget of one [CheckPlan].
const PlanFuel = 100_000_000

// PlanInputs is what a plan is checked on besides values of the declared types. The
// zero PlanInputs has none.
type PlanInputs struct {
	// Viewer and Record are values by column that attributes and fields may have. A
	// choice that has some there has no others.
	Viewer, Record [][]record.Value
	// Cases are asked about first, as they are.
	Cases []PlanCase
}

// PlanCase is one question by name.
type PlanCase struct {
	Name           string
	Viewer, Record []record.Value
}

// PlanReport is what [CheckPlan] did.
type PlanReport struct {
	Viewers, Records int      // asked about
	Fuel             int64    // spent of [PlanFuel]
	Spent            bool     // the budget ended it: what was asked about is all right
	Gap              *PlanGap // nil where none was found
}

// PlanGap is a record that a share rule's module shares and its plan leaves out. Its
// values are generated, or those of a case.
type PlanGap struct {
	Case string // its name; empty for a generated one
	// Viewer and Record follow the columns of the manifest. Record is nil where the
	// viewer's plan cannot be read, which leaves everything out.
	Viewer, Record []record.Value
	Plan           string // as JSON, empty where it cannot be read
	manifest       *Manifest
}

// CheckPlan looks for a viewer and a record that the module shares and that its plan
// leaves out, on the cases of in and on generated ones: nulls, bounds, values of the
// viewer's, those of the plan and their neighbours. The module must be loaded. The
// same module and inputs are asked the same questions each time. What it finds is a
// mistake; that it finds nothing proves nothing. A module without a plan has no gap.
// The error is that of Decide, but for a budget that is spent.
func CheckPlan(ctx context.Context, p Planner, tenant identity.Tenant, h Hash, m *Manifest, in PlanInputs) (PlanReport, error) {
	if m.Effect != Share {
		return PlanReport{}, nil
	}
	c := &planCheck{ctx: ctx, asks: p, batch: Batch{Tenant: tenant, Rule: h}, m: m, fuel: Fuel{Left: PlanFuel}, gen: newPlanCases(m, in)}
	err := c.run(in.Cases)
	c.report.Fuel = PlanFuel - max(c.fuel.Left, 0)
	if fault.KindOf(err) == fault.Limit && c.fuel.Left <= 0 {
		c.report.Spent, err = true, nil
	}
	return c.report, err
}

type planCheck struct {
	ctx    context.Context
	asks   Planner
	batch  Batch
	m      *Manifest
	fuel   Fuel
	gen    *planCases
	report PlanReport
}

func (c *planCheck) run(cases []PlanCase) error {
	for _, k := range cases {
		if found, err := c.viewer(k.Viewer, func(p *Plan) (bool, error) { return c.given(k, p) }); found || err != nil {
			return err
		}
	}
	for range planViewers {
		viewer := c.gen.viewer()
		if found, err := c.viewer(viewer, func(p *Plan) (bool, error) { return c.generated(p) }); found || err != nil {
			return err
		}
	}
	return nil
}

// viewer asks for the plan of one viewer, and asks where there is one.
func (c *planCheck) viewer(viewer []record.Value, asks func(*Plan) (bool, error)) (found bool, err error) {
	c.batch.Viewer, c.batch.Rows = viewer, nil
	p, kind, err := c.asks.Plan(c.ctx, &c.batch, &c.fuel)
	switch {
	case err != nil:
		return false, err
	case kind == FaultPlan:
		c.report.Gap = &PlanGap{Viewer: viewer, manifest: c.m}
		return true, nil
	case kind != NoFault || p == nil:
		return false, nil
	}
	c.report.Viewers++
	return asks(p)
}

func (c *planCheck) given(k PlanCase, p *Plan) (bool, error) {
	at, err := c.outside([][]record.Value{k.Record})
	if at >= 0 {
		c.found(k.Name, p, k.Record)
	}
	return at >= 0, err
}

// generated asks about records drawn at random, and then about those that differ in
// one field from one that is shared: there a plan that says too much shows.
func (c *planCheck) generated(p *Plan) (bool, error) {
	c.gen.plan(p, c.batch.Viewer)
	rows := c.gen.records()
	for step := range 2 {
		at, err := c.outside(rows)
		if err != nil {
			return false, err
		}
		if at >= 0 {
			row, err := c.shrunk(rows[at])
			c.found("", p, row)
			return true, err
		}
		if step == 0 {
			shared, err := c.shared(rows)
			if err != nil {
				return false, err
			}
			rows = c.gen.near(shared)
		}
	}
	return false, nil
}

// outside returns the first row that is shared outside of the plan, -1 for none.
func (c *planCheck) outside(rows [][]record.Value) (int, error) {
	if len(rows) == 0 {
		return -1, nil
	}
	c.report.Records += len(rows)
	c.batch.Rows = rows
	out := make([]bool, len(rows))
	if err := c.asks.Outside(c.ctx, &c.batch, &c.fuel, out); err != nil {
		return -1, err
	}
	return slices.Index(out, true), nil
}

// shared returns the first rows that are shared.
func (c *planCheck) shared(rows [][]record.Value) ([][]record.Value, error) {
	c.batch.Rows = rows
	out := make([]Verdict, len(rows))
	if err := c.asks.Decide(c.ctx, &c.batch, &c.fuel, out); err != nil {
		return nil, err
	}
	var shared [][]record.Value
	for i, row := range rows {
		if out[i].Grant > 0 && len(shared) < planShared {
			shared = append(shared, row)
		}
	}
	return shared, nil
}

// shrunk empties the columns of a row that do not matter, so that it shows what
// does. It returns what it has when the budget ends.
func (c *planCheck) shrunk(row []record.Value) ([]record.Value, error) {
	row = slices.Clone(row)
	for i, v := range row {
		if v.IsNull() {
			continue
		}
		row[i] = record.Value{}
		at, err := c.outside([][]record.Value{row})
		if at < 0 {
			row[i] = v
		}
		if err != nil {
			return row, err
		}
	}
	return row, nil
}

func (c *planCheck) found(name string, p *Plan, row []record.Value) {
	c.report.Gap = &PlanGap{Case: name, Viewer: c.batch.Viewer, Record: row, Plan: p.String(), manifest: c.m}
}

// String says what is wrong, on what, and what to change.
func (g *PlanGap) String() string {
	if g.Record == nil {
		return "sluice_plan gives nothing that can be read for the viewer " + showRow(g.manifest.Viewer, g.Viewer) +
			", so that nothing is shared with them: have it return 0 where it cannot say, quote texts as JSON does, and keep to " +
			fmt.Sprintf("%d bytes and the columns of the manifest", MaxPlan)
	}
	of := "a generated record"
	if g.Case != "" {
		of = fmt.Sprintf("the record of case %q", g.Case)
	}
	return "sluice_plan is too narrow: sluice_decide shares " + of + " that it leaves out, and what it leaves out is shared on no path. " +
		"Widen sluice_plan until it holds for the record, or have sluice_decide deny it. Viewer: " + showRow(g.manifest.Viewer, g.Viewer) +
		"; plan: " + short(g.Plan, 400) + "; record: " + showRow(g.manifest.Record, g.Record)
}

// Err is nil without a gap, and else of kind Invalid.
func (g *PlanGap) Err() error {
	if g == nil {
		return nil
	}
	return fault.New(fault.Invalid, "rules", "module: %s", g)
}

// showRow writes the values that are not null.
func showRow(columns []Column, row []record.Value) string {
	var parts []string
	for i, c := range columns {
		if i < len(row) && !row[i].IsNull() {
			parts = append(parts, c.Name+": "+showValue(c, row[i]))
		}
	}
	if len(parts) == 0 {
		return "{} (all null)"
	}
	return short("{"+strings.Join(parts, ", ")+"}", 600)
}

func showValue(c Column, v record.Value) string {
	f := record.Field{Name: c.Name, Type: c.Type, Scale: c.Scale}
	return short(string(record.AppendJSON(nil, &f, v)), 80)
}

// short keeps a text to n bytes and says how long it is.
func short(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + fmt.Sprintf("… (%d bytes)", len(s))
}
