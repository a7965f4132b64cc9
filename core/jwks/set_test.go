package jwks

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSet(t *testing.T) {
	t.Parallel()
	all := keySetJSON(
		publicMember(rsa1(), "rsa"), publicMember(p256(), "p256"), publicMember(p384(), "p384"), publicMember(p521(), "p521"), publicMember(ed25519Key(), "ed"),
	)
	for algorithm, want := range map[string]struct {
		kid string
		key crypto.Signer
	}{
		"RS256": {"rsa", rsa1()}, "RS384": {"rsa", rsa1()}, "RS512": {"rsa", rsa1()},
		"PS256": {"rsa", rsa1()}, "PS384": {"rsa", rsa1()}, "PS512": {"rsa", rsa1()},
		"ES256": {"p256", p256()}, "ES384": {"p384", p384()}, "ES512": {"p521", p521()},
		"EdDSA": {"ed", ed25519Key()},
	} {
		set, err := parseSet([]byte(all), algorithm)
		if err != nil {
			t.Fatal(err)
		}
		if kids := slices.Collect(maps.Keys(set.keys)); len(kids) != 1 || !sameKey(set.keys[want.kid], want.key.Public()) {
			t.Errorf("for %s the kids %v are kept, want %s", algorithm, kids, want.kid)
		}
	}
	for _, algorithm := range []string{"", "HS256", "none", "RSA-OAEP"} {
		if set, err := parseSet([]byte(all), algorithm); err != nil || set.hasUsableKey() {
			t.Errorf("for %q there is a key, error %v", algorithm, err)
		}
	}
}

func TestParseSet_SkippedKeys(t *testing.T) {
	t.Parallel()
	good := publicMember(rsa1(), "a")
	long := base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\xff", maxRSABits/8+1)))
	for _, c := range []struct {
		name string
		key  any
		want string // the reason; "" if the key is kept
	}{
		{"a key that says nothing more is kept", good, ""},
		{"a key for signatures is kept", good.with(member{"use": "sig", "alg": "RS256", "key_ops": []string{"verify"}}), ""},
		{"unknown members do no harm", good.with(member{"x5u": "http://127.0.0.1:1/", "x5c": []string{"?"}, "nbf": 1}), ""},
		{"a key for encryption is skipped", good.with(member{"use": "enc"}), "has a use other than sig"},
		{"a use of another type is skipped", good.with(member{"use": 1}), "has a use other than sig"},
		{"another alg is skipped", good.with(member{"alg": "RS512"}), "is for another algorithm"},
		{"an alg for encryption is skipped", good.with(member{"alg": "RSA-OAEP"}), "is for another algorithm"},
		{"an alg of null is skipped", member{"kid": "a", "alg": nil}, "is for another algorithm"},
		{"key_ops without verify are skipped", good.with(member{"key_ops": []string{"encrypt"}}), "is not for verifying"},
		{"key_ops that are no list are skipped", good.with(member{"key_ops": "verify"}), "is not for verifying"},
		{"a key without kid is skipped", good.with(member{"kid": nil}), "has no kid"},
		{"an empty kid does not count", good.with(member{"kid": ""}), "has no kid"},
		{"a kid that is a number does not count", good.with(member{"kid": 1}), "has no kid"},
		{"names are matched exactly", good.with(member{"kid": nil, "KID": "a"}), "has no kid"},
		{"a symmetric key is skipped", member{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}, "is secret or private"},
		{"an oct key without its value is skipped", member{"kty": "oct", "kid": "a"}, "is of another kind than the algorithm needs"},
		{"a private key is skipped", keyMember(rsa1(), true, member{"kid": "a"}), "is secret or private"},
		{"a key with only a prime is skipped", good.with(member{"p": "AQAB"}), "is secret or private"},
		{"a key of another kind is skipped", publicMember(p256(), "a"), "is of another kind than the algorithm needs"},
		{"a kty in other letters is skipped", good.with(member{"kty": "rsa"}), "is of another kind than the algorithm needs"},
		{"a short RSA key is skipped", publicMember(weakRSA(), "a"), "has 1024 bits, an RSA key needs 2048 to 16384"},
		{"an RSA key of absurd length is skipped", good.with(member{"n": long}), "has 16392 bits, an RSA key needs 2048 to 16384"},
		{"an exponent of one is skipped", good.with(member{"e": "AQ"}), "is not a valid key"},
		{"an exponent that does not fit is skipped", good.with(member{"e": "AQAAAAAAAQAB"}), "is not a valid key"},
		{"a modulus that is no base64url is skipped", good.with(member{"n": "+/"}), "is not a valid key"},
		{"a key without modulus is skipped", good.with(member{"n": nil}), "is not a valid key"},
		{"null is not a key", nil, "is not a JSON object"},
		{"text is not a key", "a", "is not a JSON object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := string(must(json.Marshal(map[string]any{"keys": []any{c.key, publicMember(rsa2(), "other")}})))
			set, err := parseSet([]byte(text), "RS256")
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			if c.want != "" {
				want = []string{"keys[0] " + c.want}
			}
			if diff := cmp.Diff(want, set.reasons); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
			if _, kept := set.keys["a"]; kept != (c.want == "") {
				t.Errorf("kept is %v", kept)
			}
			if set.keys["other"] == nil {
				t.Error("the other key of the set is gone")
			}
		})
	}
}

func TestParseSet_InvalidPoints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, algorithm string
		key             member
	}{
		{"a point off the curve", "ES256", publicMember(p256(), "a").with(member{"y": publicMember(p256(), "")["x"]})},
		{"a coordinate that is too long", "ES256", publicMember(p256(), "a").with(member{"x": strings.Repeat("A", 99)})},
		{"the zero point", "ES256", publicMember(p256(), "a").with(member{"x": "AA", "y": "AA"})},
		{"a missing coordinate", "ES256", publicMember(p256(), "a").with(member{"y": nil})},
		{"a key of P-384 called P-256", "ES256", publicMember(p384(), "a").with(member{"crv": "P-256"})},
		{"an Ed25519 key of 31 bytes", "EdDSA", publicMember(ed25519Key(), "a").with(member{"x": strings.Repeat("A", 42)})},
		{"X25519, which does not sign", "EdDSA", publicMember(ed25519Key(), "a").with(member{"crv": "X25519"})},
	} {
		if set, err := parseSet([]byte(keySetJSON(c.key)), c.algorithm); err != nil || len(set.keys) != 0 {
			t.Errorf("%s is kept, error %v", c.name, err)
		}
	}
}

func TestParseSet_AmbiguousKid(t *testing.T) {
	t.Parallel()
	one, two := publicMember(rsa1(), "a"), publicMember(rsa2(), "a")
	for _, c := range []struct {
		name string
		keys []member
		want *rsa.PrivateKey // nil: the kid is rejected
	}{
		{"two keys with one kid", []member{one, two}, nil},
		{"three keys with one kid, two of them the same", []member{one, two, one}, nil},
		{"two keys for the algorithm", []member{one.with(member{"alg": "RS256"}), two.with(member{"alg": "RS256"})}, nil},
		{"a key for the algorithm and one for any", []member{one.with(member{"alg": "RS256"}), two}, nil},
		{"a key for another algorithm", []member{one.with(member{"alg": "RS512"}), two.with(member{"alg": "RS256"})}, rsa2()},
		{"a key for encryption", []member{one.with(member{"use": "enc"}), two}, rsa2()},
		{"a key of another kind", []member{one, publicMember(p256(), "a")}, rsa1()},
		{"the same key twice", []member{one, one}, rsa1()},
	} {
		set, err := parseSet([]byte(keySetJSON(append(c.keys, publicMember(rsa2(), "b"))...)), "RS256")
		if err != nil {
			t.Fatal(err)
		}
		got, known := set.keys["a"]
		if !known || c.want == nil && got != nil || c.want != nil && !sameKey(got, c.want.Public()) {
			t.Errorf("%s: the kid has the wrong key", c.name)
		}
		if set.keys["b"] == nil {
			t.Errorf("%s: another kid is gone", c.name)
		}
	}
	set := must(parseSet([]byte(keySetJSON(one, two)), "RS256"))
	if set.hasUsableKey() {
		t.Error("a set with nothing but an ambiguous kid is called usable")
	}
}

func TestParseSet_NotASet(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "garbage", "<html>", "null", "[]", `"keys"`, "{}", `{"keys":null}`, `{"keys":{}}`, `{"Keys":[]}`, `{"keys":[]} []`,
		`{"keys":[],"keys":[]}`, `{"keys":[`, "\ufeff" + `{"keys":[]}`, `{"keys":["` + "\xff" + `"]}`, strings.Repeat("[", 20000),
		keySetJSON(publicMember(rsa1(), "a"))[1:],
	} {
		if set, err := parseSet([]byte(text), "RS256"); err == nil {
			t.Errorf("%.30q is read as the set %v", text, set)
		}
	}
}

func TestSkipReasons_HugeSet(t *testing.T) {
	t.Parallel()
	set := must(parseSet([]byte(`{"keys":[`+strings.Repeat("1,", 1_999)+`1]}`), "RS256"))
	if got := set.skipReasons(); len(got) > 500 || !strings.HasSuffix(got, " and 1990 more") {
		t.Errorf("reasons of 2,000 bad keys: %.600q", got)
	}
}

// FuzzParseSet checks that no answer makes the parser panic, and that the keys it keeps can verify.
func FuzzParseSet(f *testing.F) {
	text := base64.RawURLEncoding.EncodeToString
	point := elliptic.P256().Params() // keys that are the same in each process of the fuzzer
	all := keySetJSON(
		member{"kty": "RSA", "kid": "r", "n": text(bytes.Repeat([]byte("n"), 256)), "e": "AQAB", "use": "sig"},
		member{"kty": "RSA", "kid": "r", "n": text(bytes.Repeat([]byte("m"), 300)), "e": "AQAB", "alg": "RS256"},
		member{"kty": "EC", "crv": "P-256", "kid": "p", "x": text(point.Gx.Bytes()), "y": text(point.Gy.Bytes())},
		member{"kty": "OKP", "crv": "Ed25519", "kid": "e", "x": text(make([]byte, 32)), "key_ops": []string{"verify"}},
	)
	for _, algorithm := range []string{"RS256", "ES256", "EdDSA"} {
		if set, err := parseSet([]byte(all), algorithm); err != nil || len(set.keys) != 1 {
			f.Fatalf("the seed has no key for %s, error %v", algorithm, err)
		}
	}
	for _, algorithm := range []string{"RS256", "ES256", "ES512", "EdDSA", "HS256"} {
		f.Add([]byte(all), algorithm)
	}
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"a","n":"","e":"AQAB"},null,{"kty":"EC","crv":"P-256","x":"AA","y":"AA","kid":"b"}]}`), "ES256")
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AA","kid":"\ud800"}]}`), "RS256")
	f.Fuzz(func(t *testing.T, data []byte, algorithm string) {
		set, err := parseSet(data, algorithm)
		if err != nil {
			return
		}
		for kid, key := range set.keys {
			if kid == "" {
				t.Error("a key without kid is kept")
			}
			switch k := key.(type) {
			case nil:
			case *rsa.PublicKey:
				if k.N.BitLen() < minRSABits || k.N.BitLen() > maxRSABits || k.E < 2 || !strings.Contains(algorithm, "S") {
					t.Errorf("a bad RSA key is kept for %s", algorithm)
				}
			case *ecdsa.PublicKey:
				if _, err := k.ECDH(); err != nil || !strings.HasPrefix(algorithm, "ES") {
					t.Errorf("a bad EC key is kept for %s: %v", algorithm, err)
				}
			case ed25519.PublicKey:
				if len(k) != ed25519.PublicKeySize || algorithm != "EdDSA" {
					t.Errorf("a bad Ed25519 key is kept for %s", algorithm)
				}
			default:
				t.Errorf("a %T is kept", key)
			}
		}
		_ = set.skipReasons()
	})
}
