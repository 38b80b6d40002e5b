package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sluice/internal/record"
	"sluice/storage"
)

// pastSpaces are those that testPast writes to.
var pastSpaces = []storage.Space{1, 2, 9}

// pastWorld is all that a reader of a state shows of documents and of records 1
// to 9.
func pastWorld(r storage.Reader) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range pastSpaces {
		for _, desc := range []bool{false, true} {
			c := r.DocsIn(s, "", storage.DocRange{Desc: desc})
			for c.Next() {
				out[fmt.Sprint(desc, s, c.Key())] = string(c.Value())
			}
			if c.Err() != nil {
				return nil, c.Err()
			}
		}
		for n := range 6 {
			b, ok, err := r.Doc(s, fmt.Sprint("d", n))
			if err != nil {
				return nil, err
			}
			if ok {
				out[fmt.Sprint("doc ", s, n)] = string(b)
			}
		}
	}
	for n := 1; n < 10; n++ {
		rec, ok, err := r.Record(order, id(n))
		if err != nil {
			return nil, err
		}
		if ok {
			out[fmt.Sprint("record ", n)] = string(rec.Encoded())
		}
		history, err := historyOf(r, n, false)
		if err != nil {
			return nil, err
		}
		out[fmt.Sprint("history ", n)] = fmt.Sprint(history)
	}
	c := r.Changes(0)
	defer c.Close()
	for c.Next() {
		out["log"] = fmt.Sprint(out["log"], c.Change().Seq, c.Change().Key)
	}
	return out, c.Err()
}

// past is a state as it was seen while it was the newest.
type past struct {
	seq   uint64
	at    time.Time
	shown map[string]string
}

// testPast compares each state that there was with what is told of it later.
func testPast(t *testing.T, s *storage.Store) {
	tn, other := newTenant(t, s), newTenant(t, s)
	rnd := rand.New(rand.NewPCG(1, 2))
	at := meta.Time
	var all []past
	for range 60 {
		at = at.Add(time.Duration(1+rnd.IntN(5)) * time.Second)
		m := meta
		m.Time = at
		must(t, tn.Update(t.Context(), m, func(tx *storage.Txn) error { return pastStep(tx, rnd) }))
		update(t, other, func(tx *storage.Txn) error { return tx.PutDoc(1, "d1", []byte("of another tenant")) })
		sn := snapshot(t, tn)
		last, err := sn.LastChange()
		must(t, err)
		shown, err := pastWorld(sn)
		must(t, err)
		all = append(all, past{last, at, shown})
		sn.Close()
	}
	sn := snapshot(t, tn)
	for i, p := range all {
		told, err := sn.At(p.seq)
		must(t, err)
		got, err := pastWorld(told)
		must(t, err)
		if !maps.Equal(got, p.shown) {
			t.Fatalf("state %d: %v\nwas %v", i, got, p.shown)
		}
		if i > 0 {
			if end, err := sn.EndOf(all[i-1].seq + 1); err != nil || end != p.seq {
				t.Errorf("state %d: its transaction ends at %d, %v; want %d", i, end, err, p.seq)
			}
			from, err := sn.At(all[rnd.IntN(i)].seq)
			must(t, err)
			_, err = pastWorld(from)
			must(t, err)
			must(t, from.Advance(p.seq))
			if got, err = pastWorld(from); err != nil || !maps.Equal(got, p.shown) {
				t.Fatalf("state %d, gone on to: %v, %v\nwas %v", i, got, err, p.shown)
			}
		}
		for _, d := range []time.Duration{0, 999 * time.Millisecond} {
			if seq, err := sn.ChangeAt(p.at.Add(d)); err != nil || seq != p.seq {
				t.Errorf("at %v behind state %d: change %d, %v; want %d", d, i, seq, err, p.seq)
			}
		}
	}
	if seq, err := sn.ChangeAt(meta.Time); err != nil || seq != 0 {
		t.Errorf("before everything: change %d, %v", seq, err)
	}
	first, err := sn.At(0)
	must(t, err)
	if got, err := pastWorld(first); err != nil || len(got) != 9 { // nine histories, all empty
		t.Errorf("the state before the first change: %v, %v", got, err)
	}
	testPastRefuses(t, sn, all[20].seq)
}

// pastStep changes a few documents and records, and secrets, which leave no trace.
func pastStep(tx *storage.Txn, rnd *rand.Rand) error {
	for range 1 + rnd.IntN(5) {
		space, key := pastSpaces[rnd.IntN(3)], fmt.Sprint("d", rnd.IntN(6))
		value := []byte(fmt.Sprint(rnd.Uint64()))
		switch rnd.IntN(8) {
		case 0:
			value = nil
		case 1:
			value = []byte{}
		case 2:
			value = bytes.Repeat(value, 5000)
		}
		n := 1 + rnd.IntN(9)
		old, found, err := tx.Record(order, id(n))
		if err != nil {
			return err
		}
		switch c := (cells{17: record.Int(rnd.Int64N(1000))}); {
		case rnd.IntN(2) == 0:
			err = tx.PutDoc(space, key, value)
		case !found:
			err = tx.Insert(order, rec(n, n, c))
		case rnd.IntN(3) == 0:
			err = tx.Delete(order, old)
		default:
			err = tx.Update(order, old, edit(old, c))
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(tx.PutDoc(1, "always", []byte(fmt.Sprint(rnd.Uint64()))), tx.PutSecret(4, "s", []byte("hidden")))
}

// testPastRefuses asks a past state for what it does not have.
func testPastRefuses(t *testing.T, sn *storage.Snapshot, seq uint64) {
	p, err := sn.At(seq)
	must(t, err)
	if c := p.Records(order, storage.Range{}); c.Next() || c.Err() == nil {
		t.Error("a past state walks over records")
	}
	if c := p.Index(order, byOwner, storage.Range{}); c.Next() || c.Err() == nil {
		t.Error("a past state walks over an index")
	}
	if _, _, err := p.Guarded(order, byCode, record.String("x")); err == nil {
		t.Error("a past state has guards")
	}
	if _, err := sn.At(1 << 40); err == nil {
		t.Error("a state of the future")
	}
	now, err := sn.Epoch()
	must(t, err)
	again, err := sn.At(seq)
	must(t, err)
	e1, _ := p.Epoch()
	e2, _ := again.Epoch()
	if e1 == e2 || e1 == now || e2 == now {
		t.Errorf("epochs %d, %d and %d of different readers", e1, e2, now)
	}
	sn.Close()
	if _, _, err := p.Doc(1, "d1"); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("a past state outlives its snapshot: %v", err)
	}
	if _, _, err := p.Record(order, id(1)); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("a past state outlives its snapshot: %v", err)
	}
}

// checkDocHistories reports the first disagreement between the change log and
// the histories of the spaces that it speaks of.
func checkDocHistories(s *storage.Snapshot) error {
	want := map[storage.Space][]string{}
	c := s.Changes(0)
	defer c.Close()
	for c.Next() {
		if ch := c.Change(); ch.Form == 0 {
			want[ch.Space] = append(want[ch.Space], fmt.Sprint(ch.Seq, ch.Key, ch.Before != nil))
		}
	}
	if c.Err() != nil {
		return c.Err()
	}
	for space := range storage.Space(40) {
		var got []string
		h := s.DocHistory(space, 0)
		for h.Next() {
			got = append(got, fmt.Sprint(h.Seq(), h.Key(), h.Was()))
		}
		h.Close()
		if h.Err() != nil || !slices.Equal(got, want[space]) {
			return errors.Join(h.Err(), fmt.Errorf("the history of space %d is %q, the log has %q", space, got, want[space]))
		}
	}
	return nil
}
