package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"sluice/internal/directory"
	"sluice/internal/httpd"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage/memstore"
)

// deskDefinition has one of each thing that a write can meet. The custom rules
// have no module, so they count against access: what veil covers is always
// covered, and whom embargo concerns sees no client.
const deskDefinition = `
application: desk
forms:
  - name: Client
    plural: clients
    fields:
      - {name: name, type: text, required: true}
      - {name: code, type: text, unique: true}
      - {name: pin, type: text, unique: true}
  - name: Order
    plural: orders
    fields:
      - {name: title, type: text, required: true}
      - {name: ref, type: text, unique: true}
      - {name: status, type: choice, choices: [open, done], default: open}
      - {name: due, type: date}
      - {name: client, type: lookup, to: Client}
      - {name: agent, type: user, recordOwner: true}
      - {name: watcher, type: user}
      - {name: fixed, type: text}
      - {name: hush, type: text}
      - {name: veiled, type: text}
  - name: Line
    plural: lines
    fields:
      - {name: order, type: lookup, to: Order, required: true, parent: true}
      - {name: product, type: text, required: true}
      - {name: quantity, type: integer}
      - {name: serial, type: text, unique: true}
      - {name: client, type: lookup, to: Client}
      - {name: hush, type: text}
  - name: Part
    plural: parts
    fields:
      - {name: line, type: lookup, to: Line, required: true, parent: true}
      - {name: label, type: text, required: true}
      - {name: serial, type: text, unique: true}
  - name: Tag
    plural: tags
    fields:
      - {name: label, type: text, required: true}
      - {name: hush, type: text, required: true}
  - name: Box
    plural: boxes
    fields:
      - {name: label, type: text}
      - {name: serial, type: text, unique: true}
  - name: Vault
    plural: vaults
    fields:
      - {name: order, type: lookup, to: Order, required: true, parent: true}
      - {name: label, type: text, required: true}
hierarchy: true
roles:
  - {name: CEO}
  - {name: Manager, reportsTo: CEO}
  - {name: Rep, reportsTo: Manager}
  - {name: Clerk, reportsTo: CEO}
permissionSets:
  - name: Work
    forms:
      Client: {actions: [ACCESS], fields: {"*": VISIBLE}}
      Order: {actions: [ACCESS], fields: {"*": VISIBLE, fixed: READ_ONLY, hush: HIDDEN}}
      Line: {actions: [ACCESS], fields: {"*": VISIBLE, hush: HIDDEN}}
      Part: {actions: [ACCESS], fields: {"*": VISIBLE}}
      Tag: {actions: [ACCESS], fields: {label: VISIBLE}}
      Box: {actions: [ACCESS], fields: {"*": VISIBLE}}
    reports:
      clients: [VIEW, EDIT, DELETE]
      orders: [VIEW, EDIT, DELETE]
      lines: [VIEW, EDIT, DELETE]
      parts: [VIEW, EDIT, DELETE]
      tags: [VIEW]
  - name: Chief
    forms:
      Order: {fields: {"*": VISIBLE}}
      Client: {fields: {"*": READ_ONLY}}
    reports:
      orders: [MODIFY_ALL]
      clients: [MODIFY_ALL]
  - name: Drop
    forms:
      Order: {actions: [ACCESS], fields: {"*": VISIBLE}}
      Line: {actions: [ACCESS], fields: {"*": VISIBLE}}
      Part: {actions: [ACCESS], fields: {label: VISIBLE, line: READ_ONLY}}
  - name: Blind
    forms:
      Client: {actions: [ACCESS], fields: {name: VISIBLE, owner: HIDDEN}}
      Order: {actions: [ACCESS], fields: {title: VISIBLE, agent: READ_ONLY}}
    reports:
      clients: [VIEW, EDIT]
      orders: [VIEW, EDIT]
  - name: Half
    forms:
      Order: {fields: {title: VISIBLE, agent: VISIBLE, owner: HIDDEN, addedBy: HIDDEN}}
    reports:
      orders: [VIEW, EDIT]
sharingRules:
  - {name: reps to half, form: Order, from: {role: Rep}, to: {user: half@desk.example}, level: READ_WRITE}
  - {name: managers to clerks, form: Order, from: {role: Manager}, to: {role: Clerk}, level: READ}
  - {name: clients of managers to clerks, form: Client, from: {role: Manager}, to: {role: Clerk}, level: READ}
  - {name: reps to mia, form: Order, from: {role: Rep}, to: {user: mia@desk.example}, level: READ_WRITE}
  - {name: clients of reps to mia, form: Client, from: {role: Rep}, to: {user: mia@desk.example}, level: READ_WRITE}
customRules:
  - {name: veil, form: Order, effect: MASK, fields: [veiled], users: [mia@desk.example]}
  - {name: cover, form: Client, effect: MASK, fields: [pin, owner], users: [mia@desk.example]}
  - {name: embargo, form: Client, effect: RESTRICT, users: [rex@desk.example]}
`

// deskPeople are who is there: name, role, set.
var deskPeople = [][3]string{
	{"max", "Manager", "Work"}, {"rep", "Rep", "Work"}, {"rita", "Rep", "Work"}, {"cleo", "Clerk", "Work"}, {"mia", "Clerk", "Work"},
	{"rex", "Manager", "Work"}, {"chief", "Clerk", "Chief"}, {"drop", "Clerk", "Drop"}, {"blind", "Rep", "Blind"},
	{"half", "Clerk", "Half"}, {"gone", "Rep", "Work"}, {"nobody", "", ""},
}

// desk is a server with the application that writes are tried on. Its super
// admin is boss.
type desk struct {
	*demoServer
	ids map[string]string // of people
}

var sharedDesk = sync.OnceValues(startDesk)

func theDesk(t *testing.T) *desk {
	t.Helper()
	d, err := sharedDesk()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func startDesk() (*desk, error) {
	d, as, err := openDesk(deskDefinition, deskPeople)
	if err != nil {
		return nil, err
	}
	gone, err := record.ParseID(d.ids["gone"])
	if err != nil {
		return nil, err
	}
	return d, d.httpd.Directory.SetActive(context.Background(), as, gone, false)
}

// openDesk serves one application named desk, with people of a name, a role and a
// permission set each, and an admin named boss, who is returned.
func openDesk(definition string, staff [][3]string) (*desk, identity.Principal, error) {
	none := identity.Principal{}
	runner, inspect, _, err := newRules()
	if err != nil {
		return nil, none, err
	}
	s, err := httpd.New(httpd.Options{Store: memstore.Open(), Rules: runner, Inspect: inspect})
	if err != nil {
		return nil, none, err
	}
	d := &desk{&demoServer{url: httptest.NewServer(s).URL, tokens: map[string]string{}, httpd: s}, map[string]string{}}
	ctx := context.Background()
	tenant, boss, err := s.Directory.CreateOrganization(ctx, "desk", directory.NewUser{Email: "boss@desk.example", DisplayName: "boss", Password: "a long password"})
	if err != nil {
		return nil, none, err
	}
	if err := d.open(tenant, "boss", boss); err != nil {
		return nil, none, err
	}
	as, err := s.Directory.Authenticate(ctx, d.tokens["boss"])
	if err != nil {
		return nil, none, err
	}
	people := map[string]record.ID{}
	for _, p := range staff {
		u := directory.NewUser{Email: p[0] + "@desk.example", DisplayName: p[0], Password: "a long password"}
		if people[p[0]], err = s.Directory.AddUser(ctx, as, u); err != nil {
			return nil, none, err
		}
		if err := d.open(tenant, p[0], people[p[0]]); err != nil {
			return nil, none, err
		}
	}
	if out, err := s.Engine.Apply(ctx, as, []byte(definition), false); err != nil || len(out.Faults) > 0 {
		return nil, none, fmt.Errorf("%v %w", out, err)
	}
	for _, p := range staff {
		if p[1] == "" {
			continue
		}
		a := directory.Assignment{User: people[p[0]], Application: "desk", Kind: identity.Live, Role: p[1], PermissionSet: p[2]}
		if err := s.Directory.Assign(ctx, as, a, nil); err != nil {
			return nil, none, err
		}
	}
	return d, as, nil
}

func (d *desk) open(tenant identity.Tenant, name string, id record.ID) (err error) {
	d.ids[name] = id.String()
	d.tokens[name], err = d.httpd.Directory.OpenSession(context.Background(), tenant, id)
	return err
}

// ask runs an operation on the application; args replace the verbs.
func (d *desk) ask(t *testing.T, who, query string, args ...any) answer {
	t.Helper()
	return d.graphql(t, "/apps/desk/graphql", who, fmt.Sprintf(query, args...))
}

// must is ask without errors.
func (d *desk) must(t *testing.T, who, query string, args ...any) answer {
	t.Helper()
	a := d.ask(t, who, query, args...)
	if len(a.Errors) > 0 {
		t.Fatalf("%s: %s: %+v", who, fmt.Sprintf(query, args...), a.Errors)
	}
	return a
}

// add creates a record of a form and returns its id.
func (d *desk) add(t *testing.T, who, form, input string, args ...any) string {
	t.Helper()
	return d.must(t, who, `mutation{create%s(input:{%s}){id}}`, form, fmt.Sprintf(input, args...)).at("create" + form + ".id").(string)
}

// told is what somebody is told of a refusal: code and message, never data.
func (d *desk) told(t *testing.T, who, query string, args ...any) string {
	t.Helper()
	a := d.ask(t, who, query, args...)
	if len(a.Errors) != 1 || a.Data != nil {
		t.Errorf("%s: %s: %+v, expected one error and no data", who, fmt.Sprintf(query, args...), a)
		return ""
	}
	return a.code() + " " + a.Errors[0].Message
}

// stored is all that there is, as the super admin reads it.
func (d *desk) stored(t *testing.T) string {
	t.Helper()
	a := d.must(t, "boss", "%s", `{
		clients(first:1000){nodes{id version owner{id} addedBy{id} name code pin}}
		orders(first:1000){nodes{id version owner{id} title ref status due client{id} agent{id} watcher{id} fixed hush veiled}}
		lines(first:1000){nodes{id version owner{id} order{id} product quantity serial client{id} hush}}
		parts(first:1000){nodes{id version owner{id} line{id} label serial}}
		tags(first:1000){nodes{id version label hush}} boxes(first:1000){nodes{id version label serial}} vaults(first:1000){nodes{id label}}}`)
	b, err := json.Marshal(a.Data)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// refusal is one write that must fail: who tries what, and what they are told. A
// want that ends in "…" is the beginning.
type refusal struct{ name, who, query, want string }

// refuse tries every write, and holds that nothing is stored of any.
func (d *desk) refuse(t *testing.T, all []refusal) {
	t.Helper()
	before := d.stored(t)
	for _, r := range all {
		t.Run(r.name, func(t *testing.T) {
			got := d.told(t, r.who, "%s", r.query)
			if start, open := strings.CutSuffix(r.want, "…"); got != r.want && !(open && strings.HasPrefix(got, start)) {
				t.Errorf("%s: %s\ngot  %s\nwant %s", r.who, r.query, got, r.want)
			}
		})
	}
	if d.stored(t) != before {
		t.Error("something of a refused write is stored")
	}
}
