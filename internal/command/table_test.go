package command

import (
	"bytes"
	"testing"
)

func TestTableAligns(t *testing.T) {
	var b bytes.Buffer
	table := newTable(&b, "NAME", "MAY")
	for _, name := range []string{"Ravi", "\u5c71\u7530 \u592a\u90ce", "Zoe\u0301", "two\nlines\tof it", ""} {
		table.row(name, "view")
	}
	if err := table.flush(); err != nil {
		t.Fatal(err)
	}
	want := "NAME               MAY\nRavi               view\n\u5c71\u7530 \u592a\u90ce          view\nZoe\u0301                view\n" +
		`two\nlines\tof it  view` + "\n                   view\n"
	if b.String() != want {
		t.Errorf("got\n%q, want\n%q", b.String(), want)
	}
}

// TestNamesSteerNoTerminal: what a name or a server's text holds is shown, not done.
func TestNamesSteerNoTerminal(t *testing.T) {
	for in, want := range map[string]string{
		"plain \u5c71 \tx\r\n": "plain \u5c71 \tx\r\n",
		"\x1b[31mred":          `\u001b[31mred`,
		"a\rb":                 `a\u000db`,
		"\u009b2J\u007f":       `\u009b2J\u007f`,
		"\u202eevil":           `\u202eevil`,
	} {
		var b bytes.Buffer
		if n, err := (guard{&b}).Write([]byte(in)); n != len(in) || err != nil || b.String() != want {
			t.Errorf("%q: %q, %d, %v", in, b.String(), n, err)
		}
	}
	term := newTerminal(t)
	term.fails(2, `"\x1b[2J"`, "\x1b[2J")
}
