package conformance

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

func TestMintToken_Algorithms(t *testing.T) {
	t.Parallel()
	v := newVars(testKeys(t), 1)
	for alg, key := range map[string]string{
		"HS256": "hs1", "HS384": "hs2", "HS512": "hsunicode",
		"RS256": "rsa1", "RS384": "rsa1", "RS512": "rsa2", "PS256": "rsa1", "PS384": "rsa1", "PS512": "rsa2",
		"ES256": "ec256", "ES384": "ec384", "ES512": "ec521", "EdDSA": "ed1",
	} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			token, err := v.mintToken(&step{Alg: alg, Key: key, Claims: map[string]any{"a": "${now}"}})
			if err != nil {
				t.Fatal(err)
			}
			// Another implementation must take the token ...
			_, err = jwt.Parse(token, func(*jwt.Token) (any, error) { return loadVerifyingKey(v.keys, key) },
				jwt.WithValidMethods([]string{alg}))
			if err != nil {
				t.Errorf("golang-jwt: %v", err)
			}
			// ... and ours must take it, and nothing else.
			dot := strings.LastIndex(token, ".")
			sig, err := decodeSegment(token[dot+1:])
			if err != nil {
				t.Fatal(err)
			}
			if err := v.keys.verifySignature(alg, key, []byte(token[:dot]), sig); err != nil {
				t.Errorf("verify: %v", err)
			}
			if err := v.keys.verifySignature(alg, key, []byte(token[:dot]+"x"), sig); err == nil {
				t.Error("a signature of other data verifies")
			}
			sig[3] ^= 1
			if err := v.keys.verifySignature(alg, key, []byte(token[:dot]), sig); err == nil {
				t.Error("a damaged signature verifies")
			}
		})
	}
}

func loadVerifyingKey(keys keyring, name string) (any, error) {
	if secret := keys[name].Secret; secret != "" {
		return []byte(secret), nil
	}
	return keys.publicKey(name)
}

func TestVerifySignature(t *testing.T) {
	t.Parallel()
	keys := testKeys(t)
	data := []byte("data")
	sign := func(alg, key string) []byte {
		sig, err := keys.signData(alg, key, data)
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
	tests := []struct {
		name     string
		alg, key string
		sig      []byte
	}{
		{"another RSA key", "RS256", "rsa2", sign("RS256", "rsa1")},
		{"another EC key", "ES256", "ec256b", sign("ES256", "ec256")},
		{"another Ed25519 key", "EdDSA", "ed2", sign("EdDSA", "ed1")},
		{"another secret", "HS256", "hs2", sign("HS256", "hs1")},
		{"another hash", "RS384", "rsa1", sign("RS256", "rsa1")},
		{"another padding", "PS256", "rsa1", sign("RS256", "rsa1")},
		{"a longer signature of the same numbers", "ES256", "ec256", slices.Insert(sign("ES256", "ec256"), 32, 0)},
		{"no signature", "HS256", "hs1", nil},
		{"an unknown algorithm", "XX256", "rsa1", sign("RS256", "rsa1")},
		{"an unknown key", "RS256", "nix", sign("RS256", "rsa1")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if err := keys.verifySignature(test.alg, test.key, data, test.sig); err == nil {
				t.Error("the signature verifies")
			}
		})
	}
}

func TestSignData_KeyOfAnotherKind(t *testing.T) {
	t.Parallel()
	keys := testKeys(t)
	for _, pair := range [][2]string{{"ES384", "ec256"}, {"RS256", "ec256"}, {"EdDSA", "rsa1"}, {"HS256", "rsa1"},
		{"HS111", "hs1"}, {"", "rsa1"}, {"ES256K", "k256"}, {"EdDSA", "ed448"}, {"RS256", "hs1"}} {
		if _, err := keys.signData(pair[0], pair[1], nil); err == nil {
			t.Errorf("%s with %s: want an error", pair[0], pair[1])
		}
	}
}

func TestMintToken(t *testing.T) {
	t.Parallel()
	v := testVars(t)
	pem := v.keys["rsa1"].Public
	tests := []struct {
		name   string
		step   string
		header string
		claims string // the raw payload
		sigKey string // HS256 unless empty
	}{
		{"defaults", `{"claims": {"a": 1}}`, `{"alg":"HS256","typ":"JWT"}`, `{"a":1}`, v.keys["hs1"].Secret},
		{"more header fields, and one removed", `{"header": {"kid": "${word}", "typ": null}}`,
			`{"alg":"HS256","kid":"x"}`, `{}`, v.keys["hs1"].Secret},
		{"a header field that is null", `{"header": {"typ": null}, "keep_null_header": true}`,
			`{"alg":"HS256","typ":null}`, `{}`, v.keys["hs1"].Secret},
		{"from another token, changed", `{"from": "tok", "claims": {"exp": 1.0}, "drop": ["jti", "half"], "key": "hs2"}`,
			`{"alg":"HS256","typ":"JWT"}`, `{"exp":1.0,"ok":true}`, v.keys["hs2"].Secret},
		{"a payload as it is", `{"payload_raw": "not json \u2603 \\ud800"}`,
			`{"alg":"HS256","typ":"JWT"}`, "not json \u2603 \\ud800", v.keys["hs1"].Secret},
		{"claims in ASCII", `{"claims": {"a": "\u2603\ud83d\udd11<"}}`,
			`{"alg":"HS256","typ":"JWT"}`, `{"a":"\u2603\ud83d\udd11<"}`, v.keys["hs1"].Secret},
		{"a public key as a secret", `{"secret": "${key:rsa1.public}"}`, `{"alg":"HS256","typ":"JWT"}`, `{}`, pem},
		{"unsigned", `{"alg": "none"}`, `{"alg":"none","typ":"JWT"}`, `{}`, ""},
		{"a header that lies", `{"alg": "NONE", "sign_alg": "none"}`, `{"alg":"NONE","typ":"JWT"}`, `{}`, ""},
		{"signed by another algorithm", `{"alg": "RS256", "sign_alg": "HS256"}`,
			`{"alg":"RS256","typ":"JWT"}`, `{}`, v.keys["hs1"].Secret},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := parseAs[step](t, test.step)
			got, err := v.mintToken(&s)
			if err != nil {
				t.Fatal(err)
			}
			b64 := base64.RawURLEncoding.EncodeToString
			want := b64([]byte(test.header)) + "." + b64([]byte(test.claims))
			mac := hmac.New(sha256.New, []byte(test.sigKey))
			mac.Write([]byte(want))
			if want += "."; test.sigKey != "" {
				want += b64(mac.Sum(nil))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEditToken(t *testing.T) {
	t.Parallel()
	v := testVars(t)
	seg := func(s string) string { return encodeSegment([]byte(s)) }
	tests := []struct{ name, token, edits, want string }{
		{"append", "a.b.c", `[{"append": "${word}"}]`, "a.b.cx"},
		{"prepend", "a.b.c", `[{"prepend": "*"}]`, "*a.b.c"},
		{"set a segment", "a.b.c", `[{"segment": 2, "set": ""}]`, "a.b."},
		{"drop a segment", "a.b.c", `[{"drop_segment": 1}]`, "a.c"},
		{"flip a character", "a.b.xyz", `[{"flip": 2, "at": 0}]`, "a.b.Ayz"},
		{"flip the middle, which is A", "a.b.xAz", `[{"flip": 2}]`, "a.b.xBz"},
		{"set a header field", seg(`{"alg":"HS256"}`) + ".b.c", `[{"set_header": {"kid": 1}}]`,
			seg(`{"alg":"HS256","kid":1}`) + ".b.c"},
		{"set a claim", "a." + seg(`{"exp":1.0}`) + ".c", `[{"set_claims": {"user_id": "${alice.id}"}}]`,
			"a." + seg(`{"exp":1.0,"user_id":"7"}`) + ".c"},
		{"one after the other", "a.b.c", `[{"drop_segment": 2}, {"append": "!"}]`, "a.b!"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := v.editToken(test.token, parseAs[[]map[string]any](t, test.edits))
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestEditToken_Errors(t *testing.T) {
	t.Parallel()
	v := testVars(t)
	for _, edits := range []string{`[{"turn": 1}]`, `[{"segment": 3, "set": ""}]`, `[{"flip": 2, "at": 9}]`, `[{"flip": "x"}]`,
		`[{"drop_segment": -1}]`, `[{"set_claims": {"a": 1}}]`, `[{"append": "${nobody}"}]`} {
		if got, err := v.editToken("a.b.c", parseAs[[]map[string]any](t, edits)); err == nil {
			t.Errorf("%s: got %q, want an error", edits, got)
		}
	}
}
