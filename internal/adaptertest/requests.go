package adaptertest

import (
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/go-simplejwt/simplejwt/core/memstore"
)

func requestCases[H, M any]() []testCase[H, M] {
	return []testCase[H, M]{{
		name: "nothing of a request is left for the next one",
		rule: "frameworks reuse their contexts: a user who stays in one would lend the session to a stranger",
		run:  (*env[H, M]).checkNothingIsLeft,
	}, {
		name: "requests at the same time see their own users",
		rule: "one middleware serves all requests and may keep nothing of any",
		run:  (*env[H, M]).checkRequestsAtOnce,
	}}
}

func (e *env[H, M]) checkNothingIsLeft() {
	good := "Bearer " + e.loginPair(e.alice).Access
	h, seen := e.newRecordingHandler()
	app := e.Serve(h, e.Optional(e.auth))
	for range 10 {
		e.wantOK(e.sendGet(app, good))
		e.wantAlice(seen)
		e.wantOK(e.sendGet(app))
		if seen.IsAccount || seen.HasToken {
			e.Fatalf("an anonymous request saw %+v", seen)
		}
	}
}

// checkRequestsAtOnce says in a header which user the handler must see. Run it under the race detector too.
func (e *env[H, M]) checkRequestsAtOnce() {
	const want = "X-Want" // the user id that the handler should see, "" for nobody
	app := e.Serve(e.Handler(func(s Seen) {
		id := ""
		if s.IsAccount && s.HasToken && s.Token.UserID() == s.Account.ID {
			id = s.Account.ID
		}
		if header := s.Request.Header.Get(want); id != header {
			e.Errorf("saw the user %q, want %q", id, header)
		}
	}), e.Optional(e.auth))

	tokens := map[string]string{e.alice.ID: e.loginPair(e.alice).Access, e.bob.ID: e.loginPair(e.bob).Access}
	var all sync.WaitGroup
	for range 20 {
		for _, user := range []*memstore.Account{e.alice, e.bob, {}} {
			all.Go(func() {
				r := httptest.NewRequestWithContext(e.Context(), http.MethodGet, "/", http.NoBody)
				r.Header.Set(want, user.ID)
				if user.ID != "" {
					r.Header.Set("Authorization", "Bearer "+tokens[user.ID])
				}
				w := httptest.NewRecorder()
				app.ServeHTTP(w, r)
				e.wantOK(w)
			})
		}
	}
	all.Wait()
}
