package jose

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

func TestSign_KeyPairs(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			key := newSigner(t, algorithm)
			signer := newCodec(t, withKeys(algorithm, privatePEM(t, key), ""))
			raw := mustSign(t, signer, goodClaims(t))
			if got, want := decodePart(t, raw, 0), `{"alg":"`+algorithm+`","typ":"JWT"}`; got != want {
				t.Errorf("header %s, want %s", got, want)
			}
			verifier := newCodec(t, withKeys(algorithm, "", publicPEM(t, key.Public())))
			for who, c := range map[string]*Codec{"the signer, its VERIFYING_KEY derived": signer, "a program with the public key": verifier} {
				if claims, err := c.Verify(t.Context(), raw, testNow); err != nil || !claims.Get("user_id").Is("1") {
					t.Errorf("%s: claims %v, error %v", who, claims.Map(), err)
				}
			}
			forged := raw[:strings.LastIndexByte(raw, '.')+1] + strings.Repeat("A", len(raw)-strings.LastIndexByte(raw, '.')-1)
			if got := verifyToken(t, verifier, forged); got != invalid {
				t.Errorf("with another signature it is %s", got)
			}
			if !signer.CanSign() || verifier.CanSign() {
				t.Errorf("CanSign: %t with a SIGNING_KEY, %t without", signer.CanSign(), verifier.CanSign())
			}
			if text, err := verifier.Sign(goodClaims(t)); !errors.Is(err, ErrNoSigningKey) || text != "" {
				t.Errorf("without a SIGNING_KEY it signed %q, error %v", text, err)
			}
			other := newSigner(t, algorithm)
			if _, isRSA := key.(*rsa.PrivateKey); isRSA {
				return // all tests share one
			}
			if got := verifyToken(t, newCodec(t, withKeys(algorithm, "", publicPEM(t, other.Public()))), raw); got != invalid {
				t.Errorf("the token of another key is %s", got)
			}
		})
	}
}

func TestSign_Secrets(t *testing.T) {
	t.Parallel()
	for algorithm, newHash := range hmacHashes() {
		c := newCodec(t, withKeys(algorithm, secret, ""))
		raw := mustSign(t, c, goodClaims(t))
		if got, want := raw, signText(raw[:strings.LastIndexByte(raw, '.')], hmacSigner(newHash, secret)); got != want {
			t.Errorf("%s: the token is %s, its HMAC says %s", algorithm, got, want)
		}
		if got := verifyToken(t, c, raw); got != good || !c.CanSign() {
			t.Errorf("%s: it is %s, CanSign %t", algorithm, got, c.CanSign())
		}
	}
}

func TestVerify_OtherAlgorithms(t *testing.T) {
	t.Parallel()
	rsaPEM := privatePEM(t, rsaKey())
	keys := map[string]string{"HS256": secret, "HS384": secret, "HS512": secret, "RS256": rsaPEM, "RS384": rsaPEM, "RS512": rsaPEM, "PS256": rsaPEM, "PS384": rsaPEM, "PS512": rsaPEM}
	for made, key := range keys {
		raw := mustSign(t, newCodec(t, withKeys(made, key, "")), goodClaims(t))
		for asked, theirs := range keys {
			want := invalid
			if made == asked {
				want = good
			}
			if got := verifyToken(t, newCodec(t, withKeys(asked, theirs, "")), raw); got != want {
				t.Errorf("a token of %s, verified as %s with the same key, is %s", made, asked, got)
			}
		}
	}
}

func TestNew_KeyFormats(t *testing.T) {
	t.Parallel()
	rsaKey, ecKey := rsaKey(), newECKey(t, curveP256)
	sec1, err := x509.MarshalECPrivateKey(ecKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ algorithm, private, public string }{
		"PKCS #8 and SPKI are read":            {"RS256", privatePEM(t, rsaKey), publicPEM(t, rsaKey.Public())},
		"PKCS #1 is read":                      {"PS256", encodePEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)), encodePEM("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey))},
		"SEC 1 is read":                        {"ES256", encodePEM("EC PRIVATE KEY", sec1), publicPEM(t, ecKey.Public())},
		"SEC 1 is read as openssl writes it":   {"ES256", encodePEM("EC PARAMETERS", []byte("\x06\x08*\x86H\xce=\x03\x01\x07")) + encodePEM("EC PRIVATE KEY", sec1), publicPEM(t, ecKey.Public())},
		"an indented key with breaks is read":  {"RS256", "\n  " + privatePEM(t, rsaKey) + "\n\n", "\n" + publicPEM(t, rsaKey.Public()) + "  "},
		"a key with Windows line ends is read": {"RS256", strings.ReplaceAll(privatePEM(t, rsaKey), "\n", "\r\n"), strings.ReplaceAll(publicPEM(t, rsaKey.Public()), "\n", "\r\n")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCodec(t, withKeys(test.algorithm, test.private, test.public))
			mustVerify(t, c, mustSign(t, c, goodClaims(t)))
		})
	}
}

func TestNew_InvalidAlgorithm(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"HS255", "none", "hs256", ""} {
		_, problems := tryCodec(nil, withKeys(algorithm, secret, ""))
		checkInvalid(t, problems, "ALGORITHM: Unrecognized algorithm type '"+algorithm+"'")
		_, problems = tryCodec(nil, withKeys(algorithm, secret, ""), func(s *simplejwt.Settings) { s.JWKURL = "x" })
		checkInvalid(t, problems, "ALGORITHM: Unrecognized", "JWK_URL: must be an https URL", "JWK_URL: set Deps.Keys")
	}
}

func TestNew_InvalidKeys(t *testing.T) {
	t.Parallel()
	rsaKey, p256, p384, ed := rsaKey(), newECKey(t, elliptic.P256()), newECKey(t, elliptic.P384()), newSigner(t, "EdDSA")
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, public := privatePEM(t, rsaKey), publicPEM(t, rsaKey.Public())
	encrypted := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)[1:],
		Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}}))
	for name, test := range map[string]struct {
		algorithm, signing, verifying string
		want                          []string
	}{
		"no secret":                        {"HS256", "", "", []string{"SIGNING_KEY: is missing: HS256 needs a secret of at least 32 bytes"}},
		"a secret of 31 bytes":             {"HS256", secret[:31], "", []string{"SIGNING_KEY: has 31 bytes, HS256 needs at least 32"}},
		"a secret of 32 bytes":             {"HS256", secret[:32], "", nil},
		"a secret of 47 bytes for HS384":   {"HS384", secret[:47], "", []string{"SIGNING_KEY: has 47 bytes, HS384 needs at least 48"}},
		"a secret of 48 bytes for HS384":   {"HS384", secret[:48], "", nil},
		"a secret of 63 bytes for HS512":   {"HS512", secret[:63], "", []string{"SIGNING_KEY: has 63 bytes, HS512 needs at least 64"}},
		"a secret of 64 bytes for HS512":   {"HS512", secret[:64], "", nil},
		"a private key as secret":          {"HS256", private, "", []string{"SIGNING_KEY: is a PEM key"}},
		"a public key as secret":           {"HS256", public, "", []string{"SIGNING_KEY: is a PEM key"}},
		"a certificate as secret, spaced":  {"HS256", "  \n" + encodePEM("CERTIFICATE", []byte("x")), "", []string{"SIGNING_KEY: is a PEM key"}},
		"no key pair":                      {"RS256", "", "", []string{"SIGNING_KEY: is missing: RS256 needs a private key in PEM"}},
		"a secret for RS256":               {"RS256", secret, "", []string{"SIGNING_KEY: is not a private key in PEM"}},
		"a secret for EdDSA as public key": {"EdDSA", "", secret, []string{"VERIFYING_KEY: is not a public key in PEM"}},
		"garbage in PEM":                   {"RS256", encodePEM("PRIVATE KEY", []byte(secret)), "", []string{"SIGNING_KEY: is not a private key that can be read"}},
		"garbage in PEM as public key":     {"RS256", "", encodePEM("PUBLIC KEY", []byte(secret)), []string{"VERIFYING_KEY: is not a public key that can be read"}},
		"an encrypted key":                 {"RS256", encodePEM("ENCRYPTED PRIVATE KEY", []byte(secret)), "", []string{"SIGNING_KEY: not encrypted"}},
		"an encrypted key of old form":     {"RS256", encrypted, "", []string{"SIGNING_KEY: not encrypted"}},
		"a truncated PEM":                  {"RS256", private[:len(private)/2], "", []string{"SIGNING_KEY: is not a private key in PEM"}},
		"a public key to sign":             {"RS256", public, "", []string{"SIGNING_KEY: is a public key"}},
		"a private key to verify":          {"RS256", "", private, []string{"VERIFYING_KEY: is a private key"}},
		"RSA of 1024 bits":                 {"RS256", privatePEM(t, weak), "", []string{"SIGNING_KEY: has 1024 bits"}},
		"RSA of 1024 bits to verify":       {"PS512", "", publicPEM(t, weak.Public()), []string{"VERIFYING_KEY: has 1024 bits"}},
		"RSA for ES256":                    {"ES256", private, "", []string{"SIGNING_KEY: is a key of another kind"}},
		"RSA for EdDSA":                    {"EdDSA", "", public, []string{"VERIFYING_KEY: is a key of another kind"}},
		"EC for RS256":                     {"RS256", privatePEM(t, p256), "", []string{"SIGNING_KEY: is a key of another kind"}},
		"EC for EdDSA":                     {"EdDSA", privatePEM(t, p256), "", []string{"SIGNING_KEY: is a key of another kind"}},
		"Ed25519 for ES256":                {"ES256", privatePEM(t, ed), "", []string{"SIGNING_KEY: is a key of another kind"}},
		"X25519 for EdDSA":                 {"EdDSA", privatePEM(t, x25519), "", []string{"SIGNING_KEY: is not a private key that can be read"}},
		"X25519 to verify":                 {"EdDSA", "", publicPEM(t, x25519.Public()), []string{"VERIFYING_KEY: is a key of another kind"}},
		"P-384 for ES256":                  {"ES256", privatePEM(t, p384), "", []string{"SIGNING_KEY: is on a curve of 384 bits, ES256 needs 256"}},
		"P-256 for ES512":                  {"ES512", "", publicPEM(t, p256.Public()), []string{"VERIFYING_KEY: is on a curve of 256 bits, ES512 needs 521"}},
		"P-224":                            {"ES256", privatePEM(t, newECKey(t, elliptic.P224())), "", []string{"SIGNING_KEY: is on a curve of 224 bits"}},
		"a pair that does not match":       {"ES256", privatePEM(t, p256), publicPEM(t, newECKey(t, elliptic.P256()).Public()), []string{"VERIFYING_KEY: is not the public half of SIGNING_KEY"}},
		"a pair of two wrong keys":         {"RS256", secret, publicPEM(t, p256.Public()), []string{"SIGNING_KEY: is not a private key", "VERIFYING_KEY: is a key of another kind"}},
	} {
		validity := " is valid"
		if len(test.want) > 0 {
			validity = " is invalid"
		}
		t.Run(name+validity, func(t *testing.T) {
			t.Parallel()
			_, problems := tryCodec(nil, withKeys(test.algorithm, test.signing, test.verifying))
			checkInvalid(t, problems, test.want...)
			for _, key := range []string{test.signing, test.verifying} {
				for line := range strings.Lines(key) {
					if line = strings.TrimSpace(line); len(line) > 8 && strings.Contains(problems.Error(), line) {
						t.Errorf("the error shows a line of the key: %v", problems)
					}
				}
			}
		})
	}
}

// commandOf returns the command that the only invalid setting says to run.
func commandOf(t *testing.T, problems simplejwt.SettingsError) string {
	t.Helper()
	_, rest, _ := strings.Cut(problems.Error(), "`")
	command, _, found := strings.Cut(rest, "`")
	if len(problems) != 1 || !found {
		t.Fatalf("invalid settings %v, want one with a command", problems)
	}
	return command
}

// runOpenSSL runs a command that commandOf returned in a folder and returns what it prints.
func runOpenSSL(t *testing.T, command, folder string) string {
	t.Helper()
	words := strings.Fields(command)
	if _, err := exec.LookPath(words[0]); err != nil {
		testlevel.SkipMissing(t, words[0])
	}
	run := exec.CommandContext(t.Context(), words[0], words[1:]...)
	run.Dir = folder
	out, err := run.Output()
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return strings.TrimSuffix(string(out), "\n") // as a shell does
}

func TestNew_InvalidKeys_Commands(t *testing.T) {
	t.Parallel()
	rsaPrivate, ecPublic := privatePEM(t, rsaKey()), publicPEM(t, newECKey(t, elliptic.P224()).Public())
	for algorithm := range algorithms {
		t.Run("the commands for "+algorithm+" print keys that are good", func(t *testing.T) {
			t.Parallel()
			if algorithm != "RS256" && (algorithm[:2] == "RS" || algorithm[:2] == "PS") { // an RSA key takes a second
				_, problems := tryCodec(nil, withKeys(algorithm, "", ""))
				if got := commandOf(t, problems); got != keyCommand("RS256") {
					t.Errorf("another command than for RS256: %s", got)
				}
				return
			}
			bad := []string{"", "short", ecPublic, encodePEM("PRIVATE KEY", []byte("x"))}
			if algorithm[:2] != "RS" && algorithm[:2] != "PS" {
				bad = append(bad, rsaPrivate)
			}
			command := ""
			for _, key := range bad {
				_, problems := tryCodec(nil, withKeys(algorithm, key, ""))
				if got := commandOf(t, problems); command != "" && got != command {
					t.Errorf("the commands differ: %s and %s", got, command)
				}
				command = commandOf(t, problems)
			}
			folder := t.TempDir()
			private := runOpenSSL(t, command, folder)
			c := newCodec(t, withKeys(algorithm, private, ""))
			mustVerify(t, c, mustSign(t, c, goodClaims(t)))
			if algorithm[:2] == "HS" {
				return
			}
			if err := os.WriteFile(filepath.Join(folder, "private.pem"), []byte(private), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, key := range []string{"short", private, ecPublic} {
				_, problems := tryCodec(nil, withKeys(algorithm, "", key))
				public := runOpenSSL(t, commandOf(t, problems), folder)
				mustVerify(t, newCodec(t, withKeys(algorithm, "", public)), mustSign(t, c, goodClaims(t)))
			}
		})
	}
}

func TestNew_IgnoresPublicKeysWithHMAC(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var problems simplejwt.SettingsError
	keys := &fixedKeys{err: errors.New("asked")}
	settings := simplejwt.Settings{
		Algorithm: "HS256", SigningKey: secret,
		VerifyingKey: publicPEM(t, rsaKey().Public()), JWKURL: "https://telltale.example/keys",
	}
	c := New(&settings, keys, slog.New(slog.NewTextHandler(&log, nil)), &problems)
	checkInvalid(t, problems)
	if settings.JWKURL != "" {
		t.Errorf("JWK_URL is in force: %q", settings.JWKURL)
	}
	mustVerify(t, c, mustSign(t, c, goodClaims(t)))
	if got := verifyToken(t, c, forgeToken(`{"alg":"HS256","kid":"a"}`, goodPayload(), hs256Signer(secret))); got != good {
		t.Errorf("a token with kid is %s", got)
	}
	if len(keys.asked) > 0 {
		t.Errorf("the keys were asked for %v", keys.asked)
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

// fixedKeys are Keys with one answer. They record the calls.
type fixedKeys struct {
	key   crypto.PublicKey
	err   error
	asked []string
}

func (k *fixedKeys) VerifyingKey(_ context.Context, kid, algorithm string) (crypto.PublicKey, error) {
	k.asked = append(k.asked, kid+" "+algorithm)
	return k.key, k.err
}

func TestNew_InvalidJWKURL(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		url  string
		keys Keys
		want []string
	}{
		"a URL with keys is good":             {"https://example.com/jwks", &fixedKeys{}, nil},
		"a URL needs keys":                    {"https://example.com/jwks", nil, []string{"JWK_URL: set Deps.Keys to jwks.New(ctx, settings)"}},
		"keys need a URL":                     {"", &fixedKeys{}, []string{"Deps.Keys: is given, but JWK_URL is not set", "SIGNING_KEY: is missing"}},
		"http on this machine is good":        {"http://127.0.0.1:8000/jwks", &fixedKeys{}, nil},
		"http elsewhere is invalid":           {"http://example.com/jwks", &fixedKeys{}, []string{"JWK_URL: must be https: over plain http"}},
		"a password is invalid":               {"https://u:p@example.com/jwks", &fixedKeys{}, []string{"JWK_URL: must not hold a user name or a password"}},
		"a file is invalid":                   {"file:///etc/passwd", &fixedKeys{}, []string{"JWK_URL: must be an https URL"}},
		"no host is invalid":                  {"https:///jwks", &fixedKeys{}, []string{"JWK_URL: must be an https URL"}},
		"no URL and no keys are both invalid": {"http://[::1", nil, []string{"JWK_URL: must be an https URL", "JWK_URL: set Deps.Keys"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, problems := tryCodec(test.keys, withKeys("RS256", "", ""), func(s *simplejwt.Settings) { s.JWKURL = test.url })
			checkInvalid(t, problems, test.want...)
		})
	}
}

func TestVerify_NilKeyOfJWKURL(t *testing.T) {
	t.Parallel()
	for algorithm, keys := range map[string][]crypto.PublicKey{
		"PS256": {(*rsa.PublicKey)(nil), &rsa.PublicKey{}, nil},
		"ES256": {(*ecdsa.PublicKey)(nil), &ecdsa.PublicKey{}, nil},
		"EdDSA": {ed25519.PublicKey(nil), ed25519.PublicKey("short"), (*ed25519.PublicKey)(nil), nil},
	} {
		for _, key := range keys {
			c, problems := tryCodec(&fixedKeys{key: key}, withKeys(algorithm, "", ""), func(s *simplejwt.Settings) { s.JWKURL = "https://example.com/jwks" })
			checkInvalid(t, problems)
			raw := forgeToken(`{"alg":"`+algorithm+`","kid":"a"}`, goodPayload(), func(string) []byte { return make([]byte, 64) })
			if _, err := c.Verify(t.Context(), raw, testNow); outcomeOf(err) != invalid {
				t.Errorf("%s with %T: the token is %s, error %v", algorithm, key, outcomeOf(err), err)
			}
		}
	}
}

func TestVerify_KeyOfJWKURLMustFit(t *testing.T) {
	t.Parallel()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	key := rsaKey()
	sign, down := rs256Signer(t, key), errors.New("down")
	for name, test := range map[string]struct {
		header string
		key    crypto.PublicKey
		err    error
		sign   func(string) []byte
		asked  []string
		want   string
	}{
		"the key of the kid is good":             {`{"alg":"RS256","kid":"a"}`, key.Public(), nil, sign, []string{"a RS256"}, good},
		"no kid is invalid":                      {`{"alg":"RS256"}`, key.Public(), nil, sign, nil, invalid},
		"an empty kid is invalid":                {`{"alg":"RS256","kid":""}`, key.Public(), nil, sign, nil, invalid},
		"a kid that is a number is invalid":      {`{"alg":"RS256","kid":1}`, key.Public(), nil, sign, nil, invalid},
		"another algorithm is invalid":           {`{"alg":"PS256","kid":"a"}`, key.Public(), nil, sign, nil, invalid},
		"an error is invalid":                    {`{"alg":"RS256","kid":"a"}`, key.Public(), down, sign, []string{"a RS256"}, invalid},
		"no key is invalid":                      {`{"alg":"RS256","kid":"a"}`, nil, nil, sign, []string{"a RS256"}, invalid},
		"a nil RSA key is invalid":               {`{"alg":"RS256","kid":"a"}`, (*rsa.PublicKey)(nil), nil, sign, []string{"a RS256"}, invalid},
		"an RSA key without numbers is invalid":  {`{"alg":"RS256","kid":"a"}`, &rsa.PublicKey{}, nil, sign, []string{"a RS256"}, invalid},
		"a key that is too small is invalid":     {`{"alg":"RS256","kid":"a"}`, weak.Public(), nil, rs256Signer(t, weak), []string{"a RS256"}, invalid},
		"a key of another kind is invalid":       {`{"alg":"RS256","kid":"a"}`, newSigner(t, "ES256").Public(), nil, sign, []string{"a RS256"}, invalid},
		"a secret instead of a key is invalid":   {`{"alg":"RS256","kid":"a"}`, []byte(secret), nil, hs256Signer(secret), []string{"a RS256"}, invalid},
		"a private instead of public is invalid": {`{"alg":"RS256","kid":"a"}`, key, nil, sign, []string{"a RS256"}, invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys := &fixedKeys{key: test.key, err: test.err}
			c, problems := tryCodec(keys, withKeys("RS256", "", ""), func(s *simplejwt.Settings) { s.JWKURL = "https://example.com/jwks" })
			checkInvalid(t, problems)
			_, err := c.Verify(t.Context(), forgeToken(test.header, goodPayload(), test.sign), testNow)
			if got := outcomeOf(err); got != test.want || test.err != nil && !errors.Is(err, test.err) {
				t.Errorf("it is %s, want %s, error %v", got, test.want, err)
			}
			if !slices.Equal(keys.asked, test.asked) {
				t.Errorf("asked for %q, want %q", keys.asked, test.asked)
			}
		})
	}
}
