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

// storeTimeout bounds each call of a Store or of Users, all retries included; then the answer is 503.
const storeTimeout = 10 * time.Second

// Deps are what Auth works with. Only Users is needed, and not even that by a program that only verifies tokens.
type Deps struct {
	// Users finds users.
	Users Users
	// Store records refresh and sliding tokens. Without one nothing is recorded, as without SimpleJWT's blacklist app.
	Store Store
	// Authenticate checks a login instead of the stored password (LDAP and the like). It returns nil, nil where the
	// credentials fit nobody, which is answered like a wrong password; a nil pointer counts as nil. An error is a 503. Both texts may
	// be as long as DATA_UPLOAD_MAX_MEMORY_SIZE lets a body be.
	Authenticate func(ctx context.Context, username, password string) (simplejwt.User, error)
	// Claims adds custom claims: at login and again at every refresh, with the user as he is then, to the refresh or
	// sliding token and to each access token. An *Error refuses as it says, any other is a 503, and nothing is consumed.
	// Registered claims it sets are overwritten.
	Claims func(ctx context.Context, user simplejwt.User, token *Token) error
	// Keys finds the keys of JWK_URL; made by the package core/jwks.
	Keys Keys
	// TokenClasses are token classes of one's own, beside AccessToken, RefreshToken, SlidingToken and UntypedToken.
	TokenClasses []TokenClass
	// PasswordHashers checks and makes password hashes. Defaults to hashers.New(hashers.Options{}).
	PasswordHashers *hashers.Hashers
	// OnEvent is called with what happens: logins, refreshes, reuse. It must be quick and safe for concurrent use.
	OnEvent func(context.Context, Event)
	// Logger gets what an operator must know. Defaults to slog.Default().
	Logger *slog.Logger
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// NewID makes token ids. By default they are 32 hex digits: 48 bits of milliseconds, so that a database finds new ones
	// beside each other, and 80 random bits.
	NewID func() string
}

// Keys finds the key that verifies a token by the token's kid, for JWK_URL.
type Keys interface {
	// VerifyingKey returns the public key with this id, for this algorithm. An error, or a key of another kind than the
	// algorithm's, makes the token invalid.
	VerifyingKey(ctx context.Context, kid, algorithm string) (crypto.PublicKey, error)
}

// Auth is the authentication of an application. It is safe for concurrent use.
type Auth struct {
	settings  simplejwt.Settings // with all defaults filled in
	deps      Deps
	codec     *jose.Codec
	classes   tokenClasses
	transport Transport

	records      records // the calls of Deps.Store
	rules        sessionRules
	sessionCache *sessionCache // sessions that CHECK_SESSION found active
	warned       *sync.Map     // what warnOnce has logged; shared with WithoutCookies
}

// New checks the settings and returns an Auth for them. The error is a simplejwt.Faults that names everything that is
// wrong, of the settings and of what FromJSON, FromFile and FromEnv found, and the file or the variable that it came from. Password hashes are prepared here, so that the first
// login of an unknown user costs as much as any other.
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
	for _, f := range found { // what could not be read is not missing as well
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

// Format prints nothing of the keys, for every verb.
func (a Auth) Format(w fmt.State, _ rune) { fmt.Fprint(w, "core.Auth{", a.settings.Algorithm, "}") }

// Settings are the settings in force, with all defaults filled in.
func (a *Auth) Settings() simplejwt.Settings { return a.settings }

// UsernameField is the name of a login's JSON field.
func (a *Auth) UsernameField() string { return a.deps.Users.UsernameField() }

// HasSessions reports whether sessions are on record, so that they can be listed and ended: with a Store and with token ids.
func (a *Auth) HasSessions() bool { return a.keepsRecords() }

// keepsRecords reports whether tokens are keepsRecords: with a Store and with token ids.
func (a *Auth) keepsRecords() bool { return a.deps.Store != nil && a.settings.JTIClaim != "" }

// now is the time, in UTC and to the microsecond, as the tables keep it.
func (a *Auth) now() time.Time { return a.deps.Now().UTC().Truncate(time.Microsecond) }

// withStoreTimeout limits how long a call of the Store or of Users may take. Work that outlasts its client has that limit for all
// of its calls.
func withStoreTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if detached.Is(ctx) {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, storeTimeout)
}

// unavailable logs an error of the Store, of Users, of a hook or of a password hash, emits EventStoreError and returns
// ErrServiceUnavailable. It returns nil for nil, and an *Error as it is.
func (a *Auth) unavailable(ctx context.Context, operation string, err error) error {
	out := asUnavailable(operation, err)
	if out != nil && !errors.Is(err, out) && !errors.Is(ctx.Err(), context.Canceled) {
		a.deps.Logger.ErrorContext(ctx, "authentication is unavailable", "operation", operation, "error", err)
		a.emit(ctx, Event{Type: EventStoreError, Err: out})
	}
	return out
}

// warnOnce logs a warning the first time that it is called with this message and subject.
func (a *Auth) warnOnce(ctx context.Context, message, subject string, args ...any) {
	if _, logged := a.warned.LoadOrStore([2]string{message, subject}, true); !logged {
		a.deps.Logger.WarnContext(ctx, message, args...)
	}
}

// newID makes an id of 48 bits of the time in milliseconds and 80 random bits.
func (a *Auth) newID() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(a.deps.Now().UnixMilli())<<16)
	_, _ = rand.Read(b[6:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}
