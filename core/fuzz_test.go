package core_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

// FuzzParseToken reads anything as a token.
func FuzzParseToken(f *testing.F) {
	auths := newFuzzedAuths(f)
	good := signPayload(makePayload())
	f.Add(good)
	f.Add(good + ".")
	f.Add(good + "=")
	f.Add(good[:len(good)-1])
	f.Add("\n" + good)
	f.Add(signPayload(makePayload(`token_type="refresh"`)))
	f.Add(makeJWS(`{"alg":"none"}`, makePayload(), func(string) []byte { return nil }))
	f.Add("..")
	f.Add(strings.Repeat(".", 100))
	f.Add(encodeBase64("null") + "." + encodeBase64("1e999") + ".AA")
	f.Fuzz(func(t *testing.T, raw string) {
		for _, auth := range auths {
			fuzzToken(t, auth, raw)
		}
	})
}

// FuzzParseSignedToken signs anything with the right key, so that what comes after the signature is reached.
func FuzzParseSignedToken(f *testing.F) {
	auths := newFuzzedAuths(f)
	for _, header := range []string{hs256Header, `{"alg":"HS256","kid":"a","typ":"at+jwt"}`, `{"alg":"HS256","crit":[]}`, `{"alg":["HS256"]}`, `[]`} {
		f.Add(header, makePayload())
	}
	for _, changes := range [][]string{
		{`token_type="refresh"`}, {`token_type="sliding"`, `refresh_exp=1e99`}, {`token_type=null`}, {"exp=0"}, {"exp=-1e400"},
		{"iat=253402300799.9", "nbf=-0"}, {`aud=["a",1]`, `iss="i"`}, {`aud="a"`, `iss="i"`, `sub="\ud83d"`}, {`jti="\u0000"`},
		{`user_id="\udc00"`, `sid="\u0000"`}, {"user_id=1e5"}, {"user_id=[]"}, {"user_id=-0.0"}, {"user_id=123456789012345678901234567890"},
		{`x={"y":[{"z":"\ud83d\ude00\u2028<>&"}]}`}, {`hash_password="0800FC577294C34E0B28AD2839435945"`}, {`\u006ati="two"`}, {`ſub=1`},
	} {
		f.Add(hs256Header, makePayload(changes...))
	}
	f.Fuzz(func(t *testing.T, header, payload string) {
		raw := makeJWS(header, payload, signHS256(signingKey))
		for _, auth := range auths {
			fuzzToken(t, auth, raw)
		}
	})
}

// newFuzzedAuths returns an Auth with SimpleJWT's defaults, one with the strictest settings and one without types and ids.
func newFuzzedAuths(t testing.TB) []*core.Auth {
	t.Helper()
	classes := func(s *simplejwt.Settings, _ *core.Deps) {
		s.AuthTokenClasses = []core.ClassName{core.AccessToken, core.RefreshToken, core.SlidingToken}
	}
	strict := `{"ISSUER":"i","AUDIENCE":["a","b"],"LEEWAY":60,"CHECK_REVOKE_TOKEN":true}`
	lenient := `{"JTI_CLAIM":null,"TOKEN_TYPE_CLAIM":null}`
	return []*core.Auth{newAuth(t, classes), newAuth(t, classes, withJSON(t, strict)), newAuth(t, classes, withJSON(t, lenient))}
}

// fuzzToken presents a token to every method that takes one: it is denied with status 401, or it is good and stays good when it
// is signed again.
func fuzzToken(t *testing.T, auth *core.Auth, raw string) {
	t.Helper()
	isDenied := func(err error) bool {
		var denial *core.Error
		if err != nil && (!errors.As(err, &denial) || denial.Status != 401) {
			t.Errorf("error %v (%T), want status 401", err, err)
		}
		return err != nil
	}
	for _, class := range []core.ClassName{core.AccessToken, core.RefreshToken, core.SlidingToken, core.UntypedToken} {
		token, err := auth.ParseToken(t.Context(), class, raw)
		if !isDenied(err) {
			wantSameAfterSigning(t, auth, token)
		}
	}
	for _, a := range []core.Authenticator{auth, auth.Stateless()} {
		user, token, err := a.AuthenticateToken(t.Context(), raw)
		if isDenied(err) != (token == nil) || (user == nil) != (token == nil) {
			t.Errorf("user %v and token %v beside the error %v", user, token, err)
		}
	}
	_, _, err := auth.Refresh(t.Context(), raw)
	isDenied(err)
	_, _, err = auth.RefreshSliding(t.Context(), raw)
	isDenied(err)
	_, err = auth.Decode(raw)
	isDenied(err)
}

// wantSameAfterSigning checks the claims of a token, and that they are the same when it is signed and parsed again.
func wantSameAfterSigning(t *testing.T, auth *core.Auth, token *core.Token) {
	t.Helper()
	s, class := auth.Settings(), token.Class()
	if !token.ExpiresAt().After(startTime().Add(-s.Leeway)) || token.ExpiresAt().After(time.Unix(253402300799, 0)) {
		t.Errorf("good until %v", token.ExpiresAt())
	}
	if id := token.JTI(); s.JTIClaim != "" && (id == "" || len(id) > 255 || strings.Contains(id, "\x00")) {
		t.Errorf("the id is %q", id)
	}
	if s.TokenTypeClaim != "" && class.Name != core.UntypedToken && token.Get(s.TokenTypeClaim) != class.Type {
		t.Errorf("the type of a %s is %v", class.Name, token.Get(s.TokenTypeClaim))
	}
	raw := signToken(t, token)
	if len(raw) > maxTokenBytes {
		return // JSON escapes may have made it longer
	}
	again, err := auth.ParseToken(t.Context(), class.Name, raw)
	if err != nil {
		t.Fatalf("signed again it is denied: %v", err)
	}
	want, got := encodeClaims(t, token, s), encodeClaims(t, again, s)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("signed again it has other claims (-first +second):\n%s", diff)
	}
}

// encodeClaims returns the claims of a token in JSON, without the audience where Sign replaces it.
func encodeClaims(t *testing.T, token *core.Token, s simplejwt.Settings) string {
	t.Helper()
	claims := token.Claims()
	if len(s.Audience) > 0 {
		delete(claims, "aud")
	}
	data, err := json.Marshal(claims)
	if err != nil {
		t.Fatalf("the claims can't be encoded: %v", err)
	}
	return string(data)
}
