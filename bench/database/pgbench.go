package database

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/pgtest"
)

// pgbench runs the program of that name with the statement of a store.
type pgbench struct {
	program, folder, script, dsn string
	variables                    []string // as name=value
}

// newPgbench writes the script into a folder, which close removes. Errors: exec.ErrNotFound without the program.
func newPgbench(s *statement, dsn string) (*pgbench, error) {
	program, err := pgtest.Program("pgbench")
	if err != nil {
		return nil, err
	}
	script, variables, err := s.forPgbench()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "simplejwt-pgbench-")
	if err != nil {
		return nil, err
	}
	p := &pgbench{program: program, folder: folder, script: filepath.Join(folder, "rotate.sql"), dsn: dsn, variables: variables}
	if err := os.WriteFile(p.script, []byte(script), 0o600); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// close removes the script and the logs.
func (p *pgbench) close() { _ = os.RemoveAll(p.folder) }

// What pgbench prints at its end.
var (
	processedLine = regexp.MustCompile(`number of transactions actually processed: (\d+)`)
	failedLine    = regexp.MustCompile(`number of failed transactions: (\d+)`)
)

// runClients lets clients rotate the chains of a label. It returns the number of all rotations, and the outcome of those in
// d, which begins when warm is over.
func (p *pgbench) runClients(ctx context.Context, label string, clients int, warm, d time.Duration) (rotations int64, o outcome, err error) {
	prefix := filepath.Join(p.folder, "log")
	// The time of pgbench includes connecting, which takes long on a busy machine.
	connecting := 2*time.Second + time.Duration(clients)*100*time.Millisecond
	// A prepared statement is what the store sends too. One thread can drive many clients.
	args := []string{
		"--no-vacuum", "--protocol=prepared", "--file=" + p.script, "--log", "--log-prefix=" + prefix,
		fmt.Sprintf("--time=%.0f", math.Ceil((warm + d + connecting).Seconds())),
		fmt.Sprintf("--client=%d", clients), fmt.Sprintf("--jobs=%d", min(2, clients)), "--define=label=" + label,
	}
	for _, one := range p.variables {
		args = append(args, "--define="+one)
	}
	out, err := exec.CommandContext(ctx, p.program, append(args, p.dsn)...).CombinedOutput() //nolint:gosec // PostgreSQL's own program
	if err != nil {
		return 0, o, fmt.Errorf("pgbench: %w:\n%s", err, out)
	}
	processed, failed := processedLine.FindSubmatch(out), failedLine.FindSubmatch(out)
	if processed == nil || failed != nil && string(failed[1]) != "0" {
		// A failed transaction would have been counted as a rotation.
		return 0, o, fmt.Errorf("pgbench printed:\n%s", out)
	}
	all, err := readLogs(prefix)
	if err != nil {
		return 0, o, err
	}
	if o = afterWarmUp(all, warm, d); len(o.took) == 0 {
		return 0, o, fmt.Errorf("pgbench ended before it was warm:\n%s", out)
	}
	rotations, err = strconv.ParseInt(string(processed[1]), 10, 64)
	return rotations, o, err
}

// answer is a transaction in the log of pgbench.
type answer struct {
	took time.Duration
	at   time.Time // when it ended
}

// readLogs reads the logs, one for each thread, and removes them.
func readLogs(prefix string) ([]answer, error) {
	files, err := filepath.Glob(prefix + "*")
	if err != nil {
		return nil, err
	}
	var all []answer
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			var client, number, script int
			var took, seconds, micros int64
			if _, err := fmt.Sscan(line, &client, &number, &took, &script, &seconds, &micros); err != nil {
				return nil, fmt.Errorf("pgbench logs %q: %w", line, err)
			}
			all = append(all, answer{time.Duration(took) * time.Microsecond, time.Unix(seconds, micros*1000)})
		}
		if err := os.Remove(file); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// afterWarmUp returns the outcome of the transactions that ended in d, which begins warm after the first one. If pgbench
// ended earlier, d is shorter.
func afterWarmUp(all []answer, warm, d time.Duration) outcome {
	var o outcome
	if len(all) == 0 {
		return o
	}
	// The logs of several threads are not in order of time.
	began, ended := all[0].at, all[0].at
	for _, one := range all {
		if start := one.at.Add(-one.took); start.Before(began) {
			began = start
		}
		if one.at.After(ended) {
			ended = one.at
		}
	}
	for _, one := range all {
		if since := one.at.Sub(began); since >= warm && since < warm+d {
			o.took = append(o.took, one.took)
		}
	}
	slices.Sort(o.took)
	o.elapsed = min(d, ended.Sub(began)-warm)
	return o
}
