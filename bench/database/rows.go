package database

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/go-simplejwt/simplejwt/models"
)

// fewRows is how many outstanding tokens the smaller table of the part rows has.
const fewRows = 10_000

// workload is a table with many active sessions. One client rotates them in random order.
type workload struct {
	name string
	// beside, unless nil, is the workload whose table this one shares.
	beside *workload
	fill   fill
	tables *tables
	store  *models.Store
	close  func()
	latest []latestToken
	newJTI func() string
	took   outcome
	rounds []float64 // the median of each round in seconds
	wal    int64
}

// latestToken is the latest token of a session, which can be rotated.
type latestToken struct{ JTI, Session string }

// measureRows measures the part rows: whether a rotation takes longer in a table with many rows than in one with few.
func measureRows(ctx context.Context, b *bench) error {
	// A session that started 25 days ago has 5 days left, and its latest token is at most half a day old.
	const over = 25 * 24 * time.Hour
	past := func(n int, random bool) fill {
		// In a tenth of the sessions the tokens expired without having been used.
		return fill{rows: n, from: time.Now().Add(-over), over: over, random: random, consumed: "i < {rows} - {sessions} AND s % 10 <> 0"}
	}
	few := &workload{name: "few", fill: past(fewRows, false), newJTI: timedID}
	// The ids of core begin with the time; random ones are there to compare.
	many := &workload{name: "many", fill: past(b.Rows, false), newJTI: timedID}
	// busy has as many sessions as few, in the table of many: their pages stay in memory, however large the table is.
	busy := &workload{name: "busy", beside: many, newJTI: timedID}
	random := &workload{name: "random", fill: past(b.Rows, true), newJTI: randomID}
	crowds := []*workload{few, many, busy, random}
	for _, c := range crowds {
		if c.beside != nil { // its tables are filled already
			c.shareTables(few.fill.sessionCount())
			continue
		}
		start := time.Now()
		if err := c.createTables(ctx, b.server); err != nil {
			return fmt.Errorf("table %s: %w", c.name, err)
		}
		defer c.close()
		size, err := c.tables.queryCount(ctx, "SELECT pg_database_size(current_database())")
		if err != nil {
			return err
		}
		b.printLine("%d rows, %d of them active, %d MB: filled in %.0f s", c.fill.rows, len(c.latest), size>>20, time.Since(start).Seconds())
	}
	// Filling has left pages to write, which must not slow down the first turns.
	if err := few.tables.execStatement(ctx, "CHECKPOINT"); err != nil {
		return err
	}
	for round := range b.Rounds {
		for i := range crowds {
			if err := crowds[(i+round)%len(crowds)].measureTurn(ctx, b.turn); err != nil {
				return err
			}
		}
	}
	out := newTable(b.out, "outstanding", "ids", "active sessions", "rotations", "p50", "p99", "p50 to few", "target", "WAL bytes a rotation")
	for _, c := range crowds {
		ids, target := "by time", ""
		if c.fill.random {
			ids = "random"
		}
		share := median(divideEach(c.rounds, few.rounds))
		if c == many || c == busy {
			target = atMost(share, 1.25)
		}
		out.addRow(fmt.Sprint(c.fill.rows), ids, fmt.Sprint(len(c.latest)), fmt.Sprint(len(c.took.took)), formatMilliseconds(median(c.rounds)), formatDuration(c.took.percentile(0.99)),
			formatRatio(share), target, formatNumber(float64(c.wal)/float64(max(1, len(c.took.took)))))
	}
	out.printTable()
	return nil
}

// createTables creates and fills the database of the workload, and reads the latest tokens of its sessions.
func (c *workload) createTables(ctx context.Context, s *server) error {
	t, err := s.newTables(ctx, c.name, max(1, c.fill.sessionCount()/2))
	if err != nil {
		return err
	}
	c.tables, c.close = t, t.close
	if err := c.fill.insertInto(ctx, t); err != nil {
		return err
	}
	if err := t.vacuumAndCheckpoint(ctx); err != nil {
		return err
	}
	db, pool, err := openPostgres(t.dsn, 1)
	if err != nil {
		return err
	}
	c.store = models.NewStore(db)
	c.close = func() { _ = pool.Close(); t.close() }
	return db.WithContext(ctx).Raw("SELECT jti, session_id AS session FROM token_blacklist_outstandingtoken WHERE id > ? ORDER BY random()",
		c.fill.rows-c.fill.sessionCount()).Scan(&c.latest).Error
}

// shareTables takes n sessions of the workload beside this one, but at most half of them.
func (c *workload) shareTables(n int) {
	other := c.beside
	n = min(n, len(other.latest)/2)
	c.fill, c.tables, c.store = other.fill, other.tables, other.store
	c.latest, other.latest = other.latest[:n], other.latest[n:]
}

// measureTurn rotates random sessions, one after the other, for d.
func (c *workload) measureTurn(ctx context.Context, d time.Duration) error {
	one := clients{n: 1, call: func(ctx context.Context, _ int) error {
		h := &c.latest[mathrand.N(len(c.latest))] //nolint:gosec // not a secret: the order of clients
		next := c.newJTI()
		err := mustRotate(c.store.Rotate(ctx, newRotation(h.JTI, h.Session, next)))
		h.JTI = next // the successor is the latest token now
		return err
	}}
	// Bytes of WAL show how many pages the rotations have touched.
	before, err := c.walPosition(ctx)
	if err != nil {
		return err
	}
	o, err := one.callFor(ctx, d)
	if err != nil {
		return err
	}
	after, err := c.walPosition(ctx)
	c.took, c.rounds, c.wal = c.took.merge(o), append(c.rounds, o.percentile(0.5).Seconds()), c.wal+after-before
	return err
}

// walPosition returns how many bytes of WAL the server has written.
func (c *workload) walPosition(ctx context.Context) (int64, error) {
	return c.tables.queryCount(ctx, "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")
}

// timedID returns an id that begins with its time: 12 hexadecimal digits of milliseconds, then 20 random ones.
func timedID() string {
	return fmt.Sprintf("%012x%s", time.Now().UnixMilli(), randomID()[:20])
}

// randomID returns an id of 32 random hexadecimal digits.
func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
