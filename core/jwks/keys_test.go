package jwks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestKeysAreThereOnceNewReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(server)
		s.serve(document(public(rsa1(), "one"), public(rsa2(), "two"), public(p256(), "ec")))
		k, _ := start(t, t.Context(), s)
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

func TestAKidThatSeveralKeysHaveIsRefusedWithoutAFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(server)
		s.serve(document(public(rsa1(), "a"), public(rsa2(), "a"), public(rsa2(), "b")))
		k, log := start(t, t.Context(), s)
		wantKey(t, k, "a", nil, errAmbiguous)
		wantKey(t, k, "b", rsa2(), nil)
		synctest.Wait()
		if n := s.fetches.Load(); n != 1 {
			t.Errorf("there were %d fetches, want that of the start", n)
		}
		if !strings.Contains(log.String(), "keys[1] has the kid of another key") {
			t.Errorf("the log does not say why the kid is refused: %s", log)
		}
	})
}

func TestUnknownKidsOfManyRequestsCauseOneFetchIn10Seconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(server)
		s.serve(document(public(rsa1(), "one")))
		k, _ := start(t, t.Context(), s)
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
					t.Errorf("round %d: %d fetches with the start's, want %d", round, got, want)
				}
				time.Sleep(pause)
			}
		}
	})
}

func TestOneOfManyRequestsAsksForAFetch(t *testing.T) {
	t.Parallel()
	k := &Keys{wake: make(chan struct{}, 100), start: time.Now()}
	var requests sync.WaitGroup
	for range 100 {
		requests.Go(k.ask)
	}
	requests.Wait()
	if n := len(k.wake); n != 1 {
		t.Errorf("%d requests asked, want 1", n)
	}
}

func TestNoRequestWaitsForASlowFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(server)
		s.serve(document(public(rsa1(), "one")))
		k, log := start(t, t.Context(), s)
		s.serveFunc(hang)
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
			t.Errorf("the log does not tell of the fetch that took too long: %q", log)
		}
		wantKey(t, k, "one", rsa1(), nil)
	})
}

// hang answers nothing until the fetch is given up.
func hang(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func TestTheIntervalCountsFromAFetchThatHadToWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(server)
		s.serve(document(public(rsa1(), "one")))
		k, _ := start(t, t.Context(), s)
		s.serveFunc(hang)
		time.Sleep(time.Hour)
		synctest.Wait() // the hourly fetch hangs for 5 seconds
		wantKey(t, k, "two", nil, errUnknown)
		time.Sleep(10 * time.Second)
		wantKey(t, k, "two", nil, errUnknown)
		synctest.Wait()
		if n := s.fetches.Load(); n != 3 {
			t.Errorf("%d fetches, want 3: at start, hourly, and the one that waited", n)
		}
		time.Sleep(5 * time.Second)
		wantKey(t, k, "two", nil, errUnknown)
		synctest.Wait()
		if n := s.fetches.Load(); n != 4 {
			t.Errorf("%d fetches 10 seconds after the last one, want 4", n)
		}
	})
}

func TestARotatedSetIsPickedUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		wait time.Duration
		ask  bool
	}{
		{"when a token names a new key", 0, true},
		{"after an hour in any case", time.Hour, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := new(server)
				s.serve(document(public(rsa1(), "one")))
				k, _ := start(t, t.Context(), s)
				s.serve(document(public(rsa2(), "two")))
				if c.ask {
					wantKey(t, k, "two", nil, errUnknown)
				}
				time.Sleep(c.wait)
				synctest.Wait()
				if n := s.fetches.Load(); n != 2 {
					t.Errorf("%d fetches, want 2", n)
				}
				wantKey(t, k, "two", rsa2(), nil)
				wantKey(t, k, "one", nil, errUnknown)
			})
		})
	}
}

func TestTheLastGoodSetStaysWhenAFetchFails(t *testing.T) {
	t.Parallel()
	good := document(public(rsa2(), "two"))
	for _, c := range []struct {
		name   string
		answer func(*http.Request) (*http.Response, error)
		want   string // in the log
	}{
		{"garbage", answer(200, "\x00\x01"), "no JSON Web Key Set"},
		{"a web page", answer(200, "<html>Down for maintenance</html>"), "no JSON Web Key Set"},
		{"JSON of another kind", answer(200, `{"error":"unavailable"}`), "no JSON Web Key Set"},
		{"nothing", answer(200, ""), "no JSON Web Key Set"},
		{"more than 1 MiB", answer(200, good+strings.Repeat(" ", 1<<20+1-len(good))), "more than 1048576 bytes"},
		{"a body without end", func(*http.Request) (*http.Response, error) {
			read := 0
			return response(200, readerFunc(func(b []byte) (int, error) {
				if read += len(b); read > 4<<20 {
					return 0, errors.New("it is read without end")
				}
				return len(b), nil
			})), nil
		}, "more than 1048576 bytes"},
		{"an error of the server", answer(503, good), "status 503"},
		{"another success", answer(203, good), "status 203"},
		{"no content", answer(204, ""), "status 204"},
		{"a redirect to nowhere", answer(302, good), "status 302"},
		{"an answer that never comes", hang, "deadline exceeded"},
		{"a body that never ends", func(req *http.Request) (*http.Response, error) {
			return response(200, readerFunc(func([]byte) (int, error) {
				<-req.Context().Done()
				return 0, req.Context().Err()
			})), nil
		}, "read answer: context deadline exceeded"},
		{"a body that breaks off", func(*http.Request) (*http.Response, error) {
			return response(200, io.MultiReader(strings.NewReader(good), readerFunc(func([]byte) (int, error) {
				return 0, io.ErrUnexpectedEOF
			}))), nil
		}, "read answer: unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := new(server)
				s.serve(document(public(rsa1(), "one")))
				k, log := start(t, t.Context(), s)
				s.serveFunc(c.answer)
				time.Sleep(time.Hour)
				time.Sleep(5 * time.Second)
				synctest.Wait()
				if n := s.fetches.Load(); n != 2 {
					t.Errorf("%d fetches, want 2", n)
				}
				wantKey(t, k, "one", rsa1(), nil)
				if got := log.String(); !strings.Contains(got, c.want) || !strings.Contains(got, "level=WARN") {
					t.Errorf("the log is %q, want a warning with %q", got, c.want)
				}
				wantNoSecret(t, log.String())
				s.serve(good)
				time.Sleep(time.Hour)
				synctest.Wait()
				wantKey(t, k, "two", rsa2(), nil)
			})
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func answer(status int, body string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return response(status, strings.NewReader(body)), nil }
}

func TestABodyOfExactly1MiBIsRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(server)
		text := document(public(rsa1(), "one"))
		s.serve(text + strings.Repeat(" ", 1<<20-len(text)))
		k, _ := start(t, t.Context(), s)
		wantKey(t, k, "one", rsa1(), nil)
	})
}

func TestASetWithoutAKeyLeftIsObeyedAndLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(server)
		s.serve(document(public(rsa1(), "one")))
		k, log := start(t, t.Context(), s)
		s.serve(document())
		time.Sleep(time.Hour)
		synctest.Wait()
		wantKey(t, k, "one", nil, errUnknown)
		if !strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("the log is %q, want an error", log)
		}
	})
}

// The bubble of synctest fails the test when a goroutine outlives it.
func TestNothingGoesOnOnceTheContextEnds(t *testing.T) {
	t.Parallel()
	for name, fetching := range map[string]bool{"while idle": false, "while a fetch is under way": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(context.Background())
				s := new(server)
				s.serve(document(public(rsa1(), "one")))
				k, log := start(t, ctx, s)
				want := int32(1)
				if fetching {
					s.serveFunc(hang)
					wantKey(t, k, "two", nil, errUnknown)
					synctest.Wait()
					want++
				}
				cancel()
				synctest.Wait()
				for range 3 {
					wantKey(t, k, "two", nil, errUnknown)
					time.Sleep(time.Hour)
				}
				synctest.Wait()
				if n := s.fetches.Load(); n != want {
					t.Errorf("%d fetches, want %d", n, want)
				}
				wantKey(t, k, "one", rsa1(), nil)
				if log.String() != "" {
					t.Errorf("the end of the context is logged: %s", log)
				}
			})
		})
	}
}

func TestATokenWithoutKidCausesNoFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(server)
		s.serve(document(public(rsa1(), "one")))
		k, _ := start(t, t.Context(), s)
		wantKey(t, k, "", nil, errUnknown)
		synctest.Wait()
		if n := s.fetches.Load(); n != 1 {
			t.Errorf("%d fetches, want that of the start", n)
		}
	})
}
