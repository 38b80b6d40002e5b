package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// Bounds of comparisons.
const (
	maxComparisons       = 4                // at a time
	maxTenantComparisons = 2                // of one organization
	keptComparisons      = 20               // of one asker in one application; older ones go
	comparisonTime       = 10 * time.Minute // for one
	comparisonSamples    = 3                // pairs of each count
)

// comparisonRuns are the comparisons that run in this process. The zero value has
// none.
type comparisonRuns struct {
	mu      sync.Mutex
	of      map[runKey]*comparisonRun // guarded by mu
	stopped bool                      // guarded by mu
	all     sync.WaitGroup            // added to under mu, and not once stopped
}

type runKey struct {
	tenant identity.Tenant
	id     string
}

// comparisonRun is one that runs.
type comparisonRun struct {
	done, total atomic.Int64
	cancel      context.CancelCauseFunc
}

var (
	errComparisonCancelled = fault.New(fault.Conflict, opComparison, "it was cancelled")
	errComparisonStopped   = fault.New(fault.Unavailable, opComparison, "the server was stopped before it was done; ask again")
	errComparisonBroken    = fault.New(fault.Unavailable, opComparison, "the server met a fault of its own while it compared, which its log describes; tell whoever runs it")
	errComparisonLost      = fault.New(fault.Unavailable, opComparison, "the server ended before it was done; ask again")
)

// take begins a run, or says why it cannot.
func (c *comparisonRuns) take(key runKey, cancel context.CancelCauseFunc) (*comparisonRun, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return nil, errComparisonStopped
	}
	n := 0
	for other := range c.of {
		if other.tenant == key.tenant {
			n++
		}
	}
	if len(c.of) >= maxComparisons || n >= maxTenantComparisons {
		return nil, fault.New(fault.Limit, opComparison, "too many comparisons are running already; try again later, or cancel one")
	}
	if c.of == nil {
		c.of = map[runKey]*comparisonRun{}
	}
	run := &comparisonRun{cancel: cancel}
	c.of[key] = run
	c.all.Add(1)
	return run, nil
}

func (c *comparisonRuns) give(key runKey) {
	c.mu.Lock()
	delete(c.of, key)
	c.mu.Unlock()
	c.all.Done()
}

func (c *comparisonRuns) get(key runKey) *comparisonRun {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[key]
}

// StopComparisons cancels the comparisons that run and waits until they are marked
// as failed, or for ctx. None begins after it.
func (e *Engine) StopComparisons(ctx context.Context) {
	c := &e.comparisons
	c.mu.Lock()
	c.stopped = true
	for _, run := range c.of {
		run.cancel(errComparisonStopped)
	}
	c.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		c.all.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

// StartComparison begins to compare a change with what is, in the background, for
// a holder of the tool COMPARE, and writes down that it was used. Errors are those
// of Compare, as far as they can be told before records are read; Limit where too
// many run.
func (e *Engine) StartComparison(ctx context.Context, p identity.Principal, application string, change ProposedChange) (*Comparison, error) {
	return e.startComparison(ctx, p, application, change, "")
}

func (e *Engine) startComparison(ctx context.Context, p identity.Principal, application string, change ProposedChange, of string) (*Comparison, error) {
	c := &Comparison{Application: application, Asker: p.User, Change: change, Of: of, State: ComparisonRunning}
	if err := e.mayStart(ctx, p, c); err != nil {
		return nil, err
	}
	var err error
	if c.Hash, err = change.hash(application); err != nil {
		return nil, err
	}
	c.Started = e.o.Now().UTC().Truncate(time.Millisecond)
	c.ID = record.NewID(c.Started).String()
	key := runKey{p.Tenant, c.ID}
	background, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	run, err := e.comparisons.take(key, cancel)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	if err := e.keepComparison(ctx, p, c); err != nil {
		cancel(nil)
		e.comparisons.give(key)
		return nil, err
	}
	started := *c
	go func() {
		defer e.comparisons.give(key)
		defer cancel(nil)
		// A panic beyond those of computing it ends where it came from: what is
		// stored says that it runs, and is told as lost.
		_ = e.survived(background, func() error {
			e.runComparison(background, p, &started, run)
			return nil
		})
	}()
	return c, nil
}

// mayStart checks what can be checked before records are read.
func (e *Engine) mayStart(ctx context.Context, p identity.Principal, c *Comparison) error {
	op, err := e.mayCompare(ctx, p, c.Application)
	if err != nil {
		return err
	}
	defer op.Close()
	proposal, err := op.proposal(&c.Change)
	if err != nil {
		return err
	}
	_, _, err = op.sides(proposal, &Difference{})
	return err
}

// keepComparison notes that the tool is used, stores the comparison, and drops the
// oldest ones of its asker beyond those that are kept.
func (e *Engine) keepComparison(ctx context.Context, p identity.Principal, c *Comparison) error {
	detail, err := json.Marshal(map[string]any{"comparison": c.ID, "change": c.Change, "hash": c.Hash, "of": c.Of})
	if err != nil {
		return err
	}
	if err := e.NoteComparison(ctx, p, c.Application, detail); err != nil {
		return err
	}
	return e.change(ctx, p, "compareAccess", func(txn *storage.Txn, _ *directory.People) error {
		all, err := comparisons(txn, c.Application)
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(o *Comparison) bool {
			return o.Asker != p.User || e.comparisons.get(runKey{p.Tenant, o.ID}) != nil
		})
		for len(all) >= keptComparisons {
			if err := dropComparison(txn, all[0]); err != nil {
				return err
			}
			all = all[1:]
		}
		if len(c.Change.Source) > 0 {
			if err := txn.PutSecret(spaceComparison, comparisonSourceKey(c.ID), c.Change.Source); err != nil {
				return err
			}
		}
		return putComparison(txn, c)
	})
}

// runComparison computes it and stores how it ended.
func (e *Engine) runComparison(ctx context.Context, p identity.Principal, c *Comparison, run *comparisonRun) {
	limited, cancel := context.WithTimeout(ctx, comparisonTime)
	defer cancel()
	var d *Difference
	var digest string
	err := e.survived(ctx, func() (err error) {
		d, digest, err = e.compareChange(limited, p, c, func(done, total int) {
			run.done.Store(int64(done))
			run.total.Store(int64(total))
		})
		return err
	})
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	ended := e.o.Now().UTC().Truncate(time.Millisecond)
	c.Ended = &ended
	switch {
	case err == nil:
		c.State, c.Epoch, c.Data, c.Digest = ComparisonDone, d.Epoch, d.Data, digest
	case errors.Is(err, errComparisonCancelled):
		c.State = ComparisonCancelled
	default:
		c.State, c.Reason = ComparisonFailed, comparisonReason(err)
	}
	if err := e.endComparison(ctx, p, c, d); err != nil {
		c.State, c.Reason, c.Parts = ComparisonFailed, comparisonReason(err), 0
		_ = e.endComparison(ctx, p, c, nil) // one that cannot be stored counts as lost
	}
}

// survived runs fn and turns a panic of it, which would end the process, into an
// error.
func (e *Engine) survived(ctx context.Context, fn func() error) (err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		err = errComparisonBroken
		if e.o.Events.Panicked != nil {
			e.o.Events.Panicked(ctx, v, debug.Stack())
		}
	}()
	return fn()
}

// comparisonReason is what the asker is told of a failure.
func comparisonReason(err error) string {
	switch fault.KindOf(err) {
	case fault.Internal:
		return "internal error"
	default:
		return fault.Message(err)
	}
}

// endComparison stores how one ended, whatever its asker may do by then: reading
// it asks for that.
func (e *Engine) endComparison(ctx context.Context, p identity.Principal, c *Comparison, d *Difference) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	m := storage.Meta{Actor: p.User, Operation: "compareAccess", Time: e.o.Now()}
	return e.o.Store.Tenant(p.Tenant).Update(ctx, m, func(txn *storage.Txn) error {
		if c.State == ComparisonDone {
			if err := putResult(txn, c, d); err != nil {
				return err
			}
		}
		return putComparison(txn, c)
	})
}

// compareChange computes the difference of a stored comparison with the digest of
// its rows.
func (e *Engine) compareChange(ctx context.Context, p identity.Principal, c *Comparison, progress func(done, total int)) (*Difference, string, error) {
	op, err := e.mayCompare(ctx, p, c.Application)
	if err != nil {
		return nil, "", err
	}
	defer op.Close()
	proposal, err := op.proposal(&c.Change)
	if err != nil {
		return nil, "", err
	}
	if c.Exposes, err = op.unmarks(proposal); err != nil {
		return nil, "", err
	}
	d, digest, err := op.digested(&c.Change, progress, true)
	if err != nil {
		return nil, "", err
	}
	c.Exposes = c.Exposes || len(d.Exposed) > 0
	if e.o.ApproveExposure && !c.Exposes && len(d.Faults) == 0 {
		exposes, err := op.exposes(&c.Change)
		if err != nil {
			return nil, "", err
		}
		c.Harmless = !exposes
	}
	return d, digest, nil
}

// digested compares and sums all rows up, and costs if they are asked for.
func (op *Op) digested(change *ProposedChange, progress func(done, total int), costs bool) (*Difference, string, error) {
	proposal, err := op.proposal(change)
	if err != nil {
		return nil, "", err
	}
	g := &digester{h: sha256.New()}
	d, err := op.compare(proposal, &CompareOptions{Samples: comparisonSamples, Progress: progress, Each: g.row, Costs: costs})
	if err != nil {
		return nil, "", err
	}
	digest, err := g.sum(d)
	return d, digest, err
}

// digester sums up the rows of a difference: equal sums are equal rows.
type digester struct {
	h hash.Hash
	b []byte
}

const digestBlock = 32 << 10

func (g *digester) row(r *DifferenceRow) error {
	g.b = binary.BigEndian.AppendUint32(g.b, r.Form)
	g.b = append(append(g.b, r.Person[:]...), r.Record[:]...)
	for _, list := range [][]definition.Action{r.Gained, r.Lost} {
		g.b = binary.AppendUvarint(g.b, uint64(len(list)))
		for _, a := range list {
			g.b = append(g.b, byte(a))
		}
	}
	for _, list := range [][]uint32{r.ReadGained, r.ReadLost, r.WriteGained, r.WriteLost} {
		g.b = binary.AppendUvarint(g.b, uint64(len(list)))
		for _, n := range list {
			g.b = binary.AppendUvarint(g.b, uint64(n))
		}
	}
	if len(g.b) >= digestBlock {
		g.h.Write(g.b)
		g.b = g.b[:0]
	}
	return nil
}

// sum ends it with what does not depend on records.
func (g *digester) sum(d *Difference) (string, error) {
	b, err := json.Marshal(struct {
		Shapes []ShapeDifference
		Faults []definition.Fault
	}{d.Shapes, d.Faults})
	if err != nil {
		return "", err
	}
	g.h.Write(bytes.Join([][]byte{g.b, b}, []byte{0}))
	return hex.EncodeToString(g.h.Sum(nil)), nil
}

// CancelComparison ends one's own comparison that runs; one that ended stays as it
// is. NotFound for every other id.
func (e *Engine) CancelComparison(ctx context.Context, p identity.Principal, id string) (*Comparison, error) {
	c, err := e.Comparison(ctx, p, id)
	if err != nil {
		return nil, err
	}
	if c.Asker != p.User {
		return nil, errNoComparison
	}
	if run := e.comparisons.get(runKey{p.Tenant, id}); run != nil {
		run.cancel(errComparisonCancelled)
	}
	return e.Comparison(ctx, p, id)
}
