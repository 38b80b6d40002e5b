package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/storage"
)

// liveTime bounds the work that one look at the change log may take.
const liveTime = 30 * time.Second

// liveFeed follows the change log for the subscribers of one application. What
// it decides it decides once for all views that are equal.
type liveFeed struct {
	e     *Engine
	key   appKey
	watch *storage.Watch
	stop  chan struct{}
	ended chan struct{}
	users int // guarded by the hub

	mu          sync.Mutex // guards what follows; held while events are worked out
	pos         uint64     // sequence up to which everything was told
	epoch       uint64
	written     writtenDocs // taken from the watch at the last look
	subs        map[*Subscription]struct{}
	credentials map[storage.DocRef]map[*Subscription]struct{}
	views       map[[32]byte]*liveGroup
	routes      map[uint32]*liveRouter // by form
}

// liveGroup is a view with those who share it.
type liveGroup struct {
	view *liveView
	subs map[*Subscription]struct{}
}

func newLiveFeed(e *Engine, key appKey) *liveFeed {
	return &liveFeed{
		e: e, key: key, watch: e.o.Store.Tenant(key.tenant).Watch(), stop: make(chan struct{}), ended: make(chan struct{}),
		subs: map[*Subscription]struct{}{}, credentials: map[storage.DocRef]map[*Subscription]struct{}{},
		views: map[[32]byte]*liveGroup{}, routes: map[uint32]*liveRouter{},
	}
}

// run tells of commits until the last subscriber has left.
func (f *liveFeed) run() {
	defer close(f.ended)
	for {
		select {
		case <-f.stop:
			return
		case <-f.watch.C():
			f.turn()
		}
	}
}

// turn tells of what was committed since the last one.
func (f *liveFeed) turn() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.subs) == 0 {
		return
	}
	snap, err := f.e.o.Store.Tenant(f.key.tenant).Snapshot()
	if err != nil {
		f.endAll(err)
		return
	}
	defer snap.Close()
	f.advance(snap)
}

// begin brings the feed up to now and adds a subscription at that place.
func (f *liveFeed) begin(ctx context.Context, s *Subscription, prepare func(*Op) (LiveQuery, LiveSink, error)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	snap, err := f.e.o.Store.Tenant(f.key.tenant).Snapshot()
	if err != nil {
		return err
	}
	defer snap.Close()
	f.advance(snap)
	op := &Op{e: f.e, ctx: ctx, r: snap, principal: s.principal}
	if err := op.open(f.key.name); err != nil {
		return err
	}
	if s.expires, err = f.e.o.Directory.Until(snap, s.principal); err != nil {
		return err
	}
	q, sink, err := prepare(op)
	if err != nil {
		return err
	}
	view, err := op.liveView(q)
	if err != nil {
		return err
	}
	s.sink, s.form, s.where, s.standing = sink, q.Form, q.Where, view.standing()
	if f.view(s, view); q.Resume != "" {
		if err := f.resume(ctx, s, view, snap, q.Resume); err != nil {
			return err
		}
	}
	f.add(s, view)
	s.timer = time.AfterFunc(s.expires.Sub(f.e.o.Now()), func() { s.end(errEnded) })
	return nil
}

var errEnded = fault.New(fault.Unauthenticated, "engine.live", "sign in again: the credential is not valid")

// resume tells what happened since a token.
func (f *liveFeed) resume(ctx context.Context, s *Subscription, view *liveView, snap storage.Reader, token string) error {
	from, ok := s.resumed(token)
	if !ok || from > f.pos {
		return errReset
	}
	b, err := newLiveBatch(snap, from, f.pos, view.wants)
	if err != nil {
		return err
	}
	events, err := view.judge(ctx, b, b.changed)
	if err != nil {
		return liveError(err)
	}
	if len(events) > MaxLiveEvents {
		return errReset
	}
	f.telling(b).tell(ctx, s, events)
	return nil
}

// wants reports whether changes of a form's records may matter.
func (l *liveView) wants(form uint32) bool {
	_, ok := l.reach[form]
	return ok
}

// view gives a subscription its rights.
func (f *liveFeed) view(s *Subscription, l *liveView) { s.rights, s.key = l.liveRights, l.key }

// add enters a subscription; the caller holds mu.
func (f *liveFeed) add(s *Subscription, l *liveView) {
	f.subs[s] = struct{}{}
	for _, ref := range directory.CredentialRefs(s.principal) {
		if f.credentials[ref] == nil {
			f.credentials[ref] = map[*Subscription]struct{}{}
		}
		f.credentials[ref][s] = struct{}{}
	}
	g := f.views[s.key]
	if g == nil {
		g = &liveGroup{view: l, subs: map[*Subscription]struct{}{}}
		f.views[s.key] = g
		f.route(g.view, 1)
	}
	g.subs[s] = struct{}{}
}

// remove is the inverse of add.
func (f *liveFeed) remove(s *Subscription) {
	delete(f.subs, s)
	for _, ref := range directory.CredentialRefs(s.principal) {
		if delete(f.credentials[ref], s); len(f.credentials[ref]) == 0 {
			delete(f.credentials, ref)
		}
	}
	g := f.views[s.key]
	if delete(g.subs, s); len(g.subs) == 0 {
		delete(f.views, g.view.key)
		f.route(g.view, -1)
	}
}

func (f *liveFeed) route(l *liveView, n int) {
	for form, reach := range l.reach {
		r := f.routes[form]
		if r == nil {
			r = newLiveRouter()
			f.routes[form] = r
		}
		if r.put(l, reach, n); r.empty() {
			delete(f.routes, form)
		}
	}
}

// drop takes a subscription out, true the first time.
func (f *liveFeed) drop(s *Subscription) bool {
	s.timer.Stop()
	s.end(context.Canceled)
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.closed {
		return false
	}
	s.closed = true
	if _, in := f.subs[s]; in {
		f.remove(s)
	}
	return true
}

// finish ends a subscription and takes it out.
func (f *liveFeed) finish(s *Subscription, err error) {
	s.end(err)
	f.remove(s)
}

func (f *liveFeed) endAll(err error) {
	for s := range f.subs {
		f.finish(s, err)
	}
}

// writtenDocs are documents that may have been written; every stands for all.
type writtenDocs struct {
	refs  []storage.DocRef
	every bool
}

// recent are the documents to look at in a snapshot: those written since the last
// look, and those of that look again, as what was committed between its snapshot
// and the question which documents were written it has asked about too early.
func (f *liveFeed) recent() writtenDocs {
	refs, every := f.watch.Docs()
	last := f.written
	f.written = writtenDocs{refs, every}
	return writtenDocs{slices.Concat(last.refs, refs), last.every || every}
}

// advance tells of everything up to the state of a snapshot.
func (f *liveFeed) advance(snap storage.Reader) {
	err := f.follow(snap, f.recent())
	if err != nil {
		f.endAll(err)
	}
}

func (f *liveFeed) follow(snap storage.Reader, written writtenDocs) error {
	last, err := snap.LastChange()
	if err != nil {
		return err
	}
	epoch, err := snap.Epoch()
	if err != nil {
		return err
	}
	from := f.pos
	f.pos = last
	if len(f.subs) == 0 {
		f.epoch = epoch
		return nil
	}
	switch {
	case epoch != f.epoch:
		f.recheck(snap, f.subs)
		f.epoch = epoch
		if err := f.rebind(snap, epoch); err != nil {
			return err
		}
	case written.every:
		f.recheck(snap, f.subs)
	default:
		for _, ref := range written.refs {
			f.recheck(snap, f.credentials[ref])
		}
	}
	if last <= from || len(f.subs) == 0 {
		return nil
	}
	b, err := newLiveBatch(snap, from, last, func(form uint32) bool { return f.routes[form] != nil })
	if err != nil {
		return err
	}
	f.publish(b)
	return nil
}

// recheck ends those of the subscriptions whose credential ended (P5).
func (f *liveFeed) recheck(r storage.Reader, subs map[*Subscription]struct{}) {
	for _, s := range slices.Collect(maps.Keys(subs)) {
		if err := f.e.o.Directory.Check(r, s.principal); err != nil {
			f.finish(s, err)
		}
	}
}

// rebind gives every subscription the rights of a new epoch. One for which
// anything is different ends (P9): what is the same decides the same.
func (f *liveFeed) rebind(r storage.Reader, epoch uint64) error {
	people, err := f.e.o.Directory.Load(r)
	if err != nil {
		return err
	}
	app, ok, err := f.e.load(r, epoch, f.key.name)
	if err != nil {
		return err
	}
	subs := slices.Collect(maps.Keys(f.subs))
	for _, s := range subs {
		viewer, in := people.Viewer(s.principal, f.key.name)
		if !ok || !in {
			f.finish(s, errReset)
			continue
		}
		op := &Op{e: f.e, r: r, principal: s.principal, people: people, epoch: epoch, app: app, view: f.e.viewOf(epoch, viewer, app, people)}
		view, err := op.liveView(LiveQuery{Form: s.form, Where: s.where})
		if err != nil || op.view.Refused() != nil || view.standing() != s.standing {
			f.finish(s, errReset)
			continue
		}
		f.remove(s)
		f.view(s, view)
		f.add(s, view)
	}
	return nil
}

// publish tells everybody what a batch means to them.
func (f *liveFeed) publish(b *liveBatch) {
	ctx, cancel := context.WithTimeout(context.Background(), liveTime)
	defer cancel()
	t := f.telling(b)
	concerned, err := f.concerned(b)
	if err != nil {
		f.endAll(err)
		return
	}
	for _, c := range concerned {
		g := f.views[c.view.key]
		events, err := c.view.judge(ctx, b, c.changed)
		clear(t.same)
		for s := range g.subs {
			if err != nil {
				f.finish(s, liveError(err))
				continue
			}
			t.tell(ctx, s, events)
		}
	}
}

// liveError is what a subscription ends with.
func liveError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errReset
	}
	return err
}

// concern is a view with the changes that may matter to it, in order.
type concern struct {
	view    *liveView
	changed []recordKey
}

// concerned finds the views that may see a changed record, as it was or as it is.
func (f *liveFeed) concerned(b *liveBatch) ([]*concern, error) {
	at := map[*liveView]*concern{}
	var out []*concern
	var failed error
	for _, k := range b.changed {
		r := f.routes[k.form]
		if r == nil {
			continue
		}
		hit := func(l *liveView) {
			c := at[l]
			if c == nil {
				c = &concern{view: l}
				at[l] = c
				out = append(out, c)
			}
			if n := len(c.changed); n == 0 || c.changed[n-1] != k {
				c.changed = append(c.changed, k)
			}
		}
		for _, m := range []*memo{b.past, b.now} {
			raw := func(form uint32, id record.ID) (record.Record, bool) {
				rec, ok, err := m.Record(&storage.Form{Number: form}, id)
				failed = errors.Join(failed, err)
				return rec, ok && err == nil
			}
			if rec, ok := raw(k.form, k.id); ok {
				r.find(rec, raw, hit)
			}
		}
	}
	return out, failed
}

// telling is what is made once for those who share it.
type telling struct {
	b      *liveBatch
	now    time.Time
	shared map[string]Encoded    // by shareKey
	same   map[string][]liveItem // of the view at hand, by LiveSink.Share
}

func (f *liveFeed) telling(b *liveBatch) *telling {
	return &telling{b: b, now: f.e.o.Now(), shared: map[string]Encoded{}, same: map[string][]liveItem{}}
}

// tell queues the events of a batch.
func (t *telling) tell(ctx context.Context, s *Subscription, events []LiveEvent) {
	switch {
	case len(events) == 0:
	case !t.now.Before(s.expires):
		s.end(errEnded)
	default:
		items, known := t.same[s.sink.Share]
		if !known || s.sink.Share == "" {
			if s.ended() {
				return
			}
			var err error
			if items, err = t.items(ctx, s, events); err != nil {
				s.end(liveError(err))
				return
			}
			t.same[s.sink.Share] = items
		}
		s.put(items)
	}
}

// items encodes events for a subscription, with the places to resume at.
func (t *telling) items(ctx context.Context, s *Subscription, events []LiveEvent) ([]liveItem, error) {
	items := make([]liveItem, len(events))
	var op *Op
	for i, ev := range events {
		key := shareKey(s.sink.Share, ev)
		enc, ok := t.shared[key]
		if !ok {
			if op == nil {
				op = s.rights.over(ctx, t.b.now)
			}
			var err error
			if enc, err = s.sink.Encode(op, ev); err == nil {
				err = ctx.Err() // an event that was cut short tells less than happened
			}
			if err != nil {
				return nil, err
			}
			if key != "" {
				t.shared[key] = enc
			}
		}
		items[i].Encoded = enc
	}
	items[len(items)-1].seq = t.b.to
	return items, nil
}

// shareKey names the bytes of an event among those of a batch; empty where they
// are not shared.
func shareKey(share string, ev LiveEvent) string {
	if share == "" {
		return ""
	}
	b := append([]byte(share), 0, byte(ev.Kind))
	b = append(b, ev.ID[:]...)
	return string(ev.Record.AppendMask(b))
}
