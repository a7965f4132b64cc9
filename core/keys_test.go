package core_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// tokAsymmetric are the algorithms with a key pair.
var tokAsymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// tokPair makes an Auth that signs with a private key.
func tokPair(t testing.TB, algorithm, private string) *core.Auth {
	t.Helper()
	return tokNew(t, func(s *simplejwt.Settings, _ *core.Deps) { s.Algorithm, s.SigningKey = algorithm, private })
}

// tokVerifier makes an Auth that only verifies: no SIGNING_KEY, no users, no store.
func tokVerifier(t testing.TB, algorithm, public string) *core.Auth {
	t.Helper()
	auth, err := core.New(simplejwt.Settings{Algorithm: algorithm, VerifyingKey: public}, core.Deps{Now: tokNow})
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// tokAccess makes the text of an access token of alice.
func tokAccess(t testing.TB, auth *core.Auth) string {
	t.Helper()
	token, err := auth.ForUser(t.Context(), core.AccessToken, tokAlice())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := token.Sign()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestEachKeyPairSignsAndVerifies(t *testing.T) {
	t.Parallel()
	for _, algorithm := range tokAsymmetric {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			key := tokSigner(t, algorithm)
			auth := tokPair(t, algorithm, tokPrivate(t, key))
			raw := tokAccess(t, auth)
			if got, want := tokPart(t, raw, 0), `{"alg":"`+algorithm+`","typ":"JWT"}`; got != want {
				t.Errorf("header %s, want %s", got, want)
			}
			verifier := tokVerifier(t, algorithm, tokPublic(t, key.Public()))
			for who, a := range map[string]core.Authenticator{"the signer, its VERIFYING_KEY derived": auth, "a program with the public key": verifier.Stateless()} {
				if user, _, err := a.AuthenticateToken(t.Context(), raw); err != nil || user.AuthID() != "1" {
					t.Errorf("%s: user %v, error %v", who, user, err)
				}
			}
			forged := raw[:strings.LastIndexByte(raw, '.')+1] + strings.Repeat("A", len(raw)-strings.LastIndexByte(raw, '.')-1)
			if _, err := verifier.Verify(t.Context(), forged); !errors.Is(err, core.ErrTokenInvalid) {
				t.Errorf("another signature: error %v", err)
			}
			own, err := verifier.NewToken(core.AccessToken)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := own.Sign(); err == nil || text != "" {
				t.Error("a program without a SIGNING_KEY signed a token")
			}
			other := tokSigner(t, algorithm)
			if _, isRSA := key.(*rsa.PrivateKey); isRSA {
				return // all tests share one
			}
			if _, err := tokVerifier(t, algorithm, tokPublic(t, other.Public())).Verify(t.Context(), raw); !errors.Is(err, core.ErrTokenInvalid) {
				t.Errorf("the token of another key: error %v", err)
			}
		})
	}
}

func TestEachSecretSignsAndVerifies(t *testing.T) {
	t.Parallel()
	for algorithm, newHash := range tokHashes() {
		auth := tokPair(t, algorithm, tokKey)
		raw := tokAccess(t, auth)
		if got, want := raw, tokSigned(raw[:strings.LastIndexByte(raw, '.')], tokMAC(newHash, tokKey)); got != want {
			t.Errorf("%s: the token is %s, its HMAC says %s", algorithm, got, want)
		}
		if _, err := auth.Verify(t.Context(), raw); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

func TestOneAlgorithmAKey(t *testing.T) {
	t.Parallel()
	rsaKey, secret := tokPrivate(t, tokRSA()), tokKey
	keys := map[string]string{"HS256": secret, "HS384": secret, "HS512": secret, "RS256": rsaKey, "RS384": rsaKey, "RS512": rsaKey, "PS256": rsaKey, "PS384": rsaKey, "PS512": rsaKey}
	for made, key := range keys {
		raw := tokAccess(t, tokPair(t, made, key))
		for asked, theirs := range keys {
			_, err := tokPair(t, asked, theirs).Verify(t.Context(), raw)
			if made == asked && err != nil || made != asked && !errors.Is(err, core.ErrTokenInvalid) {
				t.Errorf("a token of %s, verified as %s with the same key: error %v", made, asked, err)
			}
		}
	}
}

func TestKeysAreReadInTheirUsualForms(t *testing.T) {
	t.Parallel()
	rsaKey, ecKey := tokRSA(), tokEC(t, elliptic.P256())
	sec1, err := x509.MarshalECPrivateKey(ecKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ algorithm, private, public string }{
		"PKCS #8 and SPKI":         {"RS256", tokPrivate(t, rsaKey), tokPublic(t, rsaKey.Public())},
		"PKCS #1":                  {"PS256", tokPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)), tokPEM("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey))},
		"SEC 1":                    {"ES256", tokPEM("EC PRIVATE KEY", sec1), tokPublic(t, ecKey.Public())},
		"SEC 1 as openssl writes":  {"ES256", tokPEM("EC PARAMETERS", []byte("\x06\x08*\x86H\xce=\x03\x01\x07")) + tokPEM("EC PRIVATE KEY", sec1), tokPublic(t, ecKey.Public())},
		"indented and with breaks": {"RS256", "\n  " + tokPrivate(t, rsaKey) + "\n\n", "\n" + tokPublic(t, rsaKey.Public()) + "  "},
		"Windows line ends":        {"RS256", strings.ReplaceAll(tokPrivate(t, rsaKey), "\n", "\r\n"), strings.ReplaceAll(tokPublic(t, rsaKey.Public()), "\n", "\r\n")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			auth := tokNew(t, func(s *simplejwt.Settings, _ *core.Deps) {
				s.Algorithm, s.SigningKey, s.VerifyingKey = c.algorithm, c.private, c.public
			})
			if _, err := auth.Verify(t.Context(), tokAccess(t, auth)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNewNamesWhatIsWrongWithTheKeys(t *testing.T) {
	t.Parallel()
	rsaKey, p256, p384, ed := tokRSA(), tokEC(t, elliptic.P256()), tokEC(t, elliptic.P384()), tokSigner(t, "EdDSA")
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, public := tokPrivate(t, rsaKey), tokPublic(t, rsaKey.Public())
	encrypted := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)[1:],
		Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}}))
	for name, c := range map[string]struct {
		algorithm, signing, verifying string
		want                          []string
	}{
		"no secret":                        {"HS256", "", "", []string{"SIGNING_KEY: is missing: HS256 needs a secret of at least 32 bytes"}},
		"a secret of 31 bytes":             {"HS256", tokKey[:31], "", []string{"SIGNING_KEY: has 31 bytes, HS256 needs at least 32"}},
		"a secret of 32 bytes":             {"HS256", tokKey[:32], "", nil},
		"a secret of 47 bytes for HS384":   {"HS384", tokKey[:47], "", []string{"SIGNING_KEY: has 47 bytes, HS384 needs at least 48"}},
		"a secret of 48 bytes for HS384":   {"HS384", tokKey[:48], "", nil},
		"a secret of 63 bytes for HS512":   {"HS512", tokKey[:63], "", []string{"SIGNING_KEY: has 63 bytes, HS512 needs at least 64"}},
		"a secret of 64 bytes for HS512":   {"HS512", tokKey[:64], "", nil},
		"a private key as secret":          {"HS256", private, "", []string{"SIGNING_KEY: is a PEM key"}},
		"a public key as secret":           {"HS256", public, "", []string{"SIGNING_KEY: is a PEM key"}},
		"a certificate as secret, spaced":  {"HS256", "  \n" + tokPEM("CERTIFICATE", []byte("x")), "", []string{"SIGNING_KEY: is a PEM key"}},
		"no key pair":                      {"RS256", "", "", []string{"SIGNING_KEY: is missing: RS256 needs a private key in PEM"}},
		"a secret for RS256":               {"RS256", tokKey, "", []string{"SIGNING_KEY: is not a private key in PEM"}},
		"a secret for EdDSA as public key": {"EdDSA", "", tokKey, []string{"VERIFYING_KEY: is not a public key in PEM"}},
		"garbage in PEM":                   {"RS256", tokPEM("PRIVATE KEY", []byte(tokKey)), "", []string{"SIGNING_KEY: is not a private key that can be read"}},
		"garbage in PEM as public key":     {"RS256", "", tokPEM("PUBLIC KEY", []byte(tokKey)), []string{"VERIFYING_KEY: is not a public key that can be read"}},
		"an encrypted key":                 {"RS256", tokPEM("ENCRYPTED PRIVATE KEY", []byte(tokKey)), "", []string{"SIGNING_KEY: not encrypted"}},
		"an encrypted key of old form":     {"RS256", encrypted, "", []string{"SIGNING_KEY: not encrypted"}},
		"a cut PEM":                        {"RS256", private[:len(private)/2], "", []string{"SIGNING_KEY: is not a private key in PEM"}},
		"a public key to sign":             {"RS256", public, "", []string{"SIGNING_KEY: is a public key"}},
		"a private key to verify":          {"RS256", "", private, []string{"VERIFYING_KEY: is a private key"}},
		"RSA of 1024 bits":                 {"RS256", tokPrivate(t, weak), "", []string{"SIGNING_KEY: has 1024 bits"}},
		"RSA of 1024 bits to verify":       {"PS512", "", tokPublic(t, weak.Public()), []string{"VERIFYING_KEY: has 1024 bits"}},
		"RSA for ES256":                    {"ES256", private, "", []string{"SIGNING_KEY: is a key of another kind"}},
		"RSA for EdDSA":                    {"EdDSA", "", public, []string{"VERIFYING_KEY: is a key of another kind"}},
		"EC for RS256":                     {"RS256", tokPrivate(t, p256), "", []string{"SIGNING_KEY: is a key of another kind"}},
		"EC for EdDSA":                     {"EdDSA", tokPrivate(t, p256), "", []string{"SIGNING_KEY: is a key of another kind"}},
		"Ed25519 for ES256":                {"ES256", tokPrivate(t, ed), "", []string{"SIGNING_KEY: is a key of another kind"}},
		"X25519 for EdDSA":                 {"EdDSA", tokPrivate(t, x25519), "", []string{"SIGNING_KEY: is not a private key that can be read"}},
		"X25519 to verify":                 {"EdDSA", "", tokPublic(t, x25519.Public()), []string{"VERIFYING_KEY: is a key of another kind"}},
		"P-384 for ES256":                  {"ES256", tokPrivate(t, p384), "", []string{"SIGNING_KEY: is on a curve of 384 bits, ES256 needs 256"}},
		"P-256 for ES512":                  {"ES512", "", tokPublic(t, p256.Public()), []string{"VERIFYING_KEY: is on a curve of 256 bits, ES512 needs 521"}},
		"P-224":                            {"ES256", tokPrivate(t, tokEC(t, elliptic.P224())), "", []string{"SIGNING_KEY: is on a curve of 224 bits"}},
		"a pair that does not match":       {"ES256", tokPrivate(t, p256), tokPublic(t, tokEC(t, elliptic.P256()).Public()), []string{"VERIFYING_KEY: is not the public half of SIGNING_KEY"}},
		"both keys are wrong":              {"RS256", tokKey, tokPublic(t, p256.Public()), []string{"SIGNING_KEY: is not a private key", "VERIFYING_KEY: is a key of another kind"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			auth, err := core.New(simplejwt.Settings{Algorithm: c.algorithm, SigningKey: c.signing, VerifyingKey: c.verifying}, tokDeps(t))
			tokFaults(t, err, c.want...)
			if (auth == nil) != (err != nil) {
				t.Error("an Auth beside faults, or none without")
			}
			if err == nil {
				return
			}
			for _, key := range []string{c.signing, c.verifying} {
				for line := range strings.Lines(key) {
					if line = strings.TrimSpace(line); len(line) > 8 && strings.Contains(err.Error(), line) {
						t.Errorf("the error shows a line of the key: %v", err)
					}
				}
			}
		})
	}
}

func TestPublicKeysBesideASecretAreIgnoredWithAWarning(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	keys := &tokKeys{err: errors.New("asked")}
	auth := tokNew(t, func(s *simplejwt.Settings, d *core.Deps) {
		s.VerifyingKey, s.JWKURL = tokPublic(t, tokRSA().Public()), "https://telltale.example/keys"
		d.Keys, d.Logger = keys, slog.New(slog.NewTextHandler(&log, nil))
	})
	if _, err := auth.Verify(t.Context(), tokAccess(t, auth)); err != nil {
		t.Error(err)
	}
	if _, err := auth.Verify(t.Context(), tokJWS(`{"alg":"HS256","kid":"a"}`, tokPayload(), tokHMAC(tokKey))); err != nil {
		t.Errorf("a token with kid: %v", err)
	}
	if len(keys.asked) > 0 {
		t.Errorf("Deps.Keys were asked for %v", keys.asked)
	}
	for _, want := range []string{"level=WARN", "VERIFYING_KEY is ignored", "JWK_URL is ignored"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, log.String())
		}
	}
	if strings.Contains(log.String(), "telltale") || strings.Contains(log.String(), "BEGIN") {
		t.Errorf("the log shows a key or its address: %s", log.String())
	}
}

// tokKeys are core.Keys with one answer; they note what they are asked.
type tokKeys struct {
	key   crypto.PublicKey
	err   error
	asked []string
}

func (k *tokKeys) VerifyingKey(_ context.Context, kid, algorithm string) (crypto.PublicKey, error) {
	k.asked = append(k.asked, kid+" "+algorithm)
	return k.key, k.err
}

func TestNewNamesWhatIsWrongWithJWKURL(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		url  string
		keys core.Keys
		want []string
	}{
		"a URL with keys":         {"https://example.com/jwks", &tokKeys{}, nil},
		"a URL without keys":      {"https://example.com/jwks", nil, []string{"JWK_URL: set Deps.Keys to jwks.New(ctx, settings)"}},
		"keys without a URL":      {"", &tokKeys{}, []string{"Deps.Keys: is given, but JWK_URL is not set", "SIGNING_KEY: is missing"}},
		"a file":                  {"file:///etc/passwd", &tokKeys{}, []string{"JWK_URL: must be an http or https URL"}},
		"no host":                 {"https:///jwks", &tokKeys{}, []string{"JWK_URL: must be an http or https URL"}},
		"no URL and without keys": {"http://[::1", nil, []string{"JWK_URL: must be an http or https URL", "JWK_URL: set Deps.Keys"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := core.New(simplejwt.Settings{Algorithm: "RS256", JWKURL: c.url}, core.Deps{Keys: c.keys})
			tokFaults(t, err, c.want...)
		})
	}
}

func TestAKeyOfJWKURLMustFit(t *testing.T) {
	t.Parallel()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	good := tokRSA()
	sign := tokRS256(t, good)
	for name, c := range map[string]struct {
		header string
		key    crypto.PublicKey
		err    error
		sign   func(string) []byte
		asked  []string
		good   bool
	}{
		"the key of the kid":          {`{"alg":"RS256","kid":"a"}`, good.Public(), nil, sign, []string{"a RS256"}, true},
		"no kid":                      {`{"alg":"RS256"}`, good.Public(), nil, sign, nil, false},
		"an empty kid":                {`{"alg":"RS256","kid":""}`, good.Public(), nil, sign, nil, false},
		"a kid that is a number":      {`{"alg":"RS256","kid":1}`, good.Public(), nil, sign, nil, false},
		"another algorithm":           {`{"alg":"PS256","kid":"a"}`, good.Public(), nil, sign, nil, false},
		"trouble":                     {`{"alg":"RS256","kid":"a"}`, good.Public(), errors.New("down"), sign, []string{"a RS256"}, false},
		"no key":                      {`{"alg":"RS256","kid":"a"}`, nil, nil, sign, []string{"a RS256"}, false},
		"a key that is too small":     {`{"alg":"RS256","kid":"a"}`, weak.Public(), nil, tokRS256(t, weak), []string{"a RS256"}, false},
		"a key of another kind":       {`{"alg":"RS256","kid":"a"}`, tokSigner(t, "ES256").Public(), nil, sign, []string{"a RS256"}, false},
		"a secret instead of a key":   {`{"alg":"RS256","kid":"a"}`, []byte(tokKey), nil, tokHMAC(tokKey), []string{"a RS256"}, false},
		"a private instead of public": {`{"alg":"RS256","kid":"a"}`, good, nil, sign, []string{"a RS256"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys := &tokKeys{key: c.key, err: c.err}
			auth, err := core.New(simplejwt.Settings{Algorithm: "RS256", JWKURL: "https://example.com/jwks"}, core.Deps{Keys: keys, Now: tokNow})
			if err != nil {
				t.Fatal(err)
			}
			_, err = auth.Verify(t.Context(), tokJWS(c.header, tokPayload(), c.sign))
			if c.good != (err == nil) || err != nil && !errors.Is(err, core.ErrTokenInvalid) {
				t.Errorf("error %v, accepted should be %t", err, c.good)
			}
			if !slices.Equal(keys.asked, c.asked) {
				t.Errorf("asked for %q, want %q", keys.asked, c.asked)
			}
		})
	}
}

// A program without a signing key can't answer a login or a refresh. It must not consume a token before it says so.
func TestAProgramThatOnlyVerifiesConsumesNothing(t *testing.T) {
	t.Parallel()
	key := tokSigner(t, "ES256")
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
