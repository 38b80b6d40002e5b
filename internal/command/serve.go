package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"

	"sluice/internal/httpd"
	"sluice/rules"
)

var serveCommand = &command{
	name: "serve", summary: "serve a data directory",
	usage: "[-data DIR] [-addr HOST:PORT] [-metrics HOST:PORT] [-registered-only] [-approve-exposure] [-kept-answers MIB] [-origin URL]...",
	help: `
Serves the data directory until it is interrupted. A directory without an
organization is set up once: the server prints a code, and whoever has it makes
the first organization and its super admin, by "sluice setup".

With -approve-exposure, or SLUICE_APPROVE_EXPOSURE=true, a change of an
application that lets somebody newly read a field marked as personal data or health
information is refused until another admin has approved of its access difference;
see "sluice compare --help".

-metrics takes a loopback address and serves there, at /metrics, what Prometheus
scrapes: counts of the server and of each custom rule, of all organizations. Whoever
may connect to it on this machine may read it.

What custom rules answered is kept in memory, in up to 64 MiB, so that a list asks
a rule about a record once; what was used longest ago makes room. With more
memory more lists stay as fast as lists without a rule, with -kept-answers 0
every list asks again. No answer depends on it.

Examples:
  sluice serve -data /var/lib/sluice
  sluice serve -metrics 127.0.0.1:9464
  sluice serve -data /var/lib/sluice -addr 0.0.0.0:8080
  sluice serve -approve-exposure
  sluice serve -kept-answers 512
  sluice serve -origin https://app.example -origin https://admin.example`,
	run: runServe,
}

func runServe(ctx context.Context, env *Env, c *command, args []string) error {
	f, err := c.serveFlags(env, args)
	if err != nil {
		return err
	}
	s, err := open(ctx, env, filepath.Join(f.data, "db"), f.options)
	if err != nil {
		return err
	}
	defer s.close()
	l, err := net.Listen("tcp", f.addr)
	if err != nil {
		return err
	}
	url := "http://" + l.Addr().String()
	fmt.Fprintf(env.Stdout, "Sluice serves %s on %s\n", f.data, url)
	if code := s.SetupCode(); code != "" {
		fmt.Fprintf(env.Stdout, "There is no organization yet; `sluice setup` makes the first one, with the code %s\n", code)
	}
	watched, err := s.serveMetrics(ctx, env, f.metrics)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	return errors.Join(httpd.Serve(ctx, l, s), watched(), s.close())
}

// serveMetrics serves metrics on an address beside the service, none for an empty
// one; what it returns ends that.
func (s *served) serveMetrics(ctx context.Context, env *Env, addr string) (end func() error, err error) {
	if addr == "" {
		return func() error { return nil }, nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("-metrics: %w", err)
	}
	fmt.Fprintf(env.Stdout, "Metrics are on http://%s%s\n", l.Addr(), httpd.MetricsPath)
	ctx, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- httpd.ServeMetrics(ctx, l, s.Metrics()) }()
	return func() error {
		stop()
		return <-done
	}, nil
}

// serving is what the arguments of serve ask for.
type serving struct {
	data, addr, metrics string
	options             httpd.Options
}

func (c *command) serveFlags(env *Env, args []string) (*serving, error) {
	fs := c.flags(env)
	out := &serving{}
	o := &out.options
	fs.StringVar(&out.data, "data", "data", "data `DIR`ectory, made if it does not exist")
	fs.StringVar(&out.addr, "addr", "127.0.0.1:8080", "`HOST:PORT` to listen on; port 0 takes a free one")
	fs.StringVar(&out.metrics, "metrics", "", "loopback `HOST:PORT` to serve metrics on (default none)")
	fs.BoolVar(&o.RegisteredOnly, "registered-only", false, "run registered documents only, except for admins and developers")
	fs.BoolVar(&o.ApproveExposure, "approve-exposure", false, "ask for another admin's approval where personal data is newly exposed (default $"+envApprove+")")
	kept := fs.Int("kept-answers", usualKept, "`MIB` of memory for what custom rules answered; 0 keeps nothing")
	fs.Var((*texts)(&o.Origins), "origin", "`URL` of a site whose pages may call the server, such as https://app.example; may be repeated")
	if err := c.parse(fs, args, 0); err != nil {
		return nil, err
	}
	if out.metrics != "" && !httpd.IsLoopback(out.metrics) {
		return nil, badUsage("-metrics: expected a loopback address such as 127.0.0.1:9464, got %q", out.metrics)
	}
	if *kept < 0 || *kept > mostKept {
		return nil, badUsage("serve: -kept-answers: expected 0 to %d", mostKept)
	}
	if o.Decided = int64(*kept) << 20; *kept == 0 {
		o.Decided = -1
	}
	return out, approveFrom(env, fs, &o.ApproveExposure)
}

// usualKept is how many MiB of answers of rules are held where nothing is said, and
// mostKept more than any machine has for them.
const (
	usualKept = 64
	mostKept  = 1 << 20
)

const envApprove = "SLUICE_APPROVE_EXPOSURE"

// approveFrom takes the switch from the environment where the flag is not given.
func approveFrom(env *Env, fs *flag.FlagSet, approve *bool) error {
	given := false
	fs.Visit(func(f *flag.Flag) { given = given || f.Name == "approve-exposure" })
	text := env.Getenv(envApprove)
	if given || text == "" {
		return nil
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		return badUsage("%s: expected true or false", envApprove)
	}
	*approve = on
	return nil
}

// served is a service with the parts that it owns.
type served struct {
	*httpd.Service
	closers []func() error
}

// close ends everything, in the reverse order of its beginning; the second call
// does nothing.
func (s *served) close() error {
	var errs []error
	for len(s.closers) > 0 {
		last := len(s.closers) - 1
		errs = append(errs, s.closers[last]())
		s.closers = s.closers[:last]
	}
	return errors.Join(errs...)
}

// openRules opens what runs rule modules; dir is for their compiled code.
func openRules(ctx context.Context, env *Env, dir string, log *slog.Logger) (rules.Runner, func(context.Context, []byte) (*rules.Manifest, rules.Hash, error), func() error, error) {
	if env.Parts.ServeRules == nil {
		return env.Parts.NewRules()
	}
	return env.Parts.ServeRules(ctx, dir, func(text string) { log.Warn("rules", "warning", text) })
}

// open puts a service together over a data directory; o holds what its parts do
// not say.
func open(ctx context.Context, env *Env, dir string, o httpd.Options) (*served, error) {
	log := slog.New(slog.NewTextHandler(env.Stderr, nil))
	store, err := env.Parts.OpenStore(dir, func(text string) { log.Warn("storage", "warning", text) })
	if err != nil {
		return nil, err
	}
	s := &served{closers: []func() error{store.Close}}
	runner, inspect, closeRules, err := openRules(ctx, env, filepath.Join(filepath.Dir(dir), "compiled"), log)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.closers = append(s.closers, closeRules)
	o.Store, o.Rules, o.Inspect, o.Log = store, runner, inspect, log
	s.Service, err = httpd.New(o)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}
