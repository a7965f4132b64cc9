package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/pgtest"
)

// stormSlots bounds how many storms use PostgreSQL at once: the pools of each take up to 34 of its connections.
var stormSlots = make(chan struct{}, 2)

// storm is a database that two processes of the program serve, what clients do to them, and what the tables say then.
type storm struct {
	t         *testing.T
	srv       *target // the program in process, for logins without passwords and a look into the tables
	auth      *core.Auth
	account   Account
	processes [2]atomic.Pointer[process]
	served    string // the DSN that the processes are told
	web       *http.Client
	answered  chan struct{}
}

// newStorm serves a database with rotation and blacklisting and more settings, in the form of startOn.
func newStorm(t *testing.T, settings, dsn string) *storm {
	t.Helper()
	return newStormThrough(t, settings, dsn, dsn)
}

// newStormThrough is newStorm with processes that reach the database by another DSN than the test.
func newStormThrough(t *testing.T, settings, dsn, served string) *storm {
	t.Helper()
	if sqlitePath(dsn) == "" {
		stormSlots <- struct{}{}
		t.Cleanup(func() { <-stormSlots })
	}
	s := &storm{t: t, srv: startOn(t, rotating+settings, dsn).srv, served: served, answered: make(chan struct{})}
	pool := s.srv.DB()
	pool.SetMaxOpenConns(2)
	pool.SetMaxIdleConns(2)
	parsed, err := simplejwt.FromFile(simplejwt.Settings{}, s.srv.settings)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newApp(t.Context(), parsed, s.srv.db, true, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.auth = a.auth
	if err := s.srv.db.Take(&s.account).Error; err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	t.Cleanup(transport.CloseIdleConnections)
	s.web = &http.Client{Transport: transport, Timeout: time.Minute}
	for i := range s.processes {
		s.launch(i)
	}
	return s
}

// many is the number of rounds that makes a storm: all of them with STORM=full in the environment, else a part.
func many(rounds int) int {
	if os.Getenv("STORM") == "full" {
		return rounds
	}
	return (rounds + share - 1) / share
}

// launch starts the process i, or starts it again. It must end well, unless it is killed.
func (s *storm) launch(i int) {
	s.t.Helper()
	p := launch(s.t, s.t.TempDir(), nil, "serve", "-addr", "127.0.0.1:0", "-database", s.served, "-settings", s.srv.settings)
	s.processes[i].Store(p)
	s.t.Cleanup(func() {
		if err := p.stop(); err != nil && s.processes[i].Load() == p {
			s.t.Errorf("process %d ended with %v, want a clean end", i, err)
		}
	})
}

// login starts a session and returns its refresh token. It costs no password hash.
func (s *storm) login() string {
	s.t.Helper()
	pair, err := s.auth.Login(s.t.Context(), &s.account)
	if err != nil {
		s.t.Fatal(err)
	}
	return pair.Refresh
}

// jti is the id of a token, and of the session that begins with it.
func (s *storm) jti(token string) string {
	s.t.Helper()
	jti, _ := claims(s.t, token)["jti"].(string)
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

// refresh sends a refresh and tells await of the answer.
func (s *storm) refresh(ctx context.Context, i int, token string) reply {
	out := s.post(ctx, i, "/api/token/refresh/", token)
	select {
	case s.answered <- struct{}{}:
	default: // nobody awaits it
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

// herd sends n refreshes of one token at once, to the two processes by turns.
func (s *storm) herd(n int, token string) []reply {
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

// link is a row of a session's chain; reason is that of its blacklist row, or live.
type link struct{ jti, parent, reason string }

const live = "live"

// chain reads the rows of a session in the order of their birth.
func (s *storm) chain(session string) (out []link) {
	s.t.Helper()
	rows, err := s.srv.DB().QueryContext(s.t.Context(), `SELECT o.jti, COALESCE(o.parent_jti, ''),
		CASE WHEN b.id IS NULL THEN '`+live+`' ELSE COALESCE(b.reason, 'none') END
		FROM token_blacklist_outstandingtoken o LEFT JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id
		WHERE o.session_id = '`+session+`' ORDER BY o.id`)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var l link
		if err := rows.Scan(&l.jti, &l.parent, &l.reason); err != nil {
			s.t.Fatal(err)
		}
		out = append(out, l)
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return out
}

// wantChain checks that each row of a session is the child of the one before, that all but the last were rotated, and
// that the last one is live. It returns the generation of each jti.
func (s *storm) wantChain(session string) map[string]int {
	s.t.Helper()
	generations := map[string]int{}
	links := s.chain(session)
	if len(links) == 0 {
		s.t.Errorf("session %s has no rows", session)
	}
	for i, l := range links {
		generations[l.jti] = i
		want := link{jti: l.jti, reason: "rotated"}
		if i > 0 {
			want.parent = links[i-1].jti
		}
		if i == len(links)-1 {
			want.reason = live
		}
		if l != want {
			s.t.Errorf("row %d of %d of session %s is %+v, want %+v", i+1, len(links), session, l, want)
			break
		}
	}
	return generations
}

// onBothDatabases runs a test on each.
func onBothDatabases(t *testing.T, test func(t *testing.T, newDSN func(testing.TB) string)) {
	t.Helper()
	t.Run("on SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, sqliteDSN)
	})
	t.Run("on PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, pgtest.DSN)
	})
}

func sqliteDSN(t testing.TB) string { return "sqlite://" + filepath.Join(t.TempDir(), "storm.sqlite3") }
