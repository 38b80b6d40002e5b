package sandbox

import (
	"errors"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
)

// executable names this binary even after another was installed in its place.
func executable() (string, error) {
	const self = "/proc/self/exe"
	if _, err := os.Stat(self); err == nil {
		return self, nil
	}
	return os.Executable()
}

// limitSelf takes from this process what compiling does not need. The limits are
// hard ones: the process cannot raise them again, unless it is root's.
func limitSelf() error {
	size, err := addressSpace()
	if err != nil {
		return err
	}
	debug.SetMemoryLimit(childMemory / 4 * 3)
	for resource, limit := range map[int]uint64{
		// The runtime reserves far more addresses than it uses, so the limit is
		// counted from what it has now.
		syscall.RLIMIT_AS:     size + childMemory,
		syscall.RLIMIT_DATA:   size + childMemory,
		syscall.RLIMIT_CPU:    childCPU,
		syscall.RLIMIT_FSIZE:  maxCode,
		syscall.RLIMIT_NOFILE: childFiles,
		syscall.RLIMIT_CORE:   0,
	} {
		if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			return err
		}
	}
	// Compiling gives way to requests.
	return syscall.Setpriority(syscall.PRIO_PROCESS, 0, 5)
}

// addressSpace returns the size of this process in bytes.
func addressSpace() (uint64, error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b))
	if len(fields) == 0 {
		return 0, errors.New("statm: empty")
	}
	pages, err := strconv.ParseUint(fields[0], 10, 64)
	return pages * uint64(os.Getpagesize()), err
}
