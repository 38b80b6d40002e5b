package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"sluice/rules"
	"sluice/storage"
)

// Parts are the constructors of what only main may know: the storage driver and
// the sandbox.
type Parts struct {
	// OpenStore opens a data directory, made if it does not exist. warn is told
	// what an operator should know.
	OpenStore func(dir string, warn func(string)) (*storage.Store, error)
	// NewRules returns what runs rule modules, how uploads are checked, and how
	// to close both.
	NewRules func() (rules.Runner, func(context.Context, []byte) (*rules.Manifest, rules.Hash, error), func() error, error)
}

// Env is where a command runs.
type Env struct {
	Parts  Parts
	Args   []string // without the program's name
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) string
}

// command is one word that the binary understands.
type command struct {
	name    string
	summary string
	usage   string // after the name
	help    string // what it does, then examples
	run     func(ctx context.Context, env *Env, c *command, args []string) error
}

// usageError is a mistake in the command line: exit code 2.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func badUsage(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// Run runs one command and returns the exit code: 0 for success, 1 for a
// failure, 2 for a mistake in the command line.
func Run(ctx context.Context, env *Env) int {
	err := dispatch(ctx, env)
	switch e, usage := errors.AsType[*usageError](err); {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case usage:
		fmt.Fprintf(env.Stderr, "sluice: %s\n", e.msg)
		return 2
	}
	fmt.Fprintf(env.Stderr, "sluice: %v\n", err)
	return 1
}

func dispatch(ctx context.Context, env *Env) error {
	args := env.Args
	if len(args) == 0 || args[0] == "help" && len(args) == 1 || args[0] == "-h" || args[0] == "--help" || args[0] == "-help" {
		overview(env.Stdout)
		return nil
	}
	if args[0] == "help" {
		args = append(args[1:], "--help")
	}
	c, rest := find(args)
	if c == nil {
		return badUsage("unknown command %q; `sluice help` lists them", args[0])
	}
	return c.run(ctx, env, c, rest)
}

// find takes the longest command name that args begin with.
func find(args []string) (*command, []string) {
	for _, c := range commands() {
		words := strings.Fields(c.name)
		if len(args) >= len(words) && strings.Join(args[:len(words)], " ") == c.name {
			return c, args[len(words):]
		}
	}
	return nil, nil
}

func overview(w io.Writer) {
	fmt.Fprint(w, "Sluice serves application data that many people share and not everyone may see.\n\nUsage: sluice COMMAND [flags]\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, c := range commands() {
		fmt.Fprintf(t, "  %s\t%s\n", c.name, c.summary)
	}
	_ = t.Flush()
	fmt.Fprint(w, "\n`sluice COMMAND --help` shows flags and examples. Start with `sluice demo`.\n")
}

// flags returns the command's flag set: faults are usage errors, help goes to
// standard output.
func (c *command) flags(env *Env) *flag.FlagSet {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {
		fmt.Fprintf(env.Stdout, "Usage: sluice %s %s\n\n%s\n", c.name, c.usage, strings.TrimSpace(c.help))
		fmt.Fprint(env.Stdout, "\nFlags:\n")
		fs.SetOutput(env.Stdout)
		fs.PrintDefaults()
		fs.SetOutput(io.Discard)
	}
	return fs
}

// parse reads the flags; operands says how many words must be left.
func (c *command) parse(fs *flag.FlagSet, args []string, operands int) error {
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return badUsage("%s: %v; `sluice %s --help` shows the flags", c.name, err, c.name)
	}
	if fs.NArg() != operands {
		return badUsage("%s: expected %d arguments after the flags, got %d; usage: sluice %s %s", c.name, operands, fs.NArg(), c.name, c.usage)
	}
	return nil
}
