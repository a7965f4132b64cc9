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

// tokenCache keeps up to VERIFIED_TOKEN_CACHE_SIZE tokens with a valid signature, and with each its claims and the key
// that verified it. It replaces the check of the signature only: times, sessions and users are checked at each request.
//
// It has two generations: when the younger one is full, it becomes the older one, and what was the older one is dropped as
// a whole. That needs no clock and no list, and reads take only the read lock. It is safe for concurrent use.
type tokenCache struct {
	half int // the most tokens in a generation

	mu         sync.RWMutex
	young, old map[string]cachedToken // by the text of the whole token
}

// cachedToken is what is kept of a token. Its claims are marked as shared.
type cachedToken struct {
	kid    string
	key    crypto.PublicKey
	claims Claims
}

// newTokenCache returns an empty cache of up to size tokens, nil for 0.
func newTokenCache(size int) *tokenCache {
	if size == 0 {
		return nil
	}
	return &tokenCache{half: max(size/2, 1)}
}

// checkTokenCache reports an invalid VERIFIED_TOKEN_CACHE_SIZE. With an HMAC algorithm a cache is rejected, as it would
// cost memory and save no time.
func (c *Codec) checkTokenCache(s *simplejwt.Settings, invalid *simplejwt.SettingsError) {
	if s.VerifiedTokenCacheSize < 0 {
		invalid.Add("VERIFIED_TOKEN_CACHE_SIZE", "may not be negative")
	}
	if s.VerifiedTokenCacheSize > 0 && c.hmacs != nil {
		invalid.Add("VERIFIED_TOKEN_CACHE_SIZE", "is of no use with %s, whose signatures cost no more than looking tokens up", c.algorithm)
	}
}

// cachedClaims returns the claims of a token that is in the cache. Its kid must still name the key that verified it: when
// JWK_URL withdraws or replaces a key, the tokens of that key must be verified again.
func (c *Codec) cachedClaims(ctx context.Context, raw string) (Claims, bool) {
	found, ok := c.tokens.get(raw)
	if !ok {
		return Claims{}, false
	}
	key, err := c.findKey(ctx, found.kid)
	if err != nil || !isIdenticalKey(found.key, key) {
		return Claims{}, false
	}
	return found.claims, true
}

// get returns what is kept of a token, by its text. A token of the older generation does not move to the younger one, so a
// read changes nothing.
func (c *tokenCache) get(raw string) (cachedToken, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	found, ok := c.young[raw]
	if !ok {
		found, ok = c.old[raw]
	}
	return found, ok
}

// add keeps a token. It copies the texts: they may be parts of a larger one, such as all headers of a request.
func (c *tokenCache) add(raw string, t cachedToken) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young == nil || len(c.young) >= c.half {
		c.young, c.old = make(map[string]cachedToken), c.young
	}
	t.kid = strings.Clone(t.kid)
	c.young[strings.Clone(raw)] = t
}

// isIdenticalKey is like isSameKey, but compares no numbers if both are the same key in memory, the usual case.
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
