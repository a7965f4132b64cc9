package core

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// maxHeaders is how many headers are remembered: issuers write one for each of their keys.
const maxHeaders = 32

// headers remember the JOSE headers of tokens whose signature was good, as they are written, so that a header is read as
// JSON once. A forger can't fill them.
type headers struct {
	known atomic.Pointer[[]header]
	mu    sync.Mutex
}

type header struct{ text, kid string }

// kid is the key id of a header that is known to be good.
func (h *headers) kid(text string) (kid string, ok bool) {
	known := h.known.Load()
	if known == nil {
		return "", false
	}
	for i := range *known {
		if (*known)[i].text == text {
			return (*known)[i].kid, true
		}
	}
	return "", false
}

// learn remembers a header.
func (h *headers) learn(text, kid string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var known []header
	if p := h.known.Load(); p != nil {
		known = *p
	}
	if len(known) >= maxHeaders {
		return
	}
	known = append(slices.Clip(known), header{strings.Clone(text), strings.Clone(kid)})
	h.known.Store(&known)
}

// readHeader checks a header that is not known: ALGORITHM, no extension, and the type of a JWT. It returns the key id, ""
// for none.
func (a *Auth) readHeader(text string) (kid string, err error) {
	p, err := decodePayload(text)
	if err != nil {
		return "", err
	}
	kid, isText := p.at("kid").text()
	switch {
	case !p.at("alg").is(a.s.Algorithm), p.at("kid") != nil && !isText:
		return "", ErrTokenInvalid
	case p.at("crit") != nil, p.at("b64") != nil: // extensions that we do not know change what is signed
		return "", ErrTokenInvalid
	case p.at("typ") != nil && !isJWTType(p.at("typ")):
		return "", ErrTokenInvalid
	}
	return kid, nil
}

// isJWTType compares the header typ without regard to case (RFC 7515 section 4.1.9).
func isJWTType(typ *claim) bool {
	s, _ := typ.text()
	s = strings.TrimPrefix(strings.ToLower(s), "application/")
	return s == "jwt" || s == "at+jwt"
}
