package views_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/views"
)

// errDatabase is what a driver might say: nothing of it may reach a client.
var errDatabase = errors.New("pq: connect to postgres://app@10.0.0.7:5432/shop: connection refused")

const unavailable = `{"detail":"Service temporarily unavailable, try again later.","code":"service_unavailable"}`

// brokenUsers are users that can't be asked.
type brokenUsers struct{ *memstore.Users }

func (brokenUsers) ByUsername(context.Context, string) (simplejwt.User, error) {
	return nil, errDatabase
}

func (brokenUsers) ByField(context.Context, string, string) (simplejwt.User, error) {
	return nil, errDatabase
}

func TestStoreTroubleIsUnavailable(t *testing.T) {
	t.Parallel()
	good := newFixture(t)
	broken := newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Store = brokenStore{errDatabase} })
	for _, e := range endpoints() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			wantAnswer(t, post(e.view(broken.Auth), jsonType, e.good(t, good)), http.StatusServiceUnavailable, unavailable)
		})
	}
	t.Cleanup(func() {
		if log := broken.log.String(); !strings.Contains(log, "connection refused") {
			t.Errorf("the log does not tell the operator: %q", log)
		}
	})
}

func TestUserTroubleIsUnavailable(t *testing.T) {
	t.Parallel()
	good := newFixture(t)
	broken := newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) {
		d.Users, d.Authenticate, d.Store = brokenUsers{good.users}, nil, good.store
	})
	for _, e := range endpoints() {
		if e.name == "verify" || e.name == "blacklist" {
			continue // they ask no user
		}
		wantAnswer(t, post(e.view(broken.Auth), jsonType, e.good(t, good)), http.StatusServiceUnavailable, unavailable)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+good.login(t).Access)
	w := refusalOf(broken.Auth, r)
	wantAnswer(t, w, http.StatusServiceUnavailable, unavailable)
	if got := w.Header().Get("WWW-Authenticate"); got != "" {
		t.Errorf("WWW-Authenticate is %q", got)
	}
	if w := refusalOf(broken.Stateless(), r); w.Code != http.StatusOK {
		t.Errorf("stateless authentication asked: %d %s", w.Code, w.Body)
	}
}

func TestARequestThatIsGoneGetsNoServerError(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Authenticate = nil })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequest("POST", "/", strings.NewReader(object("username", "alice", "password", password))).WithContext(ctx)
	r.Header.Set("Content-Type", jsonType)
	wantAnswer(t, serve(views.ObtainPair(f.Auth), r), http.StatusServiceUnavailable, unavailable)
}

// emailUsers have USERNAME_FIELD "email".
type emailUsers struct{ *memstore.Users }

func (emailUsers) UsernameField() string { return "email" }

func TestTheLoginFieldIsCalledAsUsernameFieldSays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f = newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Users, d.Authenticate = emailUsers{f.users}, f.plain })
	for _, view := range []http.Handler{views.ObtainPair(f.Auth), views.ObtainSliding(f.Auth)} {
		if w := post(view, jsonType, object("email", " alice ", "password", password)); w.Code != http.StatusOK {
			t.Errorf("a login by email: %d %s", w.Code, w.Body)
		}
		wantAnswer(t, post(view, jsonType, object("username", "alice", "password", password)), 400, `{"email":["This field is required."]}`)
		wantAnswer(t, post(view, formType, "email=&password="), 400, `{"email":["This field may not be blank."],"password":["This field may not be blank."]}`)
	}
}
