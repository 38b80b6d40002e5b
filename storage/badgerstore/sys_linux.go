package badgerstore

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// datasync makes the content of f durable. The length of f has not changed.
func datasync(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// checkUnused reports ErrInUse when another process holds the directory's lock,
// so that nothing is looked at while somebody writes it. Badger then takes the
// lock itself.
func checkUnused(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("badgerstore: %w", err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("%w: %s", ErrInUse, dir)
	}
	return nil
}
