package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	rulesexamples "sluice/examples/rules"
	"sluice/internal/effort"
)

const swapped = "same-team-open-orders"

// ruleVersion is a version of a rule.
type ruleVersion struct {
	number int
	module string
}

// twoVersions are the active version of a rule of the demo and one that shows
// everything; the first is put back in the end.
func twoVersions(t *testing.T) (d *demoServer, first, second ruleVersion) {
	t.Helper()
	d = theDemo(t)
	hash, refusal := d.upload(t, guest{decide: everybody}.build())
	if refusal != "" {
		t.Fatal(refusal)
	}
	bind := func(module string) {
		d.manage(t, "jonas", `mutation{bindRuleModule(application:"sales",rule:%q,module:%q){rule{name}}}`, swapped, module)
	}
	bind(hash)
	rows := d.manage(t, "jonas", `{ruleVersions(application:"sales",rule:%q,first:200){nodes{number module active next}}}`, swapped).list("ruleVersions.nodes")
	for _, r := range rows {
		r := r.(map[string]any)
		v := ruleVersion{int(r["number"].(float64)), r["module"].(string)}
		switch true {
		case r["active"]:
			first = v
		case r["next"]:
			second = v
		}
	}
	if bind(first.module); first.number == 0 || second.module != hash {
		t.Fatalf("%v", rows)
	}
	t.Cleanup(func() {
		d.manage(t, "mei", `mutation{rollbackRule(application:"sales",rule:%q,version:%d){rule{active}}}`, swapped, first.number)
	})
	return d, first, second
}

// row matches a line of a table.
func row(format string, number int) *regexp.Regexp {
	return regexp.MustCompile(`(?m)^` + fmt.Sprintf(format, number) + `$`)
}

// TestRuleVersionsOverHTTP walks the life of a rule by its commands: a second version
// waits, decides, is rolled back; history and modules are for admins and developers.
func TestRuleVersionsOverHTTP(t *testing.T) {
	d, first, second := twoVersions(t)
	must := func(who string, args ...string) string {
		t.Helper()
		code, out, errs := d.run(t, who, "", args...)
		if code != 0 {
			t.Fatalf("%v: exit code %d: %s", args, code, errs)
		}
		return out
	}
	of := func(args ...string) []string { return append(args, "-application", "sales", "-rule", swapped) }
	orders := func() int { return d.ok(t, "nora", `{orders(first:0){totalCount}}`).count("orders.totalCount") }
	few, all := orders(), d.ok(t, "priya", `{orders(first:0){totalCount}}`).count("orders.totalCount")
	d.manage(t, "jonas", `mutation{bindRuleModule(application:"sales",rule:%q,module:%q){rule{name}}}`, swapped, second.module)
	if got := must("jonas", of("rule", "versions")...); !row(`%d +next(, previous)? +\S+ +\w+ .*`, second.number).MatchString(got) || !row(`%d +active(, previous)? +\S+ +Priya .*`, first.number).MatchString(got) {
		t.Fatal(got)
	}
	if got := orders(); got != few {
		t.Errorf("nora sees %d orders with a version that waits, %d before", got, few)
	}
	rule := d.manage(t, "mei", `{ruleModules(application:"sales"){rules{name active module next}}}`)
	if rule.at("ruleModules.rules.0.active") != true || rule.at("ruleModules.rules.0.next") != second.module {
		t.Error(rule)
	}
	must("mei", of("rule", "activate")...)
	if got := orders(); got != all {
		t.Errorf("nora sees %d orders of %d", got, all)
	}
	if got := must("jonas", of("rule", "rollback")...); orders() != few || !strings.Contains(got, "is active with module "+rule.at("ruleModules.rules.0.module").(string)+", version 1.") {
		t.Errorf("nora sees %d orders, %d before: %s", orders(), few, got)
	}
	if got := must("jonas", of("rule", "versions")...); !row(`%d +previous .*`, second.number).MatchString(got) || !row(`%d +active .*`, first.number).MatchString(got) {
		t.Error(got)
	}
	events := strings.Split(must("mei", of("rule", "versions", "-events")...), "\n")[1:4]
	for i, want := range []*regexp.Regexp{row(`\d+ .* Jonas .* rolled back +%d .*`, first.number), row(`\d+ .* Mei .* activated +%d .*`, second.number), row(`\d+ .* Jonas .* bound +%d .*`, second.number)} {
		if !want.MatchString(events[i]) {
			t.Errorf("%s does not match %s", events[i], want)
		}
	}
	d.downloads(t, first, second)
	a := d.graphql(t, managePath, "mei", `mutation{rollbackRule(application:"sales",rule:"`+swapped+`",version:999){rule{name}}}`)
	if a.code() != "NOT_FOUND" || orders() != few {
		t.Error(a)
	}
}

// downloads fetches modules by command and by HTTP.
func (d *demoServer) downloads(t *testing.T, first, second ruleVersion) {
	t.Helper()
	want, err := rulesexamples.Module(rulesexamples.SameTeamOpenOrders, rulesexamples.C)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rule.wasm")
	code, _, errs := d.run(t, "jonas", "", "rule", "download", "-app", "sales", "-rule", swapped, "-version", strconv.Itoa(first.number), "-o", file)
	got, err := os.ReadFile(file)
	if code != 0 || err != nil || !slices.Equal(got, want) {
		t.Errorf("exit code %d, %v, %d bytes: %s", code, err, len(got), errs)
	}
	get := func(who, version string) (*http.Response, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+"/apps/sales/rules/"+swapped+"/versions/"+version, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+d.tokens[who])
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(b)
	}
	byNumber, module := get("mei", strconv.Itoa(second.number))
	byHash, again := get("mei", second.module)
	if module != again || !strings.HasPrefix(module, "\x00asm") || byHash.StatusCode != http.StatusOK {
		t.Errorf("%d: %.80q", byHash.StatusCode, again)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/wasm", "Content-Disposition": `attachment; filename="` + swapped + `-v` + strconv.Itoa(second.number) + `.wasm"`, "X-Content-Type-Options": "nosniff",
		"Cache-Control": "no-store", "Content-Security-Policy": "sandbox; default-src 'none'", "Sluice-Module": second.module,
	} {
		if got := byNumber.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, who := range []string{"ravi", "felix", "omar"} {
		if resp, b := get(who, "1"); resp.StatusCode < 400 || strings.Contains(b, "asm") {
			t.Errorf("%s is given %d %.80q", who, resp.StatusCode, b)
		}
	}
	if resp, b := get("mei", "1?x=1"); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("%d %.80q", resp.StatusCode, b)
	}
}

// TestSwapsOverHTTP: while a rule is swapped, each answer to a list is that of exactly
// one of its versions, its count included, and none fails.
func TestSwapsOverHTTP(t *testing.T) {
	d, first, second := twoVersions(t)
	list := func() string {
		a := d.as(t, "nora", `{orders(first:100){totalCount nodes{id}} again:orders(first:100,where:{status:{eq:"open"}}){totalCount nodes{id}}}`)
		b, err := json.Marshal(a)
		if err != nil || len(a.Errors) > 0 {
			t.Errorf("%v %+v", err, a.Errors)
		}
		return string(b)
	}
	answers := []string{list()}
	d.manage(t, "mei", `mutation{bindRuleModule(application:"sales",rule:%q,module:%q){rule{name}} activateRule(application:"sales",rule:%q){rule{name}}}`, swapped, second.module, swapped)
	if answers = append(answers, list()); answers[0] == answers[1] {
		t.Fatal("both versions show the same")
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				if got := list(); got != answers[0] && got != answers[1] {
					t.Errorf("an answer of no version: %.300s", got)
					return
				}
				if stop.Load() {
					return
				}
			}
		})
	}
	for i := range swapsOverHTTP() {
		version := []ruleVersion{first, second}[i%2]
		d.manage(t, "mei", `mutation{rollbackRule(application:"sales",rule:%q,version:%d){rule{name}}}`, swapped, version.number)
		if got := list(); got != answers[i%2] {
			t.Errorf("swap %d: not what version %d shows: %.300s", i, version.number, got)
		}
	}
	stop.Store(true)
	wg.Wait()
}

func swapsOverHTTP() int { return effort.Of(10, 60, 300) }
