package command

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/demo"
)

// entries are the names in a folder.
func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}

func TestExport(t *testing.T) {
	term := newOffice(t)
	term.must("apply", "-f", file(t, "sales.yaml", string(demo.Definition)))
	term.must("import", "-application", "sales", "-form", "Customer", "-f", file(t, "c.csv", "name,region,creditLimit\n=Acme,EMEA,-5\nBolt,APAC,\n"))
	export := []string{"export", "-application", "sales", "-form", "Customer", "-columns", "name,region,creditLimit", "-order", "name:desc"}
	want := "name,region,creditLimit\r\nBolt,APAC,\r\n'=Acme,EMEA,-5.00\r\n"
	if out := term.must(export...); out != want {
		t.Errorf("%q", out)
	}
	if out := term.must(append(export, "-format", "ndjson", "-where", `{"region":{"eq":"EMEA"}}`)...); out != `{"name":"=Acme","region":"EMEA","creditLimit":"-5.00"}`+"\n" {
		t.Errorf("%q", out)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	if code, _, errs := term.run(append(export, "-out", path)...); code != 0 || errs != "2 records written to "+path+"\n" {
		t.Errorf("%d %q", code, errs)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != want {
		t.Errorf("%q %v", b, err)
	}
	term.fails(1, "(NOT_FOUND)", "export", "-application", "sales", "-form", "Nothing", "-out", filepath.Join(dir, "no.csv"))
	term.fails(1, "(BAD_USER_INPUT)", "export", "-application", "sales", "-form", "Customer", "-columns", "nothing", "-out", filepath.Join(dir, "no.csv"))
	if got := entries(t, dir); len(got) != 1 {
		t.Errorf("files: %v", got)
	}
	back := filepath.Join(dir, "out.csv")
	term.must("import", "-application", "sales", "-form", "Customer", "-exported", "-f", back)
	if out := term.must(append(export, "-where", `{"name":{"eq":"=Acme"}}`)...); strings.Count(out, "'=Acme") != 2 {
		t.Errorf("read back: %q", out)
	}
	for line, says := range map[string]string{
		"export -application a":                              "-form is required",
		"export -application a -form F -format xlsx":         "-format: expected csv or ndjson",
		"export -application a -form F -where {":             "-where: expected a filter as JSON",
		"export -application a -form F -null ' -columns a":   "-null: expected a short text",
		"export -application a -form F -order a,,,,,,,,,,,b": "-order: at most 10 keys",
		"export -application a -form F x":                    `"x" is one word too many`,
	} {
		term.fails(2, says, strings.Fields(line)...)
	}
}

// TestExportThatIsNotWhole: whatever comes without its end, or with another
// number of records, fails and leaves no file.
func TestExportThatIsNotWhole(t *testing.T) {
	for name, serve := range map[string]func(w http.ResponseWriter){
		"no trailer": func(w http.ResponseWriter) { _, _ = w.Write([]byte("a\r\n1\r\n")) },
		"other number": func(w http.ResponseWriter) {
			w.Header().Set("Trailer", rowsTrailer)
			_, _ = w.Write([]byte("a\r\n1\r\n"))
			w.Header().Set(rowsTrailer, "2")
		},
		"cut off": func(w http.ResponseWriter) {
			w.Header().Set("Trailer", rowsTrailer)
			_, _ = w.Write([]byte("a\r\n1\r\n"))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
		"not CSV": func(w http.ResponseWriter) {
			w.Header().Set("Trailer", rowsTrailer)
			_, _ = w.Write([]byte("a\r\n\"1"))
			w.Header().Set(rowsTrailer, "1")
		},
		"nothing": func(http.ResponseWriter) {},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { serve(w) }))
			defer srv.Close()
			dir := t.TempDir()
			term := &terminal{t: t, env: map[string]string{envServer: srv.URL, envToken: "token"}}
			old := filepath.Join(dir, "out.csv")
			if err := os.WriteFile(old, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, out := range []string{old, ""} {
				if code, _, errs := term.run("export", "-application", "a", "-form", "F", "-out", out); code != 1 || !strings.Contains(errs, "export of "+srv.URL) {
					t.Errorf("exit code %d: %s", code, errs)
				}
			}
			if b, err := os.ReadFile(old); err != nil || string(b) != "old" || len(entries(t, dir)) != 1 {
				t.Errorf("%q %v, files %v", b, err, entries(t, dir))
			}
		})
	}
}
