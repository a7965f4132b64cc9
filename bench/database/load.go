package database

import (
	"context"
	"slices"
	"sync"
	"time"
)

// outcome is what the clients of one turn saw.
type outcome struct {
	took    []time.Duration // of the calls that succeeded, in order of length
	elapsed time.Duration
	failed  int
	err     error // the first failure
}

// perSecond is the throughput.
func (o outcome) perSecond() float64 { return float64(len(o.took)) / o.elapsed.Seconds() }

// percentile is the percentile: 0.5 is the median, 1 the slowest.
func (o outcome) percentile(part float64) time.Duration {
	if len(o.took) == 0 {
		return 0
	}
	return o.took[int(float64(len(o.took)-1)*part)]
}

// merge is both outcomes as one.
func (o outcome) merge(p outcome) outcome {
	both := outcome{took: slices.Concat(o.took, p.took), elapsed: o.elapsed + p.elapsed, failed: o.failed + p.failed, err: o.err}
	if both.err == nil {
		both.err = p.err
	}
	slices.Sort(both.took)
	return both
}

// roundResults is what the clients of a contender saw in each round: calls a second, and times in seconds.
type roundResults struct{ perSecond, p50, p99, slowest []float64 }

func (s *roundResults) addRound(o outcome) {
	s.perSecond = append(s.perSecond, o.perSecond())
	s.p50 = append(s.p50, o.percentile(0.5).Seconds())
	s.p99 = append(s.p99, o.percentile(0.99).Seconds())
	s.slowest = append(s.slowest, o.percentile(1).Seconds())
}

// clients are callers that each wait for an answer before they call again.
type clients struct {
	n int
	// pace, unless 0, is the time from one call of a client to its next. One that is late calls at once, and is not late
	// again for what it missed.
	pace time.Duration
	call func(ctx context.Context, client int) error
}

// callDuring has the clients call until work returns. A call that is under way is waited for.
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
			if ctx.Err() != nil {
				return
			}
		}
		if next = next.Add(c.pace); next.Before(end) {
			next = end
		}
	}
}

// callFor has the clients call for a time. Where a failure is none of the results it is an error.
func (c clients) callFor(ctx context.Context, d time.Duration) (outcome, error) {
	out, err := c.callDuring(ctx, func() error { return sleepContext(ctx, d) })
	if err == nil {
		err = out.err
	}
	return out, err
}

// sleepContext waits, or ends with ctx.
func sleepContext(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
