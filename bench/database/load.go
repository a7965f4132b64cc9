package database

import (
	"context"
	"slices"
	"sync"
	"time"
)

// outcome is what the clients of a turn measured.
type outcome struct {
	took    []time.Duration // of the successful calls, shortest first
	elapsed time.Duration
	failed  int
	err     error // of the first failure
}

// perSecond returns the successful calls per second.
func (o outcome) perSecond() float64 { return float64(len(o.took)) / o.elapsed.Seconds() }

// percentile returns the time within which this part of the calls ended: 0.5 is the median, 1 the slowest.
func (o outcome) percentile(part float64) time.Duration {
	if len(o.took) == 0 {
		return 0
	}
	return o.took[int(float64(len(o.took)-1)*part)]
}

// merge returns both outcomes as one.
func (o outcome) merge(p outcome) outcome {
	both := outcome{took: slices.Concat(o.took, p.took), elapsed: o.elapsed + p.elapsed, failed: o.failed + p.failed, err: o.err}
	if both.err == nil {
		both.err = p.err
	}
	slices.Sort(both.took)
	return both
}

// roundResults are the results of a contender in each round: calls per second, and times in seconds.
type roundResults struct{ perSecond, p50, p99, slowest []float64 }

// addRound appends the results of a round.
func (s *roundResults) addRound(o outcome) {
	s.perSecond = append(s.perSecond, o.perSecond())
	s.p50 = append(s.p50, o.percentile(0.5).Seconds())
	s.p99 = append(s.p99, o.percentile(0.99).Seconds())
	s.slowest = append(s.slowest, o.percentile(1).Seconds())
}

// clients call concurrently, each one call after the other.
type clients struct {
	n int
	// pace is the time between the starts of two calls of a client, 0 for no wait. A client that is late calls at once, and
	// does not make up for the calls that it missed.
	pace time.Duration
	call func(ctx context.Context, client int) error
}

// callDuring lets the clients call until work returns, and then waits for the calls that have begun. The error is that of
// work; errors of calls are in the outcome.
func (c clients) callDuring(ctx context.Context, work func() error) (outcome, error) {
	done := make(chan struct{})
	all := make([]outcome, c.n)
	var group sync.WaitGroup
	start := time.Now()
	for i := range all {
		group.Go(func() { c.keepCalling(ctx, i, done, &all[i]) })
	}
	err := work()
	close(done)
	group.Wait()
	var sum outcome
	for _, one := range all {
		sum.took = append(sum.took, one.took...)
		sum.failed += one.failed
		if sum.err == nil {
			sum.err = one.err
		}
	}
	slices.Sort(sum.took)
	sum.elapsed = time.Since(start)
	return sum, err
}

// keepCalling makes the calls of one client until done is closed or ctx ends. The clients start evenly spread over pace.
func (c clients) keepCalling(ctx context.Context, client int, done <-chan struct{}, out *outcome) {
	next := time.Now().Add(c.pace * time.Duration(client) / time.Duration(c.n))
	for {
		if c.pace > 0 {
			select {
			case <-done:
				return
			case <-time.After(time.Until(next)):
			}
		}
		select {
		case <-done:
			return
		default:
		}
		start := time.Now()
		err := c.call(ctx, client)
		end := time.Now()
		if err == nil {
			out.took = append(out.took, end.Sub(start))
		} else {
			out.failed++
			if out.err == nil {
				out.err = err
			}
			if ctx.Err() != nil { // every further call would fail too
				return
			}
		}
		if next = next.Add(c.pace); next.Before(end) { // late: start the pace again from now
			next = end
		}
	}
}

// callFor lets the clients call for d. A call that fails is an error.
func (c clients) callFor(ctx context.Context, d time.Duration) (outcome, error) {
	out, err := c.callDuring(ctx, func() error { return sleepContext(ctx, d) })
	if err == nil {
		err = out.err
	}
	return out, err
}

// sleepContext waits for d, or until ctx ends and then returns its error.
func sleepContext(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
