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

func TestFromJSON_FromEnv_EverySetting(t *testing.T) {
	for name, c := range valueOfEach {
		t.Run(name+" from JSON", func(t *testing.T) {
			got, err := FromJSON(Settings{}, []byte(`{"`+name+`": `+c.json+`}`))
			if diff := cmp.Diff(c.want, got, exportedFields); diff != "" || err != nil || !got.IsSet(name) {
				t.Errorf("error %v, set %t (-want +got):\n%s", err, got.IsSet(name), diff)
			}
		})
		t.Run(name+" from the environment", func(t *testing.T) {
			t.Setenv("SIMPLE_JWT_"+name, c.env)
			got, err := FromEnv(Settings{})
			if diff := cmp.Diff(c.want, got, exportedFields); diff != "" || err != nil || !got.IsSet(name) {
				t.Errorf("error %v, set %t (-want +got):\n%s", err, got.IsSet(name), diff)
			}
		})
	}
	names := slices.Sorted(maps.Keys(valueOfEach))
	want := slices.DeleteFunc(slices.Sorted(slices.Values(slices.Concat(djangoNames, namesBeyondSimpleJWT))), func(name string) bool {
		return slices.Contains(hookNames, name)
	})
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("settings without a case here (-want +got):\n%s", diff)
	}
}

func TestFromJSON_KindsOfValues(t *testing.T) {
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
			if invalid := s.InvalidSettings(); err != nil && (len(invalid) != 1 || invalid[0].Setting != f.name) {
				t.Errorf("%s: %s: invalid settings %v, want one by this name", f.name, value, invalid)
			}
		}
	}
}

func TestFromJSON_Null(t *testing.T) {
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
		if diff := cmp.Diff(wanted, got, exportedFields); diff != "" || err != nil {
			t.Errorf("%s null: error %v (-want +got):\n%s", name, err, diff)
		}
	}
	for _, name := range []string{"ACCESS_TOKEN_LIFETIME", "ALGORITHM", "ROTATE_REFRESH_TOKENS", "CHECK_USER_IS_ACTIVE", "AUTH_HEADER_TYPES", "DATA_UPLOAD_MAX_MEMORY_SIZE", "USER_ID_CLAIM"} {
		_, err := FromJSON(Settings{}, []byte(`{"`+name+`": null}`))
		if diff := cmp.Diff(error(SettingsError{{Setting: name, Problem: "may not be null: leave it out for the default"}}), err); diff != "" {
			t.Errorf("%s null (-want +got):\n%s", name, diff)
		}
	}
}

func TestFromJSON_Functions(t *testing.T) {
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
		if diff := cmp.Diff(Settings{}, s, exportedFields); diff != "" || err != nil {
			t.Errorf("%s: SimpleJWT's own default %s: error %v, changed:\n%s", name, value, err, diff)
		}
	}
}

func TestFromJSON_KeepsFunctionsOfBase(t *testing.T) {
	t.Parallel()
	base := Settings{UserAuthenticationRule: func(context.Context, User) bool { return false }}
	for _, value := range []string{`null`, `"rest_framework_simplejwt.authentication.default_user_authentication_rule"`} {
		s, _ := FromJSON(base, []byte(`{"USER_AUTHENTICATION_RULE": `+value+`}`))
		if s.UserAuthenticationRule == nil {
			t.Errorf("%s took the program's rule away", value)
		}
	}
}

func TestFromJSON_UnknownNames(t *testing.T) {
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
		"COMPLETELY_DIFFERENT!": {Setting: "COMPLETELY_DIFFERENT!", Problem: "no such setting; docs/settings.md lists the names"},
		"":                      {Setting: "", Problem: "no such setting; docs/settings.md lists the names"},
	} {
		_, err := FromJSON(Settings{}, []byte(`{"`+name+`": "x"}`))
		if diff := cmp.Diff(error(SettingsError{want}), err); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
	}
}

func TestFromJSON_Malformed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, says string }{
		"a list":                         {`[]`, "not an object"},
		"a string":                       {`"ALGORITHM"`, "not an object"},
		"null":                           {`null`, "not an object"},
		"an empty text":                  {``, "unexpected end"},
		"data behind the object":         {`{"LEEWAY": 1} {}`, "invalid character"},
		"a repeated name":                {`{"LEEWAY": 1, "LEEWAY": 2}`, `"LEEWAY" stands twice`},
		"a repeated name, once escaped":  {`{"LEEWAY": 1, "\u004cEEWAY": 2}`, `"LEEWAY" stands twice`},
		"a comma at the end":             {`{"LEEWAY": 1,}`, "invalid character"},
		"a text that is not UTF-8":       {"{\"ISSUER\": \"\xff\"}", "UTF-8"},
		"Python's spelling of a boolean": {`{"REUSE_DETECTION": True}`, "invalid character"},
	} {
		t.Run(name+" is rejected as a whole", func(t *testing.T) {
			t.Parallel()
			s, err := FromJSON(Settings{Issuer: "base"}, []byte(c.in))
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "not a JSON object") {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
			if diff := cmp.Diff(Settings{Issuer: "base"}, s, exportedFields); diff != "" {
				t.Errorf("it changed something:\n%s", diff)
			}
		})
	}
}

func TestFromJSON_LineOfSyntaxError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   string
		line int // 0 for none
	}{
		"an empty text is wrong in line 1":                 {"", 1},
		"a missing colon is found in line 1":               {"{\"LEEWAY\" 1}", 1},
		"a missing colon is found in line 3":               {"{\n\"LEEWAY\": 1,\n\"ISSUER\" \"x\"}\n", 3},
		"a line that ends like on Windows counts once":     {"{\r\n\"LEEWAY\": 1,\r\n\"ISSUER\" \"x\"}\r\n", 3},
		"a text that is not closed is wrong at its end":    {"{\n\"ISSUER\": \"x\n}", 2},
		"an object that is not closed is wrong at its end": {"{\n\"ISSUER\": \"x\"\n", 2},
		"a byte that is not UTF-8 is found in line 3":      {"{\n\n\"ISSUER\": \"\xff\"}", 3},
		"a replacement character is valid UTF-8":           {"{\"ISSUER\": \"\uFFFD\",\n\"AUDIENCE\": \"\xc3\"}", 2},
		"a list has no line":                               {"[\n]", 0},
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
		"a good file has no error":            {`{"ISSUER": "me"}`, ""},
		"an unknown name is an error":         {`{"LEAWAY": 1}`, "FILE: LEAWAY: no such setting; did you mean LEEWAY?"},
		"a removed name is an error":          {`{"SECRET_KEY": 1}`, "FILE: SECRET_KEY: The 'SECRET_KEY' setting has been removed."},
		"a value of another kind is an error": {`{"LEEWAY": true}`, "FILE: LEEWAY: must be a duration"},
		"a syntax error names the line":       {"{\n\"ISSUER\" 1}", "FILE: line 2: the settings are not a JSON object"},
		"a list is an error":                  {`[]`, "FILE: the settings are not a JSON object of names and values: not an object"},
		"an unpaired surrogate is an error":   {`{"ISSUER": "\ud800"}`, "FILE: ISSUER: is not valid Unicode text"},
		"a function is an error":              {`{"ON_LOGIN_FAILED": "x"}`, "FILE: ON_LOGIN_FAILED: is a function"},
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
	t.Run("a file that cannot be read is an error that core.New sees", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "none.json")
		s, err := FromFile(Settings{Issuer: "me"}, file)
		want := "simplejwt: 1 invalid setting:\n  " + file + ": the settings can't be read: no such file or directory"
		if err == nil || err.Error() != want || s.InvalidSettings().Error() != want || s.Issuer != "me" {
			t.Errorf("error %v, invalid %v; want %s", err, s.InvalidSettings(), want)
		}
	})
}

func TestFromJSON_ReportsAllInvalidSettings(t *testing.T) {
	t.Parallel()
	s, err := FromJSON(Settings{}, []byte(`{"LEEWAY": "x", "ISSUER": "me", "NOPE": 1, "SECRET_KEY": "x", "AUDIENCE": 5, "REUSE_DETECTION": true, "TOKEN_USER_CLASS": 1}`))
	var invalid SettingsError
	if !errors.As(err, &invalid) {
		t.Fatalf("error %T, want SettingsError", err)
	}
	names := make([]string, len(invalid))
	for i, f := range invalid {
		names[i] = f.Setting
	}
	if diff := cmp.Diff([]string{"LEEWAY", "NOPE", "", "AUDIENCE", "TOKEN_USER_CLASS"}, names); diff != "" {
		t.Errorf("invalid settings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Settings{Issuer: "me", ReuseDetection: true}, s, exportedFields); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(invalid, s.InvalidSettings()); diff != "" {
		t.Errorf("the settings keep other errors:\n%s", diff)
	}
	again, err := FromJSON(s, []byte(`{"JWK_URL": 5}`))
	if err == nil || len(again.InvalidSettings()) != 6 || len(s.InvalidSettings()) != 5 {
		t.Errorf("a second file: %d invalid settings, the first now %d; want 6 and 5", len(again.InvalidSettings()), len(s.InvalidSettings()))
	}
}

func TestFromJSON_InvalidValueChangesNothing(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`{}`, `"maybe"`, `[1]`, `["a", null]`, `1.5e300`} {
		for name := range valueOfEach {
			base := loadSettings(t, Settings{CheckUserIsActive: new(true), Issuer: "me"}, `{"AUDIENCE": ["a"]}`)
			s, err := FromJSON(base, []byte(`{"`+name+`": `+value+`}`))
			if err == nil {
				continue
			}
			if diff := cmp.Diff(base, s, exportedFields); diff != "" || !s.AudienceIsList() {
				t.Errorf("%s: %s is rejected, but changed something (audience is list: %t):\n%s", name, value, s.AudienceIsList(), diff)
			}
		}
	}
}

func TestFromJSON_LeavesBaseAlone(t *testing.T) {
	t.Parallel()
	base := loadSettings(t, Settings{Audience: []string{"a", "b"}, AuthHeaderTypes: []string{"Bearer", "JWT"}, CheckUserIsActive: new(true)}, `{"LEEWAY": 1}`)
	_, err := FromJSON(base, []byte(`{"AUDIENCE": ["x"], "AUTH_HEADER_TYPES": "Token", "CHECK_USER_IS_ACTIVE": false, "ISSUER": "me", "LEEWAY": 2, "NOPE": 1}`))
	if err == nil {
		t.Fatal("no error")
	}
	want := Settings{Audience: []string{"a", "b"}, AuthHeaderTypes: []string{"Bearer", "JWT"}, CheckUserIsActive: new(true), Leeway: time.Second}
	if diff := cmp.Diff(want, base, exportedFields); diff != "" {
		t.Errorf("base (-want +got):\n%s", diff)
	}
	if base.IsSet("ISSUER") || !base.IsSet("LEEWAY") || len(base.InvalidSettings()) != 0 || base.AudienceIsList() != true {
		t.Errorf("base remembers what another file said: ISSUER %t, invalid %v", base.IsSet("ISSUER"), base.InvalidSettings())
	}
}

func TestFromJSON_LoneSurrogate(t *testing.T) {
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
	for name, c := range valueOfEach {
		f.Add([]byte(`{"` + name + `": ` + c.json + `}`))
	}
	for _, seed := range []string{`{`, `[]`, `{"LEEWAY": 9223372036.854775807}`, `{"JTI_CLAIM": null}`, `{"AUDIENCE": ["\ud800"]}`, `{"A": {"b": [1e999]}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := FromJSON(Settings{}, data)
		if (err != nil) != (len(first.InvalidSettings()) > 0) {
			t.Fatalf("error %v, but invalid settings %v", err, first.InvalidSettings())
		}
		if err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q is no JSON, but accepted", data)
		}
		second, err := FromJSON(first, data)
		if diff := cmp.Diff(first, second, exportedFields); err != nil || diff != "" || first.AudienceIsList() != second.AudienceIsList() {
			t.Fatalf("set again: error %v, changed:\n%s", err, diff)
		}
	})
}
