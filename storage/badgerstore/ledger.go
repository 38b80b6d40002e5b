package badgerstore

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

// The ledger is a file of lines of one length: a head, then for each batch its
// number, the hash of the chain up to it and a checksum, in hex. The rest of the
// file is zeros, so that appending does not change its length. When it is full,
// a new file that begins with the last line takes its place.
const (
	ledgerName = "LEDGER"
	ledgerHead = "sluice ledger 1"
	lineSize   = 16 + 1 + 64 + 1 + 8 + 1
	ledgerSize = lineSize * 8192
)

var errLedger = errors.New("badgerstore: the ledger is damaged")

// batchID names a batch: its number and the hash of all batches up to it.
type batchID struct {
	n     uint64
	chain [sha256.Size]byte
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func appendLine(dst []byte, b batchID) []byte {
	start := len(dst)
	dst = fmt.Appendf(dst, "%016x %x ", b.n, b.chain)
	return fmt.Appendf(dst, "%08x\n", crc32.Checksum(dst[start:], castagnoli))
}

func parseLine(line []byte) (b batchID, ok bool) {
	if len(line) != lineSize {
		return b, false
	}
	var sum uint32
	var chain []byte
	if n, err := fmt.Sscanf(string(line), "%016x %x %08x\n", &b.n, &chain, &sum); n != 3 || err != nil {
		return b, false
	}
	copy(b.chain[:], chain)
	return b, len(chain) == len(b.chain) && bytes.Equal(appendLine(nil, b), line)
}

func head() []byte {
	line := bytes.Repeat([]byte(" "), lineSize)
	copy(line, ledgerHead)
	line[lineSize-1] = '\n'
	return line
}

// readLedger returns the lines of a ledger file. A line that is not whole is
// passed over at the end, where a crash may leave one, and nowhere else.
func readLedger(b []byte) ([]batchID, error) {
	if len(b) < lineSize || !bytes.Equal(b[:lineSize], head()) {
		return nil, fmt.Errorf("%w: it does not begin as one of this version", errLedger)
	}
	var lines []batchID
	torn := false
	for b = b[lineSize:]; len(b) > 0; b = b[min(lineSize, len(b)):] {
		line, ok := parseLine(b[:min(lineSize, len(b))])
		switch {
		case !ok:
			torn = true
		case torn:
			return nil, fmt.Errorf("%w: before commit %d", errLedger, line.n)
		case len(lines) > 0 && line.n != lines[len(lines)-1].n+1:
			return nil, fmt.Errorf("%w: commit %d follows %d", errLedger, line.n, lines[len(lines)-1].n)
		default:
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// readLedgerFile is readLedger for a directory; os.ErrNotExist when it has none.
func readLedgerFile(dir string) ([]batchID, error) {
	b, err := os.ReadFile(filepath.Join(dir, ledgerName))
	if err != nil {
		return nil, fmt.Errorf("badgerstore: %w", err)
	}
	return readLedger(b)
}

// lastAcknowledged returns the last batch of a directory's ledger, zero when
// there is none.
func lastAcknowledged(dir string) (batchID, error) {
	lines, err := readLedgerFile(dir)
	if errors.Is(err, os.ErrNotExist) {
		return batchID{}, nil
	}
	if err != nil || len(lines) == 0 {
		return batchID{}, err
	}
	return lines[len(lines)-1], nil
}

// ledger is the open file. It belongs to the committer.
type ledger struct {
	dir  string
	f    *os.File
	off  int64
	line []byte
}

// newLedger puts a new ledger that ends with last in the place of the one in
// dir, if any.
func newLedger(dir string, last batchID) (*ledger, error) {
	l := &ledger{dir: dir}
	if err := l.rotate(last); err != nil {
		return nil, fmt.Errorf("badgerstore: ledger: %w", err)
	}
	return l, nil
}

// append makes the batch durable as acknowledged.
func (l *ledger) append(b batchID) error {
	if l.off+lineSize > ledgerSize {
		return l.rotate(b)
	}
	l.line = appendLine(l.line[:0], b)
	if _, err := l.f.WriteAt(l.line, l.off); err != nil {
		return err
	}
	l.off += lineSize
	return datasync(l.f)
}

func (l *ledger) rotate(last batchID) error {
	path := filepath.Join(l.dir, ledgerName)
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	b := head()
	if last.n > 0 {
		b = appendLine(b, last)
	}
	off := int64(len(b))
	b = append(b, make([]byte, ledgerSize-len(b))...)
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil {
		err = syncDir(l.dir)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	old := l.f
	l.f, l.off = f, off
	if old != nil {
		return old.Close()
	}
	return nil
}

func (l *ledger) close() error { return l.f.Close() }

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
