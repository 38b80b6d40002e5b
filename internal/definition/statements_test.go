package definition

import (
	"slices"
	"strings"
	"testing"
)

// faultsOf returns what is wrong with base and more.
func faultsOf(more string) string {
	_, faults := Resolve([]byte(base+more), context(nil))
	var out []string
	for _, f := range faults {
		out = append(out, f.String())
	}
	return strings.Join(out, "\n")
}

// TestB6_RightsThatNeedOthers: edit and delete take view on the same report;
// the wider rights bring the narrower ones along.
func TestB6_RightsThatNeedOthers(t *testing.T) {
	for _, c := range []struct {
		rights string
		want   []Action // nil for a fault
	}{
		{"[EDIT]", nil},
		{"[DELETE]", nil},
		{"[VIEW, EDIT]", []Action{View, Edit}},
		{"[VIEW_ALL]", []Action{View, ViewAll}},
		{"[MODIFY_ALL]", []Action{View, Edit, ViewAll, ModifyAll}},
		{"[VIEW, WRITE_COMMENTS]", []Action{View, ReadComments, WriteComments}},
	} {
		source := base + "permissionSets: [{name: S, reports: {orders: " + c.rights + "}}]\n"
		a, faults := Resolve([]byte(source), context(nil))
		if c.want == nil {
			if a != nil || len(faults) != 1 || !strings.Contains(faults[0].Msg, "VIEW") {
				t.Errorf("%s: %v", c.rights, faults)
			}
			continue
		}
		if a == nil {
			t.Errorf("%s: %v", c.rights, faults)
			continue
		}
		set, _ := a.Set("S")
		got := slices.Clone(set.Reports["orders"])
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s gives %v, want %v", c.rights, got, c.want)
		}
	}
}

// TestB10_SetsThatCannotCreate: who may add records and not write what they
// need is reported when the definition is checked.
func TestB10_SetsThatCannotCreate(t *testing.T) {
	form := strings.Replace(base, "{name: title, type: text}", "{name: title, type: text, required: true}", 1)
	for access, want := range map[string]bool{"HIDDEN": true, "READ_ONLY": true, "VISIBLE": false} {
		source := form + "permissionSets: [{name: S, forms: {Order: {actions: [ACCESS], fields: {title: " + access + "}}}}]\n"
		got := slices.ContainsFunc(mustResolve(t, []byte(source), context(nil)).Check(Surroundings{}), func(w Finding) bool {
			return w.Path == "permissionSets.S.forms.Order" && strings.Contains(w.Msg, "title")
		})
		if got != want {
			t.Errorf("%s: warned %v, want %v", access, got, want)
		}
	}
}

// TestC1_OneTreeOfRoles: one root, no circle, every role below an existing one,
// names that are short and unique.
func TestC1_OneTreeOfRoles(t *testing.T) {
	for _, roles := range []string{
		"[{name: CEO}, {name: Other}]",
		"[{name: CEO}, {name: A, reportsTo: B}, {name: B, reportsTo: A}]",
		"[{name: A, reportsTo: A}]",
		"[{name: CEO}, {name: A, reportsTo: Nobody}]",
		"[{name: CEO}, {name: A, reportsTo: CEO}, {name: A, reportsTo: CEO}]",
		"[{name: CEO}, {name: " + strings.Repeat("x", 101) + ", reportsTo: CEO}]",
		"[{name: CEO}, {name: A, reportsTo: CEO, description: " + strings.Repeat("x", 201) + "}]",
	} {
		if faultsOf("roles: "+roles+"\n") == "" {
			t.Errorf("%.60s is accepted", roles)
		}
	}
	good := "roles: [{name: CEO}, {name: " + strings.Repeat("x", 100) + ", reportsTo: CEO, description: " + strings.Repeat("x", 200) + "}]\n"
	if f := faultsOf(good); f != "" {
		t.Error(f)
	}
}

// kindsAt returns the kinds of the findings at a path of checkBase and more.
func kindsAt(t *testing.T, more, path string, around Surroundings) (kinds []Kind) {
	t.Helper()
	for _, f := range findings(t, checkBase+more, around) {
		if f.Path == path {
			kinds = append(kinds, f.Kind)
		}
	}
	return kinds
}

// TestB3a_ReportsThatOmitVisibleFields: columns hide nothing, so a set whose only
// reports leave a visible field out is told of.
func TestB3a_ReportsThatOmitVisibleFields(t *testing.T) {
	for columns, want := range map[string]bool{"[title]": true, "[amount]": true, "[title, amount]": false, "[amount, title, status]": false} {
		got := kindsAt(t, "reports: [{name: short, form: Order, columns: "+columns+"}]\n"+
			"permissionSets: [{name: S, forms: {Order: {actions: [ACCESS], fields: {title: VISIBLE, amount: READ_ONLY, status: HIDDEN}}}, reports: {short: [VIEW]}}]\n",
			"permissionSets.S.forms.Order", Surroundings{})
		if slices.Contains(got, ReportsOmitFields) != want {
			t.Errorf("%s: %v", columns, got)
		}
	}
}

// TestA12_CustomerSaysThatItSeesAll: the built-in portal set warns, until a
// document writes one that does not see all.
func TestA12_CustomerSaysThatItSeesAll(t *testing.T) {
	const at = "permissionSets.Customer.reports"
	for more, want := range map[string]int{
		"": 1,
		"permissionSets: [{name: Customer, portal: true, reports: {orders: [VIEW_ALL]}}]\n": 1,
		"permissionSets: [{name: Customer, portal: true, reports: {orders: [VIEW]}}]\n":     0,
	} {
		n := 0
		for _, f := range findings(t, checkBase+more, Surroundings{}) {
			if f.Path == at && f.Kind == PortalSeesAll && f.Severity == Warning {
				n++
			}
		}
		if n != want {
			t.Errorf("%q: %d warnings, want %d", more, n, want)
		}
	}
}

// TestW2_PolicyThatReadsWhatSubjectsWrite: criteria, sharing rules and modules of
// every effect, as soon as somebody with EDIT may write what they read, and not
// by ACCESS alone.
func TestW2_PolicyThatReadsWhatSubjectsWrite(t *testing.T) {
	in := Surroundings{Inputs: map[string]Input{"r": {Active: true, Fields: []string{"status"}}}}
	for _, c := range []struct{ more, path string }{
		{"reports: [{name: some, form: Order, criteria: {status: {eq: open}}}]\n", "reports.some.criteria"},
		{"sharingRules: [{name: r, form: Order, criteria: {not: {status: {eq: open}}}, to: {role: CEO}, level: READ}]\n", "sharingRules.r"},
		{"customRules: [{name: r, form: Order, effect: SHARE, maxLevel: READ}]\n", "customRules.r"},
		{"customRules: [{name: r, form: Order, effect: RESTRICT}]\n", "customRules.r"},
		{"customRules: [{name: r, form: Order, effect: MASK, fields: [amount]}]\n", "customRules.r"},
	} {
		for rights, want := range map[string]bool{
			"fields: {status: VISIBLE}}}, reports: {orders: [VIEW, EDIT], some: [VIEW, EDIT]}":                                true,
			"fields: {status: READ_ONLY, title: VISIBLE}}}, reports: {orders: [VIEW, EDIT], some: [VIEW, EDIT]}":              false,
			"actions: [ACCESS], fields: {status: VISIBLE, title: VISIBLE}}}, reports: {orders: [VIEW, EXPORT], some: [VIEW]}": false,
		} {
			if !strings.Contains(c.more, "name: some") {
				rights = strings.ReplaceAll(strings.ReplaceAll(rights, ", some: [VIEW, EDIT]", ""), ", some: [VIEW]", "")
			}
			warned := false
			for _, f := range findings(t, checkBase+c.more+"permissionSets: [{name: S, forms: {Order: {"+rights+"}]\n", in) {
				warned = warned || f.Path == c.path && f.Severity == Warning
			}
			if warned != want {
				t.Errorf("%s with %s: warned %v", c.more, rights, warned)
			}
		}
	}
}

// TestF5_RulesThatNoSetOpens: a rule is told of where no set of the document
// opens a report of its form, and not where the built-in sets are all there are.
func TestF5_RulesThatNoSetOpens(t *testing.T) {
	const rule = "sharingRules: [{name: r, form: Order, from: {role: CEO}, to: {role: CEO}, level: READ}]\n"
	for sets, want := range map[string]bool{
		"": false,
		"permissionSets: [{name: S, reports: {items: [VIEW]}}]\n":                                           true,
		"permissionSets: [{name: S, reports: {items: [VIEW]}}, {name: T, reports: {orders: [VIEW_ALL]}}]\n": false,
	} {
		if got := kindsAt(t, sets+rule, "sharingRules.r", Surroundings{}); slices.Contains(got, SharingUnopened) != want {
			t.Errorf("%q: %v", sets, got)
		}
	}
}

// TestC1_UnknownPeopleGrantNothing: the check says so of every address.
func TestC1_UnknownPeopleGrantNothing(t *testing.T) {
	for _, c := range []struct{ more, path string }{
		{"sharingRules: [{name: r, form: Order, from: {user: x@example.com}, to: {role: CEO}, level: READ}]\n", "sharingRules.r.from"},
		{"sharingRules: [{name: r, form: Order, from: {role: CEO}, to: {user: x@example.com}, level: READ}]\n", "sharingRules.r.to"},
		{"customRules: [{name: r, form: Order, effect: RESTRICT, users: [x@example.com]}]\n", "customRules.r.users.x@example.com"},
	} {
		if got := kindsAt(t, c.more, c.path, Surroundings{}); !slices.Equal(got, []Kind{UserUnknown}) {
			t.Errorf("%s: %v", c.more, got)
		}
	}
}

// TestB9_FieldsThatBecomePersonalDataStartHidden: in every set that was there,
// whatever "*" says, as a new field or by a mark on an old one. A set that names
// the field in the same document is the tenant's word: it shows the field, and
// the check says so.
func TestB9_FieldsThatBecomePersonalDataStartHidden(t *testing.T) {
	document := func(field, fields string) string {
		return "application: a\nforms: [{name: Order, plural: orders, fields: [{name: title, type: text}" + field + "]}]\n" +
			"permissionSets: [{name: S, pii: SHOW, ephi: SHOW, forms: {Order: {fields: {" + fields + "}}}, reports: {orders: [VIEW]}}]\n"
	}
	const plain, pii, ephi = ", {name: tax, type: text}", ", {name: tax, type: text, pii: true}", ", {name: tax, type: text, ephi: true}"
	for _, c := range []struct {
		title, before, after, fields string
		access                       FieldAccess
		says                         []Kind
	}{
		{"a new field", "", pii, `"*": VISIBLE`, Hidden, nil},
		{"a new field of the other kind", "", ephi, `"*": VISIBLE`, Hidden, nil},
		{"a new mark", plain, pii, `"*": VISIBLE`, Hidden, nil},
		{"a new field that the set names", "", pii, `"*": VISIBLE, tax: READ_ONLY`, ReadOnly, []Kind{PersonalDataNew}},
		{"a new mark on a field that the set names", plain, pii, "tax: VISIBLE", Writable, []Kind{PersonalDataNew}},
		{"another mark", pii, ephi, "tax: VISIBLE", Writable, []Kind{PersonalDataNew}},
		{"nothing new", pii, pii, "tax: VISIBLE", Writable, nil},
		{"a mark less", pii, plain, `"*": VISIBLE`, Writable, []Kind{PersonalDataUnmarked}},
		{"a mark less on a field that was named", pii, plain, "tax: VISIBLE", Writable, nil},
		{"a new field without a mark", "", plain, `"*": VISIBLE`, Writable, nil},
	} {
		fields := c.fields
		if c.before == "" {
			fields = `"*": VISIBLE`
		}
		prev := mustResolve(t, []byte(document(c.before, fields)), context(nil))
		next := mustResolve(t, []byte(document(c.after, c.fields)), context(prev))
		set, _ := next.Set("S")
		form, _ := next.Form("Order")
		tax, _ := form.Field("tax")
		if got := set.Access("Order", tax); got != c.access {
			t.Errorf("%s: access %d, want %d", c.title, got, c.access)
		}
		var says []Kind
		for _, f := range next.Check(Surroundings{Previous: prev}) {
			ofS := f.Kind == PersonalDataNew && f.Path == "permissionSets.S.forms.Order.fields.tax" ||
				f.Kind == PersonalDataUnmarked && f.Path == "forms.Order.fields.tax" && strings.Contains(f.Msg, " and S, ")
			if ofS && f.Line > 0 {
				says = append(says, f.Kind)
			}
		}
		if !slices.Equal(says, c.says) {
			t.Errorf("%s: says %v, want %v", c.title, says, c.says)
		}
	}
}
