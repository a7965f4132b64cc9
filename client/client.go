// Package client talks to an API that is protected by simplejwt, or by Django REST framework SimpleJWT, for services and
// command line programs: it puts the access token into requests, refreshes it in time, once for all goroutines, and keeps
// the session over lost answers and beside other processes. Tokens travel in a header; cookies are a browser's matter.
// Start with [New]; the path of a request is in roundtrip.go, that of a refresh in refresh.go.
package client

import (
	"context"
	"fmt"
	"net/http"
)

// Client is an http.RoundTripper with a session. It is safe for concurrent use. Make one with [New].
type Client struct{ e *engine }

var _ http.RoundTripper = (*Client)(nil)

// New checks the configuration and returns a Client for it. It asks neither the store nor the server. The error names all
// faults at once, one on a line.
func New(config Config) (*Client, error) {
	e, err := newEngine(config)
	if err != nil {
		return nil, err
	}
	return &Client{e: e}, nil
}

// Client returns a new http.Client that sends its requests through c. It has no time-out: give requests a context.
func (c *Client) Client() *http.Client { return &http.Client{Transport: c} }

// RoundTrip sends a request with the access token and returns the answer. It refreshes before, where the token is about
// to expire, and on a 401, after which it sends the request once more if that has no body or a GetBody; else the 401 is
// returned untouched, and the next request refreshes. The answer to the second sending is returned whatever it is. After
// a refresh that did not help, further 401s are returned without another one for five seconds.
//
// A request passes as it is where it goes to another scheme, host or port than Config.BaseURL and Config.Origins name,
// where it has the header of the token already, and where it asks the login, refresh or blacklist view itself.
//
// Errors, beside those of the transport: ErrNotLoggedIn, ErrSessionEnded, an *Error where the server can't be asked for a
// token, what the Store says, and the error of the request's context.
func (c *Client) RoundTrip(req *http.Request) (*http.Response, error) { return c.e.roundTrip(req) }

// Login asks the login view for a new session, which takes the place of the one that is there; to end that on the server
// call Logout before. fields are what else the view is to be told, such as "device_name" or a one-time password; nil for
// nothing. It waits for a refresh under way, and sends the password once.
//
// Errors: an *Error with what the server said, or the error of Store.Save. In the latter case the session stands, in
// memory only.
func (c *Client) Login(ctx context.Context, username, password string, fields map[string]any) error {
	return c.e.login(ctx, username, password, fields)
}

// Logout puts the refresh token on the server's blacklist and forgets the tokens, in memory and in the Store, also where
// the server can't be reached or ctx has ended. Without tokens it does nothing. The errors of all it did are joined; one
// that is ErrSessionEnded says that the server knew the session as over already.
func (c *Client) Logout(ctx context.Context) error { return c.e.logout(ctx) }

// CloseIdleConnections closes the idle connections of Config.Transport, if it can.
func (c *Client) CloseIdleConnections() {
	if t, ok := c.e.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Format prints nothing of the tokens, for every verb.
func (c Client) Format(w fmt.State, _ rune) {
	if c.e == nil {
		fmt.Fprint(w, "client.Client{}")
		return
	}
	fmt.Fprint(w, "client.Client{", c.e.base, "}")
}
