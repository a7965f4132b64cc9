package storetest

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// guarded is a memstore that checks the user of a token, as a database with a foreign key does. It also lists what it
// recorded, for broken stores that need it.
type guarded struct {
	*memstore.Store
	mu       sync.Mutex
	users    map[string]bool
	last     int
	recorded []core.OutstandingToken
}

func newGuarded() *guarded { return &guarded{Store: memstore.New(), users: map[string]bool{"": true}} }

func (g *guarded) Record(ctx context.Context, t core.OutstandingToken) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.users[t.UserID] {
		return fmt.Errorf("record: %w", core.ErrUserGone)
	}
	g.recorded = append(g.recorded, t)
	return g.Store.Record(ctx, t)
}

func (g *guarded) Rotate(ctx context.Context, r core.Rotation) (core.OutstandingToken, bool, error) {
	out, ok, err := g.Store.Rotate(ctx, r)
	if ok {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.recorded = append(g.recorded, out)
	}
	return out, ok, err
}

// members returns the tokens of a scope that are recorded at this moment.
func (g *guarded) members(s core.Scope) []core.OutstandingToken {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []core.OutstandingToken
	for _, t := range g.recorded {
		if (s.SessionID != "" && t.SessionID == s.SessionID) || (s.SessionID == "" && t.UserID == s.UserID) {
			out = append(out, t)
		}
	}
	return out
}

func (g *guarded) addUser(context.Context) (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last++
	id := strconv.Itoa(g.last)
	g.users[id] = true
	return id, nil
}

func (g *guarded) deleteUser(_ context.Context, id string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.users, id)
	g.ForgetUser(id)
	return nil
}

// harness returns the harness of a store that wraps a guarded one.
func (g *guarded) harness(s core.Store) Harness {
	return Harness{
		Store: s, Again: func(*testing.T) core.Store { return s },
		AddUser: g.addUser, DeleteUser: g.deleteUser, EnforcesUsers: true,
	}
}

// recorder collects the failures of a case.
type recorder struct {
	mu       sync.Mutex
	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// failures runs a case against a store and returns its failures.
func failures(ctx context.Context, c testCase, h Harness) []string {
	r := new(recorder)
	var wg sync.WaitGroup
	wg.Go(func() { c.run(newEnv(ctx, r, h, h.Store)) })
	wg.Wait()
	return r.failures
}
