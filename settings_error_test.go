package simplejwt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSettingsError_Error(t *testing.T) {
	t.Parallel()
	var f SettingsError
	f.Add("LEEWAY", "may not be %s", "negative")
	f.Add("", "a problem of no setting, at 100%%")
	f.Add("Deps.Store", "is missing")
	want := "simplejwt: 3 invalid settings:\n  LEEWAY: may not be negative\n  a problem of no setting, at 100%\n  Deps.Store: is missing"
	if diff := cmp.Diff(want, f.Error()); diff != "" {
		t.Error(diff)
	}
}

func TestSettings_Format_HidesKeys(t *testing.T) {
	t.Parallel()
	for name, s := range settingsWithKeys() {
		t.Run(name+" is never printed", func(t *testing.T) {
			t.Parallel()
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T", "%10.3v"} {
				for kind, value := range map[string]any{"Settings": s, "*Settings": &s, "in a struct": struct{ S Settings }{s}, "in a list": []Settings{s}, "in a map": map[string]Settings{"s": s}} {
					checkHidesKeys(t, verb+" of "+kind, fmt.Sprintf(verb, value))
				}
			}
			checkHidesKeys(t, "Sprint", fmt.Sprint(s))
			checkHidesKeys(t, "an error", fmt.Errorf("start with %v", s).Error())
			if out := fmt.Sprint(s); !strings.Contains(out, "ISSUER=me") || !strings.Contains(out, "[redacted]") {
				t.Errorf("printed %q, want what is not secret, and that something is", out)
			}
		})
	}
}

func TestSettings_LogValue_HidesKeys(t *testing.T) {
	t.Parallel()
	for name, s := range settingsWithKeys() {
		t.Run(name+" is never logged", func(t *testing.T) {
			t.Parallel()
			var text, structured bytes.Buffer
			for _, h := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&structured, nil)} {
				log := slog.New(h)
				log.Info("starting", "settings", s, "pointer", &s)
				log.Info("starting", "nested", struct{ S Settings }{s}, "list", []Settings{s}, slog.Group("g", "s", s))
				log.With("settings", s).Info("starting")
			}
			checkHidesKeys(t, "the text handler", text.String())
			checkHidesKeys(t, "the JSON handler", structured.String())
			if !strings.Contains(text.String(), "ISSUER=me") || !strings.Contains(structured.String(), "ISSUER=me") {
				t.Error("nothing of the settings was logged")
			}
			data, _ := json.Marshal(s) //nolint:staticcheck // that it fails, because of the functions, is as good
			checkHidesKeys(t, "json.Marshal", string(data))
		})
	}
}

func TestSettingsError_HidesKeys(t *testing.T) {
	t.Parallel()
	for _, data := range []string{
		`{"SIGNING_KEY": ["telltale"]}`, `{"SIGNING_KEY": {"telltale": 1}}`, `{"VERIFYING_KEY": ["telltale"]}`, `{"SECRET_KEY": "telltale"}`,
		`{"SIGNING_KEYS": "telltale"}`, `{"SIGNING_KEY": "telltale" "x"}`, `{"SIGNING_KEY": "telltale`, `{"SIGNING_KEY": "telltale\x"}`,
		`["telltale"]`, `"telltale"`, `{"SIGNING_KEY": "telltale", "SIGNING_KEY": "telltale"}`, "{\"SIGNING_KEY\": \"telltale\xff\"}",
	} {
		s, err := FromJSON(Settings{}, []byte(data))
		if err == nil {
			t.Errorf("%s: no error", data)
			continue
		}
		checkHidesKeys(t, "the error", err.Error())
		checkHidesKeys(t, "%+v of the invalid settings", fmt.Sprintf("%+v %#v", s.InvalidSettings(), s.InvalidSettings()))
	}
}

func TestSettings_Format(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		s    Settings
		want string
	}{
		"nothing of the zero value": {Settings{}, "simplejwt.Settings{}"},
		"what differs from zero":    {Settings{Leeway: time.Second, CheckUserIsActive: new(false)}, "simplejwt.Settings{LEEWAY=1s CHECK_USER_IS_ACTIVE=false}"},
		"a zero that was given":     {loadSettings(t, Settings{}, `{"ISSUER": "", "LEEWAY": 0}`), "simplejwt.Settings{ISSUER= LEEWAY=0s}"},
		"that a function is set":    {Settings{TokenUserClass: func(Claims) User { return nil }}, "simplejwt.Settings{TOKEN_USER_CLASS=[function]}"},
	} {
		if diff := cmp.Diff(c.want, fmt.Sprint(c.s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
