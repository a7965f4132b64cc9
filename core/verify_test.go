package core_test

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// tokRing are core.Keys with one key, whose kid is "a". For any other they have an error.
type tokRing struct {
	key crypto.PublicKey
	err error
}

func (r tokRing) VerifyingKey(_ context.Context, kid, _ string) (crypto.PublicKey, error) {
	if kid == "a" {
		return r.key, nil
	}
	return nil, r.err
}

// tokES256 makes an Auth that signs with a key and verifies with Deps.Keys, and a token under a kid.
func tokES256(t testing.TB, cacheSize int, err error) (*core.Auth, func(kid string) string) {
	t.Helper()
	key := tokSigner(t)
	auth := tokNew(t, func(s *simplejwt.Settings, d *core.Deps) {
		s.Algorithm, s.SigningKey, s.JWKURL, s.VerifiedTokenCacheSize = "ES256", tokPrivate(t, key), "https://keys.example", cacheSize
		d.Keys = tokRing{key.Public(), err}
	})
	return auth, func(kid string) string {
		return tokJWS(`{"alg":"ES256","kid":"`+kid+`"}`, tokPayload(), func(text string) []byte {
			signature, err := jwt.SigningMethodES256.Sign(text, key)
			if err != nil {
				t.Fatal(err)
			}
			return signature
		})
	}
}

func TestParseToken_ErrorsHaveTheirCause(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	auth, signed := tokES256(t, 0, down)
	forged := signed("a")
	forged = forged[:len(forged)-8] + "AAAAAAAA"
	for name, test := range map[string]struct {
		raw   string
		want  *core.Error
		cause error // nil where only the text is known
		text  string
	}{
		"a text without parts has none":             {"x", core.ErrTokenInvalid, nil, tokInvalid},
		"bytes that are not base64 have the reason": {"!.!.!", core.ErrTokenInvalid, nil, tokInvalid + ": not base64url"},
		"a header of a list has the reason":         {tokB64("[]") + ".x.x", core.ErrTokenInvalid, nil, tokInvalid + ": not an object"},
		"a header of another algorithm has none":    {tokTrue(tokPayload()), core.ErrTokenInvalid, nil, tokInvalid},
		"a key that is not there has that of Keys":  {signed("b"), core.ErrTokenInvalid, down, tokInvalid + ": down"},
		"a forged token has that of the method":     {forged, core.ErrTokenInvalid, jwt.ErrECDSAVerification, tokInvalid + ": crypto/ecdsa: verification error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token, err := auth.ParseToken(t.Context(), core.AccessToken, test.raw)
			if token != nil || !errors.Is(err, test.want) || err.Error() != test.text || test.cause != nil && !errors.Is(err, test.cause) {
				t.Errorf("token %v, error %v, want %q with the cause %v", token, err, test.text, test.cause)
			}
			if got := errors.Unwrap(err) != nil; got != (test.text != tokInvalid) {
				t.Errorf("a cause: %t", got)
			}
		})
	}
	if _, err := auth.ParseToken(t.Context(), core.AccessToken, signed("a")); err != nil {
		t.Errorf("with the key of its kid: %v", err)
	}
}

func TestParseToken_KeysCannotSayExpired(t *testing.T) {
	t.Parallel()
	auth, signed := tokES256(t, 0, core.ErrTokenExpired)
	_, err := auth.ParseToken(t.Context(), core.AccessToken, signed("b"))
	if tokDetail(err) != tokInvalid || !errors.Is(err, core.ErrTokenInvalid) {
		t.Errorf("error %v", err)
	}
}

func TestParseToken_CachedTokenIsCheckedByClass(t *testing.T) {
	t.Parallel()
	auth, signed := tokES256(t, 10, nil)
	raw := signed("a")
	for range 2 {
		if got := tokParse(t, auth, raw); got != tokGood {
			t.Errorf("as an access token: %q", got)
		}
		if _, err := auth.ParseToken(t.Context(), core.RefreshToken, raw); !errors.Is(err, core.ErrTokenWrongType) {
			t.Errorf("as a refresh token: error %v", err)
		}
	}
}

func TestParseToken_ExpIsRequired(t *testing.T) {
	t.Parallel()
	if got := tokParse(t, tokNew(t), tokTrue(tokPayload("exp="))); got != tokNoExp {
		t.Errorf("%q, want %q", got, tokNoExp)
	}
}

func TestRefresh_NumbersKeepTheirDigits(t *testing.T) {
	t.Parallel()
	auth := tokNew(t)
	raw := tokTrue(tokPayload(`token_type="refresh"`, `user_id=`, `big=9007199254740993`, `cents=1.10`, `exponent=1E+2`,
		`zero=-0`, `deep=[{"n":12345678901234567890.10}]`))
	token, err := auth.ParseToken(t.Context(), core.RefreshToken, raw)
	if err != nil {
		t.Fatal(err)
	}
	for claim, want := range map[string]any{
		"big": json.Number("9007199254740993"), "cents": json.Number("1.10"), "exponent": json.Number("1E+2"), "zero": json.Number("-0"),
		"deep": []any{map[string]any{"n": json.Number("12345678901234567890.10")}},
	} {
		if diff := cmp.Diff(want, token.Get(claim)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", claim, diff)
		}
	}
	pair, _, err := auth.Refresh(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	access := tokPart(t, pair.Access, 1)
	for _, want := range []string{`"big":9007199254740993,`, `"cents":1.10,`, `"exponent":1E+2,`, `"zero":-0}`, `"deep":[{"n":12345678901234567890.10}]`} {
		if !strings.Contains(access, want) {
			t.Errorf("the access token lacks %s: %s", want, access)
		}
	}
}

func TestNoDoorAsksAnythingBeforeATokenIsVerified(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsReuse, opsGrace, opsClasses(core.AccessToken, core.RefreshToken, core.SlidingToken))
	parse := func(class core.ClassName) func(string) error {
		return func(raw string) error { _, err := e.ParseToken(opsCtx(), class, raw); return err }
	}
	doors := map[string]func(raw string) error{
		"AuthenticateToken":          func(raw string) error { _, _, err := e.AuthenticateToken(opsCtx(), raw); return err },
		"Stateless":                  func(raw string) error { _, _, err := e.Stateless().AuthenticateToken(opsCtx(), raw); return err },
		"ParseToken as RefreshToken": parse(core.RefreshToken),
		"ParseToken as SlidingToken": parse(core.SlidingToken),
		"Verify":                     func(raw string) error { _, err := e.Verify(opsCtx(), raw); return err },
		"Refresh":                    func(raw string) error { _, err := e.refresh(raw); return err },
		"RefreshSliding":             func(raw string) error { _, _, err := e.RefreshSliding(opsCtx(), raw); return err },
		"Blacklist":                  func(raw string) error { return e.Blacklist(opsCtx(), raw) },
	}
	good := e.forge(nil)
	bad := map[string]string{
		"no token":              "",
		"forged":                good[:len(good)-6] + "AAAAAA",
		"with another payload":  strings.Join([]string{strings.Split(good, ".")[0], tokB64(`{"jti":"1"}`), strings.Split(good, ".")[2]}, "."),
		"expired":               e.forge(map[string]any{"exp": e.clock.now().Add(-time.Second).Unix()}),
		"not yet good":          e.forge(map[string]any{"nbf": e.clock.now().Add(time.Minute).Unix()}),
		"from the future":       e.forge(map[string]any{"iat": e.clock.now().Add(time.Minute).Unix()}),
		"with an exp of text":   e.forge(map[string]any{"exp": "4102444800"}),
		"with a jti of numbers": e.forge(map[string]any{"jti": 1}),
	}
	for door, ask := range doors {
		for name, raw := range bad {
			e.spy.take()
			if err := ask(raw); err == nil {
				t.Errorf("%s: a token %s was let in", door, name)
			}
			if calls := e.spy.take(); len(calls) > 0 {
				t.Errorf("%s: a token %s made it ask %v", door, name, calls)
			}
		}
		_ = ask(good)
		if calls := e.spy.take(); len(calls) == 0 {
			t.Errorf("%s: a good token made it ask nothing, so this test sees nothing", door)
		}
	}
}

// A program without a signing key can't answer a login or a refresh. It must not consume a token before it says so.
func TestRefresh_WithoutASigningKeyConsumesNothing(t *testing.T) {
	t.Parallel()
	key := tokSigner(t)
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
		return tokNew(t, func(s *simplejwt.Settings, d *core.Deps) {
			*s = settings
			s.SigningKey, s.VerifyingKey = signing, verifying
			d.Users, d.Store = users, store
		})
	}
	signer, verifier := with(tokPrivate(t, key), ""), with("", tokPublic(t, key.Public()))
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

func TestCheckBlacklist_AFlushedTokenWithoutTokenTypeClaim(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsSettings(func(s *simplejwt.Settings) { s.TokenTypeClaim = simplejwt.Off }))
	raw := e.login().Refresh
	if _, err := e.mem.FlushExpired(opsCtx(), e.token(raw).ExpiresAt()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.refresh(raw); err == nil {
		t.Error("refresh: a flushed token was accepted")
	}
	if _, err := e.ParseToken(opsCtx(), core.RefreshToken, raw); err == nil {
		t.Error("ParseToken: a flushed token was accepted")
	}
}
