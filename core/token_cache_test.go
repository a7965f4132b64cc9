package core

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
)

// ring is a Keys whose keys a test changes.
type ring map[string]crypto.PublicKey

func (r ring) VerifyingKey(_ context.Context, kid, _ string) (crypto.PublicKey, error) {
	if key, ok := r[kid]; ok {
		return key, nil
	}
	return nil, errors.New("no such key")
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// caching is an Auth that signs with a key, verifies with those of a ring, and remembers tokens. now is its clock.
func caching(t testing.TB, size int, key *ecdsa.PrivateKey, keys ring, now *time.Time) *Auth {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s := simplejwt.Settings{
		Algorithm: "ES256", SigningKey: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		JWKURL: "https://keys.example", VerifiedTokenCacheSize: size,
	}
	a, err := New(s, Deps{Users: noUsers{}, Keys: keys, Now: func() time.Time { return *now }, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// signed is an access token of user 1 under a kid.
func signed(t testing.TB, a *Auth, kid string) string {
	t.Helper()
	a.keys.header = encoding.EncodeToString([]byte(`{"alg":"ES256","kid":"` + kid + `"}`))
	token, err := a.NewToken(AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	token.Set("user_id", "1")
	raw, err := token.Sign()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestARememberedTokenIsCheckedAsEver(t *testing.T) {
	t.Parallel()
	key, other := newKey(t), newKey(t)
	keys, now := ring{"one": key.Public(), "two": key.Public()}, time.Now()
	a := caching(t, 10, key, keys, &now)
	raw := signed(t, a, "one")
	parse := func() error { _, err := a.ParseToken(t.Context(), AccessToken, raw); return err }
	if err := parse(); err != nil {
		t.Fatal(err)
	}
	if _, ok := a.remembered(t.Context(), raw); !ok {
		t.Fatal("the token is not remembered")
	}
	for _, c := range []struct {
		name   string
		change func()
		undo   func()
		want   error
	}{
		{"good", func() {}, func() {}, nil},
		{"expired", func() { now = now.Add(time.Hour) }, func() { now = now.Add(-time.Hour) }, ErrTokenExpired},
		{"not issued yet", func() { now = now.Add(-time.Hour) }, func() { now = now.Add(time.Hour) }, ErrTokenInvalid},
		{"its key is withdrawn", func() { delete(keys, "one") }, func() { keys["one"] = key.Public() }, ErrTokenInvalid},
		{"its kid is another key's", func() { keys["one"] = other.Public() }, func() { keys["one"] = key.Public() }, ErrTokenInvalid},
		{"a copy of its key", func() { keys["one"] = &ecdsa.PublicKey{Curve: key.Curve, X: key.X, Y: key.Y} }, func() {}, nil},
		{"good again", func() {}, func() {}, nil},
	} {
		c.change()
		if err := parse(); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
		c.undo()
	}
	if _, err := a.ParseToken(t.Context(), RefreshToken, raw); !errors.Is(err, ErrTokenWrongType) {
		t.Errorf("as a refresh token: error %v", err)
	}
	for i := range len(raw) {
		changed := []byte(raw)
		changed[i] ^= 1
		if _, err := a.ParseToken(t.Context(), AccessToken, string(changed)); err == nil {
			t.Fatalf("good with its byte %d changed", i)
		}
	}
}

func TestWhoChangesATokenChangesNoOther(t *testing.T) {
	t.Parallel()
	key, now := newKey(t), time.Now()
	a := caching(t, 10, key, ring{"": nil, "one": key.Public()}, &now)
	raw := signed(t, a, "one")
	first, err := a.ParseToken(t.Context(), AccessToken, raw)
	if err != nil {
		t.Fatal(err)
	}
	want := first.Claims()
	for name, change := range map[string]func(*Token){
		"Set":         func(t *Token) { t.Set("user_id", "2"); t.Set("role", "root") },
		"Delete":      func(t *Token) { t.Delete("token_type"); t.Delete("exp") },
		"SetExp":      func(t *Token) { t.SetExp("exp", time.Hour) },
		"SetJTI":      func(t *Token) { t.SetJTI(); t.SetIat() },
		"joinSession": func(token *Token) { token.joinSession(refreshed{token: token, sessionEnd: now}) },
		"applyRecord": func(t *Token) { a.applyRecord(t, OutstandingToken{JTI: "x"}, EventRefresh) },
		"own claim":   func(token *Token) { _ = a.customClaims(t.Context(), token, &TokenUser{}) },
	} {
		a.d.Claims = func(_ context.Context, _ simplejwt.User, t *Token) error { t.Set("user_id", "3"); return nil }
		token, err := a.ParseToken(t.Context(), AccessToken, raw)
		if err != nil {
			t.Fatalf("before %s: %v", name, err)
		}
		change(token)
		again, err := a.ParseToken(t.Context(), AccessToken, raw)
		if err != nil {
			t.Fatalf("after %s: %v", name, err)
		}
		if diff := cmp.Diff(want, again.Claims()); diff != "" {
			t.Errorf("%s changed what is remembered:\n%s", name, diff)
		}
	}
}

func TestTheTokenCacheIsBounded(t *testing.T) {
	t.Parallel()
	key := newKey(t).Public()
	for _, size := range []int{1, 2, 3, 100} {
		c := newTokenCache(size)
		for i := range 10 * size {
			c.note(strconv.Itoa(i), trusted{key: key})
			if n := len(c.young) + len(c.old); n > max(size, 2) {
				t.Fatalf("%d tokens are remembered, want at most %d", n, size)
			}
			if _, ok := c.find(strconv.Itoa(i)); !ok {
				t.Fatalf("size %d: the newest token is forgotten", size)
			}
		}
	}
}

func TestATokenIsRememberedByManyAtOnce(t *testing.T) {
	t.Parallel()
	key, now := newKey(t), time.Now()
	a := caching(t, 4, key, ring{"one": key.Public()}, &now)
	tokens := make([]string, 8)
	for i := range tokens {
		tokens[i] = signed(t, a, "one")
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range 200 {
				raw := tokens[i%len(tokens)]
				token, err := a.ParseToken(t.Context(), AccessToken, raw)
				if err != nil {
					t.Error(err)
					return
				}
				token.Set("jti", "mine")
				token.Delete("exp")
			}
		})
	}
	group.Wait()
}

func TestATokenThatIsRememberedCostsNoMemory(t *testing.T) {
	key, now := newKey(t), time.Now()
	a := caching(t, 10, key, ring{"one": key.Public()}, &now)
	raw := signed(t, a, "one")
	if _, err := a.signedClaims(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = a.signedClaims(t.Context(), raw) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRememberedToken(b *testing.B) {
	key, now := newKey(b), time.Now()
	a := caching(b, 10, key, ring{"one": key.Public()}, &now)
	raw := signed(b, a, "one")
	for name, once := range map[string]func() error{
		"claims":     func() error { _, err := a.signedClaims(b.Context(), raw); return err },
		"ParseToken": func() error { _, err := a.ParseToken(b.Context(), AccessToken, raw); return err },
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

func TestHeadersAreLearntFromTrueTokensOnly(t *testing.T) {
	t.Parallel()
	key, other, now := newKey(t), newKey(t), time.Now()
	keys := ring{}
	a, forger := caching(t, 0, key, keys, &now), caching(t, 0, other, keys, &now)
	for i := range 2 * maxHeaders {
		kid := fmt.Sprintf("key %d", i)
		keys[kid] = key.Public()
		if _, err := a.ParseToken(t.Context(), AccessToken, signed(t, forger, kid)); !errors.Is(err, ErrTokenInvalid) {
			t.Fatalf("a forged token: error %v", err)
		}
	}
	if a.headers.known.Load() != nil {
		t.Fatal("a forged token's header was learnt")
	}
	for range 2 {
		for kid := range keys {
			if _, err := a.ParseToken(t.Context(), AccessToken, signed(t, a, kid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := len(*a.headers.known.Load()); n != maxHeaders {
		t.Errorf("%d headers are known, want %d", n, maxHeaders)
	}
	// A header that is known says as much as before: its kid, and nothing of the signature.
	for kid := range keys {
		raw := signed(t, a, kid)
		if _, err := a.ParseToken(t.Context(), AccessToken, raw); err != nil {
			t.Fatal(err)
		}
		keys[kid] = other.Public()
		if _, err := a.ParseToken(t.Context(), AccessToken, raw); !errors.Is(err, ErrTokenInvalid) {
			t.Fatalf("a kid that is another key's now: error %v", err)
		}
	}
}

func TestAnHMACIsComparedAsText(t *testing.T) {
	t.Parallel()
	k := newMACs(crypto.SHA256, []byte("a key of 32 bytes for these tests"))
	good := string(k.appendSum(nil, "text"))
	if !k.verify("text", good) {
		t.Fatal("the HMAC of the text is refused")
	}
	last := good[len(good)-1]
	sloppy := good[:len(good)-1] + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", last)^1])
	if a, _ := base64.RawURLEncoding.DecodeString(good); len(a) != 32 {
		t.Fatal("an HMAC of another length")
	}
	for name, signature := range map[string]string{
		"none": "", "of another text": string(k.appendSum(nil, "texT")), "padded": good + "=", "cut": good[:len(good)-1], "longer": good + "A",
		"with a line break": good[:10] + "\n" + good[10:], "with other bits in the last letter": sloppy, "endless": strings.Repeat(good, 100),
	} {
		if k.verify("text", signature) {
			t.Errorf("a signature is good that is %s", name)
		}
	}
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			text := strconv.Itoa(i)
			sum := string(newMACs(crypto.SHA256, []byte("a key of 32 bytes for these tests")).appendSum(nil, text))
			for range 1000 {
				if !k.verify(text, sum) || k.verify(text+"x", sum) {
					t.Error("one HMAC disturbs another")
					return
				}
			}
		})
	}
	group.Wait()
}

func TestIDsBeginWithTheTime(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(0x0198_1234_5678)
	a := caching(t, 0, newKey(t), ring{}, &now)
	seen := map[string]bool{}
	for range 1000 {
		id := a.d.NewID()
		if len(id) != 32 || id[:12] != "019812345678" || seen[id] {
			t.Fatalf("the id is %q", id)
		}
		seen[id] = true
	}
	before := a.d.NewID()
	now = now.Add(time.Millisecond)
	if after := a.d.NewID(); after <= before {
		t.Errorf("%q is not behind %q", after, before)
	}
}
