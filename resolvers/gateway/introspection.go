package gateway

import (
	"context"
	"crypto/sha256"
	"slices"

	"sluice/engine"
	"sluice/resolvers/app"
)

// maxIntrospection is the largest answer to an introspection that is kept, in
// bytes.
const maxIntrospection = 1 << 20

// query answers a query. Introspection says the same to everybody of a shape: it
// is written once for a document, and kept with the texts of the schema.
func (c *call) query(ctx context.Context, run *app.Run, op *engine.Op, key schemaKey, d document) *app.Answer {
	if !run.Introspects() {
		return run.Query(ctx, requestOf(op))
	}
	t := schemaText{key, schemaForm{name: introspectionName(d.text, c.request.OperationName)}}
	if data, ok := c.g.schemas.texts.get(t); ok {
		return app.Known(data)
	}
	answer := run.Query(ctx, requestOf(op))
	if len(answer.Errors) == 0 && len(answer.Data) <= maxIntrospection {
		data := slices.Clone(answer.Data)
		c.g.schemas.texts.put(t, data, len(data))
	}
	return answer
}

// introspectionName tells documents apart, and them from the forms of a schema.
func introspectionName(text, operation string) string {
	h := sha256.New()
	h.Write([]byte(operation))
	h.Write([]byte{0}) // in no name
	h.Write([]byte(text))
	return "query " + string(h.Sum(nil))
}
