package engine

import (
	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

// maxTestDecisions bounds what one run decides. People are looked at one by one
// only where a record names them, so that it comes to records, times the classes of
// people that are told apart, times the tests of their form.
const maxTestDecisions = 50_000_000

// trial is one run of tests on one snapshot.
type trial struct {
	e      *Engine
	tenant identity.Tenant
	// asker is who asks, with today's rights: what they do not view does not take
	// part. Its app is nil for an application that is not there yet.
	asker *Op
	app   *application // whose tests and rights are tried
	// lens has every right under app, and nothing that somebody hides.
	lens    *Op
	roles   policy.People
	hides   []policy.Hide
	persons []*tested
	absent  []definition.Subject // pairs of those who are not active
	named   map[record.ID]bool   // people whom a rule is for

	byID      map[record.ID]*tested
	classes   map[string]*alike
	strangers uint64
	left      int // decisions
}

func (e *Engine) trialFor(asker *Op, people *directory.People, app *application) *trial {
	persons, absent := peopleOf(people, asker.principal.Tenant, app.def.Name)
	t := newTrial(asker, app, persons, people.In(app.def.Name), app.hidesFor(people))
	t.absent = absent
	return t
}

func newTrial(asker *Op, app *application, persons []*tested, roles policy.People, hides []policy.Hide) *trial {
	t := &trial{
		e: asker.e, tenant: asker.principal.Tenant, asker: asker, app: app, roles: roles, hides: hides, persons: persons,
		named: map[record.ID]bool{}, byID: map[record.ID]*tested{}, classes: map[string]*alike{}, left: maxTestDecisions,
	}
	for _, r := range app.def.Sharing {
		t.named[app.def.Users[r.To.User]] = true
	}
	for _, c := range app.def.Custom {
		for _, address := range c.Users {
			t.named[app.def.Users[address]] = true
		}
	}
	for _, p := range persons {
		t.byID[p.viewer.User] = p
	}
	t.lens = t.opFor(app, identity.Viewer{
		Tenant: t.tenant, User: t.stranger(), Kind: identity.Developer, Application: app.def.Name, Credential: identity.Session,
	})
	return t
}

// opFor is an operation of somebody under a definition, on the asker's snapshot.
func (t *trial) opFor(app *application, v identity.Viewer) *Op {
	return &Op{
		e: t.e, ctx: t.asker.ctx, r: t.asker.r, people: t.asker.people, epoch: t.asker.epoch, app: app, seal: t.asker.seal,
		principal: identity.Principal{Tenant: t.tenant, User: v.User, Credential: v.Credential},
		view:      app.policy.View(v, t.roles, t.hides),
		fuel:      rules.Fuel{Left: rules.QueryFuel},
		outcomes:  map[outcomeKey]policy.Outcome{},
		seen:      map[recordKey]seenRecord{},
		trial:     true,
	}
}

// tryout is a test under way.
type tryout struct {
	test   *definition.Test
	out    *TestResult
	people []*tested
	groups []*testKin
	form   *form
	shape  *policy.FormShape // of the lens
	where  *filter.Program
	field  *definition.Field
	done   bool
}

// testKin are the people of a test who are alike.
type testKin struct {
	of     *alike
	people []*tested
	member map[record.ID]*tested
	// all are the counts of somebody whom no record names; apart, by person, what
	// is to be added for the records that do.
	all   counts
	apart map[record.ID]counts
}

// counts are the records that match a test, and of them those on which the person
// may do what it asks.
type counts struct{ match, may int }

func (c counts) plus(d counts) counts  { return counts{c.match + d.match, c.may + d.may} }
func (c counts) minus(d counts) counts { return counts{c.match - d.match, c.may - d.may} }

func (g *testKin) countsOf(p *tested) counts { return g.all.plus(g.apart[p.viewer.User]) }

// run runs tests and returns their results in order. A limit leaves those that
// are not decided as not tested, and says why; another error ends the run.
func (t *trial) run(tests []*definition.Test) ([]*TestResult, error) {
	all := make([]*tryout, len(tests))
	out := make([]*TestResult, len(tests))
	byForm := map[uint32][]*tryout{}
	for i, test := range tests {
		all[i] = t.tryout(test)
		out[i] = all[i].out
		if f := all[i].form; f != nil && !all[i].done {
			byForm[f.def.Number] = append(byForm[f.def.Number], all[i])
		}
	}
	for _, f := range t.app.def.Forms {
		if err := t.overForm(byForm[f.Number]); err != nil {
			if fault.KindOf(err) != fault.Limit {
				return nil, err
			}
			for _, x := range byForm[f.Number] {
				x.giveUp(fault.Message(err))
			}
		}
	}
	for _, x := range all {
		x.conclude()
	}
	return out, nil
}

// tryout prepares a test. One that is about no record is done by then.
func (t *trial) tryout(test *definition.Test) *tryout {
	x := &tryout{test: test, out: &TestResult{Text: test.Text, Line: test.Line}}
	var why string
	x.people, why = t.subjects(test.Who)
	if len(x.people) == 0 {
		x.done, x.out.Verdict, x.out.Why = true, TestVacuous, why
		return x
	}
	byClass := map[*alike]*testKin{}
	for _, p := range x.people {
		class := t.of(p)
		g := byClass[class]
		if g == nil {
			g = &testKin{of: class, member: map[record.ID]*tested{}, apart: map[record.ID]counts{}}
			byClass[class] = g
			x.groups = append(x.groups, g)
		}
		g.people = append(g.people, p)
		g.member[p.viewer.User] = p
	}
	if !test.OfRecords() {
		for _, g := range x.groups {
			g.all.match = 1
			if t.may(g.people[0], test) {
				g.all.may = 1
			}
		}
		return x
	}
	def, ok := t.app.def.Form(test.Form)
	if !ok {
		x.giveUp("there is no form " + test.Form)
		return x
	}
	x.form = t.app.forms[def.Number]
	x.shape, _ = t.lens.view.Shape().Form(def.Number)
	x.where = filter.Compile(test.Expr(def))
	x.field, _ = def.Field(test.Field)
	if !x.where.Valid() || x.shape == nil {
		x.giveUp("its condition does not fit the form " + test.Form)
	}
	return x
}

func (x *tryout) giveUp(why string) {
	if !x.done {
		x.done, x.out.Verdict, x.out.Why = true, NotTested, why
	}
}

// may decides a test that is about no record.
func (t *trial) may(p *tested, test *definition.Test) bool {
	shape := t.viewOf(p).Shape()
	def, _ := t.app.def.Form(test.Form)
	switch test.Verb {
	case definition.CreateRecord:
		fs, ok := shape.Form(def.Number)
		return ok && fs.Create
	case definition.OpenPage:
		_, ok := shape.Page(test.Target)
		return ok
	case definition.OpenReport:
		return t.opens(shape, test.Target)
	}
	return false
}

func (t *trial) opens(shape *policy.Shape, report string) bool {
	r, ok := t.app.def.Report(report)
	if !ok {
		return false
	}
	def, _ := t.app.def.Form(r.Form)
	fs, ok := shape.Form(def.Number)
	if !ok || r.Default {
		return ok && fs.View
	}
	for _, open := range fs.Reports {
		if open.Name == report {
			return true
		}
	}
	return false
}

// overForm goes once through the records of a form, for all of its tests.
func (t *trial) overForm(xs []*tryout) error {
	if len(xs) == 0 || t.asker.app == nil {
		return nil
	}
	today := t.asker.app.forms[xs[0].form.def.Number]
	if today == nil {
		return nil
	}
	var after []byte
	for {
		open := undecided(xs)
		if len(open) == 0 {
			return nil
		}
		recs, next, err := t.chunk(today, after)
		if err != nil || len(recs) == 0 && next == nil {
			return err
		}
		if err := t.overRecords(open, today, recs); err != nil {
			return err
		}
		after = next
	}
}

func undecided(xs []*tryout) (open []*tryout) {
	for _, x := range xs {
		if !x.done {
			open = append(open, x)
		}
	}
	return open
}

// chunk reads the next records of a form and returns those that the asker views;
// a nil position ends the form.
func (t *trial) chunk(today *form, after []byte) (out []record.Record, next []byte, err error) {
	op := t.asker
	if err := op.ctx.Err(); err != nil {
		return nil, nil, err
	}
	op.trim()
	op.fuel = rules.Fuel{Left: rules.QueryFuel}
	c := op.r.Records(today.store, storage.Range{After: after})
	defer c.Close()
	var recs []record.Record
	for len(recs) < windowSize && c.Next() {
		recs = append(recs, c.Record().Clone())
		next = append(next[:0], c.Position()...)
	}
	if c.Err() != nil {
		return nil, nil, c.Err()
	}
	op.askShown(today, rulesIn(op.view.Reach(today.def.Number, viewAction), nil), recs)
	for _, rec := range recs {
		if op.view.Decide(today.def.Number, viewAction, &subject{op: op, form: today, rec: rec}) {
			out = append(out, rec)
		}
	}
	return out, next, op.failed()
}

// overRecords holds records of a form against tests.
func (t *trial) overRecords(xs []*tryout, today *form, recs []record.Record) error {
	f := xs[0].form
	t.ready(xs, f, recs)
	for _, rec := range recs {
		s := &subject{op: t.lens, form: f, rec: rec}
		touched, shown := t.touched(s)
		if !shown {
			continue
		}
		c := &cells{op: t.asker, form: today, rec: t.lens.redact(xs[0].shape, s, false)}
		for _, x := range xs {
			if !x.done {
				t.hold(x, c, rec, touched)
			}
		}
		if err := t.failed(); err != nil {
			return err
		}
	}
	return nil
}

// ready asks the rules about all records of a chunk, once for each class.
func (t *trial) ready(xs []*tryout, f *form, recs []record.Record) {
	t.lens.trim()
	asked := map[*alike]bool{}
	for _, x := range xs {
		for _, g := range x.groups {
			if asked[g.of] {
				continue
			}
			asked[g.of] = true
			op := g.of.op
			op.trim()
			op.fuel = rules.Fuel{Left: rules.QueryFuel}
			var all []*definition.CustomRule
			for _, rule := range append(rulesIn(op.view.Reach(f.def.Number, viewAction), nil), op.view.Masks(f.def.Number)...) {
				all = appendNew(all, rule)
			}
			op.askShown(f, all, recs)
		}
	}
}

func appendNew(all []*definition.CustomRule, rule *definition.CustomRule) []*definition.CustomRule {
	for _, have := range all {
		if have == rule {
			return all
		}
	}
	return append(all, rule)
}

// failed returns what ended the run.
func (t *trial) failed() error {
	if t.left < 0 {
		return fault.New(fault.Limit, opTests, "a run makes at most %d decisions: test fewer records, people or sentences", maxTestDecisions)
	}
	for _, class := range t.classes {
		if err := class.op.failed(); err != nil {
			return err
		}
	}
	return orElse(t.lens.failed(), t.asker.failed())
}

// touched returns the people whom a record, or one above it, names; false where
// one of these is hidden by somebody, so that it is nobody's test.
func (t *trial) touched(s *subject) (out []*tested, shown bool) {
	add := func(id record.ID) {
		p := t.byID[id]
		for _, have := range out {
			if have == p {
				return
			}
		}
		if p != nil {
			out = append(out, p)
		}
	}
	for steps := 0; ; steps++ {
		if t.lens.view.Hides(s.form.def.Number, s.rec) {
			return nil, false
		}
		for _, f := range s.form.fields {
			switch f.Type {
			case record.User:
				add(s.rec.Get(f).Ref())
			case record.Users:
				for _, id := range s.rec.Get(f).Refs() {
					add(id)
				}
			}
		}
		above, ok := s.Parent()
		if !ok || steps > len(t.app.forms) {
			return out, true
		}
		s = above.(*subject)
	}
}

// hold holds one record against one test.
func (t *trial) hold(x *tryout, c *cells, rec record.Record, touched []*tested) {
	matched := false
	for _, g := range x.groups {
		var usual counts
		if p := g.untouched(touched); p != nil {
			usual = t.judge(x, g, p, c, rec)
			g.all = g.all.plus(usual)
			matched = matched || usual.match > 0
		}
		for _, p := range touched {
			if g.member[p.viewer.User] != p {
				continue
			}
			own := t.judge(x, g, p, c, rec)
			g.apart[p.viewer.User] = g.apart[p.viewer.User].plus(own.minus(usual))
			matched = matched || own.match > 0
		}
	}
	if matched {
		x.out.Records++
	}
}

// untouched returns somebody of the testKin whom the record does not name.
func (g *testKin) untouched(touched []*tested) *tested {
	for _, p := range g.people {
		free := true
		for _, other := range touched {
			free = free && other != p
		}
		if free {
			return p
		}
	}
	return nil
}

// judge decides for one person and one record, and keeps what speaks against
// the test.
func (t *trial) judge(x *tryout, g *testKin, p *tested, c *cells, rec record.Record) counts {
	t.left--
	if !x.where.Match(c, p.viewer.User) {
		return counts{}
	}
	op := g.of.op
	op.view, op.principal.User = t.viewOf(p), p.viewer.User
	may := op.mayDo(x, &subject{op: op, form: x.form, rec: rec})
	if x.test.Cannot == may && !x.test.Some {
		x.against(p, rec.ID())
	}
	if may {
		return counts{1, 1}
	}
	return counts{match: 1}
}

var verbActions = map[definition.Verb]definition.Action{
	definition.ViewRecord: definition.View, definition.EditRecord: definition.Edit, definition.DeleteRecord: definition.Delete,
	definition.ExportRecord: definition.Export, definition.CommentRecord: definition.WriteComments,
	definition.CommentsRecord: definition.ReadComments, definition.HistoryRecord: definition.ReadHistory,
}

// mayDo decides what a test asks about one record.
func (op *Op) mayDo(x *tryout, s *subject) bool {
	n := x.form.def.Number
	if a, ok := verbActions[x.test.Verb]; ok {
		return op.view.Decide(n, a, s)
	}
	fs, ok := op.view.Shape().Form(n)
	if !ok || x.field == nil || !op.view.Decide(n, viewAction, s) {
		return false
	}
	readable := op.redact(fs, s, len(op.view.Masks(n)) > 0).Readable(&x.field.Field)
	switch {
	case !readable || x.test.Verb == definition.SeeCell:
		return readable
	case x.field.Number == record.FieldOwner:
		return fs.ChangesOwner() && op.view.MayChangeOwner(n, s)
	case !fs.Writable.Has(x.field.Number) || !op.view.Decide(n, definition.Edit, s):
		return false
	}
	return x.field.Number != x.form.def.OwnerField || op.view.MayChangeOwner(n, s)
}

// against keeps a counterexample. The test is decided with the last that is kept.
func (x *tryout) against(p *tested, id record.ID) {
	if len(x.out.Counters) == maxCounterexamples {
		return
	}
	c := Counterexample{Name: p.name, Form: x.test.Form, Record: id}
	if id.IsZero() {
		c.Form = ""
	}
	if !p.standIn {
		c.User = p.viewer.User
	}
	if x.out.Counters = append(x.out.Counters, c); len(x.out.Counters) == maxCounterexamples {
		x.done = true
	}
}

// conclude turns counts into a verdict.
func (x *tryout) conclude() {
	if x.done && len(x.out.Counters) == 0 {
		return // given up, or nobody
	}
	for _, g := range x.groups {
		for _, p := range g.people {
			n := g.countsOf(p)
			if n.match == 0 {
				continue
			}
			x.out.People++
			if x.fails(n) && (x.test.Some || !x.test.OfRecords()) {
				x.against(p, record.ID{})
			}
		}
	}
	switch {
	case len(x.out.Counters) > 0:
		x.out.Verdict, x.out.Why = TestFailed, x.blame()
	case x.out.People == 0:
		x.out.Verdict, x.out.Why = TestVacuous, "there is no record that it is about"
	default:
		x.out.Verdict = TestPassed
	}
}

func (x *tryout) fails(n counts) bool {
	switch {
	case x.test.Some && x.test.Cannot:
		return n.may == n.match
	case x.test.Some:
		return n.may == 0
	case x.test.Cannot:
		return n.may > 0
	}
	return n.may < n.match
}

// blame says in one clause what the counterexamples are.
func (x *tryout) blame() string {
	switch {
	case x.test.Some && x.test.Cannot:
		return "these people may do it on every record"
	case x.test.Some:
		return "these people may do it on no record"
	case x.test.Cannot:
		return "these people may do it"
	}
	return "these people may not do it"
}
