package jwks

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-simplejwt/simplejwt"
)

func TestNew_InvalidURLOrSet(t *testing.T) {
	t.Parallel()
	good := keySetJSON(publicMember(rsa1(), "one"))
	for _, c := range []struct {
		name, url string
		answer    func(*http.Request) (*http.Response, error)
		want      string
	}{
		{"no URL", "", answerWith(200, good), "must be an https URL"},
		{"a URL without scheme", "user:hunter2@issuer.example/keys", answerWith(200, good), "must be an https URL"},
		{"a URL that is only a path", "/keys?hunter3", answerWith(200, good), "must be an https URL"},
		{"a URL without host", "https:///keys?hunter3", answerWith(200, good), "must be an https URL"},
		{"a URL with nothing but a port", "https://:443/keys?hunter3", answerWith(200, good), "must be an https URL"},
		{"a URL of a file", "file://hunter2/keys", answerWith(200, good), "must be an https URL"},
		{"a URL that can't be read", "https://user:hunter2@issuer.example/%zz", answerWith(200, good), "must be an https URL"},
		{"a URL with a password", "https://user:hunter2@issuer.example/keys", answerWith(200, good), "must not hold a user name or a password: give jwks.Options a Client that sends them"},
		{"a URL with a fragment", "https://issuer.example/keys#hunter2", answerWith(200, good), "must not have a fragment (#...): no server gets to see it"},
		{
			"plain http to another host", "http://issuer.example/keys?hunter2", answerWith(200, good),
			"must be https: over plain http anyone on the way could send other keys. http is for localhost, 127.0.0.1 and ::1",
		},
		{"a server that returns 502", secretURL, answerWith(502, good), "fetch key set: the response has status 502"},
		{"a server that is slow", secretURL, neverAnswer, "fetch key set: context deadline exceeded"},
		{"a response that is not a key set", secretURL, answerWith(200, "hunter2"), "fetch key set: the response is not a JSON Web Key Set"},
		{"an empty set", secretURL, answerWith(200, keySetJSON()), "the key set has no key for RS256: it is empty"},
		{
			"a set for another algorithm", secretURL, answerWith(200, keySetJSON(publicMember(p256(), "a"))),
			"the key set has no key for RS256: keys[0] is of another kind than the algorithm needs",
		},
		{
			"a set with nothing but an ambiguous kid", secretURL, answerWith(200, keySetJSON(publicMember(rsa1(), "a"), publicMember(rsa2(), "a"))),
			"the key set has no key for RS256: keys[1] has the kid of another key: neither is used",
		},
	} {
		t.Run(c.name+" is rejected", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := new(fakeServer)
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

func TestNew_FromEnv(t *testing.T) {
	t.Setenv("SIMPLE_JWT_JWK_URL", "ftp://issuer.example/keys")
	settings, err := simplejwt.FromEnv(simplejwt.Settings{Algorithm: "RS256"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), settings); err == nil || err.Error() != "SIMPLE_JWT_JWK_URL: must be an https URL" {
		t.Errorf("error %v, want one that names the variable", err)
	}
}

func TestNew_HMACAlgorithm(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"", "HS256", "HS384", "HS512"} {
		synctest.Test(t, func(t *testing.T) {
			s := new(fakeServer)
			settings := simplejwt.Settings{Algorithm: algorithm, JWKURL: secretURL}
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

func TestNew_BodyOfOneMebibyte(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(fakeServer)
		text := keySetJSON(publicMember(rsa1(), "one"))
		s.serve(text + strings.Repeat(" ", 1<<20-len(text)))
		k, _ := newKeys(t, t.Context(), s)
		wantKey(t, k, "one", rsa1(), nil)
	})
}

func TestKeys_Format(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(fakeServer)
		s.serve(keySetJSON(publicMember(rsa1(), "one")))
		k, _ := newKeys(t, t.Context(), s)
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("keys", "keys", k)
		slog.New(slog.NewTextHandler(&log, nil)).Info("keys", "keys", k)
		wantNoSecret(t, log.String()+fmt.Sprintf("%v %+v %#v %s %d", k, k, k, k, k))
	})
}

func TestVerifyingKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(fakeServer)
		s.serve(keySetJSON(publicMember(rsa1(), "one"), publicMember(rsa2(), "two"), publicMember(p256(), "ec")))
		k, _ := newKeys(t, t.Context(), s)
		wantKey(t, k, "one", rsa1(), nil)
		wantKey(t, k, "two", rsa2(), nil)
		wantKey(t, k, "ec", nil, errUnknown)
		for _, algorithm := range []string{"RS512", "ES256", "HS256", "none", ""} {
			if key, err := k.VerifyingKey(t.Context(), "one", algorithm); err == nil || key != nil {
				t.Errorf("there is a key for %q", algorithm)
			}
		}
	})
}

func TestVerifyingKey_AmbiguousKid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(fakeServer)
		s.serve(keySetJSON(publicMember(rsa1(), "a"), publicMember(rsa2(), "a"), publicMember(rsa2(), "b")))
		k, log := newKeys(t, t.Context(), s)
		wantKey(t, k, "a", nil, errAmbiguous)
		wantKey(t, k, "b", rsa2(), nil)
		synctest.Wait()
		if n := s.fetches.Load(); n != 1 {
			t.Errorf("there were %d fetches, want that of the start", n)
		}
		if !strings.Contains(log.String(), "keys[1] has the kid of another key") {
			t.Errorf("the log does not say why the kid is rejected: %s", log)
		}
	})
}

func TestVerifyingKey_NoKid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(fakeServer)
		s.serve(keySetJSON(publicMember(rsa1(), "one")))
		k, _ := newKeys(t, t.Context(), s)
		wantKey(t, k, "", nil, errUnknown)
		synctest.Wait()
		if n := s.fetches.Load(); n != 1 {
			t.Errorf("%d fetches, want that of the start", n)
		}
	})
}

func TestVerifyingKey_UnknownKids(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(fakeServer)
		s.serve(keySetJSON(publicMember(rsa1(), "one")))
		k, _ := newKeys(t, t.Context(), s)
		for round := range int32(3) {
			for _, pause := range []time.Duration{10*time.Second - 1, 1} { // at once, and at the end of the 10 seconds
				began := time.Now()
				var requests sync.WaitGroup
				for i := range 100 {
					requests.Go(func() { wantKey(t, k, fmt.Sprint("unknown", i), nil, errUnknown) })
				}
				requests.Wait()
				if waited := time.Since(began); waited != 0 {
					t.Errorf("the requests waited for %v", waited)
				}
				synctest.Wait()
				if got, want := s.fetches.Load(), 2+round; got != want {
					t.Errorf("round %d: %d fetches with the first one, want %d", round, got, want)
				}
				time.Sleep(pause)
			}
		}
	})
}

func TestVerifyingKey_SlowFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(fakeServer)
		s.serve(keySetJSON(publicMember(rsa1(), "one")))
		k, log := newKeys(t, t.Context(), s)
		s.serveFunc(neverAnswer)
		wantKey(t, k, "two", nil, errUnknown)
		synctest.Wait() // the fetch is under way
		began := time.Now()
		wantKey(t, k, "one", rsa1(), nil)
		wantKey(t, k, "two", nil, errUnknown)
		if waited := time.Since(began); waited != 0 {
			t.Errorf("a request waited for %v", waited)
		}
		time.Sleep(5*time.Second - time.Nanosecond)
		synctest.Wait()
		if log.String() != "" {
			t.Errorf("the fetch ended before its time: %s", log)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if !strings.Contains(log.String(), "deadline exceeded") {
			t.Errorf("the log does not report the fetch that took too long: %q", log)
		}
		wantKey(t, k, "one", rsa1(), nil)
	})
}
