package database

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// table prints lines with aligned columns.
type table struct {
	w       *tabwriter.Writer
	columns int
}

// newTable returns a table with these columns. printTable prints it.
func newTable(out io.Writer, columns ...string) *table {
	t := &table{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0), len(columns)}
	t.addRow(columns...)
	return t
}

// addRow adds a line. Missing cells are empty.
func (t *table) addRow(cells ...string) {
	cells = append(cells, make([]string, t.columns-len(cells))...)
	_, _ = fmt.Fprintln(t.w, strings.Join(cells, "\t"))
}

// printTable prints all lines.
func (t *table) printTable() { _ = t.w.Flush() }

// median returns the median of numbers, 0 if there are none.
func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// divideEach returns the ratio of each round.
func divideEach(of, to []float64) []float64 {
	out := make([]float64, min(len(of), len(to)))
	for i := range out {
		out[i] = of[i] / to[i]
	}
	return out
}

// atLeast and atMost return a target and whether it is met.
func atLeast(got, want float64) string { return formatTarget(got >= want, ">=", want) }
func atMost(got, want float64) string  { return formatTarget(got <= want, "<=", want) }

// formatTarget returns a target such as ">= 0.7 ok". A target that is not met is "over", also for a lower limit.
func formatTarget(met bool, sign string, want float64) string {
	word := "over"
	if met {
		word = "ok"
	}
	return fmt.Sprintf("%s %.4g %s", sign, want, word)
}

// formatNumber and formatRatio return a number without and with two decimals.
func formatNumber(n float64) string { return fmt.Sprintf("%.0f", n) }

func formatRatio(n float64) string { return fmt.Sprintf("%.2f", n) }

// formatDuration and formatMilliseconds return a time in milliseconds, which is what a rotation takes.
func formatDuration(d time.Duration) string { return formatMilliseconds(d.Seconds()) }

func formatMilliseconds(seconds float64) string { return fmt.Sprintf("%.2f ms", seconds*1000) }
