package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// ViewAsHeader asks for what another person of the application is answered, of
// what the one who asks may see as well: it holds the person's id. The answer
// carries it too. Queries, pages and schemas take it; every other request that
// carries it is refused, so that nothing is done by the wrong person.
const ViewAsHeader = "Sluice-View-As"

// Sight is a use of the tool to view as another person.
type Sight struct {
	Application   string
	Asker, Target record.ID
	Operation     string // its name where it has one, of a document or route otherwise
}

// eyes returns whose answer is asked for; zero for one's own.
func eyes(r *http.Request) (record.ID, *refusal) {
	values := r.Header.Values(ViewAsHeader)
	if len(values) == 0 {
		return record.ID{}, nil
	}
	id, err := record.ParseID(values[0])
	if err != nil || len(values) > 1 || id.IsZero() {
		return record.ID{}, refuse(http.StatusBadRequest, graph.CodeBadUserInput, "%s: expected the id of one person of the application", ViewAsHeader)
	}
	return id, nil
}

// asOneself wraps a handler that answers nobody but the one who asks.
func asOneself(h http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header.Values(ViewAsHeader)) > 0 {
			onlyQueries().write(w, mediaJSON)
			return
		}
		h.ServeHTTP(w, r)
	}
}

// onlyQueries refuses everything that is no query.
func onlyQueries() *refusal {
	return refuse(http.StatusForbidden, graph.CodeForbidden,
		"viewing as another person is read-only: it takes queries, pages and the schema of an application, nothing else; leave the header %s out", ViewAsHeader)
}

// read opens an operation of who asks, or of the one whose answer they ask for,
// which is written down and told to the log. what is asked for must hold no value
// of a record.
func (g *Gateway) read(ctx context.Context, p identity.Principal, application string, as record.ID, what asked) (*engine.Op, error) {
	if as.IsZero() {
		return g.o.Engine.Read(ctx, p, application)
	}
	detail, err := json.Marshal(what)
	if err != nil {
		return nil, err
	}
	op, err := g.o.Engine.ViewAs(ctx, p, application, as, detail)
	if err == nil && g.o.Events.ViewedAs != nil {
		g.o.Events.ViewedAs(ctx, Sight{Application: application, Asker: p.User, Target: as, Operation: what.name()})
	}
	return op, err
}

// asked is what stays of a request that was made as another person.
type asked struct {
	Operation string `json:"operation,omitempty"`
	// Document is the id of a registered document or page, or of the text that was
	// sent: engine.HashPrefix and its hash.
	Document string `json:"document,omitempty"`
	Schema   string `json:"schema,omitempty"` // the form of a schema
	Pages    bool   `json:"pages,omitempty"`  // the list of them
}

func (a asked) name() string {
	switch {
	case a.Operation != "":
		return a.Operation
	case a.Schema != "":
		return "schema." + a.Schema
	case a.Pages:
		return "pages"
	}
	return a.Document
}

// asked describes a request. What a client may put into ids and names is kept only
// as far as it can be an id or a name.
func (q *request) asked() (a asked) {
	if len(q.OperationName) <= maxKeptName && isName(q.OperationName) {
		a.Operation = q.OperationName
	}
	a.Document = q.id()
	switch {
	case q.page:
	case a.Document == "" && q.Query != nil:
		a.Document = engine.HashPrefix + engine.DocumentHash(*q.Query)
	case q.DocumentID != nil && !engine.ValidDocumentID(a.Document), q.DocumentID == nil && strings.Trim(q.hash, "0123456789abcdef") != "":
		a.Document = engine.HashPrefix + engine.DocumentHash(a.Document)
	}
	return a
}

const maxKeptName = 100 // bytes

// isName reports whether a text is a name of GraphQL.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// mark is how an answer says through whose eyes it was given.
type mark struct {
	ID   record.ID `json:"id"`
	Name string    `json:"name"`
}

// marked is the mark of the answers that an operation gives; nil for one's
// own.
func marked(op *engine.Op) *mark {
	if _, looks := op.Asker(); !looks {
		return nil
	}
	v := op.View().Viewer()
	return &mark{v.User, v.DisplayName}
}

// extensions are those of an answer as JSON with the comma before them, empty for
// none.
func (m *mark) extensions() ([]byte, error) {
	if m == nil {
		return nil, nil
	}
	b, err := json.Marshal(map[string]*mark{"viewAs": m})
	return append([]byte(`,"extensions":`), b...), err
}

// tell puts the mark into the headers.
func (m *mark) tell(w http.ResponseWriter) {
	if m != nil {
		w.Header().Set(ViewAsHeader, m.ID.String())
	}
}
