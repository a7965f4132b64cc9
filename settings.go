// Package simplejwt contains the settings of the authentication suite and the few types that every other package shares.
//
// The names are those of Django REST framework SimpleJWT's SIMPLE_JWT dictionary: ROTATE_REFRESH_TOKENS is the field
// RotateRefreshTokens. Start with [Recommended], set SigningKey, and pass the result to core.New. The package depends
// on the standard library only.
package simplejwt

import (
	"cmp"
	"context"
	"time"
)

// Off is the value of JTIClaim or TokenTypeClaim that switches the claim off, as None does in SimpleJWT.
const Off = "\x00off"

// User is what a user model must implement to log in. A GORM model does so with three short methods.
// They return the values that were loaded with the user, and do no input or output.
type User interface {
	// AuthID is the primary key as text ("42", a UUID), never empty. Token records refer to it.
	AuthID() string
	// AuthActive is Django's is_active: whether the user may authenticate.
	AuthActive() bool
	// AuthPassword is the stored password hash in one of Django's formats, "" for a user without a password.
	AuthPassword() string
}

// Claims are the claims of a token by name. Numbers of a parsed token are json.Number, so that no digits are lost.
type Claims map[string]any

// Attrs are the fields of a request or of a response by name.
type Attrs map[string]any

// SerializerInput is the request that a [Serializer] works on.
type SerializerInput struct {
	// Attrs are the fields of the request body: those of the view validated and trimmed, all others as sent.
	Attrs Attrs
	// User is the authenticated user, or the token's user once super has returned. It is nil before that, and in views
	// that load no user.
	User User
}

// Serializer wraps a view's work, as a subclass of a SimpleJWT serializer does: it may change in.Attrs before it calls
// super, add to or replace what super returns, or reject the request with an error. A *core.Error chooses status, code
// and detail; a core.ValidationError becomes a 400 with field errors; any other error is logged and becomes a 500.
// It must be safe for concurrent use.
type Serializer func(ctx context.Context, in *SerializerInput, super func(context.Context) (Attrs, error)) (Attrs, error)

// Settings are SimpleJWT's settings. The zero value of a field is SimpleJWT's default, and a field whose comment names
// no default is empty or off by default. core.New validates them and reports everything that is wrong at once.
// The fields in the order of this struct are also the order in which Settings are printed.
type Settings struct {
	// AccessTokenLifetime is ACCESS_TOKEN_LIFETIME. Defaults to 5 minutes.
	AccessTokenLifetime time.Duration `setting:"ACCESS_TOKEN_LIFETIME"`
	// RefreshTokenLifetime is REFRESH_TOKEN_LIFETIME. Defaults to 24 hours.
	RefreshTokenLifetime time.Duration `setting:"REFRESH_TOKEN_LIFETIME"`
	// RotateRefreshTokens is ROTATE_REFRESH_TOKENS: a refresh also returns a new refresh token.
	RotateRefreshTokens bool `setting:"ROTATE_REFRESH_TOKENS"`
	// BlacklistAfterRotation is BLACKLIST_AFTER_ROTATION: rotation uses up the presented refresh token. Needs a Store.
	BlacklistAfterRotation bool `setting:"BLACKLIST_AFTER_ROTATION"`
	// UpdateLastLogin is UPDATE_LAST_LOGIN: a login sets the user's last_login. Needs a core.LastLoginUpdater.
	UpdateLastLogin bool `setting:"UPDATE_LAST_LOGIN"`

	// Algorithm is ALGORITHM: HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 or
	// EdDSA (Ed25519). Defaults to HS256.
	Algorithm string `setting:"ALGORITHM"`
	// SigningKey is SIGNING_KEY: the HMAC secret (at least 32 bytes, 48 for HS384, 64 for HS512) or a private key in PEM.
	// A program with only a VerifyingKey or JWKURL verifies tokens and issues none.
	SigningKey string `setting:"SIGNING_KEY,null,secret"`
	// VerifyingKey is VERIFYING_KEY: the public key in PEM. Defaults to the public half of SigningKey.
	VerifyingKey string `setting:"VERIFYING_KEY,null,secret"`
	// Audience is AUDIENCE: written as the aud claim and required in it. One entry is written as text, several as a list.
	Audience []string `setting:"AUDIENCE,null"`
	// Issuer is ISSUER: written as the iss claim and required in it.
	Issuer string `setting:"ISSUER,null"`
	// JSONEncoder is JSON_ENCODER: it encodes the claims of a token. Defaults to encoding/json.
	JSONEncoder func(Claims) ([]byte, error) `setting:"JSON_ENCODER,null"`
	// JWKURL is JWK_URL: from where the verifying keys are fetched, over HTTPS unless the host is this machine. Needs
	// Deps.Keys, made by core/jwks.
	JWKURL string `setting:"JWK_URL,null,secret"`
	// Leeway is LEEWAY: the clock difference that exp, nbf and iat tolerate. In a file a number counts seconds.
	Leeway time.Duration `setting:"LEEWAY,null,seconds"`

	// AuthHeaderTypes is AUTH_HEADER_TYPES: the accepted schemes, case-sensitive; WWW-Authenticate names the first one.
	// Defaults to Bearer.
	AuthHeaderTypes []string `setting:"AUTH_HEADER_TYPES"`
	// AuthHeaderName is AUTH_HEADER_NAME in Django's form (HTTP_X_ACCESS_TOKEN) or as a header's name (X-Access-Token).
	// Defaults to HTTP_AUTHORIZATION.
	AuthHeaderName string `setting:"AUTH_HEADER_NAME"`
	// UserIDField is USER_ID_FIELD: the field of the user model whose value tokens carry. Defaults to id.
	UserIDField string `setting:"USER_ID_FIELD"`
	// UserIDClaim is USER_ID_CLAIM: the claim that carries it. Defaults to user_id.
	UserIDClaim string `setting:"USER_ID_CLAIM"`
	// UserAuthenticationRule is USER_AUTHENTICATION_RULE: whether the user may authenticate. It is called at each login
	// (with nil if no user matched), refresh and request. The default requires a user, active if CheckUserIsActive is set.
	UserAuthenticationRule func(context.Context, User) bool `setting:"USER_AUTHENTICATION_RULE"`
	// OnLoginSuccess is ON_LOGIN_SUCCESS: called after a login. An error rejects the login, as a Serializer's error does.
	OnLoginSuccess func(context.Context, User) error `setting:"ON_LOGIN_SUCCESS"`
	// OnLoginFailed is ON_LOGIN_FAILED: called with the user name as it was sent.
	OnLoginFailed func(ctx context.Context, username string) `setting:"ON_LOGIN_FAILED"`
	// AuthTokenClasses is AUTH_TOKEN_CLASSES: the token classes that protected routes accept (AccessToken, SlidingToken,
	// RefreshToken, or one registered through core.Deps). Defaults to AccessToken.
	AuthTokenClasses []ClassName `setting:"AUTH_TOKEN_CLASSES"`
	// TokenTypeClaim is TOKEN_TYPE_CLAIM; Off disables types, so that a refresh token opens protected routes. Defaults to
	// token_type.
	TokenTypeClaim string `setting:"TOKEN_TYPE_CLAIM,off"`
	// JTIClaim is JTI_CLAIM; Off disables token ids, and with them the records. Defaults to jti.
	JTIClaim string `setting:"JTI_CLAIM,off"`
	// TokenUserClass is TOKEN_USER_CLASS: makes the user of stateless authentication from the claims; nil rejects the
	// token. Defaults to core.TokenUser.
	TokenUserClass func(Claims) User `setting:"TOKEN_USER_CLASS"`

	// SlidingTokenLifetime is SLIDING_TOKEN_LIFETIME. Defaults to 5 minutes.
	SlidingTokenLifetime time.Duration `setting:"SLIDING_TOKEN_LIFETIME"`
	// SlidingTokenRefreshLifetime is SLIDING_TOKEN_REFRESH_LIFETIME. Defaults to 24 hours.
	SlidingTokenRefreshLifetime time.Duration `setting:"SLIDING_TOKEN_REFRESH_LIFETIME"`
	// SlidingTokenRefreshExpClaim is SLIDING_TOKEN_REFRESH_EXP_CLAIM: the claim of the time until which a sliding token can
	// be refreshed. Defaults to refresh_exp.
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

	// CheckRevokeToken is CHECK_REVOKE_TOKEN: tokens carry a digest of the password hash and become invalid when it changes.
	CheckRevokeToken bool `setting:"CHECK_REVOKE_TOKEN"`
	// RevokeTokenClaim is REVOKE_TOKEN_CLAIM. Defaults to hash_password.
	RevokeTokenClaim string `setting:"REVOKE_TOKEN_CLAIM"`
	// CheckUserIsActive is CHECK_USER_IS_ACTIVE: tokens of inactive users are rejected. Defaults to true; new(false)
	// disables it. A login with a stored password requires an active user in any case.
	CheckUserIsActive *bool `setting:"CHECK_USER_IS_ACTIVE"`

	// RotationGracePeriod is ROTATION_GRACE_PERIOD, beyond SimpleJWT: a rotated token presented again within this time
	// gets its session's latest token, so that a reload or a lost response logs nobody out. Needs BlacklistAfterRotation.
	RotationGracePeriod time.Duration `setting:"ROTATION_GRACE_PERIOD"`
	// ReuseDetection is REUSE_DETECTION, beyond SimpleJWT: a rotated token presented after the grace period revokes its
	// session (RFC 9700 section 4.14). Needs BlacklistAfterRotation.
	ReuseDetection bool `setting:"REUSE_DETECTION"`
	// SessionLifetime is SESSION_LIFETIME, beyond SimpleJWT: the absolute end of a session, counted from its login.
	// Zero means none. Needs a Store.
	SessionLifetime time.Duration `setting:"SESSION_LIFETIME"`
	// MaxSessionsPerUser is MAX_SESSIONS_PER_USER, beyond SimpleJWT: a login ends all sessions of its user except this many
	// that started last. Zero means no limit. Needs a Store.
	MaxSessionsPerUser int `setting:"MAX_SESSIONS_PER_USER"`
	// CheckSession is CHECK_SESSION, beyond SimpleJWT: user-backed authentication also requires that the token's session is
	// active, so that ending a session ends its access tokens. A token without sid is rejected. Needs a Store.
	CheckSession bool `setting:"CHECK_SESSION"`
	// CheckSessionCacheTimeout is CHECK_SESSION_CACHE_TIMEOUT, beyond SimpleJWT: for how long a process may take a session
	// for active without checking again. Zero means it checks at each request. Needs CheckSession.
	CheckSessionCacheTimeout time.Duration `setting:"CHECK_SESSION_CACHE_TIMEOUT"`
	// VerifiedTokenCacheSize is VERIFIED_TOKEN_CACHE_SIZE, beyond SimpleJWT: how many tokens a process keeps whose signature
	// it verified, so that it need not verify it again. All other checks are made each time. Zero means none. For RS, PS, ES
	// and EdDSA only.
	VerifiedTokenCacheSize int `setting:"VERIFIED_TOKEN_CACHE_SIZE"`
	// OAuthErrors is OAUTH_ERRORS, beyond SimpleJWT: denials also carry error and error_description (RFC 6749 section 5.2,
	// RFC 6750 section 3.1) and reason, and WWW-Authenticate the first two.
	OAuthErrors bool `setting:"OAUTH_ERRORS"`
	// AuthCookie is AUTH_COOKIE, beyond SimpleJWT: the views return tokens in http-only cookies instead of the body, and
	// authentication reads them from requests without an AUTH_HEADER_NAME header of ours. A Mount may return them in the
	// body all the same.
	AuthCookie bool `setting:"AUTH_COOKIE"`
	// AuthCookieAccess is AUTH_COOKIE_ACCESS: the name of the cookie of the access or sliding token. Defaults to
	// __Host-access, with the prefix __Secure- if it has a domain or a path, without a prefix if it is insecure. No other
	// prefix is accepted. The same applies to the two other names.
	AuthCookieAccess string `setting:"AUTH_COOKIE_ACCESS"`
	// AuthCookieRefresh is AUTH_COOKIE_REFRESH: the name of the cookie of the refresh token. Defaults to __Host-refresh.
	AuthCookieRefresh string `setting:"AUTH_COOKIE_REFRESH"`
	// AuthCookieDomain is AUTH_COOKIE_DOMAIN: the domain whose hosts get the cookies. Empty means only the host that set
	// them.
	AuthCookieDomain string `setting:"AUTH_COOKIE_DOMAIN"`
	// AuthCookiePath is AUTH_COOKIE_PATH: the path of the cookies. Defaults to /.
	AuthCookiePath string `setting:"AUTH_COOKIE_PATH"`
	// AuthCookieRefreshPath is AUTH_COOKIE_REFRESH_PATH: the path of the refresh token's cookie, such as that of Mount, so
	// that browsers send it to these views only. Other hosts of the domain can set such a cookie, so it is accepted only
	// together with the CSRF cookie of its session. Defaults to AuthCookiePath.
	AuthCookieRefreshPath string `setting:"AUTH_COOKIE_REFRESH_PATH"`
	// AuthCookieSameSite is AUTH_COOKIE_SAMESITE: Lax, Strict or None. Defaults to Lax.
	AuthCookieSameSite string `setting:"AUTH_COOKIE_SAMESITE"`
	// AuthCookieInsecure is AUTH_COOKIE_INSECURE: cookies over plain HTTP, for development on this machine. They are set for
	// and accepted from localhost and loopback addresses only.
	AuthCookieInsecure bool `setting:"AUTH_COOKIE_INSECURE"`
	// CSRFCookieName is CSRF_COOKIE_NAME: the cookie from which a page's scripts read the CSRF token of their session. Its
	// path is always /. Defaults to __Host-csrftoken.
	CSRFCookieName string `setting:"CSRF_COOKIE_NAME"`
	// CSRFHeaderName is CSRF_HEADER_NAME in Django's form or as a header's name: the request header of the CSRF token.
	// Defaults to HTTP_X_CSRFTOKEN.
	CSRFHeaderName string `setting:"CSRF_HEADER_NAME"`
	// CSRFTrustedOrigins is CSRF_TRUSTED_ORIGINS: other origins whose pages may send requests with cookies, such as
	// https://app.example.com.
	CSRFTrustedOrigins []string `setting:"CSRF_TRUSTED_ORIGINS"`
	// NumProxies is NUM_PROXIES of Django REST framework: how many proxies in front of the server append to X-Forwarded-For.
	// Zero takes the client's address from the connection, and so does a header without an address from each proxy.
	NumProxies int `setting:"NUM_PROXIES"`
	// DataUploadMaxMemorySize is Django's DATA_UPLOAD_MAX_MEMORY_SIZE: the largest request body in bytes; a larger one
	// gets a 413. Defaults to 1 MiB.
	DataUploadMaxMemorySize int64 `setting:"DATA_UPLOAD_MAX_MEMORY_SIZE"`

	given        map[string]bool   // what FromJSON, FromFile and FromEnv found, without null
	names        map[string]string // what NameOf returns for the settings that FromFile and FromEnv found
	invalid      SettingsError
	audienceList bool
}

// Recommended returns the profile of RFC 9700: rotation, blacklisting, a grace period of 10 seconds, reuse detection and
// a session lifetime of 30 days. The caller sets SigningKey.
func Recommended() Settings {
	return Settings{
		RotateRefreshTokens:    true,
		BlacklistAfterRotation: true,
		RotationGracePeriod:    10 * time.Second,
		ReuseDetection:         true,
		SessionLifetime:        30 * 24 * time.Hour,
	}
}

// ClassName is the name of a token class. Package core has those of SimpleJWT's classes, such as core.AccessToken.
type ClassName string

// IsSet reports whether FromJSON, FromFile or FromEnv found a valid value other than null for the setting with this
// SIMPLE_JWT name. It distinguishes an explicit zero ("0s", "") from an absent setting.
func (s *Settings) IsSet(name string) bool { return s.given[name] }

// NameOf returns the name by which errors call a setting: SIMPLE_JWT_LEEWAY if FromEnv read it last,
// "settings.json: LEEWAY" if FromFile did, else LEEWAY.
func (s *Settings) NameOf(name string) string { return cmp.Or(s.names[name], name) }

// AudienceIsList reports whether AUDIENCE is written into tokens as a list: it has several entries, or a file or the
// environment has it as a list.
func (s *Settings) AudienceIsList() bool { return s.audienceList || len(s.Audience) > 1 }

// InvalidSettings returns the invalid settings that FromJSON, FromFile and FromEnv found. core.New reports them together
// with its own.
func (s *Settings) InvalidSettings() SettingsError { return s.invalid }
