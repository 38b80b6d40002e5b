package record

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// cell reads one tagged cell: its field number, its encoded body (a varint or
// the content of a length-delimited field) and the bytes consumed, ≤ 0 for
// damaged input.
func cell(b []byte) (number uint32, body []byte, n int) {
	num, typ, t := protowire.ConsumeTag(b)
	if t < 0 || num < protowire.Number(FirstField) || num > protowire.Number(MaxField) {
		return 0, nil, -1
	}
	switch typ {
	case protowire.VarintType:
		_, m := protowire.ConsumeVarint(b[t:])
		if m < 0 {
			return 0, nil, -1
		}
		return uint32(num), b[t : t+m], t + m
	case protowire.BytesType:
		v, m := protowire.ConsumeBytes(b[t:])
		if m < 0 {
			return 0, nil, -1
		}
		return uint32(num), v, t + m
	}
	return 0, nil, -1
}

// decode reads a body as the kind the field declares. A body of another shape
// is null: types never change under a field number, so it cannot occur.
func decode(k Kind, body []byte) Value {
	switch k {
	case KindBool, KindInt:
		u, n := protowire.ConsumeVarint(body)
		if n != len(body) || n < 0 {
			return Value{}
		}
		if k == KindBool {
			return Bool(u != 0)
		}
		return Int(protowire.DecodeZigZag(u))
	case KindText:
		return Value{kind: KindText, text: body[:len(body):len(body)]}
	case KindRef:
		if len(body) != 16 {
			return Value{}
		}
		return refBytes(body)
	case KindList:
		for rest := body; len(rest) > 0; {
			_, n := protowire.ConsumeBytes(rest)
			if n < 0 {
				return Value{}
			}
			rest = rest[n:]
		}
		return Value{kind: KindList, text: body[:len(body):len(body)]}
	}
	return Value{}
}

func appendCell(b []byte, number uint32, v Value) []byte {
	if number < FirstField || number > MaxField {
		panic(fmt.Sprintf("record: field number %d cannot be encoded", number)) // Parse would refuse the record
	}
	switch v.kind {
	case KindBool, KindInt:
		b = protowire.AppendTag(b, protowire.Number(number), protowire.VarintType)
		return protowire.AppendVarint(b, protowire.EncodeZigZag(v.num))
	case KindText, KindList:
		b = protowire.AppendTag(b, protowire.Number(number), protowire.BytesType)
		return protowire.AppendBytes(b, v.text)
	case KindRef:
		id := v.Ref()
		b = protowire.AppendTag(b, protowire.Number(number), protowire.BytesType)
		return protowire.AppendBytes(b, id[:])
	}
	return b // null is absence
}

// Encode returns a new record: the header, the cells of base that are not
// overridden (base may be zero), and the cells given. A null value removes the
// cell. Cells of dropped fields in base are kept as they are. The result owns
// its bytes. A number outside FirstField to MaxField in cells is a bug of the
// caller and panics.
func Encode(id ID, h Header, base Record, cells map[uint32]Value) Record {
	b := make([]byte, headerSize, headerSize+len(base.b)+16*len(cells))
	b[0] = formatV1
	binary.LittleEndian.PutUint32(b[4:], h.Version)
	binary.LittleEndian.PutUint32(b[8:], h.Ordinal)
	binary.LittleEndian.PutUint64(b[12:], uint64(h.AddedTime))
	binary.LittleEndian.PutUint64(b[20:], uint64(h.ModifiedTime))
	copy(b[28:], h.Owner[:])
	copy(b[44:], h.AddedBy[:])
	copy(b[60:], h.ModifiedBy[:])
	next := slices.Sorted(maps.Keys(cells))
	var old []byte
	if base.b != nil {
		old = base.b[headerSize:]
	}
	for len(old) > 0 {
		num, _, n := cell(old)
		if n <= 0 {
			break // Parse has refused such bytes
		}
		for len(next) > 0 && next[0] < num {
			b = appendCell(b, next[0], cells[next[0]])
			next = next[1:]
		}
		if len(next) > 0 && next[0] == num {
			b = appendCell(b, num, cells[num])
			next = next[1:]
		} else {
			b = append(b, old[:n]...)
		}
		old = old[n:]
	}
	for _, num := range next {
		b = appendCell(b, num, cells[num])
	}
	return Record{id: id, b: b}
}
