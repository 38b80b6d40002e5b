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
	entry := driver.Write{Key: w.v.scope.changes(), Value: b, Stamp: true}
	if c.Form == 0 {
		entry.Also, entry.AlsoValue = w.v.scope.docHistory(c.Space), docEntry(&c)
	} else {
		entry.Also = w.v.scope.history(c.Form, c.Record)
		entry.AlsoValue = binary.BigEndian.AppendUint32(nil, versionAfter(&c))
	}
	if err := w.grow(len(entry.Key) + 8 + len(b)); err != nil {
		return err
	}
	if err := w.grow(len(entry.Also) + 8 + len(entry.AlsoValue)); err != nil {
		return err
	}
	w.indexed++
	w.log = append(w.log, entry)
	return nil
}

// versionAfter is the version of the state that a change left, 0 where it left
// none.
func versionAfter(c *Change) uint32 {
	r, err := record.Parse(c.Record, c.After)
	if err != nil {
		return 0
	}
	return r.Version()
}

// docEntry is what the history of a space says of a change: whether the document
// was there before, and its key.
func docEntry(c *Change) []byte {
	b := make([]byte, 1, 1+len(c.Key))
	if c.Before != nil {
		b[0] = 1
	}
	return append(b, c.Key...)
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
	ch, ok := c.v.decodeChange(binary.BigEndian.Uint64(rest), c.value)
	if !ok {
		return c.fail(errDamaged)
	}
	c.change = ch
	return true
}

// decodeChange reads an entry of the change log, which it borrows.
func (v *view) decodeChange(seq uint64, b []byte) (Change, bool) {
	ch := Change{Seq: seq}
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return Change{}, false
		}
		m := v.changeField(&ch, num, typ, b[n:])
		if m < 0 {
			return Change{}, false
		}
		b = b[n+m:]
	}
	return ch, true
}

// changeField reads one field of an entry and returns its length, negative for a
// damaged or unknown one.
func (v *view) changeField(ch *Change, num protowire.Number, typ protowire.Type, b []byte) int {
	if typ == protowire.VarintType {
		x, n := protowire.ConsumeVarint(b)
		switch num {
		case changeTime:
			ch.Meta.Time = time.UnixMicro(protowire.DecodeZigZag(x)).UTC()
		case changeForm:
			ch.Form = uint32(x)
		case changeSpace:
			ch.Space = Space(x)
		default:
			return -1
		}
		return n
	}
	if typ != protowire.BytesType {
		return -1
	}
	x, n := protowire.ConsumeBytes(b)
	if n < 0 || !v.changeBytes(ch, num, x) {
		return -1
	}
	return n
}

func (v *view) changeBytes(ch *Change, num protowire.Number, x []byte) (ok bool) {
	switch num {
	case changeActor:
		ok = len(x) == idSize && copy(ch.Meta.Actor[:], x) > 0
	case changeRecord:
		ok = len(x) == idSize && copy(ch.Record[:], x) > 0
	case changeOperation:
		ch.Meta.Operation, ok = string(x), true
	case changeKey:
		ch.Key, ok = string(x), true
	case changeBefore:
		ch.Before, ok = x, true
	case changeAfter:
		ch.After, ok = x, true
	case changeBeforeSum:
		ch.Before, ok = v.blob(x)
	case changeAfterSum:
		ch.After, ok = v.blob(x)
	}
	return ok
}

// blob reads a large side: of the pending writes first, for an entry of the
// transaction itself.
func (v *view) blob(sum []byte) ([]byte, bool) {
	key := v.scope.blob(sum)
	if v.w != nil {
		if b, pending := v.w.buf.Get(key); pending {
			return b, b != nil
		}
	}
	v.stats.Gets++
	b, found, err := v.snap.Get(key)
	return b, found && err == nil
}

// Change returns the entry; its slices are borrowed until the next call of Next.
func (c *ChangeCursor) Change() Change { return c.change }
