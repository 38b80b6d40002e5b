package filter

import (
	"slices"

	"sluice/internal/record"
)

var opNames = [...]string{
	InvalidOp: "invalid", Eq: "eq", Ne: "ne", In: "in", NotIn: "notIn", Lt: "lt", Lte: "lte", Gt: "gt", Gte: "gte",
	Between: "between", IsNull: "isNull", Contains: "contains", StartsWith: "startsWith", EndsWith: "endsWith",
	IContains: "iContains", IStartsWith: "iStartsWith", IEndsWith: "iEndsWith", Has: "has", HasAny: "hasAny", HasAll: "hasAll", Matches: "matches",
}

// String returns the name that the language uses, such as "notIn".
func (o Op) String() string {
	if int(o) < len(opNames) {
		return opNames[o]
	}
	return opNames[InvalidOp]
}

// ParseOp is the inverse of String for the valid operators.
func ParseOp(s string) (Op, bool) {
	for o := Eq; o <= Matches; o++ {
		if opNames[o] == s {
			return o, true
		}
	}
	return InvalidOp, false
}

var (
	orderedOps = []Op{Eq, Ne, In, NotIn, Lt, Lte, Gt, Gte, Between, IsNull}
	textOps    = []Op{Eq, Ne, In, NotIn, Lt, Lte, Gt, Gte, Between, IsNull, Contains, StartsWith, EndsWith, IContains, IStartsWith, IEndsWith}
	boolOps    = []Op{Eq, Ne, IsNull}
	namedOps   = []Op{Eq, Ne, In, NotIn, IsNull}
	listOps    = []Op{Has, HasAny, HasAll, IsNull}
	nullOps    = []Op{IsNull}
)

// Operators returns the comparisons that all fields of the type offer, in a fixed
// order; read only. Searchable fields offer matches too. A lookup offers isNull alone, beside the fields of the form
// that it leads to.
func Operators(t record.Type) []Op {
	switch t {
	case record.Text, record.LongText, record.Email, record.Phone, record.URL:
		return textOps
	case record.Integer, record.Decimal, record.Currency, record.Percent, record.Date, record.DateTime, record.Time, record.Duration, record.AutoNumber:
		return orderedOps
	case record.Boolean:
		return boolOps
	case record.Choice, record.User, record.Identity:
		return namedOps
	case record.MultiChoice, record.Users, record.MultiLookup:
		return listOps
	case record.Lookup, record.JSON, record.File, record.Image:
		return nullOps
	}
	return nil
}

// offers reports whether a field can be compared in this way.
func offers(f *record.Field, op Op) bool {
	if op == Matches {
		return f.Searchable && f.Type.Wordy()
	}
	return slices.Contains(Operators(f.Type), op)
}

// shape is the form of an operator's argument.
type shape uint8

const (
	one  shape = iota // one value
	many              // a list
	pair              // a list of two
	flag              // true or false
)

func (o Op) shape() shape {
	switch o {
	case In, NotIn, HasAny, HasAll:
		return many
	case Between:
		return pair
	case IsNull:
		return flag
	}
	return one
}
