package badgerstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	badger "github.com/dgraph-io/badger/v4"
)

// Keys in Badger begin with one byte: what they are. Badger keeps keys that
// begin with "!badger!" for itself.
const (
	keyData   = 1 // a key of the driver's user
	keyStamp  = 2 // a prefix of stamped keys: the last number given, uint64
	keyMarker = 3 // the number of a batch: the hash of the chain up to it
	keyBase   = 4 // the batch that the chain begins with, uint64; absent for 1
)

// defaultWindow is the number of batches whose markers are kept. It is more than
// a write-ahead file can hold, so that a file that is lost leaves a gap.
const defaultWindow = 1 << 18

// LossError says that the data in a directory are not what was acknowledged.
type LossError struct {
	Acknowledged uint64 // number of the last acknowledged commit batch
	Found        uint64 // number of the last one in the data
	Reason       string
}

// Missing returns the number of commit batches known to be missing.
func (e *LossError) Missing() uint64 {
	if e.Acknowledged > e.Found {
		return e.Acknowledged - e.Found
	}
	return 0
}

// Error says what is missing and that the directory was not opened.
func (e *LossError) Error() string {
	return fmt.Sprintf("badgerstore: the store was not opened: %s: acknowledged up to commit %d, found up to %d, %d missing; restore a backup",
		e.Reason, e.Acknowledged, e.Found, e.Missing())
}

func markerKey(n uint64) []byte { return binary.BigEndian.AppendUint64([]byte{keyMarker}, n) }

// verify compares the markers in Badger with each other and with the ledger, and
// returns the last batch in Badger.
func verify(dir string, db *badger.DB, window uint64) (last batchID, err error) {
	base, marks, err := readMarkers(db)
	if err != nil {
		return last, err
	}
	if len(marks) > 0 {
		last = marks[len(marks)-1]
	}
	lines, err := readLedgerFile(dir)
	if errors.Is(err, os.ErrNotExist) {
		if last.n == 0 && db.MaxVersion() == 0 {
			return last, nil
		}
		return last, &LossError{Found: last.n, Reason: "the ledger is missing"}
	}
	if err != nil {
		return last, err
	}
	return last, compare(base, window, marks, lines, db.MaxVersion())
}

// compare checks that markers are dense, that they and the ledger's lines agree,
// and that neither is behind. The data may be one batch ahead: the one that was
// not acknowledged yet.
func compare(base, window uint64, marks, lines []batchID, version uint64) error {
	var found, promised uint64
	if len(marks) > 0 {
		found = marks[len(marks)-1].n
	}
	if len(lines) > 0 {
		promised = lines[len(lines)-1].n
	}
	loss := func(format string, a ...any) error {
		return &LossError{Acknowledged: promised, Found: found, Reason: fmt.Sprintf(format, a...)}
	}
	switch {
	case found < promised:
		return loss("data are behind the ledger")
	case found > promised+1:
		return loss("the ledger is behind the data")
	case version > found:
		return loss("the data hold version %d, which no commit wrote", version)
	}
	chains := make(map[uint64][32]byte, len(marks))
	for i, m := range marks {
		if i > 0 && m.n != marks[i-1].n+1 {
			return loss("commits %d to %d are missing", marks[i-1].n+1, m.n-1)
		}
		chains[m.n] = m.chain
	}
	if n := uint64(len(marks)); n < min(found+1-base, window) {
		return loss("commits up to %d are missing", found-n)
	}
	for _, l := range lines {
		if chain, ok := chains[l.n]; ok && chain != l.chain {
			return loss("commit %d is not the one that was acknowledged", l.n)
		}
	}
	return nil
}

// readMarkers returns where the chain begins and the markers in ascending order.
func readMarkers(db *badger.DB) (base uint64, marks []batchID, err error) {
	tx := db.NewTransactionAt(db.MaxVersion(), false)
	defer tx.Discard()
	if base, err = readNumber(tx, []byte{keyBase}); err != nil {
		return 0, nil, err
	}
	it := tx.NewIterator(badger.IteratorOptions{Prefix: []byte{keyMarker}})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		var m batchID
		v, err := valueOf(it.Item())
		if err != nil || len(v) != len(m.chain) || len(it.Item().Key()) != 9 {
			return 0, nil, errors.Join(errors.New("badgerstore: the marker of a commit is damaged"), err)
		}
		m.n = binary.BigEndian.Uint64(it.Item().Key()[1:])
		copy(m.chain[:], v)
		marks = append(marks, m)
	}
	return max(base, 1), marks, nil
}

// readNumber returns the uint64 at key, 0 for none.
func readNumber(tx *badger.Txn, key []byte) (uint64, error) {
	item, err := tx.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("badgerstore: %w", err)
	}
	v, err := valueOf(item)
	if err != nil || len(v) != 8 {
		return 0, errors.Join(errors.New("badgerstore: a counter is damaged"), err)
	}
	return binary.BigEndian.Uint64(v), nil
}

// rebase makes a new chain that begins behind everything that either side knows
// of, and returns its first batch.
func rebase(dir string, db *badger.DB) (first batchID, err error) {
	_, marks, err := readMarkers(db)
	if err != nil {
		return first, err
	}
	promised, err := lastAcknowledged(dir)
	if err != nil && !errors.Is(err, errLedger) {
		return first, err
	}
	first.n = max(promised.n, db.MaxVersion()) + 1
	for len(marks) > 0 {
		k := min(len(marks), maxCommitWrites)
		if err := dropMarkers(db, first.n, marks[:k]); err != nil {
			return first, err
		}
		marks, first.n = marks[k:], first.n+1
	}
	tx := db.NewTransactionAt(first.n-1, true)
	defer tx.Discard()
	err = errors.Join(setBase(tx, first.n), tx.Set(markerKey(first.n), first.chain[:]))
	return first, errors.Join(err, tx.CommitAt(first.n, nil))
}

// setBase makes n the beginning of the chain. Each batch that does may have a
// number that does not follow the one before.
func setBase(tx *badger.Txn, n uint64) error {
	return tx.Set([]byte{keyBase}, binary.BigEndian.AppendUint64(nil, n))
}

func dropMarkers(db *badger.DB, n uint64, marks []batchID) error {
	tx := db.NewTransactionAt(n-1, true)
	defer tx.Discard()
	if err := setBase(tx, n); err != nil {
		return err
	}
	for _, m := range marks {
		if err := tx.Delete(markerKey(m.n)); err != nil {
			return err
		}
	}
	return tx.CommitAt(n, nil)
}
