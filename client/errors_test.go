package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/client"
)

func TestError_Fields(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   client.Error
		text   string
	}{
		{"a 401 of SimpleJWT", respondWith(401, `{"detail":"Token is expired","code":"token_not_valid"}`),
			client.Error{Status: 401, Detail: "Token is expired", Code: "token_not_valid"}, "401: Token is expired (token_not_valid)"},
		{"a 400 with errors by field", respondWith(400, `{"refresh":["This field may not be blank."],"a":["A.","B."],"n":1}`),
			client.Error{Status: 400, Detail: "a: A. a: B. refresh: This field may not be blank."}, "400: a: A. a: B. refresh: This field may not be blank."},
		{"a 400 in the form of OAuth", respondWith(400, `{"error":"invalid_grant","error_description":"Gone."}`), client.Error{Status: 400, Detail: "Gone."}, "400: Gone."},
		{"a 401 without a body", respondWith(401, ""), client.Error{Status: 401}, "401 Unauthorized"},
		{"a 401 with HTML", respondWith(401, "<html>"), client.Error{Status: 401}, "401 Unauthorized"},
		{"a 401 with control characters", respondWith(401, `{"detail":"a\u001b[2Jb\nc\u007f"}`), client.Error{Status: 401, Detail: "a[2Jbc"}, "401: a[2Jbc"},
		{"a 401 with a long text", respondWith(401, `{"detail":"`+strings.Repeat("x", 499)+`ä"}`), client.Error{Status: 401, Detail: strings.Repeat("x", 499)}, "401: " + strings.Repeat("x", 499)},
		{"a 401 with members of other types", respondWith(401, `{"detail":1,"code":[],"reason":{}}`), client.Error{Status: 401}, "401 Unauthorized"},
	} {
		t.Run("the error says what is in "+c.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T) {
				server := newTestServer(t, nil, respondInstead(refreshPath, 1, c.answer))
				api := server.newLoggedInClient()
				time.Sleep(5 * time.Minute)
				err := wantAnyError(t, api)
				var authErr *client.Error
				if !errors.Is(err, client.ErrSessionEnded) || !errors.As(err, &authErr) {
					t.Fatalf("the error is %v, want an *Error that is ErrSessionEnded", err)
				}
				got := client.Error{Status: authErr.Status, Detail: authErr.Detail, Code: authErr.Code}
				if got != c.want || authErr.Error() != "refresh: the session has ended: "+c.text {
					t.Errorf("the error is %+v, %q", got, authErr)
				}
				server.wantHits(refreshPath, 1)
			})
		})
	}
}

// TestError_HoldsNoToken has a server that repeats the refresh token in its responses.
func TestError_HoldsNoToken(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 301, 401, 400, 403, 500} {
		t.Run(fmt.Sprintf("the error of a %d holds no token", status), func(t *testing.T) {
			runInBubble(t, func(t *testing.T) {
				var memory client.Memory
				var api *client.Client
				server := newTestServer(t, nil, respondInstead(refreshPath, -1, func(w http.ResponseWriter, _ *http.Request) {
					tokens, _ := memory.Load(context.Background())
					w.Header().Set("Location", "/?"+tokens.Refresh)
					w.WriteHeader(status)
					fmt.Fprintf(w, `{"detail":"rejected %[1]s","code":"%[1]s","reason":"%[1]s","refresh":["%[1]s"]}`, tokens.Refresh)
				}))
				api = server.newLoggedInClient(withStore(&memory))
				tokens, _ := memory.Load(t.Context())
				time.Sleep(5 * time.Minute)
				err := wantAnyError(t, api)
				var authErr *client.Error
				errors.As(err, &authErr)
				for _, text := range []string{fmt.Sprintf("%v %+v %#v", err, err, err), fmt.Sprintf("%v %+v %#v", authErr, *authErr, *authErr)} {
					if strings.Contains(text, tokens.Refresh) || strings.Contains(text, tokens.Access) {
						t.Errorf("a token is in the error: %s", text)
					}
				}
			})
		})
	}
}
