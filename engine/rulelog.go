package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"sync"
	"time"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

// The rule log says for each custom rule what it decided, in samples, and what went
// wrong. An entry names record and viewer by id and holds none of their values: who
// reads the log is told what they may see of it then (P10), and a replay reads the
// values anew under the reader's rights, see [Engine.RuleReplay]. Instead of the
// input it keeps a sealed digest, which says whether it is still the same.
//
// Operations leave their entries in memory, which cannot fail and waits for nobody;
// [Engine.FlushRuleLog] stores them. Of what is not stored when the process is killed
// nothing is left. Only operations of people who read or write are logged: no
// look through another's eyes, trial or comparison, and no subscription.
const (
	// MaxRuleLog is how many entries a rule keeps of decisions, and as many of faults:
	// a new one takes the place of the oldest.
	MaxRuleLog = 500
	// ruleSample is how often a decision is logged: of one record in so many, chosen by
	// its id.
	ruleSample = 64
	// ruleFirsts is how many of each different answer of a module are logged whatever the
	// record.
	ruleFirsts = 5
	// maxRulePending bounds the entries of one rule and ring that wait to be stored; more
	// are counted as lost.
	maxRulePending = 256
	// maxRuleTold bounds what one rule remembers of what was logged; a full memory begins
	// anew, which costs entries that are there already.
	maxRuleTold = 4096
	// maxTold bounds what all rules together remember of that, some 40 MB.
	maxTold = 1 << 18
	// maxRuleAnswers bounds the different answers whose firsts are counted.
	maxRuleAnswers = 256
	// maxWatched bounds the rules that are watched; a full table forgets those of which
	// nothing waits to be stored.
	maxWatched = 4096
)

// ruleRing is one of the two parts of a rule's log, which do not displace each other.
type ruleRing uint8

const (
	ringDecisions ruleRing = iota
	ringFaults
	rings
)

// ruleKey names a custom rule.
type ruleKey struct {
	tenant            identity.Tenant
	application, rule string
}

// ruleEntry is what is stored of one decision.
type ruleEntry struct {
	Time    int64           `json:"t"` // microseconds since 1970 UTC
	Module  string          `json:"m,omitempty"`
	Form    uint32          `json:"f"`
	Record  record.ID       `json:"r"`
	Version uint32          `json:"v"`
	Viewer  record.ID       `json:"u"`
	Fault   rules.FaultKind `json:"x,omitempty"`
	Grant   uint8           `json:"g,omitempty"`
	Visible uint64          `json:"s,omitempty"`
	Reason  uint8           `json:"e,omitempty"`
	// Fuel is what the whole question spent, Asked the number of its records.
	Fuel  int64 `json:"c"`
	Asked int   `json:"n"`
	// Digest is that of the input: plain while it waits, sealed where it is stored. Nil
	// where no module was there to have an input.
	Digest []byte `json:"d,omitempty"`
}

func (n *ruleEntry) verdict() rules.Verdict {
	return rules.Verdict{Grant: n.Grant, Visible: n.Visible, Reason: n.Reason, Fault: n.Fault}
}

func (n *ruleEntry) ring() ruleRing {
	if n.Fault != rules.NoFault {
		return ringFaults
	}
	return ringDecisions
}

// toldKey is a decision that need not be logged again: it would be the same.
type toldKey struct {
	module  rules.Hash
	record  record.ID
	version uint32
	viewer  record.ID
	verdict rules.Verdict
	alone   bool
}

// answerKey is a kind of answer, whose firsts are logged.
type answerKey struct {
	module  rules.Hash
	verdict rules.Verdict
	alone   bool // asked alone: what it spent is known then
}

// ruleWatch is what this process knows of one rule.
type ruleWatch struct {
	pending [rings][]ruleEntry
	lost    [rings]uint64 // entries that found no place since the last flush
	told    map[toldKey]struct{}
	firsts  map[answerKey]int
	stats   ruleStats
	failing failing
	// condemned waits to be stored, nil for nothing.
	condemned *quarantineDoc
	planned   uint64 // operations that read by the rule's plan
}

// ruleWatches are the rules that were asked in this process. The zero value is ready.
type ruleWatches struct {
	mu    sync.Mutex
	rules map[ruleKey]*ruleWatch
	told  int // at least as many as are in the rules' told
	// displaced counts entries whose rule had to make room before they were stored.
	displaced uint64
	impure    map[provedModule]bool  // found to be no rules, and not stored yet
	flush     [flushLines]sync.Mutex // held while entries of a line are stored, see flushLine
}

// at returns the watch of a rule; mu is held.
func (w *ruleWatches) at(k ruleKey) *ruleWatch {
	x := w.rules[k]
	if x != nil {
		return x
	}
	if w.rules == nil {
		w.rules = map[ruleKey]*ruleWatch{}
	}
	if len(w.rules) >= maxWatched {
		w.makeRoom()
	}
	x = &ruleWatch{told: map[toldKey]struct{}{}, firsts: map[answerKey]int{}}
	w.rules[k] = x
	return x
}

// makeRoom forgets rules of which nothing waits, and where something waits of all of
// them, every one; mu is held.
func (w *ruleWatches) makeRoom() {
	maps.DeleteFunc(w.rules, func(_ ruleKey, x *ruleWatch) bool { return x.waiting() == 0 })
	if len(w.rules) < maxWatched {
		return
	}
	for _, x := range w.rules {
		w.displaced += x.waiting()
	}
	clear(w.rules)
}

// waiting counts the entries that are to be stored, with a quarantine, and those lost
// that the log has not been told of.
func (x *ruleWatch) waiting() (n uint64) {
	for ring := range rings {
		n += uint64(len(x.pending[ring])) + x.lost[ring]
	}
	if x.condemned != nil {
		n++
	}
	return n
}

// watched reports whether the operation is one of somebody's own, under the rights of
// now.
func (op *Op) watched() bool {
	return (op.snapshot != nil || op.txn != nil) && op.asker == nil && op.app.lost == nil
}

// ruleAnswers are what one question to a rule gave.
type ruleAnswers struct {
	rule     *definition.CustomRule
	binding  *binding // nil for none
	form     *form
	records  []record.Record
	verdicts []rules.Verdict
	fuel     int64
}

// watch counts what a rule answered, and logs some of it.
func (op *Op) watch(a ruleAnswers) {
	if !op.watched() {
		return
	}
	now := op.e.o.Now()
	var module rules.Hash
	if a.binding != nil {
		module = a.binding.hash
	}
	w := &op.e.watches
	w.mu.Lock()
	defer w.mu.Unlock()
	x := w.at(ruleKey{op.r.Tenant(), op.app.def.Name, a.rule.Name})
	x.stats.add(a)
	op.suspect(x, &a, now)
	full := answerKey{} // an answer whose firsts are logged
	for i := range a.verdicts {
		k := answerKey{module, a.verdicts[i], len(a.records) == 1}
		due := sampled(a.records[i].ID()) || always(k.verdict.Fault)
		if !due && k == full {
			continue
		}
		if !due && !x.first(k) {
			full = k
			continue
		}
		op.log(w, x, a, i, k, now)
	}
}

// sampled chooses records by the random end of their ids.
func sampled(id record.ID) bool { return binary.BigEndian.Uint64(id[8:])%ruleSample == 0 }

// always reports whether a fault is about the record that it came with, and not about
// the rule.
func always(k rules.FaultKind) bool {
	return k != rules.NoFault && k != rules.FaultMissing && k != rules.FaultQuarantine
}

// first reports whether an answer is one of the first of its kind, and counts it.
func (x *ruleWatch) first(k answerKey) bool {
	n, known := x.firsts[k]
	if n >= ruleFirsts || !known && len(x.firsts) >= maxRuleAnswers {
		return false
	}
	x.firsts[k] = n + 1
	return true
}

// tell remembers at a rule what was logged; mu is held.
func (w *ruleWatches) tell(x *ruleWatch, k toldKey) {
	if len(x.told) >= maxRuleTold {
		w.told -= len(x.told)
		clear(x.told)
	}
	if w.told >= maxTold {
		w.told = 0
		for _, other := range w.rules {
			other.told = map[toldKey]struct{}{} // a map that is cleared keeps its memory
		}
	}
	x.told[k] = struct{}{}
	w.told++
}

// log keeps an entry to be stored, unless the same was kept before; the lock of the
// watches is held.
func (op *Op) log(w *ruleWatches, x *ruleWatch, a ruleAnswers, i int, k answerKey, now time.Time) {
	rec := a.records[i]
	told := toldKey{k.module, rec.ID(), rec.Version(), op.view.Viewer().User, k.verdict, k.alone}
	if _, ok := x.told[told]; ok {
		return
	}
	w.tell(x, told)
	n := ruleEntry{
		Time: now.UnixMicro(), Form: a.form.def.Number, Record: rec.ID(), Version: rec.Version(), Viewer: told.viewer,
		Fault: k.verdict.Fault, Grant: k.verdict.Grant, Visible: k.verdict.Visible, Reason: k.verdict.Reason,
		Fuel: a.fuel, Asked: len(a.records),
	}
	if a.binding != nil {
		n.Module, n.Digest = a.binding.hash.String(), inputDigest(op.batch(a.binding, []record.Record{rec}))
	}
	ring := n.ring()
	if len(x.pending[ring]) >= maxRulePending {
		x.lost[ring]++
		return
	}
	x.pending[ring] = append(x.pending[ring], n)
}

// inputDigest is the same for the same viewer and first record of a batch, as far as
// the rule reads them.
func inputDigest(b *rules.Batch) []byte {
	var in []byte
	for _, v := range append(b.Viewer[:len(b.Viewer):len(b.Viewer)], b.Rows[0]...) {
		in = rules.AppendValue(in, v)
	}
	sum := sha256.Sum256(in)
	return sum[:]
}
