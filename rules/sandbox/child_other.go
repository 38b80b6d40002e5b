//go:build !linux

package sandbox

import (
	"os"
	"runtime/debug"
)

func executable() (string, error) { return os.Executable() }

// limitSelf sets what there is a portable way to set, which is a soft limit.
// What bounds the child here is its parent's clock and the static check.
func limitSelf() error {
	debug.SetMemoryLimit(childMemory / 4 * 3)
	return nil
}
