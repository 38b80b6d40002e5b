package httpd

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sluice/internal/identity"
	"sluice/rules"
)

// TestFaultsAreLoggedTogether: one line at once, one a minute later with their
// number, and each tenant, rule and kind for itself.
func TestFaultsAreLoggedTogether(t *testing.T) {
	var out bytes.Buffer
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := newFaultLog(slog.New(slog.NewTextHandler(&out, nil)), func() time.Time { return now })
	report := func(times int, tenant byte, rule string, kind rules.FaultKind) int {
		out.Reset()
		for range times {
			l.report(identity.Tenant{tenant}, "sales", rule, kind)
		}
		return strings.Count(out.String(), "rule fault")
	}
	if n := report(1000, 1, "a", rules.FaultMissing); n != 1 || !strings.Contains(out.String(), "count=1") {
		t.Errorf("%d lines: %s", n, out.String())
	}
	for name, n := range map[string]int{
		"tenant": report(1, 2, "a", rules.FaultMissing), "rule": report(1, 1, "b", rules.FaultMissing), "kind": report(1, 1, "a", rules.FaultMissing+1),
	} {
		if n != 1 {
			t.Errorf("another %s: %d lines", name, n)
		}
	}
	now = now.Add(faultPause)
	if n := report(2, 1, "a", rules.FaultMissing); n != 1 || !strings.Contains(out.String(), "count=1000") {
		t.Errorf("%d lines: %s", n, out.String())
	}
	for i := range maxFaults + 5 {
		l.count(faultKey{application: strings.Repeat("x", i)})
	}
	if len(l.counts) > maxFaults {
		t.Errorf("%d are counted", len(l.counts))
	}
}
