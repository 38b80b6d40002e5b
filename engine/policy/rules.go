package policy

import (
	"errors"
	"fmt"
	"slices"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// group is a compiled definition.Group. The zero group is nobody, and so is a
// user whose address was not known.
type group struct {
	user record.ID
	span span
}

func (g group) has(user record.ID, pos int32) bool {
	return !g.user.IsZero() && g.user == user || g.span.has(pos)
}

// sharing is one compiled sharing rule. Where neither criteria nor audience is
// set it shares the records of from, who may be nobody.
type sharing struct {
	def      *definition.SharingRule
	from     group
	criteria *Criteria
	audience *Audience
	to       group
}

func (p *Policy) compileGroup(g definition.Group) (group, error) {
	switch {
	case g.User != "" && g.Role == "" && !g.Subordinates:
		return group{user: p.app.Users[g.User]}, nil
	case g.User == "" && g.Role != "":
		pos, ok := p.roles.at[g.Role]
		if !ok {
			return group{}, fmt.Errorf("role %q does not exist", g.Role)
		}
		if g.Subordinates {
			return group{span: p.roles.subtree(pos)}, nil
		}
		return group{span: span{pos, pos + 1}}, nil
	}
	return group{}, errors.New("a group names either a user or a role")
}

func (p *Policy) compileSharing() error {
	for i, d := range p.app.Sharing {
		if d == nil {
			return fmt.Errorf("sharing rule %d is missing", i)
		}
		at, ok := p.nameAt[d.Form]
		if !ok {
			return fmt.Errorf("sharing rule %q: form %q does not exist", d.Name, d.Form)
		}
		s, err := p.compileSharingRule(p.forms[at].def, d)
		if err != nil {
			return fmt.Errorf("sharing rule %q: %w", d.Name, err)
		}
		p.forms[at].sharing = append(p.forms[at].sharing, s)
	}
	return nil
}

func (p *Policy) compileSharingRule(form *definition.Form, d *definition.SharingRule) (*sharing, error) {
	if d.Level < definition.Read || d.Level > definition.ReadWriteDelete {
		return nil, errors.New("unknown level")
	}
	sources := 0
	for _, given := range []bool{d.From != definition.Group{}, d.Criteria != nil, d.Field != ""} {
		if given {
			sources++
		}
	}
	if sources != 1 {
		return nil, errors.New("exactly one of from, criteria and field is expected")
	}
	s := &sharing{def: d}
	var err error
	switch {
	case d.Field != "":
		if (d.To != definition.Group{}) {
			return nil, errors.New("a field rule shares with those whom the field names")
		}
		f, ok := fieldNamed(form, d.Field)
		if !ok || f.Type != record.User && f.Type != record.Users {
			return nil, fmt.Errorf("field %q is not a user field", d.Field)
		}
		s.audience = &Audience{Field: f}
		return s, nil
	case d.Criteria != nil:
		s.criteria, err = compileCriteria(form, d.Criteria)
	default:
		s.from, err = p.compileGroup(d.From)
	}
	if err != nil {
		return nil, err
	}
	s.to, err = p.compileGroup(d.To)
	return s, err
}

// custom is one compiled place for a module with whom it concerns (H3).
type custom struct {
	def        *definition.CustomRule
	everyone   bool // every live and portal user
	users      []record.ID
	fields     record.FieldSet                       // those that a mask may hide
	numbers    []uint32                              // the same, listed
	byLevel    [definition.ReadWriteDelete + 1]*Rule // of a Share, nil above its cap
	keptByRule *Kept                                 // of a Restrict
}

// unmaskable are the system fields that every reader of a record sees (H5).
var unmaskable = record.FieldSetOf(record.FieldID, record.FieldVersion, record.FieldAddedTime, record.FieldModifiedTime)

func (p *Policy) compileCustom() error {
	for i, d := range p.app.Custom {
		if d == nil {
			return fmt.Errorf("custom rule %d is missing", i)
		}
		at, ok := p.nameAt[d.Form]
		if !ok {
			return fmt.Errorf("custom rule %q: form %q does not exist", d.Name, d.Form)
		}
		c, err := p.compileCustomRule(p.forms[at].def, d)
		if err != nil {
			return fmt.Errorf("custom rule %q: %w", d.Name, err)
		}
		p.forms[at].custom = append(p.forms[at].custom, c)
	}
	return nil
}

func (p *Policy) compileCustomRule(form *definition.Form, d *definition.CustomRule) (*custom, error) {
	c := &custom{def: d, everyone: len(d.Roles)+len(d.Sets)+len(d.Users) == 0}
	for _, name := range d.Roles {
		if _, ok := p.roles.at[name]; !ok {
			return nil, fmt.Errorf("role %q does not exist", name)
		}
	}
	for _, address := range d.Users {
		if id := p.app.Users[address]; !id.IsZero() {
			c.users = append(c.users, id)
		}
	}
	switch d.Effect {
	case definition.Share:
		return c, c.compileLevels()
	case definition.Restrict:
		c.keptByRule = &Kept{Rule: d}
		return c, nil
	case definition.Mask:
		return c, c.compileFields(form)
	}
	return nil, errors.New("unknown effect")
}

func (c *custom) compileLevels() error {
	if c.def.MaxLevel > definition.ReadWriteDelete {
		return errors.New("unknown level")
	}
	for l := definition.Read; l <= c.def.MaxLevel; l++ {
		c.byLevel[l] = &Rule{Rule: c.def, Level: l}
	}
	return nil
}

func (c *custom) compileFields(form *definition.Form) error {
	for _, name := range c.def.Fields {
		f, ok := fieldNamed(form, name)
		if !ok || unmaskable.Has(f.Number) {
			return fmt.Errorf("field %q does not exist or cannot be masked", name)
		}
		c.numbers = append(c.numbers, f.Number)
	}
	c.fields = record.FieldSetOf(c.numbers...)
	return nil
}

// concerns reports whether the viewer is subject to the rule (H3, H7).
func (c *custom) concerns(v *identity.Viewer) bool {
	if v.Kind != identity.Live && v.Kind != identity.Portal {
		full := v.Kind.Administers() || v.Kind == identity.Developer
		return full && c.def.Effect == definition.Restrict && c.def.BindsAdmins
	}
	return c.everyone ||
		v.Role != "" && slices.Contains(c.def.Roles, v.Role) ||
		v.PermissionSet != "" && slices.Contains(c.def.Sets, v.PermissionSet) ||
		slices.Contains(c.users, v.User)
}
