package storage

import (
	"context"
	"errors"

	"sluice/internal/fault"
	"sluice/storage/driver"
)

// ErrUncertain is in the chain of an error after which nobody can say whether
// the writes are durable. The store refuses writes from then on; the process has
// to be restarted, which finds out.
var ErrUncertain = driver.ErrUncertain

// ErrClosed is in the chain of every error of a closed store, reader or cursor.
var ErrClosed = driver.ErrClosed

// ErrExpired is in the chain of errors of a reader that was open for longer than
// the driver keeps snapshots.
var ErrExpired = driver.ErrExpired

var (
	errNoTenant = errors.New("storage: no tenant")
	errDamaged  = errors.New("storage: damaged entry")
	errStale    = errors.New("storage: the old record is not the one that the transaction sees")
)

// UniqueError says which unique index refused a value. It names no record.
type UniqueError struct{ Index *Index }

// Error says that a value is taken.
func (e *UniqueError) Error() string { return "storage: value is taken" }

// commitError gives what a driver returned the kind that callers branch on.
func commitError(err error) error {
	const op = "storage.Update"
	switch {
	case errors.Is(err, driver.ErrConflict):
		return fault.Wrap(fault.Conflict, op, err, "others changed the same data at the same time; try again")
	case errors.Is(err, driver.ErrUncertain):
		return fault.Wrap(fault.Unavailable, op, err, "it is not known whether the change was saved; try again later and look first")
	case errors.Is(err, driver.ErrFull):
		return fault.Wrap(fault.Unavailable, op, err, "the server has no room for more data; reading still works")
	case errors.Is(err, driver.ErrTooBig):
		return fault.Wrap(fault.Limit, op, err, "the change is too large to be made at once")
	case errors.Is(err, driver.ErrExpired):
		return fault.Wrap(fault.Limit, op, err, "the operation took too long")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(fault.Unavailable, op, err, "the request ended before the change was saved")
	}
	return fault.Wrap(fault.Unavailable, op, err, "the store cannot take changes now")
}

func limit(op, format string, args ...any) error { return fault.New(fault.Limit, op, format, args...) }
