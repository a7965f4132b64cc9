// Package database measures the store of package models: on PostgreSQL beside pgbench, which sends the same statement,
// and on SQLite beside the C driver. Start with [Run].
//
// In each round every contender is measured for one turn. What is printed are the medians of the rounds, and ratios are
// computed within a round: on a shared machine, results of different times can't be compared.
package database

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/pgtest"
)

// Options are what to measure, and how often.
type Options struct {
	// Rounds is how often each contender is measured, at least once.
	Rounds int
	// Quick measures one short round, to see that everything works.
	Quick bool
	// Parts are the names of the parts to measure. Empty means all.
	Parts []string
	// Rows is how many outstanding tokens the larger table of the part rows has. Defaults to BENCH_ROWS of the environment,
	// else to 5,000,000; with Quick to 10,000.
	Rows int
	// Expired is how many tokens the part flush deletes. Defaults to BENCH_EXPIRED of the environment, else to 1,000,000;
	// with Quick to 3,000.
	Expired int
}

// The parts on PostgreSQL, and the one on SQLite.
const (
	partRotate = "rotate"
	partRows   = "rows"
	partFlush  = "flush"
	partSQLite = "sqlite"
)

// bench is a run of all parts.
type bench struct {
	Options
	out io.Writer
	// turn is how long a contender is measured in a round.
	turn time.Duration
	// server is nil until the first part on PostgreSQL starts it.
	server *server
}

// Run measures the parts and prints tables of ratios. On a machine without PostgreSQL the parts that need it are skipped,
// and out says so. A target that is missed is not an error.
func Run(ctx context.Context, out io.Writer, o Options) error {
	b := &bench{Options: o, out: out, turn: 3 * time.Second}
	if err := b.fillDefaults(); err != nil {
		return err
	}
	for _, part := range []struct {
		name    string
		measure func(context.Context, *bench) error
	}{{partRotate, measureRotate}, {partRows, measureRows}, {partFlush, measureFlush}, {partSQLite, measureSQLite}} {
		if len(o.Parts) > 0 && !slices.Contains(o.Parts, part.name) {
			continue
		}
		// One server for all parts, each of which has its own database.
		if part.name != partSQLite && b.server == nil {
			if err := b.startOnce(ctx); errors.Is(err, pgtest.ErrNoServer) {
				b.printLine("database %s: skipped: this machine has no PostgreSQL (initdb, postgres)", part.name)
				continue
			} else if err != nil {
				return fmt.Errorf("database: %w", err)
			}
			defer b.server.stop()
		}
		b.printLine("\ndatabase %s, load average %s before", part.name, loadAverage())
		if err := part.measure(ctx, b); err != nil {
			return fmt.Errorf("database %s: %w", part.name, err)
		}
	}
	return nil
}

// fillDefaults sets the options that are not set.
func (b *bench) fillDefaults() error {
	if b.Quick {
		b.Rounds, b.turn = 1, 200*time.Millisecond
	}
	b.Rounds = max(b.Rounds, 1)
	for _, one := range []struct {
		n           *int
		variable    string
		full, quick int
	}{{&b.Rows, "BENCH_ROWS", 5_000_000, 10_000}, {&b.Expired, "BENCH_EXPIRED", 1_000_000, 3_000}} {
		text := os.Getenv(one.variable)
		switch {
		case *one.n > 0: // set by the caller
		case b.Quick:
			*one.n = one.quick
		case text == "":
			*one.n = one.full
		default:
			n, err := strconv.Atoi(text)
			if err != nil || n <= 0 {
				return fmt.Errorf("database: %s must be a number above 0", one.variable)
			}
			*one.n = n
		}
	}
	return nil
}

// startOnce starts the server of all parts and prints its settings.
func (b *bench) startOnce(ctx context.Context) error {
	s, err := startServer(ctx)
	if err != nil {
		return err
	}
	b.server = s
	about, err := s.describeSettings(ctx)
	if err != nil {
		s.stop()
		b.server = nil
		return err
	}
	b.printLine("\n%s\n%s, %d CPUs, GOMAXPROCS %d; a turn is %v, rounds: %d", about, runtime.Version(), runtime.NumCPU(),
		runtime.GOMAXPROCS(0), b.turn, b.Rounds)
	return nil
}

// printLine prints a line of the report; format is that of package fmt.
func (b *bench) printLine(format string, args ...any) {
	_, _ = fmt.Fprintf(b.out, format+"\n", args...)
}

// warmUpTime returns how long the clients call before the measurement of a turn begins.
func (b *bench) warmUpTime() time.Duration { return b.turn / 3 }

// clientCounts returns the numbers of clients with which to measure.
func (b *bench) clientCounts() []int {
	if b.Quick {
		return []int{1, 8}
	}
	return []int{1, 8, 32}
}

// loadAverage returns the load of the last minute, which only Linux reports. A high one makes results noisy.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
