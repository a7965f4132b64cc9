// Package client is an http.RoundTripper for services and command line programs that call an API protected by simplejwt, or by
// Django REST framework SimpleJWT. It adds the access token to requests, refreshes it before it expires, with one refresh shared by
// all goroutines, and keeps the session when responses are lost and when several processes share it. It imports only the standard
// library, and sends the token in a header; browsers use cookies or simplejwt.js instead. Start with [New].
//
// # Logging in
//
// [Client.Login] sends the user name and password to the login view and keeps the tokens it returns. [Client.Logout] puts the
// refresh token on the server's blacklist and forgets both tokens. [Client.Client] returns an http.Client for everything else.
// The token goes to the origin of Config.BaseURL and to those of Config.Origins, and nowhere else.
//
// # Refresh
//
// An access token is refreshed shortly before it expires, and after a 401; then the request is sent a second time if its body can
// be read again. All requests that need a token wait for the same refresh, which does not end with the context of any of them.
// If no response arrives, or one that says to try later, the refresh is sent again with the same refresh token: the server may have
// rotated it already, and during ROTATION_GRACE_PERIOD it returns the same successor again.
//
// # Sharing a session between processes
//
// A [Store] keeps the tokens outside the program, for later runs and for other processes. New tokens are saved before any request
// uses them. A refresh loads the store first and uses tokens that another process has saved. A [Locker] is a Store with a lock,
// which keeps two processes from refreshing at the same moment. [Memory] is the Store of a single process.
//
// # Errors
//
// [ErrNotLoggedIn] means that there are no tokens. [ErrSessionEnded] means that the server has ended the session; the [*Error]
// around it says why, and every request fails with it until the next login. Any other *Error means that no token could be obtained;
// the session is kept and the next request retries. Errors contain neither tokens nor passwords.
//
// # Reading the code
//
// roundtrip.go sends requests, refresh.go refreshes, session.go holds token state, views.go calls the server's token endpoints.
package client
