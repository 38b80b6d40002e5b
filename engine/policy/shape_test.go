package policy_test

import (
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/identity"
)

// TestB7ShapeOfFurtherActions: each further right shows in the shape for itself,
// beside VIEW only, and tells shapes apart.
func TestB7ShapeOfFurtherActions(t *testing.T) {
	flags := func(f *policy.FormShape) [4]bool {
		return [4]bool{f.Export, f.ReadComments, f.WriteComments, f.ReadHistory}
	}
	seen := map[[32]byte]bool{}
	for _, c := range []struct {
		right definition.Action
		want  [4]bool
	}{
		{view, [4]bool{}},
		{export, [4]bool{true}},
		{readComm, [4]bool{1: true}},
		{writeComm, [4]bool{1: true, 2: true}},
		{history, [4]bool{3: true}},
	} {
		v := newWorld().onOrders(view, c.right).live(t, "rep")
		if got := flags(orderShape(t, v)); got != c.want {
			t.Errorf("VIEW with right %d: %v, want %v", c.right, got, c.want)
		}
		seen[v.Shape().Fingerprint] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d fingerprints for five shapes", len(seen))
	}
	if _, ok := newWorld().onOrders(export).live(t, "rep").Shape().Form(order); ok {
		t.Error("EXPORT without VIEW opens the form")
	}
}

// TestB8ShapeOfCreatedReports: CREATE_REPORT needs a form that can be viewed.
func TestB8ShapeOfCreatedReports(t *testing.T) {
	w := newWorld().onOrders(view)
	if orderShape(t, w.live(t, "rep")).CreateReport {
		t.Error("a right that nobody gave")
	}
	p := w.app.Sets[0].Forms["Order"]
	p.Actions = append(p.Actions, definition.CreateReport)
	if !orderShape(t, w.live(t, "rep")).CreateReport {
		t.Error("CREATE_REPORT beside VIEW does not show")
	}
	if !orderShape(t, w.kind(t, "boss", identity.Admin)).CreateReport {
		t.Error("an admin may not keep reports")
	}
	p.Actions = []definition.Action{access, definition.CreateReport}
	w.app.Sets[0].Reports = nil
	if orderShape(t, w.live(t, "rep")).CreateReport {
		t.Error("CREATE_REPORT without VIEW shows")
	}
}
