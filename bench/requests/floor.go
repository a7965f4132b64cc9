package requests

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// floor does the least that a strict library must do, for these tokens only. To verify a token it splits it, decodes
// base64url strictly, reads the JSON of header and claims once, which finds alg, exp and token_type and checks the syntax
// of the rest, verifies with golang-jwt's method, which sets its key each time, and compares alg, exp and type. To sign a
// pair it makes two ids, appends the claims as JSON, encodes and signs. It keeps no claims, has no settings, and does not
// check for repeated names or text that is not UTF-8.
type floor struct {
	alg                string
	method             jwt.SigningMethod
	signing, verifying any
	header             string // in base64url
}

// encoding is base64url as RFC 7515 has it: no padding, and no bits in the last letter that are not used.
var encoding = base64.RawURLEncoding.Strict()

// errFloor is the error of every token that the floor rejects for another reason than its signature.
var errFloor = errors.New("token is invalid or expired")

// newFloor returns the floor for an algorithm.
func newFloor(a *algorithm) *floor {
	header := encoding.EncodeToString([]byte(`{"alg":"` + a.name + `","typ":"JWT"}`))
	return &floor{alg: a.name, method: a.method, signing: a.signing, verifying: a.verifying, header: header}
}

// verifyToken returns why an access token is rejected, nil if it is accepted.
func (f *floor) verifyToken(raw string) error {
	head, rest, _ := strings.Cut(raw, ".")
	body, sig, ok := strings.Cut(rest, ".")
	if !ok || strings.IndexByte(sig, '.') >= 0 || strings.IndexByte(raw, '\n') >= 0 || strings.IndexByte(raw, '\r') >= 0 {
		return errFloor // Go's decoder would skip line breaks
	}
	// One allocation holds the three decoded parts.
	buffer := make([]byte, 0, encoding.DecodedLen(len(raw)))
	header, err := encoding.AppendDecode(buffer, []byte(head))
	if err != nil {
		return errFloor
	}
	claims, err := encoding.AppendDecode(header[len(header):], []byte(body))
	if err != nil {
		return errFloor
	}
	signature, err := encoding.AppendDecode(claims[len(claims):], []byte(sig))
	if err != nil {
		return errFloor
	}
	// The algorithm is fixed: the header only has to agree.
	found, ok := scanObject(header)
	if !ok || string(found.alg) != f.alg {
		return errFloor
	}
	if found, ok = scanObject(claims); !ok {
		return errFloor
	}
	if err := f.method.Verify(raw[:len(head)+1+len(body)], signature, f.verifying); err != nil {
		return err
	}
	// Times and type only count once the signature is known to be valid.
	exp, err := strconv.ParseInt(string(found.exp), 10, 64)
	if err != nil || time.Now().Unix() >= exp || string(found.kind) != "access" {
		return errFloor
	}
	return nil
}

// signPair returns a refresh token and an access token.
func (f *floor) signPair() (refresh, access string, err error) {
	now := time.Now()
	exp, iat := now.Add(lifetime).Unix(), now.Unix()
	if refresh, err = f.signToken("refresh", exp, iat); err != nil {
		return "", "", err
	}
	access, err = f.signToken("access", exp, iat)
	return refresh, access, err
}

// signToken returns a token with the five claims of SimpleJWT. Times are in seconds since 1970.
func (f *floor) signToken(kind string, exp, iat int64) (string, error) {
	claims := make([]byte, 0, 160)
	claims = append(claims, `{"exp":`...)
	claims = strconv.AppendInt(claims, exp, 10)
	claims = append(claims, `,"iat":`...)
	claims = strconv.AppendInt(claims, iat, 10)
	claims = append(claims, `,"jti":"`...)
	claims = append(claims, randomID()...)
	claims = append(claims, `","token_type":"`...)
	claims = append(claims, kind...)
	claims = append(claims, `","user_id":"1"}`...)
	text := f.header + "." + encoding.EncodeToString(claims)
	signature, err := f.method.Sign(text, f.signing)
	if err != nil {
		return "", err
	}
	return text + "." + encoding.EncodeToString(signature), nil
}
