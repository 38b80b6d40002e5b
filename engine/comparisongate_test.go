package engine

import (
	"bytes"
	"strings"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/storage"
)

// guarded is a document with a RESTRICT rule on customers that binds admins; no
// module fills it, so that it keeps every customer from rex and from all but the
// super admin of those with all rights.
func guarded(t *testing.T, source []byte) []byte {
	t.Helper()
	const rules = "customRules:\n"
	if bytes.Count(source, []byte(rules)) != 1 {
		t.Fatal("the house has another definition")
	}
	return bytes.Replace(source, []byte(rules), []byte(rules+"  - {name: guard, form: Customer, effect: RESTRICT, bindsAdmins: true, users: [rex@x.io]}\n"), 1)
}

// TestP10_ApprovalDoesNotDependOnWhoApplies: what is exposed on records that the
// applier does not see needs approval as well, and nothing else of them is told.
func TestP10_ApprovalDoesNotDependOnWhoApplies(t *testing.T) {
	h := newHouse(t)
	secret := h.add("admin", "Customer", cell{"name": "Secret", "tax": "1"})
	if faults := h.applied("super", guarded(t, houseWith(t, ""))); len(faults) > 0 {
		t.Fatal(faults)
	}
	h.e.o.ApproveExposure = true
	source, ctx := guarded(t, exposure(t)), t.Context()
	for who, sees := range map[string]bool{"super": true, "admin": false, "dev": false} {
		if got := h.sees(who, "Customer", secret); got != sees {
			t.Fatalf("%s sees the customer: %t", who, got)
		}
		looks := h.looksKept()
		_, err := h.e.Apply(ctx, h.as[who], source, false)
		denied(t, err, fault.Forbidden)
		if h.looksKept() != looks+1 {
			t.Errorf("%s: the refusal is not written down", who)
		}
		c := h.compared(who, ProposedChange{Source: source})
		if c.State != ComparisonDone || c.Exposes != sees || (len(c.Result.Exposed) > 0) != sees || (c.Result.Records > 0) != sees {
			t.Errorf("%s is shown %+v %+v", who, c, c.Result)
		}
		_, err = h.e.ApplyCompared(ctx, h.as[who], source, false, c.ID)
		denied(t, err, fault.Forbidden)
	}
	must(t, h.remove("super", "Customer", secret))
	c := h.compared("admin", ProposedChange{Source: source})
	// What was found harmless is looked at again where records were changed since.
	again := h.add("super", "Customer", cell{"name": "Again", "tax": "1"})
	_, err := h.e.ApplyCompared(ctx, h.as["admin"], source, false, c.ID)
	denied(t, err, fault.Forbidden)
	must(t, h.remove("super", "Customer", again))
	_, err = h.e.ApplyCompared(ctx, h.as["admin"], source, false, c.ID)
	must(t, err)
}

// TestG1_ApprovalOfWhatIsHidden: hiding one's own records is no way around approval;
// of what another admin hides nothing is told, as nobody else reads it anyway.
func TestG1_ApprovalOfWhatIsHidden(t *testing.T) {
	for _, who := range []string{"admin", "super"} {
		h := newHouse(t)
		h.e.o.ApproveExposure = true
		h.add("admin", "Customer", cell{"name": "One", "tax": "1"})
		h.hide("admin", "Customer", cell{})
		_, err := h.e.Apply(t.Context(), h.as[who], exposure(t), false)
		if who == "admin" {
			denied(t, err, fault.Forbidden)
			c := h.compared(who, ProposedChange{Source: exposure(t)})
			_, err = h.e.ApplyCompared(t.Context(), h.as[who], exposure(t), false, c.ID)
			denied(t, err, fault.Forbidden)
			continue
		}
		must(t, err)
	}
}

// prepared is exposure with an index that has to be built first.
func prepared(t *testing.T) []byte {
	t.Helper()
	const was = "{name: stage, type: text}"
	source := string(exposure(t))
	if strings.Count(source, was) != 1 {
		t.Fatal("the house has another definition")
	}
	return []byte(strings.Replace(source, was, "{name: stage, type: text, indexed: true}", 1))
}

// stored proposes a document and returns what there is to prepare.
func (h *house) stored(source []byte, held *bound) (prep *preparation) {
	h.t.Helper()
	must(h.t, h.e.change(h.t.Context(), h.as["admin"], "apply", func(txn *storage.Txn, people *directory.People) error {
		if err := held.check(txn); err != nil {
			return err
		}
		if err := h.e.propose(txn, people, h.as["admin"], "crm", source, false, &Applied{}, &prep, nil); err != nil {
			return err
		}
		return held.hold(txn, "crm")
	}))
	if prep == nil {
		h.t.Fatal("nothing to prepare")
	}
	return prep
}

// finished prepares a version and says what stands against it, and whether it is
// active then.
func (h *house) finished(prep *preparation) (faults []definition.Fault, active bool) {
	h.t.Helper()
	faults, err := h.e.prepare(h.t.Context(), h.as["admin"], prep)
	must(h.t, err)
	h.read("admin", func(op *Op) { active = op.app.def.Version == prep.next.Version })
	return faults, active
}

// TestP10_ApprovalAtActivation: a version that is prepared is judged again when it
// is activated, on people and records of then.
func TestP10_ApprovalAtActivation(t *testing.T) {
	h := newHouse(t)
	h.e.o.ApproveExposure = true
	source, ctx := prepared(t), t.Context()
	held, err := h.e.bind(ctx, h.as["admin"], "crm", &ProposedChange{Source: source}, "")
	must(t, err) // there is no customer yet
	prep := h.stored(source, held)
	customer := h.add("admin", "Customer", cell{"name": "One", "tax": "1"})
	faults, active := h.finished(prep)
	if active || len(faults) != 1 || faults[0].Msg != fault.Message(errNotApproved) {
		t.Fatalf("active %t, %v", active, faults)
	}
	must(t, h.remove("admin", "Customer", customer))
	prep = h.stored(source, nil)
	if faults, active = h.finished(prep); !active || len(faults) > 0 {
		t.Fatalf("active %t, %v", active, faults)
	}
}

// TestP10_DifferenceAtActivation: a version that is held to a difference is not
// activated beside other rights; what was approved of is activated.
func TestP10_DifferenceAtActivation(t *testing.T) {
	h := newHouse(t)
	h.e.o.ApproveExposure = true
	h.add("admin", "Customer", cell{"name": "One", "tax": "1"})
	source, ctx := prepared(t), t.Context()
	approved := func() string {
		c := h.compared("admin", ProposedChange{Source: source})
		review, err := h.e.ReviewComparison(ctx, h.as["super"], c.ID)
		must(t, err)
		h.ended("super", review.ID)
		_, err = h.e.ApproveComparison(ctx, h.as["super"], c.ID)
		must(t, err)
		return c.ID
	}
	held, err := h.e.bind(ctx, h.as["admin"], "crm", &ProposedChange{Source: source}, approved())
	must(t, err)
	prep := h.stored(source, held)
	must(t, h.d.SetActive(ctx, h.as["admin"], h.id["rep"], false))
	faults, active := h.finished(prep)
	if active || len(faults) != 1 || faults[0].Msg != fault.Message(errRightsChanged) {
		t.Fatalf("active %t, %v", active, faults)
	}
	// What the version before was held to holds nothing.
	out, err := h.e.ApplyCompared(ctx, h.as["admin"], source, false, approved())
	must(t, err)
	if len(out.Faults) > 0 {
		t.Fatal(out.Faults)
	}
	h.read("admin", func(op *Op) {
		if op.app.def.Version != out.Application.Version {
			t.Error("not active")
		}
	})
}
