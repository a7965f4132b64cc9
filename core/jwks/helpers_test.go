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
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/MicahParks/jwkset"

	"github.com/go-simplejwt/simplejwt"
)

// The keys of the tests. Each is generated once, when it is first used.
var (
	rsa1       = sync.OnceValue(func() *rsa.PrivateKey { return newRSAKey(2048) })
	rsa2       = sync.OnceValue(func() *rsa.PrivateKey { return newRSAKey(2048) })
	weakRSA    = sync.OnceValue(func() *rsa.PrivateKey { return newRSAKey(1024) })
	p256       = sync.OnceValue(func() *ecdsa.PrivateKey { return newECKey(elliptic.P256()) })
	p384       = sync.OnceValue(func() *ecdsa.PrivateKey { return newECKey(elliptic.P384()) })
	p521       = sync.OnceValue(func() *ecdsa.PrivateKey { return newECKey(elliptic.P521()) })
	ed25519Key = sync.OnceValue(func() ed25519.PrivateKey {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return must(key, err)
	})
)

// newRSAKey generates a key, and panics if it cannot.
func newRSAKey(bits int) *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, bits)) }

func newECKey(curve elliptic.Curve) *ecdsa.PrivateKey {
	return must(ecdsa.GenerateKey(curve, rand.Reader))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// member has the members of one key of a set, by name.
type member map[string]any

// publicMember describes a public key with this kid.
func publicMember(key crypto.Signer, kid string) member {
	return keyMember(key.Public(), false, member{"kid": kid})
}

// with returns a copy with more members. A nil value removes a member.
func (m member) with(more member) member {
	out := maps.Clone(m)
	for name, value := range more {
		if out[name] = value; value == nil {
			delete(out, name)
		}
	}
	return out
}

// keyMember describes a key with more members, without alg.
func keyMember(key any, private bool, more member) member {
	jwk := must(jwkset.NewJWKFromKey(key, jwkset.JWKOptions{Marshal: jwkset.JWKMarshalOptions{Private: private}}))
	text := must(json.Marshal(jwk.Marshal()))
	var m member
	if err := json.Unmarshal(text, &m); err != nil {
		panic(err)
	}
	delete(m, "alg")
	return m.with(more)
}

// keySetJSON is a key set as a server sends it.
func keySetJSON(keys ...member) string {
	if keys == nil {
		keys = []member{}
	}
	return string(must(json.Marshal(map[string]any{"keys": keys})))
}

// fakeServer answers fetches without a network, so that they work with the fake clock of synctest.
type fakeServer struct {
	answer  atomic.Pointer[func(*http.Request) (*http.Response, error)]
	fetches atomic.Int32
}

// serve makes the server answer 200 with this body from now on.
func (s *fakeServer) serve(body string) { s.serveStatus(http.StatusOK, body) }

func (s *fakeServer) serveStatus(status int, body string) {
	s.serveFunc(func(*http.Request) (*http.Response, error) { return newResponse(status, strings.NewReader(body)), nil })
}

func (s *fakeServer) serveFunc(f func(*http.Request) (*http.Response, error)) { s.answer.Store(&f) }

func newResponse(status int, body io.Reader) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body)}
}

// RoundTrip makes the server a client's transport.
func (s *fakeServer) RoundTrip(req *http.Request) (*http.Response, error) {
	s.fetches.Add(1)
	if !req.Close {
		return nil, errors.New("the connection would be kept")
	}
	return (*s.answer.Load())(req)
}

// answerWith answers with this status and body.
func answerWith(status int, body string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return newResponse(status, strings.NewReader(body)), nil }
}

// neverAnswer waits until the fetch is given up.
func neverAnswer(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// newHTTPSource serves on 127.0.0.1 and returns a source that fetches from there with this client.
func newHTTPSource(t *testing.T, client *http.Client, path string, handler http.Handler) source {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return must(newSource(s.URL+path, client))
}

// logBuffer collects what is logged. It is safe for concurrent use.
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

// secretURL has a secret in its query, for wantNoSecret.
const secretURL = "https://issuer.example/keys?token=hunter3"

func rs256Settings() simplejwt.Settings {
	return simplejwt.Settings{Algorithm: "RS256", JWKURL: secretURL}
}

// newKeys returns Keys that fetch from the server, and their log.
func newKeys(t *testing.T, ctx context.Context, s *fakeServer) (*Keys, *logBuffer) {
	t.Helper()
	log := new(logBuffer)
	k, err := NewWithOptions(ctx, rs256Settings(), Options{
		Client: &http.Client{Transport: s},
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return k, log
}

// wantKey checks that a kid has this key, or for a nil key this error.
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

// wantNoSecret checks that a text holds no secret of the URLs of the tests.
func wantNoSecret(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, "hunter") {
		t.Errorf("%q holds a secret of the URL", text)
	}
}
