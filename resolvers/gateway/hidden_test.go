package gateway

import (
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	graphapp "sluice/graph/app"
	"sluice/internal/effort"
)

// positions are all places where an operation can say a name, NAME standing for
// it: of a field, an argument, an input field, an enum value, a type, a
// directive, in a document and in variables.
var positions = []struct{ query, vars string }{
	{`{NAME}`, ``},
	{`{NAME(id:1){id}}`, ``},
	{`{NAME(first:1){totalCount nodes{id}}}`, ``},
	{`{orders{nodes{NAME}}}`, ``},
	{`{orders{nodes{NAME{id}}}}`, ``},
	{`{orders{NAME}}`, ``},
	{`{orders(NAME:1){totalCount}}`, ``},
	{`{orders(where:{NAME:{eq:"x"}}){totalCount}}`, ``},
	{`{orders(where:{NAME:{isNull:true}}){totalCount}}`, ``},
	{`{orders(where:{and:[{not:{NAME:{}}}]}){totalCount}}`, ``},
	{`{orders(where:{status:{NAME:"x"}}){totalCount}}`, ``},
	{`{orders(orderBy:[{field:NAME}]){totalCount}}`, ``},
	{`{orders(orderBy:{field:quantity,direction:NAME}){totalCount}}`, ``},
	{`query($o:[OrderOrder!]){orders(orderBy:$o){totalCount}}`, `{"o":[{"field":"NAME"}]}`},
	{`query($w:OrderFilter){orders(where:$w){totalCount}}`, `{"w":{"NAME":{"eq":"x"}}}`},
	{`query($w:OrderFilter){orders(where:$w){totalCount}}`, `{"w":{"or":[{"not":{"NAME":{}}}]}}`},
	{`query($v:NAME){orders(where:$v){totalCount}}`, `{"v":{}}`},
	{`query($v:[NAME!]){__typename}`, ``},
	{`{orders{nodes{...on NAME{id}}}}`, ``},
	{`{...F} fragment F on NAME{id}`, ``},
	{`{...NAME}`, ``},
	{`{__typename @NAME}`, ``},
	{`{__typename @include(NAME:true)}`, ``},
	{`{__type(name:"NAME"){name fields{name} inputFields{name} enumValues{name}}}`, ``},
	{`query($n:String!){__type(name:$n){name}}`, `{"n":"NAME"}`},
	{`mutation{NAME(input:{}){id}}`, ``},
	{`mutation{NAME(id:"x"){id}}`, ``},
	{`mutation{updateOrder(id:"x",input:{NAME:"x"}){id}}`, ``},
	{`mutation{updateOrder(id:"x",input:{quantity:1}){NAME}}`, ``},
	{`mutation($i:UpdateOrderInput!){updateOrder(id:"x",input:$i){id}}`, `{"i":{"NAME":"x"}}`},
	{`subscription{NAME{id}}`, ``},
	{`query NAME{orders{nodes{amount}}}`, ``},
}

// namesOf are all names of a schema: types, fields, arguments, enum values.
func namesOf(s *graphapp.Schema) map[string]bool {
	out := map[string]bool{}
	for _, d := range s.AST.Types {
		out[d.Name] = true
		for _, f := range d.Fields {
			out[f.Name] = true
			for _, a := range f.Arguments {
				out[a.Name] = true
			}
		}
		for _, v := range d.EnumValues {
			out[v.Name] = true
		}
	}
	return out
}

func (s *shop) schemaOf(who string) *graphapp.Schema {
	op, err := s.e.Read(s.t.Context(), s.as[who], "sales")
	s.must(err)
	defer op.Close()
	e, _, err := s.g.schemas.of(op)
	s.must(err)
	return e.schema
}

func (s *shop) say(who, name string, at struct{ query, vars string }) string {
	var vars any
	if at.vars != "" {
		s.must(json.Unmarshal([]byte(strings.ReplaceAll(at.vars, "NAME", name)), &vars))
	}
	_, body := s.post(who, "sales", strings.ReplaceAll(at.query, "NAME", name), vars)
	return body
}

// TestB3_HiddenNames says every name that bob may not see in every position: the
// answer is, byte by byte, that for a name which never existed.
func TestB3_HiddenNames(t *testing.T) {
	s := newShop(t)
	visible := namesOf(s.schemaOf("bob"))
	var hidden []string
	for name := range namesOf(s.schemaOf("sue")) {
		if !visible[name] {
			hidden = append(hidden, name)
		}
	}
	slices.Sort(hidden)
	if len(hidden) < 30 || !slices.Contains(hidden, "taxNumber") || !slices.Contains(hidden, "amount") || !slices.Contains(hidden, "Customer") || !slices.Contains(hidden, "openOrders") {
		t.Fatal(hidden)
	}
	for _, name := range hidden {
		never := "q" + strings.Repeat("z", len(name)-1) // as long, so that columns agree
		for _, at := range positions {
			got, want := s.say("bob", name, at), s.say("bob", never, at)
			if want = strings.ReplaceAll(want, never, name); got != want {
				t.Errorf("%s at %s:\nhidden  %s\nunknown %s", name, at.query, got, want)
			}
		}
	}
}

var word = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

// TestMisspelledNames misspells names that exist, seen and unseen: no answer
// holds a name of the application that the client did not send and may not see,
// nor any suggestion.
func TestMisspelledNames(t *testing.T) {
	s := newShop(t)
	visible := namesOf(s.schemaOf("bob"))
	all := namesOf(s.schemaOf("sue"))
	var names []string
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	n := effort.Of(2000, 20_000, 100_000)
	random := rand.New(rand.NewPCG(1, 2))
	for range n {
		name := misspell(random, names[random.IntN(len(names))])
		at := positions[random.IntN(len(positions))]
		body := s.say("bob", name, at)
		if strings.Contains(strings.ToLower(body), "did you mean") {
			t.Fatalf("%s at %s: %s", name, at.query, body)
		}
		if strings.Contains(body, `"data"`) {
			continue
		}
		for _, w := range word.FindAllString(body, -1) {
			if all[w] && !visible[w] && w != name && !strings.Contains(at.query, w) {
				t.Fatalf("%s at %s tells %s: %s", name, at.query, w, body)
			}
		}
	}
}

func misspell(r *rand.Rand, name string) string {
	b := []byte(name)
	i := r.IntN(len(b))
	switch r.IntN(4) {
	case 0:
		b = slices.Insert(b, i, b[i])
	case 1:
		if len(b) > 1 {
			b = slices.Delete(b, i, i+1)
		}
	case 2:
		b[i] ^= 0x20
	default:
		b[i] = byte('a' + r.IntN(26))
	}
	if !word.MatchString(string(b)) || word.FindString(string(b)) != string(b) {
		return "x" + name
	}
	return string(b)
}

// TestErrorsNameTheViewersSchemaOnly validates documents of the widest schema
// against the narrowest: the only names in errors are sent or visible.
func TestErrorsNameTheViewersSchemaOnly(t *testing.T) {
	s := newShop(t)
	narrow := s.schemaOf("dan")
	visible := namesOf(narrow)
	for _, d := range s.schemaOf("sue").AST.Types {
		if d.Kind != ast.InputObject {
			continue
		}
		for _, f := range d.Fields {
			query := `query($v:` + d.Name + `){orders(where:{` + f.Name + `:$v}){totalCount}}`
			_, body := s.post("dan", "sales", query, nil)
			for _, w := range regexp.MustCompile(`"message":"([^"\\]|\\.)*"`).FindAllString(body, -1) {
				for _, name := range word.FindAllString(w, -1) {
					if namesOf(s.schemaOf("sue"))[name] && !visible[name] && !strings.Contains(query, name) {
						t.Errorf("%s: %s tells %s", query, w, name)
					}
				}
			}
		}
	}
}
