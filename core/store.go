package core

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/go-simplejwt/simplejwt"
)

// ErrUserGone is what a Store returns instead of recording a token of a user who has no row any more.
var ErrUserGone = errors.New("the token's user does not exist")

// ErrFlushRunning is what a Store returns if another flush is running.
var ErrFlushRunning = errors.New("another flush is under way")

// MaxSessions is how many sessions Store.Sessions and Auth.Sessions return at most.
const MaxSessions = 100

// Reason is why a token is on the blacklist. A program may use its own words, of at most 32 bytes.
type Reason string

// The reasons that this library records. The empty Reason stands for a blacklist row that Django wrote.
const (
	// ReasonRotated means that a refresh replaced the token by its successor. It alone has a grace period.
	ReasonRotated Reason = "rotated"
	// ReasonLogout means that the user logged out or ended the session from their list, or that a login failed
	// after it was recorded.
	ReasonLogout Reason = "logout"
	// ReasonReuse means that a rotated token of the session was presented after the grace period.
	ReasonReuse Reason = "reuse"
	// ReasonPassword means that the user's password was changed.
	ReasonPassword Reason = "password"
	// ReasonAdmin means that the program ended the session and gave no other reason, as for an administrator.
	ReasonAdmin Reason = "admin"
	// ReasonLimit means that a newer login of the user exceeded MAX_SESSIONS_PER_USER.
	ReasonLimit Reason = "limit"
	// ReasonRenewed means that RenewSession replaced the session by a new one.
	ReasonRenewed Reason = "renewed"
)

// OutstandingToken is the record of a refresh or sliding token, SimpleJWT's model of that name. It never contains the
// token itself. Times are zero if unknown.
type OutstandingToken struct {
	// JTI is the token's id: 1 to 255 characters of any text.
	JTI string
	// UserID is the primary key of the user as text; "" for a token without a user, or whose user was deleted.
	UserID string
	// CreatedAt is when the token was issued; zero in some rows that Django wrote.
	CreatedAt time.Time
	// ExpiresAt is when the record is no longer needed: the token's exp, or a sliding token's refresh_exp.
	ExpiresAt time.Time
	// SessionID is the jti of the first token of the session; "" in a row that Django wrote.
	SessionID string
	// ParentJTI is the token that this one replaced; "" for the first one of a session.
	ParentJTI string
	// SessionStartedAt is the time of the login; zero if it is unknown.
	SessionStartedAt time.Time
	// SessionExpiresAt is when the session ends, however often it is refreshed; zero if it never does.
	SessionExpiresAt time.Time
	// Device is the client of the login or the refresh that issued the token.
	Device Device
}

// Session returns the session that a record belongs to. A record without a SessionID is the first of its
// session, and its jti is the SessionID of its successors.
func (t OutstandingToken) Session() string {
	if t.SessionID != "" {
		return t.SessionID
	}
	return t.JTI
}

// Rotation asks a Store to consume a refresh token and to record its successor. Successor computes most of it.
type Rotation struct {
	// JTI is the id of the presented token.
	JTI string
	// SessionID is the session that the presented token names in its claim sid, "" for none. It counts only if the
	// record has no SessionID, and if no record of that session belongs to another user than the presented token's
	// record.
	SessionID string
	// Owner is the user who presented the token, "" for nobody. A record of another user is not rotated; a record
	// without a user belongs to every owner. If Owner is nil, every record is rotated.
	Owner *string
	// NewJTI is the id of the successor.
	NewJTI string
	// ExpiresAt is the expiry of the successor, unless the session ends earlier.
	ExpiresAt time.Time
	// Now is the time of the rotation: when the successor is created and the presented token is consumed.
	Now time.Time
	// ActiveAfter is Now less LEEWAY. A token that expired at or before it is not rotated.
	ActiveAfter time.Time
	// SessionLifetime is SESSION_LIFETIME. A session whose record has no end ends this long after its start. If the
	// record does not say when the session started, that is CreatedAt, else IssuedAt, else Now. Zero: the session
	// never ends.
	SessionLifetime time.Duration
	// IssuedAt is the iat of the presented token, and not after Now; zero for none.
	IssuedAt time.Time
	// Consume is BLACKLIST_AFTER_ROTATION. Without it the presented token is not put on the blacklist.
	Consume bool
	// Reason is why the presented token is consumed; "" stands for ReasonRotated.
	Reason Reason
	// Device is the client that refreshes. The successor inherits the fields that are "".
	Device Device
}

// precision is the least that every Store keeps of a time.
const precision = time.Microsecond

// Successor returns the record that replaces presented: its id, times, session and device. It returns false if
// presented may not be rotated, because it expired at or before ActiveAfter or its session ended at or before Now.
// A Store calls it in Rotate, between reading the presented record and inserting the successor, unless its database
// computes the same. Successor checks neither the blacklist nor Owner. It truncates times to microseconds.
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

// setCreatedAt sets a missing CreatedAt, as in some rows that Django wrote: to the iat of the token, or to now if
// that is zero.
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

// hasEnded reports whether a session with this end has ended by now. A zero end means never.
func hasEnded(end, now time.Time) bool { return !end.IsZero() && !end.After(now) }

// earlierEnd returns the earlier of an expiry and the end of a session, which is zero for never.
func earlierEnd(expiresAt, sessionEnd time.Time) time.Time {
	if !sessionEnd.IsZero() && sessionEnd.Before(expiresAt) {
		return sessionEnd
	}
	return expiresAt
}

// TokenState is a record and, if the token is on the blacklist, when and why it was put there.
type TokenState struct {
	OutstandingToken
	// Blacklisted reports whether the token is on the blacklist. If not, the fields below are zero.
	Blacklisted bool
	// BlacklistedAt is when the token was put on the blacklist.
	BlacklistedAt time.Time
	// Reason is why.
	Reason Reason
}

// SessionState is what a Store knows about a presented token and its session.
type SessionState struct {
	// Presented is the record of the presented token; nil if it has none.
	Presented *TokenState
	// Latest is the latest record of the session; nil if it has none. The session is that of the presented
	// record (SessionID), else that of the token (sid), else the one that the presented record started.
	Latest *TokenState
}

// Scope says which tokens Store.Revoke puts on the blacklist: all of a session, those of a session that belong to a
// user, or all of a user with exceptions. The zero Scope covers none.
type Scope struct {
	// SessionID is the session to end: the records with this SessionID, and the record with this jti if that has no
	// SessionID.
	SessionID string
	// UserID is the user whose sessions end. With SessionID it covers only this user's tokens of that session.
	UserID string
	// Owner, with SessionID alone, leaves out records of users other than this one, "" for nobody. Records without
	// a user are covered. If Owner is nil, all records of the session are covered.
	Owner *string
	// ExceptSession, with UserID alone, is the session that stays active; "" for none.
	ExceptSession string
	// ExceptNewest, with UserID alone and instead of ExceptSession, is how many of the newest sessions stay active,
	// in the order of Store.Sessions; 0 for none. Tokens that expired at or before ActiveAfter do not count as a
	// session and are not changed.
	ExceptNewest int
	// ActiveAfter is the current time less LEEWAY, for ExceptNewest.
	ActiveAfter time.Time
}

// Store keeps the records of refresh and sliding tokens, and their blacklist. It stores and finds; it does not
// decide whether a token is valid. The package core/storetest is the conformance suite of this contract, and
// core/memstore is the shortest Store that passes it.
//
// # Terms
//
// A token is recorded if it has a record (an OutstandingToken). It is consumed once it is on the blacklist: only
// the first call that consumes a token counts, and its reason and time never change. A session consists of the
// records whose SessionID is its id, plus the record whose jti is that id if Django wrote it without a SessionID. The
// latest record of a session is the one inserted last, whatever the clocks said. A record without a user belongs to
// every owner. Where a parameter or field is an owner, nil allows every record, and "" only records without a user.
//
// # Every method
//
//   - Any number of goroutines, and of processes that share the database, may call it at the same time.
//   - It returns an error if ctx ends first, and changes nothing if ctx had ended before the call.
//   - An error other than ErrUserGone and ErrFlushRunning means that the Store is unavailable and that the outcome
//     is unknown. What is merely not there, or not allowed, is never such an error.
//   - Times are kept to the microsecond at least, and returned in UTC. Ids are compared exactly, including case.
//   - What it returns belongs to the caller, who may change it.
type Store interface {
	// Record records a token. If the jti is recorded already, or is being recorded by a concurrent call, it changes
	// nothing and returns nil. It returns ErrUserGone, and records nothing, if the Store knows users and this one
	// has no row.
	Record(ctx context.Context, t OutstandingToken) error

	// Rotate replaces a token by its successor in one atomic step:
	//
	//   - It returns false if the token has no record, is consumed, or belongs to another user than Rotation.Owner.
	//   - It ignores Rotation.SessionID if a record of that session belongs to another user than the token's
	//     record.
	//   - It calls Rotation.Successor, and returns false if that does.
	//   - With Rotation.Consume it consumes the token with Rotation.Reason at Rotation.Now.
	//   - It records the successor, returns it as recorded, and true.
	//
	// If it returns false it has changed nothing, and after an error it has done all of it or nothing. Of concurrent
	// calls for one token at most one returns true; without Consume each may. A NewJTI that is recorded already is
	// an error.
	Rotate(ctx context.Context, r Rotation) (OutstandingToken, bool, error)

	// Blacklist consumes a recorded token. found is false, and nothing changes, if the token has no record or one
	// of another user than owner. won is true if this call consumed the token: of all calls of Blacklist, Rotate
	// and Revoke that would consume it, exactly one does.
	Blacklist(ctx context.Context, jti string, owner *string, reason Reason, now time.Time) (found, won bool, err error)

	// IsBlacklisted returns the user of the token's record ("" for none, nil without a record), and whether the
	// token is consumed.
	IsBlacklisted(ctx context.Context, jti string) (owner *string, blacklisted bool, err error)

	// State returns the presented token's record and the latest one of its session, both from one consistent and
	// current snapshot: a session that is being rotated always has an active latest token. sid is the session that
	// the token names, "" for none. It counts if the record has no SessionID, or if there is no record.
	State(ctx context.Context, jti, sid string) (SessionState, error)

	// Revoke consumes all tokens of the scope that are not consumed yet, expired ones too, and returns how many.
	// After it has returned, no token of the scope is active. A Rotate that runs at the same time leaves none
	// active either when it returns: its successor is consumed as well, or it returns false.
	Revoke(ctx context.Context, s Scope, reason Reason, now time.Time) (int, error)

	// Sessions returns the latest active token of each session of a user: not consumed, with ExpiresAt after now,
	// and with SessionExpiresAt after now or zero. The newest session comes first, and at most MaxSessions are
	// returned. Sessions are ordered by when their first token was recorded, the one with the session's id as its
	// jti. Sessions whose first token has no record any more come last, the one with the latest SessionStartedAt
	// first.
	Sessions(ctx context.Context, userID string, now time.Time) ([]OutstandingToken, error)

	// FlushExpired deletes all records with ExpiresAt at or before the given time, with their blacklist rows, and
	// returns how many records it deleted. It works in batches of limited size, so that requests are not held up.
	// If another flush is running it may return ErrFlushRunning, and how many it deleted before that.
	FlushExpired(ctx context.Context, before time.Time) (int, error)
}

// LoginRecorder can be implemented by a Store that keeps tokens in the database of the users. A login by password
// then needs one round trip less.
type LoginRecorder interface {
	// RecordLogin is Record on the condition that the stored password of the user is still user.AuthPassword(), and
	// reports whether it is. If not, it records nothing. users loaded the user, and say where its row is. A
	// concurrent change of the password is either seen here, or commits only after the token is recorded, so that a
	// Revoke after it finds the token. Errors: ErrUserGone as for Record; errors.ErrUnsupported, with nothing
	// changed, if the Store can't do this for these users.
	RecordLogin(ctx context.Context, t OutstandingToken, users Users, user simplejwt.User) (bool, error)
}

// StoreChecker can be implemented by a Store. New then reports at start that the Store can't work.
type StoreChecker interface {
	// CheckStore returns what is wrong with the Store, under the name "Deps.Store"; nil if nothing is.
	CheckStore() simplejwt.SettingsError
}
