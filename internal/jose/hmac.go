package jose

import (
	"crypto"
	"crypto/hmac"
	"crypto/subtle"
	"hash"
	"sync"
)

// hmacPool computes HMACs with one key. Keying a hash costs half of what the HMAC of a token costs, so keyed ones are
// pooled.
type hmacPool struct{ pool sync.Pool }

type keyedHash struct {
	hash.Hash
	buf []byte
}

func newHMACPool(h crypto.Hash, key []byte) *hmacPool {
	return &hmacPool{sync.Pool{New: func() any { return &keyedHash{Hash: hmac.New(h.New, key)} }}}
}

// appendSum appends the HMAC of a text to b, in base64url.
func (p *hmacPool) appendSum(b []byte, text string) []byte {
	h, _ := p.pool.Get().(*keyedHash)
	defer p.pool.Put(h)
	h.Reset()
	h.buf = append(h.buf[:0], text...)
	_, _ = h.Write(h.buf) // a hash never fails
	h.buf = h.Sum(h.buf[:0])
	return encoding.AppendEncode(b, h.buf)
}

// verify compares the base64url texts in constant time. As an HMAC has only one, the signature need not be decoded.
func (p *hmacPool) verify(text, signature string) bool {
	var want, got [86]byte // SHA-512
	return len(signature) <= len(got) &&
		subtle.ConstantTimeCompare(p.appendSum(want[:0], text), append(got[:0], signature...)) == 1
}
