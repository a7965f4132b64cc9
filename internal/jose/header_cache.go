package jose

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// maxHeaders limits how many headers are kept: an issuer writes one for each of its keys.
const maxHeaders = 32

// headerCache keeps the texts of headers whose tokens were verified, so that each is read as JSON once. Only holders of a
// key can fill it. The zero value is empty.
type headerCache struct {
	list atomic.Pointer[[]cachedHeader]
	mu   sync.Mutex // held to add
}

type cachedHeader struct{ text, kid string }

// find returns the kid of a header that is kept.
func (h *headerCache) find(text string) (kid string, ok bool) {
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

// add keeps a header once, unless the cache is full. It copies the texts, as they may be parts of a larger one.
func (h *headerCache) add(text, kid string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.find(text); ok {
		return // added by another of the first requests
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

// parseHeader checks a header in base64url: the algorithm, no extensions, and the type of a JWT. It returns the kid, ""
// for none.
func parseHeader(text, algorithm string) (kid string, err error) {
	h, err := decodeClaims(text)
	if err != nil {
		return "", err
	}
	kid, isText := h.Get("kid").Text()
	switch {
	case !h.Get("alg").Is(algorithm), h.Has("kid") && !isText:
		return "", ErrInvalid
	case h.Has("crit"), h.Has("b64"): // unknown extensions change what is signed
		return "", ErrInvalid
	case h.Has("typ") && !isJWTType(h.Get("typ")):
		return "", ErrInvalid
	}
	return kid, nil
}

// isJWTType compares the header typ without regard to case (RFC 7515 section 4.1.9).
func isJWTType(typ *Claim) bool {
	s, _ := typ.Text()
	s = strings.TrimPrefix(strings.ToLower(s), "application/")
	return s == "jwt" || s == "at+jwt"
}
