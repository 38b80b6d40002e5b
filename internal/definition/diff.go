package definition

import "slices"

// ChangeKind says what changed. The zero ChangeKind is none.
type ChangeKind uint8

// The changes, in the order in which Diff lists those of one form.
const (
	NoChange ChangeKind = iota
	FormAdded
	FormRenamed
	FormDropped
	FieldAdded
	FieldRenamed
	FieldDropped
	// RequiredOn holds for added fields too: before it is applied, no record of
	// the form may have a null there.
	RequiredOn
	RequiredOff
	// UniqueOn comes with the IndexAdded of its guard, whose build stops at
	// duplicates.
	UniqueOn
	UniqueOff
	// ChoicesRemoved: stored values that are no longer declared stay as they are.
	ChoicesRemoved
	// OwnerFieldChanged and ParentChanged change reach; OwnerFieldChanged changes
	// the owner of stored records too.
	OwnerFieldChanged
	ParentChanged
	IndexAdded
	IndexDropped
)

var changeNames = [...]string{"no change", "form added", "form renamed", "form dropped", "field added", "field renamed", "field dropped",
	"required on", "required off", "unique on", "unique off", "choices removed", "owner field changed", "parent changed",
	"index added", "index dropped"}

// String returns the kind in words.
func (k ChangeKind) String() string {
	if int(k) < len(changeNames) {
		return changeNames[k]
	}
	return changeNames[NoChange]
}

// Change is one difference between two versions that concerns records.
type Change struct {
	Kind ChangeKind
	Form uint32 // number of the form
	// Field is the number of the field: of field changes, and of the new owner
	// field or parent (0 for none any more).
	Field uint32
	// Name is that of the form or field, in the newer version that has it; From
	// the one it had before a rename.
	Name, From string
	Index      Index // of IndexAdded and IndexDropped
}

// Changes is what applying a version does to records, form by form: those of
// the new version in its order, then dropped forms.
type Changes []Change

// NeedsData reports whether the change must be checked against stored records,
// or worked into them, before the new version may be active.
func (c Change) NeedsData() bool {
	switch c.Kind {
	case RequiredOn, UniqueOn, OwnerFieldChanged, IndexAdded:
		return true
	}
	return false
}

// Diff lists how next differs from prev in what concerns records; prev nil
// stands for an application without forms. Sets, roles, rules and reports are
// not in it.
func Diff(prev, next *Application) Changes {
	if prev == nil {
		prev = &Application{}
	}
	var cs Changes
	for _, f := range next.Forms {
		old, ok := prev.FormNumber(f.Number)
		switch {
		case !ok:
			cs = append(cs, Change{Kind: FormAdded, Form: f.Number, Name: f.Name})
			old = &Form{Number: f.Number}
		case old.Name != f.Name:
			cs = append(cs, Change{Kind: FormRenamed, Form: f.Number, Name: f.Name, From: old.Name})
		}
		cs = cs.form(old, f, ok)
	}
	for _, old := range prev.Forms {
		if _, ok := next.FormNumber(old.Number); !ok {
			cs = append(cs, Change{Kind: FormDropped, Form: old.Number, Name: old.Name})
		}
	}
	return cs
}

func ownNumber(f *Form, n uint32) *Field {
	for _, x := range f.Fields {
		if x.Number == n {
			return x
		}
	}
	return nil
}

// form adds the differences of one form. Of a form that did not exist there are
// no records to check: its fields and rows are listed and nothing else.
func (cs Changes) form(old, f *Form, existed bool) Changes {
	for _, x := range f.Fields {
		was := ownNumber(old, x.Number)
		add := func(k ChangeKind) { cs = append(cs, Change{Kind: k, Form: f.Number, Field: x.Number, Name: x.Name}) }
		if was == nil {
			add(FieldAdded)
			if was = (&Field{}); !existed {
				was = x
			}
		} else if was.Name != x.Name {
			cs = append(cs, Change{Kind: FieldRenamed, Form: f.Number, Field: x.Number, Name: x.Name, From: was.Name})
		}
		for _, k := range fieldChanges(was, x) {
			add(k)
		}
	}
	for _, was := range old.Fields {
		if ownNumber(f, was.Number) == nil {
			cs = append(cs, Change{Kind: FieldDropped, Form: f.Number, Field: was.Number, Name: was.Name})
		}
	}
	if existed && old.OwnerField != f.OwnerField {
		cs = append(cs, Change{Kind: OwnerFieldChanged, Form: f.Number, Field: f.OwnerField, Name: f.Name})
	}
	if existed && old.ParentField != f.ParentField {
		cs = append(cs, Change{Kind: ParentChanged, Form: f.Number, Field: f.ParentField, Name: f.Name})
	}
	return cs.indexes(old, f)
}

func fieldChanges(was, x *Field) (ks []ChangeKind) {
	if x.Required != was.Required {
		ks = append(ks, pick(x.Required, RequiredOn, RequiredOff))
	}
	if x.Unique != was.Unique {
		ks = append(ks, pick(x.Unique, UniqueOn, UniqueOff))
	}
	for _, c := range was.Choices {
		if !slices.Contains(x.Choices, c) {
			return append(ks, ChoicesRemoved)
		}
	}
	return ks
}

func pick(on bool, yes, no ChangeKind) ChangeKind {
	if on {
		return yes
	}
	return no
}

func (cs Changes) indexes(old, f *Form) Changes {
	for _, row := range f.Indexes {
		if sameIndex(old.Indexes, row) != row.Number {
			cs = append(cs, Change{Kind: IndexAdded, Form: f.Number, Name: f.Name, Index: row})
		}
	}
	for _, row := range old.Indexes {
		if sameIndex(f.Indexes, row) != row.Number {
			cs = append(cs, Change{Kind: IndexDropped, Form: f.Number, Name: f.Name, Index: row})
		}
	}
	return cs
}
