package engine

import (
	"slices"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

func TestA3_AdminsSeeAndChangeEverything(t *testing.T) {
	h := newHouse(t)
	id := h.add("rep", "Deal", cell{"title": "a", "amount": 1})
	for _, who := range []string{"admin", "super"} {
		if !h.sees(who, "Deal", id) {
			t.Errorf("%s does not see the deal", who)
		}
		must(t, h.update(who, "Deal", id, cell{"quiet": "by " + who}))
	}
	must(t, h.remove("super", "Deal", id))
}

func TestA13_DevelopersSeeAndChangeEverything(t *testing.T) {
	h := newHouse(t)
	id := h.add("rep", "Deal", cell{"title": "a"})
	if !h.sees("dev", "Deal", id) {
		t.Error("the developer does not see the deal")
	}
	must(t, h.update("dev", "Deal", id, cell{"note": "n"}))
	if _, err := h.e.Read(t.Context(), h.as["dev"], "other"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("another application: %v", err)
	}
}

func TestB1_APISwitch(t *testing.T) {
	h := newHouse(t)
	h.add("rep", "Deal", cell{"title": "a"})
	token := signIn(t, h.d, h.tenant, h.id["rep"], identity.PersonalToken)
	_, err := h.e.Read(t.Context(), token, "crm")
	denied(t, err, fault.Forbidden)
	denied(t, h.e.Write(t.Context(), token, "crm", "test", func(*Op) error { return nil }), fault.Forbidden)
	op, err := h.e.Read(t.Context(), signIn(t, h.d, h.tenant, h.id["all"], identity.PersonalToken), "crm")
	must(t, err)
	op.Close()
}

func TestB2_PersonalAndHealthData(t *testing.T) {
	h := newHouse(t)
	id := h.add("admin", "Customer", cell{"name": "a", "tax": "123", "diet": "x"})
	h.place("rep", "CEO", "Sales") // reaches it: an admin's records have an owner without role
	if got := h.value("rep", "Customer", id, "tax"); !got.IsNull() {
		t.Error("personal data is read without the switch")
	}
	if got := h.value("rep", "Customer", id, "diet"); !got.IsNull() {
		t.Error("health data is read without the switch")
	}
	h.place("rep", "CEO", "Look")
	if got := h.value("rep", "Customer", id, "tax"); string(got.Text()) != "123" {
		t.Error("the switch does not show the cell")
	}
	h.place("rep", "CEO", "Sales")
	h.read("rep", func(op *Op) {
		if _, faults := filter.Parse(cell{"tax": cell{"eq": "123"}}, op.Scope(h.form("Customer").Number), filter.Options{}); len(faults) == 0 {
			t.Error("a filter may name the field")
		}
		_, err := op.List(List{Form: h.form("Customer").Number, First: 1, OrderBy: []Order{{Field: *h.field("Customer", "tax")}}})
		denied(t, err, fault.Invalid)
	})
}

func TestE3_MovesShowAtTheNextRead(t *testing.T) {
	h := newHouse(t)
	id := h.add("rep", "Deal", cell{"title": "a"})
	version := h.value("rep", "Deal", id, "version")
	if !h.sees("manager", "Deal", id) {
		t.Fatal("the manager does not see the deal of a rep")
	}
	h.place("rep", "Clerk", "Sales")
	if h.sees("manager", "Deal", id) || !h.sees("chief", "Deal", id) {
		t.Error("the move does not show")
	}
	if !h.value("rep", "Deal", id, "version").Equal(version) {
		t.Error("the move rewrote the record")
	}
}

func TestE4_ChildrenFollowTheirParent(t *testing.T) {
	h := newHouse(t)
	deal := h.add("rep", "Deal", cell{"title": "a"})
	line := h.add("manager", "Line", cell{"deal": deal, "product": "p"})
	for who, want := range map[string]bool{"rep": true, "manager": true, "chief": true, "rep2": false, "clerk": false} {
		if got := h.sees(who, "Line", line); got != want {
			t.Errorf("%s sees the line: %v", who, got)
		}
	}
	other := h.add("clerk", "Deal", cell{"title": "b"})
	mine := h.add("manager", "Deal", cell{"title": "c"})
	denied(t, h.update("rep2", "Line", line, cell{"product": "q"}), fault.NotFound)
	_, err := h.create("rep2", "Line", cell{"deal": deal, "product": "q"})
	hidden := denied(t, err, fault.Invalid)
	_, err = h.create("rep2", "Line", cell{"deal": record.ID{9}, "product": "q"})
	if absent := denied(t, err, fault.Invalid); absent != hidden {
		t.Errorf("hidden parent %q, absent %q", hidden, absent)
	}
	// clerks view deals of managers and may not edit them
	_, err = h.create("clerk", "Line", cell{"deal": mine, "product": "q"})
	denied(t, err, fault.Forbidden)
	under := h.add("clerk", "Line", cell{"deal": other, "product": "q"})
	denied(t, h.update("clerk", "Line", under, cell{"deal": mine}), fault.Forbidden)
	must(t, h.remove("rep", "Line", line))
}

func TestE5_OwnersWithoutRole(t *testing.T) {
	h := newHouse(t)
	of := map[string]record.ID{}
	for _, who := range []string{"rep", "admin", "dev"} {
		of[who] = h.add(who, "Deal", cell{"title": who})
	}
	must(t, h.d.SetActive(t.Context(), h.as["admin"], h.id["rep"], false))
	for owner, sees := range map[string][2]bool{"rep": {true, true}, "admin": {false, true}, "dev": {false, true}} {
		if got := h.sees("manager", "Deal", of[owner]); got != sees[0] {
			t.Errorf("the manager sees the deal of %s: %v", owner, got)
		}
		if got := h.sees("chief", "Deal", of[owner]); got != sees[1] {
			t.Errorf("the root sees the deal of %s: %v", owner, got)
		}
	}
	if _, err := h.e.Read(t.Context(), h.as["rep"], "crm"); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("an inactive user reads: %v", err)
	}
}

func TestL1_LookupOutOfReachIsNull(t *testing.T) {
	h := newHouse(t)
	customer := h.add("rep", "Customer", cell{"name": "hidden"})
	deal := h.add("rep", "Deal", cell{"title": "a", "customer": customer})
	if !h.value("rep", "Deal", deal, "customer").Equal(record.Ref(customer)) {
		t.Error("the owner does not read the lookup")
	}
	must(t, h.update("admin", "Deal", deal, cell{"rep": h.id["rep2"]}))
	if !h.value("rep2", "Deal", deal, "customer").IsNull() {
		t.Error("the lookup is read out of reach")
	}
	if got := h.list("rep2", "Deal", cell{"customer": cell{"name": cell{"eq": "hidden"}}}); len(got) > 0 {
		t.Error("a filter looks behind the lookup")
	}
	if got := h.list("rep2", "Deal", cell{"not": cell{"customer": cell{"name": cell{"eq": "hidden"}}}}); len(got) != 1 {
		t.Error("not around it is not the complement")
	}
	h.read("rep2", func(op *Op) {
		pages, err := op.Children(*h.field("Deal", "customer"), []record.ID{customer, {9}}, List{Form: h.form("Deal").Number, First: 5, Total: true})
		must(t, err)
		for _, p := range pages {
			if len(p.Records) > 0 || p.Total != 0 || p.HasNext {
				t.Errorf("children of a parent out of reach: %+v", p)
			}
		}
	})
}

func TestH1_Effects(t *testing.T) {
	h := newHouse(t)
	h.cover()
	row := []rules.Column{{Name: "stage", Type: record.Text}}
	open := func(_, row []record.Value) rules.Verdict {
		return rules.Verdict{Grant: flag(string(row[0].Text()) == "open")}
	}
	h.fill("embargo", rules.Manifest{Effect: rules.Restrict, Record: row}, open)
	h.fill("gift", rules.Manifest{Effect: rules.Share, Grant: 1, Record: row}, open)
	in := h.add("rep", "Deal", cell{"title": "a", "stage": "open", "amount": 5})
	out := h.add("rep", "Deal", cell{"title": "b", "stage": "shut", "amount": 5})
	for who, want := range map[string][2]bool{"gil": {true, false}, "rex": {true, false}, "mia": {true, true}, "clerk": {false, false}} {
		if got := [2]bool{h.sees(who, "Deal", in), h.sees(who, "Deal", out)}; got != want {
			t.Errorf("%s sees %v, expected %v", who, got, want)
		}
	}
	if h.value("mia", "Deal", in, "amount").Int() != 5 || !h.value("mia", "Deal", out, "amount").IsNull() {
		t.Error("the mask covers other cells than it says")
	}
}

func TestH4_FaultsCountAgainstAccess(t *testing.T) {
	h := newHouse(t) // no module fills a rule
	id := h.add("rep", "Deal", cell{"title": "a", "stage": "open", "amount": 5})
	check := func(what string) {
		t.Helper()
		if h.sees("gil", "Deal", id) || h.sees("rex", "Deal", id) {
			t.Errorf("%s: a record is seen", what)
		}
		if !h.value("mia", "Deal", id, "amount").IsNull() || !h.value("mia", "Deal", id, "stage").IsNull() {
			t.Errorf("%s: a cell is seen", what)
		}
	}
	check("missing")
	trap := func(_, _ []record.Value) rules.Verdict {
		return rules.Verdict{Grant: 3, Visible: 7, Fault: rules.FaultTrap}
	}
	row := []rules.Column{{Name: "stage", Type: record.Text}}
	h.fill("embargo", rules.Manifest{Effect: rules.Restrict, Record: row}, trap)
	h.fill("gift", rules.Manifest{Effect: rules.Share, Grant: 1, Record: row}, trap)
	h.fill("cover", rules.Manifest{Effect: rules.Mask, Mask: []string{"amount", "stage", "badge"}, Record: row}, trap)
	check("trap")
	h.read("gil", func(op *Op) {
		_, err := op.List(List{Form: h.form("Deal").Number, First: 10})
		must(t, err)
		if op.Faults() == 0 {
			t.Error("faults are not counted")
		}
		op.fuel.Left = 0
		clear(op.outcomes)
		_, err = op.List(List{Form: h.form("Deal").Number, First: 10})
		denied(t, err, fault.Limit)
	})
}

func TestH5_MaskedCellIsNullEverywhere(t *testing.T) {
	h := newHouse(t)
	h.cover()
	shut := h.add("rep", "Deal", cell{"title": "b", "stage": "shut", "amount": 9, "badge": "s"})
	open := h.add("rep", "Deal", cell{"title": "a", "stage": "open", "amount": 5, "badge": "o"})
	for _, c := range []struct {
		where cell
		want  []record.ID
	}{
		{cell{"amount": cell{"eq": 9}}, nil},
		{cell{"amount": cell{"gte": 1}}, []record.ID{open}},
		{cell{"amount": cell{"isNull": true}}, []record.ID{shut}},
		{cell{"amount": cell{"ne": 5}}, []record.ID{shut}},
		{cell{"not": cell{"amount": cell{"eq": 9}}}, []record.ID{shut, open}},
	} {
		slices.SortFunc(c.want, compareIDs)
		if got := h.list("mia", "Deal", c.where); !slices.Equal(got, c.want) {
			t.Errorf("where %v: %v, expected %v", c.where, got, c.want)
		}
	}
	h.read("mia", func(op *Op) {
		for _, first := range []bool{true, false} {
			page, err := op.List(List{Form: h.form("Deal").Number, First: 2, OrderBy: []Order{{Field: *h.field("Deal", "amount"), NullsFirst: first}}})
			must(t, err)
			if got := page.Records[0].ID(); (got == shut) != first {
				t.Error("the masked cell takes part in the order")
			}
		}
	})
	for _, v := range []any{9, 1, nil} {
		denied(t, h.update("mia", "Deal", shut, cell{"amount": v}), fault.Forbidden)
	}
	must(t, h.update("mia", "Deal", open, cell{"amount": 6}))
}

func TestH6_RulesReadWhatTheViewerMayNot(t *testing.T) {
	h := newHouse(t)
	quiet := []rules.Column{{Name: "quiet", Type: record.Text}}
	h.fill("gift", rules.Manifest{Effect: rules.Share, Grant: 1, Record: quiet}, func(_, row []record.Value) rules.Verdict {
		return rules.Verdict{Grant: flag(string(row[0].Text()) == "yes")}
	})
	id := h.add("admin", "Deal", cell{"title": "a", "quiet": "yes"})
	if !h.sees("gil", "Deal", id) {
		t.Error("the rule does not read a field that is hidden from the viewer")
	}
	if !h.value("gil", "Deal", id, "quiet").IsNull() {
		t.Error("the field itself is read")
	}
}

func TestP1_PathsAgree(t *testing.T) {
	h := newHouse(t)
	customer := h.add("rep", "Customer", cell{"name": "c"})
	for _, stage := range []string{"open", "shut"} {
		h.add("rep", "Deal", cell{"title": stage, "stage": stage, "customer": customer})
		h.add("clerk", "Deal", cell{"title": stage, "stage": stage})
	}
	for _, s := range staff {
		h.read(s.name, func(op *Op) {
			all := h.listed(op, "Deal", nil)
			report, err := op.List(List{Form: h.form("Deal").Number, Report: "openDeals", First: 10})
			must(t, err)
			for _, r := range report.Records {
				if !slices.Contains(all, r.ID()) || string(r.Get(h.field("Deal", "stage")).Text()) != "open" && r.Readable(h.field("Deal", "stage")) {
					t.Errorf("%s: the report shows %s", s.name, r.ID())
				}
			}
			foreign, err := op.List(List{Form: h.form("Tag").Number, Report: "openDeals", First: 10, Total: true})
			if err == nil && foreign.Total != 0 {
				t.Errorf("%s: the report of another form shows %d records", s.name, foreign.Total)
			}
			many, err := op.GetMany(h.form("Deal").Number, append([]record.ID{{9}}, all...))
			must(t, err)
			for i, r := range many {
				if r.IsZero() != (i == 0) {
					t.Errorf("%s: get and list disagree about record %d", s.name, i)
				}
			}
		})
	}
}

// TestP1_ReportOfAnotherForm holds that a report opens its own form only.
func TestP1_ReportOfAnotherForm(t *testing.T) {
	h := newHouse(t)
	h.add("rep", "Customer", cell{"name": "not for all"})
	h.read("admin", func(op *Op) {
		for _, form := range []string{"Customer", "Deal"} {
			page, err := op.List(List{Form: h.form(form).Number, Report: "lines", First: 5, Total: true})
			must(t, err)
			if page.Total != 0 || len(page.Records) > 0 {
				t.Errorf("the report lines lists %d records of %s", page.Total, form)
			}
		}
	})
}

func TestP2_DeniedIsAbsent(t *testing.T) {
	h := newHouse(t)
	hidden := h.add("clerk", "Deal", cell{"title": "a"})
	number := h.form("Deal").Number
	told := map[record.ID][]string{}
	for _, id := range []record.ID{hidden, {9}} {
		h.read("rep", func(op *Op) {
			r, ok, err := op.Get(number, id)
			must(t, err)
			if ok || !r.IsZero() {
				t.Errorf("%s is shown", id)
			}
		})
		for _, err := range []error{
			h.update("rep", "Deal", id, cell{"title": "x"}), h.update("rep", "Deal", id, cell{"note": "read only"}), h.remove("rep", "Deal", id),
			h.write("rep", func(op *Op) error { return op.Update(number, id, nil, 7) }),
		} {
			told[id] = append(told[id], denied(t, err, fault.NotFound))
		}
	}
	if !slices.Equal(told[hidden], told[record.ID{9}]) {
		t.Errorf("told %q of a hidden record, %q of none", told[hidden], told[record.ID{9}])
	}
	_, denied1 := h.e.Read(t.Context(), h.as["nobody"], "crm")
	_, denied2 := h.e.Read(t.Context(), h.as["nobody"], "mrc")
	if denied1 == nil || denied2 == nil || fault.KindOf(denied1) != fault.KindOf(denied2) {
		t.Errorf("an application without a place: %v, no application: %v", denied1, denied2)
	}
	h.read("viewer", func(op *Op) {
		_, _, here := op.Get(h.form("Slot").Number, hidden)
		_, _, nowhere := op.Get(99_999, hidden)
		if denied(t, here, fault.NotFound) != denied(t, nowhere, fault.NotFound) {
			t.Errorf("a closed form: %v, none: %v", here, nowhere)
		}
	})
}

func TestP5_OneSnapshot(t *testing.T) {
	h := newHouse(t)
	id := h.add("rep", "Deal", cell{"title": "a"})
	h.read("manager", func(op *Op) {
		h.place("manager", "Clerk", "Sales")
		must(t, h.update("rep", "Deal", id, cell{"title": "b"}))
		r, ok, err := op.Get(h.form("Deal").Number, id)
		must(t, err)
		if !ok || string(r.Get(h.field("Deal", "title")).Text()) != "a" {
			t.Error("an operation sees a change that came after it began")
		}
	})
	if h.sees("manager", "Deal", id) {
		t.Error("the next operation runs under the old role")
	}
}

func TestP7_NothingIsCutInSilence(t *testing.T) {
	h := newHouse(t)
	for range 7 {
		h.add("rep", "Deal", cell{"title": "a"})
	}
	number := h.form("Deal").Number
	h.read("rep", func(op *Op) {
		_, err := op.List(List{Form: number, First: MaxPage + 1})
		denied(t, err, fault.Invalid)
		q, seen := List{Form: number, First: 3, Total: true}, 0
		for {
			page, err := op.List(q)
			must(t, err)
			if seen += len(page.Records); page.Total != 7 || page.HasNext != (seen < 7) {
				t.Fatalf("total %d, has next %v after %d", page.Total, page.HasNext, seen)
			}
			if !page.HasNext {
				break
			}
			q.After = page.Cursor(2)
		}
		for _, bad := range []string{"x", q.After + "A", q.After[1:]} {
			_, err := op.List(List{Form: number, First: 3, After: bad})
			denied(t, err, fault.Invalid)
		}
	})
}

// TestP3_CursorsAreBound holds that a cursor works for its user and list only.
func TestP3_CursorsAreBound(t *testing.T) {
	h := newHouse(t)
	customer := h.add("rep", "Customer", cell{"name": "c"})
	for range 3 {
		h.add("rep", "Deal", cell{"title": "a", "stage": "open", "amount": 1, "customer": customer})
	}
	number, amount := h.form("Deal").Number, *h.field("Deal", "amount")
	var cursor string
	h.read("rep", func(op *Op) {
		page, err := op.List(List{Form: number, First: 1, OrderBy: []Order{{Field: amount}}})
		must(t, err)
		cursor = page.Cursor(0)
		where, _ := filter.Parse(cell{"amount": cell{"eq": 1}}, op.Scope(number), filter.Options{})
		for _, q := range []List{
			{Form: number}, {Form: h.form("Customer").Number}, {Form: number, OrderBy: []Order{{Field: amount, Desc: true}}},
			{Form: number, OrderBy: []Order{{Field: amount, NullsFirst: true}}}, {Form: number, OrderBy: []Order{{Field: amount}}, Where: where},
			{Form: number, OrderBy: []Order{{Field: amount}}, Report: "openDeals"},
		} {
			q.First, q.After = 1, cursor
			_, err := op.List(q)
			denied(t, err, fault.Invalid)
		}
		_, err = op.Children(*h.field("Deal", "customer"), []record.ID{customer}, List{Form: number, First: 1, After: cursor, OrderBy: []Order{{Field: amount}}})
		denied(t, err, fault.Invalid)
		_, err = op.List(List{Form: number, First: 1, After: cursor, OrderBy: []Order{{Field: amount}}})
		must(t, err)
	})
	other := h.add("rep", "Customer", cell{"name": "d"})
	h.add("rep", "Deal", cell{"title": "b", "customer": other})
	h.read("rep", func(op *Op) {
		link, q := *h.field("Deal", "customer"), List{Form: number, First: 1}
		pages, err := op.Children(link, []record.ID{customer}, q)
		must(t, err)
		q.After = pages[0].Cursor(0)
		_, err = op.Children(link, []record.ID{other}, q)
		denied(t, err, fault.Invalid)
		_, err = op.Children(link, []record.ID{customer}, q)
		must(t, err)
	})
	h.read("rep2", func(op *Op) { // the same shape, another user
		_, err := op.List(List{Form: number, First: 1, After: cursor, OrderBy: []Order{{Field: amount}}})
		denied(t, err, fault.Invalid)
	})
}

// TestW5_CanIsDecide holds that Can answers what a write would.
func TestW5_CanIsDecide(t *testing.T) {
	h := newHouse(t)
	id := h.add("manager", "Deal", cell{"title": "a"})
	h.read("clerk", func(op *Op) {
		r, ok, err := op.Get(h.form("Deal").Number, id)
		must(t, err)
		if can, err := op.Can(h.form("Deal").Number, definition.Edit, r); !ok || can || err != nil {
			t.Errorf("a shared record to read: seen %v, editable %v, %v", ok, can, err)
		}
	})
	denied(t, h.update("clerk", "Deal", id, cell{"title": "b"}), fault.Forbidden)
}
