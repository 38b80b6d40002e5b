package record

import "encoding/binary"

// Redacted is a record cut to the cells that one viewer may read. A cell that
// is not visible, or masked on this record, is null, whoever asks: filter,
// order, cursor, count or output. The zero Redacted shows nothing.
type Redacted struct {
	rec     Record
	visible FieldSet
	masked  FieldSet
}

// Redact cuts r: visible are the fields of the viewer's shape, masked those
// that MASK rules hide on this record. It is called by the engine alone, before
// the first read of a cell.
func Redact(r Record, visible, masked FieldSet) Redacted {
	return Redacted{rec: r, visible: visible, masked: masked}
}

// ID returns the record's id.
func (r Redacted) ID() ID { return r.rec.id }

// IsZero reports whether there is no record.
func (r Redacted) IsZero() bool { return r.rec.IsZero() }

// Version returns the record's version, which cannot be masked.
func (r Redacted) Version() uint32 { return r.rec.Version() }

// Readable reports whether the cell of f may be read on this record. A formula
// takes the cells of every field that it reads (B3, H5).
func (r Redacted) Readable(f *Field) bool {
	if !r.visible.Has(f.Number) || r.masked.Has(f.Number) {
		return false
	}
	return f.Formula == nil || f.Formula.Reads.Within(r.visible) && !f.Formula.Reads.Meets(r.masked)
}

// Get returns the cell of f, null where it may not be read.
func (r Redacted) Get(f *Field) Value {
	if !r.Readable(f) {
		return Value{}
	}
	if f.Formula != nil {
		return r.compute(f)
	}
	return r.rec.Get(f)
}

func (r Redacted) compute(f *Field) Value { return f.Formula.Value(r) }

// Clone returns a redacted record that owns its bytes.
func (r Redacted) Clone() Redacted {
	r.rec = r.rec.Clone()
	return r
}

// AppendMask appends which cells are masked: equal for records of one form and
// viewer's shape whose cells are equal when the records are.
func (r Redacted) AppendMask(dst []byte) []byte {
	for _, n := range r.masked.Numbers() {
		dst = binary.BigEndian.AppendUint32(dst, n)
	}
	return dst
}
