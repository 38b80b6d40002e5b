package engine

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

func (h *house) who(asker string, form string, id record.ID) (*Onlookers, error) {
	return h.e.WhoCanSee(h.t.Context(), h.as[asker], Who{Application: "crm", Form: form, Record: id, First: MaxOnlookers})
}

func (h *house) what(asker, user string) (*Sight, error) {
	return h.e.WhatCanSee(h.t.Context(), h.as[asker], What{Application: "crm", User: h.id[user]})
}

// table makes a review and drops it.
func (h *house) table(asker string) (int, error) {
	return h.e.AccessReview(h.t.Context(), h.as[asker], "crm", func(ReviewHead) error { return nil }, func([]ReviewRow) error { return nil })
}

// TestP10_ReviewIsForHolders: the tool is a right of its own, which another tool
// does not bring. Who does not hold it learns nothing, and the attempt is written
// down.
func TestP10_ReviewIsForHolders(t *testing.T) {
	h := newHouse(t)
	deal := h.add("rep", "Deal", cell{"title": "a"})
	must(t, h.d.RevokeTools(t.Context(), h.as["super"], "crm", h.id["dev"], identity.ToolSetOf(identity.Review), nil))
	for who, kind := range map[string]fault.Kind{"dev": fault.Forbidden, "chief": fault.Forbidden, "rep": fault.Forbidden, "nobody": fault.NotFound} {
		for _, id := range []record.ID{deal, {1}} {
			_, err := h.who(who, "Deal", id)
			denied(t, err, kind)
		}
		_, err := h.what(who, "rep")
		denied(t, err, kind)
		_, err = h.table(who)
		denied(t, err, kind)
	}
	if l := h.looks(); len(l) != 3*4 || slices.ContainsFunc(l, func(l Look) bool {
		return !l.Refused || l.Tool != identity.Review || l.User == h.id["nobody"] || !l.Record.IsZero()
	}) {
		t.Errorf("written down: %+v", l)
	}
}

// TestP10_ReviewIsWrittenDown: each question once, before it is answered, with who
// asked it about whom.
func TestP10_ReviewIsWrittenDown(t *testing.T) {
	h := newHouse(t)
	deal := h.add("rep", "Deal", cell{"title": "a"})
	_, err := h.who("dev", "Deal", deal)
	must(t, err)
	_, err = h.what("admin", "rep")
	must(t, err)
	_, err = h.table("super")
	must(t, err)
	l := h.looks()
	if len(l) != 3 {
		t.Fatalf("%+v", l)
	}
	order := []string{"whoCanSee", "whatCanSee", "accessReview"}
	at := func(l Look) int {
		return slices.IndexFunc(order, func(name string) bool { return strings.Contains(string(l.Detail), name) })
	}
	slices.SortFunc(l, func(a, b Look) int { return at(a) - at(b) }) // they may be of one millisecond
	for i, want := range []Look{
		{User: h.id["dev"], Form: "Deal", Record: deal}, {User: h.id["admin"], Target: h.id["rep"]}, {User: h.id["super"]},
	} {
		got := l[i]
		if got.User != want.User || got.Tool != identity.Review || got.Target != want.Target || got.Form != want.Form || got.Record != want.Record || got.Time.IsZero() {
			t.Errorf("%+v, want %+v", got, want)
		}
		if at(got) != i {
			t.Errorf("detail %s", got.Detail)
		}
	}
}

func TestReviewRefusesWhatItCannotAnswer(t *testing.T) {
	h := newHouse(t)
	deal := h.add("rep", "Deal", cell{"title": "a"})
	for name, c := range map[string]struct {
		q    Who
		kind fault.Kind
		says string
	}{
		"form":     {Who{Form: "Nothing", Record: deal}, fault.NotFound, "form: not found"},
		"record":   {Who{Form: "Deal", Record: record.ID{1}}, fault.NotFound, ""},
		"another":  {Who{Form: "Customer", Record: deal}, fault.NotFound, ""},
		"field":    {Who{Form: "Deal", Record: deal, Field: "nothing"}, fault.Invalid, "field: not a field of Deal"},
		"first":    {Who{Form: "Deal", Record: deal, First: MaxOnlookers + 1}, fault.Invalid, "first: 1001, expected 0 to 1000"},
		"negative": {Who{Form: "Deal", Record: deal, First: -1}, fault.Invalid, "first"},
	} {
		c.q.Application = "crm"
		_, err := h.e.WhoCanSee(t.Context(), h.as["admin"], c.q)
		if msg := denied(t, err, c.kind); !strings.Contains(msg, c.says) {
			t.Errorf("%s: %s", name, msg)
		}
	}
	must(t, h.d.SetActive(t.Context(), h.as["super"], h.id["rep2"], false))
	for _, who := range []string{"nobody", "rep2", "absent"} {
		_, err := h.what("admin", who)
		denied(t, err, fault.NotFound)
	}
	for _, q := range []What{{Samples: MaxSamples + 1}, {Samples: -1}} {
		q.Application, q.User = "crm", h.id["rep"]
		_, err := h.e.WhatCanSee(t.Context(), h.as["admin"], q)
		denied(t, err, fault.Invalid)
	}
	_, err := h.e.WhatCanSee(t.Context(), h.as["admin"], What{Application: "crm", User: h.id["rep"], Form: "Nothing"})
	denied(t, err, fault.NotFound)
	_, err = h.who("admin", "Deal", deal)
	must(t, err)
	o, err := h.who("admin", "Deal", deal)
	must(t, err)
	for _, p := range o.People {
		if p.User == h.id["rep2"] {
			t.Error("an inactive person is listed")
		}
	}
}

// TestP5_ReviewEndsWithItsRights: a table that is under way ends when people
// change, and when the credential does.
func TestP5_ReviewEndsWithItsRights(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct { // in this order: the admin has no credential after the second
		what   string
		change func() error
		kind   fault.Kind
	}{
		{"people", func() error { return h.d.SetActive(t.Context(), h.as["super"], h.id["rep2"], false) }, fault.Conflict},
		{"credential", func() error { return h.d.RevokeCredentials(t.Context(), h.as["super"], h.id["admin"]) }, fault.Unauthenticated},
	} {
		people := 0
		n, err := h.e.AccessReview(t.Context(), h.as["admin"], "crm", func(ReviewHead) error { return nil }, func(rows []ReviewRow) error {
			if people++; people == 2 {
				return c.change()
			}
			return nil
		})
		if err == nil || fault.KindOf(err) != c.kind || people != 2 || n != 2*len(h.def.Forms) {
			t.Errorf("%s: %d rows of %d people, %v", c.what, n, people, err)
		}
	}
	stop := errors.New("stop")
	if n, err := h.e.AccessReview(t.Context(), h.as["super"], "crm", func(ReviewHead) error { return stop }, nil); n != 0 || !errors.Is(err, stop) {
		t.Errorf("%d, %v", n, err)
	}
}

// people adds clerks who see every deal, and others of ten teams whom the rule
// gift concerns.
func (h *house) people(clerks, others int) {
	h.t.Helper()
	source, err := os.ReadFile("testdata/house.yaml")
	must(h.t, err)
	text := strings.Replace(string(source), "maxLevel: READ, users: [gil@x.io]", "maxLevel: READ, roles: [Clerk]", 1)
	out, err := h.e.Apply(h.t.Context(), h.as["admin"], []byte(text), false)
	must(h.t, err)
	h.def = out.Application
	h.fill("gift", rules.Manifest{
		Effect: rules.Share, Grant: 1, Viewer: []rules.Column{{Name: "team", Type: record.Text}}, Record: []rules.Column{{Name: "stage", Type: record.Text}},
	}, func(viewer, row []record.Value) rules.Verdict {
		if string(viewer[0].Text()) == string(row[0].Text()) {
			return rules.Verdict{Grant: uint8(definition.Read)}
		}
		return rules.Verdict{}
	})
	for i := range clerks + others {
		name, set := fmt.Sprint("all", i), "All"
		if i >= clerks {
			name, set = fmt.Sprint("team", i), "Sales"
		}
		id, err := h.d.AddUser(h.t.Context(), h.as["super"], directory.NewUser{Email: name + "@x.io", DisplayName: name, Password: password})
		must(h.t, err)
		must(h.t, h.d.Assign(h.t.Context(), h.as["admin"], directory.Assignment{
			User: id, Application: "crm", Kind: identity.Live, Role: "Clerk", PermissionSet: set,
			Attributes: map[string]record.Value{"team": record.String(fmt.Sprint("t", i%10))},
		}, nil))
	}
}

// TestP10_ReviewTellsViewersApart: people with one set, who see everything of a
// report that is about themselves, are not counted as one.
func TestP10_ReviewTellsViewersApart(t *testing.T) {
	h := newHouse(t)
	source, err := os.ReadFile("testdata/house.yaml")
	must(t, err)
	text := strings.Replace(string(source), "reports:\n", "reports:\n  - {name: mine, form: Deal, criteria: {rep: {eq: VIEWER}}}\n", 1)
	text = strings.Replace(text, "      deals: [MODIFY_ALL, DELETE]\n", "      mine: [VIEW_ALL]\n", 1)
	_, err = h.e.Apply(t.Context(), h.as["admin"], []byte(text), false)
	must(t, err)
	h.place("rep2", "Clerk", "All")
	h.add("admin", "Deal", cell{"title": "a", "rep": h.id["all"]})
	for range 2 {
		h.add("admin", "Deal", cell{"title": "b", "rep": h.id["rep2"]})
	}
	want := map[record.ID]int{h.id["all"]: 1, h.id["rep2"]: 2}
	_, err = h.e.AccessReview(t.Context(), h.as["admin"], "crm", func(ReviewHead) error { return nil }, func(rows []ReviewRow) error {
		for _, r := range rows {
			if n, ok := want[r.User]; ok && r.Form == "Deal" && r.Counts[definition.View] != n {
				t.Errorf("%s: %+v, want %d", r.DisplayName, r, n)
			}
		}
		return nil
	})
	must(t, err)
}

// TestReviewCountsOnceForEquals: however many people see every deal, the deals are
// counted once for all of them; and once for those of equal attributes whom a rule
// lets see some and who own none, but for asking whether they own any.
func TestReviewCountsOnceForEquals(t *testing.T) {
	keys := func(clerks, others int) uint64 {
		h := newHouse(t)
		h.people(clerks, others)
		for i := range 30 {
			h.add("rep", "Deal", cell{"title": fmt.Sprint("deal ", i), "stage": fmt.Sprint("t", i%10)})
		}
		var used storage.Stats
		h.read("admin", func(op *Op) {
			table := &reviewTable{op: op, lookers: op.lookers(), known: map[string]Tally{}}
			before := op.Stats()
			for _, u := range op.people.Members("crm") {
				want, counted := map[string]int{"a": 30, "t": 3}[u.DisplayName[:1]]
				if !counted || strings.Trim(u.DisplayName, "0123456789") == u.DisplayName {
					continue
				}
				rows, err := table.person(u)
				must(t, err)
				for _, r := range rows {
					if r.Form == "Deal" && r.Counts[definition.View] != want {
						t.Fatalf("%+v, want %d", r, want)
					}
				}
			}
			used.Keys = op.Stats().Keys - before.Keys
		})
		return uint64(used.Keys)
	}
	if few, many := keys(2, 0), keys(20, 0); many > few {
		t.Errorf("%d keys for 20 people, %d for 2", many, few)
	}
	if few, many := keys(0, 10), keys(0, 40); many > few+30*5 { // each of thirty owns none in five forms
		t.Errorf("%d keys for 40 people, %d for 10", many, few)
	}
}

// BenchmarkWhoCanSee asks who of a thousand people sees a record that a custom rule
// shares with some of them, by an attribute that has ten values.
func BenchmarkWhoCanSee(b *testing.B) {
	h := newHouse(b)
	h.people(100, 900)
	deal := h.add("rep", "Deal", cell{"title": "a", "stage": "t3"})
	before := processorTime(b)
	for b.Loop() {
		o, err := h.who("admin", "Deal", deal)
		if err != nil || o.Total < 190 || o.Total > 300 {
			b.Fatal(o, err)
		}
	}
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
}

// TestLookersForget: what rules say to many classes of people is not all kept.
func TestLookersForget(t *testing.T) {
	h := newHouse(t)
	h.read("admin", func(op *Op) {
		c := op.lookers()
		for class := range 2 * maxOutcomes / maxSeen {
			of := map[outcomeKey]policy.Outcome{}
			for i := range maxSeen {
				of[outcomeKey{version: uint32(i)}] = policy.Outcome{}
			}
			c.outcomes[strings.Repeat("a", class)] = of
			c.trim()
			if n := len(c.outcomes) * maxSeen; n > maxOutcomes {
				t.Fatalf("%d answers are kept after %d classes, want %d at most", n, class+1, maxOutcomes)
			}
		}
	})
}
