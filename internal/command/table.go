package command

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// table prints cells in columns, as wide on a terminal as their texts are.
type table struct {
	w    io.Writer
	rows [][]string
}

func newTable(w io.Writer, heads ...any) *table {
	t := &table{w: w}
	t.row(heads...)
	return t
}

// row adds a line; a break of lines within a cell would forge another one.
func (t *table) row(cells ...any) {
	texts := make([]string, len(cells))
	for i, c := range cells {
		texts[i] = strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(fmt.Sprint(c))
	}
	t.rows = append(t.rows, texts)
}

// flush prints what was added.
func (t *table) flush() error {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(cell))
		}
	}
	var b strings.Builder
	for _, row := range t.rows {
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-width(cell)+2))
			}
		}
		b.WriteByte('\n')
	}
	t.rows = nil
	_, err := io.WriteString(t.w, b.String())
	return err
}

// width is the number of cells of a terminal that a text takes.
func width(s string) (n int) {
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul),
			'\u3000' <= r && r <= '\u303e', '\uff01' <= r && r <= '\uff60', '\uffe0' <= r && r <= '\uffe6', '\U0001f300' <= r && r <= '\U0001faff':
			n += 2
		default:
			n++
		}
	}
	return n
}
