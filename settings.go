// Package simplejwt holds the settings of the authentication suite and the few words every other package shares.
//
// The names are those of Django REST framework SimpleJWT's SIMPLE_JWT dictionary: ROTATE_REFRESH_TOKENS is the field
// RotateRefreshTokens. Start with [Recommended], set SigningKey, and hand the result to core.New. The package depends
// on the standard library only.
package simplejwt

import (
	"cmp"
	"context"
	"time"
)

// Off is the value of JTIClaim or TokenTypeClaim that switches the claim off, as None does in SimpleJWT.
const Off = "\x00off"

// User is what a user model must offer to log in. A GORM model implements it with three short methods.
// The values must be those the user had when he was loaded; the methods do no input or output.
type User interface {
	// AuthID is the primary key as text ("42", a UUID), never empty. Token rows refer to it.
	AuthID() string
	// AuthActive is Django's is_active: whether the user may authenticate.
	AuthActive() bool
	// AuthPassword is the stored password hash in one of Django's formats, "" where there is none.
	AuthPassword() string
}

// Claims are the claims of a token by name. Numbers of a parsed token are json.Number, so that none loses digits.
type Claims map[string]any

// Attrs are the fields of a request or of an answer by name.
type Attrs map[string]any

// SerializerInput is what a serializer hook works on.
type SerializerInput struct {
	// Attrs are the fields of the request body: those the view asks for, checked and trimmed, and all others as sent.
	Attrs Attrs
	// User is the authenticated user or the token's user once super has returned; nil where there is none.
	User User
}

// Serializer wraps a view's work, as a subclass of a SimpleJWT serializer does: it may change in.Attrs before it calls
// super, add to or replace what super returns, or refuse with an error (a *core.Error chooses status, code and detail;
// a core.ValidationError answers 400 with field errors; any other error is a 500 and is logged).
type Serializer func(ctx context.Context, in *SerializerInput, super func(context.Context) (Attrs, error)) (Attrs, error)

// Settings are SimpleJWT's settings; the zero value is SimpleJWT's default. core.New checks them, all at once.
// A field whose comment names no default is empty or off by default.
type Settings struct {
	// AccessTokenLifetime is ACCESS_TOKEN_LIFETIME. Defaults to 5 minutes.
	AccessTokenLifetime time.Duration `setting:"ACCESS_TOKEN_LIFETIME"`
	// RefreshTokenLifetime is REFRESH_TOKEN_LIFETIME. Defaults to 24 hours.
	RefreshTokenLifetime time.Duration `setting:"REFRESH_TOKEN_LIFETIME"`
	// RotateRefreshTokens is ROTATE_REFRESH_TOKENS: a refresh also gives a new refresh token.
	RotateRefreshTokens bool `setting:"ROTATE_REFRESH_TOKENS"`
	// BlacklistAfterRotation is BLACKLIST_AFTER_ROTATION: the presented refresh token is consumed by its rotation.
	// It needs a Store.
	BlacklistAfterRotation bool `setting:"BLACKLIST_AFTER_ROTATION"`
	// UpdateLastLogin is UPDATE_LAST_LOGIN: a login sets the user's last_login. It needs a core.LastLoginUpdater.
	UpdateLastLogin bool `setting:"UPDATE_LAST_LOGIN"`

	// Algorithm is ALGORITHM: HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 or
	// EdDSA (Ed25519). Defaults to HS256.
	Algorithm string `setting:"ALGORITHM"`
	// SigningKey is SIGNING_KEY: the HMAC secret (at least 32 bytes) or a private key in PEM. Without it an asymmetric
	// VerifyingKey or JWKURL makes a program that only verifies.
	SigningKey string `setting:"SIGNING_KEY,null,secret"`
	// VerifyingKey is VERIFYING_KEY: the public key in PEM. Defaults to the public half of SigningKey.
	VerifyingKey string `setting:"VERIFYING_KEY,null,secret"`
	// Audience is AUDIENCE: written as the aud claim and asked for. One entry is written as text, several as a list.
	Audience []string `setting:"AUDIENCE,null"`
	// Issuer is ISSUER: written as the iss claim and asked for.
	Issuer string `setting:"ISSUER,null"`
	// JSONEncoder is JSON_ENCODER's purpose: it encodes the claims of a token. Defaults to encoding/json.
	JSONEncoder func(Claims) ([]byte, error) `setting:"JSON_ENCODER,null"`
	// JWKURL is JWK_URL: where the verifying keys are fetched, over https but for this machine. It needs Deps.Keys, made by
	// core/jwks.
	JWKURL string `setting:"JWK_URL,null,secret"`
	// Leeway is LEEWAY: how much clock difference exp, nbf and iat are forgiven. In files a number counts seconds.
	Leeway time.Duration `setting:"LEEWAY,null,seconds"`

	// AuthHeaderTypes is AUTH_HEADER_TYPES: the accepted schemes, compared with regard to case; the first one is named
	// in WWW-Authenticate. Defaults to Bearer.
	AuthHeaderTypes []string `setting:"AUTH_HEADER_TYPES"`
	// AuthHeaderName is AUTH_HEADER_NAME in Django's form (HTTP_X_ACCESS_TOKEN) or as a header's name (X-Access-Token).
	// Defaults to HTTP_AUTHORIZATION.
	AuthHeaderName string `setting:"AUTH_HEADER_NAME"`
	// UserIDField is USER_ID_FIELD: the field of the user model whose value tokens carry. Defaults to id.
	UserIDField string `setting:"USER_ID_FIELD"`
	// UserIDClaim is USER_ID_CLAIM. Defaults to user_id.
	UserIDClaim string `setting:"USER_ID_CLAIM"`
	// UserAuthenticationRule is USER_AUTHENTICATION_RULE: who may authenticate, asked at login (with a nil User where
	// nobody matched), at each refresh and at each request. Defaults to: not nil, and active where CheckUserIsActive.
	UserAuthenticationRule func(context.Context, User) bool `setting:"USER_AUTHENTICATION_RULE"`
	// OnLoginSuccess is ON_LOGIN_SUCCESS: called after a login. An error refuses it like a Serializer's error.
	OnLoginSuccess func(context.Context, User) error `setting:"ON_LOGIN_SUCCESS"`
	// OnLoginFailed is ON_LOGIN_FAILED: called with the user name as it was sent.
	OnLoginFailed func(ctx context.Context, username string) `setting:"ON_LOGIN_FAILED"`
	// AuthTokenClasses is AUTH_TOKEN_CLASSES: the names of the token classes that open a protected route (AccessToken,
	// SlidingToken, RefreshToken, or one registered through core.Deps). Defaults to AccessToken.
	AuthTokenClasses []ClassName `setting:"AUTH_TOKEN_CLASSES"`
	// TokenTypeClaim is TOKEN_TYPE_CLAIM; Off switches types off. Defaults to token_type.
	TokenTypeClaim string `setting:"TOKEN_TYPE_CLAIM,off"`
	// JTIClaim is JTI_CLAIM; Off switches token ids, and with them the records, off. Defaults to jti.
	JTIClaim string `setting:"JTI_CLAIM,off"`
	// TokenUserClass is TOKEN_USER_CLASS: makes the user of stateless authentication; nil rejects the token. Defaults to
	// core.TokenUser.
	TokenUserClass func(Claims) User `setting:"TOKEN_USER_CLASS"`

	// SlidingTokenLifetime is SLIDING_TOKEN_LIFETIME. Defaults to 5 minutes.
	SlidingTokenLifetime time.Duration `setting:"SLIDING_TOKEN_LIFETIME"`
	// SlidingTokenRefreshLifetime is SLIDING_TOKEN_REFRESH_LIFETIME. Defaults to 24 hours.
	SlidingTokenRefreshLifetime time.Duration `setting:"SLIDING_TOKEN_REFRESH_LIFETIME"`
	// SlidingTokenRefreshExpClaim is SLIDING_TOKEN_REFRESH_EXP_CLAIM. Defaults to refresh_exp.
	SlidingTokenRefreshExpClaim string `setting:"SLIDING_TOKEN_REFRESH_EXP_CLAIM"`

	// TokenObtainSerializer is TOKEN_OBTAIN_SERIALIZER, the hook of the obtain pair view.
	TokenObtainSerializer Serializer `setting:"TOKEN_OBTAIN_SERIALIZER"`
	// TokenRefreshSerializer is TOKEN_REFRESH_SERIALIZER, the hook of the refresh view.
	TokenRefreshSerializer Serializer `setting:"TOKEN_REFRESH_SERIALIZER"`
	// TokenVerifySerializer is TOKEN_VERIFY_SERIALIZER, the hook of the verify view.
	TokenVerifySerializer Serializer `setting:"TOKEN_VERIFY_SERIALIZER"`
	// TokenBlacklistSerializer is TOKEN_BLACKLIST_SERIALIZER, the hook of the blacklist view.
	TokenBlacklistSerializer Serializer `setting:"TOKEN_BLACKLIST_SERIALIZER"`
	// SlidingTokenObtainSerializer is SLIDING_TOKEN_OBTAIN_SERIALIZER, the hook of the obtain sliding view.
	SlidingTokenObtainSerializer Serializer `setting:"SLIDING_TOKEN_OBTAIN_SERIALIZER"`
	// SlidingTokenRefreshSerializer is SLIDING_TOKEN_REFRESH_SERIALIZER, the hook of the refresh sliding view.
	SlidingTokenRefreshSerializer Serializer `setting:"SLIDING_TOKEN_REFRESH_SERIALIZER"`

	// CheckRevokeToken is CHECK_REVOKE_TOKEN: tokens carry a digest of the password hash and end when it changes.
	CheckRevokeToken bool `setting:"CHECK_REVOKE_TOKEN"`
	// RevokeTokenClaim is REVOKE_TOKEN_CLAIM. Defaults to hash_password.
	RevokeTokenClaim string `setting:"REVOKE_TOKEN_CLAIM"`
	// CheckUserIsActive is CHECK_USER_IS_ACTIVE: tokens of inactive users are refused. Defaults to true; new(false)
	// switches it off. A login with a stored password asks for an active user in any case.
	CheckUserIsActive *bool `setting:"CHECK_USER_IS_ACTIVE"`

	// RotationGracePeriod is ROTATION_GRACE_PERIOD, beyond SimpleJWT: a rotated token presented again within this time
	// gets its session's newest token, so that a reload or a lost response logs nobody out. Needs BlacklistAfterRotation.
	RotationGracePeriod time.Duration `setting:"ROTATION_GRACE_PERIOD"`
	// ReuseDetection is REUSE_DETECTION, beyond SimpleJWT: a rotated token presented after the grace period revokes its
	// session (RFC 9700 section 4.14). Needs BlacklistAfterRotation.
	ReuseDetection bool `setting:"REUSE_DETECTION"`
	// SessionLifetime is SESSION_LIFETIME, beyond SimpleJWT: the absolute end of a session, counted from its login.
	// Zero means none. Needs a Store.
	SessionLifetime time.Duration `setting:"SESSION_LIFETIME"`
	// MaxSessionsPerUser is MAX_SESSIONS_PER_USER, beyond SimpleJWT: a login ends all sessions of its user but this many
	// that started last. Zero means no limit. Needs a Store.
	MaxSessionsPerUser int `setting:"MAX_SESSIONS_PER_USER"`
	// CheckSession is CHECK_SESSION, beyond SimpleJWT: user-backed authentication also asks whether the token's session
	// still lives, so that an access token dies with its session. A token without sid is refused. Needs a Store.
	CheckSession bool `setting:"CHECK_SESSION"`
	// CheckSessionCacheTimeout is CHECK_SESSION_CACHE_TIMEOUT, beyond SimpleJWT: for how long a process may believe that a
	// session still lives without asking again. Zero means it always asks. Needs CheckSession.
	CheckSessionCacheTimeout time.Duration `setting:"CHECK_SESSION_CACHE_TIMEOUT"`
	// VerifiedTokenCacheSize is VERIFIED_TOKEN_CACHE_SIZE, beyond SimpleJWT: how many tokens a process remembers whose
	// signature was good, so that it is not computed again. All other checks are made as ever. Zero means none. For RS, PS,
	// ES and EdDSA only.
	VerifiedTokenCacheSize int `setting:"VERIFIED_TOKEN_CACHE_SIZE"`
	// OAuthErrors is OAUTH_ERRORS, beyond SimpleJWT: refusals also carry error and error_description (RFC 6749 section 5.2,
	// RFC 6750 section 3.1) and reason, and WWW-Authenticate the first two.
	OAuthErrors bool `setting:"OAUTH_ERRORS"`
	// AuthCookie is AUTH_COOKIE, beyond SimpleJWT: the views hand tokens out in http-only cookies instead of the body, and
	// authentication reads them where a request has no header for us. A Mount may hand them out in the body all the same.
	AuthCookie bool `setting:"AUTH_COOKIE"`
	// AuthCookieAccess is AUTH_COOKIE_ACCESS: the name of the cookie of the access or sliding token. Defaults to
	// __Host-access, with __Secure- where it has a domain or a path, without a prefix where it is insecure. No other prefix
	// is accepted. The same goes for the two other names.
	AuthCookieAccess string `setting:"AUTH_COOKIE_ACCESS"`
	// AuthCookieRefresh is AUTH_COOKIE_REFRESH: the name of the cookie of the refresh token. Defaults to __Host-refresh.
	AuthCookieRefresh string `setting:"AUTH_COOKIE_REFRESH"`
	// AuthCookieDomain is AUTH_COOKIE_DOMAIN: the domain whose hosts get the cookies. By default only the host that set
	// them.
	AuthCookieDomain string `setting:"AUTH_COOKIE_DOMAIN"`
	// AuthCookiePath is AUTH_COOKIE_PATH: the path of the cookies. Defaults to /.
	AuthCookiePath string `setting:"AUTH_COOKIE_PATH"`
	// AuthCookieRefreshPath is AUTH_COOKIE_REFRESH_PATH: the path of the refresh token's cookie, such as that of Mount, so
	// that it travels to these views only. Other hosts of the domain can set such a cookie: it counts beside the CSRF cookie of its
	// session only. Defaults to AuthCookiePath.
	AuthCookieRefreshPath string `setting:"AUTH_COOKIE_REFRESH_PATH"`
	// AuthCookieSameSite is AUTH_COOKIE_SAMESITE: Lax, Strict or None. Defaults to Lax.
	AuthCookieSameSite string `setting:"AUTH_COOKIE_SAMESITE"`
	// AuthCookieInsecure is AUTH_COOKIE_INSECURE: cookies over plain http, for development on this machine. Only a host
	// that is localhost or a loopback address gets them, and they are accepted from no other.
	AuthCookieInsecure bool `setting:"AUTH_COOKIE_INSECURE"`
	// CSRFCookieName is CSRF_COOKIE_NAME: the cookie that tells a page's scripts the token of its session against cross-site
	// requests. Its path is always /. Defaults to __Host-csrftoken.
	CSRFCookieName string `setting:"CSRF_COOKIE_NAME"`
	// CSRFHeaderName is CSRF_HEADER_NAME in Django's form or as a header's name: where that token comes back. Defaults to
	// HTTP_X_CSRFTOKEN.
	CSRFHeaderName string `setting:"CSRF_HEADER_NAME"`
	// CSRFTrustedOrigins is CSRF_TRUSTED_ORIGINS: other origins whose pages may send requests with cookies, such as
	// https://app.example.com.
	CSRFTrustedOrigins []string `setting:"CSRF_TRUSTED_ORIGINS"`
	// NumProxies is NUM_PROXIES, the name of Django REST framework: how many proxies in front append to X-Forwarded-For.
	// Zero takes the client's address from the connection, and so does a list without an address from each of them.
	NumProxies int `setting:"NUM_PROXIES"`
	// DataUploadMaxMemorySize is DATA_UPLOAD_MAX_MEMORY_SIZE, Django's name: the largest request body in bytes, over
	// which the answer is 413. Defaults to 1 MiB.
	DataUploadMaxMemorySize int64 `setting:"DATA_UPLOAD_MAX_MEMORY_SIZE"`

	given        map[string]bool
	names        map[string]string // NameOf, of what FromFile and FromEnv found
	faults       SettingsError
	audienceList bool
}

// Recommended returns the profile of RFC 9700: rotation, blacklisting, 10 seconds of grace, reuse detection and 30 days
// of session lifetime. SigningKey is left to be set.
func Recommended() Settings {
	return Settings{
		RotateRefreshTokens:    true,
		BlacklistAfterRotation: true,
		RotationGracePeriod:    10 * time.Second,
		ReuseDetection:         true,
		SessionLifetime:        30 * 24 * time.Hour,
	}
}

// ClassName is the name of a token class. The package core has those of SimpleJWT's classes, such as core.AccessToken.
type ClassName string

// IsSet reports whether FromJSON, FromFile or FromEnv found the setting of this name, so that a present zero ("0s", "") is told
// from an absent one.
func (s *Settings) IsSet(name string) bool { return s.given[name] }

// NameOf is what an error calls the setting of this name: SIMPLE_JWT_LEEWAY where FromEnv found it last, "settings.json: LEEWAY"
// where FromFile did, else LEEWAY.
func (s *Settings) NameOf(name string) string { return cmp.Or(s.names[name], name) }

// AudienceIsList reports whether AUDIENCE is written into tokens as a list.
func (s *Settings) AudienceIsList() bool { return s.audienceList || len(s.Audience) > 1 }

// InvalidSettings are the faults that FromJSON, FromFile and FromEnv found. core.New reports them together with its own.
func (s *Settings) InvalidSettings() SettingsError { return s.faults }
