package views_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/views"
)

func TestSessions_EmptyList(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for method, want := range map[string]answer{"GET": {200, "[]"}, "DELETE": {404, `{"detail":"Not found."}`}} {
		token, err := f.ForUser(t.Context(), core.AccessToken, &memstore.Account{ID: "1"}) // it names no session
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := token.Sign()
		r := httptest.NewRequest(method, "/", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+raw)
		view := map[string]http.Handler{"GET": views.Sessions(f.Auth), "DELETE": views.OtherSessions(f.Auth)}[method]
		wantAnswer(t, serveRequest(view, r), want.status, want.body)
	}
}

func TestSessions_WithoutStore(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Store = nil }, func(s *simplejwt.Settings, _ *core.Deps) { s.BlacklistAfterRotation = false })
	for _, view := range []http.Handler{views.Sessions(f.Auth), views.OtherSessions(f.Auth), views.Session(f.Auth)} {
		r := httptest.NewRequest("DELETE", "/", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+f.loginAlice(t).Access)
		wantAnswer(t, serveRequest(view, r), 404, `{"detail":"Not found."}`)
	}
}

func TestSessions_EventHasDevice(t *testing.T) {
	t.Parallel()
	var from []core.Device
	f := newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) {
		d.OnEvent = func(ctx context.Context, e core.Event) {
			if e.Type == core.EventRevoke {
				from = append(from, core.DeviceFrom(ctx))
			}
		}
	})
	r := httptest.NewRequest("DELETE", "/", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+f.loginAlice(t).Access)
	r.Header.Set("User-Agent", "browser/1")
	wantAnswer(t, serveRequest(views.Sessions(f.Auth), r), 204, "")
	if diff := cmp.Diff([]core.Device{{IP: "192.0.2.1", UserAgent: "browser/1"}}, from); diff != "" {
		t.Errorf("devices (-want +got):\n%s", diff)
	}
}

func TestSessions_MissingTimesAreOmitted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	pair := f.loginAlice(t)
	if err := f.store.Record(t.Context(), core.OutstandingToken{JTI: "x", SessionID: "y", UserID: "1", ExpiresAt: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+pair.Access)
	var list []map[string]any
	if err := json.Unmarshal(serveRequest(views.Sessions(f.Auth), r).Body.Bytes(), &list); err != nil || len(list) != 2 {
		t.Fatalf("%v, error %v", list, err)
	}
	if list[1]["started_at"] != nil || list[1]["last_refreshed_at"] != nil || list[0]["started_at"] == nil {
		t.Errorf("sessions %v", list)
	}
}

func TestSessions_StoreUnavailable(t *testing.T) {
	t.Parallel()
	good := newFixture(t)
	f := newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Store = brokenStore{errors.New("down")} })
	for name, view := range map[string]http.Handler{
		"the list": views.Sessions(f.Auth), "the others": views.OtherSessions(f.Auth), "one": views.Session(f.Auth),
	} {
		for _, method := range []string{"GET", "DELETE"} {
			r := httptest.NewRequest(method, "/", http.NoBody)
			r.Header.Set("Authorization", "Bearer "+good.loginAlice(t).Access)
			r.SetPathValue("id", "x")
			if w := serveRequest(view, r); w.Code != 503 || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s, %s: %d %s, want 503", name, method, w.Code, w.Body)
			}
		}
	}
}
