// Package views contains SimpleJWT's endpoints as http.Handlers, and the one function that decides whether a request is
// authenticated. It knows net/http and no framework: the adapters ginjwt, echojwt and stdjwt mount its handlers and wrap [Guard].
// Most applications import only an adapter. Import this package to mount one view or to write a custom route or error response.
//
// # Endpoints
//
// [ObtainPair], [Refresh], [Verify] and [Blacklist] are SimpleJWT's views of token pairs, [ObtainSliding] and [RefreshSliding]
// those of sliding tokens. [Sessions], [OtherSessions] and [Session] let users list and end their own sessions. [Routes],
// [SlidingRoutes] and [SessionRoutes] name the paths at which an adapter mounts them.
//
// The token views accept POST with a JSON, form or multipart body, read as DRF's default parsers read it, within
// DATA_UPLOAD_MAX_MEMORY_SIZE. Fields are checked as DRF's CharField does; bodies, statuses and messages match SimpleJWT's.
// A TOKEN_*_SERIALIZER hook replaces the work of a view or adds to it; [Request] gives it the HTTP request.
//
// All handlers are safe for concurrent use.
//
// # Middleware
//
// [Guard] is the middleware of every adapter. It calls [Authenticate], which takes the token from the header, or from the cookie
// where AUTH_COOKIE is set, and has the core.Authenticator verify it. Handlers behind it find the result by [User] and [Token].
// [CheckPermission] applies a [Permission] to it.
//
// # Cookies and CSRF
//
// With AUTH_COOKIE the views take tokens from cookies and move the tokens they issue into cookies, so that no script sees them.
// A request that may change something must then come from a page of this origin, or of one in CSRF_TRUSTED_ORIGINS, by what the
// browser says in Sec-Fetch-Site and Origin. Where the browser says nothing, the request must carry the CSRF token of its session.
// A login has no session yet, so it must be JSON, which another site can't send without a preflight. The rules themselves are in
// internal/cookie; this package applies them.
//
// Call [SetCookies] and [ClearCookies] from your own login and logout handlers. [BrowserClient] serves the JavaScript client.
//
// # Errors
//
// [WriteError] and [Reject] produce DRF's status and body for an error: a *core.Error has both, a core.ValidationError becomes a 400
// with messages by field, and any other error is logged and becomes a 500 without details. If the database is unavailable, that is a
// 503 (core.ErrServiceUnavailable) and never a 401, because a client would drop its session on a 401. OAUTH_ERRORS adds the fields and
// parameters of RFC 6749 and RFC 6750. [MethodNotAllowed] is DRF's 405.
//
// # Custom routes
//
// [ReadJSON] reads the fields of a body as strictly as the views do. [WithDevice] puts the client's address and user agent on the
// context, for the methods of core.Auth that record a session or end one.
package views
