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
