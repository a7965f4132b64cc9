package simplejwt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// oneOfEach is a value for each setting that is no function, as JSON and as what becomes of it.
var oneOfEach = map[string]struct {
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

func TestEverySettingIsRead(t *testing.T) {
	for name, c := range oneOfEach {
		t.Run(name+" from JSON", func(t *testing.T) {
			got, err := FromJSON(Settings{}, []byte(`{"`+name+`": `+c.json+`}`))
			if diff := cmp.Diff(c.want, got, exported); diff != "" || err != nil || !got.IsSet(name) {
				t.Errorf("error %v, set %t (-want +got):\n%s", err, got.IsSet(name), diff)
			}
		})
		t.Run(name+" from the environment", func(t *testing.T) {
			t.Setenv("SIMPLE_JWT_"+name, c.env)
			got, err := FromEnv(Settings{})
			if diff := cmp.Diff(c.want, got, exported); diff != "" || err != nil || !got.IsSet(name) {
				t.Errorf("error %v, set %t (-want +got):\n%s", err, got.IsSet(name), diff)
			}
		})
	}
	names := slices.Sorted(maps.Keys(oneOfEach))
	want := slices.DeleteFunc(slices.Sorted(slices.Values(slices.Concat(djangoNames, ownNames))), func(name string) bool {
		return slices.Contains(hookNames, name)
	})
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("settings without a case here (-want +got):\n%s", diff)
	}
}

func TestOneKindOfValueFitsASetting(t *testing.T) {
	t.Parallel()
	values := []string{`"text"`, `""`, `"5m"`, `5`, `-1`, `1.5`, `1e400`, `true`, `false`, `[]`, `["a"]`, `[1]`, `[null]`, `["a", null]`, `[["a"]]`, `{}`, `{"a": 1}`}
	fits := map[string][]string{
		"time.Duration":         {`"5m"`},
		"LEEWAY":                {`"5m"`, `5`, `-1`, `1.5`},
		"[]string":              {`"text"`, `""`, `"5m"`, `[]`, `["a"]`},
		"[]simplejwt.ClassName": {`"text"`, `""`, `"5m"`, `[]`, `["a"]`},
		"bool":                  {`true`, `false`},
		"*bool":                 {`true`, `false`},
		"string":                {`"text"`, `""`, `"5m"`},
		"int64":                 {`5`, `-1`},
		"int":                   {`5`, `-1`},
	}
	for _, f := range fields {
		kind := reflect.TypeFor[Settings]().Field(f.index).Type.String()
		if f.name == "LEEWAY" {
			kind = f.name
		}
		for _, value := range values {
			s, err := FromJSON(Settings{}, []byte(`{"`+f.name+`": `+value+`}`))
			if accepted, want := err == nil, slices.Contains(fits[kind], value); accepted != want {
				t.Errorf("%s: %s is accepted: %t, want %t (%v)", f.name, value, accepted, want, err)
			}
			if faults := s.InvalidSettings(); err != nil && (len(faults) != 1 || faults[0].Setting != f.name) {
				t.Errorf("%s: %s: faults %v, want one by this name", f.name, value, faults)
			}
		}
	}
}

func TestNullIsPythonsNone(t *testing.T) {
	t.Parallel()
	base := Settings{SigningKey: "x", VerifyingKey: "x", Audience: []string{"x"}, Issuer: "x", JWKURL: "x", Leeway: 1, JTIClaim: "x", TokenTypeClaim: "x"}
	for name, want := range map[string]func(*Settings){
		"SIGNING_KEY":      func(s *Settings) { s.SigningKey = "" },
		"VERIFYING_KEY":    func(s *Settings) { s.VerifyingKey = "" },
		"AUDIENCE":         func(s *Settings) { s.Audience = nil },
		"ISSUER":           func(s *Settings) { s.Issuer = "" },
		"JWK_URL":          func(s *Settings) { s.JWKURL = "" },
		"LEEWAY":           func(s *Settings) { s.Leeway = 0 },
		"JTI_CLAIM":        func(s *Settings) { s.JTIClaim = Off },
		"TOKEN_TYPE_CLAIM": func(s *Settings) { s.TokenTypeClaim = Off },
	} {
		wanted := base
		want(&wanted)
		got, err := FromJSON(base, []byte(`{"`+name+`": null}`))
		if diff := cmp.Diff(wanted, got, exported); diff != "" || err != nil {
			t.Errorf("%s null: error %v (-want +got):\n%s", name, err, diff)
		}
	}
	for _, name := range []string{"ACCESS_TOKEN_LIFETIME", "ALGORITHM", "ROTATE_REFRESH_TOKENS", "CHECK_USER_IS_ACTIVE", "AUTH_HEADER_TYPES", "DATA_UPLOAD_MAX_MEMORY_SIZE", "USER_ID_CLAIM"} {
		_, err := FromJSON(Settings{}, []byte(`{"`+name+`": null}`))
		if diff := cmp.Diff(error(SettingsError{{Setting: name, Problem: "may not be null"}}), err); diff != "" {
			t.Errorf("%s null (-want +got):\n%s", name, diff)
		}
	}
}

func TestFunctionsAreSetInGoOnly(t *testing.T) {
	t.Parallel()
	defaults := map[string]string{
		"USER_AUTHENTICATION_RULE":         "authentication.default_user_authentication_rule",
		"ON_LOGIN_SUCCESS":                 "serializers.default_on_login_success",
		"ON_LOGIN_FAILED":                  "serializers.default_on_login_failed",
		"TOKEN_USER_CLASS":                 "models.TokenUser",
		"TOKEN_OBTAIN_SERIALIZER":          "serializers.TokenObtainPairSerializer",
		"TOKEN_REFRESH_SERIALIZER":         "serializers.TokenRefreshSerializer",
		"TOKEN_VERIFY_SERIALIZER":          "serializers.TokenVerifySerializer",
		"TOKEN_BLACKLIST_SERIALIZER":       "serializers.TokenBlacklistSerializer",
		"SLIDING_TOKEN_OBTAIN_SERIALIZER":  "serializers.TokenObtainSlidingSerializer",
		"SLIDING_TOKEN_REFRESH_SERIALIZER": "serializers.TokenRefreshSlidingSerializer",
	}
	for _, name := range hookNames {
		for _, value := range []string{`"app.hooks.mine"`, `""`, `1`, `true`, `{}`, `"rest_framework_simplejwt.tokens.AccessToken"`} {
			_, err := FromJSON(Settings{}, []byte(`{"`+name+`": `+value+`}`))
			if diff := cmp.Diff(error(SettingsError{{Setting: name, Problem: "is a function: set it in Go"}}), err); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", name, value, diff)
			}
		}
		value := `null`
		if path, ok := defaults[name]; ok {
			value = `"rest_framework_simplejwt.` + path + `"`
		}
		s, err := FromJSON(Settings{}, []byte(`{"`+name+`": `+value+`}`))
		if diff := cmp.Diff(Settings{}, s, exported); diff != "" || err != nil {
			t.Errorf("%s: SimpleJWT's own default %s: error %v, changed:\n%s", name, value, err, diff)
		}
	}
}

func TestAFunctionOfTheProgramSurvivesAFile(t *testing.T) {
	t.Parallel()
	base := Settings{UserAuthenticationRule: func(context.Context, User) bool { return false }}
	for _, value := range []string{`null`, `"rest_framework_simplejwt.authentication.default_user_authentication_rule"`} {
		s, _ := FromJSON(base, []byte(`{"USER_AUTHENTICATION_RULE": `+value+`}`))
		if s.UserAuthenticationRule == nil {
			t.Errorf("%s took the program's rule away", value)
		}
	}
}

func TestNamesThatAreNone(t *testing.T) {
	t.Parallel()
	const gone = "The '%s' setting has been removed. Please refer to 'docs/settings.md' for available settings."
	for name, want := range map[string]InvalidSetting{
		"AUTH_HEADER_TYPE":      {Problem: fmt.Sprintf(gone, "AUTH_HEADER_TYPE")},
		"AUTH_TOKEN_CLASS":      {Problem: fmt.Sprintf(gone, "AUTH_TOKEN_CLASS")},
		"SECRET_KEY":            {Problem: fmt.Sprintf(gone, "SECRET_KEY")},
		"TOKEN_BACKEND_CLASS":   {Problem: fmt.Sprintf(gone, "TOKEN_BACKEND_CLASS")},
		"ROTATE_REFRESH_TOKEN":  {Setting: "ROTATE_REFRESH_TOKEN", Problem: "no such setting; did you mean ROTATE_REFRESH_TOKENS?"},
		"signing_key":           {Setting: "signing_key", Problem: "no such setting; did you mean SIGNING_KEY?"},
		"ACESS_TOKEN_LIFETIME":  {Setting: "ACESS_TOKEN_LIFETIME", Problem: "no such setting; did you mean ACCESS_TOKEN_LIFETIME?"},
		"BLACKLIST_AFTER_ROTA":  {Setting: "BLACKLIST_AFTER_ROTA", Problem: "no such setting; did you mean BLACKLIST_AFTER_ROTATION?"},
		"COMPLETELY_DIFFERENT!": {Setting: "COMPLETELY_DIFFERENT!", Problem: "no such setting"},
		"":                      {Setting: "", Problem: "no such setting"},
	} {
		_, err := FromJSON(Settings{}, []byte(`{"`+name+`": "x"}`))
		if diff := cmp.Diff(error(SettingsError{want}), err); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
	}
}

func TestWhatIsNoSettingsFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, says string }{
		"a list":                         {`[]`, "not an object"},
		"a string":                       {`"ALGORITHM"`, "not an object"},
		"null":                           {`null`, "not an object"},
		"nothing":                        {``, "unexpected end"},
		"trailing data":                  {`{"LEEWAY": 1} {}`, "invalid character"},
		"a name that stands twice":       {`{"LEEWAY": 1, "LEEWAY": 2}`, `"LEEWAY" stands twice`},
		"a name twice, once escaped":     {`{"LEEWAY": 1, "\u004cEEWAY": 2}`, `"LEEWAY" stands twice`},
		"a comma at the end":             {`{"LEEWAY": 1,}`, "invalid character"},
		"bytes that are no UTF-8":        {"{\"ISSUER\": \"\xff\"}", "UTF-8"},
		"Python's spelling of a boolean": {`{"REUSE_DETECTION": True}`, "invalid character"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := FromJSON(Settings{Issuer: "base"}, []byte(c.in))
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "not a JSON object") {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
			if diff := cmp.Diff(Settings{Issuer: "base"}, s, exported); diff != "" {
				t.Errorf("it changed something:\n%s", diff)
			}
		})
	}
}

func TestFromJSON_NamesTheLineOfASyntaxError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   string
		line int // 0 for none
	}{
		"nothing":                       {"", 1},
		"the first line":                {"{\"LEEWAY\" 1}", 1},
		"the third line":                {"{\n\"LEEWAY\": 1,\n\"ISSUER\" \"x\"}\n", 3},
		"with Windows line ends":        {"{\r\n\"LEEWAY\": 1,\r\n\"ISSUER\" \"x\"}\r\n", 3},
		"a text that is not closed":     {"{\n\"ISSUER\": \"x\n}", 2},
		"an object that is not closed":  {"{\n\"ISSUER\": \"x\"\n", 2},
		"bytes that are no UTF-8":       {"{\n\n\"ISSUER\": \"\xff\"}", 3},
		"a replacement character first": {"{\"ISSUER\": \"\uFFFD\",\n\"AUDIENCE\": \"\xc3\"}", 2},
		"a list has no place":           {"[\n]", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := FromJSON(Settings{}, []byte(c.in))
			want := "\n  the settings are not"
			if c.line > 0 {
				want = fmt.Sprintf("\n  line %d: the settings are not", c.line)
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want one that says %q", err, want)
			}
		})
	}
}

func TestFromFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, says string }{
		"a good file has no fault":            {`{"ISSUER": "me"}`, ""},
		"an unknown name":                     {`{"LEAWAY": 1}`, "FILE: LEAWAY: no such setting; did you mean LEEWAY?"},
		"a removed name":                      {`{"SECRET_KEY": 1}`, "FILE: SECRET_KEY: The 'SECRET_KEY' setting has been removed."},
		"a value of another kind":             {`{"LEEWAY": true}`, "FILE: LEEWAY: must be a duration"},
		"a syntax error names the line":       {"{\n\"ISSUER\" 1}", "FILE: line 2: the settings are not a JSON object"},
		"a list is no settings":               {`[]`, "FILE: the settings are not a JSON object of names and values: not an object"},
		"half a character in a text":          {`{"ISSUER": "\ud800"}`, "FILE: ISSUER: is not valid Unicode text"},
		"a function can't be given in a file": {`{"ON_LOGIN_FAILED": "x"}`, "FILE: ON_LOGIN_FAILED: is a function"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "settings.json")
			if err := os.WriteFile(file, []byte(c.in), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := FromFile(Settings{Algorithm: "HS512"}, file)
			if c.says == "" {
				if err != nil || s.Issuer != "me" || s.Algorithm != "HS512" || s.NameOf("ISSUER") != file+": ISSUER" || s.NameOf("ALGORITHM") != "ALGORITHM" {
					t.Errorf("error %v, settings %v, ISSUER is called %q", err, s, s.NameOf("ISSUER"))
				}
				return
			}
			if want := "\n  " + strings.Replace(c.says, "FILE", file, 1); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q", err, want)
			}
		})
	}
	t.Run("a file that can't be read is a fault that core.New sees", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "none.json")
		s, err := FromFile(Settings{Issuer: "me"}, file)
		want := "simplejwt: 1 fault(s) in the settings\n  " + file + ": the settings can't be read: no such file or directory"
		if err == nil || err.Error() != want || s.InvalidSettings().Error() != want || s.Issuer != "me" {
			t.Errorf("error %v, faults %v; want %s", err, s.InvalidSettings(), want)
		}
	})
}

func TestAllFaultsAreToldAtOnceAndTheRestApplies(t *testing.T) {
	t.Parallel()
	s, err := FromJSON(Settings{}, []byte(`{"LEEWAY": "x", "ISSUER": "me", "NOPE": 1, "SECRET_KEY": "x", "AUDIENCE": 5, "REUSE_DETECTION": true, "TOKEN_USER_CLASS": 1}`))
	var faults SettingsError
	if !errors.As(err, &faults) {
		t.Fatalf("error %T, want Faults", err)
	}
	names := make([]string, len(faults))
	for i, f := range faults {
		names[i] = f.Setting
	}
	if diff := cmp.Diff([]string{"LEEWAY", "NOPE", "", "AUDIENCE", "TOKEN_USER_CLASS"}, names); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Settings{Issuer: "me", ReuseDetection: true}, s, exported); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(faults, s.InvalidSettings()); diff != "" {
		t.Errorf("the settings remember other faults:\n%s", diff)
	}
	again, err := FromJSON(s, []byte(`{"JWK_URL": 5}`))
	if err == nil || len(again.InvalidSettings()) != 6 || len(s.InvalidSettings()) != 5 {
		t.Errorf("a second file: %d faults, the first now %d; want 6 and 5", len(again.InvalidSettings()), len(s.InvalidSettings()))
	}
}

func TestAFaultyValueLeavesTheSettingAsItWas(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`{}`, `"maybe"`, `[1]`, `["a", null]`, `1.5e300`} {
		for name := range oneOfEach {
			base := load(t, Settings{CheckUserIsActive: new(true), Issuer: "me"}, `{"AUDIENCE": ["a"]}`)
			s, err := FromJSON(base, []byte(`{"`+name+`": `+value+`}`))
			if err == nil {
				continue
			}
			if diff := cmp.Diff(base, s, exported); diff != "" || !s.AudienceIsList() {
				t.Errorf("%s: %s is refused, but changed something (audience is list: %t):\n%s", name, value, s.AudienceIsList(), diff)
			}
		}
	}
}

func TestBaseIsNotChanged(t *testing.T) {
	t.Parallel()
	base := load(t, Settings{Audience: []string{"a", "b"}, AuthHeaderTypes: []string{"Bearer", "JWT"}, CheckUserIsActive: new(true)}, `{"LEEWAY": 1}`)
	_, err := FromJSON(base, []byte(`{"AUDIENCE": ["x"], "AUTH_HEADER_TYPES": "Token", "CHECK_USER_IS_ACTIVE": false, "ISSUER": "me", "LEEWAY": 2, "NOPE": 1}`))
	if err == nil {
		t.Fatal("no error")
	}
	want := Settings{Audience: []string{"a", "b"}, AuthHeaderTypes: []string{"Bearer", "JWT"}, CheckUserIsActive: new(true), Leeway: time.Second}
	if diff := cmp.Diff(want, base, exported); diff != "" {
		t.Errorf("base (-want +got):\n%s", diff)
	}
	if base.IsSet("ISSUER") || !base.IsSet("LEEWAY") || len(base.InvalidSettings()) != 0 || base.AudienceIsList() != true {
		t.Errorf("base remembers what another file said: ISSUER %t, faults %v", base.IsSet("ISSUER"), base.InvalidSettings())
	}
}

func TestHalfACharacterIsRefusedNotReplaced(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`"\ud800"`, `"key \udfff"`} {
		for _, name := range []string{"SIGNING_KEY", "ISSUER", "AUDIENCE"} {
			if s, err := FromJSON(Settings{}, []byte(`{"`+name+`": `+value+`}`)); err == nil {
				t.Errorf("%s: %s became something else without an error: %q", name, value, s.Issuer+s.SigningKey)
			}
		}
	}
}

func FuzzFromJSON(f *testing.F) {
	for name, c := range oneOfEach {
		f.Add([]byte(`{"` + name + `": ` + c.json + `}`))
	}
	for _, seed := range []string{`{`, `[]`, `{"LEEWAY": 9223372036.854775807}`, `{"JTI_CLAIM": null}`, `{"AUDIENCE": ["\ud800"]}`, `{"A": {"b": [1e999]}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := FromJSON(Settings{}, data)
		if (err != nil) != (len(first.InvalidSettings()) > 0) {
			t.Fatalf("error %v, but faults %v", err, first.InvalidSettings())
		}
		if err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q is no JSON, but accepted", data)
		}
		second, err := FromJSON(first, data)
		if diff := cmp.Diff(first, second, exported); err != nil || diff != "" || first.AudienceIsList() != second.AudienceIsList() {
			t.Fatalf("set again: error %v, changed:\n%s", err, diff)
		}
	})
}
