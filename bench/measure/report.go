package measure

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
)

// Table is a set of contenders that are measured and printed together.
type Table struct {
	// Title is a line that names the table.
	Title string
	// Note is a line that says what the ratio means.
	Note string
	// Contenders are what is measured, in the order of the lines.
	Contenders []Contender
	// Reference is the name of the contender whose ratio is 1.
	Reference string
	// Base is the name of a contender whose cost all others include: ratios are those of the costs beyond it. "" means none.
	Base string
	// Targets are limits of the ratios.
	Targets []Target
}

// Target is a limit, whose result is printed as ok or over.
type Target struct {
	// Of and To are the names of contenders: the ratio of their times is limited.
	Of, To string
	// AtMost is the limit.
	AtMost float64
	// Allocs limits the allocations of Of less those of To, instead of the ratio.
	Allocs bool
	// Words explain the limit. "" means none.
	Words string
}

// Report measures and prints tables, and counts the targets that were met. It must not be used by several goroutines.
type Report struct {
	out      io.Writer
	o        Options
	ok, over int
}

// NewReport returns a report that measures as the options say and prints to out.
func NewReport(out io.Writer, o Options) *Report { return &Report{out: out, o: o} }

// Table measures and prints a table. Errors: those of Run and of writing.
func (r *Report) Table(ctx context.Context, t Table) error {
	results, err := Run(ctx, r.o, t.Contenders...)
	if err != nil {
		return fmt.Errorf("%s: %w", t.Title, err)
	}
	return r.printTable(t, results)
}

// printTable prints a table. The tabwriter keeps the first error of writing, and Flush returns it.
func (r *Report) printTable(t Table, results *Results) error {
	w := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\n%s\n%s\n", t.Title, t.Note)
	over := ""
	if t.Base != "" {
		over = "beyond\t"
	}
	fmt.Fprintf(w, "  contender\tns/op\t%sallocs/op\tratio\tmin..max\n", over)
	for _, name := range results.Names() {
		ns := results.NS(name)
		fmt.Fprintf(w, "  %s\t%.0f\t", name, ns)
		if t.Base != "" {
			fmt.Fprintf(w, "%.0f\t", ns-results.NS(t.Base))
		}
		fmt.Fprintf(w, "%.1f\t", results.Allocs(name))
		if name == t.Base {
			fmt.Fprint(w, "-\t-\n")
			continue
		}
		ratio := results.Ratio(name, t.Reference, t.Base)
		fmt.Fprintf(w, "%.3f\t%.3f..%.3f\n", ratio.Median, ratio.Min, ratio.Max)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, target := range t.Targets {
		r.printTarget(w, target, results, t.Base)
	}
	return w.Flush()
}

// printTarget prints a target and whether it was met.
func (r *Report) printTarget(w io.Writer, t Target, results *Results, base string) {
	words := ""
	if t.Words != "" {
		words = "  (" + t.Words + ")"
	}
	if t.Allocs {
		more := results.Allocs(t.Of) - results.Allocs(t.To)
		fmt.Fprintf(w, "  target: allocations, %s less %s\t%.1f\t<= %g\t%s%s\n", t.Of, t.To, more, t.AtMost, r.countTarget(more, t.AtMost), words)
		return
	}
	ratio := results.Ratio(t.Of, t.To, base).Median
	fmt.Fprintf(w, "  target: %s / %s\t%.3f\t<= %.3f\t%s%s\n", t.Of, t.To, ratio, t.AtMost, r.countTarget(ratio, t.AtMost), words)
}

// Value prints a value that was measured by other means, and whether it is within its limit.
func (r *Report) Value(title, note string, value, atMost float64) error {
	_, err := fmt.Fprintf(r.out, "\n%s\n%s\n  %.2f  target: <= %g  %s\n", title, note, value, atMost, r.countTarget(value, atMost))
	return err
}

// Summary prints how many targets of this report were met.
func (r *Report) Summary() error {
	_, err := fmt.Fprintf(r.out, "\ntargets: %d ok, %d over\n", r.ok, r.over)
	return err
}

// countTarget counts a target as ok or over, and returns that word. NaN, for what was not measured, is over.
func (r *Report) countTarget(value, atMost float64) string {
	if value <= atMost {
		r.ok++
		return "ok"
	}
	r.over++
	return "over"
}
