package core_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// A program that only verifies has neither a signing key nor users.
func TestNew_VerifyOnly(t *testing.T) {
	t.Parallel()
	key := newECKey(t)
	signer := newEnv(t, withSettings(func(s *simplejwt.Settings) { s.Algorithm, s.SigningKey = "ES256", encodePrivateKey(t, key) }))
	e := newEnv(t, func(s *simplejwt.Settings, d *core.Deps) {
		s.Algorithm, s.SigningKey, s.VerifyingKey = "ES256", "", encodePublicKey(t, key.Public())
		d.Users, d.Store = nil, nil
	})
	pair, sliding := signer.mustLogin(), signer.mustLoginSliding()

	user, token, err := e.Stateless().AuthenticateToken(background, pair.Access)
	if err != nil || user.AuthID() != "1" || token.JTI() != signer.readJTI(pair.Access) {
		t.Errorf("stateless: user %v, error %v", user, err)
	}
	for name, raw := range map[string]string{"access": pair.Access, "refresh": pair.Refresh, "sliding": sliding} {
		if _, err := e.Verify(background, raw); err != nil {
			t.Errorf("verify, %s token: %v", name, err)
		}
	}
	if err := e.Blacklist(background, pair.Refresh); err != nil {
		t.Errorf("a logout without a store only verifies: %v", err)
	}
	if got := e.UsernameField(); got != "username" {
		t.Errorf("UsernameField is %q", got)
	}
	if emitted := e.events.all(); len(emitted) > 0 {
		t.Errorf("emitted %v", emitted)
	}
	for name, do := range map[string]func() (bool, error){
		"a request": func() (bool, error) {
			user, token, err := e.AuthenticateToken(background, pair.Access)
			return user != nil || token != nil, err
		},
		"a refresh": func() (bool, error) {
			pair, user, err := e.Refresh(background, pair.Refresh)
			return pair != core.Pair{} || user != nil, err
		},
		"a sliding refresh": func() (bool, error) {
			token, user, err := e.RefreshSliding(background, sliding)
			return token != "" || user != nil, err
		},
		"a login": func() (bool, error) {
			pair, user, err := e.ObtainPair(background, "alice", rightPassword)
			return pair != core.Pair{} || user != nil, err
		},
		"a sliding login": func() (bool, error) {
			token, user, err := e.ObtainSliding(background, "alice", rightPassword)
			return token != "" || user != nil, err
		},
		"a login without a password": func() (bool, error) {
			pair, err := e.Login(background, e.loadUser("alice"))
			return pair != core.Pair{}, err
		},
	} {
		seen := len(e.events.all())
		returned, err := do()
		if !errors.Is(err, core.ErrServiceUnavailable) || returned {
			t.Errorf("%s: error %v, returned something: %v, want ErrServiceUnavailable", name, err, returned)
		}
		if emitted := e.events.all()[seen:]; len(emitted) != 1 || emitted[0].Type != core.EventStoreError {
			t.Errorf("%s: emitted %v, want one store_error", name, emitted)
		}
		e.wantNoSecrets(err, pair.Access, pair.Refresh, sliding)
	}
}

// A program that only verifies may share the store of the one that signs. It must not blacklist a token that it can't replace.
func TestRefresh_VerifyOnlyLeavesTokensActive(t *testing.T) {
	t.Parallel()
	key := newECKey(t)
	signer := newEnv(t, withRotation, withSettings(func(s *simplejwt.Settings) { s.Algorithm, s.SigningKey = "ES256", encodePrivateKey(t, key) }))
	e := newEnv(t, withRotation, func(s *simplejwt.Settings, d *core.Deps) {
		s.Algorithm, s.SigningKey, s.VerifyingKey = "ES256", "", encodePublicKey(t, key.Public())
		d.Users, d.Store = signer.accounts, signer.mem
		d.NewID = func() string { return "the verifier's" }
	})
	raw := signer.mustLogin().Refresh
	for range 2 {
		e.wantRefreshDenied("a program that can't sign", raw, core.ErrServiceUnavailable)
	}
	if _, err := e.Login(background, signer.loadUser("alice")); !errors.Is(err, core.ErrServiceUnavailable) {
		t.Errorf("a login: %v", err)
	}
	if _, err := e.LoginSliding(background, signer.loadUser("alice")); !errors.Is(err, core.ErrServiceUnavailable) {
		t.Errorf("a sliding login: %v", err)
	}
	if got := signer.readReason(raw); got != "active" || signer.loadRecord("the verifier's") != nil {
		t.Errorf("the token is %q, and the verifier recorded %+v", got, signer.loadRecord("the verifier's"))
	}
	if got := len(e.events.ofType(core.EventStoreError)); got != 4 {
		t.Errorf("%d events for 4 requests: %v", got, e.events.all())
	}
}

// A program without a signing key can't issue tokens. It must find that out before it blacklists the presented one.
func TestRefresh_VerifyOnlyConsumesNothing(t *testing.T) {
	t.Parallel()
	key := newECKey(t)
	users, store := memstore.NewUsers(), memstore.New()
	if err := users.Add(memstore.Account{ID: "1", Username: "alice"}); err != nil {
		t.Fatal(err)
	}
	alice, err := users.ByUsername(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	settings := simplejwt.Recommended()
	settings.Algorithm = "ES256"
	with := func(signing, verifying string) *core.Auth {
		return newAuth(t, func(s *simplejwt.Settings, d *core.Deps) {
			*s = settings
			s.SigningKey, s.VerifyingKey = signing, verifying
			d.Users, d.Store = users, store
		})
	}
	signer, verifier := with(encodePrivateKey(t, key), ""), with("", encodePublicKey(t, key.Public()))
	pair, err := signer.Login(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := verifier.Refresh(t.Context(), pair.Refresh); !errors.Is(err, core.ErrServiceUnavailable) {
		t.Errorf("Refresh: error %v", err)
	}
	if _, err := verifier.Login(t.Context(), alice); !errors.Is(err, core.ErrServiceUnavailable) {
		t.Errorf("Login: error %v", err)
	}
	if _, err := verifier.LoginSliding(t.Context(), alice); !errors.Is(err, core.ErrServiceUnavailable) {
		t.Errorf("LoginSliding: error %v", err)
	}
	active, err := store.Revoke(t.Context(), core.Scope{UserID: "1"}, core.ReasonAdmin, time.Now())
	if err != nil || active != 1 {
		t.Errorf("%d active tokens (error %v), want the one of the signer", active, err)
	}
}
