package resolvers

import (
	"context"
	"fmt"
	"testing"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/ruletest"
	"sluice/storage/memstore"
)

// office is an organization with one person of each kind: super, admin, dev (of
// orders), rep (live in orders), idle (without a place).
type office struct {
	t        *testing.T
	d        *directory.Directory
	query    queryResolver
	mutation mutationResolver
	id       map[string]record.ID
	as       map[string]identity.Principal
}

var everyone = []string{"super", "admin", "dev", "rep", "idle"}

const document = "application: %s\nforms:\n  - name: Order\n    plural: orders\n    fields:\n      - {name: title, type: text}\nroles:\n  - {name: CEO}\n  - {name: Rep, reportsTo: CEO}\n"

func newOffice(t *testing.T) *office {
	t.Helper()
	store := memstore.Open()
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	d := directory.New(store, &directory.Options{HashMemory: 64})
	e, err := engine.New(engine.Options{
		Store: store, Directory: d, Rules: ruletest.NewDouble(),
		Inspect: func(context.Context, []byte) (*rules.Manifest, rules.Hash, error) {
			return nil, rules.Hash{}, fault.New(fault.Invalid, "test", "module: not used here")
		},
	})
	r := New(d, e)
	o := &office{t: t, d: d, query: queryResolver{r}, mutation: mutationResolver{r}, id: map[string]record.ID{}, as: map[string]identity.Principal{}}
	o.must(err)
	o.populate()
	return o
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) populate() {
	ctx := o.t.Context()
	tenant, super, err := o.d.CreateOrganization(ctx, "zylker", directory.NewUser{Email: "super@x.io", DisplayName: "Super", Password: "correct horse"})
	o.must(err)
	o.id["super"] = super
	for _, name := range everyone {
		if name != "super" {
			o.id[name], err = o.d.AddUser(ctx, o.as["super"], directory.NewUser{Email: name + "@x.io", DisplayName: name, Password: "correct horse", Admin: name == "admin"})
			o.must(err)
		}
		token, err := o.d.OpenSession(ctx, tenant, o.id[name])
		o.must(err)
		o.as[name], err = o.d.Authenticate(ctx, token)
		o.must(err)
	}
	_, err = o.mutation.ApplyDefinition(o.ctx("admin"), fmt.Sprintf(document, "orders"), false, nil)
	o.must(err)
	_, err = o.mutation.AssignDeveloper(o.ctx("admin"), "orders", o.id["dev"], nil)
	o.must(err)
	_, err = o.mutation.AssignUser(o.ctx("admin"), "orders", o.id["rep"], "Rep", "Read", nil)
	o.must(err)
}

func (o *office) ctx(who string) context.Context {
	return identity.WithPrincipal(o.t.Context(), o.as[who])
}

const fine fault.Kind = 255

// wants fails unless err is of the kind, or nil for fine.
func wants(t *testing.T, what string, err error, kind fault.Kind) {
	t.Helper()
	if (err == nil) != (kind == fine) || err != nil && fault.KindOf(err) != kind {
		t.Errorf("%s: %v, want %v", what, err, kind)
	}
}

func TestA5UserDirectory(t *testing.T) {
	o := newOffice(t)
	for _, who := range everyone {
		want := fault.Forbidden
		if who == "super" || who == "admin" {
			want = fine
		}
		page, err := o.query.Users(o.ctx(who), nil, 50, nil)
		wants(t, who+" lists", err, want)
		if (page != nil) != (want == fine) {
			t.Errorf("%s: page %v", who, page)
		}
		_, err = o.query.User(o.ctx(who), o.id["rep"])
		wants(t, who+" reads", err, want)
	}
	_, err := o.query.Users(t.Context(), nil, 50, nil)
	wants(t, "nobody lists", err, fault.Unauthenticated)
}

func TestA6DevelopersEditDefinitions(t *testing.T) {
	o := newOffice(t)
	for _, who := range []string{"super", "admin", "dev"} {
		got, err := o.mutation.ApplyDefinition(o.ctx(who), fmt.Sprintf(document, "orders"), false, nil)
		wants(t, who+" applies", err, fine)
		if got == nil || got.Application == nil {
			t.Errorf("%s: %+v", who, got)
		}
	}
	_, err := o.mutation.ApplyDefinition(o.ctx("dev"), fmt.Sprintf(document, "hr"), false, nil)
	wants(t, "dev makes an application", err, fault.NotFound)
	_, err = o.query.Users(o.ctx("dev"), nil, 50, nil)
	wants(t, "dev opens the directory", err, fault.Forbidden)
}

func TestA10LiveUsersEditNothing(t *testing.T) {
	o := newOffice(t)
	for who, want := range map[string]fault.Kind{"rep": fault.Forbidden, "idle": fault.NotFound} {
		_, err := o.mutation.ApplyDefinition(o.ctx(who), fmt.Sprintf(document, "orders"), false, nil)
		wants(t, who+" applies", err, want)
		_, err = o.mutation.ActivateRule(o.ctx(who), "orders", "none", nil)
		wants(t, who+" activates", err, want)
		_, err = o.query.RuleModules(o.ctx(who), "orders")
		wants(t, who+" reads modules", err, want)
		_, err = (&applicationResolver{o.query.Resolver}).Definition(o.ctx(who), &graph.Application{Name: "orders"})
		wants(t, who+" reads the definition", err, want)
		_, err = o.mutation.ApplyDefinition(o.ctx(who), fmt.Sprintf(document, "hr"), false, nil)
		wants(t, who+" makes an application", err, fault.NotFound)
	}
}

// TestPagesAreTheWhole walks the directory in pages of every size: together
// they are the list in one page.
func TestPagesAreTheWhole(t *testing.T) {
	o := newOffice(t)
	ctx := o.ctx("admin")
	whole, err := o.query.Users(ctx, nil, maxUsers, nil)
	o.must(err)
	if len(whole.Nodes) != len(everyone) || whole.PageInfo.HasNextPage {
		t.Fatalf("the whole has %d people", len(whole.Nodes))
	}
	for size := 1; size <= len(everyone)+1; size++ {
		var got []*graph.User
		var after *string
		for more := true; more; {
			page, err := o.query.Users(ctx, nil, size, after)
			o.must(err)
			got = append(got, page.Nodes...)
			more, after = page.PageInfo.HasNextPage, page.PageInfo.EndCursor
			if len(page.Nodes) == 0 || len(page.Nodes) > size {
				t.Fatalf("pages of %d: a page of %d", size, len(page.Nodes))
			}
		}
		if len(got) != len(whole.Nodes) {
			t.Fatalf("pages of %d come to %d", size, len(got))
		}
		for i := range got {
			if got[i].ID != whole.Nodes[i].ID {
				t.Errorf("pages of %d: user %d differs", size, i)
			}
		}
	}
}
