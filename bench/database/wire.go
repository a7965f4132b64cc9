package database

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// query is a statement as it was sent.
type query struct {
	sql  string
	args []any
}

// recorder keeps the statements that are sent to the server.
type recorder struct {
	mu   sync.Mutex // guards sent
	sent []query
}

// traceQueries makes connections of this configuration report to r.
func (r *recorder) traceQueries(config *pgx.ConnConfig) { config.Tracer = r }

// takeQueries returns the statements that were sent since its last call.
func (r *recorder) takeQueries() []query {
	r.mu.Lock()
	defer r.mu.Unlock()
	sent := r.sent
	r.sent = nil
	return sent
}

// TraceQueryStart is called by pgx.
func (r *recorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = append(r.sent, query{data.SQL, data.Args})
	return ctx
}

// TraceQueryEnd is called by pgx.
func (*recorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// tripCounter counts round trips: how often a connection writes after it has read.
type tripCounter struct{ n atomic.Int64 }

// countTrips makes connections of this configuration count in t.
func (t *tripCounter) countTrips(config *pgx.ConnConfig) {
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &countedConn{Conn: conn, trips: t}, nil
	}
}

// countedConn is a connection that counts in trips.
type countedConn struct {
	net.Conn
	trips *tripCounter
	wrote atomic.Bool // since the last read
}

func (c *countedConn) Write(b []byte) (int, error) {
	if !c.wrote.Swap(true) { // the first write after a read starts a round trip
		c.trips.n.Add(1)
	}
	return c.Conn.Write(b)
}

func (c *countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.wrote.Store(false)
	}
	return n, err
}

// stopwatch measures how long the transactions of a pool take: from begin to commit, or a single statement.
type stopwatch struct {
	mu    sync.Mutex              // guards what follows
	began map[*pgx.Conn]time.Time // of the transaction that a connection is in
	took  []time.Duration
}

// traceTransactions makes connections of this configuration report to s.
func (s *stopwatch) traceTransactions(config *pgx.ConnConfig) {
	s.began = map[*pgx.Conn]time.Time{}
	config.Tracer = s
}

// TraceQueryStart is called by pgx.
func (s *stopwatch) TraceQueryStart(ctx context.Context, conn *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.began[conn].IsZero() { // not within a transaction that has begun
		s.began[conn] = time.Now()
	}
	return ctx
}

// TraceQueryEnd is called by pgx.
func (s *stopwatch) TraceQueryEnd(_ context.Context, conn *pgx.Conn, _ pgx.TraceQueryEndData) {
	const idle = 'I' // the server's status of a connection outside of a transaction
	if conn.PgConn().TxStatus() != idle {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took = append(s.took, time.Since(s.began[conn]))
	delete(s.began, conn)
}
