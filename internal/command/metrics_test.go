package command

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sluice/internal/demo"
)

// serving runs sluice serve until the test ends, and returns what it printed: its
// address and that of its metrics.
func (term *terminal) serving(args ...string) (server, metrics string) {
	term.t.Helper()
	dir := filepath.Join(term.t.TempDir(), "data") // removed after serve has ended
	ctx, stop := context.WithCancel(term.t.Context())
	printed, to := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- Run(ctx, &Env{
			Parts: parts, Args: append([]string{"serve", "-data", dir, "-addr", "127.0.0.1:0"}, args...),
			Stdout: to, Stderr: io.Discard, Getenv: func(string) string { return "" },
		})
		_ = to.Close()
	}()
	term.t.Cleanup(func() {
		if stop(); <-done != 0 {
			term.t.Error("serve did not end well")
		}
	})
	lines := bufio.NewScanner(printed)
	for found := regexp.MustCompile(`(serves|Metrics|the code) .*?(\S+)$`); lines.Scan(); {
		m := found.FindStringSubmatch(lines.Text())
		switch {
		case m == nil:
		case m[1] == "serves":
			server = m[2]
		case m[1] == "the code":
			term.code = m[2]
		default:
			go func() { _, _ = io.Copy(io.Discard, printed) }()
			return server, m[2]
		}
	}
	term.t.Fatal("serve ended before it served metrics")
	return "", ""
}

// fetch returns status and text of an address, asked for under a host.
func (term *terminal) fetch(url, host string) (int, string) {
	term.t.Helper()
	req, err := http.NewRequestWithContext(term.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		term.t.Fatal(err)
	}
	req.Host = host
	req.Header.Set("Authorization", "Bearer "+term.env[envToken])
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		term.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		term.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// TestServeMetrics: the counts of a rule are on the listener for metrics and on no
// other, for no token, and for no page that came to it under another name.
func TestServeMetrics(t *testing.T) {
	term := newTerminal(t)
	server, metrics := term.serving("-metrics", "127.0.0.1:0")
	term.env[envServer], term.env[envPassword] = server, adminPassword
	term.must("setup", "-code", term.code, "-organization", "acme", "-email", "sue@acme.example", "-name", "Sue")
	term.env[envToken] = term.signIn("sue@acme.example")
	term.must("apply", "-f", file(t, "sales.yaml", string(demo.Definition)))
	term.stdin = adminPassword
	term.must("user", "add", "-email", "bob@acme.example", "-name", "Bob", "-password-stdin")
	term.must("user", "assign", "-application", "sales", "-email", "bob@acme.example", "-role", "inside-sales", "-set", "sales")
	term.must("import", "-application", "sales", "-form", "Customer", "-f", file(t, "c.csv", "name,region,accountManager\nAcme,EMEA,bob@acme.example\n"))
	term.asks(term.signIn("bob@acme.example"), "{customers{nodes{phone}}}")
	status, text := term.fetch(metrics, "")
	faults := regexp.MustCompile(`(?m)^sluice_rule_faults_total\{organization="[0-9a-f]{16}",application="sales",rule="phone-outside-region",kind="missing"\} [1-9]`)
	if status != http.StatusOK || !faults.MatchString(text) || !strings.Contains(text, "\nsluice_storage_readable 1\n") ||
		!regexp.MustCompile(`(?m)^sluice_http_request_seconds_count\{route="/apps/\{application\}/graphql",status="2xx"\} 1$`).MatchString(text) {
		t.Errorf("%d\n%s", status, text)
	}
	for _, secret := range []string{"acme", "Acme", "bob", "sue", "Bob"} {
		if strings.Contains(text, secret) {
			t.Errorf("metrics tell of %q", secret)
		}
	}
	if status, text := term.fetch(metrics, "rebound.example:9464"); status != http.StatusForbidden || strings.Contains(text, "sluice_") {
		t.Errorf("another host: %d %s", status, text)
	}
	for _, path := range []string{"/metrics", "/apps/sales/metrics", "/metrics/"} {
		if status, text := term.fetch(server+path, ""); status != http.StatusNotFound || strings.Contains(text, "sluice_rule") {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	if status, _ := term.fetch(strings.TrimSuffix(metrics, "/metrics")+"/graphql", ""); status != http.StatusNotFound {
		t.Errorf("the listener for metrics serves more: %d", status)
	}
	for _, addr := range []string{"0.0.0.0:0", ":9464", "acme.example:80", "127.0.0.1"} {
		term.fails(2, "-metrics: expected a loopback address", "serve", "-data", t.TempDir(), "-metrics", addr)
	}
	term.fails(1, "-metrics: ", "serve", "-data", t.TempDir(), "-addr", "127.0.0.1:0", "-metrics", strings.TrimSuffix(strings.TrimPrefix(metrics, "http://"), "/metrics"))
}
