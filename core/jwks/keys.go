// Package jwks finds the keys of JWK_URL, the key set (RFC 7517) of whoever signs the tokens. Start with [New] and hand
// the result to core.New:
//
//	keys, err := jwks.New(ctx, settings)
//	if err != nil {
//		return err
//	}
//	auth, err := core.New(settings, core.Deps{Keys: keys, Users: users})
//
// The set is fetched at once, then every hour, and when a token names a key that is not in it, but for that at most once
// in 10 seconds. No request ever waits for a fetch. A fetch that fails leaves the last good set in force; a key that the
// set no longer holds is no longer trusted.
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
	// unknownInterval is the least time between two fetches that unknown kids cause, so that whoever sends forged tokens
	// can't make this program flood the server of the key set.
	unknownInterval = 10 * time.Second
)

var (
	errUnknown   = errors.New("no key has this kid")
	errAmbiguous = errors.New("several keys have this kid")
)

// Options are what a program may choose beside the settings. The zero value is good.
type Options struct {
	// Client fetches the set: proxies, private certificate authorities, credentials. Its redirects are limited further, and every fetch
	// ends after 5 seconds, or after the Client's own Timeout where that is shorter. Defaults to a client with
	// http.DefaultTransport.
	Client *http.Client
	// Logger is told of fetches that fail and of keys that are not used. Defaults to discarding it.
	Logger *slog.Logger
}

// Keys are the keys of JWK_URL. It implements core.Keys and is safe for concurrent use.
type Keys struct {
	algorithm string
	source    source
	log       *slog.Logger
	set       atomic.Pointer[keySet]

	wake  chan struct{} // asks the background for a fetch
	start time.Time
	next  atomic.Int64 // how long after start an unknown kid may cause a fetch again, in nanoseconds
}

// New fetches the key set of settings.JWKURL and keeps it fresh until ctx ends; the keys of then stay. With an HMAC
// ALGORITHM, beside which JWK_URL is ignored, there are no keys and nothing is fetched.
// Errors name JWK_URL, never its value: it is not an https URL (http is for this machine), or holds a password or a fragment; the
// set can't be fetched; or it has no key for ALGORITHM.
func New(ctx context.Context, settings simplejwt.Settings) (*Keys, error) {
	return NewWithOptions(ctx, settings, Options{})
}

// NewWithOptions is New with options.
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
	set, err := k.fetch(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: fetch key set: %w", name, err)
	}
	if !set.usable() {
		return nil, fmt.Errorf("%s: the key set has no key for %s: %s", name, k.algorithm, set.reasons())
	}
	k.set.Store(set)
	go k.run(ctx)
	return k, nil
}

// VerifyingKey returns the public key with this id. It waits for nothing: a kid that is not known is refused, and at most
// once in 10 seconds makes the set be fetched in the background. Errors: no key, or several, have this kid and suit the
// algorithm.
func (k *Keys) VerifyingKey(_ context.Context, kid, algorithm string) (crypto.PublicKey, error) {
	if kid == "" || algorithm != k.algorithm {
		return nil, errUnknown
	}
	key, ok := k.set.Load().keys[kid]
	if !ok {
		k.ask()
		return nil, errUnknown
	}
	if key == nil {
		return nil, errAmbiguous
	}
	return key, nil
}

// Format prints nothing of the URL, which may hold a secret, for every verb.
func (k *Keys) Format(w fmt.State, _ rune) { fmt.Fprint(w, "jwks.Keys{", k.algorithm, "}") }

// ask makes the background fetch the set, unless it was asked within unknownInterval.
func (k *Keys) ask() {
	now, next := k.elapsed(), k.next.Load()
	if now < next || !k.next.CompareAndSwap(next, now+int64(unknownInterval)) {
		return
	}
	select {
	case k.wake <- struct{}{}:
	default: // one is asked for already
	}
}

// elapsed is the time since start by the monotonic clock, so that setting the clock neither stops nor floods fetches.
func (k *Keys) elapsed() int64 { return int64(time.Since(k.start)) }

// run refreshes the set until ctx ends. It alone fetches, so no two fetches overlap.
func (k *Keys) run(ctx context.Context) {
	hourly := time.NewTicker(refreshInterval)
	defer hourly.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hourly.C:
		case <-k.wake:
			// Counted from the fetch, which may have had to wait for the end of another one.
			k.next.Store(k.elapsed() + int64(unknownInterval))
		}
		k.refresh(ctx)
	}
}

// refresh replaces the set, or keeps it where it can't be fetched.
func (k *Keys) refresh(ctx context.Context) {
	set, err := k.fetch(ctx)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		k.log.WarnContext(ctx, "the key set of JWK_URL can't be fetched, the last good one stays", "error", err)
		return
	case !set.usable():
		k.log.ErrorContext(ctx, "the key set of JWK_URL has no key left", "algorithm", k.algorithm, "reasons", set.reasons())
	}
	k.set.Store(set)
}

func (k *Keys) fetch(ctx context.Context) (*keySet, error) {
	body, err := k.source.get(ctx)
	if err != nil {
		return nil, err
	}
	set, err := parseSet(body, k.algorithm)
	if err != nil {
		return nil, err
	}
	if set.dropped > 0 {
		k.log.DebugContext(ctx, "the key set of JWK_URL has keys that are not used", "reasons", set.reasons())
	}
	return set, nil
}
