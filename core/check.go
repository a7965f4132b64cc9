package core

import (
	"slices"
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/cookie"
	"github.com/go-simplejwt/simplejwt/internal/jose"
)

// maxLifetime bounds lifetimes, so that no date overflows: a hundred years.
const maxLifetime = 100 * 365 * 24 * time.Hour

// claimSession is the claim that names a token's session (RFC-registered as sid, OpenID Connect front-channel logout).
const claimSession = "sid"

// withDefaults fills in SimpleJWT's defaults. A claim that is switched off becomes "".
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
	if s.UserIDField == "pk" { // Django's other name of it
		s.UserIDField = "id"
	}
	text("USER_ID_CLAIM", &s.UserIDClaim, "user_id")
	text("TOKEN_TYPE_CLAIM", &s.TokenTypeClaim, "token_type")
	text("JTI_CLAIM", &s.JTIClaim, "jti")
	text("SLIDING_TOKEN_REFRESH_EXP_CLAIM", &s.SlidingTokenRefreshExpClaim, "refresh_exp")
	text("REVOKE_TOKEN_CLAIM", &s.RevokeTokenClaim, "hash_password")
	list("AUTH_HEADER_TYPES", &s.AuthHeaderTypes, "Bearer")
	list("AUTH_TOKEN_CLASSES", &s.AuthTokenClasses, AccessToken)
	cookie.SetDefaults(&s)
	if s.DataUploadMaxMemorySize == 0 && !s.IsSet("DATA_UPLOAD_MAX_MEMORY_SIZE") {
		s.DataUploadMaxMemorySize = 1 << 20
	}
	if s.CheckUserIsActive == nil {
		s.CheckUserIsActive = new(true)
	}
	return s
}

// check adds a fault for everything that is wrong, and sets what the checks find.
func (a *Auth) check(f *simplejwt.Faults) {
	a.codec = jose.New(&a.s, a.d.Keys, a.d.Logger, f)
	a.checkLifetimes(f)
	a.checkClaims(f)
	a.checkHeader(f)
	a.checkClasses(f)
	a.checkStore(f)
	a.checkUsers(f)
	a.transport = Transport{
		Header: cookie.HeaderName(a.s.AuthHeaderName), Schemes: a.s.AuthHeaderTypes, OAuthErrors: a.s.OAuthErrors,
		Cookies: cookie.New(&a.s, a.now, f), Logger: a.d.Logger,
	}
	if a.s.DataUploadMaxMemorySize <= 0 {
		f.Add("DATA_UPLOAD_MAX_MEMORY_SIZE", "must be more than 0 bytes")
	}
}

func (a *Auth) checkLifetimes(f *simplejwt.Faults) {
	for _, l := range []struct {
		name  string
		value time.Duration
	}{
		{"ACCESS_TOKEN_LIFETIME", a.s.AccessTokenLifetime},
		{"REFRESH_TOKEN_LIFETIME", a.s.RefreshTokenLifetime},
		{"SLIDING_TOKEN_LIFETIME", a.s.SlidingTokenLifetime},
		{"SLIDING_TOKEN_REFRESH_LIFETIME", a.s.SlidingTokenRefreshLifetime},
		{"LEEWAY", a.s.Leeway},
		{"ROTATION_GRACE_PERIOD", a.s.RotationGracePeriod},
		{"SESSION_LIFETIME", a.s.SessionLifetime},
		{"CHECK_SESSION_CACHE_TIMEOUT", a.s.CheckSessionCacheTimeout},
	} {
		if l.value < 0 {
			f.Add(l.name, "may not be negative")
		}
		if l.value > 0 && l.value < time.Millisecond {
			a.d.Logger.Warn("a lifetime is shorter than a millisecond: is its unit missing?", "setting", l.name, "value", l.value)
		}
		if l.value > maxLifetime {
			f.Add(l.name, "may not be longer than a hundred years")
		}
	}
}

// checkClaims sees that the claims whose names are settings have a name each, and none that another claim has.
func (a *Auth) checkClaims(f *simplejwt.Faults) {
	a.s.JTIClaim, a.s.TokenTypeClaim = unlessOff(a.s.JTIClaim, f, "JTI_CLAIM"), unlessOff(a.s.TokenTypeClaim, f, "TOKEN_TYPE_CLAIM")
	taken := map[string]string{"exp": "", "iat": "", "nbf": "", "aud": "", "iss": "", claimSession: ""}
	for _, c := range []struct{ setting, name string }{
		{"JTI_CLAIM", a.s.JTIClaim},
		{"TOKEN_TYPE_CLAIM", a.s.TokenTypeClaim},
		{"USER_ID_CLAIM", a.s.UserIDClaim},
		{"SLIDING_TOKEN_REFRESH_EXP_CLAIM", a.s.SlidingTokenRefreshExpClaim},
		{"REVOKE_TOKEN_CLAIM", a.s.RevokeTokenClaim},
	} {
		if c.name == "" {
			if c.setting != "JTI_CLAIM" && c.setting != "TOKEN_TYPE_CLAIM" {
				f.Add(c.setting, "may not be empty")
			}
			continue
		}
		if other, is := taken[c.name]; is {
			f.Add(c.setting, "the claim %q is taken%s", c.name, strings.TrimSuffix(" by "+other, " by "))
		}
		taken[c.name] = c.setting
	}
	if a.s.IsSet("AUDIENCE") && !slices.ContainsFunc(a.s.Audience, func(s string) bool { return s != "" }) {
		a.d.Logger.Warn("AUDIENCE names nobody: every token will be refused")
	}
}

// unlessOff turns Off into "", and calls an empty name what it is.
func unlessOff(claim string, f *simplejwt.Faults, setting string) string {
	if claim == simplejwt.Off {
		return ""
	}
	if claim == "" {
		f.Add(setting, "may not be empty; null (in Go: simplejwt.Off) switches the claim off")
	}
	return claim
}

func (a *Auth) checkHeader(f *simplejwt.Faults) {
	if !cookie.IsToken(cookie.HeaderName(a.s.AuthHeaderName)) {
		f.Add("AUTH_HEADER_NAME", "must be a header's name, such as HTTP_AUTHORIZATION or X-Access-Token")
	}
	if len(a.s.AuthHeaderTypes) == 0 {
		f.Add("AUTH_HEADER_TYPES", "needs at least one scheme, such as Bearer")
	}
	for _, scheme := range a.s.AuthHeaderTypes {
		if !cookie.IsToken(scheme) {
			f.Add("AUTH_HEADER_TYPES", "%q is no scheme: it may hold no blank, comma or quote", scheme)
		}
	}
}

// djangoTokens starts the dotted path of a token class in a settings file taken over from Django.
const djangoTokens = "rest_framework_simplejwt.tokens."

func (a *Auth) checkClasses(f *simplejwt.Faults) {
	a.access = &TokenClass{Name: AccessToken, Type: "access", Lifetime: a.s.AccessTokenLifetime}
	a.refresh = &TokenClass{Name: RefreshToken, Type: "refresh", Lifetime: a.s.RefreshTokenLifetime, Blacklistable: true}
	a.sliding = &TokenClass{Name: SlidingToken, Type: "sliding", Lifetime: a.s.SlidingTokenLifetime, Blacklistable: true}
	a.untyped = &TokenClass{Name: UntypedToken, Type: "untyped"}
	a.classes = map[string]*TokenClass{}
	types := map[string]bool{}
	for _, c := range []*TokenClass{a.access, a.refresh, a.sliding, a.untyped} {
		a.classes[c.Name], types[c.Type] = c, true
	}
	for _, c := range a.d.TokenClasses {
		switch {
		case c.Name == "" || c.Type == "":
			f.Add("Deps.TokenClasses", "Cannot create token with no type or lifetime: a class needs Name and Type")
		case c.Lifetime <= 0 || c.Lifetime > maxLifetime:
			f.Add("Deps.TokenClasses", "%s: the lifetime must be more than 0 and at most a hundred years", c.Name)
		case a.classes[c.Name] != nil || types[c.Type]:
			f.Add("Deps.TokenClasses", "%s: the name or the type %q is taken", c.Name, c.Type)
		default:
			a.classes[c.Name], types[c.Type] = &c, true
		}
	}
	for _, name := range a.s.AuthTokenClasses {
		c := a.classes[strings.TrimPrefix(name, djangoTokens)]
		if c == nil || c == a.untyped {
			f.Add("AUTH_TOKEN_CLASSES", "there is no class %q; known are AccessToken, SlidingToken, RefreshToken and those of Deps.TokenClasses", name)
			continue
		}
		a.allowed = append(a.allowed, c)
	}
	if len(a.s.AuthTokenClasses) == 0 {
		f.Add("AUTH_TOKEN_CLASSES", "needs at least one class, such as AccessToken")
	}
}

// checkStore reports what needs records where there are none, what needs another setting without it, and what the Store
// finds wrong with itself.
func (a *Auth) checkStore(f *simplejwt.Faults) {
	if c, ok := a.d.Store.(StoreChecker); ok {
		*f = append(*f, c.CheckStore()...)
	}
	for _, n := range []struct {
		setting string
		on      bool
	}{
		{"BLACKLIST_AFTER_ROTATION", a.s.BlacklistAfterRotation},
		{"SESSION_LIFETIME", a.s.SessionLifetime > 0},
		{"MAX_SESSIONS_PER_USER", a.s.MaxSessionsPerUser > 0},
		{"CHECK_SESSION", a.s.CheckSession},
	} {
		if n.on && a.d.Store == nil {
			f.Add(n.setting, "needs Deps.Store, where tokens are recorded")
		}
		if n.on && a.s.JTIClaim == "" {
			f.Add(n.setting, "needs JTI_CLAIM: without it no token is recorded")
		}
	}
	for _, n := range []struct {
		setting string
		on      bool
	}{{"ROTATION_GRACE_PERIOD", a.s.RotationGracePeriod > 0}, {"REUSE_DETECTION", a.s.ReuseDetection}} {
		if n.on && (!a.s.RotateRefreshTokens || !a.s.BlacklistAfterRotation) {
			f.Add(n.setting, "needs ROTATE_REFRESH_TOKENS and BLACKLIST_AFTER_ROTATION")
		}
	}
	if a.s.ReuseDetection && a.s.RotationGracePeriod <= 0 {
		a.d.Logger.Warn("REUSE_DETECTION without ROTATION_GRACE_PERIOD ends a session whenever a client refreshes twice: a reload or a lost answer logs its user out")
	}
	if a.s.CheckSessionCacheTimeout > 0 && !a.s.CheckSession {
		f.Add("CHECK_SESSION_CACHE_TIMEOUT", "needs CHECK_SESSION")
	}
	for _, n := range []struct {
		setting string
		value   int
	}{
		{"MAX_SESSIONS_PER_USER", a.s.MaxSessionsPerUser}, {"NUM_PROXIES", a.s.NumProxies},
	} {
		if n.value < 0 {
			f.Add(n.setting, "may not be negative")
		}
	}
}

func (a *Auth) checkUsers(f *simplejwt.Faults) {
	if a.s.UserIDField == "" {
		f.Add("USER_ID_FIELD", "may not be empty")
	}
	if a.d.Users == nil {
		if a.s.SigningKey != "" {
			f.Add("Deps.Users", "is missing: logins and refreshes need it")
		}
		return
	}
	if _, ok := a.d.Users.(LastLoginUpdater); a.s.UpdateLastLogin && !ok {
		f.Add("UPDATE_LAST_LOGIN", "needs Deps.Users that are a core.LastLoginUpdater, as models.NewUsers makes them")
	}
	if c, ok := a.d.Users.(UsersChecker); ok {
		*f = append(*f, c.CheckUsers(a.s.UserIDField, a.s.UpdateLastLogin)...)
	}
}
