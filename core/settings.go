package core

import (
	"slices"
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/cookie"
	"github.com/go-simplejwt/simplejwt/internal/jose"
)

// maxLifetime is the longest lifetime, a hundred years, so that no date overflows.
const maxLifetime = 100 * 365 * 24 * time.Hour

// claimSession is the claim that names a token's session: sid, registered by OpenID Connect Front-Channel Logout.
const claimSession = "sid"

// withDefaults returns the settings with SimpleJWT's defaults for what is not set.
func withDefaults(s simplejwt.Settings) simplejwt.Settings {
	duration := func(name string, value *time.Duration, fallback time.Duration) {
		if *value == 0 && !s.IsSet(name) {
			*value = fallback
		}
	}
	text := func(name string, value *string, fallback string) {
		if *value == "" && !s.IsSet(name) {
			*value = fallback
		}
	}
	list := func(name string, value *[]string, fallback string) {
		if len(*value) == 0 && !s.IsSet(name) {
			*value = []string{fallback}
		}
	}
	duration("ACCESS_TOKEN_LIFETIME", &s.AccessTokenLifetime, 5*time.Minute)
	duration("REFRESH_TOKEN_LIFETIME", &s.RefreshTokenLifetime, 24*time.Hour)
	duration("SLIDING_TOKEN_LIFETIME", &s.SlidingTokenLifetime, 5*time.Minute)
	duration("SLIDING_TOKEN_REFRESH_LIFETIME", &s.SlidingTokenRefreshLifetime, 24*time.Hour)
	text("ALGORITHM", &s.Algorithm, "HS256")
	text("AUTH_HEADER_NAME", &s.AuthHeaderName, "HTTP_AUTHORIZATION")
	text("USER_ID_FIELD", &s.UserIDField, "id")
	if s.UserIDField == "pk" { // Django's alias of the primary key
		s.UserIDField = "id"
	}
	text("USER_ID_CLAIM", &s.UserIDClaim, "user_id")
	text("TOKEN_TYPE_CLAIM", &s.TokenTypeClaim, "token_type")
	text("JTI_CLAIM", &s.JTIClaim, "jti")
	text("SLIDING_TOKEN_REFRESH_EXP_CLAIM", &s.SlidingTokenRefreshExpClaim, "refresh_exp")
	text("REVOKE_TOKEN_CLAIM", &s.RevokeTokenClaim, "hash_password")
	list("AUTH_HEADER_TYPES", &s.AuthHeaderTypes, "Bearer")
	if len(s.AuthTokenClasses) == 0 && !s.IsSet("AUTH_TOKEN_CLASSES") {
		s.AuthTokenClasses = []ClassName{AccessToken}
	}
	cookie.SetDefaults(&s)
	if s.DataUploadMaxMemorySize == 0 && !s.IsSet("DATA_UPLOAD_MAX_MEMORY_SIZE") {
		s.DataUploadMaxMemorySize = 1 << 20
	}
	if s.CheckUserIsActive == nil {
		s.CheckUserIsActive = new(true)
	}
	return s
}

// applySettings builds the parts of Auth that settings determine, and adds every invalid setting to invalid.
func (a *Auth) applySettings(invalid *simplejwt.SettingsError) {
	c := settingsCheck{&a.settings, &a.deps, invalid}
	c.checkNilDependencies()
	a.codec = jose.New(&a.settings, a.deps.Keys, a.deps.Logger, invalid)
	c.checkLifetimes()
	c.checkLifetimeOrder(a.codec.CanSign())
	c.checkClaims()
	c.checkHeader()
	a.classes = newTokenClasses(&a.settings, a.deps.TokenClasses, invalid)
	c.checkStore()
	c.checkRotation()
	c.checkUsers()
	a.transport = Transport{
		Header: cookie.HeaderName(a.settings.AuthHeaderName), Schemes: a.settings.AuthHeaderTypes, OAuthErrors: a.settings.OAuthErrors,
		Cookies: cookie.New(&a.settings, a.now, invalid), Logger: a.deps.Logger,
	}
	c.checkLimits()
	a.rules = sessionRules{leeway: a.settings.Leeway, gracePeriod: a.settings.RotationGracePeriod, lifetime: a.settings.SessionLifetime}
	a.records = records{store: a.deps.Store, unavailable: a.unavailable}
	a.sessionCache = &sessionCache{timeout: a.settings.CheckSessionCacheTimeout}
}

// settingsCheck checks settings and adds the invalid ones. Each method checks settings of one subject.
type settingsCheck struct {
	settings *simplejwt.Settings
	deps     *Deps
	invalid  *simplejwt.SettingsError
}

// checkNilDependencies reports each dependency that is a nil pointer in a non-nil interface, and removes it. Its
// methods would panic at the first request.
func (c settingsCheck) checkNilDependencies() {
	report := func(name string, value any) bool {
		if value == nil || !isNil(value) {
			return false
		}
		c.invalid.Add(name, "is a nil %T: give it a value, or leave the field out", value)
		return true
	}
	if report("Deps.Store", c.deps.Store) {
		c.deps.Store = nil
	}
	if report("Deps.Users", c.deps.Users) {
		c.deps.Users = nil
	}
	if report("Deps.Keys", c.deps.Keys) {
		c.deps.Keys = nil
	}
}

// isReported reports whether the setting was added to the invalid ones already.
func (c settingsCheck) isReported(setting string) bool {
	return slices.ContainsFunc(*c.invalid, func(f simplejwt.InvalidSetting) bool { return f.Setting == setting })
}

// checkLimits checks settings that are numbers.
func (c settingsCheck) checkLimits() {
	for _, n := range []struct {
		setting string
		value   int
	}{{"MAX_SESSIONS_PER_USER", c.settings.MaxSessionsPerUser}, {"NUM_PROXIES", c.settings.NumProxies}} {
		if n.value < 0 {
			c.invalid.Add(n.setting, "may not be negative")
		}
	}
	if c.settings.DataUploadMaxMemorySize <= 0 {
		c.invalid.Add("DATA_UPLOAD_MAX_MEMORY_SIZE", "must be more than 0 bytes")
	}
}

// checkLifetimes checks settings that are durations. It warns of one below a millisecond, which probably lacks its
// unit.
func (c settingsCheck) checkLifetimes() {
	for _, l := range []struct {
		name  string
		value time.Duration
	}{
		{"ACCESS_TOKEN_LIFETIME", c.settings.AccessTokenLifetime},
		{"REFRESH_TOKEN_LIFETIME", c.settings.RefreshTokenLifetime},
		{"SLIDING_TOKEN_LIFETIME", c.settings.SlidingTokenLifetime},
		{"SLIDING_TOKEN_REFRESH_LIFETIME", c.settings.SlidingTokenRefreshLifetime},
		{"LEEWAY", c.settings.Leeway},
		{"ROTATION_GRACE_PERIOD", c.settings.RotationGracePeriod},
		{"SESSION_LIFETIME", c.settings.SessionLifetime},
		{"CHECK_SESSION_CACHE_TIMEOUT", c.settings.CheckSessionCacheTimeout},
	} {
		if l.value < 0 {
			c.invalid.Add(l.name, "may not be negative")
		}
		if l.value > 0 && l.value < time.Millisecond {
			c.deps.Logger.Warn("a lifetime is shorter than a millisecond: is its unit missing?", "setting", l.name, "value", l.value)
		}
		if l.value > maxLifetime {
			c.invalid.Add(l.name, "may not be longer than a hundred years")
		}
	}
}

// checkLifetimeOrder warns if a token outlives the one that refreshes it. SimpleJWT allows that too.
func (c settingsCheck) checkLifetimeOrder(canSign bool) {
	for _, pair := range []struct {
		short, long string
		s, l        time.Duration
	}{
		{"ACCESS_TOKEN_LIFETIME", "REFRESH_TOKEN_LIFETIME", c.settings.AccessTokenLifetime, c.settings.RefreshTokenLifetime},
		{"SLIDING_TOKEN_LIFETIME", "SLIDING_TOKEN_REFRESH_LIFETIME", c.settings.SlidingTokenLifetime, c.settings.SlidingTokenRefreshLifetime},
	} {
		if pair.s > pair.l && canSign {
			c.deps.Logger.Warn(pair.short+" is longer than "+pair.long+": the token stays valid when it can no longer be refreshed",
				pair.short, pair.s, pair.long, pair.l)
		}
	}
}

// checkClaims checks that each claim whose name is a setting has a name, and no other claim's name.
func (c settingsCheck) checkClaims() {
	c.settings.JTIClaim = checkClaimName(c.settings.JTIClaim, c.invalid, "JTI_CLAIM")
	c.settings.TokenTypeClaim = checkClaimName(c.settings.TokenTypeClaim, c.invalid, "TOKEN_TYPE_CLAIM")
	taken := map[string]string{"exp": "", "iat": "", "nbf": "", "aud": "", "iss": "", claimSession: ""}
	for _, n := range []struct{ setting, name string }{
		{"JTI_CLAIM", c.settings.JTIClaim},
		{"TOKEN_TYPE_CLAIM", c.settings.TokenTypeClaim},
		{"USER_ID_CLAIM", c.settings.UserIDClaim},
		{"SLIDING_TOKEN_REFRESH_EXP_CLAIM", c.settings.SlidingTokenRefreshExpClaim},
		{"REVOKE_TOKEN_CLAIM", c.settings.RevokeTokenClaim},
	} {
		if n.name == "" {
			if n.setting != "JTI_CLAIM" && n.setting != "TOKEN_TYPE_CLAIM" {
				c.invalid.Add(n.setting, "may not be empty")
			}
			continue
		}
		if other, is := taken[n.name]; is {
			c.invalid.Add(n.setting, "the claim %q is taken%s", n.name, strings.TrimSuffix(" by "+other, " by "))
		}
		taken[n.name] = n.setting
	}
	if c.settings.IsSet("AUDIENCE") && !slices.ContainsFunc(c.settings.Audience, func(s string) bool { return s != "" }) {
		c.deps.Logger.Warn("AUDIENCE is empty: every token will be rejected")
	}
}

// checkClaimName returns the name of a claim that can be switched off: "" for Off. An empty name is invalid.
func checkClaimName(claim string, invalid *simplejwt.SettingsError, setting string) string {
	if claim == simplejwt.Off {
		return ""
	}
	if claim == "" {
		invalid.Add(setting, "may not be empty; null (in Go: simplejwt.Off) switches the claim off")
	}
	return claim
}

// checkHeader checks AUTH_HEADER_NAME and AUTH_HEADER_TYPES.
func (c settingsCheck) checkHeader() {
	if !cookie.IsToken(cookie.HeaderName(c.settings.AuthHeaderName)) {
		c.invalid.Add("AUTH_HEADER_NAME", "must be a header's name, such as HTTP_AUTHORIZATION or X-Access-Token")
	}
	if len(c.settings.AuthHeaderTypes) == 0 {
		c.invalid.Add("AUTH_HEADER_TYPES", "needs at least one scheme, such as Bearer")
	}
	for _, scheme := range c.settings.AuthHeaderTypes {
		if !cookie.IsToken(scheme) {
			c.invalid.Add("AUTH_HEADER_TYPES", "%q is not a scheme: it must not be empty or contain a blank, comma or quote", scheme)
		}
	}
}

// checkStore reports settings that need records if there are none, and what the Store reports about itself.
func (c settingsCheck) checkStore() {
	if store, ok := c.deps.Store.(StoreChecker); ok {
		*c.invalid = append(*c.invalid, store.CheckStore()...)
	}
	for _, n := range []struct {
		setting string
		on      bool
	}{
		{"BLACKLIST_AFTER_ROTATION", c.settings.BlacklistAfterRotation},
		{"SESSION_LIFETIME", c.settings.SessionLifetime > 0},
		{"MAX_SESSIONS_PER_USER", c.settings.MaxSessionsPerUser > 0},
		{"CHECK_SESSION", c.settings.CheckSession},
	} {
		if n.on && c.deps.Store == nil && !c.isReported("Deps.Store") {
			c.invalid.Add(n.setting, "needs Deps.Store, where tokens are recorded")
		}
		if n.on && c.settings.JTIClaim == "" {
			c.invalid.Add(n.setting, "needs JTI_CLAIM: without it no token is recorded")
		}
	}
}

// checkRotation reports settings of rotation and of CHECK_SESSION that need another setting.
func (c settingsCheck) checkRotation() {
	for _, n := range []struct {
		setting string
		on      bool
	}{{"ROTATION_GRACE_PERIOD", c.settings.RotationGracePeriod > 0}, {"REUSE_DETECTION", c.settings.ReuseDetection}} {
		if n.on && (!c.settings.RotateRefreshTokens || !c.settings.BlacklistAfterRotation) {
			c.invalid.Add(n.setting, "needs ROTATE_REFRESH_TOKENS and BLACKLIST_AFTER_ROTATION")
		}
	}
	if c.settings.ReuseDetection && c.settings.RotationGracePeriod <= 0 {
		c.deps.Logger.Warn("REUSE_DETECTION without ROTATION_GRACE_PERIOD ends a session whenever a client refreshes twice: " +
			"a reload or a lost response logs the user out")
	}
	if c.settings.CheckSessionCacheTimeout > 0 && !c.settings.CheckSession {
		c.invalid.Add("CHECK_SESSION_CACHE_TIMEOUT", "needs CHECK_SESSION")
	}
}

// checkUsers checks USER_ID_FIELD, and that Deps.Users is there and can do what the settings need.
func (c settingsCheck) checkUsers() {
	if c.settings.UserIDField == "" {
		c.invalid.Add("USER_ID_FIELD", "may not be empty")
	}
	if c.deps.Users == nil {
		if c.settings.SigningKey != "" && !c.isReported("Deps.Users") {
			c.invalid.Add("Deps.Users", "is missing: logins and refreshes need it")
		}
		return
	}
	if _, ok := c.deps.Users.(LastLoginUpdater); c.settings.UpdateLastLogin && !ok {
		c.invalid.Add("UPDATE_LAST_LOGIN", "needs Deps.Users that implement core.LastLoginUpdater, as models.NewUsers does")
	}
	if users, ok := c.deps.Users.(UsersChecker); ok {
		*c.invalid = append(*c.invalid, users.CheckUsers(c.settings.UserIDField, c.settings.UpdateLastLogin)...)
	}
}
