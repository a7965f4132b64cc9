package models_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/models"
)

// One statement fails: each of every operation, one after the other. Whether the database executed it or not, the answer is right or
// ErrServiceUnavailable, the tables are sound, and the same request afterwards succeeds.
func TestStore_StatementFails(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		s := newFailingAuth(t, d)
		for _, o := range listOperations() {
			t.Run(o.name, func(t *testing.T) {
				runEveryOutage(t, s, func(mode outageMode, at int) bool { return s.runWithOutage(t, o, mode, at) })
			})
		}
	})
}

// outageMode is a way in which a statement fails.
type outageMode struct {
	name  string
	lose  bool
	err   error
	heals bool // the library must try again by itself
}

// runEveryOutage makes the first statement fail, then the second, and so on, until try reports that it took fewer: in every mode
// with TEST_FULL=1, else only in the one that leaves the most open.
func runEveryOutage(t *testing.T, s *failingAuth, try func(mode outageMode, at int) bool) {
	t.Helper()
	modes := []outageMode{
		{name: "executed, but not answered", lose: true, err: errConnectionLost},
		{name: "not executed", err: errConnectionLost},
		{name: "lost to another transaction", err: conflictError(s.database), heals: true},
	}
	for _, mode := range modes[:pickByLevel(1, len(modes))] {
		at := 1
		for try(mode, at) {
			at++
		}
		if at == 1 {
			t.Errorf("%s: no statement was seen", mode.name)
		}
	}
}

// failingAuth is an Auth over a database with outages, and a handle of that database without outages.
type failingAuth struct {
	database
	*tableBackend
	outage outage
	now    time.Time
	users  *models.Users[account, *account]
	store  *models.Store
	ids    atomic.Int64
	auth   *core.Auth
	user   simplejwt.User // whose sessions the operations change
	issued []string       // the ids of all refresh tokens that a client received
}

func newFailingAuth(t *testing.T, d database) *failingAuth {
	t.Helper()
	s := &failingAuth{database: d, tableBackend: newTableBackend(t, d)}
	db := openFailing(t, d, &s.outage)
	s.users, s.store = models.NewUsers[account](db), models.NewStore(db)
	return s
}

// resetTo empties the tables and makes an Auth with these settings, the user, and a bystander with a session.
func (s *failingAuth) resetTo(t *testing.T, p policy) {
	t.Helper()
	s.now, s.issued = now, nil
	requireNoError(t, s.deleteAll(t.Context()))
	s.auth = s.newAuth(t, p.toSettings(), s.store)
	s.login(t, s.addPerson(t, "bystander"))
	s.user = s.addPerson(t, "user")
}

func (s *failingAuth) newAuth(t *testing.T, settings simplejwt.Settings, store core.Store) *core.Auth {
	t.Helper()
	auth, err := core.New(settings, core.Deps{
		Store: store, Users: s.users, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Now: func() time.Time { return s.now }, NewID: func() string { return fmt.Sprint("id-", s.ids.Add(1)) },
	})
	requireNoError(t, err)
	return auth
}

func (s *failingAuth) addPerson(t *testing.T, name string) simplejwt.User {
	t.Helper()
	id, err := s.addUser(t.Context(), name, "password-1")
	requireNoError(t, err)
	user, err := s.users.ByField(t.Context(), "id", id)
	requireNoError(t, err)
	return user
}

func (s *failingAuth) login(t *testing.T, user simplejwt.User) string {
	t.Helper()
	pair, err := s.auth.Login(t.Context(), user)
	requireNoError(t, err)
	return s.noteIssued(t, pair).Refresh
}

func (s *failingAuth) refresh(t *testing.T, raw string) string {
	t.Helper()
	pair, _, err := s.auth.Refresh(t.Context(), raw)
	requireNoError(t, err)
	return s.noteIssued(t, pair).Refresh
}

// noteIssued notes that a client receives a pair.
func (s *failingAuth) noteIssued(t *testing.T, pair core.Pair) core.Pair {
	t.Helper()
	if pair.Refresh != "" {
		s.issued = append(s.issued, s.decodeToken(t, pair.Refresh).JTI())
	}
	return pair
}

func (s *failingAuth) decodeToken(t *testing.T, raw string) *core.Token {
	t.Helper()
	token, err := s.auth.Decode(raw)
	requireNoError(t, err)
	return token
}

// operation is what an outage interrupts.
type operation struct {
	name   string
	policy policy
	// prepare sets up the sessions before the operation, and returns the token to present, if there is one.
	prepare func(t *testing.T, s *failingAuth) string
	do      func(ctx context.Context, s *failingAuth, raw string) (core.Pair, error)
	answer  error // what it answers without an outage
	repeat  error // what it may answer too, where it succeeded before
	// least and most are how many live tokens the user has in the end.
	least, most int
	// adopts is how many live tokens it may record that were not on record.
	adopts int
	// siblings says that a session may have several live tokens.
	siblings bool
}

// runWithOutage runs an operation with an outage at a statement and reports whether it reached that statement.
func (s *failingAuth) runWithOutage(t *testing.T, o operation, mode outageMode, at int) bool {
	t.Helper()
	s.resetTo(t, o.policy)
	raw := o.prepare(t, s)
	before := s.countLive(t)
	s.outage.failAt(at, mode.lose, mode.err)
	pair, err := o.do(context.Background(), s, raw)
	failed := s.outage.disarm()
	what := fmt.Sprintf("statement %d %s", at, mode.name)
	s.noteIssued(t, pair)
	s.wantSound(t, what, o)
	switch live := s.countLive(t); {
	case matchesError(err, o.answer):
		s.wantLive(t, what, o.least, o.most)
		s.wantUsable(t, what, pair)
	case !failed || mode.heals || !errors.Is(err, core.ErrServiceUnavailable):
		t.Errorf("%s: answered %v, want %v", what, err, o.answer)
	case live < min(before, o.least) || live > max(before+o.adopts, o.most):
		t.Errorf("%s: %d live tokens, there were %d before", what, live, before)
	}
	if !matchesError(err, o.answer) {
		s.repeatOperation(t, what, o, raw)
	}
	return failed
}

// repeatOperation repeats an operation that was answered by ErrServiceUnavailable, without an outage.
func (s *failingAuth) repeatOperation(t *testing.T, what string, o operation, raw string) {
	t.Helper()
	what += ", then again"
	pair, err := o.do(context.Background(), s, raw)
	s.noteIssued(t, pair)
	if !matchesError(err, o.answer) && (o.repeat == nil || !errors.Is(err, o.repeat)) {
		t.Errorf("%s: answered %v, want %v", what, err, o.answer)
	}
	s.wantSound(t, what, o)
	s.wantLive(t, what, o.least, o.most)
	s.wantUsable(t, what, pair)
}

// wantUsable checks that the client can refresh the token that it received.
func (s *failingAuth) wantUsable(t *testing.T, what string, pair core.Pair) {
	t.Helper()
	if pair.Refresh == "" {
		return
	}
	if row := s.readAllRows(t)[s.decodeToken(t, pair.Refresh).JTI()]; row.JTI == "" || row.Blacklisted {
		t.Errorf("%s: the issued token is on record as %+v", what, row)
	}
	if _, _, err := s.auth.Refresh(t.Context(), pair.Refresh); err != nil {
		t.Errorf("%s: the issued token is rejected: %v", what, err)
	}
}

func (s *failingAuth) wantLive(t *testing.T, what string, least, most int) {
	t.Helper()
	if n := s.countLive(t); n < least || n > most {
		t.Errorf("%s: the user has %d live tokens, want %d to %d", what, n, least, most)
	}
}

// countLive counts the tokens of the user that are not on the blacklist.
func (s *failingAuth) countLive(t *testing.T) (n int) {
	t.Helper()
	for _, row := range s.readAllRows(t) {
		if row.UserID == s.user.AuthID() && !row.Blacklisted {
			n++
		}
	}
	return n
}

func (s *failingAuth) readAllRows(t *testing.T) map[string]core.TokenState {
	t.Helper()
	rows, err := s.readRows(t.Context(), nil)
	requireNoError(t, err)
	return rows
}

// wantSound checks what must hold at any time: there is a record of every token that a client has, a successor of each
// rotated token and of no other, one live token a session, and the bystander's session.
func (s *failingAuth) wantSound(t *testing.T, what string, o operation) {
	t.Helper()
	rows := s.readAllRows(t)
	successors, live, bystanders := map[string]int{}, map[string]int{}, 0
	for _, row := range rows {
		successors[row.ParentJTI]++
		if row.UserID != s.user.AuthID() {
			bystanders++
		}
		if !row.Blacklisted {
			live[row.SessionID]++
		}
	}
	for session, n := range live {
		if n > 1 && !o.siblings {
			t.Errorf("%s: the session %s has %d live tokens", what, session, n)
		}
	}
	for _, row := range rows {
		rotated := 0
		if row.Reason == core.ReasonRotated {
			rotated = 1
		}
		if n := successors[row.JTI]; n != rotated && !o.siblings {
			t.Errorf("%s: %s has %d successors, its reason is %q", what, row.JTI, n, row.Reason)
		}
	}
	for _, jti := range s.issued {
		if row := rows[jti]; row.SessionID == "" || row.UserID == "" {
			t.Errorf("%s: the record of %s, which a client has, is %+v", what, jti, row)
		}
	}
	if first := rows[s.issued[0]]; bystanders != 1 || first.Blacklisted {
		t.Errorf("%s: the bystander has %d tokens, the first one %+v", what, bystanders, first)
	}
}
