package core

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"strings"
	"sync"
)

// tokenCache remembers tokens whose signature was good, by the whole token, and what they claim: VERIFIED_TOKEN_CACHE_SIZE.
// It says nothing of times, sessions or users, and it believes only the key that verified the token. It has two
// generations: where the younger one is full, the older one is forgotten as a whole. nil remembers nothing.
type tokenCache struct {
	half int // how many tokens a generation holds

	mu         sync.RWMutex
	young, old map[string]trusted
}

type trusted struct {
	key    crypto.PublicKey
	claims payload // not to be changed
}

// newTokenCache remembers up to size tokens, 0 for none.
func newTokenCache(size int) *tokenCache {
	if size == 0 {
		return nil
	}
	return &tokenCache{half: max(size/2, 1)}
}

// claims are those of a token that this key verified before. They are not to be changed.
func (c *tokenCache) claims(raw string, key crypto.PublicKey) (payload, bool) {
	if c == nil {
		return nil, false
	}
	c.mu.RLock()
	found, ok := c.young[raw]
	if !ok {
		found, ok = c.old[raw]
	}
	c.mu.RUnlock()
	if !ok || !identical(found.key, key) {
		return nil, false
	}
	return found.claims, true
}

// note remembers a token. The text is copied, as it may be a part of a larger one.
func (c *tokenCache) note(raw string, key crypto.PublicKey, claims payload) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young == nil || len(c.young) >= c.half {
		c.young, c.old = make(map[string]trusted), c.young
	}
	c.young[strings.Clone(raw)] = trusted{key, claims}
}

// identical reports whether two public keys are the same, at no cost where they are the same one in memory.
func identical(a, b crypto.PublicKey) bool {
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
	return sameKey(a, b)
}
