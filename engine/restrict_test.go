package engine

import (
	"testing"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/ruletest"
)

// stageOf is the one column that the embargoes below look at.
var stageOf = []rules.Column{{Name: "stage", Type: record.Text}}

// embargo fills the RESTRICT rule of the house.
func (h *house) embargo(f ruletest.Func) {
	h.t.Helper()
	h.fill("embargo", rules.Manifest{Effect: rules.Restrict, Record: stageOf}, f)
}

func onlyOpen(_, row []record.Value) rules.Verdict {
	return rules.Verdict{Grant: flag(string(row[0].Text()) == "open")}
}

func trapOnShut(_, row []record.Value) rules.Verdict {
	if string(row[0].Text()) == "open" {
		return rules.Verdict{Grant: 1}
	}
	return rules.Verdict{Fault: rules.FaultTrap}
}

const (
	embargoOfRex = "{name: embargo, form: Deal, effect: RESTRICT, users: [rex@x.io]}"
	embargoOfAll = "{name: embargo, form: Deal, effect: RESTRICT, bindsAdmins: true, users: [rex@x.io]}"
)

// TestH7_RestrictThatBindsAdmins follows a RESTRICT rule through its life: as
// the definition binds admins by it or not, and as its module is switched.
func TestH7_RestrictThatBindsAdmins(t *testing.T) {
	h := newHouse(t)
	open := h.add("rep", "Deal", cell{"title": "a", "stage": "open"})
	shut := h.add("rep", "Deal", cell{"title": "b", "stage": "shut"})
	see := func(what string, want map[string][2]bool) {
		t.Helper()
		for _, who := range []string{"super", "admin", "dev", "rex", "manager"} {
			if got := [2]bool{h.sees(who, "Deal", open), h.sees(who, "Deal", shut)}; got != want[who] {
				t.Errorf("%s: %s sees %v, want %v", what, who, got, want[who])
			}
		}
	}
	none, one, both := [2]bool{}, [2]bool{true, false}, [2]bool{true, true}
	bound := func(super, others [2]bool) map[string][2]bool {
		return map[string][2]bool{"super": super, "admin": others, "dev": others, "rex": others, "manager": both}
	}
	spared := func(rex [2]bool) map[string][2]bool {
		return map[string][2]bool{"super": both, "admin": both, "dev": both, "rex": rex, "manager": both}
	}
	see("no module, not binding", spared(none))
	h.embargo(onlyOpen)
	see("not binding", spared(one))
	h.define(false, embargoOfRex, embargoOfAll)
	see("binding", bound(one, one))
	for _, who := range []string{"super", "admin", "dev"} {
		denied(t, h.update(who, "Deal", shut, cell{"title": "x"}), fault.NotFound)
		denied(t, h.remove(who, "Deal", shut), fault.NotFound)
	}
	_, err := h.e.DeactivateRule(t.Context(), h.as["dev"], "crm", "embargo")
	must(t, err)
	see("binding, switched off", bound(both, none)) // a fault, which spares the super admin
	_, err = h.e.ActivateRule(t.Context(), h.as["admin"], "crm", "embargo")
	must(t, err)
	see("binding, switched on", bound(one, one))
	h.define(false)
	see("not binding any more", spared(one))
	h.define(false, embargoOfRex, embargoOfAll)
	see("binding again", bound(one, one))
	h.define(false, "  - "+embargoOfRex+"\n", "")
	see("without the rule", spared(both))
	h.define(false, embargoOfRex, embargoOfAll)
	see("a rule of that name again, without a module", bound(both, none))
}

// TestH4_FaultsSpareTheSuperAdmin: of a rule that binds admins a fault takes the
// record from everybody but the super admin, and a proper answer from all.
func TestH4_FaultsSpareTheSuperAdmin(t *testing.T) {
	h := newHouse(t)
	open := h.add("rep", "Deal", cell{"title": "a", "stage": "open"})
	shut := h.add("rep", "Deal", cell{"title": "b", "stage": "shut"})
	h.define(false, embargoOfRex, embargoOfAll)
	h.embargo(trapOnShut)
	for _, who := range []string{"super", "admin", "dev", "rex"} {
		if !h.sees(who, "Deal", open) || h.sees(who, "Deal", shut) != (who == "super") {
			t.Errorf("%s sees %v and %v", who, h.sees(who, "Deal", open), h.sees(who, "Deal", shut))
		}
	}
	must(t, h.update("super", "Deal", shut, cell{"title": "mended"}))
	denied(t, h.update("admin", "Deal", shut, cell{"title": "x"}), fault.NotFound)
	h.embargo(onlyOpen)
	if h.sees("super", "Deal", shut) {
		t.Error("a proper answer spares the super admin")
	}
}

// Hiding and RESTRICT are what admins do not see, and neither gives back what the
// other took.
func TestA3_AllLessHiddenAndRestricted(t *testing.T) {
	h, shut, open := newHideout(t)
	h.define(false, embargoOfRex, embargoOfAll)
	h.embargo(onlyOpen)
	h.hide("boss", "Deal", cell{"title": cell{"eq": "b"}})
	for who, want := range map[string][2]bool{"boss": {true, false}, "super": {false, false}, "admin": {false, false}, "all": {false, true}, "rex": {false, false}} {
		if got := [2]bool{h.sees(who, "Deal", open), h.sees(who, "Deal", shut)}; got != want {
			t.Errorf("%s sees %v, want %v", who, got, want)
		}
	}
}

// What rules that fail are counted for does not tell of hidden records: they are
// not asked about them, by a list, by id, or by a decision.
func TestG1_FaultsDoNotTell(t *testing.T) {
	h, shut, _ := newHideout(t)
	h.define(false, embargoOfRex, embargoOfAll)
	h.embargo(func(_, _ []record.Value) rules.Verdict { return rules.Verdict{Fault: rules.FaultTrap} })
	h.add("rep", "Deal", cell{"title": "c", "stage": "shut"})
	faults := func(who string) (n int) {
		h.read(who, func(op *Op) {
			h.listed(op, "Deal", nil)
			_, _, err := op.Get(h.form("Deal").Number, shut)
			must(t, err)
			f := op.app.forms[h.form("Deal").Number]
			rec, _ := op.raw(f, shut)
			op.view.Decide(h.form("Deal").Number, viewAction, &subject{op: op, form: f, rec: rec})
			n = op.Faults()
		})
		return n
	}
	for _, who := range []string{"admin", "dev", "super"} {
		h.hide("boss", "Deal", isShut)
		with := faults(who)
		must(t, h.unhide("boss", "Deal", "boss"))
		if shown := faults(who); with != 2 || shown != 3 {
			t.Errorf("%s: %d faults where a record is hidden, %d where it is shown", who, with, shown)
		}
	}
}
