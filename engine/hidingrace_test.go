package engine

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestG1_HidingBindsAtOnce races readers with an admin who hides a record and
// shows it again: nobody reads it in an operation that began after the hiding
// was answered, by any path.
func TestG1_HidingBindsAtOnce(t *testing.T) {
	h, shut, _ := newHideout(t)
	number := h.form("Deal").Number
	var phase atomic.Int64 // odd while the record is hidden
	var stop atomic.Bool
	var wg sync.WaitGroup
	for _, who := range []string{"super", "admin", "dev"} {
		wg.Go(func() {
			for !stop.Load() {
				before := phase.Load()
				op, err := h.e.Read(t.Context(), h.as[who], "crm")
				if err != nil {
					t.Error(err)
					return
				}
				_, ok, err := op.Get(number, shut)
				page, listErr := op.List(List{Form: number, First: 10, Total: true})
				op.Close()
				if err != nil || listErr != nil {
					t.Error(err, listErr)
					return
				}
				if ok != (page.Total == 2) || ok && before%2 == 1 && phase.Load() == before {
					t.Errorf("%s got it %v and counted %d in phase %d", who, ok, page.Total, before)
					return
				}
			}
		})
	}
	for range worlds(100, 2000) {
		h.hide("boss", "Deal", isShut)
		phase.Add(1)
		if h.sees("super", "Deal", shut) {
			t.Error("seen after the hiding")
		}
		phase.Add(1)
		must(t, h.unhide("boss", "Deal", "boss"))
	}
	stop.Store(true)
	wg.Wait()
}
