package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// caseTimeout ends a case that hangs. The slowest case records some 2,500 tokens one by one.
const caseTimeout = 5 * time.Minute

// Harness is a store under test and what the suite has to know about it. Only Store is required.
type Harness struct {
	// Store is the store under test. It should be empty. The suite's jtis are unique, so rows that an earlier run
	// left are harmless.
	Store core.Store
	// Again opens a second handle on the same data: another connection pool, as another process has one. Concurrent
	// calls are then spread over both. Nil if the data can't be opened twice.
	Again func(t *testing.T) core.Store
	// AddUser creates a user that rows can refer to and returns its primary key as text. Nil if the store does not
	// check users; the suite then makes up ids.
	AddUser func(ctx context.Context) (id string, err error)
	// DeleteUser deletes a user that AddUser created. Nil skips the cases about deleted users.
	DeleteUser func(ctx context.Context, id string) error
	// EnforcesUsers declares that the store returns core.ErrUserGone for a user without a row. It needs DeleteUser.
	EnforcesUsers bool
}

// testCase is one rule of core.Store and the code that checks it.
type testCase struct {
	name string
	// rule is what a store must do and why it matters. A failure logs it.
	rule string
	// missing returns what the harness lacks to run the case, "" for nothing. Nil returns nothing too.
	missing func(Harness) string
	run     func(*env)
}

// Run checks that the store keeps the contract of core.Store, one sub-test for each rule. open is called once, with
// the test that Run was given, so that its clean-ups run after the last case. All cases share the store, one after
// the other.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	h := open(t)
	second := h.Store
	if h.Again != nil {
		second = h.Again(t)
	}
	for _, c := range allCases() {
		t.Run(c.name, func(t *testing.T) {
			if c.missing != nil {
				if what := c.missing(h); what != "" {
					t.Skip(what)
				}
			}
			defer func() {
				if t.Failed() {
					t.Logf("the rule: %s", c.rule)
				}
			}()
			ctx, cancel := context.WithTimeout(t.Context(), caseTimeout)
			defer cancel()
			c.run(newEnv(ctx, t, h, second))
		})
	}
}

// allCases returns the cases of all files, in the order in which they run.
func allCases() []testCase {
	var all []testCase
	for _, group := range [][]testCase{
		recordCases(), rotateCases(), sessionEndCases(), ownerCases(), blacklistCases(), stateCases(), revokeCases(), sessionsCases(), flushCases(),
		userCases(), contextCases(), raceCases(), revokeRaceCases(),
	} {
		all = append(all, group...)
	}
	return all
}
