package core

import (
	"context"
	"crypto/md5" //nolint:gosec // SimpleJWT's digest of the password hash: both must write the same claim
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/jose"
)

// Token is a token class and a set of claims. It is not safe for concurrent use.
type Token struct {
	auth      *Auth
	class     *TokenClass
	claims    jose.Claims
	now       time.Time       // when it was created or parsed; all its times are relative to this one
	setByHook map[string]bool // the claims that Deps.Claims has set; nil unless it is running
}

// NewToken creates a token of a class (AccessToken, ...) with type, exp, iat and jti. It has no user and is not
// recorded. Call Sign to encode it. Errors: an unknown class, or UntypedToken.
func (a *Auth) NewToken(class ClassName) (*Token, error) {
	c := a.classes.byName[class]
	if c == nil || c == a.classes.untyped {
		return nil, fmt.Errorf("new token: there is no class %q", class)
	}
	return a.newToken(c, a.now()), nil
}

// newToken creates a token of a class whose times are relative to now.
func (a *Auth) newToken(c *TokenClass, now time.Time) *Token {
	t := &Token{auth: a, class: c, claims: jose.NewClaims(10), now: now}
	if a.settings.TokenTypeClaim != "" {
		t.claims.Set(a.settings.TokenTypeClaim, c.Type)
	}
	t.SetExp("exp", c.Lifetime)
	t.SetIat()
	t.SetJTI()
	if c == a.classes.sliding {
		t.SetExp(a.settings.SlidingTokenRefreshExpClaim, a.settings.SlidingTokenRefreshLifetime)
	}
	return t
}

// Decode reads a token without verifying anything. Use it to look into a token, never to trust it. Errors:
// ErrTokenInvalid if it is not a JWT.
func (a *Auth) Decode(raw string) (*Token, error) {
	claims, err := jose.Decode(raw)
	if err != nil {
		return nil, tokenError(err)
	}
	return &Token{auth: a, class: a.classes.untyped, claims: claims, now: a.now()}, nil
}

// requireSigningKey returns ErrServiceUnavailable without a SIGNING_KEY. It is called before anything is recorded
// or consumed for tokens that can't be signed.
func (a *Auth) requireSigningKey(ctx context.Context) error {
	if !a.codec.CanSign() {
		return a.unavailable(ctx, "sign", jose.ErrNoSigningKey)
	}
	return nil
}

// Sign returns the token as a compact JWS (RFC 7515), with AUDIENCE and ISSUER added. Errors: claims that can't be
// encoded, or no SIGNING_KEY.
func (t *Token) Sign() (string, error) { return t.auth.codec.Sign(t.claims) }

// Format implements fmt.Formatter. It prints the class and the id of the token, for every verb, and never the token
// itself.
func (t Token) Format(w fmt.State, _ rune) {
	fmt.Fprint(w, "core.Token{", t.class.Name, " ", t.JTI(), "}")
}

// Class returns the class of the token.
func (t *Token) Class() TokenClass { return *t.class }

// Get returns the value of a claim, nil if the token has none. Numbers of a parsed token are json.Number.
func (t *Token) Get(claim string) any { return t.claims.Get(claim).Value() }

// Has reports whether the token has the claim, even with the value null.
func (t *Token) Has(claim string) bool { return t.claims.Has(claim) }

// Set sets a claim to a value that encoding/json can encode.
func (t *Token) Set(claim string, value any) {
	t.claims.Set(claim, value)
	if t.setByHook != nil {
		t.setByHook[claim] = true
	}
}

// Delete removes a claim.
func (t *Token) Delete(claim string) { t.claims.Delete(claim) }

// Claims returns a copy of all claims.
func (t *Token) Claims() simplejwt.Claims { return t.claims.Map() }

// JTI returns the token's id, "" if it has none.
func (t *Token) JTI() string { return t.textClaim(t.auth.settings.JTIClaim) }

// SessionID returns the claim sid: the id of the session; "" if it is missing or not an id that could be recorded.
func (t *Token) SessionID() string {
	if sid := t.textClaim(claimSession); isID(sid) {
		return sid
	}
	return ""
}

// Session returns the session that the token belongs to: its sid, else for a refresh or sliding token its
// own id; "" for an access token without a sid.
func (t *Token) Session() string {
	if t.class.Blacklistable && isID(t.JTI()) {
		return t.ownSession()
	}
	return t.SessionID()
}

// ownSession returns the session of a refresh or sliding token: that of its sid, else the one that it started.
func (t *Token) ownSession() string {
	if sid := t.SessionID(); sid != "" {
		return sid
	}
	return t.JTI()
}

// sessionByRecord returns the session that the token's record names, else ownSession.
func (t *Token) sessionByRecord(record *TokenState) string {
	if record.SessionID != "" {
		return record.SessionID
	}
	return t.ownSession()
}

// UserID returns USER_ID_CLAIM as text, "" if the token has none that could be a user's.
func (t *Token) UserID() string { id, _ := t.userID().UserID(); return id }

// userID returns USER_ID_CLAIM.
func (t *Token) userID() *jose.Claim { return t.claims.Get(t.auth.settings.UserIDClaim) }

// ExpiresAt returns the claim exp, zero if the token has none.
func (t *Token) ExpiresAt() time.Time { at, _ := t.claims.Get("exp").Time(); return at }

// SetJTI gives the token a new id. It does nothing with JTI_CLAIM off.
func (t *Token) SetJTI() {
	if t.auth.settings.JTIClaim != "" {
		t.claims.Set(t.auth.settings.JTIClaim, t.auth.deps.NewID())
	}
}

// SetExp sets a claim ("exp", or SLIDING_TOKEN_REFRESH_EXP_CLAIM) to the time at which the token was created or
// parsed plus lifetime, in whole seconds.
func (t *Token) SetExp(claim string, lifetime time.Duration) {
	t.claims.Set(claim, t.now.Add(lifetime).Unix())
}

// SetIat sets iat to the time at which the token was created or parsed, in whole seconds.
func (t *Token) SetIat() { t.claims.Set("iat", t.now.Unix()) }

// CheckExp denies the token if the time in a claim has passed, LEEWAY included, or if there is none. Errors:
// ErrTokenExpired, ErrTokenInvalid.
func (t *Token) CheckExp(claim string) error {
	c := t.claims.Get(claim)
	if c == nil {
		return missingClaimError(claim)
	}
	at, ok := c.Time()
	if !ok {
		return ErrTokenInvalid
	}
	if !at.After(t.now.Add(-t.auth.settings.Leeway)) {
		return expiredClaimError(claim)
	}
	return nil
}

// capExp sets a claim back to end if that is earlier. A zero end sets nothing.
func (t *Token) capExp(claim string, end time.Time) {
	if at, ok := t.claims.Get(claim).Time(); ok && !end.IsZero() && end.Before(at) {
		t.claims.Set(claim, end.Unix())
	}
}

// AccessToken returns an access token for a refresh token: it copies all claims except type, exp, iat and jti. Its
// lifetime starts at the refresh token's time, as in SimpleJWT.
func (t *Token) AccessToken() *Token {
	access := t.auth.newToken(t.auth.classes.access, t.now)
	for c := range t.claims.All() {
		switch c.Name() {
		case "": // also the name of a claim that is switched off, so the cases below must not match it
			access.claims.Put(*c)
		case t.auth.settings.TokenTypeClaim, t.auth.settings.JTIClaim, "exp", "iat", "jti":
		default:
			access.claims.Put(*c)
		}
	}
	return access
}

// Outstand records the token, as it is now, for the user (nil for none). It is SimpleJWT's BlacklistMixin.outstand.
// It does not change an existing record. Without a Store, or with JTI_CLAIM off, it does nothing. Errors:
// ErrUserGone, ErrServiceUnavailable.
func (t *Token) Outstand(ctx context.Context, user simplejwt.User) error {
	if !t.auth.keepsRecords() {
		return nil
	}
	id := ""
	if user != nil {
		id = user.AuthID()
	}
	return t.auth.records.record(ctx, t.newRecord(id))
}

// newRecord returns the record of the token, in the session that the token names.
func (t *Token) newRecord(userID string) OutstandingToken {
	exp := t.ExpiresAt()
	if refreshExp, ok := t.claims.Get(t.auth.settings.SlidingTokenRefreshExpClaim).Time(); ok && t.class == t.auth.classes.sliding && refreshExp.After(exp) {
		exp = refreshExp // the record must outlive the last refresh of a sliding token
	}
	return OutstandingToken{JTI: t.JTI(), UserID: userID, CreatedAt: t.now, ExpiresAt: exp, SessionID: t.SessionID()}
}

// setUser sets the claims that identify the user.
func (t *Token) setUser(idValue string, user simplejwt.User) {
	t.claims.Set(t.auth.settings.UserIDClaim, idValue)
	if t.auth.settings.CheckRevokeToken {
		t.claims.Set(t.auth.settings.RevokeTokenClaim, passwordDigest(user))
	}
}

// passwordMatches implements CHECK_REVOKE_TOKEN: it reports whether the token was issued for the user's current
// password.
func (t *Token) passwordMatches(user simplejwt.User) bool {
	return !t.auth.settings.CheckRevokeToken || t.claims.Get(t.auth.settings.RevokeTokenClaim).Is(passwordDigest(user))
}

// passwordDigest returns SimpleJWT's digest of the stored password hash.
func passwordDigest(user simplejwt.User) string {
	sum := md5.Sum([]byte(user.AuthPassword())) //nolint:gosec // see the import
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// textClaim returns a claim that is a string, "" if it is none.
func (t *Token) textClaim(claim string) string { s, _ := t.claims.Get(claim).Text(); return s }
