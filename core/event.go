package core

import (
	"context"
	"log/slog"
)

// EventType says what happened. The values are stable, so that they can label metrics.
type EventType string

// The events.
const (
	// EventLogin is a login that issued tokens.
	EventLogin EventType = "login"
	// EventLoginFailed is a login with wrong credentials, or of a user who may not log in. Username is the name as
	// the client sent it.
	EventLoginFailed EventType = "login_failed"
	// EventRefresh is a refresh that issued tokens.
	EventRefresh EventType = "refresh"
	// EventRetry is a refresh with a token that was rotated less than ROTATION_GRACE_PERIOD ago. It issued tokens.
	EventRetry EventType = "retry"
	// EventReuse is a refresh or a logout with a token that was rotated longer than ROTATION_GRACE_PERIOD ago:
	// somebody has a copy of it.
	EventReuse EventType = "reuse"
	// EventRevoke is the end of sessions. Count is how many tokens were put on the blacklist, not counting a
	// presented one.
	EventRevoke EventType = "revoke"
	// EventRevokeFailed is a logout or another end of sessions that failed, or whose outcome is unknown, because
	// the Store was unavailable for too long. The client got status 503 and may try again, except after a login
	// that replaced another session in its cookies: that login succeeds. SessionID or UserID say whose sessions to
	// check.
	EventRevokeFailed EventType = "revoke_failed"
	// EventStoreError is an error of the Store, of Users or of a hook, or a stored password hash that is too
	// expensive to check. The log entry is "authentication is unavailable".
	EventStoreError EventType = "store_error"
)

// Event is something that happened. Fields that do not apply are zero. It never contains a token or a password.
type Event struct {
	Type      EventType
	UserID    string // the primary key of the user as text
	Username  string // EventLoginFailed: the name that was tried
	SessionID string
	JTI       string // the id of the presented or issued token
	TokenType string // its type, such as "refresh"
	Reason    Reason // EventRevoke, EventRevokeFailed: why
	Count     int    // EventRevoke: how many tokens
	Err       error  // EventRevokeFailed, EventStoreError: an ErrServiceUnavailable with its cause
}

// emit logs an event and calls Deps.OnEvent. It does not log EventStoreError, which unavailable has logged, and not
// the name of a failed login, because people type passwords there.
func (a *Auth) emit(ctx context.Context, e Event) {
	level, message := slog.LevelInfo, ""
	switch e.Type {
	case EventLogin:
		message = "a user logged in"
	case EventLoginFailed:
		message = "a login failed"
	case EventRefresh:
		level, message = slog.LevelDebug, "a token was refreshed"
	case EventRetry:
		level, message = slog.LevelDebug, "a rotated refresh token was presented again within the grace period"
	case EventReuse:
		level, message = slog.LevelWarn, "a rotated refresh token was presented again after the grace period"
	case EventRevoke:
		message = "sessions were ended"
	case EventRevokeFailed:
		level, message = slog.LevelError, "sessions were not ended"
	}
	if message != "" && a.deps.Logger.Enabled(ctx, level) {
		a.deps.Logger.LogAttrs(ctx, level, message, e.logAttrs()...)
	}
	if a.deps.OnEvent != nil {
		a.deps.OnEvent(ctx, e)
	}
}

// logAttrs returns the fields that are not empty.
func (e Event) logAttrs() []slog.Attr {
	var out []slog.Attr
	for _, a := range []slog.Attr{
		slog.String("user_id", e.UserID), slog.String("session_id", e.SessionID), slog.String("jti", e.JTI),
		slog.String("token_type", e.TokenType), slog.String("reason", string(e.Reason)),
	} {
		if a.Value.String() != "" {
			out = append(out, a)
		}
	}
	if e.Type == EventRevoke {
		out = append(out, slog.Int("tokens", e.Count)) // the key that FlushEvery logs too
	}
	return out
}
