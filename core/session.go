package core

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/go-simplejwt/simplejwt"
)

// Session is an active session, as its user or an administrator sees it.
type Session struct {
	// ID is the session's id, which its tokens carry as the claim sid.
	ID string `json:"id"`
	// Device is the client of the last refresh that rotated, else of the login. Fields that the refresh did not
	// send are older.
	Device
	// StartedAt is the time of the login; zero, and left out of JSON, if it is unknown.
	StartedAt time.Time `json:"started_at,omitzero"`
	// LastRefreshedAt is the time of the last refresh that rotated, else of the login. A sliding refresh is not
	// recorded. Zero, and left out of JSON, if it is unknown.
	LastRefreshedAt time.Time `json:"last_refreshed_at,omitzero"`
	// ExpiresAt is when the session ends unless it is refreshed.
	ExpiresAt time.Time `json:"expires_at"`
}

// Sessions returns the active sessions of a user, by primary key, the newest first: at most MaxSessions, and never
// nil. It is empty without a Store, and for a user who does not exist. Errors: ErrServiceUnavailable.
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
	for _, row := range latest {
		dated := row
		dated.setCreatedAt(now, now)
		if a.rules.hasEnded(&TokenState{OutstandingToken: dated}, now) {
			continue // ended by a SESSION_LIFETIME that was set after its login
		}
		s := Session{ID: row.Session(), Device: row.Device, StartedAt: row.SessionStartedAt, LastRefreshedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt}
		if s.StartedAt.IsZero() && row.SessionID == "" { // a row that Django wrote: each is a session of its own
			s.StartedAt = row.CreatedAt
		}
		s.ExpiresAt = earlierEnd(s.ExpiresAt, a.rules.sessionEnd(dated))
		out = append(out, s)
	}
	return out, nil
}

// limitSessions enforces MAX_SESSIONS_PER_USER once a login is recorded. Of concurrent logins, the last one to get
// here sees all others, so no session too many stays.
func (a *Auth) limitSessions(ctx context.Context, t *Token, user simplejwt.User) error {
	if a.settings.MaxSessionsPerUser == 0 || (t.class != a.classes.refresh && t.class != a.classes.sliding) {
		return nil
	}
	s := Scope{UserID: user.AuthID(), ExceptNewest: a.settings.MaxSessionsPerUser, ActiveAfter: a.now().Add(-a.settings.Leeway)}
	return a.endRemaining(ctx, s, ReasonLimit)
}

// checkSession implements CHECK_SESSION: it denies a token without a session, or whose session has ended or belongs
// to another user. With skipCache it always asks the Store.
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

// RenewSession replaces an active session of refresh tokens by a new one with the same start, end and device, and
// returns its tokens, whose claims are set from the user again. The old session ends with ReasonRenewed, without a
// grace period. Its access tokens stay valid until they expire, unless CHECK_SESSION is set. Errors:
// ErrSessionNotFound if the user has no such active session, ErrNoActiveAccount, ErrServiceUnavailable.
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

// continueSession copies the start, the end and the device of an older session to the first token of a new one and
// its record. latest is the latest record of the older session.
func (t *Token) continueSession(row *OutstandingToken, latest OutstandingToken) {
	row.SessionStartedAt, row.SessionExpiresAt = latest.SessionStartedAt, t.auth.rules.sessionEnd(latest)
	row.Device = row.Device.withDefaults(latest.Device)
	t.SetExp("exp", t.class.Lifetime) // newSession has capped it by the end of a session that starts now
	t.capExp("exp", row.SessionExpiresAt)
	row.ExpiresAt = t.ExpiresAt()
}

// replaceSession records the first token of a session and then ends the session that it replaces. If that session
// was ended concurrently, the new one ends too.
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

// isSessionID reports whether a string from a client can be the id of a session.
func isSessionID(id string) bool { return isID(id) && utf8.ValidString(id) }
