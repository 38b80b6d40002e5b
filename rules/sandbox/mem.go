package sandbox

import (
	"encoding/binary"

	"sluice/internal/record"
	"sluice/rules"
)

// The batch as abi.md lays it out: a header, the viewer's row, the rows, the
// outputs, and behind them texts and lists.
const (
	headerSize = 48
	slotSize   = 8
	refSize    = 36 // the text form of an id
	outputSize = 8 + 1 + 1
)

// shape is what a manifest makes of a batch.
type shape struct {
	record, viewer         []record.Kind
	recordSize, viewerSize int // bytes of a row
	buffer                 int // bytes asked of sluice_buf
}

func newShape(m *rules.Manifest) shape {
	s := shape{record: kinds(m.Record), viewer: kinds(m.Viewer)}
	s.recordSize, s.viewerSize = slotSize*(1+len(s.record)), slotSize*(1+len(s.viewer))
	fixed := headerSize + s.viewerSize + worst(m.Viewer)
	many := MaxBatch * (s.recordSize + outputSize + typicalText*texts(s.record))
	one := s.recordSize + outputSize + worst(m.Record)
	s.buffer = align(min(fixed+max(many, one)+64, maxBuffer))
	return s
}

// What the buffer makes room for: maxBuffer in all, and typicalText for each
// text of each record of a full batch.
const (
	maxBuffer   = 512 << 10
	typicalText = 48
)

func kinds(columns []rules.Column) []record.Kind {
	out := make([]record.Kind, len(columns))
	for i, c := range columns {
		out[i] = c.Type.Kind()
	}
	return out
}

func texts(ks []record.Kind) (n int) {
	for _, k := range ks {
		if k == record.KindText || k == record.KindRef || k == record.KindList {
			n++
		}
	}
	return n
}

// worst returns the bytes that the texts of one row may take. Lists have no
// bound of their own; a row that takes more is a fault of that record.
func worst(columns []rules.Column) (n int) {
	for _, c := range columns {
		switch c.Type {
		case record.LongText, record.JSON:
			n += 64 << 10
		case record.MultiChoice:
			n += 8 << 10
		case record.Text, record.Choice, record.Email, record.Phone, record.URL, record.User, record.Lookup:
			n += 1000
		}
	}
	return n
}

func align(n int) int { return (n + 7) &^ 7 }

// batch is one call's worth of rows in the guest's buffer. Offsets are into
// buf, which is a view of guest memory at address base.
type batch struct {
	buf  []byte
	base uint32
	text int // where the next text goes

	n                            int
	rows, masks, grants, reasons int
}

// encode writes as many of rows as fit, at most limit, and returns how many.
// 0 means that the first row, or the viewer, does not fit even alone or is not
// what the manifest declares.
func (s *shape) encode(b *batch, viewer []record.Value, rows [][]record.Value, limit int) int {
	room := len(b.buf) - headerSize - s.viewerSize - 3*slotSize
	limit = min(limit, len(rows), MaxBatch, room/(s.recordSize+outputSize))
	n := s.tryEncode(b, viewer, rows, limit)
	if n == 0 && limit > 1 {
		n = s.tryEncode(b, viewer, rows, 1)
	}
	return n
}

func (s *shape) tryEncode(b *batch, viewer []record.Value, rows [][]record.Value, limit int) int {
	if limit < 1 {
		return 0
	}
	b.rows = headerSize + s.viewerSize
	b.masks = b.rows + limit*s.recordSize
	b.grants = b.masks + limit*8
	b.reasons = align(b.grants + limit)
	b.text = align(b.reasons + limit)
	clear(b.buf[b.masks:b.text])
	if !b.row(headerSize, s.viewer, viewer) {
		return 0
	}
	b.n = 0
	for at := b.rows; b.n < limit && b.row(at, s.record, rows[b.n]); at += s.recordSize {
		b.n++
	}
	b.header(s)
	return b.n
}

// encodeViewer writes a batch without records. It reports whether the viewer is
// what the manifest declares and fits.
func (s *shape) encodeViewer(b *batch, viewer []record.Value) bool {
	b.n, b.rows = 0, headerSize+s.viewerSize
	b.masks, b.grants, b.reasons, b.text = b.rows, b.rows, b.rows, b.rows
	if len(b.buf) < b.rows || !b.row(headerSize, s.viewer, viewer) {
		return false
	}
	b.header(s)
	return true
}

func (b *batch) header(s *shape) {
	for i, v := range [...]uint32{
		rules.ABI, uint32(b.n), uint32(s.recordSize), 0,
		b.base + headerSize, b.base + uint32(b.rows), b.base + uint32(b.grants), b.base + uint32(b.masks),
		b.base + uint32(b.reasons), 0, 0, 0,
	} {
		binary.LittleEndian.PutUint32(b.buf[4*i:], v)
	}
}

// row writes one row at the offset and its texts behind. It reports whether the
// row is what was declared and there was room. It is the hottest loop of a
// batch: numbers and texts are written in place, the rest by put.
func (b *batch) row(at int, ks []record.Kind, values []record.Value) bool {
	if len(values) != len(ks) {
		return false
	}
	var nulls uint64
	buf, text := b.buf, b.text
	slots := buf[at+slotSize : at+slotSize*(1+len(ks))]
	ks = ks[:len(values)]
	for i := range values {
		slot := (*[slotSize]byte)(slots)
		slots = slots[slotSize:]
		k, n, t := record.Parts(&values[i])
		switch {
		case k == record.KindNull:
			nulls |= 1 << i
			*slot = [slotSize]byte{}
		case k != ks[i]:
			return false
		case k == record.KindInt:
			binary.LittleEndian.PutUint64(slot[:], uint64(n))
		case k == record.KindText:
			if len(t) > len(buf)-text {
				return false
			}
			b.point(slot, text, len(t))
			write(buf[text:text+len(t)], t)
			text += len(t)
		default:
			b.text = text
			if !b.put(slot, k, &values[i]) {
				return false
			}
			text = b.text
		}
	}
	b.text = text
	binary.LittleEndian.PutUint64(buf[at:], nulls)
	return true
}

// write copies src to dst, which is as long and elsewhere. Of a short text the call of
// copy would cost more than what it does.
func write(dst, src []byte) {
	switch n := len(src); {
	case n < 4 || n > 16:
		copy(dst, src)
	case n < 8:
		binary.LittleEndian.PutUint32(dst, binary.LittleEndian.Uint32(src))
		binary.LittleEndian.PutUint32(dst[n-4:], binary.LittleEndian.Uint32(src[n-4:]))
	default:
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src))
		binary.LittleEndian.PutUint64(dst[n-8:], binary.LittleEndian.Uint64(src[n-8:]))
	}
}

// put writes the kinds that are less usual.
func (b *batch) put(slot *[slotSize]byte, k record.Kind, v *record.Value) bool {
	switch k {
	case record.KindBool:
		*slot = [slotSize]byte{}
		if v.Bool() {
			slot[0] = 1
		}
		return true
	case record.KindRef:
		if len(b.buf)-b.text < refSize {
			return false
		}
		v.Ref().Append(b.buf[b.text:b.text])
		b.point(slot, b.text, refSize)
		b.text += refSize
		return true
	case record.KindList:
		return b.putList(slot, v.List())
	}
	return false
}

func (b *batch) putText(slot *[slotSize]byte, text []byte) bool {
	if len(text) > len(b.buf)-b.text {
		return false
	}
	b.point(slot, b.text, len(text))
	write(b.buf[b.text:b.text+len(text)], text)
	b.text += len(text)
	return true
}

// putList writes an array of (address, length) pairs, then the texts.
func (b *batch) putList(slot *[slotSize]byte, items [][]byte) bool {
	at := align(b.text)
	if at > len(b.buf) || len(items) > (len(b.buf)-at)/slotSize {
		return false
	}
	b.point(slot, at, len(items))
	b.text = at + slotSize*len(items)
	for i, item := range items {
		if !b.putText((*[slotSize]byte)(b.buf[at+slotSize*i:]), item) {
			return false
		}
	}
	return true
}

// point writes the guest address of an offset and a length.
func (b *batch) point(slot *[slotSize]byte, at, length int) {
	binary.LittleEndian.PutUint64(slot[:], uint64(b.base+uint32(at))|uint64(length)<<32)
}

// verdict copies the outputs of row i out of the guest's memory.
func (b *batch) verdict(i int) rules.Verdict {
	return rules.Verdict{
		Grant:   b.buf[b.grants+i],
		Visible: binary.LittleEndian.Uint64(b.buf[b.masks+8*i:]),
		Reason:  b.buf[b.reasons+i],
	}
}
