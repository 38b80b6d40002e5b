package engine

import (
	"slices"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// shapes says what people gain and lose whatever the records are. Equal shapes are
// compared once.
func (c *comparison) shapes() []ShapeDifference {
	type key struct {
		before, after [32]byte
		api           [2]bool // before and after
	}
	known := map[key]int{}
	var out []ShapeDifference
	for at, id := range c.people {
		was, is := c.before.viewers[id], c.after.viewers[id]
		before, after := c.before.views[at], c.after.views[at]
		k := key{before.Shape().Fingerprint, after.Shape().Fingerprint, [2]bool{c.before.api(was), c.after.api(is)}}
		i, met := known[k]
		if !met {
			i = -1
			d := ShapeDifference{Gained: c.staticOver(c.after, after, is, c.before, before, was), Lost: c.staticOver(c.before, before, was, c.after, after, is)}
			if !d.Gained.empty() || !d.Lost.empty() {
				i = len(out)
				out = append(out, d)
			}
			known[k] = i
		}
		if i >= 0 {
			out[i].People = append(out[i].People, id)
		}
	}
	return out
}

func (r *StaticRights) empty() bool { return !r.Place && !r.API && len(r.Pages)+len(r.Forms) == 0 }

// staticOver returns the static rights of a view that another has not.
func (c *comparison) staticOver(s *side, v *policy.View, who identity.Viewer, less *side, w *policy.View, other identity.Viewer) StaticRights {
	out := StaticRights{
		Place: allowsAny(v) && !allowsAny(w),
		API:   s.api(who) && !less.api(other),
	}
	for _, p := range v.Shape().Pages {
		if _, has := w.Shape().Page(p.Name); !has {
			out.Pages = append(out.Pages, p.Name)
		}
	}
	for _, f := range v.Shape().Forms {
		had, ok := w.Shape().Form(f.Form.Number)
		if !ok {
			had = &policy.FormShape{Form: &definition.Form{}}
		}
		if r := formOver(f, had); len(r.Actions)+len(r.Visible)+len(r.Writable)+len(r.Reports) > 0 {
			out.Forms = append(out.Forms, r)
		}
	}
	return out
}

// allowsAny reports whether a view allows anything.
func allowsAny(v *policy.View) bool { return len(v.Shape().Forms)+len(v.Shape().Pages) > 0 }

// api reports whether somebody may come with a token of their own (B1).
func (s *side) api(v identity.Viewer) bool {
	if fullRights(v.Kind) {
		return true
	}
	set, ok := s.app.def.Set(v.PermissionSet)
	return ok && v.Kind != identity.Nobody && set.APIAccess
}

func formOver(f, less *policy.FormShape) FormRights {
	out := FormRights{Form: f.Form.Name}
	was := actionsOf(less)
	for _, a := range actionsOf(f) {
		if !slices.Contains(was, a) {
			out.Actions = append(out.Actions, a)
		}
	}
	out.Visible = namesOf(f.Form, f.Visible.Minus(less.Visible))
	out.Writable = namesOf(f.Form, f.Writable.Minus(less.Writable))
	for _, r := range f.Reports {
		if !slices.ContainsFunc(less.Reports, func(o *definition.Report) bool { return o.Name == r.Name }) {
			out.Reports = append(out.Reports, r.Name)
		}
	}
	return out
}

// actionsOf lists the actions of a shape in order of their numbers.
func actionsOf(s *policy.FormShape) (out []definition.Action) {
	for _, x := range []struct {
		on bool
		a  definition.Action
	}{
		{s.View, definition.View}, {s.Edit, definition.Edit}, {s.Delete, definition.Delete}, {s.Export, definition.Export},
		{s.ReadComments, definition.ReadComments}, {s.WriteComments, definition.WriteComments}, {s.ReadHistory, definition.ReadHistory},
		{s.Create || s.CreateNested, definition.Access}, {s.CreateReport, definition.CreateReport},
	} {
		if x.on {
			out = append(out, x.a)
		}
	}
	return out
}

// namesOf names fields in order of their numbers.
func namesOf(f *definition.Form, numbers record.FieldSet) (out []string) {
	for _, n := range numbers.Numbers() {
		if fd, ok := f.FieldNumber(n); ok {
			out = append(out, fd.Name)
		}
	}
	return out
}
