// Package conformance replays recorded HTTP answers of Django REST framework
// SimpleJWT against this module's server, in process, and reports every
// difference.
//
// The vectors are in testdata, each file a list of scenarios; keys.json holds the
// test keys that they name. Start reading at [Run]; vectors.go has the format,
// match.go the rules for comparing an answer.
package conformance

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const (
	// minScenarios is how many scenarios testdata must hold at least, so that an
	// empty or truncated folder fails.
	minScenarios = 150
	// workers is how many servers run at a time: more than there are cores,
	// because some scenarios sleep.
	workers = 4
)

// Target is a server under test with its own database. Its methods are called by
// one goroutine at a time, but while the server answers requests.
type Target interface {
	// Handler returns the root handler of the server, with the routes of the
	// vectors: /api/token/ and everything below it, /api/me/ and
	// /api/me/stateless/.
	Handler() http.Handler
	// DB returns the database of the server. It is only read.
	DB() *sql.DB
	// Postgres reports whether the placeholders of DB are numbered ($1) and not
	// question marks.
	Postgres() bool
	// CreateUser creates a user and returns the id that tokens carry, as text.
	CreateUser(ctx context.Context, username, password string, inactive bool) (id string, err error)
	// Deactivate makes the user inactive.
	Deactivate(ctx context.Context, username string) error
	// DeleteUser deletes the user. The token rows stay, without a user.
	DeleteUser(ctx context.Context, username string) error
	// SetPassword stores a new password, hashed with a new salt.
	SetPassword(ctx context.Context, username, password string) error
	// Flush deletes the rows of expired tokens.
	Flush(ctx context.Context) error
	// Close releases the resources of the target.
	Close()
}

// Start makes a Target from settings, a JSON object as in a settings file.
// Without blacklistApp the server has no token store. It must return an error
// that names invalid settings, and not call t.Fatal. t ends after the Target.
type Start func(t testing.TB, settings []byte, blacklistApp bool) (Target, error)

// Run replays every scenario as a subtest with its name. Scenarios with equal
// settings share one Target, which the first of them starts. Scenarios that need
// a feature in without are skipped. Run logs how many scenarios ran, and fails t
// if testdata holds too few.
func Run(t *testing.T, start Start, without ...string) {
	t.Helper()
	keys, scenarios, err := loadVectors(testdata)
	if err != nil {
		t.Fatalf("load vectors: %v", err)
	}
	if len(scenarios) < minScenarios {
		t.Fatalf("found %d scenarios, want at least %d", len(scenarios), minScenarios)
	}
	var ran atomic.Int64
	replayInGroups(scenarios, func(g *group, s *scenario) {
		t.Run(s.Name, func(t *testing.T) {
			if need := firstCommon(s.Needs, without); need != "" {
				t.Skipf("needs %s", need)
			}
			ran.Add(1) // not those that were skipped
			if err := g.replayScenario(t.Context(), s); err != nil {
				t.Errorf("%s: %v\nthe rule: %s (%s)", s.Name, err, s.What, s.file)
			}
		})
	}, func(members []*scenario) *group {
		return &group{t: t, start: start, keys: keys, members: members}
	})
	t.Logf("%d of %d scenarios ran", ran.Load(), len(scenarios))
}

// replayInGroups distributes the scenarios, in groups of equal settings, to a few
// workers, and returns when all are done.
func replayInGroups(scenarios []*scenario, run func(*group, *scenario), newGroup func([]*scenario) *group) {
	queue := make(chan []*scenario)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for members := range queue {
				g := newGroup(members)
				for _, s := range members {
					run(g, s)
				}
				g.close()
			}
		})
	}
	// The largest group comes first, so that no worker is left with it at the end.
	for _, members := range groupBySettings(scenarios) {
		queue <- members
	}
	close(queue)
	wg.Wait()
}

// group is a set of scenarios that share one server, because their settings are
// equal. One worker replays all of them.
type group struct {
	t       testing.TB
	start   Start
	keys    keyring
	members []*scenario

	started bool
	target  Target           // nil until started
	server  *httptest.Server // serves target
	jwks    *httptest.Server // serves the key set of JWK_URL, if the settings have one
	err     error            // why the server did not start
}

// replayScenario replays one scenario on the server of the group. The first
// scenario starts the server.
func (g *group) replayScenario(ctx context.Context, s *scenario) error {
	if !g.started {
		g.started = true
		g.target, g.err = g.newTarget(s)
		if g.err == nil {
			g.server = httptest.NewServer(g.target.Handler())
		}
	}
	if s.Startup != nil {
		return s.Startup.checkError(g.err)
	}
	if g.err != nil {
		return fmt.Errorf("the server did not start: %w", g.err)
	}
	return replayOnServer(ctx, g.target, g.server.Listener.Addr().String(), g.keys, s)
}

// newTarget starts a server with the settings of a scenario, their variables
// filled in. For JWK_URL it also serves a key set.
func (g *group) newTarget(s *scenario) (Target, error) {
	v := newVars(g.keys, 0)
	profile := make(map[string]any, len(s.Profile))
	for name, value := range s.Profile {
		if list, ok := jwksNames(value); ok {
			server, err := serveKeySet(g.keys, list)
			if err != nil {
				return nil, err
			}
			g.jwks = server
			value = server.URL + "/jwks.json"
		}
		filled, err := v.fillValue(value)
		if err != nil {
			return nil, err
		}
		profile[name] = filled
	}
	settings, err := encodeJSON(profile)
	if err != nil {
		return nil, err
	}
	return g.start(g.t, settings, s.blacklistApp())
}

// close ends the servers of the group, as far as they have started.
func (g *group) close() {
	if g.server != nil {
		g.server.Close()
	}
	if g.err == nil && g.target != nil {
		g.target.Close()
	}
	if g.jwks != nil {
		g.jwks.Close()
	}
}

// checkError compares the error of a start with the one that the scenario
// expects. Only the names of settings must agree: the sentences are ours.
func (want *startup) checkError(err error) error {
	if err == nil {
		return errors.New("the server started, but these settings must be rejected")
	}
	for _, text := range want.StderrContains {
		if !strings.Contains(err.Error(), text) {
			return fmt.Errorf("the start error lacks %q: %s", text, shorten(err.Error()))
		}
	}
	return nil
}

// firstCommon returns the first element of a that is also in b, or "".
func firstCommon(a, b []string) string {
	if i := slices.IndexFunc(a, func(x string) bool { return slices.Contains(b, x) }); i >= 0 {
		return a[i]
	}
	return ""
}
