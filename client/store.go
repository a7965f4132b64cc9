package client

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	// saveTimeout limits how long saving tokens may take, even after every other deadline: the old ones may be used up.
	saveTimeout = 10 * time.Second
	saveTries   = 3
)

// reloadDelays are the waits before reloading a shared store after the server has rejected a refresh token: the process whose
// refresh succeeded may be about to save its tokens.
var reloadDelays = []time.Duration{0, 100 * time.Millisecond, 300 * time.Millisecond, 900 * time.Millisecond}

// Store keeps the tokens of one session, for one Client or for several in any number of processes. It must be safe for concurrent
// use, return when the context ends, and put no token into its errors. A Store that processes share should implement Locker too.
type Store interface {
	// Load returns the tokens that were saved last, by any process, and the zero Tokens if there are none. It is called before
	// each refresh, and for each request while there is no session. An error does not end the session: the request fails, and
	// the next one loads again.
	Load(ctx context.Context) (Tokens, error)
	// Save replaces both tokens, or neither. The zero Tokens mean that there are none. When Save has returned nil, Load must
	// return these tokens in every process: the old refresh token may be used up. The same tokens are saved up to three times.
	Save(ctx context.Context, t Tokens) error
}

// Locker is implemented by a Store that several processes share. Without it, two processes may refresh at the same time. Then the
// server's ROTATION_GRACE_PERIOD gives both of them the same session. A server without a grace period rejects one of them, which
// waits up to 1.3 seconds for what the other one saves; with REUSE_DETECTION it ends the session.
type Locker interface {
	// Lock waits until nobody else holds the lock, and returns the function that releases it. The lock of a process that has
	// ended must be released. It is held while tokens are loaded, refreshed and saved: for Config.Timeout and 10 seconds at most.
	Lock(ctx context.Context) (unlock func(), err error)
}

// Memory is a Store in memory, for clients in one process. The zero value is empty and ready to use. It is safe for concurrent use.
type Memory struct{ saved atomic.Pointer[Tokens] }

var _ Store = (*Memory)(nil)

// Load returns the tokens that were saved last. It never returns an error.
func (m *Memory) Load(context.Context) (Tokens, error) {
	if t := m.saved.Load(); t != nil {
		return *t, nil
	}
	return Tokens{}, nil
}

// Save keeps the tokens. It never returns an error.
func (m *Memory) Save(_ context.Context, t Tokens) error {
	m.saved.Store(&t)
	return nil
}

// reloadTokens installs tokens that another process has saved since the store was last loaded or saved. It compares them with
// what the store held then, and not with the session, so that older tokens never replace ones that could not be saved. Only the
// holder calls it.
func (e *engine) reloadTokens(ctx context.Context) error {
	loaded, err := e.store.Load(ctx)
	if err != nil {
		return fmt.Errorf("load tokens: %w", err)
	}
	first := e.stored == nil
	if !first && *e.stored == loaded {
		return nil
	}
	e.stored = &loaded
	if first && e.installed {
		return nil // these are from before a login or a logout that could not be saved
	}
	if loaded != e.currentSession().tokens {
		e.installSession(e.sessionFromStore(loaded))
	}
	return nil
}

// awaitOtherTokens reloads the store until it has a refresh token other than the rejected one, for a little over a second. It
// does not wait if no other process can be about to save: with a private store or a lock.
func (e *engine) awaitOtherTokens(ctx context.Context, rejected Tokens) (found bool, err error) {
	_, locked := e.store.(Locker)
	for _, delay := range reloadDelays {
		if delay > 0 && (e.privateStore || locked || !sleepContext(ctx, delay)) {
			break
		}
		if err := e.reloadTokens(ctx); err != nil {
			return false, err
		}
		if e.currentSession().tokens.Refresh != rejected.Refresh {
			return true, nil
		}
	}
	return false, nil
}

// saveTokens saves tokens, in up to three tries, even if ctx has ended.
func (e *engine) saveTokens(ctx context.Context, t Tokens) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	for try := 1; ; try++ {
		err := e.store.Save(ctx, t)
		if err == nil {
			e.stored = &t
			return nil
		}
		if try == saveTries || !sleepContext(ctx, retryDelay(try)) {
			return fmt.Errorf("save tokens: %w", err)
		}
	}
}

// lockStore takes the lock of a store that has one. unlock is never nil.
func (e *engine) lockStore(ctx context.Context) (unlock func(), err error) {
	locker, ok := e.store.(Locker)
	if !ok {
		return func() {}, nil
	}
	unlock, err = locker.Lock(ctx)
	if err != nil {
		return func() {}, fmt.Errorf("lock tokens: %w", err)
	}
	return unlock, nil
}
