package engine

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
	"sluice/storage"
)

// remembered are the states that a world went through, and the times from which
// each was.
type remembered struct {
	*inhabited
	worlds []*world.World
	times  []time.Time
	gone   map[string]oracle.Module
	end    time.Time
}

// recallBegins is later than anything that a world was made with.
var recallBegins = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// remember applies random changes to a world, each in one transaction.
func remember(t *testing.T, seed uint64, steps int) *remembered {
	h := &remembered{gone: map[string]oracle.Module{}, end: recallBegins}
	h.inhabited = inhabitAt(t, world.Random(seed, world.Small), func() time.Time { return h.end })
	rnd := rand.New(rand.NewPCG(seed, 34))
	h.worlds, h.times = []*world.World{h.w}, []time.Time{recallBegins}
	for i := range steps {
		at := recallBegins.Add(time.Duration(i+1) * time.Minute)
		next := world.Change(h.w, rnd, h.gone)
		h.apply(at, next)
		h.w, h.worlds, h.times = next, append(h.worlds, next), append(h.times, at)
	}
	h.end = recallBegins.Add(time.Duration(steps+1) * time.Minute)
	return h
}

// apply stores what two worlds differ in.
func (h *remembered) apply(at time.Time, next *world.World) {
	h.tb.Helper()
	meta := storage.Meta{Operation: "step", Time: at, Actor: h.w.Users[0].ID}
	must(h.tb, h.tenant.Update(h.tb.Context(), meta, func(txn *storage.Txn) error {
		for _, f := range h.w.App.Forms {
			if err := h.applyRecords(txn, f, next.Records[f.Name]); err != nil {
				return err
			}
		}
		for _, step := range []func(*storage.Txn, *world.World) error{h.applyPeople, h.applyHides, h.applyRules, h.applyDefinition} {
			if err := step(txn, next); err != nil {
				return err
			}
		}
		return txn.BumpEpoch()
	}))
}

func (h *remembered) applyRecords(txn *storage.Txn, f *definition.Form, next []*oracle.Record) error {
	form := h.app.forms[f.Number].store
	for _, r := range slices.Concat(h.w.Records[f.Name], next) {
		var wants []byte
		to := slices.IndexFunc(next, func(n *oracle.Record) bool { return n.ID == r.ID })
		if to >= 0 {
			wants = encode(f, next[to]).Encoded()
		}
		old, found, err := txn.Record(form, r.ID)
		switch {
		case err != nil:
		case !found && to >= 0:
			err = txn.Insert(form, encode(f, next[to]))
		case found && to < 0:
			err = txn.Delete(form, old)
		case found && r.Version != next[to].Version, found && old.Version() != next[to].Version:
			rec, _ := record.Parse(r.ID, wants)
			err = txn.Update(form, old, rec)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// changeDoc changes members of a stored document.
func changeDoc(txn *storage.Txn, space storage.Space, key string, change func(map[string]json.RawMessage) error) error {
	b, _, err := txn.Doc(space, key)
	if err != nil {
		return err
	}
	d := map[string]json.RawMessage{}
	if err := json.Unmarshal(b, &d); err != nil {
		return err
	}
	if err := change(d); err != nil {
		return err
	}
	if b, err = json.Marshal(d); err != nil {
		return err
	}
	return txn.PutDoc(space, key, b)
}

func (h *remembered) applyPeople(txn *storage.Txn, next *world.World) error {
	for i, u := range next.Users {
		was := h.w.Users[i]
		if u == was {
			continue
		}
		if u.Inactive != was.Inactive {
			status := directory.Active
			if u.Inactive {
				status = directory.Inactive
			}
			err := changeDoc(txn, directory.SpaceUser, "u/"+u.ID.String(), func(d map[string]json.RawMessage) (err error) {
				d["status"], err = json.Marshal(status)
				return err
			})
			if err != nil {
				return err
			}
		}
		if u.Kind != identity.Live && u.Kind != identity.Portal {
			continue
		}
		like := slices.IndexFunc(h.w.Users, func(x *oracle.User) bool { return maps.EqualFunc(x.Attributes, u.Attributes, record.Value.Equal) })
		attributes, _, err := txn.Doc(directory.SpaceAssignment, h.w.Users[like].ID.String()+"/"+h.w.App.Name)
		if err != nil {
			return err
		}
		err = changeDoc(txn, directory.SpaceAssignment, u.ID.String()+"/"+h.w.App.Name, func(d map[string]json.RawMessage) error {
			var theirs map[string]json.RawMessage
			if len(attributes) > 0 {
				if err := json.Unmarshal(attributes, &theirs); err != nil {
					return err
				}
			}
			delete(d, "attributes")
			if theirs["attributes"] != nil {
				d["attributes"] = theirs["attributes"]
			}
			d["set"], _ = json.Marshal(u.Set)
			if u.Role != "" {
				d["role"], _ = json.Marshal(u.Role)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *remembered) applyHides(txn *storage.Txn, next *world.World) error {
	for _, hides := range [][]*oracle.Hide{h.w.Hides, next.Hides} {
		for _, x := range hides {
			f := h.w.Form(x.Form)
			var b []byte
			if slices.Contains(next.Hides, x) {
				b, _ = json.Marshal(h.hide(x).doc)
			}
			key := hideKey(h.w.App.Name, f.Number, x.Admin)
			if old, _, err := txn.Doc(spaceHide, key); err != nil || string(old) == string(b) {
				continue
			}
			if err := txn.PutDoc(spaceHide, key, b); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *remembered) applyRules(txn *storage.Txn, next *world.World) error {
	for rule, b := range h.app.bindings {
		_, was := h.w.Modules[rule.Name]
		_, is := next.Modules[rule.Name]
		if was == is {
			continue
		}
		doc, err := json.Marshal(bindingState{Module: hex.EncodeToString(b.hash[:]), Active: is})
		if err != nil {
			return err
		}
		if err := txn.PutDoc(spaceBinding, bindingKey(h.w.App.Name, rule.Name), doc); err != nil {
			return err
		}
	}
	return nil
}

func (h *remembered) applyDefinition(txn *storage.Txn, next *world.World) error {
	if next.App.Version == h.w.App.Version {
		return nil
	}
	def, err := definition.Marshal(next.App)
	if err != nil {
		return err
	}
	ptr, err := json.Marshal(pointer{Active: next.App.Version, Last: next.App.Version})
	if err != nil {
		return err
	}
	if err := txn.PutDoc(spaceDefinition, versionKey(next.App.Name, next.App.Version), def); err != nil {
		return err
	}
	return txn.PutDoc(spaceDefinition, pointerKey(next.App.Name), ptr)
}

// in is the stage as if the world were another.
func (h *remembered) in(w *world.World) *inhabited {
	s := *h.stage
	s.w = w
	return &inhabited{stage: &s, as: h.as, d: h.d}
}

// known are the last states of all records that there ever were.
func (h *remembered) known(form string) map[record.ID]*oracle.Record {
	out := map[record.ID]*oracle.Record{}
	for _, w := range h.worlds {
		for _, r := range w.Records[form] {
			out[r.ID] = r
		}
	}
	return out
}

// asker is somebody who holds the tool today, signed in anew.
func (h *remembered) asker(rnd *rand.Rand) (*oracle.User, identity.Principal) {
	askers := h.askers()
	u := askers[rnd.IntN(len(askers))]
	if u.Kind == identity.Developer {
		h.mayUse(u)
	}
	return u, signIn(h.tb, h.d, h.tenant.ID(), u.ID, identity.Session)
}

// mayUse gives a developer the tools.
func (h *remembered) mayUse(u *oracle.User) {
	root := signIn(h.tb, h.d, h.tenant.ID(), h.w.Users[0].ID, identity.Session)
	must(h.tb, h.d.GrantTools(h.tb.Context(), root, h.w.App.Name, u.ID, identity.AllTools, nil))
}

// TestP10_RecallEqualsOracle lets worlds go through many changes and compares what
// is told of random moments with the oracle on the world as it was then, of the
// records that the asker may see now.
func TestP10_RecallEqualsOracle(t *testing.T) {
	prove(t, 15, 400, func(t *testing.T, seed uint64) {
		h := remember(t, seed, 12)
		defer h.close()
		rnd := rand.New(rand.NewPCG(seed, 35))
		asker, p := h.asker(rnd)
		for range 4 {
			h.recallsAsItWas(rnd, asker, p, rnd.IntN(len(h.worlds)))
		}
	})
}

func (h *remembered) recallsAsItWas(rnd *rand.Rand, asker *oracle.User, p identity.Principal, at int) {
	h.tb.Helper()
	w := h.worlds[at]
	for _, f := range w.App.Forms {
		for id, last := range h.known(f.Name) {
			if rnd.IntN(3) > 0 {
				continue
			}
			q := CouldSee{Application: w.App.Name, Form: f.Name, Record: id, First: 1 + rnd.IntN(4), At: h.times[at].Add(time.Duration(rnd.IntN(59)) * time.Second)}
			if rnd.IntN(2) == 0 {
				q.Field = f.Fields[rnd.IntN(len(f.Fields))].Name
			}
			then := w.Find(f.Name, id)
			want := fault.Kind(0)
			switch {
			case !oracle.MaySee(h.w, asker, definition.View, f.Name, last):
				want = fault.NotFound
			case then == nil, !oracle.MaySee(h.w, asker, definition.View, f.Name, then):
				want = fault.Invalid
			}
			if want != 0 {
				if got, err := h.e.WhoCouldSee(h.tb.Context(), p, q); fault.KindOf(err) != want {
					h.tb.Fatalf("seed %d: %s looks back at %s at state %d: %+v, %v; want kind %v", h.w.Seed, asker.Email, id, at, got, err, want)
				}
				continue
			}
			h.sameAsThen(p, q, h.in(w).sawIt(f, then, q.Field))
		}
	}
}

// sawIt is who sees a record in a world.
func (h *inhabited) sawIt(f *definition.Form, r *oracle.Record, field string) *Onlookers {
	out := &Onlookers{}
	for _, u := range h.places() {
		if !oracle.MaySee(h.w, u, definition.View, f.Name, r) {
			continue
		}
		o := Onlooker{User: u.ID, Kind: seenKind(u.Kind)}
		if field != "" {
			if !slices.Contains(oracle.Visible(h.w, u, f.Name), field) {
				out.Without++
				continue
			}
			o.Masked = oracle.Masked(h.w, u, f.Name, r, field)
		}
		for _, a := range judgedActions {
			if oracle.MaySee(h.w, u, a, f.Name, r) {
				o.Actions = append(o.Actions, a)
			}
		}
		if out.Total++; o.Masked {
			out.Masked++
		}
		out.People = append(out.People, o)
	}
	return out
}

// sameAsThen goes through all pages.
func (h *remembered) sameAsThen(p identity.Principal, q CouldSee, want *Onlookers) {
	h.tb.Helper()
	var got []Onlooker
	for {
		page, err := h.e.WhoCouldSee(h.tb.Context(), p, q)
		must(h.tb, err)
		if page.Total != want.Total || page.Masked != want.Masked || page.Without != want.Without || page.Untold != 0 || len(page.People) > q.First {
			h.tb.Fatalf("seed %d: %+v: %+v; want %+v", h.w.Seed, q, page, want)
		}
		for _, o := range page.People {
			if o.Ground.Because() == "" || o.DisplayName == "" {
				h.tb.Fatalf("seed %d: %+v: somebody without a reason or a name: %+v", h.w.Seed, q, o)
			}
			got = append(got, o.Onlooker)
		}
		if !page.HasNext {
			break
		}
		q.After = page.People[len(page.People)-1].User
	}
	if !slices.EqualFunc(got, want.People, func(a, b Onlooker) bool {
		return a.User == b.User && a.Kind == b.Kind && a.Masked == b.Masked && slices.Equal(a.Actions, b.Actions)
	}) {
		h.tb.Fatalf("seed %d: %+v: %+v, want %+v", h.w.Seed, q, got, want.People)
	}
}

// TestP10_AccessHistoryEqualsOracle compares the moments at which somebody's access
// changed with the oracle's answers on every state that there was.
func TestP10_AccessHistoryEqualsOracle(t *testing.T) {
	prove(t, 15, 400, func(t *testing.T, seed uint64) {
		h := remember(t, seed, 20)
		defer h.close()
		rnd := rand.New(rand.NewPCG(seed, 36))
		asker, p := h.asker(rnd)
		for _, f := range h.w.App.Forms {
			for id, last := range h.known(f.Name) {
				if rnd.IntN(4) > 0 || !oracle.MaySee(h.w, asker, definition.View, f.Name, last) {
					continue
				}
				if places := h.places(); len(places) > 0 {
					h.changesAsTheyWere(rnd, asker, p, f, id, places[rnd.IntN(len(places))])
				}
			}
		}
	})
}

func (h *remembered) changesAsTheyWere(rnd *rand.Rand, asker *oracle.User, p identity.Principal, f *definition.Form, id record.ID, u *oracle.User) {
	h.tb.Helper()
	from := rnd.IntN(len(h.worlds) / 2)
	q := AccessHistory{Application: h.w.App.Name, Form: f.Name, Record: id, User: u.ID, From: h.times[from], First: 1 + rnd.IntN(3)}
	was := h.accessIn(h.worlds[from], asker, f, id, u.ID)
	at := from
	for {
		page, err := h.e.AccessHistory(h.tb.Context(), p, q)
		must(h.tb, err)
		if !page.Start.same(&was) || page.Start.Exists != was.Exists {
			h.tb.Fatalf("seed %d: %+v at the beginning of a page: %+v, want %+v", h.w.Seed, q, page.Start, was)
		}
		for _, c := range page.Changes {
			for at++; at < len(h.worlds); at++ {
				if now := h.accessIn(h.worlds[at], asker, f, id, u.ID); !now.same(&was) {
					was = now
					break
				}
			}
			if at == len(h.worlds) || !c.After.same(&was) || !c.Time.Equal(h.times[at]) {
				h.tb.Fatalf("seed %d: %+v: %+v, want state %d, %+v", h.w.Seed, q, c, at, was)
			}
			if bare := f.ParentField != 0 && len(c.Causes) == 0 && c.By.IsZero(); !bare && (len(c.Causes) == 0 || c.By != h.w.Users[0].ID) {
				h.tb.Fatalf("seed %d: %+v: a change without a cause: %+v", h.w.Seed, q, c)
			}
		}
		if !page.HasNext {
			break
		}
		q.After = page.Cursor()
		was.Exists = h.accessIn(h.worlds[max(at, h.stateAt(page.Until))], asker, f, id, u.ID).Exists
	}
	for at++; at < len(h.worlds); at++ {
		if now := h.accessIn(h.worlds[at], asker, f, id, u.ID); !now.same(&was) {
			h.tb.Fatalf("seed %d: %+v: nothing is told of state %d, %+v after %+v", h.w.Seed, q, at, now, was)
		}
	}
}

// stateAt is the state that was at a time.
func (h *remembered) stateAt(at time.Time) int {
	n, found := slices.BinarySearchFunc(h.times, at, time.Time.Compare)
	if found {
		return n
	}
	return max(n-1, 0)
}

// accessIn is what somebody could do in a world, as far as the asker may know.
func (h *remembered) accessIn(w *world.World, asker *oracle.User, f *definition.Form, id, user record.ID) Access {
	r := w.Find(f.Name, id)
	if r == nil || !oracle.MaySee(h.w, asker, definition.View, f.Name, r) {
		return Access{}
	}
	out := Access{Exists: true}
	u := w.User(user)
	if u == nil || u.Inactive {
		return out
	}
	u = signedIn(u)
	if !oracle.MaySee(w, u, definition.View, f.Name, r) {
		return out
	}
	for _, a := range judgedActions {
		if oracle.MaySee(w, u, a, f.Name, r) {
			out.Actions = append(out.Actions, a)
		}
	}
	visible := oracle.Visible(w, u, f.Name)
	for _, fd := range f.Fields {
		if slices.Contains(visible, fd.Name) && !oracle.Masked(w, u, f.Name, r, fd.Name) {
			out.Fields, out.numbers = append(out.Fields, fd.Name), out.numbers.With(fd.Number)
		}
	}
	return out
}
