package engine

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// newHideout is a house with two more admins, of whom boss hides, and a deal of
// boss in each stage.
func newHideout(t *testing.T) (h *house, shut, open record.ID) {
	h = newHouse(t)
	h.hire("boss", true)
	h.hire("peer", true)
	shut = h.add("boss", "Deal", cell{"title": "a", "stage": "shut", "amount": 7})
	return h, shut, h.add("boss", "Deal", cell{"title": "b", "stage": "open", "amount": 8})
}

func (h *house) hide(who, form string, where cell) {
	h.t.Helper()
	_, err := h.e.HideRecords(h.t.Context(), h.as[who], "crm", form, where)
	must(h.t, err)
}

func (h *house) unhide(who, form, user string) error {
	_, err := h.e.UnhideRecords(h.t.Context(), h.as[who], "crm", form, h.id[user])
	return err
}

func (h *house) hidden(who string) []Hidden {
	h.t.Helper()
	out, err := h.e.HiddenRecords(h.t.Context(), h.as[who], "crm")
	must(h.t, err)
	return out
}

// seenBy demands that exactly those named out of everybody in the house who may
// see every deal see this one.
func (h *house) seenBy(id record.ID, names ...string) {
	h.t.Helper()
	for _, who := range []string{"super", "admin", "boss", "peer", "dev", "all", "chief"} {
		if want := slices.Contains(names, who); h.sees(who, "Deal", id) != want {
			h.t.Errorf("%s sees the deal: %v, want %v", who, !want, want)
		}
	}
}

var isShut = cell{"stage": cell{"eq": "shut"}}

func TestG1_AdminHidesOwnRecords(t *testing.T) {
	h, shut, open := newHideout(t)
	everybody := []string{"super", "admin", "boss", "peer", "dev", "all", "chief"}
	h.seenBy(shut, everybody...)
	h.hide("boss", "Deal", isShut)
	h.seenBy(shut, "boss")
	h.seenBy(open, everybody...)
	// It is judged at each read, over what the admin owns then.
	must(t, h.update("boss", "Deal", shut, cell{"stage": "open"}))
	h.seenBy(shut, everybody...)
	must(t, h.update("admin", "Deal", open, cell{"stage": "shut"}))
	h.seenBy(open, "boss")
	theirs := h.add("rep", "Deal", cell{"title": "c"})
	must(t, h.update("admin", "Deal", theirs, cell{"stage": "shut"}))
	h.seenBy(theirs, "super", "admin", "boss", "peer", "dev", "all", "chief")
	must(t, h.update("admin", "Deal", theirs, cell{"rep": h.id["boss"]}))
	h.seenBy(theirs, "boss")
	must(t, h.update("boss", "Deal", theirs, cell{"rep": h.id["rep"]}))
	h.seenBy(theirs, everybody...)
	// A second filter takes the place of the first.
	h.hide("boss", "Deal", cell{})
	h.seenBy(shut, "boss")
	must(t, h.unhide("boss", "Deal", "boss"))
	h.seenBy(shut, everybody...)
	h.seenBy(open, everybody...)
}

// Whatever grants exist: rules that name the viewer or the field give nothing.
func TestG1_NoGrantReachesWhatIsHidden(t *testing.T) {
	h, shut, _ := newHideout(t)
	h.hide("boss", "Deal", isShut)
	for _, s := range staff {
		if h.sees(s.name, "Deal", shut) {
			t.Errorf("%s sees a hidden deal", s.name)
		}
		for what, err := range map[string]error{
			"update": h.update(s.name, "Deal", shut, cell{"title": "x"}), "delete": h.remove(s.name, "Deal", shut),
		} {
			if err == nil || fault.KindOf(err) != fault.NotFound {
				t.Errorf("%s: %s: %v", s.name, what, err)
			}
		}
	}
	for _, who := range []string{"super", "admin", "dev"} {
		denied(t, h.update(who, "Deal", shut, cell{"title": "x"}), fault.NotFound)
		denied(t, h.remove(who, "Deal", shut), fault.NotFound)
	}
	must(t, h.update("boss", "Deal", shut, cell{"title": "x"}))
	must(t, h.remove("boss", "Deal", shut))
}

func TestG2_LapseAndReturn(t *testing.T) {
	h, shut, _ := newHideout(t)
	h.hide("boss", "Deal", isShut)
	if got := h.hidden("super"); len(got) != 0 {
		t.Errorf("the super admin is told of %+v", got)
	}
	denied(t, h.unhide("super", "Deal", "boss"), fault.NotFound)
	for what, change := range map[string][2]func() error{
		"deactivated": {
			func() error { return h.d.SetActive(t.Context(), h.as["super"], h.id["boss"], false) },
			func() error { return h.d.SetActive(t.Context(), h.as["super"], h.id["boss"], true) },
		},
		"demoted": {
			func() error { return h.d.DemoteAdmin(t.Context(), h.as["super"], h.id["boss"]) },
			func() error { return h.d.PromoteAdmin(t.Context(), h.as["super"], h.id["boss"]) },
		},
	} {
		must(t, change[0]())
		for _, who := range []string{"super", "admin", "peer", "dev", "all"} {
			if want := who == "super"; h.sees(who, "Deal", shut) != want {
				t.Errorf("%s: %s sees the deal: %v", what, who, !want)
			}
		}
		if got := h.hidden("super"); len(got) != 1 || !got[0].Lapsed || got[0].Owner != h.id["boss"] || got[0].Form != "Deal" || !reflect.DeepEqual(got[0].Where, isShut) {
			t.Errorf("%s: the super admin is told %+v", what, got)
		}
		if got := h.hidden("admin"); len(got) != 0 {
			t.Errorf("%s: another admin is told %+v", what, got)
		}
		denied(t, h.unhide("admin", "Deal", "boss"), fault.NotFound)
		must(t, change[1]())
		h.as["boss"] = signIn(t, h.d, h.tenant, h.id["boss"], identity.Session)
		h.seenBy(shut, "boss")
	}
	// Who is no admin any more does not see the records either.
	must(t, h.d.DemoteAdmin(t.Context(), h.as["super"], h.id["boss"]))
	h.place("boss", "CEO", "Sales")
	if h.sees("boss", "Deal", shut) {
		t.Error("demoted, the author sees the records")
	}
	_, err := h.e.DeleteUser(t.Context(), h.as["super"], h.id["boss"], nil)
	must(t, err)
	for _, who := range []string{"super", "admin", "dev", "all"} {
		if want := who == "super"; h.sees(who, "Deal", shut) != want {
			t.Errorf("deleted: %s sees the deal: %v", who, !want)
		}
	}
	if got := h.hidden("super"); len(got) != 1 || !got[0].Lapsed || got[0].OwnerName != "" {
		t.Errorf("deleted: the super admin is told %+v", got)
	}
	must(t, h.unhide("super", "Deal", "boss"))
	if got := h.hidden("super"); len(got) != 0 || !h.sees("admin", "Deal", shut) || !h.sees("all", "Deal", shut) {
		t.Errorf("lifted by the super admin: left %+v", got)
	}
}

// A super admin who hands the place over is an admin: the hide goes on.
func TestG2_TransferKeepsHides(t *testing.T) {
	h, _, _ := newHideout(t)
	own := h.add("super", "Deal", cell{"title": "own"})
	h.hide("super", "Deal", cell{})
	h.seenBy(own, "super")
	must(t, h.d.TransferSuperAdmin(t.Context(), h.as["super"], h.id["peer"]))
	h.seenBy(own, "super")
	if got := h.hidden("peer"); len(got) != 0 {
		t.Errorf("the new super admin is told of %+v", got)
	}
}

func TestG3_OnlyAdminsHide(t *testing.T) {
	h, _, _ := newHideout(t)
	for who, kind := range map[string]fault.Kind{"dev": fault.Forbidden, "rep": fault.Forbidden, "all": fault.Forbidden, "nobody": fault.NotFound} {
		_, err := h.e.HideRecords(t.Context(), h.as[who], "crm", "Deal", cell{})
		denied(t, err, kind)
		denied(t, h.unhide(who, "Deal", "boss"), kind)
		_, err = h.e.HiddenRecords(t.Context(), h.as[who], "crm")
		denied(t, err, kind)
	}
	must(t, h.d.DemoteAdmin(t.Context(), h.as["super"], h.id["peer"]))
	_, err := h.e.HideRecords(t.Context(), h.as["peer"], "crm", "Deal", cell{})
	denied(t, err, fault.NotFound)
	// An admin has no part in the hides of another, and cannot tell that there are any.
	h.hide("boss", "Deal", isShut)
	msg := denied(t, h.unhide("admin", "Deal", "boss"), fault.NotFound)
	if other := denied(t, h.unhide("admin", "Deal", "rep"), fault.NotFound); msg != other {
		t.Errorf("a hide of another answers %q, none %q", msg, other)
	}
	if got := h.hidden("admin"); len(got) != 0 {
		t.Errorf("another admin is told of %+v", got)
	}
	h.hide("super", "Deal", cell{})
	own := h.add("super", "Deal", cell{"title": "of the super admin"})
	if !h.sees("super", "Deal", own) || h.sees("admin", "Deal", own) || h.sees("all", "Deal", own) {
		t.Error("the super admin's own hide does not hold")
	}
}

// Hiding and unhiding are in the change log, with who did it and what.
func TestG3_HidingIsAudited(t *testing.T) {
	h, _, _ := newHideout(t)
	h.hide("boss", "Deal", isShut)
	must(t, h.unhide("boss", "Deal", "boss"))
	var got []string
	h.read("boss", func(op *Op) {
		c := op.r.Changes(0)
		defer c.Close()
		for c.Next() {
			if ch := c.Change(); ch.Space == spaceHide {
				if ch.Meta.Actor != h.id["boss"] || ch.Meta.Time.IsZero() || !strings.Contains(string(ch.Before)+string(ch.After), "shut") {
					t.Errorf("%+v", ch)
				}
				got = append(got, ch.Meta.Operation)
			}
		}
		must(t, c.Err())
	})
	if !slices.Equal(got, []string{"hideRecords", "unhideRecords"}) {
		t.Errorf("audited %v", got)
	}
}

func TestG3_FiltersOfHides(t *testing.T) {
	h, _, _ := newHideout(t)
	deep := cell{}
	for range 30 {
		deep = cell{"not": deep}
	}
	for name, c := range map[string]struct {
		where cell
		kind  fault.Kind
		want  string
	}{
		"none":           {nil, fault.Invalid, "where: expected an object"},
		"no field":       {cell{"color": cell{"eq": "red"}}, fault.Invalid, `where.color: unknown name "color"`},
		"no operator":    {cell{"or": []any{cell{"stage": cell{"is": "red"}}}}, fault.Invalid, "where.or.0.stage.is: unknown operator"},
		"other type":     {cell{"amount": cell{"eq": "much"}}, fault.Invalid, "where.amount.eq"},
		"another record": {cell{"customer": cell{"name": cell{"eq": "x"}}}, fault.Invalid, "where.customer.name"},
		"the viewer":     {cell{"rep": cell{"eq": "VIEWER"}}, fault.Invalid, "where.rep.eq"},
		"deep":           {deep, fault.Invalid, "nests deeper"},
		"long":           {cell{"stage": cell{"eq": strings.Repeat("x", MaxHideBytes)}}, fault.Limit, "8192 are allowed"},
		"not JSON":       {cell{"stage": func() {}}, fault.Invalid, "where: expected what JSON can say"},
	} {
		_, err := h.e.HideRecords(t.Context(), h.as["boss"], "crm", "Deal", c.where)
		if msg := denied(t, err, c.kind); !strings.Contains(msg, c.want) {
			t.Errorf("%s: %q, want %q", name, msg, c.want)
		}
	}
	_, err := h.e.HideRecords(t.Context(), h.as["boss"], "crm", "Order", cell{})
	denied(t, err, fault.NotFound)
	_, err = h.e.HideRecords(t.Context(), h.as["boss"], "other", "Deal", cell{})
	denied(t, err, fault.NotFound)
	if got := h.hidden("boss"); len(got) != 0 {
		t.Errorf("refused filters are kept: %+v", got)
	}
}

// A page taken before and one after: nothing leaks, nothing else is missed.
func TestG1_CursorsTakenBefore(t *testing.T) {
	h, _, _ := newHideout(t)
	for i := range 12 {
		who := []string{"rep", "boss", "admin"}[i%3]
		h.add(who, "Deal", cell{"title": "t", "amount": i, "stage": "shut"})
	}
	for _, order := range [][]Order{nil, {{Field: *h.field("Deal", "amount")}}, {{Field: *h.field("Deal", "stage")}}} {
		for _, who := range []string{"super", "all"} {
			var first, rest []record.ID
			var cursor string
			q := List{Form: h.form("Deal").Number, First: 3, OrderBy: order}
			h.read(who, func(op *Op) {
				p := listPage(t, op, q)
				for _, r := range p.Records {
					first = append(first, r.ID())
				}
				cursor = p.Cursor(2)
			})
			h.hide("boss", "Deal", cell{})
			h.read(who, func(op *Op) {
				q.After, q.First = cursor, 100
				for _, r := range listPage(t, op, q).Records {
					rest = append(rest, r.ID())
				}
				q.After, q.Total = "", true
				p := listPage(t, op, q)
				var want []record.ID
				for _, r := range p.Records {
					if !slices.Contains(first, r.ID()) {
						want = append(want, r.ID())
					}
				}
				if !slices.Equal(rest, want) || p.Total != len(p.Records) || p.Total != 8 {
					t.Errorf("%s, %d keys: %d records behind the cursor, want %d; %d in all", who, len(order), len(rest), len(want), p.Total)
				}
			})
			must(t, h.unhide("boss", "Deal", "boss"))
		}
	}
}

// What is hidden is an absent record to every way of asking.
func TestP2_HiddenIsAbsent(t *testing.T) {
	h, shut, _ := newHideout(t)
	absent := record.ID{1}
	customer := h.add("boss", "Customer", cell{"name": "hush", "code": "C1"})
	deal := h.add("rep", "Deal", cell{"title": "of hush"})
	must(t, h.update("boss", "Deal", deal, cell{"customer": customer}))
	line := h.add("boss", "Line", cell{"deal": shut, "product": "p"})
	h.hide("boss", "Deal", isShut)
	h.hide("boss", "Customer", cell{})
	h.hide("boss", "Line", cell{})
	for _, who := range []string{"super", "admin", "dev", "chief"} {
		if !h.value(who, "Deal", deal, "customer").IsNull() {
			t.Errorf("%s: a lookup leads to a hidden record", who)
		}
		for what, where := range map[string]cell{
			"related": {"customer": cell{"name": cell{"eq": "hush"}}}, "not null": {"customer": cell{"isNull": false}},
		} {
			if got := h.list(who, "Deal", where); len(got) != 0 {
				t.Errorf("%s: %s matches %d", who, what, len(got))
			}
		}
		h.read(who, func(op *Op) {
			id, ok, err := op.FindUnique(h.form("Customer").Number, h.field("Customer", "code").Number, record.String("C1"))
			if ok || err != nil {
				t.Errorf("%s finds %s, %v", who, id, err)
			}
			pages, err := op.Children(*h.field("Line", "deal"), []record.ID{shut, absent}, List{Form: h.form("Line").Number, First: 5, Total: true})
			must(t, err)
			if len(pages[0].Records) != 0 || pages[0].Total != pages[1].Total || pages[0].HasNext {
				t.Errorf("%s: children of a hidden record: %+v", who, pages[0])
			}
		})
		if h.sees(who, "Line", line) {
			t.Errorf("%s sees a line of a hidden deal", who)
		}
		taken := denied(t, firstErr(h.create(who, "Customer", cell{"name": "x", "code": "C1"})), fault.Conflict)
		h.add("boss", "Customer", cell{"name": "seen", "code": who})
		must(t, h.unhide("boss", "Customer", "boss"))
		if shown := denied(t, firstErr(h.create(who, "Customer", cell{"name": "x", "code": who})), fault.Conflict); shown != taken {
			t.Errorf("%s: taken by a hidden record %q, by one that is seen %q", who, taken, shown)
		}
		h.hide("boss", "Customer", cell{})
		for form, c := range map[string][2]cell{
			"Line": {{"deal": shut, "product": "x"}, {"deal": absent, "product": "x"}}, "Deal": {{"title": "x", "customer": customer}, {"title": "x", "customer": absent}},
		} {
			hidden, none := firstErr(h.create(who, form, c[0])), firstErr(h.create(who, form, c[1]))
			if hidden == nil || none == nil || fault.KindOf(hidden) != fault.KindOf(none) || fault.Message(hidden) != fault.Message(none) {
				t.Errorf("%s: %s that leads to a hidden record: %v, to none: %v", who, form, hidden, none)
			}
		}
	}
}

func firstErr(_ record.ID, err error) error { return err }

// Counting by owner and reading by an index leave out what is hidden.
func TestP1_HiddenOnEveryPath(t *testing.T) {
	h, _, _ := newHideout(t)
	for i := range 20 {
		h.add([]string{"boss", "rep"}[i%2], "Deal", cell{"title": "t", "amount": i})
	}
	h.hide("boss", "Deal", cell{"amount": cell{"gte": 10}})
	amount, title := h.field("Deal", "amount"), h.field("Deal", "title")
	for _, who := range []string{"super", "all", "chief", "boss"} {
		h.read(who, func(op *Op) {
			var want []record.ID
			c := op.r.Records(op.app.forms[h.form("Deal").Number].store, storage.Range{})
			for c.Next() {
				r := c.Record().Clone()
				if who == "boss" || r.Owner() != h.id["boss"] || r.Get(amount).Int() < 10 {
					want = append(want, r.ID())
				}
			}
			must(t, c.Err())
			c.Close()
			for _, order := range [][]Order{nil, {{Field: *amount}}, {{Field: *amount, Desc: true}}, {{Field: *title}}, {{Field: *amount}, {Field: *title}}} {
				for _, where := range []cell{nil, {"amount": cell{"gte": 0}}, {"title": cell{"in": []any{"t", "a", "b"}}}} {
					q := List{Form: h.form("Deal").Number, First: 4, OrderBy: order, Total: true}
					if where != nil {
						e, faults := filter.Parse(where, op.Scope(q.Form), filter.Options{})
						if len(faults) > 0 {
							t.Fatal(faults)
						}
						q.Where = e
					}
					got := everyPage(t, op, q, len(want))
					slices.SortFunc(got, compareIDs)
					if !slices.Equal(got, want) {
						t.Errorf("%s: %d keys, where %v: %d records, want %d", who, len(order), where, len(got), len(want))
					}
				}
			}
			for _, id := range want {
				r, ok, err := op.Get(h.form("Deal").Number, id)
				if !ok || err != nil {
					t.Fatalf("%s: %v %v", who, ok, err)
				}
				if ok, err := op.Can(h.form("Deal").Number, definition.View, r); !ok || err != nil {
					t.Errorf("%s: %v %v", who, ok, err)
				}
			}
		})
	}
}

func listPage(t *testing.T, op *Op, q List) *Page {
	t.Helper()
	p, err := op.List(q)
	must(t, err)
	return p
}

func everyPage(t *testing.T, op *Op, q List, total int) (out []record.ID) {
	t.Helper()
	for {
		p := listPage(t, op, q)
		if p.Total != total {
			t.Errorf("total %d, want %d", p.Total, total)
		}
		for _, r := range p.Records {
			out = append(out, r.ID())
		}
		if !p.HasNext {
			return out
		}
		q.After = p.Cursor(len(p.Records) - 1)
	}
}
