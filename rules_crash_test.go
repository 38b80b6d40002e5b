package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"sluice/internal/effort"
	"sluice/rules"
)

// victim is a server of its own process over a data directory, which tests kill.
type victim struct {
	*demoServer
	cmd  *exec.Cmd
	code string // for the setup, of a new directory
}

var announced = regexp.MustCompile(` on (http://\S+)`)

func startVictim(t *testing.T, dir string, tokens map[string]string) *victim {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), servedDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	v := &victim{&demoServer{tokens: tokens}, cmd, ""}
	t.Cleanup(v.kill)
	lines := bufio.NewScanner(out)
	for (v.url == "" || len(tokens) == 0 && v.code == "") && lines.Scan() {
		if m := announced.FindStringSubmatch(lines.Text()); m != nil {
			v.url = m[1]
		}
		if _, after, ok := strings.Cut(lines.Text(), " with the code "); ok {
			v.code = strings.TrimSpace(after)
		}
	}
	if v.url == "" {
		t.Fatal("the server does not begin")
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return v
}

// kill ends the server as a crash of the machine would, but for what the disk holds.
func (v *victim) kill() {
	_ = v.cmd.Process.Kill() // it may have ended
	_ = v.cmd.Wait()
}

// attempt sends a request that the server may not survive.
func (v *victim) attempt(method, path, contentType, body string) (answered string) {
	req, err := http.NewRequest(method, v.url+path, strings.NewReader(body))
	if err != nil {
		return ""
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Authorization", "Bearer "+v.tokens["ann"])
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return ""
	}
	return string(b)
}

const guestsRule = `
customRules:
  - {name: all, form: Guest, effect: SHARE, maxLevel: READ}
  - {name: spare, form: Guest, effect: SHARE, maxLevel: READ}
`

func guestModule(t *testing.T, decide string, variant int) []byte {
	t.Helper()
	module, err := rules.Embed(append(guest{decide: decide}.build(), part(0, sized("variant")+fmt.Sprint(variant))...),
		[]byte(`{"abi":1,"form":"Guest","effect":"share","grant":"view","viewer":[],"record":[{"name":"name","type":"text"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// settles makes the inn in a new directory: ann, its super admin, cleo, who sees what the
// rule "all" shares, and three guests. The rule has two versions: 1 shares all guests, 2 none.
func (v *victim) settles(t *testing.T) {
	t.Helper()
	const password = "a long password"
	if got := v.attempt(http.MethodPost, "/setup", "application/json", fmt.Sprintf(`{"code":%q,"organization":"inn","email":"ann@inn.example","name":"Ann","password":%q}`, v.code, password)); !strings.Contains(got, "{") {
		t.Fatalf("setup: %q", got)
	}
	signIn := func(who string) {
		v.tokens[who] = v.manage(t, "", `mutation{signIn(organization:"inn",email:"%s@inn.example",password:%q){token}}`, who, password).at("signIn.token").(string)
	}
	signIn("ann")
	if status, code := v.applied(t, "ann", strings.Replace(inn, "[VIEW_ALL]", "[VIEW]", 1)+guestsRule, ""); status != http.StatusOK {
		t.Fatalf("definition: %d %s", status, code)
	}
	id := v.manage(t, "ann", `mutation{addUser(input:{email:"cleo@inn.example",displayName:"Cleo",password:%q}){user{id}}}`, password).at("addUser.user.id").(string)
	v.manage(t, "ann", `mutation{assignUser(application:"inn",user:%q,role:"clerk",permissionSet:"clerks"){user{id}}}`, id)
	signIn("cleo")
	for _, name := range []string{"A", "B", "C"} {
		v.inInn(t, "ann", `mutation{createGuest(input:{name:%q}){id}}`, name)
	}
	for i, decide := range []string{everybody, "", ofBatch(amongOthers)} {
		v.manage(t, "ann", `mutation{bindRuleModule(application:"inn",rule:"all",module:%q){rule{name}}}`, v.upload(t, guestModule(t, decide, i)))
		if i < 2 {
			v.manage(t, "ann", `mutation{activateRule(application:"inn",rule:"all"){rule{name}}}`)
		}
	}
}

func (v *victim) upload(t *testing.T, module []byte) (hash string) {
	t.Helper()
	got := v.attempt(http.MethodPut, "/apps/inn/rules/all", "application/wasm", string(module))
	_, after, _ := strings.Cut(got, `"hash":"`)
	if hash, _, _ = strings.Cut(after, `"`); len(hash) != 64 {
		t.Fatal(got)
	}
	return hash
}

func (v *victim) sees(t *testing.T) int {
	t.Helper()
	return v.inInn(t, "cleo", `{guests(first:10){totalCount nodes{id}}}`).count("guests.totalCount")
}

// busy swaps versions and uploads modules until the server is killed, after n swaps were
// confirmed. It returns the versions that may decide then.
func (v *victim) busy(t *testing.T, n, round int) (possible []int) {
	t.Helper()
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			if v.attempt(http.MethodPut, "/apps/inn/rules/spare", "application/wasm", string(guestModule(t, everybody, 1000*(round+1)+i))) == "" || i > 60 {
				return
			}
		}
	})
	confirmed := make(chan int, 1)
	wg.Go(func() {
		defer close(confirmed)
		for i := 0; ; i++ {
			version := 1 + i%2
			possible = append(possible, version)
			got := v.attempt(http.MethodPost, managePath, "application/json", asked(fmt.Sprintf(`mutation{rollbackRule(application:"inn",rule:"all",version:%d){rule{active}}}`, version)))
			if !strings.Contains(got, `"active":true`) {
				return
			}
			possible = []int{version}
			if i == n {
				confirmed <- i
			}
		}
	})
	if <-confirmed != n {
		t.Error("a swap failed before the crash")
	}
	v.kill()
	wg.Wait()
	return possible
}

// whole holds what stands after a crash against itself.
func (v *victim) whole(t *testing.T, possible []int) {
	t.Helper()
	active, listed := 0, v.manage(t, "ann", `{ruleVersions(application:"inn",rule:"all",first:200){nodes{number module active}}}`).list("ruleVersions.nodes")
	for _, n := range listed {
		n := n.(map[string]any)
		if n["active"] == true {
			active = int(n["number"].(float64))
		}
		if hash := v.download(t, "all", n["module"]); hash != n["module"] {
			t.Errorf("version %v is %v, its bytes are %s", n["number"], n["module"], hash)
		}
	}
	if !slices.Contains(possible, active) || len(listed) != 3 {
		t.Errorf("version %d decides, expected one of %v; %d versions", active, possible, len(listed))
	}
	if got, want := v.sees(t), map[int]int{1: 3}[active]; got != want {
		t.Errorf("with version %d cleo sees %d guests", active, got)
	}
	events := v.manage(t, "ann", `{ruleEvents(application:"inn",rule:"all",first:2){nodes{number act version}}}`).list("ruleEvents.nodes")
	if last := events[0].(map[string]any); last["act"] != "ROLLED_BACK" || last["version"] != float64(active) || last["number"].(float64) != events[1].(map[string]any)["number"].(float64)+1 {
		t.Errorf("version %d decides, and what was done last is %v", active, events)
	}
	for _, m := range v.manage(t, "ann", `{ruleModules(application:"inn"){modules{hash}}}`).list("ruleModules.modules") {
		hash := m.(map[string]any)["hash"]
		if a := v.graphql(t, managePath, "ann", fmt.Sprintf(`mutation{bindRuleModule(application:"inn",rule:"spare",module:%q){rule{name}}}`, hash)); a.code() != "" {
			t.Errorf("module %v: %+v", hash, a)
		}
		if got := v.download(t, "spare", hash); got != hash {
			t.Errorf("module %v has the bytes of %s", hash, got)
		}
	}
}

// download fetches a module and returns the hash of its bytes.
func (v *victim) download(t *testing.T, rule string, hash any) string {
	t.Helper()
	b := v.attempt(http.MethodGet, fmt.Sprintf("/apps/inn/rules/%s/versions/%v", rule, hash), "application/json", "")
	return rules.HashOf([]byte(b)).String()
}

// TestRulesAfterAKill: a server that is killed while versions are swapped and modules
// uploaded decides afterwards by the version confirmed last, or the one that was being
// let decide, wholly; and a module that was found to be no rule, and not yet put in
// quarantine in the store, still gives nothing.
func TestRulesAfterAKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	v := startVictim(t, dir, map[string]string{})
	v.settles(t)
	for round := range effort.Of(2, 6, 30) {
		possible := v.busy(t, 3+5*round%11, round)
		v = startVictim(t, dir, v.tokens)
		v.whole(t, possible)
	}
	a := v.graphql(t, managePath, "ann", `mutation{rollbackRule(application:"inn",rule:"all",version:3){rule{active}}}`)
	if a.code() != "" || v.sees(t) != 0 {
		t.Errorf("%+v: cleo sees what no rule gives", a)
	}
	v.kill()
	if v = startVictim(t, dir, v.tokens); v.sees(t) != 0 {
		t.Error("after a crash cleo sees what no rule gives")
	}
}
