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
)

var serveCommand = &command{
	name: "serve", summary: "serve a data directory",
	usage: "[-data DIR] [-addr HOST:PORT] [-registered-only] [-approve-exposure] [-origin URL]...",
	help: `
Serves the data directory until it is interrupted. A directory without an
organization is set up once: the server prints a code, and whoever has it makes
the first organization and its super admin, by "sluice setup".

With -approve-exposure, or SLUICE_APPROVE_EXPOSURE=true, a change of an
application that lets somebody newly read a field marked as personal data or health
information is refused until another admin has approved of its access difference;
see "sluice compare --help".

Examples:
  sluice serve -data /var/lib/sluice
  sluice serve -data /var/lib/sluice -addr 0.0.0.0:8080
  sluice serve -approve-exposure
  sluice serve -origin https://app.example -origin https://admin.example`,
	run: runServe,
}

func runServe(ctx context.Context, env *Env, c *command, args []string) error {
	fs := c.flags(env)
	data := fs.String("data", "data", "data `DIR`ectory, made if it does not exist")
	addr := fs.String("addr", "127.0.0.1:8080", "`HOST:PORT` to listen on; port 0 takes a free one")
	only := fs.Bool("registered-only", false, "run registered documents only, except for admins and developers")
	approve := fs.Bool("approve-exposure", false, "ask for another admin's approval where personal data is newly exposed (default $"+envApprove+")")
	var origins texts
	fs.Var(&origins, "origin", "`URL` of a site whose pages may call the server, such as https://app.example; may be repeated")
	if err := c.parse(fs, args, 0); err != nil {
		return err
	}
	if err := approveFrom(env, fs, approve); err != nil {
		return err
	}
	s, err := open(env, filepath.Join(*data, "db"), httpd.Options{RegisteredOnly: *only, ApproveExposure: *approve, Origins: origins})
	if err != nil {
		return err
	}
	defer s.close()
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	url := "http://" + l.Addr().String()
	fmt.Fprintf(env.Stdout, "Sluice serves %s on %s\n", *data, url)
	if code := s.SetupCode(); code != "" {
		fmt.Fprintf(env.Stdout, "There is no organization yet; `sluice setup` makes the first one, with the code %s\n", code)
	}
	return errors.Join(httpd.Serve(ctx, l, s), s.close())
}

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

// open puts a service together over a data directory; o holds what its parts do
// not say.
func open(env *Env, dir string, o httpd.Options) (*served, error) {
	log := slog.New(slog.NewTextHandler(env.Stderr, nil))
	store, err := env.Parts.OpenStore(dir, func(text string) { log.Warn("storage", "warning", text) })
	if err != nil {
		return nil, err
	}
	s := &served{closers: []func() error{store.Close}}
	runner, inspect, closeRules, err := env.Parts.NewRules()
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
