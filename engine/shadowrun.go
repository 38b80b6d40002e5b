package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Bounds of what shadows may take, in the whole process but where it is said.
const (
	shadowJobs   = 64               // that wait; what comes then is not sampled
	shadowOwn    = 8                // of them of one organization
	shadowSample = 32               // records of one question that were asked about
	shadowAround = 16               // records of one question that come next in the form
	shadowFuel   = 8_000_000        // for one version's answers to one question
	shadowMinute = 300              // questions of one shadow in a minute
	shadowTime   = 30 * time.Second // for one question: a module that is not compiled yet, a place to run
	maxShadows   = 256              // whose findings are in memory
	shadowKept   = time.Minute      // after which findings are stored; a crash loses what came since
)

// shadowHub asks modules that run beside others, one question at a time, away from
// whoever is answered. The zero value is ready.
type shadowHub struct {
	mu      sync.Mutex
	jobs    []*shadowJob          // guarded by mu; those that wait
	runs    map[runKey]*shadowRun // guarded by mu; by id of the shadow
	working bool                  // guarded by mu; somebody works the jobs off
	stopped bool                  // guarded by mu
	all     sync.WaitGroup        // who works; added to under mu, and not once stopped
	dice    atomic.Uint64
}

// shadowRun is what is known of one shadow in this process. Its log is the worker's,
// and of whoever waited for last.
type shadowRun struct {
	minute int64         // since 1970 UTC; guarded by the hub's mu
	asked  int           // in that minute; guarded by the hub's mu
	open   int           // questions that are not answered; guarded by the hub's mu
	last   chan struct{} // closed when the newest question is answered; guarded by the hub's mu

	mu    sync.Mutex
	log   *shadowLog // guarded by mu; nil before it was read
	dirty bool       // guarded by mu; there is something to store
	saved time.Time  // guarded by mu
	next  record.ID  // guarded by mu; behind it records are taken from the form
}

// shadowJob is a question: records that the deciding module was asked about for a
// viewer, with what came of it. What the deciding module's answers keep out of a list
// before it is asked is not among them, so that the worker adds records of its own.
type shadowJob struct {
	tenant identity.Tenant
	app    *application
	form   *form
	rule   *definition.CustomRule
	shadow *shadow
	run    *shadowRun
	view   *policy.View
	items  []shadowItem
	met    uint64 // records that the deciding module was asked about
	dice   uint64
	done   chan struct{}
}

type shadowItem struct {
	key   outcomeKey
	old   policy.Outcome
	known bool // old is
}

// place returns where in the sample the next record goes, false for nowhere: each that
// was met is in it with the same chance. Chance is by a generator of its own, as one
// question need not be like the next and nothing hangs on it.
func (job *shadowJob) place() (int, bool) {
	job.met++
	if len(job.items) < shadowSample {
		job.items = append(job.items, shadowItem{})
		return len(job.items) - 1, true
	}
	job.dice = job.dice*6364136223846793005 + 1442695040888963407
	at := (job.dice >> 32) % job.met
	return int(at), at < shadowSample
}

func noShadow() {}

// shadowNow is what runs beside the deciding module, nil for nothing. One whose time is
// over stays in the application for its findings, and is no reason to ask anything.
func (op *Op) shadowNow(rule *definition.CustomRule) *shadow {
	if s := op.app.shadows[rule]; s != nil && s.doc.runs(op.e.o.Now()) {
		return s
	}
	return nil
}

// beside returns the question to the module that runs beside the deciding one, nil
// where none is to be asked. What is asked in a write, through the eyes of somebody
// else, or to try rights out, is no sample: it may be of states that never are.
func (op *Op) beside(f *form, rule *definition.CustomRule) *shadowJob {
	s := op.shadowNow(rule)
	if s == nil || op.snapshot == nil || op.trial || !op.watched() {
		return nil
	}
	if op.besides == nil {
		op.besides = map[*definition.CustomRule]*shadowJob{}
	}
	job := op.besides[rule]
	if job == nil {
		job = &shadowJob{tenant: op.r.Tenant(), app: op.app, form: f, rule: rule, shadow: s, view: op.view, dice: op.e.shadows.dice.Add(1)}
		op.besides[rule] = job
	}
	return job
}

// shadowing adds records to the question, or puts them in the place of others; what it
// returns is called when the deciding module has answered. It reads no verdict into the
// operation, spends none of its fuel, and waits for nothing.
func (op *Op) shadowing(f *form, rule *definition.CustomRule, recs []record.Record) func() {
	job := op.beside(f, rule)
	if job == nil {
		return noShadow
	}
	for _, r := range recs {
		if at, ok := job.place(); ok {
			job.items[at] = shadowItem{key: keyOf(rule, r)}
		}
	}
	return func() {
		for i := range job.items {
			if n := &job.items[i]; !n.known {
				n.old, n.known = op.outcomes[n.key]
			}
		}
	}
}

// askBesides puts the operation's questions in the line as it ends; those of one that
// failed are not put.
func (op *Op) askBesides() {
	if op.err == nil {
		for _, job := range op.besides {
			op.e.shadow(job)
		}
	}
	op.besides = nil
}

// shadow puts a question in the line, unless there are too many.
func (e *Engine) shadow(job *shadowJob) {
	now := e.o.Now()
	if !job.shadow.doc.runs(now) {
		return
	}
	h := &e.shadows
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped || len(h.jobs) >= shadowJobs || h.waiting(job.tenant) >= shadowOwn {
		return
	}
	run := h.run(runKey{job.tenant, job.shadow.doc.ID}, now)
	if run == nil || !run.admits(now) {
		return
	}
	job.run, job.done = run, make(chan struct{})
	run.last = job.done
	run.open++
	h.jobs = append(h.jobs, job)
	if !h.working {
		h.working = true
		h.all.Add(1)
		go e.workShadows()
	}
}

// waiting counts the questions of an organization that wait. The caller holds mu.
func (h *shadowHub) waiting(tenant identity.Tenant) (n int) {
	for _, job := range h.jobs {
		if job.tenant == tenant {
			n++
		}
	}
	return n
}

// run returns what is known of a shadow, nil where too many are. The caller holds
// mu.
func (h *shadowHub) run(key runKey, now time.Time) *shadowRun {
	run := h.runs[key]
	if run == nil && len(h.runs) < maxShadows {
		if h.runs == nil {
			h.runs = map[runKey]*shadowRun{}
		}
		run = &shadowRun{saved: now}
		h.runs[key] = run
	}
	return run
}

func (r *shadowRun) admits(now time.Time) bool {
	if m := now.Unix() / 60; m != r.minute {
		r.minute, r.asked = m, 0
	}
	r.asked++
	return r.asked <= shadowMinute
}

// workShadows works the questions off, one after the other.
func (e *Engine) workShadows() {
	h := &e.shadows
	defer h.all.Done()
	for {
		h.mu.Lock()
		if len(h.jobs) == 0 {
			h.working = false
			h.mu.Unlock()
			return
		}
		job := h.jobs[0]
		h.jobs = h.jobs[1:]
		h.mu.Unlock()
		e.workShadow(job)
	}
}

// workShadow answers one question. What goes wrong with it is nobody's error: there
// is nothing found then.
func (e *Engine) workShadow(job *shadowJob) {
	defer e.shadows.answered(job)
	ctx, cancel := context.WithTimeout(context.Background(), shadowTime)
	defer cancel()
	_ = e.survived(ctx, func() error {
		found, err := e.askShadow(ctx, job)
		if err != nil || len(found) == 0 {
			return err
		}
		job.run.mu.Lock()
		defer job.run.mu.Unlock()
		if err := e.openShadowLog(job); err != nil {
			return err
		}
		for _, pair := range found {
			job.run.log.put(pair)
		}
		job.run.dirty = true
		return nil
	})
}

func (h *shadowHub) answered(job *shadowJob) {
	h.mu.Lock()
	job.run.open--
	h.mu.Unlock()
	close(job.done)
}
