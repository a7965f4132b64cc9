package views_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/views"
)

func withLimit(bytes int64) func(*simplejwt.Settings, *core.Deps) {
	return func(s *simplejwt.Settings, _ *core.Deps) { s.DataUploadMaxMemorySize = bytes }
}

// padded is a JSON body of exactly so many bytes, whose token is no token.
func padded(bytes int) string {
	body := `{"refresh":"x"}`
	return body + strings.Repeat(" ", bytes-len(body))
}

func TestBodiesOverTheLimitAreTooLarge(t *testing.T) {
	t.Parallel()
	const invalid = `{"detail":"Token is invalid","code":"token_not_valid"}`
	tooLarge := func(limit int) string {
		return fmt.Sprintf(`{"detail":"The request body is larger than %d bytes."}`, limit)
	}
	for _, c := range []struct {
		name        string
		change      func(*simplejwt.Settings, *core.Deps)
		contentType string
		body        string
		status      int
		want        string
	}{
		{"1 MiB by default is read", withLimit(0), jsonType, padded(1 << 20), 401, invalid},
		{"a byte more is not", withLimit(0), jsonType, padded(1<<20 + 1), 413, tooLarge(1 << 20)},
		{"the setting's limit is read", withLimit(100), jsonType, padded(100), 401, invalid},
		{"a byte over the setting is not", withLimit(100), jsonType, padded(101), 413, tooLarge(100)},
		{"a form over the limit", withLimit(100), formType, "refresh=" + strings.Repeat("x", 100), 413, tooLarge(100)},
		{"multipart over the limit", withLimit(100), multipartType, parts(part("refresh", strings.Repeat("x", 100))), 413, tooLarge(100)},
		{"a body of an unknown type over the limit", withLimit(100), "text/plain", strings.Repeat("x", 101), 413, tooLarge(100)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			view := views.Refresh(newFixture(t, c.change).Auth)
			wantAnswer(t, post(view, c.contentType, c.body), c.status, c.want)
			chunked := httptest.NewRequest(http.MethodPost, "/", io.MultiReader(strings.NewReader(c.body)))
			chunked.ContentLength, chunked.TransferEncoding = -1, []string{"chunked"}
			chunked.Header.Set("Content-Type", c.contentType)
			wantAnswer(t, serve(view, chunked), c.status, c.want)
		})
	}
}

// TestRequestsAsBytes sends what no client library would.
func TestRequestsAsBytes(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(views.Refresh(newFixture(t, withLimit(1000)).Auth))
	t.Cleanup(server.Close)
	const unreadable = `{"detail":"The request body could not be read."}`
	for _, c := range []struct {
		name, head, body string
		status           int
		want             string
	}{
		{"a chunked body", "Transfer-Encoding: chunked\r\n", "f\r\n{\"refresh\":\"x\"}\r\n0\r\n\r\n", 401, `{"detail":"Token is invalid","code":"token_not_valid"}`},
		{"a chunked body over the limit", "Transfer-Encoding: chunked\r\n", strings.Repeat("64\r\n"+strings.Repeat(" ", 100)+"\r\n", 11) + "0\r\n\r\n", 413, `{"detail":"The request body is larger than 1000 bytes."}`},
		{"a chunk size that is no number", "Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n", 400, unreadable},
		{"a chunk without its line end", "Transfer-Encoding: chunked\r\n", "2\r\n{}x0\r\n\r\n", 400, unreadable},
		{"a chunk size that overflows", "Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n{}", 400, unreadable},
		{"a body shorter than it says", "Content-Length: 50\r\n", `{"refresh":"x"}`, 400, unreadable},
		{"chunks that break off", "Transfer-Encoding: chunked\r\n", "f\r\n{\"ref", 400, unreadable},
		{"a body longer than it says is cut", "Connection: close\r\nContent-Length: 2\r\n", `{}"refresh":"x"}`, 400, `{"refresh":["This field is required."]}`},
		{"an announced length over the limit", "Content-Length: 9000000000\r\n", strings.Repeat(" ", 1001), 413, `{"detail":"The request body is larger than 1000 bytes."}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			request := "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + c.head + "\r\n" + c.body
			status, body := exchange(t, server.Listener.Addr().String(), request)
			if status != c.status || body != c.want {
				t.Errorf("answer %d %s, want %d %s", status, body, c.status, c.want)
			}
		})
	}
}

// exchange sends bytes, ends its half of the connection, and reads the answer.
func exchange(t *testing.T, addr, request string) (int, string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// TestRequestWithoutBody: a client's request of net/http has a nil Body, and tests hand such requests to handlers.
func TestRequestWithoutBody(t *testing.T) {
	t.Parallel()
	r, err := http.NewRequest(http.MethodPost, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("the view panics: %v", p)
		}
	}()
	wantAnswer(t, serve(views.Refresh(newFixture(t).Auth), r), 400, `{"refresh":["This field is required."]}`)
}

// TestPasswordsAreTakenAsSent reads what a login is checked with.
func TestPasswordsAreTakenAsSent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const refused = `{"detail":"No active account found with the given credentials"}`
	for _, c := range []struct {
		name, contentType, body string
		status                  int
	}{
		{"with its blanks it fits", jsonType, object("username", " alice ", "password", password), 200},
		{"without its blanks it does not", jsonType, object("username", "alice", "password", strings.TrimSpace(password)), 401},
		{"with more blanks it does not", jsonType, object("username", "alice", "password", password+"\n"), 401},
		{"in a form it is taken as it is too", formType, "username=alice&password=+correct+horse+", 200},
		{"and in multipart", multipartType, parts(part("username", "alice"), part("password", password)), 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, view := range []http.Handler{views.ObtainPair(f.Auth), views.ObtainSliding(f.Auth)} {
				w := post(view, c.contentType, c.body)
				if w.Code != c.status || (c.status == 401 && w.Body.String() != refused) {
					t.Errorf("answer %d %s, want %d", w.Code, w.Body, c.status)
				}
			}
		})
	}
}

// TestLongPasswords uses a stored hash: 4,096 bytes is the longest password, and nothing is cut off before.
func TestLongPasswords(t *testing.T) {
	t.Parallel()
	h, err := hashers.New(hashers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	longest := strings.Repeat("x", hashers.MaxPasswordBytes)
	f := newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Authenticate, d.PasswordHashers = nil, h })
	encoded, err := h.Make(t.Context(), longest)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.users.Update(memstore.Account{ID: "1", Username: "alice", Password: encoded}); err != nil {
		t.Fatal(err)
	}
	const refused = `{"detail":"No active account found with the given credentials"}`
	view := views.ObtainPair(f.Auth)
	if w := post(view, jsonType, object("username", "alice", "password", longest)); w.Code != http.StatusOK {
		t.Errorf("the longest password was answered %d %s", w.Code, w.Body)
	}
	for _, wrong := range []string{longest[:len(longest)-1] + "y", longest[:72], longest + "x", strings.Repeat("é", 2049)} {
		wantAnswer(t, post(view, jsonType, object("username", "alice", "password", wrong)), http.StatusUnauthorized, refused)
		wantAnswer(t, post(view, jsonType, object("username", "nobody", "password", wrong)), http.StatusUnauthorized, refused)
	}
}

func TestObtain_HashOverALimit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Authenticate = nil })
	const stored = "bcrypt$$2b$16$G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUnpPho4jvgO9MvyfiJJ4iye"
	if err := f.users.Update(memstore.Account{ID: "1", Username: "alice", Password: stored}); err != nil {
		t.Fatal(err)
	}
	for _, view := range []http.Handler{views.ObtainPair(f.Auth), views.ObtainSliding(f.Auth)} {
		wantAnswer(t, post(view, jsonType, object("username", "alice", "password", "secret")), http.StatusServiceUnavailable, unavailable)
	}
}
