package simplejwt

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFromEnv(t *testing.T) {
	for name, c := range map[string]struct {
		name, value string
		want        Settings
		problem     string
	}{
		"a list as text is one entry":             {"AUDIENCE", "a,b", Settings{Audience: []string{"a,b"}}, ""},
		"a list may be JSON":                      {"AUTH_HEADER_TYPES", `["Bearer","JWT"]`, Settings{AuthHeaderTypes: []string{"Bearer", "JWT"}}, ""},
		"a list as broken JSON is rejected":       {"AUDIENCE", `["a"`, Settings{}, "must be a string or a list of strings"},
		"null is None":                            {"JTI_CLAIM", "null", Settings{JTIClaim: Off}, ""},
		"null is rejected where there is no None": {"ALGORITHM", "null", Settings{}, "may not be null: leave it out for the default"},
		"a number is a number of seconds":         {"LEEWAY", "10", Settings{Leeway: 10 * time.Second}, ""},
		"a duration may be text too":              {"LEEWAY", "10s", Settings{Leeway: 10 * time.Second}, ""},
		"a lifetime needs a unit":                 {"ACCESS_TOKEN_LIFETIME", "300", Settings{}, `must be a duration such as "5m0s"`},
		"a secret of digits is text":              {"SIGNING_KEY", "12345", Settings{SigningKey: "12345"}, ""},
		"a secret in brackets is text":            {"SIGNING_KEY", "[x]", Settings{SigningKey: "[x]"}, ""},
		"a secret in quotes keeps them":           {"SIGNING_KEY", `"x"`, Settings{SigningKey: `"x"`}, ""},
		"an issuer called true is text":           {"ISSUER", "true", Settings{Issuer: "true"}, ""},
		"an empty issuer is set":                  {"ISSUER", "", Settings{}, ""},
		"yes is not a boolean":                    {"REUSE_DETECTION", "yes", Settings{}, "must be true or false"},
		"an empty text is not a boolean":          {"REUSE_DETECTION", "", Settings{}, "must be true or false"},
		"infinity is not a number of seconds":     {"LEEWAY", "inf", Settings{}, `must be a duration such as "5m0s" or a number of seconds`},
		"a number of seconds has bounds":          {"LEEWAY", "1e300", Settings{}, "is out of range: a duration has at most 292 years"},
		"half a byte is not a size":               {"DATA_UPLOAD_MAX_MEMORY_SIZE", "0.5", Settings{}, "must be a whole number"},
		"a size with a unit is not one":           {"DATA_UPLOAD_MAX_MEMORY_SIZE", "1MB", Settings{}, "must be a whole number"},
		"a hook of the program is not accepted":   {"ON_LOGIN_FAILED", "app.failed", Settings{}, "is a function: set it in Go"},
		"the path of SimpleJWT's own hook is":     {"TOKEN_USER_CLASS", "rest_framework_simplejwt.models.TokenUser", Settings{}, ""},
		"an unknown name comes with a suggestion": {"LEAWAY", "1", Settings{}, "no such setting; did you mean LEEWAY?"},
		"a removed name comes with its sentence": {"SECRET_KEY", "x", Settings{},
			"The 'SECRET_KEY' setting has been removed. Please refer to 'docs/settings.md' for available settings."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SIMPLE_JWT_"+c.name, c.value)
			s, err := FromEnv(Settings{})
			if c.problem == "" && (err != nil || !s.IsSet(c.name) && c.value != "null") {
				t.Fatalf("error %v, set %t", err, s.IsSet(c.name))
			}
			if invalid := s.InvalidSettings(); c.problem != "" && (len(invalid) != 1 || invalid[0].Problem != c.problem ||
				!strings.Contains(err.Error(), "\n  SIMPLE_JWT_"+c.name+": "+c.problem)) {
				t.Fatalf("invalid settings %v, want %q with the name of the variable", invalid, c.problem)
			}
			if diff := cmp.Diff(c.want, s, exportedFields); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFromEnv_InvalidSettingsAndOtherVariables(t *testing.T) {
	t.Setenv("SIMPLE_JWT_LEEWAY", "soon")
	t.Setenv("SIMPLE_JWT_NOPE", "1")
	t.Setenv("SIMPLE_JWT_ISSUER", "me")
	t.Setenv("SIMPLEJWT_AUDIENCE", "other")
	t.Setenv("AUDIENCE", "other")
	s, err := FromEnv(Settings{Algorithm: "HS512"})
	if err == nil || len(s.InvalidSettings()) != 2 {
		t.Errorf("invalid settings %v, want two", s.InvalidSettings())
	}
	if diff := cmp.Diff(Settings{Algorithm: "HS512", Issuer: "me"}, s, exportedFields); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

// A key that is not text must not become another, weaker one: replacing bytes would make all of them the same.
func TestFromEnv_KeyThatIsNotUTF8(t *testing.T) {
	key := strings.Repeat("\xff\xfe\x80\x81", 8)
	t.Setenv("SIMPLE_JWT_SIGNING_KEY", key)
	if s, err := FromEnv(Settings{}); err == nil && s.SigningKey != key {
		t.Errorf("the key of %d bytes became one of %d without an error", len(key), len(s.SigningKey))
	}
}

func FuzzFromEnv(f *testing.F) {
	for name, c := range valueOfEach {
		f.Add(name, c.env)
	}
	for _, value := range []string{"", "null", "[", `["a"]`, "1e400", "-0", "0x10", "1_0", "\xff", "\"", "NaN"} {
		f.Add("AUDIENCE", value)
		f.Add("LEEWAY", value)
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		first := Settings{}.clone()
		first.setFromJSON(name, "SIMPLE_JWT_"+name, envJSON(name, value))
		if first.loadError() != nil {
			return
		}
		second := first.clone()
		second.setFromJSON(name, "SIMPLE_JWT_"+name, envJSON(name, value))
		if diff := cmp.Diff(first, second, exportedFields); diff != "" || second.loadError() != nil {
			t.Fatalf("set again: error %v, changed:\n%s", second.loadError(), diff)
		}
		for _, one := range fields {
			field := reflect.ValueOf(first).Field(one.index)
			if one.name == name && field.Kind() == reflect.String && value != "null" && field.String() != value {
				t.Fatalf("%s=%q became %q", name, value, field.String())
			}
		}
	})
}
