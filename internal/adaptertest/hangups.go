package adaptertest

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

func hangupCases[H, M any]() []testCase[H, M] {
	return []testCase[H, M]{{
		name: "what a client asked to end ends though it hangs up",
		rule: "a thief who has the session could otherwise keep it by closing the connection, at any step of the request",
		run:  (*env[H, M]).checkHangups,
	}}
}

// connection is the connection of a client that hangs up before a call of the store or the users, counted from 1.
type connection struct {
	calls    atomic.Int32
	hangUpAt int32
	hangUp   context.CancelFunc
}

// countCall counts a call, and returns the error of a context that has ended, as a driver does.
func (l *connection) countCall(ctx context.Context) error {
	if l.calls.Add(1) == l.hangUpAt {
		l.hangUp()
	}
	return ctx.Err()
}

// hangupUsers are users that are asked over such a connection.
type hangupUsers struct {
	*memstore.Users
	conn *connection
}

func (u hangupUsers) ByField(ctx context.Context, field, value string) (simplejwt.User, error) {
	if err := u.conn.countCall(ctx); err != nil {
		return nil, err
	}
	return u.Users.ByField(ctx, field, value)
}

// hangupStore is a store that is asked over such a connection, by the calls that the end of a session makes.
type hangupStore struct {
	core.Store
	conn *connection
}

func (s hangupStore) State(ctx context.Context, jti, sid string) (core.SessionState, error) {
	if err := s.conn.countCall(ctx); err != nil {
		return core.SessionState{}, err
	}
	return s.Store.State(ctx, jti, sid)
}

func (s hangupStore) IsBlacklisted(ctx context.Context, jti string) (owner *string, blacklisted bool, err error) {
	if err := s.conn.countCall(ctx); err != nil {
		return nil, false, err
	}
	return s.Store.IsBlacklisted(ctx, jti)
}

func (s hangupStore) Blacklist(ctx context.Context, jti string, owner *string, reason core.Reason, now time.Time) (found, won bool, err error) {
	if err := s.conn.countCall(ctx); err != nil {
		return false, false, err
	}
	return s.Store.Blacklist(ctx, jti, owner, reason, now)
}

func (s hangupStore) Revoke(ctx context.Context, scope core.Scope, reason core.Reason, now time.Time) (int, error) {
	if err := s.conn.countCall(ctx); err != nil {
		return 0, err
	}
	return s.Store.Revoke(ctx, scope, reason, now)
}

// checkHangups repeats each request and lets the client hang up before its first call of store or users, then before the second, and so
// on, until the request ends before the client does. What it asked for must have happened each time.
func (e *env[H, M]) checkHangups() {
	for name, c := range map[string]struct {
		method, path string // {id} is the session that is to end
		byCookie     bool
		header, body func(mine, other core.Pair) string
		own          bool // the session that asks ends too
		other        bool // and the user's other one
	}{
		"the end of all sessions":         {"DELETE", "sessions/", false, sendBearer, sendEmptyObject, true, true},
		"the end of the others":           {"DELETE", "sessions/others/", false, sendBearer, sendEmptyObject, false, true},
		"the end of one":                  {"DELETE", "sessions/{id}/", false, sendBearer, sendEmptyObject, false, true},
		"the end of all, by cookie":       {"DELETE", "sessions/", true, sendBothCookies, sendEmptyObject, true, true},
		"a logout":                        {"POST", "blacklist/", false, sendNoHeader, func(mine, _ core.Pair) string { return encodeObject("refresh", mine.Refresh) }, true, false},
		"a logout by cookie":              {"POST", "blacklist/", true, sendBothCookies, sendEmptyObject, true, false},
		"a logout by the access token":    {"POST", "blacklist/", true, func(mine, _ core.Pair) string { return pairCookies(mine.Access, "") }, sendEmptyObject, true, false},
		"a logout by those of two":        {"POST", "blacklist/", true, func(mine, other core.Pair) string { return pairCookies(mine.Access, other.Refresh) }, sendEmptyObject, true, true},
		"a login over the cookies of one": {"POST", "", true, sendBothCookies, func(core.Pair, core.Pair) string { return credentials }, true, false},
	} {
		for hangUpAt := int32(0); ; hangUpAt++ { // 0: before the first call
			ctx, hangUp := context.WithCancel(e.Context())
			l := &connection{hangUpAt: hangUpAt, hangUp: hangUp}
			change := func(s *simplejwt.Settings, d *core.Deps) {
				s.AuthCookie, d.Users, d.Store = c.byCookie, hangupUsers{e.users, l}, hangupStore{e.store, l}
			}
			app := e.newApp(e.newAuth(change))
			mine, other := e.loginPair(e.alice), e.loginPair(e.alice)
			path := strings.ReplaceAll("/api/token/"+c.path, "{id}", e.readSessionID(other.Access))
			r := httptest.NewRequestWithContext(ctx, c.method, path, strings.NewReader(c.body(mine, other)))
			r.Header.Set("Content-Type", jsonType)
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			r.Header.Set(map[bool]string{true: "Cookie", false: "Authorization"}[c.byCookie], c.header(mine, other))
			if hangUpAt == 0 && c.path != "" { // a login, which grants rights, may end with its client
				hangUp()
			}
			w := httptest.NewRecorder()
			app.ServeHTTP(w, r)
			hangUp()
			if w.Code >= 300 {
				e.Errorf("%s, client gone at call %d: %d %s", name, hangUpAt, w.Code, w.Body)
			}
			e.wantActive(name, map[string]bool{mine.Access: !c.own, other.Access: !c.other})
			if hangUpAt > l.calls.Load() {
				break
			}
			for _, user := range []*memstore.Account{e.alice, e.bob} {
				if err := e.auth.RevokeUser(e.Context(), user.ID, core.ReasonAdmin); err != nil {
					e.Fatal(err)
				}
			}
		}
	}
}

func sendNoHeader(core.Pair, core.Pair) string    { return "" }
func sendEmptyObject(core.Pair, core.Pair) string { return "{}" }

func sendBearer(mine, _ core.Pair) string      { return "Bearer " + mine.Access }
func sendBothCookies(mine, _ core.Pair) string { return pairCookies(mine.Access, mine.Refresh) }
