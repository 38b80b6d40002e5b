// Command mutants changes the packages that decide about access, one small
// fault at a time, and asks whether their tests notice.
//
// Every fault ("mutant") is a copy of one function with one edit: a comparison
// that is turned, an operand that is always true, a statement, case or element
// left out, another constant, a result that is zero. All mutants of a package
// are compiled into one test binary, and an environment variable picks the one
// that runs, so that a mutant costs a run of the tests and no build. A mutant
// is killed when the tests fail or do not end; one that does not compile does
// not count.
//
// The run fails when less than 95 % are killed, and when a mutant survives that
// the package's testdata/survivors.txt does not name with a reason.
//
//	go run ./internal/mutants                       # all targets
//	go run ./internal/mutants -sample 10            # one mutant in ten
//	go run ./internal/mutants -only 'decide.go' engine/policy
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
)

// wanted is the least share of killed mutants, in percent.
const wanted = 95

// target is a package to change and the tests that must notice.
type target struct {
	pkg     string // folder below the module
	killers []killer
}

// killer is one package's tests: all of them, or those that args choose.
type killer struct {
	pkg  string
	args []string
}

// own are a package's own tests, three times at most: with repeatable random
// cases, other ones each time, that are quick to give up.
func own(pkg string) target {
	t := target{pkg: pkg}
	for seed := 1; seed <= 3; seed++ {
		t.killers = append(t.killers, killer{pkg, []string{fmt.Sprint("-rapid.seed=", seed), "-rapid.nofailfile", "-rapid.shrinktime=1ms"}})
	}
	return t
}

var targets = []target{own("internal/filter"), own("engine/policy")}

type options struct {
	workers, sample int
	only            *regexp.Regexp
	verbose         bool
}

func main() {
	workers := flag.Int("j", max(1, runtime.NumCPU()), "how many mutants run at a time")
	sample := flag.Int("sample", 1, "run one mutant in so many")
	only := flag.String("only", "", "run the mutants whose name matches the expression")
	verbose := flag.Bool("v", false, "print every mutant and what became of it")
	flag.Parse()
	match, err := regexp.Compile(*only)
	if err == nil {
		err = run(flag.Args(), options{workers: *workers, sample: max(1, *sample), only: match, verbose: *verbose})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(packages []string, o options) error {
	for _, name := range packages {
		if !slices.ContainsFunc(targets, func(t target) bool { return t.pkg == name }) {
			return fmt.Errorf("%s is no target", name)
		}
	}
	var failed error
	for _, t := range targets {
		if len(packages) > 0 && !slices.Contains(packages, t.pkg) {
			continue
		}
		rep, err := t.test(o)
		if err != nil {
			return fmt.Errorf("%s: %w", t.pkg, err)
		}
		if err := rep.print(os.Stdout, o); err != nil && failed == nil {
			failed = fmt.Errorf("%s: %w", t.pkg, err)
		}
	}
	return failed
}
