package core

import (
	"sync"
	"time"
)

// sessionCacheSize is how many sessions one generation of a sessionCache holds: some 2 MB.
const sessionCacheSize = 10_000

// sessionCache holds the sessions found active within CHECK_SESSION_CACHE_TIMEOUT. It has two generations: when the younger
// one is full, the older one is dropped as a whole. The zero value holds nothing.
type sessionCache struct {
	timeout time.Duration

	mu         sync.Mutex
	young, old map[string]activeSession
	epoch      int // how often something was forgotten
}

// activeSession says whose a session is, and until when it counts as active.
type activeSession struct {
	userID string
	until  time.Time
}

// get returns whose a session is that is known to be active. If it is not known, what the store says is added with the epoch.
func (c *sessionCache) get(session string, now time.Time) (userID string, epoch int, active bool) {
	if c.timeout == 0 {
		return "", 0, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.young[session]
	if !ok {
		found, ok = c.old[session]
	}
	left := found.until.Sub(now)
	return found.userID, c.epoch, ok && left > 0 && left <= c.timeout // more: the clock was set back
}

// add adds an active session, unless something was forgotten since the epoch: the store may have been asked before that.
func (c *sessionCache) add(session string, found activeSession, epoch int) {
	if c.timeout == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.epoch {
		return
	}
	if c.young == nil || len(c.young) >= sessionCacheSize {
		c.young, c.old = map[string]activeSession{}, c.young
	}
	c.young[session] = found
}

// forget drops a session, or all of them where it is "".
func (c *sessionCache) forget(session string) {
	if c.timeout == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	if session == "" {
		c.young, c.old = nil, nil
		return
	}
	delete(c.young, session)
	delete(c.old, session)
}
