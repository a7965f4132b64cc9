package database

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/libtnb/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/go-simplejwt/simplejwt/internal/pgtest"
	"github.com/go-simplejwt/simplejwt/models"
)

// sqliteDriver opens a file as the example program does: write-ahead log, synchronous NORMAL, transactions that begin as
// writers, and 16 connections.
type sqliteDriver struct {
	name string
	open func(path string) gorm.Dialector
}

// sqliteConnections is the size of a pool.
const sqliteConnections = 16

// pureGo is the driver that the example uses.
var pureGo = sqliteDriver{"modernc.org/sqlite", func(path string) gorm.Dialector {
	return sqlite.Open("file:" + (&url.URL{Path: path}).EscapedPath() + "?_txlock=immediate&_pragma=busy_timeout(10000)" +
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)")
}}

// sqliteStore is a store in a file, and the results of its driver.
type sqliteStore struct {
	driver sqliteDriver
	store  *models.Store
	close  func()
	roundResults
	failed int
	err    error
}

// measureSQLite measures the part sqlite: Store.Rotate with the driver in Go beside the driver in C.
func measureSQLite(ctx context.Context, b *bench) error {
	drivers := []sqliteDriver{pureGo}
	if cgo, ok := cgoDriver(); ok {
		drivers = append(drivers, cgo)
	} else {
		b.printLine("the C driver is skipped: built without cgo")
	}
	folder, err := os.MkdirTemp(pgtest.DiskFolder(), "simplejwt-sqlite-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	b.printLine("Store.Rotate on SQLite, WAL, synchronous NORMAL, %d connections; data on disk, below %s", sqliteConnections, pgtest.DiskFolder())
	out := newTable(b.out, "clients", "driver", "rotations/s", "to C", "target", "p50", "p99", "slowest", "target", "errors", "target")
	for _, n := range b.clientCounts() {
		stores := make([]*sqliteStore, len(drivers))
		for i, driver := range drivers {
			if stores[i], err = openSQLite(ctx, driver, filepath.Join(folder, fmt.Sprintf("%d-%d.db", n, i))); err != nil {
				return fmt.Errorf("%s: %w", driver.name, err)
			}
			defer stores[i].close() // until all clients are measured: the files are small
		}
		for round := range b.Rounds {
			for i := range stores {
				if err := stores[(i+round)%len(stores)].measureTurn(ctx, b, n, round); err != nil {
					return err
				}
			}
		}
		for i, s := range stores {
			printSQLite(out, n, s, stores[len(stores)-1], i == 0)
		}
		for _, s := range stores {
			if s.err != nil {
				b.printLine("the first error of %s with %d clients: %v", s.driver.name, n, s.err)
			}
		}
	}
	out.printTable()
	return nil
}

// printSQLite adds a line. Only the driver of the example has targets. Without the driver in C its ratio is to itself.
func printSQLite(out *table, n int, s, to *sqliteStore, judged bool) {
	slowest := slices.Max(s.slowest)
	share := median(divideEach(s.perSecond, to.perSecond))
	var throughput, latency, failures string
	if judged {
		failures = atMost(float64(s.failed), 0)
		if s != to {
			throughput = atLeast(share, 0.85)
		}
		if n == 8 {
			latency = atMost(slowest*1000, 50)
		}
	}
	out.addRow(fmt.Sprint(n), s.driver.name, formatNumber(median(s.perSecond)), formatRatio(share), throughput, formatMilliseconds(median(s.p50)),
		formatMilliseconds(median(s.p99)), formatMilliseconds(slowest), latency, fmt.Sprint(s.failed), failures)
}

// openSQLite creates a file with the tables and 32 users.
func openSQLite(ctx context.Context, driver sqliteDriver, path string) (*sqliteStore, error) {
	db, err := gorm.Open(driver.open(path), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		return nil, err
	}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	setPoolSize(pool, sqliteConnections)
	s := &sqliteStore{driver: driver, store: models.NewStore(db), close: func() { _ = pool.Close() }}
	err = db.WithContext(ctx).AutoMigrate(&account{})
	if err == nil {
		err = models.AutoMigrate(ctx, db, &account{})
	}
	for i := 1; i <= 32 && err == nil; i++ {
		err = db.WithContext(ctx).Create(&account{Username: fmt.Sprint("user", i)}).Error
	}
	if err != nil {
		s.close()
	}
	return s, err
}

// measureTurn measures one turn with n clients. A client whose rotation failed logs in again: whether its token was used is
// unknown.
func (s *sqliteStore) measureTurn(ctx context.Context, b *bench, n, round int) error {
	chains, err := newChains(ctx, s.store, fmt.Sprint("round", round), n)
	if err != nil {
		return err
	}
	callers := clients{n: n, call: func(ctx context.Context, i int) error {
		err := mustRotate(s.store.Rotate(ctx, chains[i].nextRotation()))
		if err != nil && ctx.Err() == nil { // both errors are reported
			chains[i] = &chain{label: fmt.Sprint(chains[i].label, "again", time.Now().UnixNano()), client: i}
			err = errors.Join(err, recordLogin(ctx, s.store, i+1, chains[i].tokenID(0)))
		}
		return err
	}}
	if _, err := callers.callDuring(ctx, func() error { return sleepContext(ctx, b.warmUpTime()) }); err != nil {
		return err
	}
	// Errors do not end the turn: how many there are is one of the results.
	o, err := callers.callDuring(ctx, func() error { return sleepContext(ctx, b.turn) })
	s.addRound(o)
	s.failed += o.failed
	if s.err == nil {
		s.err = o.err
	}
	return err
}
