package engine

import (
	"math/rand/v2"
	"slices"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
)

// signedIn is the user as the tools look through their eyes: with a session.
func signedIn(u *oracle.User) *oracle.User {
	c := *u
	c.Credential = identity.Session
	return &c
}

// askers are the people of a world to whom the tool is given.
func (h *inhabited) askers() (out []*oracle.User) {
	super := h.as[h.w.Users[0].ID]
	for _, u := range h.w.Users {
		if u.Inactive || !u.Kind.Administers() && u.Kind != identity.Developer {
			continue
		}
		if u.Kind == identity.Developer {
			must(h.tb, h.d.GrantTools(h.tb.Context(), super, h.w.App.Name, u.ID, identity.ToolSetOf(identity.Review), nil))
		}
		out = append(out, u)
	}
	return out
}

// places are the people who may have access at all.
func (h *inhabited) places() (out []*oracle.User) {
	for _, u := range h.w.Users {
		if !u.Inactive && u.Kind != identity.Nobody {
			out = append(out, signedIn(u))
		}
	}
	slices.SortFunc(out, func(a, b *oracle.User) int { return compareIDs(a.ID, b.ID) })
	return out
}

// TestP10_ReviewEqualsOracle holds the three answers of the tool REVIEW against
// the oracle: each is of those records alone that the asker may view, and of
// those exactly.
func TestP10_ReviewEqualsOracle(t *testing.T) {
	prove(t, 40, 1500, func(t *testing.T, seed uint64) {
		h := inhabit(t, world.Random(seed, world.Small))
		defer h.close()
		rnd := rand.New(rand.NewPCG(seed, 37))
		askers := h.askers()
		asker := askers[rnd.IntN(len(askers))]
		h.whoEqualsOracle(asker, rnd)
		h.whatEqualsOracle(asker)
		h.tableEqualsOracle(asker)
	})
}

func (h *inhabited) whoEqualsOracle(asker *oracle.User, rnd *rand.Rand) {
	h.tb.Helper()
	for _, f := range h.w.App.Forms {
		for _, r := range h.w.Records[f.Name] {
			field := ""
			if rnd.IntN(2) == 0 && len(f.Fields) > 0 {
				field = f.Fields[rnd.IntN(len(f.Fields))].Name
			}
			q := Who{Application: h.w.App.Name, Form: f.Name, Record: r.ID, Field: field, First: 1 + rnd.IntN(4)}
			want := h.onlookers(asker, f, r, field)
			if want == nil {
				_, err := h.e.WhoCanSee(h.tb.Context(), h.as[asker.ID], q)
				if fault.KindOf(err) != fault.NotFound {
					h.tb.Fatalf("seed %d: %s asks who sees %s, which they do not: %v", h.w.Seed, asker.Email, r.ID, err)
				}
				continue
			}
			h.sameOnlookers(asker, q, want)
		}
	}
}

// onlookers is what WhoCanSee must say, nil where the asker does not see the
// record.
func (h *inhabited) onlookers(asker *oracle.User, f *definition.Form, r *oracle.Record, field string) *Onlookers {
	if !oracle.MaySee(h.w, asker, definition.View, f.Name, r) {
		return nil
	}
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

// sameOnlookers goes through all pages.
func (h *inhabited) sameOnlookers(asker *oracle.User, q Who, want *Onlookers) {
	h.tb.Helper()
	var got []Onlooker
	for {
		page, err := h.e.WhoCanSee(h.tb.Context(), h.as[asker.ID], q)
		must(h.tb, err)
		if page.Total != want.Total || page.Masked != want.Masked || page.Without != want.Without || len(page.People) > q.First {
			h.tb.Fatalf("seed %d: %s, %s %s %s: %d people, %d masked, %d without; want %d, %d, %d",
				h.w.Seed, asker.Email, q.Form, q.Record, q.Field, page.Total, page.Masked, page.Without, want.Total, want.Masked, want.Without)
		}
		got = append(got, page.People...)
		if !page.HasNext {
			break
		}
		q.After = page.People[len(page.People)-1].User
	}
	if !slices.EqualFunc(got, want.People, func(a, b Onlooker) bool {
		return a.User == b.User && a.Kind == b.Kind && a.Masked == b.Masked && slices.Equal(a.Actions, b.Actions)
	}) {
		h.tb.Fatalf("seed %d: %s, %s %s %s: %+v, want %+v", h.w.Seed, asker.Email, q.Form, q.Record, q.Field, got, want.People)
	}
	for _, o := range got {
		h.groundHolds(asker, o, q)
	}
}

// grantsOf are the oracle's reasons for each statement that a ground may name.
var grantsOf = map[string]oracle.Why{
	"A3": oracle.AsAdmin, "A13": oracle.AsDeveloper, "B6": oracle.AllRight, "E2": oracle.Own, "E4": oracle.ThroughParent,
	"C3": oracle.Below, "C4": oracle.RootOverNone, "C5": oracle.Peers,
	"F1": oracle.ShareGroup, "F2": oracle.ShareCriteria, "F3": oracle.ShareField, "F4": oracle.ShareModule,
}

// groundHolds demands that the reason is one of the oracle's, and one of those that
// the table names.
func (h *inhabited) groundHolds(asker *oracle.User, o Onlooker, q Who) {
	h.tb.Helper()
	u := signedIn(h.w.User(o.User))
	why := oracle.Grants(h.w, u, definition.View, q.Form, h.w.Find(q.Form, q.Record))
	op, err := h.e.Read(h.tb.Context(), h.as[asker.ID], h.w.App.Name)
	must(h.tb, err)
	defer op.Close()
	other, err := op.through(o.User)
	must(h.tb, err)
	f, _ := h.w.App.Form(q.Form)
	named := slices.Contains(other.view.Grounds(f.Number), o.Ground)
	if grantsOf[o.Ground.Statement]&why == 0 || !named || o.Ground.Because() == "" || o.Ground.Gives() == "" {
		h.tb.Fatalf("seed %d: %s sees %s %s for %+v, the oracle says %b, named %v", h.w.Seed, u.Email, q.Form, q.Record, o.Ground, why, named)
	}
}

// tallied counts as the oracle does.
func (h *inhabited) tallied(asker, target *oracle.User, form string) (out Tally) {
	for _, r := range h.w.Records[form] {
		if !oracle.MaySee(h.w, asker, definition.View, form, r) {
			continue
		}
		for _, a := range judgedActions {
			if oracle.MaySee(h.w, target, a, form, r) {
				out[a]++
			}
		}
	}
	return out
}

func (h *inhabited) whatEqualsOracle(asker *oracle.User) {
	h.tb.Helper()
	for _, u := range h.places() {
		got, err := h.e.WhatCanSee(h.tb.Context(), h.as[asker.ID], What{Application: h.w.App.Name, User: u.ID, Samples: 2})
		must(h.tb, err)
		for i, f := range h.w.App.Forms {
			s := got.Forms[i]
			want := h.tallied(asker, u, f.Name)
			if s.Form != f.Name || s.Counts != want || len(s.Samples) != min(2, want[definition.View]) {
				h.tb.Fatalf("seed %d: what %s sees of %s, asks %s: %+v, want %v", h.w.Seed, u.Email, f.Name, asker.Email, s, want)
			}
			for _, x := range s.Samples {
				h.sampleIsOfBoth(asker, u, f, x)
			}
			var hidden []string
			for _, fd := range f.Fields {
				if !oracle.Views(h.w, u, f.Name) || !slices.Contains(oracle.Visible(h.w, u, f.Name), fd.Name) {
					hidden = append(hidden, fd.Name)
				}
			}
			if !slices.Equal(s.Hidden, hidden) || len(s.Hidden)+len(s.Masked)+len(s.Readable) != len(f.Fields) {
				h.tb.Fatalf("seed %d: fields of %s for %s: %+v, want hidden %v", h.w.Seed, f.Name, u.Email, s, hidden)
			}
		}
	}
}

func (h *inhabited) sampleIsOfBoth(asker, u *oracle.User, f *definition.Form, x Sample) {
	r := h.w.Find(f.Name, x.ID)
	if r == nil || !oracle.MaySee(h.w, asker, definition.View, f.Name, r) || !oracle.MaySee(h.w, u, definition.View, f.Name, r) {
		h.tb.Fatalf("seed %d: %s is a sample of %s for %s", h.w.Seed, x.ID, u.Email, asker.Email)
	}
	if x.Title == "" {
		return
	}
	for _, reader := range []*oracle.User{asker, u} {
		ok := slices.ContainsFunc(f.Fields, func(fd *definition.Field) bool {
			v, readable := oracle.Cell(h.w, reader, f.Name, r, fd.Name)
			return readable && fd.Type == record.Text && string(v.Text()) == x.Title
		})
		if !ok {
			h.tb.Fatalf("seed %d: %s does not read the title %q of %s", h.w.Seed, reader.Email, x.Title, x.ID)
		}
	}
}

func (h *inhabited) tableEqualsOracle(asker *oracle.User) {
	h.tb.Helper()
	var rows []ReviewRow
	var head ReviewHead
	n, err := h.e.AccessReview(h.tb.Context(), h.as[asker.ID], h.w.App.Name,
		func(x ReviewHead) error { head = x; return nil },
		func(of []ReviewRow) error { rows = append(rows, of...); return nil })
	must(h.tb, err)
	people := h.places()
	if n != len(rows) || head.Rows != n || n != len(people)*len(h.w.App.Forms) {
		h.tb.Fatalf("seed %d: %d rows, %d said, %d announced, %d people", h.w.Seed, len(rows), n, head.Rows, len(people))
	}
	for _, u := range people {
		for _, f := range h.w.App.Forms {
			r := rows[0]
			rows = rows[1:]
			if want := h.tallied(asker, u, f.Name); r.User != u.ID || r.Form != f.Name || r.Counts != want {
				h.tb.Fatalf("seed %d: %s and %s for %s: %+v, want %v", h.w.Seed, u.Email, f.Name, asker.Email, r, want)
			}
			for _, fd := range f.Fields {
				sees := oracle.Views(h.w, u, f.Name) && slices.Contains(oracle.Visible(h.w, u, f.Name), fd.Name)
				if slices.Contains(r.Hidden, fd.Name) == sees || slices.Contains(r.PII, fd.Name) != (sees && fd.PII) || slices.Contains(r.EPHI, fd.Name) != (sees && fd.EPHI) {
					h.tb.Fatalf("seed %d: %s of %s for %s: %+v", h.w.Seed, fd.Name, f.Name, u.Email, r)
				}
			}
			if r.Counts[definition.View] > 0 && len(r.Grounds) == 0 {
				h.tb.Fatalf("seed %d: %s sees records of %s for no reason: %+v", h.w.Seed, u.Email, f.Name, r)
			}
		}
	}
}
