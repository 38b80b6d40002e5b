package main

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	rulesexamples "sluice/examples/rules"
	"sluice/internal/httpd"
)

// compiledDemo is a server over the store of the shared demo that compiles
// modules as the binary does: in child processes, with their code kept in dir.
func compiledDemo(t testing.TB, dir string) *demoServer {
	t.Helper()
	demo, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	runner, inspect, closeRules, err := serveRules(t.Context(), dir, func(text string) { t.Log(text) })
	if err != nil {
		t.Fatal(err)
	}
	s, err := httpd.New(httpd.Options{Store: demo.store, Rules: runner, Inspect: inspect})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(func() { srv.Close(); _ = closeRules() })
	return &demoServer{url: srv.URL, tokens: demo.tokens, httpd: s, store: demo.store}
}

// compiledFiles tells of each file of compiled code when it was written.
func compiledFiles(t *testing.T, dir string) map[string]time.Time {
	t.Helper()
	files := map[string]time.Time{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "seal" {
			return err
		}
		info, err := d.Info()
		if err == nil {
			files[path] = info.ModTime()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestRulesAreCompiledOnce: rules that a child process compiled give what rules
// compiled here give; an uploaded module is compiled once; and a server that
// begins again compiles nothing.
func TestRulesAreCompiledOnce(t *testing.T) {
	const asked = "{orders(first:0){totalCount} customers(where:{phone:{isNull:true}} first:0){totalCount}}"
	want := theDemo(t).ok(t, "nora", "%s", asked)
	dir := filepath.Join(t.TempDir(), "compiled")
	d := compiledDemo(t, dir)
	if got := d.ok(t, "nora", "%s", asked); !reflect.DeepEqual(got.Data, want.Data) {
		t.Errorf("got %v, expected %v", got.Data, want.Data)
	}
	module := guest{decide: everybody}.build()
	for range 2 {
		if _, refusal := d.upload(t, module); refusal != "" {
			t.Fatal(refusal)
		}
	}
	files := compiledFiles(t, dir)
	if len(files) != 3 {
		t.Fatalf("compiled %d modules, expected the demo's two and the uploaded one: %v", len(files), files)
	}
	if _, refusal := d.upload(t, []byte(localsBomb)); refusal == "" {
		t.Error("fifty million locals were taken")
	}
	again := compiledDemo(t, dir)
	if got := again.ok(t, "nora", "%s", asked); !reflect.DeepEqual(got.Data, want.Data) {
		t.Errorf("after a restart %v, expected %v", got.Data, want.Data)
	}
	if now := compiledFiles(t, dir); !maps.Equal(now, files) {
		t.Errorf("code on disk changed with a restart:\n%v\n%v", files, now)
	}
}

// activated uploads, binds and activates a module as the developer.
func (d *demoServer) activated(t testing.TB, rule string, module []byte) {
	t.Helper()
	status, body := d.sent(t, "PUT", "/apps/sales/rules/"+rule, "application/wasm", string(module))
	var up struct{ Hash string }
	if err := json.Unmarshal(body, &up); err != nil || status != http.StatusOK || up.Hash == "" {
		t.Fatalf("upload: status %d, %s", status, body)
	}
	for _, change := range []string{
		`mutation{bindRuleModule(application:"sales" rule:"` + rule + `" module:"` + up.Hash + `"){rule{active}}}`,
		`mutation{activateRule(application:"sales" rule:"` + rule + `"){rule{active}}}`,
	} {
		if status, body := d.sent(t, "POST", managePath, "application/json", asked(change)); status != http.StatusOK || strings.Contains(string(body), `"errors"`) {
			t.Fatalf("%s: status %d, %s", change, status, body)
		}
	}
}

// BenchmarkUploadToActive uploads a lean module that is not compiled yet, binds
// and activates it, over HTTP.
func BenchmarkUploadToActive(b *testing.B) {
	const rule = "same-team-open-orders"
	dir := filepath.Join(b.TempDir(), "compiled")
	d := compiledDemo(b, dir)
	module, err := rulesexamples.Module(rule, rulesexamples.AssemblyScript)
	if err != nil {
		b.Fatal(err)
	}
	for n := 0; b.Loop(); n++ {
		// A custom section makes it another module; the code of the one before goes.
		entries, _ := filepath.Glob(filepath.Join(dir, "*"))
		for _, e := range entries {
			if err := os.RemoveAll(e); err != nil {
				b.Fatal(err)
			}
		}
		d.activated(b, rule, append(bytes.Clone(module), 0, 6, 5, 'n', 'o', 't', 'e', byte(n)))
	}
}

// sent sends a request as the developer.
func (d *demoServer) sent(t testing.TB, method, path, contentType, body string) (status int, b []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+d.tokens["mei"])
	r.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if b, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, b
}
