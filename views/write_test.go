package views_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/views"
)

// A 401 without a challenge has no parameters of one, and a 500 without a logger is answered all the same.
func TestWriteError_WithoutTransport(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "/", nil)
	a := machines{core.Transport{OAuthErrors: true}, nil}
	w := httptest.NewRecorder()
	views.WriteError(w, r, a, core.ErrTokenInvalid)
	if _, present := w.Header()["Www-Authenticate"]; present || w.Code != 401 {
		t.Errorf("%d, WWW-Authenticate is %q", w.Code, w.Header().Get("WWW-Authenticate"))
	}
	w = httptest.NewRecorder()
	views.WriteError(w, r, a, errDatabase)
	wantAnswer(t, w, 500, `{"detail":"A server error occurred.","code":"error","error":"server_error"}`)
}

// A hook that forgets the status must not cause a panic in net/http.
func TestWriteError_InvalidStatus(t *testing.T) {
	t.Parallel()
	for _, status := range []int{0, 99, 1000, -1} {
		f := newFixture(t, withHook(func(context.Context, *simplejwt.SerializerInput, super) (simplejwt.Attrs, error) {
			return nil, &core.Error{Status: status, Detail: "No status."}
		}))
		func() {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("status %d: the view panics: %v", status, p)
				}
			}()
			w := postBody(views.ObtainPair(f.Auth), jsonType, encodeObject("username", "alice", "password", password))
			wantAnswer(t, w, http.StatusInternalServerError, serverError)
		}()
	}
}
