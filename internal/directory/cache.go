package directory

import (
	"container/list"
	"sync"

	"sluice/internal/identity"
)

// cacheEntries bounds how many pictures of people are kept, over all tenants.
const cacheEntries = 64

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
}

type cached struct {
	key    cacheKey
	people *People
}

func newCache(limit int) *cache {
	return &cache{limit: limit, entries: map[cacheKey]*list.Element{}, order: list.New()}
}

func (c *cache) get(k cacheKey) (*People, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[k]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached).people, true
}

func (c *cache) put(k cacheKey, p *People) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.entries[k]; ok {
		return
	}
	if c.order.Len() >= c.limit {
		last := c.order.Back()
		delete(c.entries, last.Value.(*cached).key)
		c.order.Remove(last)
	}
	c.entries[k] = c.order.PushFront(&cached{k, p})
}
