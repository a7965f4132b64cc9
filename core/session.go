package core

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/go-simplejwt/simplejwt"
)

// Session is an active login, as its user or an administrator sees it.
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

// Sessions returns the active sessions of a user, named by primary key: the one that began last first, at most MaxSessions
// of them, never nil. Without a Store, and for a user who does not exist, there are none. Errors: ErrServiceUnavailable.
func (a *Auth) Sessions(ctx context.Context, userID string) ([]Session, error) {
	out := []Session{}
	if userID == "" || !a.keepsRecords() {
		return out, nil
	}
	now := a.now()
	latest, err := a.records.sessions(ctx, userID, now)
	if err != nil {
		return nil, err
	}
	for _, h := range latest {
		dated := h
		dated.setCreatedAt(now, now)
		if a.rules.hasEnded(&TokenState{OutstandingToken: dated}, now) {
			continue // by a SESSION_LIFETIME that its records do not carry
		}
		s := Session{ID: h.Session(), Device: h.Device, StartedAt: h.SessionStartedAt, LastRefreshedAt: h.CreatedAt, ExpiresAt: h.ExpiresAt}
		if s.StartedAt.IsZero() && h.SessionID == "" { // Django's: each of its rows is a session
			s.StartedAt = h.CreatedAt
		}
		s.ExpiresAt = earlierEnd(s.ExpiresAt, a.rules.sessionEnd(dated))
		out = append(out, s)
	}
	return out, nil
}

// limitSessions enforces MAX_SESSIONS_PER_USER once a login is on record. Of any number of concurrent logins the last one to
// get here sees all of them, so none leaves one session too many.
func (a *Auth) limitSessions(ctx context.Context, t *Token, user simplejwt.User) error {
	if a.settings.MaxSessionsPerUser == 0 || (t.class != a.classes.refresh && t.class != a.classes.sliding) {
		return nil
	}
	s := Scope{UserID: user.AuthID(), ExceptNewest: a.settings.MaxSessionsPerUser, ActiveAfter: a.now().Add(-a.settings.Leeway)}
	return a.endRemaining(ctx, s, ReasonLimit)
}

// checkSession denies a token whose session has ended or is not the owner's, or that names none: CHECK_SESSION. Asked skipCache, it
// does not believe the cache.
func (t *Token) checkSession(ctx context.Context, owner *string, skipCache bool) error {
	a, sid := t.auth, t.Session()
	if sid == "" {
		return errSessionEnded
	}
	userID, epoch, active := a.sessionCache.get(sid, t.now)
	if active && !skipCache && isOwnedBy(owner, userID) {
		return nil
	}
	state, err := a.records.state(ctx, stateQuery{sid: sid, owner: owner, issuedAt: t.now})
	if err != nil {
		return err
	}
	if state.Latest == nil || a.rules.hasEnded(state.Latest, t.now) {
		return errSessionEnded
	}
	until := earlierEnd(t.now.Add(a.settings.CheckSessionCacheTimeout), state.Latest.ExpiresAt)
	until = earlierEnd(until, a.rules.sessionEnd(state.Latest.OutstandingToken))
	a.sessionCache.add(sid, activeSession{state.Latest.UserID, until}, epoch)
	return nil
}

// RenewSession replaces an active session of refresh tokens by a new one, with the same start, end and device, and returns its
// tokens, with all claims taken from the user again. The old session ends with ReasonRenewed: no token of it is good any more,
// nor within a grace period. Its access tokens live on until they expire, unless CHECK_SESSION is set.
// Errors: ErrSessionNotFound where the user has no such session, ErrNoActiveAccount, ErrServiceUnavailable.
func (a *Auth) RenewSession(ctx context.Context, user simplejwt.User, sessionID string) (Pair, error) {
	if isNil(user) || !a.mayAuthenticate(ctx, user) {
		return Pair{}, ErrNoActiveAccount
	}
	if !isSessionID(sessionID) || !a.keepsRecords() {
		return Pair{}, ErrSessionNotFound
	}
	next, row, err := a.startLogin(ctx, RefreshToken, user)
	if err != nil {
		return Pair{}, err
	}
	state, err := a.records.state(ctx, stateQuery{sid: sessionID, issuedAt: next.now})
	if err != nil {
		return Pair{}, err
	}
	if state.Latest == nil || a.rules.hasEnded(state.Latest, next.now) || state.Latest.UserID != user.AuthID() {
		return Pair{}, ErrSessionNotFound
	}
	next.continueSession(&row, state.Latest.OutstandingToken)
	access := next.AccessToken()
	access.capExp("exp", row.SessionExpiresAt)
	if err := a.customClaims(ctx, access, user); err != nil {
		return Pair{}, err
	}
	pair, err := a.signPair(ctx, next, access)
	if err != nil {
		return Pair{}, err
	}
	if err := a.replaceSession(ctx, next, row, sessionID); err != nil {
		return Pair{}, err
	}
	a.emit(ctx, Event{Type: EventRefresh, UserID: user.AuthID(), JTI: next.JTI(), SessionID: next.SessionID(), TokenType: next.class.Type})
	return pair, nil
}

// continueSession gives the first token of a session, and its record, the start, the end and the device of an older session,
// whose latest record is given.
func (t *Token) continueSession(row *OutstandingToken, latest OutstandingToken) {
	row.SessionStartedAt, row.SessionExpiresAt = latest.SessionStartedAt, t.auth.rules.sessionEnd(latest)
	row.Device = row.Device.withDefaults(latest.Device)
	t.SetExp("exp", t.class.Lifetime) // by the older session's end, not by that of one which begins now
	t.capExp("exp", row.SessionExpiresAt)
	row.ExpiresAt = t.ExpiresAt()
}

// replaceSession records the first token of a session and then ends the session that it replaces. If somebody else has ended that
// meanwhile, the new one ends too.
func (a *Auth) replaceSession(ctx context.Context, t *Token, row OutstandingToken, old string) error {
	if err := a.recordToken(ctx, t, row); err != nil {
		return err
	}
	session := Scope{SessionID: old, UserID: row.UserID}
	return a.endSessions(ctx, session, ReasonRenewed, func(ctx context.Context) error {
		n, err := a.revokeQuietly(ctx, session, ReasonRenewed)
		if err != nil || n > 0 {
			return err
		}
		if err := a.takeBackLogin(ctx, t, ReasonLogout, a.revokeQuietly); err != nil {
			return err
		}
		return ErrSessionNotFound
	})
}

// isSessionID reports whether a text from outside can be the id of a session.
func isSessionID(id string) bool { return isID(id) && utf8.ValidString(id) }
