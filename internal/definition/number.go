package definition

import (
	"slices"

	"sluice/internal/record"
	"sluice/internal/words"
)

// carryOver finds the predecessor of every form and field and reports what a
// new version may not change.
func (r *resolver) carryOver(o object) {
	p := r.c.Previous
	if p == nil {
		return
	}
	kept := map[string]bool{}
	for _, f := range r.app.Forms {
		if old := r.formBefore(f); old != nil {
			if kept[old.Name] {
				r.fail(r.at[f].of("renamedFrom"), "another form is renamed from %s", old.Name)
				continue
			}
			kept[old.Name] = true
			r.previous[f] = old
		}
	}
	for _, f := range r.app.Forms {
		if old, ok := r.previous[f].(*Form); ok {
			r.carryFields(f, old)
		}
	}
	for _, old := range p.Forms {
		if !kept[old.Name] && !r.c.AllowDrop {
			r.fail(o.of("forms"), "the form %s of the previous version is missing: restore it, name it in renamedFrom, or allow drops", old.Name)
		}
	}
}

// formBefore returns the form of the previous version that f was.
func (r *resolver) formBefore(f *Form) *Form {
	p := r.c.Previous
	same, _ := p.Form(f.Name)
	was := r.renamed[f]
	if was == "" || was == f.Name {
		return same
	}
	old, known := p.Form(was)
	_, stays := r.app.Form(was)
	at := r.at[f].of("renamedFrom")
	switch {
	case stays:
		r.fail(at, "the form %s is in this document too; a form that is renamed is gone", was)
	case known && same != nil:
		r.fail(at, "the previous version has both %s and %s; drop one first", was, f.Name)
	case !known && same == nil:
		r.fail(at, "the previous version has no form %s", was)
	case known:
		return old
	default:
		return same // renamed in an earlier version
	}
	return nil
}

func (r *resolver) carryFields(f, before *Form) {
	kept := map[string]bool{}
	for _, x := range f.Fields {
		old := r.fieldBefore(f, before, x)
		if old == nil {
			continue
		}
		if kept[old.Name] {
			r.fail(r.at[x].of("name"), "another field is the %s of the previous version", old.Name)
			continue
		}
		kept[old.Name] = true
		r.previous[x] = old
		r.checkSameType(x, old)
	}
	for _, old := range before.Fields {
		if !kept[old.Name] && !r.c.AllowDrop {
			r.fail(r.at[f].of("fields"), "the field %s of the previous version is missing: restore it, name it in renamedFrom, or allow drops", old.Name)
		}
	}
	if n := r.newFields(f); uint32(n) > record.MaxField+1-before.NextField {
		r.fail(r.at[f].of("fields"), "the form has used up its field numbers: dropped fields count")
	}
}

func (r *resolver) newFields(f *Form) (n int) {
	for _, x := range f.Fields {
		if r.previous[x] == nil {
			n++
		}
	}
	return n
}

func ownField(f *Form, name string) *Field {
	for _, x := range f.Fields {
		if x.Name == name {
			return x
		}
	}
	return nil
}

// fieldBefore returns the field of the previous version that x was.
func (r *resolver) fieldBefore(f, before *Form, x *Field) *Field {
	same := ownField(before, x.Name)
	was := r.renamed[x]
	if was == "" || was == x.Name {
		return same
	}
	old := ownField(before, was)
	at := r.at[x].of("renamedFrom")
	switch {
	case ownField(f, was) != nil:
		r.fail(at, "the field %s is in this document too; a field that is renamed is gone", was)
	case old != nil && same != nil:
		r.fail(at, "the previous version has both %s and %s; drop one first", was, x.Name)
	case old == nil && same == nil:
		r.fail(at, "the previous version of the form has no field %s", was)
	case old != nil:
		return old
	default:
		return same // renamed in an earlier version
	}
	return nil
}

// checkSameType refuses what would make stored cells mean something else.
func (r *resolver) checkSameType(x, old *Field) {
	o := r.at[x]
	switch {
	case x.Type == record.InvalidType:
	case x.Expression != "" && old.Expression != "": // nothing of it is stored
	case x.Expression != "":
		r.fail(o.of("type"), "the field was stored and cannot be computed; add a field of another name")
	case old.Expression != "":
		r.fail(o.of("type"), "the field was computed and cannot be stored; add a field of another name")
	case x.Type != old.Type:
		r.fail(o.of("type"), "the type was %s and cannot change; add a field of another name", old.Type)
	case x.Scale != old.Scale:
		r.fail(o.of("scale"), "the scale was %d and cannot change; add a field of another name", old.Scale)
	case x.Currency != old.Currency:
		r.fail(o.of("currency"), "the currency was %s and cannot change; add a field of another name", old.Currency)
	case x.Type.Links():
		target, ok := r.target(x)
		if !ok {
			return
		}
		now, _ := r.previous[target].(*Form)
		if now == nil || now.Number != old.Target {
			r.fail(o.of("to"), "the lookup led to another form and cannot change; add a field of another name")
		}
	}
}

// number gives forms, fields and indexes their numbers and links lookups. It
// runs only on a document without fault.
func (r *resolver) number() {
	for _, f := range r.app.Forms {
		old, _ := r.previous[f].(*Form)
		if old == nil {
			f.Number, f.NextField, f.NextIndex = r.nextForm(), record.FirstField, 1
		} else {
			f.Number, f.NextField, f.NextIndex = old.Number, old.NextField, old.NextIndex
		}
		for _, x := range f.Fields {
			if was, ok := r.previous[x].(*Field); ok {
				x.Number = was.Number
			} else {
				x.Number = f.NextField
				f.NextField++
			}
			if x.RecordOwner {
				f.OwnerField = x.Number
			}
			if x.Parent {
				f.ParentField = x.Number
			}
		}
	}
	for _, f := range r.app.Forms {
		for _, x := range f.Fields {
			if target, ok := r.target(x); ok {
				x.Target = target.Number
			}
		}
		old, _ := r.previous[f].(*Form)
		r.numberIndexes(f, old)
	}
}

func (r *resolver) nextForm() uint32 {
	if r.c.NextForm != nil {
		return r.c.NextForm()
	}
	highest := uint32(0)
	for _, a := range []*Application{r.app, r.c.Previous} {
		if a == nil {
			continue
		}
		for _, f := range a.Forms {
			highest = max(highest, f.Number)
		}
	}
	return highest + 1
}

// numberIndexes lists the rows that a form has: by owner; by value, and by owner
// and value, for lookups (of a list of references by each of them, without owner),
// indexed fields and the user fields of sharing rules; the guards of unique
// fields; and the words of searchable ones. A row that the previous version had
// keeps its number.
func (r *resolver) numberIndexes(f, old *Form) {
	rows := []Index{{Parts: []uint32{record.FieldOwner}}}
	for _, x := range f.Fields {
		switch {
		case x.Type.Refs(): // one entry for each reference
			rows = append(rows, Index{Parts: []uint32{x.Number}})
		case x.Indexed || x.Type == record.Lookup || r.sharedBy(f, x):
			rows = append(rows, Index{Parts: []uint32{x.Number}}, Index{Parts: []uint32{record.FieldOwner, x.Number}})
		}
		if x.Unique {
			rows = append(rows, Index{Parts: []uint32{x.Number}, Unique: true})
		}
		if x.Searchable {
			rows = append(rows, Index{Parts: []uint32{x.Number}, Words: words.Version})
		}
	}
	for i := range rows {
		if old != nil {
			rows[i].Number = sameIndex(old.Indexes, rows[i])
		}
		if rows[i].Number == 0 {
			rows[i].Number = f.NextIndex
			f.NextIndex++
		}
	}
	f.Indexes = rows
}

// sharedBy reports whether a sharing rule shares by the field, so that lists
// find the viewer's records without a scan.
func (r *resolver) sharedBy(f *Form, x *Field) bool {
	return slices.ContainsFunc(r.app.Sharing, func(s *SharingRule) bool { return s.Form == f.Name && s.Field == x.Name })
}

// sameIndex returns the number of an equal row, 0 for none.
func sameIndex(rows []Index, row Index) uint32 {
	for _, o := range rows {
		if o.Unique == row.Unique && o.Words == row.Words && slices.Equal(o.Parts, row.Parts) {
			return o.Number
		}
	}
	return 0
}
