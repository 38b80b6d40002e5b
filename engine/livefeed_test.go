package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// follows subscribes as somebody; an event is written as its kind and, where the
// form has one, its first own cell, behind which the token stands.
func (h *house) follows(who, form string, q LiveQuery) (*Subscription, error) {
	h.t.Helper()
	f := h.form(form)
	q.Form = f.Number
	s, err := h.e.Subscribe(h.t.Context(), h.as[who], "crm", func(*Op) (LiveQuery, LiveSink, error) {
		return q, LiveSink{Share: "text", Encode: func(_ *Op, ev LiveEvent) (Encoded, error) {
			b := fmt.Appendf(nil, "%s %s ", ev.Kind, ev.Record.Get(&f.Fields[0].Field).Text())
			return Encoded{Bytes: b, Tokens: []int{len(b)}}, nil
		}}, nil
	})
	if err == nil {
		h.t.Cleanup(s.Close)
	}
	return s, err
}

func (h *house) mustFollow(who, form string) *Subscription {
	h.t.Helper()
	s, err := h.follows(who, form, LiveQuery{})
	must(h.t, err)
	return s
}

// told takes what is there for a subscription once everything that was committed
// has been looked at: without tokens, and the last token.
func told(t *testing.T, s *Subscription) (events []string, token string, err error) {
	t.Helper()
	s.feed.turn()
	for {
		item, ok, err := s.take()
		if err != nil || !ok {
			return events, token, err
		}
		kind, rest, _ := strings.Cut(string(s.render(item)), " ")
		title, tok, _ := strings.Cut(rest, " ")
		events = append(events, strings.TrimSpace(kind+" "+title))
		if token = strings.Trim(tok, `"`); tok == "null" {
			token = ""
		}
	}
}

func wantTold(t *testing.T, s *Subscription, want ...string) string {
	t.Helper()
	got, token, err := told(t, s)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("told %q, %v; want %q", got, err, want)
	}
	return token
}

func wantEnd(t *testing.T, s *Subscription, kind fault.Kind) {
	t.Helper()
	got, _, err := told(t, s)
	if len(got) > 0 || err == nil || fault.KindOf(err) != kind {
		t.Errorf("told %q and ended with %v, want kind %v", got, err, kind)
	}
}

func TestP9_WhatEachIsTold(t *testing.T) {
	h := newHouse(t)
	rep, peer, boss := h.mustFollow("rep", "Deal"), h.mustFollow("rep2", "Deal"), h.mustFollow("manager", "Deal")
	id := h.add("rep", "Deal", cell{"title": "one"})
	wantTold(t, rep, "ADDED one")
	wantTold(t, boss, "ADDED one")
	must(t, h.update("super", "Deal", id, cell{"quiet": "unseen"}))
	wantTold(t, rep)
	must(t, h.update("rep", "Deal", id, cell{"title": "two"}))
	wantTold(t, rep, "CHANGED two")
	wantTold(t, boss, "CHANGED two")
	must(t, h.update("super", "Deal", id, cell{"rep": h.id["rep2"]}))
	wantTold(t, rep, "REMOVED")
	wantTold(t, boss, "CHANGED two")
	wantTold(t, peer, "ADDED two")
	must(t, h.remove("rep2", "Deal", id))
	wantTold(t, peer, "REMOVED")
	wantTold(t, boss, "REMOVED")
	wantTold(t, rep)
}

// TestP9_ParentsAreFollowed: lines come and go with the deal that they hang on.
func TestP9_ParentsAreFollowed(t *testing.T) {
	h := newHouse(t)
	id := h.add("rep", "Deal", cell{"title": "deal"})
	h.add("rep", "Line", cell{"deal": id, "product": "pump"})
	rep, peer := h.mustFollow("rep", "Line"), h.mustFollow("rep2", "Line")
	must(t, h.update("super", "Deal", id, cell{"rep": h.id["rep2"]}))
	wantTold(t, rep, "REMOVED")
	wantTold(t, peer, "ADDED")
	must(t, h.remove("super", "Deal", id))
	wantTold(t, peer, "REMOVED")
}

// TestP9_LookupsAreFollowed: a lookup whose target goes out of reach reads null.
func TestP9_LookupsAreFollowed(t *testing.T) {
	h := newHouse(t)
	c := h.add("rep", "Customer", cell{"name": "acme"})
	h.add("rep", "Deal", cell{"title": "deal", "customer": c})
	rep := h.mustFollow("rep", "Deal")
	must(t, h.update("rep", "Customer", c, cell{"name": "acme & co"})) // no cell of the deal
	wantTold(t, rep)
	must(t, h.remove("rep", "Customer", c))
	wantTold(t, rep, "CHANGED deal")
}

// TestP9_ChangesOfPolicyReset: whatever changes what a viewer is or sees ends
// their subscriptions, and of nobody else.
func TestP9_ChangesOfPolicyReset(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(h *house)
		ends []string
	}{
		{"role", func(h *house) { h.place("rep", "Clerk", "Sales") }, []string{"rep", "manager", "half"}},
		{"set", func(h *house) { h.place("rep2", "Rep", "All") }, []string{"rep2"}},
		{"definition", func(h *house) {
			source, err := os.ReadFile("testdata/house.yaml")
			must(h.t, err)
			source = bytes.Replace(source, []byte("hierarchy: true"), []byte("hierarchy: false"), 1)
			out, err := h.e.Apply(h.t.Context(), h.as["admin"], source, false)
			must(h.t, err)
			if len(out.Faults) > 0 {
				h.t.Fatal(out.Faults)
			}
		}, []string{"rep", "rep2", "manager", "half"}},
		{"hide", func(h *house) {
			_, err := h.e.HideRecords(h.t.Context(), h.as["admin"], "crm", "Deal", cell{})
			must(h.t, err)
		}, []string{"rep", "rep2", "manager", "half"}},
		{"a person who is in no place", func(h *house) { h.hire("late", false) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			subs := map[string]*Subscription{}
			for _, who := range []string{"rep", "rep2", "manager", "half"} {
				subs[who] = h.mustFollow(who, "Deal")
			}
			c.do(h)
			for who, s := range subs {
				if slices.Contains(c.ends, who) {
					wantEnd(t, s, fault.Reset)
				} else {
					wantTold(t, s)
				}
			}
			if !slices.Contains(c.ends, "rep2") {
				h.add("rep2", "Deal", cell{"title": "on"})
				wantTold(t, subs["rep2"], "ADDED on")
			}
		})
	}
}

// TestP5_NarrowingEndsSubscriptions: a credential that ended, or a person who may
// not sign in, is told nothing that was committed afterwards, however late the
// feed comes to look.
func TestP5_NarrowingEndsSubscriptions(t *testing.T) {
	for name, narrow := range map[string]func(h *house) error{
		"signing out":  func(h *house) error { return h.d.SignOut(h.t.Context(), h.as["rep"]) },
		"deactivation": func(h *house) error { return h.d.SetActive(h.t.Context(), h.as["admin"], h.id["rep"], false) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			id := h.add("rep", "Deal", cell{"title": "before"})
			s, other := h.mustFollow("rep", "Deal"), h.mustFollow("manager", "Deal")
			s.feed.mu.Lock() // it has not looked yet
			err := errors.Join(narrow(h), h.update("super", "Deal", id, cell{"title": "after"}))
			s.feed.mu.Unlock()
			must(t, err)
			wantEnd(t, s, fault.Unauthenticated)
			wantTold(t, other, "CHANGED after")
		})
	}
}

// TestP5_NarrowingBesideALook: a credential that ends while the feed looks at the
// state before that ends its subscriptions at the next look, although this one
// took the news.
func TestP5_NarrowingBesideALook(t *testing.T) {
	h := newHouse(t)
	s := h.mustFollow("rep", "Deal")
	s.feed.mu.Lock()
	snap, err := h.e.o.Store.Tenant(h.tenant).Snapshot()
	if err == nil {
		err = h.d.SignOut(t.Context(), h.as["rep"])
		s.feed.advance(snap)
		snap.Close()
	}
	s.feed.mu.Unlock()
	must(t, err)
	wantEnd(t, s, fault.Unauthenticated)
}

// TestP7_LateEventsReset: an event that could not be made in time is told as a
// reset, never as one that says less.
func TestP7_LateEventsReset(t *testing.T) {
	h := newHouse(t)
	s := h.mustFollow("rep", "Deal")
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	h.read("rep", func(op *Op) {
		s.feed.mu.Lock()
		defer s.feed.mu.Unlock()
		s.feed.telling(&liveBatch{now: &memo{Reader: op.r}}).tell(late, s, []LiveEvent{{Kind: Removed, ID: h.id["rep"]}})
	})
	wantEnd(t, s, fault.Reset)
}

// TestP5_SubscriptionsEndInTime: a credential whose time is over ends what it
// began, by the clock or, before the clock is looked at, with the next event.
func TestP5_SubscriptionsEndInTime(t *testing.T) {
	h := newHouse(t)
	s := h.mustFollow("rep", "Deal")
	s.feed.mu.Lock()
	s.expires = time.Now().Add(-time.Second)
	s.feed.mu.Unlock()
	h.add("rep", "Deal", cell{"title": "late"})
	wantEnd(t, s, fault.Unauthenticated)
	s = h.mustFollow("rep2", "Deal")
	s.timer.Reset(0)
	if _, err := s.Next(t.Context()); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("ended with %v", err)
	}
}

// TestP9_ResumeLosesNothing: behind a token comes all that was changed since, and
// nothing twice; without the token's own rights nothing comes at all.
func TestP9_ResumeLosesNothing(t *testing.T) {
	h := newHouse(t)
	s := h.mustFollow("rep", "Deal")
	a := h.add("rep", "Deal", cell{"title": "a"})
	wantTold(t, s, "ADDED a")
	b := h.add("rep", "Deal", cell{"title": "b"})
	token := wantTold(t, s, "ADDED b")
	s.Close()
	must(t, h.update("rep", "Deal", a, cell{"title": "aa"}))
	must(t, h.remove("rep", "Deal", b))
	gone := h.add("rep", "Deal", cell{"title": "gone"})
	must(t, h.remove("rep", "Deal", gone))
	h.add("rep2", "Deal", cell{"title": "unseen"})

	again, err := h.follows("rep", "Deal", LiveQuery{Resume: token})
	must(t, err)
	next := wantTold(t, again, "CHANGED aa", "REMOVED")
	same, err := h.follows("rep", "Deal", LiveQuery{Resume: next})
	must(t, err)
	wantTold(t, same)
	h.add("rep", "Deal", cell{"title": "c"})
	wantTold(t, again, "ADDED c")
	wantTold(t, same, "ADDED c")

	titled := &filter.Compare{Field: *h.field("Deal", "title"), Op: filter.Eq, Args: []filter.Operand{{Value: record.String("c")}}}
	for name, f := range map[string]func() error{
		"another user":   func() error { _, err := h.follows("rep2", "Deal", LiveQuery{Resume: token}); return err },
		"another form":   func() error { _, err := h.follows("rep", "Line", LiveQuery{Resume: token}); return err },
		"another filter": func() error { _, err := h.follows("rep", "Deal", LiveQuery{Where: titled, Resume: token}); return err },
		"no token":       func() error { _, err := h.follows("rep", "Deal", LiveQuery{Resume: "AAAA"}); return err },
		"other rights": func() error {
			h.place("rep", "Clerk", "Sales")
			_, err := h.follows("rep", "Deal", LiveQuery{Resume: token})
			return err
		},
	} {
		if err := f(); err == nil || fault.KindOf(err) != fault.Reset {
			t.Errorf("%s: %v, want a reset", name, err)
		}
	}
}

// TestP9_TokensStandBehindWhatBelongsTogether: within a transaction there is no
// place to resume at.
func TestP9_TokensStandBehindWhatBelongsTogether(t *testing.T) {
	h := newHouse(t)
	s := h.mustFollow("rep", "Deal")
	must(t, h.write("rep", func(op *Op) error {
		for _, title := range []string{"a", "b"} {
			if _, err := op.Create(h.form("Deal").Number, h.input("Deal", cell{"title": title})); err != nil {
				return err
			}
		}
		return nil
	}))
	s.feed.turn()
	var places []bool
	for {
		item, ok, err := s.take()
		must(t, err)
		if !ok {
			break
		}
		places = append(places, !strings.HasSuffix(string(s.render(item)), "null"))
	}
	if !slices.Equal(places, []bool{false, true}) {
		t.Errorf("tokens %v", places)
	}
}

// TestP7_SlowSubscribersAreCut: who does not take events is told so, and none is
// kept for them.
func TestP7_SlowSubscribersAreCut(t *testing.T) {
	h := newHouse(t)
	for name, items := range map[string][]liveItem{
		"events": make([]liveItem, MaxLiveEvents+1),
		"bytes":  {{Encoded: Encoded{Bytes: make([]byte, MaxLiveBytes+1)}}},
	} {
		s := h.mustFollow("rep", "Deal")
		s.put(items[:len(items)-1])
		s.put(items[len(items)-1:])
		if _, err := s.Next(t.Context()); fault.KindOf(err) != fault.Limit {
			t.Errorf("%s: %v", name, err)
		}
		if s.queue != nil || s.size != 0 {
			t.Errorf("%s: %d events of %d bytes are kept", name, len(s.queue), s.size)
		}
	}
}

// TestP9_FiltersStayWithTheRecord: what a lookup leads to is not watched, so it is
// no filter of a subscription.
func TestP9_FiltersStayWithTheRecord(t *testing.T) {
	h := newHouse(t)
	inner := &filter.Compare{Field: *h.field("Customer", "name"), Op: filter.Eq, Args: []filter.Operand{{Value: record.String("x")}}}
	deep := &filter.Related{Field: *h.field("Deal", "customer"), Where: inner}
	for _, e := range []filter.Expr{deep, filter.Not{X: deep}, filter.And{filter.Or{deep}}} {
		if _, err := h.follows("rep", "Deal", LiveQuery{Where: e}); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%v: %v", e, err)
		}
	}
	if _, err := h.follows("all", "Customer", LiveQuery{}); fault.KindOf(err) != fault.NotFound || err == nil {
		t.Errorf("a form without VIEW: %v", err)
	}
}

// TestP7_SubscriptionsAreBounded: one user has so many, and those that are closed
// leave nothing behind.
func TestP7_SubscriptionsAreBounded(t *testing.T) {
	h := newHouse(t)
	var open []*Subscription
	for range MaxLivePerUser {
		open = append(open, h.mustFollow("rep", "Tag"))
	}
	if _, err := h.follows("rep", "Tag", LiveQuery{}); fault.KindOf(err) != fault.Limit || err == nil {
		t.Errorf("one more: %v", err)
	}
	other := h.mustFollow("rep2", "Tag")
	feed := other.feed
	if len(feed.views) > 2 {
		t.Errorf("%d views for two viewers", len(feed.views))
	}
	for _, s := range append(open, other) {
		s.Close()
		s.Close()
	}
	<-feed.ended
	if n := len(h.e.live.feeds) + len(h.e.live.byUser) + h.e.live.open + len(feed.subs) + len(feed.views) + len(feed.routes) + len(feed.credentials); n != 0 {
		t.Errorf("%d things are left of closed subscriptions", n)
	}
	if _, err := other.Next(t.Context()); !errors.Is(err, context.Canceled) {
		t.Errorf("a closed one: %v", err)
	}
}

// TestP9_EventsUnderLoad: many write while others subscribe, resume and leave; in
// the end everybody has the list that there is.
func TestP9_EventsUnderLoad(t *testing.T) {
	h := newHouse(t)
	f := h.form("Deal")
	title := h.field("Deal", "title")
	var wg sync.WaitGroup
	people := []string{"rep", "rep2", "manager", "clerk", "all"}
	for i, who := range []string{"rep", "rep2"} {
		wg.Go(func() {
			var mine []record.ID
			for n := range worlds(60, 1000) {
				switch {
				case len(mine) > 3:
					must(t, h.remove(who, "Deal", mine[0]))
					mine = mine[1:]
				case len(mine) > 0 && n%3 == 0:
					must(t, h.update("super", "Deal", mine[0], cell{"rep": h.id[people[(n+i)%2]]}))
					mine = mine[1:]
				default:
					mine = append(mine, h.add(who, "Deal", cell{"title": fmt.Sprint(who, n)}))
				}
			}
		})
	}
	lists, last := make([]map[record.ID]string, len(people)), make([]string, len(people))
	subs := make([]*Subscription, len(people))
	follow := func(i int, resume string) *Subscription {
		s, err := h.e.Subscribe(t.Context(), h.as[people[i]], "crm", func(op *Op) (LiveQuery, LiveSink, error) {
			if resume == "" {
				lists[i] = map[record.ID]string{}
				must(t, op.Walk(List{Form: f.Number}, func(rs []record.Redacted) error {
					for _, r := range rs {
						lists[i][r.ID()] = string(r.Get(title).Text())
					}
					return nil
				}))
			}
			return LiveQuery{Form: f.Number, Resume: resume}, LiveSink{Encode: func(_ *Op, ev LiveEvent) (Encoded, error) {
				b := fmt.Appendf(nil, "%s %s %s ", ev.Kind, ev.ID, ev.Record.Get(title).Text())
				return Encoded{Bytes: b, Tokens: []int{len(b)}}, nil
			}}, nil
		})
		must(t, err)
		return s
	}
	apply := func(i int) {
		for {
			item, ok, err := subs[i].take()
			must(t, err)
			if !ok {
				return
			}
			part := strings.SplitN(string(subs[i].render(item)), " ", 4)
			id, err := record.ParseID(part[1])
			must(t, err)
			_, had := lists[i][id]
			if had == (part[0] == "ADDED") {
				t.Errorf("%s has %v %v and is told %v", people[i], id, had, part)
			}
			if lists[i][id] = part[2]; part[0] == "REMOVED" {
				delete(lists[i], id)
			}
			last[i] = strings.Trim(part[3], `"`)
		}
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for i := range people {
		subs[i] = follow(i, "")
	}
	for n, on := 0, true; on; n++ {
		select {
		case <-done:
			on = false
		default:
		}
		i := n % len(people)
		apply(i)
		if last[i] != "" && last[i] != "null" && n%7 == 0 {
			subs[i].Close()
			silent(t, subs[i])
			subs[i] = follow(i, last[i])
		}
	}
	for i, who := range people {
		subs[i].feed.turn()
		apply(i)
		want := map[record.ID]string{}
		h.read(who, func(op *Op) {
			must(t, op.Walk(List{Form: f.Number}, func(rs []record.Redacted) error {
				for _, r := range rs {
					want[r.ID()] = string(r.Get(title).Text())
				}
				return nil
			}))
		})
		if !maps.Equal(lists[i], want) {
			t.Errorf("%s has %v, want %v", who, lists[i], want)
		}
		subs[i].Close()
	}
}

// silent holds that a closed subscription has nothing to say.
func silent(t *testing.T, s *Subscription) {
	if _, _, err := s.take(); !errors.Is(err, context.Canceled) {
		t.Errorf("closed: %v", err)
	}
}
