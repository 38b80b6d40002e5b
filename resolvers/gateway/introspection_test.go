package gateway

import (
	"net/http"
	"strings"
	"testing"
)

// TestIntrospectionIsKept: an answer is written once for a shape and a document,
// and what is kept is given to nobody of another shape, version or operation.
func TestIntrospectionIsKept(t *testing.T) {
	s := newShop(t)
	kept := func() int { return s.g.schemas.texts.len() }
	ask := func(who, body string) string {
		t.Helper()
		status, answer := s.post(who, "sales", body, nil)
		if status != http.StatusOK || strings.Contains(answer, `"errors"`) {
			t.Fatalf("%s: %d %s", who, status, answer)
		}
		return answer
	}
	const fields = `{ __type(name: "Order") { fields { name } } }`
	ann := ask("ann", fields)
	if kept() != 1 || ask("ann", fields) != ann || kept() != 1 {
		t.Errorf("%d answers are kept of one", kept())
	}
	bob := ask("bob", fields)
	if bob == ann || strings.Contains(bob, "amount") || kept() != 2 {
		t.Errorf("bob: %s, %d kept", bob, kept())
	}
	s.assign("bob", "Sales")
	if ask("bob", fields) != ann || kept() != 2 {
		t.Error("equal shapes are answered apart")
	}
	if ask("ann", `{ x: __type(name: "Order") { name } __typename }`) == ann || kept() != 3 {
		t.Error("another document is answered alike")
	}
	for _, data := range []string{`{ __typename orders { totalCount } }`, `{ me { displayName } }`} {
		if ask("ann", data); kept() != 3 {
			t.Errorf("%s is kept", data)
		}
	}
	if _, answer := s.post("ann", "sales", `query($n: String!) { __type(name: $n) { name } }`, map[string]any{"n": "Order"}); !strings.Contains(answer, "Order") || kept() != 3 {
		t.Errorf("with variables: %s, %d kept", answer, kept())
	}
	s.apply("sue", shopDefinition+"# changed\n")
	if ask("ann", fields); kept() != 4 {
		t.Error("an answer of the version before is given")
	}
}
