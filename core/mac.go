package core

import (
	"crypto"
	"crypto/hmac"
	"crypto/subtle"
	"hash"
	"sync"
)

// macs compute HMACs with one key. Half the price of an HMAC of a token's length is that of keying it, so a keyed one is
// used again.
type macs struct{ pool sync.Pool }

type mac struct {
	hash.Hash
	text []byte
}

func newMACs(h crypto.Hash, key []byte) *macs {
	return &macs{sync.Pool{New: func() any { return &mac{Hash: hmac.New(h.New, key)} }}}
}

// appendSum appends the base64url text of the HMAC of a text.
func (k *macs) appendSum(b []byte, text string) []byte {
	m, _ := k.pool.Get().(*mac)
	defer k.pool.Put(m)
	m.Reset()
	m.text = append(m.text[:0], text...)
	_, _ = m.Write(m.text) // a hash never fails
	m.text = m.Sum(m.text[:0])
	return encoding.AppendEncode(b, m.text)
}

// verify compares texts: only one text stands for an HMAC, so that nothing of the signature has to be decoded.
func (k *macs) verify(text, signature string) bool {
	var want, got [86]byte // SHA-512
	return len(signature) <= len(got) &&
		subtle.ConstantTimeCompare(k.appendSum(want[:0], text), append(got[:0], signature...)) == 1
}
