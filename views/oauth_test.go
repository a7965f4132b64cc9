package views_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/views"
)

// An error_description must fit into a header, whatever text a hook returns.
func TestReject_ErrorDescriptionFitsHeader(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(s *simplejwt.Settings, _ *core.Deps) { s.OAuthErrors = true })
	h := http.Header{}
	status, _ := views.Reject(h, f.Auth, &core.Error{Status: 401, Detail: "no \"way\"\r\nSet-Cookie: x=\\1 ünd"})
	want := `Bearer realm="api", error="invalid_token", error_description="no waySet-Cookie: x=1 nd"`
	if got := h.Get("WWW-Authenticate"); got != want || status != 401 {
		t.Errorf("WWW-Authenticate is %q, want %q", got, want)
	}
}

func TestReject_OAuthErrors(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(s *simplejwt.Settings, _ *core.Deps) { s.OAuthErrors = true })
	plain := newFixture(t)
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"a missing permission is insufficient_scope":               {core.ErrPermissionDenied, `{"detail":"You do not have permission to perform this action.","error":"insufficient_scope","error_description":"You do not have permission to perform this action."}`},
		"an unavailable service is temporarily_unavailable":        {core.ErrServiceUnavailable, `{"detail":"Service temporarily unavailable, try again later.","code":"service_unavailable","error":"temporarily_unavailable","error_description":"Service temporarily unavailable, try again later."}`},
		"any other error is server_error":                          {errors.New("secret"), `{"detail":"A server error occurred.","code":"error","error":"server_error"}`},
		"an unknown session has no error code":                     {core.ErrSessionNotFound, `{"detail":"Not found."}`},
		"a bad header is invalid_request":                          {core.ErrBadHeader, `{"detail":"Authorization header must contain two space-delimited values","code":"bad_authorization_header","error":"invalid_request","error_description":"Authorization header must contain two space-delimited values"}`},
		"missing credentials have no error code":                   {core.ErrNotAuthenticated, `{"detail":"Authentication credentials were not provided."}`},
		"a field named error keeps its place":                      {core.ValidationError{"error": {"No."}}, `{"error":["No."],"error_description":"error: No."}`},
		"several fields are described in the order of their names": {core.ValidationError{"b": {"2."}, "a": {"1.", "1b."}}, `{"a":["1.","1b."],"b":["2."],"error":"invalid_request","error_description":"a: 1. 1b. b: 2."}`},
		"a changed password is invalid_token with a reason":        {core.ErrPasswordChanged, `{"detail":"The user's password has been changed.","code":"password_changed","error":"invalid_token","error_description":"The user's password has been changed.","reason":"password_changed"}`},
	} {
		_, body := views.Reject(http.Header{}, f.Auth, c.err)
		if got, _ := json.Marshal(body); string(got) != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		_, body = views.Reject(http.Header{}, plain.Auth, c.err)
		if got, _ := json.Marshal(body); strings.Contains(string(got), "error_description") {
			t.Errorf("%s without OAUTH_ERRORS: %s", name, got)
		}
	}
}
