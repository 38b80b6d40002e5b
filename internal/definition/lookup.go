package definition

import "sluice/internal/record"

// Form returns the form of that name.
func (a *Application) Form(name string) (*Form, bool) {
	for _, f := range a.Forms {
		if f.Name == name {
			return f, true
		}
	}
	return nil, false
}

// FormNumber returns the form of that number.
func (a *Application) FormNumber(n uint32) (*Form, bool) {
	for _, f := range a.Forms {
		if f.Number == n {
			return f, true
		}
	}
	return nil, false
}

// Report returns the report of that name.
func (a *Application) Report(name string) (*Report, bool) {
	for _, r := range a.Reports {
		if r.Name == name {
			return r, true
		}
	}
	return nil, false
}

// Role returns the role of that name.
func (a *Application) Role(name string) (*Role, bool) {
	for _, r := range a.Roles {
		if r.Name == name {
			return r, true
		}
	}
	return nil, false
}

// Set returns the permission set of that name, the built-in sets included.
func (a *Application) Set(name string) (*PermissionSet, bool) {
	for _, s := range a.Sets {
		if s.Name == name {
			return s, true
		}
	}
	return nil, false
}

// systemFields are the system fields as fields of every form; read only.
var systemFields = func() []*Field {
	var fs []*Field
	for _, f := range record.System {
		fs = append(fs, &Field{Field: f})
	}
	return fs
}()

// Field returns the form's own field or system field of that name.
func (f *Form) Field(name string) (*Field, bool) {
	for _, x := range f.Fields {
		if x.Name == name {
			return x, true
		}
	}
	for _, x := range systemFields {
		if x.Name == name {
			return x, true
		}
	}
	return nil, false
}

// FieldNumber returns the form's own field or system field of that number.
func (f *Form) FieldNumber(n uint32) (*Field, bool) {
	for _, x := range f.Fields {
		if x.Number == n {
			return x, true
		}
	}
	for _, x := range systemFields {
		if x.Number == n {
			return x, true
		}
	}
	return nil, false
}
