package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
)

// TestP10_PermissionTestsEqualBruteForce holds the verdict of random tests, asked
// by people of every kind who may ask, to what the oracle says of each person and
// each record; and every counterexample to a record that the asker views.
func TestP10_PermissionTestsEqualBruteForce(t *testing.T) {
	prove(t, 150, 8_000, func(t *testing.T, seed uint64) {
		size := sizeOf(seed)
		size.Users = max(size.Users, 12)
		w := world.Random(seed, size)
		uniform(w, seed%3)
		s := newStage(t, w)
		defer s.close()
		rnd := rand.New(rand.NewPCG(seed, 36))
		var askers []*oracle.User
		for _, u := range w.Users {
			if !u.Inactive && (u.Kind.Administers() || u.Kind == identity.Developer) {
				askers = append(askers, u)
			}
		}
		if len(askers) == 0 {
			return
		}
		asker := askers[rnd.IntN(len(askers))]
		var tests []*definition.Test
		for range 12 {
			tests = append(tests, randomTest(w, rnd))
		}
		op := s.op(asker)
		defer op.Close()
		tr := s.trial(op)
		results, err := tr.run(tests)
		must(t, err)
		b := &brute{w: w, asker: asker}
		for i, x := range tests {
			b.check(t, x, results[i])
		}
	})
}

// uniform lets everybody come with a session, and in most worlds makes people
// alike, whom then nothing but a record or a rule tells apart.
func uniform(w *world.World, how uint64) {
	var first *oracle.User
	for _, u := range w.Users {
		u.Credential = identity.Session
		switch {
		case how == 0 || u.Kind != identity.Live:
		case first == nil:
			first = u
		default:
			u.Role, u.Set, u.Attributes = first.Role, first.Set, first.Attributes
			u.Inactive = u.Inactive && how == 1
		}
	}
	if how != 2 || first == nil {
		return
	}
	for _, r := range w.App.Sharing {
		if r.To.User != "" {
			r.To = definition.Group{Role: first.Role}
		}
	}
	for _, c := range w.App.Custom {
		c.Users = nil
	}
}

// trial is what the directory would make one of.
func (s *stage) trial(op *Op) *trial {
	var persons []*tested
	var absent []definition.Subject
	for _, u := range s.w.Users {
		switch {
		case u.Kind == identity.Nobody || u.Kind.Administers():
		case !u.Inactive:
			persons = append(persons, &tested{viewer: viewerOf(s.w, u, s.tenant.ID()), name: u.Email})
		case u.Kind != identity.Developer:
			absent = append(absent, definition.Subject{Role: u.Role, Set: u.Set})
		}
	}
	tr := newTrial(op, s.app, persons, truePeople{s.w}, s.hides())
	tr.absent = absent
	return tr
}

func randomTest(w *world.World, rnd *rand.Rand) *definition.Test {
	f := w.App.Forms[rnd.IntN(len(w.App.Forms))]
	x := &definition.Test{
		Text: "a test", Form: f.Name, Verb: definition.ViewRecord + definition.Verb(rnd.IntN(int(definition.ChangeCell))),
		Cannot: rnd.IntN(2) == 0, Some: rnd.IntN(3) == 0,
	}
	if x.Verb == definition.SeeCell || x.Verb == definition.ChangeCell {
		x.Field = f.Fields[rnd.IntN(len(f.Fields))].Name
		if rnd.IntN(5) == 0 {
			x.Field = "owner"
		}
	}
	var filters []map[string]any
	for _, r := range w.App.Reports {
		if r.Form == f.Name && r.Criteria != nil {
			filters = append(filters, r.Criteria)
		}
	}
	for _, r := range w.App.Sharing {
		if r.Form == f.Name && r.Criteria != nil {
			filters = append(filters, r.Criteria)
		}
	}
	filters = append(filters, map[string]any{"owner": map[string]any{"eq": "VIEWER"}}, map[string]any{"not": map[string]any{"addedBy": map[string]any{"eq": "VIEWER"}}})
	if rnd.IntN(3) > 0 {
		x.Where = filters[rnd.IntN(len(filters))]
	}
	set := w.App.Sets[rnd.IntN(len(w.App.Sets))]
	role := w.App.Roles[rnd.IntN(len(w.App.Roles))].Name
	user := w.Users[rnd.IntN(len(w.Users))]
	switch rnd.IntN(7) {
	case 0:
		x.Who = definition.Subject{Kind: definition.OfRole, Role: role}
	case 1:
		x.Who = definition.Subject{Kind: definition.Everyone}
	case 2:
		x.Who = definition.Subject{Kind: definition.Developers}
	case 3:
		x.Who = definition.Subject{Kind: definition.OfUser, Address: user.Email}
	case 4:
		if !set.Portal {
			x.Who = definition.Subject{Kind: definition.OfRole, Role: role, Set: set.Name}
			break
		}
		fallthrough
	default:
		x.Who = definition.Subject{Kind: definition.OfSet, Set: set.Name}
		if set.Portal {
			x.Who.Kind = definition.OfPortal
		}
	}
	return x
}

// brute answers a test person by person and record by record.
type brute struct {
	w     *world.World
	asker *oracle.User
}

func (b *brute) check(t *testing.T, x *definition.Test, got *TestResult) {
	people := b.people(x.Who)
	want, tested := TestPassed, 0
	for _, u := range people {
		match, may := 0, 0
		for _, r := range b.records(x, u) {
			match++
			if b.may(x, u, r) {
				may++
			}
		}
		if match == 0 {
			continue
		}
		tested++
		bad := map[[2]bool]bool{{false, false}: may < match, {false, true}: may == 0, {true, false}: may > 0, {true, true}: may == match}[[2]bool{x.Cannot, x.Some}]
		if bad {
			want = TestFailed
		}
	}
	if tested == 0 {
		want = TestVacuous
	}
	what := fmt.Sprintf("seed %d: %+v asked by %s", b.w.Seed, *x, b.asker.Email)
	if got.Verdict != want {
		t.Fatalf("%s: engine %v (%s) %+v, oracle %v", what, got.Verdict, got.Why, got.Counters, want)
	}
	if want == TestPassed && got.People != tested {
		t.Fatalf("%s: on %d people, oracle %d", what, got.People, tested)
	}
	if (want == TestFailed) != (len(got.Counters) > 0) {
		t.Fatalf("%s: %v with counterexamples %v", what, want, got.Counters)
	}
	for _, c := range got.Counters {
		b.checkCounter(t, what, x, people, c)
	}
}

func (b *brute) checkCounter(t *testing.T, what string, x *definition.Test, people []*oracle.User, c Counterexample) {
	if x.Some {
		if !c.Record.IsZero() {
			t.Fatalf("%s: names a record: %+v", what, c)
		}
		return
	}
	r := b.w.Find(x.Form, c.Record)
	if r == nil || !oracle.MaySee(b.w, b.asker, definition.View, x.Form, r) {
		t.Fatalf("%s: names a record that the asker does not view: %+v", what, c)
	}
	for _, u := range people {
		named := u.ID == c.User || c.User.IsZero() && u.Email == c.Name
		if named && slices.Contains(b.records(x, u), r) && b.may(x, u, r) == x.Cannot {
			return
		}
	}
	t.Fatalf("%s: no counterexample: %+v", what, c)
}

// people are those of a subject, or those who stand in for them.
func (b *brute) people(s definition.Subject) (out []*oracle.User) {
	held := func(u *oracle.User) bool {
		switch s.Kind {
		case definition.OfRole:
			return u.Kind == identity.Live && u.Role == s.Role && (s.Set == "" || u.Set == s.Set)
		case definition.OfSet:
			return u.Kind == identity.Live && u.Set == s.Set
		case definition.OfPortal:
			return u.Kind == identity.Portal && u.Set == s.Set
		case definition.OfUser:
			return u.Email == s.Address && b.w.App.Users[s.Address] == u.ID && u.Kind != identity.Nobody && !u.Kind.Administers()
		case definition.Developers:
			return u.Kind == identity.Developer
		}
		return u.Kind == identity.Live || u.Kind == identity.Portal
	}
	var inactive [][2]string
	for _, u := range b.w.Users {
		switch {
		case held(u) && !u.Inactive:
			out = append(out, u)
		case held(u) && !slices.Contains(inactive, [2]string{u.Role, u.Set}):
			inactive = append(inactive, [2]string{u.Role, u.Set})
		}
	}
	if len(out) > 0 {
		return out
	}
	switch {
	case s.Kind == definition.OfPortal:
		return []*oracle.User{b.ghost("", s.Set)}
	case s.Kind == definition.OfRole && s.Set != "":
		return []*oracle.User{b.ghost(s.Role, s.Set)}
	case s.Kind != definition.OfRole && s.Kind != definition.OfSet:
		return nil
	}
	if len(inactive) == 0 && s.Kind == definition.OfSet {
		for _, r := range b.w.App.Roles {
			inactive = append(inactive, [2]string{r.Name, s.Set})
		}
	}
	for _, pair := range inactive {
		out = append(out, b.ghost(pair[0], pair[1]))
	}
	return out
}

func (b *brute) ghost(role, set string) *oracle.User {
	u := &oracle.User{
		ID: record.ID{9, 9, 9, byte(len(role)), byte(len(set))}, Kind: identity.Live, Role: role, Set: set, Credential: identity.Session,
		Email: "a stand-in with role " + role + " and set " + set,
	}
	if role == "" {
		u.Kind, u.Email = identity.Portal, "a stand-in with portal set "+set
	}
	return u
}

// records are those that the asker views, that nobody hides, and that match the
// test with the person as VIEWER.
func (b *brute) records(x *definition.Test, u *oracle.User) (out []*oracle.Record) {
	where, _ := inPlace(x.Where, u.ID.String()).(map[string]any)
	for _, id := range oracle.List(b.w, b.asker, x.Form, where, nil) {
		if r := b.w.Find(x.Form, id); b.shown(x.Form, r) {
			out = append(out, r)
		}
	}
	return out
}

// inPlace puts a person in the place of VIEWER.
func inPlace(v any, id string) any {
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			return map[string]any(nil)
		}
		out := map[string]any{}
		for k, x := range v {
			out[k] = inPlace(x, id)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = inPlace(x, id)
		}
		return out
	case string:
		if v == "VIEWER" {
			return id
		}
	}
	return v
}

// shown reports whether nobody hides a record or one above it.
func (b *brute) shown(form string, r *oracle.Record) bool {
	app := *b.w.App
	app.Custom = nil
	w := *b.w
	w.App = &app
	dev := &oracle.User{ID: record.ID{9, 9}, Kind: identity.Developer, Credential: identity.Session}
	for r != nil {
		if !oracle.MaySee(&w, dev, definition.View, form, r) {
			return false
		}
		f := w.Form(form)
		var above *oracle.Record
		for _, fd := range f.Fields {
			if fd.Number == f.ParentField {
				form = w.FormNumber(fd.Target).Name
				above = w.Find(form, r.Cells[fd.Name].Ref())
			}
		}
		r = above
	}
	return true
}

func (b *brute) may(x *definition.Test, u *oracle.User, r *oracle.Record) bool {
	if a, ok := verbActions[x.Verb]; ok {
		return oracle.MaySee(b.w, u, a, x.Form, r)
	}
	if _, readable := oracle.Cell(b.w, u, x.Form, r, x.Field); !readable || !oracle.MaySee(b.w, u, definition.View, x.Form, r) {
		return false
	}
	switch {
	case x.Verb == definition.SeeCell:
		return true
	case x.Field != "owner":
		return oracle.Writable(b.w, u, x.Form, r, x.Field)
	}
	f := b.w.Form(x.Form)
	for _, fd := range f.Fields {
		if fd.Number == f.OwnerField && oracle.Access(b.w, u, x.Form, fd.Name) != definition.Writable {
			return false
		}
	}
	return oracle.MayChangeOwner(b.w, u, x.Form, r)
}
