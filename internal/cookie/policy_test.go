package cookie_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/cookie"
)

const signingKey = "telltale: a signing key of 32 bytes or more"

// now is the clock of the policies, just before the next second begins.
func now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 990_000_000, time.UTC) }

// newPolicy makes the policy of AUTH_COOKIE, a signing key and what a settings file says.
func newPolicy(t testing.TB, file string) (*cookie.Policy, simplejwt.SettingsError) {
	t.Helper()
	settings, err := simplejwt.FromJSON(simplejwt.Settings{AuthCookie: true, SigningKey: signingKey}, []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	settings.AuthHeaderName = "HTTP_AUTHORIZATION"
	cookie.SetDefaults(&settings)
	var invalid simplejwt.SettingsError
	return cookie.New(&settings, now, &invalid), invalid
}

// validPolicy is newPolicy for a file without invalid settings.
func validPolicy(t testing.TB, file string) *cookie.Policy {
	t.Helper()
	p, invalid := newPolicy(t, file)
	if len(invalid) > 0 {
		t.Fatal(invalid)
	}
	return p
}

func TestNewCookie_LastsAsLongAsItsToken(t *testing.T) {
	t.Parallel()
	p := validPolicy(t, `{}`)
	for until, want := range map[time.Duration]int{
		5 * time.Minute:                         300,
		5*time.Minute - 500*time.Millisecond:    300, // exp is in whole seconds, the clock is not
		5*time.Minute - time.Second:             299,
		time.Millisecond:                        1,
		0:                                       -1,
		-time.Hour:                              -1,
		100 * 365 * 24 * time.Hour:              3153600000,
		24*time.Hour + 999*time.Millisecond:     86401,
		24*time.Hour - 999_999*time.Microsecond: 86400,
	} {
		got, err := p.NewCookie(p.Access, "value", now().Add(until))
		if err != nil || got.MaxAge != want || got.Value != "value" || got.Name != "__Host-access" {
			t.Errorf("%v: %v, %v; want %d seconds", until, got, err, want)
		}
	}
	if p.Access.Value != "" || p.Access.MaxAge != 0 {
		t.Errorf("the pattern was changed: %v", p.Access)
	}
	made, err := p.NewCookie(p.CSRF, "x", now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if got := p.ExpireCookie(*made).String(); got != "__Host-csrftoken=; Path=/; Max-Age=0; Secure; SameSite=Lax" {
		t.Errorf("expired: %s", got)
	}
}

func TestNewCookie_RejectsWhatBrowsersDrop(t *testing.T) {
	t.Parallel()
	p := validPolicy(t, `{}`)
	until := now().Add(time.Minute)
	one, err := p.NewCookie(p.Access, "x", until)
	if err != nil {
		t.Fatal(err)
	}
	most := 4096 - len(one.String()) + 1
	if got, err := p.NewCookie(p.Access, strings.Repeat("x", most), until); err != nil || len(got.String()) != 4096 {
		t.Errorf("4096 bytes: %v", err)
	}
	got, err := p.NewCookie(p.Access, strings.Repeat("x", most+1), until)
	if got != nil || err == nil || !strings.Contains(err.Error(), "__Host-access has 4097 bytes") || strings.Contains(err.Error(), "xx") {
		t.Errorf("4097 bytes: %v, %v", got, err)
	}
}

func TestPolicy_NeverShowsItsKey(t *testing.T) {
	t.Parallel()
	p := validPolicy(t, `{}`)
	var text bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		for _, value := range []any{p, *p, struct{ P *cookie.Policy }{p}, struct{ P cookie.Policy }{*p}} {
			line := fmt.Sprintf(verb, value)
			if !strings.Contains(line, "cookie.Policy{__Host-access __Host-refresh __Host-csrftoken}") {
				t.Errorf("%s of %T is %s", verb, value, line)
			}
		}
	}
	slog.New(slog.NewJSONHandler(&text, nil)).InfoContext(t.Context(), "made", "policy", p)
	slog.New(slog.NewTextHandler(&text, nil)).InfoContext(t.Context(), "made", "policy", p)
	if strings.Contains(text.String(), "csrfKey") || strings.Contains(text.String(), "telltale") {
		t.Errorf("the log shows the key: %s", text.String())
	}
}
