package core

import (
	"strconv"
	"testing"
	"time"
)

func TestSessionCache_IsBounded(t *testing.T) {
	t.Parallel()
	c := &sessionCache{timeout: time.Hour}
	now := time.Unix(0, 0)
	for i := range 10 * sessionCacheSize {
		c.add(strconv.Itoa(i), activeSession{"1", now.Add(time.Hour)}, 0)
	}
	if n := len(c.young) + len(c.old); n > 2*sessionCacheSize {
		t.Errorf("%d sessions are cached, want at most %d", n, 2*sessionCacheSize)
	}
	newest := strconv.Itoa(10*sessionCacheSize - 1)
	if _, _, active := c.get(newest, now); !active {
		t.Error("the newest session is not in the cache")
	}
	c.young, c.old = nil, c.young
	if _, _, active := c.get(newest, now); !active {
		t.Error("a session of the older generation is not in the cache")
	}
	c.forget(newest)
	if _, _, active := c.get(newest, now); active {
		t.Error("a session of the older generation is in the cache after forget")
	}
}
