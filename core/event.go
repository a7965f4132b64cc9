package core

import (
	"context"
	"log/slog"
)

// EventType says what happened.
type EventType string

// The events.
const (
	// EventLogin is a login that gave tokens.
	EventLogin EventType = "login"
	// EventLoginFailed is a login with wrong credentials, or of a user who may not log in; Username is the name as it was sent.
	EventLoginFailed EventType = "login_failed"
	// EventRefresh is a refresh that gave tokens.
	EventRefresh EventType = "refresh"
	// EventRetry is a refresh with a rotated token within ROTATION_GRACE_PERIOD.
	EventRetry EventType = "retry"
	// EventReuse is a rotated token that was presented again after the grace period: a copy is in other hands.
	EventReuse EventType = "reuse"
	// EventRevoke is the end of sessions; Count is how many tokens were consumed, but for a presented one.
	EventRevoke EventType = "revoke"
	// EventRevokeFailed is a logout or another end of sessions that did not come about, or not for sure, as the Store was
	// unavailable for too long. The client got a 503 and may try again, but not after a login that replaced another session in its
	// cookies: that succeeds. SessionID or UserID say whose rights to look after.
	EventRevokeFailed EventType = "revoke_failed"
	// EventStoreError is an error of the Store, of Users or of a hook, or a stored password hash that is too expensive: whatever
	// the log calls "authentication is unavailable".
	EventStoreError EventType = "store_error"
)

// Event is something that happened. Fields that do not apply are empty. It never holds a token or a password.
type Event struct {
	Type      EventType
	UserID    string
	Username  string
	SessionID string
	JTI       string
	TokenType string
	Reason    Reason
	Count     int
	Err       error
}

// emit logs what happened and calls Deps.OnEvent. Errors of the Store are logged where they occur. The name of a rejected login
// is not logged: people type passwords there.
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

// logAttrs are the fields that are not empty.
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
		out = append(out, slog.Int("tokens", e.Count)) // as in "expired tokens were deleted"
	}
	return out
}
