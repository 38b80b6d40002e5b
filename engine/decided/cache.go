package decided

import (
	"container/list"
	"sync"

	"sluice/internal/identity"
	"sluice/rules"
)

// Usual is the number of bytes that a cache holds where nothing else is asked
// for.
const Usual = 64 << 20

// Form is a form of one organization, under one definition. Definition is
// compared by identity: a weak pointer to what never changes, as the cache would
// hold the definitions of all that it keeps otherwise, which it does not weigh.
type Form struct {
	Tenant     identity.Tenant
	Definition any
	Number     uint32
}

// Asked is a module and what it may know of the viewer: the attributes that it
// declares, encoded so that they are equal only where the attributes are.
type Asked struct {
	Rule   rules.Hash
	Viewer string
}

// Record is one committed state of a record of a form. The zero Version stands
// for one that is not known, of which nothing is kept.
type Record struct{ Ordinal, Version uint32 }

// Cache is a bounded store of answers. It is safe for concurrent use. A nil Cache
// keeps nothing.
type Cache struct {
	limit int64

	mu    sync.Mutex
	forms map[Form]*form // guarded by mu
	used  *list.List     // guarded by mu: of *Set, the one used last in front
	size  int64          // guarded by mu: bytes, about
}

// New returns a cache of about limit bytes: what was used longest ago makes room.
func New(limit int64) *Cache {
	return &Cache{limit: limit, forms: map[Form]*form{}, used: list.New()}
}

// Open returns the answers to one question, none at first; nil of a nil Cache. It
// is meant for one operation: what is used beyond is not noticed. What is opened
// first takes its place at once, as it may never be weighed: where nothing is put in.
func (c *Cache) Open(f Form, a Asked) *Set {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	in := c.forms[f]
	if in == nil {
		in = &form{cache: c, key: f, sets: map[Asked]*Set{}, weight: ownWeight}
		c.forms[f] = in
		c.size += in.weight
	}
	s := in.sets[a]
	if s != nil {
		c.used.MoveToFront(s.place)
		return s
	}
	s = &Set{form: in, key: a, at: -1, weight: ownWeight + int64(len(a.Viewer))}
	s.place = c.used.PushFront(s)
	in.sets[a] = s
	c.size += s.weight
	c.makeRoom()
	return s
}

// Size returns about how many bytes are held.
func (c *Cache) Size() int64 {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size
}

// weigh notes what a set and its form hold by now, and makes room.
func (c *Cache) weigh(s *Set, set, all int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.place == nil {
		return // made room before
	}
	c.size += set - s.weight + all - s.form.weight
	s.weight, s.form.weight = set, all
	c.makeRoom()
}

// makeRoom forgets what was used longest ago. The caller holds mu.
func (c *Cache) makeRoom() {
	for c.size > c.limit && c.used.Len() > 0 {
		c.drop(c.used.Back().Value.(*Set))
	}
}

// drop forgets a set, and its form with the last one.
func (c *Cache) drop(s *Set) {
	c.used.Remove(s.place)
	s.place = nil
	c.size -= s.weight
	f := s.form
	if delete(f.sets, s.key); len(f.sets) == 0 {
		c.size -= f.weight
		f.weight = 0
		delete(c.forms, f.key)
	}
}
