// Package core is the token engine. It issues, verifies, rotates and blacklists tokens, and authenticates users
// with them. It depends on no web framework and on no database. Start with [New].
//
// # Operations
//
// [Auth] has one operation for each of SimpleJWT's views: [Auth.ObtainPair], [Auth.Refresh], [Auth.Verify],
// [Auth.Blacklist], [Auth.ObtainSliding] and [Auth.RefreshSliding]. [Auth.Login] logs a user in without a password,
// and [Auth.AuthenticateToken] authenticates a request. The package views serves these operations over HTTP.
//
// # Tokens
//
// A [Token] is a token class and a set of claims. [Auth.ForUser] and [Auth.NewToken] create one, [Auth.ParseToken]
// verifies one, and [Token.Sign] encodes it. [Deps.TokenClasses] adds classes to SimpleJWT's.
//
// # Sessions
//
// With a [Store], refresh and sliding tokens are recorded. A session is one login and all tokens that descend from
// it. [Auth.Sessions] lists the sessions of a user. [Auth.RevokeSession], [Auth.RevokeUser] and
// [Auth.PasswordChanged] end them. An operation that ends sessions continues for up to 10 seconds after its context
// is cancelled, so disconnecting can't prevent it. The table in docs/sessions.md says what a refresh returns, and
// core/verdict.go implements it.
//
// # Stores and users
//
// [Store] keeps the records and [Users] finds users. The package models implements both with GORM, core/memstore in
// memory. core/storetest is the conformance suite for a custom Store.
//
// # Errors
//
// An error that a client may see is an [*Error]. Each kind of failure has one sentinel error: compare with
// [errors.Is].
// An error of the Store, of Users or of a hook becomes [ErrServiceUnavailable], never a denial, because a client
// drops its session on a denial.
package core
