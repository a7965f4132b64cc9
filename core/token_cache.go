package core

import (
	"bytes"
	"context"
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
	kid    string
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

// remembered are the claims of a token that was verified before, by the key that its kid still stands for. They are not to
// be changed.
func (a *Auth) remembered(ctx context.Context, raw string) (payload, bool) {
	if a.trusted == nil {
		return nil, false
	}
	found, ok := a.trusted.find(raw)
	if !ok {
		return nil, false
	}
	key, err := a.verifyingKey(ctx, found.kid)
	if err != nil || !identical(found.key, key) {
		return nil, false
	}
	return found.claims, true
}

func (c *tokenCache) find(raw string) (trusted, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	found, ok := c.young[raw]
	if !ok {
		found, ok = c.old[raw]
	}
	return found, ok
}

// note remembers a token. The texts are copied, as they may be parts of a larger one.
func (c *tokenCache) note(raw string, t trusted) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young == nil || len(c.young) >= c.half {
		c.young, c.old = make(map[string]trusted), c.young
	}
	t.kid = strings.Clone(t.kid)
	c.young[strings.Clone(raw)] = t
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
