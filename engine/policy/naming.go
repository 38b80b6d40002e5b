package policy

import "sluice/internal/record"

// NamesUsers reports whether the viewer may name people at all (A5a): write a
// user field of some form, give a record to another owner, or write comments,
// which mention people. Users are
// offered to nobody else.
func (s *Shape) NamesUsers() bool {
	for _, f := range s.Forms {
		if f.WriteComments || f.ChangesOwner() || f.writesUser() {
			return true
		}
	}
	return false
}

func (s *FormShape) writesUser() bool {
	if !s.Create && !s.CreateNested && !s.Edit {
		return false
	}
	for _, x := range s.Form.Fields {
		if (x.Type == record.User || x.Type == record.Users) && s.Writable.Has(x.Number) {
			return true
		}
	}
	return false
}
