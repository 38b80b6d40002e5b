package record

import "math/bits"

// Type is the declared type of a field. The zero Type is invalid.
type Type uint8

// The field types.
const (
	InvalidType Type = iota
	Text
	LongText
	Integer
	Decimal
	Boolean
	Date
	DateTime
	Choice
	MultiChoice
	Email
	User
	Lookup
	File
	Image
	Currency
	Percent
	Time
	Duration
	Phone
	URL
	JSON
	Users
	MultiLookup
	AutoNumber
	// Identity is the type of the system field id. No form declares it.
	Identity
)

var typeNames = [...]string{"invalid", "text", "long text", "integer", "decimal", "boolean", "date", "date-time", "choice", "multi-choice", "email", "user", "lookup", "file", "image",
	"currency", "percent", "time", "duration", "phone", "url", "json",
	"users", "multi-lookup", "auto-number", "id"}

// String returns the name that definitions use, such as "date-time".
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "invalid"
}

// ParseType is the inverse of String for the types a form may declare.
func ParseType(s string) (Type, bool) {
	for t := Text; t < Identity; t++ {
		if typeNames[t] == s {
			return t, true
		}
	}
	return InvalidType, false
}

// Kind returns how values of the type are held.
func (t Type) Kind() Kind {
	switch t {
	case Integer, Decimal, Currency, Percent, Date, DateTime, Time, Duration, AutoNumber:
		return KindInt
	case Boolean:
		return KindBool
	case Text, LongText, Choice, Email, Phone, URL, JSON:
		return KindText
	case User, Lookup, Identity:
		return KindRef
	case MultiChoice, File, Image, Users, MultiLookup:
		return KindList
	}
	return KindNull
}

// IsFile reports whether cells of the type hold a file: an [Attachment].
func (t Type) IsFile() bool { return t == File || t == Image }

// Scaled reports whether values of the type are decimals: integers times 10 to
// the power of the field's scale.
func (t Type) Scaled() bool { return t == Decimal || t == Currency || t == Percent }

// Refs reports whether values of the type are lists of references, as [Refs]
// makes them.
func (t Type) Refs() bool { return t == Users || t == MultiLookup }

// Links reports whether values of the type lead to records of a target form.
func (t Type) Links() bool { return t == Lookup || t == MultiLookup }

// Long reports whether values of the type are too long, or too much of a kind of
// their own, to be a key: they are neither unique nor indexed nor ordered by.
func (t Type) Long() bool { return t == LongText || t == JSON || t.Kind() == KindList }

// Orderable reports whether lists and reports can be ordered by the field: it
// has an order that people know, and values short enough for a cursor. Lists,
// long texts, and references other than a record's own id have none. It is the
// one answer for schemas, definitions and the engine.
func (f *Field) Orderable() bool {
	switch f.Type {
	case Text, Integer, Decimal, Currency, Percent, Boolean, Date, DateTime, Time, Duration, Choice, Email, Phone, URL, AutoNumber, Identity:
		return true
	}
	return false
}

// Wordy reports whether fields of the type may be searchable: they hold prose, or
// something like it, that people look for by its words.
func (t Type) Wordy() bool { return t == Text || t == LongText || t == Email }

// Numbers of the system fields. They never change: they stand in masks, index
// catalogues and cursors.
const (
	FieldID           uint32 = 1
	FieldOwner        uint32 = 2
	FieldVersion      uint32 = 3
	FieldAddedBy      uint32 = 4
	FieldAddedTime    uint32 = 5
	FieldModifiedBy   uint32 = 6
	FieldModifiedTime uint32 = 7
	// FirstField is the first number that a form's own field may have.
	FirstField uint32 = 16
	// MaxField is the last.
	MaxField uint32 = 4095
)

// Field describes one field of a form. Number is stable for the life of the
// form: a rename keeps it, a drop retires it.
type Field struct {
	Number uint32
	Name   string
	Type   Type
	// Scale is the number of decimal places of a Decimal, Currency or Percent (0
	// to 9). Its values are held as integers times 10^Scale.
	Scale uint8
	// Choices are the permitted values of a Choice or MultiChoice, in order.
	Choices []string
	// Target is the number of the form that a Lookup or MultiLookup points to.
	Target uint32
	// Prefix stands before the number of an AutoNumber, which is written with at
	// least Digits digits.
	Prefix string
	Digits uint8
	// Searchable says that the words of the field are found by full-text search.
	Searchable bool `json:",omitempty"`
	// Formula computes the cell from others of the record; nil for a field that
	// is stored. Type and Scale are those of its result. It is not part of a
	// stored definition, which holds the expression.
	Formula *Formula `json:"-"`
}

// System are the system fields, in order of their numbers. Do not write to it.
var System = []Field{
	{Number: FieldID, Name: "id", Type: Identity},
	{Number: FieldOwner, Name: "owner", Type: User},
	{Number: FieldVersion, Name: "version", Type: Integer},
	{Number: FieldAddedBy, Name: "addedBy", Type: User},
	{Number: FieldAddedTime, Name: "addedTime", Type: DateTime},
	{Number: FieldModifiedBy, Name: "modifiedBy", Type: User},
	{Number: FieldModifiedTime, Name: "modifiedTime", Type: DateTime},
}

// SystemField returns the system field of that name.
func SystemField(name string) (Field, bool) {
	for _, f := range System {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// FieldSet is a set of field numbers, system fields included. The zero set is
// empty: whoever forgets to fill it shows nothing. Values are shared; With and
// Without return new sets.
type FieldSet struct{ words []uint64 }

// FieldSetOf returns the set of the given numbers.
func FieldSetOf(numbers ...uint32) FieldSet {
	var s FieldSet
	for _, n := range numbers {
		s.add(n)
	}
	return s
}

func (s *FieldSet) add(n uint32) {
	for int(n/64) >= len(s.words) {
		s.words = append(s.words, 0)
	}
	s.words[n/64] |= 1 << (n % 64)
}

// Has reports membership.
func (s FieldSet) Has(n uint32) bool {
	w := int(n / 64)
	return w < len(s.words) && s.words[w]&(1<<(n%64)) != 0
}

// Empty reports whether no number is in the set.
func (s FieldSet) Empty() bool {
	for _, w := range s.words {
		if w != 0 {
			return false
		}
	}
	return true
}

// Union returns the numbers that are in s or in o.
func (s FieldSet) Union(o FieldSet) FieldSet {
	if o.Empty() {
		return s
	}
	if s.Empty() {
		return o
	}
	r := FieldSet{words: make([]uint64, max(len(s.words), len(o.words)))}
	copy(r.words, s.words)
	for i, w := range o.words {
		r.words[i] |= w
	}
	return r
}

// Minus returns the numbers of s that are not in o.
func (s FieldSet) Minus(o FieldSet) FieldSet {
	r := FieldSet{words: append([]uint64(nil), s.words...)}
	for i := range r.words {
		if i < len(o.words) {
			r.words[i] &^= o.words[i]
		}
	}
	return r
}

// With returns s and the given numbers.
func (s FieldSet) With(numbers ...uint32) FieldSet { return s.Union(FieldSetOf(numbers...)) }

// Equal reports whether both sets hold the same numbers.
func (s FieldSet) Equal(o FieldSet) bool { return s.Minus(o).Empty() && o.Minus(s).Empty() }

// Numbers returns the members in ascending order.
func (s FieldSet) Numbers() []uint32 {
	var out []uint32
	for i, w := range s.words {
		for w != 0 {
			out = append(out, uint32(i*64+bits.TrailingZeros64(w)))
			w &= w - 1
		}
	}
	return out
}
