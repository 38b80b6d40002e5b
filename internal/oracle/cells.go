package oracle

import (
	"slices"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Opens reports whether the form exists for the user: a right to view one of
// its reports, or to add records.
// Decision: importing and creating reports alone open nothing.
func Opens(w *World, u *User, form string) bool {
	return MayCreate(w, u, form) || Views(w, u, form)
}

// Views reports whether the user may view some report of the form.
// Decision: a right to view a child form is none without one to view its parent
// form, unless it is to all of the child's records: no record could be in reach.
func Views(w *World, u *User, form string) bool {
	if !admitted(w, u) || everything(u) {
		return admitted(w, u)
	}
	need := definition.View
	if parent, _ := parentOf(w, w.Form(form), &Record{}); parent != "" && !Views(w, u, parent) {
		need = definition.ViewAll
	}
	return slices.ContainsFunc(w.App.Reports, func(r *definition.Report) bool {
		return r.Form == form && holdsRight(w.Set(u.Set), r.Name, need)
	})
}

// MayCreate reports whether the user may add records to the form (W4).
func MayCreate(w *World, u *User, form string) bool { return mayOnForm(w, u, form, definition.Access) }

// MayImport reports whether the user may import records that are new (B7).
func MayImport(w *World, u *User, form string) bool {
	return MayCreate(w, u, form) && mayOnForm(w, u, form, definition.Import)
}

func mayOnForm(w *World, u *User, form string, a definition.Action) bool {
	if !admitted(w, u) || everything(u) {
		return admitted(w, u)
	}
	p := w.Set(u.Set).Forms[form]
	return p != nil && slices.Contains(p.Actions, a)
}

// MayCreateUnder is MayCreate for a child form, under that parent (E4).
func MayCreateUnder(w *World, u *User, form string, parent record.ID) bool {
	name, r := parentOf(w, w.Form(form), &Record{Cells: map[string]record.Value{parentField(w.Form(form)): record.Ref(parent)}})
	return MayCreate(w, u, form) && r != nil && MaySee(w, u, definition.Edit, name, r)
}

func parentField(f *definition.Form) string {
	for _, field := range f.Fields {
		if field.Number == f.ParentField && f.ParentField != 0 {
			return field.Name
		}
	}
	return ""
}

// accessAlone is [Access] without regard to what formulas read.
// Decision: id, version, addedTime and modifiedTime are visible to whoever the
// form is open to; owner, addedBy and modifiedBy follow the set like other
// fields, at most read only.
func accessAlone(w *World, u *User, form, field string) definition.FieldAccess {
	_, system := record.SystemField(field)
	switch {
	case !Opens(w, u, form):
		return definition.Hidden
	case unmaskable(field), everything(u) && system:
		return definition.ReadOnly
	case everything(u):
		return definition.Writable
	}
	s := w.Set(u.Set)
	if s.Forms[form] == nil {
		return definition.Hidden
	}
	for _, f := range w.Form(form).Fields {
		if f.Name == field && (f.PII && !s.ShowPII || f.EPHI && !s.ShowEPHI) {
			return definition.Hidden
		}
	}
	if system {
		return min(s.Forms[form].Fields[field], definition.ReadOnly)
	}
	return s.Forms[form].Fields[field]
}

// Visible returns the names of the fields that exist for the user, system
// fields first, then in order of the form.
// Decision: a lookup to a form that the user cannot open counts as visible; its
// cells are null (L1).
func Visible(w *World, u *User, form string) (names []string) {
	for _, f := range record.System {
		names = append(names, f.Name)
	}
	for _, f := range w.Form(form).Fields {
		names = append(names, f.Name)
	}
	return slices.DeleteFunc(names, func(n string) bool { return Access(w, u, form, n) == definition.Hidden })
}

// Cell returns what the user reads in a cell, and whether it may be read at
// all: a lookup to a record out of reach is readable and null (L1).
// Decision: a user field reads the id of a deleted user. A multi-lookup is the list
// of what is in reach, and null where nothing is.
func Cell(w *World, u *User, form string, r *Record, field string) (record.Value, bool) {
	if !MaySee(w, u, definition.View, form, r) || Access(w, u, form, field) == definition.Hidden || Masked(w, u, form, r, field) {
		return record.Value{}, false
	}
	v := Raw(w.Form(form), r, field)
	f, _ := Field(w.Form(form), field)
	unseen := func(id record.ID) bool {
		rec := w.Find(w.FormNumber(f.Target).Name, id)
		return rec == nil || !MaySee(w, u, definition.View, w.FormNumber(f.Target).Name, rec)
	}
	switch {
	case f.Type == record.MultiLookup:
		v = record.Refs(slices.DeleteFunc(v.Refs(), unseen)...)
	case f.Type == record.Lookup && unseen(v.Ref()):
		v = record.Value{}
	}
	return v, true
}

// Writable reports whether the user may give the field of an existing record
// another value, as far as the stored record decides (B4, H5, W1, W3).
// Decision: system fields are not written; [MayChangeOwner] answers for owner.
func Writable(w *World, u *User, form string, r *Record, field string) bool {
	f, _ := Field(w.Form(form), field)
	return MaySee(w, u, definition.Edit, form, r) && Access(w, u, form, field) == definition.Writable && !Masked(w, u, form, r, field) &&
		(f.Number != w.Form(form).OwnerField || MayChangeOwner(w, u, form, r))
}

// MayChangeOwner is W1. Decision: a developer is no admin and needs to be owner.
func MayChangeOwner(w *World, u *User, form string, r *Record) bool {
	if !MaySee(w, u, definition.Edit, form, r) {
		return false
	}
	owner := Owner(w.Form(form), r)
	return u.Kind.Administers() || owner == u.ID || isBelow(w, u, owner) || u.Kind != identity.Developer &&
		slices.ContainsFunc(w.App.Reports, func(rep *definition.Report) bool {
			return rep.Form == form && holdsRight(w.Set(u.Set), rep.Name, definition.ModifyAll) && policyMatches(w, u, form, r, rep.Criteria)
		})
}

// Unmasks reports whether turning before into after would show the user a cell
// that a mask hid from them (W2).
func Unmasks(w *World, u *User, form string, before, after *Record) bool {
	return slices.ContainsFunc(Visible(w, u, form), func(field string) bool {
		return Masked(w, u, form, before, field) && !Masked(w, u, form, after, field)
	})
}
