package importer

import (
	"fmt"
	"strings"
	"testing"

	"sluice/engine"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
)

// TestP5_ImportsAskForTheRightPerChunk takes access away after the first chunk of
// the second pass: the import stops there with an error that says why, and
// somebody who has the right goes on with it.
func TestP5_ImportsAskForTheRightPerChunk(t *testing.T) {
	file := "code,name\n"
	for i := range 9 {
		file += fmt.Sprintf("C%d,N\n", i)
	}
	for name, c := range map[string]struct {
		take func(k *desk) error
		want fault.Kind
	}{
		"the session": {func(k *desk) error { return k.d.SignOut(k.t.Context(), k.as["ann"]) }, fault.Unauthenticated},
		"all credentials": {func(k *desk) error {
			return k.d.RevokeCredentials(k.t.Context(), k.as["sue"], k.ids["ann"])
		}, fault.Unauthenticated},
		"the user":          {func(k *desk) error { return k.d.SetActive(k.t.Context(), k.as["sue"], k.ids["ann"], false) }, fault.Unauthenticated},
		"the user for good": {func(k *desk) error { return k.d.DeleteUser(k.t.Context(), k.as["sue"], k.ids["ann"], nil) }, fault.Unauthenticated},
		"the place":         {func(k *desk) error { return k.d.Unassign(k.t.Context(), k.as["sue"], k.ids["ann"], "desk") }, fault.NotFound},
		"the set": {func(k *desk) error {
			return k.d.Assign(k.t.Context(), k.as["sue"], directory.Assignment{User: k.ids["ann"], Application: "desk", Kind: identity.Live, Role: "Rep", PermissionSet: "Typist"}, nil)
		}, fault.Forbidden},
		"the right": {func(k *desk) error {
			out, err := k.e.Apply(k.t.Context(), k.as["sue"], []byte(strings.Replace(deskDefinition, "Customer: {actions: [ACCESS, IMPORT]", "Customer: {actions: [ACCESS]", 1)), false)
			if err == nil && len(out.Faults) > 0 {
				err = fmt.Errorf("%v", out.Faults)
			}
			return err
		}, fault.Forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			k := newDesk(t)
			k.im.chunk = 2
			taken := false
			o := &Options{}
			k.must(o.check())
			r, err := k.im.Run(t.Context(), k.as["ann"], "desk", "Customer", o, strings.NewReader(file), func(p Progress) {
				if p.Pass == 2 && !taken {
					taken = true
					k.must(c.take(k))
				}
			})
			if fault.KindOf(err) != c.want || err == nil || fault.Message(err) == "" {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if r.Job == nil || r.Job.Done != 2 || len(k.stored("Customer", "code")) != 2 {
				t.Fatalf("stopped at %+v", r.Job)
			}
			if _, err := k.im.Resume(t.Context(), k.as["ann"], "desk", r.Job.ID, strings.NewReader(file), func(Progress) {}); err == nil {
				t.Error("whose right was taken goes on")
			}
			r, err = k.im.Resume(t.Context(), k.as["sue"], "desk", r.Job.ID, strings.NewReader(file), func(Progress) {})
			k.must(err)
			if r.Job.State != engine.ImportDone || len(k.stored("Customer", "code")) != 9 {
				t.Errorf("resumed: %+v", r.Job)
			}
		})
	}
}
