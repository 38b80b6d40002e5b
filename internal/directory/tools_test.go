package directory

import (
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

func (w *world) mayUse(who, application string, tool identity.Tool) error {
	w.t.Helper()
	p, err := w.d.People(w.t.Context(), w.as[who])
	if err != nil {
		return err
	}
	return p.MayUse(w.as[who], application, tool)
}

func (w *world) grant(by, who string, tools ...identity.Tool) error {
	return w.d.GrantTools(w.t.Context(), w.as[by], "orders", w.id[who], identity.ToolSetOf(tools...), nil)
}

func (w *world) revoke(by, who string, tools ...identity.Tool) error {
	return w.d.RevokeTools(w.t.Context(), w.as[by], "orders", w.id[who], identity.ToolSetOf(tools...), nil)
}

// TestP10_ToolsAreRightsOfTheirOwn: admins hold all tools, developers those that
// were granted, everybody else none.
func TestP10_ToolsAreRightsOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	for who, want := range map[string]fault.Kind{
		"super": noFault, "admin": noFault, "dev": fault.Forbidden, "rep": fault.Forbidden, "idle": fault.NotFound, "other": fault.NotFound,
	} {
		for _, tool := range identity.Tools() {
			wants(t, who+" "+tool.String(), w.mayUse(who, "orders", tool), want)
		}
	}
	w.must(w.grant("admin", "dev", identity.Explain, identity.Review))
	for _, tool := range identity.Tools() {
		want := fault.Forbidden
		if tool == identity.Explain || tool == identity.Review {
			want = noFault
		}
		wants(t, "granted "+tool.String(), w.mayUse("dev", "orders", tool), want)
	}
	wants(t, "another application", w.mayUse("dev", "hr", identity.Explain), fault.NotFound)
	w.must(w.revoke("admin", "dev", identity.Explain, identity.Recall))
	wants(t, "revoked", w.mayUse("dev", "orders", identity.Explain), fault.Forbidden)
	wants(t, "left", w.mayUse("dev", "orders", identity.Review), noFault)
}

// TestP10_ToolsEndWithThePlace: a developer who comes back is granted tools anew.
func TestP10_ToolsEndWithThePlace(t *testing.T) {
	w := newWorld(t)
	ctx, admin, dev := t.Context(), w.as["admin"], Assignment{User: w.id["dev"], Application: "orders", Kind: identity.Developer}
	w.must(w.grant("admin", "dev", identity.AllTools.List()...))
	w.must(w.d.SetActive(ctx, admin, w.id["dev"], false))
	p, err := w.d.People(ctx, admin)
	w.must(err)
	wants(t, "inactive", p.MayUse(w.as["dev"], "orders", identity.Explain), fault.NotFound)
	w.must(w.d.SetActive(ctx, admin, w.id["dev"], true))
	w.sign("dev")
	wants(t, "active again", w.mayUse("dev", "orders", identity.Explain), noFault)
	w.must(w.d.Unassign(ctx, admin, w.id["dev"], "orders"))
	wants(t, "unassigned", w.mayUse("dev", "orders", identity.Explain), fault.NotFound)
	w.must(w.d.Assign(ctx, admin, dev, nil))
	wants(t, "assigned again", w.mayUse("dev", "orders", identity.Explain), fault.Forbidden)
	dev.Tools = identity.ToolSetOf(identity.Recall)
	w.must(w.d.Assign(ctx, admin, dev, nil))
	wants(t, "assigned with a tool", w.mayUse("dev", "orders", identity.Recall), noFault)
	w.must(w.d.Unassign(ctx, admin, w.id["dev"], "orders"))
	w.must(w.d.Assign(ctx, admin, live(w.id["dev"], "orders"), nil))
	wants(t, "a live user now", w.mayUse("dev", "orders", identity.Recall), fault.Forbidden)
}

// TestP10_WhoHoldsNoTools: live and portal users can be given none, in no way.
func TestP10_WhoHoldsNoTools(t *testing.T) {
	w := newWorld(t)
	wants(t, "live", w.grant("admin", "rep", identity.Explain), fault.Invalid)
	wants(t, "no tool", w.grant("admin", "dev"), fault.Invalid)
	wants(t, "no tool at all", w.grant("admin", "dev", identity.NoTool), fault.Invalid)
	wants(t, "no place", w.grant("admin", "idle", identity.Explain), fault.NotFound)
	wants(t, "nobody", w.d.GrantTools(t.Context(), w.as["admin"], "orders", record.ID{1}, identity.AllTools, nil), fault.NotFound)
	wants(t, "no application", w.d.GrantTools(t.Context(), w.as["admin"], "a/b", w.id["dev"], identity.AllTools, nil), fault.NotFound)
	for _, who := range []string{"dev", "rep", "idle"} {
		wants(t, "granted by "+who, w.grant(who, "dev", identity.Explain), fault.Forbidden)
		wants(t, "revoked by "+who, w.revoke(who, "dev", identity.Explain), fault.Forbidden)
	}
	a := live(w.id["rep"], "orders")
	a.Tools = identity.ToolSetOf(identity.Explain)
	wants(t, "with the place", w.d.Assign(t.Context(), w.as["admin"], a, nil), fault.Invalid)
	a = Assignment{User: w.id["other"], Application: "orders", Kind: identity.Portal, PermissionSet: "Customer", Tools: a.Tools}
	wants(t, "with a portal place", w.d.Assign(t.Context(), w.as["admin"], a, nil), fault.Invalid)
}

// TestP10_SuperAdminWithholdsTools: single tools from single admins, who get them
// back from nobody else, nor through somebody else.
func TestP10_SuperAdminWithholdsTools(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	wants(t, "by an admin", w.revoke("admin2", "admin", identity.ViewAs), fault.Forbidden)
	wants(t, "from oneself", w.revoke("admin", "admin", identity.ViewAs), fault.Forbidden)
	wants(t, "from the super admin", w.revoke("super", "super", identity.ViewAs), fault.Forbidden)
	w.must(w.grant("admin", "dev", identity.Explain))
	w.must(w.revoke("super", "admin", identity.ViewAs))
	wants(t, "withheld", w.mayUse("admin", "orders", identity.ViewAs), fault.Forbidden)
	wants(t, "another tool", w.mayUse("admin", "orders", identity.Explain), noFault)
	wants(t, "another application", w.mayUse("admin", "hr", identity.ViewAs), noFault)
	wants(t, "another admin", w.mayUse("admin2", "orders", identity.ViewAs), noFault)
	wants(t, "back by oneself", w.grant("admin", "admin", identity.ViewAs), fault.Forbidden)
	wants(t, "back by an admin", w.grant("admin2", "admin", identity.ViewAs), fault.Forbidden)
	wants(t, "through a developer", w.grant("admin", "dev", identity.ViewAs), fault.Forbidden)
	a := Assignment{User: w.id["dev"], Application: "orders", Kind: identity.Developer, Tools: identity.AllTools}
	wants(t, "through a new developer", w.d.Assign(ctx, w.as["admin"], a, nil), fault.Forbidden)
	w.must(w.grant("admin", "dev", identity.Recall))
	w.must(w.grant("super", "admin", identity.ViewAs, identity.Recall))
	wants(t, "given back", w.mayUse("admin", "orders", identity.ViewAs), noFault)

	w.must(w.revoke("super", "admin", identity.Explain))
	w.must(w.d.TransferSuperAdmin(ctx, w.as["super"], w.id["admin"]))
	wants(t, "super admin now", w.mayUse("admin", "orders", identity.Explain), noFault)
	w.must(w.d.TransferSuperAdmin(ctx, w.as["admin"], w.id["super"]))
	wants(t, "and admin again", w.mayUse("admin", "orders", identity.Explain), noFault)
	w.must(w.revoke("super", "admin", identity.Explain))
	w.must(w.d.DemoteAdmin(ctx, w.as["super"], w.id["admin"]))
	w.must(w.d.PromoteAdmin(ctx, w.as["super"], w.id["admin"]))
	wants(t, "promoted anew", w.mayUse("admin", "orders", identity.Explain), noFault)
	wants(t, "no such application", w.d.RevokeTools(ctx, w.as["super"], "orders", w.id["admin"], identity.AllTools,
		func() error { return fault.New(fault.NotFound, "test", "none") }), fault.NotFound)
	wants(t, "nothing was taken", w.mayUse("admin", "orders", identity.Explain), noFault)
}

// TestP10_ViewAsTakesASession: a personal token leaves reading as another out.
func TestP10_ViewAsTakesASession(t *testing.T) {
	w := newWorld(t)
	w.must(w.grant("admin", "dev", identity.AllTools.List()...))
	people, err := w.d.People(t.Context(), w.as["admin"])
	w.must(err)
	for _, who := range []string{"super", "admin", "dev"} {
		p := w.as[who]
		p.Credential = identity.PersonalToken
		for _, tool := range identity.Tools() {
			want := noFault
			if tool == identity.ViewAs {
				want = fault.Forbidden
			}
			wants(t, who+" "+tool.String(), people.MayUse(p, "orders", tool), want)
		}
	}
}

// TestP10_ToolsSurviveARestart: grants and what is withheld are read from the
// store.
func TestP10_ToolsSurviveARestart(t *testing.T) {
	w := newWorld(t)
	w.must(w.grant("admin", "dev", identity.Recall))
	w.must(w.revoke("super", "admin", identity.Compare))
	w.d = New(w.store, &Options{Now: w.clock.Now, HashMemory: 64})
	wants(t, "granted", w.mayUse("dev", "orders", identity.Recall), noFault)
	wants(t, "not granted", w.mayUse("dev", "orders", identity.Explain), fault.Forbidden)
	wants(t, "withheld", w.mayUse("admin", "orders", identity.Compare), fault.Forbidden)
	wants(t, "held", w.mayUse("admin", "orders", identity.Recall), noFault)
}

// TestP10_ZeroMayUseNothing: nobody, of no tenant, with no credential, no tool.
func TestP10_ZeroMayUseNothing(t *testing.T) {
	w := newWorld(t)
	people, err := w.d.People(t.Context(), w.as["super"])
	w.must(err)
	for what, change := range map[string]func(*identity.Principal){
		"user":       func(p *identity.Principal) { p.User = record.ID{} },
		"tenant":     func(p *identity.Principal) { p.Tenant = identity.Tenant{} },
		"stranger":   func(p *identity.Principal) { p.Tenant[0]++ },
		"credential": func(p *identity.Principal) { p.Credential = identity.NoCredential },
	} {
		p := w.as["super"]
		change(&p)
		wants(t, what, people.MayUse(p, "orders", identity.Explain), fault.NotFound)
		wants(t, what+" of nobody's directory", (&People{}).MayUse(p, "orders", identity.Explain), fault.NotFound)
	}
	for _, tool := range []identity.Tool{identity.NoTool, 6, 7, 8, 200, 255} {
		for _, who := range []string{"super", "admin", "dev"} {
			wants(t, who, people.MayUse(w.as[who], "orders", tool), fault.Forbidden)
		}
	}
}

// TestP10_ToolsFollowTheirGrants holds MayUse against a plain account of what was
// granted, through places that come and go.
func TestP10_ToolsFollowTheirGrants(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t)
		ctx, granted, withheld := t.Context(), identity.ToolSet(0), identity.ToolSet(0)
		kind := identity.Developer
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			tools := identity.ToolSetOf(rapid.SliceOfNDistinct(rapid.SampledFrom(identity.Tools()), 1, 3, rapid.ID[identity.Tool]).Draw(r, "tools")...)
			change := func(user string, grant bool) error {
				if grant {
					return w.d.GrantTools(ctx, w.as["super"], "orders", w.id[user], tools, nil)
				}
				return w.d.RevokeTools(ctx, w.as["super"], "orders", w.id[user], tools, nil)
			}
			give := rapid.Bool().Draw(r, "give")
			switch rapid.SampledFrom([]string{"developer", "admin", "place"}).Draw(r, "what") {
			case "developer":
				err := change("dev", give)
				switch {
				case kind == identity.Live && err == nil:
					r.Fatal("a live user was given or lost tools")
				case kind == identity.Live:
				case err != nil:
					r.Fatal(err)
				case give:
					granted |= tools
				default:
					granted &^= tools
				}
			case "admin":
				w.must(change("admin", give))
				if withheld |= tools; give {
					withheld &^= tools
				}
			case "place":
				w.must(w.d.Unassign(ctx, w.as["super"], w.id["dev"], "orders"))
				a := Assignment{User: w.id["dev"], Application: "orders", Kind: identity.Developer, Tools: tools}
				kind, granted = identity.Developer, tools
				if !give {
					a, kind, granted = live(w.id["dev"], "orders"), identity.Live, 0
				}
				w.must(w.d.Assign(ctx, w.as["super"], a, nil))
			}
			for _, tool := range identity.Tools() {
				if got := w.mayUse("dev", "orders", tool) == nil; got != granted.Has(tool) {
					r.Fatalf("the developer may %s: %v", tool, got)
				}
				if got := w.mayUse("admin", "orders", tool) == nil; got == withheld.Has(tool) {
					r.Fatalf("the admin may %s: %v", tool, got)
				}
			}
		}
	})
}
