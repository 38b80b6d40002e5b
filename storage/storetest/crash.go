package storetest

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// crashWriters is the number of writers of the crash test.
const crashWriters = 16

// CrashTenant is the tenant that the crash test writes to.
var CrashTenant = identity.Tenant{0xC4, 0xA5, 0x11}

// CrashChild writes without end, until the process is killed: 16 writers, each
// with a sequence of steps whose outcome is known. It continues where the store
// is. Each step is a transaction; once it is acknowledged, a line "writer step"
// goes to out. The first line is "ready".
func CrashChild(s *storage.Store, out io.Writer) error {
	tn := s.Tenant(CrashTenant)
	var mu sync.Mutex
	say := func(line string) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = io.WriteString(out, line)
	}
	say("ready\n")
	errs := make(chan error, crashWriters)
	for w := range crashWriters {
		go func() { errs <- crashWriter(tn, w, say) }()
	}
	return <-errs
}

func crashWriter(tn storage.Tenant, w int, say func(string)) error {
	sn, err := tn.Snapshot()
	if err != nil {
		return err
	}
	done, err := lastStep(sn, w)
	sn.Close()
	if err != nil {
		return err
	}
	say(fmt.Sprintf("%d %d\n", w, done)) // what is stored is as good as acknowledged
	for step := done + 1; ; step++ {
		if err := tn.Update(context.Background(), meta, func(tx *storage.Txn) error { return crashStep(tx, w, step) }); err != nil {
			return err
		}
		say(fmt.Sprintf("%d %d\n", w, step))
	}
}

func crashID(w, step int) int { return w<<16 | step }

// crashStep inserts a record, changes the one before it, deletes an older one at
// every second step, and writes which step it was.
func crashStep(tx *storage.Txn, w, step int) error {
	code := record.String(fmt.Sprint(w, "-", step))
	if err := tx.Insert(order, rec(crashID(w, step), w, cells{16: record.String("new"), 17: record.Int(int64(step)), 19: code})); err != nil {
		return err
	}
	if r, ok, err := tx.Record(order, id(crashID(w, step-1))); err != nil {
		return err
	} else if ok {
		if err := tx.Update(order, r, edit(r, cells{17: record.Int(int64(-step))})); err != nil {
			return err
		}
	}
	if r, ok, err := tx.Record(order, id(crashID(w, step-3))); err != nil {
		return err
	} else if ok && step%2 == 0 {
		if err := tx.Delete(order, r); err != nil {
			return err
		}
	}
	return tx.PutDoc(1, fmt.Sprint("last/", w), binary.BigEndian.AppendUint64(nil, uint64(step)))
}

func lastStep(r storage.Reader, w int) (int, error) {
	b, found, err := r.Doc(1, fmt.Sprint("last/", w))
	if err != nil || !found {
		return 0, err
	}
	return int(binary.BigEndian.Uint64(b)), nil
}

// Acknowledged is the last step of each writer that was acknowledged.
type Acknowledged [crashWriters]int

// Read takes the lines of a child up to n acknowledgements, or to its end, and
// returns how many there were.
func (a *Acknowledged) Read(lines *bufio.Scanner, n int) int {
	count := 0
	for count < n && lines.Scan() {
		var w, step int
		if _, err := fmt.Sscanf(lines.Text(), "%d %d", &w, &step); err == nil && w < crashWriters {
			a[w] = max(a[w], step)
			count++
		}
	}
	return count
}

// Stored returns the steps that a store has, for the next child: it continues
// behind a step that was stored and not acknowledged.
func Stored(s *storage.Store) (a Acknowledged, err error) {
	sn, err := s.Tenant(CrashTenant).Snapshot()
	if err != nil {
		return a, err
	}
	defer sn.Close()
	for w := range a {
		if a[w], err = lastStep(sn, w); err != nil {
			return a, err
		}
	}
	return a, nil
}

// CheckCrash reports the first thing that is wrong in a store after a crash: an
// acknowledged step that is lost, a step that is there in part, records and
// indexes that disagree, a change log with a gap, a record's or space's history that is not
// what the log says. A step that was not
// acknowledged may be there, whole.
func CheckCrash(s *storage.Store, acked Acknowledged) error {
	sn, err := s.Tenant(CrashTenant).Snapshot()
	if err != nil {
		return err
	}
	defer sn.Close()
	steps, records := 0, 0
	for w, want := range acked {
		got, err := lastStep(sn, w)
		if err != nil {
			return err
		}
		if got < want || got > want+1 {
			return fmt.Errorf("writer %d: step %d was acknowledged, %d is stored", w, want, got)
		}
		if err := checkWriter(sn, w, got); err != nil {
			return fmt.Errorf("writer %d at step %d: %w", w, got, err)
		}
		steps += got
		records += countRecords(got)
	}
	c := sn.Records(order, storage.Range{})
	defer c.Close()
	n := 0
	for c.Next() {
		n++
	}
	if n != records || c.Err() != nil {
		return fmt.Errorf("%d records are stored, %d were expected: %w", n, records, c.Err())
	}
	if steps == 0 {
		return errors.Join(CheckAgree(sn, order), checkLog(sn, steps))
	}
	return errors.Join(CheckAgree(sn, order), checkLog(sn, steps), CheckHistories(sn))
}

// countRecords returns how many records a writer has after a step.
func countRecords(step int) (n int) {
	for i := 1; i <= step; i++ {
		if crashAlive(i, step) {
			n++
		}
	}
	return n
}

// crashAlive reports whether the record of step i is there after a later step.
func crashAlive(i, step int) bool { return i > step-3 || (i+3)%2 != 0 }

func checkWriter(r storage.Reader, w, step int) error {
	for i := 1; i <= step; i++ {
		rec, found, err := r.Record(order, id(crashID(w, i)))
		if err != nil {
			return err
		}
		if found != crashAlive(i, step) {
			return fmt.Errorf("the record of step %d is there: %v", i, found)
		}
		if !found {
			continue
		}
		want := int64(i)
		if i < step {
			want = int64(-(i + 1))
		}
		if got := rec.Get(&amount).Int(); got != want {
			return fmt.Errorf("the record of step %d has %d, want %d", i, got, want)
		}
	}
	return nil
}

// checkLog counts changes: an insert, an update from the second step on, a
// delete, a document.
func checkLog(r storage.Reader, steps int) error {
	c := r.Changes(0)
	defer c.Close()
	var seq uint64
	docs := 0
	for c.Next() {
		seq++
		ch := c.Change()
		if ch.Seq != seq {
			return fmt.Errorf("change %d stands where %d was expected", ch.Seq, seq)
		}
		if ch.Form == 0 {
			docs++
		}
	}
	if docs != steps {
		return errors.Join(c.Err(), fmt.Errorf("%d steps are in the change log, %d were made", docs, steps))
	}
	return c.Err()
}
