package engine

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/fault"
)

// define applies the house's definition with texts replaced, in pairs.
func (h *house) define(allowDrop bool, pairs ...string) {
	h.t.Helper()
	if faults := h.propose("admin", allowDrop, pairs...); len(faults) > 0 {
		h.t.Fatal(faults)
	}
}

func (h *house) propose(who string, allowDrop bool, pairs ...string) []definition.Fault {
	h.t.Helper()
	out, err := h.e.Apply(h.t.Context(), h.as[who], h.source(pairs...), allowDrop)
	must(h.t, err)
	if len(out.Faults) == 0 {
		h.def = out.Application
	}
	return out.Faults
}

// source is the house's definition with one text for another, in pairs.
func (h *house) source(pairs ...string) []byte {
	h.t.Helper()
	source, err := os.ReadFile("testdata/house.yaml")
	must(h.t, err)
	text := string(source)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			h.t.Fatalf("the house's definition does not have %q", pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return []byte(text)
}

// What an apply says of stored records neither counts nor lists those that the
// applier does not see. That there are some shows only where nothing else is
// wrong.
func TestG1_ApplyDoesNotTellWhatIsHidden(t *testing.T) {
	for name, c := range map[string]struct {
		pairs        []string
		hidden, seen []cell
		unseen       string
	}{
		"required": {
			[]string{"{name: note, type: text}", "{name: note, type: text, required: true}"},
			[]cell{{"title": "t"}}, []cell{{"title": "t"}, {"title": "t", "note": "n"}}, "stored records that you do not see have no value",
		},
		"unique": {
			[]string{"{name: stage, type: text}", "{name: stage, type: text, unique: true}"},
			[]cell{{"title": "t", "stage": "a"}, {"title": "t", "stage": "a"}}, []cell{{"title": "t", "stage": "b"}, {"title": "t", "stage": "b"}},
			"stored records that you do not see repeat the value",
		},
		"owner": {
			[]string{"{name: rep, type: user, recordOwner: true}", "{name: rep, type: user}"},
			[]cell{{"title": "t"}}, []cell{{"title": "t"}}, "some are that you do not see",
		},
	} {
		for _, who := range []string{"admin", "super", "dev"} {
			told := func(hidden bool) string {
				h := newHouse(t)
				h.hire("boss", true)
				for _, x := range c.hidden {
					if hidden {
						h.add("boss", "Deal", x)
					}
				}
				h.hide("boss", "Deal", cell{})
				if hidden {
					if said := h.propose(who, false, c.pairs...); len(said) != 1 || !strings.Contains(said[0].Msg, c.unseen) || strings.ContainsAny(said[0].Msg, "0123456789") {
						t.Errorf("%s, %s: %+v", name, who, said)
					}
				}
				for _, x := range c.seen {
					h.add("admin", "Deal", x)
				}
				said := h.propose(who, false, c.pairs...)
				if len(said) != 1 {
					t.Fatalf("%s, %s: %+v", name, who, said)
				}
				text := said[0].Path + said[0].Msg
				for _, id := range h.list("admin", "Deal", nil) {
					text = strings.ReplaceAll(text, id.String(), "ID")
				}
				return text
			}
			if with, without := told(true), told(false); with != without {
				t.Errorf("%s: %s is told %q where some are hidden, else %q", name, who, with, without)
			}
		}
	}
}

// A renamed field keeps its filter, under the new name.
func TestG1_RenameKeepsTheFilter(t *testing.T) {
	h, shut, open := newHideout(t)
	h.hide("boss", "Deal", cell{"or": []any{cell{"not": cell{"stage": cell{"ne": "shut"}}}, isShut}})
	h.define(false, "{name: stage, type: text}", "{name: phase, type: text, renamedFrom: stage}", "criteria: {stage:", "criteria: {phase:", "[amount, stage, badge]", "[amount, phase, badge]")
	h.seenBy(shut, "boss")
	h.seenBy(open, "super", "admin", "boss", "peer", "dev", "all", "chief")
	want := cell{"or": []any{cell{"not": cell{"phase": cell{"ne": "shut"}}}, cell{"phase": cell{"eq": "shut"}}}}
	if got := h.hidden("boss"); len(got) != 1 || got[0].Broken || !reflect.DeepEqual(got[0].Where, want) {
		t.Errorf("the owner is told %+v", got)
	}
}

// A dropped field never shows what was hidden: all that the admin owns in the
// form is hidden, also when a field of the old name comes back.
func TestG1_DroppedFieldHidesEverything(t *testing.T) {
	h, shut, open := newHideout(t)
	h.hide("boss", "Deal", isShut)
	without := []string{"      - {name: stage, type: text}\n", "", "criteria: {stage: {eq: open}}", "criteria: {}", "[amount, stage, badge]", "[amount, badge]"}
	for range 2 {
		h.define(true, without...)
		h.seenBy(shut, "boss")
		h.seenBy(open, "boss")
		if got := h.hidden("boss"); len(got) != 1 || !got[0].Broken || !reflect.DeepEqual(got[0].Where, isShut) {
			t.Errorf("the owner is told %+v", got)
		}
		without = nil // the field comes back, with a number of its own
	}
	must(t, h.d.SetActive(t.Context(), h.as["super"], h.id["boss"], false))
	if got := h.hidden("super"); len(got) != 1 || !got[0].Broken || !h.sees("super", "Deal", shut) || !h.sees("super", "Deal", open) {
		t.Errorf("the super admin is told %+v", got)
	}
	must(t, h.unhide("super", "Deal", "boss"))
	if !h.sees("all", "Deal", open) {
		t.Error("a broken hide cannot be lifted")
	}
}

// A form that goes takes its hides along.
func TestG1_DroppedForm(t *testing.T) {
	h, _, _ := newHideout(t)
	h.hide("boss", "Slot", cell{})
	h.hide("boss", "Deal", isShut)
	h.define(true, "  - name: Slot\n    plural: slots\n    fields:\n      - {name: label, type: text}\n      - {name: serial, type: text, unique: true}\n", "",
		"      Slot: {actions: [ACCESS], fields: {label: VISIBLE}}\n", "", "      slots: [VIEW]\n", "")
	if got := h.hidden("boss"); len(got) != 1 || got[0].Form != "Deal" {
		t.Errorf("the owner is told %+v", got)
	}
	h.read("boss", func(op *Op) {
		c := op.r.Docs(spaceHide, "")
		defer c.Close()
		n := 0
		for c.Next() {
			n++
		}
		if n != 1 {
			t.Errorf("%d hides are stored", n)
		}
	})
}

// A document that is damaged hides all that its owner has.
func TestG1_DamagedHide(t *testing.T) {
	h, shut, open := newHideout(t)
	for _, doc := range []string{"", "{", "[]", `{"where":null}`, `{"where":{"stage":{"eq":"shut"}}}`, `{"where":{"stage":{"eq":"shut"}},"fields":{"stage":4000}}`} {
		h.hide("boss", "Deal", isShut)
		must(t, h.write("boss", func(op *Op) error {
			must(t, op.txn.PutDoc(spaceHide, hideKey("crm", h.form("Deal").Number, h.id["boss"]), []byte(doc)))
			return op.txn.BumpEpoch()
		}))
		h.seenBy(shut, "boss")
		h.seenBy(open, "boss")
		if got := h.hidden("boss"); len(got) != 1 || !got[0].Broken {
			t.Errorf("%q: the owner is told %+v", doc, got)
		}
	}
	must(t, h.write("boss", func(op *Op) error {
		must(t, op.txn.PutDoc(spaceHide, "crm/x", []byte("{}")))
		return op.txn.BumpEpoch()
	}))
	_, err := h.e.Read(t.Context(), h.as["super"], "crm")
	denied(t, err, fault.Unavailable)
}
