package storage

import (
	"context"

	"sluice/storage/driver"
)

// upgrade brings data of format 1 to this one: the histories of spaces begin
// with what each tenant does next. Nobody else has the store yet.
func (s *Store) upgrade(formatKey []byte) error {
	tenants, err := s.Tenants()
	if err != nil {
		return err
	}
	writes := make([]driver.Write, 0, len(tenants)+1)
	for _, id := range tenants {
		v, err := s.Tenant(id).open()
		if err != nil {
			return err
		}
		last, err := v.LastChange()
		v.close()
		if err != nil {
			return err
		}
		writes = append(writes, driver.Write{Key: scope(id).since(), Value: behind(nil, last)})
	}
	// The format is written last, so that an upgrade that breaks off begins anew.
	for from := 0; from < len(writes); from += MaxTxnWrites {
		if err := s.commit(writes[from:min(from+MaxTxnWrites, len(writes))]); err != nil {
			return err
		}
	}
	return s.commit([]driver.Write{{Key: formatKey, Value: []byte{format}}})
}

func (s *Store) commit(writes []driver.Write) error {
	snap, err := s.d.Snapshot()
	if err != nil {
		return err
	}
	defer snap.Close()
	_, err = s.d.Commit(context.Background(), snap.Seq(), nil, writes)
	return err
}
