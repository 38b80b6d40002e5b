package engine

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sluice/internal/fault"
	"sluice/rules"
	"sluice/storage"
	"sluice/storage/driver"
	"sluice/storage/memstore"
)

// erase deletes a version of the gift and returns the error.
func (h *house) erase(who, version string) error {
	_, err := h.e.DeleteRuleVersion(h.t.Context(), h.as[who], "crm", "gift", version)
	return err
}

// decide binds a module to a rule and activates it.
func (h *house) decide(rule, module string) {
	h.t.Helper()
	_, err := h.e.BindModule(h.t.Context(), h.as["admin"], "crm", rule, module)
	must(h.t, err)
	_, err = h.e.ActivateRule(h.t.Context(), h.as["admin"], "crm", rule)
	must(h.t, err)
}

// TestDeleteRuleVersion: what a rule needs is not deleted, whatever it needs it for;
// what is deleted keeps number and history, and is the same version when it comes
// back.
func TestDeleteRuleVersion(t *testing.T) {
	h := newHouse(t)
	ctx, admin := t.Context(), h.as["admin"]
	var hash []string
	for i := range 5 {
		hash = append(hash, h.verdict("gift", fmt.Sprint("gift", i), rules.Share, uint8(i%2)))
	}
	h.decide("gift", hash[0])
	h.decide("gift", hash[1])
	h.decide("gift", hash[2])
	_, err := h.e.BindModule(ctx, admin, "crm", "gift", hash[3])
	must(t, err)
	refused := func(version, says string) {
		t.Helper()
		err := h.erase("admin", version)
		if denied(t, err, fault.Conflict); !strings.Contains(err.Error(), says) {
			t.Errorf("version %s: %v", version, err)
		}
	}
	refused("3", "it decides")
	refused("2", "rollback leads to")
	refused("4", "waits for activation")
	_, err = h.e.DeactivateRule(ctx, admin, "crm", "gift")
	must(t, err)
	refused("3", "would decide")
	_, err = h.e.ActivateRule(ctx, admin, "crm", "gift")
	must(t, err)
	refused("4", "it decides")
	_, err = h.e.ShadowRule(ctx, admin, "crm", "gift", hash[1], 1)
	must(t, err)
	refused("2", "runs beside")
	refused(hash[1], "runs beside")
	must(t, h.e.UnshadowRule(ctx, admin, "crm", "gift"))
	must(t, h.erase("admin", "2"))
	must(t, h.erase("dev", "1"))
	must(t, h.erase("dev", hash[4])) // was never bound
	for _, version := range []string{"1", "2", hash[0], hash[4], "5", "0", "-1", "x", strings.Repeat("0", 64)} {
		denied(t, h.erase("admin", version), fault.NotFound)
	}
	want := []string{
		"4 gift active=true next=false previous=false by=admin", "3 gift active=false next=false previous=true by=admin",
		"2  active=false next=false previous=false by=admin", "1  active=false next=false previous=false by=admin",
	}
	if got := h.numbers("gift"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q", got)
	}
	story := h.story("gift")
	if last := fmt.Sprint(story[len(story)-2:]); !strings.Contains(last, "DELETED 2 admin") || !strings.Contains(last, "DELETED 1 dev") {
		t.Error(last)
	}
	_, err = h.e.RollbackRule(ctx, admin, "crm", "gift", 2, "")
	denied(t, err, fault.NotFound)
	_, _, err = h.e.RuleModule(ctx, admin, "crm", "gift", "2")
	denied(t, err, fault.NotFound)
	if again := h.verdict("gift", "gift1", rules.Share, 1); again != hash[1] {
		t.Fatal("the same bytes have another hash")
	}
	h.decide("gift", hash[1])
	if got := h.numbers("gift"); got[2] != "2 gift active=true next=false previous=false by=admin" || len(got) != 4 {
		t.Errorf("%q", got)
	}
}

// TestDeletedVersionOfOthers: a module that another rule needs stays, and one that
// several had is deleted in the history of each.
func TestDeletedVersionOfOthers(t *testing.T) {
	h := newHouse(t)
	module := h.verdict("gift", "shared", rules.Share, 1)
	other := h.verdict("gift", "other", rules.Share, 0)
	last := h.verdict("gift", "last", rules.Share, 0)

	h.redefined(false, "customRules:\n", "customRules:\n  - {name: gift2, form: Deal, effect: SHARE, maxLevel: READ, users: [gil@x.io]}\n")
	h.decide("gift2", module)
	h.decide("gift", module)
	h.decide("gift", other)
	h.decide("gift", last)
	if err := h.erase("admin", "1"); !strings.Contains(err.Error(), "rule gift2 needs this module: it decides") {
		t.Errorf("%v", err)
	}
	h.decide("gift2", other)
	h.decide("gift2", last)
	must(t, h.erase("admin", "1"))
	for _, rule := range []string{"gift", "gift2"} {
		if story := h.story(rule); !strings.Contains(story[len(story)-1], "DELETED 1 admin") {
			t.Errorf("%s: %q", rule, story)
		}
	}
}

// TestDeletingIsForDevelopers: nobody else deletes, and is told more than that.
func TestDeletingIsForDevelopers(t *testing.T) {
	h := newHouse(t)
	module := h.verdict("gift", "one", rules.Share, 1)
	h.decide("gift", module)
	h.decide("gift", h.verdict("gift", "two", rules.Share, 1))
	h.decide("gift", h.verdict("gift", "three", rules.Share, 1))
	for _, who := range []string{"manager", "rep", "nobody", "chief"} {
		for _, version := range []string{"1", "9", module} {
			if err := h.erase(who, version); fault.KindOf(err) != fault.KindOf(h.erase(who, "77")) || err.Error() != h.erase(who, "77").Error() {
				t.Errorf("%s: %v", who, err)
			}
		}
	}
	if _, _, err := h.e.RuleModule(t.Context(), h.as["dev"], "crm", "gift", "1"); err != nil {
		t.Error(err)
	}
	_, err := h.e.DeleteRuleVersion(t.Context(), h.as["admin"], "crm", "gone", module)
	denied(t, err, fault.NotFound)
}

// TestDeletingMakesRoom: an application that keeps as many modules as it may takes
// another once one is deleted.
func TestDeletingMakesRoom(t *testing.T) {
	h := newHouse(t)
	kept, err := h.e.Modules(t.Context(), h.as["admin"], "crm")
	must(t, err)
	var first string
	for i := range maxModules - len(kept) {
		if hash := h.verdict("gift", fmt.Sprint(i), rules.Share, 1); first == "" {
			first = hash
		}
	}
	more := func() error {
		m := rules.Manifest{ABI: 1, Form: "Deal", Effect: rules.Share, Grant: 1, Record: stageOf}
		module, _ := h.double.Register("more", &m, nil)
		_, err := h.e.UploadModule(t.Context(), h.as["admin"], "crm", "gift", module)
		return err
	}
	denied(t, more(), fault.Limit)
	must(t, h.erase("admin", first))
	must(t, more())
}

// crossing lets no commit go before as many as meet have come to theirs.
type crossing struct {
	driver.Driver
	meet sync.WaitGroup
	left atomic.Int32
}

func (d *crossing) Commit(ctx context.Context, snap uint64, reads [][]byte, writes []driver.Write) (uint64, error) {
	if d.left.Add(-1) >= 0 {
		d.meet.Done()
		d.meet.Wait()
	}
	return d.Driver.Commit(ctx, snap, reads, writes)
}

// TestUploadsAtOnceKeepTheBound: of many uploads at once those find room that there is
// room for, and the same module again needs none.
func TestUploadsAtOnceKeepTheBound(t *testing.T) {
	d := &crossing{Driver: memstore.NewDriver()}
	store, err := storage.New(d, nil)
	must(t, err)
	h := newHouseOn(t, store)
	kept, err := h.e.Modules(t.Context(), h.as["admin"], "crm")
	must(t, err)
	const room, many = 3, 12
	for i := range maxModules - len(kept) - room {
		h.verdict("gift", fmt.Sprint(i), rules.Share, 1)
	}
	var modules [][]byte
	for i := range many {
		m := rules.Manifest{ABI: 1, Form: "Deal", Effect: rules.Share, Grant: 1, Record: stageOf}
		module, _ := h.double.Register(fmt.Sprint("more", i), &m, nil)
		modules = append(modules, module)
	}
	upload := func(i int) error {
		_, err := h.e.UploadModule(t.Context(), h.as["admin"], "crm", "gift", modules[i])
		return err
	}
	errs := make([]error, many)
	d.meet.Add(many)
	d.left.Store(many)
	var wg sync.WaitGroup
	for i := range modules {
		wg.Go(func() { errs[i] = upload(i) })
	}
	wg.Wait()
	found := 0
	for i, err := range errs {
		if err != nil {
			denied(t, err, fault.Limit)
			continue
		}
		found++
		must(t, upload(i))
	}
	if kept, err = h.e.Modules(t.Context(), h.as["admin"], "crm"); err != nil || found != room || len(kept) != maxModules {
		t.Errorf("%d of %d uploads found room for %d; %d modules are kept: %v", found, many, room, len(kept), err)
	}
}

// TestReplayOfADeletedVersion: the log keeps what a version did, and says that its
// module is gone.
func TestReplayOfADeletedVersion(t *testing.T) {
	h := newHouse(t)
	h.embargo(onlyOpen)
	h.sees("rex", "Deal", h.add("rep", "Deal", cell{"title": "a", "stage": "open"}))
	entry := h.ruleLog("super", RuleLogQuery{Decisions: true}).Entries[0]
	for i := range 2 {
		h.decide("embargo", h.verdict("embargo", fmt.Sprint("other", i), rules.Restrict, 1))
	}
	_, err := h.e.DeleteRuleVersion(t.Context(), h.as["admin"], "crm", "embargo", entry.Module)
	must(t, err)
	_, err = h.e.RuleReplay(t.Context(), h.as["super"], "crm", "embargo", entry.ID)
	if denied(t, err, fault.Conflict); !strings.Contains(err.Error(), "it is gone") {
		t.Error(err)
	}
	for _, n := range h.ruleLog("super", RuleLogQuery{}).Entries {
		if n.ID == entry.ID && (n.Record != entry.Record || n.Fuel != entry.Fuel || n.Untold) {
			t.Errorf("%+v, before %+v", n, entry)
		}
	}
}

// TestDeletingRaces: of a deletion and a binding of one module at once, one is
// refused: what is bound is always there.
func TestDeletingRaces(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	h.decide("gift", h.verdict("gift", "base", rules.Share, 1))
	for i := range 20 {
		hash := h.verdict("gift", fmt.Sprint("race", i), rules.Share, 1)
		var deleted, bound error
		var wg sync.WaitGroup
		wg.Go(func() { deleted = h.erase("admin", hash) })
		wg.Go(func() { _, bound = h.e.BindModule(ctx, h.as["dev"], "crm", "gift", hash) })
		wg.Wait()
		if (deleted == nil) == (bound == nil) {
			t.Fatalf("deletion: %v, binding: %v", deleted, bound)
		}
		if bound == nil {
			denied(t, deleted, fault.Conflict)
			continue
		}
		denied(t, bound, fault.NotFound)
	}
}
