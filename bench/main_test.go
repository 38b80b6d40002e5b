package bench

import (
	"os"
	"testing"
)

var dirs []string

func tempDir() (string, error) {
	dir, err := os.MkdirTemp("", "sluice-bench")
	dirs = append(dirs, dir)
	return dir, err
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, dir := range dirs {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}
