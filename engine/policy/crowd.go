package policy

import (
	"math/bits"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Bits is a set of people, by their position in a Crowd.
type Bits []uint64

// Has reports membership.
func (b Bits) Has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }

// Add adds one.
func (b Bits) Add(i int) { b[i/64] |= 1 << (i % 64) }

// Count returns how many there are.
func (b Bits) Count() (n int) {
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// Union adds the others.
func (b Bits) Union(o Bits) {
	for i, w := range o {
		b[i] |= w
	}
}

func (b Bits) intersect(o Bits) {
	for i, w := range o {
		b[i] &= w
	}
}

// Minus takes the others away.
func (b Bits) Minus(o Bits) {
	for i, w := range o {
		b[i] &^= w
	}
}

// Crowd are the views of many people, decided about all at once: what
// [View.Decide], [View.MayChangeOwner] and [View.Masked] say of each of them, in
// sets. It is used by one goroutine at a time.
type Crowd struct {
	policy *Policy
	people People
	views  []*View
	at     map[record.ID]int
	ask    func(*definition.CustomRule, *View) uint32
	forms  []*crowdForm // by form index, made at first use
}

// Asking is a custom rule with the people for whom it is asked alike.
type Asking struct {
	View   *View // of one of them
	People Bits
	Key    uint32
}

// CrowdSubject is a stored record as a crowd sees it: true values.
type CrowdSubject interface {
	Record() record.Record
	// Outcome is the answer of a custom rule about this record to some people.
	Outcome(rule *definition.CustomRule, a *Asking) Outcome
	// Parent returns what is decided about the record that the parent lookup leads
	// to, false where there is none. It may remember what Crowd.Decide said of it.
	Parent() (*Decided, bool)
}

// NewCrowd puts views of one policy over the same people and hides together. Views
// for which ask gives equal keys get equal answers of the rule.
func NewCrowd(p *Policy, people People, views []*View, ask func(*definition.CustomRule, *View) uint32) *Crowd {
	c := &Crowd{policy: p, people: people, views: views, at: map[record.ID]int{}, ask: ask, forms: make([]*crowdForm, len(p.forms))}
	for i, v := range views {
		if v.set != p.nothing {
			c.at[v.viewer.User] = i
		}
	}
	return c
}

func (c *Crowd) none() Bits { return make(Bits, (len(c.views)+63)/64) }

// judgedTop is one more than the greatest judged action.
const judgedTop = definition.ReadHistory + 1

// spread says for whom a cover holds: for some everything, for others what matches.
type spread struct {
	every Bits
	by    map[*Criteria]Bits
}

func (c *Crowd) spread() spread { return spread{c.none(), map[*Criteria]Bits{}} }

func (s *spread) add(c *Crowd, v *cover, person int) {
	if v.everything {
		s.every.Add(person)
	}
	for _, m := range v.some {
		s.meets(c, m, person)
	}
}

func (s *spread) meets(c *Crowd, m *Criteria, person int) {
	if s.by[m] == nil {
		s.by[m] = c.none()
	}
	s.by[m].Add(person)
}

// crowdForm is what a crowd may do with one form.
type crowdForm struct {
	form              *form
	all, base         [judgedTop]spread
	modify            spread
	criteria          [definition.ReadWriteDelete + 1]spread
	cells             map[*Criteria][]record.Field // by which criteria may mean the viewer
	positions         [definition.ReadWriteDelete + 1]map[int32]Bits
	below             map[int32]Bits
	owners            [definition.ReadWriteDelete + 1]map[record.ID]Bits
	audience          [definition.ReadWriteDelete + 1]map[*Audience]Bits
	shares            [definition.ReadWriteDelete + 1]map[*Rule][]*Asking
	restricts         []concerned
	masks             []concerned
	hides             []hidden
	super, admins     Bits
	limited           Bits // who holds a set of their own
	visible, writable map[uint32]Bits
}

type concerned struct {
	rule  *custom
	asked []*Asking
}

type hidden struct {
	hiding
	from Bits
}

func (c *Crowd) formOf(number uint32) *crowdForm {
	at, ok := c.policy.formAt[number]
	if !ok {
		return nil
	}
	if c.forms[at] == nil {
		c.forms[at] = c.makeForm(at)
	}
	return c.forms[at]
}

func (c *Crowd) makeForm(at int) *crowdForm {
	f := &crowdForm{
		form: c.policy.forms[at], modify: c.spread(), cells: map[*Criteria][]record.Field{}, below: map[int32]Bits{},
		super: c.none(), admins: c.none(), limited: c.none(), visible: map[uint32]Bits{}, writable: map[uint32]Bits{},
	}
	for _, a := range judged {
		f.all[a], f.base[a] = c.spread(), c.spread()
	}
	for l := definition.Read; l <= definition.ReadWriteDelete; l++ {
		f.criteria[l], f.positions[l], f.owners[l] = c.spread(), map[int32]Bits{}, map[record.ID]Bits{}
		f.audience[l], f.shares[l] = map[*Audience]Bits{}, map[*Rule][]*Asking{}
	}
	for i, v := range c.views {
		if v.set != c.policy.nothing {
			f.join(c, i, v, v.formIndex(at))
		}
	}
	for _, r := range f.form.reports {
		f.mayMean(r.criteria)
	}
	for _, s := range f.form.sharing {
		f.mayMean(s.criteria)
	}
	return f
}

func (f *crowdForm) mayMean(m *Criteria) {
	if m == nil {
		return
	}
	if cells := viewerCells(m.Expr); len(cells) > 0 {
		f.cells[m] = cells
	}
}

// join adds one person.
func (f *crowdForm) join(c *Crowd, i int, v *View, fv *formView) {
	for _, a := range judged {
		f.all[a].add(c, &fv.rights.grants[a].all, i)
		f.base[a].add(c, &fv.rights.grants[a].base, i)
	}
	switch v.viewer.Kind {
	case identity.SuperAdmin:
		f.super.Add(i)
		f.admins.Add(i)
	case identity.Admin:
		f.admins.Add(i)
	}
	if v.set != c.policy.full {
		f.limited.Add(i)
		f.modify.add(c, &fv.rights.modifyAll, i)
	}
	inPositions(c, f.below, &v.below, i)
	for l := definition.Read; l <= definition.ReadWriteDelete; l++ {
		if fv.scopes[l] != nil {
			f.joinScope(c, i, v, l, fv.scopes[l])
		}
	}
	for _, r := range fv.restricts {
		f.restricts = concern(c, f.restricts, r, i, v)
	}
	for _, m := range fv.masks {
		f.masks = concern(c, f.masks, m, i, v)
	}
	f.joinHiding(c, i, fv.hiding)
	if shape, ok := v.shape.Form(f.form.def.Number); ok {
		for _, n := range shape.Visible.Numbers() {
			add(c, f.visible, n, i)
		}
		for _, n := range shape.Writable.Numbers() {
			add(c, f.writable, n, i)
		}
	}
}

func add[K comparable](c *Crowd, m map[K]Bits, k K, person int) {
	if m[k] == nil {
		m[k] = c.none()
	}
	m[k].Add(person)
}

func (f *crowdForm) joinScope(c *Crowd, i int, v *View, l definition.Level, s *scope) {
	inPositions(c, f.positions[l], &s.owners, i)
	for _, id := range s.owners.users {
		add(c, f.owners[l], id, i)
	}
	for _, m := range s.audience {
		add(c, f.audience[l], m, i)
	}
	for _, m := range s.criteria {
		f.criteria[l].meets(c, m, i)
	}
	for _, m := range s.custom {
		f.shares[l][m] = askedBy(c, f.shares[l][m], m.Rule, i, v)
	}
}

// inPositions adds a person to the positions of roles whose holders' records are in
// a scope; that of no role is noRole.
func inPositions(c *Crowd, by map[int32]Bits, o *owners, person int) {
	for _, s := range o.spans {
		for pos := s.lo; pos < s.hi; pos++ {
			add(c, by, pos, person)
		}
	}
	if o.noRole {
		add(c, by, noRole, person)
	}
}

func concern(c *Crowd, list []concerned, r *custom, i int, v *View) []concerned {
	for j := range list {
		if list[j].rule == r {
			list[j].asked = askedBy(c, list[j].asked, r.def, i, v)
			return list
		}
	}
	return append(list, concerned{r, askedBy(c, nil, r.def, i, v)})
}

func askedBy(c *Crowd, list []*Asking, rule *definition.CustomRule, i int, v *View) []*Asking {
	key := c.ask(rule, v)
	for _, a := range list {
		if a.Key == key {
			a.People.Add(i)
			return list
		}
	}
	a := &Asking{View: v, People: c.none(), Key: key}
	a.People.Add(i)
	return append(list, a)
}

func (f *crowdForm) joinHiding(c *Crowd, i int, list []hiding) {
	for _, h := range list {
		at := 0
		for at < len(f.hides) && f.hides[at].hiding != h {
			at++
		}
		if at == len(f.hides) {
			f.hides = append(f.hides, hidden{h, c.none()})
		}
		f.hides[at].from.Add(i)
	}
}

// Position returns where a role stands in the tree, -1 for no role and less for one
// that the policy does not have.
func (p *Policy) Position(role string) int32 {
	if role == "" {
		return noRole
	}
	if pos, ok := p.roles.at[role]; ok {
		return pos
	}
	return noRole - 1
}

// Asks returns the custom rules of a form that decide about its records, with the
// people for whom each is asked.
func (c *Crowd) Asks(form uint32) (out []Ask) {
	f := c.formOf(form)
	if f == nil {
		return nil
	}
	for m, asked := range f.shares[definition.Read] { // those of higher levels are among them
		out = append(out, Ask{m.Rule, asked})
	}
	for _, list := range [][]concerned{f.restricts, f.masks} {
		for _, r := range list {
			out = append(out, Ask{r.rule.def, r.asked})
		}
	}
	return out
}

// Ask is a rule with everybody for whom it is asked.
type Ask struct {
	Rule   *definition.CustomRule
	Asking []*Asking
}
