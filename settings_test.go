package simplejwt

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSettings_Names(t *testing.T) {
	t.Parallel()
	var names []string
	for f := range reflect.TypeFor[Settings]().Fields() {
		tag, tagged := f.Tag.Lookup("setting")
		if tagged != f.IsExported() {
			t.Errorf("%s: tagged %t, exported %t: every exported field needs a name, no other may have one", f.Name, tagged, f.IsExported())
		}
		if tagged {
			name, _, _ := strings.Cut(tag, ",")
			names = append(names, name)
		}
	}
	want := slices.Concat(djangoNames, namesBeyondSimpleJWT)
	slices.Sort(want)
	slices.Sort(names)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("the names of the settings (-want +got):\n%s", diff)
	}
}

func TestSettings_FieldNames(t *testing.T) {
	t.Parallel()
	for f := range reflect.TypeFor[Settings]().Fields() {
		tag, ok := f.Tag.Lookup("setting")
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(tag, ",")
		if !strings.EqualFold(f.Name, strings.ReplaceAll(name, "_", "")) {
			t.Errorf("field %s is the setting %s", f.Name, name)
		}
	}
}

func TestRecommended(t *testing.T) {
	t.Parallel()
	want := Settings{
		RotateRefreshTokens:    true,
		BlacklistAfterRotation: true,
		RotationGracePeriod:    10 * time.Second,
		ReuseDetection:         true,
		SessionLifetime:        720 * time.Hour,
	}
	if diff := cmp.Diff(want, Recommended(), exportedFields); diff != "" {
		t.Error(diff)
	}
}

func TestSettings_IsSet(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		json string
		want bool
	}{
		"a name that is absent is not set":    {`{}`, false},
		"zero is set":                         {`{"ACCESS_TOKEN_LIFETIME": "0s"}`, true},
		"an invalid value is not set":         {`{"ACCESS_TOKEN_LIFETIME": "soon"}`, false},
		"another name sets nothing":           {`{"REFRESH_TOKEN_LIFETIME": "0s"}`, false},
		"a name in another case sets nothing": {`{"access_token_lifetime": "0s"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := FromJSON(Settings{}, []byte(c.json))
			if got := s.IsSet("ACCESS_TOKEN_LIFETIME"); got != c.want {
				t.Errorf("IsSet is %t, want %t", got, c.want)
			}
		})
	}
	s := Settings{AccessTokenLifetime: time.Minute}
	if s.IsSet("ACCESS_TOKEN_LIFETIME") {
		t.Error("a field that Go code set counts as found in a file")
	}
	null, err := FromJSON(Settings{}, []byte(`{"ISSUER": null}`))
	if err != nil || null.IsSet("ISSUER") {
		t.Errorf("null: IsSet %t, error %v; want false and none", null.IsSet("ISSUER"), err)
	}
}

func TestSettings_AudienceIsList(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		s    func(t *testing.T) Settings
		want bool
	}{
		"none is not a list":           {func(*testing.T) Settings { return Settings{} }, false},
		"one entry in Go is text":      {func(*testing.T) Settings { return Settings{Audience: []string{"a"}} }, false},
		"two entries in Go are a list": {func(*testing.T) Settings { return Settings{Audience: []string{"a", "b"}} }, true},
		"a string in a file is text":   {func(t *testing.T) Settings { return loadSettings(t, Settings{}, `{"AUDIENCE": "a"}`) }, false},
		"a list of one in a file is a list": {func(t *testing.T) Settings {
			return loadSettings(t, Settings{}, `{"AUDIENCE": ["a"]}`)
		}, true},
		"another list says nothing of it": {func(t *testing.T) Settings {
			return loadSettings(t, Settings{}, `{"AUDIENCE": "a", "AUTH_HEADER_TYPES": ["Bearer", "JWT"]}`)
		}, false},
		"another list after it leaves it a list": {func(t *testing.T) Settings {
			return loadSettings(t, Settings{}, `{"AUDIENCE": ["a"], "AUTH_HEADER_TYPES": "JWT"}`)
		}, true},
		"a string over a list is text": {func(t *testing.T) Settings {
			return loadSettings(t, loadSettings(t, Settings{}, `{"AUDIENCE": ["a"]}`), `{"AUDIENCE": "a"}`)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := c.s(t)
			if got := s.AudienceIsList(); got != c.want {
				t.Errorf("AudienceIsList is %t, want %t", got, c.want)
			}
		})
	}
}

func ExampleFromJSON() {
	settings, err := FromJSON(Recommended(), []byte(`{
		"ACCESS_TOKEN_LIFETIME": "10m",
		"LEEWAY": 2.5,
		"AUTH_HEADER_TYPES": ["Bearer", "JWT"],
		"SIGNING_KEY": "a secret that is never printed, not even by accident"
	}`))
	fmt.Println(settings.AccessTokenLifetime, settings.Leeway, settings.ReuseDetection, err)
	fmt.Println(settings)

	_, err = FromJSON(Settings{}, []byte(`{"ROTATE_REFRESH_TOKEN": true, "LEEWAY": "soon"}`))
	fmt.Println(err)
	// Output:
	// 10m0s 2.5s true <nil>
	// simplejwt.Settings{ACCESS_TOKEN_LIFETIME=10m0s ROTATE_REFRESH_TOKENS=true BLACKLIST_AFTER_ROTATION=true SIGNING_KEY=[redacted] LEEWAY=2.5s AUTH_HEADER_TYPES=[Bearer JWT] ROTATION_GRACE_PERIOD=10s REUSE_DETECTION=true SESSION_LIFETIME=720h0m0s}
	// simplejwt: 2 invalid settings:
	//   ROTATE_REFRESH_TOKEN: no such setting; did you mean ROTATE_REFRESH_TOKENS?
	//   LEEWAY: must be a duration such as "5m0s" or a number of seconds
}
