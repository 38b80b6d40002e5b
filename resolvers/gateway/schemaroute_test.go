package gateway

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"sluice/internal/directory"
	"sluice/internal/identity"
)

const (
	sdlPath  = "/apps/sales/schema.graphql"
	jsonPath = "/apps/sales/schema.json"
)

// TestB3SchemaRoutesAreTheViewers: both forms hold what the viewer's own
// introspection says, and no name that it does not.
func TestB3SchemaRoutesAreTheViewers(t *testing.T) {
	s := newShop(t)
	for _, who := range []string{"ann", "bob", "dan", "sue"} {
		w := s.fetch(who, "GET", jsonPath, "")
		_, asked := s.post(who, "sales", introspectionText, nil)
		if w.Code != http.StatusOK || w.Body.String() != asked {
			t.Errorf("%s: %d, the introspection is another", who, w.Code)
		}
		w = s.fetch(who, "GET", sdlPath, "")
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/graphql; charset=utf-8" {
			t.Errorf("%s: %d %v", who, w.Code, w.Header())
		}
		loaded, err := validator.LoadSchema(validator.Prelude, &ast.Source{Input: w.Body.String()})
		if err != nil {
			t.Fatal(err)
		}
		for name, secret := range map[string]string{"bob": "amount", "dan": "quantity"} {
			if has := loaded.Types["Order"].Fields.ForName(secret) != nil; has != (who != name && (who != "dan" || secret != "amount")) {
				t.Errorf("%s: %s is in the schema: %v", who, secret, has)
			}
		}
		if strings.Contains(w.Body.String(), "OrderLine") && who != "ann" && who != "sue" {
			t.Errorf("%s sees a form that is not theirs", who)
		}
	}
}

// TestSchemaTags: the tag stands for shape and version: equal shapes share it,
// other shapes and versions do not, and a schema that is known is not sent.
func TestSchemaTags(t *testing.T) {
	s := newShop(t)
	tag := func(who, path string) string { return s.fetch(who, "GET", path, "").Header().Get("ETag") }
	first := tag("ann", sdlPath)
	if w := s.fetch("ann", "GET", sdlPath, "", "If-None-Match", first); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Error(w.Code)
	}
	if w := s.fetch("bob", "GET", sdlPath, "", "If-None-Match", first); w.Code != http.StatusOK {
		t.Error("another's tag is known")
	}
	if w := s.fetch("zoe", "GET", sdlPath, "", "If-None-Match", first); w.Code != http.StatusOK {
		t.Error("another organization's tag is known")
	}
	if tag("ann", jsonPath) == first || tag("bob", sdlPath) == first || first == "" {
		t.Error("texts that differ have one tag")
	}
	s.assign("bob", "Sales")
	if tag("bob", sdlPath) != first {
		t.Error("equal shapes have two tags")
	}
	s.apply("sue", shopDefinition+"# changed\n")
	if tag("ann", sdlPath) == first {
		t.Error("two versions have one tag")
	}
}

// TestP10SchemaOfSomebodyElse: admins print what others are shown, developers
// what a set shows; nobody is told whether an address or a set exists who may not
// ask.
func TestP10SchemaOfSomebodyElse(t *testing.T) {
	s := newShop(t)
	s.must(s.d.Assign(t.Context(), s.as["sue"], directory.Assignment{User: s.ids["cat"], Application: "sales", Kind: identity.Developer}, nil))
	as := func(key, value string) string { return sdlPath + "?" + url.Values{key: {value}}.Encode() }
	bobs := s.fetch("bob", "GET", sdlPath, "").Body.String()
	for _, c := range []struct {
		who, path string
		status    int
	}{
		{"sue", as("as", "bob@example.com"), 200},
		{"sue", as("as", "BOB@example.com"), 200},
		{"sue", as("set", "Clerk"), 200},
		{"cat", as("set", "Clerk"), 200},
		{"cat", as("as", "bob@example.com"), 403},
		{"sue", as("as", "sue@example.com"), 404},
		{"sue", as("as", "nobody@example.com"), 404},
		{"sue", as("as", "zoe@example.com"), 404},
		{"sue", as("set", "Nothing"), 404},
		{"sue", as("what", "x"), 400},
		{"sue", as("as", "bob@example.com") + "&set=Clerk", 400},
		{"sue", as("as", "bob@example.com") + "&as=x", 400},
		{"sue", sdlPath + "?as=%zz", 400},
	} {
		w := s.fetch(c.who, "GET", c.path, "")
		if w.Code != c.status || c.status == 200 && w.Body.String() != bobs {
			t.Errorf("%s %s: %d %.200s", c.who, c.path, w.Code, w.Body)
		}
	}
	for _, guess := range [][3]string{{"as", "bob@example.com", "nob@example.com"}, {"set", "Clerk", "Clerz"}} {
		right, wrong := s.fetch("ann", "GET", as(guess[0], guess[1]), ""), s.fetch("ann", "GET", as(guess[0], guess[2]), "")
		if right.Code != http.StatusForbidden || told(right) != told(wrong) {
			t.Errorf("ann is told %s and %s", told(right), told(wrong))
		}
	}
	s.must(s.d.SetActive(t.Context(), s.as["sue"], s.ids["bob"], false))
	if w := s.fetch("sue", "GET", as("as", "bob@example.com"), ""); w.Code != http.StatusNotFound {
		t.Errorf("somebody without access: %d", w.Code)
	}
	var out struct{ Errors []json.RawMessage }
	s.must(json.Unmarshal(s.fetch("", "GET", sdlPath, "").Body.Bytes(), &out))
	if len(out.Errors) != 1 {
		t.Error("without a token")
	}
}
