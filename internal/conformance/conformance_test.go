package conformance

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReplayScenario_OneServerForAGroup(t *testing.T) {
	t.Parallel()
	var settings []string
	target := newFakeServer(t, "")
	no := false
	s := &scenario{Profile: map[string]any{"A": "${key:hs1}", "B": json.Number("1.5"), "C": nil}, BlacklistApp: &no}
	g := &group{t: t, keys: target.keys, start: func(_ testing.TB, data []byte, blacklistApp bool) (Target, error) {
		settings = append(settings, string(data))
		if blacklistApp {
			t.Error("blacklist_app: false did not reach Start")
		}
		return target, nil
	}}
	for range 2 {
		if err := g.replayScenario(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	g.close()
	want := []string{`{"A":"` + target.keys["hs1"].Secret + `","B":1.5,"C":null}`}
	if diff := cmp.Diff(want, settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if !target.closed {
		t.Error("the target was not closed")
	}
}

func TestReplayScenario_JWKURL(t *testing.T) {
	t.Parallel()
	var got string
	s := &scenario{Profile: map[string]any{"JWK_URL": "${jwks:rsa1,ec256}"}}
	g := &group{t: t, keys: testKeys(t), start: func(_ testing.TB, data []byte, _ bool) (Target, error) {
		res, err := http.Get(valueAt(parseAs[any](t, string(data)), "JWK_URL").(string))
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		var set struct{ Keys []map[string]any }
		if err := json.NewDecoder(res.Body).Decode(&set); err != nil {
			return nil, err
		}
		for _, k := range set.Keys {
			got += textOf(k["kid"]) + " " + textOf(k["kty"]) + " " + textOf(k["use"]) + "; "
		}
		return newFakeServer(t, ""), nil
	}}
	defer g.close()
	if err := g.replayScenario(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if want := "rsa1 RSA sig; ec256 EC sig; "; got != want {
		t.Errorf("got keys %q, want %q", got, want)
	}
}

func TestReplayScenario_InvalidSettings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		err   error
		fails bool
	}{
		{"an error that names it passes", errors.New("the setting 'X' has been removed"), false},
		{"another error fails", errors.New("bad key"), true},
		{"a server that starts fails", nil, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &scenario{Startup: &startup{Fails: true, StderrContains: []string{"'X' has been removed"}}}
			g := &group{t: t, start: func(testing.TB, []byte, bool) (Target, error) {
				if test.err != nil {
					return nil, test.err
				}
				return newFakeServer(t, ""), nil
			}}
			defer g.close()
			if err := g.replayScenario(t.Context(), s); (err != nil) != test.fails {
				t.Errorf("got %v, want a failure: %t", err, test.fails)
			}
		})
	}
}

func TestReplayScenario_ServerThatDoesNotStart(t *testing.T) {
	t.Parallel()
	g := &group{t: t, start: func(testing.TB, []byte, bool) (Target, error) { return nil, errors.New("no key") }}
	defer g.close()
	for range 2 {
		if err := g.replayScenario(t.Context(), &scenario{}); err == nil || !strings.Contains(err.Error(), "no key") {
			t.Errorf("got %v, want the start error", err)
		}
	}
}

func TestReplayInGroups(t *testing.T) {
	t.Parallel()
	_, all, err := loadVectors(testdata)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var got []string
	replayInGroups(all, func(g *group, s *scenario) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, s.Name)
		if diff := cmp.Diff(g.members[0].Profile, s.Profile); diff != "" || g.members[0].blacklistApp() != s.blacklistApp() {
			t.Errorf("%s shares a server of other settings: %s", s.Name, diff)
		}
	}, func(members []*scenario) *group { return &group{members: members} })
	var want []string
	for _, s := range all {
		want = append(want, s.Name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scenarios (-want +got):\n%s", diff)
	}
}
