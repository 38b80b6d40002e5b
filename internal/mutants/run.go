package main

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// fate is what became of a mutant.
type fate uint8

const (
	survived fate = iota
	killed
	endless // it did not end in time: killed too
)

// suite is a built killer.
type suite struct {
	dir, binary string
	args        []string
	limit       time.Duration
}

// bench is what one target's mutants run on.
type bench struct {
	l      *loaded
	target target
	tmp    string
	suites []*suite
}

func (t target) test(o options) (*report, error) {
	began := time.Now()
	l, err := load(filepath.FromSlash(t.pkg))
	if err != nil {
		return nil, err
	}
	rep := &report{target: t, fates: map[*mutant]fate{}}
	if rep.listed, err = readSurvivors(l.dir); err != nil {
		return nil, err
	}
	all, invalid := l.mutants()
	rep.all, rep.invalid = all, invalid
	tmp, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	b := &bench{l: l, target: t, tmp: tmp}
	if err := b.prepare(all); err != nil {
		return nil, err
	}
	if err := b.runAll(chosen(all, o), o, rep); err != nil {
		return nil, err
	}
	rep.took = time.Since(began)
	return rep, nil
}

// chosen applies the options. The sample of a tree is always the same.
func chosen(all []*mutant, o options) []*mutant {
	var out []*mutant
	for _, m := range all {
		h := fnv.New32a()
		h.Write([]byte(m.name))
		if h.Sum32()%uint32(o.sample) == 0 && o.only.MatchString(m.name) {
			out = append(out, m)
		}
	}
	return out
}

// prepare builds every killer with all mutants in it and runs it with none.
func (b *bench) prepare(all []*mutant) error {
	var sleeping []*mutant
	for _, m := range all {
		if !mustBeAlone(m) {
			sleeping = append(sleeping, m)
		}
	}
	over, err := b.l.write(b.tmp, sleeping)
	if err != nil {
		return err
	}
	root := strings.TrimSuffix(b.l.dir, filepath.FromSlash(b.target.pkg))
	built := map[string]string{}
	for i, k := range b.target.killers {
		s := &suite{dir: filepath.Join(root, filepath.FromSlash(k.pkg)), args: k.args, limit: 5 * time.Minute}
		if s.binary = built[k.pkg]; s.binary == "" {
			if s.binary, err = over.build(s.dir, fmt.Sprint("killer", i)); err != nil {
				return err
			}
			built[k.pkg] = s.binary
		}
		began := time.Now()
		if got, out, err := s.run(0); err != nil || got != survived {
			return fmt.Errorf("the tests of %s fail without a mutant: %w\n%s", k.pkg, err, out)
		}
		s.limit = 10*time.Since(began) + 10*time.Second
		b.suites = append(b.suites, s)
	}
	return nil
}

// mustBeAlone reports whether the mutant cannot be picked at run time.
func mustBeAlone(m *mutant) bool {
	d, ok := m.decl.(*ast.GenDecl)
	return ok && (d.Tok == token.CONST || len(m.spec.Names) > 1 || m.spec.Names[0].Name == "_")
}

// run starts the tests with one mutant awake.
func (s *suite) run(id int) (fate, []byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.limit)
	defer cancel()
	// The shell bounds the memory of mutants that grow without end.
	args := append([]string{"-c", `ulimit -v 6000000 2>/dev/null; exec "$0" "$@"`, s.binary, "-test.failfast"}, s.args...)
	cmd := exec.CommandContext(ctx, "sh", args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", variable, id), "GOMAXPROCS=1")
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	switch {
	case err == nil:
		return survived, out, nil
	case ctx.Err() != nil:
		return endless, out, nil
	case errors.As(err, &failed):
		return killed, out, nil
	}
	return survived, out, err
}

// runAll lets o.workers take mutants until there are none left.
func (b *bench) runAll(ms []*mutant, o options, rep *report) error {
	next := make(chan *mutant)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for range o.workers {
		wg.Go(func() {
			for m := range next {
				got, err := b.fate(m, &mu)
				mu.Lock()
				rep.fates[m] = got
				if err != nil && failed == nil {
					failed = fmt.Errorf("%s: %w", m.name, err)
				}
				if o.verbose {
					fmt.Printf("%-9s %s\n", got, m.name)
				}
				mu.Unlock()
			}
		})
	}
	for _, m := range ms {
		next <- m
	}
	close(next)
	wg.Wait()
	return failed
}

// fate asks the killers in turn until one notices.
func (b *bench) fate(m *mutant, tree *sync.Mutex) (fate, error) {
	for i, s := range b.suites {
		if mustBeAlone(m) {
			var err error
			if s, err = b.rebuilt(m, i, tree); err != nil {
				return survived, err
			}
		}
		if got, _, err := s.run(m.id); got != survived || err != nil {
			return got, err
		}
	}
	return survived, nil
}

// rebuilt is a killer with one changed constant. Only one may change the syntax
// tree at a time.
func (b *bench) rebuilt(m *mutant, i int, tree *sync.Mutex) (*suite, error) {
	dir := filepath.Join(b.tmp, fmt.Sprint(m.id))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	tree.Lock()
	over, err := b.l.alone(dir, m)
	tree.Unlock()
	if err != nil {
		return nil, err
	}
	s := *b.suites[i]
	s.binary, err = over.build(s.dir, fmt.Sprint("killer", i))
	return &s, err
}

func (f fate) String() string { return [...]string{"SURVIVED", "killed", "endless"}[f] }
