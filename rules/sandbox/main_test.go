package sandbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain lets the test binary be the child process, and children that misbehave.
func TestMain(m *testing.M) {
	if code, child := Child(os.Args[1:]); child {
		os.Exit(code)
	}
	if len(os.Args) == 2 && badChildren[os.Args[1]] != nil {
		if err := limitSelf(); err != nil {
			os.Exit(childBroken)
		}
		badChildren[os.Args[1]]()
	}
	os.Exit(m.Run())
}

var sink [][]byte

// badChildren are what a child could do when a module got the better of it.
var badChildren = map[string]func(){
	"child-hangs": func() {
		r, w, err := os.Pipe()
		if err == nil {
			_, _ = r.Read(make([]byte, 1)) // nobody writes
		}
		_ = w.Close()
		os.Exit(childOK)
	},
	"child-eats-memory": func() {
		for range 64 {
			sink = append(sink, make([]byte, 64<<20))
		}
		leave(scratchCode("00")) // four times what it may have: not reached
	},
	"child-crashes":        func() { panic("made to crash") },
	"child-exits-early":    func() { os.Exit(childOK) },
	"child-fails":          func() { os.Exit(1) },
	"child-is-broken":      func() { os.Exit(childBroken) },
	"child-says-invalid":   func() { os.Exit(childInvalid) },
	"child-is-killed":      func() { kill() },
	"child-writes-garbage": func() { leave(scratchCode(strings.Repeat("garbage ", 100))) },
	"child-writes-nothing": func() { leave(scratchCode("")) },
	"child-writes-two":     func() { leave(scratchCode("1"), os.WriteFile("more", nil, 0o600)) },
	"child-writes-openly": func() {
		file := filepath.Join(scratchLayout, scratchName)
		leave(scratchCode("1"), os.Chmod(file, 0o666))
	},
	"child-links": func() {
		leave(os.Mkdir(scratchLayout, 0o700), os.Symlink("/etc/passwd", filepath.Join(scratchLayout, scratchName)))
	},
	"child-writes-endlessly": func() {
		err := os.Mkdir(scratchLayout, 0o700)
		f, ferr := os.Create(filepath.Join(scratchLayout, scratchName))
		for b := make([]byte, 1<<20); ferr == nil; {
			_, ferr = f.Write(b)
		}
		leave(err, ferr)
	},
	"child-shows-limits": func() { leave(os.WriteFile("limits", []byte(showLimits()), 0o600)) },
}

// What a well-behaved child would leave, by its names.
var (
	scratchLayout = "wazero-of-another-time"
	scratchName   = strings.Repeat("0f", 32)
)

func scratchCode(content string) error {
	if err := os.Mkdir(scratchLayout, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(scratchLayout, scratchName), []byte(content), 0o600)
}

func leave(errs ...error) {
	for _, err := range errs {
		if err != nil {
			os.Exit(1)
		}
	}
	os.Exit(childOK)
}
