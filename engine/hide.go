package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
	"sluice/storage"
)

// hideDoc is what is stored of a hide. The filter is kept as its author wrote it,
// with the numbers of the fields that its names meant then: a rename keeps it,
// and a dropped field leaves a filter that cannot be read, which hides every
// record of its author.
type hideDoc struct {
	Where  map[string]any    `json:"where"`
	Fields map[string]uint32 `json:"fields"`
	Since  time.Time         `json:"since"`
}

func hidePrefix(application string) string { return application + "/" }

func hideFormPrefix(application string, form uint32) string {
	return fmt.Sprintf("%s%010d/", hidePrefix(application), form)
}

func hideKey(application string, form uint32, owner record.ID) string {
	return hideFormPrefix(application, form) + owner.String()
}

// hide is a stored hide, compiled against the active definition. A nil criteria
// is one that cannot be read any more.
type hide struct {
	form     *form
	owner    record.ID
	doc      hideDoc
	criteria *policy.Criteria
}

// namedScope reads names of a form's own fields. It notes what each name meant,
// or where it is given meanings goes by those alone.
type namedScope struct {
	form  *form
	meant map[string]uint32
	fixed bool
}

func (s namedScope) Field(name string) (record.Field, bool) {
	if s.fixed {
		f, ok := s.form.field(s.meant[name])
		if !ok {
			return record.Field{}, false
		}
		return *f, true
	}
	f, ok := s.form.def.Field(name)
	if !ok {
		return record.Field{}, false
	}
	s.meant[name] = f.Number
	return f.Field, true
}

func (namedScope) Related(record.Field) (filter.Scope, bool) { return nil, false }

// newHide checks a filter over the form's own fields.
func newHide(f *form, owner record.ID, where map[string]any) (*hide, []filter.Fault) {
	h := &hide{form: f, owner: owner, doc: hideDoc{Where: where, Fields: map[string]uint32{}}}
	e, faults := filter.Parse(where, namedScope{form: f, meant: h.doc.Fields}, filter.Options{})
	if len(faults) > 0 {
		return nil, faults
	}
	h.criteria = &policy.Criteria{Expr: e, Program: filter.Compile(e)}
	return h, nil
}

// readHide reads a stored hide. Whatever is wrong with it hides.
func readHide(f *form, owner record.ID, b []byte) *hide {
	h := &hide{form: f, owner: owner}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&h.doc); err != nil || h.doc.Where == nil {
		h.doc = hideDoc{}
		return h
	}
	e, faults := filter.Parse(h.doc.Where, namedScope{form: f, meant: h.doc.Fields, fixed: true}, filter.Options{})
	if len(faults) == 0 {
		h.criteria = &policy.Criteria{Expr: e, Program: filter.Compile(e)}
	}
	return h
}

// readHides returns the hides of an application, ascending by form and owner.
// Those of forms that are gone hide nothing.
func readHides(r storage.Reader, app *application) ([]*hide, error) {
	var out []*hide
	prefix := hidePrefix(app.def.Name)
	c := r.Docs(spaceHide, prefix)
	defer c.Close()
	for c.Next() {
		number, owner, ok := parseHideKey(strings.TrimPrefix(c.Key(), prefix))
		if !ok {
			return nil, fault.New(fault.Unavailable, "engine.load", "what is hidden in application %s is damaged; access to it is denied", app.def.Name)
		}
		if f := app.forms[number]; f != nil {
			out = append(out, readHide(f, owner, c.Value()))
		}
	}
	return out, c.Err()
}

func parseHideKey(rest string) (form uint32, owner record.ID, ok bool) {
	number, id, found := strings.Cut(rest, "/")
	if _, err := fmt.Sscanf(number, "%d", &form); !found || err != nil || form == 0 {
		return 0, record.ID{}, false
	}
	owner, err := record.ParseID(id)
	return form, owner, err == nil && !owner.IsZero()
}

// hidesFor returns what policy has to know of the application's hides.
func (app *application) hidesFor(people *directory.People) []policy.Hide {
	if len(app.hides) == 0 {
		return nil
	}
	out := make([]policy.Hide, len(app.hides))
	for i, h := range app.hides {
		out[i] = policy.Hide{Form: h.form.def.Number, Owner: h.owner, Criteria: h.criteria, Lapsed: lapsed(people, h.owner)}
	}
	return out
}

// lapsed reports whether a user is no active admin: deactivated, demoted or
// deleted (G2).
func lapsed(people *directory.People, user record.ID) bool {
	u, ok := people.User(user)
	return !ok || u.Status != directory.Active || !u.Admin.Administers()
}

// text returns the filter under the names that its fields have now; a field that
// is gone keeps the name that it had.
func (h *hide) text() map[string]any {
	return h.renamed(h.doc.Where)
}

func (h *hide) renamed(where map[string]any) map[string]any {
	if where == nil {
		return nil
	}
	out := make(map[string]any, len(where))
	for key, v := range where {
		switch key {
		case "and", "or":
			l, _ := v.([]any)
			renamed := make([]any, len(l))
			for i, x := range l {
				m, _ := x.(map[string]any)
				renamed[i] = h.renamed(m)
			}
			out[key] = renamed
		case "not":
			m, _ := v.(map[string]any)
			out[key] = h.renamed(m)
		default:
			if f, ok := h.form.field(h.doc.Fields[key]); ok {
				key = f.Name
			}
			out[key] = v
		}
	}
	return out
}

// dropHides forgets the hides of forms that a new version drops; their numbers
// are never given again.
func dropHides(txn *storage.Txn, prev, next *definition.Application) error {
	if prev == nil {
		return nil
	}
	for _, f := range prev.Forms {
		if _, stays := next.FormNumber(f.Number); stays {
			continue
		}
		keys := map[string]bool{}
		c := txn.Docs(spaceHide, hideFormPrefix(prev.Name, f.Number))
		for c.Next() {
			keys[c.Key()] = true
		}
		err := c.Err()
		c.Close()
		if err != nil {
			return err
		}
		for key := range maps.Keys(keys) {
			if err := txn.PutDoc(spaceHide, key, nil); err != nil {
				return err
			}
		}
	}
	return nil
}
