package command

import (
	"bytes"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// guard writes what steers a terminal as \uXXXX: names and texts come from other
// people and from servers, and must not move the cursor, recolor or reorder lines.
type guard struct{ w io.Writer }

func (g guard) Write(b []byte) (int, error) {
	if !bytes.ContainsFunc(b, steers) {
		return g.w.Write(b)
	}
	var out []byte
	for rest := b; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if steers(r) && !bytes.HasPrefix(rest, []byte("\r\n")) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = append(out, rest[:size]...)
		}
		rest = rest[size:]
	}
	if _, err := g.w.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

func steers(r rune) bool {
	return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp))
}

// unguarded is for what this program itself moves on a terminal, and for files.
func unguarded(w io.Writer) io.Writer {
	if g, ok := w.(guard); ok {
		return g.w
	}
	return w
}
