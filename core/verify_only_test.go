package core_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// A program that only verifies has neither key nor users.
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
		t.Errorf("a logout only verifies: %v", err)
	}
	if got := e.UsernameField(); got != "username" {
		t.Errorf("the field of a login is %q", got)
	}
	if told := e.events.all(); len(told) > 0 {
		t.Errorf("raised %v", told)
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
		gave, err := do()
		if !errors.Is(err, core.ErrServiceUnavailable) || gave {
			t.Errorf("%s: error %v, gave something: %v, want a 503", name, err, gave)
		}
		if told := e.events.all()[seen:]; len(told) != 1 || told[0].Type != core.EventStoreError {
			t.Errorf("%s: raised %v, want one store_error", name, told)
		}
		e.wantNoSecrets(err, pair.Access, pair.Refresh, sliding)
	}
}

// It may share the store of the one that signs. What it can't answer, it must not consume.
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

// A program without a signing key can't answer a login or a refresh. It must not consume a token before it says so.
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
	live, err := store.Revoke(t.Context(), core.Scope{UserID: "1"}, core.ReasonAdmin, time.Now())
	if err != nil || live != 1 {
		t.Errorf("%d live tokens (error %v), want the signer's one", live, err)
	}
}
