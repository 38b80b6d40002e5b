package storage

import (
	"sync"

	"sluice/internal/identity"
)

// DocRef names a document of a tenant.
type DocRef struct {
	Space Space
	Key   string
}

// maxRefs bounds the documents that a Watch remembers until they are taken.
const maxRefs = 1024

// Watch tells that a tenant was written to. It holds no snapshot. It is safe for
// concurrent use.
type Watch struct {
	w      *watches
	tenant identity.Tenant
	wake   chan struct{} // holds one

	mu    sync.Mutex // guards what follows
	refs  map[DocRef]struct{}
	every bool // there were more than maxRefs
}

// watches are those of one store.
type watches struct {
	mu  sync.RWMutex // guards all
	all map[identity.Tenant]map[*Watch]struct{}
}

// Watch begins to watch the tenant; the caller closes it.
func (t Tenant) Watch() *Watch {
	w := &Watch{w: &t.s.watches, tenant: t.id, wake: make(chan struct{}, 1), refs: map[DocRef]struct{}{}}
	w.w.mu.Lock()
	defer w.w.mu.Unlock()
	if w.w.all == nil {
		w.w.all = map[identity.Tenant]map[*Watch]struct{}{}
	}
	if w.w.all[t.id] == nil {
		w.w.all[t.id] = map[*Watch]struct{}{}
	}
	w.w.all[t.id][w] = struct{}{}
	return w
}

// C receives after commits: once for any number of them since it was received
// from last.
func (w *Watch) C() <-chan struct{} { return w.wake }

// Docs returns the documents that were written since it was called last, or are
// about to be: every document of which a snapshot opened before the call shows a
// change has been returned by this call or an earlier one. Secrets, which the
// change log does not hold, are among them. every stands for all documents, where
// there were too many to remember.
func (w *Watch) Docs() (refs []DocRef, every bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for r := range w.refs {
		refs = append(refs, r)
	}
	every = w.every
	clear(w.refs)
	w.every = false
	return refs, every
}

// Close ends the watch. Later calls do nothing.
func (w *Watch) Close() {
	w.w.mu.Lock()
	defer w.w.mu.Unlock()
	delete(w.w.all[w.tenant], w)
	if len(w.w.all[w.tenant]) == 0 {
		delete(w.w.all, w.tenant)
	}
}

// announce tells of documents before they are committed, and again with the
// commit: who looks between them would find the old ones.
func (w *watches) announce(t identity.Tenant, refs []DocRef) {
	if len(refs) == 0 {
		return
	}
	w.each(t, func(one *Watch) { one.add(refs) })
}

// committed tells of a commit.
func (w *watches) committed(t identity.Tenant, refs []DocRef) {
	w.each(t, func(one *Watch) {
		one.add(refs)
		select {
		case one.wake <- struct{}{}:
		default:
		}
	})
}

func (w *watches) each(t identity.Tenant, fn func(*Watch)) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for one := range w.all[t] {
		fn(one)
	}
}

func (w *Watch) add(refs []DocRef) {
	if len(refs) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range refs {
		if len(w.refs) >= maxRefs {
			w.every = true
			return
		}
		w.refs[r] = struct{}{}
	}
}
