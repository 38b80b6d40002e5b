package engine

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// judgement is what a document would do, seen from one snapshot.
type judgement struct {
	ptr        pointer
	prev, next *definition.Application // prev is nil for a new application
	forms      uint32                  // the highest form number after it
	faults     []definition.Fault
	findings   []definition.Finding
	unchanged  bool
}

func (j *judgement) applied() Applied {
	if len(j.faults) > 0 {
		return Applied{Faults: j.faults}
	}
	return Applied{Application: j.next, Unchanged: j.unchanged, Findings: j.findings}
}

// Check says what Apply would say of a document, and changes nothing. What takes
// a visit to the stored records (a field that becomes required or unique) is a
// finding of kind STORED_RECORDS here and a fault of Apply where they do not fit;
// permission tests are run by Apply alone, and are a finding of kind TESTS_TO_RUN.
// Errors are those of Apply.
func (e *Engine) Check(_ context.Context, p identity.Principal, source []byte, allowDrop bool) (*Applied, error) {
	name, faults := definition.Name(source)
	if len(faults) > 0 {
		return &Applied{Faults: faults}, nil
	}
	var out Applied
	err := e.manage(p, func(r storage.Reader, people *directory.People) error {
		j, err := e.judge(r, people, p, name, source, allowDrop)
		if err == nil {
			out = j.applied()
			out.Findings = append(out.Findings, testsToRun(j)...)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// judge resolves a document against the active version and checks it.
func (e *Engine) judge(r storage.Reader, people *directory.People, p identity.Principal, name string, source []byte, allowDrop bool) (*judgement, error) {
	ptr, exists, err := readPointer(r, name)
	if err != nil {
		return nil, err
	}
	if err := mayPropose(people, p, name, exists); err != nil {
		return nil, err
	}
	if ptr.Preparing != 0 {
		return nil, fault.New(fault.Conflict, "engine.Apply", "another version of application %s is being prepared; try again when it is done", name)
	}
	j := &judgement{}
	if exists {
		if j.prev, err = readDefinition(r, name, ptr.Active); err != nil {
			return nil, err
		}
		ptr.raise(j.prev)
	}
	if j.forms, err = readCounter(r); err != nil {
		return nil, err
	}
	j.ptr = ptr
	j.next, j.faults = definition.Resolve(source, definition.Context{
		Previous: j.prev, AllowDrop: allowDrop,
		NextForm: func() uint32 { j.forms++; return j.forms },
		Users: func(address string) (record.ID, bool) {
			u, ok := people.ByEmail(address)
			if !ok {
				return record.ID{}, false
			}
			return u.ID, true
		},
	})
	if len(j.faults) > 0 {
		return j, nil
	}
	bound, err := readBound(r, j.next)
	if err != nil {
		return nil, err
	}
	if j.faults = append(attributeFaults(j.prev, j.next, people), boundFaults(j.next, bound)...); len(j.faults) > 0 {
		return j, nil
	}
	pages, err := e.pageFindings(p, j)
	if err != nil || len(j.faults) > 0 {
		return j, err
	}
	j.next.Version = ptr.next()
	if j.unchanged, err = sameVersion(j.prev, j.next); err != nil {
		return nil, err
	}
	if j.unchanged {
		j.next.Version = ptr.Active
	}
	j.findings = append(j.next.Check(j.surroundings(people, p, name, bound)), append(pages, storedFindings(j.prev, j.next)...)...)
	return j, nil
}

// sameVersion reports whether two versions differ in nothing but their number.
func sameVersion(prev, next *definition.Application) (bool, error) {
	if prev == nil || prev.Source != next.Source {
		return false, nil
	}
	twin := *next
	twin.Version = prev.Version
	was, err := definition.Marshal(prev)
	if err != nil {
		return false, err
	}
	is, err := definition.Marshal(&twin)
	return bytes.Equal(was, is), err
}

// boundModule is what fills a custom rule; its module is nil where nothing does.
type boundModule struct {
	module      *storedModule
	active      bool
	quarantined bool
	fallback    *storedModule // nil for none
	standsIn    bool          // the fallback decides
}

// readBound returns the modules that fill the rules of a definition, and their fallbacks; one that waits
// beside a deciding one does not count, and has to fit when it is activated. A
// rule that is new has none, whatever was bound to an older one of its name.
func readBound(r storage.Reader, next *definition.Application) (map[string]boundModule, error) {
	out := map[string]boundModule{}
	for _, rule := range next.Custom {
		s, err := readBinding(r, next.Name, rule.Name)
		if err != nil {
			return nil, err
		}
		if s.filling() == "" {
			continue
		}
		m, err := readModule(r, next.Name, s.filling())
		if err != nil {
			return nil, err
		}
		fallback, err := readModule(r, next.Name, s.Fallback)
		if err != nil {
			return nil, err
		}
		if m != nil {
			out[rule.Name] = boundModule{m, s.Active, s.quarantine(s.filling()) != nil, fallback, s.standsIn() && !s.denies()}
		}
	}
	return out, nil
}

// surroundings is what the check may tell this reader of people and modules.
func (j *judgement) surroundings(people *directory.People, p identity.Principal, name string, bound map[string]boundModule) definition.Surroundings {
	inputs := map[string]definition.Input{}
	for rule, b := range bound {
		in := definition.Input{Active: b.active, Quarantined: b.quarantined, StandIn: b.standsIn}
		for _, m := range []*storedModule{b.module, b.fallback} {
			if m == nil {
				continue
			}
			for _, c := range m.manifest.Record {
				if !slices.Contains(in.Fields, c.Name) {
					in.Fields = append(in.Fields, c.Name)
				}
			}
		}
		inputs[rule] = in
	}
	return definition.Surroundings{
		Previous: j.prev,
		Standing: func(address string) definition.Standing { return standingOf(people, address, name) },
		Holdings: holdings(people, name), Inputs: inputs, Directory: people.MayOpen(p) == nil,
	}
}

func standingOf(people *directory.People, address, application string) definition.Standing {
	u, ok := people.ByEmail(address)
	if !ok {
		return definition.UnknownUser
	}
	_, placed := people.Assignment(u.ID, application)
	switch {
	case u.Status == directory.Inactive:
		return definition.InactiveUser
	case placed || u.Admin.Administers():
		return definition.PlacedUser
	}
	return definition.OutsideUser
}

// holdings counts the users of an application by role and set. Those who are not
// active keep both.
func holdings(people *directory.People, application string) []definition.Holding {
	index := map[[2]string]int{}
	var out []definition.Holding
	for _, u := range people.Users() {
		a, ok := people.Assignment(u.ID, application)
		if !ok || a.Kind != identity.Live && a.Kind != identity.Portal {
			continue
		}
		key := [2]string{a.Role, a.PermissionSet}
		i, known := index[key]
		if !known {
			i = len(out)
			index[key] = i
			out = append(out, definition.Holding{Role: a.Role, Set: a.PermissionSet})
		}
		out[i].Users++
	}
	return out
}

// storedFindings says what applying asks of the stored records.
func storedFindings(prev, next *definition.Application) (out []definition.Finding) {
	for _, w := range workOf(prev, next) {
		var parts []string
		for _, f := range w.required {
			parts = append(parts, fmt.Sprintf("every record has a value in %s", f.Name))
		}
		if len(w.build) > 0 {
			parts = append(parts, fmt.Sprintf("%d indexes can be built", len(w.build)))
		}
		if w.empty {
			parts = append(parts, "no record is stored, since the owner field changes")
		}
		out = append(out, definition.Finding{
			Kind: definition.StoredRecords, Severity: definition.Info, Path: "forms." + w.form.Name,
			Msg: "applying visits the stored records to see that " + strings.Join(parts, " and that "),
			Fix: "nothing, where they fit; else correct the records first",
		})
	}
	return out
}
