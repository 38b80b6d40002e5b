package httpd

import (
	"log/slog"
	"sync"
	"time"

	"sluice/internal/identity"
	"sluice/rules"
)

// faultPause is how long one fault of one rule is counted and not logged again: a
// rule without a module may be asked about every record of a form.
const faultPause = time.Minute

// maxFaults bounds what is counted apart; a full log begins anew, which costs
// lines and never a first one.
const maxFaults = 4096

type faultKey struct {
	tenant            identity.Tenant
	application, rule string
	kind              rules.FaultKind
}

// faultCount is when a fault was logged last, and how often it came since.
type faultCount struct {
	logged time.Time
	since  int
}

// faultLog logs faults of rules: the first of a kind at once, later ones together,
// with their number, when one comes after a pause. It is safe for concurrent use.
type faultLog struct {
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex
	counts map[faultKey]*faultCount
}

func newFaultLog(log *slog.Logger, now func() time.Time) *faultLog {
	if now == nil {
		now = time.Now
	}
	return &faultLog{log: log, now: now, counts: map[faultKey]*faultCount{}}
}

func (l *faultLog) report(t identity.Tenant, application, rule string, kind rules.FaultKind) {
	if n := l.count(faultKey{t, application, rule, kind}); n > 0 {
		l.log.Warn("rule fault", "tenant", t, "application", application, "rule", rule, "kind", kind, "count", n)
	}
}

// count returns how many faults a line would tell of, 0 for no line now.
func (l *faultLog) count(key faultKey) int {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counts[key]
	if c == nil {
		if len(l.counts) >= maxFaults {
			clear(l.counts)
		}
		c = &faultCount{}
		l.counts[key] = c
	}
	c.since++
	if !c.logged.IsZero() && now.Sub(c.logged) < faultPause {
		return 0
	}
	n := c.since
	*c = faultCount{logged: now}
	return n
}
