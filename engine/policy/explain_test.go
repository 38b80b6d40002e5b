package policy_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

var updateSteps = flag.Bool("update-steps", false, "write the steps of explanations anew")

// TestP10ExplainIsDecide compares explanations with decisions on random worlds.
func TestP10ExplainIsDecide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &drawing{T: t}
		w := d.world()
		p, err := policy.Compile(w.app)
		if err != nil {
			t.Fatal(err)
		}
		v := p.View(w.viewer(d), w.people(), w.hides)
		for form, s := range map[uint32]*subject{order: w.order(d), line: w.line(d)} {
			for _, a := range judged {
				x := v.Explain(form, a, s)
				if x.Allowed != v.Decide(form, a, s) || x.Allowed == (len(x.Missing) > 0) || x.Record != s.rec.ID() {
					t.Fatalf("form %d action %s: %+v", form, a, x)
				}
			}
			if x := v.ExplainOwnerChange(form, s); x.Allowed != v.MayChangeOwner(form, s) || x.Allowed == (len(x.Missing) > 0) {
				t.Fatalf("form %d: %+v", form, x)
			}
			parent, _ := s.Parent()
			if x := v.ExplainCreate(form, s); x.Allowed != v.MayCreate(form, parent) || x.Allowed == (len(x.Missing) > 0) {
				t.Fatalf("form %d: %+v", form, x)
			}
			checkFields(t, v, form, s)
		}
	})
}

func checkFields(t *rapid.T, v *policy.View, form uint32, s *subject) {
	shape, _ := v.Shape().Form(form)
	if shape == nil {
		shape = &policy.FormShape{}
	}
	masked := v.Masked(form, s)
	for _, x := range v.ExplainFields(form, s) {
		readable := v.Decide(form, view, s) && shape.Visible.Has(x.Number) && !masked.Has(x.Number)
		writable := v.Decide(form, edit, s) && shape.Writable.Has(x.Number) && !masked.Has(x.Number)
		stands := func(steps []policy.Step) bool {
			return !slices.ContainsFunc(steps, func(s policy.Step) bool { return s.Verdict == policy.Refuses || s.Verdict == policy.Removes })
		}
		if x.Readable != readable || x.Writable != writable || stands(x.Read) != readable || readable && stands(x.Write) != writable {
			t.Fatalf("%+v: readable %v, writable %v", x, readable, writable)
		}
	}
}

// TestP4NothingIsExplainedOfNothing: what cannot be decided has no steps.
func TestP4NothingIsExplainedOfNothing(t *testing.T) {
	v := newWorld().onOrders(view).live(t, "rep")
	for _, x := range []policy.Explanation{
		v.Explain(99, view, by("rep")), v.Explain(order, viewAll, by("rep")), v.Explain(order, view, nil), v.Explain(order, view, &subject{}),
		v.ExplainCreate(99, by("rep")), v.ExplainCreate(order, nil), v.ExplainCreate(order, &subject{}),
		v.ExplainOwnerChange(99, by("rep")), v.ExplainOwnerChange(order, nil), v.ExplainOwnerChange(order, &subject{}),
	} {
		if x.Allowed || len(x.Steps)+len(x.Missing) > 0 {
			t.Errorf("%+v", x)
		}
	}
	if len(v.ExplainFields(99, by("rep")))+len(v.ExplainFields(order, nil))+len(v.ExplainFields(order, &subject{})) > 0 {
		t.Error("fields of nothing are explained")
	}
	if policy.Verdict(99).String() != "NOT_ASKED" || policy.StepKind(99).String() != "NONE" {
		t.Error("names of what there is not")
	}
}

// shop has one of every grant.
func shop() *world {
	w := newWorld()
	s := w.set("s", map[string][]definition.Action{
		"orders": {view, edit}, "bigOrders": {view, edit, del}, "emeaOrders": {viewAll, del, modifyAll}, "lines": {view, edit, del}, "tasks": {readComm, export},
	})
	s.ShowPII, s.ShowEPHI = false, false
	s.Forms["Order"].Actions = []definition.Action{access}
	s.Forms["Order"].Fields["amount"], s.Forms["Order"].Fields["region"] = definition.ReadOnly, definition.Hidden
	w.role("Agent").SharePeers = true
	w.address("rep")
	orders := w.app.Forms[0]
	orders.OwnerField = assignee
	orders.Fields = append(orders.Fields, &definition.Field{
		Field: record.Field{Number: 30, Name: "twice", Type: record.Integer, Formula: &record.Formula{Reads: record.FieldSetOf(amount)}},
	}, &definition.Field{
		Field: record.Field{Number: 31, Name: "where", Type: record.Text, Formula: &record.Formula{Reads: record.FieldSetOf(region, taxNumber)}},
	}, &definition.Field{Field: record.Field{Number: 32, Name: "number", Type: record.AutoNumber}})
	for _, name := range []string{"twice", "where", "number"} {
		s.Forms["Order"].Fields[name] = definition.Writable
	}
	w.share(definition.SharingRule{Name: "from support", From: definition.Group{Role: "Support", Subordinates: true}, To: definition.Group{Role: "Rep"}, Level: definition.Read})
	w.share(definition.SharingRule{Name: "of the head", From: definition.Group{User: w.address("head")}, To: definition.Group{Role: "Rep"}, Level: definition.ReadWriteDelete})
	w.share(definition.SharingRule{Name: "big ones", Criteria: map[string]any{"amount": map[string]any{"gte": 100}}, To: definition.Group{User: "rep@x"}, Level: definition.ReadWrite})
	w.share(definition.SharingRule{Name: "assigned", Field: "assignee", Level: definition.Read})
	w.custom(definition.CustomRule{Name: "gift", Effect: definition.Share, MaxLevel: definition.ReadWrite, Roles: []string{"Rep"}})
	w.custom(definition.CustomRule{Name: "embargo", Effect: definition.Restrict, BindsAdmins: true})
	w.custom(definition.CustomRule{Name: "local", Effect: definition.Restrict, Roles: []string{"Agent"}})
	w.custom(definition.CustomRule{Name: "cover", Effect: definition.Mask, Fields: []string{"title", "amount"}, Roles: []string{"Rep"}})
	w.hides = []policy.Hide{{Form: order, Owner: uid("hider")}}
	return w
}

// TestP10StepsOfExplanations compares every step of a few explanations with what
// somebody has read.
func TestP10StepsOfExplanations(t *testing.T) {
	w := shop()
	cells := map[uint32]record.Value{amount: record.Int(150), assignee: record.Ref(uid("rep"))}
	emea := map[uint32]record.Value{region: record.String("EMEA")}
	kept := policy.Outcome{Through: true, Reason: 1}
	open := func(s *subject) *subject { return s.saying("embargo", kept).saying("local", kept) }
	views := []struct {
		name string
		v    *policy.View
	}{
		{"ceo", w.live(t, "ceo")}, {"rep", w.live(t, "rep")}, {"agent", w.live(t, "agent")}, {"super", w.kind(t, "super", identity.SuperAdmin)},
		{"admin", w.kind(t, "admin", identity.Admin)}, {"dev", w.kind(t, "dev", identity.Developer)}, {"none", w.kind(t, "none", identity.Nobody)},
	}
	big := open(by("support", cells))
	for _, c := range []struct {
		name    string
		form    uint32
		s       *subject
		viewers []string
	}{
		{"own", order, open(by("rep")).saying("gift", policy.Outcome{}).saying("cover", policy.Outcome{Visible: record.FieldSetOf(title), Reason: 3}), []string{"rep", "ceo"}},
		{"of support, big, assigned to rep", order, big.saying("gift", policy.Outcome{Level: definition.ReadWriteDelete, Reason: 2}).saying("cover", policy.Outcome{Fault: true, Cause: 5}), []string{"rep", "agent", "admin"}},
		{"of nobody, EMEA", order, open(by("", emea)).saying("gift", policy.Outcome{Level: definition.Read, Reason: 4}).saying("cover", policy.Outcome{Visible: record.FieldSetOf(title, amount)}), []string{"ceo", "rep"}},
		{"of the head, kept out", order, by("head").saying("embargo", policy.Outcome{Reason: 7}).saying("local", kept), []string{"rep", "super", "dev", "none"}},
		{"of an agent, rules fail", order, by("agent").saying("embargo", policy.Outcome{Fault: true, Cause: 1}).saying("local", policy.Outcome{Fault: true, Cause: 2}).saying("gift", policy.Outcome{Fault: true, Cause: 3}), []string{"rep", "agent", "super"}},
		{"hidden", order, open(by("hider")), []string{"rep", "admin"}},
		{"line of the rep's order", line, under(open(by("rep")), "x"), []string{"rep", "ceo", "agent"}},
		{"line of nothing", line, by("rep"), []string{"rep"}},
	} {
		for _, n := range views {
			if slices.Contains(c.viewers, n.name) {
				compareSteps(t, c.name+" to "+n.name, c.form, n.v, c.s)
			}
		}
	}
}

func compareSteps(t *testing.T, name string, form uint32, v *policy.View, s *subject) {
	t.Helper()
	var b strings.Builder
	for _, a := range []definition.Action{view, edit, del, export} {
		writeExplanation(&b, a.String(), v.Explain(form, a, s))
	}
	writeExplanation(&b, "owner", v.ExplainOwnerChange(form, s))
	writeExplanation(&b, "create", v.ExplainCreate(form, s))
	for _, x := range v.ExplainFields(form, s) {
		fmt.Fprintf(&b, "%s %d read %v write %v\n%s%s", x.Name, x.Number, x.Readable, x.Writable, stepLines(" r ", x.Read), stepLines(" w ", x.Write))
	}
	path := "testdata/explain/" + strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(name) + ".txt"
	if *updateSteps {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != b.String() {
		t.Errorf("%s: %v, got\n%s", path, err, b.String())
	}
}

func writeExplanation(b *strings.Builder, name string, x policy.Explanation) {
	fmt.Fprintf(b, "%s %v\n%s", name, x.Allowed, stepLines(" ", x.Steps))
	for i, m := range x.Missing {
		for _, n := range m.AnyOf {
			fmt.Fprintf(b, " missing %d: %s %s %q %v %v\n", i+1, n.Statement, n.Kind, n.Name, n.Actions, n.Step != nil)
		}
	}
	if x.Parent != nil {
		writeExplanation(b, " parent: "+x.Parent.Action.String(), *x.Parent)
	}
}

func stepLines(indent string, steps []policy.Step) string {
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&b, "%s%s %s %s %d %q %q", indent, s.Statement, s.Kind, s.Verdict, s.Because, s.Name, s.Field)
		fmt.Fprintf(&b, " %s %s/%s %s<%s %v %d %d\n", s.Action, s.Level, s.Needed, s.Role, s.OwnerRole, s.Rule != nil, s.Reason, s.Cause)
	}
	return b.String()
}
