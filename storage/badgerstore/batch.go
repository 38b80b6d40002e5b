package badgerstore

import (
	"encoding/binary"
	"errors"
	"hash"

	badger "github.com/dgraph-io/badger/v4"

	"sluice/storage/driver"
)

// batchWriter puts the writes of a batch into one Badger transaction.
type batchWriter struct {
	s      *store
	tx     *badger.Txn
	hash   hash.Hash
	stamps map[string]uint64 // as the batch changes them
	head   [9]byte
	err    error
}

func (b *batchWriter) add(w *driver.Write) {
	key := make([]byte, 0, len(w.Key)+9)
	key = append(append(key, keyData), w.Key...)
	if w.Stamp {
		n, err := b.stamp(w.Key)
		if err != nil {
			b.err = errors.Join(b.err, err)
			return
		}
		key = binary.BigEndian.AppendUint64(key, n)
		if w.Also != nil {
			also := append(make([]byte, 0, len(w.Also)+9), keyData)
			b.set(binary.BigEndian.AppendUint64(append(also, w.Also...), n), present(w.AlsoValue))
		}
	}
	b.set(key, w.Value)
}

// present is v, empty where it is nil: a value that is there.
func present(v []byte) []byte {
	if v == nil {
		return []byte{}
	}
	return v
}

// set writes a key of Badger; nil deletes. Badger keeps both slices until the
// commit is done.
func (b *batchWriter) set(key, value []byte) {
	b.head[0] = 0
	if value != nil {
		b.head[0] = 1
	}
	binary.BigEndian.PutUint32(b.head[1:], uint32(len(key)))
	binary.BigEndian.PutUint32(b.head[5:], uint32(len(value)))
	b.hash.Write(b.head[:])
	b.hash.Write(key)
	b.hash.Write(value)
	var err error
	if value == nil {
		err = b.tx.Delete(key)
	} else {
		err = b.tx.Set(key, value)
	}
	b.err = errors.Join(b.err, err)
}

// stamp returns the next number of a prefix.
func (b *batchWriter) stamp(prefix []byte) (uint64, error) {
	last, ok := b.stamps[string(prefix)]
	if !ok {
		var err error
		if last, err = b.s.lastStamp(prefix); err != nil {
			return 0, err
		}
	}
	b.stamps[string(prefix)] = last + 1
	return last + 1, nil
}

// counters writes the counters that the batch moved.
func (b *batchWriter) counters() {
	for prefix, last := range b.stamps {
		b.set(append([]byte{keyStamp}, prefix...), binary.BigEndian.AppendUint64(nil, last))
	}
}

// lastStamp returns the last number of a prefix, from memory or from Badger.
func (s *store) lastStamp(prefix []byte) (uint64, error) {
	if last, ok := s.stamps[string(prefix)]; ok {
		return last, nil
	}
	tx := s.db.NewTransactionAt(s.last.n, false)
	defer tx.Discard()
	return readNumber(tx, append([]byte{keyStamp}, prefix...))
}
