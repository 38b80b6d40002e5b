package main

const (
	viewerTeam = iota
	viewerDay
	viewerAmount
)

// rule shares nothing; plan says all that a plan can say.
func rule(_, _ Row, _ *Verdict) {}

//go:wasmexport sluice_plan
func sluicePlan(batch uint32) uint32 { return Planned(batch, plan) }

func plan(viewer Row, out *Plan) {
	team := viewer.Text(viewerTeam)
	if team == "nobody" {
		out.Nothing()
	}
	out.Text("team", "eq", team)
	out.OneOf("status", "open", `the "held"`)
	out.Int("count", "ne", -9_000_000_000_000_000_000)
	out.Decimal("amount", "gte", viewer.Decimal(viewerAmount), 2)
	out.Date("day", "lt", viewer.Date(viewerDay))
	out.Bool("yes", true)
	out.IsNull("tags", false)
	out.Text("tags", "has", "press")
	if team == "many" {
		for range 300 {
			out.Text("team", "startsWith", "m")
		}
	}
}
