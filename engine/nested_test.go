package engine

import (
	"fmt"
	"strings"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/rules"
)

// uncover masks amount of deals while shut says so of a cell.
func (h *house) uncover(column rules.Column, open func(v record.Value) bool) {
	m := rules.Manifest{Effect: rules.Mask, Mask: []string{"amount", "stage", "badge"}, Record: []rules.Column{column}}
	h.fill("cover", m, func(_, row []record.Value) rules.Verdict {
		return rules.Verdict{Visible: uint64(6 | flag(open(row[0])))}
	})
}

// TestW2_ThroughOwner holds W2 where the owner is what the mask looks at: by the
// field, by a change of owner, and in a later step of the same operation.
func TestW2_ThroughOwner(t *testing.T) {
	h := newHouse(t)
	h.uncover(rules.Column{Name: "rep", Type: record.User}, func(v record.Value) bool { return !v.IsNull() })
	id := h.add("mia", "Deal", cell{"title": "a", "amount": 5})
	deal := h.form("Deal").Number
	for _, to := range []string{"mia", "rep"} {
		denied(t, h.update("mia", "Deal", id, cell{"rep": h.id[to]}), fault.Forbidden)
		denied(t, h.write("mia", func(op *Op) error { return op.ChangeOwner(deal, id, h.id[to], 0) }), fault.Forbidden)
		denied(t, h.write("mia", func(op *Op) error { return op.ChangeOwner(deal, id, h.id[to], 99) }), fault.Forbidden)
	}
	err := h.write("mia", func(op *Op) error {
		must(t, op.Update(deal, id, h.input("Deal", cell{"title": "b"}), 0))
		return op.ChangeOwner(deal, id, h.id["mia"], 0)
	})
	denied(t, err, fault.Forbidden)
	if r := h.value("mia", "Deal", id, "title"); string(r.Text()) != "a" || !h.value("mia", "Deal", id, "amount").IsNull() {
		t.Error("something was written, or is shown")
	}
	must(t, h.write("admin", func(op *Op) error { return op.ChangeOwner(deal, id, h.id["mia"], 0) }))
	if h.value("mia", "Deal", id, "amount").Int() != 5 {
		t.Error("somebody else may uncover it")
	}
}

// TestW2_ThroughLookup holds it for a lookup that is moved.
func TestW2_ThroughLookup(t *testing.T) {
	h := newHouse(t)
	good, other := h.add("mia", "Customer", cell{"name": "good"}), h.add("mia", "Customer", cell{"name": "other"})
	h.uncover(rules.Column{Name: "customer", Type: record.Lookup}, func(v record.Value) bool { return v.Ref() == good })
	id := h.add("mia", "Deal", cell{"title": "a", "amount": 5, "customer": other})
	for _, in := range []cell{{"customer": good}, {"customer": good, "title": "b"}, {"customer": good, "rep": h.id["rep"]}} {
		denied(t, h.update("mia", "Deal", id, in), fault.Forbidden)
	}
	deal := h.form("Deal").Number
	denied(t, h.write("mia", func(op *Op) error {
		must(t, op.Update(deal, id, h.input("Deal", cell{"customer": nil}), 0))
		return op.Update(deal, id, h.input("Deal", cell{"customer": good}), 0)
	}), fault.Forbidden)
	must(t, h.update("mia", "Deal", id, cell{"customer": nil}))
}

// TestW1_NoFieldForTheOwner changes the owner of records of a form that names no
// field for it: lists by owner follow, and who added the record stays.
func TestW1_NoFieldForTheOwner(t *testing.T) {
	h := newHouse(t)
	customer := h.form("Customer").Number
	id := h.add("rep", "Customer", cell{"name": "a", "code": "c"})
	give := func(who, to string) error {
		return h.write(who, func(op *Op) error { return op.ChangeOwner(customer, id, h.id[to], 0) })
	}
	must(t, give("rep", "clerk"))
	if h.sees("rep", "Customer", id) || !h.sees("clerk", "Customer", id) {
		t.Error("the record does not follow its owner")
	}
	if got := h.value("clerk", "Customer", id, "addedBy"); got.Ref() != h.id["rep"] {
		t.Error("addedBy has changed")
	}
	denied(t, give("rep", "rep"), fault.NotFound)
	denied(t, give("clerk", "nobody"), fault.Invalid)
	denied(t, give("dev", "dev"), fault.Forbidden) // a developer is none of the four
	must(t, give("chief", "rep"))
	h.read("rep", func(op *Op) { denied(t, op.ChangeOwner(customer, id, h.id["rep"], 0), fault.Internal) })
	denied(t, h.write("viewer", func(op *Op) error { return op.ChangeOwner(customer, id, h.id["rep"], 0) }), fault.Forbidden)
	denied(t, h.write("rep", func(op *Op) error { return op.ChangeOwner(h.form("Tag").Number, id, h.id["rep"], 0) }), fault.NotFound)
}

// TestH5_MaskedOwnerIsNotChanged: an owner that a rule hides on this record is
// not written, also by who owns it.
func TestH5_MaskedOwnerIsNotChanged(t *testing.T) {
	h := newHouse(t)
	id := h.add("gil", "Customer", cell{"name": "a"})
	err := h.write("gil", func(op *Op) error { return op.ChangeOwner(h.form("Customer").Number, id, h.id["rep"], 0) })
	if msg := denied(t, err, fault.Forbidden); msg != "owner: not permitted on this record" {
		t.Errorf("told %q", msg)
	}
	must(t, h.update("gil", "Customer", id, cell{"name": "b"}))
}

// TestW1_RefusalTellsNoOwner: who may not change the owner, and may not read it,
// cannot find out who added a record by naming everybody in its empty owner
// field; what is there may be given again.
func TestW1_RefusalTellsNoOwner(t *testing.T) {
	h := newHouse(t)
	id := h.add("rep", "Deal", cell{"title": "a"})
	told := map[string]bool{}
	for _, who := range []string{"rep", "rep2", "half", "admin"} {
		told[denied(t, h.update("half", "Deal", id, cell{"rep": h.id[who]}), fault.Forbidden)] = true
	}
	if len(told) != 1 {
		t.Errorf("told %v", told)
	}
	must(t, h.update("half", "Deal", id, cell{"rep": nil, "title": "b"}))
	must(t, h.update("mia", "Deal", id, cell{"rep": h.id["rep"]})) // reads the owner, who stays
	must(t, h.update("half", "Deal", id, cell{"rep": h.id["rep"]}))
	denied(t, h.update("half", "Deal", id, cell{"rep": nil}), fault.Forbidden)
}

// TestW4_OnlyTheSameCreateReaches: a record that was added out of one's reach is
// reached by its children in the same create, and by nothing that comes later in
// the operation, though the operation knows its id.
func TestW4_OnlyTheSameCreateReaches(t *testing.T) {
	h := newHouse(t)
	deal, line := h.form("Deal").Number, h.form("Line").Number
	foreign := h.input("Deal", cell{"title": "for rep", "rep": h.id["rep"]})
	below := func(n int) []Below {
		b := Below{Form: line, Name: "lines"}
		for i := range n {
			b.Drafts = append(b.Drafts, &Draft{Values: h.input("Line", cell{"product": fmt.Sprint(i)})})
		}
		return []Below{b}
	}
	err := h.write("clerk", func(op *Op) error {
		id, err := op.Add(deal, &Draft{Values: foreign, Below: below(2)})
		must(t, err)
		absent := id
		absent[15] ^= 1
		var told []string
		for _, id := range []record.ID{id, absent} {
			_, err := op.Create(line, h.input("Line", cell{"deal": id, "product": "late"}))
			told = append(told, denied(t, err, fault.Invalid), denied(t, op.Update(deal, id, nil, 0), fault.NotFound), denied(t, op.ChangeOwner(deal, id, h.id["clerk"], 0), fault.NotFound))
			_, err = op.Add(deal, &Draft{Values: foreign, Below: []Below{{line, "lines", []*Draft{{Values: h.input("Line", cell{"deal": id, "product": "late"})}}}}})
			told = append(told, denied(t, err, fault.Invalid))
		}
		for i := range 4 {
			if told[i] != told[i+4] {
				t.Errorf("of a new record out of reach %q, of none %q", told[i], told[i+4])
			}
		}
		return nil
	})
	must(t, err)
	if n := len(h.list("rep", "Line", nil)); n != 2 || len(h.list("clerk", "Line", nil)) != 0 {
		t.Errorf("the owner reads %d lines", n)
	}
}

// TestP5_NestedAllOrNothing: half of a nested create is not committed, also by
// who does not look at the error.
func TestP5_NestedAllOrNothing(t *testing.T) {
	h := newHouse(t)
	h.add("rep", "Deal", cell{"title": "a", "badge": "taken"})
	deal, line := h.form("Deal").Number, h.form("Line").Number
	tree := func(badge any, lines ...*Draft) *Draft {
		return &Draft{Values: h.input("Deal", cell{"title": "b", "badge": badge}), Below: []Below{{line, "lines", lines}}}
	}
	good := func() *Draft { return &Draft{Values: h.input("Line", cell{"product": "p"})} }
	before := len(h.list("admin", "Deal", nil))
	for name, c := range map[string]struct {
		draft *Draft
		told  string
	}{
		"unique at the root":      {tree("taken", good()), "input.badge: this value is taken"},
		"required in a child":     {tree(nil, good(), &Draft{}), "input.lines[1].product: a value is required"},
		"a value that is none":    {tree(nil, good(), &Draft{Values: h.input("Line", cell{"product": nil}), Unread: map[uint32]string{h.field("Line", "product").Number: "no"}}), "input.lines[1].product: no"},
		"the parent is named":     {tree(nil, &Draft{Values: h.input("Line", cell{"product": "p", "deal": record.ID{7}})}), "input.lines[0].deal: the record above is filled in"},
		"a field that is not one": {tree(nil, &Draft{Values: map[uint32]record.Value{999: {}}}), "input: a field that does not exist or may not be written"},
	} {
		var told string
		err := h.write("rep", func(op *Op) error {
			_, err := op.Add(deal, c.draft)
			told = fault.Message(err)
			return err
		})
		if err == nil || told != c.told {
			t.Errorf("%s: told %q", name, told)
		}
	}
	// The second of two equal lines meets a unique value after the first was stored.
	slot := h.form("Slot").Number
	err := h.write("admin", func(op *Op) error {
		s := func() *sapling {
			f, shape, err := op.shape(slot)
			must(t, err)
			return &sapling{form: f, shape: shape, draft: &Draft{}, values: h.input("Slot", cell{"serial": "twice"}), path: "input", id: op.write.id()}
		}
		denied(t, op.insert([]*sapling{s(), s()}), fault.Conflict)
		return nil // as if nothing had happened
	})
	denied(t, err, fault.Conflict)
	if len(h.list("admin", "Deal", nil)) != before || len(h.list("admin", "Line", nil))+len(h.list("admin", "Slot", nil)) != 0 {
		t.Error("something is stored")
	}
	denied(t, h.write("rep", func(op *Op) error { return op.Change(deal, record.ID{1}, tree(nil), 0) }), fault.Invalid)
}

// TestP7_NestedLimit counts the records below others of one operation.
func TestP7_NestedLimit(t *testing.T) {
	h := newHouse(t)
	line := h.form("Line").Number
	lines := func(n int) []Below {
		b := Below{Form: line, Name: "lines"}
		for range n {
			b.Drafts = append(b.Drafts, &Draft{Values: h.input("Line", cell{"product": "p"})})
		}
		return []Below{b}
	}
	add := func(op *Op, n int) error {
		_, err := op.Add(h.form("Deal").Number, &Draft{Values: h.input("Deal", cell{"title": "a"}), Below: lines(n)})
		return err
	}
	err := h.write("rep", func(op *Op) error {
		must(t, add(op, MaxNested-1))
		must(t, add(op, 1))
		return add(op, 1)
	})
	if msg := denied(t, err, fault.Limit); !strings.Contains(msg, fmt.Sprint(MaxNested)) || !strings.HasPrefix(msg, "input.lines: ") {
		t.Errorf("told %q", msg)
	}
	must(t, h.write("rep", func(op *Op) error { return add(op, MaxNested) })) // within what one transaction holds
}

// TestP8_PermissionOfEveryDraft: what is not permitted in a child comes before
// what is wrong at the root.
func TestP8_PermissionOfEveryDraft(t *testing.T) {
	h := newHouse(t)
	h.add("rep", "Deal", cell{"title": "a", "badge": "taken"})
	title := h.field("Deal", "title").Number
	wrong := &Draft{Values: map[uint32]record.Value{title: {}}, Unread: map[uint32]string{title: "a value that is none"}}
	for name, below := range map[string]Below{
		"a form that is none": {Form: 999}, "a form without ACCESS": {Form: h.form("Tag").Number}, "not a child": {Form: h.form("Customer").Number},
	} {
		below.Name, below.Drafts = "x", []*Draft{{}}
		for _, d := range []*Draft{{Values: h.input("Deal", cell{"badge": "taken", "title": nil})}, wrong} {
			d.Below = []Below{below}
			err := h.write("rep", func(op *Op) error {
				_, err := op.Add(h.form("Deal").Number, d)
				return err
			})
			if k := fault.KindOf(err); k != fault.Forbidden && k != fault.NotFound {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
