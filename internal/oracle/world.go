package oracle

import (
	"bytes"
	"slices"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// World is one application with its people and records: everything that a
// decision depends on. It is plain data. Nothing in this package writes to one.
type World struct {
	// Seed is what the world was made from, 0 for one made by hand.
	Seed uint64
	App  *definition.Application
	// Users are all people of the organization that still exist. An id that
	// stands in a record and not here is that of a deleted user.
	Users []*User
	// Records holds the records of each form by its name, in ascending order of
	// their ids.
	Records map[string][]*Record
	// Modules says, by name of the custom rule, which module fills it. A rule
	// without one is a rule whose module is missing.
	Modules map[string]Module
	// Hides are the filters by which admins hide records, also of people who are
	// no admins any more and of users who are deleted.
	Hides []*Hide
	// Saved are the reports that users made.
	Saved []*SavedReport
}

// Hide hides the records of one form that match and that one admin owns (G1).
// The filter is over the form's own fields, without VIEWER; an empty one matches
// every record.
type Hide struct {
	Admin record.ID
	Form  string
	Where map[string]any
}

// SavedReport is a report made with CREATE_REPORT (B8). Its criteria are in the
// where language of queries; they may lead through lookups.
type SavedReport struct {
	Name, Form string
	Maker      record.ID
	Columns    []string
	Criteria   map[string]any
	OrderBy    []Order
}

// User is a person of the organization and what they are in the application.
type User struct {
	ID    record.ID
	Email string
	// Kind is Nobody for a user without assignment in the application.
	Kind     identity.Kind
	Inactive bool
	// Role and Set are those of a live user, else empty; a portal user has a Set.
	Role, Set string
	// Attributes are by name; one that is absent is null.
	Attributes map[string]record.Value
	// Credential is what the user comes with whenever this world is asked.
	Credential identity.Credential
	// Asker looks through the user's eyes (P10): of the records in the user's reach
	// those are seen that are in the asker's as well. Nil for the user alone.
	Asker *User
}

// Record is one stored record with its true cells. A cell that is absent is
// null.
type Record struct {
	ID                         record.ID
	Owner, AddedBy, ModifiedBy record.ID
	AddedTime, ModifiedTime    int64 // microseconds since 1970 UTC
	Version                    uint32
	Cells                      map[string]record.Value
}

// Module is a rule module of a world: one of the [Truths], and the inputs that
// it declares. Every custom rule of a world has at least one record input.
type Module struct {
	Truth  int
	Record []string // field names, system fields allowed
	Viewer []string // names of viewer attributes
	Plan   int      // of the Plans; 0 for none
}

// Copy returns a world whose records may be changed without changing w. The
// application, people and modules stay shared.
func (w *World) Copy() *World {
	c := *w
	c.Records = make(map[string][]*Record, len(w.Records))
	for form, recs := range w.Records {
		for _, r := range recs {
			c.Records[form] = append(c.Records[form], r.Copy())
		}
	}
	return &c
}

// Copy returns a record of its own.
func (r *Record) Copy() *Record {
	c := *r
	c.Cells = make(map[string]record.Value, len(r.Cells))
	for name, v := range r.Cells {
		c.Cells[name] = v
	}
	return &c
}

// Form returns the form of that name, nil for none.
func (w *World) Form(name string) *definition.Form {
	for _, f := range w.App.Forms {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// FormNumber returns the form of that number, nil for none.
func (w *World) FormNumber(n uint32) *definition.Form {
	for _, f := range w.App.Forms {
		if f.Number == n {
			return f
		}
	}
	return nil
}

// Field returns the form's own field or the system field of that name.
func Field(f *definition.Form, name string) (record.Field, bool) {
	for _, own := range f.Fields {
		if own.Name == name {
			return own.Field, true
		}
	}
	i := slices.IndexFunc(record.System, func(s record.Field) bool { return s.Name == name })
	if i < 0 {
		return record.Field{}, false
	}
	return record.System[i], true
}

// Find returns the record of that id, nil for none.
func (w *World) Find(form string, id record.ID) *Record {
	for _, r := range w.Records[form] {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// User returns the user of that id, nil for one who never was or is deleted.
func (w *World) User(id record.ID) *User {
	for _, u := range w.Users {
		if u.ID == id {
			return u
		}
	}
	return nil
}

// Role returns the role of that name, nil for none.
func (w *World) Role(name string) *definition.Role {
	for _, r := range w.App.Roles {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// Set returns the permission set of that name, nil for none.
func (w *World) Set(name string) *definition.PermissionSet {
	for _, s := range w.App.Sets {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// Owner returns the owner of a record (E1): where the form names a user field
// as record owner the user in it, or who added the record while it is empty.
func Owner(f *definition.Form, r *Record) record.ID {
	for _, own := range f.Fields {
		if own.Number == f.OwnerField && f.OwnerField != 0 {
			if id := r.Cells[own.Name].Ref(); !id.IsZero() {
				return id
			}
			return r.AddedBy
		}
	}
	return r.Owner
}

// Raw returns the true cell of a record, system fields included.
func Raw(f *definition.Form, r *Record, field string) record.Value {
	switch field {
	case "id":
		return record.Ref(r.ID)
	case "owner":
		return record.Ref(Owner(f, r))
	case "version":
		return record.Int(int64(r.Version))
	case "addedBy":
		return record.Ref(r.AddedBy)
	case "addedTime":
		return record.Int(r.AddedTime)
	case "modifiedBy":
		return record.Ref(r.ModifiedBy)
	case "modifiedTime":
		return record.Int(r.ModifiedTime)
	}
	if len(inputs(f, field)) > 0 {
		return computed(f, field, func(name string) record.Value { return Raw(f, r, name) })
	}
	return r.Cells[field]
}

// SortRecords puts records in ascending order of their ids.
func SortRecords(rs []*Record) {
	slices.SortFunc(rs, func(a, b *Record) int { return bytes.Compare(a.ID[:], b.ID[:]) })
}
