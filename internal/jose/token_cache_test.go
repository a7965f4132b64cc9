package jose

import (
	"crypto/ecdsa"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
)

func TestNew_TokenCacheSize(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		algorithm string
		size      int
		want      []string
	}{
		"0 is none":                         {"HS256", 0, nil},
		"a negative size is invalid":        {"HS256", -1, []string{"VERIFIED_TOKEN_CACHE_SIZE: may not be negative"}},
		"HMAC has no use for a cache":       {"HS256", 1, []string{"VERIFIED_TOKEN_CACHE_SIZE: is of no use with HS256"}},
		"an algorithm with a key pair has":  {"ES256", 1, nil},
		"a negative size is always invalid": {"ES256", -1, []string{"VERIFIED_TOKEN_CACHE_SIZE: may not be negative"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, problems := tryCodec(nil, func(s *simplejwt.Settings) {
				s.Algorithm, s.VerifiedTokenCacheSize = test.algorithm, test.size
				if test.algorithm == "ES256" {
					s.SigningKey = privatePEM(t, newECKey(t, curveP256))
				}
			})
			checkInvalid(t, problems, test.want...)
		})
	}
}

func TestVerify_CachedToken(t *testing.T) {
	t.Parallel()
	key, other := newECKey(t, curveP256), newECKey(t, curveP256)
	keys, now := fakeKeys{"one": key.Public(), "two": key.Public()}, testNow()
	c := newCodecWithKeys(t, 10, key, keys)
	raw := signWithKID(t, key, "one")
	mustVerify(t, c, raw)
	if _, ok := c.cachedClaims(t.Context(), raw); !ok {
		t.Fatal("the token is not in the cache")
	}
	for _, test := range []struct {
		name         string
		change, undo func()
		want         string
	}{
		{"good", func() {}, func() {}, good},
		{"expired", func() { now = now.Add(time.Hour) }, func() { now = now.Add(-time.Hour) }, expired},
		{"not issued yet", func() { now = now.Add(-time.Hour) }, func() { now = now.Add(time.Hour) }, invalid},
		{"its key is withdrawn", func() { delete(keys, "one") }, func() { keys["one"] = key.Public() }, invalid},
		{"its kid is another key's", func() { keys["one"] = other.Public() }, func() { keys["one"] = key.Public() }, invalid},
		{"a copy of its key", func() { keys["one"] = &ecdsa.PublicKey{Curve: key.Curve, X: key.X, Y: key.Y} }, func() {}, good},
		{"good again", func() {}, func() {}, good},
	} {
		test.change()
		if got := verifyTokenAt(t, c, raw, func() time.Time { return now }); got != test.want {
			t.Errorf("%s: it is %s, want %s", test.name, got, test.want)
		}
		test.undo()
	}
	for i := range len(raw) {
		changed := []byte(raw)
		changed[i] ^= 1
		if got := verifyToken(t, c, string(changed)); got == good {
			t.Fatalf("good with its byte %d changed", i)
		}
	}
}

func TestVerify_CachedTokenKeepsItsClaims(t *testing.T) {
	t.Parallel()
	key := newECKey(t, curveP256)
	c := newCodecWithKeys(t, 10, key, fakeKeys{"one": key.Public()})
	raw := signWithKID(t, key, "one")
	want := mustVerify(t, c, raw).Map()
	for name, change := range map[string]func(*Claims){
		"Set in place":   func(c *Claims) { c.Set("user_id", "2") },
		"Set at the end": func(c *Claims) { c.Set("role", "root"); c.Set("role", "user") },
		"Put":            func(c *Claims) { c.Put(Claim{name: "exp", raw: "1"}) },
		"Delete":         func(c *Claims) { c.Delete("token_type"); c.Delete("exp") },
		"DeleteFunc":     func(c *Claims) { c.DeleteFunc(func(name string) bool { return name != "jti" }) },
		"Clone":          func(c *Claims) { clone := c.Clone(); clone.Set("user_id", "2") },
	} {
		t.Run(name+" leaves the cache as it is", func(t *testing.T) {
			claims := mustVerify(t, c, raw)
			change(&claims)
			if diff := cmp.Diff(want, mustVerify(t, c, raw).Map()); diff != "" {
				t.Errorf("in the cache (-before +after):\n%s", diff)
			}
		})
	}
}

func TestTokenCache_Size(t *testing.T) {
	t.Parallel()
	key := newECKey(t, curveP256).Public()
	for _, size := range []int{1, 2, 3, 100} {
		c := newTokenCache(size)
		for i := range 10 * size {
			c.add(strconv.Itoa(i), cachedToken{key: key})
			if n := len(c.young) + len(c.old); n > max(size, 2) {
				t.Fatalf("%d tokens are kept, want at most %d", n, size)
			}
			if _, ok := c.get(strconv.Itoa(i)); !ok {
				t.Fatalf("size %d: the newest token is dropped", size)
			}
		}
	}
}

func TestTokenCache_ConcurrentUse(t *testing.T) {
	t.Parallel()
	key := newECKey(t, curveP256)
	c := newCodecWithKeys(t, 4, key, fakeKeys{"one": key.Public()})
	tokens := make([]string, 8)
	for i := range tokens {
		tokens[i] = signWithKID(t, key, "one")
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range 200 {
				claims, err := c.Verify(t.Context(), tokens[i%len(tokens)], testNow)
				if err != nil {
					t.Error(err)
					return
				}
				claims.Set("jti", "mine")
				claims.Delete("exp")
			}
		})
	}
	group.Wait()
}

func TestVerify_CachedTokenAllocatesNothing(t *testing.T) {
	key := newECKey(t, curveP256)
	c := newCodecWithKeys(t, 10, key, fakeKeys{"one": key.Public()})
	raw := signWithKID(t, key, "one")
	mustVerify(t, c, raw)
	if n := testing.AllocsPerRun(100, func() { _, _ = c.Verify(t.Context(), raw, testNow) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkVerify_CachedToken measures the look-up, which replaces the check of the signature, and all of Verify.
func BenchmarkVerify_CachedToken(b *testing.B) {
	key := newECKey(b, curveP256)
	c := newCodecWithKeys(b, 10, key, fakeKeys{"one": key.Public()})
	raw := signWithKID(b, key, "one")
	for name, once := range map[string]func() error{
		"look-up": func() error { _, err := c.verifySignature(b.Context(), raw); return err },
		"Verify":  func() error { _, err := c.Verify(b.Context(), raw, testNow); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := once(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
