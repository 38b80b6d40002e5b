package resolvers

import (
	"reflect"
	"testing"

	"sluice/internal/fault"
)

func TestG3OnlyAdminsHide(t *testing.T) {
	o := newOffice(t)
	where := map[string]any{"title": map[string]any{"eq": "x"}}
	for who, want := range map[string]fault.Kind{"super": fine, "admin": fine, "dev": fault.Forbidden, "rep": fault.Forbidden, "idle": fault.NotFound} {
		got, err := o.mutation.HideRecords(o.ctx(who), "orders", "Order", where)
		wants(t, who+" hides", err, want)
		list, err := o.query.HiddenRecords(o.ctx(who), "orders")
		wants(t, who+" lists", err, want)
		if want == fine && (len(list) != 1 || !reflect.DeepEqual(list[0], got.Hidden) || got.Hidden.Owner != o.id[who] || !reflect.DeepEqual(got.Hidden.Where, where)) {
			t.Errorf("%s hides %+v, and is told %+v", who, got, list)
		}
	}
	admin := o.id["admin"]
	_, err := o.mutation.UnhideRecords(o.ctx("super"), "orders", "Order", &admin)
	wants(t, "the super admin lifts what has not lapsed", err, fault.NotFound)
	_, err = o.mutation.DemoteAdmin(o.ctx("super"), admin)
	o.must(err)
	got, err := o.mutation.UnhideRecords(o.ctx("super"), "orders", "Order", &admin)
	wants(t, "the super admin lifts what has", err, fine)
	if got == nil || !got.Hidden.Lapsed || *got.Hidden.OwnerName != "admin" {
		t.Errorf("lifted %+v", got)
	}
	_, err = o.mutation.UnhideRecords(o.ctx("super"), "orders", "Order", nil)
	wants(t, "one's own without a name", err, fine)
	_, err = o.query.HiddenRecords(t.Context(), "orders")
	wants(t, "nobody lists", err, fault.Unauthenticated)
	_, err = o.mutation.HideRecords(t.Context(), "orders", "Order", where)
	wants(t, "nobody hides", err, fault.Unauthenticated)
}
