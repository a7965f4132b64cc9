// Package core is the token engine: it issues, verifies, rotates and blacklists tokens and authenticates users with them. It
// knows no web framework and no database. Start with [New].
//
// # Operations
//
// [Auth] has an operation for each of SimpleJWT's views: [Auth.ObtainPair], [Auth.Refresh], [Auth.Verify], [Auth.Blacklist],
// [Auth.ObtainSliding] and [Auth.RefreshSliding]. [Auth.Login] logs a user in without a password, and [Auth.AuthenticateToken]
// authenticates a request. The package views serves them over HTTP.
//
// # Tokens
//
// A [Token] is a class and claims. [Auth.ForUser] and [Auth.NewToken] make one, [Auth.ParseToken] verifies one, [Token.Sign]
// writes it. [Deps.TokenClasses] adds classes to SimpleJWT's.
//
// # Sessions
//
// With a [Store], refresh and sliding tokens are recorded. A session is one login and all tokens that descend from it.
// [Auth.Sessions] lists those of a user; [Auth.RevokeSession], [Auth.RevokeUser] and [Auth.PasswordChanged] end them. What ends
// sessions runs to its end even if its context ends, for at most 10 seconds. The table of what a refresh answers is in
// docs/sessions.md; core/verdict.go is the code of it.
//
// # Stores and users
//
// [Store] keeps the records and [Users] finds users. The package models has both for GORM, core/memstore in memory, and
// core/storetest proves a Store.
//
// # Errors
//
// What a client may be told is an [*Error]. There is one sentinel for each meaning, for errors.Is. An error of the Store, of Users or
// of a hook is [ErrServiceUnavailable], never a denial: a client would drop a good session.
package core
