package measure

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newEntry returns a contender whose operations took so many nanoseconds in each round.
func newEntry(name string, mallocs uint64, ns ...float64) *entry {
	return &entry{Contender: Contender{Name: name}, rounds: ns, operations: 10, mallocs: 10 * mallocs}
}

func TestResults_Ratio(t *testing.T) {
	t.Parallel()
	r := &Results{[]*entry{newEntry("bare", 1, 10, 100, 1000), newEntry("ours", 3, 20, 300, 2000), newEntry("peer", 9, 30, 300, 5000)}}
	for name, c := range map[string]struct{ got, want Ratio }{
		"it may be of the whole":  {r.Ratio("ours", "peer", ""), Ratio{20. / 30, 0.4, 1}},
		"it may be beyond a base": {r.Ratio("ours", "peer", "bare"), Ratio{0.5, 0.25, 1}},
		"to itself it is 1":       {r.Ratio("peer", "peer", "bare"), Ratio{1, 1, 1}},
		"it may be more than 1":   {r.Ratio("peer", "bare", ""), Ratio{3, 3, 5}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, c.got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReport_Table(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	r := NewReport(&out, Options{})
	err := r.printTable(Table{
		Title: "middleware", Note: "ratio of what is beyond bare", Reference: "peer", Base: "bare",
		Targets: []Target{{Of: "ours", To: "peer", AtMost: 0.4, Words: "little"}, {Of: "ours", To: "bare", AtMost: 16, Allocs: true},
			{Of: "nobody", To: "peer", AtMost: 1}},
	}, &Results{[]*entry{newEntry("bare", 1, 10, 10), newEntry("ours", 3, 20, 30), newEntry("peer", 9, 40, 40)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Value("memory", "in MiB", 40, 32); err != nil {
		t.Fatal(err)
	}
	if err := r.Summary(); err != nil {
		t.Fatal(err)
	}
	want := `
middleware
ratio of what is beyond bare
  contender  ns/op  beyond  allocs/op  ratio  min..max
  bare       10     0       1.0        -      -
  ours       25     15      3.0        0.500  0.333..0.667
  peer       40     30      9.0        1.000  1.000..1.000
  target: ours / peer                  0.500  <= 0.400  over  (little)
  target: allocations, ours less bare  2.0    <= 16     ok
  target: nobody / peer                NaN    <= 1.000  over

memory
in MiB
  40.00  target: <= 32  over

targets: 1 ok, 3 over
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	slow := Each("slow", func() error { time.Sleep(20 * time.Millisecond); return nil })
	fast := Each("fast", func() error { time.Sleep(time.Millisecond); return nil })
	results, err := Run(t.Context(), Options{Quick: true}, slow, fast)
	if err != nil {
		t.Fatal(err)
	}
	if ratio := results.Ratio("fast", "slow", ""); !(ratio.Median < 1) {
		t.Errorf("ratio %v, want less than 1", ratio)
	}
}

func TestRun_FirstError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	if _, err := Run(t.Context(), Options{Quick: true}, Each("one", func() error { return broken })); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	pause := Each("one", func() error { time.Sleep(time.Millisecond); return nil })
	if _, err := Run(ctx, Options{}, pause); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}
