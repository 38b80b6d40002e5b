package engine

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
	"sluice/storage"
	"sluice/storage/memstore"
)

const password = "correct horse"

// inhabited is a stage whose people are in the directory and signed in, so that
// Engine.Read and Engine.Write run as they do for a server.
type inhabited struct {
	*stage
	as map[record.ID]identity.Principal // nobody inactive
	d  *directory.Directory
}

// inhabit gives the people of a world to a directory, which gives them new ids,
// and stores the world.
func inhabit(tb testing.TB, w *world.World) *inhabited { return inhabitAt(tb, w, time.Now) }

// inhabitAt is inhabit by another clock.
func inhabitAt(tb testing.TB, w *world.World, now func() time.Time) *inhabited {
	tb.Helper()
	ctx := tb.Context()
	store, err := storage.New(memstore.NewDriver(), &storage.Options{Now: now})
	must(tb, err)
	d := directory.New(store, &directory.Options{HashMemory: 64, Now: now})
	tenant, super, err := d.CreateOrganization(ctx, "zylker", directory.NewUser{Email: w.Users[0].Email, DisplayName: "Super", Password: password})
	must(tb, err)
	ids := map[record.ID]record.ID{w.Users[0].ID: super}
	root := signIn(tb, d, tenant, super, identity.Session)
	for _, u := range w.Users[1:] {
		id, err := d.AddUser(ctx, root, directory.NewUser{Email: u.Email, DisplayName: "Somebody", Password: password, Admin: u.Kind == identity.Admin})
		must(tb, err)
		ids[u.ID] = id
		if u.Kind == identity.Live || u.Kind == identity.Portal || u.Kind == identity.Developer {
			a := directory.Assignment{User: id, Application: w.App.Name, Kind: u.Kind, Role: u.Role, PermissionSet: u.Set, Attributes: u.Attributes}
			if u.Kind == identity.Developer {
				a.Tools = identity.AllTools
			}
			must(tb, d.Assign(ctx, root, a, nil))
		}
	}
	rename(w, ids)
	as := map[record.ID]identity.Principal{}
	for _, u := range w.Users {
		if !u.Inactive {
			as[u.ID] = signIn(tb, d, tenant, u.ID, u.Credential)
			continue
		}
		must(tb, d.SetActive(ctx, root, u.ID, false))
	}
	h := &inhabited{stage: newStageOn(tb, w, store, tenant), as: as, d: d}
	h.e.o.Directory, h.e.o.Now = d, now
	h.define()
	return h
}

// define stores what the engine reads of an application: the definition, the
// modules that fill its rules, and the hides.
func (h *inhabited) define() {
	name := h.w.App.Name
	def, err := definition.Marshal(h.w.App)
	must(h.tb, err)
	docs := []struct {
		space storage.Space
		key   string
		value any
	}{{spaceDefinition, pointerKey(name), pointer{Active: h.w.App.Version, Last: h.w.App.Version}}}
	add := func(space storage.Space, key string, v any) {
		docs = append(docs, struct {
			space storage.Space
			key   string
			value any
		}{space, key, v})
	}
	for rule, b := range h.app.bindings {
		hash := hex.EncodeToString(b.hash[:])
		add(spaceModule, moduleKey(name, hash), moduleDoc{Name: rule.Name, Manifest: b.manifest})
		add(spaceModule, moduleBytesKey(name, hash), "not looked at")
		add(spaceBinding, bindingKey(name, rule.Name), bindingState{Module: hash, Active: true})
	}
	for _, x := range h.app.hides {
		add(spaceHide, hideKey(name, x.form.def.Number, x.owner), x.doc)
	}
	must(h.tb, h.tenant.Update(h.tb.Context(), storage.Meta{Operation: "define"}, func(txn *storage.Txn) error {
		for _, d := range docs {
			b, err := json.Marshal(d.value)
			if err != nil {
				return err
			}
			if err := txn.PutDoc(d.space, d.key, b); err != nil {
				return err
			}
		}
		if err := txn.PutDoc(spaceDefinition, versionKey(name, h.w.App.Version), def); err != nil {
			return err
		}
		return txn.BumpEpoch()
	}))
}

func signIn(tb testing.TB, d *directory.Directory, tenant identity.Tenant, user record.ID, kind identity.Credential) identity.Principal {
	tb.Helper()
	token, err := d.OpenSession(tb.Context(), tenant, user)
	must(tb, err)
	p, err := d.Authenticate(tb.Context(), token)
	must(tb, err)
	if kind == identity.PersonalToken {
		token, _, err = d.CreateToken(tb.Context(), p, "test", 0)
		must(tb, err)
		p, err = d.Authenticate(tb.Context(), token)
		must(tb, err)
	}
	return p
}

// rename gives the users of a world other ids, wherever those stand.
func rename(w *world.World, ids map[record.ID]record.ID) {
	to := func(id record.ID) record.ID {
		if n, ok := ids[id]; ok {
			return n
		}
		return id
	}
	for _, u := range w.Users {
		u.ID = to(u.ID)
	}
	for address, id := range w.App.Users {
		w.App.Users[address] = to(id)
	}
	for _, f := range w.App.Forms {
		for _, r := range w.Records[f.Name] {
			r.Owner, r.AddedBy, r.ModifiedBy = to(r.Owner), to(r.AddedBy), to(r.ModifiedBy)
			for name, v := range r.Cells {
				if v.Kind() == record.KindRef {
					r.Cells[name] = record.Ref(to(v.Ref()))
				}
				if refs := v.Refs(); len(refs) > 0 {
					for i := range refs {
						refs[i] = to(refs[i])
					}
					r.Cells[name] = record.Refs(refs...)
				}
			}
		}
	}
	for _, h := range w.Hides {
		h.Admin = to(h.Admin)
	}
	for _, s := range w.Saved {
		s.Maker = to(s.Maker)
	}
	renameCriteria(w, ids)
}

// renameCriteria replaces ids in the filters of reports, rules and hides.
func renameCriteria(w *world.World, ids map[record.ID]record.ID) {
	text := map[string]string{}
	for from, to := range ids {
		text[from.String()] = to.String()
	}
	var walk func(x any) any
	walk = func(x any) any {
		switch x := x.(type) {
		case string:
			if to, ok := text[x]; ok {
				return to
			}
		case []any:
			for i := range x {
				x[i] = walk(x[i])
			}
		case map[string]any:
			for k := range x {
				x[k] = walk(x[k])
			}
		}
		return x
	}
	for _, r := range w.App.Reports {
		walk(r.Criteria)
	}
	for _, r := range w.App.Sharing {
		walk(r.Criteria)
	}
	for _, h := range w.Hides {
		walk(h.Where)
	}
	for _, r := range w.Saved {
		walk(r.Criteria)
	}
}

// actors are the users who can sign in and have a place.
func (h *inhabited) actors() []*oracle.User {
	return slices.DeleteFunc(slices.Clone(h.w.Users), func(u *oracle.User) bool {
		return u.Inactive || u.Kind == identity.Nobody
	})
}
