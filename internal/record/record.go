package record

import (
	"encoding/binary"
	"errors"
	"slices"
)

// The header of an encoded record, at fixed offsets so that visibility checks
// read it without decoding the rest. Little-endian.
//
//	0  format (1 byte, value 1), 3 bytes reserved, zero
//	4  version, uint32, from 1
//	8  ordinal, uint32: dense per form, never shown
//	12 addedTime, 20 modifiedTime, int64 microseconds
//	28 owner, 44 addedBy, 60 modifiedBy, 16 bytes each, zero for nobody
//	76 cells in protobuf wire format, ascending field numbers
const (
	formatV1   = 1
	headerSize = 76
)

// ErrDamaged is returned for bytes that are not an encoded record.
var ErrDamaged = errors.New("record: damaged or unknown format")

// Header is the fixed part of a record.
type Header struct {
	Version                    uint32
	Ordinal                    uint32
	AddedTime, ModifiedTime    int64 // microseconds since 1970 UTC
	Owner, AddedBy, ModifiedBy ID
}

// Record is one stored record, raw: every cell can be read. It borrows its
// bytes. The zero Record has no cells.
type Record struct {
	id ID
	b  []byte
}

// Parse checks b and returns a Record that borrows it.
func Parse(id ID, b []byte) (Record, error) {
	if len(b) < headerSize || [4]byte(b) != [4]byte{formatV1} || id.IsZero() {
		return Record{}, ErrDamaged
	}
	r := Record{id: id, b: b}
	for cells, last := b[headerSize:], uint32(0); len(cells) > 0; {
		num, _, n := cell(cells)
		if n <= 0 || num <= last {
			return Record{}, ErrDamaged
		}
		cells, last = cells[n:], num
	}
	return r, nil
}

// ID returns the id that the record is stored under.
func (r Record) ID() ID { return r.id }

// IsZero reports whether there is no record.
func (r Record) IsZero() bool { return r.b == nil }

// Encoded returns the stored bytes, borrowed.
func (r Record) Encoded() []byte { return r.b }

// Clone returns a record that owns its bytes.
func (r Record) Clone() Record { return Record{id: r.id, b: slices.Clone(r.b)} }

// Owner returns the header's owner.
func (r Record) Owner() ID { return r.at(28) }

// Version returns the header's version.
func (r Record) Version() uint32 {
	if r.b == nil {
		return 0
	}
	return binary.LittleEndian.Uint32(r.b[4:])
}

// Ordinal returns the header's ordinal.
func (r Record) Ordinal() uint32 {
	if r.b == nil {
		return 0
	}
	return binary.LittleEndian.Uint32(r.b[8:])
}

func (r Record) at(off int) (id ID) {
	if r.b != nil {
		copy(id[:], r.b[off:])
	}
	return id
}

// Header returns the fixed part.
func (r Record) Header() Header {
	if r.b == nil {
		return Header{}
	}
	return Header{
		Version: r.Version(), Ordinal: r.Ordinal(),
		AddedTime:    int64(binary.LittleEndian.Uint64(r.b[12:])),
		ModifiedTime: int64(binary.LittleEndian.Uint64(r.b[20:])),
		Owner:        r.at(28), AddedBy: r.at(44), ModifiedBy: r.at(60),
	}
}

// Get returns the cell of field f, null when it was never written. System
// fields are read from the header, formulas are computed.
func (r Record) Get(f *Field) Value {
	if r.b == nil {
		return Value{}
	}
	if f.Formula != nil {
		return f.Formula.Value(r)
	}
	if f.Number < FirstField {
		return r.system(f.Number)
	}
	for cells := r.b[headerSize:]; len(cells) > 0; {
		num, body, n := cell(cells)
		if n <= 0 || num > f.Number {
			break
		}
		if num == f.Number {
			return decode(f.Type.Kind(), body)
		}
		cells = cells[n:]
	}
	return Value{}
}

func (r Record) system(number uint32) Value {
	switch number {
	case FieldID:
		return Ref(r.id)
	case FieldOwner:
		return refBytes(r.b[28:44])
	case FieldAddedBy:
		return refBytes(r.b[44:60])
	case FieldModifiedBy:
		return refBytes(r.b[60:76])
	case FieldVersion:
		return Int(int64(r.Version()))
	case FieldAddedTime:
		return Int(int64(binary.LittleEndian.Uint64(r.b[12:])))
	case FieldModifiedTime:
		return Int(int64(binary.LittleEndian.Uint64(r.b[20:])))
	}
	return Value{}
}

func refBytes(b []byte) Value { return Ref(ID(b)) }
