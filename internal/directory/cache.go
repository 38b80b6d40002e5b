package directory

import (
	"container/list"
	"sync"

	"sluice/internal/identity"
)

// How many pictures of people are kept, over all tenants and of one.
const (
	cacheEntries = 64
	perTenant    = 4
)

type cacheKey struct {
	tenant identity.Tenant
	epoch  uint64
}

// cache keeps the people used last.
type cache struct {
	mu      sync.Mutex // guards what follows
	limit   int
	entries map[cacheKey]*list.Element
	order   *list.List // front: used last
	loading map[cacheKey]*loading
}

type cached struct {
	key    cacheKey
	people *People
}

// loading is a picture that somebody makes and others wait for.
type loading struct {
	done   chan struct{}
	people *People // nil after an error; set before done is closed
}

func newCache(limit int) *cache {
	return &cache{limit: limit, entries: map[cacheKey]*list.Element{}, order: list.New(), loading: map[cacheKey]*loading{}}
}

// load returns the picture of the key, made by fn where there is none yet. After
// a change everybody asks for the same picture at once: it is made once. Who
// waited for one that failed makes their own, as the fault may have been in the
// other's snapshot.
func (c *cache) load(k cacheKey, fn func(near *People) (*People, error)) (*People, error) {
	for {
		p, near, other := c.find(k)
		if p != nil {
			return p, nil
		}
		if other == nil {
			return c.make(k, near, fn)
		}
		<-other.done
		if other.people != nil {
			return other.people, nil
		}
	}
}

// find returns the picture, or one of the same tenant that was used last and
// whoever is making the right one; nobody is when it is the caller's turn.
func (c *cache) find(k cacheKey) (found, near *People, other *loading) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[k]; ok {
		c.order.MoveToFront(e)
		return e.Value.(*cached).people, nil, nil
	}
	if l, ok := c.loading[k]; ok {
		return nil, nil, l
	}
	c.loading[k] = &loading{done: make(chan struct{})}
	for e := c.order.Front(); e != nil; e = e.Next() {
		if held := e.Value.(*cached); held.key.tenant == k.tenant {
			return nil, held.people, nil
		}
	}
	return nil, nil, nil
}

// make runs fn for everybody who waits, and lets them go whatever happens.
func (c *cache) make(k cacheKey, near *People, fn func(near *People) (*People, error)) (*People, error) {
	var p *People
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		l := c.loading[k]
		delete(c.loading, k)
		l.people = p
		close(l.done)
		if p != nil {
			c.put(k, p)
		}
	}()
	made, err := fn(near)
	if err == nil {
		p = made
	}
	return made, err
}

// put keeps a picture, and few others of its tenant: those of other epochs are
// for snapshots that are still open. The caller holds mu.
func (c *cache) put(k cacheKey, p *People) {
	c.entries[k] = c.order.PushFront(&cached{k, p})
	same := 0
	for e := c.order.Front(); e != nil; {
		next := e.Next()
		key := e.Value.(*cached).key
		if key.tenant == k.tenant {
			same++
		}
		if c.order.Len() > c.limit && next == nil || key.tenant == k.tenant && same > perTenant {
			delete(c.entries, key)
			c.order.Remove(e)
		}
		e = next
	}
}
