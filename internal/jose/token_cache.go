package jose

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"strings"
	"sync"

	"github.com/go-simplejwt/simplejwt"
)

// tokenCache is VERIFIED_TOKEN_CACHE_SIZE: it keeps the claims of whole tokens whose signature was good, with the key that
// verified them. It says nothing of times, sessions or users. It has two generations: when the younger one is full, the
// older one is dropped as a whole.
type tokenCache struct {
	half int // the most tokens of a generation

	mu         sync.RWMutex
	young, old map[string]cachedToken
}

type cachedToken struct {
	kid    string
	key    crypto.PublicKey
	claims Claims // shared
}

// newTokenCache makes a cache of up to size tokens, nil for 0.
func newTokenCache(size int) *tokenCache {
	if size == 0 {
		return nil
	}
	return &tokenCache{half: max(size/2, 1)}
}

func (c *Codec) checkTokenCache(s *simplejwt.Settings, invalid *simplejwt.SettingsError) {
	if s.VerifiedTokenCacheSize < 0 {
		invalid.Add("VERIFIED_TOKEN_CACHE_SIZE", "may not be negative")
	}
	if s.VerifiedTokenCacheSize > 0 && c.hmacs != nil {
		invalid.Add("VERIFIED_TOKEN_CACHE_SIZE", "is of no use with %s, whose signatures cost no more than looking tokens up", c.algorithm)
	}
}

// cachedClaims returns the claims of a token that is in the cache. Its kid must still stand for the key that verified it,
// so a key that is withdrawn takes its tokens along.
func (c *Codec) cachedClaims(ctx context.Context, raw string) (Claims, bool) {
	found, ok := c.tokens.find(raw)
	if !ok {
		return Claims{}, false
	}
	key, err := c.findKey(ctx, found.kid)
	if err != nil || !isIdenticalKey(found.key, key) {
		return Claims{}, false
	}
	return found.claims, true
}

func (c *tokenCache) find(raw string) (cachedToken, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	found, ok := c.young[raw]
	if !ok {
		found, ok = c.old[raw]
	}
	return found, ok
}

// add keeps a token. It copies the texts, as they may be parts of a larger one.
func (c *tokenCache) add(raw string, t cachedToken) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young == nil || len(c.young) >= c.half {
		c.young, c.old = make(map[string]cachedToken), c.young
	}
	t.kid = strings.Clone(t.kid)
	c.young[strings.Clone(raw)] = t
}

// isIdenticalKey is isSameKey, at no cost where both are the same one in memory.
func isIdenticalKey(a, b crypto.PublicKey) bool {
	switch a := a.(type) {
	case *rsa.PublicKey:
		if b, ok := b.(*rsa.PublicKey); ok && a == b {
			return true
		}
	case *ecdsa.PublicKey:
		if b, ok := b.(*ecdsa.PublicKey); ok && a == b {
			return true
		}
	case ed25519.PublicKey:
		b, ok := b.(ed25519.PublicKey)
		return ok && bytes.Equal(a, b)
	}
	return isSameKey(a, b)
}
