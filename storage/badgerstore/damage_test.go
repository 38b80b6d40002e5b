package badgerstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/effort"
	"sluice/storage/badgerstore"
	"sluice/storage/driver"
)

// full reports whether the counts of continuous integration are asked for.

// image is a copy of a data directory as a crash leaves it: taken while the
// store is open.
func image(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(to, e.Name()), b)
	}
	return to
}

// write writes a file, with a hole for the zeros at its end: Badger's logs are
// mostly that.
func write(t *testing.T, file string, b []byte) {
	t.Helper()
	err := os.WriteFile(file, bytes.TrimRight(b, "\x00"), 0o600)
	if err = errors.Join(err, os.Truncate(file, int64(len(b)))); err != nil {
		t.Fatal(err)
	}
}

const commits = 60

func key(n int) []byte { return fmt.Appendf(nil, "key-%03d", n) }

func value(n int) []byte { return bytes.Repeat(fmt.Appendf(nil, "value-%03d.", n), 20) }

// crashed returns the directory of a store that was left open after a number of
// commits.
func crashed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	d := openDriver(t, dir)
	for n := range commits {
		if _, err := d.Commit(t.Context(), 0, nil, []driver.Write{{Key: key(n), Value: value(n)}, {Key: []byte("s"), Value: []byte{1}, Stamp: true}}); err != nil {
			t.Fatal(err)
		}
	}
	to := image(t, dir)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	// Most of a log is a hole. Without it, copies are made faster.
	log := theFile(t, to, "*.mem")
	if err := os.Truncate(log, int64(used(t, log))+4096); err != nil {
		t.Fatal(err)
	}
	return to
}

// whole reports whether a store has all that was committed.
func whole(t *testing.T, d driver.Driver) error {
	t.Helper()
	s, err := d.Snapshot()
	if err != nil {
		return err
	}
	defer s.Close()
	for n := range commits {
		v, found, err := s.Get(key(n))
		if err != nil || !found || !bytes.Equal(v, value(n)) {
			return fmt.Errorf("%s: found %v, %d bytes, %w", key(n), found, len(v), err)
		}
	}
	c := s.Cursor([]byte("key-"), nil, false)
	defer c.Close()
	n := 0
	for ; c.Next(); n++ {
		if !bytes.Equal(c.Value(), value(n)) {
			return fmt.Errorf("value %d of the walk differs", n)
		}
	}
	if n != commits || c.Err() != nil {
		return fmt.Errorf("a walk shows %d keys: %w", n, c.Err())
	}
	return nil
}

// openError opens and closes a directory. What opens must have everything.
func openError(t *testing.T, dir string) error {
	t.Helper()
	d, err := badgerstore.NewDriver(dir, small())
	if err != nil {
		return err
	}
	if err := errors.Join(whole(t, d), d.Close()); err != nil {
		t.Errorf("%s was opened with a loss: %v", dir, err)
	}
	return nil
}

func theFile(t *testing.T, dir, pattern string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(names) != 1 {
		t.Fatalf("%s: %v %v", pattern, names, err)
	}
	return names[0]
}

// used returns the length of a file without the zeros at its end.
func used(t *testing.T, file string) int {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return len(bytes.TrimRight(b, "\x00"))
}

func alter(t *testing.T, file string, fn func(b []byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, fn(b))
}

func TestCrashImageOpens(t *testing.T) {
	if err := openError(t, crashed(t)); err != nil {
		t.Fatal(err)
	}
}

// TestFlippedByteInLog flips bytes of the live write-ahead file. Badger opens
// such a directory without a word.
func TestFlippedByteInLog(t *testing.T) {
	dir := crashed(t)
	size := used(t, theFile(t, dir, "*.mem"))
	flips := effort.Of(8, 200, 2000)
	const head = 20 // of the file: a key number and an unused vector
	for i := range flips {
		at := head + (size-head)*i/flips + rand.IntN((size-head)/flips)
		copied := image(t, dir)
		log := theFile(t, copied, "*.mem")
		alter(t, log, func(b []byte) []byte { b[at] ^= 1 << rand.IntN(8); return b })
		left := used(t, log)
		err := openError(t, copied)
		if names, _ := filepath.Glob(log); len(names) != 1 || used(t, log) != left {
			t.Errorf("byte %d: the log was cut before it was refused", at)
		}
		if err == nil {
			t.Errorf("byte %d of %d: not detected", at, size)
			continue
		}
		if loss, ok := errors.AsType[*badgerstore.LossError](err); ok && (loss.Missing() == 0 || !strings.Contains(err.Error(), fmt.Sprint(loss.Missing(), " missing"))) {
			t.Errorf("byte %d: the error does not say how much is missing: %v", at, err)
		}
	}
}

func TestDamage(t *testing.T) {
	dir := crashed(t)
	const line = 91
	ledgerEnd := used(t, theFile(t, dir, "LEDGER"))
	tests := []struct {
		name    string
		file    string
		change  func(b []byte) []byte // nil removes the file
		refused bool
	}{
		{"log removed", "*.mem", nil, true},
		{"log emptied", "*.mem", func([]byte) []byte { return nil }, true},
		{"log cut", "*.mem", func(b []byte) []byte { return b[:len(bytes.TrimRight(b, "\x00"))/2] }, true},
		{"log zeroed in the middle", "*.mem", func(b []byte) []byte { clear(b[5000:5001]); b[5001] = 0; b[5002] = 0; b[5003] = 0; return b }, true},
		{"ledger removed", "LEDGER", nil, true},
		{"ledger empty", "LEDGER", func([]byte) []byte { return nil }, true},
		{"ledger of another version", "LEDGER", func(b []byte) []byte { b[14] = '2'; return b }, true},
		{"ledger flipped in the middle", "LEDGER", func(b []byte) []byte { b[10*line+30] ^= 1; return b }, true},
		{"ledger without two lines", "LEDGER", func(b []byte) []byte { clear(b[ledgerEnd-2*line:]); return b }, true},
		{"last line of the ledger torn", "LEDGER", func(b []byte) []byte { clear(b[ledgerEnd-40:]); return b }, false},
		{"last line of the ledger flipped", "LEDGER", func(b []byte) []byte { b[ledgerEnd-30] ^= 4; return b }, false},
		{"zeros of the ledger cut", "LEDGER", func(b []byte) []byte { return b[:ledgerEnd] }, false},
		{"manifest removed", "MANIFEST", nil, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			copied := image(t, dir)
			file := theFile(t, copied, test.file)
			if test.change == nil {
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
			} else {
				alter(t, file, test.change)
			}
			err := openError(t, copied)
			if (err != nil) != test.refused {
				t.Errorf("%v, want refused: %v", err, test.refused)
			}
			if err == nil {
				if err := openError(t, copied); err != nil {
					t.Errorf("a second open: %v", err)
				}
			}
		})
	}
}

// TestDamagedTable flips bytes of a table after a clean close.
func TestDamagedTable(t *testing.T) {
	dir := t.TempDir()
	d := openDriver(t, dir)
	for n := range commits {
		if _, err := d.Commit(t.Context(), 0, nil, []driver.Write{{Key: key(n), Value: value(n)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := openError(t, image(t, dir)); err != nil {
		t.Fatalf("without damage: %v", err)
	}
	size := used(t, theFile(t, dir, "*.sst"))
	flips := effort.Of(6, 100, 1000)
	silent := 0
	for i := range flips {
		at := size*i/flips + rand.IntN(size/flips)
		copied := image(t, dir)
		alter(t, theFile(t, copied, "*.sst"), func(b []byte) []byte { b[at] ^= 1 << rand.IntN(8); return b })
		if openError(t, copied) == nil {
			silent++ // nothing was lost: whole has looked
		}
	}
	t.Logf("%d of %d flips were harmless", silent, flips)
	manifest := image(t, dir)
	alter(t, theFile(t, manifest, "MANIFEST"), func(b []byte) []byte { return b[:len(b)-3] })
	if openError(t, manifest) == nil {
		t.Error("a manifest that lost a table was not detected")
	}
	theFile(t, manifest, "*.sst") // Badger would have deleted it
	copied := image(t, dir)
	if err := os.Remove(theFile(t, copied, "*.sst")); err != nil {
		t.Fatal(err)
	}
	if openError(t, copied) == nil {
		t.Error("a missing table was not detected")
	}
}

// TestAcceptLoss opens what is left, once, when an operator says so.
func TestAcceptLoss(t *testing.T) {
	dir := crashed(t)
	file := theFile(t, dir, "*.mem")
	at := used(t, file) / 2
	alter(t, file, func(b []byte) []byte { b[at] ^= 1; return b })
	_, err := badgerstore.NewDriver(dir, small())
	loss, ok := errors.AsType[*badgerstore.LossError](err)
	if !ok || loss.Missing() < 10 || loss.Missing() > commits {
		t.Fatalf("the loss: %v", err)
	}
	var warned []string
	o := small()
	o.AcceptLoss, o.Events.Warning = true, func(s string) { warned = append(warned, s) }
	for range 2 {
		d, err := badgerstore.NewDriver(dir, o)
		if err != nil {
			t.Fatal(err)
		}
		seq, err := d.Commit(t.Context(), 0, nil, []driver.Write{{Key: []byte("after"), Value: []byte("v")}})
		if err != nil || seq <= commits {
			t.Errorf("a commit after the loss has number %d, %v: numbers must not be used twice", seq, err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		o = small() // the second time without permission
	}
	if len(warned) == 0 || !strings.Contains(warned[0], "loss accepted") {
		t.Errorf("the accepted loss was not reported: %q", warned)
	}
}

// TestEmptyLog opens what a crash leaves between the making of a log and its
// first byte.
func TestEmptyLog(t *testing.T) {
	dir := crashed(t)
	for _, name := range []string{"00007.mem", "000009.vlog"} {
		write(t, filepath.Join(dir, name), nil)
	}
	if err := openError(t, dir); err != nil {
		t.Error(err)
	}
}

func TestInUse(t *testing.T) {
	dir := t.TempDir()
	d := openDriver(t, dir)
	if _, err := badgerstore.NewDriver(dir, small()); !errors.Is(err, badgerstore.ErrInUse) {
		t.Errorf("a second open: %v", err)
	}
	if _, err := d.Commit(t.Context(), 0, nil, []driver.Write{{Key: []byte("k"), Value: []byte("v")}}); err != nil {
		t.Errorf("a commit after a refused open: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := openDriver(t, dir).Close(); err != nil {
		t.Error(err)
	}
}
