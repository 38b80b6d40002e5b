package storage

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"sluice/internal/record"
	"sluice/storage/driver"
)

// Change is one entry of the change log.
type Change struct {
	Seq           uint64 // dense per tenant, from 1
	Meta          Meta   // Time is in UTC, to the microsecond
	Form          uint32 // 0 for a document
	Record        record.ID
	Space         Space // of a document
	Key           string
	Before, After []byte // stored bytes; nil for absent
}

// blobMin is the length from which Before and After stand beside the entry,
// under their hash: an entry with both has to fit into one value.
const blobMin = 64 << 10

// Fields of an encoded change. Numbers are never used again.
const (
	changeTime protowire.Number = iota + 1
	changeActor
	changeOperation
	changeForm
	changeRecord
	changeSpace
	changeKey
	changeBefore
	changeAfter
	changeBeforeSum
	changeAfterSum
)

// logChange adds an entry to the transaction's part of the change log, with the
// transaction's Meta. It copies what c borrows.
func (w *writer) logChange(c Change) error {
	c.Meta = w.meta
	b := appendChange(make([]byte, 0, 96+len(c.Before)+len(c.After)), &c)
	var err error
	if b, err = w.appendSide(b, changeBefore, changeBeforeSum, c.Before); err != nil {
		return err
	}
	if b, err = w.appendSide(b, changeAfter, changeAfterSum, c.After); err != nil {
		return err
	}
	prefix := w.v.scope.changes()
	if err := w.grow(len(prefix) + 8 + len(b)); err != nil {
		return err
	}
	w.log = append(w.log, driver.Write{Key: prefix, Value: b, Stamp: true})
	return nil
}

func (w *writer) appendSide(b []byte, field, sumField protowire.Number, side []byte) ([]byte, error) {
	switch {
	case side == nil:
		return b, nil
	case len(side) < blobMin:
		return appendBytes(b, field, side), nil
	}
	sum := sha256.Sum256(side)
	key := w.v.scope.blob(sum[:])
	if _, stored := w.buf.Get(key); !stored {
		if err := w.put(key, keep(side)); err != nil {
			return nil, err
		}
	}
	return appendBytes(b, sumField, sum[:]), nil
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func appendNumber(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func appendChange(b []byte, c *Change) []byte {
	b = appendNumber(b, changeTime, protowire.EncodeZigZag(c.Meta.Time.UnixMicro()))
	if !c.Meta.Actor.IsZero() {
		b = appendBytes(b, changeActor, c.Meta.Actor[:])
	}
	b = appendBytes(b, changeOperation, []byte(c.Meta.Operation))
	if c.Form != 0 {
		b = appendNumber(b, changeForm, uint64(c.Form))
		return appendBytes(b, changeRecord, c.Record[:])
	}
	b = appendNumber(b, changeSpace, uint64(c.Space))
	return appendBytes(b, changeKey, []byte(c.Key))
}

// ChangeCursor walks the change log.
type ChangeCursor struct {
	*walk
	change Change
}

// Next moves to the next change and reports whether there is one. After false,
// Err says whether the walk is complete.
func (c *ChangeCursor) Next() bool {
	c.change = Change{}
	if !c.walk.Next() {
		return false
	}
	rest := c.rest()
	if len(rest) != 8 {
		return c.fail(errDamaged)
	}
	ch := Change{Seq: binary.BigEndian.Uint64(rest)}
	for b := c.value; len(b) > 0; {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return c.fail(errDamaged)
		}
		m := c.field(&ch, num, typ, b[n:])
		if m < 0 {
			return c.fail(errDamaged)
		}
		b = b[n+m:]
	}
	c.change = ch
	return true
}

// field reads one field of an entry and returns its length, negative for a
// damaged or unknown one.
func (c *ChangeCursor) field(ch *Change, num protowire.Number, typ protowire.Type, b []byte) int {
	if typ == protowire.VarintType {
		v, n := protowire.ConsumeVarint(b)
		switch num {
		case changeTime:
			ch.Meta.Time = time.UnixMicro(protowire.DecodeZigZag(v)).UTC()
		case changeForm:
			ch.Form = uint32(v)
		case changeSpace:
			ch.Space = Space(v)
		default:
			return -1
		}
		return n
	}
	if typ != protowire.BytesType {
		return -1
	}
	v, n := protowire.ConsumeBytes(b)
	if n < 0 || !c.bytesField(ch, num, v) {
		return -1
	}
	return n
}

func (c *ChangeCursor) bytesField(ch *Change, num protowire.Number, v []byte) (ok bool) {
	switch num {
	case changeActor:
		ok = len(v) == idSize && copy(ch.Meta.Actor[:], v) > 0
	case changeRecord:
		ok = len(v) == idSize && copy(ch.Record[:], v) > 0
	case changeOperation:
		ch.Meta.Operation, ok = string(v), true
	case changeKey:
		ch.Key, ok = string(v), true
	case changeBefore:
		ch.Before, ok = v, true
	case changeAfter:
		ch.After, ok = v, true
	case changeBeforeSum:
		ch.Before, ok = c.blob(v)
	case changeAfterSum:
		ch.After, ok = c.blob(v)
	}
	return ok
}

func (c *ChangeCursor) blob(sum []byte) ([]byte, bool) {
	c.v.stats.Gets++
	b, found, err := c.v.snap.Get(c.v.scope.blob(sum))
	return b, found && err == nil
}

// Change returns the entry; its slices are borrowed until the next call of Next.
func (c *ChangeCursor) Change() Change { return c.change }
