package database

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// pgbenchName is the name of the contender to which ratios refer.
const pgbenchName = "pgbench"

// measureRotate measures the part rotate: Store.Rotate beside pgbench, with several numbers of clients.
func measureRotate(ctx context.Context, b *bench) error {
	t, err := b.server.newTables(ctx, partRotate, 100)
	if err != nil {
		return err
	}
	defer t.close()
	s, err := observeStatement(ctx, t)
	if err != nil {
		return err
	}
	bencher, err := newPgbench(s, t.dsn)
	if errors.Is(err, exec.ErrNotFound) { // some packages of PostgreSQL leave it out
		b.printLine("skipped: this machine has no pgbench")
		return nil
	}
	if err != nil {
		return err
	}
	defer bencher.close()
	trips, commits, err := countRoundTrips(ctx, b.server, t)
	if err != nil {
		return err
	}
	b.printLine("a rotation of the store is %.2f round trips and %.2f transactions; pgbench sends the store's statement, prepared", trips, commits)
	out := newTable(b.out, "clients", "contender", "rotations/s", "to pgbench", "target", "p50", "p99")
	for _, n := range b.clientCounts() {
		if err := measureClients(ctx, b, t, s, bencher, n, out); err != nil {
			return err
		}
	}
	out.printTable()
	return nil
}

// measureClients measures all contenders with n clients and adds a line for each.
func measureClients(ctx context.Context, b *bench, t *tables, s *statement, bencher *pgbench, n int, out *table) error {
	all, err := newContenders(t, s, n)
	defer func() {
		for _, c := range all {
			if c.pool != nil {
				_ = c.pool.Close()
			}
		}
	}()
	if err != nil {
		return err
	}
	seen := map[string]*roundResults{}
	for _, c := range all {
		seen[c.name] = &roundResults{}
	}
	for round := range b.Rounds {
		for i := range all {
			c := all[(i+round)%len(all)] // each round starts with another contender
			if round%2 == 1 {            // so that nobody always follows the same contender
				c = all[len(all)-1-i]
			}
			o, err := measureContender(ctx, b, t, c, bencher, fmt.Sprintf("%s-%d-%d", c.name, n, round), n)
			if err != nil {
				return fmt.Errorf("%s with %d clients: %w", c.name, n, err)
			}
			seen[c.name].addRound(o)
		}
	}
	for i, c := range all {
		of := seen[c.name]
		to, target := median(divideEach(of.perSecond, seen[pgbenchName].perSecond)), ""
		if i == 0 && n == 8 { // the store, with a usual number of clients
			target = atLeast(to, 0.70)
		}
		out.addRow(fmt.Sprint(n), c.name, formatNumber(median(of.perSecond)), formatRatio(to), target, formatMilliseconds(median(of.p50)), formatMilliseconds(median(of.p99)))
	}
	return nil
}

// measureContender measures one turn of a contender. It fails unless every rotation used one token, by the count of the
// blacklist.
func measureContender(ctx context.Context, b *bench, t *tables, c contender, bencher *pgbench, label string, n int) (outcome, error) {
	const consumed = "SELECT count(*) FROM token_blacklist_blacklistedtoken"
	before, err := t.queryCount(ctx, consumed)
	if err != nil {
		return outcome{}, err
	}
	chains, err := newChains(ctx, t.store, label, n)
	if err != nil {
		return outcome{}, err
	}
	var o outcome
	var rotations int64
	if c.call == nil {
		rotations, o, err = bencher.runClients(ctx, label, n, b.warmUpTime(), b.turn)
	} else {
		callers := clients{n: n, call: func(ctx context.Context, i int) error { return c.call(ctx, chains[i].nextRotation()) }}
		var first outcome
		if first, err = callers.callFor(ctx, b.warmUpTime()); err == nil {
			o, err = callers.callFor(ctx, b.turn)
		}
		rotations = int64(len(first.took) + len(o.took))
	}
	if err != nil {
		return o, err
	}
	after, err := t.queryCount(ctx, consumed)
	if err == nil && after-before != rotations {
		err = fmt.Errorf("%d rotations consumed %d tokens", rotations, after-before)
	}
	return o, err
}

// countRoundTrips returns how many round trips a rotation takes on its connection, and how many transactions the server
// counts. The difference of two sessions leaves out what connecting and preparing cost.
func countRoundTrips(ctx context.Context, s *server, t *tables) (trips, commits float64, err error) {
	const many = 100 // rotations, of which the mean is returned
	session := func(label string, rotations int) (trips, transactions int64, err error) {
		chains, err := newChains(ctx, t.store, label, 1)
		if err != nil {
			return 0, 0, err
		}
		before, err := s.countTransactions(ctx, t)
		if err != nil {
			return 0, 0, err
		}
		var counted tripCounter
		db, pool, err := openPostgres(t.dsn, 1, counted.countTrips)
		if err != nil {
			return 0, 0, err
		}
		call := throughStore(db, pool)
		for range rotations {
			if err = call(ctx, chains[0].nextRotation()); err != nil {
				break
			}
		}
		if err = errors.Join(err, pool.Close()); err != nil {
			return 0, 0, err
		}
		after, err := s.countTransactions(ctx, t)
		return counted.n.Load(), after - before, err
	}
	tripsOfOne, ofOne, err := session("one", 1)
	if err != nil {
		return 0, 0, err
	}
	tripsOfMany, ofMany, err := session("many", 1+many)
	return float64(tripsOfMany-tripsOfOne) / many, float64(ofMany-ofOne) / many, err
}

// countTransactions returns how many transactions the server has counted in a database. A connection reports its own when
// it closes, so this waits until there is none and the number is stable.
func (s *server) countTransactions(ctx context.Context, t *tables) (n int64, err error) {
	t.pool.SetMaxIdleConns(0) // closes the idle connections
	defer t.pool.SetMaxIdleConns(8)
	for {
		var there, again int64
		const counters = "SELECT numbackends, xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1"
		if err := s.admin.QueryRowContext(ctx, counters, t.name).Scan(&there, &n); err != nil {
			return 0, err
		}
		if err := sleepContext(ctx, 100*time.Millisecond); err != nil {
			return 0, err
		}
		if err := s.admin.QueryRowContext(ctx, counters, t.name).Scan(&there, &again); err != nil {
			return 0, err
		}
		if there == 0 && n == again {
			return n, nil
		}
	}
}
