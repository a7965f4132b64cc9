package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// withSameID gives every token the same id.
func withSameID(_ *simplejwt.Settings, d *core.Deps) { d.NewID = func() string { return "id" } }

// withClockAt sets the clock, this long after startTime.
func withClockAt(after time.Duration) authOption {
	return func(_ *simplejwt.Settings, d *core.Deps) { d.Now = func() time.Time { return startTime().Add(after) } }
}

func TestNewToken(t *testing.T) {
	t.Parallel()
	noon := startTime().Unix()
	for class, want := range map[core.ClassName]simplejwt.Claims{
		core.AccessToken:  {"token_type": "access", "iat": noon, "exp": noon + 300, "jti": "id"},
		core.RefreshToken: {"token_type": "refresh", "iat": noon, "exp": noon + 86400, "jti": "id"},
		core.SlidingToken: {"token_type": "sliding", "iat": noon, "exp": noon + 300, "refresh_exp": noon + 86400, "jti": "id"},
	} {
		token := makeToken(t, newAuth(t, withSameID), class)
		if diff := cmp.Diff(want, token.Claims()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", class, diff)
		}
		if token.Class().Name != class || token.JTI() != "id" || token.SessionID() != "" || token.UserID() != "" {
			t.Errorf("%s: class %v, id %q, session %q, user %q", class, token.Class(), token.JTI(), token.SessionID(), token.UserID())
		}
		if got := token.ExpiresAt(); !got.Equal(time.Unix(want["exp"].(int64), 0)) || got.Location() != time.UTC {
			t.Errorf("%s: ends %v", class, got)
		}
		bare := makeToken(t, newAuth(t, withSameID, withJSON(t, `{"JTI_CLAIM":null,"TOKEN_TYPE_CLAIM":null}`)), class)
		bare.SetJTI() // does nothing
		delete(want, "jti")
		delete(want, "token_type")
		if diff := cmp.Diff(want, bare.Claims()); diff != "" {
			t.Errorf("%s without type and id (-want +got):\n%s", class, diff)
		}
	}
	auth := newAuth(t)
	one, two := makeToken(t, auth, core.AccessToken).JTI(), makeToken(t, auth, core.AccessToken).JTI()
	if one == two || !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(one) {
		t.Errorf("the ids are %q and %q", one, two)
	}
}

func TestToken_Claims(t *testing.T) {
	t.Parallel()
	token := makeToken(t, newAuth(t, withSameID), core.AccessToken)
	token.Set("null", nil)
	token.Set("sid", "s")
	token.Set("user_id", "7")
	if token.Get("null") != nil || !token.Has("null") || token.Get("none") != nil || token.Has("none") {
		t.Error("a claim of null counts as missing")
	}
	if token.SessionID() != "s" || token.UserID() != "7" {
		t.Errorf("session %q, user %q", token.SessionID(), token.UserID())
	}
	token.Claims()["token_type"] = "refresh"
	if token.Get("token_type") != "access" {
		t.Error("Claims is not a copy")
	}
	for _, claim := range []string{"null", "none", "jti", "exp", "sid", "user_id"} {
		token.Delete(claim)
	}
	if diff := cmp.Diff(simplejwt.Claims{"token_type": "access", "iat": startTime().Unix()}, token.Claims()); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
	if token.JTI() != "" || !token.ExpiresAt().IsZero() {
		t.Errorf("without id and exp: %q, %v", token.JTI(), token.ExpiresAt())
	}
}

func TestToken_Times(t *testing.T) {
	t.Parallel()
	now := startTime()
	clock := func(_ *simplejwt.Settings, d *core.Deps) { d.Now = func() time.Time { return now } }
	auth := newAuth(t, clock)
	token := makeToken(t, auth, core.RefreshToken)
	now = now.Add(time.Hour)
	token.SetExp("x", time.Minute)
	token.Set("iat", "gone")
	token.SetIat()
	access := token.AccessToken()
	want := startTime().Unix()
	if token.Get("x") != want+60 || token.Get("iat") != want || access.Get("iat") != want || access.Get("exp") != want+300 {
		t.Errorf("claims %v and %v, want them relative to %d", token.Claims(), access.Claims(), want)
	}
	for value, says := range map[any]string{
		want + 1: "", want: "Token 'x' claim has expired", want - 1: "Token 'x' claim has expired", int64(0): "Token 'x' claim has expired",
		int(want) + 1: "", json.Number(unixClaim(1)): "", json.Number(unixClaim(0) + ".9"): "Token 'x' claim has expired", nil: detailInvalid,
		"4102444800": detailInvalid, true: detailInvalid, 1e10: detailInvalid, json.Number("1e400"): detailInvalid, int64(1) << 60: detailInvalid,
	} {
		token.Set("x", value)
		if got := readDetail(token.CheckExp("x")); got != says {
			t.Errorf("CheckExp of %v (%T): %q, want %q", value, value, got, says)
		}
	}
	if got := readDetail(token.CheckExp("y")); got != "Token has no 'y' claim" {
		t.Errorf("CheckExp without the claim: %q", got)
	}
	lenient := makeToken(t, newAuth(t, withLeeway(10*time.Second), withClockAt(-500*time.Millisecond)), core.AccessToken) // noon sharp
	for offset, says := range map[int64]string{-9: "", -10: "Token 'x' claim has expired"} {
		lenient.Set("x", want+offset)
		if got := readDetail(lenient.CheckExp("x")); got != says {
			t.Errorf("CheckExp %d seconds late, with a LEEWAY of 10: %q, want %q", -offset, got, says)
		}
	}
}

func TestToken_AccessToken(t *testing.T) {
	t.Parallel()
	ids := 0
	auth := newAuth(t, withJSON(t, `{"JTI_CLAIM":"token_id"}`), func(_ *simplejwt.Settings, d *core.Deps) {
		d.NewID = func() string { ids++; return strings.Repeat("i", ids) }
	})
	refresh := makeToken(t, auth, core.RefreshToken)
	for claim, value := range map[string]any{"jti": "another's", "iat": int64(1), "nbf": int64(2), "user_id": "7", "sid": "s", "name": "Ann", "hash_password": "X"} {
		refresh.Set(claim, value)
	}
	before := refresh.Claims()
	access := refresh.AccessToken()
	noon := startTime().Unix()
	want := simplejwt.Claims{
		"token_type": "access", "token_id": "ii", "iat": noon, "exp": noon + 300, "nbf": int64(2),
		"user_id": "7", "sid": "s", "name": "Ann", "hash_password": "X",
	}
	if diff := cmp.Diff(want, access.Claims()); diff != "" {
		t.Errorf("access token (-want +got):\n%s", diff)
	}
	if access.Class().Name != core.AccessToken {
		t.Errorf("class %v", access.Class())
	}
	access.Set("name", "Bob")
	if diff := cmp.Diff(before, refresh.Claims()); diff != "" {
		t.Errorf("the refresh token changed (-before +after):\n%s", diff)
	}
}

func TestToken_Outstand(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	at := startTime().Truncate(time.Microsecond)
	token, err := e.NewToken(core.SlidingToken)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time the token is on record
		if err := token.Outstand(background, e.loadUser("alice")); err != nil {
			t.Fatal(err)
		}
		want := core.OutstandingToken{JTI: token.JTI(), UserID: "1", CreatedAt: at, ExpiresAt: at.Add(24 * time.Hour).Truncate(time.Second)}
		if diff := cmp.Diff(&core.TokenState{OutstandingToken: want}, e.loadRecord(token.JTI())); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
		token.SetExp("refresh_exp", time.Hour)
	}
	nobodys, err := e.NewToken(core.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	nobodys.Set("sid", "s")
	nobodys.SetExp("refresh_exp", 48*time.Hour) // only sliding tokens have this claim
	if err := nobodys.Outstand(background, nil); err != nil {
		t.Fatal(err)
	}
	if record := e.loadRecord(nobodys.JTI()); record == nil || record.UserID != "" || record.SessionID != "s" || record.ExpiresAt.Unix() != startTime().Unix()+300 {
		t.Errorf("record of a token without a user: %+v", record)
	}
	e.spy.before = func(context.Context, string) error { return errors.New("down") }
	if err := nobodys.Outstand(background, nil); !errors.Is(err, core.ErrServiceUnavailable) {
		t.Errorf("with a store that fails: %v", err)
	}
	for _, option := range []authOption{withoutStore, withoutIDs} {
		e := newEnv(t, option)
		token, err := e.NewToken(core.RefreshToken)
		if err != nil {
			t.Fatal(err)
		}
		if err := token.Outstand(background, e.loadUser("alice")); err != nil || len(e.spy.takeCalls()) > 0 {
			t.Errorf("without records: error %v", err)
		}
	}
}

func TestToken_PasswordDigest(t *testing.T) {
	t.Parallel()
	// From Python: hashlib.md5(user.password.encode()).hexdigest().upper().
	for password, want := range map[string]string{
		"hash": "0800FC577294C34E0B28AD2839435945", "": "D41D8CD98F00B204E9800998ECF8427E", cheapHash: "45CD44B105CD12CAAE0C9DD785CAF7EA",
	} {
		auth := newAuth(t, withJSON(t, `{"CHECK_REVOKE_TOKEN":true,"REVOKE_TOKEN_CLAIM":"pw"}`))
		token, err := auth.ForUser(t.Context(), core.AccessToken, &memstore.Account{ID: "1", Username: "alice", Password: password})
		if err != nil || token.Get("pw") != want {
			t.Errorf("the claim is %v, want %s, error %v", token.Get("pw"), want, err)
		}
		_, _, err = auth.AuthenticateToken(t.Context(), signToken(t, token)) // the stored hash is "hash"
		if (password == "hash") != (err == nil) || err != nil && !errors.Is(err, core.ErrPasswordChanged) {
			t.Errorf("a token of the hash %q: %v", password, err)
		}
	}
	auth := newAuth(t, withJSON(t, `{"CHECK_REVOKE_TOKEN":true}`))
	for _, change := range []string{
		"hash_password=", `hash_password=""`, "hash_password=null",
		`hash_password="0800fc577294c34e0b28ad2839435945"`, `hash_password=["0800FC577294C34E0B28AD2839435945"]`,
	} {
		if _, _, err := auth.AuthenticateToken(t.Context(), signPayload(makePayload(change))); !errors.Is(err, core.ErrPasswordChanged) {
			t.Errorf("%s: %v", change, err)
		}
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	auth := newAuth(t)
	for name, raw := range map[string]string{
		"with another signature": makeJWS(hs256Header, makePayload("exp=0"), signHS256("another")),
		"without a signature":    makeJWS(`{"alg":"none","crit":["x"]}`, makePayload("exp=0"), func(string) []byte { return nil }),
	} {
		token, err := auth.Decode(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if token.JTI() != "one" || token.UserID() != "1" || !token.ExpiresAt().Equal(time.Unix(0, 0)) || token.Class().Name != core.UntypedToken {
			t.Errorf("%s: %v of class %s", name, token.Claims(), token.Class().Name)
		}
	}
	for _, raw := range []string{
		"", "..", encodeBase64(hs256Header) + "." + encodeBase64("[]") + ".", signPayload(makePayload()) + "=",
		signPayload(strings.Repeat(" ", maxTokenBytes)),
	} {
		if token, err := auth.Decode(raw); !errors.Is(err, core.ErrTokenInvalid) || token != nil {
			t.Errorf("%.40q: %v, %v", raw, token, err)
		}
	}
}

func TestSign_FailingEncoder(t *testing.T) {
	t.Parallel()
	failure := errors.New("no such thing")
	auth := newAuth(t, func(s *simplejwt.Settings, _ *core.Deps) {
		s.JSONEncoder = func(simplejwt.Claims) ([]byte, error) { return []byte("{}"), failure }
	})
	token := makeToken(t, auth, core.AccessToken)
	if raw, err := token.Sign(); !errors.Is(err, failure) || raw != "" {
		t.Errorf("Sign: %q, %v", raw, err)
	}
	if pair, err := auth.Login(t.Context(), newAlice()); !errors.Is(err, core.ErrServiceUnavailable) || !errors.Is(err, failure) || pair != (core.Pair{}) {
		t.Errorf("Login: %v, %v", pair, err)
	}
}

func TestSign_WithoutASigningKey(t *testing.T) {
	t.Parallel()
	verifier, err := core.New(simplejwt.Settings{Algorithm: "ES256", VerifyingKey: encodePublicKey(t, newECKey(t).Public())}, core.Deps{Now: startTime})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := makeToken(t, verifier, core.AccessToken).Sign()
	var denial *core.Error
	if err == nil || errors.As(err, &denial) || err.Error() != "sign token: there is no SIGNING_KEY" || raw != "" {
		t.Errorf("%q, error %v", raw, err)
	}
}
