//go:build unix

package sandbox

import (
	"os"
	"syscall"
)

// owned reports whether the file belongs to this user.
func owned(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int64(st.Uid) == int64(os.Geteuid())
}

// ownerOnly reports whether nobody else can read, write or enter the file.
func ownerOnly(info os.FileInfo) bool { return owned(info) && info.Mode().Perm()&0o077 == 0 }
