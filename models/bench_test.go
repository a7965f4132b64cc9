package models_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libtnb/sqlite"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/models"
)

// BenchmarkRotateBesideAFlush rotates with 8 clients on PostgreSQL, first alone and then while FLUSH_ROWS expired records
// (20,000 unless set), half of them blacklisted, are deleted. It reports the median and 99th percentile alone in
// microseconds, the ratios to them beside the flush, the slowest rotation and batch, and how many records a second went.
func BenchmarkRotateBesideAFlush(b *testing.B) {
	expired := 20_000
	if text, ok := os.LookupEnv("FLUSH_ROWS"); ok {
		var err error
		if expired, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	db := migrateDB(b, newPostgresDatabase(b).open(b), &account{})
	connections, err := db.DB()
	requireNoError(b, err)
	connections.SetMaxIdleConns(16) // a new connection costs more than a rotation
	store := models.NewStore(db)
	batches := &timedDeletes{ConnPool: db.ConnPool}
	flushing := db.Session(&gorm.Session{NewDB: true, Context: b.Context()})
	flushing.Statement.ConnPool = batches
	flusher := models.NewStore(flushing)
	for range b.N {
		execSQL(b, db, fmt.Sprintf(`INSERT INTO token_blacklist_outstandingtoken (token, jti, expires_at)
			SELECT '', md5(random()::text || i), '2030-01-01'::timestamptz + i * interval '1 second' FROM generate_series(1, %d) i`, expired),
			`INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id, reason)
			SELECT '2030-01-01', id, 'rotated' FROM token_blacklist_outstandingtoken WHERE expires_at < '2040-01-01' AND id % 2 = 0`,
			`ANALYZE`)
		quiet := rotateDuring(b, store, func() { time.Sleep(2 * time.Second) })
		started := time.Now()
		var n int
		beside := rotateDuring(b, store, func() {
			var err error
			n, err = flusher.FlushExpired(b.Context(), time.Date(2040, time.January, 1, 0, 0, 0, 0, time.UTC))
			requireNoError(b, err)
		})
		if n != expired {
			b.Fatalf("%d records went, want %d", n, expired)
		}
		at := func(all []time.Duration, part float64) float64 {
			return float64(all[int(float64(len(all)-1)*part)].Microseconds())
		}
		b.ReportMetric(at(quiet, 0.5), "p50-alone-µs")
		b.ReportMetric(at(quiet, 0.99), "p99-alone-µs")
		b.ReportMetric(at(beside, 0.5)/at(quiet, 0.5), "p50-ratio")
		b.ReportMetric(at(beside, 0.99)/at(quiet, 0.99), "p99-ratio")
		b.ReportMetric(at(quiet, 1)/1000, "slowest-alone-ms")
		b.ReportMetric(at(beside, 1)/1000, "slowest-beside-ms")
		b.ReportMetric(float64(batches.slowest.Microseconds())/1000, "slowest-batch-ms")
		b.ReportMetric(float64(batches.n), "batches")
		b.ReportMetric(float64(n)/time.Since(started).Seconds(), "records/s")
	}
}

// BenchmarkRotate rotates one session, on each database.
func BenchmarkRotate(b *testing.B) {
	for name, on := range map[string]func(testing.TB) database{"PostgreSQL": newPostgresDatabase, "SQLite": newSQLiteDatabase} {
		b.Run(name, func(b *testing.B) {
			store := models.NewStore(migrateDB(b, on(b).open(b), &account{}))
			jti := recordLogin(b, store, "")
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				next := newRotation(jti)
				if _, ok, err := store.Rotate(b.Context(), next); err != nil || !ok {
					b.Fatalf("rotated %v, error %v", ok, err)
				}
				jti = next.NewJTI
			}
		})
	}
}

// BenchmarkRotateOnSQLite rotates with 8 clients, each session by itself, on a file as docs/performance.md has it opened.
func BenchmarkRotateOnSQLite(b *testing.B) {
	d := newSQLiteDatabase(b)
	dsn := strings.Replace(d.dsn, "synchronous(OFF)", "synchronous(NORMAL)", 1)
	db := migrateDB(b, openDB(b, sqlite.Open(dsn)), &account{})
	connections, err := db.DB()
	requireNoError(b, err)
	connections.SetMaxIdleConns(16)
	store := models.NewStore(db)
	for range b.N {
		all := rotateDuring(b, store, func() { time.Sleep(5 * time.Second) })
		at := func(part float64) float64 { return float64(all[int(float64(len(all)-1)*part)].Microseconds()) }
		b.ReportMetric(at(0.5), "p50-µs")
		b.ReportMetric(at(0.99), "p99-µs")
		b.ReportMetric(at(1)/1000, "slowest-ms")
		b.ReportMetric(float64(len(all))/5, "rotations/s")
	}
}

// timedDeletes times the statements that delete. One flush uses it.
type timedDeletes struct {
	gorm.ConnPool
	slowest time.Duration
	n       int
}

func (p *timedDeletes) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	start := time.Now()
	rows, err := p.ConnPool.QueryContext(ctx, query, args...) // answers when the first row is there, so at the end
	if strings.Contains(query, "DELETE") {
		p.slowest = max(p.slowest, time.Since(start))
		p.n++
	}
	return rows, err
}

// rotateDuring rotates eight sessions for as long as work takes, and returns how long each rotation took, in order.
func rotateDuring(b *testing.B, store core.Store, work func()) []time.Duration {
	b.Helper()
	done := make(chan struct{})
	var mu sync.Mutex
	var all []time.Duration
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			jti := recordLogin(b, store, "")
			var mine []time.Duration
			for {
				select {
				case <-done:
					mu.Lock()
					defer mu.Unlock()
					all = append(all, mine...)
					return
				default:
				}
				next := newRotation(jti)
				start := time.Now()
				_, ok, err := store.Rotate(b.Context(), next)
				if err != nil || !ok {
					b.Errorf("rotated %v, error %v", ok, err)
					return
				}
				mine = append(mine, time.Since(start))
				jti = next.NewJTI
			}
		})
	}
	work()
	close(done)
	group.Wait()
	slices.Sort(all)
	return all
}
