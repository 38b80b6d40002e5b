package filter

import (
	"slices"
	"strconv"

	"sluice/internal/record"
	"sluice/internal/words"
)

// viewerName stands for the viewer's user id where Options allow it.
const viewerName = "VIEWER"

// operands reads the argument of one operator.
func (p *parser) operands(f record.Field, op Op, src any) []Operand {
	switch op.shape() {
	case flag:
		b, ok := src.(bool)
		if !ok {
			p.fail("expected true or false, got %s", describe(src))
		}
		return []Operand{{Value: record.Bool(b)}}
	case pair:
		l, _ := src.([]any)
		if len(l) != 2 {
			p.fail("expected a list of two values, the lowest and the highest")
			return nil
		}
		return p.items(f, op, l)
	case many:
		l, ok := src.([]any)
		if !ok || len(l) > MaxItems {
			p.fail("expected a list of at most %d values", MaxItems)
			return nil
		}
		return p.items(f, op, l)
	}
	return []Operand{p.operand(f, op, src)}
}

func (p *parser) items(f record.Field, op Op, l []any) []Operand {
	args := make([]Operand, 0, len(l))
	for i, x := range l {
		p.at(strconv.Itoa(i), func() { args = append(args, p.operand(f, op, x)) })
	}
	return args
}

func (p *parser) operand(f record.Field, op Op, src any) Operand {
	if src == nil {
		p.fail("null cannot be compared with; use isNull")
		return Operand{}
	}
	if src == viewerName && p.viewer && ofUsers(f.Type) {
		return Operand{Viewer: true}
	}
	if _, isBool := src.(bool); f.Type == record.Boolean && !isBool {
		p.fail("expected true or false, got %s", describe(src))
		return Operand{}
	}
	as := operandField(f, op)
	v, err := record.ParseValue(&as, src)
	if err == nil && op == Matches {
		_, err = words.Parse(string(v.Text()))
	}
	if err != nil {
		p.fail("%v", err)
	}
	return Operand{Value: v}
}

func ofUsers(t record.Type) bool { return t == record.User || t == record.Users }

// operandField is what a constant for the field is read as: parts of e-mail
// addresses, phone numbers, URLs and long texts are texts, and a list is asked
// about by its items. A whole phone number is read like the cell, so that it is
// found however it is spaced.
func operandField(f record.Field, op Op) record.Field {
	switch f.Type {
	case record.Phone:
		if slices.Contains(namedOps, op) {
			return f
		}
		f.Type = record.Text
	case record.Email, record.URL, record.LongText:
		f.Type = record.Text
	case record.MultiChoice:
		f.Type = record.Choice
	case record.Users:
		f.Type = record.User
	case record.MultiLookup:
		f.Type = record.Identity
	}
	return f
}
