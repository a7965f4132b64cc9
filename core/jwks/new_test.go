package jwks

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-simplejwt/simplejwt"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	good := document(public(rsa1(), "one"))
	for _, c := range []struct {
		name, url string
		answer    func(*http.Request) (*http.Response, error)
		want      string
	}{
		{"no URL", "", answer(200, good), "must be an https URL"},
		{"a URL without scheme", "user:hunter2@issuer.example/keys", answer(200, good), "must be an https URL"},
		{"a path", "/keys?hunter3", answer(200, good), "must be an https URL"},
		{"a URL without host", "https:///keys?hunter3", answer(200, good), "must be an https URL"},
		{"a URL with nothing but a port", "https://:443/keys?hunter3", answer(200, good), "must be an https URL"},
		{"a file", "file://hunter2/keys", answer(200, good), "must be an https URL"},
		{"a URL that can't be read", "https://user:hunter2@issuer.example/%zz", answer(200, good), "must be an https URL"},
		{"a URL with a password", "https://user:hunter2@issuer.example/keys", answer(200, good), "must not hold a user name or a password: give jwks.Options a Client that sends them"},
		{"a URL with a fragment", "https://issuer.example/keys#hunter2", answer(200, good), "must not have a fragment (#...): no server gets to see it"},
		{
			"plain http to another host", "http://issuer.example/keys?hunter2", answer(200, good),
			"must be https: over plain http anyone on the way could answer with keys of their own. http is for localhost, 127.0.0.1 and ::1",
		},
		{"a server that is down", address, answer(502, good), "fetch key set: the answer has status 502"},
		{"a server that is slow", address, hang, "fetch key set: context deadline exceeded"},
		{"no key set", address, answer(200, "hunter2"), "fetch key set: the answer is no JSON Web Key Set"},
		{"an empty set", address, answer(200, document()), "the key set has no key for RS256: it is empty"},
		{
			"a set for another algorithm", address, answer(200, document(public(p256(), "a"))),
			"the key set has no key for RS256: keys[0] is of another kind than the algorithm needs",
		},
		{
			"a set with nothing but an ambiguous kid", address, answer(200, document(public(rsa1(), "a"), public(rsa2(), "a"))),
			"the key set has no key for RS256: keys[1] has the kid of another key: neither is used",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := new(server)
				s.serveFunc(c.answer)
				settings := simplejwt.Settings{Algorithm: "RS256", JWKURL: c.url}
				k, err := NewWithOptions(t.Context(), settings, Options{Client: &http.Client{Transport: s}})
				if k != nil || err == nil {
					t.Fatal("it is accepted")
				}
				if got, want := err.Error(), "JWK_URL: "+c.want; got != want {
					t.Errorf("the error is %q, want %q", got, want)
				}
				wantNoSecret(t, fmt.Sprintf("%+v", err))
			})
		})
	}
}

func TestNew_NamesWhereTheURLCameFrom(t *testing.T) {
	t.Setenv("SIMPLE_JWT_JWK_URL", "ftp://issuer.example/keys")
	settings, err := simplejwt.FromEnv(simplejwt.Settings{Algorithm: "RS256"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), settings); err == nil || err.Error() != "SIMPLE_JWT_JWK_URL: must be an https URL" {
		t.Errorf("error %v, want one that names the variable", err)
	}
}

func TestNothingIsFetchedBesideAnHMACAlgorithm(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"", "HS256", "HS384", "HS512"} {
		synctest.Test(t, func(t *testing.T) {
			s := new(server)
			settings := simplejwt.Settings{Algorithm: algorithm, JWKURL: address}
			k, err := NewWithOptions(t.Context(), settings, Options{Client: &http.Client{Transport: s}})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := k.VerifyingKey(t.Context(), "one", algorithm); err == nil {
					t.Errorf("there is a key for %s", algorithm)
				}
				time.Sleep(time.Hour)
				synctest.Wait()
			}
			if n := s.fetches.Load(); n != 0 {
				t.Errorf("%d fetches, want none", n)
			}
		})
	}
}

func TestKeysPrintNothingSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(server)
		s.serve(document(public(rsa1(), "one")))
		k, _ := start(t, t.Context(), s)
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("keys", "keys", k)
		slog.New(slog.NewTextHandler(&log, nil)).Info("keys", "keys", k)
		wantNoSecret(t, log.String()+fmt.Sprintf("%v %+v %#v %s %d", k, k, k, k, k))
	})
}

// wantNoSecret checks that a text does not hold what is secret in the URL of the tests.
func wantNoSecret(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, "hunter") {
		t.Errorf("%q holds a secret of the URL", text)
	}
}
