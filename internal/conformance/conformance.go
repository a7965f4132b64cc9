// Package conformance replays recorded HTTP answers of Django REST framework
// SimpleJWT against this module's server, in process, and reports every
// difference.
//
// The vectors lie in testdata, one list of scenarios a file; keys.json holds the
// test keys they name. Start reading at [Run]; vectors.go has the format,
// match.go the rules by which an answer is compared.
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
	// minScenarios is the least number of scenarios testdata must hold, so that
	// an empty or truncated folder cannot pass.
	minScenarios = 150
	// workers is how many servers run side by side. Some scenarios sleep, so
	// more than one a core pays off.
	workers = 4
)

// Target is one server under test with a database of its own. Its methods are
// called from one goroutine at a time, while the server answers requests.
type Target interface {
	// Handler returns the server's root handler, with the routes of the vectors:
	// /api/token/ and those below it, /api/me/ and /api/me/stateless/.
	Handler() http.Handler
	// DB returns the server's database; the replayer only reads from it.
	DB() *sql.DB
	// Postgres reports whether DB numbers its placeholders ($1) rather than
	// taking question marks.
	Postgres() bool
	// CreateUser makes a user and returns the id that tokens carry, as text.
	CreateUser(ctx context.Context, username, password string, inactive bool) (id string, err error)
	// Deactivate makes the user inactive.
	Deactivate(ctx context.Context, username string) error
	// DeleteUser removes the user; its token rows stay, without a user.
	DeleteUser(ctx context.Context, username string) error
	// SetPassword stores a new password, hashed with a new salt.
	SetPassword(ctx context.Context, username, password string) error
	// Flush removes the rows of expired tokens.
	Flush(ctx context.Context) error
	// Close releases what the target holds.
	Close()
}

// Start makes a Target from settings, a JSON object as in a settings file.
// With blacklistApp false the server has no token store. Faulty settings are an
// error that names them, never a t.Fatal. The t outlives the Target.
type Start func(t testing.TB, settings []byte, blacklistApp bool) (Target, error)

// Run replays every scenario as a subtest of its name. Scenarios with equal
// settings share one Target, made when the first of them runs. Those that need a
// feature listed in without are skipped. Run logs how many scenarios ran, and
// fails when testdata holds suspiciously few.
func Run(t *testing.T, start Start, without ...string) {
	t.Helper()
	keys, scenarios, err := load(testdata)
	if err != nil {
		t.Fatalf("load vectors: %v", err)
	}
	if len(scenarios) < minScenarios {
		t.Fatalf("found %d scenarios, want at least %d", len(scenarios), minScenarios)
	}
	var ran atomic.Int64
	replay(scenarios, func(g *group, s *scenario) {
		t.Run(s.Name, func(t *testing.T) {
			if need := firstCommon(s.Needs, without); need != "" {
				t.Skipf("needs %s", need)
			}
			ran.Add(1)
			if err := g.run(t.Context(), s); err != nil {
				t.Errorf("%s: %v\nthe rule: %s (%s)", s.Name, err, s.What, s.file)
			}
		})
	}, func(members []*scenario) *group {
		return &group{t: t, start: start, keys: keys, members: members}
	})
	t.Logf("%d of %d scenarios ran", ran.Load(), len(scenarios))
}

// replay hands the scenarios, in groups of equal settings, to a few workers.
// It returns when all are done.
func replay(scenarios []*scenario, run func(*group, *scenario), newGroup func([]*scenario) *group) {
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
	for _, members := range groups(scenarios) {
		queue <- members
	}
	close(queue)
	wg.Wait()
}

// group is a set of scenarios that share one server.
type group struct {
	t       testing.TB
	start   Start
	keys    keyring
	members []*scenario

	started bool
	target  Target
	server  *httptest.Server
	jwks    *httptest.Server
	err     error // why the server did not start
}

// run replays one scenario on the group's server, which it starts if need be.
func (g *group) run(ctx context.Context, s *scenario) error {
	if !g.started {
		g.started = true
		g.target, g.err = g.newTarget(s)
		if g.err == nil {
			g.server = httptest.NewServer(g.target.Handler())
		}
	}
	if s.Startup != nil {
		return s.Startup.check(g.err)
	}
	if g.err != nil {
		return fmt.Errorf("the server did not start: %w", g.err)
	}
	return runScenario(ctx, g.target, g.server.Listener.Addr().String(), g.keys, s)
}

// newTarget starts the server with the scenario's settings filled in.
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
		filled, err := v.fill(value)
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

// check compares how the server failed to start with how it had to.
func (want *startup) check(err error) error {
	if err == nil {
		return errors.New("the server started, it should have refused these settings")
	}
	for _, text := range want.StderrContains {
		if !strings.Contains(err.Error(), text) {
			return fmt.Errorf("the start error lacks %q: %s", text, short(err.Error()))
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
