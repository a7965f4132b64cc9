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
	maxRSABits = 16 << 10 // a longer one costs too much for each token
	maxReasons = 10       // a log line says no more than that of one set
)

var errNoSet = errors.New("the answer is no JSON Web Key Set")

// keySet are the keys of a set that suit one algorithm.
type keySet struct {
	keys    map[string]crypto.PublicKey // by kid; nil where several keys have it
	dropped int
	why     []string // of the first maxReasons that are dropped
}

// parseSet reads a JSON Web Key Set (RFC 7517 section 5) and keeps the keys that can verify tokens of the algorithm. A key
// that can't be used, or not be read, does no harm to the others. The error says that the data is no key set at all.
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
			set.drop(i, err)
			continue
		}
		set.add(i, kid, key)
	}
	return set, nil
}

// add puts the i-th key in. A second one with its kid makes the kid useless, unless it is the same key: nothing says
// which of them a token means.
func (s *keySet) add(i int, kid string, key crypto.PublicKey) {
	if old, ok := s.keys[kid]; ok && !sameKey(old, key) {
		s.drop(i, errors.New("has the kid of another key: neither is used"))
		key = nil
	}
	s.keys[kid] = key
}

// usable reports whether any token can be verified.
func (s *keySet) usable() bool {
	for _, key := range s.keys {
		if key != nil {
			return true
		}
	}
	return false
}

func sameKey(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

func (s *keySet) drop(i int, why error) {
	s.dropped++
	if s.dropped <= maxReasons {
		s.why = append(s.why, fmt.Sprintf("keys[%d] %v", i, why))
	}
}

// reasons says why keys are dropped.
func (s *keySet) reasons() string {
	if s.dropped == 0 {
		return "it is empty"
	}
	text := strings.Join(s.why, ", ")
	if more := s.dropped - len(s.why); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// parseKey reads a key of a set. Its errors hold nothing of the key and complete a sentence that begins with it.
func parseKey(raw []byte, algorithm string) (kid string, key crypto.PublicKey, err error) {
	members, err := strictjson.Object(string(raw))
	if err != nil {
		return "", nil, errors.New("is no JSON object")
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

// privateMembers are those of RFC 7518 section 6 that no public key has. A key that is served with one is refused: all who
// can fetch the set could sign with it.
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// checkUse checks what a key says of its purpose (RFC 7517 section 4). What it does not say, it does not limit.
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

// publicKey makes the key of the members that describe it, if it is of the kind that the algorithm needs. Certificates
// in the set are not looked at: the server of the set is what vouches for the keys.
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
	if !suits(jwk, algorithm) {
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

// suits reports whether a key's type and curve are those of the algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1).
func suits(jwk jwkset.JWKMarshal, algorithm string) bool {
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
