package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// report is what a run found.
type report struct {
	target  target
	all     []*mutant
	invalid int
	fates   map[*mutant]fate
	listed  map[string]string // name → why no test can tell it from the original
	took    time.Duration
}

// print writes the figures and whatever is wrong, which is the error too.
func (r *report) print(w io.Writer, o options) error {
	count := map[fate]int{}
	var unlisted, stale []string
	known := map[string]bool{}
	for _, m := range r.all {
		known[m.name] = true
		f, ran := r.fates[m]
		if !ran {
			continue
		}
		count[f]++
		switch _, listed := r.listed[m.name]; {
		case f == survived && !listed:
			unlisted = append(unlisted, m.name)
		case f != survived && listed:
			stale = append(stale, m.name+" (killed)")
		}
	}
	for name := range r.listed {
		if !known[name] {
			stale = append(stale, name+" (there is no such mutant)")
		}
	}
	ran, dead := len(r.fates), count[killed]+count[endless]
	rate := 100 * float64(dead) / float64(max(ran, 1))
	fmt.Fprintf(w, "%s: %d of %d mutants run, %d killed (%.1f %%), %d of them by time; %d survive, %d of them unlisted; %d more did not compile; %.0f s\n",
		r.target.pkg, ran, len(r.all), dead, rate, count[endless], count[survived], len(unlisted), r.invalid, r.took.Seconds())
	for _, name := range unlisted {
		fmt.Fprintln(w, "  survived:", name)
	}
	for _, name := range stale {
		fmt.Fprintln(w, "  listed in vain:", name)
	}
	switch {
	case ran == 0:
		return errors.New("no mutant was run")
	case rate < wanted && o.only.String() == "":
		return fmt.Errorf("less than %d %% were killed", wanted)
	case len(unlisted) > 0:
		return fmt.Errorf("%d mutants survive that %s does not name", len(unlisted), survivorsFile)
	case len(stale) > 0:
		return fmt.Errorf("%s names %d mutants in vain", survivorsFile, len(stale))
	}
	return nil
}

const survivorsFile = "testdata/survivors.txt"

// readSurvivors reads the mutants that no test can kill: a name in a line of its
// own, the reason indented below it. Lines that begin with # are comments.
func readSurvivors(dir string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(survivorsFile)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return parseSurvivors(string(text))
}

func parseSurvivors(text string) (map[string]string, error) {
	out := map[string]string{}
	var names []string // that share the reason to come
	reasoned := true
	for n, line := range strings.Split(text, "\n") {
		reason := strings.TrimSpace(line)
		switch {
		case reason == "" || strings.HasPrefix(line, "#"):
		case line != strings.TrimLeft(line, " \t"):
			if len(names) == 0 {
				return nil, fmt.Errorf("%s:%d: a reason without a mutant", survivorsFile, n+1)
			}
			for _, name := range names {
				out[name] += reason + " "
			}
			reasoned = true
		default:
			if _, twice := out[line]; twice {
				return nil, fmt.Errorf("%s:%d: named twice", survivorsFile, n+1)
			}
			if reasoned {
				names = nil
			}
			names, reasoned = append(names, line), false
			out[line] = ""
		}
	}
	if !reasoned {
		return nil, fmt.Errorf("%s: %s has no reason", survivorsFile, names[0])
	}
	return out, nil
}
