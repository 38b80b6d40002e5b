package directory

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

func (w *world) signIn(name string) (string, error) {
	return w.d.SignIn(w.t.Context(), "zylker", name+"@x.io", password)
}

func TestSignInAndOut(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	token, err := w.d.SignIn(ctx, " Zylker", "REP@x.io", password)
	w.must(err)
	p, err := w.d.Authenticate(ctx, token)
	w.must(err)
	if p.User != w.id["rep"] || p.Tenant != w.tenant || p.Credential != identity.Session {
		t.Errorf("principal %+v", p)
	}
	if strings.Contains(token, p.CredentialID) {
		t.Error("the credential's id is part of the token")
	}
	w.must(w.d.SignOut(ctx, p))
	_, err = w.d.Authenticate(ctx, token)
	wants(t, "after signing out", err, fault.Unauthenticated)
	wants(t, "signing out twice", w.d.SignOut(ctx, p), fault.Unauthenticated)
	wants(t, "check in a snapshot", w.check(p), fault.Unauthenticated)
}

func TestSignInFailuresAnswerAlike(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	_, err := w.d.AddUser(ctx, w.as["admin"], NewUser{Email: "pending@x.io", DisplayName: "P"})
	w.must(err)
	w.must(w.d.SetActive(ctx, w.as["admin"], w.other(), false))
	cases := map[string][3]string{
		"wrong password":     {"zylker", "rep@x.io", "wrong horse"},
		"empty password":     {"zylker", "rep@x.io", ""},
		"endless password":   {"zylker", "rep@x.io", strings.Repeat("a", maxPassword+1)},
		"unknown address":    {"zylker", "none@x.io", password},
		"no address":         {"zylker", "", password},
		"unknown tenant":     {"nowhere", "rep@x.io", password},
		"no tenant":          {"", "rep@x.io", password},
		"tenant not a name":  {"../x", "rep@x.io", password},
		"inactive":           {"zylker", "other@x.io", password},
		"pending":            {"zylker", "pending@x.io", ""},
		"pending, password":  {"zylker", "pending@x.io", password},
		"organization's key": {organizationKey, "rep@x.io", password},
	}
	for name, c := range cases {
		_, err := w.d.SignIn(ctx, c[0], c[1], c[2])
		if !errors.Is(err, errSignIn) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSignInIsThrottledByAccount(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for _, account := range []string{"rep@x.io", "nobody@x.io"} {
		hashed := 0
		for range 50 {
			_, err := w.d.SignIn(ctx, "zylker", account, "wrong horse")
			if fault.KindOf(err) == fault.Unauthenticated {
				hashed++
			} else {
				wants(t, account, err, fault.Limit)
			}
		}
		if hashed != attemptBurst {
			t.Errorf("%s: %d attempts reached the hasher, want %d", account, hashed, attemptBurst)
		}
	}
	_, err := w.signIn("rep")
	wants(t, "right password while throttled", err, fault.Limit)
	_, err = w.signIn("idle")
	wants(t, "another account", err, noFault)
	w.clock.advance(attemptRefill)
	_, err = w.signIn("rep")
	wants(t, "after the refill", err, noFault)
	for range attemptBurst {
		_, err = w.signIn("rep")
		wants(t, "a success forgets the failures", err, noFault)
	}
}

func TestThrottleIsBounded(t *testing.T) {
	th := newThrottle(3)
	now := time.Unix(0, 0)
	for i := range 10 {
		th.take([32]byte{byte(i)}, now)
	}
	if len(th.entries) != 3 || th.order.Len() != 3 {
		t.Errorf("%d entries", len(th.entries))
	}
	if e := th.entry([32]byte{9}, now); e.left != attemptBurst-1 {
		t.Errorf("the newest entry was forgotten: %+v", e)
	}
}

func TestPersonalTokens(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	token, id, err := w.d.CreateToken(ctx, w.as["rep"], "ci", time.Hour)
	w.must(err)
	p, err := w.d.Authenticate(ctx, token)
	w.must(err)
	if p.Credential != identity.PersonalToken || p.User != w.id["rep"] || p.CredentialID != id {
		t.Errorf("principal %+v", p)
	}
	_, _, err = w.d.CreateToken(ctx, p, "child", time.Hour)
	wants(t, "a token making a token", err, fault.Forbidden)
	wants(t, "a token changing the password", w.d.ChangePassword(ctx, p, password, "new password"), fault.Forbidden)
	wants(t, "a token signing out", w.d.SignOut(ctx, p), fault.Invalid)
	for name, other := range map[string]identity.Principal{"admin": w.as["admin"], "super": w.as["super"]} {
		wants(t, name+" revoking it", w.d.RevokeToken(ctx, other, id), fault.NotFound)
	}
	for _, unknown := range []string{"", "x", strings.Repeat("0", 32), w.as["rep"].CredentialID, "../" + id} {
		wants(t, "revoking "+unknown, w.d.RevokeToken(ctx, w.as["rep"], unknown), fault.NotFound)
	}
	w.must(w.d.RevokeToken(ctx, w.as["rep"], id))
	_, err = w.d.Authenticate(ctx, token)
	wants(t, "revoked", err, fault.Unauthenticated)
	for _, label := range []string{"", " ", "a\nb", strings.Repeat("a", maxLabel+1)} {
		_, _, err = w.d.CreateToken(ctx, w.as["rep"], label, 0)
		wants(t, "label", err, fault.Invalid)
	}
	_, _, err = w.d.CreateToken(ctx, w.as["rep"], "ci", -1)
	wants(t, "life", err, fault.Invalid)
}

func TestCredentialsExpire(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	session, err := w.signIn("rep")
	w.must(err)
	short, _, err := w.d.CreateToken(ctx, w.as["rep"], "short", time.Hour)
	w.must(err)
	long, _, err := w.d.CreateToken(ctx, w.as["rep"], "long", 9999*24*time.Hour)
	w.must(err)
	stand := func(token string) bool {
		_, err := w.d.Authenticate(ctx, token)
		return err == nil
	}
	for _, step := range []struct {
		after                time.Duration
		short, session, long bool
	}{
		{0, true, true, true}, {time.Hour - 1, true, true, true}, {1, false, true, true},
		{30*24*time.Hour - time.Hour, false, false, true}, {335 * 24 * time.Hour, false, false, false},
	} {
		w.clock.advance(step.after)
		if s, m, l := stand(short), stand(session), stand(long); s != step.short || m != step.session || l != step.long {
			t.Errorf("after %v more: %v %v %v, want %+v", step.after, s, m, l, step)
		}
	}
}

// reseal gives a changed body its right checksum, as a forger would.
func reseal(prefix string, body []byte) string {
	b := append([]byte{}, body[:bodyBytes]...)
	return prefix + tokenBase.EncodeToString(binary.BigEndian.AppendUint32(b, checksum(prefix, b)))
}

func TestForgedTokens(t *testing.T) {
	w := newWorld(t)
	other := populate(t, w.store, w.clock, w.d, "decoy")
	ctx := t.Context()
	token, err := w.signIn("rep")
	w.must(err)
	body, err := tokenBase.DecodeString(token[4:])
	w.must(err)
	edit := func(at int, by byte) []byte {
		b := bytes.Clone(body)
		b[at] ^= by
		return b
	}
	moved := bytes.Clone(body)
	copy(moved[1:9], other.tenant[:])
	zero := bytes.Clone(body)
	copy(zero[1:9], make([]byte, 8))
	cases := map[string]string{
		"empty": "", "prefix only": sessionPrefix, "garbage": "hello", "bearer": "Bearer " + token,
		"upper case": strings.ToUpper(token), "one short": token[:len(token)-1], "one long": token + "a",
		"padded": token[:len(token)-1] + "=", "line break": token[:len(token)-1] + "\n", "space": " " + token[1:],
		"other prefix":               personalPrefix + token[4:],
		"other prefix, resealed":     reseal(personalPrefix, body),
		"unknown prefix":             reseal("slx_", body),
		"other secret":               reseal(sessionPrefix, edit(20, 1)),
		"other secret, first bit":    reseal(sessionPrefix, edit(9, 0x80)),
		"other secret, last bit":     reseal(sessionPrefix, edit(40, 1)),
		"checksum":                   sessionPrefix + tokenBase.EncodeToString(edit(44, 1)),
		"other version":              reseal(sessionPrefix, edit(0, 2)),
		"moved to another tenant":    reseal(sessionPrefix, moved),
		"moved to no tenant":         reseal(sessionPrefix, zero),
		"moved to an unknown tenant": reseal(sessionPrefix, edit(3, 0xff)),
		"64 KiB":                     sessionPrefix + strings.Repeat("a", 64<<10),
	}
	for name, forged := range cases {
		if _, err := w.d.Authenticate(ctx, forged); !errors.Is(err, errUnauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.d.Authenticate(ctx, reseal(sessionPrefix, body)); err != nil {
		t.Errorf("the token itself: %v", err) // else the table proves nothing
	}
}

func TestForgedPrincipals(t *testing.T) {
	w := newWorld(t)
	other := populate(t, w.store, w.clock, w.d, "decoy")
	good := w.as["rep"]
	wants(t, "the principal itself", w.check(good), noFault)
	change := func(fn func(*identity.Principal)) identity.Principal {
		p := good
		fn(&p)
		return p
	}
	for name, p := range map[string]identity.Principal{
		"other user":       change(func(p *identity.Principal) { p.User = w.id["super"] }),
		"no user":          change(func(p *identity.Principal) { p.User = record.ID{} }),
		"other kind":       change(func(p *identity.Principal) { p.Credential = identity.PersonalToken }),
		"no kind":          change(func(p *identity.Principal) { p.Credential = identity.NoCredential }),
		"other tenant":     change(func(p *identity.Principal) { p.Tenant = other.tenant }),
		"no id":            change(func(p *identity.Principal) { p.CredentialID = "" }),
		"other's id":       change(func(p *identity.Principal) { p.CredentialID = w.as["super"].CredentialID }),
		"other tenant's":   other.as["rep"],
		"key of a secret":  change(func(p *identity.Principal) { p.CredentialID = "../p/" + w.id["rep"].String() }),
		"unknown":          change(func(p *identity.Principal) { p.CredentialID = strings.Repeat("0", 32) }),
		"empty credential": {Tenant: w.tenant},
	} {
		s, err := w.store.Tenant(w.tenant).Snapshot()
		w.must(err)
		if err := w.d.Check(s, p); !errors.Is(err, errUnauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
		s.Close()
	}
}

func TestPasswordChangesEndCredentials(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	token, _, err := w.d.CreateToken(ctx, w.as["rep"], "ci", 0)
	w.must(err)
	wants(t, "wrong old password", w.d.ChangePassword(ctx, w.as["rep"], "wrong horse", "new password"), fault.Invalid)
	wants(t, "short new password", w.d.ChangePassword(ctx, w.as["rep"], password, "short"), fault.Invalid)
	wants(t, "change", w.d.ChangePassword(ctx, w.as["rep"], password, "new password"), noFault)
	wants(t, "session", w.check(w.as["rep"]), fault.Unauthenticated)
	_, err = w.d.Authenticate(ctx, token)
	wants(t, "token", err, fault.Unauthenticated)
	_, err = w.signIn("rep")
	wants(t, "old password", err, fault.Unauthenticated)
	session, err := w.d.SignIn(ctx, "zylker", "rep@x.io", "new password")
	w.must(err)
	w.must(w.d.SetPassword(ctx, w.as["admin"], w.id["rep"], password))
	_, err = w.d.Authenticate(ctx, session)
	wants(t, "session after an admin's reset", err, fault.Unauthenticated)
	wants(t, "own password as an admin", w.d.SetPassword(ctx, w.as["admin"], w.id["admin"], "new password"), fault.Forbidden)
}

func TestCredentialsAreBoundedAndListed(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	first := w.as["rep"]
	for range maxSessions - 1 {
		w.clock.advance(time.Second)
		w.sign("rep")
	}
	wants(t, "within the bound", w.check(first), noFault)
	w.clock.advance(time.Second)
	w.sign("rep")
	wants(t, "the oldest session beyond the bound", w.check(first), fault.Unauthenticated)
	w.clock.advance(time.Second) // or the tokens would be as old as the last session
	for range maxTokens {
		_, _, err := w.d.CreateToken(ctx, w.as["rep"], "ci", time.Hour)
		w.must(err)
	}
	_, _, err := w.d.CreateToken(ctx, w.as["rep"], "ci", time.Hour)
	wants(t, "one token too many", err, fault.Limit)
	held, err := w.d.Credentials(ctx, w.as["rep"])
	w.must(err)
	if len(held) != maxSessions+maxTokens || held[0].Label != "ci" || held[0].Created.Before(held[len(held)-1].Created) {
		t.Errorf("%d credentials, first %+v", len(held), held[0])
	}
	w.clock.advance(time.Hour)
	_, _, err = w.d.CreateToken(ctx, w.as["rep"], "ci", time.Hour)
	wants(t, "after the others expired", err, noFault)
}

func TestSecretsStayOutOfTheLog(t *testing.T) {
	w := newWorld(t)
	token, err := w.signIn("rep")
	w.must(err)
	s, _ := parseToken(token)
	snap, err := w.store.Tenant(w.tenant).Snapshot()
	w.must(err)
	defer snap.Close()
	phc, ok, err := snap.Doc(SpaceCredential, passwordKey(w.id["rep"]))
	if err != nil || !ok || !strings.HasPrefix(string(phc), "$argon2id$v=19$m=64,t=3,p=1$") {
		t.Fatalf("stored password: %q %v %v", phc, ok, err)
	}
	changes := snap.Changes(1)
	defer changes.Close()
	n := 0
	for ; changes.Next(); n++ {
		c := changes.Change()
		if c.Space == SpaceCredential {
			t.Errorf("credential document %q in the log", c.Key)
		}
		for _, b := range [][]byte{c.Before, c.After} {
			if bytes.Contains(b, phc) || bytes.Contains(b, s.sum[:]) || bytes.Contains(b, []byte("argon2")) || bytes.Contains(b, []byte(token)) {
				t.Errorf("secret in change %d", c.Seq)
			}
		}
	}
	if w.must(changes.Err()); n < 10 {
		t.Errorf("only %d changes: the test looks at nothing", n)
	}
}

// TestDeactivationRacesChecks has people deactivated and reactivated while
// their sessions are checked: no check that begins after the commit succeeds.
func TestDeactivationRacesChecks(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for range 50 {
		w.sign("rep")
		p := w.as["rep"]
		done := make(chan struct{})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					var over bool
					select {
					case <-done:
						over = true
					default:
					}
					err := w.check(p)
					if over {
						wants(t, "check after the commit", err, fault.Unauthenticated)
						return
					}
				}
			})
		}
		w.must(w.d.SetActive(ctx, w.as["admin"], w.id["rep"], false))
		close(done)
		wg.Wait()
		w.must(w.d.SetActive(ctx, w.as["admin"], w.id["rep"], true))
	}
}

// TestDeactivationConflictsWithWrites has a transaction of the deactivated
// user's commit later than the deactivation: it must not.
func TestDeactivationConflictsWithWrites(t *testing.T) {
	w := newWorld(t)
	p := w.as["rep"]
	first := true
	err := w.store.Tenant(w.tenant).Update(t.Context(), storage.Meta{Actor: p.User}, func(x *storage.Txn) error {
		if err := w.d.Check(x, p); err != nil {
			return err
		}
		if first {
			first = false
			w.must(w.d.SetActive(context.Background(), w.as["admin"], p.User, false))
		}
		return x.PutDoc(200, "late", []byte("write"))
	})
	wants(t, "write across a deactivation", err, fault.Unauthenticated)
}

// TestSignInRacesPassword signs in with a password that is replaced meanwhile.
func TestSignInRacesPassword(t *testing.T) {
	w := newWorld(t)
	a, err := w.d.account("zylker", "rep@x.io")
	w.must(err)
	w.must(w.d.SetPassword(t.Context(), w.as["admin"], w.id["rep"], "replaced meanwhile"))
	_, err = w.d.openSession(t.Context(), a)
	if !errors.Is(err, errSignIn) {
		t.Errorf("session with a replaced password: %v", err)
	}
}
