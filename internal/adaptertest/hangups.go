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
		rule: "a thief who holds the session could cut the request otherwise, at any step of it",
		run:  (*env[H, M]).hangups,
	}}
}

// line is the connection of a client that hangs up before a call of the store or the users, counted from 1.
type line struct {
	calls  atomic.Int32
	cutAt  int32
	hangUp context.CancelFunc
}

// pass counts a call, and returns the error of a context that has ended, as a driver does.
func (l *line) pass(ctx context.Context) error {
	if l.calls.Add(1) == l.cutAt {
		l.hangUp()
	}
	return ctx.Err()
}

// cutUsers are users that are asked over a line.
type cutUsers struct {
	*memstore.Users
	line *line
}

func (u cutUsers) ByField(ctx context.Context, field, value string) (simplejwt.User, error) {
	if err := u.line.pass(ctx); err != nil {
		return nil, err
	}
	return u.Users.ByField(ctx, field, value)
}

// cutStore is a store that is asked over a line, by the calls that the end of a session makes.
type cutStore struct {
	core.Store
	line *line
}

func (s cutStore) State(ctx context.Context, jti, sid string) (core.SessionState, error) {
	if err := s.line.pass(ctx); err != nil {
		return core.SessionState{}, err
	}
	return s.Store.State(ctx, jti, sid)
}

func (s cutStore) IsBlacklisted(ctx context.Context, jti string) (owner *string, blacklisted bool, err error) {
	if err := s.line.pass(ctx); err != nil {
		return nil, false, err
	}
	return s.Store.IsBlacklisted(ctx, jti)
}

func (s cutStore) Blacklist(ctx context.Context, jti string, owner *string, reason core.Reason, now time.Time) (found, won bool, err error) {
	if err := s.line.pass(ctx); err != nil {
		return false, false, err
	}
	return s.Store.Blacklist(ctx, jti, owner, reason, now)
}

func (s cutStore) Revoke(ctx context.Context, scope core.Scope, reason core.Reason, now time.Time) (int, error) {
	if err := s.line.pass(ctx); err != nil {
		return 0, err
	}
	return s.Store.Revoke(ctx, scope, reason, now)
}

func (e *env[H, M]) hangups() {
	for name, c := range map[string]struct {
		method, path string // {id} is the session that is to end
		byCookie     bool
		header, body func(mine, other core.Pair) string
		own          bool // the session that asks ends too
		other        bool // and the user's other one
	}{
		"the end of all sessions":         {"DELETE", "sessions/", false, bearer, empty, true, true},
		"the end of the others":           {"DELETE", "sessions/others/", false, bearer, empty, false, true},
		"the end of one":                  {"DELETE", "sessions/{id}/", false, bearer, empty, false, true},
		"the end of all, by cookie":       {"DELETE", "sessions/", true, bothCookies, empty, true, true},
		"a logout":                        {"POST", "blacklist/", false, none, func(mine, _ core.Pair) string { return object("refresh", mine.Refresh) }, true, false},
		"a logout by cookie":              {"POST", "blacklist/", true, bothCookies, empty, true, false},
		"a logout by the access token":    {"POST", "blacklist/", true, func(mine, _ core.Pair) string { return pairCookies(mine.Access, "") }, empty, true, false},
		"a logout by those of two":        {"POST", "blacklist/", true, func(mine, other core.Pair) string { return pairCookies(mine.Access, other.Refresh) }, empty, true, true},
		"a login over the cookies of one": {"POST", "", true, bothCookies, func(core.Pair, core.Pair) string { return credentials }, true, false},
	} {
		for cutAt := int32(0); ; cutAt++ { // 0: before the first call
			ctx, hangUp := context.WithCancel(e.Context())
			l := &line{cutAt: cutAt, hangUp: hangUp}
			change := func(s *simplejwt.Settings, d *core.Deps) {
				s.AuthCookie, d.Users, d.Store = c.byCookie, cutUsers{e.users, l}, cutStore{e.store, l}
			}
			app := e.app(e.newAuth(change))
			mine, other := e.login(e.alice), e.login(e.alice)
			path := strings.ReplaceAll("/api/token/"+c.path, "{id}", e.session(other.Access))
			r := httptest.NewRequestWithContext(ctx, c.method, path, strings.NewReader(c.body(mine, other)))
			r.Header.Set("Content-Type", jsonType)
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			r.Header.Set(map[bool]string{true: "Cookie", false: "Authorization"}[c.byCookie], c.header(mine, other))
			if cutAt == 0 && c.path != "" { // a login, which gives rights, may be cut
				hangUp()
			}
			w := httptest.NewRecorder()
			app.ServeHTTP(w, r)
			hangUp()
			if w.Code >= 300 {
				e.Errorf("%s, cut at call %d: %d %s", name, cutAt, w.Code, w.Body)
			}
			e.wantActive(name, map[string]bool{mine.Access: !c.own, other.Access: !c.other})
			if cutAt > l.calls.Load() {
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

func none(core.Pair, core.Pair) string  { return "" }
func empty(core.Pair, core.Pair) string { return "{}" }

func bearer(mine, _ core.Pair) string      { return "Bearer " + mine.Access }
func bothCookies(mine, _ core.Pair) string { return pairCookies(mine.Access, mine.Refresh) }
