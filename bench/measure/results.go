package measure

import (
	"math"
	"slices"
)

// Results are what was measured. Contenders are asked for by name; one that was not measured has only NaN.
type Results struct{ entries []*entry }

// Ratio is how the cost of one thing relates to that of another.
type Ratio struct {
	// Median is that of the rounds.
	Median float64
	// Min and Max are the least and the greatest of the rounds.
	Min, Max float64
}

// Names are the names of the contenders, in their order.
func (r *Results) Names() []string {
	names := make([]string, len(r.entries))
	for i, e := range r.entries {
		names[i] = e.Name
	}
	return names
}

// NS is what an operation takes in nanoseconds, the median of the rounds.
func (r *Results) NS(name string) float64 { return median(r.ns(name)) }

// Allocs is how often an operation allocates, over all rounds.
func (r *Results) Allocs(name string) float64 {
	e := r.entry(name)
	if e == nil {
		return math.NaN()
	}
	return float64(e.mallocs) / float64(e.operations)
}

// Ratio is the time of one contender in terms of another's. With the name of a base, "" for none, it is the ratio of what
// both cost beyond that.
func (r *Results) Ratio(of, to, base string) Ratio {
	ofs, tos, bases := r.ns(of), r.ns(to), make([]float64, len(r.ns(of)))
	if base != "" {
		bases = r.ns(base)
	}
	ratios := make([]float64, min(len(ofs), len(tos), len(bases)))
	for i := range ratios {
		ratios[i] = (ofs[i] - bases[i]) / (tos[i] - bases[i])
	}
	if len(ratios) == 0 {
		return Ratio{math.NaN(), math.NaN(), math.NaN()}
	}
	return Ratio{Median: median(ratios), Min: slices.Min(ratios), Max: slices.Max(ratios)}
}

func (r *Results) entry(name string) *entry {
	for _, e := range r.entries {
		if e.Name == name {
			return e
		}
	}
	return nil
}

// ns is the time of an operation in each round.
func (r *Results) ns(name string) []float64 {
	if e := r.entry(name); e != nil {
		return e.rounds
	}
	return nil
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
