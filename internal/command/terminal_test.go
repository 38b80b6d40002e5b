package command

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/httpd"
	"sluice/rules"
	"sluice/rules/sandbox"
	"sluice/storage"
	"sluice/storage/badgerstore"
	"sluice/storage/driver"
	"sluice/storage/memstore"
)

var parts = Parts{
	OpenStore: func(dir string, warn func(string)) (*storage.Store, error) {
		return badgerstore.Open(dir, &badgerstore.Options{Events: badgerstore.Events{Warning: warn}})
	},
	NewRules: func() (rules.Runner, func(context.Context, []byte) (*rules.Manifest, rules.Hash, error), func() error, error) {
		r, err := sandbox.New(nil)
		if err != nil {
			return nil, nil, nil, err
		}
		return r, inspect, r.Close, nil
	},
}

func inspect(ctx context.Context, module []byte) (*rules.Manifest, rules.Hash, error) {
	info, err := sandbox.Inspect(ctx, module)
	if err != nil {
		return nil, rules.Hash{}, err
	}
	return info.Manifest, info.Hash, nil
}

// terminal runs commands against a server in memory.
type terminal struct {
	t     testing.TB
	env   map[string]string
	stdin string
	code  string // for the setup
	now   time.Time

	service *httpd.Service
	options httpd.Options // of the service
	full    atomic.Bool   // the disk takes nothing
}

// disk is one that may be full.
type disk struct {
	driver.Driver
	full *atomic.Bool
}

func (d *disk) Commit(ctx context.Context, snap uint64, reads [][]byte, writes []driver.Write) (uint64, error) {
	if d.full.Load() {
		return 0, driver.ErrFull
	}
	return d.Driver.Commit(ctx, snap, reads, writes)
}

const adminPassword = "correct horse battery"

// newTerminal has a server without an organization.
func newTerminal(t testing.TB) *terminal {
	t.Helper()
	term := &terminal{t: t, env: map[string]string{}, now: time.Now()}
	runner, _, closeRules, err := parts.NewRules()
	if err != nil {
		t.Fatal(err)
	}
	store, err := storage.New(&disk{memstore.NewDriver(), &term.full}, &storage.Options{Now: func() time.Time { return term.now }})
	if err != nil {
		t.Fatal(err)
	}
	term.options = httpd.Options{Store: store, Rules: runner, Inspect: inspect, Now: func() time.Time { return term.now }}
	s, err := httpd.New(term.options)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(func() { srv.Close(); _ = closeRules(); _ = store.Close() })
	term.service, term.env[envServer], term.code = s, srv.URL, s.SetupCode()
	return term
}

// newOffice has the organization acme, with its super admin signed in.
func newOffice(t testing.TB) *terminal {
	t.Helper()
	term := newTerminal(t)
	term.env[envPassword] = adminPassword
	term.must("setup", "-code", term.code, "-organization", "acme", "-email", "sue@acme.example", "-name", "Sue")
	term.env[envToken] = term.signIn("sue@acme.example")
	term.later()
	return term
}

// later moves the clock: ids made at the same moment are in no order.
func (term *terminal) later() { term.now = term.now.Add(time.Second) }

func (term *terminal) signIn(email string) string {
	return strings.TrimSpace(term.must("token", "-organization", "acme", "-email", email))
}

// run returns exit code and outputs.
func (term *terminal) run(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = Run(term.t.Context(), &Env{
		Parts: parts, Args: args, Stdin: strings.NewReader(term.stdin), Stdout: &out, Stderr: &errs,
		Getenv: func(name string) string { return term.env[name] },
	})
	return code, out.String(), errs.String()
}

func (term *terminal) must(args ...string) string {
	term.t.Helper()
	code, out, errs := term.run(args...)
	if code != 0 {
		term.t.Fatalf("sluice %s: exit code %d: %s", strings.Join(args, " "), code, errs)
	}
	return out
}

// fails runs a command that ends with that exit code and says something.
func (term *terminal) fails(code int, says string, args ...string) {
	term.t.Helper()
	got, out, errs := term.run(args...)
	if got != code || !strings.Contains(errs, says) {
		term.t.Errorf("sluice %s: exit code %d, want %d and %q:\n%s%s", strings.Join(args, " "), got, code, says, out, errs)
	}
	if strings.Contains(out, "\nFlags:\n") {
		term.t.Errorf("sluice %s: the help buries the error", strings.Join(args, " "))
	}
}

// file writes a file and returns its path.
func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
