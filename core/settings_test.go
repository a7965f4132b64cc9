package core_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// plainUsers are Users without the optional interfaces.
type plainUsers struct{ core.Users }

// wantInvalidSettings checks which settings err names. Each want is "SETTING: words of the problem".
func wantInvalidSettings(t *testing.T, err error, want ...string) {
	t.Helper()
	var invalid simplejwt.SettingsError
	if err != nil && !errors.As(err, &invalid) {
		t.Fatalf("error %T, want simplejwt.SettingsError", err)
	}
	for i := range max(len(invalid), len(want)) {
		switch {
		case i >= len(invalid):
			t.Errorf("missing: %s", want[i])
		case i >= len(want):
			t.Errorf("unexpected: %s: %s", invalid[i].Setting, invalid[i].Problem)
		default:
			setting, words, _ := strings.Cut(want[i], ": ")
			if invalid[i].Setting != setting || !strings.Contains(invalid[i].Problem, words) {
				t.Errorf("setting %q: %q, want %q with %q", invalid[i].Setting, invalid[i].Problem, setting, words)
			}
		}
	}
}

func TestNew_InvalidSettings(t *testing.T) {
	t.Parallel()
	type change = func(*simplejwt.Settings, *core.Deps)
	set := func(f func(*simplejwt.Settings)) change {
		return func(s *simplejwt.Settings, _ *core.Deps) { f(s) }
	}
	file := func(json string) change { return withJSON(t, json) }
	class := func(c core.TokenClass) change {
		return func(_ *simplejwt.Settings, d *core.Deps) { d.TokenClasses = []core.TokenClass{c} }
	}
	noStore := func(f func(*simplejwt.Settings)) change {
		return func(s *simplejwt.Settings, d *core.Deps) { f(s); d.Store = nil }
	}
	for name, c := range map[string]struct {
		change change
		want   []string
	}{
		"the default settings":         {file(`{}`), nil},
		"an unknown algorithm":         {file(`{"ALGORITHM": "HS255"}`), []string{"ALGORITHM: Unrecognized algorithm type 'HS255'"}},
		"the algorithm none":           {file(`{"ALGORITHM": "none"}`), []string{"ALGORITHM: Unrecognized"}},
		"an algorithm in lower case":   {file(`{"ALGORITHM": "hs256"}`), []string{"ALGORITHM: Unrecognized"}},
		"an empty algorithm in a file": {file(`{"ALGORITHM": ""}`), []string{"ALGORITHM: Unrecognized"}},

		"a lifetime of zero in a file": {file(`{"ACCESS_TOKEN_LIFETIME": "0s", "REFRESH_TOKEN_LIFETIME": "0s"}`), nil},

		"an empty jti claim":        {file(`{"JTI_CLAIM": ""}`), []string{"JTI_CLAIM: may not be empty; null"}},
		"an empty type claim":       {file(`{"TOKEN_TYPE_CLAIM": ""}`), []string{"TOKEN_TYPE_CLAIM: may not be empty; null"}},
		"claims that are off":       {file(`{"TOKEN_TYPE_CLAIM": null, "JTI_CLAIM": null}`), nil},
		"an empty user claim":       {file(`{"USER_ID_CLAIM": ""}`), []string{"USER_ID_CLAIM: may not be empty"}},
		"an empty refresh exp":      {file(`{"SLIDING_TOKEN_REFRESH_EXP_CLAIM": ""}`), []string{"SLIDING_TOKEN_REFRESH_EXP_CLAIM: may not be empty"}},
		"an empty revoke claim":     {file(`{"REVOKE_TOKEN_CLAIM": ""}`), []string{"REVOKE_TOKEN_CLAIM: may not be empty"}},
		"a user claim called exp":   {set(func(s *simplejwt.Settings) { s.UserIDClaim = "exp" }), []string{`USER_ID_CLAIM: the claim "exp" is taken`}},
		"a user claim called sid":   {set(func(s *simplejwt.Settings) { s.UserIDClaim = "sid" }), []string{`USER_ID_CLAIM: the claim "sid" is taken`}},
		"a user claim called sub":   {set(func(s *simplejwt.Settings) { s.UserIDClaim = "sub" }), nil},
		"two settings of one claim": {set(func(s *simplejwt.Settings) { s.JTIClaim = "x"; s.RevokeTokenClaim = "x" }), []string{`REVOKE_TOKEN_CLAIM: the claim "x" is taken by JTI_CLAIM`}},
		"a claim of a default":      {set(func(s *simplejwt.Settings) { s.UserIDClaim = "token_type" }), []string{`USER_ID_CLAIM: the claim "token_type" is taken by TOKEN_TYPE_CLAIM`}},

		"an empty audience, as SimpleJWT does": {file(`{"AUDIENCE": []}`), nil},
		"an audience of null":                  {file(`{"AUDIENCE": null}`), nil},
		"an empty header":                      {file(`{"AUTH_HEADER_NAME": ""}`), []string{"AUTH_HEADER_NAME: must be a header's name"}},
		"a header of nothing but HTTP_":        {file(`{"AUTH_HEADER_NAME": "HTTP_"}`), []string{"AUTH_HEADER_NAME: must be a header's name"}},
		"a header with a blank":                {file(`{"AUTH_HEADER_NAME": "X Token"}`), []string{"AUTH_HEADER_NAME: must be a header's name"}},
		"a header with a line break":           {file(`{"AUTH_HEADER_NAME": "X\r\nSet-Cookie"}`), []string{"AUTH_HEADER_NAME: must be a header's name"}},
		"a header that is not ASCII":           {file(`{"AUTH_HEADER_NAME": "X-Tökén"}`), []string{"AUTH_HEADER_NAME: must be a header's name"}},
		"an empty list of schemes":             {file(`{"AUTH_HEADER_TYPES": []}`), []string{"AUTH_HEADER_TYPES: needs at least one scheme"}},
		"an empty scheme":                      {file(`{"AUTH_HEADER_TYPES": ""}`), []string{`AUTH_HEADER_TYPES: "" is not a scheme`}},
		"a scheme with a blank":                {file(`{"AUTH_HEADER_TYPES": ["Bearer", "my token"]}`), []string{`AUTH_HEADER_TYPES: "my token" is not a scheme`}},
		"schemes in one text":                  {file(`{"AUTH_HEADER_TYPES": "Bearer,JWT"}`), []string{`AUTH_HEADER_TYPES: "Bearer,JWT" is not a scheme`}},
		"a scheme with a line break":           {file(`{"AUTH_HEADER_TYPES": "a\nb"}`), []string{"AUTH_HEADER_TYPES: "}},
		"an empty list of token classes":       {file(`{"AUTH_TOKEN_CLASSES": []}`), []string{"AUTH_TOKEN_CLASSES: needs at least one"}},
		"an unknown token class":               {file(`{"AUTH_TOKEN_CLASSES": "accessToken"}`), []string{`AUTH_TOKEN_CLASSES: there is no class "accessToken"`}},
		"the untyped class":                    {file(`{"AUTH_TOKEN_CLASSES": "UntypedToken"}`), []string{`AUTH_TOKEN_CLASSES: there is no class "UntypedToken"`}},
		"a class by Django's dotted path":      {file(`{"AUTH_TOKEN_CLASSES": ["rest_framework_simplejwt.tokens.SlidingToken"]}`), nil},
		"a class of another Python package":    {file(`{"AUTH_TOKEN_CLASSES": ["app.tokens.AccessToken"]}`), []string{"AUTH_TOKEN_CLASSES: there is no class"}},

		"a class without a name":      {class(core.TokenClass{Type: "x", Lifetime: 1}), []string{"Deps.TokenClasses: needs Name and Type"}},
		"a class without a type":      {class(core.TokenClass{Name: "X", Lifetime: 1}), []string{"Deps.TokenClasses: needs Name and Type"}},
		"a class without a lifetime":  {class(core.TokenClass{Name: "X", Type: "x"}), []string{"Deps.TokenClasses: X: the lifetime"}},
		"a class that lives too long": {class(core.TokenClass{Name: "X", Type: "x", Lifetime: 101 * 365 * 24 * time.Hour}), []string{"Deps.TokenClasses: X: the lifetime"}},
		"a class with a taken name":   {class(core.TokenClass{Name: "AccessToken", Type: "x", Lifetime: 1}), []string{"Deps.TokenClasses: AccessToken: the name or the type"}},
		"a class with a taken type":   {class(core.TokenClass{Name: "X", Type: "refresh", Lifetime: 1}), []string{`Deps.TokenClasses: X: the name or the type "refresh" is taken`}},

		"blacklisting without a store":            {noStore(func(s *simplejwt.Settings) { s.BlacklistAfterRotation = true }), []string{"BLACKLIST_AFTER_ROTATION: needs Deps.Store"}},
		"sessions without a store":                {noStore(func(s *simplejwt.Settings) { s.SessionLifetime = 1 }), []string{"SESSION_LIFETIME: needs Deps.Store"}},
		"rotation without a store":                {noStore(func(s *simplejwt.Settings) { s.RotateRefreshTokens = true }), nil},
		"blacklisting without token ids":          {file(`{"BLACKLIST_AFTER_ROTATION": true, "JTI_CLAIM": null}`), []string{"BLACKLIST_AFTER_ROTATION: needs JTI_CLAIM"}},
		"sessions without token ids":              {file(`{"SESSION_LIFETIME": "1h", "JTI_CLAIM": null}`), []string{"SESSION_LIFETIME: needs JTI_CLAIM"}},
		"grace without blacklisting":              {file(`{"ROTATION_GRACE_PERIOD": "1s", "ROTATE_REFRESH_TOKENS": true}`), []string{"ROTATION_GRACE_PERIOD: needs ROTATE_REFRESH_TOKENS and BLACKLIST"}},
		"grace without rotation":                  {file(`{"ROTATION_GRACE_PERIOD": "1s", "BLACKLIST_AFTER_ROTATION": true}`), []string{"ROTATION_GRACE_PERIOD: needs ROTATE_REFRESH_TOKENS and BLACKLIST"}},
		"reuse without blacklisting":              {file(`{"REUSE_DETECTION": true, "ROTATE_REFRESH_TOKENS": true}`), []string{"REUSE_DETECTION: needs ROTATE_REFRESH_TOKENS and BLACKLIST"}},
		"a limit without a store":                 {noStore(func(s *simplejwt.Settings) { s.MaxSessionsPerUser = 1 }), []string{"MAX_SESSIONS_PER_USER: needs Deps.Store"}},
		"a limit without token ids":               {file(`{"MAX_SESSIONS_PER_USER": 1, "JTI_CLAIM": null}`), []string{"MAX_SESSIONS_PER_USER: needs JTI_CLAIM"}},
		"a negative limit":                        {file(`{"MAX_SESSIONS_PER_USER": -1}`), []string{"MAX_SESSIONS_PER_USER: may not be negative"}},
		"a negative number of proxies":            {file(`{"NUM_PROXIES": -1}`), []string{"NUM_PROXIES: may not be negative"}},
		"session checks without a store":          {noStore(func(s *simplejwt.Settings) { s.CheckSession = true }), []string{"CHECK_SESSION: needs Deps.Store"}},
		"session checks without token ids":        {file(`{"CHECK_SESSION": true, "JTI_CLAIM": null}`), []string{"CHECK_SESSION: needs JTI_CLAIM"}},
		"a session cache without session checks":  {file(`{"CHECK_SESSION_CACHE_TIMEOUT": "1s"}`), []string{"CHECK_SESSION_CACHE_TIMEOUT: needs CHECK_SESSION"}},
		"a negative cache size":                   {file(`{"VERIFIED_TOKEN_CACHE_SIZE": -1}`), []string{"VERIFIED_TOKEN_CACHE_SIZE: may not be negative"}},
		"a cache of verified tokens with an HMAC": {file(`{"VERIFIED_TOKEN_CACHE_SIZE": 1}`), []string{"VERIFIED_TOKEN_CACHE_SIZE: is of no use with HS256"}},
		"the recommended settings":                {func(s *simplejwt.Settings, _ *core.Deps) { *s = simplejwt.Recommended(); s.SigningKey = signingKey }, nil},
		"missing users":                           {func(_ *simplejwt.Settings, d *core.Deps) { d.Users = nil }, []string{"Deps.Users: is missing"}},
		"an empty field of the user":              {file(`{"USER_ID_FIELD": ""}`), []string{"USER_ID_FIELD: may not be empty", "USER_ID_FIELD: "}},
		"a field that the users lack":             {file(`{"USER_ID_FIELD": "email"}`), []string{`USER_ID_FIELD: no field "email"`}},
		"users that can't record the last login":  {func(s *simplejwt.Settings, d *core.Deps) { s.UpdateLastLogin = true; d.Users = plainUsers{d.Users} }, []string{"UPDATE_LAST_LOGIN: core.LastLoginUpdater"}},
		"a body limit of zero":                    {file(`{"DATA_UPLOAD_MAX_MEMORY_SIZE": 0}`), []string{"DATA_UPLOAD_MAX_MEMORY_SIZE: more than 0"}},
		"a negative body limit":                   {file(`{"DATA_UPLOAD_MAX_MEMORY_SIZE": -1}`), []string{"DATA_UPLOAD_MAX_MEMORY_SIZE: more than 0"}},
	} {
		verb := map[bool]string{true: "reports ", false: "accepts "}[len(c.want) > 0]
		t.Run("New "+verb+name, func(t *testing.T) {
			t.Parallel()
			settings, deps := simplejwt.Settings{SigningKey: signingKey}, newDeps(t)
			c.change(&settings, &deps)
			auth, err := core.New(settings, deps)
			wantInvalidSettings(t, err, c.want...)
			if (auth == nil) != (len(c.want) > 0) {
				t.Errorf("returned an Auth: %t, with %d invalid settings", auth != nil, len(c.want))
			}
		})
	}
}

func TestNew_Durations(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"ACCESS_TOKEN_LIFETIME", "REFRESH_TOKEN_LIFETIME", "SLIDING_TOKEN_LIFETIME", "SLIDING_TOKEN_REFRESH_LIFETIME",
		"LEEWAY", "ROTATION_GRACE_PERIOD", "SESSION_LIFETIME", "CHECK_SESSION_CACHE_TIMEOUT",
	} {
		for value, want := range map[string][]string{"-1ns": {name + ": may not be negative"}, "876001h": {name + ": longer than a hundred years"}, "876000h": nil} {
			settings := simplejwt.Recommended()
			settings.SigningKey, settings.CheckSession = signingKey, true
			withJSON(t, `{"`+name+`": "`+value+`"}`)(&settings, nil)
			_, err := core.New(settings, newDeps(t))
			t.Log(name, value)
			wantInvalidSettings(t, err, want...)
		}
	}
}

func TestNew_AllInvalidSettingsAtOnce(t *testing.T) {
	t.Parallel()
	settings, err := simplejwt.FromJSON(simplejwt.Settings{}, []byte(`{"NOPE": 1, "SIGNING_KEY": "short", "LEEWAY": -1,
		"USER_ID_CLAIM": "exp", "AUTH_HEADER_TYPES": [], "AUTH_TOKEN_CLASSES": "X", "BLACKLIST_AFTER_ROTATION": true, "DATA_UPLOAD_MAX_MEMORY_SIZE": 0}`))
	if err == nil {
		t.Fatal("an unknown name is accepted")
	}
	auth, err := core.New(settings, core.Deps{})
	if auth != nil {
		t.Error("New returned an Auth beside its error")
	}
	wantInvalidSettings(t, err, "NOPE: no such setting", "SIGNING_KEY: has 5 bytes", "LEEWAY: negative", "USER_ID_CLAIM: taken", "AUTH_HEADER_TYPES: at least one",
		"AUTH_TOKEN_CLASSES: no class", "BLACKLIST_AFTER_ROTATION: Deps.Store", "Deps.Users: missing", "DATA_UPLOAD_MAX_MEMORY_SIZE: 0 bytes")
}

// A setting that can't be read is not reported as missing as well.
func TestNew_InvalidSettingIsReportedOnce(t *testing.T) {
	t.Parallel()
	settings, _ := simplejwt.FromJSON(simplejwt.Settings{}, []byte(`{"SIGNING_KEY": 5, "LEEWAY": "-1s"}`))
	_, err := core.New(settings, newDeps(t))
	wantInvalidSettings(t, err, "SIGNING_KEY: must be a string", "LEEWAY: may not be negative")
}

func TestNew_SourceOfInvalidSetting(t *testing.T) {
	file := filepath.Join(t.TempDir(), "settings.json")
	if err := os.WriteFile(file, []byte(`{"LEEWAY": "-1s", "NUM_PROXIES": -1, "ALGORITHM": "none", "NOPE": 1, "MAX_SESSIONS_PER_USER": -1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SIMPLE_JWT_ALGORITHM", "HS255")
	t.Setenv("SIMPLE_JWT_SIGNING_KEY", "short")
	t.Setenv("SIMPLE_JWT_FOO", "1")
	settings, _ := simplejwt.FromFile(simplejwt.Settings{}, file)
	settings, _ = simplejwt.FromEnv(settings)
	settings, _ = simplejwt.FromJSON(settings, []byte(`{"NUM_PROXIES": -2}`))
	settings.UserIDClaim = "exp"
	_, err := core.New(settings, newDeps(t))
	want := []string{
		file + ": NOPE: no such setting", "SIMPLE_JWT_FOO: no such setting", "SIMPLE_JWT_ALGORITHM: Unrecognized", file + ": LEEWAY: may not",
		`USER_ID_CLAIM: the claim "exp"`, file + ": MAX_SESSIONS_PER_USER: may not", "NUM_PROXIES: may not",
	}
	var lines []string
	if err != nil {
		lines = strings.Split(err.Error(), "\n  ")[1:]
	}
	for i := range max(len(lines), len(want)) {
		if i >= len(lines) || i >= len(want) || !strings.HasPrefix(lines[i], want[i]) {
			t.Fatalf("invalid settings %q, want %q", lines, want)
		}
	}
}

func TestNew_TokenThatOutlivesItsRefresh(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		json string
		want []string
	}{
		"the defaults do not warn":                {`{}`, nil},
		"equal lifetimes do not warn":             {`{"ACCESS_TOKEN_LIFETIME": "1h", "REFRESH_TOKEN_LIFETIME": "1h"}`, nil},
		"a longer access token warns":             {`{"ACCESS_TOKEN_LIFETIME": "25h"}`, []string{"ACCESS_TOKEN_LIFETIME is longer than REFRESH_TOKEN_LIFETIME"}},
		"a shorter refresh token warns":           {`{"REFRESH_TOKEN_LIFETIME": "4m"}`, []string{"ACCESS_TOKEN_LIFETIME is longer than REFRESH_TOKEN_LIFETIME"}},
		"a longer sliding token warns":            {`{"SLIDING_TOKEN_LIFETIME": "25h"}`, []string{"SLIDING_TOKEN_LIFETIME is longer than SLIDING_TOKEN_REFRESH_LIFETIME"}},
		"a program that only verifies can't warn": {`{"ACCESS_TOKEN_LIFETIME": "25h", "SIGNING_KEY": null, "ALGORITHM": "ES256"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := new(logBuffer)
			settings, deps := simplejwt.Settings{SigningKey: signingKey}, newDeps(t)
			withJSON(t, c.json)(&settings, &deps)
			if settings.SigningKey == "" {
				key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
				if err != nil {
					t.Fatal(err)
				}
				settings.VerifyingKey = encodePublicKey(t, key.Public())
			}
			deps.Logger = slog.New(slog.NewTextHandler(log, nil))
			if _, err := core.New(settings, deps); err != nil {
				t.Fatal(err)
			}
			if got := strings.Count(log.String(), "level=WARN"); got != len(c.want) {
				t.Errorf("%d warnings, want %d:\n%s", got, len(c.want), log.String())
			}
			for _, want := range c.want {
				if !strings.Contains(log.String(), want) {
					t.Errorf("the log does not say %q:\n%s", want, log.String())
				}
			}
		})
	}
}

// nilKeys is a Keys that is nil.
type nilKeys struct{ core.Keys }

func TestNew_NilDependencies(t *testing.T) {
	t.Parallel()
	file := withJSON(t, `{"BLACKLIST_AFTER_ROTATION": true, "CHECK_SESSION": true, "UPDATE_LAST_LOGIN": true}`)
	for name, c := range map[string]struct {
		give func(*core.Deps)
		want string
	}{
		"a nil *memstore.Store": {func(d *core.Deps) { d.Store = (*memstore.Store)(nil) }, "Deps.Store: is a nil *memstore.Store"},
		"a nil *memstore.Users": {func(d *core.Deps) { d.Users = (*memstore.Users)(nil) }, "Deps.Users: is a nil *memstore.Users"},
		"nil *keys":             {func(d *core.Deps) { d.Keys = (*nilKeys)(nil) }, "Deps.Keys: is a nil *core_test.nilKeys"},
	} {
		t.Run(name+" is an invalid setting, and nothing else is", func(t *testing.T) {
			t.Parallel()
			settings, deps := simplejwt.Settings{SigningKey: signingKey}, newDeps(t)
			file(&settings, &deps)
			c.give(&deps)
			_, err := core.New(settings, deps)
			wantInvalidSettings(t, err, c.want)
		})
	}
}

// badStore is a Store with two invalid settings.
type badStore struct{ core.Store }

func (badStore) CheckStore() simplejwt.SettingsError {
	return simplejwt.SettingsError{{Setting: "Deps.Store", Problem: "the dialect is not supported"}, {Setting: "Deps.Store", Problem: "a table is missing"}}
}

func TestNew_StoreChecker(t *testing.T) {
	t.Parallel()
	deps := newDeps(t)
	deps.Store = badStore{deps.Store}
	_, err := core.New(simplejwt.Settings{SigningKey: signingKey, NumProxies: -1}, deps)
	wantInvalidSettings(t, err, "Deps.Store: the dialect is not supported", "Deps.Store: a table is missing", "NUM_PROXIES: may not be negative")
}

func TestNew_Defaults(t *testing.T) {
	t.Parallel()
	want := simplejwt.Settings{
		AccessTokenLifetime: 5 * time.Minute, RefreshTokenLifetime: 24 * time.Hour, Algorithm: "HS256", SigningKey: signingKey,
		AuthHeaderTypes: []string{"Bearer"}, AuthHeaderName: "HTTP_AUTHORIZATION", UserIDField: "id", UserIDClaim: "user_id",
		AuthTokenClasses: []core.ClassName{"AccessToken"}, TokenTypeClaim: "token_type", JTIClaim: "jti",
		SlidingTokenLifetime: 5 * time.Minute, SlidingTokenRefreshLifetime: 24 * time.Hour, SlidingTokenRefreshExpClaim: "refresh_exp",
		RevokeTokenClaim: "hash_password", CheckUserIsActive: new(true), DataUploadMaxMemorySize: 1 << 20,
	}
	auth := newAuth(t)
	if diff := cmp.Diff(want, auth.Settings(), cmpopts.IgnoreUnexported(simplejwt.Settings{})); diff != "" {
		t.Errorf("settings in force (-want +got):\n%s", diff)
	}
	if auth.UsernameField() != "username" {
		t.Errorf("username field %q", auth.UsernameField())
	}
}

func TestNew_GivenValuesStay(t *testing.T) {
	t.Parallel()
	got := newAuth(t, withJSON(t, `{"ACCESS_TOKEN_LIFETIME": "0s", "REFRESH_TOKEN_LIFETIME": "1s",
		"CHECK_USER_IS_ACTIVE": false, "SLIDING_TOKEN_LIFETIME": "0s"}`)).Settings()
	if got.AccessTokenLifetime != 0 || got.RefreshTokenLifetime != time.Second || *got.CheckUserIsActive || got.SlidingTokenLifetime != 0 {
		t.Errorf("settings in force: %v", got)
	}
}

func TestNew_KeyIsNotPrinted(t *testing.T) {
	t.Parallel()
	auth := newAuth(t, func(s *simplejwt.Settings, _ *core.Deps) { s.AuthCookie = true })
	token, err := auth.NewToken(core.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).InfoContext(background, "made", "auth", auth, "settings", auth.Settings(),
			"token", token, "stateless", auth.Stateless(), "transport", auth.Transport())
	}
	text := log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{auth, *auth, struct{ A *core.Auth }{auth}, auth.Settings(), token, auth.Stateless(), auth.Transport()} {
			text += "\n" + verb + fmt.Sprintf(" of %T: ", value) + fmt.Sprintf(verb, value)
		}
	}
	for line := range strings.Lines(text) {
		for _, telltale := range []string{"telltale", "74656c6c74616c65", "116 101 108 108", "116, 101", "0x74, 0x65"} {
			if strings.Contains(line, telltale) {
				t.Errorf("it shows the key: %.60s", line)
				break
			}
		}
	}
}
