package httpd

import (
	"bufio"
	"cmp"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// traffic counts requests by the pattern of their route and the class of their
// status, of which there are few whatever clients send.
type traffic struct {
	now func() time.Time

	mu     sync.Mutex
	routes map[traveled]*passage
	within int // requests that run
	failed int64
	panics int64
}

type traveled struct{ route, status string }

type passage struct {
	requests int64
	took     time.Duration
}

func newTraffic(now func() time.Time) *traffic {
	return &traffic{now: now, routes: map[traveled]*passage{}}
}

// counted is a handler whose requests are counted. It hands on the request itself,
// into which a mux writes the pattern.
func (t *traffic) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := t.now()
		t.enter(1)
		answer := &statusWriter{ResponseWriter: w}
		class := "aborted" // by a panic, which ends the connection
		defer func() {
			t.enter(-1)
			t.count(traveled{routeOf(r), class}, t.now().Sub(began))
		}()
		h.ServeHTTP(answer, r)
		class = answer.class()
	})
}

func (t *traffic) enter(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.within += n
}

func (t *traffic) count(k traveled, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.routes[k]
	if p == nil {
		p = &passage{}
		t.routes[k] = p
	}
	p.requests++
	p.took += max(took, 0)
}

// failure counts an operation that failed in the server, or a panic.
func (t *traffic) failure(n *int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*n++
}

// routeOf is the pattern that a request was served by, without a method.
func routeOf(r *http.Request) string {
	if _, path, ok := strings.Cut(r.Pattern, " "); ok {
		return path
	}
	return cmp.Or(r.Pattern, "none")
}

// write tells what was counted.
func (t *traffic) write(x *exposition) {
	t.mu.Lock()
	defer t.mu.Unlock()
	keys := slices.SortedFunc(maps.Keys(t.routes), func(a, b traveled) int {
		return cmp.Or(strings.Compare(a.route, b.route), strings.Compare(a.status, b.status))
	})
	x.begin("sluice_http_request_seconds", summary, "Requests and how long they took, by route and class of status. Subscriptions count when they end.")
	for _, k := range keys {
		p := t.routes[k]
		x.summary(p.requests, p.took, label{"route", k.route}, label{"status", k.status})
	}
	x.begin("sluice_http_requests_running", gauge, "Requests under way, subscriptions too.")
	x.sample(float64(t.within))
	x.begin("sluice_operations_failed_total", counter, "Operations that failed in the server, as it logged them.")
	x.sample(float64(t.failed))
	x.begin("sluice_panics_total", counter, "Panics that were caught.")
	x.sample(float64(t.panics))
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap, Flush and Hijack are for http.ResponseController and for who asserts them.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

func (w *statusWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.status == 0 {
		w.status = http.StatusSwitchingProtocols
	}
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// class is the class of the status, as 2xx.
func (w *statusWriter) class() string {
	return string('0'+byte(cmp.Or(w.status, http.StatusOK)/100)) + "xx"
}
