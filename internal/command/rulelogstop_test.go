package command

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"sluice/internal/httpd"
)

// stopped serves the terminal's store with another service, which logs to the buffer,
// lets Bob ask, and stops it.
func (term *terminal) stopped(bob, query string) (logged string) {
	term.t.Helper()
	var to bytes.Buffer
	o := term.options
	o.Log = slog.New(slog.NewTextHandler(&to, nil))
	s, err := httpd.New(o)
	if err != nil {
		term.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		term.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(term.t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- httpd.Serve(ctx, l, s) }()
	was := term.env[envServer]
	term.env[envServer] = "http://" + l.Addr().String()
	if got := term.asks(bob, query); !strings.Contains(got, `"data"`) {
		term.t.Errorf("Bob is told %s", got)
	}
	term.env[envServer] = was
	stop()
	if err := <-done; err != nil {
		term.t.Error(err)
	}
	return to.String()
}

// again is the log of a rule as a server that begins anew reads it.
func (term *terminal) again(rule string) string {
	term.t.Helper()
	s, err := httpd.New(term.options)
	if err != nil {
		term.t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	defer srv.Close()
	return term.must("rule", "log", "-app", "sales", "-rule", rule, "-server", srv.URL)
}

// lostIn adds up the entries that a log says are lost: a server that is slow to stop may
// have tried to store some of them before.
func lostIn(logged string) (n int) {
	for _, m := range regexp.MustCompile(`(\d+) entries are lost`).FindAllStringSubmatch(logged, -1) {
		some, _ := strconv.Atoi(m[1])
		n += some
	}
	return n
}

// TestRuleLogIsStoredAtTheEnd: what waits in memory when the server stops is stored;
// where the disk takes nothing, the server's log says how much was lost.
func TestRuleLogIsStoredAtTheEnd(t *testing.T) {
	term, bob := newRuled(t)
	const query = "{orders{nodes{number}}}"
	term.asks(bob, query)
	if got := term.again(sharing); strings.Contains(got, "view") {
		t.Fatalf("an entry is stored before anything stores it:\n%s", got)
	}
	term.full.Store(true)
	logged := term.stopped(bob, query)
	if term.full.Store(false); !strings.Contains(logged, "rule log not stored") || lostIn(logged) != 3 {
		t.Errorf("the server's log says %q", logged)
	}
	if logged := term.stopped(bob, query); logged != "" {
		t.Errorf("the server's log says %q", logged)
	}
	if got := term.again(sharing); strings.Count(got, "  none  ") != 2 || strings.Count(got, "  view  ") != 1 {
		t.Errorf("a server that begins anew reads\n%s", got)
	}
}
