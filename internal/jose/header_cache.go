package jose

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// maxHeaders is how many headers are kept. An issuer writes one header for each of its keys, so a few are enough.
const maxHeaders = 32

// headerCache keeps the base64url texts of headers of verified tokens, so that each header is read as JSON once. Only a
// header that parseHeader accepted and whose token has a valid signature is added, so nobody without a key can fill the
// cache. Reads take no lock. The zero value is empty and ready to use.
type headerCache struct {
	list atomic.Pointer[[]cachedHeader] // never changed in place
	mu   sync.Mutex                     // held to replace list
}

// cachedHeader is a header as it was sent, and its kid.
type cachedHeader struct{ text, kid string }

// findKID returns the kid of a header that is kept; ok reports whether it is.
func (h *headerCache) findKID(text string) (kid string, ok bool) {
	list := h.list.Load()
	if list == nil {
		return "", false
	}
	for i := range *list {
		if (*list)[i].text == text {
			return (*list)[i].kid, true
		}
	}
	return "", false
}

// addHeader keeps a header, unless it is kept already or the cache is full. It copies the texts: they may be parts of a
// whole token, which the cache would keep in memory.
func (h *headerCache) addHeader(text, kid string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.findKID(text); ok {
		return // a concurrent request was first
	}
	var list []cachedHeader
	if p := h.list.Load(); p != nil {
		list = *p
	}
	if len(list) >= maxHeaders {
		return
	}
	list = append(slices.Clip(list), cachedHeader{strings.Clone(text), strings.Clone(kid)})
	h.list.Store(&list)
}

// parseHeader reads a header in base64url and returns its kid, "" for none. The header is invalid unless alg is the
// algorithm in force, kid is a string, typ is that of a JWT, and there is no extension (RFC 7515 section 4.1.11). Keys in
// the header (jwk, jku, x5c and the like) are ignored: a token must not bring its own key.
func parseHeader(text, algorithm string) (kid string, err error) {
	h, err := decodeClaims(text)
	if err != nil {
		return "", err
	}
	kid, isText := h.Get("kid").Text()
	switch {
	case !h.Get("alg").Is(algorithm), h.Has("kid") && !isText:
		return "", ErrInvalid
	case h.Has("crit"), h.Has("b64"): // extensions that change what is signed, such as RFC 7797
		return "", ErrInvalid
	case h.Has("typ") && !isJWTType(h.Get("typ")):
		return "", ErrInvalid
	}
	return kid, nil
}

// isJWTType reports whether typ is that of a JWT or of an access token (RFC 9068), case-insensitive and with or without
// "application/" (RFC 7515 section 4.1.9).
func isJWTType(typ *Claim) bool {
	s, _ := typ.Text()
	s = strings.TrimPrefix(strings.ToLower(s), "application/")
	return s == "jwt" || s == "at+jwt"
}
