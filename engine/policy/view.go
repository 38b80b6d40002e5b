package policy

import (
	"sync/atomic"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// View is what one viewer may do in one application.
type View struct {
	policy  *Policy
	viewer  identity.Viewer
	people  People
	set     *set
	pos     int32  // the viewer's role, noRole for none
	base    owners // own, below and peers, as gathered
	below   owners // for W1
	refused error
	shape   *Shape
	hides   []Hide
	forms   []atomic.Pointer[formView] // by form index, made at first use
	asker   *View                      // who looks through the viewer's eyes, nil for nobody; see Within
}

// formView is a view of one form. The reaches are made at first use, each
// equal whoever makes it.
type formView struct {
	form      *form
	rights    *rights
	scopes    [definition.ReadWriteDelete + 1]*scope // by level; not for child forms
	restricts []*custom
	hiding    []hiding // ascending by owner
	masks     []*custom
	maskRules []*definition.CustomRule
	mayMask   record.FieldSet
	reach     [definition.ReadHistory + 1]atomic.Pointer[Reach]
}

// scope is what the viewer reaches by ownership and sharing at one level.
type scope struct {
	owners   owners
	audience []*Audience
	criteria []*Criteria
	custom   []*Rule
	listed   atomic.Pointer[Owners]
}

// View makes the rights of one viewer. It is immutable and safe for concurrent
// use; people and hides, which are all that the application has, must not change
// under it. The view of a viewer who has no place in the application denies
// everything.
func (p *Policy) View(v identity.Viewer, people People, hides []Hide) *View {
	if people == nil {
		people = nobody{}
	}
	w := &View{policy: p, viewer: v, people: people, hides: hides, pos: noRole, forms: make([]atomic.Pointer[formView], len(p.forms))}
	w.set = w.setOf()
	w.shape = w.set.shape.forTenant(v.Tenant)
	w.placeOwners()
	return w
}

// setOf finds the viewer's place: their rights, role and refusal.
func (v *View) setOf() *set {
	p, who := v.policy, &v.viewer
	if who.User.IsZero() || who.Application != p.app.Name {
		return p.nothing
	}
	if who.Credential != identity.Session && who.Credential != identity.PersonalToken {
		return p.nothing
	}
	switch who.Kind {
	case identity.SuperAdmin, identity.Admin, identity.Developer:
		return p.full
	case identity.Live:
		pos, known := p.roles.at[who.Role]
		s := p.sets[who.PermissionSet]
		if !known || s == nil || s.def.Portal {
			return p.nothing
		}
		v.pos = pos
		return v.withinAPI(s)
	case identity.Portal:
		s := p.sets[who.PermissionSet]
		if who.Role != "" || s == nil || !s.def.Portal {
			return p.nothing
		}
		return v.withinAPI(s)
	}
	return p.nothing
}

// withinAPI applies the switch for API access (B1).
func (v *View) withinAPI(s *set) *set {
	if v.viewer.Credential == identity.PersonalToken && !s.def.APIAccess {
		v.refused = fault.New(fault.Forbidden, "policy: view", "API access is switched off for your permission set")
		return v.policy.nothing
	}
	return s
}

// placeOwners works out own, below and peers (E2, C3, C4, C5).
func (v *View) placeOwners() {
	v.base.users = []record.ID{v.viewer.User}
	if v.pos == noRole {
		return
	}
	r := v.policy.roles
	if v.policy.app.Hierarchy {
		v.below = owners{spans: []span{r.below(v.pos)}, noRole: v.pos == 0}
		v.below.normalize()
		v.base.spans = append(v.base.spans, v.below.spans...)
		v.base.noRole = v.below.noRole
	}
	if r.def[v.pos].SharePeers {
		v.base.spans = append(v.base.spans, span{v.pos, v.pos + 1})
	}
}

// Viewer returns who the view is for.
func (v *View) Viewer() identity.Viewer { return v.viewer }

// Shape returns the static part: equal shapes share schema and plans.
func (v *View) Shape() *Shape { return v.shape }

// Refused returns why the whole request must fail: an error of kind Forbidden
// where the viewer came with an API credential that their permission set does
// not let in (B1). The view then denies everything. It is nil for every other
// view, including one without a place in the application.
func (v *View) Refused() error { return v.refused }

// formOf returns the view of a form, nil when there is no such form.
func (v *View) formOf(number uint32) *formView {
	at, ok := v.policy.formAt[number]
	if !ok {
		return nil
	}
	return v.formIndex(at)
}

func (v *View) formIndex(at int) *formView {
	if f := v.forms[at].Load(); f != nil {
		return f
	}
	v.forms[at].CompareAndSwap(nil, v.makeForm(at))
	return v.forms[at].Load()
}

func (v *View) makeForm(at int) *formView {
	f := v.policy.forms[at]
	fv := &formView{form: f, rights: &v.set.forms[at]}
	if v.set == v.policy.nothing {
		return fv
	}
	fv.hiding = v.hidingOf(f.def.Number)
	var shares []*custom
	for _, c := range f.custom {
		if !c.concerns(&v.viewer) {
			continue
		}
		switch c.def.Effect {
		case definition.Share:
			shares = append(shares, c)
		case definition.Restrict:
			fv.restricts = append(fv.restricts, c)
		case definition.Mask:
			fv.masks = append(fv.masks, c)
			fv.maskRules = append(fv.maskRules, c.def)
			fv.mayMask = fv.mayMask.Union(c.fields)
		}
	}
	if f.parent < 0 && v.set != v.policy.full {
		for l := definition.Read; l <= definition.ReadWriteDelete; l++ {
			fv.scopes[l] = v.makeScope(f, l, shares)
		}
	}
	return fv
}

// makeScope gathers own, below, peers and every rule that shares with the
// viewer at the level (F1 to F4).
func (v *View) makeScope(f *form, l definition.Level, shares []*custom) *scope {
	s := &scope{owners: owners{noRole: v.base.noRole}}
	s.owners.users = append(s.owners.users, v.base.users...)
	s.owners.spans = append(s.owners.spans, v.base.spans...)
	for _, r := range f.sharing {
		switch {
		case r.def.Level < l:
		case r.audience != nil:
			s.audience = append(s.audience, r.audience)
		case !r.to.has(v.viewer.User, v.pos):
		case r.criteria != nil:
			s.criteria = append(s.criteria, r.criteria)
		case !r.from.user.IsZero():
			s.owners.users = append(s.owners.users, r.from.user)
		default:
			s.owners.spans = append(s.owners.spans, r.from.span)
		}
	}
	for _, c := range shares {
		if r := c.byLevel[l]; r != nil {
			s.custom = append(s.custom, r)
		}
	}
	s.owners.normalize()
	return s
}
