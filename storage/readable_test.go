package storage_test

import (
	"errors"
	"testing"

	"sluice/storage"
	"sluice/storage/driver"
	"sluice/storage/memstore"
)

// stepped counts the steps of cursors, and fails them where it is broken.
type stepped struct {
	driver.Driver
	steps  int
	broken error
}

func (d *stepped) Snapshot() (driver.Snapshot, error) {
	s, err := d.Driver.Snapshot()
	return &steppedSnapshot{s, d}, err
}

type steppedSnapshot struct {
	driver.Snapshot
	d *stepped
}

func (s *steppedSnapshot) Cursor(prefix, from []byte, reverse bool) driver.Cursor {
	return &steppedCursor{s.Snapshot.Cursor(prefix, from, reverse), s.d}
}

type steppedCursor struct {
	driver.Cursor
	d *stepped
}

func (c *steppedCursor) Next() bool {
	c.d.steps++
	return c.d.broken == nil && c.Cursor.Next()
}

func (c *steppedCursor) Err() error { return errors.Join(c.d.broken, c.Cursor.Err()) }

// TestReadableReadsOneTenant: however many there are; it fails where reading does.
func TestReadableReadsOneTenant(t *testing.T) {
	d := &stepped{Driver: memstore.NewDriver()}
	s, err := storage.New(d, nil)
	must(t, err)
	must(t, s.Readable())
	for range 20 {
		_, err := s.NewTenant(t.Context())
		must(t, err)
	}
	d.steps = 0
	if must(t, s.Readable()); d.steps > 2 {
		t.Errorf("%d steps", d.steps)
	}
	if d.broken = errors.New("broken"); s.Readable() == nil {
		t.Error("what cannot be read is readable")
	}
	d.broken = nil
	must(t, s.Close())
	if s.Readable() == nil {
		t.Error("a store that is closed is readable")
	}
}
