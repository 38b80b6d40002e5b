package engine

import (
	"slices"
	"strings"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/rules"
)

var giftColumns = []rules.Column{{Name: "title", Type: record.Text}, {Name: "amount", Type: record.Integer}}

// uploadPlanned keeps a SHARE module with a plan, which shares deals of 10 and more.
func (h *house) uploadPlanned(name, plan string) (rules.Hash, error) {
	h.t.Helper()
	m := rules.Manifest{ABI: 1, Form: "Deal", Effect: rules.Share, Grant: 1, Record: giftColumns}
	module, hash := h.double.Register(name, &m, func(_, row []record.Value) rules.Verdict { return rules.Verdict{Grant: flag(row[1].Int() >= 10)} })
	h.double.SetPlan(hash, func([]record.Value) string { return plan })
	_, err := h.e.UploadModule(h.t.Context(), h.as["admin"], "crm", name, module)
	return hash, err
}

// TestNarrowPlanIsRefusedAtUpload: with what to change and a generated case; nothing
// is kept of the module, and no stored record is in the message.
func TestNarrowPlanIsRefusedAtUpload(t *testing.T) {
	h := newHouse(t)
	h.add("super", "Deal", cell{"title": "stored title", "amount": int64(4242)})
	hash, err := h.uploadPlanned("sluice_plan narrow", `{"amount":{"gte":20}}`)
	if fault.KindOf(err) != fault.Invalid {
		t.Fatal(err)
	}
	said := fault.Message(err)
	for _, part := range []string{"sluice_plan is too narrow", "Widen sluice_plan", `{"amount":{"gte":20}}`, "record: {amount: 19}"} {
		if !strings.Contains(said, part) {
			t.Errorf("%q is not in: %s", part, said)
		}
	}
	if strings.Contains(said, "stored") || strings.Contains(said, "4242") {
		t.Error(said)
	}
	modules, err := h.e.Modules(t.Context(), h.as["admin"], "crm")
	must(t, err)
	if len(modules) > 0 || h.double.Loaded(h.as["admin"].Tenant, hash) {
		t.Errorf("%v is kept", modules)
	}
	for _, plan := range []string{"", "{}", `{"amount":{"gte":10}}`} {
		if _, err := h.uploadPlanned("sluice_plan wide", plan); err != nil {
			t.Errorf("%q: %v", plan, err)
		}
	}
	if modules, err = h.e.Modules(t.Context(), h.as["admin"], "crm"); err != nil || len(modules) != 1 {
		t.Errorf("%v, %v", modules, err)
	}
}

// TestPlanInputs: choices are those of the definition, for fields and attributes.
func TestPlanInputs(t *testing.T) {
	stage := record.Field{Name: "stage", Type: record.Choice, Choices: []string{"open", "shut"}}
	tags := record.Field{Name: "tags", Type: record.MultiChoice, Choices: []string{"a", "b"}}
	if got := choicesOf(&stage); len(got) != 2 || string(got[1].Text()) != "shut" {
		t.Error(got)
	}
	var lengths []int
	for _, v := range choicesOf(&tags) {
		lengths = append(lengths, len(v.List()))
	}
	if !slices.Equal(lengths, []int{1, 1, 0, 2}) {
		t.Error(lengths)
	}
	h := newHouse(t)
	in := planInputs(h.def, &rules.Manifest{Form: "Deal", Record: giftColumns, Viewer: []rules.Column{{Name: "unknown", Type: record.Text}}})
	if len(in.Record) != 2 || len(in.Viewer) != 1 || in.Record[0] != nil {
		t.Errorf("%+v", in)
	}
}

// oddGift is a SHARE module, uploaded, whose mistake no generated case shows: it also
// shares deals with an odd title, whatever their amount, which its plan leaves out.
func (h *house) oddGift() (module string, hash rules.Hash) {
	h.t.Helper()
	m := rules.Manifest{ABI: 1, Form: "Deal", Effect: rules.Share, Grant: 1, Record: giftColumns}
	const name = "sluice_plan odd"
	wasm, hash := h.double.Register(name, &m, func(_, row []record.Value) rules.Verdict {
		return rules.Verdict{Grant: flag(row[1].Int() >= 10 || string(row[0].Text()) == "an odd title")}
	})
	h.double.SetPlan(hash, func([]record.Value) string { return `{"amount":{"gte":10}}` })
	up, err := h.e.UploadModule(h.t.Context(), h.as["admin"], "crm", name, wasm)
	must(h.t, err)
	return up.Hash, hash
}

func (h *house) bindGift(module string) {
	h.t.Helper()
	_, err := h.e.BindModule(h.t.Context(), h.as["admin"], "crm", "gift", module)
	must(h.t, err)
}

// TestNarrowPlanIsRefusedAtActivation: on the data, as far as whoever activates
// sees it; and the dry run counts the same.
func TestNarrowPlanIsRefusedAtActivation(t *testing.T) {
	h, _, _ := newHideout(t)
	module, _ := h.oddGift()
	h.bindGift(module)
	odd := []record.ID{h.add("boss", "Deal", cell{"title": "an odd title", "amount": int64(1)}), h.add("boss", "Deal", cell{"title": "an odd title"})}
	h.add("admin", "Deal", cell{"title": "an odd title", "amount": int64(10)}) // within the plan
	h.add("admin", "Deal", cell{"title": "another", "amount": int64(9)})
	if got := h.costOf("admin", "gift", module); got.Outside != 2 || len(got.OutsideRecords) != 2 || len(got.Faults) > 0 {
		t.Errorf("%+v", got)
	}
	_, err := h.e.ActivateRule(t.Context(), h.as["admin"], "crm", "gift")
	said := fault.Message(err)
	if fault.KindOf(err) != fault.Conflict || !strings.Contains(said, "leaves out 2 that") || !strings.Contains(said, odd[0].String()) || !strings.Contains(said, odd[1].String()) ||
		strings.Contains(said, "odd title") {
		t.Fatal(err)
	}
	// What somebody else hides is in no number, and no reason to refuse.
	h.hide("boss", "Deal", cell{"amount": cell{"isNull": true}})
	if got := h.costOf("admin", "gift", module); got.Outside != 1 || !slices.Equal(got.OutsideRecords, odd[:1]) {
		t.Errorf("%+v", got)
	}
	if _, err := h.e.ActivateRule(t.Context(), h.as["admin"], "crm", "gift"); !strings.Contains(fault.Message(err), "leaves out 1 that") || strings.Contains(fault.Message(err), odd[1].String()) {
		t.Error(err)
	}
	h.hide("boss", "Deal", cell{"title": cell{"eq": "an odd title"}})
	if _, err := h.e.ActivateRule(t.Context(), h.as["admin"], "crm", "gift"); err != nil {
		t.Error(err)
	}
}
