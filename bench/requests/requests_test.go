package requests

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRun measures every part once, which checks the decisions of every contender.
func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := Run(t.Context(), &out, Options{Quick: true}); err != nil {
		t.Fatalf("%v after\n%s", err, out.String())
	}
	t.Log(out.String())
	for _, p := range parts {
		if !strings.Contains(out.String(), "\n"+p.name+": ") {
			t.Errorf("no table of %s", p.name)
		}
	}
}

func TestRun_PartsOfOtherPackages(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := Run(t.Context(), &out, Options{Quick: true, Parts: []string{"refresh"}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("", out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestRun_WriteError(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	gone := errors.New("gone")
	if err := r.CloseWithError(gone); err != nil {
		t.Fatal(err)
	}
	if err := Run(t.Context(), w, Options{Quick: true, Parts: []string{"memory"}}); !errors.Is(err, gone) {
		t.Errorf("error %v, want %v", err, gone)
	}
}

// TestScanObject compares the scanner of the floor with encoding/json: a floor that checks less would be too fast.
func TestScanObject(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		`{}`, ` { } `, `{"a":1}`, `{"a":-0.5e+3,"b":[1,"x",null,true,false,{}],"c":{"d":[]}}`, `{"a":"\u00e9\\\"\n"}`, `{"a":[ ] , "b" : 2E-1 }`,
		``, ` `, `{`, `[]`, `1`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":1e}`, `{"a":+1}`, `{"a":-}`,
		`{"a":"`, `{"a":"\x"}`, `{"a":"\u00g0"}`, "{\"a\":\"\n\"}", `{"a":tru}`, `{"a":nul}`, `{"a":[1,]}`, `{"a":[1}`, `{"a":1}}`, `{"a":1} x`, `{a:1}`,
		`{"a":"\`, `{"a":"\u00`, `{"a" 1}`, `{"a":[`, `{"a":1`,
	} {
		var object map[string]any
		want := json.Unmarshal([]byte(in), &object) == nil
		if _, got := scanObject([]byte(in)); got != want {
			t.Errorf("%s: %v, want %v", in, got, want)
		}
	}
}

func TestScanObject_Members(t *testing.T) {
	t.Parallel()
	got, ok := scanObject([]byte(`{"x":{"exp":1,"alg":"none"},"exp": 17 ,"token_type":"access","alg":"HS256"}`))
	if want := (foundMembers{[]byte("HS256"), []byte("17"), []byte("access")}); !ok || string(got.alg) != string(want.alg) ||
		string(got.exp) != string(want.exp) || string(got.kind) != string(want.kind) {
		t.Errorf("%q, want %q", got, want)
	}
}
