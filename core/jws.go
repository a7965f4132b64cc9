package core

import (
	"context"
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxTokenBytes is the longest token that is looked at.
const maxTokenBytes = 16 << 10

var encoding = base64.RawURLEncoding.Strict()

var errNotBase64 = errors.New("not base64url")

// errNoSigningKey is what a program that only verifies says where it is to sign.
var errNoSigningKey = errors.New("sign token: there is no SIGNING_KEY")

// mustSign refuses, before anything is recorded or consumed, what a program without a signing key can't finish.
func (a *Auth) mustSign(ctx context.Context) error {
	if a.keys.signing == nil {
		return a.unavailable(ctx, "sign", errNoSigningKey)
	}
	return nil
}

// Sign makes the compact JWS of the token (RFC 7515), with AUDIENCE and ISSUER written into it. Errors: claims that can't
// be encoded, or no SIGNING_KEY.
func (t *Token) Sign() (string, error) {
	k := &t.auth.keys
	if k.signing == nil {
		return "", errNoSigningKey
	}
	var few [512]byte
	payload, err := t.encode(few[:0])
	if err != nil {
		return "", fmt.Errorf("sign token: encode claims: %w", err)
	}
	b := make([]byte, 0, len(k.header)+encoding.EncodedLen(len(payload))+encoding.EncodedLen(maxSignature)+2)
	b = append(append(b, k.header...), '.')
	signed := string(encoding.AppendEncode(b, payload))
	b = append(append(b[:0], signed...), '.')
	if k.macs != nil {
		return string(k.macs.appendSum(b, signed)), nil
	}
	signature, err := k.method.Sign(signed, k.signing)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return string(encoding.AppendEncode(b, signature)), nil
}

// maxSignature is how many bytes most signatures have at most.
const maxSignature = 256

// encode appends the claims as JSON.
func (t *Token) encode(b []byte) ([]byte, error) {
	a, p := t.auth, t.claims
	if a.checksAudience() || a.checksIssuer() {
		p = slices.Clone(p)
	}
	if a.checksAudience() {
		aud := claim{name: "aud", value: a.s.Audience}
		if len(a.s.Audience) == 1 && !a.s.AudienceIsList() {
			aud.value = a.s.Audience[0]
		}
		p.put(aud)
	}
	if a.checksIssuer() {
		p.put(claim{name: "iss", value: a.s.Issuer})
	}
	if a.s.JSONEncoder != nil {
		return a.s.JSONEncoder(p.claims())
	}
	return p.appendJSON(b)
}

// checksIssuer reports whether ISSUER is set, be it to "".
func (a *Auth) checksIssuer() bool { return a.s.Issuer != "" || a.s.IsSet("ISSUER") }

// checksAudience reports whether AUDIENCE is set, be it to nobody, which refuses every token.
func (a *Auth) checksAudience() bool { return len(a.s.Audience) > 0 || a.s.IsSet("AUDIENCE") }

// jws are the parts of a token as they were sent.
type jws struct{ header, payload, signature, signed string }

// split takes a compact JWS apart; false where it is none.
func split(raw string) (jws, bool) {
	if len(raw) > maxTokenBytes || strings.Count(raw, ".") != 2 {
		return jws{}, false
	}
	end := strings.LastIndexByte(raw, '.')
	j := jws{signed: raw[:end], signature: raw[end+1:]}
	j.header, j.payload, _ = strings.Cut(j.signed, ".")
	return j, true
}

// Decode reads a token without any check of signature, time or type: for looking into it, never for trusting it.
// Errors: ErrTokenInvalid where it is no JWT.
func (a *Auth) Decode(raw string) (*Token, error) {
	j, ok := split(raw)
	if !ok {
		return nil, ErrTokenInvalid
	}
	if _, err := decodePayload(j.header); err != nil {
		return nil, err
	}
	if _, err := decodeBase64(nil, j.signature); err != nil {
		return nil, err
	}
	claims, err := decodePayload(j.payload)
	if err != nil {
		return nil, err
	}
	return &Token{auth: a, class: a.untyped, claims: claims, now: a.now()}, nil
}

// decodePayload reads a part of a token as a JSON object.
func decodePayload(part string) (payload, error) {
	var few [1024]byte
	data, err := decodeBase64(few[:0], part)
	if err != nil {
		return nil, err
	}
	p, err := readPayload(string(data))
	if err != nil {
		return nil, ErrTokenInvalid.because(err)
	}
	return p, nil
}

// decodeBase64 appends what base64url strictly stands for: Go's decoder skips line breaks.
func decodeBase64(b []byte, s string) ([]byte, error) {
	if strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0 {
		return nil, ErrTokenInvalid
	}
	b, err := encoding.AppendDecode(b, []byte(s))
	if err != nil {
		return nil, ErrTokenInvalid.because(errNotBase64)
	}
	return b, nil
}

// verified reads a token and checks header, signature and the registered claims, in PyJWT's order: a forged token
// is invalid, never expired. Nothing of the claims is looked at before the signature is known to be good.
// Errors: ErrTokenInvalid, ErrTokenExpired.
func (a *Auth) verified(ctx context.Context, raw string) (*Token, error) {
	claims, err := a.signedClaims(ctx, raw)
	if err != nil {
		return nil, err
	}
	t := &Token{auth: a, class: a.untyped, claims: claims, shared: a.trusted != nil, now: a.now()}
	return t, t.checkRegistered()
}

// signedClaims are the claims of a token whose signature is good.
func (a *Auth) signedClaims(ctx context.Context, raw string) (payload, error) {
	if claims, ok := a.remembered(ctx, raw); ok {
		return claims, nil
	}
	j, ok := split(raw)
	if !ok {
		return nil, ErrTokenInvalid
	}
	kid, known := a.headers.kid(j.header)
	if !known {
		var err error
		if kid, err = a.readHeader(j.header); err != nil {
			return nil, err
		}
	}
	key, err := a.verifyingKey(ctx, kid)
	if err != nil {
		return nil, err
	}
	if err := a.keys.verify(j, key); err != nil {
		return nil, err
	}
	if !known {
		a.headers.learn(j.header, kid)
	}
	claims, err := decodePayload(j.payload)
	if err == nil {
		a.trusted.note(raw, trusted{kid, key, claims})
	}
	return claims, err
}

// verify checks a signature. Errors: ErrTokenInvalid.
func (k *keyPair) verify(j jws, key crypto.PublicKey) error {
	if k.macs != nil {
		if !k.macs.verify(j.signed, j.signature) {
			return ErrTokenInvalid
		}
		return nil
	}
	var few [maxSignature]byte
	signature, err := decodeBase64(few[:0], j.signature)
	if err != nil {
		return err
	}
	if err := k.method.Verify(j.signed, signature, key); err != nil {
		return ErrTokenInvalid.because(err)
	}
	return nil
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
