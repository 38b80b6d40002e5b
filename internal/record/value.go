package record

import "bytes"

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
// (as is), Decimal (times 10^scale), Date (days since 1970-01-01) and DateTime
// (microseconds since 1970-01-01T00:00:00Z).
//
// A Value taken from a [Record] borrows the record's bytes: it is valid as long
// as those are. [Value.Clone] makes one that may be kept.
type Value struct {
	kind Kind
	num  int64
	text []byte
	list [][]byte
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
	return Value{kind: KindRef, text: append([]byte(nil), id[:]...)}
}

// List returns a list of texts, in the given order. An empty list is a value of
// its own, not null.
func List(items ...string) Value {
	l := make([][]byte, len(items))
	for i, s := range items {
		l[i] = []byte(s)
	}
	return Value{kind: KindList, list: l}
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

// Ref returns the id, zero for other kinds.
func (v Value) Ref() ID {
	var id ID
	if v.kind == KindRef {
		copy(id[:], v.text)
	}
	return id
}

// List returns the items, borrowed; nil for other kinds.
func (v Value) List() [][]byte {
	if v.kind != KindList {
		return nil
	}
	return v.list
}

// Clone returns a value that owns its bytes.
func (v Value) Clone() Value {
	v.text = bytes.Clone(v.text)
	if v.list != nil {
		l := make([][]byte, len(v.list))
		for i, b := range v.list {
			l[i] = append([]byte{}, b...)
		}
		v.list = l
	}
	return v
}

// Equal reports whether both are null or hold the same value.
func (v Value) Equal(o Value) bool { return v.Compare(o) == 0 }

// Compare orders values of one kind: null first, then by number, by bytes of
// UTF-8 text, false before true, lists item by item. Values of different kinds
// order by kind, so that the order is total.
func (v Value) Compare(o Value) int {
	if v.kind != o.kind {
		return int(v.kind) - int(o.kind)
	}
	switch v.kind {
	case KindBool, KindInt:
		switch {
		case v.num < o.num:
			return -1
		case v.num > o.num:
			return 1
		}
		return 0
	case KindText, KindRef:
		return bytes.Compare(v.text, o.text)
	case KindList:
		for i := range min(len(v.list), len(o.list)) {
			if c := bytes.Compare(v.list[i], o.list[i]); c != 0 {
				return c
			}
		}
		return len(v.list) - len(o.list)
	}
	return 0
}
