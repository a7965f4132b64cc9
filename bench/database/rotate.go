package database

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// pgbenchName is the contender that the ratios are to.
const pgbenchName = "pgbench"

// rotate is the part of that name.
func rotate(ctx context.Context, b *bench) error {
	t, err := b.server.newTables(ctx, partRotate, 100)
	if err != nil {
		return err
	}
	defer t.close()
	s, err := observe(ctx, t)
	if err != nil {
		return err
	}
	bencher, err := newPgbench(s, t.dsn)
	if errors.Is(err, exec.ErrNotFound) {
		b.say("skipped: this machine has no pgbench")
		return nil
	}
	if err != nil {
		return err
	}
	defer bencher.close()
	trips, commits, err := costOfOne(ctx, b.server, t)
	if err != nil {
		return err
	}
	b.say("a rotation of the store is %.2f round trips and %.2f transactions; pgbench sends the store's statement, prepared", trips, commits)
	out := newTable(b.out, "clients", "contender", "rotations/s", "to pgbench", "target", "p50", "p99")
	for _, n := range b.clients() {
		if err := rotateWith(ctx, b, t, s, bencher, n, out); err != nil {
			return err
		}
	}
	out.print()
	return nil
}

// rotateWith measures all contenders with n clients.
func rotateWith(ctx context.Context, b *bench, t *tables, s *statement, bencher *pgbench, n int, out *table) error {
	all, err := contenders(t, s, n)
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
	seen := map[string]*seenBy{}
	for _, c := range all {
		seen[c.name] = &seenBy{}
	}
	for round := range b.Rounds {
		for i := range all {
			c := all[(i+round)%len(all)]
			if round%2 == 1 { // the other way round
				c = all[len(all)-1-i]
			}
			o, err := turnOf(ctx, b, t, c, bencher, fmt.Sprintf("%s-%d-%d", c.name, n, round), n)
			if err != nil {
				return fmt.Errorf("%s with %d clients: %w", c.name, n, err)
			}
			seen[c.name].add(o)
		}
	}
	for i, c := range all {
		of := seen[c.name]
		to, target := median(ratios(of.perSecond, seen[pgbenchName].perSecond)), ""
		if i == 0 && n == 8 {
			target = atLeast(to, 0.70)
		}
		out.row(fmt.Sprint(n), c.name, number(median(of.perSecond)), ratio(to), target, inMilliseconds(median(of.p50)), inMilliseconds(median(of.p99)))
	}
	return nil
}

// turnOf is one turn of one contender. That each rotation was one is counted in the table.
func turnOf(ctx context.Context, b *bench, t *tables, c contender, bencher *pgbench, label string, n int) (outcome, error) {
	const consumed = "SELECT count(*) FROM token_blacklist_blacklistedtoken"
	before, err := t.count(ctx, consumed)
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
		rotations, o, err = bencher.run(ctx, label, n, b.warm(), b.turn)
	} else {
		callers := clients{n: n, call: func(ctx context.Context, i int) error { return c.call(ctx, chains[i].next()) }}
		var first outcome
		if first, err = callers.forTurn(ctx, b.warm()); err == nil {
			o, err = callers.forTurn(ctx, b.turn)
		}
		rotations = int64(len(first.took) + len(o.took))
	}
	if err != nil {
		return o, err
	}
	after, err := t.count(ctx, consumed)
	if err == nil && after-before != rotations {
		err = fmt.Errorf("%d rotations consumed %d tokens", rotations, after-before)
	}
	return o, err
}

// costOfOne counts the round trips of a rotation on the connection, and its transactions as the server counts them.
func costOfOne(ctx context.Context, s *server, t *tables) (trips, commits float64, err error) {
	const many = 100
	session := func(label string, rotations int) (trips, transactions int64, err error) {
		chains, err := newChains(ctx, t.store, label, 1)
		if err != nil {
			return 0, 0, err
		}
		before, err := s.transactions(ctx, t)
		if err != nil {
			return 0, 0, err
		}
		var counted turns
		db, pool, err := openPostgres(t.dsn, 1, counted.count)
		if err != nil {
			return 0, 0, err
		}
		call := throughStore(db, pool)
		for range rotations {
			if err = call(ctx, chains[0].next()); err != nil {
				break
			}
		}
		if err = errors.Join(err, pool.Close()); err != nil {
			return 0, 0, err
		}
		after, err := s.transactions(ctx, t)
		return counted.n.Load(), after - before, err
	}
	tripsOfOne, ofOne, err := session("one", 1)
	if err != nil {
		return 0, 0, err
	}
	tripsOfMany, ofMany, err := session("many", 1+many)
	return float64(tripsOfMany-tripsOfOne) / many, float64(ofMany-ofOne) / many, err
}

// transactions is how many the server counts in a database, once nobody is there who could have more to report.
func (s *server) transactions(ctx context.Context, t *tables) (n int64, err error) {
	t.pool.SetMaxIdleConns(0)
	defer t.pool.SetMaxIdleConns(8)
	for {
		var there, again int64
		const counters = "SELECT numbackends, xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1"
		if err := s.admin.QueryRowContext(ctx, counters, t.name).Scan(&there, &n); err != nil {
			return 0, err
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
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
