package requests

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// floor is what no strict library can do without, written by hand and for these tokens only. To verify a token it splits
// it, decodes base64url strictly, reads the JSON of header and claims once, which finds alg, exp and token_type and checks
// the syntax of all the rest, verifies with golang-jwt's method, which is keyed anew each time, and compares alg, exp and
// type. To sign a pair it draws two ids, appends the claims as JSON by hand, encodes and signs. It keeps no claims, knows no
// settings, and does not look for names that stand twice or for text that is not UTF-8.
type floor struct {
	alg                string
	method             jwt.SigningMethod
	signing, verifying any
	header             string // as it stands in tokens
}

var encoding = base64.RawURLEncoding.Strict()

var errFloor = errors.New("token is invalid or expired")

func newFloor(a *algorithm) *floor {
	header := encoding.EncodeToString([]byte(`{"alg":"` + a.name + `","typ":"JWT"}`))
	return &floor{alg: a.name, method: a.method, signing: a.signing, verifying: a.verifying, header: header}
}

// verifyToken accepts an access token.
func (f *floor) verifyToken(raw string) error {
	head, rest, _ := strings.Cut(raw, ".")
	body, sig, ok := strings.Cut(rest, ".")
	if !ok || strings.IndexByte(sig, '.') >= 0 || strings.IndexByte(raw, '\n') >= 0 || strings.IndexByte(raw, '\r') >= 0 {
		return errFloor // Go's decoder passes over line breaks, and so must not see them
	}
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
	exp, err := strconv.ParseInt(string(found.exp), 10, 64)
	if err != nil || time.Now().Unix() >= exp || string(found.kind) != "access" {
		return errFloor
	}
	return nil
}

// signPair makes a refresh and an access token.
func (f *floor) signPair() (refresh, access string, err error) {
	now := time.Now()
	exp, iat := now.Add(lifetime).Unix(), now.Unix()
	if refresh, err = f.signToken("refresh", exp, iat); err != nil {
		return "", "", err
	}
	access, err = f.signToken("access", exp, iat)
	return refresh, access, err
}

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
