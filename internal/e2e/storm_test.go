package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

// maxWait is how long any answer may take: ten seconds of patience, and what a busy machine adds, or the race detector.
func maxWait() time.Duration {
	if testlevel.Race {
		return 30 * time.Second
	}
	return 20 * time.Second
}

// stormSlots limits how many storms use PostgreSQL at once: the pools of each take up to 34 of its connections.
var stormSlots = make(chan struct{}, 2)

// storm is a database that two processes of the program serve, what clients do to them, and what the tables say then.
type storm struct {
	*backend
	auth      *core.Auth // in the test's own process: its logins cost no password hash
	account   *account
	processes [2]atomic.Pointer[process]
	served    string // the DSN that the processes have
	web       *http.Client
	answered  chan struct{}
}

// newStorm serves a database with rotation and blacklisting and more settings, in the form of newBackend. With -short the test is skipped.
func newStorm(t *testing.T, settings, dsn string) *storm {
	t.Helper()
	return newStormThrough(t, settings, dsn, dsn)
}

// newStormThrough is newStorm with processes that reach the database by another DSN than the test.
func newStormThrough(t *testing.T, settings, dsn, served string) *storm {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: without a second process")
	}
	if !strings.HasPrefix(dsn, "sqlite://") {
		stormSlots <- struct{}{}
		t.Cleanup(func() { <-stormSlots })
	}
	s := &storm{backend: newBackend(t, rotating+settings, dsn), served: served, answered: make(chan struct{})}
	for i := range s.processes {
		s.startAgain(i)
	}
	s.web = newWebClient(t)
	s.account = s.addUser("alice")
	s.auth = s.newAuth(s.readSettings(), nil)
	return s
}

// startAgain starts the process i, at first or after it was killed.
func (s *storm) startAgain(i int) {
	s.t.Helper()
	s.processes[i].Store(s.startProcess("std", s.served))
}

// login starts a session and returns its refresh token. It costs no password hash.
func (s *storm) login() string {
	s.t.Helper()
	pair, err := s.auth.Login(s.t.Context(), s.account)
	if err != nil {
		s.t.Fatal(err)
	}
	return pair.Refresh
}

// readJTI returns the id of a token, which is that of the session that it starts.
func (s *storm) readJTI(token string) string {
	s.t.Helper()
	jti, _ := readClaims(s.t, token)["jti"].(string)
	return jti
}

// reply is an answer to a client in a storm.
type reply struct {
	status int    // 0 where there was none
	token  string // the new refresh token
	text   string
	took   time.Duration
}

func (r reply) String() string { return fmt.Sprintf("%d %s", r.status, r.text) }

// post sends a refresh token to the process i (of any number). It may be called from any goroutine.
func (s *storm) post(ctx context.Context, i int, path, token string) (out reply) {
	url := s.processes[i%len(s.processes)].Load().url + path
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(`{"refresh": "`+token+`"}`))
	if err != nil {
		return reply{text: err.Error()}
	}
	r.Header.Set("Content-Type", "application/json")
	start := time.Now()
	defer func() { out.took = time.Since(start) }()
	resp, err := s.web.Do(r)
	if err != nil {
		return reply{text: err.Error()}
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{text: err.Error()}
	}
	if resp.StatusCode != http.StatusOK {
		return reply{status: resp.StatusCode, text: string(data)}
	}
	var body struct{ Refresh string }
	if err := json.Unmarshal(data, &body); err != nil {
		return reply{text: err.Error()}
	}
	return reply{status: resp.StatusCode, token: body.Refresh}
}

// refresh sends a refresh, and reports the answer to await.
func (s *storm) refresh(ctx context.Context, i int, token string) reply {
	out := s.post(ctx, i, "/api/token/refresh/", token)
	select {
	case s.answered <- struct{}{}:
	default: // nobody waits for it
	}
	return out
}

// await waits for n more answers; a test that has failed may have no clients left to wait for.
func (s *storm) await(n int) {
	s.t.Helper()
	late := time.After(time.Minute)
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for got := 0; got < n; {
		select {
		case <-s.answered:
			got++
		case <-look.C:
			if s.t.Failed() {
				s.t.FailNow()
			}
		case <-late:
			s.t.Fatalf("%d of %d answers in a minute", got, n)
		}
	}
}

// refreshAtOnce sends n refreshes of one token at once, alternating between the two processes.
func (s *storm) refreshAtOnce(n int, token string) []reply {
	out := make([]reply, n)
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i := range out {
		wg.Go(func() {
			<-begin
			out[i] = s.refresh(s.t.Context(), i, token)
		})
	}
	close(begin)
	wg.Wait()
	return out
}

// record is a row of a session; reason is that of its blacklist row, or active.
type record struct{ jti, parent, reason string }

const active = "active"

// readRecords reads the rows of a session, oldest first.
func (s *storm) readRecords(session string) (out []record) {
	s.t.Helper()
	rows, err := s.pool.QueryContext(s.t.Context(), `SELECT o.jti, COALESCE(o.parent_jti, ''),
		CASE WHEN b.id IS NULL THEN '`+active+`' ELSE COALESCE(b.reason, 'none') END
		FROM token_blacklist_outstandingtoken o LEFT JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id
		WHERE o.session_id = '`+session+`' ORDER BY o.id`)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r record
		if err := rows.Scan(&r.jti, &r.parent, &r.reason); err != nil {
			s.t.Fatal(err)
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return out
}

// wantChain checks that each row of a session is the child of the one before, that all but the last were rotated, and
// that the last one is active. It returns the generation of each jti, from 0.
func (s *storm) wantChain(session string) map[string]int {
	s.t.Helper()
	generations := map[string]int{}
	records := s.readRecords(session)
	if len(records) == 0 {
		s.t.Errorf("session %s has no rows", session)
	}
	for i, r := range records {
		generations[r.jti] = i
		want := record{jti: r.jti, reason: "rotated"}
		if i > 0 {
			want.parent = records[i-1].jti
		}
		if i == len(records)-1 {
			want.reason = active
		}
		if r != want {
			s.t.Errorf("row %d of %d of session %s is %+v, want %+v", i+1, len(records), session, r, want)
			break
		}
	}
	return generations
}

// onBothDatabases runs a test on each.
func onBothDatabases(t *testing.T, test func(t *testing.T, newDSN func(*testing.T) string)) {
	t.Helper()
	t.Run("on SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, newSQLite)
	})
	t.Run("on PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, newPostgres)
	})
}
