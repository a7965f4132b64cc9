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

// 10,000 requests: at 3.3 KiB left by each the limit is reached.
const (
	badRequests   = 10_000
	maxHeapGrowth = 32       // the limit, in MiB
	junkBytes     = 15 << 10 // the length of a token of random text, short enough to be read
)

// measureMemory measures how much memory rejected requests leave in use: what anybody can send must not be kept. All tokens
// differ.
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
		return fmt.Errorf("%s rejects a good token: %w", ours, err)
	}
	// The first request has filled pools and caches, which are not to be counted.
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
			return fmt.Errorf("rejected request %d has status %d", i, status)
		}
	}
	after := heapInUse()
	runtime.KeepAlive(h) // else the caches of the middleware might be collected
	return report.Value(
		fmt.Sprintf("memory: %d rejected requests", badRequests),
		"MiB of heap in use after them beyond that before, garbage collected: bad signature, expired, malformed, junk of 15 KiB",
		(after-before)/(1<<20), maxHeapGrowth)
}

// newBadToken returns a bad token. Its kind depends on i, and each i has another text.
func newBadToken(a *algorithm, good string, i int) (string, error) {
	number := strconv.Itoa(i)
	switch i % 4 {
	case 0: // bad signature
		signature := sha256.Sum256([]byte(number))
		return good[:strings.LastIndexByte(good, '.')+1] + encoding.EncodeToString(signature[:]), nil
	case 1: // expired
		return newToken(a.auth, fiveClaims(), -time.Hour)
	case 2: // malformed
		return truncateClaims(good) + number, nil
	case 3: // random text in three parts
		third := strings.Repeat(number, junkBytes/3/len(number))
		return third + "." + third + "." + third, nil
	}
	return "", errors.New("unreachable: there are four kinds")
}

// heapInUse returns the bytes of the heap that are in use, without garbage.
func heapInUse() float64 {
	runtime.GC()
	runtime.GC() // a sync.Pool keeps its objects for one collection
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapInuse)
}
