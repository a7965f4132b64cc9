package jwks

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/MicahParks/jwkset"

	"github.com/go-simplejwt/simplejwt"
)

// The keys of the tests, made once.
var (
	rsa1 = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(2048) })
	rsa2 = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(2048) })
	weak = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(1024) })
	p256 = sync.OnceValue(func() *ecdsa.PrivateKey { return newEC(elliptic.P256()) })
	p384 = sync.OnceValue(func() *ecdsa.PrivateKey { return newEC(elliptic.P384()) })
	p521 = sync.OnceValue(func() *ecdsa.PrivateKey { return newEC(elliptic.P521()) })
	ed   = sync.OnceValue(func() ed25519.PrivateKey {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return must(key, err)
	})
)

func newRSA(bits int) *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, bits)) }

func newEC(curve elliptic.Curve) *ecdsa.PrivateKey {
	return must(ecdsa.GenerateKey(curve, rand.Reader))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// member is what a key of a set says.
type member map[string]any

// public is the entry of a key in a set.
func public(key crypto.Signer, kid string) member {
	return entry(key.Public(), false, member{"kid": kid})
}

// with returns a copy with more members; null takes one out.
func (m member) with(more member) member {
	out := maps.Clone(m)
	for name, value := range more {
		if out[name] = value; value == nil {
			delete(out, name)
		}
	}
	return out
}

func entry(key any, private bool, more member) member {
	jwk := must(jwkset.NewJWKFromKey(key, jwkset.JWKOptions{Marshal: jwkset.JWKMarshalOptions{Private: private}}))
	text := must(json.Marshal(jwk.Marshal()))
	var m member
	if err := json.Unmarshal(text, &m); err != nil {
		panic(err)
	}
	delete(m, "alg")
	return m.with(more)
}

// document is a key set as a server sends it.
func document(keys ...member) string {
	if keys == nil {
		keys = []member{}
	}
	return string(must(json.Marshal(map[string]any{"keys": keys})))
}

// server answers fetches without a network, so that time can be faked.
type server struct {
	answer  atomic.Pointer[func(*http.Request) (*http.Response, error)]
	fetches atomic.Int32
}

// serve makes the server answer 200 with this body from now on.
func (s *server) serve(body string) { s.serveStatus(http.StatusOK, body) }

func (s *server) serveStatus(status int, body string) {
	s.serveFunc(func(*http.Request) (*http.Response, error) { return response(status, strings.NewReader(body)), nil })
}

func (s *server) serveFunc(f func(*http.Request) (*http.Response, error)) { s.answer.Store(&f) }

func response(status int, body io.Reader) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body)}
}

// RoundTrip makes the server a client's transport.
func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	s.fetches.Add(1)
	if !req.Close {
		return nil, errors.New("the connection would be kept")
	}
	return (*s.answer.Load())(req)
}

// logBuffer is what is logged while the test looks on.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(line)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

const address = "https://issuer.example/keys?token=hunter3"

func rs256() simplejwt.Settings { return simplejwt.Settings{Algorithm: "RS256", JWKURL: address} }

// start makes Keys of what the server serves, and a log.
func start(t *testing.T, ctx context.Context, s *server) (*Keys, *logBuffer) {
	t.Helper()
	log := new(logBuffer)
	k, err := NewWithOptions(ctx, rs256(), Options{
		Client: &http.Client{Transport: s},
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return k, log
}

// wantKey checks that a kid has this key, or with nil this error.
func wantKey(t *testing.T, k *Keys, kid string, want crypto.Signer, wantErr error) {
	t.Helper()
	key, err := k.VerifyingKey(t.Context(), kid, "RS256")
	if !errors.Is(err, wantErr) {
		t.Errorf("VerifyingKey(%q) has the error %v, want %v", kid, err, wantErr)
	}
	if want != nil && !sameKey(key, want.Public()) || want == nil && key != nil {
		t.Errorf("VerifyingKey(%q) is not the key of that kid", kid)
	}
}
