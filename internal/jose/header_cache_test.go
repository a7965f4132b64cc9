package jose

import (
	"fmt"
	"sync"
	"testing"
)

func TestVerify_Header(t *testing.T) {
	t.Parallel()
	c := newCodec(t)
	for want, headers := range map[string][]string{
		good: {`{"alg":"HS256"}`},
		invalid: {
			`{}`, `{"typ":"JWT"}`, `{"alg":null}`, `{"alg":""}`, `{"alg":256}`, `{"alg":["HS256"]}`, `{"alg":{"HS256":1}}`,
			`{"alg":"none"}`, `{"alg":"None"}`, `{"alg":"NONE"}`, `{"alg":"hs256"}`, `{"alg":" HS256"}`,
			`{"alg":"HS256\u0000"}`, `{"alg":"HS256\ud800"}`, `{"alg":"HS384"}`, `{"alg":"HS512"}`, `{"alg":"RS256"}`,
			`{"alg":"EdDSA"}`,
		},
	} {
		for _, header := range headers {
			if got := verifyToken(t, c, forgeToken(header, goodPayload(), hs256Signer(secret))); got != want {
				t.Errorf("%s is %s, want %s", header, got, want)
			}
		}
	}
	for want, members := range map[string][]string{ // beside the right alg
		good: {
			`"typ":"jwt"`, `"typ":"at+jwt"`, `"typ":"AT+JWT"`, `"typ":"application/jwt"`, `"typ":"Application/at+JWT"`,
			`"kid":"a"`, `"kid":""`, `"kid":"../../dev/null"`, `"cty":"JWT"`, `"jwk":{"kty":"oct","k":"AAAA"}`,
			`"jwk":null,"jku":1,"x5u":[],"x5c":{},"x5t":true`, `"jku":"https://a.example","x5u":"file:///x"`,
		},
		invalid: {
			`"typ":""`, `"typ":null`, `"typ":1`, `"typ":["JWT"]`, `"typ":"JWE"`, `"typ":"JOSE"`, `"typ":"dpop+jwt"`,
			`"typ":"JWT "`, `"typ":"application/application/jwt"`, `"crit":["exp"],"exp":1`, `"crit":["b64"],"b64":true`,
			`"crit":[]`, `"crit":null`, `"b64":false`, `"b64":true`, `"b64":null`, `"kid":1`, `"kid":null`, `"kid":["a"]`,
			`"kid":{}`, `"kid":"\ud800"`,
		},
	} {
		for _, member := range members {
			if got := verifyToken(t, c, forgeToken(addMembers(`{"alg":"HS256"}`, member), goodPayload(), hs256Signer(secret))); got != want {
				t.Errorf("%s is %s, want %s", member, got, want)
			}
		}
	}
}

func TestVerify_CachesHeadersOfVerifiedTokens(t *testing.T) {
	t.Parallel()
	key, other := newECKey(t, curveP256), newECKey(t, curveP256)
	keys := fakeKeys{}
	c := newCodecWithKeys(t, 0, key, keys)
	for i := range 2 * maxHeaders {
		kid := fmt.Sprintf("key %d", i)
		keys[kid] = key.Public()
		if got := verifyToken(t, c, signWithKID(t, other, kid)); got != invalid {
			t.Fatalf("a forged token is %s", got)
		}
	}
	if c.headers.list.Load() != nil {
		t.Fatal("the header of a forged token is kept")
	}
	for range 2 {
		for kid := range keys {
			mustVerify(t, c, signWithKID(t, key, kid))
		}
	}
	if n := len(*c.headers.list.Load()); n != maxHeaders {
		t.Errorf("%d headers are kept, want %d", n, maxHeaders)
	}
	// The cache holds the kid of a header. It must not replace the check of the signature.
	for kid := range keys {
		raw := signWithKID(t, key, kid)
		mustVerify(t, c, raw)
		keys[kid] = other.Public()
		if got := verifyToken(t, c, raw); got != invalid {
			t.Fatalf("with a kid that is another key's now it is %s", got)
		}
	}
}

func TestHeaderCache_ConcurrentAdds(t *testing.T) {
	t.Parallel()
	var cache headerCache
	var wg sync.WaitGroup
	for range 4 * maxHeaders {
		wg.Go(func() { // each has looked before any of them added the header
			cache.addHeader("one", "kid")
		})
	}
	wg.Wait()
	cache.addHeader("two", "other")
	if kid, ok := cache.findKID("two"); !ok || kid != "other" || len(*cache.list.Load()) != 2 {
		t.Errorf("the second header is %q, %t; %d are kept, want 2", kid, ok, len(*cache.list.Load()))
	}
}
