package graph

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"sluice/internal/fault"
)

func TestExplain(t *testing.T) {
	secret := errors.New("key /data/acme/42 is damaged")
	for _, c := range []struct {
		err           error
		code, message string
	}{
		{secret, CodeInternal, "internal error"},
		{fmt.Errorf("list: %w", secret), CodeInternal, "internal error"},
		{fault.New(fault.Internal, "op", "the secret"), CodeInternal, "internal error"},
		{fault.New(fault.Unauthenticated, "op", "sign in"), CodeUnauthenticated, "sign in"},
		{fault.New(fault.Forbidden, "op", "no"), CodeForbidden, "no"},
		{fault.New(fault.NotFound, "op", "no order"), CodeNotFound, "no order"},
		{fault.Wrap(fault.Invalid, "op", secret, "first: 1 to 1000"), CodeBadUserInput, "first: 1 to 1000"},
		{fmt.Errorf("x: %w", fault.New(fault.Conflict, "op", "taken")), CodeConflict, "taken"},
		{fault.New(fault.Limit, "op", "too much"), CodeLimitExceeded, "too much"},
		{fault.New(fault.Unavailable, "op", "later"), CodeUnavailable, "later"},
		{fault.New(fault.Kind(99), "op", "x"), CodeInternal, "internal error"},
		{fmt.Errorf("x: %w", context.DeadlineExceeded), CodeLimitExceeded, "the operation took too long"},
		{context.Canceled, CodeUnavailable, "the operation was cancelled"},
	} {
		code, message := Explain(c.err)
		if code != c.code || message != c.message {
			t.Errorf("%v: %s %q, want %s %q", c.err, code, message, c.code, c.message)
		}
	}
}

func TestPresentKeepsThePlaceAndDropsTheText(t *testing.T) {
	place := gqlerror.Error{Path: ast.Path{ast.PathName("a")}, Locations: []gqlerror.Location{{Line: 1, Column: 2}}}
	for name, c := range map[string]struct {
		err           error
		code, message string
	}{
		"wrapped":      {gqlerror.WrapPath(place.Path, errors.New("disk at /data")), CodeInternal, "internal error"},
		"unknown code": {&gqlerror.Error{Message: "m", Path: place.Path, Extensions: map[string]any{"code": "X"}}, CodeInternal, "internal error"},
		"no code":      {&gqlerror.Error{Message: "m", Path: place.Path}, CodeInternal, "internal error"},
		"ours":         {&gqlerror.Error{Message: "m", Path: place.Path, Extensions: map[string]any{"code": CodeConflict}}, CodeConflict, "m"},
		"fault inside": {gqlerror.WrapPath(place.Path, fault.New(fault.Invalid, "op", "m")), CodeBadUserInput, "m"},
	} {
		got := Present(c.err)
		if got.Message != c.message || got.Extensions["code"] != c.code || got.Path.String() != "a" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestInvalidIsBounded(t *testing.T) {
	var list gqlerror.List
	for i := range 50 {
		list = append(list, gqlerror.Errorf("fault %d", i))
	}
	got := Invalid(list)
	if len(got) != MaxErrors || got[MaxErrors-1].Extensions["code"] != CodeLimitExceeded || got[0].Extensions["code"] != CodeBadUserInput {
		t.Fatalf("%d errors, %v", len(got), got)
	}
}
