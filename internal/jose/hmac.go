package jose

import (
	"crypto"
	"crypto/hmac"
	"crypto/subtle"
	"hash"
	"sync"
)

// hmacPool computes HMACs with one key. Keying a hash costs half of the HMAC of a token, so keyed hashes are pooled. It
// is safe for concurrent use.
type hmacPool struct{ pool sync.Pool }

// keyedHash is an HMAC with its key set, and a buffer that is reused for input and sum.
type keyedHash struct {
	hash.Hash
	buf []byte
}

// newHMACPool returns a pool of HMACs with this hash and key.
func newHMACPool(h crypto.Hash, key []byte) *hmacPool {
	return &hmacPool{sync.Pool{New: func() any { return &keyedHash{Hash: hmac.New(h.New, key)} }}}
}

// appendSum appends the HMAC of text to b, in base64url.
func (p *hmacPool) appendSum(b []byte, text string) []byte {
	h, _ := p.pool.Get().(*keyedHash)
	defer p.pool.Put(h)
	h.Reset()
	h.buf = append(h.buf[:0], text...)
	_, _ = h.Write(h.buf) // never fails, see hash.Hash
	h.buf = h.Sum(h.buf[:0])
	return encoding.AppendEncode(b, h.buf)
}

// verifySum reports whether signature is the HMAC of text in base64url. It compares the texts in constant time and does
// not decode the signature: strict base64url has only one spelling of an HMAC.
func (p *hmacPool) verifySum(text, signature string) bool {
	var want, got [86]byte // the base64url text of SHA-512, the longest
	return len(signature) <= len(got) &&
		subtle.ConstantTimeCompare(p.appendSum(want[:0], text), append(got[:0], signature...)) == 1
}
