package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// TestParallel lets viewers of different shapes read, write and change rights at
// once; each answer is one that the viewer could get alone. Worth most with the
// race detector.
func TestParallel(t *testing.T) {
	s := newShop(t)
	s.create("ann", "An order")
	var wg sync.WaitGroup
	run := func(who, query, want string) {
		wg.Go(func() {
			for i := range 30 {
				code, body := s.post(who, "sales", strings.ReplaceAll(query, "#", fmt.Sprint(i%7)), nil)
				if code != http.StatusOK || !strings.Contains(body, want) {
					t.Errorf("%s: %s: %d %s", who, query, code, body)
				}
			}
		})
	}
	run("ann", `{a#:orders{nodes{title amount lines{totalCount}}}}`, `"amount":"0.00"`)
	run("bob", `{a#:orders{totalCount}}`, `"totalCount":0`)
	run("bob", `{a#:orders{nodes{amount}}}`, `Cannot query field`)
	run("sue", `{a#:orders(first:1){nodes{owner{displayName}}}}`, `"Ann"`)
	run("sue", `mutation{createCustomer(input:{name:"c#"}){id customer{name}}}`, `"name":"c`)
	run("dan", `{a#:__schema{types{name}}}`, `"Order"`)
	wg.Go(func() {
		for range 10 {
			s.assign("cat", "Clerk")
			s.assign("cat", "Sales")
		}
	})
	wg.Wait()
	if len(s.panicks) > 0 {
		t.Error(s.panicks)
	}
}
