package app

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"testing"

	"sluice/engine/policy"
	"sluice/graph/app"
	"sluice/internal/effort"
	"sluice/internal/identity"
	"sluice/internal/record"
	worlds "sluice/internal/world"
)

// nobody is a directory without people: shapes do not ask for any.
type nobody struct{}

func (nobody) RoleOf(record.ID) string    { return "" }
func (nobody) Members(string) []record.ID { return nil }

// randomShapes are those of a random definition: of all that there is, and of
// every permission set.
func randomShapes(t *testing.T, seed uint64) (*app.Builder, map[string]*policy.Shape) {
	t.Helper()
	w := worlds.Random(seed, worlds.Small)
	p, err := policy.Compile(w.App)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*policy.Shape{"everything": app.FullShape(w.App)}
	for _, s := range w.App.Sets {
		v := p.View(identity.Viewer{
			Tenant: identity.Tenant{1}, User: record.ID{1}, Application: w.App.Name, Kind: identity.Live,
			Role: w.App.Roles[0].Name, PermissionSet: s.Name, Credential: identity.Session,
		}, nobody{}, nil)
		out[s.Name] = v.Shape()
	}
	return app.NewBuilder(w.App), out
}

// fullIntrospection asks for all that the specification knows of a schema.
const fullIntrospection = `{__schema{description queryType{name} mutationType{name} subscriptionType{name} types{...T}
	directives{name description isRepeatable locations args(includeDeprecated:true){...I}}}}
fragment T on __Type{kind name description specifiedByURL isOneOf interfaces{...R} possibleTypes{...R}
	fields(includeDeprecated:true){name description args(includeDeprecated:true){...I} type{...R} isDeprecated deprecationReason}
	inputFields(includeDeprecated:true){...I} enumValues(includeDeprecated:true){name description isDeprecated deprecationReason}}
fragment I on __InputValue{name description type{...R} defaultValue isDeprecated deprecationReason}
fragment R on __Type{kind name ofType{kind name ofType{kind name ofType{kind name ofType{kind name ofType{kind name}}}}}}`

// TestGraphQLJSAcceptsEverySchema holds text and introspection of the schemas of
// random definitions, as every shape of rights sees them, to graphql-js. The
// library comes from npm, which go test asks for nothing: .ci/run installs it.
func TestGraphQLJSAcceptsEverySchema(t *testing.T) {
	node, err := osexec.LookPath("node")
	if err != nil {
		effort.NotRun(t, "graphql-js needs node")
	}
	const dir = "../../console/audit"
	if _, err := os.Stat(dir + "/node_modules/graphql"); err != nil {
		effort.NotRun(t, "graphql-js is not installed; console/audit/check.sh installs it")
	}
	definitions := effort.Of[uint64](40, 300, 1000)
	cmd := osexec.CommandContext(t.Context(), node, "schemas.mjs")
	cmd.Dir = dir
	var told bytes.Buffer
	cmd.Stdout, cmd.Stderr = &told, &told
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	sent := 0
	lines := bufio.NewWriter(in)
	for seed := range definitions {
		builder, shapes := randomShapes(t, seed)
		for name, shape := range shapes {
			s, err := builder.Build(shape)
			if err != nil {
				t.Fatalf("seed %d, %s: %v", seed, name, err)
			}
			writeSchema(t, lines, fmt.Sprintf("seed %d, %s", seed, name), s)
			sent++
		}
	}
	if err := lines.Flush(); err != nil {
		t.Error(err)
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &told)
	}
	var out struct{ Schemas, Types int }
	if err := json.Unmarshal(told.Bytes(), &out); err != nil || out.Schemas != sent {
		t.Fatalf("%d schemas sent: %v %s", sent, err, &told)
	}
	t.Logf("%d definitions, %d schemas, %d types", definitions, out.Schemas, out.Types)
}

func writeSchema(t *testing.T, w io.Writer, name string, s *app.Schema) {
	t.Helper()
	var sdl bytes.Buffer
	s.WriteSDL(&sdl)
	r, _, err := prepare(t, s, fullIntrospection, "", "")
	if err != nil {
		t.Fatal(name, err)
	}
	a := r.Query(t.Context(), Request{Viewer: viewer})
	defer a.Release()
	if len(a.Errors) > 0 {
		t.Fatal(name, a.Errors)
	}
	b, err := json.Marshal(struct {
		Name          string          `json:"name"`
		SDL           string          `json:"sdl"`
		Introspection json.RawMessage `json:"introspection"`
	}{name, sdl.String(), a.Data})
	if err == nil {
		_, err = w.Write(append(b, '\n'))
	}
	if err != nil {
		t.Fatal(name, err)
	}
}
