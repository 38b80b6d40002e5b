package console

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestBrowser drives the page in a real browser against a stand-in server, once
// as a demo and once with the sign-in form.
func TestBrowser(t *testing.T) {
	if os.Getenv("SLUICE_E2E") == "" {
		t.Skip("NOT RUN: the browser test needs chromium, node and console/node_modules; .ci/run sets SLUICE_E2E=1")
	}
	backend := fakeBackend(t)
	personas := func() []Persona {
		return []Persona{
			{Name: "Asha Rao", Kind: "Live user", Role: "Sales Rep", PermissionSet: "Standard", Application: "sales", Token: "token-rep"},
			{Name: "Ben Ito", Kind: "Live user", Role: "Finance Clerk", PermissionSet: "Finance", Application: "sales", Token: "token-clerk"},
			{Name: "Mara Lind", Kind: "Live user", Role: "Sales Manager", PermissionSet: "Standard", Application: "sales",
				Description: "Sees the records of the whole team.", Token: "token-manager"},
			{Name: "Dev Lal", Kind: "Developer", Application: "sales", Description: "Changes the definition.", Token: "token-developer"},
		}
	}
	t.Run("demo", func(t *testing.T) { drive(t, backend, Options{Personas: personas}) })
	t.Run("sign in", func(t *testing.T) {
		drive(t, backend, Options{}, "--organization", "Zylker", "--email", "ola@zylker.example", "--password", "correct horse")
	})
}

func fakeBackend(t *testing.T) http.Handler {
	t.Helper()
	cmd := exec.Command("node", "e2e/fake.mjs")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the stand-in server did not start: %v", err)
	}
	return httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "127.0.0.1:" + strings.TrimSpace(port)})
}

func drive(t *testing.T, backend http.Handler, o Options, args ...string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(Path, Handler(o))
	mux.Handle("/", backend)
	server := httptest.NewServer(mux)
	defer server.Close()
	cmd := exec.Command("node", append([]string{"e2e/run.mjs", "--url", server.URL + Path}, args...)...)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}
