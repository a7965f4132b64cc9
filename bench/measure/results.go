package measure

import (
	"math"
	"slices"
)

// Results are the measurements of all contenders, by name. For a name that was not measured they are NaN.
type Results struct{ entries []*entry }

// Ratio is the cost of one contender divided by that of another.
type Ratio struct {
	// Median is the median of the rounds.
	Median float64
	// Min and Max are the smallest and the largest ratio of a round.
	Min, Max float64
}

// Names returns the names of the contenders, in their order.
func (r *Results) Names() []string {
	names := make([]string, len(r.entries))
	for i, e := range r.entries {
		names[i] = e.Name
	}
	return names
}

// NS returns the nanoseconds of an operation, the median of the rounds.
func (r *Results) NS(name string) float64 { return median(r.roundTimes(name)) }

// Allocs returns the allocations of an operation, the mean of all rounds.
func (r *Results) Allocs(name string) float64 {
	e := r.findEntry(name)
	if e == nil {
		return math.NaN()
	}
	return float64(e.mallocs) / float64(e.operations)
}

// Ratio returns the time of one contender divided by that of another. With the name of a base, "" for none, the time of the
// base is subtracted from both.
func (r *Results) Ratio(of, to, base string) Ratio {
	ofs, tos, bases := r.roundTimes(of), r.roundTimes(to), make([]float64, len(r.roundTimes(of)))
	if base != "" {
		bases = r.roundTimes(base)
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

// findEntry returns the contender with this name, nil if there is none.
func (r *Results) findEntry(name string) *entry {
	for _, e := range r.entries {
		if e.Name == name {
			return e
		}
	}
	return nil
}

// roundTimes returns the nanoseconds of an operation in each round.
func (r *Results) roundTimes(name string) []float64 {
	if e := r.findEntry(name); e != nil {
		return e.rounds
	}
	return nil
}

// median returns the median of values, NaN if there are none.
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
