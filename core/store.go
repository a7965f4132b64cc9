package core

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/go-simplejwt/simplejwt"
)

// ErrUserGone is what a Store answers when it is to record a token of a user that has no row any more.
var ErrUserGone = errors.New("the token's user does not exist")

// ErrFlushRunning is what a Store answers to a flush while another one is under way.
var ErrFlushRunning = errors.New("another flush is under way")

// MaxSessions is how many sessions Store.Sessions and Auth.Sessions answer at most.
const MaxSessions = 100

// Reason says why a token is on the blacklist. The empty Reason stands for a row that Django wrote.
type Reason string

// The reasons this library writes.
const (
	ReasonRotated  Reason = "rotated"
	ReasonLogout   Reason = "logout"
	ReasonReuse    Reason = "reuse"
	ReasonPassword Reason = "password"
	ReasonAdmin    Reason = "admin"
	ReasonLimit    Reason = "limit"
	ReasonRenewed  Reason = "renewed"
)

// OutstandingToken is the record of a refresh or sliding token: who it belongs to and until when, never the token itself.
type OutstandingToken struct {
	JTI string
	// UserID is the primary key of the user as text; "" for a token without a user.
	UserID    string
	CreatedAt time.Time
	ExpiresAt time.Time
	// SessionID is the jti of the first token of the session; "" in a row that Django wrote.
	SessionID string
	// ParentJTI is the token this one was rotated from; "" for the first one.
	ParentJTI string
	// SessionStartedAt is the time of the login; zero where it is unknown.
	SessionStartedAt time.Time
	// SessionExpiresAt is the absolute end of the session; zero where there is none.
	SessionExpiresAt time.Time
	// Device is the client at the login or the refresh that made the token.
	Device Device
}

// Session is the session a record belongs to. One that names none belongs to the session that its descendants name by
// its jti.
func (t OutstandingToken) Session() string {
	if t.SessionID != "" {
		return t.SessionID
	}
	return t.JTI
}

// Rotation asks a Store to consume a refresh token and to record its successor.
type Rotation struct {
	// JTI is the presented token.
	JTI string
	// SessionID is the session the presented token names in its sid claim, "" if none. It counts only where the row
	// names none, and where no record of that session is another user's than the row.
	SessionID string
	// Owner is the user whose token was presented, "" for nobody: a row of another user is not rotated. A row without a
	// user is anybody's. With nil, so is every row.
	Owner *string
	// NewJTI and ExpiresAt are those of the successor; ExpiresAt is cut to the end of the session.
	NewJTI    string
	ExpiresAt time.Time
	Now       time.Time
	// ActiveAfter is Now less the leeway: a row that ended at or before it is not rotated.
	ActiveAfter time.Time
	// SessionLifetime ends a session whose row has no end: this long after its start. Zero: none. Where the row does not say
	// when the session started, it started when the row was created, else at IssuedAt, else Now.
	SessionLifetime time.Duration
	// IssuedAt is the iat of the presented token, not after Now. Zero: none.
	IssuedAt time.Time
	// Consume is BLACKLIST_AFTER_ROTATION. Without it the presented token stays as it is.
	Consume bool
	// Reason is why the presented token is consumed; "" stands for ReasonRotated.
	Reason Reason
	// Device is the client that refreshes. What it does not tell ("") the successor inherits.
	Device Device
}

// precision is what every Store keeps of a time.
const precision = time.Microsecond

// Successor returns the record that a rotation of presented makes: the session and its end, the device, the id, the times.
// ok is false where presented may not be rotated: it expired at or before AliveAfter, or its session did at or before Now.
// A Store whose database does not compute the same calls it in Rotate, between reading the presented row, which must not be
// on the blacklist, and inserting the successor. Times are cut to microseconds.
func (r Rotation) Successor(presented OutstandingToken) (next OutstandingToken, ok bool) {
	now := r.Now.UTC().Truncate(precision)
	presented.setCreatedAt(r.IssuedAt, now)
	end := presented.sessionEnd(r.SessionLifetime)
	if !presented.ExpiresAt.After(r.ActiveAfter.Truncate(precision)) || hasEnded(end, now) {
		return OutstandingToken{}, false
	}
	next = presented
	next.JTI, next.ParentJTI = r.NewJTI, presented.JTI
	next.CreatedAt, next.SessionExpiresAt = now, end
	next.ExpiresAt = earlierEnd(r.ExpiresAt.UTC().Truncate(precision), end)
	next.SessionID = cmp.Or(presented.SessionID, r.SessionID, presented.JTI)
	next.Device = r.Device.withDefaults(presented.Device)
	return next, true
}

// setCreatedAt fills in when the record was created where it does not say, as rows of Django may not: at the iat of its
// token, or now where the token has none (zero).
func (t *OutstandingToken) setCreatedAt(issuedAt, now time.Time) {
	if !t.CreatedAt.IsZero() {
		return
	}
	if t.CreatedAt = issuedAt; issuedAt.IsZero() {
		t.CreatedAt = now
	}
}

// sessionEnd returns when the session of the record ends under a SESSION_LIFETIME, zero for never.
func (t OutstandingToken) sessionEnd(lifetime time.Duration) time.Time {
	if !t.SessionExpiresAt.IsZero() || lifetime <= 0 {
		return t.SessionExpiresAt
	}
	start := t.SessionStartedAt
	if start.IsZero() {
		start = t.CreatedAt
	}
	return start.Add(lifetime).UTC().Truncate(precision)
}

// hasEnded reports whether the end of a session has come; a zero end never does.
func hasEnded(end, now time.Time) bool { return !end.IsZero() && !end.After(now) }

// earlierEnd returns the earlier of an expiry and the end of a session, zero for none.
func earlierEnd(expiresAt, sessionEnd time.Time) time.Time {
	if !sessionEnd.IsZero() && sessionEnd.Before(expiresAt) {
		return sessionEnd
	}
	return expiresAt
}

// TokenState is a record and its blacklist row, if there is one.
type TokenState struct {
	OutstandingToken
	Blacklisted   bool
	BlacklistedAt time.Time
	Reason        Reason
}

// SessionState is what a Store knows of a presented token and of its session.
type SessionState struct {
	// Presented is the row of the presented token; nil where there is none.
	Presented *TokenState
	// Latest is the newest row of the session that the presented row names, else the presented token's sid; nil where the
	// session has no row. A row that belongs to no session is its own head.
	Latest *TokenState
}

// Scope says which tokens Revoke consumes: those of a session, those of a user but for one session, or those of a session
// that are a user's. An empty scope covers none.
type Scope struct {
	// SessionID is the session to end. It covers the rows with this session id and the row whose jti it is and that
	// names no session.
	SessionID string
	// UserID is the user whose sessions are to end; beside SessionID, the user whose session it must be.
	UserID string
	// Owner, beside SessionID alone, leaves out the rows of other users than this one, "" for nobody. Rows without a user stay
	// in. With nil all rows of the session are covered.
	Owner *string
	// ExceptSession, beside UserID alone, is the session that goes on; "" for none.
	ExceptSession string
	// ExceptNewest, beside UserID alone and in place of ExceptSession, is how many of the sessions go on that began last, in
	// the order of Sessions; 0 for none. Tokens that ended at or before AliveAfter do not make a session and are left alone.
	ExceptNewest int
	ActiveAfter  time.Time
}

// Store keeps the records of outstanding and blacklisted tokens. It is safe for concurrent use by any number of
// goroutines and, where its database is shared, processes. Every method ends with ctx. An error other than ErrUserGone
// means that the outcome is unknown or that the store could not be asked, never a refusal. Times are kept to the
// microsecond at least and returned in UTC. The package core/storetest proves a Store.
type Store interface {
	// Record records a token. A jti that is on record already is left as it is, without an error.
	// Answers ErrUserGone where the user has no row.
	Record(ctx context.Context, t OutstandingToken) error

	// Rotate, in one atomic step, consumes the presented token with the Reason and records the successor, which
	// inherits user and session. It answers false, and changes nothing, where the presented token has no row or one of another
	// Owner, is on the blacklist, ended at or before AliveAfter, or where its session ended at or before Now. Of any number of concurrent
	// calls for one token at most one answers true (each, without Consume). The answered record is the successor's.
	Rotate(ctx context.Context, r Rotation) (OutstandingToken, bool, error)

	// Blacklist puts a recorded token on the blacklist. found is false, and nothing changes, where the jti has no row, or one
	// of another user than owner: "" is nobody, and a row without a user anybody's; with nil every row is. won is true for
	// exactly one of all calls of Blacklist, Rotate and Revoke that would consume it.
	Blacklist(ctx context.Context, jti string, owner *string, reason Reason, now time.Time) (found, won bool, err error)

	// IsBlacklisted returns whose row the token has, "" for nobody's and nil without a row, and whether it has a blacklist row.
	IsBlacklisted(ctx context.Context, jti string) (owner *string, blacklisted bool, err error)

	// State reads the presented token and the head of its session in one consistent, up-to-date look. sid is the session
	// that the token names, "" if none; it counts where the row names no session or is missing.
	State(ctx context.Context, jti, sid string) (SessionState, error)

	// Revoke consumes all tokens of the scope that are not consumed yet, whatever their end, and returns how many. Once it
	// has returned, no token of the scope is usable, nor one that a concurrent Rotate of them records.
	Revoke(ctx context.Context, s Scope, reason Reason, now time.Time) (int, error)

	// Sessions answers the newest live token of each session of a user: not on the blacklist, and ending after now, as its
	// session does. The session that began last comes first. That is the one whose first token, which has its id as its
	// jti, was recorded last; those whose first token is not on record any more come last, by SessionStartedAt. At most
	// MaxSessions are answered.
	Sessions(ctx context.Context, userID string, now time.Time) ([]OutstandingToken, error)

	// FlushExpired deletes the records, and their blacklist rows, that ended at or before the given time, in bounded
	// batches, and returns how many outstanding rows went. While another flush is under way it may answer ErrFlushRunning,
	// with what it deleted before it met it.
	FlushExpired(ctx context.Context, before time.Time) (int, error)
}

// LoginRecorder is an ability of a Store that keeps tokens where the users are. It saves a login by password a turn.
type LoginRecorder interface {
	// RecordLogin is Outstand where the password stored for a user still is user.AuthPassword(); users found him, and
	// say where he is. Otherwise it answers false and records nothing. A change of the password that is under way
	// meanwhile either is seen here, or ends after the token is there for Revoke to see. errors.ErrUnsupported, without
	// an effect, says that the Store can't do that for these users; ErrUserGone is as for Outstand.
	RecordLogin(ctx context.Context, t OutstandingToken, users Users, user simplejwt.User) (bool, error)
}

// StoreChecker is an ability of a Store by which New reports at start that the Store can't work.
type StoreChecker interface {
	// CheckStore reports what is wrong, under the name "Deps.Store"; nil for nothing.
	CheckStore() simplejwt.SettingsError
}
