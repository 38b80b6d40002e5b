package definition

import "slices"

// The built-in sets (B5, A12). They hide personal data and health information,
// and fields so marked: whoever needs those writes a set that names them. Read
// and Write cannot be redefined; Customer can, as a portal set.
const (
	ReadSet     = "Read"
	WriteSet    = "Write"
	CustomerSet = "Customer"
)

func (r *resolver) builtIn(name string) *PermissionSet {
	s := &PermissionSet{
		Name: name, APIAccess: true, Portal: name == CustomerSet,
		Forms: map[string]*FormPermission{}, Reports: map[string][]Action{},
	}
	access, actions := ReadOnly, []Action{View}
	switch name {
	case ReadSet:
		s.Description = "Built in: sees own reach."
	case WriteSet:
		s.Description = "Built in: sees, adds and changes within own reach."
		access, actions = Writable, []Action{View, Edit}
	case CustomerSet:
		s.Description = "Built in, for portal users: sees every record."
		actions = []Action{View, ViewAll}
	}
	for _, f := range r.app.Forms {
		p := &FormPermission{Fields: systemAccess()}
		if name == WriteSet {
			p.Actions = []Action{Access}
		}
		for _, x := range f.Fields {
			if !x.PII && !x.EPHI {
				p.Fields[x.Name] = access
			}
		}
		s.Forms[f.Name] = p
	}
	for _, p := range r.app.Reports {
		s.Reports[p.Name] = append([]Action(nil), actions...)
	}
	if name == WriteSet {
		for _, p := range r.app.Pages {
			s.Pages = append(s.Pages, p.Name)
		}
		slices.Sort(s.Pages)
	}
	return s
}
