package gateway

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/effort"
)

// TestTokenSoup sends random documents made of the tokens of the language and of
// names of the schema, half of them grown by a grammar so that many validate: no
// fault of ours, answers in JSON, and none that takes long.
func TestTokenSoup(t *testing.T) {
	s := newShop(t)
	s.create("ann", "An order")
	var names []string
	for name := range namesOf(s.schemaOf("ann")) {
		names = append(names, name)
	}
	slices.Sort(names)
	n := effort.Of(3000, 20_000, 200_000)
	r := rand.New(rand.NewPCG(7, 7))
	g := soup{r, names}
	answered, slow := 0, 0
	for i := range n {
		text := g.tokens()
		if i%2 == 0 {
			text = "query($v:Int=3,$w:OrderFilter){z:orders(first:$v,where:$w){nodes{...F}}" + g.query(3) + "}fragment F on Order{" + g.order(2) + "}"
		}
		start := time.Now()
		code, body := s.post("ann", "sales", text, map[string]any{"v": 2, "w": map[string]any{"title": map[string]any{"eq": "x"}}})
		if time.Since(start) > 50*time.Millisecond {
			slow++
		}
		if code >= http.StatusInternalServerError || strings.Contains(body, "INTERNAL") || !json.Valid([]byte(body)) {
			t.Fatalf("%s: %d %s", text, code, body)
		}
		if strings.Contains(body, `"data":{`) {
			answered++
		}
	}
	t.Logf("%d of %d answered, %d slower than 50 ms", answered, n, slow)
	if answered < n/20 {
		t.Errorf("only %d of %d are answered", answered, n)
	}
}

type soup struct {
	r     *rand.Rand
	names []string
}

func (g soup) pick(from ...string) string { return from[g.r.IntN(len(from))] }

func (g soup) tokens() string {
	var b strings.Builder
	for range g.r.IntN(60) {
		if g.r.IntN(3) == 0 {
			b.WriteString(g.pick(g.names...))
		} else {
			b.WriteString(g.pick("{", "}", "(", ")", "[", "]", ":", "...", "@", "$", "!", "=", "|", "query", "mutation", "fragment", "on",
				"1", "-1.5e9", `"x"`, `"""y"""`, "null", "true", "\\", "\"", "#\n", "\ufeff", "&", "\x01"))
		}
		b.WriteByte(' ')
	}
	return b.String()
}

func (g soup) query(depth int) string {
	return g.some(func() string {
		if depth == 0 || g.r.IntN(2) == 0 {
			return g.pick("me{id rights{component}}", "x:_schemaVersion", `order(id:"x"){...F}`, `__type(name:"Order"){name}`, "...{__typename}")
		}
		return g.pick("a:", "b:", "") + "orders(first:" + g.value(0) + ",where:" + g.value(3) + "){totalCount nodes{" + g.order(depth-1) + "}}"
	})
}

func (g soup) order(depth int) string {
	return g.some(func() string {
		if depth == 0 || g.r.IntN(2) == 0 {
			return g.pick("id", "t:title", "owner{id}", "viewerCanUpdate", "customer{name}")
		}
		return g.pick("lines{totalCount nodes{order{"+g.order(depth-1)+"}}}", "...on Order{"+g.order(depth-1)+"}")
	})
}

// some writes a few selections, and now and then what does not belong there.
func (g soup) some(one func() string) string {
	var b strings.Builder
	b.WriteString(" __typename ")
	for range g.r.IntN(3) {
		if g.r.IntN(20) == 0 {
			b.WriteString(g.pick(g.names...))
		} else {
			b.WriteString(one())
		}
		b.WriteString(g.pick("", "", "", "", "@skip(if:false)", "@include(if:true)") + " ")
	}
	return b.String()
}

func (g soup) value(depth int) string {
	if depth > 0 && g.r.IntN(2) == 0 {
		return g.pick("{", "[", "{title:", "{and:", "{quantity:{gt:") + g.value(depth-1) + g.pick("}", "]", "}}")
	}
	if depth == 3 && g.r.IntN(2) == 0 {
		return g.pick("$w", "{}", "null", `{title:{eq:"x"}}`, "{quantity:{in:[1,2]}}", "{not:{customer:{isNull:true}}}")
	}
	return g.pick("1", "1", "2", "null", "$v", "0", "-1", "1.5", `"x"`, "true", "OPEN", "99999999999999999999", "{}", "[]")
}
