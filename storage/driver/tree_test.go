package driver_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sluice/storage/driver"
)

// TestTree runs random changes on a tree and a map, with snapshots of both kept
// aside, and compares everything that can be asked.
func TestTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tree driver.Tree[int]
		model := map[string]int{}
		type kept struct {
			tree  driver.Tree[int]
			model map[string]int
		}
		var snaps []kept
		keys := rapid.IntRange(1, 400).Draw(t, "keys")
		for n := range rapid.IntRange(0, 600).Draw(t, "steps") {
			key := fmt.Sprint(rapid.IntRange(0, keys).Draw(t, "key"))
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				snaps = append(snaps, kept{tree.Snapshot(), maps.Clone(model)})
			case 1, 2, 3:
				_, had := model[key]
				if tree.Delete([]byte(key)) != had {
					t.Fatalf("delete of %s, which was there: %v", key, had)
				}
				delete(model, key)
			default:
				tree.Set([]byte(key), n)
				model[key] = n
			}
		}
		checkTree(t, &tree, model)
		for _, s := range snaps {
			checkTree(t, &s.tree, s.model)
		}
	})
}

func checkTree(t *rapid.T, tree *driver.Tree[int], model map[string]int) {
	want := slices.Sorted(maps.Keys(model))
	if tree.Len() != len(want) {
		t.Fatalf("length %d, want %d", tree.Len(), len(want))
	}
	it := tree.Iter()
	i := 0
	for it.Seek(nil); it.Valid(); it.Next() {
		if v, found := tree.Get(it.Key()); !found || string(it.Key()) != want[i] || it.Value() != model[want[i]] || v != it.Value() {
			t.Fatalf("at %d: %s=%d, want %s=%d", i, it.Key(), it.Value(), want[i], model[want[i]])
		}
		i++
	}
	if i != len(want) {
		t.Fatalf("a walk has %d keys, want %d", i, len(want))
	}
	for it.Last(); it.Valid(); it.Prev() {
		i--
		if string(it.Key()) != want[i] {
			t.Fatalf("backwards at %d: %s, want %s", i, it.Key(), want[i])
		}
	}
	for _, seek := range []string{"", "0", "1", "15", "155", "3", "99", "a"} {
		i, found := slices.BinarySearch(want, seek)
		it.Seek([]byte(seek))
		if it.Valid() != (i < len(want)) || it.Valid() && string(it.Key()) != want[i] {
			t.Fatalf("seek %q", seek)
		}
		if !found {
			i--
		}
		it.SeekBack([]byte(seek))
		if it.Valid() != (i >= 0) || it.Valid() && !bytes.Equal(it.Key(), []byte(want[i])) {
			t.Fatalf("seek back %q", seek)
		}
	}
}

// TestRecent holds validation against a full history of commits.
func TestRecent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := driver.NewRecent(0)
		var history [][]string
		floor := uint64(0)
		key := rapid.SampledFrom([]string{"a", "b", "c", "d"})
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			seq := uint64(len(history) + 1)
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				keys := rapid.SliceOfN(key, 0, 3).Draw(t, "keys")
				var writes []driver.Write
				for _, k := range keys {
					writes = append(writes, driver.Write{Key: []byte(k)})
				}
				r.Note(seq, writes)
				history = append(history, keys)
			case 1:
				floor = max(floor, rapid.Uint64Range(0, seq-1).Draw(t, "oldest"))
				r.Prune(floor)
			default:
				snap, k := rapid.Uint64Range(0, seq-1).Draw(t, "snap"), key.Draw(t, "key")
				want := false
				for n := snap; n < uint64(len(history)); n++ {
					want = want || slices.Contains(history[n], k)
				}
				got := r.Conflicts(snap, [][]byte{[]byte(k)})
				if got != want && (snap >= floor || !got) {
					t.Fatalf("read of %s at %d, floor %d: %v, want %v", k, snap, floor, got, want)
				}
			}
		}
	})
}

func TestAfter(t *testing.T) {
	for prefix, want := range map[string]string{"": "", "a": "b", "a\xff": "b", "a\xff\xff": "b", "\xff": "", "a\x00": "a\x01"} {
		if got := driver.After([]byte(prefix)); string(got) != want || (got == nil) != (want == "") {
			t.Errorf("after %q: %q, want %q", prefix, got, want)
		}
	}
}
