package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/storage"
)

// spaceReplay holds what mutations did that were sent with a key: an entry by
// key, the entries of a person by time, and how many there are.
const spaceReplay storage.Space = 30

const (
	// KeptFor is how long the outcome of a mutation is kept for its key.
	KeptFor = 24 * time.Hour
	// A person's keys are spread over shards, so that writes with different keys
	// rarely meet at one count. These bound a shard.
	maxReplays     = 1000
	maxReplayBytes = 1 << 20
	// cleaned is how many entries that are too old one write takes away: more than
	// it adds.
	cleaned = 3
)

const opReplay = "engine.replay"

// ErrKeyReused is the error for a key that was sent with other content before.
var ErrKeyReused = fault.New(fault.Invalid, opReplay, "Idempotency-Key: this key came with another operation before; every operation needs a key of its own")

// Outcome is what one field of a mutation was about: what its payload is read
// anew from when the mutation is sent again.
type Outcome struct {
	IDs     []record.ID `json:"ids,omitempty"`
	Created bool        `json:"created,omitempty"` // of an upsert
}

// ID returns the first id, zero where there is none.
func (o Outcome) ID() record.ID {
	if len(o.IDs) == 0 {
		return record.ID{}
	}
	return o.IDs[0]
}

// ReplayKey is what a client calls a mutation, so that it is done once however
// often it is sent. Keys of one person in one application say nothing to others.
type ReplayKey struct {
	Key     string
	Content [sha256.Size]byte // differs for operations that differ
}

// keptEntry is what is stored for a key: ids and nothing of the records.
type keptEntry struct {
	Time     int64     `json:"time"` // microseconds since 1970 UTC
	Content  []byte    `json:"content"`
	Outcomes []Outcome `json:"outcomes"`
}

type keptCount struct {
	Count int `json:"count"`
	Bytes int `json:"bytes"`
}

// keptPlace is where the entry of a key lies.
type keptPlace struct{ entry, byTime, count, digest string }

func (op *Op) placeOf(key string) keptPlace {
	sum := sha256.Sum256([]byte(key))
	digest := hex.EncodeToString(sum[:])
	app, shard := op.app.def.Name, "/"+op.principal.User.String()+"/"+digest[:1]
	return keptPlace{entry: app + "/k" + shard + "/", byTime: app + "/t" + shard + "/", count: app + "/n" + shard, digest: digest}
}

func timeKey(at int64, digest string) string { return fmt.Sprintf("%016x/%s", at, digest) }

// Replay returns what the viewer's mutation did that came with the key before,
// one outcome for each of its fields; false where there is none, or none any
// more. ErrKeyReused for a key that came with other content. The outcomes are
// ids: what may be read of the records is decided anew (P11).
func (op *Op) Replay(k *ReplayKey) ([]Outcome, bool, error) {
	p := op.placeOf(k.Key)
	e, _, err := op.kept(p)
	switch {
	case err != nil || e == nil || op.stale(e.Time):
		return nil, false, err
	case !bytes.Equal(e.Content, k.Content[:]):
		return nil, false, ErrKeyReused
	}
	return e.Outcomes, true, nil
}

func (op *Op) stale(at int64) bool { return op.write.now.UnixMicro()-at >= KeptFor.Microseconds() }

func (op *Op) kept(p keptPlace) (e *keptEntry, size int, err error) {
	b, ok, err := op.r.Doc(spaceReplay, p.entry+p.digest)
	if err != nil || !ok {
		return nil, 0, err
	}
	e = &keptEntry{}
	if err := json.Unmarshal(b, e); err != nil {
		return nil, 0, fault.Wrap(fault.Unavailable, opReplay, err, "what was kept for this key is damaged")
	}
	return e, len(b), nil
}

// Keep stores what the mutation did, for KeptFor, in its own transaction. Limit
// where the viewer has too many keys in that time: an older one is never given
// up for a new one, as what came with it would be done twice.
func (op *Op) Keep(k *ReplayKey, outcomes []Outcome) error {
	p := op.placeOf(k.Key)
	var n keptCount
	if b, ok, err := op.r.Doc(spaceReplay, p.count); err != nil {
		return err
	} else if ok {
		if err := json.Unmarshal(b, &n); err != nil {
			return fault.Wrap(fault.Unavailable, opReplay, err, "the count of keys is damaged")
		}
	}
	if old, size, err := op.kept(p); err != nil {
		return err
	} else if old != nil {
		if err := op.giveUp(p, timeKey(old.Time, p.digest), size, &n); err != nil {
			return err
		}
	}
	if err := op.clean(p, &n); err != nil {
		return err
	}
	if outcomes == nil {
		outcomes = []Outcome{}
	}
	at := op.write.now.UnixMicro()
	b, err := json.Marshal(keptEntry{Time: at, Content: k.Content[:], Outcomes: outcomes})
	if err != nil {
		return err
	}
	n.Count, n.Bytes = n.Count+1, n.Bytes+len(b)
	if n.Count > maxReplays || n.Bytes > maxReplayBytes {
		return fault.New(fault.Limit, opReplay, "Idempotency-Key: too many operations came with a key in the last 24 hours; send this one without, or later")
	}
	size, err := json.Marshal(len(b))
	if err != nil {
		return err
	}
	count, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return op.putKept(p.entry+p.digest, b, p.byTime+timeKey(at, p.digest), size, p.count, count)
}

// putKept writes documents that no history shows: they tell nothing that the
// changes of the mutation do not.
func (op *Op) putKept(entry string, b []byte, byTime string, size []byte, count string, n []byte) error {
	for _, d := range []struct {
		key   string
		value []byte
	}{{entry, b}, {byTime, size}, {count, n}} {
		if err := op.txn.PutSecret(spaceReplay, d.key, d.value); err != nil {
			return err
		}
	}
	return nil
}

// clean takes away a few of the entries that are too old.
func (op *Op) clean(p keptPlace, n *keptCount) error {
	type found struct {
		key  string
		size int
	}
	var old []found
	c := op.r.Docs(spaceReplay, p.byTime)
	defer c.Close()
	for len(old) < cleaned && c.Next() {
		var at int64
		key, size := c.Key()[len(p.byTime):], 0
		if _, err := fmt.Sscanf(key, "%x/", &at); err != nil {
			return fault.Wrap(fault.Unavailable, opReplay, err, "the list of keys is damaged")
		}
		if !op.stale(at) {
			break
		}
		if err := json.Unmarshal(c.Value(), &size); err != nil {
			return fault.Wrap(fault.Unavailable, opReplay, err, "the list of keys is damaged")
		}
		old = append(old, found{key, size})
	}
	if err := c.Err(); err != nil {
		return err
	}
	for _, f := range old {
		if err := op.giveUp(p, f.key, f.size, n); err != nil {
			return err
		}
	}
	return nil
}

func (op *Op) giveUp(p keptPlace, key string, size int, n *keptCount) error {
	n.Count, n.Bytes = max(n.Count-1, 0), max(n.Bytes-size, 0)
	if err := op.txn.PutSecret(spaceReplay, p.byTime+key, nil); err != nil {
		return err
	}
	return op.txn.PutSecret(spaceReplay, p.entry+key[len(key)-len(p.digest):], nil)
}
