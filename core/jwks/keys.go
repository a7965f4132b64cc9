package jwks

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-simplejwt/simplejwt"
)

const (
	refreshInterval = time.Hour
	// unknownInterval is the least time between two fetches that unknown kids cause, so that forged tokens cannot make this
	// program flood the server of the key set.
	unknownInterval = 10 * time.Second
)

var (
	// errUnknown means that the set has no key for the kid and the algorithm.
	errUnknown = errors.New("no key has this kid")
	// errAmbiguous means that different keys of the set have the kid, so none of them is used.
	errAmbiguous = errors.New("several keys have this kid")
)

// Options are choices of a program in addition to the settings. The zero value uses a default HTTP client and logs nothing.
type Options struct {
	// Client fetches the set. Set it for a proxy, a private certificate authority or credentials. It is copied, not changed: at most
	// three redirects are followed, to URLs that JWK_URL may have, and each fetch ends after 5 seconds, or after the Client's own Timeout if
	// that is shorter. Defaults to a client with http.DefaultTransport.
	Client *http.Client
	// Logger gets a warning for a fetch that failed, an error for a set without a usable key, and a debug message for keys that are
	// not used. No log record contains the URL. Defaults to logging nothing.
	Logger *slog.Logger
}

// Keys are the keys of JWK_URL. It implements core.Keys and is safe for concurrent use. The zero value is not usable: make one with
// New.
type Keys struct {
	algorithm string
	source    source
	log       *slog.Logger
	set       atomic.Pointer[keySet] // the last good one

	wake  chan struct{} // asks refreshUntilDone for a fetch
	start time.Time
	next  atomic.Int64 // when an unknown kid may cause the next fetch, in nanoseconds after start
}

// New fetches the key set of settings.JWKURL and starts a goroutine that refreshes it until ctx ends; after that the last keys stay
// in use. With an HMAC ALGORITHM, which ignores JWK_URL as in SimpleJWT, there are no keys and nothing is fetched.
//
// New returns an error if JWK_URL is not an https URL (http is allowed for this machine only) or contains a password or a fragment, if
// the set cannot be fetched, and if it has no key for ALGORITHM. The error names JWK_URL, or the environment variable that set it,
// but never its value.
func New(ctx context.Context, settings simplejwt.Settings) (*Keys, error) {
	return NewWithOptions(ctx, settings, Options{})
}

// NewWithOptions is like New, with a custom HTTP client and logger.
func NewWithOptions(ctx context.Context, settings simplejwt.Settings, opts Options) (*Keys, error) {
	k := &Keys{algorithm: settings.Algorithm, log: opts.Logger, wake: make(chan struct{}, 1), start: time.Now()}
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	if k.algorithm == "" || strings.HasPrefix(k.algorithm, "HS") {
		k.set.Store(&keySet{})
		return k, nil
	}
	var err error
	name := settings.NameOf("JWK_URL")
	if k.source, err = newSource(settings.JWKURL, opts.Client); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	set, err := k.fetchSet(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: fetch key set: %w", name, err)
	}
	if !set.hasUsableKey() {
		return nil, fmt.Errorf("%s: the key set has no key for %s: %s", name, k.algorithm, set.skipReasons())
	}
	k.set.Store(set)
	go k.refreshUntilDone(ctx)
	return k, nil
}

// VerifyingKey returns the public key with the id kid. It never waits for a fetch: for an unknown kid it returns an error, and at
// most once in 10 seconds it starts a fetch in the background. It also returns an error if several keys have the kid, or if
// algorithm is not ALGORITHM.
func (k *Keys) VerifyingKey(_ context.Context, kid, algorithm string) (crypto.PublicKey, error) {
	if kid == "" || algorithm != k.algorithm {
		return nil, errUnknown
	}
	key, ok := k.set.Load().keys[kid]
	if !ok {
		k.requestFetch()
		return nil, errUnknown
	}
	if key == nil {
		return nil, errAmbiguous
	}
	return key, nil
}

// Format implements fmt.Formatter. It prints the algorithm for every verb, and nothing of the URL, which may hold a secret.
func (k *Keys) Format(w fmt.State, _ rune) { fmt.Fprint(w, "jwks.Keys{", k.algorithm, "}") }
