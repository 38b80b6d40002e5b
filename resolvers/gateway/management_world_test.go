package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/engine"
	"sluice/internal/directory"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/resolvers"
	"sluice/rules"
	"sluice/rules/ruletest"
	"sluice/storage/memstore"
)

const testPassword = "correct horse"

// office is a running management API over one organization, zylker, with one
// person of each kind, beside a decoy organization with the same application.
type office struct {
	t      *testing.T
	d      *directory.Directory
	e      *engine.Engine
	server *httptest.Server
	id     map[string]record.ID
	token  map[string]string
	module []byte
	hash   string
	now    time.Time // moved before the server is asked anything

	mu     sync.Mutex // guards logged
	logged []string   // what Events were told
}

// people are the kinds of people; nobody has no token.
var people = []string{"super", "admin", "dev", "rep", "idle", "nobody"}

func newOffice(t *testing.T) *office {
	t.Helper()
	store := memstore.Open()
	o := &office{t: t, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), id: map[string]record.ID{}, token: map[string]string{}}
	clock := func() time.Time { return o.now }
	o.d = directory.New(store, &directory.Options{Now: clock, HashMemory: 64})
	double := ruletest.NewDouble()
	manifest := &rules.Manifest{ABI: 1, Form: "Order", Effect: rules.Restrict, Record: []rules.Column{{Name: "title", Type: record.Text}}}
	var hash rules.Hash
	o.module, hash = double.Register("embargo", manifest, func(_, _ []record.Value) rules.Verdict { return rules.Verdict{Grant: 1} })
	o.hash = hash.String()
	var err error
	o.e, err = engine.New(engine.Options{
		Store: store, Directory: o.d, Rules: double, Now: clock,
		Inspect: func(_ context.Context, module []byte) (*rules.Manifest, rules.Hash, error) {
			m, err := rules.ReadManifest(module)
			return m, rules.HashOf(module), err
		},
	})
	o.must(err)
	m, err := NewManagement(ManagementOptions{
		Resolver: resolvers.New(o.d, o.e), Definitions: o.e, Directory: o.d,
		Events: Events{
			Failed:   func(_ context.Context, _ string, err error) { o.log(err.Error()) },
			Panicked: func(_ context.Context, v any, _ []byte) { o.log("panic") },
		},
	})
	o.must(err)
	o.server = httptest.NewServer(m)
	t.Cleanup(func() {
		o.server.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	o.populate("decoy", "secret", map[string]record.ID{}, map[string]string{})
	o.populate("zylker", "x", o.id, o.token)
	return o
}

func (o *office) log(s string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.logged = append(o.logged, s)
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// populate makes an organization whose addresses end in domain.
func (o *office) populate(organization, domain string, ids map[string]record.ID, tokens map[string]string) {
	o.t.Helper()
	ctx := o.t.Context()
	person := func(name string) directory.NewUser {
		return directory.NewUser{Email: name + "@" + domain + ".io", DisplayName: strings.ToUpper(name[:1]) + name[1:] + " " + domain, Password: testPassword}
	}
	tenant, super, err := o.d.CreateOrganization(ctx, organization, person("super"))
	o.must(err)
	ids["super"] = super
	as := map[string]identity.Principal{}
	sign := func(name string) {
		token, err := o.d.OpenSession(ctx, tenant, ids[name])
		o.must(err)
		tokens[name] = token
		as[name], err = o.d.Authenticate(ctx, token)
		o.must(err)
	}
	sign("super")
	for _, name := range []string{"admin", "dev", "rep", "idle", "other"} {
		u := person(name)
		u.Admin = name == "admin"
		o.now = o.now.Add(time.Second) // ids order as people were added
		ids[name], err = o.d.AddUser(ctx, as["super"], u)
		o.must(err)
		sign(name)
	}
	applied, err := o.e.Apply(ctx, as["admin"], definitionOf("orders", "1"), false)
	o.must(err)
	if len(applied.Faults) > 0 {
		o.t.Fatal(applied.Faults)
	}
	o.must(o.d.Assign(ctx, as["admin"], directory.Assignment{User: ids["dev"], Application: "orders", Kind: identity.Developer, Tools: identity.AllTools}, nil))
	o.must(o.d.Assign(ctx, as["admin"], directory.Assignment{User: ids["rep"], Application: "orders", Kind: identity.Live, Role: "Rep", PermissionSet: "Write"}, nil))
	_, err = o.e.UploadModule(ctx, as["dev"], "orders", "embargo", o.module)
	o.must(err)
}

func definitionOf(application, field string) []byte {
	return []byte(`application: ` + application + `
viewerAttributes:
  - {name: team, type: choice, choices: [north, south]}
forms:
  - name: Order
    plural: orders
    fields:
      - {name: title, type: text, required: true}
      - {name: extra` + field + `, type: text}
hierarchy: true
roles:
  - {name: CEO}
  - {name: Rep, reportsTo: CEO}
customRules:
  - {name: embargo, form: Order, effect: RESTRICT}
`)
}

// answer is a response as clients read it.
type answer struct {
	status int
	header http.Header
	text   string
	Data   map[string]any
	Errors []struct {
		Message    string
		Extensions struct{ Code string }
	}
}

// code is that of the first error, empty for none.
func (a *answer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	return a.Errors[0].Extensions.Code
}

func (o *office) send(r *http.Request) *answer {
	o.t.Helper()
	resp, err := o.server.Client().Do(r)
	o.must(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	o.must(err)
	a := &answer{status: resp.StatusCode, header: resp.Header, text: string(b)}
	o.must(json.Unmarshal(b, a))
	if strings.Contains(a.text, "secret") || strings.Contains(a.text, "decoy") {
		o.t.Errorf("the answer holds data of another organization: %s", a.text)
	}
	return a
}

func (o *office) request(method, path, who string, body []byte) *http.Request {
	o.t.Helper()
	r, err := http.NewRequestWithContext(o.t.Context(), method, o.server.URL+path, bytes.NewReader(body))
	o.must(err)
	r.Header.Set("Content-Type", "application/json")
	if token := o.token[who]; token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// ask sends a GraphQL request as somebody.
func (o *office) ask(who, query string, variables map[string]any) *answer {
	o.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	o.must(err)
	return o.send(o.request(http.MethodPost, "/graphql", who, body))
}

var (
	tokenText = regexp.MustCompile(`sl[sp]_[a-z2-7]{72}`)
	idText    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
	hexText   = regexp.MustCompile(`"[0-9a-f]{32}"`)
)

// fill puts ids and the module's hash into a query; hide takes what differs from
// run to run out of an answer.
func (o *office) fill(query string) string {
	for name, id := range o.id {
		query = strings.ReplaceAll(query, "$"+strings.ToUpper(name), `"`+id.String()+`"`)
	}
	return strings.ReplaceAll(query, "$MODULE", `"`+o.hash+`"`)
}

func (o *office) hide(text string) string {
	for name, id := range o.id {
		text = strings.ReplaceAll(text, id.String(), "<id of "+name+">")
	}
	text = tokenText.ReplaceAllString(text, "<token>")
	text = idText.ReplaceAllString(text, "<new id>")
	return hexText.ReplaceAllString(text, `"<credential>"`)
}

// indented returns an answer with one value a line.
func indented(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func rewriting() bool { return os.Getenv("SLUICE_REWRITE") != "" }
