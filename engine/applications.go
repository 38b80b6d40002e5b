package engine

import (
	"context"
	"strings"

	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/storage"
)

// Applications returns the applications that the principal has a place in,
// ascending by name; all of them for admins. One that the credential does not
// open (B1) is left out, as one without a place there is.
func (e *Engine) Applications(_ context.Context, p identity.Principal) ([]Summary, error) {
	var out []Summary
	err := e.manage(p, func(r storage.Reader, people *directory.People) error {
		names, err := applicationNames(r)
		if err != nil {
			return err
		}
		for _, name := range names {
			s, ok, err := e.summary(r, people, p, name)
			switch {
			case fault.KindOf(err) == fault.Forbidden && err != nil:
			case err != nil:
				return err
			case ok:
				out = append(out, s)
			}
		}
		return nil
	})
	return out, err
}

// Application returns one of the applications that the principal has a place
// in, false for every other name, and Forbidden for one that the credential does
// not open (B1).
func (e *Engine) Application(_ context.Context, p identity.Principal, name string) (Summary, bool, error) {
	var s Summary
	var ok bool
	err := e.manage(p, func(r storage.Reader, people *directory.People) (err error) {
		s, ok, err = e.summary(r, people, p, name)
		return err
	})
	return s, ok, err
}

func (e *Engine) summary(r storage.Reader, people *directory.People, p identity.Principal, name string) (Summary, bool, error) {
	v, placed := people.Viewer(p, name)
	if !placed {
		return Summary{}, false, nil
	}
	ptr, ok, err := readPointer(r, name)
	if err != nil || !ok {
		return Summary{}, false, err
	}
	if err := e.opens(r, v, name); err != nil {
		return Summary{}, false, err
	}
	out := Summary{Name: name, Version: ptr.Active}
	if people.MayDefine(p, name) == nil {
		out.Quarantined, err = quarantinedRules(r, name)
	}
	return out, true, err
}

// opens reports whether the viewer's credential opens the application: a token
// of somebody whose set has API access off does not (B1).
func (e *Engine) opens(r storage.Reader, v identity.Viewer, name string) error {
	if v.Credential == identity.Session || v.PermissionSet == "" {
		return nil
	}
	def, err := e.active(r, name)
	if err != nil {
		return err
	}
	if set, ok := def.Set(v.PermissionSet); ok && !set.APIAccess {
		return fault.New(fault.Forbidden, "engine.Application", "API access is switched off for your permission set")
	}
	return nil
}

// applicationNames lists the tenant's applications, ascending.
func applicationNames(r storage.Reader) ([]string, error) {
	c := r.Docs(spaceDefinition, pointerKey(""))
	defer c.Close()
	var names []string
	for c.Next() {
		names = append(names, strings.TrimPrefix(c.Key(), pointerKey("")))
	}
	return names, c.Err()
}
