package client

import (
	"context"
	"fmt"
	"net/http"
)

// Client is an http.RoundTripper with a session. It is safe for concurrent use. The zero value is not usable: make one with [New].
type Client struct{ e *engine }

var _ http.RoundTripper = (*Client)(nil)

// New checks the configuration and returns a Client for it. It calls neither the store nor the server. The error lists everything
// wrong with the configuration, one field on a line, and contains no URL.
func New(config Config) (*Client, error) {
	e, err := newEngine(config)
	if err != nil {
		return nil, err
	}
	return &Client{e: e}, nil
}

// Client returns a new http.Client that sends its requests through c. It has no timeout, so give requests a context with one.
func (c *Client) Client() *http.Client { return &http.Client{Transport: c} }

// RoundTrip sends a copy of the request with the access token and returns the response. If the token is about to expire, RoundTrip
// refreshes it before. After a 401 it refreshes it and sends the request once more, if the request has no body or a GetBody;
// otherwise it returns the 401, and the next request refreshes. It returns the second response even if that is a 401 too. If the API rejects
// the new token too, no 401 causes another refresh for five seconds.
//
// A request is sent without a token if its scheme, host or port is not that of Config.BaseURL or one of Config.Origins, and if it
// is for the login, refresh or blacklist view. One that already has the header of the token keeps it.
//
// RoundTrip returns the errors of the transport and of the Store, the error of the request's context, ErrNotLoggedIn,
// ErrSessionEnded, and an *Error if the server does not issue a token for another reason.
func (c *Client) RoundTrip(req *http.Request) (*http.Response, error) { return c.e.roundTrip(req) }

// Login starts a new session at the login view. It replaces the current session, but does not end it on the server: call Logout
// first for that. fields are further fields of the request, such as "device_name" or a one-time password, and may be nil. Login
// waits for a refresh under way. It sends the password once, without retries.
//
// Login returns an *Error with the server's response, or the error of Store.Save. In the latter case the client has the new session,
// in memory only.
func (c *Client) Login(ctx context.Context, username, password string, fields map[string]any) error {
	return c.e.startSession(ctx, username, password, fields)
}

// Logout puts the refresh token on the server's blacklist and forgets the tokens, in memory and in the Store, even if the server
// cannot be reached or ctx has ended. Without tokens it does nothing. It joins the errors of all steps; one that is
// ErrSessionEnded means that the session had already ended on the server.
func (c *Client) Logout(ctx context.Context) error { return c.e.endSession(ctx) }

// CloseIdleConnections closes the idle connections of Config.Transport if it has a method of that name, as http.Transport does.
func (c *Client) CloseIdleConnections() {
	if t, ok := c.e.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Format implements fmt.Formatter. It prints the origin of Config.BaseURL for every verb, and nothing of the tokens.
func (c Client) Format(w fmt.State, _ rune) {
	if c.e == nil {
		fmt.Fprint(w, "client.Client{}")
		return
	}
	fmt.Fprint(w, "client.Client{", c.e.base, "}")
}
