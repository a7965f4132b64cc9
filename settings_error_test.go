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

func TestFaultsListEverythingAtOnce(t *testing.T) {
	t.Parallel()
	var f SettingsError
	f.Add("LEEWAY", "may not be %s", "negative")
	f.Add("", "a fault of no setting, at 100%%")
	f.Add("Deps.Store", "is missing")
	want := "simplejwt: 3 fault(s) in the settings\n  LEEWAY: may not be negative\n  a fault of no setting, at 100%\n  Deps.Store: is missing"
	if diff := cmp.Diff(want, f.Error()); diff != "" {
		t.Error(diff)
	}
}

// secrets are settings whose keys must never be seen; each holds the same telltale.
func secrets() map[string]Settings {
	const key = "telltale-0123456789abcdef0123456789"
	const private = "-----BEGIN PRIVATE KEY-----\n" + key + "\n-----END PRIVATE KEY-----"
	return map[string]Settings{
		"an HMAC key":                    {SigningKey: key, Issuer: "me"},
		"a private key":                  {Algorithm: "RS256", SigningKey: private, Issuer: "me"},
		"a secret as VERIFYING_KEY":      {SigningKey: key, VerifyingKey: key, Issuer: "me"},
		"a private key as VERIFYING_KEY": {Algorithm: "RS256", VerifyingKey: private, Issuer: "me"},
	}
}

func TestAKeyIsNeverPrinted(t *testing.T) {
	t.Parallel()
	for name, s := range secrets() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T", "%10.3v"} {
				for kind, value := range map[string]any{"Settings": s, "*Settings": &s, "in a struct": struct{ S Settings }{s}, "in a list": []Settings{s}, "in a map": map[string]Settings{"s": s}} {
					sees(t, verb+" of "+kind, fmt.Sprintf(verb, value))
				}
			}
			sees(t, "Sprint", fmt.Sprint(s))
			sees(t, "an error", fmt.Errorf("start with %v", s).Error())
			if out := fmt.Sprint(s); !strings.Contains(out, "ISSUER=me") || !strings.Contains(out, "[redacted]") {
				t.Errorf("printed %q, want what is not secret, and that something is", out)
			}
		})
	}
}

func TestAKeyIsNeverLogged(t *testing.T) {
	t.Parallel()
	for name, s := range secrets() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var text, structured bytes.Buffer
			for _, h := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&structured, nil)} {
				log := slog.New(h)
				log.Info("starting", "settings", s, "pointer", &s)
				log.Info("starting", "nested", struct{ S Settings }{s}, "list", []Settings{s}, slog.Group("g", "s", s))
				log.With("settings", s).Info("starting")
			}
			sees(t, "the text handler", text.String())
			sees(t, "the JSON handler", structured.String())
			if !strings.Contains(text.String(), "ISSUER=me") || !strings.Contains(structured.String(), "ISSUER=me") {
				t.Error("nothing of the settings was logged")
			}
			data, _ := json.Marshal(s) //nolint:staticcheck // that it fails, because of the functions, is as good
			sees(t, "json.Marshal", string(data))
		})
	}
}

func TestAFaultNeverHoldsTheValueOfAKey(t *testing.T) {
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
		sees(t, "the error", err.Error())
		sees(t, "%+v of the faults", fmt.Sprintf("%+v %#v", s.InvalidSettings(), s.InvalidSettings()))
	}
}

// sees fails where a text gives away the telltale, plain or in hexadecimal digits.
func sees(t *testing.T, what, text string) {
	t.Helper()
	for _, telltale := range []string{"telltale", "74656c6c74616c65", "74656C6C74616C65"} {
		if strings.Contains(text, telltale) {
			t.Errorf("%s shows a key: %.120s", what, text)
			return
		}
	}
}

func TestWhatIsPrinted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		s    Settings
		want string
	}{
		"nothing of the zero value": {Settings{}, "simplejwt.Settings{}"},
		"what differs from zero":    {Settings{Leeway: time.Second, CheckUserIsActive: new(false)}, "simplejwt.Settings{LEEWAY=1s CHECK_USER_IS_ACTIVE=false}"},
		"a zero that was given":     {load(t, Settings{}, `{"ISSUER": "", "LEEWAY": 0}`), "simplejwt.Settings{ISSUER= LEEWAY=0s}"},
		"that a function is set":    {Settings{TokenUserClass: func(Claims) User { return nil }}, "simplejwt.Settings{TOKEN_USER_CLASS=[function]}"},
	} {
		if diff := cmp.Diff(c.want, fmt.Sprint(c.s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
