package models_test

import (
	"slices"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

// refreshLifetime is the REFRESH_TOKEN_LIFETIME of the model.
const refreshLifetime = time.Hour

// policy holds the settings that the rules depend on.
type policy struct {
	rotate, consume, detectReuse, checkPassword bool
	grace, sessionLifetime, leeway              time.Duration
	limit                                       int // MAX_SESSIONS_PER_USER
	checkSession                                bool
}

func (p policy) toSettings() simplejwt.Settings {
	return simplejwt.Settings{
		SigningKey: "the-signing-key-of-the-tests-of-sessions", RefreshTokenLifetime: refreshLifetime,
		RotateRefreshTokens: p.rotate, BlacklistAfterRotation: p.consume,
		ReuseDetection: p.detectReuse, CheckRevokeToken: p.checkPassword,
		RotationGracePeriod: p.grace, SessionLifetime: p.sessionLifetime, Leeway: p.leeway,
		MaxSessionsPerUser: p.limit, CheckSession: p.checkSession,
	}
}

// model is what docs/sessions.md says of sessions, on lists. The schedule sets its time, and gives it the ids of new tokens.
type model struct {
	policy
	now      time.Time
	users    []*modelUser
	sessions []*modelSession
}

type modelUser struct {
	id, password      string
	inactive, deleted bool
}

// modelSession is a login and its tokens, the oldest first.
type modelSession struct {
	user    *modelUser
	started time.Time
	ends    time.Time // zero for never
	tokens  []*modelToken
	access  modelAccess
}

type modelToken struct {
	raw, jti, parent string
	session          *modelSession
	password         string // the hash the session began with
	born             time.Time
	expires          time.Time // in whole seconds, as in the claim
	consumed         bool
	consumedAt       time.Time
	reason           core.Reason
	flushed          bool // its row is gone
	known            bool // a client has it, or had it
}

func (s *modelSession) id() string { return s.tokens[0].jti }

func (s *modelSession) latest() *modelToken { return s.tokens[len(s.tokens)-1] }

// verdict is the answer that the rules demand.
type verdict struct {
	err   error       // nil for success
	fresh bool        // there is a new refresh token
	again *modelToken // the refresh token that is issued once more
	reuse bool        // the event is emitted
}

// startSession starts a session with a token of this id.
func (m *model) startSession(u *modelUser, jti string) *modelToken {
	s := &modelSession{user: u, started: m.now}
	if m.sessionLifetime > 0 {
		s.ends = m.now.Add(m.sessionLifetime)
	}
	m.sessions = append(m.sessions, s)
	return m.addToken(s, "", jti, u.password)
}

// renewSession starts a session in place of another, with its start and its end.
func (m *model) renewSession(old *modelSession, jti string) *modelToken {
	s := &modelSession{user: old.user, started: old.started, ends: old.ends}
	m.sessions = append(m.sessions, s)
	return m.addToken(s, "", jti, old.user.password)
}

func (m *model) addToken(s *modelSession, parent, jti, password string) *modelToken {
	expires := m.now.Add(refreshLifetime)
	if !s.ends.IsZero() && s.ends.Before(expires) {
		expires = s.ends
	}
	t := &modelToken{
		jti: jti, parent: parent, session: s, password: password, born: m.now, expires: expires.Truncate(time.Second),
	}
	s.tokens = append(s.tokens, t)
	return t
}

// checkTimes returns why a token is rejected by its times alone, nil where it is not.
func (m *model) checkTimes(t *modelToken) error {
	if t.born.Truncate(time.Second).After(m.now.Add(m.leeway)) {
		return core.ErrTokenInvalid // the clock went back behind its iat
	}
	if m.isExpired(t) {
		return core.ErrTokenExpired
	}
	return nil
}

func (m *model) isExpired(t *modelToken) bool { return !m.now.Before(t.expires.Add(m.leeway)) }

func (m *model) isSessionExpired(s *modelSession) bool {
	return !s.ends.IsZero() && !m.now.Before(s.ends)
}

// isInactive reports whether a session has expired or was ended, which its latest token shows.
func (m *model) isInactive(s *modelSession) bool {
	return s.latest().consumed || m.isExpired(s.latest()) || m.isSessionExpired(s)
}

// isWithinGrace reports whether a token was rotated within the grace period, before or, as the clock went back, after the present time.
func (m *model) isWithinGrace(t *modelToken) bool {
	return t.reason == core.ReasonRotated && m.now.Before(t.consumedAt.Add(m.grace)) && t.consumedAt.Before(m.now.Add(m.grace))
}

// judgeRefresh follows the steps of a refresh. Where the verdict is fresh, call rotateToken with the id of the new token.
func (m *model) judgeRefresh(t *modelToken) verdict {
	if err := m.checkTimes(t); err != nil {
		return verdict{err: err}
	}
	user := t.session.user
	switch {
	case t.consumed && (user.deleted || user.inactive || m.isPasswordChanged(t)):
		return verdict{err: core.ErrTokenBlacklisted}
	case user.deleted || user.inactive:
		return verdict{err: core.ErrNoActiveAccount}
	case m.isPasswordChanged(t):
		m.endSession(t.session, core.ReasonPassword)
		return verdict{err: core.ErrPasswordChanged}
	case t.consumed:
		return m.judgeConsumed(t)
	case m.isSessionExpired(t.session):
		return verdict{err: core.ErrTokenExpired}
	}
	return verdict{fresh: m.rotate}
}

func (m *model) isPasswordChanged(t *modelToken) bool {
	return m.checkPassword && t.password != t.session.user.password
}

func (m *model) judgeConsumed(t *modelToken) verdict {
	switch {
	case t.reason != core.ReasonRotated || m.isInactive(t.session):
		return verdict{err: core.ErrTokenBlacklisted}
	case m.isWithinGrace(t):
		return verdict{again: t.session.latest()}
	}
	return m.judgeReuse(t)
}

func (m *model) judgeReuse(t *modelToken) verdict {
	if m.detectReuse {
		m.endSession(t.session, core.ReasonReuse)
	}
	return verdict{err: core.ErrTokenBlacklisted, reuse: true}
}

// rotateToken rotates a token into one of this id.
func (m *model) rotateToken(t *modelToken, jti string) *modelToken {
	if m.consume {
		m.consumeToken(t, core.ReasonRotated)
	}
	return m.addToken(t.session, t.jti, jti, t.password)
}

// judgeLogout is the blacklist view. The user does not matter to it.
func (m *model) judgeLogout(t *modelToken) verdict {
	if err := m.checkTimes(t); err != nil {
		return verdict{err: err}
	}
	switch {
	case !t.consumed || m.isWithinGrace(t):
		m.endSession(t.session, core.ReasonLogout)
		return verdict{}
	case t.reason != core.ReasonRotated || m.isInactive(t.session):
		return verdict{err: core.ErrTokenBlacklisted}
	}
	return m.judgeReuse(t)
}

// judgeVerify is the verify view, for a refresh token.
func (m *model) judgeVerify(t *modelToken) verdict {
	err := m.checkTimes(t)
	if err == nil && (t.consumed || m.checkSession && m.isInactive(t.session)) {
		err = core.ErrTokenBlacklisted
	}
	return verdict{err: err}
}

func (m *model) endSession(s *modelSession, reason core.Reason) {
	for _, t := range s.tokens {
		m.consumeToken(t, reason)
	}
}

// endUser ends the sessions of a user but for keep, which may be nil.
func (m *model) endUser(u *modelUser, keep *modelSession, reason core.Reason) {
	for _, s := range m.sessions {
		if s.user == u && s != keep {
			m.endSession(s, reason)
		}
	}
}

func (m *model) consumeToken(t *modelToken, reason core.Reason) {
	if !t.consumed && !t.flushed {
		t.consumed, t.consumedAt, t.reason = true, m.now, reason
	}
}

// storedTokens are all tokens whose rows are not flushed.
func (m *model) storedTokens() (out []*modelToken) {
	for _, s := range m.sessions {
		out = append(out, s.tokens...)
	}
	return slices.DeleteFunc(out, func(t *modelToken) bool { return t.flushed })
}

// wantRow is the record that the rules demand.
func (t *modelToken) wantRow() core.TokenState {
	user := t.session.user.id
	if t.session.user.deleted {
		user = ""
	}
	return core.TokenState{
		OutstandingToken: core.OutstandingToken{
			JTI: t.jti, UserID: user, CreatedAt: t.born, ExpiresAt: t.expires, SessionID: t.session.id(), ParentJTI: t.parent,
			SessionStartedAt: t.session.started, SessionExpiresAt: t.session.ends,
		},
		Blacklisted: t.consumed, BlacklistedAt: t.consumedAt, Reason: t.reason,
	}
}
