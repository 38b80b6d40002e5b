package httpd

import (
	"context"
	"time"
)

// ruleLogPause is how long entries of rule logs wait in memory before they are
// stored together.
const ruleLogPause = time.Second

// Keep does what the service has to do from time to time, until ctx ends: it stores
// the entries of rule logs, and a last time when it ends. Serve calls it.
func (s *Service) Keep(ctx context.Context) {
	tick := time.NewTicker(ruleLogPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.flushRuleLog(context.WithoutCancel(ctx))
			return
		case <-tick.C:
			s.flushRuleLog(context.WithoutCancel(ctx))
		}
	}
}

func (s *Service) flushRuleLog(ctx context.Context) {
	if err := s.Engine.FlushRuleLog(ctx); err != nil {
		s.log.ErrorContext(ctx, "rule log not stored", "error", err)
	}
	if err := s.Engine.FlushShadows(ctx); err != nil {
		s.log.ErrorContext(ctx, "findings of shadows not stored", "error", err)
	}
}
