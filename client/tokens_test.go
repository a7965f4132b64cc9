package client_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/client"
)

func TestTokens_Format(t *testing.T) {
	t.Parallel()
	tokens := client.Tokens{Access: tokenWithBogusSignature("{}"), Refresh: "secret-refresh"}
	api, err := client.New(client.Config{BaseURL: base, Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		body, err := json.Marshal(tokens)
		return newResponse(r, 200, string(body)), err
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

func TestParseTokenTimes_ManyDots(t *testing.T) {
	token := strings.Repeat(".", 1<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	exp, iat := client.ParseTokenTimes(token)
	runtime.ReadMemStats(&after)
	if !exp.IsZero() || !iat.IsZero() {
		t.Errorf("times %v, %v", exp, iat)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("allocated %d bytes for a token of 1 MiB", got)
	}
}

// FuzzParseTokenTimes checks that no access token of a server makes the parser panic or return an absurd time.
func FuzzParseTokenTimes(f *testing.F) {
	for _, claims := range []string{`{"exp":1.5,"iat":1}`, `{"exp":1e308}`, `{"exp":-1}`, `{"exp":253402300799}`, `{"exp":253402300800}`, `{"exp":"1"}`, `[]`, ``} {
		f.Add(tokenWithBogusSignature(claims))
	}
	f.Add("a.b.c")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		exp, iat := client.ParseTokenTimes(token)
		for _, at := range []time.Time{exp, iat} {
			if !at.IsZero() && (at.Unix() < 0 || at.UTC().Year() > 9999) {
				t.Errorf("%q: %v", token, at)
			}
		}
	})
}
