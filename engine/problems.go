package engine

import "sluice/internal/fault"

// maxProblems is how many things that are wrong with a request are looked for:
// more than any answer shows.
const maxProblems = 21

// Problems is an error that stands for several of one kind, in the order of the
// request. Kind and message are those of the first; [errors.As] finds each.
type Problems []error

// Error returns the first error's text.
func (p Problems) Error() string { return p[0].Error() }

// Unwrap returns all of them.
func (p Problems) Unwrap() []error { return p }

// Each returns what an error stands for: the members of [Problems], else the
// error alone, and nothing for nil.
func Each(err error) []error {
	if err == nil {
		return nil
	}
	if many, ok := err.(Problems); ok {
		return many
	}
	return []error{err}
}

// problems gathers what is wrong with the parts of one request.
type problems struct{ found []error }

// add keeps an error of kind Invalid and returns nil while there is room for
// more; every other error, and the one that fills it, ends the search.
func (p *problems) add(err error) error {
	for _, e := range Each(err) {
		if fault.KindOf(e) != fault.Invalid {
			return e
		}
		if p.found = append(p.found, e); len(p.found) == maxProblems {
			return p.err()
		}
	}
	return nil
}

// about adds that something is wrong with the argument at a path such as
// input.amount, which leads the message.
func (p *problems) about(arg, format string, args ...any) {
	if len(p.found) < maxProblems {
		p.found = append(p.found, fault.About(fault.Invalid, opWrite, arg, format, args...))
	}
}

// err returns what was found, nil for nothing.
func (p *problems) err() error {
	switch len(p.found) {
	case 0:
		return nil
	case 1:
		return p.found[0]
	}
	return Problems(p.found)
}
