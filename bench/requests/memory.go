package requests

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt/bench/measure"
	"github.com/go-simplejwt/simplejwt/stdjwt"
)

const (
	badRequests   = 10_000
	maxHeapGrowth = 32       // the limit of memory
	junkBytes     = 15 << 10 // the length of a token of junk, less than what is refused by its length alone
)

// measureMemory measures what is left of refused requests: nothing that strangers send may pile up. No two tokens are the same.
func measureMemory(ctx context.Context, report *measure.Report) error {
	a, err := newAlgorithm("HS256")
	if err != nil {
		return err
	}
	h := onMux(stdjwt.Required(a.auth.Stateless()))
	good, err := newToken(a.auth, fiveClaims(), lifetime)
	if err != nil {
		return err
	}
	if err := serveOnce(ctx, h, good); err != nil {
		return fmt.Errorf("%s refuses a good token: %w", ours, err)
	}
	before := heapInUse()
	for i := range badRequests {
		if err := ctx.Err(); err != nil {
			return err
		}
		raw, err := newBadToken(a, good, i)
		if err != nil {
			return err
		}
		c, err := newClient(ctx, raw)
		if err != nil {
			return err
		}
		if status := c.sendRequest(h); status != http.StatusUnauthorized {
			return fmt.Errorf("refused request %d has status %d", i, status)
		}
	}
	after := heapInUse()
	runtime.KeepAlive(h)
	return report.Value(
		fmt.Sprintf("memory: %d refused requests", badRequests),
		"MiB of heap in use after them beyond that before, garbage collected: bad signature, expired, malformed, junk of 15 KiB",
		(after-before)/(1<<20), maxHeapGrowth)
}

// newBadToken is a bad token, of another kind and another text for each i.
func newBadToken(a *algorithm, good string, i int) (string, error) {
	number := strconv.Itoa(i)
	switch i % 4 {
	case 0:
		signature := sha256.Sum256([]byte(number))
		return good[:strings.LastIndexByte(good, '.')+1] + encoding.EncodeToString(signature[:]), nil
	case 1:
		return newToken(a.auth, fiveClaims(), -time.Hour)
	case 2:
		return truncateClaims(good) + number, nil
	case 3:
		third := strings.Repeat(number, junkBytes/3/len(number))
		return third + "." + third + "." + third, nil
	}
	return "", errors.New("a kind of its own") // there are four
}

// heapInUse is the heap in bytes, without garbage.
func heapInUse() float64 {
	runtime.GC()
	runtime.GC() // what pools hold outlives one
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapInuse)
}
