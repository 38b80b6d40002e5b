package gateway

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sluice/internal/identity"
	"sluice/internal/importer"
)

// imports are the import routes of a shop, for files of at most 200 bytes.
func (s *shop) imports() *Imports {
	s.t.Helper()
	m, err := NewImports(ImportOptions{Importer: importer.New(s.e), Engine: s.e, Directory: s.d, MaxFile: 200})
	s.must(err)
	return m
}

// call sends a request and returns the status and the lines of the answer.
func (s *shop) call(m *Imports, who, method, path, media, body string) (int, []string) {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+s.tokens[who])
	}
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		s.t.Errorf("%s %s: Cache-Control %q", method, path, got)
	}
	return w.Code, strings.Split(strings.TrimSpace(w.Body.String()), "\n")
}

func TestImportRefusals(t *testing.T) {
	s := newShop(t)
	m := s.imports()
	const form = "/apps/sales/imports/Customer"
	for _, tc := range []struct {
		name, who, method, path, media, body string
		status                               int
		says                                 string
	}{
		{"nobody", "", "POST", form, "text/csv", "name\nx\n", 401, "UNAUTHENTICATED"},
		{"no place", "cat", "POST", form, "text/csv", "name\nx\n", 404, `application \"sales\": not found`},
		{"elsewhere", "zoe", "POST", form, "text/csv", "name,taxNumber\nx,1\n", 400, `no field \"taxNumber\"`},
		{"without IMPORT", "ann", "POST", form, "text/csv", "name\nx\n", 403, "not permitted to import into Customer"},
		{"out of shape", "bob", "POST", form, "text/csv", "name\nx\n", 404, `form \"Customer\": not found`},
		{"no such form", "bob", "POST", "/apps/sales/imports/Custom", "text/csv", "name\nx\n", 404, `form \"Custom\": not found`},
		{"API switched off", "dan api", "POST", form, "text/csv", "name\nx\n", 403, "API access is switched off"},
		{"parameter", "sue", "POST", form + "?drop=1", "text/csv", "name\nx\n", 400, "drop: no such parameter"},
		{"media", "sue", "POST", form, "application/json", "{}", 415, "text/csv"},
		{"no media", "sue", "POST", form, "", "name\nx\n", 415, "text/csv"},
		{"large", "sue", "POST", form, "text/csv", "name\n" + strings.Repeat("x\n", 100), 413, "more than 200 bytes"},
		{"empty", "sue", "POST", form, "text/csv", "", 400, "file: is empty"},
		{"column", "sue", "POST", form, "text/csv", "name,x\na,b\n", 400, `Customer has no field \"x\"`},
		{"resume of none", "sue", "POST", "/apps/sales/imports/01a204f5-02a6-792e-8043-b1b93dfe994e/resume", "text/csv", "name\nx\n", 404, "import: not found"},
		{"undo of none", "sue", "POST", "/apps/sales/imports/x/undo", "", "", 404, "import: not found"},
		{"none", "sue", "GET", "/apps/sales/imports/x", "", "", 404, "import: not found"},
		{"imports of a stranger", "cat", "GET", "/apps/sales/imports", "", "", 404, "not found"},
	} {
		status, lines := s.call(m, tc.who, tc.method, tc.path, tc.media, tc.body)
		if status != tc.status || len(lines) != 1 || !strings.Contains(lines[0], tc.says) {
			t.Errorf("%s: %d %q, want %d %q", tc.name, status, lines, tc.status, tc.says)
		}
	}
	if got := s.ask("sue", `{customers{totalCount}}`, nil); got != `{"customers":{"totalCount":0}}` {
		t.Errorf("after refusals: %s", got)
	}
}

func TestImportOverHTTP(t *testing.T) {
	s := newShop(t)
	m := s.imports()
	status, lines := s.call(m, "sue", "POST", "/apps/sales/imports/Customer?map=n%3Dname", "text/csv; charset=utf-8", "n,taxNumber\na,1\nb,2\n")
	var last importLine
	s.must(json.Unmarshal([]byte(lines[len(lines)-1]), &last))
	if status != http.StatusOK || len(lines) != 3 || last.Job == nil || last.Job.State != "DONE" || last.Job.Done != 2 || last.Rows != 2 {
		t.Fatalf("%d %q", status, lines)
	}
	equal(t, "progress", lines[0]+lines[1], `{"progress":{"pass":1,"rows":2}}{"progress":{"pass":2,"rows":2,"of":2}}`)
	job := "/apps/sales/imports/" + last.Job.ID
	if status, lines := s.call(m, "sue", "GET", job, "", ""); status != 200 || !strings.Contains(lines[0], `"state":"DONE"`) || strings.Contains(lines[0], "digest") {
		t.Errorf("job: %d %q", status, lines)
	}
	if status, lines := s.call(m, "ann", "GET", job, "", ""); status != 404 {
		t.Errorf("somebody else's job: %d %q", status, lines)
	}
	if _, lines := s.call(m, "ann", "GET", "/apps/sales/imports", "", ""); lines[0] != `{"imports":[]}` {
		t.Errorf("somebody else's jobs: %q", lines)
	}
	if _, lines := s.call(m, "sue", "GET", "/apps/sales/imports", "", ""); strings.Count(lines[0], last.Job.ID) != 1 {
		t.Errorf("jobs: %q", lines)
	}
	if status, lines := s.call(m, "sue", "POST", job+"/resume", "text/csv", "n\n"); status != 409 || !strings.Contains(lines[0], "DONE, not RUNNING") {
		t.Errorf("resume of what is done: %d %q", status, lines)
	}
	status, lines = s.call(m, "sue", "POST", "/apps/sales/imports/Customer", "text/csv", "name\nc\n\"\"\n")
	equal(t, "faults", lines[len(lines)-1], `{"rows":2,"faulty":1,"faults":[{"line":3,"column":"name","message":"a value is required"}]}`)
	if status != http.StatusOK {
		t.Errorf("faults: %d", status)
	}
	status, lines = s.call(m, "sue", "POST", job+"/undo", "", "")
	if status != 200 || !strings.Contains(lines[len(lines)-1], `"state":"UNDONE"`) || !strings.Contains(lines[len(lines)-1], `"removed":2`) {
		t.Errorf("undo: %d %q", status, lines)
	}
	if got := s.ask("sue", `{customers{totalCount}}`, nil); got != `{"customers":{"totalCount":0}}` {
		t.Errorf("after the undo: %s", got)
	}
}

// TestImportsAtATime: one more than the limit is refused, and not queued; one
// organization does not take the places of all.
func TestImportsAtATime(t *testing.T) {
	s := newShop(t)
	m := s.imports()
	for range maxTenant {
		if !m.slots.take(s.tenant) {
			t.Fatal("no place")
		}
	}
	const path = "/apps/sales/imports/Customer"
	if status, lines := s.call(m, "sue", "POST", path, "text/csv", "name\nx\n"); status != 429 || !strings.Contains(lines[0], "LIMIT_EXCEEDED") {
		t.Errorf("%d %q", status, lines)
	}
	if status, lines := s.call(m, "zoe", "POST", path, "text/csv", "name\nx\n"); status != 200 {
		t.Errorf("another organization: %d %q", status, lines)
	}
	m.slots.give(s.tenant)
	if status, _ := s.call(m, "sue", "POST", path, "text/csv", "name\nx\n"); status != 200 {
		t.Errorf("with a free place: %d", status)
	}
	m.slots.give(s.tenant)
	if m.slots.all != 0 || len(m.slots.of) != 0 {
		t.Errorf("places are not given back: %+v", m.slots.of)
	}
	for i := range maxImports + 1 {
		if took := m.slots.take(identity.Tenant{byte(i)}); took != (i < maxImports) {
			t.Errorf("place %d: %v", i, took)
		}
	}
}

// watched looks at the places for imports at each line of an answer.
type watched struct {
	*httptest.ResponseRecorder
	slots *slots
	taken []int
}

func (w *watched) Write(b []byte) (int, error) {
	w.slots.mu.Lock()
	w.taken = append(w.taken, w.slots.all)
	w.slots.mu.Unlock()
	return w.ResponseRecorder.Write(b)
}

// TestImportsOneAfterTheOther: the last line is written when the place is free, so
// that one import may follow another at once.
func TestImportsOneAfterTheOther(t *testing.T) {
	s := newShop(t)
	m := s.imports()
	for _, tc := range []struct {
		path, body string
		last       string
	}{
		{"/apps/sales/imports/Customer", "name\nx\n", `"state":"DONE"`},
		{"/apps/sales/imports/Customer", "nothing\nx\n", `"code":"BAD_USER_INPUT"`},
		{"/apps/sales/imports/Customer", "name\n" + strings.Repeat("x", 200) + "\n", `"code":"LIMIT_EXCEEDED"`},
	} {
		w := &watched{ResponseRecorder: httptest.NewRecorder(), slots: &m.slots}
		r := httptest.NewRequest(http.MethodPost, tc.path, strings.NewReader(tc.body))
		r.Header.Set("Content-Type", "text/csv")
		r.Header.Set("Authorization", "Bearer "+s.tokens["sue"])
		m.ServeHTTP(w, r)
		if n := len(w.taken); n == 0 || w.taken[n-1] != 0 || !strings.Contains(w.Body.String(), tc.last) {
			t.Errorf("%q: places taken at each line: %v; %s", tc.body, w.taken, w.Body)
		}
	}
}

// TestImportOutlivesTheServersTimeouts: the routes set their own deadlines, so
// that a short timeout of the server does not cut an import off.
func TestImportOutlivesTheServersTimeouts(t *testing.T) {
	s := newShop(t)
	srv := httptest.NewUnstartedServer(s.imports())
	srv.Config.WriteTimeout = time.Nanosecond
	srv.Start()
	defer srv.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/apps/sales/imports/Customer", strings.NewReader("name\nx\n"))
	s.must(err)
	r.Header.Set("Content-Type", "text/csv")
	r.Header.Set("Authorization", "Bearer "+s.tokens["sue"])
	resp, err := http.DefaultClient.Do(r)
	s.must(err)
	defer func() { _ = resp.Body.Close() }()
	var first, second, last importLine
	d := json.NewDecoder(resp.Body)
	for _, l := range []*importLine{&first, &second, &last} {
		s.must(d.Decode(l))
	}
	if last.Job == nil || last.Job.State != "DONE" {
		t.Errorf("%+v", last)
	}
}
