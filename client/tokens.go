package client

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"
)

// Tokens are the two tokens of a session; the zero value stands for none. Printed and logged they say nothing, but
// json.Marshal writes them, so that a Store can keep them.
type Tokens struct {
	// Access opens the API.
	Access string `json:"access"`
	// Refresh gives new ones.
	Refresh string `json:"refresh"`
}

// Format prints nothing of the tokens, for every verb.
func (t Tokens) Format(w fmt.State, _ rune) { fmt.Fprint(w, "client.Tokens{[redacted]}") }

// LogValue logs nothing of the tokens.
func (t Tokens) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// Store keeps the tokens of one session, for one Client or for several, in any number of processes. It must be safe for
// concurrent use, return when the context ends, and put no token into its errors. A Store that processes share should be
// a Locker too.
type Store interface {
	// Load returns the tokens that were saved last, by whomever, and the zero Tokens where there are none. It is asked
	// before each refresh, and for each request while there is no session. An error is none of the session: the request
	// fails, and the next one asks again.
	Load(ctx context.Context) (Tokens, error)
	// Save keeps the tokens in the place of those that were there, both or neither. The zero Tokens mean that there are
	// none. It must not return nil before Load, in each process, answers these tokens: the old refresh token may be of no
	// use by now. Up to three tries are made with the same tokens.
	Save(ctx context.Context, t Tokens) error
}

// Locker is an ability of a Store that several processes share. Where it is missing and two processes refresh at the same
// time, the server's ROTATION_GRACE_PERIOD gives both of them the same session. A server without a grace period refuses
// one of them, which then waits up to 1.3 seconds for what the other one saves; with REUSE_DETECTION it ends the session.
type Locker interface {
	// Lock waits until nobody else holds the lock, and returns what gives it back. A process that dies must not keep it.
	// It is held while tokens are loaded, refreshed and saved: for Config.Timeout and 10 seconds at most.
	Lock(ctx context.Context) (unlock func(), err error)
}

// Memory is a Store in memory. The zero value is ready, and empty.
type Memory struct{ saved atomic.Pointer[Tokens] }

var _ Store = (*Memory)(nil)

// Load returns the tokens that were saved last.
func (m *Memory) Load(context.Context) (Tokens, error) {
	if t := m.saved.Load(); t != nil {
		return *t, nil
	}
	return Tokens{}, nil
}

// Save keeps the tokens.
func (m *Memory) Save(_ context.Context, t Tokens) error {
	m.saved.Store(&t)
	return nil
}

// times are what a token says of its life, by the server's clock; zero where it says nothing.
type times struct{ exp, iat time.Time }

// timesOf reads a token without verifying it: it only tells when to refresh. A token in another form says nothing.
func timesOf(token string) times {
	parts := strings.SplitN(token, ".", 4)
	if len(parts) != 3 {
		return times{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return times{}
	}
	var claims struct{ Exp, Iat any }
	if err := json.Unmarshal(payload, &claims); err != nil {
		return times{}
	}
	return times{exp: timeOf(claims.Exp), iat: timeOf(claims.Iat)}
}

// timeOf is the time of a claim (RFC 7519 section 2), zero for anything that is no time until the year 9999.
func timeOf(claim any) time.Time {
	const year9999 = 253402300800
	seconds, ok := claim.(float64)
	if !ok || seconds <= 0 || seconds >= year9999 {
		return time.Time{}
	}
	return time.UnixMilli(int64(seconds * 1000))
}

// life is how long the token is good from the moment it is issued; 0 where it does not say.
func (t times) life() time.Duration {
	if t.exp.IsZero() || t.iat.IsZero() {
		return 0
	}
	return max(t.exp.Sub(t.iat), 0)
}
