package engine

import (
	"context"
	"encoding/json"
	goflag "flag"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/internal/effort"
)

// planted is one fault that somebody could write by mistake: old text of a file
// of this module and the new. One of the proofs must fail on it.
type planted struct{ name, file, old, new string }

// proofs are the tests that stand against planted faults, in a plain run.
const proofs = "^(Test[A-Z][0-9]+_|TestWritesEqualModel$)"

var plantedFaults = []planted{
	{"own dropped", "policy/view.go", "v.base.users = []record.ID{v.viewer.User}", "v.base.users = nil"},
	{"below dropped", "policy/view.go", "v.base.spans = append(v.base.spans, v.below.spans...)", ""},
	{"below with equals", "policy/roles.go", "return span{pos + 1, r.end[pos]}", "return span{pos, r.end[pos]}"},
	{"NoRole for every role", "policy/view.go", "noRole: v.pos == 0}", "noRole: true}"},
	{"NoRole dropped", "policy/view.go", "v.base.noRole = v.below.noRole", ""},
	{"hierarchy switch ignored", "policy/view.go", "if v.policy.app.Hierarchy {", "if true {"},
	{"peers dropped", "policy/view.go", "if r.def[v.pos].SharePeers {", "if false {"},
	{"peers without the switch", "policy/view.go", "if r.def[v.pos].SharePeers {", "if true {"},
	{"group rules of users dropped", "policy/view.go", "s.owners.users = append(s.owners.users, r.from.user)", ""},
	{"group rules of roles dropped", "policy/view.go", "s.owners.spans = append(s.owners.spans, r.from.span)", ""},
	{"criteria rules dropped", "policy/view.go", "s.criteria = append(s.criteria, r.criteria)", ""},
	{"criteria rules for everybody", "policy/view.go", "case !r.to.has(v.viewer.User, v.pos):", "case r.criteria == nil && !r.to.has(v.viewer.User, v.pos):"},
	{"field rules dropped", "policy/view.go", "s.audience = append(s.audience, r.audience)", ""},
	{"modules dropped", "policy/view.go", "s.custom = append(s.custom, r)", "_ = r"},
	{"level of a rule not looked at", "policy/view.go", "case r.def.Level < l:", "case false:"},
	{"level of a module not looked at", "policy/decide.go", "return min(o.Level, m.Rule.MaxLevel) >= m.Level", "return min(o.Level, m.Rule.MaxLevel) >= definition.Read"},
	{"rule for nobody in particular", "policy/rules.go", "everyone: len(d.Roles)+len(d.Sets)+len(d.Users) == 0}", "everyone: true}"},
	{"API switch ignored", "policy/view.go", "if v.viewer.Credential == identity.PersonalToken && !s.def.APIAccess {", "if false {"},
	{"PII switch ignored", "policy/rights.go", "field.PII && !d.ShowPII || ", ""},
	{"ePHI switch ignored", "policy/rights.go", " || field.EPHI && !d.ShowEPHI", ""},
	{"read only is writable", "policy/rights.go", "if a == definition.Writable {", "if a >= definition.ReadOnly {"},
	{"RESTRICT ignored by decisions", "policy/decide.go", "if !v.through(c.def, s) {", "if false && !v.through(c.def, s) {"},
	{"RESTRICT ignored by reach", "policy/reach.go", "parts = append(parts, c.keptByRule)", "_ = c"},
	{"RESTRICT that binds admins ignored", "policy/rules.go", "return full && c.def.Effect == definition.Restrict && c.def.BindsAdmins", "return false && full"},
	{"fault taken for a grant by the engine", "subject.go", "if v.Fault != rules.NoFault || b == nil {", "if v.Fault != rules.NoFault && rule.Effect == definition.Share {\n\t\treturn policy.Outcome{Level: definition.ReadWriteDelete}\n\t}\n\tif b == nil {"},
	{"shadow: its verdict is used", "subject.go", "b := op.app.bindings[rule]\n", "b := op.app.bindings[rule]\n\tif s := op.app.shadows[rule]; s != nil {\n\t\tb = s.binding\n\t}\n"},
	{"shadow: what is unseen is told of", "shadowread.go", "seen[key] = f != nil", "seen[key] = f != nil || true"},
	{"shadow: it takes fuel that others need", "shadowask.go", "batch.Beside = true", "batch.Beside = false"},
	{"shadow: kept answers silence it", "decisions.go", "op.beside(f, rule)", "_ = f"},
	{"shadow: it goes on beside another module", "quarantine.go", "if before.asked() != after.asked() {", "if before.asked() != after.asked() && false {"},
	{"quarantine: one person adds nearly all", "failwindow.go", "adders.others(records) >= quarantineOthers", "adders.others(records) >= 1"},
	{"quarantine: one person changes nearly all", "failwindow.go", "changers.others(records) >= quarantineOthers", "changers.others(records) >= 1"},
	{"quarantine: a flood hides the records of others", "failwindow.go", "adders.othersBut(f.adder, after) < quarantineOthers ||", "false ||"},
	{"quarantine: a flood hides the changes of others", "failwindow.go", "changers.othersBut(f.changer, after) < quarantineOthers {", "false {"},
	{"quarantine: what is told of late begins anew", "failwindow.go", "at > 0 && w.all[at-1].at.After(f.at)", "false"},
	{"fault lets through", "policy/decide.go", "return v.viewer.Kind == identity.SuperAdmin", "return v.viewer.Kind != identity.Nobody"},
	{"fault takes from the super admin", "policy/decide.go", "return v.viewer.Kind == identity.SuperAdmin", "return v.viewer.Kind == identity.Nobody"},
	{"fault of a mask shows", "policy/masks.go", "if !o.Fault && o.Visible.Has(n) {", "if o.Fault || o.Visible.Has(n) {"},
	{"masks of later rules dropped", "policy/masks.go", "out = out.Union(c.hidden(s.Outcome(c.def)))", "out = c.hidden(s.Outcome(c.def))"},
	{"report criteria dropped", "policy/rights.go", "g.all.add(criteria)", "g.all.add(nil)"},
	{"report criteria dropped beside own", "policy/rights.go", "g.base.add(criteria)", "g.base.add(nil)"},
	{"report's own criteria dropped", "policy/reach.go", "shows.add(r.criteria)", "shows.add(nil)"},
	{"EDIT of all by VIEW_ALL", "policy/rights.go", "return s.has(a) && s.has(definition.ModifyAll)", "return s.has(a) && s.has(definition.ViewAll)"},
	{"DELETE not beside VIEW", "write.go", "if !op.view.Decide(number, viewAction, s) {\n\t\treturn nil, op.or(errRecordNotFound)", "if !op.view.Decide(number, viewAction, s) {\n\t\treturn nil, op.or(errForbidden)"},
	{"parent's reach replaced by own", "policy/decide.go", "if at := fv.form.parent; at >= 0 {\n\t\tparent, ok := s.Parent()\n\t\treturn ok && v.decide(v.policy.forms[at].def.Number, ofParent(a), parent)", "if at := fv.form.parent; at >= 0 {\n\t\treturn rec.Owner() == v.viewer.User"},
	{"child of a parent to view may be edited", "policy/rights.go", "if a == definition.Edit || a == definition.Delete {\n\t\treturn definition.Edit", "if a == definition.NoAction {\n\t\treturn definition.Edit"},
	{"W1 not asked", "write.go", "if c.ownerChanges(h.Owner) && !c.op.view.MayChangeOwner(c.form.def.Number, s) {", "if false {"},
	{"W1 without below", "policy/decide.go", "rec.Owner() == v.viewer.User || v.below.has(rec.Owner(), v.policy.roles, v.people)", "rec.Owner() == v.viewer.User"},
	{"mask ignored in outputs", "window.go", "masked = op.view.Masked(s.form.def.Number, s)", "_ = masked"},
	{"mask ignored in filters", "match.go", "c.rec = r\n", "raw, _ := op.raw(f, r.ID())\n\t\tfs, _ := op.view.Shape().Form(f.def.Number)\n\t\tc.rec = record.Redact(raw, fs.Visible, record.FieldSet{})\n"},
	{"mask ignored in order", "list.go", "p := position{id: r.ID()}\n", "p := position{id: r.ID()}\n\traw, _ := l.op.raw(l.form, r.ID())\n\tr = record.Redact(raw, l.shape.Visible, record.FieldSet{})\n"},
	{"order by an index despite masks", "plan.go", " || op.view.MayMask(l.q.Form).Has(n)", ""},
	{"hidden fields in a filter's scope", "read.go", "if !ok || !fs.Visible.Has(f.Number) {", "if !ok {"},
	{"lookup out of reach is read", "read.go", "if _, ok := c.target(f); !ok {", "if false {"},
	{"lookup target out of reach is asked", "read.go", "r, ok, err := c.op.Get(f.Target, id)", "raw, ok := c.op.raw(c.op.app.forms[f.Target], id)\n\tfs, _ := c.op.view.Shape().Form(f.Target)\n\tif fs == nil {\n\t\treturn record.Redacted{}, false\n\t}\n\tr, err := record.Redact(raw, fs.Visible, record.FieldSet{}), error(nil)"},
	{"children of a parent out of reach", "read.go", "case !ok:\n\t\treturn policy.None{}, nil", "case !ok && false:\n\t\treturn policy.None{}, nil"},
	{"targets out of reach are asked", "match.go", "found, err := op.GetMany(lookup.Target, ids)", "found, err := op.GetMany(lookup.Target, ids)\n\tif target, fs := op.app.forms[lookup.Target], op.view.Shape(); target != nil {\n\t\tif s, ok := fs.Form(lookup.Target); ok {\n\t\t\tfor i, id := range ids {\n\t\t\t\tif raw, ok := op.raw(target, id); ok {\n\t\t\t\t\tfound[i] = record.Redact(raw, s.Visible, record.FieldSet{})\n\t\t\t\t}\n\t\t\t}\n\t\t}\n\t}"},
	{"quantified over records out of reach", "match.go", "b.op.view.Reach(f.def.Number, viewAction)", "policy.All{}"},
	{"every of none is false", "match.go", "!ok && !settled", "!ok && !settled && m.many.Kind != filter.Every"},
	{"every of what a list leads to out of reach", "matchlisted.go", "if yes, reached := answers[id]; reached {", "if yes := answers[id]; true {"},
	{"mask ignored in aggregates", "aggregatecollect.go", "!w.asks && !w.masks && len(a.lookups)", "len(a.lookups)"},
	{"lookup out of reach is a group", "aggregatecollect.go", "if f.Type == record.Lookup && !a.reached[recordKey{f.Target, v.Ref()}] {", "if false {"},
	{"records out of reach are added up", "aggregatecollect.go", "if !in && !b.a.op.view.Contains(b.w.reach, &b.sub) {", "if false {"},
	{"filter dropped in aggregates", "aggregatecollect.go", "b.a.l.matches(r) {", "!r.IsZero() {"},
	{"groups that having keeps out", "having.go", "a.having == nil || a.having.Match", "true || a.having.Match"},
	{"children by a masked lookup", "match.go", "if b.open[a.redacted.Get(b.link).Ref()] {\n\t\t\tbelow = append(below, a.redacted)", "if b.open[a.raw.Get(b.link).Ref()] {\n\t\t\tbelow = append(below, record.Redact(a.raw, b.w.shape.Visible, record.FieldSet{}))"},
	{"order by targets out of reach", "list.go", "next, ok := (&cells{op: l.op, rec: r}).target(&k.Path[i])", "raw, ok := l.op.raw(l.op.app.forms[k.Path[i].Target], r.Get(&k.Path[i]).Ref())\n\t\tfs, _ := l.op.view.Shape().Form(k.Path[i].Target)\n\t\tnext := record.Redact(raw, fs.Visible, record.FieldSet{})"},
	{"cursor not bound to the way of its order", "cursor.go", "for _, step := range k.Path {", "for _, step := range k.Path[:0] {"},
	{"report of another form", "list.go", "!ok || r.Form != l.form.def.Name", "!ok || r == nil"},
	{"total counts what is unseen", "list.go", "case known == no:", "case known == no:\n\t\t\tif c.l.where == nil && c.l.link == nil {\n\t\t\t\tc.total++\n\t\t\t}"},
	{"total counts what cannot be told", "list.go", "case known == yes && counting:", "case counting:"},
	{"total counts what the filter leaves out", "list.go", "return l.q.Total && l.where == nil && l.link == nil && p.ordered", "return l.q.Total && p.ordered"},
	{"phase of nulls dropped", "plan.go", "return []phase{values, nulls}", "return []phase{values}"},
	{"a record twice", "stream.go", "if en.id == s.last {", "if false {"},
	{"position read beside its phase", "plan.go", "if ph.nulls == null {", "if ph.nulls != null {"},
	{"HasNext by the page", "list.go", "more := len(hits) > l.q.First", "more := len(hits) >= l.q.First"},
	{"window that includes its cursor", "list.go", "bytes.Compare(h.key, c.from) <= 0", "bytes.Compare(h.key, c.from) < 0"},
	{"window without an end", "list.go", "bytes.Compare(h.key, c.until) >= 0", "len(h.key) == 0"},
	{"ends of the window looked at from the wrong side", "paging.go", "id[i]++; id[i] != 0 {", "id[i] += 0; id[i] != 0 {"},
	{"W2 skipped", "write.go", "if err := c.checkUnmasking(); err != nil {", "if err := c.op.failed(); err != nil {"},
	{"masked cell is written", "write.go", "if c.masked.Has(n) {", "if false {"},
	{"field that is not writable is written", "inputs.go", "if !ok || !shape.Writable.Has(n) {", "if !ok {"},
	{"unique before the input's rights", "write.go", "err := op.judge(cs)\n", "c := cs[0]\n\terr := op.stored(c.shape, c.at, op.txn.Update(c.form.store, c.stored.rec, record.Encode(c.stored.rec.ID(), c.stored.rec.Header(), c.stored.rec, c.values)))\n\tif err == nil {\n\t\terr = op.judge(cs)\n\t}\n"},
	{"version before the input's rights", "write.go", "err := op.judge(cs)\n", "err := checkVersion(cs[0].stored.rec, cs[0].ifVersion, \"\")\n\tif err == nil {\n\t\terr = op.judge(cs)\n\t}\n"},
	{"W1 not asked by a change of owner", "write.go", "if c.gives || next != c.stored.rec.Owner() {", "if !c.gives && next != c.stored.rec.Owner() {"},
	{"refusal tells who owns", "write.go", "return given && !v.Equal(c.stored.rec.Get(f))", "return false && given && !v.IsNull()"},
	{"masked owner is changed", "write.go", " && c.masked.Has(record.FieldOwner) {", " && false {"},
	{"any user may own", "write.go", "if c.gives && !c.op.memberOf(c.owner) {", "if false {"},
	{"nested without ACCESS", "draft.go", "if !shape.CreateNested || ", "if "},
	{"references not checked", "given.go", "op.checkReferences(g.form, g.values, g.at, wrong)", "op.checkReferences(g.form, nil, g.at, wrong)"},
	{"reference out of reach is stored", "given.go", "_, ok, err := op.Get(field.Target, v.Ref())", "target := op.app.forms[field.Target]\n\t\t\t_, ok := op.raw(target, v.Ref())\n\t\t\terr := op.failed()"},
	{"any user may be named", "given.go", "if !op.memberOf(v.Ref()) {", "if false {"},
	{"parent not asked by a change", "inputs.go", "ok && !op.view.Decide(s.form.def.Number, definition.Edit, s) {", "ok && !op.view.Decide(s.form.def.Number, definition.View, s) {"},
	{"parent not asked by a create", "draft.go", "ok && !op.view.MayCreate(s.form.def.Number, parent) {", "ok && parent == nil {"},
	{"create without ACCESS", "draft.go", "if !shape.Create {", "if false {"},
	{"version not compared", "write.go", "if ifVersion != 0 && ifVersion != rec.Version() {", "if false {"},
	{"write by filter of what may only be viewed", "bulk.go", "if !ok || !allowed[i] {", "if !ok || len(allowed) == 0 {"},
	{"write by filter beyond its bound", "bulk.go", "if page.HasNext {", "if false {"},
	{"upsert finds by a masked cell", "import.go", "!rec.Get(fd).Equal(v)", "rec.IsZero()"},
	{"values of several before their rights", "write.go", "	for _, c := range cs {\n\t\tif err := c.claim(); err != nil {", "	for _, c := range cs {\n\t\tif err := c.valid(); err != nil {\n\t\t\treturn err\n\t\t}\n\t\tif err := c.claim(); err != nil {"},
	{"keys of everybody", "replay.go", "op.principal.User.String()+\"/\"+digest", "\"all/\"+digest"},
	{"key kept for ever", "replay.go", "e == nil || op.stale(e.Time)", "e == nil"},
	{"key for other content", "replay.go", "!bytes.Equal(e.Content, k.Content[:])", "bytes.Equal(e.Content, nil)"},
	{"verdict on a refused state kept", "write.go", "op.forget(c.next)", ""},
	{"hidden field named by a conflict", "write.go", "shape.Visible.Has(part.Number)", "part.Number > 0"},
	{"plans: not asked about by single decisions", "../rules/ruletest/double.go", "&& !p.Holds(row):", "&& false:"},
	{"plans: lists trust them", "window.go", "if w.op.view.Contains(w.reach, s) {", "if planned := len(w.rules) > 0 && w.op.planOf(w.rules[0]).where != nil; planned || w.op.view.Contains(w.reach, s) {"},
	{"plans: unreadable ones share", "../rules/ruletest/double.go", "case kind != rules.NoFault:\n\t\treturn rules.Verdict{Fault: kind}", "case kind != rules.NoFault:\n\t\treturn r.alone(viewer, row)"},
	{"cursor not bound to its user", "cursor.go", "put(l.op.eyes())", ""},
	{"cursor not bound to its filter", "cursor.go", "put(l.canonical)", ""},
	{"cursor not bound to its parent", "cursor.go", "put(l.parent[:])", "if l.parent.IsZero() {\n\t\tput(l.parent[:])\n\t}"},
	{"view kept over a change", "op.go", "if hit != nil && hit.epoch == epoch {", "if hit != nil {"},
	{"owner stays after reassignment", "write.go", "h.Owner = ownerOf(c.form, h.AddedBy, func(n uint32) record.Value { return c.values[n] })", ""},
	{"tests: people whom records name counted twice", "permtrial.go", "own.minus(usual)", "own"},
	{"tests: people whom records name taken for others", "permtrial.go", "add(s.rec.Get(f).Ref())", "_ = s.rec"},
	{"tests: on records that the asker does not view", "permtrial.go", "if op.view.Decide(today.def.Number, viewAction, &subject{op: op, form: today, rec: rec}) {", "if true {"},
	{"tests: on records that somebody hides", "permtrial.go", "if t.lens.view.Hides(s.form.def.Number, s.rec) {", "if false {"},

	{"hides: ignored by decisions", "policy/decide.go", "v.hidden(fv, rec) || ", ""},
	{"hides: ignored by reach", "policy/reach.go", "return minus(intersect(parts...), hiddenReach(fv.hiding))", "return intersect(parts...)"},
	{"hides: of one form on all", "policy/hiding.go", "if h.Form != form || h.exempts(v.viewer) {", "if h.exempts(v.viewer) {"},
	{"hides: owner not compared by reach", "policy/hiding.go", "intersect(&Owners{Users: []record.ID{h.owner}}, h.criteria)", "h.criteria"},
	{"hides: author not exempt", "policy/hiding.go", "return h.Owner == v.User", "return false"},
	{"hides: admins exempt", "policy/hiding.go", "return h.Owner == v.User", "return h.Owner == v.User || v.Kind.Administers()"},
	{"hides: lapse ignored", "policy/hiding.go", "if h.Lapsed {", "if false {"},
	{"hides: lapsed for every admin", "policy/hiding.go", "return v.Kind == identity.SuperAdmin", "return v.Kind.Administers()"},
	{"hides: lapsed for the author too", "policy/hiding.go", "return v.Kind == identity.SuperAdmin", "return v.Kind == identity.SuperAdmin || h.Owner == v.User"},
	{"hides: deactivation forgotten", "hide.go", "u.Status != directory.Active || ", ""},
	{"hides: demotion forgotten", "hide.go", " || !u.Admin.Administers()", ""},
	{"hides: deletion forgotten", "hide.go", "return !ok || u.Status != directory.Active || !u.Admin.Administers()", "return ok && (u.Status != directory.Active || !u.Admin.Administers())"},
	{"hides: broken filter shows", "hide.go", "if len(faults) == 0 {", "if len(faults) > 0 {\n\t\te = filter.Or{}\n\t}\n\t{"},
	{"hides: names of today", "hide.go", "namedScope{form: f, meant: h.doc.Fields, fixed: true}", "namedScope{form: f, meant: map[string]uint32{}}"},
	{"hides: not at the next read", "hiding.go", "return txn.BumpEpoch()", "return nil"},
	{"hides: every admin lifts what lapsed", "hiding.go", "u.Admin == identity.SuperAdmin && ", "u.Admin.Administers() && "},
	{"hides: super admin lifts everything", "hiding.go", "u.Admin == identity.SuperAdmin && lapsed(people, h.owner)", "u.Admin == identity.SuperAdmin"},
	{"hides: all may hide", "hiding.go", "if !v.Kind.Administers() {", "if v.Kind == identity.Nobody {"},
	{"hides: not in the log", "hiding.go", "txn.PutDoc(spaceHide, hideKey(name, f.def.Number, p.User), b)", "txn.PutSecret(spaceHide, hideKey(name, f.def.Number, p.User), b)"},
	{"hides: rules asked about them", "subject.go", "if !op.view.Hides(f.def.Number, r) {", "if !r.IsZero() {"},
	{"hides: rules asked first", "policy/decide.go", "!v.contains(m.Take, s, rec) && v.contains(m.From, s, rec)", "v.contains(m.From, s, rec) && !v.contains(m.Take, s, rec)"},
	{"view as: RESTRICT of the asker ignored by reach", "policy/within.go", "parts = append(parts, &AskerKept{Rule: c.def})", "_ = c"},
	{"view as: the asker not asked by decisions", "policy/decide.go", "v.askerMay(form, a, s) && ", ""},
	{"view as: the asker judged as the target", "eyes.go", "return &subject{op: s.op.asker, form: s.form, rec: s.rec}", "return s"},
	{"view as: the asker must reach the parent", "policy/reach.go", "r := v.own(parent, ofParent(a))", "r := v.Reach(parent, ofParent(a))"},
	{"view as: any viewer may ask", "policy/within.go", "asker.set != p.full || ", ""},
	{"view as: cursors of the target fit", "eyes.go", "out = append(out[:len(out):len(out)], op.asker.principal.User[:]...)", ""},
	{"view as: admins are targets", "eyes.go", "if other.view.Viewer().Kind.Administers() {", "if false {"},
	{"view as: not written down", "eyes.go", "return other, op.e.note(op.ctx, op.principal, l)", "_ = l\n\treturn other, nil"},
	{"tools: developers hold all", "../internal/directory/tools.go", "return a.Tools", "return a.Tools.With(identity.AllTools)"},
	{"tools: nothing is withheld", "../internal/directory/tools.go", "identity.AllTools.Without(p.byID[v.User].Withheld[v.Application])", "identity.AllTools"},
	{"tools: members may use them", "../internal/directory/tools.go", "case p.Tools(pr, application).Has(tool):", "case v.Kind != identity.Portal:"},
	{"looks: refused ones are not kept", "looks.go", "fault.KindOf(refused) != fault.Forbidden || !identity", "true || !identity"},
	{"looks: hidden records are named", "lookers.go", "_, ok, err := op.Get(l.Number, l.Record)\n\treturn ok, err", "_, _, err := op.Get(l.Number, l.Record)\n\treturn true, err"},
	{"looks: those of others to developers", "lookers.go", "q.User = p.User\n", "_ = q\n"},
	{"review: what the asker does not see is counted", "reviewing.go", "other.view, other.asker = other.view.Within(op.view), op", "_ = other"},
	{"review: who sees what the asker does not", "reviewwho.go", "if !ok {\n\t\treturn nil, nil, errNoRecordToExplain", "if !ok && false {\n\t\treturn nil, nil, errNoRecordToExplain"},
	{"review: rules asked of another's attributes", "reviewing.go", "b = storage.AppendSortKey(b, v.Attributes[name])", "b = storage.AppendSortKey(b, v.Attributes[name[:0]])"},
	{"review: counted for another whom VIEWER names", "reviewkin.go", "if readsViewer(r.Expr) {", "if false {"},
	{"review: every record that is seen may be edited", "reviewtally.go", "if a == viewAction || t.op.view.Contains(t.reach[a], s) {", "if t.op.view.Contains(t.reach[viewAction], s) {"},
	{"review: counted for another owner", "reviewkin.go", "if k.lookers.owns(k.form, id) {", "if id.IsZero() {"},
	{"review: not written down", "reviewing.go", "return op.e.note(op.ctx, op.principal, l)", "_ = l\n\treturn nil"},
	{"review: goes on after its rights", "reviewtable.go", "return op.stands()", "return nil"},
	{"explain: what the asker does not see", "explain.go", "if _, seen, err := op.Get(def.Number, q.Record); err != nil || !seen {", "if _, seen, err := op.Get(def.Number, q.Record); err != nil || false && !seen {"},
	{"explain: parents that the asker does not see", "explainveil.go", "x.Parent != nil && t.sees(x.Parent.Form, x.Parent.Record) {", "x.Parent != nil {"},
	{"explain: not written down", "explain.go", "if err := e.note(ctx, p, l); err != nil {", "if err := ctx.Err(); err != nil && l.Form == q.Form {"},
	{"explain: criteria of reports forgotten", "policy/explain.go", "shows: r.criteria == nil || e.v.matches(r.criteria, e.rec)}", "shows: true}"},
	{"explain: hides forgotten", "policy/explain.go", "&& !e.hidden && kept", "&& kept"},
	{"explain: hidden owners told", "explainself.go", "case !t.cells.Readable(owner):", "case owner == nil:"},
	{"approval of one's own change", "comparisonapprove.go", "case !v.Kind.Administers() || root.Asker == p.User:", "case !v.Kind.Administers():"},
	{"approval without a look", "comparisonapprove.go", "case mine == nil, mine.State", "case mine == nil:\n\t\tmine = root\n\tcase mine.State"},
	{"approval not asked for", "comparisonbind.go", "if e.o.ApproveExposure && !approved {", "if false {"},
	{"approval by what the applier sees", "differencewalk.go", "if c.judges {\n\t\treturn window\n\t}", ""},
	{"approval got round by hiding", "comparisongate.go", "return h.Owner == op.principal.User })", "return false })"},
	{"exposure not judged at activation", "prepare.go", "e.o.ApproveExposure && !was.Approved", "false"},
	{"activation in another state than was compared", "comparisongate.go", "if ptr.Held == 0 {", "if ptr.Held < 1<<63 {"},
	{"another change applied", "comparisonbind.go", "case hash != mine.Hash || hash != root.Hash:", "case hash == \"\":"},
	{"data changed since", "comparisonbind.go", "if digest != c.Digest || len(d.Faults) > 0 {", "if digest == \"\" || len(d.Faults) > 0 {"},
	{"rights changed since", "comparisonbind.go", "case op.epoch != mine.Epoch || op.epoch != root.Epoch:", "case op.epoch == 0:"},
	{"samples of what is hidden now", "comparisonread.go", "!ok || !known {", "!ok && false || !known {"},
	{"comparisons of others are shown", "comparisonread.go", "c.State != ComparisonDone || c.Asker != op.principal.User {", "c.State != ComparisonDone {"},
	{"hides: told by an apply", "prepare.go", "case !seen[i]:", "case !seen[i] && false:"},
	{"difference of records that the asker does not see", "differencewalk.go", "if c.op.view.Decide(f.def.Number, viewAction, &subject{op: c.op, form: f, rec: rec}) {", "if !rec.IsZero() {"},
	{"difference without own records", "policy/crowddecide.go", "out.Union(t.f.owners[l][owner])", "_ = owner"},
	{"difference with VIEWER as nobody", "policy/crowddecide.go", "range t.named(t.f.cells[m]) {", "range t.named(nil) {"},
	{"difference with one answer of a rule for all", "differencerights.go", "key = storage.AppendSortKey(key, attributes[col.Name])", "key = storage.AppendSortKey(key, record.Value{})\n\t\t_, _ = attributes, col"},
	{"difference without masks", "policy/crowddecide.go", "read.Minus(m)", "_ = m"},
	{"recall: the past by the people of now", "recallstate.go", "people, err := op.e.o.Directory.Recall(past, op.people)", "people, err := op.people, error(nil)"},
	{"recall: the past of what the asker does not see", "recall.go", "if !op.sees(f, rec) {", "if rec.IsZero() {"},
	{"recall: hides and rules of now in a history of access", "recalltimeline.go", "if err := t.renew(m.end, app); err != nil {", "if err := t.renew(m.end, false && app); err != nil {"},
	{"recall: a state that the asker would not see now", "recallstate.go", "if !r.asker.sees(f, rec) {", "if rec.IsZero() {"},
	{"recall: parents are not followed", "recallevents.go", "for _, s := range chain {", "for _, s := range chain[:0] {"},
	{"recall: another's place passed by", "recallevents.go", "if v.doc != nil && !concerns(v.doc.space, v.key) {", "if v.doc != nil && !concerns(v.doc.space, v.key) {\n\t\t\te.people = false"},
	{"kept: of another version of the record", "decided/set.go", "s.form.version(r.Ordinal) != r.Version", "s.form.version(r.Ordinal) == 0"},
	{"kept: every record has one version", "decisions.go", "Version: rec.Version()}", "Version: 1}"},
	{"kept: changes are not heard of", "decided/set.go", "a.of.Remove(ordinal)", "a.of.Contains(ordinal)"},
	{"kept: of viewers with other attributes", "decisions.go", "Viewer: declared(b, op.view.Viewer().Attributes)", "Viewer: declared(b, nil)"},
	{"kept: of another version of the rule", "decisions.go", "decided.Asked{Rule: b.hash, ", "decided.Asked{"},
	{"kept: of another tenant", "decisions.go", "decided.Form{Tenant: op.r.Tenant(), ", "decided.Form{"},
	{"kept: what a transaction sees", "decisions.go", "if _, ok := op.r.(*storage.Snapshot); !ok || b == nil", "if _, ok := op.r.(*storage.Past); ok || b == nil"},
	{"kept: faults", "decided/set.go", "verdicts[i].Fault != rules.NoFault ||", ""},
	{"kept: of a rule in quarantine", "decisions.go", "q.Quarantined(op.r.Tenant(), b.hash)", "q.Quarantined(op.r.Tenant(), b.hash) && false"},
	{"quarantine: what is old counts", "failwindow.go", "return last.Sub(f.at) < quarantineWindow", "return true"},
	{"quarantine: of what is not committed", "quarantine.go", "case op.txn != nil:", "case false:"},
	{"quarantine: the module is asked", "subject.go", "if b != nil && b.quarantined {", "if false {"},
	{"quarantine: comparisons ask the module", "quarantine.go", "b != nil && !b.quarantined {", "b != nil {"},
	{"quarantine: kept answers are used", "decisions.go", "!ok || b == nil || b.quarantined ||", "!ok || b == nil ||"},
	{"quarantine: subscriptions go on", "livekey.go", "k.b = append(k.b, flag(b.quarantined))", ""},
	{"quarantine: not at the next operation", "quarantine.go", "return txn.BumpEpoch()", "return nil"},
	{"quarantine: of every version", "fallback.go", "return s.quarantine(s.asked()) != nil", "return len(s.Quarantined) > 0"},
	{"quarantine: a fallback is not asked", "load.go", "m, err := readModule(r, app.def.Name, s.asked())", "m, err := readModule(r, app.def.Name, s.deciding())"},
	{"quarantine: a fallback decides before", "fallback.go", "s.Fallback != \"\" && s.quarantine(s.Module) != nil", "s.Fallback != \"\""},
	{"quarantine: a fallback decides for a rule that is off", "fallback.go", "return s.Active && s.Fallback", "return s.Fallback"},
	{"quarantine: a fallback is not tested when another changes", "fallbacktests.go", "both.or = newBinding(app, rule, m, false)", "both.or = nil"},
	{"quarantine: of two versions the stricter is tested", "fallbacktests.go", "b.Through || b.Fault && !a.Through", "!b.Through"},
	{"quarantine: a fallback has a fallback", "fallback.go", "return s.Fallback\n\t}", "if s.quarantine(s.Fallback) == nil {\n\t\t\treturn s.Fallback\n\t\t}\n\t\treturn s.Previous\n\t}"},
	{"quarantine: a fallback is deleted", "versionsdelete.go", "case s.Fallback == module:", "case false:"},
	{"quarantine: a rule that shares has a fallback", "fallback.go", "case rule.Effect == definition.Share:", "case false:"},
	{"quarantine: the active version is its own fallback", "fallback.go", "case module == s.filling():", "case false:"},
	{"quarantine: a release passes no test", "quarantine.go", "idle = after.decidesAs(s)", "idle = true"},
	{"kept: grants are not followed", "granting.go", "g.Follow(last, changed)", "g.Follow(last, changed[:0])"},
	{"kept: grants of what is not known are left out", "granting.go", "!ok || v.Grant > 0", "ok && v.Grant > 0"},
	{"kept: grants of a part of the form", "granting.go", " || s.within && (s.l.from != nil || s.l.until != nil)", ""},
	{"kept: grants of a walk that stopped", "list.go", "if s.done() {\n\t\tg.keep()", "if true {\n\t\tg.keep()"},
	{"kept: what is let through of one owner stands for another", "granting.go", "return decided.Scope(h.Sum(nil))", "return of"},
	{"kept: what is let through of some owners stands for all", "granting.go", "!slices.Equal(ids, owners)", "len(ids) == 0"},
	{"kept: an order of other states", "decided/ordered.go", "at == nil || at.Record != en.Record", "at == nil"},
	{"kept: an order is not followed", "grantorder.go", "was != nil && was.Seq() == s.grants.Seq()", "was != nil"},
	{"kept: one order of all fields", "decided/ordered.go", "return p.orders[field]", "for _, o := range p.orders {\n\t\t\treturn o\n\t\t}"},
	{"kept: nulls are among the values of an order", "grantorder.go", "c.left = c.left[nulls:]", "c.left = c.left[:]"},
	{"kept: nulls of an order lie elsewhere", "grantorder.go", "c.left[:nulls], len(nullKey)", "c.left[:nulls], 0"},
	{"kept: one answer stands for the next", "proposal.go", " && slices.Equal(p.last.said, en.said)", ""},
	{"proposed: one owner stands for the next", "proposal.go", " && p.last.owner == en.owner", ""},
	{"recall: cut at its bound", "recalltimeline.go", "t.page.HasNext = true\n\t\t\treturn t.until()", "return nil"},
}

// TestPlantedFaults plants each fault in a copy of the source, which the go tool
// lays over the module, and demands that the proofs fail on it. The table cannot
// rot: a text that does not occur exactly once fails in every run.
func TestPlantedFaults(t *testing.T) {
	if os.Getenv("SLUICE_PLANTED") != "" {
		return // this is a run of the proofs on a planted fault
	}
	if len(plantedFaults) < 20 {
		t.Fatalf("%d faults", len(plantedFaults))
	}
	every, skipped := effort.Night() || strings.Contains(goflag.Lookup("test.run").Value.String(), "/"), 0
	for _, f := range plantedFaults {
		source, err := os.ReadFile(f.file)
		must(t, err)
		if n := strings.Count(string(source), f.old); n != 1 {
			t.Errorf("%s: the text occurs %d times in %s: %s", f.name, n, f.file, f.old)
			continue
		}
		if !effort.Full() || !every && !turn(f.name, source) {
			skipped++
			continue
		}
		t.Run(f.name, func(t *testing.T) { plant(t, f, string(source)) })
	}
	if skipped > 0 {
		t.Logf("NOT RUN: %d of %d planted faults against the proofs; only their texts were checked. SLUICE_NIGHT=1 runs all, SLUICE_FULL=1 an eighth and those that -run names", skipped, len(plantedFaults))
	}
}

// turn says whether continuous integration plants a fault, which takes about ten
// seconds: an eighth of them, another one whenever the file changes, and always
// the same one for the same source.
func turn(name string, source []byte) bool {
	sum := fnv.New32a()
	_, _ = sum.Write(source)
	_, _ = sum.Write([]byte(name))
	return sum.Sum32()%8 == 0
}

func plant(t *testing.T, f planted, source string) {
	dir := t.TempDir()
	changed := filepath.Join(dir, "changed.go")
	must(t, os.WriteFile(changed, []byte(strings.Replace(source, f.old, f.new, 1)), 0o600))
	path, err := filepath.Abs(f.file)
	must(t, err)
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	must(t, err)
	list := filepath.Join(dir, "overlay.json")
	must(t, os.WriteFile(list, overlay, 0o600))
	binary := filepath.Join(dir, "proofs.test")
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", list, "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("the fault does not compile, so it proves nothing: %v\n%s", err, out)
	}
	for _, run := range []string{nearest(f.name), proofs} {
		if noticed(ctx, t, binary, run) {
			return
		}
	}
	t.Fatal("no proof noticed")
}

// nearest are the tests that are tried first, as they soon notice a fault of that
// kind: it costs nothing but time when they do not.
func nearest(fault string) string {
	for prefix, tests := range map[string]string{
		"view as:": "ViewAs|Unseen|Asker|Cursors", "explain:": "Explain|Hidden", "review:": "Review", "recall:": "Recall|AccessHistory",
		"tests:": "Permission", "tools:": "Tool|Look", "looks:": "Look", "difference": "Difference|Compare",
		"approval": "Approval|Comparison|Apply", "exposure": "Approval", "comparisons": "Comparison", "shadow:": "Shadow",
	} {
		if strings.HasPrefix(fault, prefix) {
			return "^Test(P10|H2)_.*(" + tests + ")"
		}
	}
	switch {
	case strings.HasPrefix(fault, "kept:"):
		return "^Test(H2_(Kept|OldStates|AnotherVersion|Grants|WhatIs|AWalk|Shadow)|H4_(Faults|Quarantine))"
	case strings.HasPrefix(fault, "quarantine:"):
		return "^TestH4_"
	}
	return "^TestP1_EngineEqualsOracle$"
}

func noticed(ctx context.Context, t *testing.T, binary, tests string) bool {
	t.Helper()
	run := exec.CommandContext(ctx, binary, "-test.run", tests, "-test.failfast")
	run.Env = append(os.Environ(), "SLUICE_PLANTED=1", "SLUICE_FULL=", "SLUICE_NIGHT=")
	out, err := run.CombinedOutput()
	if err != nil && !strings.Contains(string(out), "--- FAIL") {
		t.Fatalf("the proofs did not fail but end: %v\n%s", err, out)
	}
	return err != nil
}
