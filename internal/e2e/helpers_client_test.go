package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// client talks to the program as a person would with curl.
type client struct {
	t   *testing.T
	url string
	web *http.Client
}

func newClient(t *testing.T, url string) *client {
	t.Helper()
	return &client{t: t, url: url, web: newWebClient(t)}
}

// newWebClient makes a client whose connections close before the server is stopped, which waits for those without a request.
func newWebClient(t *testing.T) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

// answer is a status, the header and the decoded body.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

func (a answer) text(name string) string { s, _ := a.body[name].(string); return s }

// send sends a request; body is JSON text. An answer of 5xx is an error.
func (c *client) send(method, path, body string, headers ...string) answer {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return c.sendRequest(r)
}

// sendRequest may be called from any goroutine.
func (c *client) sendRequest(r *http.Request) answer {
	c.t.Helper()
	resp, err := c.web.Do(r)
	if err != nil {
		c.t.Error(err)
		return answer{}
	}
	defer func() { _ = resp.Body.Close() }()
	var data bytes.Buffer
	_, _ = data.ReadFrom(resp.Body)
	out := answer{status: resp.StatusCode, header: resp.Header}
	if data.Len() > 0 {
		if err := json.Unmarshal(data.Bytes(), &out.body); err != nil {
			c.t.Errorf("%s %s: not JSON: %q", r.Method, r.URL, data.String())
		}
	}
	if out.status >= 500 {
		c.t.Errorf("%s %s: %d %s", r.Method, r.URL, out.status, data.String())
	}
	return out
}

func (c *client) post(path, body string) answer {
	c.t.Helper()
	return c.send(http.MethodPost, path, body)
}

// sendAs sends a request with an access token.
func (c *client) sendAs(access, method, path, body string) answer {
	c.t.Helper()
	return c.send(method, path, body, "Authorization", "Bearer "+access)
}

func (c *client) refresh(token string) answer {
	c.t.Helper()
	return c.post("/api/token/refresh/", `{"refresh": "`+token+`"}`)
}

// getUser asks who the user of an access token is.
func (c *client) getUser(access string) answer {
	c.t.Helper()
	return c.sendAs(access, http.MethodGet, "/api/me/", "")
}

// login logs alice in.
func (c *client) login() (access, refresh string) {
	c.t.Helper()
	a := c.tryLogin("alice", "correct horse")
	c.want(a, http.StatusOK, "")
	return a.text("access"), a.text("refresh")
}

func (c *client) tryLogin(username, password string) answer {
	c.t.Helper()
	return c.post("/api/token/", `{"username": "`+username+`", "password": "`+password+`"}`)
}

// loginOn logs alice in on a device.
func (c *client) loginOn(device string) (access, refresh string) {
	c.t.Helper()
	a := c.send(http.MethodPost, "/api/token/", `{"username": "alice", "password": "correct horse", "device_name": "`+device+`"}`,
		"User-Agent", device+"/1", "X-Forwarded-For", "198.51.100.7")
	c.want(a, http.StatusOK, "")
	return a.text("access"), a.text("refresh")
}

// session is a session as the list shows it.
type session struct {
	ID              string    `json:"id"`
	DeviceName      string    `json:"device_name"`
	UserAgent       string    `json:"user_agent"`
	IP              string    `json:"ip"`
	StartedAt       time.Time `json:"started_at"`
	LastRefreshedAt time.Time `json:"last_refreshed_at"`
	ExpiresAt       time.Time `json:"expires_at"`
	Current         bool      `json:"current"`
}

// listSessions asks for the sessions of an access token's user.
func (c *client) listSessions(access string) []session {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.url+"/api/token/sessions/", http.NoBody)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+access)
	resp, err := c.web.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(resp.Body)
	var out []session
	if err := json.Unmarshal(body, &out); err != nil || resp.StatusCode != 200 || resp.Header.Get("Cache-Control") != "no-store" {
		c.t.Fatalf("the list of sessions: %d %s", resp.StatusCode, body)
	}
	return out
}

// want checks the status and, unless it is "", the detail.
func (c *client) want(a answer, status int, detail string) {
	c.t.Helper()
	if a.status != status || (detail != "" && a.text("detail") != detail) {
		c.t.Errorf("answer %d %v, want %d %q", a.status, a.body, status, detail)
	}
}

// signToken signs a token with the key of these tests, good for a minute unless the claims say otherwise.
func signToken(t *testing.T, typ string, claims jwt.MapClaims) string {
	t.Helper()
	now := time.Now().Unix()
	all := jwt.MapClaims{"exp": now + 60, "iat": now}
	maps.Copy(all, claims)
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, all)
	token.Header["typ"] = typ
	text, err := token.SignedString([]byte(signingKey))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// readClaims decodes a token without verifying it.
func readClaims(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("not a JWT: %q", token)
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
