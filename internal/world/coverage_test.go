package world

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/oracle"
)

// worlds is how many worlds a test walks: all of them in a full run.
func worlds(full int) int {
	if os.Getenv("SLUICE_FULL") != "" {
		return full
	}
	return full / 20
}

var reasonNames = map[oracle.Why]string{
	oracle.AsAdmin: "admin", oracle.AsDeveloper: "developer", oracle.AllRight: "all right", oracle.Own: "own", oracle.Below: "below",
	oracle.RootOverNone: "root over no role", oracle.Peers: "peers", oracle.ShareGroup: "group rule", oracle.ShareCriteria: "criteria rule",
	oracle.ShareField: "field rule", oracle.ShareModule: "module", oracle.ThroughParent: "parent",
}

// minimum is how many of 10,000 worlds must hold each interesting thing.
var minimum = map[string]int{
	"view: admin": 2000, "view: developer": 1000, "view: all right": 1500, "view: own": 4000, "view: below": 1500, "view: root over no role": 500, "view: peers": 500,
	"view: group rule": 1500, "view: criteria rule": 500, "view: field rule": 400, "view: module": 500, "view: parent": 700,
	"edit: all right": 700, "edit: own": 3000, "edit: below": 1000, "edit: root over no role": 300, "edit: peers": 300,
	"edit: group rule": 500, "edit: criteria rule": 250, "edit: field rule": 200, "edit: module": 200, "edit: parent": 400,
	"delete: all right": 300, "delete: own": 2000, "delete: below": 700, "delete: root over no role": 200, "delete: peers": 200,
	"delete: group rule": 250, "delete: criteria rule": 100, "delete: field rule": 100, "delete: module": 100, "delete: parent": 250,
	"restrict removes": 800, "restrict removes from admins": 200, "fault spares the super admin": 50, "mask hides": 1000, "mask tells records apart": 500,
	"set caps a rule": 1000, "criteria cut reach": 500, "api access off": 500, "lookup out of reach": 1500, "pii hides": 1000,
	"inactive user's records in reach of others": 300, "deleted owner": 2000, "w1 by below": 700, "unmasks": 200,
	"where keeps some": 5000, "where through a lookup matters": 300,
}

// TestCoverage counts in how many worlds each kind of grant decides alone, and
// each kind of denial and redaction takes something away.
func TestCoverage(t *testing.T) {
	n := worlds(10_000)
	count := map[string]int{}
	for seed := range n {
		for what, happened := range seen(Random(uint64(seed), Small), uint64(seed)) {
			if happened {
				count[what]++
			}
		}
	}
	for what, least := range minimum {
		got := count[what] * 10_000 / n
		if got < least {
			t.Errorf("%s: in %d of 10,000 worlds, want %d", what, got, least)
		}
	}
	var lines []string
	for what, c := range count {
		lines = append(lines, fmt.Sprintf("%6d %s", c*10_000/n, what))
	}
	slices.Sort(lines)
	for _, l := range lines {
		t.Log(l)
	}
}

func seen(w *World, seed uint64) map[string]bool {
	is := map[string]bool{}
	for _, u := range w.Users {
		for _, f := range w.App.Forms {
			for _, r := range w.Records[f.Name] {
				seeGrants(w, u, f, r, is)
				seeDenials(w, u, f, r, is)
			}
			seeMasks(w, u, f, is)
			seeWhere(w, u, f, seed, is)
		}
	}
	return is
}

func seeGrants(w *World, u *oracle.User, f *definition.Form, r *oracle.Record, is map[string]bool) {
	for a, name := range map[definition.Action]string{definition.View: "view", definition.Edit: "edit", definition.Delete: "delete"} {
		why := oracle.Grants(w, u, a, f.Name, r)
		if reason, alone := reasonNames[why]; alone {
			is[name+": "+reason] = true
		}
	}
	if !oracle.MaySee(w, u, definition.View, f.Name, r) {
		return
	}
	owner := w.User(oracle.Owner(f, r))
	is["deleted owner"] = is["deleted owner"] || owner == nil
	if owner != nil && owner.Inactive && u.Kind == identity.Live {
		is["inactive user's records in reach of others"] = true
	}
	if u.Kind == identity.Live && owner != u && !hasRight(w, u, f, definition.ModifyAll) && oracle.MayChangeOwner(w, u, f.Name, r) {
		is["w1 by below"] = true
	}
	for _, field := range f.Fields {
		v, readable := oracle.Cell(w, u, f.Name, r, field.Name)
		if readable && v.IsNull() && !r.Cells[field.Name].IsNull() {
			is["lookup out of reach"] = true
		}
		if p := w.Set(u.Set); p != nil && p.Forms[f.Name] != nil && p.Forms[f.Name].Fields[field.Name] != definition.Hidden && oracle.Access(w, u, f.Name, field.Name) == definition.Hidden {
			is["pii hides"] = true
		}
	}
}

func hasRight(w *World, u *oracle.User, f *definition.Form, a definition.Action) bool {
	s := w.Set(u.Set)
	return s != nil && slices.ContainsFunc(w.App.Reports, func(r *definition.Report) bool {
		return r.Form == f.Name && slices.Contains(s.Reports[r.Name], a)
	})
}

// seeDenials asks again in worlds with one obstacle less.
func seeDenials(w *World, u *oracle.User, f *definition.Form, r *oracle.Record, is map[string]bool) {
	if u.Inactive || u.Kind == identity.Nobody || oracle.MaySee(w, u, definition.View, f.Name, r) {
		return
	}
	free := func(change func(*definition.Application)) bool {
		c, app := *w, *w.App
		change(&app)
		c.App = &app
		return oracle.MaySee(&c, u, definition.View, f.Name, r)
	}
	switch {
	case free(func(a *definition.Application) { a.Custom = shareOnly(a.Custom) }):
		is["restrict removes"] = true
		if u.Kind.Administers() || u.Kind == identity.Developer {
			is["restrict removes from admins"] = true
		}
	case u.Credential == identity.PersonalToken:
		session := *u
		session.Credential = identity.Session
		is["api access off"] = is["api access off"] || oracle.MaySee(w, &session, definition.View, f.Name, r)
	case free(func(a *definition.Application) { a.Reports = withoutCriteria(a.Reports) }):
		is["criteria cut reach"] = true
	case len(w.App.Sharing) > 0 && free(func(a *definition.Application) { a.Sets = widened(a.Sets, f.Plural) }):
		is["set caps a rule"] = true
	}
}

func shareOnly(rules []*definition.CustomRule) (out []*definition.CustomRule) {
	for _, c := range rules {
		if c.Effect != definition.Restrict {
			out = append(out, c)
		}
	}
	return out
}

func withoutCriteria(reports []*definition.Report) (out []*definition.Report) {
	for _, r := range reports {
		c := *r
		c.Criteria = nil
		out = append(out, &c)
	}
	return out
}

func widened(sets []*definition.PermissionSet, report string) (out []*definition.PermissionSet) {
	for _, s := range sets {
		c := *s
		c.Reports = map[string][]definition.Action{report: {definition.View}}
		out = append(out, &c)
	}
	return out
}

func seeMasks(w *World, u *oracle.User, f *definition.Form, is map[string]bool) {
	rows := oracle.ListForm(w, u, f.Name)
	for _, name := range oracle.Visible(w, u, f.Name) {
		hidden, open := 0, 0
		for _, id := range rows {
			if _, readable := oracle.Cell(w, u, f.Name, w.Find(f.Name, id), name); readable {
				open++
			} else {
				hidden++
			}
		}
		is["mask hides"] = is["mask hides"] || hidden > 0
		is["mask tells records apart"] = is["mask tells records apart"] || hidden > 0 && open > 0
	}
	for i := 1; i < len(rows) && !is["unmasks"]; i++ {
		is["unmasks"] = oracle.Unmasks(w, u, f.Name, w.Find(f.Name, rows[i-1]), w.Find(f.Name, rows[i]))
	}
	if u.Kind == identity.SuperAdmin {
		for _, r := range w.Records[f.Name] {
			admin := *u
			admin.Kind = identity.Admin
			if oracle.MaySee(w, u, definition.View, f.Name, r) != oracle.MaySee(w, &admin, definition.View, f.Name, r) {
				is["fault spares the super admin"] = true
			}
		}
	}
}

func seeWhere(w *World, u *oracle.User, f *definition.Form, seed uint64, is map[string]bool) {
	rnd := rand.New(rand.NewPCG(seed, 7))
	all := oracle.ListForm(w, u, f.Name)
	if len(all) < 2 {
		return
	}
	where := RandomWhere(w, rnd, f.Name, VisibleTo(w, u))
	some := oracle.List(w, u, f.Name, where, nil)
	if len(some) == 0 || len(some) == len(all) {
		return
	}
	is["where keeps some"] = true
	for _, name := range named(where) {
		if field, _ := oracle.Field(f, name); field.Target != 0 {
			is["where through a lookup matters"] = true
		}
	}
}
