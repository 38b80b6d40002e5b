package app

import (
	"sluice/internal/fault"
	"sluice/internal/words"
)

// searchOf reads the argument search. Text without a word is a fault, as a filter
// that is dropped would show more than was asked for.
func (x *exec) searchOf(f *field) (string, error) {
	v, err := x.argument(f, "search")
	s, given := v.(string)
	if err != nil || !given {
		return "", err
	}
	if _, err := words.Parse(s); err != nil {
		return "", fault.New(fault.Invalid, "resolvers/app", "argument search: %v", err)
	}
	return s, nil
}
