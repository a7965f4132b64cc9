package client_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/client"
)

func TestClient_NotLoggedIn(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil)
		var memory client.Memory
		api := server.newClient(withStore(&memory))
		wantError(t, api, client.ErrNotLoggedIn)
		if err := api.Logout(t.Context()); err != nil {
			t.Errorf("Logout: %v", err)
		}
		if server.dials != 0 {
			t.Errorf("%d connections were made", server.dials)
		}
		pair, _, err := server.auth.ObtainPair(t.Context(), "alice", password) // without the client
		if err != nil {
			t.Fatal(err)
		}
		if err := memory.Save(t.Context(), client.Tokens{Access: pair.Access, Refresh: pair.Refresh}); err != nil {
			t.Fatal(err)
		}
		wantAlice(t, api)
	})
}

func TestCloseIdleConnections(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil, respondInstead("/me", 1, respondWith(401, strings.Repeat("x", 50<<10))))
		api := server.newLoggedInClient()
		for range 3 {
			wantAlice(t, api)
			time.Sleep(5 * time.Minute)
			wantAlice(t, api)
		}
		if err := api.Logout(t.Context()); err != nil {
			t.Error(err)
		}
		if server.dials != 1 {
			t.Errorf("%d connections were made, want 1", server.dials)
		}
		api.CloseIdleConnections()
		_, _, _ = getPage(t.Context(), server.newLoggedInClient(), base+"/me")
		if server.dials != 2 {
			t.Errorf("after CloseIdleConnections %d connections were made, want 2", server.dials)
		}
	})
}
