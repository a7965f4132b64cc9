package core_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-simplejwt/simplejwt/core"
)

func TestParseToken_CauseOfErrors(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	auth, signed := newES256Auth(t, 0, down)
	tampered := signed("a")
	tampered = tampered[:len(tampered)-8] + "AAAAAAAA"
	for name, test := range map[string]struct {
		raw   string
		want  *core.Error
		cause error // nil where only the text is known
		text  string
	}{
		"a text without parts has no cause":                         {"x", core.ErrTokenInvalid, nil, detailInvalid},
		"bytes that are not base64 have the reason as cause":        {"!.!.!", core.ErrTokenInvalid, nil, detailInvalid + ": not base64url"},
		"a header that is a list has the reason as cause":           {encodeBase64("[]") + ".x.x", core.ErrTokenInvalid, nil, detailInvalid + ": not an object"},
		"a header with another algorithm has no cause":              {signPayload(makePayload()), core.ErrTokenInvalid, nil, detailInvalid},
		"an unknown key has the error of Keys as cause":             {signed("b"), core.ErrTokenInvalid, down, detailInvalid + ": down"},
		"another signature has the error of its algorithm as cause": {tampered, core.ErrTokenInvalid, jwt.ErrECDSAVerification, detailInvalid + ": crypto/ecdsa: verification error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token, err := auth.ParseToken(t.Context(), core.AccessToken, test.raw)
			if token != nil || !errors.Is(err, test.want) || err.Error() != test.text || test.cause != nil && !errors.Is(err, test.cause) {
				t.Errorf("token %v, error %v, want %q with the cause %v", token, err, test.text, test.cause)
			}
			if got := errors.Unwrap(err) != nil; got != (test.text != detailInvalid) {
				t.Errorf("the error has a cause: %t", got)
			}
		})
	}
	if _, err := auth.ParseToken(t.Context(), core.AccessToken, signed("a")); err != nil {
		t.Errorf("with the key of its kid: %v", err)
	}
}

func TestParseToken_KeysCannotSayExpired(t *testing.T) {
	t.Parallel()
	auth, signed := newES256Auth(t, 0, core.ErrTokenExpired)
	_, err := auth.ParseToken(t.Context(), core.AccessToken, signed("b"))
	if readDetail(err) != detailInvalid || !errors.Is(err, core.ErrTokenInvalid) {
		t.Errorf("error %v", err)
	}
}

func TestParseToken_CachedTokenIsCheckedByClass(t *testing.T) {
	t.Parallel()
	auth, signed := newES256Auth(t, 10, nil)
	raw := signed("a")
	for range 2 {
		if got := accessTokenDetail(t, auth, raw); got != detailNone {
			t.Errorf("as an access token: %q", got)
		}
		if _, err := auth.ParseToken(t.Context(), core.RefreshToken, raw); !errors.Is(err, core.ErrTokenWrongType) {
			t.Errorf("as a refresh token: error %v", err)
		}
	}
}

func TestParseToken_ExpIsRequired(t *testing.T) {
	t.Parallel()
	if got := accessTokenDetail(t, newAuth(t), signPayload(makePayload("exp="))); got != detailNoExp {
		t.Errorf("%q, want %q", got, detailNoExp)
	}
}

func TestVerify_NoTokenBesideError(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withRotation)
	raw := e.mustLogin().Refresh
	if token, err := e.ParseToken(background, core.AccessToken, raw); err == nil || token != nil {
		t.Errorf("of the wrong type: error %v, token %v", err, token)
	}
	if err := e.Blacklist(background, raw); err != nil {
		t.Fatal(err)
	}
	if token, err := e.Verify(background, raw); err == nil || token != nil {
		t.Errorf("blacklisted: error %v, token %v", err, token)
	}
}

func TestVerify_BeforeAnyCall(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withReuseDetection, withGracePeriod, withTokenClasses(core.AccessToken, core.RefreshToken, core.SlidingToken))
	parse := func(class core.ClassName) func(string) error {
		return func(raw string) error { _, err := e.ParseToken(background, class, raw); return err }
	}
	operations := map[string]func(raw string) error{
		"AuthenticateToken":          func(raw string) error { _, _, err := e.AuthenticateToken(background, raw); return err },
		"Stateless":                  func(raw string) error { _, _, err := e.Stateless().AuthenticateToken(background, raw); return err },
		"ParseToken as RefreshToken": parse(core.RefreshToken),
		"ParseToken as SlidingToken": parse(core.SlidingToken),
		"Verify":                     func(raw string) error { _, err := e.Verify(background, raw); return err },
		"Refresh":                    func(raw string) error { _, err := e.refreshToken(raw); return err },
		"RefreshSliding":             func(raw string) error { _, _, err := e.RefreshSliding(background, raw); return err },
		"Blacklist":                  func(raw string) error { return e.Blacklist(background, raw) },
	}
	good := e.signExternal(nil)
	bad := map[string]string{
		"that is empty":          "",
		"with another signature": good[:len(good)-6] + "AAAAAA",
		"with another payload":   strings.Join([]string{strings.Split(good, ".")[0], encodeBase64(`{"jti":"1"}`), strings.Split(good, ".")[2]}, "."),
		"that has expired":       e.signExternal(map[string]any{"exp": e.clock.now().Add(-time.Second).Unix()}),
		"that is not good yet":   e.signExternal(map[string]any{"nbf": e.clock.now().Add(time.Minute).Unix()}),
		"from the future":        e.signExternal(map[string]any{"iat": e.clock.now().Add(time.Minute).Unix()}),
		"with an exp of text":    e.signExternal(map[string]any{"exp": "4102444800"}),
		"with a jti of numbers":  e.signExternal(map[string]any{"jti": 1}),
	}
	for operation, do := range operations {
		for name, raw := range bad {
			e.spy.takeCalls()
			if err := do(raw); err == nil {
				t.Errorf("%s: a token %s was accepted", operation, name)
			}
			if calls := e.spy.takeCalls(); len(calls) > 0 {
				t.Errorf("%s: a token %s was looked up: %v", operation, name, calls)
			}
		}
		_ = do(good)
		if calls := e.spy.takeCalls(); len(calls) == 0 {
			t.Errorf("%s: a good token was not looked up, so this test sees nothing", operation)
		}
	}
}
