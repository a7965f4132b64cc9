package database

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-simplejwt/simplejwt/models"
)

// flushClients is how many clients rotate during the flush.
const flushClients = 8

// measureFlush measures the part flush: how much FlushExpired slows down concurrent refreshes. It does so with clients that
// call as fast as they can, and with clients that call half as often.
func measureFlush(ctx context.Context, b *bench) error {
	t, err := b.server.newTables(ctx, partFlush, 1000)
	if err != nil {
		return err
	}
	defer t.close()
	db, pool, err := openPostgres(t.dsn, flushClients)
	if err != nil {
		return err
	}
	defer pool.Close()
	b.printLine("%d clients rotate, before, while and after FlushExpired deletes %d records, half of them blacklisted", flushClients, b.Expired)
	out := newTable(b.out, "load", "rotations", "a second", "p50", "p99", "slowest", "p50 ratio", "p99 ratio", "target")
	batches := newTable(b.out, "load", "records/s", "transactions", "p50", "p99", "slowest", "target")
	store, quiet := models.NewStore(db), 2*b.turn
	pace := time.Duration(0) // as fast as they can
	for _, load := range []string{"saturating", "half of that"} {
		if err := t.insertExpired(ctx, b.Expired); err != nil {
			return err
		}
		chains, err := newChains(ctx, store, load, flushClients)
		if err != nil {
			return err
		}
		callers := clients{n: flushClients, pace: pace, call: func(ctx context.Context, i int) error {
			return mustRotate(store.Rotate(ctx, chains[i].nextRotation()))
		}}
		// The load alone is measured on both sides of the flush, so that a machine that gets slower does not count against it.
		before, err := callers.callFor(ctx, quiet)
		if err != nil {
			return err
		}
		var f outcome
		beside, err := callers.callDuring(ctx, func() error { f, err = t.timeFlush(ctx, b.Expired); return err })
		if err != nil {
			return err
		}
		if beside.err != nil {
			return beside.err
		}
		after, err := callers.callFor(ctx, quiet)
		if err != nil {
			return err
		}
		alone := before.merge(after)
		share := func(part float64) float64 {
			return beside.percentile(part).Seconds() / alone.percentile(part).Seconds()
		}
		printLoad(out, load, "alone", alone)
		printLoad(out, load, "beside the flush", beside, formatRatio(share(0.5)), formatRatio(share(0.99)), atMost(share(0.99), 2))
		batches.addRow(load, formatNumber(float64(b.Expired)/f.elapsed.Seconds()), fmt.Sprint(len(f.took)), formatDuration(f.percentile(0.5)), formatDuration(f.percentile(0.99)),
			formatDuration(f.percentile(1)), atMost(f.percentile(1).Seconds()*1000, 250))
		// Half of the throughput: twice the time between two calls.
		pace = time.Duration(2 * flushClients / alone.perSecond() * float64(time.Second))
	}
	out.printTable()
	batches.printTable()
	return nil
}

// printLoad adds the line of a load to a table.
func printLoad(out *table, load, what string, o outcome, more ...string) {
	out.addRow(append([]string{load, what, formatNumber(o.perSecond()), formatDuration(o.percentile(0.5)), formatDuration(o.percentile(0.99)), formatDuration(o.percentile(1))}, more...)...)
}

// insertExpired inserts n records that expired a month ago, half of them on the blacklist.
func (t *tables) insertExpired(ctx context.Context, n int) error {
	const month = 30 * 24 * time.Hour
	f := fill{rows: n, from: time.Now().Add(-2 * month), over: month, consumed: "i % 2 = 0"}
	if err := f.insertInto(ctx, t); err != nil {
		return err
	}
	return t.vacuumAndCheckpoint(ctx)
}

// timeFlush deletes the n expired records on another connection, and returns how long its transactions took.
func (t *tables) timeFlush(ctx context.Context, n int) (outcome, error) {
	var watch stopwatch
	db, pool, err := openPostgres(t.dsn, 1, watch.traceTransactions)
	if err != nil {
		return outcome{}, err
	}
	defer pool.Close()
	store, start := models.NewStore(db), time.Now()
	deleted, err := store.FlushExpired(ctx, start.Add(-7*24*time.Hour))
	if err == nil && deleted != n {
		err = fmt.Errorf("%d records were deleted, of %d", deleted, n)
	}
	slices.Sort(watch.took)
	return outcome{took: watch.took, elapsed: time.Since(start)}, err
}
