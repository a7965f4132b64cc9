package database

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/pgtest"
	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func TestRun(t *testing.T) {
	t.Parallel()
	wanted := map[string][]string{
		partRotate: {"is 1.00 round trips and 1.00 transactions", "Store.Rotate", "pgbench", ">= 0.7"},
		partRows:   {"by time", "random", "<= 1.25"},
		partFlush:  {"saturating", "half of that", "<= 2 ", "<= 250 "},
		partSQLite: {"modernc.org/sqlite", "<= 0 ok", "<= 50 "},
	}
	var out bytes.Buffer
	if err := Run(t.Context(), &out, Options{Quick: true}); err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
	for _, part := range []string{partRotate, partRows, partFlush, partSQLite} {
		t.Run(part, func(t *testing.T) {
			if _, err := pgtest.Program("pgbench"); part != partSQLite && err != nil {
				testlevel.SkipMissing(t, "PostgreSQL with pgbench")
			}
			_, said, found := strings.Cut(out.String(), "\ndatabase "+part+", ")
			if !found {
				t.Fatal("it was not measured")
			}
			said, _, _ = strings.Cut(said, "\ndatabase ")
			for _, word := range wanted[part] {
				if !strings.Contains(said, word) {
					t.Errorf("nothing of %q", word)
				}
			}
		})
	}
}

func TestRun_Parts(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := Run(t.Context(), &out, Options{Quick: true, Parts: []string{"another"}}); err != nil || out.Len() > 0 {
		t.Errorf("it said %q, error %v", &out, err)
	}
}

func TestStatement_ForPgbench(t *testing.T) {
	t.Parallel()
	r := newRotation("old", "its session", "new")
	r.ActiveAfter = r.Now.Add(-time.Minute)
	agent := r.Device.UserAgent
	s := &statement{sql: "SELECT $1, $2::text, $3, $4, $5, $1, $6, $7, $8"}
	for _, value := range []any{r.JTI, r.NewJTI, &r.SessionID, r.Now, r.ExpiresAt, (*string)(nil), &agent, r.ActiveAfter} {
		s.params = append(s.params, recognizeParam(value, r))
	}

	script, variables, err := s.forPgbench()
	if err != nil {
		t.Fatal(err)
	}
	old := jtiSQL(":presented")
	want := "SELECT " + old + ", " + jtiSQL(":n") + "::text, " + jtiSQL("0") + ", :now, :expires_at, " + old + ", NULL, :p7, :active_after;\n"
	if !strings.HasSuffix(script, want) {
		t.Errorf("got\n%s\nwant at its end\n%s", script, want)
	}
	if !slices.Contains(variables, "p7="+agent) {
		t.Errorf("the variables are %q", variables)
	}
	next := core.Rotation{JTI: "2", NewJTI: "3"}
	if args := s.bindParams(next); args[0] != "2" || args[1] != "3" || args[5] != nil || args[6] != agent {
		t.Errorf("the parameters of another rotation are %v", args)
	}
	if text, order := s.forGORM(); strings.Count(text, "?") != 9 || order[5] != 0 {
		t.Errorf("for GORM it is %s of %v", text, order)
	}
}

func TestPgbench_AfterWarmUp(t *testing.T) {
	t.Parallel()
	began := time.Unix(1, 0)
	var all []answer
	for _, end := range []int{1, 2, 10, 12, 15, 18} {
		all = append(all, answer{time.Second, began.Add(time.Duration(end) * time.Second)})
	}
	for d, want := range map[int]float64{4: 2. / 4, 7: 3. / 7, 100: 4. / 8} { // it ended 8 seconds after that
		if o := afterWarmUp(all, 10*time.Second, time.Duration(d)*time.Second); o.perSecond() != want || o.percentile(1) != time.Second {
			t.Errorf("in %d s: got %v, %v a second", d, o.took, o.perSecond())
		}
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	for want, of := range map[float64][]float64{0: nil, 2: {3, 1, 2}, 2.5: {4, 1, 2, 3}} {
		if got := median(of); got != want {
			t.Errorf("median of %v: got %v, want %v", of, got, want)
		}
	}
}

func TestStopwatch(t *testing.T) {
	t.Parallel()
	if _, err := pgtest.Program("postgres"); err != nil {
		testlevel.SkipMissing(t, "PostgreSQL")
	}
	var watch stopwatch
	db, pool, err := openPostgres(pgtest.DSN(t), 1, watch.traceTransactions)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	before := len(watch.took)
	if err := db.Exec("SELECT pg_sleep(0.01)").Error; err != nil { // in a transaction of GORM's
		t.Fatal(err)
	}
	if took := watch.took[before:]; len(took) != 1 || took[0] < 10*time.Millisecond {
		t.Errorf("the transactions took %v", took)
	}
}
