package core_test

import (
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/cookie"
)

func TestTransport(t *testing.T) {
	t.Parallel()
	logger := slog.New(slog.DiscardHandler)
	auth := newAuth(t, func(s *simplejwt.Settings, d *core.Deps) {
		s.AuthHeaderTypes, s.OAuthErrors, s.AuthCookie, d.Logger = []string{"JWT", "Bearer"}, true, true, logger
	})
	for name, a := range map[string]core.Authenticator{"Auth": auth, "Stateless": auth.Stateless(), "CheckingSession": auth.CheckingSession()} {
		got := a.Transport()
		want := core.Transport{Header: "Authorization", Schemes: []string{"JWT", "Bearer"}, OAuthErrors: true}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(core.Transport{}, "Cookies", "Logger")); diff != "" {
			t.Errorf("%s: transport (-want +got):\n%s", name, diff)
		}
		if got.Logger != logger || got.Cookies == nil || got.Cookies.Access.Name != "__Host-access" {
			t.Errorf("%s: logger %v, cookies %v", name, got.Logger, got.Cookies)
		}
	}
	plain := newAuth(t).Transport()
	if plain.Cookies != nil || plain.Logger == nil || plain.OAuthErrors {
		t.Errorf("the transport of the defaults is %+v", plain)
	}
}

func TestTransport_Header(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"HTTP_AUTHORIZATION": "Authorization", "HTTP_X_ACCESS_TOKEN": "X-Access-Token", "X-Access-Token": "X-Access-Token",
		"x-access-token": "X-Access-Token", "Authorization": "Authorization",
	} {
		auth := newAuth(t, func(s *simplejwt.Settings, _ *core.Deps) { s.AuthHeaderName = name })
		if got := auth.Transport().Header; got != want {
			t.Errorf("%s: header %q, want %q", name, got, want)
		}
	}
}

func TestTransport_Challenge(t *testing.T) {
	t.Parallel()
	for want, transport := range map[string]core.Transport{
		"":                   {Header: "Authorization"},
		`JWT realm="api"`:    {Schemes: []string{"JWT", "Bearer"}},
		`Bearer realm="api"`: newAuth(t).Transport(),
	} {
		if got := transport.Challenge(); got != want {
			t.Errorf("challenge %q, want %q", got, want)
		}
	}
}

func TestWithoutCookies(t *testing.T) {
	t.Parallel()
	auth := newAuth(t, func(s *simplejwt.Settings, _ *core.Deps) { s.AuthCookie = true })
	plain := auth.WithoutCookies()
	for name, a := range map[string]core.Authenticator{"Auth": plain, "Stateless": plain.Stateless(), "CheckingSession": plain.CheckingSession()} {
		if a.Transport().Cookies != nil {
			t.Errorf("%s reads cookies", name)
		}
	}
	if auth.Transport().Cookies == nil {
		t.Error("the original Auth reads no cookies any more")
	}
	if plain.Settings().AuthCookie || !auth.Settings().AuthCookie {
		t.Error("AUTH_COOKIE must be off in the settings of the new Auth only")
	}
}

// New reports invalid settings of cookies together with the others, and applies their defaults.
func TestNew_Cookies(t *testing.T) {
	t.Parallel()
	settings := simplejwt.Settings{SigningKey: signingKey, AuthCookie: true, AuthCookieAccess: "access", DataUploadMaxMemorySize: -1, CSRFHeaderName: "authorization"}
	_, err := core.New(settings, newDeps(t))
	wantInvalidSettings(t, err, "AUTH_COOKIE_ACCESS: must begin with __Host-", "CSRF_HEADER_NAME: not that of AUTH_HEADER_NAME",
		"DATA_UPLOAD_MAX_MEMORY_SIZE: more than 0")

	settings = simplejwt.Settings{SigningKey: signingKey, AuthCookieAccess: "access"}
	_, err = core.New(settings, newDeps(t))
	wantInvalidSettings(t, err, "AUTH_COOKIE_ACCESS: needs AUTH_COOKIE")

	settings = newAuth(t, func(s *simplejwt.Settings, _ *core.Deps) { s.AuthCookie = true }).Settings()
	if settings.AuthCookieRefresh != "__Host-refresh" || settings.CSRFHeaderName != "HTTP_X_CSRFTOKEN" {
		t.Errorf("settings in force: %v", settings)
	}
}

// The CSRF token is derived from the key in force, so it survives a restart and every process makes the same.
func TestNew_CSRFToken(t *testing.T) {
	t.Parallel()
	policy := func(change func(*simplejwt.Settings)) *cookie.Policy {
		return newAuth(t, func(s *simplejwt.Settings, _ *core.Deps) { s.AuthCookie = true; change(s) }).Transport().Cookies
	}
	first := policy(func(*simplejwt.Settings) {}).CSRFToken("s1", "1")
	if same := policy(func(s *simplejwt.Settings) { s.AuthCookieInsecure = true }).CSRFToken("s1", "1"); same != first || same == "" {
		t.Errorf("another program with the same key makes %q, want %q", same, first)
	}
	if other := policy(func(s *simplejwt.Settings) { s.SigningKey = "another key of thirty-two bytes!" }).CSRFToken("s1", "1"); other == first || other == "" {
		t.Errorf("a program with another key makes %q", other)
	}
	verifier := newAuth(t, func(s *simplejwt.Settings, d *core.Deps) {
		s.AuthCookie, s.Algorithm, s.SigningKey, s.VerifyingKey, d.Users = true, "ES256", "", encodePublicKey(t, newECKey(t).Public()), nil
	})
	if got := verifier.Transport().Cookies.CSRFToken("s1", "1"); got != "" {
		t.Errorf("a program without a key makes %q", got)
	}
}
