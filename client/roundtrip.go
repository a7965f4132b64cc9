package client

import (
	"io"
	"net/http"
	"net/url"
)

// maxDrain is how much of a 401's body is read, so that its connection can be used again.
const maxDrain = 64 << 10

// roundTrip is RoundTrip. The caller's request is never changed: what is sent are copies.
func (e *engine) roundTrip(req *http.Request) (*http.Response, error) {
	if !e.takesToken(req) {
		return e.transport.RoundTrip(req)
	}
	access, err := e.token(req.Context())
	if err != nil {
		closeBody(req.Body)
		return nil, err
	}
	resp, err := e.send(req, req.Body, access)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || !e.refused(access) {
		return resp, err
	}
	body, ok := rewound(req)
	if !ok {
		return resp, nil // the next request refreshes
	}
	_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
	_ = resp.Body.Close()
	access, err = e.token(req.Context())
	if err != nil {
		closeBody(body)
		return nil, err
	}
	return e.send(req, body, access)
}

// takesToken reports whether a request is one of those that get the token.
func (e *engine) takesToken(req *http.Request) bool {
	u := req.URL
	switch {
	case u == nil || u.Opaque != "" || !e.origins[originOf(u.Scheme, u.Host)]: // what is opaque may name another server
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

// send sends a copy of a request with this body and the token. The answer names the caller's request, which has no token.
func (e *engine) send(req *http.Request, body io.ReadCloser, access string) (*http.Response, error) {
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

// rewound is the body of a request from its start, nil for none; false where it can't be had again.
func rewound(req *http.Request) (io.ReadCloser, bool) {
	if req.Body == nil || req.Body == http.NoBody {
		return req.Body, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	body, err := req.GetBody()
	return body, err == nil
}

func closeBody(body io.Closer) {
	if body != nil {
		_ = body.Close()
	}
}
