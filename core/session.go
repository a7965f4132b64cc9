package core

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/go-simplejwt/simplejwt"
)

// Session is a login that goes on, for its user or an administrator to see.
type Session struct {
	// ID is the sid of its tokens.
	ID string `json:"id"`
	// Device is where it was last seen. The name is the one it was given last.
	Device
	// StartedAt is the time of the login; zero, and left out of JSON, where it is unknown.
	StartedAt time.Time `json:"started_at,omitzero"`
	// LastRefreshedAt is the time of the last refresh that rotated, else of the login. A sliding refresh is not on record.
	LastRefreshedAt time.Time `json:"last_refreshed_at,omitzero"`
	// ExpiresAt is when the session ends unless it is refreshed.
	ExpiresAt time.Time `json:"expires_at"`
}

// Sessions are the sessions of a user, by primary key, that go on: the one that began last first, at most MaxSessions of
// them, never nil. Without a store, and for a user who is not there, there are none. Errors: 503.
func (a *Auth) Sessions(ctx context.Context, userID string) ([]Session, error) {
	out := []Session{}
	if userID == "" || !a.recorded() {
		return out, nil
	}
	now := a.now()
	askCtx, cancel := ask(ctx)
	defer cancel()
	heads, err := a.d.Store.Sessions(askCtx, userID, now)
	if err != nil {
		return nil, a.trouble(ctx, "look up sessions", err)
	}
	for _, h := range heads {
		if a.over(now, &TokenState{OutstandingToken: h}) {
			continue // by a SESSION_LIFETIME that its rows do not know of
		}
		s := Session{ID: h.Session(), Device: h.Device, StartedAt: h.SessionStartedAt, LastRefreshedAt: h.CreatedAt, ExpiresAt: h.ExpiresAt}
		if s.StartedAt.IsZero() && h.SessionID == "" { // Django's: each of its rows is a session
			s.StartedAt = h.CreatedAt
		}
		if end := a.sessionEnd(h); !end.IsZero() && end.Before(s.ExpiresAt) {
			s.ExpiresAt = end
		}
		out = append(out, s)
	}
	return out, nil
}

// limitSessions is MAX_SESSIONS_PER_USER. It is asked once a login is on record. Of any number of logins at once the last
// one to ask sees all of them, so that none of their answers leaves one too many behind.
func (a *Auth) limitSessions(ctx context.Context, t *Token, user simplejwt.User) error {
	if a.s.MaxSessionsPerUser == 0 || (t.class != a.refresh && t.class != a.sliding) {
		return nil
	}
	s := Scope{UserID: user.AuthID(), ExceptNewest: a.s.MaxSessionsPerUser, AliveAfter: a.now().Add(-a.s.Leeway)}
	n, err := a.sweep(ctx, s, ReasonLimit)
	if err == nil && n > 0 {
		a.revoked(ctx, s, ReasonLimit, n)
	}
	return err
}

// checkSession is CHECK_SESSION: it refuses a token whose session has ended, or that names none.
func (a *Auth) checkSession(ctx context.Context, t *Token) error {
	sid := t.Session()
	if sid == "" {
		return errSessionEnded
	}
	epoch, believed := a.seen.alive(sid, t.now)
	if believed {
		return nil
	}
	state, err := a.state(ctx, "", sid)
	if err != nil {
		return err
	}
	if state.Head == nil || a.over(t.now, state.Head) {
		return errSessionEnded
	}
	until := t.now.Add(a.s.CheckSessionCacheTimeout)
	for _, end := range []time.Time{state.Head.ExpiresAt, a.sessionEnd(state.Head.OutstandingToken)} {
		if !end.IsZero() && end.Before(until) {
			until = end
		}
	}
	a.seen.note(sid, until, epoch)
	return nil
}

// RenewSession gives a session of refresh tokens that goes on a new pair, with all claims made anew from the user. The
// refresh token it had is consumed with ReasonRenewed: there is no grace for it. Without BLACKLIST_AFTER_ROTATION older
// tokens of the session may be good beside it. A password change needs it where CHECK_REVOKE_TOKEN refuses the tokens that
// the session has. Errors: ErrSessionNotFound where the user has no such session, ErrNoActiveAccount, 503.
func (a *Auth) RenewSession(ctx context.Context, user simplejwt.User, sessionID string) (Pair, error) {
	if user == nil || !a.mayAuthenticate(ctx, user) {
		return Pair{}, ErrNoActiveAccount
	}
	if err := a.mustSign(ctx); err != nil {
		return Pair{}, err
	}
	if !isSessionID(sessionID) || !a.recorded() {
		return Pair{}, ErrSessionNotFound
	}
	next := a.newToken(a.refresh, a.now())
	if err := a.fill(ctx, next, user); err != nil {
		return Pair{}, err
	}
	access := next.AccessToken()
	if err := a.customClaims(ctx, access, user); err != nil {
		return Pair{}, err
	}
	for range maxLooks {
		state, err := a.state(ctx, "", sessionID)
		if err != nil {
			return Pair{}, err
		}
		if state.Head == nil || a.over(next.now, state.Head) || state.Head.UserID != user.AuthID() {
			return Pair{}, ErrSessionNotFound
		}
		row, rotated, err := a.tryRotate(ctx, state.Head.JTI, sessionID, next, ReasonRenewed)
		if err != nil {
			return Pair{}, err
		}
		if rotated {
			done := a.follow(next, row, EventRefresh)
			access.join(done)
			return a.hand(ctx, done, next, access, user)
		}
		// The session's own client was quicker: its new token is the head now.
	}
	return Pair{}, a.trouble(ctx, "renew session", errRestless)
}

// isSessionID reports whether a text from outside can be the id of a session.
func isSessionID(id string) bool { return isID(id) && utf8.ValidString(id) }
