package core

import (
	"context"
	"crypto"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/internal/detached"
	"github.com/go-simplejwt/simplejwt/internal/jose"
)

// storeTimeout limits each call of a Store or of Users, including all retries. After it the error is
// ErrServiceUnavailable.
const storeTimeout = 10 * time.Second

// Deps are the dependencies of an Auth. Only Users is required, and a program that only verifies tokens can leave
// out that too. New copies the struct, so later changes have no effect.
type Deps struct {
	// Users finds users.
	Users Users
	// Store records refresh and sliding tokens. If it is nil, nothing is recorded, as without SimpleJWT's blacklist
	// app.
	Store Store
	// Authenticate checks the credentials of a login instead of the stored password, for LDAP and the like. It
	// returns nil, nil if they match no user, which counts as a wrong password; a nil pointer counts as nil.
	// An error becomes ErrServiceUnavailable. Both strings come straight from the request, and are limited only by
	// DATA_UPLOAD_MAX_MEMORY_SIZE.
	Authenticate func(ctx context.Context, username, password string) (simplejwt.User, error)
	// Claims adds custom claims to a token. It is called at login and at every refresh, with the current user, for
	// the refresh or sliding token and for each access token. A custom claim that it does not set this time is
	// removed. What it sets for exp, iat, sid and the claims whose names are settings is overwritten. It is called
	// before anything is consumed: an *Error is returned to the client as it is, any other error becomes
	// ErrServiceUnavailable.
	Claims func(ctx context.Context, user simplejwt.User, token *Token) error
	// Keys finds the keys of JWK_URL. The package core/jwks implements it.
	Keys Keys
	// TokenClasses are custom token classes, in addition to AccessToken, RefreshToken, SlidingToken and
	// UntypedToken.
	TokenClasses []TokenClass
	// PasswordHashers checks and creates password hashes. Defaults to hashers.New(hashers.Options{}).
	PasswordHashers *hashers.Hashers
	// OnEvent is called with every event: logins, refreshes, reuse, revocations. It is called by the goroutine of
	// the request, so it must be quick, and it must be safe for concurrent use.
	OnEvent func(context.Context, Event)
	// Logger gets what an operator should know. Defaults to slog.Default().
	Logger *slog.Logger
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// NewID returns a new, unique token id. The default is 32 hex digits: 48 bits of the time in milliseconds, so
	// that a database inserts new ids next to each other, and 80 random bits.
	NewID func() string
}

// Keys finds the public key that verifies a token, for JWK_URL. Implementations must be safe for concurrent use.
type Keys interface {
	// VerifyingKey returns the public key with this kid for this algorithm (such as "RS256"). After an error, or
	// with a key of another type than the algorithm's, the token is invalid.
	VerifyingKey(ctx context.Context, kid, algorithm string) (crypto.PublicKey, error)
}

// Auth is the authentication of an application. It is safe for concurrent use. Create one with New.
type Auth struct {
	settings  simplejwt.Settings // with all defaults
	deps      Deps
	codec     *jose.Codec
	classes   tokenClasses
	transport Transport

	records      records // makes all calls of Deps.Store
	rules        sessionRules
	sessionCache *sessionCache // sessions that CHECK_SESSION found active
	warned       *sync.Map     // what warnOnce has logged; shared with the Auth of WithoutCookies
}

// New checks the settings and returns an Auth for them. The error is a simplejwt.SettingsError that lists every
// invalid setting at once, including those that FromJSON, FromFile and FromEnv found, with the file or the variable
// it came from. New prepares the password hashers, so that the first login of an unknown user takes as long as any
// other.
func New(settings simplejwt.Settings, deps Deps) (*Auth, error) {
	a := &Auth{settings: withDefaults(settings), deps: deps, warned: &sync.Map{}}
	reported := settings.InvalidSettings()
	var found simplejwt.SettingsError
	if a.deps.Logger == nil {
		a.deps.Logger = slog.Default()
	}
	if a.deps.Now == nil {
		a.deps.Now = time.Now
	}
	if a.deps.NewID == nil {
		a.deps.NewID = a.newID
	}
	a.applySettings(&found)
	invalid := slices.Clone(reported)
	for _, f := range found { // a setting that could not be read is not reported as missing too
		if name := settings.NameOf(f.Setting); name != f.Setting {
			f.Name = name
		}
		if !slices.ContainsFunc(reported, func(t simplejwt.InvalidSetting) bool { return t.Setting != "" && t.Setting == f.Setting }) {
			invalid = append(invalid, f)
		}
	}
	if a.deps.Users == nil {
		a.deps.Users = noUsers{}
	}
	if len(invalid) > 0 {
		return nil, invalid
	}
	if a.deps.PasswordHashers == nil {
		h, err := hashers.New(hashers.Options{})
		if err != nil {
			return nil, fmt.Errorf("prepare password hashers: %w", err)
		}
		a.deps.PasswordHashers = h
	}
	return a, nil
}

// Format implements fmt.Formatter. It prints only the algorithm, for every verb, because the settings hold keys.
func (a Auth) Format(w fmt.State, _ rune) { fmt.Fprint(w, "core.Auth{", a.settings.Algorithm, "}") }

// Settings returns the settings with all defaults filled in.
func (a *Auth) Settings() simplejwt.Settings { return a.settings }

// UsernameField returns the name of the JSON field that identifies the user at login, Django's USERNAME_FIELD.
func (a *Auth) UsernameField() string { return a.deps.Users.UsernameField() }

// HasSessions reports whether sessions are recorded, so that they can be listed and ended: there is a Store, and
// JTI_CLAIM is on.
func (a *Auth) HasSessions() bool { return a.keepsRecords() }

// keepsRecords reports whether tokens can be recorded: there is a Store, and JTI_CLAIM is on.
func (a *Auth) keepsRecords() bool { return a.deps.Store != nil && a.settings.JTIClaim != "" }

// now returns the current time in UTC, truncated to microseconds, as the tables keep it.
func (a *Auth) now() time.Time { return a.deps.Now().UTC().Truncate(time.Microsecond) }

// withStoreTimeout limits how long a call of the Store or of Users may take. A detached context has a limit
// already, for all of its calls together.
func withStoreTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if detached.Is(ctx) {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, storeTimeout)
}

// unavailable logs an error of the Store, of Users, of a hook or of a password hash, emits EventStoreError and
// returns ErrServiceUnavailable. It returns nil for nil, and an *Error as it is. It neither logs nor emits if the
// client has canceled the request.
func (a *Auth) unavailable(ctx context.Context, operation string, err error) error {
	out := asUnavailable(operation, err)
	if out != nil && !errors.Is(err, out) && !errors.Is(ctx.Err(), context.Canceled) {
		a.deps.Logger.ErrorContext(ctx, "authentication is unavailable", "operation", operation, "error", err)
		a.emit(ctx, Event{Type: EventStoreError, Err: out})
	}
	return out
}

// warnOnce logs a warning the first time it is called with this message and subject.
func (a *Auth) warnOnce(ctx context.Context, message, subject string, args ...any) {
	if _, logged := a.warned.LoadOrStore([2]string{message, subject}, true); !logged {
		a.deps.Logger.WarnContext(ctx, message, args...)
	}
}

// newID returns an id of 48 bits of the time in milliseconds and 80 random bits.
func (a *Auth) newID() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(a.deps.Now().UnixMilli())<<16)
	_, _ = rand.Read(b[6:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}
