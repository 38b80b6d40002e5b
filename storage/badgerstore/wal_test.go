package badgerstore

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestWalScan reads a log that Badger wrote, whole, divided and damaged.
func TestWalScan(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, testOptions())
	for range 30 {
		put(t, s, "k", "some value")
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.mem"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	log, err := os.ReadFile(names[0])
	must(t, err)
	must(t, s.Close())

	var ends []int // of batches
	for at := walHead; ; {
		_, n, _ := readBatch(log[at:])
		if n == 0 {
			break
		}
		at += n
		ends = append(ends, at)
	}
	if len(ends) != 30 {
		t.Fatalf("%d batches were found in the log, 30 were written", len(ends))
	}
	part := func(from, to int) []byte { return slices.Concat(log[:walHead], log[from:to], make([]byte, 50)) }
	flipped := slices.Clone(log)
	flipped[ends[9]+5] ^= 1
	tests := []struct {
		name  string
		files [][]byte
		want  walScan
	}{
		{"whole", [][]byte{log}, walScan{first: 1, last: 30}},
		{"flipped", [][]byte{flipped}, walScan{first: 1, last: 10, dirty: true}},
		{"two files", [][]byte{part(walHead, ends[14]), part(ends[14], ends[29])}, walScan{first: 1, last: 30}},
		{"an empty file behind", [][]byte{log, log[:walHead], make([]byte, 500), nil}, walScan{first: 1, last: 30}},
		{"a file is missing", [][]byte{part(walHead, ends[9]), part(ends[10], ends[29])}, walScan{first: 1, last: 30, gap: 12}},
		{"cut in a batch", [][]byte{part(walHead, ends[14]+30)}, walScan{first: 1, last: 15, dirty: true}},
	}
	for _, test := range tests {
		var got walScan
		for _, f := range test.files {
			got.file(f)
		}
		if got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

// TestOldLogIsDamaged flips a byte of a log that is not the last: the end of the
// chain is whole, the middle is not.
func TestOldLogIsDamaged(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, testOptions())
	for range 30 {
		put(t, s, "k", "some value")
	}
	first, err := filepath.Glob(filepath.Join(dir, "*.mem"))
	must(t, err)
	log, err := os.ReadFile(first[0])
	must(t, err)
	must(t, s.Close())
	end := walHead
	for range 20 {
		_, n, _ := readBatch(log[end:])
		end += n
	}
	tests := []struct {
		name    string
		change  func(old []byte) []byte
		refused bool
	}{
		{"no change", func(old []byte) []byte { return old }, false},
		{"flipped", func(old []byte) []byte { old[end/2] ^= 1; return old }, true},
		{"last entry flipped", func(old []byte) []byte { old[end-1] ^= 1; return old }, true},
		{"cut", func(old []byte) []byte { return old[:end/2] }, true},
	}
	for _, test := range tests {
		d := t.TempDir()
		must(t, os.WriteFile(filepath.Join(d, "00001.mem"), test.change(slices.Clone(log[:end])), 0o600))
		must(t, os.WriteFile(filepath.Join(d, "00002.mem"), slices.Concat(log[:walHead], log[end:]), 0o600))
		if _, err := checkLogs(d, 30); (err != nil) != test.refused {
			t.Errorf("%s: %v, want refused: %v", test.name, err, test.refused)
		}
	}
}

func FuzzReadEntry(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x40, 0, 9, 1, 0})
	f.Add([]byte{0x40, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, n, err := readEntry(b); err == nil && (n > len(b) || n < len(e.key)+len(e.value)) {
			t.Errorf("%d bytes of %d", n, len(b))
		}
		var s walScan
		s.file(b)
	})
}

// TestLogsAndTablesJoin removes what stands between tables and log.
func TestLogsAndTablesJoin(t *testing.T) {
	tests := []struct {
		name                 string
		logs                 walScan
		stored, acknowledged uint64
		refused              bool
	}{
		{"nothing", walScan{}, 0, 0, false},
		{"only a log", walScan{first: 1, last: 9}, 0, 9, false},
		{"only tables", walScan{}, 9, 9, false},
		{"both", walScan{first: 5, last: 9}, 4, 9, false},
		{"both, with the same batches", walScan{first: 3, last: 9}, 6, 9, false},
		{"a log is missing between", walScan{first: 6, last: 9}, 4, 9, true},
		{"a table is missing", walScan{first: 5, last: 9}, 0, 9, true},
		{"the last log is missing", walScan{}, 4, 9, true},
		{"one ahead", walScan{first: 1, last: 10}, 0, 9, false},
		{"a new chain", walScan{last: 12}, 4, 11, false},
	}
	for _, test := range tests {
		if err := checkJoint(test.logs, test.stored, test.acknowledged); (err != nil) != test.refused {
			t.Errorf("%s: %v, want refused: %v", test.name, err, test.refused)
		}
	}
}
