package command

import (
	"fmt"
	"io"
	"os"

	"sluice/internal/importer"
)

// progress shows how far an import came. On a terminal one line is written over;
// elsewhere, such as in a log, there are whole lines, for each tenth of a pass,
// or for each doubling where the end is not known.
type progress struct {
	w        io.Writer
	terminal bool
	open     bool // a line without end is shown
	last     importer.Progress
}

func newProgress(w io.Writer) *progress { return &progress{w: unguarded(w), terminal: isTerminal(w)} }

func isTerminal(w io.Writer) bool {
	f, ok := unguarded(w).(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (p *progress) show(now importer.Progress) {
	if p.terminal {
		fmt.Fprintf(p.w, "\r%s", progressText(now))
		p.open = true
		return
	}
	if p.due(now) {
		fmt.Fprintln(p.w, progressText(now))
		p.last = now
	}
}

func (p *progress) due(now importer.Progress) bool {
	switch {
	case now.Pass != p.last.Pass, now.Of > 0 && now.Rows >= now.Of:
		return true
	case now.Of > 0:
		return now.Rows*10/now.Of > p.last.Rows*10/now.Of
	}
	return now.Rows >= 2*p.last.Rows
}

// end leaves the cursor at the beginning of a line.
func (p *progress) end() {
	if p.open {
		fmt.Fprintln(p.w)
	}
	p.open = false
}

func progressText(p importer.Progress) string {
	switch p.Pass {
	case 1:
		return fmt.Sprintf("checked %d rows", p.Rows)
	case 2:
		return fmt.Sprintf("stored %d of %d rows", p.Rows, p.Of)
	default:
		return fmt.Sprintf("deleted %d of %d records", p.Rows, p.Of)
	}
}
