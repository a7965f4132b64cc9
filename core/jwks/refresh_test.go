package jwks

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestRequestFetch(t *testing.T) {
	t.Parallel()
	k := &Keys{wake: make(chan struct{}, 100), start: time.Now()}
	var requests sync.WaitGroup
	for range 100 {
		requests.Go(k.requestFetch)
	}
	requests.Wait()
	if n := len(k.wake); n != 1 {
		t.Errorf("%d requests asked, want 1", n)
	}
}

func TestRequestFetch_DuringAFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(fakeServer)
		s.serve(keySetJSON(publicMember(rsa1(), "one")))
		k, _ := newKeys(t, t.Context(), s)
		s.serveFunc(neverAnswer)
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

// TestRefreshUntilDone fails in synctest if a goroutine is still running when the test ends.
func TestRefreshUntilDone(t *testing.T) {
	t.Parallel()
	for name, fetching := range map[string]bool{"the goroutine ends while idle": false, "the goroutine ends while a fetch is under way": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(context.Background())
				s := new(fakeServer)
				s.serve(keySetJSON(publicMember(rsa1(), "one")))
				k, log := newKeys(t, ctx, s)
				want := int32(1)
				if fetching {
					s.serveFunc(neverAnswer)
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

func TestRefreshSet_RotatedKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		wait time.Duration
		ask  bool
	}{
		{"a token that names a new key causes a fetch", 0, true},
		{"the set is fetched every hour", time.Hour, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := new(fakeServer)
				s.serve(keySetJSON(publicMember(rsa1(), "one")))
				k, _ := newKeys(t, t.Context(), s)
				s.serve(keySetJSON(publicMember(rsa2(), "two")))
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

func TestRefreshSet_FetchFails(t *testing.T) {
	t.Parallel()
	good := keySetJSON(publicMember(rsa2(), "two"))
	for _, c := range []struct {
		name   string
		answer func(*http.Request) (*http.Response, error)
		want   string // in the log
	}{
		{"an answer of two bytes", answerWith(200, "\x00\x01"), "not a JSON Web Key Set"},
		{"a web page", answerWith(200, "<html>Down for maintenance</html>"), "not a JSON Web Key Set"},
		{"another JSON object", answerWith(200, `{"error":"unavailable"}`), "not a JSON Web Key Set"},
		{"an empty answer", answerWith(200, ""), "not a JSON Web Key Set"},
		{"more than 1 MiB", answerWith(200, good+strings.Repeat(" ", 1<<20+1-len(good))), "more than 1048576 bytes"},
		{"a body without end", func(*http.Request) (*http.Response, error) {
			read := 0
			return newResponse(200, readerFunc(func(b []byte) (int, error) {
				if read += len(b); read > 4<<20 {
					return 0, errors.New("it is read without end")
				}
				return len(b), nil
			})), nil
		}, "more than 1048576 bytes"},
		{"an error of the server", answerWith(503, good), "status 503"},
		{"a 203", answerWith(203, good), "status 203"},
		{"a 204", answerWith(204, ""), "status 204"},
		{"a redirect to nowhere", answerWith(302, good), "status 302"},
		{"an answer that never comes", neverAnswer, "deadline exceeded"},
		{"a body that never ends", func(req *http.Request) (*http.Response, error) {
			return newResponse(200, readerFunc(func([]byte) (int, error) {
				<-req.Context().Done()
				return 0, req.Context().Err()
			})), nil
		}, "read response: context deadline exceeded"},
		{"a body that breaks off", func(*http.Request) (*http.Response, error) {
			return newResponse(200, io.MultiReader(strings.NewReader(good), readerFunc(func([]byte) (int, error) {
				return 0, io.ErrUnexpectedEOF
			}))), nil
		}, "read response: unexpected EOF"},
	} {
		t.Run("the last good set stays in use after "+c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := new(fakeServer)
				s.serve(keySetJSON(publicMember(rsa1(), "one")))
				k, log := newKeys(t, t.Context(), s)
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

func TestRefreshSet_NoKeyLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(fakeServer)
		s.serve(keySetJSON(publicMember(rsa1(), "one")))
		k, log := newKeys(t, t.Context(), s)
		s.serve(keySetJSON())
		time.Sleep(time.Hour)
		synctest.Wait()
		wantKey(t, k, "one", nil, errUnknown)
		if !strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("the log is %q, want an error", log)
		}
	})
}
