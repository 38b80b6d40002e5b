package world

import (
	"fmt"
	"slices"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/oracle"
)

// obstacle is a world, or a user, that differs from the true one in a single
// thing which may stand in the way.
type obstacle struct {
	name string
	w    *World
	u    *oracle.User
}

// obstacles takes each away on its own.
func obstacles(w *World, u *oracle.User) (out []obstacle) {
	add := func(name string, w *World, u *oracle.User) { out = append(out, obstacle{name, w, u}) }
	app := func(change func(*definition.Application)) *World { return with(w, change) }
	user := func(change func(*oracle.User)) *oracle.User {
		c := *u
		change(&c)
		return &c
	}
	add("restrict removes", app(func(a *definition.Application) { a.Custom = shareOnly(a.Custom) }), u)
	add("criteria cut reach", app(func(a *definition.Application) { a.Reports = withoutCriteria(a.Reports) }), u)
	add("api access off", w, user(func(u *oracle.User) { u.Credential = identity.Session }))
	add("inactive", w, user(func(u *oracle.User) { u.Inactive = false }))
	if !w.App.Hierarchy {
		add("hierarchy off", app(func(a *definition.Application) { a.Hierarchy = true }), u)
	}
	for kind, hides := range byStanding(w) {
		open := *w
		open.Hides = slices.DeleteFunc(slices.Clone(w.Hides), func(h *oracle.Hide) bool { return slices.Contains(hides, h) })
		add("hide of "+kind, &open, u)
	}
	return out
}

// byStanding sorts the hides of a world by what their authors are now.
func byStanding(w *World) map[string][]*oracle.Hide {
	out := map[string][]*oracle.Hide{}
	for _, h := range w.Hides {
		kind, by := "deleted", w.User(h.Admin)
		if by != nil {
			switch kind = "demoted to " + by.Kind.String(); {
			case by.Kind.Administers() && by.Inactive:
				kind = "inactive"
			case by.Kind.Administers():
				kind = by.Kind.String()
			}
		}
		out[kind] = append(out[kind], h)
	}
	return out
}

// seeDenials asks again without each obstacle: what lets the user in then was
// the only thing in the way.
func seeDenials(w *World, u *oracle.User, f *definition.Form, r *oracle.Record, lifts []obstacle, is map[string]bool) {
	if u.Kind == identity.Nobody {
		return
	}
	if oracle.MaySee(w, u, definition.View, f.Name, r) {
		seeLapsed(w, u, f, r, is)
		return
	}
	owner := oracle.Owner(f, r)
	for _, o := range lifts {
		if !oracle.MaySee(o.w, o.u, definition.View, f.Name, r) {
			continue
		}
		is[o.name] = true
		if o.name == "restrict removes" && (u.Kind.Administers() || u.Kind == identity.Developer) {
			is["restrict removes from admins"] = true
		}
		if len(o.w.Hides) < len(w.Hides) {
			is["hide takes from "+u.Kind.String()] = true
			if owner == u.ID {
				is["hide of the demoted takes from themselves"] = true
			}
			own := slices.ContainsFunc(w.Hides, func(h *oracle.Hide) bool { return h.Form == f.Name && h.Admin == owner })
			is["hidden parent takes its children"] = is["hidden parent takes its children"] || !own
		}
	}
	if len(w.App.Sharing) > 0 && oracle.MaySee(with(w, func(a *definition.Application) { a.Sets = widened(a.Sets, f.Plural) }), u, definition.View, f.Name, r) {
		is["set caps a rule"] = true
	}
}

// seeLapsed counts records that only the filter of somebody who is no admin any
// more would keep from the super admin.
func seeLapsed(w *World, u *oracle.User, f *definition.Form, r *oracle.Record, is map[string]bool) {
	if u.Kind != identity.SuperAdmin {
		return
	}
	admin := *u
	admin.Kind = identity.Admin
	if !oracle.MaySee(w, &admin, definition.View, f.Name, r) {
		open := *w
		open.Hides = nil
		if oracle.MaySee(&open, &admin, definition.View, f.Name, r) {
			is["lapsed hide shows to the super admin"] = true
		}
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

// seeStatic counts what meets in one application.
func seeStatic(w *World, is map[string]bool) {
	for _, f := range w.App.Forms {
		kinds, levels := map[string]bool{}, map[definition.Level]bool{}
		for _, s := range w.App.Sharing {
			if s.Form != f.Name {
				continue
			}
			levels[s.Level] = true
			switch {
			case s.Field != "":
				kinds["field"] = true
			case s.Criteria != nil:
				kinds["criteria"] = true
			default:
				kinds["group"] = true
			}
		}
		for _, c := range w.App.Custom {
			if c.Form == f.Name && c.Effect == definition.Share {
				kinds["module"] = true
			}
		}
		is["all kinds of rules on one form"] = is["all kinds of rules on one form"] || len(kinds) == 4
		is["all levels on one form"] = is["all levels on one form"] || len(levels) == 3
	}
	for _, u := range w.Users {
		is[u.Kind.String()] = true
		is["token of "+u.Kind.String()] = is["token of "+u.Kind.String()] || u.Credential == identity.PersonalToken
	}
	seeViewer(w, is)
}

// seeViewer counts worlds in which a rule or report that names VIEWER matters.
func seeViewer(w *World, is map[string]bool) {
	names := func(criteria map[string]any) bool { return len(criteria) > 0 && saysViewer(criteria) }
	less := with(w, func(a *definition.Application) {
		a.Sharing = slices.DeleteFunc(slices.Clone(a.Sharing), func(s *definition.SharingRule) bool { return names(s.Criteria) })
		a.Reports = slices.DeleteFunc(slices.Clone(a.Reports), func(r *definition.Report) bool { return names(r.Criteria) })
	})
	if len(less.App.Sharing) == len(w.App.Sharing) && len(less.App.Reports) == len(w.App.Reports) {
		return
	}
	for _, u := range w.Users {
		for _, f := range w.App.Forms {
			if len(oracle.ListForm(less, u, f.Name)) < len(oracle.ListForm(w, u, f.Name)) {
				is["VIEWER decides"] = true
			}
		}
	}
}

func saysViewer(x any) bool {
	switch x := x.(type) {
	case string:
		return x == "VIEWER"
	case []any:
		return slices.ContainsFunc(x, saysViewer)
	case map[string]any:
		for _, inner := range x {
			if saysViewer(inner) {
				return true
			}
		}
	}
	return false
}

func seeSaved(w *World, u *oracle.User, is map[string]bool) {
	for _, s := range w.Saved {
		all, some := oracle.ListForm(w, u, s.Form), oracle.ListSaved(w, u, s, nil, nil)
		switch {
		case oracle.SeesSaved(w, u, s):
			is["saved report shows some"] = is["saved report shows some"] || len(some) > 0 && len(some) < len(all)
		case len(all) > 0:
			is["saved report absent for a hidden field"] = true
			continue
		default:
			is["saved report absent without VIEW"] = is["saved report absent without VIEW"] || !oracle.Views(w, u, s.Form)
			continue
		}
		bare := with(w, func(a *definition.Application) {
			a.Custom = slices.DeleteFunc(slices.Clone(a.Custom), func(c *definition.CustomRule) bool { return c.Effect == definition.Mask })
		})
		is["mask changes a saved report"] = is["mask changes a saved report"] || !slices.Equal(some, oracle.ListSaved(bare, u, s, nil, nil))
	}
	for _, f := range w.App.Forms {
		is[fmt.Sprint("may create reports: ", u.Kind, oracle.MayCreateReport(w, u, f.Name))] = true
	}
}
