package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sluice/engine"
	"sluice/internal/directory"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/ruletest"
	"sluice/storage"
	"sluice/storage/memstore"
)

const shopDefinition = `
application: sales
hierarchy: true
roles:
  - {name: CEO}
  - {name: Rep, reportsTo: CEO}
forms:
  - name: Customer
    plural: customers
    fields:
      - {name: name, type: text, required: true}
      - {name: taxNumber, type: text}
  - name: Order
    plural: orders
    fields:
      - {name: title, type: text, required: true, description: In a few words.}
      - {name: quantity, type: integer}
      - {name: amount, type: decimal, scale: 2, default: "0.00"}
      - {name: due, type: date}
      - {name: status, type: choice, choices: [OPEN, WON]}
      - {name: serial, type: text, unique: true}
      - {name: reviewer, type: user}
      - {name: customer, type: lookup, to: Customer}
  - name: OrderLine
    plural: lines
    fields:
      - {name: order, type: lookup, to: Order, required: true, parent: true}
      - {name: product, type: text}
reports:
  - {name: openOrders, form: Order, criteria: {status: {eq: OPEN}}}
permissionSets:
  - name: Sales
    forms:
      Customer: {actions: [ACCESS], fields: {"*": VISIBLE}}
      Order: {actions: [ACCESS], fields: {"*": VISIBLE}}
      OrderLine: {actions: [ACCESS], fields: {"*": VISIBLE}}
    reports: {customers: [VIEW, EDIT], orders: [VIEW, EDIT], lines: [VIEW, EDIT, DELETE], openOrders: [VIEW]}
  - name: Clerk
    forms:
      Order: {fields: {"*": VISIBLE, amount: HIDDEN, serial: HIDDEN, title: READ_ONLY}}
    reports: {orders: [VIEW, EDIT]}
  - name: Screen
    apiAccess: false
    forms:
      Order: {fields: {title: READ_ONLY}}
    reports: {orders: [VIEW]}
`

// shop is an organization with the application sales, and beside it another that
// has an application of the same name.
type shop struct {
	t       testing.TB
	e       *engine.Engine
	d       *directory.Directory
	g       *Gateway
	tenant  identity.Tenant
	ids     map[string]record.ID
	tokens  map[string]string // sessions, and "dan api" for a personal token
	as      map[string]identity.Principal
	failed  []string
	panicks []any
}

// newShop has ann (Sales), bob (Clerk), dan (Screen), cat without any place, the
// super admin sue, and zoe, the super admin of the other organization.
func newShop(t testing.TB) *shop {
	t.Helper()
	return newShopOn(t, memstore.Open())
}

func newShopOn(t testing.TB, store *storage.Store) *shop {
	t.Helper()
	t.Cleanup(func() { _ = store.Close() })
	s := &shop{t: t, ids: map[string]record.ID{}, tokens: map[string]string{}, as: map[string]identity.Principal{}}
	s.d = directory.New(store, &directory.Options{HashMemory: 64})
	var err error
	s.e, err = engine.New(engine.Options{
		Store: store, Directory: s.d, Rules: ruletest.NewDouble(),
		Inspect: func(_ context.Context, m []byte) (*rules.Manifest, rules.Hash, error) {
			return nil, rules.HashOf(m), nil
		},
		Pages: CheckPages,
	})
	s.must(err)
	s.g, err = New(Options{Engine: s.e, Directory: s.d, Events: Events{
		Failed:   func(_ context.Context, _ string, err error) { s.failed = append(s.failed, err.Error()) },
		Panicked: func(_ context.Context, v any, _ []byte) { s.panicks = append(s.panicks, v) },
	}})
	s.must(err)
	s.found("elsewhere", "zoe")
	s.apply("zoe", strings.Replace(shopDefinition, "{name: taxNumber", "{name: foreign", 1))
	s.tenant = s.found("acme", "sue")
	s.apply("sue", shopDefinition)
	for name, set := range map[string]string{"ann": "Sales", "bob": "Clerk", "dan": "Screen", "cat": ""} {
		s.ids[name], err = s.d.AddUser(t.Context(), s.as["sue"], s.person(name))
		s.must(err)
		s.session(s.tenant, name)
		if set != "" {
			s.assign(name, set)
		}
	}
	s.tokens["dan api"], _, err = s.d.CreateToken(t.Context(), s.as["dan"], "script", 0)
	s.must(err)
	return s
}

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) person(name string) directory.NewUser {
	return directory.NewUser{Email: name + "@example.com", DisplayName: strings.ToUpper(name[:1]) + name[1:], Password: "correct horse battery"}
}

func (s *shop) found(organization, super string) identity.Tenant {
	tenant, id, err := s.d.CreateOrganization(s.t.Context(), organization, s.person(super))
	s.must(err)
	s.ids[super] = id
	s.session(tenant, super)
	return tenant
}

func (s *shop) session(tenant identity.Tenant, name string) {
	var err error
	s.tokens[name], err = s.d.OpenSession(s.t.Context(), tenant, s.ids[name])
	s.must(err)
	s.as[name], err = s.d.Authenticate(s.t.Context(), s.tokens[name])
	s.must(err)
}

func (s *shop) apply(who, definition string) {
	s.t.Helper()
	out, err := s.e.Apply(s.t.Context(), s.as[who], []byte(definition), true)
	s.must(err)
	if len(out.Faults) > 0 {
		s.t.Fatal(out.Faults)
	}
}

func (s *shop) assign(name, set string) {
	s.must(s.d.Assign(s.t.Context(), s.as["sue"], directory.Assignment{
		User: s.ids[name], Application: "sales", Kind: identity.Live, Role: "Rep", PermissionSet: set,
	}, nil))
}

// post sends an operation as a client does and returns status and body.
func (s *shop) post(who, application, query string, vars any) (int, string) {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	s.must(err)
	w := s.send(who, application, body, nil)
	return w.Code, w.Body.String()
}

func (s *shop) send(who, application string, body []byte, headers map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/apps/"+application+"/graphql", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+s.tokens[who])
	}
	for k, v := range headers {
		if r.Header.Del(k); v != "" {
			r.Header.Set(k, v)
		}
	}
	w := httptest.NewRecorder()
	s.g.ServeHTTP(w, r)
	return w
}

// ask is post to sales that must be answered with data and without errors.
func (s *shop) ask(who, query string, vars any) string {
	s.t.Helper()
	code, body := s.post(who, "sales", query, vars)
	data, ok := strings.CutPrefix(body, `{"data":`)
	if code != http.StatusOK || !ok {
		s.t.Fatalf("%s: %d %s", query, code, body)
	}
	return strings.TrimSuffix(data, "}")
}

// create adds an order and returns its id.
func (s *shop) create(who, title string) string {
	s.t.Helper()
	data := s.ask(who, `mutation($t:String!){createOrder(input:{title:$t,status:"OPEN",quantity:3}){id}}`, map[string]any{"t": title})
	var out struct{ CreateOrder struct{ ID string } }
	s.must(json.Unmarshal([]byte(data), &out))
	return out.CreateOrder.ID
}

func equal(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\ngot  %s\nwant %s", what, got, want)
	}
}

func refusalOf(code, message string) string {
	return fmt.Sprintf(`{"errors":[{"message":%q,"extensions":{"code":%q}}]}`, message, code)
}
