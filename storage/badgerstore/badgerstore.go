package badgerstore

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	badger "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"sluice/storage"
	"sluice/storage/driver"
)

// Options configure a store; nil means all defaults.
type Options struct {
	// Storage are the options of the portable store on top.
	Storage storage.Options
	// MemTableSize, BlockCache and IndexCache are in bytes; defaults 64, 256 and
	// 128 MiB. They are bounds: a small store uses less. A memtable has at least
	// 40 MiB, so that the largest transaction fits.
	MemTableSize, BlockCache, IndexCache int64
	// MaxSnapshotAge is how long a snapshot may be read once there are newer
	// commits; default 10 minutes, negative for no end. Old snapshots keep old
	// versions on disk.
	MaxSnapshotAge time.Duration
	// MinFree is the room on the disk, in bytes, below which no commits are taken;
	// default 512 MiB, negative for none. A disk that is full ends the process
	// without a word: files are mapped into memory.
	MinFree int64
	// AcceptLoss opens a directory whose data and ledger disagree, and begins a
	// new ledger from the data. It is an operator's decision, after an error of
	// kind *LossError, when there is no backup to restore: acknowledged changes
	// are gone for good.
	AcceptLoss bool
	// Events are called on what happens inside; nil functions are not called.
	Events Events

	// Tests replace these.
	window uint64                          // default defaultWindow
	now    func() time.Time                // default time.Now; for ages of snapshots
	free   func(dir string) (int64, error) // default freeBytes
}

// Events report what an operator should know. They may be called from any
// goroutine and must not block.
type Events struct {
	// Warning is something that Badger complained about.
	Warning func(text string)
	// Failed is called once, when the store stops taking commits for good.
	Failed func(err error)
	// Full is called when the disk has too little room for commits, with true, and
	// when it has enough again, with false.
	Full func(full bool)
}

func (o *Options) withDefaults() Options {
	var r Options
	if o != nil {
		r = *o
	}
	set := func(p *int64, mib int64) {
		if *p <= 0 {
			*p = mib << 20
		}
	}
	set(&r.MemTableSize, 64)
	r.MemTableSize = max(r.MemTableSize, minMemTable)
	set(&r.BlockCache, 256)
	set(&r.IndexCache, 128)
	if r.MaxSnapshotAge == 0 {
		r.MaxSnapshotAge = 10 * time.Minute
	}
	if r.window == 0 {
		r.window = defaultWindow
	}
	if r.now == nil {
		r.now = time.Now
	}
	if r.free == nil {
		r.free = freeBytes
	}
	if r.MinFree == 0 {
		r.MinFree = 512 << 20
	}
	if r.Events.Warning == nil {
		r.Events.Warning = func(string) {}
	}
	if r.Events.Full == nil {
		r.Events.Full = func(bool) {}
	}
	if r.Events.Failed == nil {
		r.Events.Failed = func(error) {}
	}
	return r
}

// ErrInUse is in the chain of Open's error when another process has the
// directory.
var ErrInUse = errors.New("badgerstore: the data directory is in use by another process")

// Open opens or makes the store in the directory dir. Data that are damaged,
// or behind what was acknowledged, are refused: *LossError, or an error that
// names the damage.
func Open(dir string, o *Options) (*storage.Store, error) {
	opt := o.withDefaults()
	d, err := openDriver(dir, opt)
	if err != nil {
		return nil, err
	}
	return storage.New(d, &opt.Storage)
}

// NewDriver is Open for the driver alone: for conformance tests, and for measurements
// of Badger without what is above it.
func NewDriver(dir string, o *Options) (driver.Driver, error) {
	d, err := openDriver(dir, o.withDefaults())
	if err != nil {
		return nil, err
	}
	return d, nil
}

func openDriver(dir string, opt Options) (*store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("badgerstore: %w", err)
	}
	if err := precheck(dir, opt.AcceptLoss); err != nil {
		return nil, err
	}
	db, err := openBadger(dir, opt)
	if err != nil {
		return nil, err
	}
	s, err := start(dir, opt, db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// openBadger opens Badger with the settings that this package relies on.
func openBadger(dir string, opt Options) (db *badger.DB, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("badgerstore: the data are damaged: %v", p)
		}
	}()
	bo := badger.DefaultOptions(dir).
		WithLogger(logger{opt.Events.Warning}).
		WithSyncWrites(true).
		WithDetectConflicts(false).
		WithNumVersionsToKeep(1).
		WithChecksumVerificationMode(options.OnTableRead).
		WithVerifyValueChecksum(true).
		WithMemTableSize(opt.MemTableSize).
		WithNumMemtables(3).
		WithBlockCacheSize(opt.BlockCache).
		WithIndexCacheSize(opt.IndexCache).
		WithValueLogFileSize(64 << 20).
		WithMetricsEnabled(false)
	db, err = badger.OpenManaged(bo)
	if err == nil {
		return db, nil
	}
	if strings.Contains(err.Error(), "directory lock") {
		return nil, fmt.Errorf("%w: %s", ErrInUse, dir)
	}
	return nil, fmt.Errorf("badgerstore: open %s: %w", dir, err)
}

// logger passes warnings and errors of Badger on and drops the rest.
type logger struct{ warn func(string) }

func (l logger) Errorf(f string, a ...any)   { l.warn(strings.TrimSpace(fmt.Sprintf(f, a...))) }
func (l logger) Warningf(f string, a ...any) { l.warn(strings.TrimSpace(fmt.Sprintf(f, a...))) }
func (l logger) Infof(string, ...any)        {}
func (l logger) Debugf(string, ...any)       {}
