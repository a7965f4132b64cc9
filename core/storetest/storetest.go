// Package storetest proves a core.Store: it holds the conformance suite that every store must pass, yours too. A test of
// a store is one call:
//
//	func TestMyStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) storetest.Harness {
//			db := openEmptyDatabase(t)
//			return storetest.Harness{
//				Store: mystore.New(db),
//				Again: func(t *testing.T) core.Store { return mystore.New(openAnotherPool(t, db)) },
//			}
//		})
//	}
//
// Run it with the race detector as well. Each failure comes with the rule that was broken and why it matters. Start
// reading at [Run]; the cases lie in the files named after the methods they check, those about concurrency in race.go.
package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// caseTimeout ends a case that hangs. The slowest one records some 2,500 tokens one by one.
const caseTimeout = 5 * time.Minute

// Harness is a store under test and what the suite must know of its surroundings.
type Harness struct {
	// Store is the store under test. It should be empty; the suite's own jtis are unique, so that what an earlier run
	// left behind does no harm.
	Store core.Store
	// Again opens a second handle on the same data: another connection pool, as another process would have. Races are
	// run over both. Nil where the data cannot be opened twice.
	Again func(t *testing.T) core.Store
	// AddUser makes a user the rows can refer to and returns the primary key as text. Nil where the store does not
	// look at users: then the suite makes up ids.
	AddUser func(ctx context.Context) (id string, err error)
	// DeleteUser deletes a user that AddUser made. Nil skips the cases about deleted users.
	DeleteUser func(ctx context.Context, id string) error
	// EnforcesUsers says that the store answers core.ErrUserGone for a user without a row. It needs DeleteUser.
	EnforcesUsers bool
}

// testCase is a rule with the code that checks it.
type testCase struct {
	name string
	// rule says what a store must do and why it matters, for whoever reads the failure.
	rule string
	// missing says what the harness lacks to run the case, "" for nothing; nil is the same.
	missing func(Harness) string
	run     func(*env)
}

// Run checks that the store keeps the contract of core.Store. open is called once, with the test that Run was given, so
// that its clean-ups run after the last case; all cases share the store, one after the other.
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
