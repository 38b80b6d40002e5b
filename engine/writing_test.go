package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

func TestE1_OwnerByField(t *testing.T) {
	h := newHouse(t)
	mine := h.add("rep", "Deal", cell{"title": "a"})
	given := h.add("rep", "Deal", cell{"title": "b", "rep": h.id["clerk"]})
	owner := func(id record.ID) record.ID { return h.value("admin", "Deal", id, "owner").Ref() }
	if owner(mine) != h.id["rep"] || owner(given) != h.id["clerk"] {
		t.Error("the owner is not who added it, or who the field names")
	}
	must(t, h.update("rep", "Deal", mine, cell{"rep": h.id["rep2"]}))
	if owner(mine) != h.id["rep2"] || h.sees("rep", "Deal", mine) || !h.sees("rep2", "Deal", mine) {
		t.Error("the record does not follow the field")
	}
	must(t, h.update("rep2", "Deal", mine, cell{"rep": nil}))
	if owner(mine) != h.id["rep"] {
		t.Error("an empty field does not give the record back to who added it")
	}
	if got := h.value("rep", "Deal", mine, "addedBy"); got.Ref() != h.id["rep"] {
		t.Error("addedBy has changed")
	}
}

func TestW1_ChangeOfOwner(t *testing.T) {
	h := newHouse(t)
	give := func(who string, id record.ID, to string) error {
		return h.update(who, "Deal", id, cell{"rep": h.id[to]})
	}
	shared := h.add("rep", "Deal", cell{"title": "a"})
	must(t, h.update("admin", "Deal", shared, cell{"stage": "open"}))
	h.cover() // mia edits deals of reps by a rule, and is neither owner nor above
	denied(t, give("mia", shared, "mia"), fault.Forbidden)
	must(t, h.update("mia", "Deal", shared, cell{"title": "b"}))
	denied(t, h.update("mia", "Deal", shared, cell{"title": "c", "rep": h.id["clerk"]}), fault.Forbidden)
	if got := h.value("rep", "Deal", shared, "title"); string(got.Text()) != "b" {
		t.Error("a refused update has changed something")
	}
	denied(t, give("dev", shared, "clerk"), fault.Forbidden)
	for _, step := range [][2]string{{"rep", "rep2"}, {"manager", "rep"}, {"all", "manager"}, {"admin", "rep"}} {
		if err := give(step[0], shared, step[1]); err != nil {
			t.Errorf("%s gives the deal to %s: %v", step[0], step[1], err)
		}
	}
}

func TestW2_NoUnmaskingByOnesOwnUpdate(t *testing.T) {
	h := newHouse(t)
	m := rules.Manifest{Effect: rules.Mask, Mask: []string{"amount", "stage", "badge"}, Record: []rules.Column{{Name: "title", Type: record.Text}}}
	h.fill("cover", m, func(_, row []record.Value) rules.Verdict {
		return rules.Verdict{Visible: uint64(6 | flag(strings.HasPrefix(string(row[0].Text()), "open")))}
	})
	id := h.add("rep", "Deal", cell{"title": "shut", "amount": 5})
	msg := denied(t, h.update("mia", "Deal", id, cell{"title": "open"}), fault.Forbidden)
	if strings.Contains(msg, "amount") || strings.Contains(msg, "5") {
		t.Errorf("told %q", msg)
	}
	must(t, h.update("mia", "Deal", id, cell{"title": "still shut"}))
	must(t, h.update("rep", "Deal", id, cell{"title": "open"}))
	must(t, h.update("mia", "Deal", id, cell{"title": "shut again"}))
	if !h.value("mia", "Deal", id, "amount").IsNull() {
		t.Error("the cell is shown")
	}
}

// TestW2_JudgedAnew holds that a verdict on a state that was refused is not
// taken for that of another state with the same version.
func TestW2_JudgedAnew(t *testing.T) {
	h := newHouse(t)
	m := rules.Manifest{Effect: rules.Mask, Mask: []string{"amount", "stage", "badge"}, Record: []rules.Column{{Name: "title", Type: record.Text}}}
	h.fill("cover", m, func(_, row []record.Value) rules.Verdict {
		return rules.Verdict{Visible: uint64(6 | flag(string(row[0].Text()) == "open"))}
	})
	h.add("rep", "Deal", cell{"title": "x", "badge": "taken"})
	id := h.add("rep", "Deal", cell{"title": "shut", "amount": 5, "badge": "mine"})
	number := h.form("Deal").Number
	refused, allowed, taken := h.input("Deal", cell{"title": "open"}), h.input("Deal", cell{"title": "shut 2"}), h.input("Deal", cell{"title": "shut 3", "badge": "taken"})
	err := h.write("mia", func(op *Op) error {
		denied(t, op.Update(number, id, taken, 0), fault.Conflict)
		denied(t, op.Update(number, id, refused, 0), fault.Forbidden)
		denied(t, op.Update(number, id, taken, 0), fault.Conflict)
		return op.Update(number, id, allowed, 0)
	})
	must(t, err)
	if !h.value("mia", "Deal", id, "amount").IsNull() {
		t.Error("the cell is shown")
	}
}

func TestW3_JudgedAsStored(t *testing.T) {
	h := newHouse(t)
	id := h.add("rep", "Deal", cell{"title": "a"})
	err := h.write("rep", func(op *Op) error {
		if err := op.Update(h.form("Deal").Number, id, h.input("Deal", cell{"rep": h.id["clerk"]}), 0); err != nil {
			return err
		}
		_, ok, err := op.Get(h.form("Deal").Number, id)
		if ok {
			t.Error("the record is still in reach")
		}
		return err
	})
	must(t, err)
	denied(t, h.update("rep", "Deal", id, cell{"title": "b"}), fault.NotFound)
}

func TestW4_CreatingNeedsAccessOnly(t *testing.T) {
	h := newHouse(t)
	id := h.add("clerk", "Deal", cell{"title": "for rep", "rep": h.id["rep"]})
	if h.sees("clerk", "Deal", id) || !h.sees("rep", "Deal", id) {
		t.Error("the record is not the one named")
	}
	_, err := h.create("viewer", "Customer", cell{"name": "a"})
	denied(t, err, fault.Forbidden)
	_, err = h.create("viewer", "Slot", cell{"label": "a"})
	denied(t, err, fault.NotFound)
	err = h.write("rep", func(op *Op) error { // links to a record of the same operation
		customer, err := op.Create(h.form("Customer").Number, h.input("Customer", cell{"name": "new"}))
		if err != nil {
			return err
		}
		_, err = op.Create(h.form("Deal").Number, h.input("Deal", cell{"title": "new", "customer": customer}))
		return err
	})
	must(t, err)
}

func TestW5_NotFoundAndForbidden(t *testing.T) {
	h := newHouse(t)
	hidden, shared := h.add("rep", "Deal", cell{"title": "a"}), h.add("manager", "Deal", cell{"title": "b"})
	denied(t, h.update("clerk", "Deal", hidden, cell{"title": "x"}), fault.NotFound)
	denied(t, h.remove("clerk", "Deal", hidden), fault.NotFound)
	denied(t, h.update("clerk", "Deal", shared, cell{"title": "x"}), fault.Forbidden)
	denied(t, h.remove("clerk", "Deal", shared), fault.Forbidden)
	denied(t, h.remove("mia", "Deal", hidden), fault.Forbidden) // shared to change, not to delete
	err := h.write("clerk", func(op *Op) error { return op.Update(h.form("Deal").Number, shared, nil, 99) })
	denied(t, err, fault.Forbidden) // the right before the version
	err = h.write("rep", func(op *Op) error { return op.Delete(h.form("Deal").Number, hidden, 99) })
	denied(t, err, fault.Conflict)
	err = h.write("rep", func(op *Op) error { return op.Delete(h.form("Deal").Number, hidden, 1) })
	must(t, err)
}

func TestL2_UnreachableIsAbsent(t *testing.T) {
	h := newHouse(t)
	customer := h.add("clerk", "Customer", cell{"name": "a"})
	deal := h.add("rep", "Deal", cell{"title": "a"})
	var told []string
	for _, id := range []record.ID{customer, {9}} {
		_, err := h.create("rep", "Deal", cell{"title": "b", "customer": id})
		told = append(told, denied(t, err, fault.Invalid), denied(t, h.update("rep", "Deal", deal, cell{"customer": id}), fault.Invalid))
	}
	if slices.Sort(told); len(slices.Compact(told)) != 1 {
		t.Errorf("told differently: %q", told)
	}
	must(t, h.update("admin", "Deal", deal, cell{"customer": customer}))
	must(t, h.update("rep", "Deal", deal, cell{"title": "c"}))
	if h.value("admin", "Deal", deal, "customer").Ref() != customer {
		t.Error("leaving the lookup out has changed it")
	}
	for _, user := range []record.ID{h.id["nobody"], {9}} {
		denied(t, h.update("rep", "Deal", deal, cell{"rep": user}), fault.Invalid)
	}
}

func TestL3_DeletingIsNotBlocked(t *testing.T) {
	h := newHouse(t)
	customer := h.add("rep", "Customer", cell{"name": "a"})
	deal := h.add("rep", "Deal", cell{"title": "a", "customer": customer})
	must(t, h.update("admin", "Deal", deal, cell{"rep": h.id["clerk"]})) // out of the rep's reach
	must(t, h.remove("rep", "Customer", customer))
	if !h.sees("clerk", "Deal", deal) || !h.value("clerk", "Deal", deal, "customer").IsNull() {
		t.Error("the deal does not stay, or reads a customer that is gone")
	}
	line := h.add("clerk", "Line", cell{"deal": deal, "product": "p"})
	must(t, h.remove("clerk", "Deal", deal))
	if h.sees("clerk", "Line", line) || !h.sees("admin", "Line", line) {
		t.Error("lines of a deleted deal: reached by owners of the deal, or gone")
	}
}

func TestP3_UniqueConflictTellsNothing(t *testing.T) {
	h := newHouse(t)
	h.add("rep", "Customer", cell{"name": "mine", "code": "near"})
	h.add("clerk", "Customer", cell{"name": "theirs", "code": "far"})
	id := h.add("rep", "Customer", cell{"name": "third", "code": "own"})
	for _, try := range []func(code string) error{
		func(code string) error {
			_, err := h.create("rep", "Customer", cell{"name": "x", "code": code})
			return err
		},
		func(code string) error { return h.update("rep", "Customer", id, cell{"code": code}) },
	} {
		near, far := denied(t, try("near"), fault.Conflict), denied(t, try("far"), fault.Conflict)
		if near != far {
			t.Errorf("holder in reach %q, out of reach %q", near, far)
		}
	}
	must(t, h.update("rep", "Customer", id, cell{"code": "own"}))
}

// TestP3_UniqueConflictNamesNoHiddenField holds it for whatever could fill such
// a field without the viewer.
func TestP3_UniqueConflictNamesNoHiddenField(t *testing.T) {
	h := newHouse(t)
	h.read("rep", func(op *Op) {
		_, shape, err := op.shape(h.form("Deal").Number)
		must(t, err)
		at := func(field string) string { return "input." + field }
		of := func(name string) error {
			return &storage.UniqueError{Index: &storage.Index{Parts: []record.Field{*h.field("Deal", name)}}}
		}
		if msg := denied(t, op.stored(shape, at, of("quiet")), fault.Conflict); strings.Contains(msg, "quiet") {
			t.Errorf("told %q", msg)
		}
		if msg := denied(t, op.stored(shape, at, of("badge")), fault.Conflict); !strings.Contains(msg, "badge") {
			t.Errorf("told %q", msg)
		}
	})
}

func TestP8_PermissionBeforeConstraints(t *testing.T) {
	h := newHouse(t)
	h.cover()
	h.add("rep", "Deal", cell{"title": "a", "badge": "taken", "stage": "shut"})
	shut := h.add("rep", "Deal", cell{"title": "b", "badge": "free", "stage": "shut"})
	theirs := h.add("manager", "Deal", cell{"title": "c"})
	hidden := h.add("clerk", "Deal", cell{"title": "d"})
	for _, badge := range []string{"taken", "other"} {
		in := cell{"badge": badge}
		denied(t, h.update("mia", "Deal", shut, in), fault.Forbidden)     // masked
		denied(t, h.update("clerk", "Deal", theirs, in), fault.Forbidden) // shared to read
		denied(t, h.update("rep", "Deal", hidden, in), fault.NotFound)
		denied(t, h.update("viewer", "Deal", shut, in), fault.Forbidden) // a set without EDIT
		denied(t, h.update("rep", "Deal", shut, cell{"badge": badge, "note": "x"}), fault.Invalid)
		denied(t, h.update("rep", "Deal", shut, cell{"badge": badge, "customer": record.ID{9}}), fault.Invalid)
		denied(t, h.update("mia", "Deal", shut, cell{"title": "c", "badge": badge, "rep": h.id["mia"]}), fault.Forbidden)
	}
	denied(t, h.update("rep", "Deal", shut, cell{"badge": "taken"}), fault.Conflict)
}

func TestB4_ReadOnlyIsNoInput(t *testing.T) {
	h := newHouse(t)
	id := h.add("admin", "Deal", cell{"title": "a", "note": "kept", "rep": h.id["rep"]})
	if got := h.value("rep", "Deal", id, "note"); string(got.Text()) != "kept" {
		t.Error("a read-only field is not read")
	}
	readOnly := denied(t, h.update("rep", "Deal", id, cell{"note": "x"}), fault.Invalid)
	hidden := denied(t, h.update("rep", "Deal", id, cell{"quiet": "x"}), fault.Invalid)
	absent := denied(t, h.write("rep", func(op *Op) error {
		return op.Update(h.form("Deal").Number, id, map[uint32]record.Value{999: record.String("x")}, 0)
	}), fault.Invalid)
	if hidden != absent || readOnly != hidden {
		t.Errorf("read-only %q, hidden %q, absent %q", readOnly, hidden, absent)
	}
	denied(t, h.write("rep", func(op *Op) error {
		return op.Update(h.form("Deal").Number, id, map[uint32]record.Value{record.FieldOwner: record.Ref(h.id["rep2"])}, 0)
	}), fault.Invalid)
}

func TestB10_RequiredFieldOutOfReach(t *testing.T) {
	h := newHouse(t)
	_, err := h.create("rep", "Tag", cell{"label": "a"})
	if msg := denied(t, err, fault.Invalid); strings.Contains(msg, "hush") || !strings.Contains(msg, "required") {
		t.Errorf("told %q", msg)
	}
	_, err = h.create("rep", "Tag", cell{})
	denied(t, err, fault.Invalid)
	_, err = h.create("admin", "Tag", cell{"label": "a"})
	if msg := denied(t, err, fault.Invalid); !strings.Contains(msg, "hush") {
		t.Errorf("an admin is told %q", msg)
	}
	h.add("admin", "Tag", cell{"label": "a", "hush": "b"})
}

// TestP5_AllOrNothing holds that an operation that fails leaves nothing.
func TestP5_AllOrNothing(t *testing.T) {
	h := newHouse(t)
	stop := errors.New("stop")
	err := h.write("rep", func(op *Op) error {
		_, err := op.Create(h.form("Deal").Number, h.input("Deal", cell{"title": "a"}))
		return errors.Join(err, stop)
	})
	if !errors.Is(err, stop) || len(h.list("rep", "Deal", nil)) != 0 {
		t.Errorf("%v, and %d records", err, len(h.list("rep", "Deal", nil)))
	}
	h.read("rep", func(op *Op) {
		_, err := op.Create(h.form("Deal").Number, nil)
		denied(t, err, fault.Internal)
	})
}

// TestP3_RefusalsAreSteady holds that an error does not depend on chance where
// several fields could be named.
func TestP3_RefusalsAreSteady(t *testing.T) {
	h := newHouse(t)
	id := h.add("rep", "Deal", cell{"title": "a", "amount": 1, "stage": "b", "badge": "c"}) // no module: all are masked
	in := h.input("Deal", cell{"amount": 2, "stage": "x", "badge": "y"})
	first := ""
	for range 50 {
		err := h.write("mia", func(op *Op) error { return op.Update(h.form("Deal").Number, id, in, 0) })
		msg := denied(t, err, fault.Forbidden)
		if first == "" {
			first = msg
		}
		if msg != first {
			t.Fatalf("told %q, then %q", first, msg)
		}
	}
}
