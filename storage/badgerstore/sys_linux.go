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

// lockDir takes the lock that Badger takes, so that nothing is looked at while
// another process writes it: ErrInUse then. It has to be given back before
// Badger opens the directory.
func lockDir(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("badgerstore: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrInUse, dir), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// freeBytes returns the room that is left for us on the disk of dir.
func freeBytes(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("badgerstore: %w", err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}
