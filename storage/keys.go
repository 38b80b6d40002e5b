package storage

import (
	"crypto/sha256"
	"encoding/binary"

	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage/driver"
)

// Every key begins with the 8 bytes of its tenant (zeros for the system scope)
// and one byte that says what it holds:
//
//	e                            epoch, uint64
//	r form id                    record
//	i form index parts… id       index entry: owner, version, ordinal
//	u form index hash-or-parts   unique guard: id
//	d space key                  document
//	c seq                        change log, stamped by the driver
//	h form id seq                history of a record: its version, uint32
//	l space seq                  history of a space: 1 where the document was there before, 0 else; its key
//	s                            change behind which the histories of spaces are whole, uint64
//	b hash                       a large value of the change log, by content
//	o form                       first ordinal that is not allotted yet
//	o form field                 likewise of the numbers of a field
//	t tenant                     (system scope) a tenant that exists
//	f                            (system scope) format of the whole store
//
// Forms and indexes are uint32, big-endian, sequences uint64.
const (
	kindEpoch   = 'e'
	kindRecord  = 'r'
	kindIndex   = 'i'
	kindGuard   = 'u'
	kindDoc     = 'd'
	kindChange  = 'c'
	kindHistory = 'h'
	kindDocs    = 'l'
	kindSince   = 's'
	kindBlob    = 'b'
	kindOrdinal = 'o'
	kindTenant  = 't'
	kindFormat  = 'f'
)

const (
	prefixSize = 9 // tenant and kind
	idSize     = len(record.ID{})
	// guardPlain is the longest encoded value that stands in a guard's key as it
	// is; longer ones are hashed, so that a guard has no limit of its own.
	guardPlain = 128
)

// scope is the prefix of one tenant. All keys are built by its methods.
type scope [8]byte

func (s scope) key(kind byte, more int) []byte {
	k := make([]byte, 0, prefixSize+more)
	return append(append(k, s[:]...), kind)
}

func (s scope) epoch() []byte  { return s.key(kindEpoch, 0) }
func (s scope) format() []byte { return s.key(kindFormat, 0) }

func (s scope) records(form uint32) []byte {
	return binary.BigEndian.AppendUint32(s.key(kindRecord, 4+idSize), form)
}

func (s scope) record(form uint32, id record.ID) []byte {
	return append(s.records(form), id[:]...)
}

func (s scope) index(form, index uint32) []byte {
	k := binary.BigEndian.AppendUint32(s.key(kindIndex, 64), form)
	return binary.BigEndian.AppendUint32(k, index)
}

// entry is the key of r in an index.
func (s scope) entry(form uint32, ix *Index, r record.Record) []byte {
	k := s.index(form, ix.Number)
	for i := range ix.Parts {
		k = AppendSortKey(k, r.Get(&ix.Parts[i]))
	}
	id := r.ID()
	return append(k, id[:]...)
}

// word is the key of a record in an index of words, under a term.
func (s scope) word(form uint32, ix *Index, term []byte, id record.ID) []byte {
	k := AppendSortKey(s.index(form, ix.Number), record.Bytes(term))
	return append(k, id[:]...)
}

// guard is the key that holds values in a unique index, nil when one of them is
// null: such records are not guarded.
func (s scope) guard(form uint32, ix *Index, values []record.Value) []byte {
	var parts []byte
	for _, v := range values {
		if v.IsNull() {
			return nil
		}
		parts = AppendSortKey(parts, v)
	}
	k := binary.BigEndian.AppendUint32(s.key(kindGuard, 9+guardPlain), form)
	k = binary.BigEndian.AppendUint32(k, ix.Number)
	if len(parts) <= guardPlain {
		return append(append(k, 0), parts...)
	}
	sum := sha256.Sum256(parts)
	return append(append(k, 1), sum[:]...)
}

func (s scope) guardOf(form uint32, ix *Index, r record.Record) []byte {
	values := make([]record.Value, len(ix.Parts))
	for i := range ix.Parts {
		values[i] = r.Get(&ix.Parts[i])
	}
	return s.guard(form, ix, values)
}

func (s scope) docs(space Space) []byte { return append(s.key(kindDoc, 32), byte(space)) }

func (s scope) doc(space Space, key string) []byte { return append(s.docs(space), key...) }

func (s scope) changes() []byte { return s.key(kindChange, 8) }

func (s scope) change(seq uint64) []byte { return binary.BigEndian.AppendUint64(s.changes(), seq) }

// history is the prefix of one record's part of the change log, stamped by the
// driver with the numbers of its entries there.
func (s scope) history(form uint32, id record.ID) []byte {
	k := binary.BigEndian.AppendUint32(s.key(kindHistory, 4+idSize+8), form)
	return append(k, id[:]...)
}

// docHistory is the prefix of the part of the change log about documents of one
// space, stamped as history is.
func (s scope) docHistory(space Space) []byte { return append(s.key(kindDocs, 1+8), byte(space)) }

func (s scope) since() []byte { return s.key(kindSince, 0) }

// behind appends a number to a stamped prefix.
func behind(prefix []byte, seq uint64) []byte { return binary.BigEndian.AppendUint64(prefix, seq) }

func (s scope) blob(sum []byte) []byte { return append(s.key(kindBlob, len(sum)), sum...) }

func (s scope) counter(c counter) []byte {
	k := binary.BigEndian.AppendUint32(s.key(kindOrdinal, 8), c.form)
	if c.field == 0 {
		return k
	}
	return binary.BigEndian.AppendUint32(k, c.field)
}

func (s scope) tenants() []byte { return s.key(kindTenant, 8) }

func (s scope) tenant(id identity.Tenant) []byte { return append(s.tenants(), id[:]...) }

// after returns the first key behind all keys that begin with prefix.
func after(prefix []byte) []byte { return driver.After(prefix) }

// AppendSortKey appends the order-preserving encoding of v as index keys use
// it: null first, then as record.Value.Compare orders. It is self-delimiting: no
// encoding is a prefix of another, so encodings can be put behind each other.
//
// One byte for the kind; then a boolean as 0 or 1, a number as 8 bytes
// big-endian with its sign flipped, a reference as its 16 bytes, a text with 00
// written as 00 FF and 00 01 at its end, and a list as 01 and a text for each
// item, and 00.
func AppendSortKey(dst []byte, v record.Value) []byte {
	dst = append(dst, byte(v.Kind()))
	switch v.Kind() {
	case record.KindBool:
		if v.Bool() {
			return append(dst, 1)
		}
		return append(dst, 0)
	case record.KindInt:
		return binary.BigEndian.AppendUint64(dst, uint64(v.Int())^1<<63)
	case record.KindRef:
		id := v.Ref()
		return append(dst, id[:]...)
	case record.KindText:
		return appendText(dst, v.Text())
	case record.KindList:
		for _, item := range v.List() {
			dst = appendText(append(dst, 1), item)
		}
		return append(dst, 0)
	}
	return dst
}

func appendText(dst, text []byte) []byte {
	for _, b := range text {
		dst = append(dst, b)
		if b == 0 {
			dst = append(dst, 0xff)
		}
	}
	return append(dst, 0, 1)
}
