package core

import (
	"bytes"
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/strictjson"
)

// maxTokenBytes is the longest token that is looked at.
const maxTokenBytes = 16 << 10

var encoding = base64.RawURLEncoding.Strict()

// errNoSigningKey is what a program that only verifies says where it is to sign.
var errNoSigningKey = errors.New("sign token: there is no SIGNING_KEY")

// mustSign refuses, before anything is recorded or consumed, what a program without a signing key can't finish.
func (a *Auth) mustSign(ctx context.Context) error {
	if a.keys.signing == nil {
		return a.trouble(ctx, "sign", errNoSigningKey)
	}
	return nil
}

// Sign makes the compact JWS of the token (RFC 7515), with AUDIENCE and ISSUER written into it. Errors: claims that can't
// be encoded, or no SIGNING_KEY.
func (t *Token) Sign() (string, error) {
	a := t.auth
	if a.keys.signing == nil {
		return "", errNoSigningKey
	}
	claims := maps.Clone(t.claims)
	if a.checksAudience() {
		claims["aud"] = a.s.Audience
		if len(a.s.Audience) == 1 && !a.s.AudienceIsList() {
			claims["aud"] = a.s.Audience[0]
		}
	}
	if a.checksIssuer() {
		claims["iss"] = a.s.Issuer
	}
	encode := a.s.JSONEncoder
	if encode == nil {
		encode = encodeJSON
	}
	payload, err := encode(claims)
	if err != nil {
		return "", fmt.Errorf("sign token: encode claims: %w", err)
	}
	text := encoding.EncodeToString([]byte(`{"alg":"`+a.s.Algorithm+`","typ":"JWT"}`)) + "." + encoding.EncodeToString(payload)
	signature, err := a.keys.method.Sign(text, a.keys.signing)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return text + "." + encoding.EncodeToString(signature), nil
}

func encodeJSON(claims simplejwt.Claims) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(claims)
	return bytes.TrimSpace(b.Bytes()), err
}

// checksIssuer reports whether ISSUER is set, be it to "".
func (a *Auth) checksIssuer() bool { return a.s.Issuer != "" || a.s.IsSet("ISSUER") }

// checksAudience reports whether AUDIENCE is set, be it to nobody, which refuses every token.
func (a *Auth) checksAudience() bool { return len(a.s.Audience) > 0 || a.s.IsSet("AUDIENCE") }

// Decode reads a token without any check of signature, time or type: for looking into it, never for trusting it.
// Errors: ErrTokenInvalid where it is no JWT.
func (a *Auth) Decode(raw string) (*Token, error) {
	t, _, err := a.parse(raw)
	return t, err
}

// jws is what is needed of a token to verify it.
type jws struct {
	header    map[string]any
	signed    string // header and payload as they were sent
	signature []byte
}

// parse takes a compact JWS apart. Every error is ErrTokenInvalid.
func (a *Auth) parse(raw string) (*Token, jws, error) {
	if len(raw) > maxTokenBytes || strings.Count(raw, ".") != 2 {
		return nil, jws{}, ErrTokenInvalid
	}
	head, rest, _ := strings.Cut(raw, ".")
	body, sig, _ := strings.Cut(rest, ".")
	header, err := decodePart(head)
	if err != nil {
		return nil, jws{}, err
	}
	claims, err := decodePart(body)
	if err != nil {
		return nil, jws{}, err
	}
	signature, err := decodeBase64(sig)
	if err != nil {
		return nil, jws{}, err
	}
	t := &Token{auth: a, class: a.untyped, claims: claims, now: a.now()}
	return t, jws{header: header, signed: raw[:len(head)+1+len(body)], signature: signature}, nil
}

// decodePart reads a part of a token as a JSON object.
func decodePart(part string) (map[string]any, error) {
	data, err := decodeBase64(part)
	if err != nil {
		return nil, err
	}
	members, err := strictjson.Object(data)
	if err != nil {
		return nil, ErrTokenInvalid.because(err)
	}
	out := make(map[string]any, len(members))
	for _, m := range members {
		if out[m.Name], err = strictjson.Value(m.Raw); err != nil {
			return nil, ErrTokenInvalid.because(err)
		}
		if _, lone := strictjson.LoneSurrogate(m.Raw); lone {
			out[m.Name] = notText{out[m.Name]}
		}
	}
	return out, nil
}

// notText is a value with half a surrogate pair: no string, so that no claim that must be one can have it, but passed on
// as a custom claim with the replacement character in its place.
type notText struct{ value any }

// plain is a claim as an application sees it.
func plain(claim any) any {
	if n, ok := claim.(notText); ok {
		return n.value
	}
	return claim
}

// MarshalJSON writes the value.
func (n notText) MarshalJSON() ([]byte, error) { return json.Marshal(n.value) }

// decodeBase64 decodes base64url strictly: Go's decoder skips line breaks.
func decodeBase64(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, ErrTokenInvalid
	}
	data, err := encoding.DecodeString(s)
	if err != nil {
		return nil, ErrTokenInvalid.because(errors.New("not base64url"))
	}
	return data, nil
}

// verified reads a token and checks header, signature and the registered claims, in PyJWT's order: a forged token is
// invalid, never expired. Errors: ErrTokenInvalid, ErrTokenExpired.
func (a *Auth) verified(ctx context.Context, raw string) (*Token, error) {
	t, j, err := a.parse(raw)
	if err != nil {
		return nil, err
	}
	if err := a.checkSignature(ctx, j); err != nil {
		return nil, err
	}
	return t, t.checkRegistered()
}

func (a *Auth) checkSignature(ctx context.Context, j jws) error {
	if j.header["alg"] != a.s.Algorithm {
		return ErrTokenInvalid
	}
	kid, hasKid := j.header["kid"]
	kidText, isText := kid.(string)
	if hasKid && !isText {
		return ErrTokenInvalid
	}
	for _, name := range []string{"crit", "b64"} { // extensions that we do not know change what is signed
		if _, ok := j.header[name]; ok {
			return ErrTokenInvalid
		}
	}
	if typ, ok := j.header["typ"]; ok && !isJWTType(typ) {
		return ErrTokenInvalid
	}
	key, err := a.verifyingKey(ctx, kidText)
	if err != nil {
		return err
	}
	if err := a.keys.method.Verify(j.signed, j.signature, key); err != nil {
		return ErrTokenInvalid.because(err)
	}
	return nil
}

// isJWTType compares the header typ without regard to case (RFC 7515 section 4.1.9).
func isJWTType(typ any) bool {
	s, _ := typ.(string)
	s = strings.TrimPrefix(strings.ToLower(s), "application/")
	return s == "jwt" || s == "at+jwt"
}

func (a *Auth) verifyingKey(ctx context.Context, kid string) (crypto.PublicKey, error) {
	if a.d.Keys == nil {
		return a.keys.verifying, nil
	}
	if kid == "" {
		return nil, ErrTokenInvalid
	}
	key, err := a.d.Keys.VerifyingKey(ctx, kid, a.s.Algorithm)
	if err == nil {
		err = fits(a.s.Algorithm, key)
	}
	if err != nil {
		return nil, ErrTokenInvalid.because(err)
	}
	return key, nil
}
