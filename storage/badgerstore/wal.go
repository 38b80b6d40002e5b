package badgerstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Badger cuts its write-ahead files (*.mem) at the first entry that it cannot
// read, and says nothing. So they are read here first, while they are as the
// crash left them, and damage is refused before anything is cut.
//
// A file is a head of 20 bytes, entries, and zeros. An entry is two bytes of
// flags, the lengths of key and value and an expiry as varints, key, value, and a
// CRC-32C of all that. Keys end with the inverted number of their batch; the last
// entry of a batch has the number in decimal as its value.
const (
	walHead  = 20
	walInTxn = 1 << 6
	walEnd   = 1 << 7
)

var errEntry = errors.New("badgerstore: no entry")

type walEntry struct {
	flags      byte
	key, value []byte
}

// batch returns the number in the key.
func (e *walEntry) batch() uint64 {
	if len(e.key) < 8 {
		return 0
	}
	return math.MaxUint64 - binary.BigEndian.Uint64(e.key[len(e.key)-8:])
}

// readEntry reads the entry at the beginning of b and returns its length.
func readEntry(b []byte) (e walEntry, n int, err error) {
	if len(b) < 2 {
		return e, 0, errEntry
	}
	e.flags, n = b[0], 2
	var nums [3]uint64 // key length, value length, expiry
	for i := range nums {
		v, m := binary.Uvarint(b[n:])
		if m <= 0 {
			return e, 0, errEntry
		}
		nums[i], n = v, n+m
	}
	klen, vlen := nums[0], nums[1]
	if klen == 0 || klen > 1<<16 || vlen > uint64(len(b)) || uint64(n)+klen+vlen+4 > uint64(len(b)) {
		return e, 0, errEntry
	}
	e.key, e.value = b[n:n+int(klen)], b[n+int(klen):n+int(klen+vlen)]
	n += int(klen + vlen)
	if binary.BigEndian.Uint32(b[n:]) != crc32.Checksum(b[:n], castagnoli) {
		return e, 0, errEntry
	}
	return e, n + 4, nil
}

// walScan is what one file, or several in their order, hold.
type walScan struct {
	first uint64 // number of the first whole batch, 0 for none and for one that begins a chain
	last  uint64 // number of the last whole batch, 0 for none
	gap   uint64 // number of a batch that does not follow the one before, 0 for none
	dirty bool   // there is something behind the last whole batch
}

// file goes on with the next file.
func (s *walScan) file(b []byte) {
	s.dirty = false
	if len(b) <= walHead {
		return
	}
	b = b[walHead:]
	for rest := b; ; {
		n, end, jump := readBatch(rest)
		if end == 0 {
			break
		}
		if s.last == 0 && !jump {
			s.first = n
		}
		if s.last != 0 && n != s.last+1 && !jump && s.gap == 0 {
			s.gap = n
		}
		s.last = n
		rest, b = rest[end:], rest[end:]
	}
	s.dirty = len(bytes.TrimLeft(b, "\x00")) > 0
}

// readBatch reads the entries of one batch and returns its number and length, 0
// when it is not whole. jump is true for one that begins a new chain.
func readBatch(b []byte) (n uint64, length int, jump bool) {
	for {
		e, size, err := readEntry(b[length:])
		if err != nil {
			return 0, 0, false
		}
		length += size
		switch {
		case e.flags&walEnd != 0:
			end, err := strconv.ParseUint(string(e.value), 10, 64)
			if err != nil || n != 0 && end != n {
				return 0, 0, false
			}
			return end, length, jump
		case e.flags&walInTxn == 0 || n != 0 && e.batch() != n:
			return 0, 0, false
		}
		n = e.batch()
		jump = jump || len(e.key) == 9 && e.key[0] == keyBase
	}
}

// checkLogs refuses write-ahead files from which Badger would drop a batch that
// was acknowledged. An unfinished batch at the end of the last file, behind the
// last acknowledged one, is what a crash leaves.
func checkLogs(dir string, acknowledged uint64) (s walScan, err error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.mem"))
	if err != nil {
		return s, fmt.Errorf("badgerstore: %w", err)
	}
	slices.SortFunc(names, func(a, b string) int { return logNumber(a) - logNumber(b) })
	for i, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return s, fmt.Errorf("badgerstore: %w", err)
		}
		s.file(b)
		lost := s.dirty && (i < len(names)-1 || s.last != 0 && s.last < acknowledged)
		switch {
		case s.gap != 0:
			return s, &LossError{Acknowledged: acknowledged, Found: s.gap - 1, Reason: fmt.Sprintf("commits before %d are missing in %s", s.gap, filepath.Base(name))}
		case lost:
			return s, &LossError{Acknowledged: acknowledged, Found: s.last, Reason: filepath.Base(name) + " is damaged"}
		}
	}
	return s, nil
}

// checkJoint refuses logs and tables that do not hold all batches together;
// stored is the last batch in a table. Every recent batch has left a marker, so
// no number that was stored is missing in the tables' versions.
func checkJoint(s walScan, stored, acknowledged uint64) error {
	switch {
	case s.first > stored+1:
		return &LossError{Acknowledged: acknowledged, Found: stored, Reason: fmt.Sprintf("commits before %d are missing", s.first)}
	case max(s.last, stored) < acknowledged:
		return &LossError{Acknowledged: acknowledged, Found: max(s.last, stored), Reason: "data are behind the ledger"}
	}
	return nil
}

func logNumber(name string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(name), ".mem"))
	if err != nil {
		return -1
	}
	return n
}
