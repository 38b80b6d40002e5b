package command

import (
	"strings"
	"testing"

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
