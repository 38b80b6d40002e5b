package badgerstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	badger "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/badger/v4/y"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
)

var errTable = errors.New("badgerstore: a table is damaged")

// precheck refuses, before Badger touches the directory, what Badger would make
// worse, or would end the process over: without its manifest it deletes all
// tables, and a damaged table panics in a goroutine of its own.
func precheck(dir string, acceptLoss bool) error {
	unlock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer unlock()
	if err := dropEmptyLogs(dir); err != nil {
		return err
	}
	last, err := lastAcknowledged(dir)
	if acceptLoss && errors.Is(err, errLedger) {
		err = nil
	}
	if err != nil {
		return err
	}
	logs, err := checkLogs(dir, last.n)
	if err != nil && !acceptLoss {
		return err
	}
	stored, err := checkTables(dir)
	switch {
	case errors.Is(err, os.ErrNotExist) && last.n > 0 && !acceptLoss:
		return &LossError{Acknowledged: last.n, Reason: "the data are missing"}
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil || acceptLoss:
		return err
	}
	return checkJoint(logs, stored, last.n)
}

// dropEmptyLogs removes logs of length zero: a crash leaves one between the
// making of a file and its first byte, or between the emptying of an old one and
// its removal, and Badger then refuses to open. One that was emptied by somebody
// else is missed when the data are compared with the ledger.
func dropEmptyLogs(dir string) error {
	for _, pattern := range []string{"*.mem", "*.vlog"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return fmt.Errorf("badgerstore: %w", err)
		}
		for _, name := range names {
			fi, err := os.Stat(name)
			if err == nil && fi.Size() == 0 {
				err = os.Remove(name)
			}
			if err != nil {
				return fmt.Errorf("badgerstore: %w", err)
			}
		}
	}
	return nil
}

// checkTables verifies every table that the manifest names, and returns the
// highest version in them: os.ErrNotExist without a manifest.
func checkTables(dir string) (stored uint64, err error) {
	f, err := os.Open(filepath.Join(dir, badger.ManifestFilename))
	if err != nil {
		return 0, fmt.Errorf("badgerstore: %w", err)
	}
	defer f.Close()
	m, _, err := badger.ReplayManifestFile(f, 0, badger.DefaultOptions(dir).WithLogger(nil))
	if err != nil {
		return 0, fmt.Errorf("badgerstore: manifest: %w", err)
	}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(4)
	for id, tm := range m.Tables {
		g.Go(func() error {
			version, err := checkTable(table.NewFilename(id, dir), id, tm.Compression)
			mu.Lock()
			defer mu.Unlock()
			stored = max(stored, version)
			return err
		})
	}
	err = g.Wait()
	return stored, err
}

// checkTable verifies one table and returns its highest version.
func checkTable(path string, id uint64, c options.CompressionType) (version uint64, err error) {
	name := filepath.Base(path)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %s: %v", errTable, name, p)
		}
	}()
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("%w: %s cannot be read", errTable, name)
	}
	if err := checkFooter(b); err != nil {
		return 0, fmt.Errorf("%w: %s: %w", errTable, name, err)
	}
	t, err := table.OpenInMemoryTable(b, id, &table.Options{BlockSize: 4 << 10, Compression: c, ChkMode: options.OnTableRead})
	if err == nil {
		err = t.VerifyChecksum()
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %s: %w", errTable, name, err)
	}
	return t.MaxVersion(), nil
}

// checkFooter verifies the index of a table: index, its length, its checksum,
// the checksum's length. Badger ends the process over lengths that are wrong.
func checkFooter(b []byte) error {
	sum, rest, ok := lastPart(b)
	if !ok {
		return errors.New("the footer is damaged")
	}
	index, _, ok := lastPart(rest)
	if !ok {
		return errors.New("the footer is damaged")
	}
	var want pb.Checksum
	if err := proto.Unmarshal(sum, &want); err != nil {
		return err
	}
	if want.Algo != pb.Checksum_CRC32C && want.Algo != pb.Checksum_XXHash64 {
		return errors.New("the footer is damaged")
	}
	return y.VerifyChecksum(index, &want)
}

// lastPart takes a part that is followed by its length from the end of b.
func lastPart(b []byte) (part, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := int64(binary.BigEndian.Uint32(b[len(b)-4:]))
	b = b[:len(b)-4]
	if n > int64(len(b)) {
		return nil, nil, false
	}
	return b[int64(len(b))-n:], b[:int64(len(b))-n], true
}
