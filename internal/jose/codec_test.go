package jose

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
)

func TestVerify_IgnoresKeysInTheToken(t *testing.T) {
	t.Parallel()
	c := newCodec(t)
	const theirs = "another key of thirty-two bytes and more"
	for name, raw := range map[string]string{
		"an unsigned one":                      forgeToken(`{"alg":"none"}`, goodPayload(), withoutSignature),
		"an unsigned one that says HS256":      forgeToken(goodHeader, goodPayload(), withoutSignature),
		"one of another key":                   forgeToken(goodHeader, goodPayload(), hs256Signer(theirs)),
		"one of an empty key":                  forgeToken(goodHeader, goodPayload(), hs256Signer("")),
		"one of a file without bytes":          forgeToken(`{"alg":"HS256","kid":"/dev/null"}`, goodPayload(), hs256Signer("")),
		"one whose key is the key's id":        forgeToken(`{"alg":"HS256","kid":"x"}`, goodPayload(), hs256Signer("x")),
		"one with its key in the header":       forgeToken(`{"alg":"HS256","jwk":{"kty":"oct","k":"`+encodeBase64(theirs)+`"}}`, goodPayload(), hs256Signer(theirs)),
		"one of HS512 and the right key":       forgeToken(`{"alg":"HS512"}`, goodPayload(), hmacSigner(hmacHashes()["HS512"], secret)),
		"one of HS512 that says HS256":         forgeToken(goodHeader, goodPayload(), hmacSigner(hmacHashes()["HS512"], secret)),
		"one with the signature of its header": forgeToken(goodHeader, goodPayload(), func(string) []byte { return hs256Signer(secret)(encodeBase64(goodHeader)) }),
	} {
		t.Run(name+" is invalid", func(t *testing.T) {
			t.Parallel()
			if got := verifyToken(t, c, raw); got != invalid {
				t.Errorf("it is %s", got)
			}
		})
	}
}

func TestVerify_PublicKeyAsSecret(t *testing.T) {
	t.Parallel()
	key := rsaKey()
	public := publicPEM(t, key.Public())
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{public, strings.TrimSpace(public), string(spki), string(x509.MarshalPKCS1PublicKey(&key.PublicKey)), string(key.N.Bytes()), ""}
	for who, c := range map[string]*Codec{
		"the signer":   newCodec(t, withKeys("RS256", privatePEM(t, key), "")),
		"the verifier": newCodec(t, withKeys("RS256", "", public)),
	} {
		if got := verifyToken(t, c, forgeToken(`{"alg":"RS256"}`, goodPayload(), rs256Signer(t, key))); got != good {
			t.Errorf("%s: a token with a true signature is %s", who, got)
		}
		for algorithm, newHash := range hmacHashes() {
			for i, secret := range secrets {
				for _, says := range []string{algorithm, "RS256"} {
					raw := forgeToken(`{"alg":"`+says+`"}`, goodPayload(), hmacSigner(newHash, secret))
					if got := verifyToken(t, c, raw); got != invalid {
						t.Errorf("%s: %s with the public key (form %d) as secret, header %s, is %s", who, algorithm, i, says, got)
					}
				}
			}
		}
	}
}

func TestVerify_ChecksSignatureFirst(t *testing.T) {
	t.Parallel()
	c := newCodec(t)
	old := goodPayload("exp=0")
	for name, test := range map[string]struct{ raw, want string }{
		"an expired one is expired":                     {signPayload(old), expired},
		"a forged and expired one is invalid":           {forgeToken(goodHeader, old, hs256Signer("another")), invalid},
		"an unsigned and expired one is invalid":        {forgeToken(goodHeader, old, withoutSignature), invalid},
		"one of another type is invalid":                {forgeToken(`{"alg":"HS256","typ":"JWE"}`, old, hs256Signer(secret)), invalid},
		"a critical one is invalid":                     {forgeToken(`{"alg":"HS256","crit":["x"]}`, old, hs256Signer(secret)), invalid},
		"one with a kid of another kind is invalid":     {forgeToken(`{"alg":"HS256","kid":1}`, old, hs256Signer(secret)), invalid},
		"one of no algorithm is invalid":                {forgeToken(`{"alg":"none"}`, old, hs256Signer(secret)), invalid},
		"a forged one without exp or an id is invalid":  {forgeToken(goodHeader, "{}", hs256Signer("another")), invalid},
		"a forged one of another token type is invalid": {forgeToken(goodHeader, goodPayload(`token_type="refresh"`), hs256Signer("another")), invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := verifyToken(t, c, test.raw); got != test.want {
				t.Errorf("it is %s, want %s", got, test.want)
			}
		})
	}
}

func TestVerify_AllocatesNothingForForgeries(t *testing.T) {
	c := newCodec(t)
	mustVerify(t, c, signPayload(goodPayload())) // its header is known from now on
	for name, raw := range map[string]string{
		"a forged one": forgeToken(goodHeader, goodPayload(), hs256Signer("another")),
		"no token":     "x",
	} {
		if n := testing.AllocsPerRun(100, func() { _, _ = c.Verify(t.Context(), raw, testNow) }); n != 0 && !underRace {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestVerify_ReadsClockOnce(t *testing.T) {
	t.Parallel()
	c := newCodec(t)
	for raw, want := range map[string]int{
		signPayload(goodPayload()): 1, signPayload(goodPayload("exp=0")): 1, forgeToken(goodHeader, goodPayload(), hs256Signer("another")): 0, "x": 0,
	} {
		reads := 0
		_, _ = c.Verify(t.Context(), raw, func() time.Time { reads++; return testNow() })
		if reads != want {
			t.Errorf("%.60s: the clock was read %d times, want %d", raw, reads, want)
		}
	}
}

func TestVerify_NumbersKeepTheirDigits(t *testing.T) {
	t.Parallel()
	c := newCodec(t)
	claims := mustVerify(t, c, signPayload(goodPayload(`big=9007199254740993`, `cents=1.10`, `exponent=1E+2`,
		`zero=-0`, `deep=[{"n":12345678901234567890.10}]`)))
	for claim, want := range map[string]any{
		"big": json.Number("9007199254740993"), "cents": json.Number("1.10"), "exponent": json.Number("1E+2"), "zero": json.Number("-0"),
		"deep": []any{map[string]any{"n": json.Number("12345678901234567890.10")}},
	} {
		if diff := cmp.Diff(want, claims.Get(claim).Value()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", claim, diff)
		}
	}
	again := decodePart(t, mustSign(t, c, claims), 1)
	for _, want := range []string{`"big":9007199254740993,`, `"cents":1.10,`, `"exponent":1E+2,`, `"zero":-0}`, `"deep":[{"n":12345678901234567890.10}]`} {
		if !strings.Contains(again, want) {
			t.Errorf("signed again it lacks %s: %s", want, again)
		}
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"a forged token is decoded":    forgeToken(goodHeader, goodPayload("exp=0"), hs256Signer("another")),
		"an unsigned token is decoded": forgeToken(`{"alg":"none","crit":["x"]}`, goodPayload("exp=0"), withoutSignature),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims, err := Decode(raw)
			if err != nil || !claims.Get("jti").Is("one") || claims.Get("exp").Value() != json.Number("0") {
				t.Errorf("claims %v, error %v", claims.Map(), err)
			}
		})
	}
	for name, raw := range map[string]string{
		"an empty text is invalid":          "",
		"two dots are invalid":              "..",
		"a payload of a list is invalid":    encodeBase64(goodHeader) + "." + encodeBase64("[]") + ".",
		"a header of a list is invalid":     encodeBase64("[]") + "." + encodeBase64(goodPayload()) + ".",
		"a padded signature is invalid":     signPayload(goodPayload()) + "=",
		"more than sixteen KiB are invalid": signPayload(strings.Repeat(" ", maxTokenBytes)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if claims, err := Decode(raw); outcomeOf(err) != invalid || len(claims.list) > 0 {
				t.Errorf("claims %v, error %v", claims.Map(), err)
			}
		})
	}
}

func TestSign_AudienceAndIssuer(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]string{
		`{}`:                                  `{"html":"<&>","aud":"own","iss":"own"}`,
		`{"AUDIENCE":null,"ISSUER":null}`:     `{"html":"<&>","aud":"own","iss":"own"}`,
		`{"AUDIENCE":"a","ISSUER":"i"}`:       `{"html":"<&>","aud":"a","iss":"i"}`,
		`{"AUDIENCE":["a"]}`:                  `{"html":"<&>","aud":["a"],"iss":"own"}`,
		`{"AUDIENCE":["a","b"],"ISSUER":"é"}`: `{"html":"<&>","aud":["a","b"],"iss":"é"}`,
		`{"AUDIENCE":[],"ISSUER":""}`:         `{"html":"<&>","aud":[],"iss":""}`,
		`{"AUDIENCE":""}`:                     `{"html":"<&>","aud":"","iss":"own"}`,
	} {
		t.Run(settings, func(t *testing.T) {
			t.Parallel()
			var claims Claims
			claims.Set("html", "<&>")
			claims.Set("aud", "own")
			claims.Set("iss", "own")
			if got := decodePart(t, mustSign(t, newCodec(t, withSettings(t, settings)), claims), 1); got != want {
				t.Errorf("payload %s, want %s", got, want)
			}
			if !claims.Get("aud").Is("own") || !claims.Get("iss").Is("own") {
				t.Errorf("signing changed the claims: %v", claims.Map())
			}
		})
	}
}

func TestSign_JSONEncoder(t *testing.T) {
	t.Parallel()
	failure := errors.New("no such thing")
	fail := false
	c := newCodec(t, func(s *simplejwt.Settings) {
		s.Issuer = "i"
		s.JSONEncoder = func(claims simplejwt.Claims) ([]byte, error) {
			claims["iss"] = claims["iss"].(string) + "!"
			claims["encoded"] = true
			if fail {
				return []byte("{}"), failure
			}
			return json.MarshalIndent(claims, "", " ")
		}
	})
	var claims Claims
	claims.Set("jti", "id")
	before := claims.Map()
	raw := mustSign(t, c, claims)
	want := "{\n \"encoded\": true,\n \"iss\": \"i!\",\n \"jti\": \"id\"\n}"
	if got := decodePart(t, raw, 1); got != want {
		t.Errorf("payload %s, want %s", got, want)
	}
	if raw != signPayload(want) {
		t.Error("the signature is not that of the encoded payload")
	}
	if diff := cmp.Diff(before, claims.Map()); diff != "" {
		t.Errorf("the encoder changed the claims (-before +after):\n%s", diff)
	}
	fail = true
	if raw, err := c.Sign(claims); !errors.Is(err, failure) || raw != "" {
		t.Errorf("with an encoder that fails: %q, %v", raw, err)
	}
}

func TestSign_ValuesThatJSONCannotHold(t *testing.T) {
	t.Parallel()
	var claims Claims
	claims.Set("x", func() {})
	if raw, err := newCodec(t).Sign(claims); err == nil || raw != "" {
		t.Errorf("%q, %v", raw, err)
	}
}

func BenchmarkSign(b *testing.B) {
	c, claims := newCodec(b), goodClaims(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Sign(claims); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	c := newCodec(b)
	mustVerify(b, c, signPayload(goodPayload())) // its header is known from now on
	for name, bench := range map[string]struct{ raw, want string }{
		"good":    {signPayload(goodPayload()), good},
		"forged":  {forgeToken(goodHeader, goodPayload(), hs256Signer("another")), invalid},
		"expired": {signPayload(goodPayload("exp=0")), expired},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Verify(b.Context(), bench.raw, testNow); outcomeOf(err) != bench.want {
					b.Fatal(err)
				}
			}
		})
	}
}
