package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/client"
)

func TestNothingPrintsTokens(t *testing.T) {
	t.Parallel()
	tokens := client.Tokens{Access: jwt("{}"), Refresh: "secret-refresh"}
	api, err := client.New(client.Config{BaseURL: base, Transport: transport(func(r *http.Request) (*http.Response, error) {
		body, err := json.Marshal(tokens)
		return respond(r, 200, string(body)), err
	})})
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Login(t.Context(), "alice", password, nil); err != nil {
		t.Fatal(err)
	}
	memory := new(client.Memory)
	if err := memory.Save(t.Context(), tokens); err != nil {
		t.Fatal(err)
	}
	type holder struct{ Value any }
	config := client.Config{Store: memory}
	for _, value := range []any{tokens, &tokens, *api, api, reflect.ValueOf(memory).Elem().Interface(), memory, config, &config, client.Client{}, [1]client.Tokens{tokens}, map[string]client.Tokens{"x": tokens}} {
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&out, verb, value)
			fmt.Fprintf(&out, verb, holder{value})
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "value", value)
		for _, secret := range []string{tokens.Access, tokens.Refresh, fmt.Sprintf("%x", tokens.Refresh)} {
			if strings.Contains(strings.ToLower(out.String()), strings.ToLower(secret)) {
				t.Errorf("%T prints a token: %s", value, out.String())
			}
		}
	}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "tokens", tokens, "pointer", &tokens, "client", api, "memory", memory)
	if strings.Contains(out.String(), "secret") || strings.Contains(out.String(), tokens.Access) {
		t.Errorf("a token was logged: %s", out.String())
	}
	if got := fmt.Sprint(tokens, api); got != "client.Tokens{[redacted]} client.Client{http://api.example:80}" {
		t.Errorf("printed %s", got)
	}
	if data, err := json.Marshal(tokens); err != nil || string(data) != `{"access":"`+tokens.Access+`","refresh":"secret-refresh"}` {
		t.Errorf("in JSON the tokens are %s, %v", data, err)
	}
}

// TestErrorsHoldNoToken has a server that repeats what it was sent, in a refusal and in an answer of no use.
func TestErrorsHoldNoToken(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 301, 401, 400, 403, 500} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var memory client.Memory
				var api *client.Client
				w := newWorld(t, nil, instead(refreshPath, -1, func(w http.ResponseWriter, _ *http.Request) {
					tokens, _ := memory.Load(context.Background())
					w.Header().Set("Location", "/?"+tokens.Refresh)
					w.WriteHeader(status)
					fmt.Fprintf(w, `{"detail":"refused %[1]s","code":"%[1]s","reason":"%[1]s","refresh":["%[1]s"]}`, tokens.Refresh)
				}))
				api = w.loggedIn(on(&memory))
				tokens, _ := memory.Load(t.Context())
				time.Sleep(5 * time.Minute)
				err := errorOf(t, api, nil)
				var told *client.Error
				errors.As(err, &told)
				for _, text := range []string{fmt.Sprintf("%v %+v %#v", err, err, err), fmt.Sprintf("%v %+v %#v", told, *told, *told)} {
					if strings.Contains(text, tokens.Refresh) || strings.Contains(text, tokens.Access) {
						t.Errorf("a token is in the error: %s", text)
					}
				}
			})
		})
	}
}
