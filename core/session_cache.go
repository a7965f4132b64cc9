package core

import (
	"sync"
	"time"
)

// sessionCacheSize is how many sessions one generation of a sessionCache holds: some 2 MB.
const sessionCacheSize = 10_000

// sessionCache remembers for CHECK_SESSION_CACHE_TIMEOUT which sessions were seen alive. It has two generations: where the
// younger one is full, the older one is forgotten as a whole. The zero value remembers nothing.
type sessionCache struct {
	timeout time.Duration

	mu         sync.Mutex
	young, old map[string]time.Time // until when a session is believed to live
	epoch      int                  // how often something was forgotten
}

// alive reports whether the session may be believed to live. What is then found out goes to note with the epoch.
func (c *sessionCache) alive(session string, now time.Time) (epoch int, believed bool) {
	if c.timeout == 0 {
		return 0, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	until, ok := c.young[session]
	if !ok {
		until, ok = c.old[session]
	}
	left := until.Sub(now)
	return c.epoch, ok && left > 0 && left <= c.timeout // more: the clock was set back
}

// note remembers a session that was seen alive, unless something was forgotten since: the look may be older than that.
func (c *sessionCache) note(session string, until time.Time, epoch int) {
	if c.timeout == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.epoch {
		return
	}
	if c.young == nil || len(c.young) >= sessionCacheSize {
		c.young, c.old = map[string]time.Time{}, c.young
	}
	c.young[session] = until
}

// forget has a session looked up again, or all of them where it is "".
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
