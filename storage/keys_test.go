package storage_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
	"sluice/storage"
)

// valueFrom makes a value of any kind from bytes.
func valueFrom(kind byte, b []byte) record.Value {
	switch kind % 7 {
	case 1:
		return record.Bool(len(b)%2 == 1)
	case 2:
		var n [8]byte
		copy(n[:], b)
		return record.Int(int64(binary.LittleEndian.Uint64(n[:])))
	case 3:
		return record.Bytes(b)
	case 4:
		var id record.ID
		copy(id[:], b)
		return record.Ref(id)
	case 5:
		return record.List()
	case 6:
		var items []string
		for _, item := range bytes.Split(b, []byte{'/'}) {
			items = append(items, string(item))
		}
		return record.List(items...)
	}
	return record.Value{}
}

// FuzzSortKey holds the order of encoded values, alone and with more behind
// them, against the order of the values.
func FuzzSortKey(f *testing.F) {
	seeds := [][]byte{nil, {0}, {0, 0}, {0, 1}, {0, 0xff}, {0xff}, []byte("a"), []byte("a\x00"), []byte("ab"), []byte("a/b"), []byte("a/"), []byte("/"), {0, '/', 0}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, {0, 0, 0, 0, 0, 0, 0, 0x80}}
	for k := range byte(7) {
		for _, a := range seeds {
			for _, b := range seeds {
				f.Add(k, a, k, b)
			}
		}
		f.Add(k, seeds[1], k+1, seeds[2])
	}
	f.Fuzz(func(t *testing.T, ka byte, a []byte, kb byte, b []byte) {
		va, vb := valueFrom(ka, a), valueFrom(kb, b)
		ea, eb := storage.AppendSortKey(nil, va), storage.AppendSortKey(nil, vb)
		if got, want := bytes.Compare(ea, eb), sign(va.Compare(vb)); got != want {
			t.Fatalf("keys compare as %d, values as %d: %x %x", got, want, ea, eb)
		}
		if va.Equal(vb) {
			return
		}
		if bytes.HasPrefix(ea, eb) || bytes.HasPrefix(eb, ea) {
			t.Fatalf("one key begins with the other: %x %x", ea, eb)
		}
	})
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// TestCompositeKeys compares keys of several parts with the values, part by
// part.
func TestCompositeKeys(t *testing.T) {
	value := rapid.Custom(func(t *rapid.T) record.Value {
		return valueFrom(rapid.Byte().Draw(t, "kind"), rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', '/', 0xff}), 0, 4).Draw(t, "bytes"))
	})
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 3).Draw(t, "parts")
		a, b := rapid.SliceOfN(value, n, n).Draw(t, "a"), rapid.SliceOfN(value, n, n).Draw(t, "b")
		var ea, eb []byte
		want := 0
		for i := range n {
			ea, eb = storage.AppendSortKey(ea, a[i]), storage.AppendSortKey(eb, b[i])
			if want == 0 {
				want = sign(a[i].Compare(b[i]))
			}
		}
		if got := bytes.Compare(ea, eb); got != want {
			t.Fatalf("keys compare as %d, values as %d", got, want)
		}
	})
}
