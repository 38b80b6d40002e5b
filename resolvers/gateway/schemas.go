package gateway

import (
	"sluice/engine"
	graphapp "sluice/graph/app"
	"sluice/internal/identity"
	"sluice/resolvers/app"
)

// Bounds of the caches.
const (
	maxSchemas      = 256
	maxBuilders     = 64
	maxDocuments    = 1000    // per schema
	maxDocumentText = 1 << 20 // bytes of their texts, per schema
)

// schemaKey names one shape of one version of one application. It holds the
// tenant although the fingerprint does too: nothing may be shared across one.
type schemaKey struct {
	tenant      identity.Tenant
	application string
	version     uint64
	fingerprint [32]byte
}

func keyOf(op *engine.Op) schemaKey {
	def, view := op.Application(), op.View()
	return schemaKey{view.Viewer().Tenant, def.Name, def.Version, view.Shape().Fingerprint}
}

// entry is a schema with the documents that were validated against it: never
// against another.
type entry struct {
	schema    *graphapp.Schema
	documents *cache[string, *app.Document]
}

// schemas keeps entries and, to share form types between them, builders.
type schemas struct {
	limits   Limits
	entries  *cache[schemaKey, *entry]
	builders *cache[schemaKey, *graphapp.Builder]
	texts    *cache[schemaText, []byte]
}

func newSchemas(l Limits) *schemas {
	return &schemas{
		limits:   l,
		entries:  newCache[schemaKey, *entry](maxSchemas, maxSchemas),
		builders: newCache[schemaKey, *graphapp.Builder](maxBuilders, maxBuilders),
		texts:    newCache[schemaText, []byte](maxSchemaTexts, maxSchemaTextsBytes),
	}
}

// of returns the entry for the rights of an operation.
func (s *schemas) of(op *engine.Op) (*entry, schemaKey, error) {
	key := keyOf(op)
	e, err := s.ofShape(op, shapeKey{key, op.View().Shape()})
	return e, key, err
}

// shapeKey is a key with the shape that it names.
type shapeKey struct {
	schemaKey
	shape *graphapp.Shape
}

// ofShape returns the entry of a shape of the operation's application.
func (s *schemas) ofShape(op *engine.Op, key shapeKey) (*entry, error) {
	if e, ok := s.entries.get(key.schemaKey); ok {
		return e, nil
	}
	builderKey := key.schemaKey
	builderKey.fingerprint = [32]byte{}
	b, ok := s.builders.get(builderKey)
	if !ok {
		b = s.builders.put(builderKey, graphapp.NewBuilder(op.Application()), 1)
	}
	schema, err := b.Build(key.shape)
	if err != nil {
		return nil, err
	}
	e := &entry{schema: schema, documents: newCache[string, *app.Document](maxDocuments, maxDocumentText)}
	return s.entries.put(key.schemaKey, e, 1), nil
}
