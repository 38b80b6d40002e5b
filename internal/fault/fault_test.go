package fault

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestKindAndMessage(t *testing.T) {
	secret := errors.New("key 0x17 of /var/lib is damaged")
	for _, c := range []struct {
		err     error
		kind    Kind
		message string
		text    string
	}{
		{New(NotFound, "engine.Get", "no %s", "order"), NotFound, "no order", "engine.Get: no order"},
		{Wrap(Invalid, "engine.Get", secret, "bad id"), Invalid, "bad id", "engine.Get: bad id: key 0x17 of /var/lib is damaged"},
		{fmt.Errorf("again: %w", New(Conflict, "store.Commit", "try again")), Conflict, "try again", "again: store.Commit: try again"},
		{&Error{Kind: Invalid, Msg: "expected a date"}, Invalid, "expected a date", "expected a date"},
		{&Error{Kind: Invalid, Msg: "expected a date", Err: io.EOF}, Invalid, "expected a date", "expected a date: EOF"},
		{secret, Internal, "internal error", secret.Error()},
		{New(Internal, "store.Open", "page 7"), Internal, "internal error", "store.Open: page 7"},
		{&Error{}, Internal, "internal error", ""},
		{Wrap(Unavailable, "a", New(NotFound, "b", "inner"), "outer"), Unavailable, "outer", "a: outer: b: inner"},
		{errors.Join(secret, New(Limit, "a", "too much")), Limit, "too much", "key 0x17 of /var/lib is damaged\na: too much"},
		{nil, Internal, "internal error", ""},
	} {
		if KindOf(c.err) != c.kind || Message(c.err) != c.message {
			t.Errorf("%v: kind %v, message %q", c.err, KindOf(c.err), Message(c.err))
		}
		if c.err != nil && c.err.Error() != c.text {
			t.Errorf("got text %q, want %q", c.err, c.text)
		}
	}
}

func TestWrapKeepsTheCause(t *testing.T) {
	if err := Wrap(Unavailable, "read", io.EOF, "try later"); !errors.Is(err, io.EOF) {
		t.Error("the cause is lost")
	}
}

func TestKindNames(t *testing.T) {
	seen := map[string]bool{}
	for k := Internal; k <= Reset; k++ {
		if seen[k.String()] {
			t.Errorf("two kinds are named %s", k)
		}
		seen[k.String()] = true
	}
	if len(kindNames) != int(Reset)+1 || Kind(200).String() != "internal" {
		t.Error("the names do not fit the kinds")
	}
}
