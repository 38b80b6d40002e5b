package directory

import (
	"slices"
	"testing"
)

// TestA5a_MembersAreActiveAndPlaced: members are the active people with a place
// in the application, and the admins; nobody else, and each once.
func TestA5a_MembersAreActiveAndPlaced(t *testing.T) {
	w := newWorld(t)
	members := func(application string) (names []string) {
		for _, u := range w.people().Members(application) {
			names = append(names, u.DisplayName)
		}
		slices.Sort(names)
		return names
	}
	for application, want := range map[string][]string{
		"orders": {"Super", "admin", "admin2", "dev", "rep"},
		"none":   {"Super", "admin", "admin2"},
	} {
		if got := members(application); !slices.Equal(got, want) {
			t.Errorf("%s: %v", application, got)
		}
	}
	w.must(w.d.SetActive(t.Context(), w.as["admin"], w.id["rep"], false))
	w.must(w.d.SetActive(t.Context(), w.as["super"], w.id["admin2"], false))
	if got := members("orders"); !slices.Equal(got, []string{"Super", "admin", "dev"}) {
		t.Errorf("after deactivation: %v", got)
	}
	users := w.people().Members("orders")
	if !slices.IsSortedFunc(users, func(a, b *User) int { return slices.Compare(a.ID[:], b.ID[:]) }) {
		t.Error("members are not in the order of ids")
	}
}
