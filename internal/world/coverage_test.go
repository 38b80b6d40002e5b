package world

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/effort"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
)

// worlds is how many worlds a test walks: all of them in a night.
func worlds(full int) int { return effort.Of(full/20, full/4, full) }

var reasonNames = map[oracle.Why]string{
	oracle.AsAdmin: "admin", oracle.AsDeveloper: "developer", oracle.AllRight: "all right", oracle.Own: "own", oracle.Below: "below",
	oracle.RootOverNone: "root over no role", oracle.Peers: "peers", oracle.ShareGroup: "group rule", oracle.ShareCriteria: "criteria rule",
	oracle.ShareField: "field rule", oracle.ShareModule: "module", oracle.ThroughParent: "parent",
}

var actionNames = map[definition.Action]string{
	definition.View: "view", definition.Edit: "edit", definition.Delete: "delete", definition.Export: "export",
	definition.ReadComments: "read comments", definition.WriteComments: "write comments", definition.ReadHistory: "read history",
}

// TestCoverage counts in how many worlds each kind of grant decides alone, and
// each kind of denial and redaction takes something away.
func TestCoverage(t *testing.T) {
	n := effort.Of(500, 10_000, 10_000) // fewer do not hold every kind often
	count := map[string]int{}
	for seed := range n {
		for what, happened := range seen(Random(uint64(seed), Small), uint64(seed)) {
			if happened {
				count[what]++
			}
		}
	}
	for what, least := range minimum {
		if n < 10_000 {
			least /= 2 // few worlds say less
		}
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
	seeStatic(w, is)
	for _, u := range w.Users {
		lifts := obstacles(w, u)
		seeSaved(w, u, is)
		for _, f := range w.App.Forms {
			for _, r := range w.Records[f.Name] {
				seeGrants(w, u, f, r, is)
				seeDenials(w, u, f, r, lifts, is)
			}
			seeMasks(w, u, f, is)
			seeWhere(w, u, f, seed, is)
		}
	}
	return is
}

func seeGrants(w *World, u *oracle.User, f *definition.Form, r *oracle.Record, is map[string]bool) {
	for _, a := range RecordActions {
		why := oracle.Grants(w, u, a, f.Name, r)
		reason, alone := reasonNames[why]
		if !alone {
			continue
		}
		is[actionNames[a]+": "+reason] = true
		if u.Kind == identity.Portal {
			is["portal: "+reason] = true
		}
	}
	if !oracle.MaySee(w, u, definition.View, f.Name, r) {
		return
	}
	seeOwnership(w, u, f, r, is)
	seeLevels(w, u, f, r, is)
	if depth := chain(w, f, r); depth > 1 && oracle.Grants(w, u, definition.View, f.Name, r) == oracle.ThroughParent {
		is[fmt.Sprintf("chain of %d forms", min(depth+1, 4))] = true
	}
	for _, field := range f.Fields {
		seeField(w, u, f, r, field, is)
	}
}

func seeOwnership(w *World, u *oracle.User, f *definition.Form, r *oracle.Record, is map[string]bool) {
	owner := w.User(oracle.Owner(f, r))
	is["deleted owner"] = is["deleted owner"] || owner == nil
	if owner != nil && owner.Inactive && u.Kind == identity.Live {
		is["inactive user's records in reach of others"] = true
	}
	if u.Kind == identity.Live && owner != u && !hasRight(w, u, f, definition.ModifyAll) && oracle.MayChangeOwner(w, u, f.Name, r) {
		is["w1 by below"] = true
	}
	if f.OwnerField != 0 && owner == u && r.AddedBy != u.ID && oracle.Grants(w, u, definition.View, f.Name, r) == oracle.Own {
		is["owner field gives"] = true
	}
}

// seeLevels counts rules whose level decides: what is above it is denied, though
// the set has it.
func seeLevels(w *World, u *oracle.User, f *definition.Form, r *oracle.Record, is map[string]bool) {
	const rules = oracle.ShareGroup | oracle.ShareCriteria | oracle.ShareField | oracle.ShareModule
	may := func(a definition.Action) bool { return oracle.MaySee(w, u, a, f.Name, r) }
	if why := oracle.Grants(w, u, definition.View, f.Name, r); why&^rules != 0 {
		return
	}
	canEdit, canDelete := hasRight(w, u, f, definition.Edit), hasRight(w, u, f, definition.Delete)
	switch {
	case canEdit && !may(definition.Edit):
		is["level READ decides"] = true
	case canDelete && may(definition.Edit) && !may(definition.Delete):
		is["level READ_WRITE decides"] = true
	case may(definition.Delete):
		is["level READ_WRITE_DELETE gives"] = true
	case !canEdit && len(w.App.Sharing) > 0:
		is["set caps a level"] = true
	}
}

// chain returns how many parents stand above a record.
func chain(w *World, f *definition.Form, r *oracle.Record) (n int) {
	for f.ParentField != 0 {
		field, _ := f.FieldNumber(f.ParentField)
		parent := w.FormNumber(field.Target)
		if r = w.Find(parent.Name, r.Cells[field.Name].Ref()); r == nil {
			break
		}
		f, n = parent, n+1
	}
	return n
}

func seeField(w *World, u *oracle.User, f *definition.Form, r *oracle.Record, field *definition.Field, is map[string]bool) {
	v, readable := oracle.Cell(w, u, f.Name, r, field.Name)
	if readable && v.IsNull() && !r.Cells[field.Name].IsNull() {
		is["lookup out of reach"] = true
		open := *w
		open.Hides = nil
		if v, _ := oracle.Cell(&open, u, f.Name, r, field.Name); !v.IsNull() {
			is["lookup to a hidden record"] = true
		}
	}
	p := w.Set(u.Set)
	if p == nil || p.Forms[f.Name] == nil || p.Forms[f.Name].Fields[field.Name] == definition.Hidden || oracle.Access(w, u, f.Name, field.Name) != definition.Hidden {
		return
	}
	is["pii hides"] = is["pii hides"] || field.PII && !field.EPHI
	is["ephi hides"] = is["ephi hides"] || field.EPHI && !field.PII
	is["ephi hides what pii shows"] = is["ephi hides what pii shows"] || field.EPHI && field.PII && p.ShowPII
}

func hasRight(w *World, u *oracle.User, f *definition.Form, a definition.Action) bool {
	s := w.Set(u.Set)
	return s != nil && slices.ContainsFunc(w.App.Reports, func(r *definition.Report) bool {
		return r.Form == f.Name && slices.Contains(s.Reports[r.Name], a)
	})
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
		admin, open := *u, *w
		admin.Kind, open.Hides = identity.Admin, nil
		for _, r := range w.Records[f.Name] {
			if oracle.MaySee(&open, u, definition.View, f.Name, r) != oracle.MaySee(&open, &admin, definition.View, f.Name, r) {
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
		if field, own := oracle.Field(f, name); field.Type == record.MultiLookup {
			is["where over a list matters"] = true
		} else if field.Target != 0 {
			is["where through a lookup matters"] = true
		} else if !own {
			is["where quantifies"] = true
		}
	}
}
