package directory

import (
	"context"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/identity"
)

// TestEverySignInCostsAHash takes all slots of the hasher: every sign-in waits
// for one, whether its account exists or not, so all of them cost a hash.
func TestEverySignInCostsAHash(t *testing.T) {
	w := newWorld(t)
	for range cap(w.d.hasher.slots) {
		w.must(w.d.hasher.acquire(t.Context()))
	}
	for name, c := range map[string][3]string{
		"right":         {"zylker", "rep@x.io", password},
		"wrong":         {"zylker", "dev@x.io", "wrong horse"},
		"unknown":       {"zylker", "none@x.io", password},
		"no address":    {"zylker", "none", password},
		"nowhere":       {"nowhere", "rep@x.io", password},
		"no name":       {"No Name", "rep@x.io", password},
		"too long":      {"zylker", "other@x.io", string(make([]byte, maxPassword+1))},
		"without place": {"zylker", "idle@x.io", ""},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := w.d.SignIn(ctx, c[0], c[1], c[2])
		wants(t, name, err, fault.Unavailable)
	}
}

func TestB1CredentialIsTold(t *testing.T) {
	w := newWorld(t)
	token, _, err := w.d.CreateToken(t.Context(), w.as["rep"], "ci", 0)
	w.must(err)
	byToken, err := w.d.Authenticate(t.Context(), token)
	w.must(err)
	for want, p := range map[identity.Credential]identity.Principal{identity.Session: w.as["rep"], identity.PersonalToken: byToken} {
		if v, ok := w.people().Viewer(p, "orders"); !ok || v.Credential != want {
			t.Errorf("viewer %+v %v, want credential %d", v, ok, want)
		}
	}
}
