package identity

import (
	"context"
	"testing"

	"sluice/internal/record"
)

func TestContextCarriesPrincipal(t *testing.T) {
	p := Principal{Tenant: Tenant{1}, User: record.ID{2}, Credential: Session, CredentialID: "s"}
	if got, ok := FromContext(WithPrincipal(context.Background(), p)); !ok || got != p {
		t.Errorf("got %+v, %v", got, ok)
	}
	other := Principal{Tenant: Tenant{9}, User: record.ID{3}, Credential: PersonalToken}
	if got, _ := FromContext(WithPrincipal(WithPrincipal(context.Background(), p), other)); got != other {
		t.Errorf("the inner principal is %+v", got)
	}
}

// TestHalfAPrincipalIsNone: without tenant, user or credential nobody is signed in.
func TestHalfAPrincipalIsNone(t *testing.T) {
	if _, ok := FromContext(context.Background()); ok {
		t.Error("an empty context has a principal")
	}
	for _, p := range []Principal{{}, {Tenant: Tenant{1}, User: record.ID{2}}, {User: record.ID{2}, Credential: Session}, {Tenant: Tenant{1}, Credential: Session}} {
		if got, ok := FromContext(WithPrincipal(context.Background(), p)); ok || got != (Principal{}) {
			t.Errorf("%+v counts as signed in", p)
		}
	}
}

func TestKinds(t *testing.T) {
	for k, want := range map[Kind]bool{Nobody: false, Live: false, Portal: false, Developer: false, Admin: true, SuperAdmin: true, Kind(99): false} {
		if k.Administers() != want {
			t.Errorf("%v administers: %v", k, !want)
		}
	}
	if Kind(99).String() != "NOBODY" || Kind(0) != Nobody || SuperAdmin.String() != "SUPER_ADMIN" || len(kindNames) != int(SuperAdmin)+1 {
		t.Error("the names do not fit the kinds")
	}
	if !(Tenant{}).IsZero() || (Tenant{7: 1}).IsZero() || (Tenant{0xab, 7: 1}).String() != "ab00000000000001" {
		t.Error("tenants")
	}
}
