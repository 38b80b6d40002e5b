package engine

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/tink-crypto/tink-go/v2/daead/subtle"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// A cursor is a keyset position: the order keys of a record, as its viewer may
// read them, and its id. It is sealed with AES-SIV (RFC 5297), which is
// deterministic: worlds that look equal to a viewer give equal cursors. The
// associated data binds it to the list that it came from.
type position struct {
	keys [][]byte // storage.AppendSortKey of each order key
	id   record.ID
}

func (p position) encode() []byte {
	b := append([]byte{1}, p.id[:]...)
	for _, k := range p.keys {
		b = binary.AppendUvarint(b, uint64(len(k)))
		b = append(b, k...)
	}
	return b
}

func decodePosition(b []byte, keys int) (position, bool) {
	if len(b) < 17 || b[0] != 1 {
		return position{}, false
	}
	p := position{id: record.ID(b[1:17])}
	b = b[17:]
	for range keys {
		n, w := binary.Uvarint(b)
		if w <= 0 || n > uint64(len(b)-w) {
			return position{}, false
		}
		p.keys = append(p.keys, b[w:w+int(n)])
		b = b[w+int(n):]
	}
	return p, len(b) == 0
}

// sealer seals the cursors of one tenant.
type sealer struct{ aead *subtle.AESSIV }

func newSealer(key []byte) (*sealer, error) {
	a, err := subtle.NewAESSIV(key)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "engine.cursor", err, "cursor key")
	}
	return &sealer{a}, nil
}

// sealerOf returns the tenant's sealer.
func (op *Op) sealerOf() (*sealer, error) {
	if op.seal == nil {
		s, err := op.e.sealer(op.ctx, op.r.Tenant())
		if err != nil {
			return nil, err
		}
		op.seal = s
	}
	return op.seal, nil
}

// sealer returns a tenant's sealer, made with the tenant's own random key at
// first use: in a transaction of its own, so a write asks for it before its own
// begins.
func (e *Engine) sealer(ctx context.Context, t identity.Tenant) (*sealer, error) {
	e.mu.Lock()
	s := e.keys[t]
	e.mu.Unlock()
	if s != nil {
		return s, nil
	}
	key, err := e.cursorKey(ctx, e.o.Store.Tenant(t))
	if err != nil {
		return nil, err
	}
	if s, err = newSealer(key); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	keep(e, e.keys, t, s)
	return s, nil
}

const cursorKeyDoc = "cursor"

func (e *Engine) cursorKey(ctx context.Context, t storage.Tenant) ([]byte, error) {
	var key []byte
	err := t.Update(ctx, storage.Meta{Operation: "cursorKey", Time: e.o.Now()}, func(txn *storage.Txn) error {
		b, ok, err := txn.Doc(spaceKey, cursorKeyDoc)
		if err != nil || ok {
			key = bytes.Clone(b)
			return err
		}
		key = make([]byte, subtle.AESSIVKeySize)
		_, _ = rand.Read(key) // never fails: crypto/rand ends the process instead
		return txn.PutSecret(spaceKey, cursorKeyDoc, key)
	})
	return key, err
}

func (s *sealer) seal(p position, binding []byte) string {
	b, err := s.aead.EncryptDeterministically(p.encode(), binding)
	if err != nil {
		return "" // only for inputs near 2^31 bytes
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// open is the inverse of seal for the cursor in an argument. Everything wrong
// with a cursor is one error.
func (s *sealer) open(argument, cursor string, keys int, binding []byte) (position, error) {
	bad := fault.New(fault.Invalid, "engine.cursor", "%s: not a cursor of this list: expected an endCursor, startCursor or cursor returned for the same viewer, filter and order; begin again without it", argument)
	if len(cursor) > 16<<10 {
		return position{}, bad
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return position{}, bad
	}
	if b, err = s.aead.DecryptDeterministically(b, binding); err != nil {
		return position{}, bad
	}
	p, ok := decodePosition(b, keys)
	if !ok {
		return position{}, bad
	}
	return p, nil
}

// binding says which list a cursor belongs to: tenant, user and who looks through
// their eyes, shape (which holds the definition's version), form, action or report, parent and lookup, order and
// filter.
func (l *lister) binding() []byte {
	h := sha256.New()
	put := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	t := l.op.r.Tenant()
	put(t[:])
	put(l.op.eyes())
	fp := l.op.view.Shape().Fingerprint
	put(fp[:])
	put(binary.BigEndian.AppendUint32(nil, l.q.Form))
	put([]byte{byte(l.q.Action)})
	put([]byte(l.q.Report))
	put(l.parent[:])
	if l.link != nil {
		put(binary.BigEndian.AppendUint32(nil, l.link.Number))
	}
	for _, k := range l.listed {
		var b []byte
		for _, step := range k.Path {
			b = binary.BigEndian.AppendUint32(b, step.Number)
		}
		b = binary.BigEndian.AppendUint32(b, k.Field.Number)
		put(append(b, flag(k.Desc), flag(k.NullsFirst)))
	}
	put(l.canonical)
	return h.Sum(nil)
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}
