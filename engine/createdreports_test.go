package engine

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
)

func inputOf(name string, columns []string, where any, keys ...Order) ReportInput {
	return ReportInput{Name: &name, Columns: &columns, Where: &where, OrderBy: &keys}
}

// keep stores a report of deals that must be taken.
func (h *house) keep(who string, in ReportInput) (id record.ID) {
	h.t.Helper()
	must(h.t, h.write(who, func(op *Op) (err error) {
		id, err = op.CreateReport(h.form("Deal").Number, in)
		return err
	}))
	return id
}

// reports are the names of the reports of deals that somebody sees.
func (h *house) reports(who string) (names []string) {
	h.t.Helper()
	h.read(who, func(op *Op) {
		rs, err := op.CreatedReports(h.form("Deal").Number)
		must(h.t, err)
		for _, r := range rs {
			names = append(names, r.Name)
		}
	})
	return names
}

// shows lists a report of deals.
func (h *house) shows(who string, id record.ID) (titles []string, err error) {
	h.t.Helper()
	h.read(who, func(op *Op) {
		var page *Page
		if page, err = op.List(List{Form: h.form("Deal").Number, Created: id, First: 100}); err != nil {
			return
		}
		for _, r := range page.Records {
			titles = append(titles, string(r.Get(h.field("Deal", "title")).Text()))
		}
	})
	return titles, err
}

// redefined applies the house with texts replaced.
func (h *house) redefined(drop bool, pairs ...string) {
	h.t.Helper()
	b, err := os.ReadFile("testdata/house.yaml")
	must(h.t, err)
	source := string(b)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(source, pairs[i]) {
			h.t.Fatalf("the house has no %q", pairs[i])
		}
		source = strings.ReplaceAll(source, pairs[i], pairs[i+1])
	}
	out, err := h.e.Apply(h.t.Context(), h.as["admin"], []byte(source), drop)
	must(h.t, err)
	if len(out.Faults) > 0 {
		h.t.Fatal(out.Faults)
	}
	h.def = out.Application
}

// TestB8ReportGivesNoReach: each reader sees in a report what its filter finds
// among their own records, in its order.
func TestB8ReportGivesNoReach(t *testing.T) {
	h := newHouse(t)
	for who, stage := range map[string]string{"rep": "open", "rep2": "open", "clerk": "won"} {
		h.add(who, "Deal", cell{"title": who + " b", "stage": stage, "amount": "2"})
		h.add(who, "Deal", cell{"title": who + " a", "stage": stage, "amount": "1"})
	}
	h.add("rep", "Deal", cell{"title": "rep c", "stage": "lost", "amount": "9"})
	title := *h.field("Deal", "title")
	id := h.keep("rep", inputOf("open", []string{"title"}, cell{"stage": cell{"eq": "open"}}, Order{Field: title}))
	for who, want := range map[string]string{
		"rep": "[rep a rep b]", "rep2": "[rep2 a rep2 b]", "clerk": "[]", "manager": "[rep a rep b rep2 a rep2 b]", "admin": "[rep a rep b rep2 a rep2 b]",
	} {
		got, err := h.shows(who, id)
		must(t, err)
		if fmt.Sprint(got) != want || fmt.Sprint(h.reports(who)) != "[open]" {
			t.Errorf("%s sees %v in it, want %s; listed %v", who, got, want, h.reports(who))
		}
	}
	h.read("rep", func(op *Op) { // with a filter and an order of one's own
		e, _ := filter.Parse(cell{"amount": cell{"gte": "2"}}, op.Scope(h.form("Deal").Number), filter.Options{})
		page, err := op.List(List{Form: h.form("Deal").Number, Created: id, Where: e, OrderBy: []Order{{Field: title, Desc: true}}, First: 5, Total: true})
		must(t, err)
		if page.Total != 1 || len(page.Records) != 1 {
			t.Errorf("and: %d of %d", len(page.Records), page.Total)
		}
	})
}

// TestB8ReportIsAViewersFilter: its criteria read cells as the reader does, so a
// masked value changes nothing that they see (P3).
func TestB8ReportIsAViewersFilter(t *testing.T) {
	h := newHouse(t)
	h.cover()
	h.add("rep", "Deal", cell{"title": "seen", "stage": "open", "amount": "5"})
	h.add("rep", "Deal", cell{"title": "covered", "stage": "won", "amount": "5"})
	five := h.keep("admin", inputOf("five", nil, cell{"amount": cell{"eq": "5"}}))
	null := h.keep("admin", inputOf("null", nil, cell{"amount": cell{"isNull": true}}))
	for id, want := range map[record.ID][2]string{five: {"[seen]", "[covered seen]"}, null: {"[covered]", "[]"}} {
		mia, err := h.shows("mia", id)
		must(t, err)
		rep, err := h.shows("rep", id)
		must(t, err)
		slices.Sort(rep) // of one millisecond, their ids have no order
		if fmt.Sprint(mia) != want[0] || fmt.Sprint(rep) != want[1] {
			t.Errorf("mia %v, rep %v, want %v", mia, rep, want)
		}
	}
}

// TestB8ReportIsAbsent: a report that names a field which its reader does not
// see answers everywhere as one that never existed, admins' own included.
func TestB8ReportIsAbsent(t *testing.T) {
	h := newHouse(t)
	quiet := *h.field("Deal", "quiet")
	deal := h.form("Deal").Number
	made := map[string]record.ID{
		"filter":        h.keep("admin", inputOf("filter", nil, cell{"or": []any{cell{"title": cell{"eq": "x"}}, cell{"not": cell{"quiet": cell{"eq": "x"}}}}})),
		"column":        h.keep("admin", inputOf("column", []string{"title", "quiet"}, nil)),
		"order":         h.keep("admin", inputOf("order", nil, nil, Order{Field: quiet})),
		"behind lookup": h.keep("admin", inputOf("behind lookup", nil, cell{"customer": cell{"tax": cell{"isNull": true}}})),
	}
	if got := h.reports("admin"); len(got) != len(made) {
		t.Fatalf("the maker sees %v", got)
	}
	if got := h.reports("rep"); got != nil {
		t.Errorf("rep sees %v", got)
	}
	never := record.ID{15: 1, 6: 0x70, 8: 0x80}
	asks := map[string]func(op *Op, id record.ID) error{
		"get":    func(op *Op, id record.ID) error { _, err := op.CreatedReport(deal, id); return err },
		"list":   func(op *Op, id record.ID) error { _, err := op.List(List{Form: deal, Created: id}); return err },
		"update": func(op *Op, id record.ID) error { return op.UpdateReport(deal, id, ReportInput{}) },
		"delete": func(op *Op, id record.ID) error { return op.DeleteReport(deal, id) },
		"children": func(op *Op, id record.ID) error {
			_, err := op.Children(*h.field("Deal", "customer"), []record.ID{never}, List{Form: deal, Created: id})
			return err
		},
	}
	for name, id := range made {
		for what, ask := range asks {
			absent := denied(t, h.write("rep", func(op *Op) error { return ask(op, never) }), fault.NotFound)
			if got := denied(t, h.write("rep", func(op *Op) error { return ask(op, id) }), fault.NotFound); got != absent {
				t.Errorf("%s of the report with a hidden %s: %q, of no report: %q", what, name, got, absent)
			}
		}
	}
	must(t, h.write("admin", func(op *Op) error { return op.DeleteReport(deal, made["filter"]) }))
}

// TestB8MakingAReportIsChecked: what the maker could not ask for in a query is
// refused, with a hidden name like one that never existed, and nothing is kept.
func TestB8MakingAReportIsChecked(t *testing.T) {
	h := newHouse(t)
	quiet, customer := *h.field("Deal", "quiet"), *h.field("Deal", "customer")
	deal := h.form("Deal").Number
	try := func(who string, in ReportInput) error {
		return h.write(who, func(op *Op) error { _, err := op.CreateReport(deal, in); return err })
	}
	for hidden, unknown := range map[string]string{"quiet": "zzz"} {
		for _, make := range []func(string) ReportInput{
			func(n string) ReportInput { return inputOf("x", []string{"title", n}, nil) },
			func(n string) ReportInput { return inputOf("x", nil, cell{n: cell{"eq": "x"}}) },
			func(n string) ReportInput { return inputOf("x", nil, cell{"not": cell{n: cell{"isNull": true}}}) },
		} {
			a, b := denied(t, try("rep", make(hidden)), fault.Invalid), denied(t, try("rep", make(unknown)), fault.Invalid)
			if strings.ReplaceAll(a, hidden, unknown) != b {
				t.Errorf("hidden %q, unknown %q", a, b)
			}
		}
	}
	denied(t, try("rep", inputOf("x", nil, nil, Order{Field: quiet})), fault.Invalid)
	denied(t, try("rep", inputOf("x", nil, nil, Order{Field: customer})), fault.Invalid)
	denied(t, try("rep", inputOf("x", []string{"title", "title"}, nil)), fault.Invalid)
	denied(t, try("rep", inputOf("x", nil, cell{"amount": cell{"eq": "many"}})), fault.Invalid)
	denied(t, try("rep", inputOf("x", nil, cell{"customer": cell{"tax": cell{"eq": "1"}}})), fault.Invalid)
	for _, name := range []string{"", " x", "x\ny", "x\x00", strings.Repeat("x", 101)} {
		denied(t, try("rep", inputOf(name, nil, nil)), fault.Invalid)
	}
	denied(t, try("rep", ReportInput{}), fault.Invalid)
	denied(t, try("rep", inputOf("x", nil, cell{"title": cell{"in": slices.Repeat([]any{strings.Repeat("y", 1000)}, 20)}})), fault.Limit)
	denied(t, try("viewer", inputOf("x", nil, nil)), fault.Forbidden)
	if got := h.reports("admin"); got != nil {
		t.Errorf("kept: %v", got)
	}
}

// TestB8ReportStays: when its maker loses the right, the place or the account;
// and who may change it then.
func TestB8ReportStays(t *testing.T) {
	h := newHouse(t)
	deal := h.form("Deal").Number
	id := h.keep("rep", inputOf("mine", nil, nil))
	name := "new"
	change := func(who string) error {
		return h.write(who, func(op *Op) error { return op.UpdateReport(deal, id, ReportInput{Name: &name}) })
	}
	must(t, change("rep"))
	denied(t, change("rep2"), fault.Forbidden) // has the right, is not the maker
	must(t, change("admin"))
	must(t, change("dev"))
	h.redefined(false, "[ACCESS, CREATE_REPORT]", "[ACCESS]")
	denied(t, change("rep"), fault.Forbidden)
	h.read("rep", func(op *Op) {
		if r, err := op.CreatedReport(deal, id); err != nil || r.MayChange {
			t.Errorf("the maker without the right: %+v %v", r, err)
		}
	})
	denied(t, h.write("rep", func(op *Op) error { return op.DeleteReport(deal, id) }), fault.Forbidden)
	must(t, h.d.Unassign(t.Context(), h.as["admin"], h.id["rep"], "crm"))
	must(t, h.d.SetActive(t.Context(), h.as["admin"], h.id["rep"], false))
	for _, who := range []string{"rep2", "manager", "admin", "viewer"} {
		if got := h.reports(who); !slices.Equal(got, []string{"new"}) {
			t.Errorf("%s sees %v", who, got)
		}
	}
	must(t, h.write("dev", func(op *Op) error { return op.DeleteReport(deal, id) }))
	if got := h.reports("admin"); got != nil {
		t.Errorf("after its deletion: %v", got)
	}
}

// TestB8ReportKeepsNumbers: a rename changes the names that a report shows, a
// dropped field takes it from everyone, and makes room.
func TestB8ReportKeepsNumbers(t *testing.T) {
	h := newHouse(t)
	deal := h.form("Deal").Number
	stage, extra := "- {name: stage, type: text}", "\n      - {name: extra, type: text}"
	link, name := "{name: customer, type: lookup, to: Customer}", "{name: name, type: text, required: true}"
	h.redefined(false, stage, stage+"\n      - {name: mark, type: text}"+extra)
	h.add("rep", "Deal", cell{"title": "it", "mark": "a"})
	where := cell{"and": []any{cell{"mark": cell{"eq": "a"}}, cell{"customer": cell{"isNull": true}}}, "not": cell{"customer": cell{"name": cell{"eq": "x"}}}}
	id := h.keep("admin", inputOf("n", []string{"mark", "extra"}, where, Order{Field: *h.field("Deal", "mark")}))
	h.redefined(false, stage, stage+"\n      - {name: sign, renamedFrom: mark, type: text}"+extra,
		link, "{name: client, renamedFrom: customer, type: lookup, to: Customer}", name, "{name: label, renamedFrom: name, type: text, required: true}")
	h.read("rep", func(op *Op) {
		r, err := op.CreatedReport(deal, id)
		must(t, err)
		want := `map[and:[map[sign:map[eq:a]] map[client:map[isNull:true]]] not:map[client:map[label:map[eq:x]]]]`
		if fmt.Sprint(r.Where) != want || fmt.Sprint(r.Columns) != "[sign extra]" || r.OrderBy[0].Field.Name != "sign" || r.MayChange {
			t.Errorf("renamed: %+v", r)
		}
		page, err := op.List(List{Form: deal, Created: id, First: 9})
		must(t, err)
		if len(page.Records) != 1 {
			t.Errorf("renamed, it shows %d records", len(page.Records))
		}
	})
	h.redefined(true, stage, stage+"\n      - {name: sign, type: text}",
		link, "{name: client, type: lookup, to: Customer}", name, "{name: label, type: text, required: true}")
	if got := h.reports("admin"); got != nil {
		t.Errorf("with a dropped field: %v", got)
	}
	h.keep("admin", inputOf("other", nil, nil))
	h.read("admin", func(op *Op) {
		if _, ok, err := op.r.Doc(spaceReport, reportKey("crm", deal, id)); ok || err != nil {
			t.Errorf("what nobody can see is still stored: %v", err)
		}
	})
}

// TestB8ReportsAreBounded: by person and by form, exactly, whoever is first.
func TestB8ReportsAreBounded(t *testing.T) {
	h := newHouse(t)
	deal := h.form("Deal").Number
	fill := func(who string, n int) error {
		return h.write(who, func(op *Op) error {
			for range n {
				if _, err := op.CreateReport(deal, inputOf("x", nil, nil)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	denied(t, fill("rep", MaxOwnReports+1), fault.Limit)
	for _, who := range []string{"rep", "rep2", "clerk", "manager"} {
		must(t, fill(who, MaxOwnReports))
		denied(t, fill(who, 1), fault.Limit)
	}
	denied(t, fill("chief", 1), fault.Limit)
	if got := h.reports("rep"); len(got) != MaxCreatedReports {
		t.Errorf("%d reports", len(got))
	}
	h.read("rep2", func(op *Op) {
		if _, err := op.CreatedReports(h.form("Slot").Number); err != nil {
			t.Error(err)
		}
	})
}

// TestB8ReportThatDoesNotFit: a value that the definition does not have any more
// is an error for those who see the field, never another filter.
func TestB8ReportThatDoesNotFit(t *testing.T) {
	h := newHouse(t)
	stage := "{name: stage, type: text}"
	h.redefined(false, stage, stage+"\n      - {name: kind, type: choice, choices: [a, b]}")
	id := h.keep("rep", inputOf("b", nil, cell{"kind": cell{"ne": "b"}}))
	h.redefined(false, stage, stage+"\n      - {name: kind, type: choice, choices: [a]}")
	_, err := h.shows("rep2", id)
	if got := denied(t, err, fault.Invalid); !strings.Contains(got, "where.kind.ne") {
		t.Error(got)
	}
	if got := h.reports("rep2"); len(got) != 1 {
		t.Errorf("listed: %v", got)
	}
}

// TestB8CursorIsOfTheReport: a cursor of one report is none of another, nor of the
// report after a change.
func TestB8CursorIsOfTheReport(t *testing.T) {
	h := newHouse(t)
	deal := h.form("Deal").Number
	h.deals(3)
	one := h.keep("admin", inputOf("one", nil, cell{"title": cell{"ne": "x"}}))
	two := h.keep("admin", inputOf("two", nil, cell{"title": cell{"ne": "y"}}))
	var after string
	page := func(id record.ID) (err error) {
		h.read("admin", func(op *Op) {
			var p *Page
			if p, err = op.List(List{Form: deal, Created: id, First: 1, After: after}); err == nil && after == "" {
				after = p.Cursor(0)
			}
		})
		return err
	}
	must(t, page(one))
	must(t, page(one))
	denied(t, page(two), fault.Invalid)
	var where any = cell{"title": cell{"ne": "z"}}
	must(t, h.write("admin", func(op *Op) error { return op.UpdateReport(deal, one, ReportInput{Where: &where}) }))
	denied(t, page(one), fault.Invalid)
}

// put stores a generated report as the admin of a world, who sees every field.
func (s *stage) put(saved *oracle.SavedReport, place int) record.ID {
	s.tb.Helper()
	f, _ := s.w.App.Form(saved.Form)
	var where any
	if saved.Criteria != nil {
		where = saved.Criteria
	}
	keys, _ := s.orders(f, saved.OrderBy)
	d := &reportDoc{Maker: saved.Maker}
	for _, name := range saved.Columns {
		fd, _ := f.Field(name)
		d.Columns = append(d.Columns, fd.Number)
	}
	for _, k := range keys {
		d.OrderBy = append(d.OrderBy, stored(k))
	}
	if where != nil {
		var ok bool
		d.Where, ok = renamed(where, f.Number, func(form uint32, key string) (named, bool) {
			of := s.w.FormNumber(form)
			if fd, ok := of.Field(key); ok {
				return namedField(&fd.Field, fieldKey(fd.Number)), true
			}
			ways := world.Ways(s.w, of, world.VisibleTo(s.w, s.w.Users[0]))
			at := slices.IndexFunc(ways, func(w world.Way) bool { return w.Name == key })
			if at < 0 {
				return named{}, false
			}
			by := filter.Reverse{Form: ways[at].Form.Number, Lookup: ways[at].Lookup}
			return named{key: wayKey(by), form: by.Form, many: true}, true
		})
		if !ok {
			s.tb.Fatalf("seed %d: %v is no filter", s.w.Seed, where)
		}
	}
	id := record.ID{6: 0x70, 8: 0x80, 15: byte(place + 1)}
	must(s.tb, s.change(s.w.Users[0], func(op *Op) error { return op.putReport(f.Number, id, d) }))
	return id
}

// keepable returns a generated report as one could be kept: without the keys that
// no list can be ordered by.
func (s *stage) keepable(f *definition.Form, saved *oracle.SavedReport) *oracle.SavedReport {
	out := *saved
	_, keys := s.orders(f, saved.OrderBy)
	out.OrderBy = keys[:len(keys)-1] // the id
	return &out
}

// TestB8ReportsEqualTheOracle compares generated reports with the oracle, for
// every user: whether it is there, and what it shows.
func TestB8ReportsEqualTheOracle(t *testing.T) {
	prove(t, 60, 20_000, func(t *testing.T, seed uint64) {
		s := newStage(t, world.Random(seed, world.Small))
		defer s.close()
		for i, saved := range s.w.Saved {
			f, _ := s.w.App.Form(saved.Form)
			saved := s.keepable(f, saved)
			id := s.put(saved, i)
			for _, u := range s.w.Users {
				op := s.op(u)
				s.compareSaved(op, u, f, saved, id)
				op.Close()
			}
		}
	})
}

func (s *stage) compareSaved(op *Op, u *oracle.User, f *definition.Form, saved *oracle.SavedReport, id record.ID) {
	s.tb.Helper()
	_, err := op.CreatedReport(f.Number, id)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		s.tb.Fatalf("seed %d: %v", s.w.Seed, err)
	}
	if want := oracle.SeesSaved(s.w, u, saved); (err == nil) != want {
		s.tb.Fatalf("seed %d: %s sees report %+v: engine %v, oracle %v", s.w.Seed, u.Email, saved, err, want)
	}
	if err != nil {
		if _, err := op.List(List{Form: f.Number, Created: id}); fault.KindOf(err) != fault.NotFound {
			s.tb.Fatalf("seed %d: %s lists a report that is absent: %v", s.w.Seed, u.Email, err)
		}
		return
	}
	_, theirs := s.orders(f, saved.OrderBy)
	want := oracle.ListSaved(s.w, u, saved, nil, theirs)
	s.walk(op, fmt.Sprintf("%s lists report %+v", u.Email, saved), List{Form: f.Number, Created: id, First: 7}, want)
	got := s.walked(op, List{Form: f.Number, Created: id, Action: definition.Export, OrderBy: []Order{{Field: record.System[0]}}})
	exports := s.exported(u, f.Name, want)
	slices.SortFunc(exports, compareIDs)
	if !slices.Equal(got, exports) {
		s.tb.Fatalf("seed %d: %s exports report %+v: engine %v, oracle %v", s.w.Seed, u.Email, saved, got, exports)
	}
}

// kept puts the reports of a world to a stage and asks for what they show.
func (s *stage) kept(w *world.World) (asks []request) {
	for i, saved := range w.Saved {
		f, _ := w.App.Form(saved.Form)
		id := s.put(saved, i)
		asks = append(asks, listing(f, List{Form: f.Number, Created: id, First: 1 + i, Total: true}), request{ask: func(op *Op) string {
			rs, err := op.CreatedReports(f.Number)
			return fmt.Sprintf("%+v %s", rs, failure(err))
		}})
	}
	return asks
}

// TestB8ReportsTakeTurns: a report that another keeps meanwhile makes a creation
// run again, so that two cannot both be the last that there is room for.
func TestB8ReportsTakeTurns(t *testing.T) {
	h := newHouse(t)
	deal := h.form("Deal").Number
	runs := 0
	must(t, h.write("rep", func(op *Op) error {
		_, err := op.CreateReport(deal, inputOf("mine", nil, nil))
		if runs++; runs == 1 {
			h.keep("rep2", inputOf("theirs", nil, nil))
		}
		return err
	}))
	if got := h.reports("admin"); runs != 2 || len(got) != 2 {
		t.Errorf("%d runs, reports %v", runs, got)
	}
}
