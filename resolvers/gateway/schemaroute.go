package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"sluice/engine"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/resolvers/app"
)

// Bounds of the texts of schemas that are kept.
const (
	maxSchemaTexts      = 256
	maxSchemaTextsBytes = 16 << 20
)

// schemaForm is a form in which a schema is given.
type schemaForm struct {
	name, media string
}

var (
	formSDL  = schemaForm{"graphql", "application/graphql; charset=utf-8"}
	formJSON = schemaForm{"json", mediaJSON + "; charset=utf-8"}
)

// schemaText names the text of a schema.
type schemaText struct {
	key  schemaKey
	form schemaForm
}

// tag is the entity tag of a text without the text: the shape's fingerprint and
// the version of the definition decide what it says.
func (t schemaText) tag() string {
	h := sha256.New()
	h.Write(t.key.fingerprint[:]) // of the tenant, the application and the version too
	h.Write([]byte(t.form.name))
	h.Write([]byte(strconv.FormatUint(t.key.version, 10)))
	return `W/"` + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18]) + `"`
}

// schemaRoute gives the schema of the viewer, or, to who may ask, of somebody
// else: GET /apps/{application}/schema.graphql and schema.json, with the
// parameter as (an address) or set.
func (g *Gateway) schemaRoute(form schemaForm) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), g.o.Timeout)
		defer cancel()
		p, f := Authenticate(ctx, g.o.Directory, r)
		if f == nil {
			err := g.writeSchema(ctx, w, r, p, form)
			if err == nil {
				return
			}
			if f, _ = errors.AsType[*refusal](err); f == nil {
				f = refuseWith(err)
			}
		}
		if f.cause != nil {
			g.failed(ctx, r.PathValue("application"), f.cause)
		}
		f.write(w, mediaJSON)
	}
}

func (g *Gateway) writeSchema(ctx context.Context, w http.ResponseWriter, r *http.Request, p identity.Principal, form schemaForm) error {
	as, f := eyes(r)
	if f != nil {
		return f
	}
	op, err := g.read(ctx, p, r.PathValue("application"), as, asked{Schema: form.name})
	if err != nil {
		return err
	}
	defer op.Close()
	seen := marked(op)
	seen.tell(w)
	key, err := keyAs(op, r.URL.RawQuery)
	if err != nil {
		return err
	}
	t := schemaText{key.schemaKey, form}
	body, ok := g.schemas.texts.get(t)
	if !ok && (seen != nil || !knows(r, t.tag())) {
		e, err := g.schemas.ofShape(op, key)
		if err != nil {
			return err
		}
		if body, err = g.schemaText(ctx, op, e, form); err != nil {
			return err
		}
		body = g.schemas.texts.put(t, body, len(body))
	}
	if seen != nil { // what it is depends on whose it is
		writeUnkept(w, form.media, body)
		return nil
	}
	writeTagged(w, r, form.media, t.tag(), body)
	return nil
}

// keyAs is the key of the schema that is asked for.
func keyAs(op *engine.Op, query string) (shapeKey, error) {
	shape := op.View().Shape()
	values, err := url.ParseQuery(query)
	as, set := values["as"], values["set"]
	switch {
	case err == nil && len(values) == 0:
	case err != nil || len(as)+len(set) != len(values) || len(values) > 1 || marked(op) != nil:
		return shapeKey{}, fault.New(fault.Invalid, "gateway.schema", "the address takes as or set, once")
	case len(as) == 1:
		shape, err = op.ShapeAs(as[0])
	case len(set) == 1:
		shape, err = op.ShapeOfSet(set[0])
	}
	if err != nil {
		return shapeKey{}, err
	}
	key := keyOf(op)
	key.fingerprint = shape.Fingerprint
	return shapeKey{key, shape}, nil
}

func (g *Gateway) schemaText(ctx context.Context, op *engine.Op, e *entry, form schemaForm) ([]byte, error) {
	if form == formSDL {
		var b bytes.Buffer
		e.schema.WriteSDL(&b)
		return b.Bytes(), nil
	}
	doc, errs := g.schemas.document(e, document{introspectionText, registered})
	if errs != nil {
		return nil, errs
	}
	o, gerr := doc.Operation("")
	if gerr != nil {
		return nil, gerr
	}
	run, gerr := o.Prepare(nil)
	if gerr != nil {
		return nil, gerr
	}
	answer := run.Query(ctx, app.Request{Viewer: op.View().Viewer(), Op: app.Over(op)})
	defer answer.Release()
	if len(answer.Errors) > 0 {
		return nil, answer.Errors
	}
	body := append([]byte(`{"data":`), answer.Data...)
	return append(body, '}'), nil
}

// introspectionText is what graphql-js asks with every option on.
const introspectionText = `query IntrospectionQuery {
  __schema {
    description
    queryType { name kind }
    mutationType { name kind }
    subscriptionType { name kind }
    types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
  }
}
fragment FullType on __Type {
  kind name description specifiedByURL isOneOf
  fields(includeDeprecated: true) {
    name description
    args(includeDeprecated: true) { ...InputValue }
    type { ...TypeRef }
    isDeprecated deprecationReason
  }
  inputFields(includeDeprecated: true) { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type {
  kind name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }
}`
