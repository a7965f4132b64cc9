package core

import (
	"context"
	"errors"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/detached"
)

// records makes all calls of the Store. Each call ends after storeTimeout or with ctx, except those that take
// rights away: a client must not be able to stop them by hanging up. Every error of the Store becomes
// ErrServiceUnavailable.
type records struct {
	store Store
	// unavailable logs an error and returns ErrServiceUnavailable. It returns nil for nil.
	unavailable func(ctx context.Context, operation string, err error) error
}

// record records a token. It does not change an existing record. Errors: ErrUserGone, ErrServiceUnavailable.
func (r records) record(ctx context.Context, row OutstandingToken) error {
	callCtx, cancel := withStoreTimeout(ctx)
	defer cancel()
	err := r.store.Record(callCtx, row)
	if errors.Is(err, ErrUserGone) {
		return err
	}
	return r.unavailable(ctx, "record token", err)
}

// recordOwnerless records a token, and leaves out its user if that was deleted. Errors: ErrServiceUnavailable.
func (r records) recordOwnerless(ctx context.Context, row OutstandingToken) error {
	err := r.record(ctx, row)
	if errors.Is(err, ErrUserGone) {
		row.UserID = ""
		err = r.record(ctx, row)
	}
	return err
}

// recordLogin records a token if the user's stored password is still the one that was checked, and reports whether
// it is. Errors: ErrNoActiveAccount if the user was deleted, errors.ErrUnsupported if the Store can't do that,
// ErrServiceUnavailable.
func (r records) recordLogin(ctx context.Context, users Users, row OutstandingToken, user simplejwt.User) (bool, error) {
	recorder, ok := r.store.(LoginRecorder)
	if !ok {
		return false, errors.ErrUnsupported
	}
	callCtx, cancel := withStoreTimeout(ctx)
	defer cancel()
	recorded, err := recorder.RecordLogin(callCtx, row, users, user)
	switch {
	case errors.Is(err, ErrUserGone):
		return false, ErrNoActiveAccount
	case errors.Is(err, errors.ErrUnsupported):
		return false, errors.ErrUnsupported
	}
	return recorded, r.unavailable(ctx, "record token", err)
}

// rotate replaces a token by its successor, and reports whether it did. Errors: ErrServiceUnavailable.
func (r records) rotate(ctx context.Context, rotation Rotation) (OutstandingToken, bool, error) {
	callCtx, cancel := withStoreTimeout(ctx)
	defer cancel()
	row, rotated, err := r.store.Rotate(callCtx, rotation)
	return row, rotated, r.unavailable(ctx, "rotate refresh token", err)
}

// stateQuery is what records.state reads: a token by its jti ("" for none), the session that it claims, and the
// user to whom both must belong, as in Rotation.Owner. issuedAt stands in for a missing creation time of the
// records: the token's iat, or the current time.
type stateQuery struct {
	jti, sid string
	owner    *string
	issuedAt time.Time
}

// state reads a token and the latest token of its session. Errors: ErrTokenInvalid if one of them belongs to
// another user, ErrServiceUnavailable.
func (r records) state(ctx context.Context, q stateQuery) (SessionState, error) {
	callCtx, cancel := withStoreTimeout(ctx)
	defer cancel()
	state, err := r.store.State(callCtx, q.jti, q.sid)
	if err != nil {
		return SessionState{}, r.unavailable(ctx, "look up session", err)
	}
	for _, t := range []*TokenState{state.Presented, state.Latest} {
		if t == nil {
			continue
		}
		if !isOwnedBy(q.owner, t.UserID) {
			return SessionState{}, ErrTokenInvalid.withCause(errWrongOwner)
		}
		t.setCreatedAt(q.issuedAt, q.issuedAt)
	}
	return state, nil
}

// errWrongOwner is why a token with a valid signature is invalid: a service with the same key issued it for one
// user, with the jti or the sid of another.
var errWrongOwner = errors.New("its jti or its sid belongs to another user")

// blacklist puts a token on the blacklist. won reports that this call did so. found is false if the owner has no
// such record. Errors: ErrServiceUnavailable.
func (r records) blacklist(ctx context.Context, jti string, owner *string, reason Reason, now time.Time) (found, won bool, err error) {
	ctx, cancel := detached.Context(ctx)
	defer cancel()
	found, won, err = r.store.Blacklist(ctx, jti, owner, reason, now)
	return found, won, r.unavailable(ctx, "blacklist token", err)
}

// isBlacklisted reports whether a token has a record, and whether it is on the blacklist. Errors: ErrTokenInvalid
// if the record belongs to another user than the owner, ErrServiceUnavailable.
func (r records) isBlacklisted(ctx context.Context, jti string, owner *string) (found, blacklisted bool, err error) {
	callCtx, cancel := withStoreTimeout(ctx)
	defer cancel()
	userID, blacklisted, err := r.store.IsBlacklisted(callCtx, jti)
	if err == nil && userID != nil && !isOwnedBy(owner, *userID) {
		return false, false, ErrTokenInvalid.withCause(errWrongOwner)
	}
	return userID != nil, blacklisted, r.unavailable(ctx, "look up blacklist", err)
}

// revoke puts all tokens of a scope on the blacklist, and returns how many were not on it before. Errors:
// ErrServiceUnavailable.
func (r records) revoke(ctx context.Context, scope Scope, reason Reason, now time.Time) (int, error) {
	ctx, cancel := detached.Context(ctx)
	defer cancel()
	n, err := r.store.Revoke(ctx, scope, reason, now)
	return n, r.unavailable(ctx, "revoke tokens", err)
}

// sessions returns the latest token of each active session of a user. Errors: ErrServiceUnavailable.
func (r records) sessions(ctx context.Context, userID string, now time.Time) ([]OutstandingToken, error) {
	callCtx, cancel := withStoreTimeout(ctx)
	defer cancel()
	latest, err := r.store.Sessions(callCtx, userID, now)
	return latest, r.unavailable(ctx, "look up sessions", err)
}

// flushExpired deletes the records of tokens that expired at or before a time. It is not part of a request, so it
// has no timeout, and it returns the errors of the Store.
func (r records) flushExpired(ctx context.Context, before time.Time) (int, error) {
	return r.store.FlushExpired(ctx, before)
}

// loadState reads the records of a token and of its session, both of which must belong to the owner.
func (t *Token) loadState(ctx context.Context, owner *string) (SessionState, error) {
	return t.auth.records.state(ctx, stateQuery{jti: t.JTI(), sid: t.SessionID(), owner: owner, issuedAt: t.issuedAt()})
}

// ownerOf returns the user to whom the records of a user's token must belong, as Rotation.Owner says it; "" for
// nil.
func ownerOf(user simplejwt.User) *string { return new(userID(user)) }

// claimedOwner is like ownerOf, for a user that was not loaded: it returns the user that the token claims. If USER_ID_FIELD is not the
// primary key, the claim does not identify the owner, and nil allows every owner.
func (t *Token) claimedOwner() *string {
	id := t.UserID()
	if id != "" && t.auth.settings.UserIDField != "id" {
		return nil
	}
	return &id
}

// isOwnedBy reports whether a record of the user with this id may serve the owner. A record without a user may
// serve everybody: its user was deleted.
func isOwnedBy(owner *string, userID string) bool {
	return owner == nil || userID == "" || userID == *owner
}
