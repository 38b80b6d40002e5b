package graph

import (
	"context"
	"errors"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"sluice/internal/fault"
)

// The codes that a client finds in extensions.code. There are no others.
const (
	CodeUnauthenticated = "UNAUTHENTICATED"
	CodeForbidden       = "FORBIDDEN"
	CodeNotFound        = "NOT_FOUND"
	CodeBadUserInput    = "BAD_USER_INPUT"
	CodeConflict        = "CONFLICT"
	CodeLimitExceeded   = "LIMIT_EXCEEDED"
	CodeUnavailable     = "UNAVAILABLE"
	CodeInternal        = "INTERNAL"
	CodeReset           = "RESET" // of subscriptions alone
)

// MaxErrors is how many errors one answer holds at most. The last one of a list
// that was cut says so.
const MaxErrors = 20

// codes is the one table of fault kinds and GraphQL codes.
var codes = map[fault.Kind]string{
	fault.Internal:        CodeInternal,
	fault.Unauthenticated: CodeUnauthenticated,
	fault.Forbidden:       CodeForbidden,
	fault.NotFound:        CodeNotFound,
	fault.Invalid:         CodeBadUserInput,
	fault.Conflict:        CodeConflict,
	fault.Limit:           CodeLimitExceeded,
	fault.Unavailable:     CodeUnavailable,
	fault.Reset:           CodeReset,
}

// Code returns the code of a kind; a kind that is not in the table is INTERNAL.
func Code(k fault.Kind) string {
	if c, ok := codes[k]; ok {
		return c
	}
	return CodeInternal
}

// Explain returns the code and the message that a client may see of err. An
// error that nobody classified is "internal error" and nothing else; a deadline
// that passed is LIMIT_EXCEEDED.
func Explain(err error) (code, message string) {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		if code = Code(fault.KindOf(err)); code != CodeInternal {
			return code, fault.Message(err)
		}
		return code, "internal error"
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return CodeLimitExceeded, "the operation took too long"
	case errors.Is(err, context.Canceled):
		return CodeUnavailable, "the operation was cancelled"
	}
	return CodeInternal, "internal error"
}

// Argument returns the way to the argument that err is about, such as
// input.amount, which clients find in extensions.argument; "" for none.
func Argument(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Kind != fault.Internal {
		return e.Arg
	}
	return ""
}

// Present returns err as a GraphQL error that is safe to send. Path and
// locations of a [gqlerror.Error] are kept; its text is kept only where it has a
// code already, which says that we wrote it. Everything else goes through
// [Explain]. Errors of the parser and of validation go through [Invalid].
func Present(err error) *gqlerror.Error {
	var out gqlerror.Error
	if ge, ok := errors.AsType[*gqlerror.Error](err); ok {
		out.Path, out.Locations = ge.Path, ge.Locations
		if c, ok := ge.Extensions["code"].(string); ok && known(c) && ge.Err == nil {
			out.Message, out.Extensions = ge.Message, map[string]any{"code": c}
			return &out
		}
		if ge.Err != nil {
			err = ge.Err
		}
	}
	code, message := Explain(err)
	out.Message, out.Extensions = message, map[string]any{"code": code}
	return &out
}

// Invalid returns what the parser, the guard or validation found as errors to
// send: BAD_USER_INPUT where there is no code yet, at most [MaxErrors].
func Invalid(list gqlerror.List) gqlerror.List {
	list = Cut(list)
	out := make(gqlerror.List, len(list))
	for i, e := range list {
		code, _ := e.Extensions["code"].(string)
		if !known(code) {
			code = CodeBadUserInput
		}
		out[i] = &gqlerror.Error{Message: e.Message, Path: e.Path, Locations: e.Locations, Extensions: map[string]any{"code": code}}
	}
	return out
}

// Cut bounds a list to [MaxErrors]; the last error of a list that was cut tells
// that there were more.
func Cut(list gqlerror.List) gqlerror.List {
	if len(list) <= MaxErrors {
		return list
	}
	out := append(gqlerror.List(nil), list[:MaxErrors-1]...)
	return append(out, Coded(CodeLimitExceeded, "there are more errors; only the first %d are shown", MaxErrors-1))
}

// Coded returns an error with one of the codes of this file.
func Coded(code, format string, args ...any) *gqlerror.Error {
	e := gqlerror.Errorf(format, args...)
	e.Extensions = map[string]any{"code": code}
	return e
}

func known(code string) bool {
	for _, c := range codes {
		if c == code {
			return true
		}
	}
	return false
}
