package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

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
	// to close both. Modules are compiled in this process.
	NewRules func() (rules.Runner, func(context.Context, []byte) (*rules.Manifest, rules.Hash, error), func() error, error)
	// ServeRules is the same for a server: modules are compiled in child processes
	// with limits, and their code is kept in dir. With nil, servers use NewRules.
	ServeRules func(ctx context.Context, dir string, warn func(string)) (rules.Runner, func(context.Context, []byte) (*rules.Manifest, rules.Hash, error), func() error, error)
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
	guarded := *env
	guarded.Stdout, guarded.Stderr = guard{env.Stdout}, guard{env.Stderr}
	env = &guarded
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
		if len(args) == 2 && slices.Contains([]string{"-h", "-help", "--help"}, args[1]) && group(env.Stdout, args[0]) {
			return nil
		}
		return unknown(args)
	}
	return c.run(ctx, env, c, rest)
}

// find takes the longest command name that args begin with.
func find(args []string) (found *command, rest []string) {
	longest := 0
	for _, c := range commands() {
		words := strings.Fields(c.name)
		if n := len(words); n > longest && len(args) >= n && slices.Equal(args[:n], words) {
			found, rest, longest = c, args[n:], n
		}
	}
	return found, rest
}

// unknown says what was not understood, and which commands begin with the first word.
func unknown(args []string) error {
	word := args[0]
	var names []string
	for _, c := range commands() {
		if strings.HasPrefix(c.name, word+" ") {
			names = append(names, c.name)
		}
	}
	if len(names) > 0 && len(args) > 1 && !strings.HasPrefix(args[1], "-") {
		return badUsage("unknown command %q; there are %s", word+" "+args[1], strings.Join(names, ", "))
	}
	if len(names) > 0 {
		return badUsage("%s is no command by itself; there are %s", word, strings.Join(names, ", "))
	}
	return badUsage("unknown command %q; `sluice help` lists them", word)
}

// group lists the commands that begin with a word, and reports whether there are any.
func group(w io.Writer, word string) bool {
	var list []*command
	width := 0
	for _, c := range commands() {
		if strings.HasPrefix(c.name, word+" ") {
			list, width = append(list, c), max(width, len(c.name))
		}
	}
	for _, c := range list {
		fmt.Fprintf(w, "  %-*s   %s\n", width, c.name, c.summary)
	}
	return len(list) > 0
}

func overview(w io.Writer) {
	fmt.Fprint(w, "Sluice serves application data that many people share and not everyone may see.\n\nUsage: sluice COMMAND [flags]\n\n")
	width := 0
	for _, c := range commands() {
		width = max(width, len(c.name))
	}
	for _, t := range topics() {
		fmt.Fprintf(w, "%s\n", t.title)
		for _, c := range t.commands {
			fmt.Fprintf(w, "  %-*s   %s\n", width, c.name, c.summary)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, "`sluice COMMAND --help` shows flags and examples. Start with `sluice demo`.\n")
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

// parse reads the flags, which may stand before and behind the other words;
// operands says how many of those there must be, and required names flags that
// must not be empty.
func (c *command) parse(fs *flag.FlagSet, args []string, operands int, required ...string) error {
	c.addShort(fs)
	help := fs.Usage
	fs.Usage = func() {} // only who asks for it is shown all of it
	var words []string
	for rest := args; ; rest = fs.Args()[1:] {
		if err := fs.Parse(rest); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				help()
				return err
			}
			return badUsage("%s: %s; `sluice %s --help` shows the flags", c.name, misread(fs, err), c.name)
		}
		if fs.NArg() == 0 {
			break
		}
		words = append(words, fs.Arg(0))
	}
	switch {
	case len(words) > operands:
		return badUsage("%s: %q is one word too many; usage: sluice %s %s", c.name, words[operands], c.name, c.usage)
	case len(words) < operands:
		return badUsage("%s: a word is missing at the end; usage: sluice %s %s", c.name, c.name, c.usage)
	}
	if err := c.required(fs, required...); err != nil {
		return err
	}
	return fs.Parse(append([]string{"--"}, words...))
}

// shortFlags are other names of flags, the same for all commands.
var shortFlags = map[string]string{"application": "app", "o": "out", "user": "email", "email": "user"}

// addShort gives the flags their other names.
func (c *command) addShort(fs *flag.FlagSet) {
	for name, short := range shortFlags {
		f := fs.Lookup(name)
		if f == nil || fs.Lookup(short) != nil {
			continue
		}
		value, _ := flag.UnquoteUsage(f)
		fs.Var(f.Value, short, "`"+value+"`: the same as -"+name)
	}
}

// required returns a usage error for the first of the flags that is empty.
func (c *command) required(fs *flag.FlagSet, names ...string) error {
	for _, name := range names {
		if fs.Lookup(name).Value.String() == "" {
			return badUsage("%s: -%s is required; `sluice %s --help` shows the flags", c.name, name, c.name)
		}
	}
	return nil
}
