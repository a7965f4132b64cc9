package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/pgtest"
	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

// hangups is a server and clients that hang up on it. The server is in process, where a test sees when it is done with a connection.
type hangups struct {
	*target
	t       *testing.T
	account Account
	addr    string

	dialled int
	mu      sync.Mutex
	closed  int // connections that the server is done with
}

func newHangups(t *testing.T, settings, dsn string) *hangups {
	t.Helper()
	h := &hangups{t: t, target: startTarget(t, "std", rotating+settings, dsn)}
	if err := h.db.Take(&h.account).Error; err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(h.Handler())
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.closed++
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	h.addr = server.Listener.Addr().String()
	return h
}

// waitForIdle waits until the server is done with every connection, and so with every request.
func (h *hangups) waitForIdle() {
	h.t.Helper()
	for range 20_000 {
		h.mu.Lock()
		closed := h.closed
		h.mu.Unlock()
		if closed == h.dialled {
			return
		}
		time.Sleep(time.Millisecond)
	}
	h.t.Fatal("a connection is open that its client has closed")
}

// hangUp sends the first bytes of a request, reads the first bytes of the answer if the request is complete, and hangs up.
func (h *hangups) hangUp(request string, sent, read int) {
	h.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(h.t.Context(), "tcp", h.addr)
	if err != nil {
		h.t.Fatal(err)
	}
	h.dialled++
	if _, err := conn.Write([]byte(request[:sent])); err != nil {
		h.t.Fatal(err)
	}
	if sent == len(request) && read > 0 {
		answer := bufio.NewReader(conn)
		for range read {
			if _, err := answer.ReadByte(); err != nil {
				break
			}
		}
	}
	if err := conn.Close(); err != nil {
		h.t.Fatal(err)
	}
	h.waitForIdle()
}

// login starts a session without a password.
func (h *hangups) login() core.Pair {
	h.t.Helper()
	pair, err := h.auth.Login(h.t.Context(), &h.account)
	if err != nil {
		h.t.Fatal(err)
	}
	return pair
}

// isActive reports whether the session of a refresh token has an active token.
func (h *hangups) isActive(raw string) bool {
	h.t.Helper()
	token, err := h.auth.Decode(raw)
	if err != nil {
		h.t.Fatal(err)
	}
	// One statement for all sessions: pgx would have to deallocate others, on a connection that a cancelled request has used.
	var active int
	err = h.DB().QueryRowContext(h.t.Context(), `SELECT count(*) FROM token_blacklist_outstandingtoken o
		LEFT JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id
		WHERE b.id IS NULL AND o.session_id = $1`, token.SessionID()).Scan(&active)
	if err != nil || active > 1 {
		h.t.Fatalf("%d tokens of a session are active, error %v", active, err)
	}
	return active == 1
}

// formatRequest writes a request as it is sent over the wire.
func formatRequest(method, path, access, body string) string {
	out := method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
	if access != "" {
		out += "Authorization: Bearer " + access + "\r\n"
	}
	if body != "" {
		out += "Content-Type: application/json\r\n"
	}
	return out + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

// hangupCase is a request, and the refresh token of a session: of the one that it ends, or else of one that must stay active.
type hangupCase struct {
	name    string
	ends    bool
	prepare func(h *hangups) (request, refresh string)
}

func listHangups() []hangupCase {
	remove := func(path func(h *hangups, target core.Pair) string) func(h *hangups) (string, string) {
		return func(h *hangups) (string, string) {
			asking, target := h.login(), h.login()
			return formatRequest("DELETE", path(h, target), asking.Access, ""), target.Refresh
		}
	}
	return []hangupCase{
		{"a logout", true, func(h *hangups) (string, string) {
			pair := h.login()
			return formatRequest("POST", "/api/token/blacklist/", "", `{"refresh": "`+pair.Refresh+`"}`), pair.Refresh
		}},
		{"the end of a session", true, remove(func(h *hangups, target core.Pair) string {
			token, err := h.auth.Decode(target.Refresh)
			if err != nil {
				h.t.Fatal(err)
			}
			return "/api/token/sessions/" + token.SessionID() + "/"
		})},
		{"the end of the other sessions", true, remove(func(*hangups, core.Pair) string { return "/api/token/sessions/others/" })},
		{"the end of all sessions", true, remove(func(*hangups, core.Pair) string { return "/api/token/sessions/" })},
		{"reuse", true, func(h *hangups) (string, string) {
			pair := h.login()
			next, _, err := h.auth.Refresh(h.t.Context(), pair.Refresh)
			if err != nil {
				h.t.Fatal(err)
			}
			time.Sleep(2 * time.Millisecond) // the grace period
			return formatRequest("POST", "/api/token/refresh/", "", `{"refresh": "`+pair.Refresh+`"}`), next.Refresh
		}},
		{"a change of the password", true, func(h *hangups) (string, string) {
			asking, other := h.login(), h.login()
			return formatRequest("POST", "/api/me/password/", asking.Access, `{"old_password": "correct horse", "new_password": "correct horse"}`), other.Refresh
		}},
		{"a refresh", false, func(h *hangups) (string, string) {
			pair := h.login()
			return formatRequest("POST", "/api/token/refresh/", "", `{"refresh": "`+pair.Refresh+`"}`), pair.Refresh
		}},
		{"a login", false, func(h *hangups) (string, string) {
			pair := h.login()
			return formatRequest("POST", "/api/token/", "", `{"username": "alice", "password": "correct horse"}`), pair.Refresh
		}},
		{"a list of sessions", false, func(h *hangups) (string, string) {
			pair := h.login()
			return formatRequest("GET", "/api/token/sessions/", pair.Access, ""), pair.Refresh
		}},
	}
}

// TestHangUp has clients hang up at every byte of requests and answers. A complete request that takes rights away takes effect, an
// incomplete one has none, no session is lost, and no connection leaks.
func TestHangUp(t *testing.T) {
	t.Parallel()
	testlevel.SkipUnlessFull(t)
	slots := make(chan struct{}, 2) // each case takes up to 16 connections
	for database, newDSN := range map[string]func(testing.TB) string{"on SQLite": newSQLite, "on PostgreSQL": pgtest.DSN} {
		for _, c := range listHangups() {
			t.Run(database+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				slots <- struct{}{}
				defer func() { <-slots }()
				grace := "1m"
				if c.name == "reuse" {
					grace = "1ms"
				}
				h := newHangups(t, `, "REUSE_DETECTION": true, "ROTATION_GRACE_PERIOD": "`+grace+`"`, newDSN(t))
				rounds := testlevel.Rounds(1000)
				for i := range rounds {
					h.runRound(c, i, rounds)
				}
				for range 1000 {
					if h.DB().Stats().InUse == 0 {
						break
					}
					time.Sleep(time.Millisecond)
				}
				if stats := h.DB().Stats(); stats.InUse > 0 {
					t.Errorf("%d connections of the database are in use", stats.InUse)
				}
			})
		}
	}
}

// runRound hangs up at the i-th of the places that divide request and answer. Most rounds send the whole request: the
// delicate moments come after that.
func (h *hangups) runRound(c hangupCase, i, rounds int) {
	h.t.Helper()
	request, refresh := c.prepare(h)
	const answerBytes = 400
	sent, read := len(request), 0
	switch part := i * 4 / rounds; part {
	case 0: // within the request
		sent = i * 4 * len(request) / rounds
	case 1, 2: // behind it, at once
	default: // within the answer
		read = 1 + (i*4-3*rounds)*answerBytes/rounds
	}
	h.hangUp(request, sent, read)
	complete := sent == len(request)
	active := h.isActive(refresh)
	what := fmt.Sprintf("hung up after %d of %d bytes, %d bytes of the answer", sent, len(request), read)
	switch {
	case c.ends && complete && active:
		h.t.Errorf("%s: the session is active", what)
	case !active && (!c.ends || !complete):
		h.t.Errorf("%s: the session is lost", what)
	}
	if strings.HasPrefix(c.name, "a refresh") {
		if _, _, err := h.auth.Refresh(h.t.Context(), refresh); err != nil {
			h.t.Errorf("%s: the next refresh of the client: %v", what, err)
		}
	}
}
