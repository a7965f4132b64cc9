package jwks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/jwkurl"
)

const (
	fetchTimeout = 5 * time.Second // for one fetch with all its redirects
	maxBodyBytes = 1 << 20         // after decompression
	maxRedirects = 3
)

// source is the URL of a key set and the client that fetches it. It is immutable.
type source struct {
	url    string
	client *http.Client
}

// newSource checks the URL and limits the redirects of a copy of the client; nil stands for a new http.Client. Its errors do not hold
// the URL, which may hold a secret.
func newSource(address string, client *http.Client) (source, error) {
	if err := jwkurl.Check(address); err != nil {
		return source{}, err
	}
	if client == nil {
		client = &http.Client{}
	}
	limited := *client
	limited.CheckRedirect = limitRedirects(client.CheckRedirect)
	return source{url: address, client: &limited}, nil
}

// limitRedirects rejects a redirect after maxRedirects others and one to a URL that JWK_URL may not have, and then asks the rule of the
// program's client, if it has one.
func limitRedirects(own func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return fmt.Errorf("more than %d redirects", maxRedirects)
		}
		if err := jwkurl.CheckRedirect(via[len(via)-1].URL, req.URL); err != nil {
			return err
		}
		req.Header.Del("Referer") // the other server must not see the URL
		if own != nil {
			return own(req, via)
		}
		return nil
	}
}

// fetchBody fetches the body of the key set. Only a response with status 200 counts. Its errors do not contain the URL.
func (s source) fetchBody(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, withoutURL(err)
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	req.Close = true // the next fetch is an hour away, and a kept connection would outlive ctx
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the response has status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBodyBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read response: %w", err)
	}
	if len(body) > maxBodyBytes {
		return nil, fmt.Errorf("the response has more than %d bytes", maxBodyBytes)
	}
	return body, nil
}

// withoutURL removes the URL from an error of net/http, because its query may hold a secret.
func withoutURL(err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		return outer.Err
	}
	return err
}
