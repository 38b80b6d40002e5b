package storage

import (
	"encoding/binary"
	"errors"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"sluice/internal/fault"
	"sluice/internal/record"
)

// ErrForgotten is in the chain of errors of a past that cannot be told: it lies
// before the store kept histories of documents and records. It is a fault of kind
// Unavailable with a text for users.
var ErrForgotten = errors.New("storage: no history goes back that far")

var errPast = errors.New("storage: a past state has documents and single records only")

func forgotten(op string) error {
	return fault.Wrap(fault.Unavailable, op, ErrForgotten, "it cannot be told any more: the data of that time come from a release that kept no such history")
}

// Past is a Reader of the state right behind one change of the log, over the
// snapshot that it came from, with which it ends. It shows documents, single
// records, and both logs up to that change; walks over records and indexes fail.
// Documents that are written with PutSecret are shown as they are now: no history
// of them is kept.
//
// Its cost follows the changes since then of the spaces that are read, and of
// the records, not the length of the log.
type Past struct {
	*view
	seq    uint64
	epoch  uint64
	whole  bool // no change since then is missing in a history
	loaded map[Space]bool
}

var _ Reader = (*Past)(nil)

// At returns the state right behind a change; 0 is the state before the first.
// What the log does not have yet is a fault of kind Internal.
func (s *Snapshot) At(seq uint64) (*Past, error) {
	v := s.v
	if v.closed {
		return nil, ErrClosed
	}
	last, err := v.LastChange()
	if err != nil {
		return nil, err
	}
	if seq > last {
		return nil, fault.New(fault.Internal, "storage.At", "the log ends before change %d", seq)
	}
	since, known, err := v.since()
	if err != nil {
		return nil, err
	}
	p := &Past{seq: seq, epoch: nextDirty(), whole: known && since <= seq, loaded: map[Space]bool{}}
	p.view = &view{id: v.id, scope: v.scope, snap: v.snap, stats: v.stats}
	p.w = &writer{v: p.view, reads: map[string]read{}}
	v.pasts = append(v.pasts, p.view)
	return p, nil
}

// since returns the change behind which the histories of spaces are whole, false
// where nobody knows.
func (v *view) since() (uint64, bool, error) {
	v.stats.Gets++
	b, found, err := v.get(v.scope.since())
	if err != nil || !found {
		return 0, false, err
	}
	if len(b) != 8 {
		return 0, false, errDamaged
	}
	return binary.BigEndian.Uint64(b), true, nil
}

// Whole reports whether the histories of spaces, DocHistory, have every change
// behind seq.
func (s *Snapshot) Whole(seq uint64) (bool, error) {
	since, known, err := s.v.since()
	return known && since <= seq, err
}

// ChangeAt returns the last change that was made at a time or before: all changes
// of one transaction are on the same side of it. 0 stands for none. It reads a
// handful of entries. Where clocks went backwards, a time lies at several places
// of the log: then it is one of them, and may be another one when the log is
// longer.
func (s *Snapshot) ChangeAt(t time.Time) (uint64, error) {
	last, err := s.v.LastChange()
	if err != nil {
		return 0, err
	}
	var seq uint64
	for bit := uint64(1) << 63; bit > 0; bit >>= 1 {
		if seq+bit > last || seq+bit < seq {
			continue
		}
		made, err := s.v.changeTime(seq + bit)
		if err != nil {
			return 0, err
		}
		if !made.After(t) {
			seq += bit
		}
	}
	return seq, nil
}

// changeTime reads the time of an entry of the log, which is its first field.
func (v *view) changeTime(seq uint64) (time.Time, error) {
	v.stats.Gets++
	b, found, err := v.get(v.scope.change(seq))
	if err != nil {
		return time.Time{}, err
	}
	num, typ, n := protowire.ConsumeTag(b)
	if !found || n < 0 || num != changeTime || typ != protowire.VarintType {
		return time.Time{}, errDamaged
	}
	x, m := protowire.ConsumeVarint(b[n:])
	if m < 0 {
		return time.Time{}, errDamaged
	}
	return time.UnixMicro(protowire.DecodeZigZag(x)).UTC(), nil
}

// Change reads one entry of the log, false where there is none. Its slices are
// valid until the snapshot is closed.
func (s *Snapshot) Change(seq uint64) (Change, bool, error) { return s.v.change(seq) }

func (v *view) change(seq uint64) (Change, bool, error) {
	if v.closed {
		return Change{}, false, ErrClosed
	}
	v.stats.Gets++
	b, found, err := v.snap.Get(v.scope.change(seq))
	if err != nil || !found {
		return Change{}, false, err
	}
	ch, ok := v.decodeChange(seq, b)
	if !ok {
		return Change{}, false, errDamaged
	}
	return ch, true, nil
}

// Epoch returns a number that is given once and never again: caches keyed by it
// confuse a past state with nothing.
func (p *Past) Epoch() (uint64, error) { return p.epoch, nil }

// LastChange returns the change that the state is right behind.
func (p *Past) LastChange() (uint64, error) { return p.seq, nil }

// Doc implements [Reader].
func (p *Past) Doc(s Space, key string) ([]byte, bool, error) {
	if err := p.load(s); err != nil {
		return nil, false, err
	}
	return p.view.Doc(s, key)
}

// Docs implements [Reader].
func (p *Past) Docs(s Space, prefix string) *DocCursor { return p.DocsIn(s, prefix, DocRange{}) }

// DocsIn implements [Reader].
func (p *Past) DocsIn(s Space, prefix string, r DocRange) *DocCursor {
	if err := p.load(s); err != nil {
		return &DocCursor{walk: failed(err)}
	}
	return p.view.DocsIn(s, prefix, r)
}

// load lays over the documents of a space what those were that changed since.
func (p *Past) load(s Space) error {
	if p.closed {
		return ErrClosed
	}
	if p.loaded[s] {
		return nil
	}
	if !p.whole {
		return forgotten("storage.At")
	}
	c := p.docHistory(s, p.seq)
	defer c.Close()
	for c.Next() {
		key := p.scope.doc(s, c.Key())
		if _, known := p.w.buf.Get(key); known {
			continue
		}
		var before []byte
		if c.Was() {
			ch, err := c.Change()
			if err != nil {
				return err
			}
			if before = ch.Before; before == nil {
				return errDamaged
			}
		}
		p.w.buf.Set(key, before)
	}
	p.loaded[s] = c.Err() == nil
	return c.Err()
}

// Record implements [Reader].
func (p *Past) Record(f *Form, id record.ID) (record.Record, bool, error) {
	if p.closed {
		return record.Record{}, false, ErrClosed
	}
	if !p.whole {
		return record.Record{}, false, forgotten("storage.At")
	}
	c := p.historyIn(f, id, false, behind(p.scope.history(f.Number, id), p.seq+1), nil)
	defer c.Close()
	if !c.Next() {
		if c.Err() != nil {
			return record.Record{}, false, c.Err()
		}
		return p.view.Record(f, id)
	}
	ch, err := c.Change()
	if err != nil || ch.Before == nil {
		return record.Record{}, false, err
	}
	r, err := parse(id, ch.Before)
	return r, err == nil, err
}

// History implements [Reader].
func (p *Past) History(f *Form, id record.ID, desc bool) *HistoryCursor {
	return p.historyIn(f, id, desc, nil, behind(p.scope.history(f.Number, id), p.seq+1))
}

// Changes implements [Reader].
func (p *Past) Changes(from uint64) *ChangeCursor {
	prefix := p.scope.changes()
	return &ChangeCursor{walk: p.walk(span{prefix: prefix, lo: p.scope.change(from), hi: p.scope.change(p.seq + 1), cut: len(prefix)})}
}

// Records fails: a past state has no walks over records.
func (p *Past) Records(*Form, Range) *RecordCursor { return &RecordCursor{walk: failed(errPast)} }

// Index fails: a past state has no indexes.
func (p *Past) Index(*Form, *Index, Range) *IndexCursor { return &IndexCursor{walk: failed(errPast)} }

// Guarded fails: a past state has no indexes.
func (p *Past) Guarded(*Form, *Index, record.Value) (record.ID, bool, error) {
	return record.ID{}, false, errPast
}

// Advance moves the state forward to that right behind a later change, at the
// cost of what changed in between. What was read of it before ends.
func (p *Past) Advance(seq uint64) error {
	if seq < p.seq {
		return fault.New(fault.Internal, "storage.Advance", "a past state goes forward only")
	}
	for s := range p.loaded {
		if err := p.advance(s, seq); err != nil {
			return err
		}
	}
	p.seq, p.epoch = seq, nextDirty()
	return nil
}

func (p *Past) advance(s Space, seq uint64) error {
	c := p.docHistory(s, p.seq)
	defer c.Close()
	last := map[string]uint64{}
	for c.Next() && c.Seq() <= seq {
		last[c.Key()] = c.Seq()
	}
	if c.Err() != nil {
		return c.Err()
	}
	for key, at := range last {
		ch, found, err := p.change(at)
		if err != nil || !found {
			return errors.Join(errDamaged, err)
		}
		p.w.buf.Set(p.scope.doc(s, key), ch.After)
	}
	return nil
}

// EndOf returns the last entry of the transaction that an entry is of: those of
// one stand behind each other with the same time, actor and operation.
func (s *Snapshot) EndOf(seq uint64) (uint64, error) {
	first, found, err := s.v.change(seq)
	if err != nil || !found {
		return 0, errors.Join(errDamaged, err)
	}
	for {
		next, found, err := s.v.change(seq + 1)
		if err != nil {
			return 0, err
		}
		if !found || next.Meta != first.Meta {
			return seq, nil
		}
		seq++
	}
}
