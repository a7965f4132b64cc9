package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// client talks to a server of this program in process, as a person would with curl.
type client struct {
	t   *testing.T
	srv *target
	url string
}

// signingKey1 is the HMAC secret of these tests.
const signingKey1 = "a signing key of these tests, long enough for every HMAC algorithm there is"

// rotating are the settings that consume a refresh token by its refresh.
const rotating = `, "ROTATE_REFRESH_TOKENS": true, "BLACKLIST_AFTER_ROTATION": true`

// start serves settings (more members of the JSON object, after SIGNING_KEY) on net/http with a fresh SQLite file and
// one user, alice.
func start(t *testing.T, settings string) *client {
	t.Helper()
	return startOn(t, settings, "sqlite://"+filepath.Join(t.TempDir(), "db.sqlite3"))
}

func startOn(t *testing.T, settings, dsn string) *client {
	t.Helper()
	return startFramework(t, "std", settings, dsn)
}

func startFramework(t *testing.T, framework, settings, dsn string) *client {
	t.Helper()
	object := `{"SIGNING_KEY": "` + signingKey1 + `"` + settings + `}`
	s, err := starter(framework, func(testing.TB) string { return dsn })(t, []byte(object), true)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(func() { server.Close(); s.Close() })
	c := &client{t: t, srv: s.(*target), url: server.URL}
	if _, err := s.CreateUser(t.Context(), "alice", "correct horse", false); err != nil {
		t.Fatal(err)
	}
	return c
}

// answer is a status and the decoded body.
type answer struct {
	status int
	body   map[string]any
}

func (a answer) text(name string) string { s, _ := a.body[name].(string); return s }

// send sends a request; body is JSON text.
func send(ctx context.Context, t *testing.T, method, url, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return sendRequest(t, r)
}

func sendRequest(t *testing.T, r *http.Request) answer {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return answer{}
	}
	defer func() { _ = resp.Body.Close() }()
	var data bytes.Buffer
	_, _ = data.ReadFrom(resp.Body)
	out := answer{status: resp.StatusCode}
	if data.Len() > 0 {
		if err := json.Unmarshal(data.Bytes(), &out.body); err != nil {
			t.Errorf("%s %s: no JSON: %q", r.Method, r.URL, data.String())
		}
	}
	if out.status >= 500 {
		t.Errorf("%s %s: %d %s", r.Method, r.URL, out.status, data.String())
	}
	return out
}

func (c *client) post(path, body string) answer {
	c.t.Helper()
	return send(c.t.Context(), c.t, http.MethodPost, c.url+path, body)
}

func (c *client) refresh(token string) answer {
	c.t.Helper()
	return c.post("/api/token/refresh/", `{"refresh": "`+token+`"}`)
}

func (c *client) me(token string) answer {
	c.t.Helper()
	return send(c.t.Context(), c.t, http.MethodGet, c.url+"/api/me/", "", "Authorization", "Bearer "+token)
}

// login logs alice in.
func (c *client) login() (access, refresh string) {
	c.t.Helper()
	a := c.post("/api/token/", `{"username": "alice", "password": "correct horse"}`)
	c.want(a, http.StatusOK, "")
	return a.text("access"), a.text("refresh")
}

// want checks the status and, unless it is "", the detail.
func (c *client) want(a answer, status int, detail string) {
	c.t.Helper()
	if a.status != status || (detail != "" && a.text("detail") != detail) {
		c.t.Errorf("answer %d %v, want %d %q", a.status, a.body, status, detail)
	}
}

// one reads one value of the database.
func (c *client) one(query string) string {
	c.t.Helper()
	var out string
	if err := c.srv.DB().QueryRowContext(c.t.Context(), query).Scan(&out); err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
	return out
}

// mint signs a token with the key of these tests, good for a minute unless the claims say otherwise.
func mint(t *testing.T, typ string, claims jwt.MapClaims) string {
	t.Helper()
	now := time.Now().Unix()
	all := jwt.MapClaims{"exp": now + 60, "iat": now}
	maps.Copy(all, claims)
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, all)
	token.Header["typ"] = typ
	text, err := token.SignedString([]byte(signingKey1))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// claims decodes a token without verifying it.
func claims(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %q", token)
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
