package command

import (
	"strings"
	"testing"
)

// TestServeKeepsAnswers: how much memory answers of rules may take is said in MiB,
// and none is not the same as nothing said.
func TestServeKeepsAnswers(t *testing.T) {
	term := newTerminal(t)
	env := &Env{Stdout: &strings.Builder{}, Stderr: &strings.Builder{}, Getenv: func(name string) string { return term.env[name] }}
	for arg, want := range map[string]int64{"": 64 << 20, "0": -1, "1": 1 << 20, "512": 512 << 20, "1048576": 1 << 40} {
		args := []string{"-registered-only", "-origin", "https://app.example"}
		if arg != "" {
			args = append(args, "-kept-answers", arg)
		}
		f, err := serveCommand.serveFlags(env, args)
		if err != nil {
			t.Fatal(arg, err)
		}
		if f.options.Decided != want || !f.options.RegisteredOnly || len(f.options.Origins) != 1 {
			t.Errorf("-kept-answers %q: %+v", arg, f.options)
		}
	}
	for _, arg := range []string{"-1", "1048577", "9999999999999", "64MiB"} {
		term.fails(2, "-kept-answers", "serve", "-kept-answers", arg)
	}
}
