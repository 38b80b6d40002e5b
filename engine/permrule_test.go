package engine

import (
	"strings"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/internal/world"
	"sluice/rules"
)

// switched binds a module that answers the same of every record, and activates it.
func (h *house) switched(rule string, effect rules.Effect, grant uint8) error {
	h.t.Helper()
	m := rules.Manifest{ABI: 1, Form: "Deal", Effect: effect, Record: stageOf}
	if effect == rules.Share {
		m.Grant = 1
	}
	module, _ := h.double.Register(rule+string('0'+rune(grant)), &m, func(_, _ []record.Value) rules.Verdict { return rules.Verdict{Grant: grant} })
	up, err := h.e.UploadModule(h.t.Context(), h.as["admin"], "crm", rule, module)
	must(h.t, err)
	_, err = h.e.BindModule(h.t.Context(), h.as["admin"], "crm", rule, up.Hash)
	must(h.t, err)
	_, err = h.e.ActivateRule(h.t.Context(), h.as["admin"], "crm", rule)
	return err
}

// TestPermissionTestsGateRules: a rule is not switched on where a test would fail
// then; one that fails already for want of the rule keeps it from nothing.
func TestPermissionTestsGateRules(t *testing.T) {
	h := newHouse(t)
	deal := h.add("rep", "Deal", cell{"title": "one", "stage": "open"})
	must(t, h.switched("embargo", rules.Restrict, 1))
	const never = "user gil@x.io cannot view Deal on any record"
	if faults := h.applied("admin", houseWith(t, sentences(never, "user rex@x.io can view Deal where stage is open"),
		"  - {name: shade, form: Customer, effect: MASK, fields: [owner], users: [gil@x.io]}\n", "",
		"  - {name: cover, form: Deal, effect: MASK, fields: [amount, stage, badge], users: [mia@x.io]}\n", "")); len(faults) > 0 {
		t.Fatal(faults)
	}
	err := h.switched("gift", rules.Share, 1)
	denied(t, err, fault.Conflict)
	if !strings.Contains(fault.Message(err), never) || strings.Contains(err.Error(), deal.String()) || h.sees("gil", "Deal", deal) {
		t.Fatalf("gil sees it: %t, %v", h.sees("gil", "Deal", deal), err)
	}
	must(t, h.switched("gift", rules.Share, 0))
	// What keeps the deal from rex breaks the other one; what decided goes on to.
	denied(t, h.switched("embargo", rules.Restrict, 0), fault.Conflict)
	if !h.sees("rex", "Deal", deal) {
		t.Error("a module that was refused decides")
	}
	_, err = h.e.DeactivateRule(t.Context(), h.as["admin"], "crm", "gift")
	must(t, err)
}

// TestSwitchingOffGivesNothing: why no test stands against switching a rule off.
func TestSwitchingOffGivesNothing(t *testing.T) {
	prove(t, 10, 300, func(t *testing.T, seed uint64) {
		w := world.Random(seed, world.Small)
		allBySession(w)
		h := inhabit(t, w)
		defer h.close()
		for _, rule := range w.App.Custom {
			for id, as := range h.as {
				if !fullRights(w.User(id).Kind) {
					continue
				}
				_, err := h.e.Compare(t.Context(), as, w.App.Name, Proposal{Modules: map[string]string{rule.Name: ""}}, CompareOptions{Each: func(r *DifferenceRow) error {
					if len(r.Gained)+len(r.ReadGained)+len(r.WriteGained) > 0 {
						t.Fatalf("seed %d: without %s: %s", seed, rule.Name, r.text())
					}
					return nil
				}})
				must(t, err)
			}
		}
	})
}
