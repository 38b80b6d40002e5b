package engine

import (
	"context"
	"errors"
	"time"

	"sluice/storage"
)

// shadowWait bounds how long who reads a report waits for the questions before.
var shadowWait = 5 * time.Second // tests, which want what the questions found, wait longer

// settleShadow waits until what was asked before is answered, for the length of ctx.
func (e *Engine) settleShadow(ctx context.Context, key runKey) *shadowRun {
	e.shadows.mu.Lock()
	run := e.shadows.runs[key]
	var last chan struct{}
	if run != nil {
		last = run.last
	}
	e.shadows.mu.Unlock()
	if last != nil {
		select {
		case <-last:
		case <-ctx.Done():
		}
	}
	return run
}

// FlushShadows stores what shadows found a minute ago and longer, and forgets of those
// that nobody asks any more what is stored. The server calls it every second or so. The
// error is for the server's log.
func (e *Engine) FlushShadows(ctx context.Context) error {
	now := e.o.Now()
	err := e.saveShadows(ctx, func(r *shadowRun) bool { return now.Sub(r.saved) >= shadowKept })
	h := &e.shadows
	h.mu.Lock()
	defer h.mu.Unlock()
	for key, run := range h.runs {
		if run.open == 0 && run.minute < now.Unix()/60 && run.clean() {
			delete(h.runs, key)
		}
	}
	return err
}

// clean reports whether there is nothing to store. Nobody else holds a run without
// open questions for long.
func (r *shadowRun) clean() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.dirty
}

// StopShadows ends what runs beside deciding modules in this process and stores what
// was found; it returns when that is done, or with ctx. Nothing begins after it.
func (e *Engine) StopShadows(ctx context.Context) {
	h := &e.shadows
	h.mu.Lock()
	h.stopped = true
	for _, job := range h.jobs {
		job.run.open--
		close(job.done)
	}
	h.jobs = nil
	h.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		h.all.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		_ = e.saveShadows(ctx, func(*shadowRun) bool { return true }) // findings are statistics
	case <-ctx.Done():
	}
}

// saveShadows stores what was found of those that are due.
func (e *Engine) saveShadows(ctx context.Context, due func(*shadowRun) bool) error {
	h := &e.shadows
	h.mu.Lock()
	runs := make(map[runKey]*shadowRun, len(h.runs))
	for key, run := range h.runs {
		runs[key] = run
	}
	h.mu.Unlock()
	var failed error
	for key, run := range runs {
		run.mu.Lock()
		if run.dirty && due(run) {
			failed = errors.Join(failed, e.saveShadow(ctx, key, run))
		}
		run.mu.Unlock()
	}
	return failed
}

// saveShadow stores what was found, unless the shadow was replaced or forgotten
// meanwhile. The caller holds the run's mu.
func (e *Engine) saveShadow(ctx context.Context, key runKey, run *shadowRun) error {
	b, err := run.log.encode()
	if err != nil {
		return err
	}
	now := e.o.Now()
	err = e.o.Store.Tenant(key.tenant).Update(ctx, storage.Meta{Operation: "shadowRule", Time: now}, func(txn *storage.Txn) error {
		d, ok, err := readShadow(txn, run.log.application, run.log.rule)
		if err != nil || !ok || d.ID != key.id {
			return err
		}
		return txn.PutSecret(spaceShadow, shadowLogKey(run.log.application, run.log.rule), b)
	})
	run.saved = now // also where it failed: once a minute is often enough
	run.dirty = err != nil
	return err
}
