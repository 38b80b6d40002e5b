package policy_test

import (
	"crypto/sha256"
	"slices"
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Form and field numbers of the test application.
const (
	order, line, task = 1, 2, 3

	title, amount, assignee, taxNumber, bloodType, allergy, region = 16, 17, 18, 19, 20, 21, 22

	lineOrder, quantity = 16, 17
)

// Actions, short.
const (
	view, edit, del      = definition.View, definition.Edit, definition.Delete
	viewAll, modifyAll   = definition.ViewAll, definition.ModifyAll
	export, access       = definition.Export, definition.Access
	readComm, writeComm  = definition.ReadComments, definition.WriteComments
	history, importRight = definition.ReadHistory, definition.Import
)

// judged are the actions taken on records.
var judged = []definition.Action{view, edit, del, export, readComm, writeComm, history}

// world is an application with people: CEO ← Head ← Rep, CEO ← Support ← Agent.
type world struct {
	app   *definition.Application
	holds map[string]string // user → role
	hides []policy.Hide
}

func newWorld() *world {
	field := func(n uint32, name string, t record.Type) *definition.Field {
		return &definition.Field{Field: record.Field{Number: n, Name: name, Type: t}}
	}
	orders := &definition.Form{Number: order, Name: "Order", Plural: "orders", Fields: []*definition.Field{
		field(title, "title", record.Text), field(amount, "amount", record.Integer), field(assignee, "assignee", record.User),
		field(taxNumber, "taxNumber", record.Text), field(bloodType, "bloodType", record.Text),
		field(allergy, "allergy", record.Text), field(region, "region", record.Text),
	}}
	orders.Fields[3].PII, orders.Fields[4].EPHI = true, true
	orders.Fields[5].PII, orders.Fields[5].EPHI = true, true
	lines := &definition.Form{Number: line, Name: "Line", Plural: "lines", ParentField: lineOrder, Fields: []*definition.Field{
		field(lineOrder, "order", record.Lookup), field(quantity, "quantity", record.Integer),
	}}
	lines.Fields[0].Target = order
	tasks := &definition.Form{Number: task, Name: "Task", Plural: "tasks", Fields: []*definition.Field{field(title, "title", record.Text)}}
	role := func(name, up string) *definition.Role { return &definition.Role{Name: name, ReportsTo: up} }
	return &world{
		app: &definition.Application{
			Name: "shop", Version: 7, Hierarchy: true,
			Forms: []*definition.Form{orders, lines, tasks},
			Reports: []*definition.Report{
				{Name: "orders", Form: "Order", Default: true},
				{Name: "bigOrders", Form: "Order", Criteria: map[string]any{"amount": map[string]any{"gte": 100}}},
				{Name: "emeaOrders", Form: "Order", Criteria: map[string]any{"region": map[string]any{"eq": "EMEA"}}},
				{Name: "lines", Form: "Line", Default: true},
				{Name: "tasks", Form: "Task", Default: true},
			},
			Roles: []*definition.Role{role("CEO", ""), role("Head", "CEO"), role("Rep", "Head"), role("Support", "CEO"), role("Agent", "Support")},
			Users: map[string]record.ID{},
		},
		holds: map[string]string{"ceo": "CEO", "head": "Head", "rep": "Rep", "rep2": "Rep", "support": "Support", "agent": "Agent"},
	}
}

// set adds a permission set that sees and writes every field, with the actions
// on each report given.
func (w *world) set(name string, reports map[string][]definition.Action) *definition.PermissionSet {
	s := &definition.PermissionSet{
		Name: name, APIAccess: true, ShowPII: true, ShowEPHI: true,
		Forms: map[string]*definition.FormPermission{}, Reports: reports,
	}
	for _, f := range w.app.Forms {
		fields := map[string]definition.FieldAccess{}
		for _, field := range f.Fields {
			fields[field.Name] = definition.Writable
		}
		s.Forms[f.Name] = &definition.FormPermission{Fields: fields}
	}
	w.app.Sets = append(w.app.Sets, s)
	return s
}

// onOrders adds a set named "s" with the actions on the default report of Order.
func (w *world) onOrders(actions ...definition.Action) *world {
	w.set("s", map[string][]definition.Action{"orders": actions})
	return w
}

func (w *world) share(r definition.SharingRule) *world {
	if r.Form == "" {
		r.Form = "Order"
	}
	w.app.Sharing = append(w.app.Sharing, &r)
	return w
}

func (w *world) custom(r definition.CustomRule) *definition.CustomRule {
	if r.Form == "" {
		r.Form = "Order"
	}
	w.app.Custom = append(w.app.Custom, &r)
	return &r
}

// address lets rules name a user.
func (w *world) address(user string) string {
	w.app.Users[user+"@x"] = uid(user)
	return user + "@x"
}

func (w *world) role(name string) *definition.Role {
	i := slices.IndexFunc(w.app.Roles, func(r *definition.Role) bool { return r.Name == name })
	return w.app.Roles[i]
}

func (w *world) policy(t testing.TB) *policy.Policy {
	t.Helper()
	p, err := policy.Compile(w.app)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// live is the view of a live user who holds the set "s".
func (w *world) live(t testing.TB, user string) *policy.View {
	t.Helper()
	return w.as(t, identity.Viewer{User: uid(user), Kind: identity.Live, Role: w.holds[user], PermissionSet: "s"})
}

// kind is the view of somebody without role and set.
func (w *world) kind(t testing.TB, user string, k identity.Kind) *policy.View {
	t.Helper()
	return w.as(t, identity.Viewer{User: uid(user), Kind: k})
}

// as completes the viewer where the test left things out.
func (w *world) as(t testing.TB, v identity.Viewer) *policy.View {
	t.Helper()
	v.Tenant = identity.Tenant{1}
	if v.Application == "" {
		v.Application = w.app.Name
	}
	if v.Credential == identity.NoCredential {
		v.Credential = identity.Session
	}
	return w.policy(t).View(v, w.people(), w.hides)
}

func (w *world) people() people {
	p := people{of: map[record.ID]string{}, in: map[string][]record.ID{}}
	for user, role := range w.holds {
		p.add(uid(user), role)
	}
	return p.sorted()
}

// people is a policy.People.
type people struct {
	of map[record.ID]string
	in map[string][]record.ID
}

func (p people) add(user record.ID, role string) {
	p.of[user] = role
	p.in[role] = append(p.in[role], user)
}

func (p people) sorted() people {
	for _, m := range p.in {
		slices.SortFunc(m, func(a, b record.ID) int { return slices.Compare(a[:], b[:]) })
	}
	return p
}

func (p people) RoleOf(user record.ID) string    { return p.of[user] }
func (p people) Members(role string) []record.ID { return p.in[role] }

// uid is the id of a user or record of that name.
func uid(name string) record.ID {
	h := sha256.Sum256([]byte(name))
	return record.ID(h[:16])
}

// subject is a policy.Subject made by hand.
type subject struct {
	rec      record.Record
	outcomes map[string]policy.Outcome
	parent   *subject
}

func (s *subject) Record() record.Record { return s.rec }
func (s *subject) Outcome(r *definition.CustomRule) policy.Outcome {
	return s.outcomes[r.Name]
}

func (s *subject) Parent() (policy.Subject, bool) {
	if s.parent == nil {
		return nil, false
	}
	return s.parent, true
}

// by is a record owned by the user.
func by(owner string, cells ...map[uint32]record.Value) *subject {
	h := record.Header{Version: 1, AddedBy: uid("adder"), ModifiedBy: uid("adder")}
	if owner != "" {
		h.Owner = uid(owner)
	}
	all := map[uint32]record.Value{}
	for _, c := range cells {
		for n, v := range c {
			all[n] = v
		}
	}
	return &subject{rec: record.Encode(uid("record of "+owner), h, record.Record{}, all)}
}

// under is a line of an order.
func under(parent *subject, owner string) *subject {
	s := by(owner, map[uint32]record.Value{lineOrder: record.Ref(parent.rec.ID())})
	s.parent = parent
	return s
}

// saying adds the outcome of a custom rule.
func (s *subject) saying(rule string, o policy.Outcome) *subject {
	c := &subject{rec: s.rec, parent: s.parent, outcomes: map[string]policy.Outcome{rule: o}}
	for name, o := range s.outcomes {
		if name != rule {
			c.outcomes[name] = o
		}
	}
	return c
}

// can asserts a decision, and that the reach says the same.
func can(t *testing.T, v *policy.View, form uint32, a definition.Action, s policy.Subject, want bool) {
	t.Helper()
	if got := v.Decide(form, a, s); got != want {
		t.Errorf("Decide(form %d, action %d) = %v, want %v", form, a, got, want)
	}
	if got := v.Contains(v.Reach(form, a), s); got != want {
		t.Errorf("Contains(Reach(form %d, action %d)) = %v, want %v", form, a, got, want)
	}
}

// sees asserts which owners' orders the viewer reaches for the action: exactly
// those named, out of everybody.
func sees(t *testing.T, v *policy.View, a definition.Action, owners ...string) {
	t.Helper()
	for _, owner := range []string{"ceo", "head", "rep", "rep2", "support", "agent", "admin", "dev", "portal", "deleted", ""} {
		want := slices.Contains(owners, owner)
		if got := v.Decide(order, a, by(owner)); got != want {
			t.Errorf("action %d on the order of %q: Decide = %v, want %v", a, owner, got, want)
		}
		if got := v.Contains(v.Reach(order, a), by(owner)); got != want {
			t.Errorf("action %d on the order of %q: Contains = %v, want %v", a, owner, got, want)
		}
	}
}
