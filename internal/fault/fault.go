// Package fault gives an error the kind a caller branches on, the operation
// that failed and a message that is safe to show.
//
// What belongs here: [Kind], [Error] and nothing that knows a protocol. The
// translation of kinds into GraphQL codes lives in graph/errors.go and nowhere
// else.
package fault

import (
	"errors"
	"fmt"
)

// Kind is what a caller may branch on. The zero Kind is Internal: an error that
// nobody classified is our bug and its text is never shown.
type Kind uint8

// The kinds, one for each code of the API.
const (
	Internal Kind = iota
	Unauthenticated
	Forbidden
	NotFound
	Invalid
	Conflict
	Limit
	Unavailable
	Reset // of a subscription: what it went by has changed, begin anew
)

var kindNames = [...]string{"internal", "unauthenticated", "forbidden", "not found", "invalid", "conflict", "limit", "unavailable", "reset"}

// String returns the kind in words.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "internal"
}

// Error is a classified failure. Msg is written for the person who made the
// request: it names the argument and what was expected, and never holds stored
// data, keys or paths of the machine. Err is for the log.
type Error struct {
	Kind Kind
	Op   string
	Msg  string
	Err  error
	// Arg is the way to the argument that the error is about, such as
	// input.lines[1].quantity; "" where there is not just one.
	Arg string
}

// New returns an error of the given kind whose message is shown to the caller.
func New(kind Kind, op, format string, args ...any) *Error {
	return &Error{Kind: kind, Op: op, Msg: fmt.Sprintf(format, args...)}
}

// About is New for an error about the argument at a path such as input.amount,
// which leads the message.
func About(kind Kind, op, arg, format string, args ...any) *Error {
	return &Error{Kind: kind, Op: op, Msg: arg + ": " + fmt.Sprintf(format, args...), Arg: arg}
}

// Wrap is New with a cause that is logged and not shown.
func Wrap(kind Kind, op string, err error, format string, args ...any) *Error {
	return &Error{Kind: kind, Op: op, Msg: fmt.Sprintf(format, args...), Err: err}
}

// Error returns operation, message and cause, for logs. Without operation and
// cause it is the message alone.
func (e *Error) Error() string {
	s := e.Msg
	if e.Op != "" {
		s = e.Op + ": " + s
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the outermost [Error] in err's chain, Internal
// when there is none. KindOf(nil) is Internal too: ask only about an error.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Message returns what may be shown: the message of the outermost [Error], or
// "internal error" when the error was not classified.
func Message(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Kind != Internal {
		return e.Msg
	}
	return "internal error"
}
