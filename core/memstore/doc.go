// Package memstore keeps tokens and users in memory: a core.Store and a core.Users. It is for tests, for examples, and for
// programs of a single process that may lose every session when they stop. It needs no database:
//
//	users := memstore.NewUsers()
//	if err := users.Add(memstore.Account{ID: "1", Username: "alice", Password: hash}); err != nil {
//		return err
//	}
//	auth, err := core.New(settings, core.Deps{Users: users, Store: memstore.New()})
//
// The password of an [Account] is a hash in one of Django's formats, as Make of hashers.New(hashers.Options{}) in the
// package core/hashers returns it.
//
// [Store] keeps the whole contract of core.Store and passes the suite of core/storetest. It is also the shortest
// implementation to read for authors of another Store. Records stay in memory until [Store.FlushExpired] deletes them: run
// core.Auth.FlushEvery in a goroutine. After [Users.Delete] call [Store.ForgetUser].
package memstore
