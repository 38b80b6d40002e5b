package record

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// fields are test fields of every type, by number.
var testFields = func() []*Field {
	var fs []*Field
	for t := Text; t <= Identity; t++ {
		f := fieldOf(t)
		f.Number = FirstField + 13*uint32(t)
		fs = append(fs, f)
	}
	return append(fs, &Field{Number: MaxField, Type: Text})
}()

func drawID(t *rapid.T) (id ID) {
	copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
	return id
}

func drawHeader(t *rapid.T) Header {
	return Header{
		Version: rapid.Uint32().Draw(t, "version"), Ordinal: rapid.Uint32().Draw(t, "ordinal"),
		AddedTime: rapid.Int64().Draw(t, "added"), ModifiedTime: rapid.Int64().Draw(t, "modified"),
		Owner: drawID(t), AddedBy: drawID(t), ModifiedBy: drawID(t),
	}
}

func drawCells(t *rapid.T) map[uint32]Value {
	cells := map[uint32]Value{}
	for _, f := range testFields {
		if rapid.Bool().Draw(t, "written") {
			cells[f.Number] = anyValue(t, f)
		}
	}
	return cells
}

// TestEncodeIsAMap holds a chain of encodings to a plain map of cells.
func TestEncodeIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := drawID(t)
		if id.IsZero() {
			return
		}
		var r Record
		want := map[uint32]Value{}
		for range rapid.IntRange(1, 4).Draw(t, "writes") {
			h, cells := drawHeader(t), drawCells(t)
			before := bytes.Clone(r.b)
			next := Encode(id, h, r, cells)
			if !bytes.Equal(before, r.b) {
				t.Fatal("Encode wrote into its base")
			}
			maps.Copy(want, cells)
			parsed, err := Parse(id, next.Encoded())
			if err != nil {
				t.Fatalf("what Encode made is refused: %v", err)
			}
			if parsed.Header() != h || parsed.ID() != id || parsed.Owner() != h.Owner || parsed.Version() != h.Version {
				t.Fatalf("header %+v, want %+v", parsed.Header(), h)
			}
			for _, f := range testFields {
				got := parsed.Get(f)
				if !got.Equal(want[f.Number]) || got.Kind() != want[f.Number].Kind() {
					t.Fatalf("%v: got %v, want %v", f.Type, got, want[f.Number])
				}
			}
			r = parsed
		}
		again := Encode(id, r.Header(), Record{}, want)
		if !bytes.Equal(again.Encoded(), r.Encoded()) {
			t.Fatal("one record has two encodings")
		}
	})
}

func TestSystemCells(t *testing.T) {
	h := Header{Version: 3, AddedTime: -5, ModifiedTime: 7, Owner: ID{1}, ModifiedBy: ID{2}}
	r := Encode(ID{9}, h, Record{}, nil)
	for name, want := range map[string]Value{
		"id": Ref(ID{9}), "owner": Ref(ID{1}), "version": Int(3), "addedBy": {}, "addedTime": Int(-5), "modifiedBy": Ref(ID{2}), "modifiedTime": Int(7),
	} {
		f, ok := SystemField(name)
		if got := r.Get(&f); !ok || !got.Equal(want) || !got.IsNull() && got.Kind() != f.Type.Kind() {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	if got := r.Get(&Field{Number: 9, Type: Text}); !got.IsNull() {
		t.Errorf("a number of no field gives %v", got)
	}
}

// TestGetOfAnotherShape: a cell of another wire shape than its field declares is
// null, and never another record's bytes or a panic.
func TestGetOfAnotherShape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(testFields).Draw(t, "stored")
		as := *rapid.SampledFrom(testFields).Draw(t, "read as")
		as.Number = f.Number
		r := Encode(ID{1}, Header{}, Record{}, map[uint32]Value{f.Number: anyValue(t, f)})
		v := r.Get(&as)
		if !v.IsNull() && v.Kind() != as.Type.Kind() {
			t.Fatalf("%v read as %v gives kind %d", f.Type, as.Type, v.Kind())
		}
		AppendJSON(nil, &as, v)
		v.List()
		v.Holds([]byte("red"))
	})
}

func TestZeroRecord(t *testing.T) {
	var r Record
	if !r.IsZero() || r.Version() != 0 || r.Header() != (Header{}) || !r.Owner().IsZero() || r.Encoded() != nil || !r.Clone().IsZero() {
		t.Error("the zero Record holds something")
	}
	for _, f := range append(slices.Clone(System), *testFields[0]) {
		if !r.Get(&f).IsNull() {
			t.Errorf("the zero Record has a cell %s", f.Name)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	good := Encode(ID{1}, Header{Version: 1}, Record{}, map[uint32]Value{16: Int(1), 17: String("x")}).Encoded()
	if _, err := Parse(ID{1}, good); err != nil {
		t.Fatal(err)
	}
	with := func(at int, b byte) []byte {
		c := bytes.Clone(good)
		c[at] = b
		return c
	}
	twice := append(bytes.Clone(good), good[headerSize:]...)
	for name, b := range map[string][]byte{
		"nothing": nil, "short header": good[:headerSize-1], "format 0": with(0, 0), "format 2": with(0, 2), "reserved": with(3, 1),
		"cut cell": good[:len(good)-1], "cells out of order": twice, "a cell twice": append(bytes.Clone(good), good[len(good)-4:]...), "system number": append(bytes.Clone(good[:headerSize]), 8, 1),
		"fixed32 cell": append(bytes.Clone(good[:headerSize]), 0x85, 0x01, 0, 0, 0, 0), "number above the last": append(bytes.Clone(good), 0x80, 0x80, 0x02, 1),
	} {
		if _, err := Parse(ID{1}, b); err == nil {
			t.Errorf("%s is read", name)
		}
	}
	if _, err := Parse(ID{}, good); err == nil {
		t.Error("a record without id is read")
	}
}

func TestEncodeRefusesNumbers(t *testing.T) {
	for _, n := range []uint32{0, FieldOwner, FirstField - 1, MaxField + 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a cell of field %d was encoded", n)
				}
			}()
			Encode(ID{1}, Header{}, Record{}, map[uint32]Value{n: Int(1)})
		}()
	}
}

func TestClonesOwnTheirBytes(t *testing.T) {
	r := Encode(ID{1}, Header{Owner: ID{2}}, Record{}, map[uint32]Value{16: String("text"), 17: List("a", "b"), 18: Ref(ID{7})})
	text, list, ref := &Field{Number: 16, Type: Text}, &Field{Number: 17, Type: MultiChoice}, &Field{Number: 18, Type: User}
	all := FieldSetOf(16, 17, 18)
	whole, cut := r.Clone(), Redact(r, all, FieldSet{}).Clone()
	v, l, u := r.Get(text).Clone(), r.Get(list).Clone(), r.Get(ref)
	for i := range r.b[headerSize:] {
		r.b[headerSize+i] = 0xff
	}
	if string(v.Text()) != "text" || !l.Equal(List("a", "b")) || u.Ref() != (ID{7}) {
		t.Error("a cloned value, or a reference, changed with the record")
	}
	if string(whole.Get(text).Text()) != "text" || string(cut.Get(text).Text()) != "text" {
		t.Error("a cloned record changed")
	}
}

func TestGetDoesNotAllocate(t *testing.T) {
	cells := map[uint32]Value{}
	for _, f := range testFields {
		switch f.Type.Kind() {
		case KindInt:
			cells[f.Number] = Int(5)
		case KindRef:
			cells[f.Number] = Ref(ID{1})
		case KindList:
			cells[f.Number] = List("red", "green")
		case KindText:
			cells[f.Number] = String("red")
		}
	}
	r := Redact(Encode(ID{1}, Header{Owner: ID{1}}, Record{}, cells), FieldSetOf(FieldID, FieldOwner).With(slices.Collect(maps.Keys(cells))...), FieldSet{})
	id, owner := System[0], System[1]
	fields := append(slices.Clone(testFields), &id, &owner)
	if n := testing.AllocsPerRun(100, func() {
		for _, f := range fields {
			v := r.Get(f)
			v.Compare(v)
			v.Holds([]byte("green"))
			_ = v.Ref()
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestRedacted(t *testing.T) {
	r := Encode(ID{1}, Header{Version: 4, Owner: ID{2}}, Record{}, map[uint32]Value{16: Int(1), 17: Int(2), 18: Int(3)})
	cut := Redact(r, FieldSetOf(FieldOwner, 16, 17), FieldSetOf(17, 18))
	for n, want := range map[uint32]bool{16: true, 17: false, 18: false, FieldOwner: true, FieldAddedTime: false, FieldID: false} {
		f := &Field{Number: n, Type: Integer}
		if n < FirstField {
			f = &System[n-1]
		}
		if cut.Readable(f) != want || cut.Get(f).IsNull() == want {
			t.Errorf("field %d: readable %v, cell %v", n, cut.Readable(f), cut.Get(f))
		}
	}
	if cut.ID() != (ID{1}) || cut.Version() != 4 || cut.IsZero() {
		t.Error("id or version is lost")
	}
	var none Redacted
	if !none.IsZero() || none.Readable(testFields[0]) || !Redact(r, FieldSet{}, FieldSet{}).Get(&Field{Number: 16, Type: Integer}).IsNull() {
		t.Error("the zero set shows a cell")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Encode(ID{1}, Header{Version: 1}, Record{}, map[uint32]Value{16: Int(1), 17: String("x"), 18: List("a", ""), 4095: Ref(ID{3})}).Encoded())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse(ID{1}, b)
		if err != nil {
			return
		}
		for n := FirstField; n < FirstField+8; n++ {
			for typ := Text; typ <= Identity; typ++ {
				fd := fieldOf(typ)
				fd.Number = n
				v := r.Get(fd)
				if !v.IsNull() && v.Kind() != typ.Kind() {
					t.Fatalf("%v gives kind %d", typ, v.Kind())
				}
				if v.Compare(v) != 0 || !v.Clone().Equal(v) || len(AppendJSON(nil, fd, v)) == 0 {
					t.Fatalf("%v is not equal to itself", typ)
				}
			}
		}
		copied := Encode(r.ID(), r.Header(), r, nil)
		if !bytes.Equal(copied.Encoded(), b) {
			t.Fatal("copied, the record has other bytes")
		}
	})
}
