package directory

import (
	"context"
	"slices"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

func TestA1OneSuperAdmin(t *testing.T) {
	w := newWorld(t)
	supers := func() (n []string) {
		for _, u := range w.people().Users() {
			if u.Admin == identity.SuperAdmin {
				n = append(n, u.Email)
			}
		}
		return n
	}
	if got := supers(); !slices.Equal(got, []string{"super@x.io"}) {
		t.Fatalf("super admins %v", got)
	}
	ctx := t.Context()
	for _, actor := range []string{"super", "admin"} {
		wants(t, "deactivate super by "+actor, w.d.SetActive(ctx, w.as[actor], w.id["super"], false), fault.Forbidden)
		wants(t, "demote super by "+actor, w.d.DemoteAdmin(ctx, w.as[actor], w.id["super"]), fault.Forbidden)
	}
	wants(t, "transfer to a user", w.d.TransferSuperAdmin(ctx, w.as["super"], w.id["rep"]), fault.Invalid)
	wants(t, "transfer to oneself", w.d.TransferSuperAdmin(ctx, w.as["super"], w.id["super"]), fault.Invalid)
	wants(t, "transfer by an admin", w.d.TransferSuperAdmin(ctx, w.as["admin"], w.id["admin2"]), fault.Forbidden)
	wants(t, "transfer", w.d.TransferSuperAdmin(ctx, w.as["super"], w.id["admin"]), noFault)
	if got := supers(); !slices.Equal(got, []string{"admin@x.io"}) {
		t.Fatalf("super admins after the transfer %v", got)
	}
	if w.user("super").Admin != identity.Admin {
		t.Error("the former super admin is not an admin")
	}
}

func TestA2WhoAddsAndRanks(t *testing.T) {
	add := func(admin bool) func(context.Context, *world, identity.Principal) error {
		return func(ctx context.Context, w *world, p identity.Principal) error {
			_, err := w.d.AddUser(ctx, p, NewUser{Email: "new@x.io", DisplayName: "New", Admin: admin})
			return err
		}
	}
	t.Run("users", func(t *testing.T) { each(t, []string{"super", "admin", "admin2"}, add(false)) })
	t.Run("admins", func(t *testing.T) { each(t, []string{"super"}, add(true)) })
	t.Run("promote", func(t *testing.T) {
		each(t, []string{"super"}, func(ctx context.Context, w *world, p identity.Principal) error {
			return w.d.PromoteAdmin(ctx, p, w.id["idle"])
		})
	})
	t.Run("demote", func(t *testing.T) {
		each(t, []string{"super"}, func(ctx context.Context, w *world, p identity.Principal) error {
			return w.d.DemoteAdmin(ctx, p, w.id["admin2"])
		})
	})
	t.Run("deactivate an admin", func(t *testing.T) {
		each(t, []string{"super"}, func(ctx context.Context, w *world, p identity.Principal) error {
			return w.d.SetActive(ctx, p, w.id["admin2"], false)
		})
	})
	t.Run("password of an admin", func(t *testing.T) {
		each(t, []string{"super"}, func(ctx context.Context, w *world, p identity.Principal) error {
			return w.d.SetPassword(ctx, p, w.id["admin2"], "another secret")
		})
	})
}

func TestPromoteAndDemote(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.must(w.d.PromoteAdmin(ctx, w.as["super"], w.id["idle"]))
	if u := w.user("idle"); u.Admin != identity.Admin || u.Status != Active {
		t.Errorf("promoted: %+v", u)
	}
	w.must(w.d.DemoteAdmin(ctx, w.as["super"], w.id["idle"]))
	if u := w.user("idle"); u.Admin != identity.Nobody || u.Status != Confirmed {
		t.Errorf("demoted: %+v", u)
	}
	if _, ok := w.people().Viewer(w.as["idle"], "orders"); ok {
		t.Error("a demoted admin still views applications")
	}
}

func TestA4AdminsHoldNothing(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for _, name := range []string{"super", "admin"} {
		wants(t, "role for "+name, w.d.Assign(ctx, w.as["super"], live(w.id[name], "orders"), nil), fault.Invalid)
		dev := Assignment{User: w.id[name], Application: "orders", Kind: identity.Developer}
		wants(t, "developer "+name, w.d.Assign(ctx, w.as["super"], dev, nil), fault.Invalid)
	}
	wants(t, "promote a live user", w.d.PromoteAdmin(ctx, w.as["super"], w.id["rep"]), fault.Conflict)
	w.must(w.d.Unassign(ctx, w.as["super"], w.id["rep"], "orders"))
	wants(t, "promote after unassigning", w.d.PromoteAdmin(ctx, w.as["super"], w.id["rep"]), noFault)
}

func TestA5Directory(t *testing.T) {
	w := newWorld(t)
	p := w.people()
	for _, name := range everyone {
		want := noFault
		if name == "dev" || name == "rep" || name == "idle" {
			want = fault.Forbidden
		}
		wants(t, name, p.MayOpen(w.as[name]), want)
	}
	changes := map[string]func(context.Context, *world, identity.Principal) error{
		"deactivate": func(ctx context.Context, w *world, p identity.Principal) error {
			return w.d.SetActive(ctx, p, w.other(), false)
		},
		"activate": func(ctx context.Context, w *world, p identity.Principal) error {
			return w.d.SetActive(ctx, p, w.other(), true)
		},
		"assign": func(ctx context.Context, w *world, p identity.Principal) error {
			return w.d.Assign(ctx, p, live(w.other(), "orders"), nil)
		},
		"unassign": func(ctx context.Context, w *world, p identity.Principal) error {
			return w.d.Unassign(ctx, p, w.id["rep"], "orders")
		},
		"password": func(ctx context.Context, w *world, p identity.Principal) error {
			return w.d.SetPassword(ctx, p, w.other(), "another secret")
		},
	}
	for name, act := range changes {
		t.Run(name, func(t *testing.T) { each(t, []string{"super", "admin", "admin2"}, act) })
	}
}

func TestA6DevelopersDefine(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"super", "admin", "admin2", "dev"} {
		wants(t, name, w.people().MayDefine(w.as[name], "orders"), noFault)
	}
	wants(t, "developer of another application", w.people().MayDefine(w.as["dev"], "hr"), fault.NotFound)
	wants(t, "developer in the directory", w.people().MayOpen(w.as["dev"]), fault.Forbidden)
}

func TestA10LiveUsersDoNotDefine(t *testing.T) {
	w := newWorld(t)
	wants(t, "live", w.people().MayDefine(w.as["rep"], "orders"), fault.Forbidden)
	wants(t, "live elsewhere", w.people().MayDefine(w.as["rep"], "hr"), fault.NotFound)
	wants(t, "without a place", w.people().MayDefine(w.as["idle"], "orders"), fault.NotFound)
	wants(t, "nobody", w.people().MayDefine(identity.Principal{}, "orders"), fault.NotFound)
}

func TestA7RoleAndSet(t *testing.T) {
	w := newWorld(t)
	user := w.id["idle"]
	cases := []struct {
		name string
		a    Assignment
		want fault.Kind
	}{
		{"no role", Assignment{User: user, Application: "orders", Kind: identity.Live, PermissionSet: "Sales"}, fault.Invalid},
		{"no set", Assignment{User: user, Application: "orders", Kind: identity.Live, Role: "Rep"}, fault.Invalid},
		{"neither", Assignment{User: user, Application: "orders", Kind: identity.Live}, fault.Invalid},
		{"no kind", Assignment{User: user, Application: "orders", Role: "Rep", PermissionSet: "Sales"}, fault.Invalid},
		{"admin kind", Assignment{User: user, Application: "orders", Kind: identity.Admin}, fault.Invalid},
		{"no application", live(user, ""), fault.Invalid},
		{"application with a slash", live(user, "a/b"), fault.Invalid},
		{"nobody", live(record.ID{}, "orders"), fault.Invalid},
		{"unknown user", live(record.NewID(w.clock.Now()), "orders"), fault.NotFound},
		{"both", live(user, "orders"), noFault},
	}
	for _, c := range cases {
		wants(t, c.name, w.d.Assign(t.Context(), w.as["admin"], c.a, nil), c.want)
	}
	refuse := func(Assignment) error { return fault.New(fault.Invalid, "test", "role: unknown") }
	wants(t, "role unknown to the definition", w.d.Assign(t.Context(), w.as["admin"], live(user, "third"), refuse), fault.Invalid)
	if got := len(w.people().Assignments(user)); got != 1 {
		t.Errorf("%d assignments, want 1: a refused one was written", got)
	}
}

func TestA13DevelopersHoldNeither(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		a    Assignment
		want fault.Kind
	}{
		"role":       {Assignment{Role: "Rep"}, fault.Invalid},
		"set":        {Assignment{PermissionSet: "Sales"}, fault.Invalid},
		"attributes": {Assignment{Attributes: map[string]record.Value{"team": record.String("north")}}, fault.Invalid},
		"nothing":    {Assignment{}, noFault},
	} {
		c.a.User, c.a.Application, c.a.Kind = w.id["idle"], "orders", identity.Developer
		wants(t, name, w.d.Assign(t.Context(), w.as["admin"], c.a, nil), c.want)
	}
	v, ok := w.people().Viewer(w.as["idle"], "orders")
	if !ok || v.Kind != identity.Developer || v.Role != "" || v.PermissionSet != "" {
		t.Errorf("viewer %+v %v", v, ok)
	}
	if r := w.people().In("orders"); r.RoleOf(w.id["idle"]) != "" {
		t.Error("a developer has a role")
	}
}

func TestA8PairsPerApplication(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	admin, rep := w.as["admin"], w.id["rep"]
	w.must(w.d.Assign(ctx, admin, Assignment{User: rep, Application: "hr", Kind: identity.Live, Role: "Clerk", PermissionSet: "Read"}, nil))
	w.must(w.d.Assign(ctx, admin, Assignment{User: rep, Application: "shop", Kind: identity.Developer}, nil))
	p := w.people()
	for application, want := range map[string][2]string{"orders": {"Rep", "Sales"}, "hr": {"Clerk", "Read"}, "shop": {"", ""}} {
		v, ok := p.Viewer(w.as["rep"], application)
		if !ok || v.Role != want[0] || v.PermissionSet != want[1] {
			t.Errorf("%s: %+v %v", application, v, ok)
		}
	}
	wants(t, "both kinds", w.d.Assign(ctx, admin, Assignment{User: rep, Application: "orders", Kind: identity.Developer}, nil), fault.Conflict)
	wants(t, "both kinds, other way", w.d.Assign(ctx, admin, live(rep, "shop"), nil), fault.Conflict)
	moved := live(rep, "orders")
	moved.Role = "Manager"
	wants(t, "another role", w.d.Assign(ctx, admin, moved, nil), noFault)
	if r := w.people().In("orders"); r.RoleOf(rep) != "Manager" || len(r.Members("Rep")) != 0 || !slices.Equal(r.Members("Manager"), []record.ID{rep}) {
		t.Errorf("roles after the move: %+v", r)
	}
	w.must(w.d.Unassign(ctx, admin, rep, "orders"))
	wants(t, "developer after unassigning", w.d.Assign(ctx, admin, Assignment{User: rep, Application: "orders", Kind: identity.Developer}, nil), noFault)
	wants(t, "unassign twice", w.d.Unassign(ctx, admin, rep, "none"), fault.NotFound)
}

func TestA9Status(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	admin := w.as["admin"]
	invited, err := w.d.AddUser(ctx, admin, NewUser{Email: "invited@x.io", DisplayName: "Invited"})
	w.must(err)
	w.id["invited"] = invited
	status := func(name string, want Status) {
		t.Helper()
		if got := w.user(name).Status; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	status("invited", Pending)
	status("idle", Confirmed)
	status("rep", Active)
	_, err = w.d.OpenSession(ctx, w.tenant, invited)
	wants(t, "session of a pending user", err, fault.Unauthenticated)
	w.must(w.d.Assign(ctx, admin, live(invited, "orders"), nil))
	status("invited", Pending)
	w.must(w.d.SetPassword(ctx, admin, invited, "now I am in"))
	status("invited", Active)

	token, _, err := w.d.CreateToken(ctx, w.as["rep"], "ci", 0)
	w.must(err)
	w.must(w.d.SetActive(ctx, admin, w.id["rep"], false))
	status("rep", Inactive)
	wants(t, "inactive user's session", w.check(w.as["rep"]), fault.Unauthenticated)
	_, err = w.d.Authenticate(ctx, token)
	wants(t, "inactive user's token", err, fault.Unauthenticated)
	_, err = w.d.SignIn(ctx, "zylker", "rep@x.io", password)
	wants(t, "inactive user's sign-in", err, fault.Unauthenticated)
	p := w.people()
	if _, ok := p.Viewer(w.as["rep"], "orders"); ok {
		t.Error("an inactive user is a viewer")
	}
	if p.In("orders").RoleOf(w.id["rep"]) != "Rep" {
		t.Error("deactivation took the role away")
	}

	w.must(w.d.SetActive(ctx, admin, w.id["rep"], true))
	status("rep", Active)
	wants(t, "old session after reactivation", w.check(w.as["rep"]), fault.Unauthenticated)
	w.sign("rep")
	v, ok := w.people().Viewer(w.as["rep"], "orders")
	if !ok || v.Role != "Rep" || v.PermissionSet != "Sales" {
		t.Errorf("after reactivation: %+v %v", v, ok)
	}
	w.must(w.d.Unassign(ctx, admin, w.id["rep"], "orders"))
	status("rep", Confirmed)
}

func TestViewerOfEachKind(t *testing.T) {
	w := newWorld(t)
	a := live(w.id["idle"], "orders")
	a.Attributes = map[string]record.Value{
		"team": record.String("north"), "level": record.Int(-3), "senior": record.Bool(false),
		"boss": record.Ref(w.id["rep"]), "areas": record.List("a", "", "b"), "none": {}, "empty": record.List(),
	}
	w.must(w.d.Assign(t.Context(), w.as["admin"], a, nil))
	p := w.people()
	for name, want := range map[string]identity.Kind{
		"super": identity.SuperAdmin, "admin": identity.Admin, "dev": identity.Developer, "rep": identity.Live,
	} {
		v, ok := p.Viewer(w.as[name], "orders")
		if !ok || v.Kind != want || v.Tenant != w.tenant || v.User != w.id[name] || v.Credential != identity.Session || v.Application != "orders" {
			t.Errorf("%s: %+v %v", name, v, ok)
		}
	}
	v, _ := p.Viewer(w.as["idle"], "orders")
	for name, value := range a.Attributes {
		if got := v.Attributes[name]; !got.Equal(value) {
			t.Errorf("attribute %s: %v, want %v", name, got, value)
		}
	}
	for name, pr := range map[string]identity.Principal{
		"zero": {}, "no credential": {Tenant: w.tenant, User: w.id["super"]},
		"other tenant": {Tenant: identity.Tenant{1}, User: w.id["super"], Credential: identity.Session, CredentialID: w.as["super"].CredentialID},
		"unknown user": {Tenant: w.tenant, User: record.NewID(w.clock.Now()), Credential: identity.Session},
	} {
		if _, ok := p.Viewer(pr, "orders"); ok {
			t.Errorf("%s is a viewer", name)
		}
	}
	if _, ok := p.Viewer(w.as["rep"], "hr"); ok {
		t.Error("a live user views an application without a place in it")
	}
}

func TestInputOfPeople(t *testing.T) {
	w := newWorld(t)
	cases := []struct {
		name string
		u    NewUser
		want fault.Kind
	}{
		{"taken address", NewUser{Email: "rep@x.io", DisplayName: "R"}, fault.Conflict},
		{"taken in capitals", NewUser{Email: " REP@x.IO ", DisplayName: "R"}, fault.Conflict},
		{"no address", NewUser{DisplayName: "R"}, fault.Invalid},
		{"no at", NewUser{Email: "rep.x.io", DisplayName: "R"}, fault.Invalid},
		{"name and address", NewUser{Email: "Rep <r@x.io>", DisplayName: "R"}, fault.Invalid},
		{"Kelvin sign", NewUser{Email: "\u212aim@x.io", DisplayName: "R"}, fault.Invalid},
		{"no name", NewUser{Email: "a@x.io", DisplayName: "  "}, fault.Invalid},
		{"control character", NewUser{Email: "a@x.io", DisplayName: "a\x00b"}, fault.Invalid},
		{"short password", NewUser{Email: "a@x.io", DisplayName: "A", Password: "short"}, fault.Invalid},
		{"fine", NewUser{Email: "A@x.io", DisplayName: "Ä", Password: password}, noFault},
	}
	for _, c := range cases {
		_, err := w.d.AddUser(t.Context(), w.as["admin"], c.u)
		wants(t, c.name, err, c.want)
	}
	if u, ok := w.people().ByEmail("A@X.io"); !ok || u.Email != "a@x.io" {
		t.Errorf("by address: %+v %v", u, ok)
	}
	unknown := record.NewID(w.clock.Now())
	wants(t, "deactivate an unknown user", w.d.SetActive(t.Context(), w.as["admin"], unknown, false), fault.NotFound)
	wants(t, "promote an unknown user", w.d.PromoteAdmin(t.Context(), w.as["super"], unknown), fault.NotFound)
}
