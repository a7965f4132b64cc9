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
		t.Errorf("%d sessions are remembered, want at most %d", n, 2*sessionCacheSize)
	}
	newest := strconv.Itoa(10*sessionCacheSize - 1)
	if _, _, believed := c.get(newest, now); !believed {
		t.Error("the newest one is forgotten")
	}
	c.young, c.old = nil, c.young
	if _, _, believed := c.get(newest, now); !believed {
		t.Error("one of the older generation is forgotten")
	}
	c.forget(newest)
	if _, _, believed := c.get(newest, now); believed {
		t.Error("one of the older generation is remembered after it was to be forgotten")
	}
}
