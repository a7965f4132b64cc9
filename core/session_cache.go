package core

import (
	"sync"
	"time"
)

// sessionCacheSize is how many sessions one generation of a sessionCache holds, about 2 MB.
const sessionCacheSize = 10_000

// sessionCache holds the sessions found active within CHECK_SESSION_CACHE_TIMEOUT. It has two generations: when the
// young one is full it becomes the old one, and the old one is dropped. With timeout 0 it holds nothing. It is safe
// for concurrent use.
type sessionCache struct {
	timeout time.Duration

	mu         sync.Mutex
	young, old map[string]activeSession
	epoch      int // how often forget was called
}

// activeSession is the user of an active session, and until when it counts as active.
type activeSession struct {
	userID string
	until  time.Time
}

// get reports whether a session is known to be active, and returns its user. If it is not known, pass the epoch to
// add with what the Store says.
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
	return found.userID, c.epoch, ok && left > 0 && left <= c.timeout // more only if the clock was set back
}

// add adds an active session, unless forget was called since the epoch: the session may have ended after the Store
// was asked.
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

// forget drops a session, or all sessions for "".
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
