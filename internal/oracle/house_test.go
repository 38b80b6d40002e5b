package oracle

import (
	"os"
	"slices"
	"strings"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// house is a world made by hand. It has customers, orders that point to one,
// and lines whose parent is an order; roles CEO > Manager > Rep and CEO >
// Distributor; one set S for everybody.
type house struct {
	*World
	t   *testing.T
	set *definition.PermissionSet
}

func build(t *testing.T, rights ...definition.Action) *house {
	field := func(n uint32, name string, typ record.Type) *definition.Field {
		return &definition.Field{Field: record.Field{Number: n, Name: name, Type: typ}}
	}
	customer := &definition.Form{Number: 1, Name: "Customer", Plural: "customers", Fields: []*definition.Field{field(16, "name", record.Text), field(17, "taxNumber", record.Text)}}
	order := &definition.Form{Number: 2, Name: "Order", Plural: "orders", Fields: []*definition.Field{
		field(16, "title", record.Text), field(17, "amount", record.Integer), field(18, "assignee", record.User), field(19, "customer", record.Lookup)}}
	order.Fields[3].Target = 1
	line := &definition.Form{Number: 3, Name: "Line", Plural: "lines", ParentField: 17, Fields: []*definition.Field{field(16, "title", record.Text), field(17, "order", record.Lookup)}}
	line.Fields[1].Target = 2
	h := &house{t: t, set: &definition.PermissionSet{Name: "S", APIAccess: true, Forms: map[string]*definition.FormPermission{}, Reports: map[string][]definition.Action{}}}
	h.World = &World{Records: map[string][]*Record{}, Modules: map[string]Module{}, App: &definition.Application{
		Hierarchy: true, Forms: []*definition.Form{customer, order, line}, Users: map[string]record.ID{}, Sets: []*definition.PermissionSet{h.set},
		Roles:      []*definition.Role{{Name: "CEO"}, {Name: "Manager", ReportsTo: "CEO"}, {Name: "Rep", ReportsTo: "Manager"}, {Name: "Distributor", ReportsTo: "CEO"}},
		Attributes: []record.Field{{Number: 1, Name: "region", Type: record.Text}},
	}}
	for _, f := range h.App.Forms {
		h.App.Reports = append(h.App.Reports, &definition.Report{Name: f.Plural, Form: f.Name, Default: true})
		h.set.Reports[f.Plural] = rights
		p := &definition.FormPermission{Fields: map[string]definition.FieldAccess{"owner": definition.ReadOnly, "addedBy": definition.ReadOnly}}
		for _, own := range f.Fields {
			p.Fields[own.Name] = definition.Writable
		}
		h.set.Forms[f.Name] = p
	}
	return h
}

var viewEditDelete = []definition.Action{definition.View, definition.Edit, definition.Delete}

// id makes an id of a short name; names order as their ids do.
func id(name string) (out record.ID) {
	copy(out[:], name)
	return out
}

func (h *house) person(name string, kind identity.Kind, role string) *User {
	u := &User{ID: id(name), Email: name + "@example.test", Kind: kind, Role: role, Credential: identity.Session, Attributes: map[string]record.Value{}}
	if role != "" {
		u.Set = "S"
	}
	h.Users = append(h.Users, u)
	h.App.Users[u.Email] = u.ID
	return u
}

func (h *house) live(name, role string) *User { return h.person(name, identity.Live, role) }

func (h *house) add(form, name string, owner record.ID, cells ...any) *Record {
	r := &Record{ID: id(name), Owner: owner, AddedBy: owner, ModifiedBy: owner, Version: 1, Cells: map[string]record.Value{}}
	for i := 0; i < len(cells); i += 2 {
		switch v := cells[i+1].(type) {
		case string:
			r.Cells[cells[i].(string)] = record.String(v)
		case int:
			r.Cells[cells[i].(string)] = record.Int(int64(v))
		case record.ID:
			r.Cells[cells[i].(string)] = record.Ref(v)
		}
	}
	h.Records[form] = append(h.Records[form], r)
	SortRecords(h.Records[form])
	return r
}

func (h *house) order(name string, owner *User, cells ...any) *Record {
	return h.add("Order", name, owner.ID, cells...)
}

// reach asserts whom the user reaches for the action, by name.
func (h *house) reach(u *User, a definition.Action, form string, want ...string) {
	h.t.Helper()
	var got []string
	for _, r := range h.Records[form] {
		if MaySee(h.World, u, a, form, r) {
			got = append(got, short(r.ID))
		}
	}
	if !slices.Equal(got, want) {
		h.t.Errorf("%s reaches %v of %s for action %d, want %v", short(u.ID), got, form, a, want)
	}
}

func (h *house) is(what string, got, want bool) {
	h.t.Helper()
	if got != want {
		h.t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func (h *house) share(s definition.SharingRule) {
	s.Form = "Order"
	h.App.Sharing = append(h.App.Sharing, &s)
}

// custom adds a custom rule on orders whose module is that of the table.
func (h *house) custom(truth int, c definition.CustomRule, fields ...string) *definition.CustomRule {
	c.Form, c.Name = "Order", "custom"
	h.App.Custom = append(h.App.Custom, &c)
	h.Modules[c.Name] = Module{Truth: truth, Record: fields, Viewer: []string{"region"}}
	return &c
}

func short(id record.ID) string {
	n := slices.Index(id[:], 0)
	return string(id[:n])
}

func role(name string) definition.Group     { return definition.Group{Role: name} }
func below(name string) definition.Group    { return definition.Group{Role: name, Subordinates: true} }
func somebody(name string) definition.Group { return definition.Group{User: name + "@example.test"} }

// TestOracleStaysSmall holds the oracle to what can be read in one go: who
// reaches which record in 300 lines, and no more than half as many again for
// cells, lists and reports. Filters, values and the plain data do not count, nor
// do comments.
func TestOracleStaysSmall(t *testing.T) {
	count := func(names ...string) (n int) {
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				if s := strings.TrimSpace(line); s != "" && !strings.HasPrefix(s, "//") {
					n++
				}
			}
		}
		return n
	}
	if n := count("oracle.go", "hidden.go"); n > 300 {
		t.Errorf("reach takes %d lines", n)
	}
	if n := count("cells.go", "list.go", "saved.go"); n > 256 {
		t.Errorf("cells, lists and reports take %d lines", n)
	}
}
