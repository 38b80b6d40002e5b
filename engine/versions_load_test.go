package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/rules"
)

// TestSwapUnderLoad: while versions of a rule are swapped again and again, no query
// fails, and each sees what exactly one version gives, in its lists as in its single
// reads.
func TestSwapUnderLoad(t *testing.T) {
	h := newHouse(t)
	sets := map[string][]record.ID{}
	for i := range 60 {
		stage := []string{"open", "won", "none"}[i%3]
		sets[stage] = append(sets[stage], h.add("rep", "Deal", cell{"title": fmt.Sprint("deal ", i), "stage": stage}))
	}
	for stage := range sets {
		slices.SortFunc(sets[stage], func(a, b record.ID) int { return strings.Compare(a.String(), b.String()) })
	}
	ctx, admin := t.Context(), h.as["admin"]
	must(t, h.switched("embargo", rules.Restrict, 1))
	for _, stage := range []string{"open", "won"} {
		module, _ := h.double.Register(stage, &rules.Manifest{ABI: 1, Form: "Deal", Effect: rules.Share, Grant: 1, Record: stageOf}, func(_, rec []record.Value) (v rules.Verdict) {
			if string(rec[0].Text()) == stage {
				v.Grant = 1
			}
			return v
		})
		up, err := h.e.UploadModule(ctx, admin, "crm", "gift", module)
		must(t, err)
		_, err = h.e.BindModule(ctx, admin, "crm", "gift", up.Hash)
		must(t, err)
		_, err = h.e.ActivateRule(ctx, admin, "crm", "gift")
		must(t, err)
	}
	// seen is the stage whose deals, and no others, the query saw; it may be called
	// by any goroutine.
	seen := func() (string, error) {
		op, err := h.e.Read(ctx, h.as["gil"], "crm")
		if err != nil {
			return "", err
		}
		defer op.Close()
		stage := ""
		for i := range 3 {
			page, err := op.List(List{Form: h.form("Deal").Number, First: 100})
			if err != nil {
				return "", err
			}
			var got []record.ID
			for _, r := range page.Records {
				got = append(got, r.ID())
			}
			slices.SortFunc(got, func(a, b record.ID) int { return strings.Compare(a.String(), b.String()) })
			for s, want := range sets {
				if slices.Equal(got, want) && (i == 0 || s == stage) {
					stage = s
				}
			}
			if stage != "open" && stage != "won" || !slices.Equal(got, sets[stage]) {
				return "", fmt.Errorf("reads %d deals, of no version alone", len(got))
			}
			for s, all := range sets {
				id := all[i*7%len(all)]
				if _, ok, err := op.Get(h.form("Deal").Number, id); ok != (s == stage) || err != nil && fault.KindOf(err) != fault.NotFound {
					return "", fmt.Errorf("of %s: the deal %d of %s is seen: %t, %w", stage, i, s, ok, err)
				}
			}
		}
		return stage, nil
	}
	var stop atomic.Bool
	var queries atomic.Int64
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				if _, err := seen(); err != nil {
					t.Error(err)
					return
				}
				if queries.Add(1); stop.Load() {
					return
				}
			}
		})
	}
	swaps := worlds(200, 2000)
	for i := range swaps {
		want := []string{"open", "won"}[i%2]
		_, err := h.e.RollbackRule(ctx, admin, "crm", "gift", i%2+1, "")
		must(t, err)
		if got, err := seen(); got != want || err != nil {
			t.Fatalf("swap %d: version of %s, want %s: %v", i, got, want, err)
		}
	}
	stop.Store(true)
	wg.Wait()
	if got := h.story("gift"); !strings.HasPrefix(got[len(got)-1], strconv.Itoa(4+swaps)+" ROLLED_BACK 2 ") {
		t.Errorf("the last event is %s", got[len(got)-1])
	}
	t.Logf("%d swaps beside %d queries", swaps, queries.Load())
}
