package conformance

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const fakeScenario = `{
 "name": "fake/story", "what": "A login gives a signed token, which leaves a row", "profile": {},
 "users": [{"alias": "alice"}],
 "steps": [
  {"do": "request", "method": "POST", "path": "/api/token/",
   "json": {"username": "${alice.username}", "password": "${alice.password}"}, "capture": {"a": "access"},
   "expect": {"status": 200,
    "headers": {"Content-Type": "<prefix:application/json>", "WWW-Authenticate": null},
    "body": {"access": "<any-jwt>", "note?": "<str>"},
    "tokens": {"access": {"key": "hs1", "header": {"alg": "HS256", "typ": "JWT"},
     "payload": {"exp": "<now+300>", "jti": "<new-jti>", "user_id": "${alice.id}"}}}}},
  {"do": "request", "method": "POST", "path": "/api/token/",
   "json": {"username": "${alice.username}", "password": "${alice.password}"},
   "expect": {"status": [200, 201], "body": {"access": "<any-jwt>"},
    "tokens": {"access": {"header": {"alg": "<any>", "typ": "<any>"},
     "payload": {"exp": "<int>", "jti": "<new-jti>", "user_id": "<str>"}}}}},
  {"do": "table", "table": "outstanding", "where": {"user_id": "${alice.id}", "jti": "${claim:a.jti}"},
   "expect": {"count": 1, "rows": [{"user_id": "${alice.id:int}", "jti": "<claim:a.jti>", "token": "",
    "created_at": "<time:now>", "expires_at": "<time:claim:a.exp>"}]}},
  {"do": "flush"},
  {"do": "table", "table": "outstanding", "where": {}, "expect": {"count": 0}},
  {"do": "user", "op": "set_password", "user": "alice", "password": "new"},
  {"do": "request", "method": "POST", "path": "/api/token/",
   "json": {"username": "${alice.username}", "password": "${alice.password}"}, "expect": {"status": 200}},
  {"do": "user", "op": "deactivate", "user": "alice"},
  {"do": "request", "method": "POST", "path": "/api/token/",
   "json": {"username": "${alice.username}", "password": "new"},
   "expect": {"status": 401, "headers": {"WWW-Authenticate": "Bearer realm=\"api\""}}},
  {"do": "user", "op": "create", "user": "bob", "username": "Bob", "password": "x"},
  {"do": "user", "op": "delete", "user": "bob"},
  {"do": "request", "method": "POST", "path": "/api/token/",
   "json": {"username": "Bob", "password": "x"}, "expect": {"status": 401}},
  {"do": "sleep", "seconds": 0.001},
  {"do": "request", "method": "POST", "path": "/api/token/", "raw": "{", "expect": {}}
 ]}`

func TestReplayOnServer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		broken string
		want   []string // in the failure; none: the scenario passes
	}{
		{broken: ""},
		{broken: "status", want: []string{"step 1 (POST /api/token/)", "status: want 200, got 202"}},
		{broken: "type", want: []string{"step 1", `header Content-Type: want a string starting with "application/json"`}},
		{broken: "not json", want: []string{"step 1", "body: not JSON: <html>"}},
		{broken: "extra", want: []string{"step 1", `body: unexpected "more" = 1`}},
		{broken: "always challenges", want: []string{"step 1", "header WWW-Authenticate: want none"}},
		{broken: "row", want: []string{"step 3 (table outstanding)", "outstanding[0].created_at: want a time during this scenario"}},
		{broken: "exp", want: []string{"step 1", "access(claims).exp: want about"}},
		{broken: "header", want: []string{"step 1", `access(header).typ: want "JWT", got "at+jwt"`}},
		{broken: "key", want: []string{"step 1", "the signature does not verify with key hs1"}},
		{broken: "jti", want: []string{"step 2", "want an id not used before in this scenario"}},
		{broken: "flush", want: []string{"step 5 (table outstanding)", "want 0 rows, got 2"}},
		{broken: "set_password", want: []string{"step 7", "status: want 200, got 401", "the answer was: 401"}},
		{broken: "deactivate", want: []string{"step 9", "status: want 401, got 200"}},
		{broken: "challenge", want: []string{"step 9", "header WWW-Authenticate: missing"}},
		{broken: "delete", want: []string{"step 12", "status: want 401, got 200"}},
		{broken: "5xx", want: []string{"step 1", "no request may be answered with a 5xx"}},
	}
	for _, test := range tests {
		t.Run("broken "+test.broken, func(t *testing.T) {
			t.Parallel()
			s := parseAs[scenario](t, fakeScenario)
			target := newFakeServer(t, test.broken)
			server := httptest.NewServer(target.Handler())
			defer server.Close()
			err := replayOnServer(t.Context(), target, server.Listener.Addr().String(), target.keys, &s)
			if len(test.want) == 0 {
				if err != nil {
					t.Fatalf("a correct server fails: %v", err)
				}
				return
			}
			if err == nil {
				t.Fatal("the broken server passes")
			}
			for _, text := range test.want {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("failure lacks %q:\n%v", text, err)
				}
			}
		})
	}
}

func TestMatchAnswer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		want   string // the expectation
		status int
		body   string
		diffs  int
	}{
		{"nothing asked for, nothing wrong", `{}`, 418, "x", 0},
		{"a 5xx is wrong even when no status is asked for", `{}`, 502, "", 1},
		{"the exact text of a body", `{"body_text": "abc"}`, 200, "abc", 0},
		{"another text of a body", `{"body_text": ""}`, 200, "abc", 1},
		{"null is a body", `{"body": null}`, 200, " null\n", 0},
		{"no body is null", `{"body": null}`, 200, "", 0},
		{"an empty body is not an object", `{"body": {}}`, 200, "", 1},
		{"text behind the JSON value", `{"body": {}}`, 200, "{} {}", 1},
		{"invalid UTF-8 is not JSON", `{"body": "<str>"}`, 200, "\"\xff\"", 1},
		{"a token that is missing", `{"tokens": {"a.b": {"key": "hs1", "header": {}, "payload": {}}}}`, 200, `{"a": {}}`, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want := parseAs[expectation](t, test.want)
			doc, docErr := decodeJSON([]byte(test.body))
			m := &matcher{vars: newVars(nil, 1)}
			m.matchAnswer(&want, &answer{status: test.status, body: []byte(test.body)}, doc, docErr)
			if len(m.diffs) != test.diffs {
				t.Errorf("got differences %q, want %d", m.diffs, test.diffs)
			}
		})
	}
}

func TestCreateUser(t *testing.T) {
	t.Parallel()
	s := parseAs[scenario](t, `{"users": [{"alias": "a"}, {"alias": "b", "username": "Bob", "password": "", "is_active": false}]}`)
	s.number = 12
	target := newFakeServer(t, "")
	if err := replayOnServer(t.Context(), target, "", target.keys, &s); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a_12": "correct horse", "Bob": ""}, target.passwords); diff != "" {
		t.Errorf("users and passwords (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]bool{"a_12": false, "Bob": true}, target.inactive); diff != "" {
		t.Errorf("inactive (-want +got):\n%s", diff)
	}
}

func TestStoreValue_MintedID(t *testing.T) {
	t.Parallel()
	r := &replayer{vars: newVars(testKeys(t), 1)}
	s := parseAs[step](t, `{"do": "mint", "as": "a", "claims": {"jti": "${uuid}"}}`)
	if err := r.replayStep(t.Context(), &s); err != nil {
		t.Fatal(err)
	}
	m := &matcher{vars: r.vars}
	id, err := r.vars.expand("claim:a.jti")
	if err != nil {
		t.Fatal(err)
	}
	m.matchValue("jti", "<new-jti>", id)
	if len(m.diffs) != 1 {
		t.Errorf("got differences %q, want one", m.diffs)
	}
}
