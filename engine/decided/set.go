package decided

import (
	"container/list"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"sluice/rules"
)

const (
	pageSize = 1 << 10
	// maxAnswers is how many different answers a set keeps: what a rule answers
	// beyond is asked again each time.
	maxAnswers = 16
	// maxStale is how many changes a set may be behind before it begins anew.
	maxStale = 1 << 16
	// ownWeight is about what a set holds without answers.
	ownWeight = 512
)

// form is what the sets of a form share: the newest version seen of each record.
type form struct {
	cache  *Cache
	key    Form
	sets   map[Asked]*Set // guarded by cache.mu
	weight int64          // guarded by cache.mu

	mu       sync.Mutex
	versions []*[pageSize]uint32 // guarded by mu: by ordinal; 0 where none was seen
	pages    int64               // guarded by mu: of versions, that are there
	changed  []uint32            // guarded by mu: ordinals whose version rose
	dropped  int                 // guarded by mu: how many were before changed
}

// version returns the newest version seen of an ordinal.
func (f *form) version(ordinal uint32) uint32 {
	if p := int(ordinal / pageSize); p < len(f.versions) && f.versions[p] != nil {
		return f.versions[p][ordinal%pageSize]
	}
	return 0
}

// see notes a version and reports whether it is the newest.
func (f *form) see(r Record) bool {
	was := f.version(r.Ordinal)
	if was >= r.Version {
		return was == r.Version
	}
	p := int(r.Ordinal / pageSize)
	if p >= len(f.versions) {
		f.versions = append(f.versions, make([]*[pageSize]uint32, p+1-len(f.versions))...)
	}
	if f.versions[p] == nil {
		f.versions[p] = new([pageSize]uint32)
		f.pages++
	}
	f.versions[p][r.Ordinal%pageSize] = r.Version
	if was != 0 {
		f.change(r.Ordinal)
	}
	return true
}

// change tells all sets that what was answered of a record is of an older one.
func (f *form) change(ordinal uint32) {
	if len(f.changed) == maxStale {
		f.dropped += len(f.changed)
		f.changed = f.changed[:0]
	}
	f.changed = append(f.changed, ordinal)
}

// bytes is about what the form holds beside its sets.
func (f *form) bytes() int64 {
	return ownWeight + f.pages*4*pageSize + 8*int64(cap(f.versions)) + 4*int64(cap(f.changed))
}

// Set holds the answers to one question. It is safe for concurrent use. A nil Set
// knows nothing and keeps nothing.
type Set struct {
	form   *form
	key    Asked
	place  *list.Element // guarded by form.cache.mu; nil when it made room
	weight int64         // guarded by form.cache.mu

	at      int             // guarded by form.mu: how many changes were heard of; -1 before the first use
	answers []answer        // guarded by form.mu
	grants  map[Scope]*part // guarded by form.mu
}

// answer is a verdict, which does not change, and the records whose newest version
// got it.
type answer struct {
	verdict *rules.Verdict
	of      *roaring.Bitmap
}

// Get returns the verdict on a state of a record, false where it is not known.
func (s *Set) Get(r Record) (rules.Verdict, bool) {
	if s == nil {
		return rules.Verdict{}, false
	}
	s.form.mu.Lock()
	defer s.form.mu.Unlock()
	s.catchUp()
	if v := s.find(r); v != nil {
		return *v, true
	}
	return rules.Verdict{}, false
}

// Look is Get for many at once: out, which is as long, gets the verdict on each,
// nil where it is not known. The verdicts are shared and must not be changed; equal
// pointers are equal verdicts.
func (s *Set) Look(recs []Record, out []*rules.Verdict) {
	clear(out)
	if s == nil {
		return
	}
	s.form.mu.Lock()
	defer s.form.mu.Unlock()
	s.catchUp()
	out = out[:len(recs)]
	for i, r := range recs {
		out[i] = s.find(r)
	}
}

// find returns the verdict on a state of a record, nil where it is not known.
func (s *Set) find(r Record) *rules.Verdict {
	if r.Version == 0 || s.form.version(r.Ordinal) != r.Version {
		return nil
	}
	for i := range s.answers {
		if s.answers[i].of.Contains(r.Ordinal) {
			return s.answers[i].verdict
		}
	}
	return nil
}

// Put keeps verdicts on committed states of records, parallel to them, but those
// with a fault and those on states that are not the newest.
func (s *Set) Put(recs []Record, verdicts []rules.Verdict) {
	if s == nil {
		return
	}
	set, all := s.put(recs, verdicts)
	s.form.cache.weigh(s, set, all)
}

func (s *Set) put(recs []Record, verdicts []rules.Verdict) (set, all int64) {
	f := s.form
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, r := range recs {
		if r.Version == 0 || verdicts[i].Fault != rules.NoFault || !f.see(r) {
			continue
		}
		s.catchUp()
		if of := s.answer(verdicts[i]); of != nil {
			of.Add(r.Ordinal)
		}
	}
	return s.bytes(), f.bytes()
}

// answer returns the records of a verdict, nil where there are too many verdicts.
func (s *Set) answer(v rules.Verdict) *roaring.Bitmap {
	for _, a := range s.answers {
		if *a.verdict == v {
			return a.of
		}
	}
	if len(s.answers) == maxAnswers {
		return nil
	}
	s.answers = append(s.answers, answer{&v, roaring.New()})
	return s.answers[len(s.answers)-1].of
}

// catchUp takes out the records that changed since the last use.
func (s *Set) catchUp() {
	f := s.form
	end := f.dropped + len(f.changed)
	switch {
	case s.at == end:
		return
	case s.at < f.dropped || s.at < 0:
		s.answers = nil
	default:
		for _, ordinal := range f.changed[s.at-f.dropped:] {
			for _, a := range s.answers {
				a.of.Remove(ordinal)
			}
		}
	}
	s.at = end
}

func (s *Set) bytes() int64 {
	n := int64(ownWeight + len(s.key.Viewer))
	for _, p := range s.grants {
		n += p.bytes()
	}
	for _, a := range s.answers {
		n += int64(a.of.GetSizeInBytes())
	}
	return n
}
