package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sluice/internal/fault"
)

// An entry is a directory with wazero's own, which holds one file of code, and a
// seal beside it. wazero checks a CRC over the instructions alone; the seal
// covers the file to the last byte, its name and the entry's.
const (
	sealFile = "seal"
	// maxCode is the size of one module's code; the largest that passes the
	// check is below a tenth of it.
	maxCode = 64 << 20
)

// verify returns an error unless the entry is whole and nobody else's. The
// caller holds mu.
func (c *Cache) verify(key string) error {
	dir := filepath.Join(c.dir, key)
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || !ownerOnly(info) {
		return errors.New("not a directory of this user alone")
	}
	seal := filepath.Join(dir, sealFile)
	if info, err = os.Lstat(seal); err != nil || !info.Mode().IsRegular() || !ownerOnly(info) || info.Size() != 2*sha256.Size {
		return errors.New("no seal of this user alone")
	}
	want, err := os.ReadFile(seal)
	if err != nil {
		return errors.New("no seal that can be read")
	}
	file, _, err := c.code(dir)
	if err != nil {
		return err
	}
	got, _, err := digest(file, key, filepath.Base(file))
	if err != nil {
		return err
	}
	if !bytes.Equal([]byte(got), want) {
		return errors.New("the checksum differs")
	}
	return nil
}

// code returns the one file of code in an entry.
func (c *Cache) code(dir string) (file string, info os.FileInfo, err error) {
	layout, name, err := only(dir)
	if err != nil {
		return "", nil, err
	}
	if layout != c.layout {
		return "", nil, errors.New("compiled by another version")
	}
	file = filepath.Join(dir, layout, name)
	info, err = os.Lstat(file)
	return file, info, err
}

// only returns the names of the one directory in dir, besides a seal, and of the
// one file in that.
func only(dir string) (layout, name string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", "", errors.New("a directory that cannot be read")
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return e.Name() == sealFile })
	if len(entries) != 1 || !entries[0].IsDir() {
		return "", "", fmt.Errorf("%d files instead of one directory of code", len(entries))
	}
	layout = entries[0].Name()
	inner, err := os.ReadDir(filepath.Join(dir, layout))
	if err != nil {
		return "", "", errors.New("a directory of code that cannot be read")
	}
	if len(inner) != 1 || !isKey(inner[0].Name()) {
		return "", "", fmt.Errorf("%d files of code instead of one", len(inner))
	}
	return layout, inner[0].Name(), nil
}

// digest returns the seal of a file of code, which must be a regular file of
// this user alone.
func digest(file, key, name string) (sum string, size int64, err error) {
	info, err := os.Lstat(file)
	if err != nil || !info.Mode().IsRegular() || !ownerOnly(info) {
		return "", 0, errors.New("no file of code of this user alone")
	}
	if info.Size() == 0 || info.Size() > maxCode {
		return "", 0, fmt.Errorf("%d bytes of code", info.Size())
	}
	f, err := os.Open(file)
	if err != nil {
		return "", 0, errors.New("a file of code that cannot be read")
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	_, _ = io.WriteString(h, key+"\x00"+name+"\x00")
	if size, err = io.Copy(h, io.LimitReader(f, maxCode+1)); err != nil {
		return "", 0, errors.New("a file of code that cannot be read")
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}

// evict removes the entries that were not loaded for longest while all together
// are larger than they may be; keep stays. The caller holds mu.
func (c *Cache) evict(keep string) {
	type entry struct {
		name string
		used time.Time
		size int64
	}
	var all []entry
	var total int64
	names, _ := os.ReadDir(c.dir) // what cannot be listed cannot be removed either
	for _, n := range names {
		if !isKey(n.Name()) {
			continue
		}
		e := entry{name: n.Name()}
		dir := filepath.Join(c.dir, e.name)
		if info, err := os.Lstat(filepath.Join(dir, sealFile)); err == nil {
			e.used = info.ModTime()
		}
		if _, info, err := c.code(dir); err == nil {
			e.size = info.Size()
		}
		total += e.size
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b entry) int { return a.used.Compare(b.used) })
	for _, e := range all {
		// An entry without a size is of another version of wazero, or damaged.
		if e.name == keep || total <= c.opts.MaxBytes && e.size > 0 {
			continue
		}
		if err := os.RemoveAll(filepath.Join(c.dir, e.name)); err != nil {
			c.warn("compiled rules that are not used any more cannot be removed: " + err.Error())
			return
		}
		total -= e.size
	}
}

// ownDirectory makes dir a directory of this user alone, and reports whether it
// was emptied for that.
func ownDirectory(dir string) (emptied bool, err error) {
	const op = "sandbox.OpenCache"
	info, err := os.Lstat(dir)
	if errors.Is(err, os.ErrNotExist) {
		return false, os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return false, err
	}
	if !info.IsDir() {
		return false, fault.New(fault.Invalid, op, "directory of compiled rules: expected a directory that is no symbolic link")
	}
	if !owned(info) {
		return false, fault.New(fault.Invalid, op, "directory of compiled rules: it belongs to another user; remove it")
	}
	if ownerOnly(info) {
		return false, nil
	}
	// Closed before it is emptied, so that nothing comes after.
	if err := os.Chmod(dir, 0o700); err != nil {
		return false, err
	}
	inside, err := os.ReadDir(dir)
	for _, e := range inside {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return true, err
}
