package views_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/views"
)

// Every view gets the same hook.
func TestHook_EveryView(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		hook simplejwt.Serializer
		want answer
		log  string
	}{
		{"replaces the answer", func(ctx context.Context, _ *simplejwt.SerializerInput, super super) (simplejwt.Attrs, error) {
			_, err := super(ctx)
			return simplejwt.Attrs{"ok": true, "html": "<&>"}, err
		}, answer{200, `{"html":"<&>","ok":true}`}, ""},
		{"answers without super", func(context.Context, *simplejwt.SerializerInput, super) (simplejwt.Attrs, error) {
			return simplejwt.Attrs{}, nil
		}, answer{200, `{}`}, ""},
		{"rejects with a core.Error", func(context.Context, *simplejwt.SerializerInput, super) (simplejwt.Attrs, error) {
			return nil, fmt.Errorf("wrapped: %w", &core.Error{Status: http.StatusForbidden, Code: "blocked", Detail: "Not from here."})
		}, answer{403, `{"detail":"Not from here.","code":"blocked"}`}, ""},
		{"rejects after super", func(ctx context.Context, _ *simplejwt.SerializerInput, super super) (simplejwt.Attrs, error) {
			out, err := super(ctx)
			if err != nil {
				return nil, err
			}
			return out, core.ErrPermissionDenied
		}, answer{403, `{"detail":"You do not have permission to perform this action."}`}, ""},
		{"rejects with a ValidationError", func(context.Context, *simplejwt.SerializerInput, super) (simplejwt.Attrs, error) {
			return nil, core.ValidationError{"otp": {"Wrong code.", "Try again."}}
		}, answer{400, `{"otp":["Wrong code.","Try again."]}`}, ""},
		{"rejects with a wrapped ValidationError", func(context.Context, *simplejwt.SerializerInput, super) (simplejwt.Attrs, error) {
			return nil, fmt.Errorf("captcha: %w", core.ValidationError{"non_field_errors": {"No."}})
		}, answer{400, `{"non_field_errors":["No."]}`}, ""},
		{"fails", func(context.Context, *simplejwt.SerializerInput, super) (simplejwt.Attrs, error) {
			return simplejwt.Attrs{"half": "done"}, errors.New("mail server is down")
		}, answer{500, serverError}, "mail server is down"},
		{"answers what can't be encoded", func(context.Context, *simplejwt.SerializerInput, super) (simplejwt.Attrs, error) {
			return simplejwt.Attrs{"f": func() {}}, nil
		}, answer{500, serverError}, ""},
		{"sees the request", func(ctx context.Context, _ *simplejwt.SerializerInput, _ super) (simplejwt.Attrs, error) {
			return simplejwt.Attrs{"agent": views.Request(ctx).UserAgent()}, nil
		}, answer{200, `{"agent":"test/1"}`}, ""},
	} {
		for _, e := range listEndpoints() {
			t.Run("the hook of "+e.name+" "+c.name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, withHook(c.hook))
				r := httptest.NewRequest("POST", "/", strings.NewReader(e.good(t, f)))
				r.Header.Set("Content-Type", jsonType)
				r.Header.Set("User-Agent", "test/1")
				w := serveRequest(e.view(f.Auth), r)
				wantAnswer(t, w, c.want.status, c.want.body)
				if got := w.Header().Get("WWW-Authenticate"); got != "" {
					t.Errorf("WWW-Authenticate is %q", got)
				}
				if !strings.Contains(f.log.String(), c.log) || (c.log == "" && c.want.status < 500 && f.log.String() != "") {
					t.Errorf("the log is %q, want %q in it", f.log, c.log)
				}
			})
		}
	}
}

// What super answers stays, beside what the hook adds.
func TestHook_AddsToAnswer(t *testing.T) {
	t.Parallel()
	keys := map[string][]string{
		"obtain pair": {"access", "refresh"}, "refresh": {"access", "refresh"}, "verify": {}, "blacklist": {},
		"obtain sliding": {"token"}, "refresh sliding": {"token"},
	}
	for _, e := range listEndpoints() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, withHook(func(ctx context.Context, in *simplejwt.SerializerInput, super super) (simplejwt.Attrs, error) {
				if in.User != nil {
					return nil, errors.New("there is a user before super")
				}
				out, err := super(ctx)
				if err == nil {
					out["more"] = 1
				}
				if account, ok := in.User.(*memstore.Account); ok {
					out["who"] = account.Username
				}
				return out, err
			}))
			w := postBody(e.view(f.Auth), jsonType, e.good(t, f))
			want := append([]string{`"more":1`}, keys[e.name]...)
			if len(keys[e.name]) > 0 {
				want = append(want, `"who":"alice"`)
			}
			for _, text := range want {
				if w.Code != 200 || !strings.Contains(w.Body.String(), text) {
					t.Errorf("answer %d %s, want %s in it", w.Code, w.Body, text)
				}
			}
		})
	}
}

// super reads the fields as the hook left them.
func TestHook_ChangesFields(t *testing.T) {
	t.Parallel()
	var good string
	f := newFixture(t, withHook(func(ctx context.Context, in *simplejwt.SerializerInput, super super) (simplejwt.Attrs, error) {
		in.Attrs["username"], in.Attrs["password"] = "alice", password
		in.Attrs["refresh"] = in.Attrs["real"]
		in.Attrs["token"] = in.Attrs["real"]
		return super(ctx)
	}))
	for _, e := range listEndpoints() {
		good = f.loginAlice(t).Refresh
		if strings.Contains(e.name, "sliding") {
			good = f.loginSliding(t)
		}
		body := encodeObject("username", "x", "password", "x", "refresh", "x", "token", "x", "real", good)
		if w := postBody(e.view(f.Auth), jsonType, body); w.Code != http.StatusOK {
			t.Errorf("%s: answer %d %s", e.name, w.Code, w.Body)
		}
		body = encodeObject("username", "x", "password", "x", "refresh", "x", "token", "x")
		if w := postBody(e.view(f.Auth), jsonType, body); !strings.HasPrefix(e.name, "obtain") && w.Code != http.StatusUnauthorized {
			t.Errorf("%s without a token: answer %d %s", e.name, w.Code, w.Body)
		}
	}
}

func TestHook_NotCalledForInvalidFields(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withHook(func(context.Context, *simplejwt.SerializerInput, super) (simplejwt.Attrs, error) {
		t.Error("the hook was called")
		return nil, nil
	}))
	for _, e := range listEndpoints() {
		if w := postBody(e.view(f.Auth), jsonType, "{}"); w.Code != http.StatusBadRequest {
			t.Errorf("%s: answer %d %s", e.name, w.Code, w.Body)
		}
	}
}

func TestRequest_OutsideView(t *testing.T) {
	t.Parallel()
	if r := views.Request(t.Context()); r != nil {
		t.Errorf("request %v", r)
	}
}

func TestHook_OnLoginSuccessRejects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		err  error
		want answer
	}{
		{"a core.Error is answered as it is", &core.Error{Status: 403, Detail: "Accept the terms first."}, answer{403, `{"detail":"Accept the terms first."}`}},
		{"a ValidationError is answered by field", core.ValidationError{"terms": {"Accept them."}}, answer{400, `{"terms":["Accept them."]}`}},
		{"any other error is a 500", errors.New("boom"), answer{500, serverError}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(s *simplejwt.Settings, _ *core.Deps) {
				s.OnLoginSuccess = func(context.Context, simplejwt.User) error { return c.err }
			})
			body := encodeObject("username", "alice", "password", password)
			wantAnswer(t, postBody(views.ObtainPair(f.Auth), jsonType, body), c.want.status, c.want.body)
			wantAnswer(t, postBody(views.ObtainSliding(f.Auth), jsonType, body), c.want.status, c.want.body)
		})
	}
}

// Without the log nobody learns why the client gets a 500.
func TestHook_UnencodableAnswerIsLogged(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withHook(func(context.Context, *simplejwt.SerializerInput, super) (simplejwt.Attrs, error) {
		return simplejwt.Attrs{"f": func() {}}, nil
	}))
	postBody(views.ObtainPair(f.Auth), jsonType, encodeObject("username", "alice", "password", password))
	if !strings.Contains(f.log.String(), "json") {
		t.Errorf("the log is %q", f.log)
	}
}

func TestHook_OtherFieldsAreAsSent(t *testing.T) {
	t.Parallel()
	view := views.ObtainPair(newFixture(t, withHook(answerFields)).Auth)
	body := `{"username":" alice ","password":" x ","device":" tablet ","otp":[1,{"a":null}],"n":1.0,"remember":true,"note":"\ud83d"}`
	wantObject(t, postBody(view, jsonType, body), http.StatusOK, map[string]any{
		"username": "alice", "password": " x ", "device": " tablet ", "otp": []any{1.0, map[string]any{"a": nil}},
		"n": 1.0, "remember": true, "note": "\uFFFD",
	})
	if body := postBody(view, jsonType, body).Body.String(); !strings.Contains(body, `"n":1.0`) {
		t.Errorf("a number lost its digits: %s", body)
	}
}
