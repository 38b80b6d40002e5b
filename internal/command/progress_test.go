package command

import (
	"strings"
	"testing"
	"time"

	"sluice/internal/importer"
)

// TestProgressOfALog: whole lines, few of them, and the last state of a pass
// whose end is known; a terminal has one line that is written over.
func TestProgressOfALog(t *testing.T) {
	follow := func(p *progress) {
		for rows := 100; rows <= 1000; rows += 100 {
			p.show(importer.Progress{Pass: 1, Rows: rows})
		}
		for rows := 5; rows <= 1000; rows += 5 {
			p.show(importer.Progress{Pass: 2, Rows: rows, Of: 1000})
		}
		p.end()
	}
	var log, screen strings.Builder
	follow(newProgress(&log))
	lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
	if strings.Contains(log.String(), "\r") || len(lines) > 16 || lines[0] != "checked 100 rows" || lines[len(lines)-1] != "stored 1000 of 1000 rows" {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
	follow(&progress{w: &screen, terminal: true})
	if got := screen.String(); strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "\rstored 1000 of 1000 rows\n") {
		t.Errorf("a terminal shows %q", got)
	}
}

// TestWaitingShows: a request that takes long is told of on one line, which is gone at
// the end; one that does not, and what is no terminal, shows nothing.
func TestWaitingShows(t *testing.T) {
	for seconds, want := range map[int]string{0: "", 1: "", 2: "\rcompiling: 2 s\r\x1b[K", 3: "\rcompiling: 2 s\rcompiling: 3 s\r\x1b[K"} {
		var screen strings.Builder
		begun, ticks, stop, gone := time.Now(), make(chan time.Time), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(gone)
			showWaiting(&screen, "compiling", begun, ticks, stop)
		}()
		for s := 1; s <= seconds; s++ {
			ticks <- begun.Add(time.Duration(s) * time.Second)
		}
		close(stop)
		<-gone
		if got := screen.String(); got != want {
			t.Errorf("after %d seconds: %q, want %q", seconds, got, want)
		}
	}
	var log strings.Builder
	end := (&remote{env: &Env{Stderr: &log}}).waiting()
	end()
	if log.Len() > 0 {
		t.Errorf("a log is told %q", log.String())
	}
}
