// Package storetest is the conformance suite of core.Store: every store must pass it, custom ones too. Testing a store takes
// one call:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) storetest.Harness {
//			db := openEmptyDatabase(t)
//			return storetest.Harness{
//				Store: mystore.New(db),
//				Again: func(t *testing.T) core.Store { return mystore.New(openAnotherPool(t, db)) },
//			}
//		})
//	}
//
// Run it with the race detector too, and once for each isolation level that the database may be configured with. A store
// whose tokens refer to users sets [Harness.AddUser], and [Harness.DeleteUser] and [Harness.EnforcesUsers] if they apply.
//
// # Reading a failure
//
// Each case is a sub-test whose name is a rule of core.Store. A failed case also logs why the rule matters. To run one case:
//
//	go test -run 'TestStore/Rotate_rejects_a_blacklisted_token'
//
// # Reading the code
//
// Start at [Run]. The cases are in files named after the method that they test; race.go and race_revoke.go have those about
// concurrency, owner.go those about records of other users. env.go has what the cases share. The suite's own tests run each
// case against a store with that very bug, so every case is known to fail when it should.
package storetest
