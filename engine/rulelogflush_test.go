package engine

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
	"sluice/storage/driver"
	"sluice/storage/memstore"
)

// fullDisk takes no commits while it is full.
type fullDisk struct {
	driver.Driver
	full atomic.Bool
}

func (d *fullDisk) Commit(ctx context.Context, snap uint64, reads [][]byte, writes []driver.Write) (uint64, error) {
	if d.full.Load() {
		return 0, driver.ErrFull
	}
	return d.Driver.Commit(ctx, snap, reads, writes)
}

func newFlakyHouse(t *testing.T) (*house, *fullDisk) {
	t.Helper()
	d := &fullDisk{Driver: memstore.NewDriver()}
	store, err := storage.New(d, nil)
	must(t, err)
	h := newHouseOn(t, store)
	h.embargo(trapOnShut)
	return h, d
}

// TestH4RuleLogTellsWhatItLost: entries that could not be stored are in the error of
// the flush and in the count of the log, and the next time that the rule does the same
// it is logged.
func TestH4RuleLogTellsWhatItLost(t *testing.T) {
	h, disk := newFlakyHouse(t)
	var ids []record.ID
	for i := range 7 {
		ids = append(ids, h.add("rep", "Deal", cell{"title": fmt.Sprint(i), "stage": "shut"}))
	}
	must(t, h.e.FlushRuleLog(t.Context()))
	h.read("rex", func(op *Op) { h.listed(op, "Deal", nil) })
	disk.full.Store(true)
	err := h.e.FlushRuleLog(t.Context())
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "rule embargo of application crm: 7 entries are lost") || !strings.Contains(err.Error(), "no room") {
		t.Errorf("the server's log is told %v", err)
	}
	if err := h.e.FlushRuleLog(t.Context()); fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "how many entries were lost could not be stored") {
		t.Errorf("with nothing left to lose: %v", err)
	}
	disk.full.Store(false)
	if page := h.ruleLog("super", RuleLogQuery{}); len(page.Entries) != 0 || page.Lost != 7 {
		t.Errorf("%d entries, %d lost", len(page.Entries), page.Lost)
	}
	h.read("rex", func(op *Op) { h.listed(op, "Deal", nil) })
	page := h.ruleLog("super", RuleLogQuery{})
	if len(page.Entries) != len(ids) || page.Lost != 7 {
		t.Errorf("%d entries of %d after storing goes on, %d lost", len(page.Entries), len(ids), page.Lost)
	}
}

// stuck lets commits of one tenant wait.
type stuck struct {
	driver.Driver
	tenant identity.Tenant
	met    chan struct{} // a commit of it has come
	on     chan struct{} // closed when it may go on
}

func (d *stuck) Commit(ctx context.Context, snap uint64, reads [][]byte, writes []driver.Write) (uint64, error) {
	if slices.ContainsFunc(writes, func(w driver.Write) bool { return bytes.Contains(w.Key, d.tenant[:]) }) {
		d.met <- struct{}{}
		<-d.on
	}
	return d.Driver.Commit(ctx, snap, reads, writes)
}

// TestRuleLogWaitsForNoOtherOrganization: while entries of one organization are being
// stored, however long that takes, those of another can be.
func TestRuleLogWaitsForNoOtherOrganization(t *testing.T) {
	d := &stuck{Driver: memstore.NewDriver(), tenant: identity.Tenant{0: 0xff}, met: make(chan struct{}, 100), on: make(chan struct{})}
	store, err := storage.New(d, nil)
	must(t, err)
	h := newHouseOn(t, store)
	h.embargo(trapOnShut)
	h.add("rep", "Deal", cell{"title": "a", "stage": "shut"})
	must(t, h.e.FlushRuleLog(t.Context()))
	slow := h.tenant
	for i := 0; flushLine(slow) == flushLine(h.tenant); i++ {
		slow, _, err = h.d.CreateOrganization(t.Context(), fmt.Sprint("slow", i), directory.NewUser{Email: "slow@x.io", DisplayName: "Slow", Password: password})
		must(t, err)
	}
	h.e.watches.mu.Lock()
	x := h.e.watches.at(ruleKey{slow, "crm", "embargo"})
	x.pending[ringFaults] = append(x.pending[ringFaults], ruleEntry{})
	h.e.watches.mu.Unlock()
	d.tenant = slow
	ended := make(chan error)
	go func() { ended <- h.e.flushRuleLogOf(context.WithoutCancel(t.Context()), slow) }()
	<-d.met
	h.read("rex", func(op *Op) { h.listed(op, "Deal", nil) })
	read := make(chan error)
	go func() { read <- h.e.flushRuleLogOf(context.WithoutCancel(t.Context()), h.tenant) }()
	select {
	case err := <-read:
		must(t, err)
	case <-time.After(10 * time.Second):
		t.Error("the log of one organization waits for that of another")
	}
	close(d.on)
	must(t, <-ended)
	if page := h.ruleLog("super", RuleLogQuery{}); len(page.Entries) != 1 {
		t.Errorf("%d entries", len(page.Entries))
	}
}

// TestRuleLogFailsWithoutNames: whoever reads a log while storing fails is told that,
// and nothing of rules that they may have no part in.
func TestRuleLogFailsWithoutNames(t *testing.T) {
	h, disk := newFlakyHouse(t)
	h.add("rep", "Deal", cell{"title": "a", "stage": "shut"})
	h.read("rex", func(op *Op) { h.listed(op, "Deal", nil) })
	disk.full.Store(true)
	defer disk.full.Store(false)
	err := h.e.flushRuleLogOf(t.Context(), h.tenant)
	var f *fault.Error
	if f, _ = err.(*fault.Error); f == nil || f.Kind != fault.Unavailable || strings.Contains(f.Msg, "embargo") || strings.Contains(f.Msg, "crm") {
		t.Errorf("%v", err)
	}
}

// TestRuleLogMakesRoom: more rules than are watched forget those of which nothing
// waits; where something waits of all of them, the flush says what was lost.
func TestRuleLogMakesRoom(t *testing.T) {
	h := newHouse(t)
	w := &h.e.watches
	key := func(i int) ruleKey { return ruleKey{identity.Tenant{1}, "a", fmt.Sprint(i)} }
	keep := func(i int, entries ...ruleEntry) {
		w.mu.Lock()
		defer w.mu.Unlock()
		x := w.at(key(i))
		x.pending[ringFaults] = append(x.pending[ringFaults], entries...)
	}
	for i := range maxWatched + 1 {
		keep(i, make([]ruleEntry, i&1)...) // something waits of every other
	}
	if n := len(w.rules); n != maxWatched/2+1 || w.displaced != 0 {
		t.Errorf("%d rules are watched, %d entries were lost", n, w.displaced)
	}
	for i := range 2 * maxWatched {
		keep(i, ruleEntry{})
	}
	if len(w.rules) > maxWatched || w.displaced == 0 {
		t.Errorf("%d rules are watched, %d entries were lost", len(w.rules), w.displaced)
	}
	w.take(func(identity.Tenant) bool { return true })
	lost := w.displaced
	if err := h.e.FlushRuleLog(t.Context()); fault.KindOf(err) != fault.Limit || !strings.Contains(err.Error(), fmt.Sprintf("%d entries were lost", lost)) {
		t.Errorf("%v", err)
	}
	must(t, h.e.FlushRuleLog(t.Context()))
}

// TestRuleLogUnderLoad: readers decide, flushes store and fail, and the log is read,
// all at once: in the end every entry is stored or counted as lost, none twice.
func TestRuleLogUnderLoad(t *testing.T) {
	h, disk := newFlakyHouse(t)
	const records, readers = 40, 3
	for i := range records {
		h.add("rep", "Deal", cell{"title": fmt.Sprint(i), "stage": "shut"})
	}
	must(t, h.e.FlushRuleLog(t.Context()))
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			for range 10 {
				h.read("rex", func(op *Op) { h.listed(op, "Deal", nil) })
			}
		})
	}
	for i := range 30 {
		disk.full.Store(i%3 == 0)
		if err := h.e.FlushRuleLog(t.Context()); err != nil && i%3 != 0 {
			t.Error(err)
		}
	}
	disk.full.Store(false)
	wg.Wait()
	h.read("rex", func(op *Op) { h.listed(op, "Deal", nil) })
	told, seen := map[record.ID]bool{}, map[string]bool{}
	for q, more := (RuleLogQuery{Faults: true}), true; more; {
		page := h.ruleLog("super", q)
		for _, n := range page.Entries {
			if told[n.Record] = true; seen[n.ID] {
				t.Errorf("entry %s is there twice", n.ID)
			}
			seen[n.ID], q.After = true, n.ID
		}
		more = page.HasNext
	}
	if len(told) != records {
		t.Errorf("the log tells of %d records of %d", len(told), records)
	}
}

// TestRuleLogForgetsWhatItTold: what many busy rules remember has one bound for all.
func TestRuleLogForgetsWhatItTold(t *testing.T) {
	var w ruleWatches
	most := 0
	for i := range maxTold + maxTold/4 {
		x := w.at(ruleKey{rule: strconv.Itoa(i % 256)})
		w.tell(x, toldKey{version: uint32(i)})
		if i%4096 != 0 && i != maxTold-1 {
			continue
		}
		all := 0
		for _, x := range w.rules {
			all += len(x.told)
		}
		most = max(most, all)
		if all != w.told {
			t.Fatalf("%d remembered, %d counted", all, w.told)
		}
	}
	if most != maxTold || w.told >= maxTold {
		t.Errorf("at most %d, now %d, the bound is %d", most, w.told, maxTold)
	}
}
