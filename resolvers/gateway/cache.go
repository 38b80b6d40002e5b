package gateway

import (
	"container/list"
	"sync"
)

// cache keeps what was used last, within a number of entries and a sum of
// weights. It is safe for concurrent use.
type cache[K comparable, V any] struct {
	entries, weight int

	mu    sync.Mutex
	used  int
	order *list.List // of *cached[K, V], the latest first
	byKey map[K]*list.Element
}

type cached[K comparable, V any] struct {
	key    K
	value  V
	weight int
}

func newCache[K comparable, V any](entries, weight int) *cache[K, V] {
	return &cache[K, V]{entries: entries, weight: weight, order: list.New(), byKey: map[K]*list.Element{}}
}

func (c *cache[K, V]) get(key K) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[key]
	if !ok {
		return v, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached[K, V]).value, true
}

// put keeps a value, unless another has been kept under its key meanwhile: that
// one is returned then.
func (c *cache[K, V]) put(key K, value V, weight int) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.byKey[key]; ok {
		return e.Value.(*cached[K, V]).value
	}
	c.byKey[key] = c.order.PushFront(&cached[K, V]{key, value, weight})
	c.used += weight
	for c.order.Len() > c.entries || c.used > c.weight {
		last := c.order.Back()
		x := c.order.Remove(last).(*cached[K, V])
		delete(c.byKey, x.key)
		c.used -= x.weight
	}
	return value
}

func (c *cache[K, V]) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.order.Len()
}
