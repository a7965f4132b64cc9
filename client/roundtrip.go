package client

import (
	"io"
	"net/http"
	"net/url"
)

// maxDrain limits how much of the body of a 401 is read and discarded, so that its connection can be reused.
const maxDrain = 64 << 10

// roundTrip implements Client.RoundTrip. It sends copies, because an http.RoundTripper must not change the request; a request that
// needs no token goes through uncopied. After a 401 it retries once at most, with another token. Like every http.RoundTripper it
// closes the body, even if it returns an error.
func (e *engine) roundTrip(req *http.Request) (*http.Response, error) {
	if !e.needsToken(req) {
		return e.transport.RoundTrip(req)
	}
	access, err := e.accessToken(req.Context())
	if err != nil {
		closeBody(req.Body)
		return nil, err
	}
	resp, err := e.sendWithToken(req, req.Body, access)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || !e.shouldRetryRejected(access) {
		return resp, err
	}
	body, ok := rewindBody(req)
	if !ok {
		return resp, nil // the next request refreshes
	}
	_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
	_ = resp.Body.Close()
	access, err = e.accessToken(req.Context())
	if err != nil {
		closeBody(body)
		return nil, err
	}
	return e.sendWithToken(req, body, access)
}

// needsToken reports whether roundTrip adds the token to a request. The token is sent only to the configured origins, so that a
// redirect cannot carry it to another server: both the URL and Host must name one of them. A request that has the header already
// keeps its own, and a request to the login, refresh or blacklist view needs no token.
func (e *engine) needsToken(req *http.Request) bool {
	u := req.URL
	switch {
	case u == nil || u.Opaque != "" || !e.origins[originOf(u.Scheme, u.Host)]: // an opaque URL may name another server
		return false
	case req.Host != "" && !e.origins[originOf(u.Scheme, req.Host)]: // another server behind the same address
		return false
	case len(req.Header[e.header]) > 0:
		return false
	}
	for _, view := range []*url.URL{e.tokenURL, e.refreshURL, e.blacklistURL} {
		if u.Path == view.Path && originOf(u.Scheme, u.Host) == originOf(view.Scheme, view.Host) {
			return false
		}
	}
	return true
}

// sendWithToken sends a copy of a request with this body and the token. It sets resp.Request to the caller's request, so that the
// response does not contain the token.
func (e *engine) sendWithToken(req *http.Request, body io.ReadCloser, access string) (*http.Response, error) {
	sent := req.Clone(req.Context())
	sent.Body = body
	if sent.Header == nil {
		sent.Header = http.Header{}
	}
	sent.Header[e.header] = []string{e.scheme + " " + access}
	resp, err := e.transport.RoundTrip(sent)
	if resp != nil {
		resp.Request = req
	}
	return resp, err
}

// rewindBody returns the body of a request from its start, nil if it has none. It reports false if the body cannot be read again.
func rewindBody(req *http.Request) (io.ReadCloser, bool) {
	if req.Body == nil || req.Body == http.NoBody {
		return req.Body, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	body, err := req.GetBody()
	return body, err == nil
}

// closeBody closes a body that will not be sent; nil is allowed.
func closeBody(body io.Closer) {
	if body != nil {
		_ = body.Close()
	}
}
