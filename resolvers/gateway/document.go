package gateway

import (
	"net/http"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/identity"
	"sluice/resolvers/app"
)

// RegisteredLimits bound documents that developers registered, and those of
// pages: they may be longer than what anybody sends, and cost no less.
var RegisteredLimits = Limits{Document: engine.MaxDocumentText, Tokens: 10_000, Depth: 20, PerSet: 300, Expanded: 5000, Operations: 20}

// pagePrefix begins the document id of a page.
const pagePrefix = "page:"

// document is what a request asks to run.
type document struct {
	text string
	kind documentKind
}

// documentKind says where a document comes from. The zero documentKind is what
// the client sent.
type documentKind uint8

const (
	freeForm documentKind = iota
	registered
	ofPage
)

// document finds the text that the request names or brings. A document that is
// not there, and a page that the viewer's set does not open, are the same.
func (c *call) document(op *engine.Op) (d document, f *refusal, err error) {
	q := c.request
	id := q.id()
	if page, ok := strings.CutPrefix(id, pagePrefix); ok && q.DocumentID != nil {
		p, ok := op.View().Shape().Page(page)
		if !ok {
			return d, c.absent(), nil
		}
		return document{p.Document, ofPage}, nil, nil
	}
	if q.DocumentID == nil && q.hash == "" {
		return c.sent(op)
	}
	text, ok, err := op.Registered(id)
	switch {
	case err != nil:
		return d, nil, err
	case ok:
		return document{text, registered}, nil, nil
	case q.Query != nil: // with its hash, which readRequest has compared
		return c.sent(op)
	}
	return d, c.absent(), nil
}

// sent is the document that the request brings. Where an application runs
// registered documents only, it must be the text of one.
func (c *call) sent(op *engine.Op) (document, *refusal, error) {
	text := *c.request.Query
	if !c.registeredOnly(op) {
		return document{text, freeForm}, nil, nil
	}
	_, ok, err := op.Registered(engine.HashPrefix + engine.DocumentHash(text))
	if err != nil {
		return document{}, nil, err
	}
	if !ok {
		return document{}, unregistered(), nil
	}
	return document{text, registered}, nil, nil
}

// registeredOnly reports whether the viewer may run registered documents only: not
// one through whose eyes another looks, who may send any.
func (c *call) registeredOnly(op *engine.Op) bool {
	return (c.g.o.RegisteredOnly || op.Application().RegisteredOnly) && !exempt(op)
}

func unregistered() *refusal {
	return refuse(http.StatusForbidden, graph.CodeForbidden, "this application runs registered documents only: send the documentId of one")
}

// exempt reports whether any document may be sent: by those who may register one,
// also as somebody else.
func exempt(op *engine.Op) bool {
	v, looks := op.Asker()
	if !looks {
		v = op.View().Viewer()
	}
	kind := v.Kind
	return kind.Administers() || kind == identity.Developer
}

// absent is the answer to a document that is not there.
func (c *call) absent() *refusal {
	q := c.request
	switch {
	case q.page:
		return refuse(http.StatusNotFound, graph.CodeNotFound, "there is nothing at this address")
	case q.DocumentID == nil: // the message is part of Apollo's protocol
		return c.missing(graph.Coded(graph.CodeNotFound, "PersistedQueryNotFound"))
	}
	return c.missing(graph.Coded(graph.CodeNotFound, "documentId: there is no such document"))
}

func (c *call) missing(err *gqlerror.Error) *refusal {
	f := refuseOperation(c.media, err)
	if c.media == mediaGraphQL {
		f.status = http.StatusNotFound
	}
	return f
}

// unfit is the answer where a document is not valid for the viewer. What a
// document says that others wrote may name what the viewer must not learn of, so
// only those who see everything are told: for others a registered document that
// does not fit is as absent as one that nobody registered, and a page, whose
// name they know, is refused.
func (c *call) unfit(op *engine.Op, d document, errs gqlerror.List) *refusal {
	switch {
	case c.request.Query != nil && c.registeredOnly(op): // or a guess of the text would tell that others use it
		return unregistered()
	case d.kind == freeForm || c.request.Query != nil || exempt(op):
		return refuseOperation(c.media, errs...)
	case d.kind == ofPage:
		return refuse(http.StatusForbidden, graph.CodeForbidden, "the page asks for something that you may not use")
	}
	return c.absent()
}

// parse reads a document within the limits of its kind.
func (s *schemas) parse(d document) (*ast.QueryDocument, gqlerror.List) {
	if d.kind == freeForm {
		return s.limits.Parse(d.text)
	}
	return RegisteredLimits.Parse(d.text)
}

// document returns a document ready to run on the entry's schema. What was kept
// under the limits of one kind is not found under those of another.
func (s *schemas) document(e *entry, d document) (*app.Document, gqlerror.List) {
	key := d.text
	if d.kind != freeForm {
		key = "\x00" + key
	}
	if kept, ok := e.documents.get(key); ok {
		return kept, nil
	}
	doc, errs := s.parse(d)
	if errs != nil {
		return nil, errs
	}
	if errs := Validate(e.schema.AST, doc); errs != nil {
		return nil, errs
	}
	return e.documents.put(key, app.NewDocument(e.schema, doc), len(d.text)), nil
}
