package simplejwt

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// djangoNames are the names of SimpleJWT's SIMPLE_JWT dictionary, written out here so that a test fails if one gets lost.
var djangoNames = []string{
	"ACCESS_TOKEN_LIFETIME", "REFRESH_TOKEN_LIFETIME", "ROTATE_REFRESH_TOKENS", "BLACKLIST_AFTER_ROTATION", "UPDATE_LAST_LOGIN",
	"ALGORITHM", "SIGNING_KEY", "VERIFYING_KEY", "AUDIENCE", "ISSUER", "JSON_ENCODER", "JWK_URL", "LEEWAY",
	"AUTH_HEADER_TYPES", "AUTH_HEADER_NAME", "USER_ID_FIELD", "USER_ID_CLAIM", "USER_AUTHENTICATION_RULE",
	"ON_LOGIN_SUCCESS", "ON_LOGIN_FAILED", "AUTH_TOKEN_CLASSES", "TOKEN_TYPE_CLAIM", "JTI_CLAIM", "TOKEN_USER_CLASS",
	"SLIDING_TOKEN_LIFETIME", "SLIDING_TOKEN_REFRESH_LIFETIME", "SLIDING_TOKEN_REFRESH_EXP_CLAIM",
	"TOKEN_OBTAIN_SERIALIZER", "TOKEN_REFRESH_SERIALIZER", "TOKEN_VERIFY_SERIALIZER", "TOKEN_BLACKLIST_SERIALIZER",
	"SLIDING_TOKEN_OBTAIN_SERIALIZER", "SLIDING_TOKEN_REFRESH_SERIALIZER",
	"CHECK_REVOKE_TOKEN", "REVOKE_TOKEN_CLAIM", "CHECK_USER_IS_ACTIVE",
}

// namesBeyondSimpleJWT are the settings beyond SimpleJWT.
var namesBeyondSimpleJWT = []string{
	"ROTATION_GRACE_PERIOD", "REUSE_DETECTION", "SESSION_LIFETIME", "MAX_SESSIONS_PER_USER", "CHECK_SESSION",
	"CHECK_SESSION_CACHE_TIMEOUT", "VERIFIED_TOKEN_CACHE_SIZE", "OAUTH_ERRORS", "NUM_PROXIES", "DATA_UPLOAD_MAX_MEMORY_SIZE",
	"AUTH_COOKIE", "AUTH_COOKIE_ACCESS", "AUTH_COOKIE_REFRESH", "AUTH_COOKIE_DOMAIN", "AUTH_COOKIE_PATH", "AUTH_COOKIE_REFRESH_PATH",
	"AUTH_COOKIE_SAMESITE", "AUTH_COOKIE_INSECURE", "CSRF_COOKIE_NAME", "CSRF_HEADER_NAME", "CSRF_TRUSTED_ORIGINS",
}

// hookNames are the settings that are functions, which only Go code can set.
var hookNames = []string{
	"JSON_ENCODER", "USER_AUTHENTICATION_RULE", "ON_LOGIN_SUCCESS", "ON_LOGIN_FAILED", "TOKEN_USER_CLASS",
	"TOKEN_OBTAIN_SERIALIZER", "TOKEN_REFRESH_SERIALIZER", "TOKEN_VERIFY_SERIALIZER", "TOKEN_BLACKLIST_SERIALIZER",
	"SLIDING_TOKEN_OBTAIN_SERIALIZER", "SLIDING_TOKEN_REFRESH_SERIALIZER",
}

// valueOfEach is a value of each setting that is not a function, as JSON, as an environment variable and in Settings.
var valueOfEach = map[string]struct {
	json string
	env  string
	want Settings
}{
	"ACCESS_TOKEN_LIFETIME":           {`"5m30s"`, "5m30s", Settings{AccessTokenLifetime: 330 * time.Second}},
	"REFRESH_TOKEN_LIFETIME":          {`"48h"`, "48h", Settings{RefreshTokenLifetime: 48 * time.Hour}},
	"ROTATE_REFRESH_TOKENS":           {`true`, "true", Settings{RotateRefreshTokens: true}},
	"BLACKLIST_AFTER_ROTATION":        {`true`, "1", Settings{BlacklistAfterRotation: true}},
	"UPDATE_LAST_LOGIN":               {`true`, "True", Settings{UpdateLastLogin: true}},
	"ALGORITHM":                       {`"ES256"`, "ES256", Settings{Algorithm: "ES256"}},
	"SIGNING_KEY":                     {`" k\n<é> "`, " k\n<é> ", Settings{SigningKey: " k\n<é> "}},
	"VERIFYING_KEY":                   {`"-----BEGIN"`, "-----BEGIN", Settings{VerifyingKey: "-----BEGIN"}},
	"AUDIENCE":                        {`["a", "b"]`, `["a", "b"]`, Settings{Audience: []string{"a", "b"}}},
	"ISSUER":                          {`"me"`, "me", Settings{Issuer: "me"}},
	"JWK_URL":                         {`"https://x/jwks"`, "https://x/jwks", Settings{JWKURL: "https://x/jwks"}},
	"LEEWAY":                          {`1.5`, "1.5", Settings{Leeway: 1500 * time.Millisecond}},
	"AUTH_HEADER_TYPES":               {`["JWT"]`, "JWT", Settings{AuthHeaderTypes: []string{"JWT"}}},
	"AUTH_HEADER_NAME":                {`"HTTP_X_TOKEN"`, "HTTP_X_TOKEN", Settings{AuthHeaderName: "HTTP_X_TOKEN"}},
	"USER_ID_FIELD":                   {`"uuid"`, "uuid", Settings{UserIDField: "uuid"}},
	"USER_ID_CLAIM":                   {`"sub"`, "sub", Settings{UserIDClaim: "sub"}},
	"AUTH_TOKEN_CLASSES":              {`"SlidingToken"`, "SlidingToken", Settings{AuthTokenClasses: []ClassName{"SlidingToken"}}},
	"TOKEN_TYPE_CLAIM":                {`"typ"`, "typ", Settings{TokenTypeClaim: "typ"}},
	"JTI_CLAIM":                       {`"id"`, "id", Settings{JTIClaim: "id"}},
	"SLIDING_TOKEN_LIFETIME":          {`"1s"`, "1s", Settings{SlidingTokenLifetime: time.Second}},
	"SLIDING_TOKEN_REFRESH_LIFETIME":  {`"-1ns"`, "-1ns", Settings{SlidingTokenRefreshLifetime: -1}},
	"SLIDING_TOKEN_REFRESH_EXP_CLAIM": {`"rexp"`, "rexp", Settings{SlidingTokenRefreshExpClaim: "rexp"}},
	"CHECK_REVOKE_TOKEN":              {`true`, "t", Settings{CheckRevokeToken: true}},
	"REVOKE_TOKEN_CLAIM":              {`"h"`, "h", Settings{RevokeTokenClaim: "h"}},
	"CHECK_USER_IS_ACTIVE":            {`false`, "false", Settings{CheckUserIsActive: new(false)}},
	"ROTATION_GRACE_PERIOD":           {`"10s"`, "10s", Settings{RotationGracePeriod: 10 * time.Second}},
	"REUSE_DETECTION":                 {`true`, "TRUE", Settings{ReuseDetection: true}},
	"SESSION_LIFETIME":                {`"720h"`, "720h", Settings{SessionLifetime: 720 * time.Hour}},
	"MAX_SESSIONS_PER_USER":           {`5`, "5", Settings{MaxSessionsPerUser: 5}},
	"CHECK_SESSION":                   {`true`, "true", Settings{CheckSession: true}},
	"CHECK_SESSION_CACHE_TIMEOUT":     {`"5s"`, "5s", Settings{CheckSessionCacheTimeout: 5 * time.Second}},
	"VERIFIED_TOKEN_CACHE_SIZE":       {`1000`, "1000", Settings{VerifiedTokenCacheSize: 1000}},
	"OAUTH_ERRORS":                    {`true`, "true", Settings{OAuthErrors: true}},
	"AUTH_COOKIE":                     {`true`, "true", Settings{AuthCookie: true}},
	"AUTH_COOKIE_ACCESS":              {`"__Host-a"`, "__Host-a", Settings{AuthCookieAccess: "__Host-a"}},
	"AUTH_COOKIE_REFRESH":             {`"__Host-r"`, "__Host-r", Settings{AuthCookieRefresh: "__Host-r"}},
	"AUTH_COOKIE_DOMAIN":              {`"example.com"`, "example.com", Settings{AuthCookieDomain: "example.com"}},
	"AUTH_COOKIE_PATH":                {`"/app"`, "/app", Settings{AuthCookiePath: "/app"}},
	"AUTH_COOKIE_REFRESH_PATH":        {`"/api/token/"`, "/api/token/", Settings{AuthCookieRefreshPath: "/api/token/"}},
	"AUTH_COOKIE_SAMESITE":            {`"Strict"`, "Strict", Settings{AuthCookieSameSite: "Strict"}},
	"AUTH_COOKIE_INSECURE":            {`true`, "1", Settings{AuthCookieInsecure: true}},
	"CSRF_COOKIE_NAME":                {`"__Host-c"`, "__Host-c", Settings{CSRFCookieName: "__Host-c"}},
	"CSRF_HEADER_NAME":                {`"X-XSRF-Token"`, "X-XSRF-Token", Settings{CSRFHeaderName: "X-XSRF-Token"}},
	"CSRF_TRUSTED_ORIGINS":            {`["https://app.example.com"]`, "https://app.example.com", Settings{CSRFTrustedOrigins: []string{"https://app.example.com"}}},
	"NUM_PROXIES":                     {`1`, "1", Settings{NumProxies: 1}},
	"DATA_UPLOAD_MAX_MEMORY_SIZE":     {`2048`, "2048", Settings{DataUploadMaxMemorySize: 2048}},
}

// exportedFields compares the exported fields of Settings only.
var exportedFields = cmp.Options{cmpopts.IgnoreUnexported(Settings{}), cmpopts.EquateEmpty()}

// loadSettings reads settings that must be valid.
func loadSettings(t *testing.T, base Settings, json string) Settings {
	t.Helper()
	s, err := FromJSON(base, []byte(json))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// settingsWithKeys are settings with a key that must never be printed; each key holds the same telltale word.
func settingsWithKeys() map[string]Settings {
	const key = "telltale-0123456789abcdef0123456789"
	const private = "-----BEGIN PRIVATE KEY-----\n" + key + "\n-----END PRIVATE KEY-----"
	return map[string]Settings{
		"an HMAC key":                    {SigningKey: key, Issuer: "me"},
		"a private key":                  {Algorithm: "RS256", SigningKey: private, Issuer: "me"},
		"a secret as VERIFYING_KEY":      {SigningKey: key, VerifyingKey: key, Issuer: "me"},
		"a private key as VERIFYING_KEY": {Algorithm: "RS256", VerifyingKey: private, Issuer: "me"},
	}
}

// checkHidesKeys fails if a text holds the telltale word of settingsWithKeys, plain or in hexadecimal digits.
func checkHidesKeys(t *testing.T, what, text string) {
	t.Helper()
	for _, telltale := range []string{"telltale", "74656c6c74616c65", "74656C6C74616C65"} {
		if strings.Contains(text, telltale) {
			t.Errorf("%s shows a key: %.120s", what, text)
			return
		}
	}
}
