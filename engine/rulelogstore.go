package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/storage"
)

// spaceRuleLog holds the rule log: entries by application, rule, ring and number, and
// for each rule how many there were. It is written without a trace in the change
// log, which would keep what the rings drop.
const spaceRuleLog storage.Space = 38

func ruleLogKey(application, rule string) string { return "h/" + application + "/" + rule }

func ruleRingPrefix(application, rule string, ring ruleRing) string {
	return fmt.Sprintf("e/%s/%s/%d/", application, rule, ring)
}

func ruleEntryKey(application, rule string, ring ruleRing, number uint64) string {
	return ruleRingPrefix(application, rule, ring) + fmt.Sprintf("%016x", number)
}

// ruleRings counts the entries of one rule.
type ruleRings struct {
	Next [rings]uint64 `json:"next"` // the number of the next entry, from 1 on
	Lost [rings]uint64 `json:"lost"` // how many found no place in memory
}

func readRuleRings(r storage.Reader, application, rule string) (ruleRings, error) {
	c := ruleRings{Next: [rings]uint64{1, 1}}
	b, ok, err := r.Doc(spaceRuleLog, ruleLogKey(application, rule))
	if err != nil || !ok {
		return c, err
	}
	if err := json.Unmarshal(b, &c); err != nil || c.Next[0] == 0 || c.Next[1] == 0 {
		return c, fault.Wrap(fault.Unavailable, opRuleLog, err, "the log of rule %s is damaged", rule)
	}
	return c, nil
}

// ruleBatch is what waits to be stored of one rule.
type ruleBatch struct {
	key     ruleKey
	entries [rings][]ruleEntry
	lost    [rings]uint64
}

func (b *ruleBatch) empty() bool {
	return len(b.entries[0])+len(b.entries[1]) == 0 && b.lost[0]+b.lost[1] == 0
}

// take empties what waits of a tenant, or of all.
func (w *ruleWatches) take(of func(identity.Tenant) bool) []ruleBatch {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []ruleBatch
	for k, x := range w.rules {
		b := ruleBatch{k, x.pending, x.lost}
		if !b.empty() && of(k.tenant) {
			x.pending, x.lost = [rings][]ruleEntry{}, [rings]uint64{}
			out = append(out, b)
		}
	}
	return out
}

// FlushRuleLog stores the entries of rule logs that wait in memory, of all tenants.
// The server calls it every second or so, and when it stops. Versions of rules whose
// faults mounted up are put in quarantine by it. Entries that cannot be stored are
// lost: the error, which is for the server's log, says how many, and so does
// the log of their rule once it can be written again. What a rule answers anew after
// that is logged as if it had not been before.
func (e *Engine) FlushRuleLog(ctx context.Context) error {
	var err error
	for line := range flushLines {
		err = errors.Join(err, e.flushRuleLog(ctx, line, func(t identity.Tenant) bool { return flushLine(t) == line }))
	}
	if n := e.watches.takeDisplaced(); n > 0 {
		err = errors.Join(err, fault.New(fault.Limit, opRuleLog, "%d entries were lost: more than %d rules decided at once", n, maxWatched))
	}
	return err
}

func (w *ruleWatches) takeDisplaced() (n uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, w.displaced = w.displaced, 0
	return n
}

// flushRuleLogOf stores what waits of one tenant. The error names no rule: they may be
// of an application that the reader has no place in.
func (e *Engine) flushRuleLogOf(ctx context.Context, tenant identity.Tenant) error {
	err := e.flushRuleLog(ctx, flushLine(tenant), func(t identity.Tenant) bool { return t == tenant })
	if err != nil {
		return fault.Wrap(fault.Unavailable, opRuleLog, err, "the log cannot be stored now; try again")
	}
	return nil
}

// flushLines is in how many lines organizations wait for each other while entries are
// stored: whoever reads a log waits for those that are under way of it, and for few
// organizations that are slow.
const flushLines = 64

func flushLine(t identity.Tenant) int { return int(t[len(t)-1]) % flushLines }

// flushRuleLog stores what waits of tenants of one line.
func (e *Engine) flushRuleLog(ctx context.Context, line int, of func(identity.Tenant) bool) error {
	e.watches.flush[line].Lock()
	defer e.watches.flush[line].Unlock()
	failed := errors.Join(e.quarantines(ctx, of), e.storeProved(ctx, of))
	for _, b := range e.watches.take(of) {
		if err := e.storeRuleLog(ctx, b); err != nil {
			failed = errors.Join(failed, lostOf(b.key, e.watches.loses(b), err))
		}
	}
	return failed
}

// lostOf says what could not be stored: entries, or the count of those before.
func lostOf(k ruleKey, entries int, err error) error {
	what := "how many entries were lost could not be stored"
	if entries > 0 {
		what = fmt.Sprintf("%d entries are lost", entries)
	}
	return fault.Wrap(fault.Unavailable, opRuleLog, err, "rule %s of application %s: %s", k.rule, k.application, what)
}

// loses counts what could not be stored, to be told when storing goes on, and lets
// the same be logged again; it returns how many entries were lost now.
func (w *ruleWatches) loses(b ruleBatch) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	x := w.at(b.key)
	for ring := range rings {
		x.lost[ring] += b.lost[ring] + uint64(len(b.entries[ring]))
		n += len(b.entries[ring])
	}
	clear(x.told)
	clear(x.firsts)
	return n
}

func (e *Engine) storeRuleLog(ctx context.Context, b ruleBatch) error {
	seal, err := e.sealer(ctx, b.key.tenant)
	if err != nil {
		return err
	}
	m := storage.Meta{Operation: "ruleLog", Time: e.o.Now()}
	return e.o.Store.Tenant(b.key.tenant).Update(ctx, m, func(txn *storage.Txn) error {
		app, rule := b.key.application, b.key.rule
		c, err := readRuleRings(txn, app, rule)
		if err != nil {
			return err
		}
		for ring := range rings {
			c.Lost[ring] += b.lost[ring]
			for _, n := range b.entries[ring] {
				if err := putRuleEntry(txn, seal, b.key, ring, c.Next[ring], n); err != nil {
					return err
				}
				c.Next[ring]++
			}
		}
		doc, err := json.Marshal(c)
		if err != nil {
			return err
		}
		return txn.PutSecret(spaceRuleLog, ruleLogKey(app, rule), doc)
	})
}

// putRuleEntry writes one entry in the place of the one that leaves its ring.
func putRuleEntry(txn *storage.Txn, seal *sealer, k ruleKey, ring ruleRing, number uint64, n ruleEntry) error {
	if n.Digest != nil {
		var err error
		if n.Digest, err = seal.digest(n.Digest); err != nil {
			return err
		}
	}
	doc, err := json.Marshal(n)
	if err != nil {
		return err
	}
	if number > MaxRuleLog {
		if err := txn.PutSecret(spaceRuleLog, ruleEntryKey(k.application, k.rule, ring, number-MaxRuleLog), nil); err != nil {
			return err
		}
	}
	return txn.PutSecret(spaceRuleLog, ruleEntryKey(k.application, k.rule, ring, number), doc)
}

// digest turns a digest into one that only this tenant's key makes: values of few
// possibilities could be guessed from a plain one.
func (s *sealer) digest(plain []byte) ([]byte, error) {
	b, err := s.aead.EncryptDeterministically(plain, []byte("rule log"))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, opRuleLog, err, "rule log")
	}
	return b[:min(16, len(b))], nil
}

// storedEntry is an entry with its place in the log.
type storedEntry struct {
	ruleEntry
	ring   ruleRing
	number uint64
}

// id names an entry within its rule: f or d, for a fault or a decision, and its number.
func (n *storedEntry) id() string {
	return string("df"[n.ring]) + "-" + fmt.Sprint(n.number)
}

// readRuleRing returns the entries of a ring, the newest first: at most MaxRuleLog.
func readRuleRing(r storage.Reader, application, rule string, ring ruleRing) ([]storedEntry, error) {
	prefix := ruleRingPrefix(application, rule, ring)
	c := r.DocsIn(spaceRuleLog, prefix, storage.DocRange{Desc: true})
	defer c.Close()
	var out []storedEntry
	for c.Next() {
		n := storedEntry{ring: ring}
		_, err := fmt.Sscanf(c.Key()[len(prefix):], "%x", &n.number)
		if err == nil {
			err = json.Unmarshal(bytes.Clone(c.Value()), &n.ruleEntry)
		}
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, opRuleLog, err, "the log of rule %s is damaged", rule)
		}
		out = append(out, n)
	}
	return out, c.Err()
}
