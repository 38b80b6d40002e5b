package command

import (
	"fmt"
	"io"
	"os"
	"time"

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

// patience is how long a request goes on before a terminal is told of it.
const patience = 2 * time.Second

// What requests are at that may take long.
const (
	doingUpload = "the server takes, checks and compiles the module"
	doingTests  = "the server holds the change to the permission tests"
)

// waiting tells a terminal that a request goes on, once it has taken a while; the
// function that it returns takes that away again. A log is told nothing.
func (r *remote) waiting() (end func()) {
	if !isTerminal(r.env.Stderr) {
		return func() { r.doing = "" }
	}
	stop, gone := make(chan struct{}), make(chan struct{})
	begun, ticks := time.Now(), time.NewTicker(time.Second)
	go func() {
		defer close(gone)
		showWaiting(unguarded(r.env.Stderr), firstOf(r.doing, "the server is at work"), begun, ticks.C, stop)
	}()
	return func() {
		ticks.Stop()
		close(stop)
		<-gone
		r.doing = ""
	}
}

// showWaiting writes one line over at each tick, until it is stopped.
func showWaiting(w io.Writer, doing string, begun time.Time, ticks <-chan time.Time, stop <-chan struct{}) {
	shown := false
	for {
		select {
		case now := <-ticks:
			if took := now.Sub(begun); took >= patience {
				fmt.Fprintf(w, "\r%s: %d s", doing, int(took/time.Second))
				shown = true
			}
		case <-stop:
			if shown {
				fmt.Fprint(w, "\r\x1b[K")
			}
			return
		}
	}
}
