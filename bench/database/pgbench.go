package database

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/pgtest"
)

// pgbench sends the statement of a store.
type pgbench struct {
	program, folder, script, dsn string
	variables                    []string
}

// newPgbench writes the script. close removes it.
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

func (p *pgbench) close() { _ = os.RemoveAll(p.folder) }

var (
	progressLine  = regexp.MustCompile(`progress: ([\d.]+) s, ([\d.]+) tps`)
	processedLine = regexp.MustCompile(`number of transactions actually processed: (\d+)`)
	failedLine    = regexp.MustCompile(`number of failed transactions: (\d+)`)
	tpsLine       = regexp.MustCompile(`tps = ([\d.]+)`)
)

// run has clients rotate the chains of a label, and returns how many rotations there were, and how many a second were in
// d, which begins when warm is over.
func (p *pgbench) run(ctx context.Context, label string, clients int, warm, d time.Duration) (rotations int64, perSecond float64, err error) {
	seconds := max(2, int((warm+d+time.Second/2)/time.Second))
	args := []string{
		"--no-vacuum", "--protocol=prepared", "--file=" + p.script, "--progress=1", fmt.Sprintf("--time=%d", seconds),
		fmt.Sprintf("--client=%d", clients), fmt.Sprintf("--jobs=%d", min(2, clients)), "--define=label=" + label,
	}
	for _, one := range p.variables {
		args = append(args, "--define="+one)
	}
	out, err := exec.CommandContext(ctx, p.program, append(args, p.dsn)...).CombinedOutput() //nolint:gosec // PostgreSQL's own program
	if err != nil {
		return 0, 0, fmt.Errorf("pgbench: %w:\n%s", err, out)
	}
	processed, failed := processedLine.FindSubmatch(out), failedLine.FindSubmatch(out)
	tps := tpsLine.FindSubmatch(out)
	if processed == nil || tps == nil || failed != nil && string(failed[1]) != "0" {
		return 0, 0, fmt.Errorf("pgbench says:\n%s", out)
	}
	rotations, _ = strconv.ParseInt(string(processed[1]), 10, 64)
	if warm < time.Second {
		perSecond, err = strconv.ParseFloat(string(tps[1]), 64)
		return rotations, perSecond, err
	}
	return rotations, afterWarming(out, warm), nil
}

// afterWarming is the mean of pgbench's lines on its progress, but for those of the beginning.
func afterWarming(out []byte, warm time.Duration) float64 {
	var before, counted, transactions float64
	for _, line := range progressLine.FindAllSubmatch(out, -1) {
		at, _ := strconv.ParseFloat(string(line[1]), 64)
		tps, _ := strconv.ParseFloat(string(line[2]), 64)
		if before >= warm.Seconds()-0.1 {
			counted += at - before
			transactions += tps * (at - before)
		}
		before = at
	}
	if counted == 0 {
		return 0
	}
	return transactions / counted
}
