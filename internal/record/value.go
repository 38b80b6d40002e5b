package record

import (
	"bytes"
	"cmp"
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"
)

// Kind is how a value is held. The zero Kind is null.
type Kind uint8

// The kinds of values.
const (
	KindNull Kind = iota
	KindBool
	KindInt
	KindText
	KindRef
	KindList
)

// Value is one cell. The zero Value is null. Integers hold the types Integer
// (as is), Decimal, Currency and Percent (times 10^scale), Date (days since
// 1970-01-01), DateTime (microseconds since 1970-01-01T00:00:00Z), Time
// (microseconds since midnight) and Duration (microseconds). Text holds JSON in
// its shortest form with sorted keys.
//
// A Value taken from a [Record] borrows the record's bytes: it is valid as long
// as those are. [Value.Clone] makes one that may be kept.
type Value struct {
	kind Kind
	num  int64  // of a reference: its first eight bytes
	low  uint64 // of a reference: its last eight bytes
	text []byte // of a list: its items, each led by its length
}

// Bool returns a boolean value.
func Bool(b bool) Value {
	v := Value{kind: KindBool}
	if b {
		v.num = 1
	}
	return v
}

// Int returns a value of the integer kind.
func Int(n int64) Value { return Value{kind: KindInt, num: n} }

// String returns a text value.
func String(s string) Value { return Value{kind: KindText, text: []byte(s)} }

// Bytes returns a text value that borrows b.
func Bytes(b []byte) Value { return Value{kind: KindText, text: b} }

// Ref returns a reference. The zero id gives null: it names nothing.
func Ref(id ID) Value {
	if id.IsZero() {
		return Value{}
	}
	return Value{kind: KindRef, num: int64(binary.BigEndian.Uint64(id[:8])), low: binary.BigEndian.Uint64(id[8:])}
}

// List returns a list of texts, in the given order. An empty list is a value of
// its own, not null.
func List(items ...string) Value {
	v := Value{kind: KindList}
	for _, s := range items {
		v.text = protowire.AppendString(v.text, s)
	}
	return v
}

// Refs returns a list of references, in the given order; of none null, since a
// list whose references all lead nowhere reads like one that has none.
func Refs(ids ...ID) Value {
	if len(ids) == 0 {
		return Value{}
	}
	v := Value{kind: KindList}
	for _, id := range ids {
		v.text = protowire.AppendBytes(v.text, id[:])
	}
	return v
}

// Refs returns the ids of a list of references; nil for other kinds.
func (v Value) Refs() []ID {
	var ids []ID
	for _, item := range v.List() {
		if len(item) == len(ID{}) {
			ids = append(ids, ID(item))
		}
	}
	return ids
}

// Kind returns how the value is held.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether there is no value.
func (v Value) IsNull() bool { return v.kind == KindNull }

// Bool returns the boolean, false for other kinds.
func (v Value) Bool() bool { return v.kind == KindBool && v.num != 0 }

// Int returns the integer, 0 for other kinds.
func (v Value) Int() int64 {
	if v.kind != KindInt {
		return 0
	}
	return v.num
}

// Text returns the text, borrowed; nil for other kinds.
func (v Value) Text() []byte {
	if v.kind != KindText {
		return nil
	}
	return v.text
}

// Parts returns the kind of *v, its integer and its text, borrowed. Of another kind than
// those n and text mean nothing. It is for loops in which a copy of the value would cost
// more than the work.
func Parts(v *Value) (kind Kind, n int64, text []byte) { return v.kind, v.num, v.text }

// Ref returns the id, zero for other kinds.
func (v Value) Ref() ID {
	var id ID
	if v.kind == KindRef {
		binary.BigEndian.PutUint64(id[:8], uint64(v.num))
		binary.BigEndian.PutUint64(id[8:], v.low)
	}
	return id
}

// List returns the items, borrowed; nil for other kinds.
func (v Value) List() [][]byte {
	if v.kind != KindList {
		return nil
	}
	items := [][]byte{}
	for rest := v.text; len(rest) > 0; {
		var item []byte
		item, rest = nextItem(rest)
		items = append(items, item)
	}
	return items
}

// Holds reports whether the list holds the item; false for other kinds. It does
// not allocate, as List does.
func (v Value) Holds(item []byte) bool {
	if v.kind != KindList {
		return false
	}
	for rest := v.text; len(rest) > 0; {
		var next []byte
		if next, rest = nextItem(rest); bytes.Equal(next, item) {
			return true
		}
	}
	return false
}

// nextItem cuts the first item off the body of a list, which List made or
// decode checked.
func nextItem(body []byte) (item, rest []byte) {
	item, n := protowire.ConsumeBytes(body)
	if n < 0 {
		return nil, nil
	}
	return item[:len(item):len(item)], body[n:]
}

// Clone returns a value that owns its bytes.
func (v Value) Clone() Value {
	v.text = bytes.Clone(v.text)
	return v
}

// Equal reports whether both are null or hold the same value.
func (v Value) Equal(o Value) bool { return v.Compare(o) == 0 }

// Compare orders values of one kind: null first, then by number, by bytes of
// UTF-8 text, false before true, lists item by item. Values of different kinds
// order by kind, so that the order is total.
func (v Value) Compare(o Value) int {
	if v.kind != o.kind {
		return cmp.Compare(v.kind, o.kind)
	}
	switch v.kind {
	case KindBool, KindInt:
		return cmp.Compare(v.num, o.num)
	case KindText:
		return bytes.Compare(v.text, o.text)
	case KindRef:
		if c := cmp.Compare(uint64(v.num), uint64(o.num)); c != 0 {
			return c
		}
		return cmp.Compare(v.low, o.low)
	case KindList:
		return compareLists(v.text, o.text)
	}
	return 0
}

func compareLists(a, b []byte) int {
	for len(a) > 0 && len(b) > 0 {
		var x, y []byte
		x, a = nextItem(a)
		y, b = nextItem(b)
		if c := bytes.Compare(x, y); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}
