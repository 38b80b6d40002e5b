package policy_test

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// drawing makes random parts of a world.
type drawing struct {
	*rapid.T
	n int // labels are numbered, rapid wants them distinct to be of use
}

func (d *drawing) upTo(most int) int {
	d.n++
	return rapid.IntRange(0, most).Draw(d.T, fmt.Sprint("n", d.n))
}

func (d *drawing) yes() bool { return d.upTo(1) == 1 }

func pick[V any](d *drawing, from []V) V { return from[d.upTo(len(from)-1)] }

func some[V any](d *drawing, from []V, one int) []V {
	var out []V
	for _, v := range from {
		if d.upTo(one-1) == 0 {
			out = append(out, v)
		}
	}
	return out
}

var userNames = []string{"u0", "u1", "u2", "u3", "u4", "u5", "u6"}

var reportActions = []definition.Action{view, edit, del, viewAll, modifyAll, export, readComm, writeComm, history}

// world draws an application with random roles, people, rights and rules. Its
// users that hold no role are u5, u6 and whoever the draw leaves out.
func (d *drawing) world() *world {
	w := newWorld()
	w.app.Hierarchy = d.yes()
	w.app.Roles, w.holds = []*definition.Role{{Name: "CEO", SharePeers: d.yes()}}, map[string]string{}
	for i := range d.upTo(5) {
		up := pick(d, w.app.Roles)
		w.app.Roles = append(w.app.Roles, &definition.Role{Name: fmt.Sprint("r", i), ReportsTo: up.Name, SharePeers: d.yes()})
	}
	for _, u := range userNames[:5] {
		if d.upTo(5) > 0 {
			w.holds[u] = pick(d, w.app.Roles).Name
		}
	}
	for _, u := range userNames[:6] { // u6 is unknown to rules
		w.address(u)
	}
	w.permissions(d)
	for i := range d.upTo(4) {
		w.app.Sharing = append(w.app.Sharing, w.sharingRule(d, fmt.Sprint("s", i)))
	}
	for i := range d.upTo(3) {
		w.app.Custom = append(w.app.Custom, w.customRule(d, fmt.Sprint("c", i)))
	}
	for range d.upTo(2) {
		w.hides = append(w.hides, w.drawnHide(d))
	}
	return w
}

func (w *world) drawnHide(d *drawing) policy.Hide {
	h := policy.Hide{Form: pick(d, []uint32{order, order, line}), Owner: uid(pick(d, userNames)), Lapsed: d.yes()}
	if h.Form == order && d.yes() {
		h.Criteria = compiled(w.app.Forms[0], pick(d, hideFilters))
	}
	return h
}

func (w *world) permissions(d *drawing) {
	s := w.set("s", map[string][]definition.Action{})
	w.set("other", nil)
	s.ShowPII, s.ShowEPHI = d.yes(), d.yes()
	for _, r := range w.app.Reports {
		list := some(d, reportActions, 3)
		if (slices.Contains(list, edit) || slices.Contains(list, del)) && !slices.ContainsFunc(list, func(a definition.Action) bool { return a == view || a == viewAll || a == modifyAll }) {
			list = append(list, view)
		}
		s.Reports[r.Name] = list
	}
	for _, f := range w.app.Forms {
		fp := s.Forms[f.Name]
		if d.yes() {
			fp.Actions = []definition.Action{access}
		}
		for _, field := range f.Fields {
			fp.Fields[field.Name] = definition.FieldAccess(d.upTo(2))
		}
	}
}

func (w *world) group(d *drawing) definition.Group {
	if d.upTo(3) == 0 {
		return definition.Group{User: pick(d, userNames) + "@x"}
	}
	return definition.Group{Role: pick(d, w.app.Roles).Name, Subordinates: d.yes()}
}

func (w *world) sharingRule(d *drawing, name string) *definition.SharingRule {
	r := &definition.SharingRule{Name: name, Form: pick(d, []string{"Order", "Order", "Order", "Line"}), Level: definition.Level(1 + d.upTo(2))}
	kind := d.upTo(3)
	switch {
	case kind == 0 && r.Form == "Order":
		r.Field = pick(d, []string{"assignee", "addedBy"})
		return r
	case kind == 1 && r.Form == "Order":
		r.Criteria = pick(d, []map[string]any{
			{"region": map[string]any{"eq": "EMEA"}}, {"assignee": map[string]any{"ne": "VIEWER"}}, {},
		})
	default:
		r.From = w.group(d)
	}
	r.To = w.group(d)
	return r
}

func (w *world) customRule(d *drawing, name string) *definition.CustomRule {
	r := &definition.CustomRule{
		Name: name, Form: pick(d, []string{"Order", "Order", "Line"}), Effect: definition.Effect(1 + d.upTo(2)),
		MaxLevel: definition.Level(d.upTo(3)), BindsAdmins: d.yes(),
	}
	if r.Effect == definition.Mask {
		r.Fields = map[string][]string{"Order": {"title", "owner", "amount"}, "Line": {"quantity"}}[r.Form]
	}
	if d.yes() {
		for _, role := range some(d, w.app.Roles, 3) {
			r.Roles = append(r.Roles, role.Name)
		}
		if d.upTo(3) == 0 {
			r.Sets = []string{pick(d, []string{"s", "other"})}
		}
		for _, u := range some(d, userNames, 5) {
			r.Users = append(r.Users, u+"@x")
		}
	}
	return r
}

// viewer draws someone of any kind.
func (w *world) viewer(d *drawing) identity.Viewer {
	v := identity.Viewer{
		Tenant: identity.Tenant{1}, User: uid(pick(d, userNames)), Application: w.app.Name, Credential: identity.Session,
		Kind: pick(d, []identity.Kind{identity.Live, identity.Live, identity.Live, identity.Live, identity.Developer, identity.Admin, identity.SuperAdmin}),
	}
	if v.Kind == identity.Live {
		v.PermissionSet = "s"
		for _, u := range userNames {
			if uid(u) == v.User {
				v.Role = w.holds[u]
			}
		}
	}
	return v
}

// order draws an order, and line a line of an order or of none.
func (w *world) order(d *drawing) *subject {
	cells := map[uint32]record.Value{}
	switch d.upTo(2) {
	case 0:
		cells[amount] = record.Int(50)
	case 1:
		cells[amount] = record.Int(150)
	}
	if d.yes() {
		cells[region] = record.String(pick(d, []string{"EMEA", "APAC"}))
	}
	if d.yes() {
		cells[assignee] = record.Ref(uid(pick(d, userNames)))
	}
	return w.drawn(d, uid("order"), cells)
}

func (w *world) line(d *drawing) *subject {
	if d.upTo(5) == 0 {
		return w.drawn(d, uid("line"), nil)
	}
	parent := w.order(d)
	s := w.drawn(d, uid("line"), map[uint32]record.Value{lineOrder: record.Ref(parent.rec.ID())})
	s.parent = parent
	return s
}

func (w *world) drawn(d *drawing, id record.ID, cells map[uint32]record.Value) *subject {
	h := record.Header{Version: 1, AddedBy: uid(pick(d, userNames))}
	if d.upTo(8) > 0 {
		h.Owner = uid(pick(d, userNames))
	}
	s := &subject{rec: record.Encode(id, h, record.Record{}, cells), outcomes: map[string]policy.Outcome{}}
	for _, r := range w.app.Custom {
		s.outcomes[r.Name] = policy.Outcome{
			Level: definition.Level(d.upTo(3)), Through: d.upTo(3) > 0, Fault: d.upTo(4) == 0,
			Visible: record.FieldSetOf(some(d, []uint32{title, record.FieldOwner, amount, quantity}, 2)...),
		}
	}
	return s
}
