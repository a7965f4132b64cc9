package conformance

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// testNow is the time of testVars.
var testNow = time.Date(2026, 5, 4, 3, 2, 1, 5e8, time.UTC)

// testKeys returns the keys of testdata.
func testKeys(t testing.TB) keyring {
	t.Helper()
	keys := keyring{}
	if err := decodeFile(testdata, "testdata/keys.json", &keys); err != nil {
		t.Fatal(err)
	}
	return keys
}

// testVars returns variables with a user alice, a token tok, whose id counts as seen,
// and a text word, at testNow.
func testVars(t testing.TB) *vars {
	t.Helper()
	v := newVars(testKeys(t), 5)
	v.clock = func() time.Time { return testNow }
	v.startedAt, v.requestedAt = testNow, testNow
	v.users["alice"] = &user{id: "7", username: "alice_5", password: "pw"}
	token, err := v.mintToken(&step{Claims: map[string]any{
		"jti": strings.Repeat("a", 32), "exp": json.Number("1700000000"), "ok": true, "half": json.Number("1.5"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	v.storeValue("tok", token)
	v.storeValue("word", "x")
	return v
}

// parseAs decodes JSON as decodeFile does.
func parseAs[T any](t testing.TB, data string) T {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(data))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	var out T
	if err := dec.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}
