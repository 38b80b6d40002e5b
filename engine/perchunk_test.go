package engine

import (
	"os"
	"strings"
	"testing"

	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/storage"
)

// TestP5_LongAppliesAskForTheRightPerChunk takes the right away while a version
// is being prepared: nothing of it goes on, the old version stays active, and
// somebody who has the right takes it up.
func TestP5_LongAppliesAskForTheRightPerChunk(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	h.add("rep", "Deal", cell{"title": "a", "stage": "open"})
	source, err := os.ReadFile("testdata/house.yaml")
	must(t, err)
	next := []byte(strings.Replace(string(source), "{name: stage, type: text}", "{name: stage, type: text, indexed: true}", 1))
	var prep *preparation
	must(t, h.e.change(ctx, h.as["dev"], "apply", func(txn *storage.Txn, people *directory.People) error {
		return h.e.propose(txn, people, h.as["dev"], "crm", next, false, &Applied{}, &prep, nil)
	}))
	if prep == nil {
		t.Fatal("there is nothing to prepare")
	}
	must(t, h.d.Unassign(ctx, h.as["admin"], h.id["dev"], "crm"))
	_, err = h.e.prepare(ctx, h.as["dev"], prep)
	denied(t, err, fault.NotFound)
	denied(t, h.e.settle(ctx, h.as["dev"], prep, true, nil), fault.NotFound)
	must(t, h.d.Assign(ctx, h.as["admin"], directory.Assignment{User: h.id["dev"], Application: "crm", Kind: identity.Developer, Tools: identity.AllTools}, nil))
	must(t, h.d.RevokeCredentials(ctx, h.as["admin"], h.id["dev"]))
	_, err = h.e.prepare(ctx, h.as["dev"], prep)
	denied(t, err, fault.Unauthenticated)
	_, err = h.e.Apply(ctx, h.as["rep"], next, false)
	denied(t, err, fault.Forbidden)
	h.read("rep", func(op *Op) {
		if op.Application().Version != h.def.Version {
			t.Error("the version is active")
		}
	})
	out, err := h.e.Apply(ctx, h.as["admin"], next, false) // takes it up; the document is the active version then
	must(t, err)
	if len(out.Faults) > 0 || out.Application.Version <= h.def.Version {
		t.Errorf("%+v", out)
	}
}
