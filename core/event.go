package core

import "context"

// EventType says what happened.
type EventType string

// The events.
const (
	// EventLogin is a login that gave tokens.
	EventLogin EventType = "login"
	// EventLoginFailed is a refused login; Username is the name as it was sent.
	EventLoginFailed EventType = "login_failed"
	// EventRefresh is a refresh that gave tokens.
	EventRefresh EventType = "refresh"
	// EventRetry is a refresh with a rotated token within ROTATION_GRACE_PERIOD.
	EventRetry EventType = "retry"
	// EventReuse is a rotated token that came back after the grace period: a copy is in other hands.
	EventReuse EventType = "reuse"
	// EventRevoke is the end of sessions; Count is how many tokens were consumed, but for a presented one.
	EventRevoke EventType = "revoke"
	// EventStoreError is trouble with the store, the users or a hook.
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

func (a *Auth) event(ctx context.Context, e Event) {
	if a.d.OnEvent != nil {
		a.d.OnEvent(ctx, e)
	}
}
