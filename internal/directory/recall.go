package directory

import (
	"encoding/json"
	"strings"

	"sluice/internal/record"
	"sluice/storage"
)

// Recall returns the people that a reader of an earlier state shows, without the
// cache of [Directory.Load]. near is a picture of the same tenant at another time,
// nil for none: it only saves work.
func (d *Directory) Recall(r storage.Reader, near *People) (*People, error) { return load(r, near) }

// ChangedUser returns whose document of SpaceUser a key is of; false for those
// that are about no single person.
func ChangedUser(key string) (record.ID, bool) {
	text, ok := strings.CutPrefix(key, "u/")
	if !ok {
		return record.ID{}, false
	}
	id, err := record.ParseID(text)
	return id, err == nil
}

// ChangedPlace returns whose place in which application a key of SpaceAssignment
// is of.
func ChangedPlace(key string) (user record.ID, application string, ok bool) {
	text, application, ok := strings.Cut(key, "/")
	id, err := record.ParseID(text)
	return id, application, ok && err == nil
}

// UserSides reads both sides of a change of a person, nil where there was none.
func UserSides(c *storage.Change) (before, after *User, err error) {
	id, _ := ChangedUser(c.Key)
	side := func(b []byte) (*User, error) {
		if b == nil {
			return nil, nil
		}
		var d userDoc
		if err := json.Unmarshal(b, &d); err != nil {
			return nil, damaged(c.Space, err)
		}
		return d.user(id), nil
	}
	if before, err = side(c.Before); err == nil {
		after, err = side(c.After)
	}
	return before, after, err
}

// PlaceSides reads both sides of a change of a place, nil where there was none.
func PlaceSides(c *storage.Change) (before, after *Assignment, err error) {
	side := func(b []byte) (*Assignment, error) {
		if b == nil {
			return nil, nil
		}
		var d assignmentDoc
		if err := json.Unmarshal(b, &d); err != nil {
			return nil, damaged(c.Space, err)
		}
		a, err := d.assignment(c.Key)
		if err != nil {
			return nil, damaged(c.Space, err)
		}
		return a, nil
	}
	if before, err = side(c.Before); err == nil {
		after, err = side(c.After)
	}
	return before, after, err
}
