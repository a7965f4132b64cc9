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
	fetchTimeout = 5 * time.Second
	maxBodyBytes = 1 << 20
	maxRedirects = 3
)

// source is where the key set comes from.
type source struct {
	url    string
	client *http.Client
}

// newSource checks the URL. Its errors do not repeat it, as it may hold a secret.
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

// limitRedirects rejects too many redirects and one to where JWK_URL may not point, and then asks the client's own rule.
func limitRedirects(own func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return fmt.Errorf("more than %d redirects", maxRedirects)
		}
		if err := jwkurl.CheckRedirect(via[len(via)-1].URL, req.URL); err != nil {
			return err
		}
		req.Header.Del("Referer") // the URL is not the other server's business
		if own != nil {
			return own(req, via)
		}
		return nil
	}
}

// get fetches the body of the key set. Its errors do not hold the URL.
func (s source) get(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, withoutURL(err)
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	req.Close = true // an hour from now the connection is of no use, and it would outlive ctx
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer has status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBodyBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if len(body) > maxBodyBytes {
		return nil, fmt.Errorf("the answer has more than %d bytes", maxBodyBytes)
	}
	return body, nil
}

// withoutURL takes the URL out of an error of net/http, as its query may hold a secret.
func withoutURL(err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		return outer.Err
	}
	return err
}
