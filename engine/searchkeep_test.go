package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"sluice/internal/record"
	"sluice/storage/storetest"
)

// agree holds that every index of every form says what the records say.
func (h *house) agree(what string) {
	h.t.Helper()
	h.read("admin", func(op *Op) {
		for _, f := range h.def.Forms {
			if err := storetest.CheckAgree(op.r, op.app.forms[f.Number].store); err != nil {
				h.t.Fatalf("after %s: %s: %v", what, f.Name, err)
			}
		}
	})
}

func (h *house) finds(who, form, query string) (ids []record.ID) {
	h.t.Helper()
	h.read(who, func(op *Op) {
		page, err := op.List(List{Form: h.form(form).Number, First: 100, Search: query})
		must(h.t, err)
		for _, r := range page.Records {
			ids = append(ids, r.ID())
		}
	})
	return ids
}

// TestSearchFollowsEveryWrite: whatever writes records keeps their words: creates
// with records below, updates, a change of owner, reassignment, imports and their
// undoing, deletes.
func TestSearchFollowsEveryWrite(t *testing.T) {
	h := newHouse(t)
	h.apply("testdata/search.yaml")
	a := h.add("rep", "Deal", cell{"title": "a", "story": "quokka wombat"})
	b := h.add("rep", "Deal", cell{"title": "b", "story": "quokka"})
	h.agree("creating")
	must(t, h.update("rep", "Deal", a, cell{"story": "wombat bandicoot"}))
	must(t, h.update("rep", "Deal", b, cell{"title": "still b"}))
	h.agree("updating")
	if got := h.finds("rep", "Deal", "quokka"); !slices.Equal(got, []record.ID{b}) {
		t.Errorf("quokka is in %v", got)
	}
	must(t, h.update("manager", "Deal", b, cell{"rep": h.id["rep2"]}))
	h.agree("a change of owner")
	if got := h.finds("rep2", "Deal", "quokka"); len(got) != 1 || len(h.finds("rep", "Deal", "quokka")) > 0 {
		t.Errorf("the new owner finds %v", got)
	}
	if _, err := h.e.Reassign(t.Context(), h.as["admin"], "", h.id["rep"], h.id["rep2"]); err != nil {
		t.Fatal(err)
	}
	h.agree("a reassignment")
	if got := h.finds("rep2", "Deal", "bandicoot"); !slices.Equal(got, []record.ID{a}) {
		t.Errorf("after the reassignment bandicoot is in %v", got)
	}
	h.importAndUndo(t)
	must(t, h.remove("rep2", "Deal", a))
	h.agree("deleting")
	if got := h.finds("admin", "Deal", "bandicoot"); len(got) > 0 {
		t.Errorf("a deleted record is found: %v", got)
	}
}

func (h *house) importAndUndo(t *testing.T) {
	job, err := h.e.StartImport(t.Context(), h.as["admin"], "crm", ImportSpec{Form: "Deal", Digest: "x", Options: json.RawMessage("{}"), Rows: 3})
	must(t, err)
	job, err = h.e.ImportChunk(t.Context(), h.as["admin"], "crm", job.ID, func(op *Op, _ ImportJob) (int, []record.ID, error) {
		var ids []record.ID
		for i := range 3 {
			id, err := op.Create(h.form("Deal").Number, h.input("Deal", cell{"title": fmt.Sprint("imported ", i), "story": "numbat"}))
			if err != nil {
				return 0, nil, err
			}
			ids = append(ids, id)
		}
		return 3, ids, nil
	})
	must(t, err)
	h.agree("an import")
	if got := h.finds("admin", "Deal", "numbat"); len(got) != 3 {
		t.Errorf("of three imported records %v are found", got)
	}
	_, err = h.e.UndoImport(t.Context(), h.as["admin"], "crm", job.ID, nil)
	must(t, err)
	h.agree("undoing the import")
	if got := h.finds("admin", "Deal", "numbat"); len(got) > 0 {
		t.Errorf("after undoing the import %v are found", got)
	}
}

// TestH5_SearchReadsMaskedCellsAsNull: a word in a cell that a mask hides from the
// viewer on this record finds nothing, and one beside it does.
func TestH5_SearchReadsMaskedCellsAsNull(t *testing.T) {
	h := newHouse(t)
	h.redefined(false, "{name: title, type: text, required: true, indexed: true}", "{name: title, type: text, required: true, indexed: true, searchable: true}",
		"{name: badge, type: text, unique: true}", "{name: badge, type: text, unique: true, searchable: true}")
	h.cover()
	shut := h.add("mia", "Deal", cell{"title": "masked deal", "stage": "shut", "badge": "quokka one"})
	open := h.add("mia", "Deal", cell{"title": "open deal", "stage": "open", "badge": "quokka two"})
	for query, want := range map[string][]record.ID{"quokka": {open}, "deal": {shut, open}, "masked quokka": nil, "open quokka": {open}, "quok*": {open}, `"quokka one"`: nil} {
		for _, limits := range []searchLimits{usualSearch, {probe: -1, gather: -1}} {
			h.e.search = limits
			got := h.finds("mia", "Deal", query)
			slices.SortFunc(got, compareIDs) // ids of one millisecond have no order
			slices.SortFunc(want, compareIDs)
			if !slices.Equal(got, want) {
				t.Errorf("%q finds %v, want %v", query, got, want)
			}
		}
	}
	if got := h.finds("admin", "Deal", "quokka"); len(got) != 2 {
		t.Errorf("who is not masked finds %v: the test shows nothing", got)
	}
}
