package sandbox

import (
	"encoding/binary"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
	"sluice/rules"
)

// reading is what a guest sees of a batch, following abi.md and nothing of the
// encoder.
type reading struct {
	buf  []byte
	base uint32
}

func (r reading) u32(address uint32) uint32 { return binary.LittleEndian.Uint32(r.at(address, 4)) }

func (r reading) at(address, n uint32) []byte {
	return r.buf[address-r.base : address-r.base+n]
}

// row reads a row back into the text that its values had.
func (r reading) row(address uint32, columns []rules.Column) (out []string) {
	nulls := binary.LittleEndian.Uint64(r.at(address, 8))
	for i, c := range columns {
		slot := address + 8 + uint32(8*i)
		switch kind := c.Type.Kind(); {
		case nulls>>i&1 == 1:
			out = append(out, "null")
		case kind == record.KindInt || kind == record.KindBool:
			out = append(out, fmt.Sprint(int64(binary.LittleEndian.Uint64(r.at(slot, 8)))))
		case kind == record.KindList:
			list := "list"
			for k := range r.u32(slot + 4) {
				item := r.u32(slot) + 8*k
				list += fmt.Sprintf(" %q", r.at(r.u32(item), r.u32(item+4)))
			}
			out = append(out, list)
		default:
			out = append(out, fmt.Sprintf("%q", r.at(r.u32(slot), r.u32(slot+4))))
		}
	}
	return out
}

func spelled(v record.Value) string {
	switch v.Kind() {
	case record.KindBool:
		if v.Bool() {
			return "1"
		}
		return "0"
	case record.KindInt:
		return fmt.Sprint(v.Int())
	case record.KindText:
		return fmt.Sprintf("%q", v.Text())
	case record.KindRef:
		return fmt.Sprintf("%q", v.Ref().String())
	case record.KindList:
		list := "list"
		for _, item := range v.List() {
			list += fmt.Sprintf(" %q", item)
		}
		return list
	}
	return "null"
}

func drawColumns(t *rapid.T, label string) (out []rules.Column) {
	for i := range rapid.IntRange(0, 12).Draw(t, label) {
		out = append(out, rules.Column{Name: fmt.Sprint(label, i), Type: record.Type(rapid.IntRange(int(record.Text), int(record.Lookup)).Draw(t, "type"))})
	}
	return out
}

func drawRow(t *rapid.T, columns []rules.Column) (out []record.Value) {
	text := rapid.StringN(0, 30, 100)
	for _, c := range columns {
		v := record.Value{}
		if rapid.IntRange(0, 4).Draw(t, "null") > 0 {
			switch c.Type.Kind() {
			case record.KindBool:
				v = record.Bool(rapid.Bool().Draw(t, "bool"))
			case record.KindInt:
				v = record.Int(rapid.Int64().Draw(t, "int"))
			case record.KindText:
				v = record.String(text.Draw(t, "text"))
			case record.KindRef:
				v = record.Ref(record.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")))
			case record.KindList:
				v = record.List(rapid.SliceOfN(text, 0, 4).Draw(t, "list")...)
			}
		}
		out = append(out, v)
	}
	return out
}

// TestEncode: what a guest reads is what the host was given, nothing leaves the
// buffer, and all rows are encoded in the end however small it is.
func TestEncode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &rules.Manifest{Record: drawColumns(t, "r"), Viewer: drawColumns(t, "v")}
		s := newShape(m)
		size := align(rapid.IntRange(0, s.buffer).Draw(t, "size")) % (s.buffer + 8)
		viewer := drawRow(t, m.Viewer)
		var rows [][]record.Value
		for range rapid.IntRange(1, 20).Draw(t, "rows") {
			rows = append(rows, drawRow(t, m.Record))
		}
		memory := make([]byte, size+16)
		for i := range memory {
			memory[i] = 0xee
		}
		b := batch{buf: memory[8 : 8+size : 8+size], base: 4096}
		for next := 0; next < len(rows); {
			n := s.encode(&b, viewer, rows[next:], rapid.IntRange(1, MaxBatch).Draw(t, "limit"))
			if n == 0 {
				if size == s.buffer {
					t.Fatalf("row %d does not fit a buffer of the full size", next)
				}
				break
			}
			verifyBatch(t, &b, s, m, viewer, rows[next:next+n])
			next += n
		}
		for _, i := range []int{0, 7, size + 8, size + 15} {
			if memory[i] != 0xee {
				t.Fatalf("byte %d outside the buffer was written", i)
			}
		}
	})
}

func verifyBatch(t *rapid.T, b *batch, s shape, m *rules.Manifest, viewer []record.Value, rows [][]record.Value) {
	r := reading{b.buf, b.base}
	head := func(i uint32) uint32 { return r.u32(b.base + 4*i) }
	if head(0) != 1 || head(1) != uint32(len(rows)) || head(2) != uint32(s.recordSize) || head(3)|head(9)|head(10)|head(11) != 0 {
		t.Fatalf("header %x", b.buf[:headerSize])
	}
	check := func(address uint32, columns []rules.Column, values []record.Value) {
		if address%8 != 0 {
			t.Fatal("a row is not aligned")
		}
		for i, got := range r.row(address, columns) {
			if got != spelled(values[i]) {
				t.Fatalf("column %d reads %s, was %s", i, got, spelled(values[i]))
			}
		}
	}
	check(head(4), m.Viewer, viewer)
	for i, row := range rows {
		check(head(5)+uint32(i)*head(2), m.Record, row)
		if b.verdict(i) != (rules.Verdict{}) {
			t.Fatalf("output %d is not zero", i)
		}
		r.at(head(6)+uint32(i), 1)[0] = 1
		r.at(head(7)+uint32(8*i), 8)[7] = 0x80
		r.at(head(8)+uint32(i), 1)[0] = 2
		if b.verdict(i) != (rules.Verdict{Grant: 1, Visible: 1 << 63, Reason: 2}) {
			t.Fatalf("output %d reads back as %+v", i, b.verdict(i))
		}
	}
}

// TestEncodeWorst: the longest values that fields may have fit, in a buffer of
// the size asked for.
func TestEncodeWorst(t *testing.T) {
	long := func(n int) record.Value { return record.Bytes(make([]byte, n)) }
	m := &rules.Manifest{
		Record: []rules.Column{{Name: "a", Type: record.LongText}, {Name: "b", Type: record.Text}, {Name: "c", Type: record.Email}},
		Viewer: []rules.Column{{Name: "a", Type: record.LongText}},
	}
	s := newShape(m)
	b := batch{buf: make([]byte, s.buffer), base: 8}
	row := []record.Value{long(65536), long(1000), long(254)}
	if n := s.encode(&b, []record.Value{long(65536)}, [][]record.Value{row, row, row}, MaxBatch); n < 1 {
		t.Error("the longest values do not fit")
	}
	row[0] = long(s.buffer)
	if n := s.encode(&b, []record.Value{long(1)}, [][]record.Value{row}, MaxBatch); n != 0 {
		t.Error("a value larger than the buffer fits")
	}
}
