package jwks

import (
	"crypto"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/MicahParks/jwkset"

	"github.com/go-simplejwt/simplejwt/internal/strictjson"
)

const (
	minRSABits = 2048     // RFC 7518 section 3.3
	maxRSABits = 16 << 10 // verifying with a longer key takes too long
	maxReasons = 10       // a log line names no more skipped keys of one set
)

// errNoSet means that the response is not a key set. The error contains no part of the response.
var errNoSet = errors.New("the response is not a JSON Web Key Set")

// keySet are the keys of a fetched set that can verify tokens of one algorithm. It is immutable once parseSet has returned it.
type keySet struct {
	keys    map[string]crypto.PublicKey // by kid; nil if several keys have it
	skipped int                         // how many keys are not used
	reasons []string                    // why, for the first maxReasons of them
}

// parseSet reads a JSON Web Key Set (RFC 7517 section 5) and keeps the keys that can verify tokens of the algorithm. A key that
// cannot be used or read does not affect the others. The only error is errNoSet.
func parseSet(data []byte, algorithm string) (*keySet, error) {
	members, err := strictjson.Object(string(data))
	if err != nil {
		return nil, errNoSet
	}
	at := slices.IndexFunc(members, func(m strictjson.Member) bool { return m.Name == "keys" })
	if at < 0 || members[at].Raw[0] != '[' {
		return nil, errNoSet
	}
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(members[at].Raw), &list); err != nil {
		return nil, errNoSet
	}
	set := &keySet{keys: make(map[string]crypto.PublicKey, len(list))}
	for i, raw := range list {
		kid, key, err := parseKey(raw, algorithm)
		if err != nil {
			set.skipKey(i, err)
			continue
		}
		set.addKey(i, kid, key)
	}
	return set, nil
}

// addKey adds the i-th key of the set. If another key has the same kid, neither is used: nothing says which of them a token
// means. The same key twice counts as one.
func (s *keySet) addKey(i int, kid string, key crypto.PublicKey) {
	if old, ok := s.keys[kid]; ok && !sameKey(old, key) {
		s.skipKey(i, errors.New("has the kid of another key: neither is used"))
		key = nil
	}
	s.keys[kid] = key
}

// hasUsableKey reports whether any token can be verified with the set.
func (s *keySet) hasUsableKey() bool {
	for _, key := range s.keys {
		if key != nil {
			return true
		}
	}
	return false
}

// sameKey compares public keys of any type of the standard library.
func sameKey(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// skipKey records why the i-th key is not used.
func (s *keySet) skipKey(i int, why error) {
	s.skipped++
	if s.skipped <= maxReasons {
		s.reasons = append(s.reasons, fmt.Sprintf("keys[%d] %v", i, why))
	}
}

// skipReasons says in one line why keys are not used, or that the set is empty.
func (s *keySet) skipReasons() string {
	if s.skipped == 0 {
		return "it is empty"
	}
	text := strings.Join(s.reasons, ", ")
	if more := s.skipped - len(s.reasons); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// parseKey reads one key of a set. Its errors contain nothing of the key and complete a sentence that begins with the key's place.
func parseKey(raw []byte, algorithm string) (kid string, key crypto.PublicKey, err error) {
	members, err := strictjson.Object(string(raw))
	if err != nil {
		return "", nil, errors.New("is not a JSON object")
	}
	m := make(map[string]any, len(members))
	for _, member := range members {
		if m[member.Name], err = strictjson.Value(member.Raw); err != nil {
			return "", nil, errors.New("is not readable")
		}
	}
	kid, _ = m["kid"].(string)
	if err := checkUse(m, kid, algorithm); err != nil {
		return "", nil, err
	}
	key, err = publicKey(m, algorithm)
	return kid, key, err
}

// privateMembers are the members of RFC 7518 section 6 that no public key has. A key with one of them is skipped: anyone who can
// fetch the set could sign with it.
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// checkUse checks that a key is meant for verifying with the algorithm (RFC 7517 section 4). A member that is missing sets no
// limit, but a kid is required, because tokens name their key by it.
func checkUse(m map[string]any, kid, algorithm string) error {
	if kid == "" {
		return errors.New("has no kid")
	}
	for _, name := range privateMembers {
		if _, ok := m[name]; ok {
			return errors.New("is secret or private")
		}
	}
	if use, ok := m["use"]; ok && use != "sig" {
		return errors.New("has a use other than sig")
	}
	if alg, ok := m["alg"]; ok && alg != algorithm {
		return errors.New("is for another algorithm")
	}
	if ops, ok := m["key_ops"]; ok {
		if list, _ := ops.([]any); !slices.Contains(list, any("verify")) {
			return errors.New("is not for verifying")
		}
	}
	return nil
}

// publicKey builds the key from its members, if it has the type that the algorithm needs. Certificates (x5c, x5u) are ignored:
// the keys are trusted because of the server of the set.
func publicKey(m map[string]any, algorithm string) (crypto.PublicKey, error) {
	text := func(name string) string {
		s, _ := m[name].(string)
		return s
	}
	jwk := jwkset.JWKMarshal{KTY: jwkset.KTY(text("kty"))}
	switch jwk.KTY {
	case jwkset.KtyRSA:
		jwk.N, jwk.E = text("n"), text("e")
	case jwkset.KtyEC, jwkset.KtyOKP:
		jwk.CRV, jwk.X, jwk.Y = jwkset.CRV(text("crv")), text("x"), text("y")
	}
	if !suitsAlgorithm(jwk, algorithm) {
		return nil, errors.New("is of another kind than the algorithm needs")
	}
	parsed, err := jwkset.NewJWKFromMarshal(jwk, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return nil, errors.New("is not a valid key")
	}
	if k, ok := parsed.Key().(*rsa.PublicKey); ok && (k.N.BitLen() < minRSABits || k.N.BitLen() > maxRSABits) {
		return nil, fmt.Errorf("has %d bits, an RSA key needs %d to %d", k.N.BitLen(), minRSABits, maxRSABits)
	}
	return parsed.Key(), nil
}

// suitsAlgorithm reports whether the type and curve of a key are those of the algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1).
func suitsAlgorithm(jwk jwkset.JWKMarshal, algorithm string) bool {
	switch algorithm {
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		return jwk.KTY == jwkset.KtyRSA
	case "ES256":
		return jwk.KTY == jwkset.KtyEC && jwk.CRV == jwkset.CrvP256
	case "ES384":
		return jwk.KTY == jwkset.KtyEC && jwk.CRV == jwkset.CrvP384
	case "ES512":
		return jwk.KTY == jwkset.KtyEC && jwk.CRV == jwkset.CrvP521
	case "EdDSA":
		return jwk.KTY == jwkset.KtyOKP && jwk.CRV == jwkset.CrvEd25519
	}
	return false
}
