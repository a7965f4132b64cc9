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

// Token is a token: its class and its claims. A Token is for one goroutine.
type Token struct {
	auth      *Auth
	class     *TokenClass
	claims    jose.Claims
	now       time.Time       // when it was made or parsed: all its times are relative to this one
	setByHook map[string]bool // what was set since Deps.Claims was asked; nil outside
}

// NewToken makes a token of a class (by name: AccessToken ...) with type, exp, iat and jti, without a user and not
// recorded. Use Sign for the text. Errors: an unknown class.
func (a *Auth) NewToken(class ClassName) (*Token, error) {
	c := a.classes.byName[class]
	if c == nil || c == a.classes.untyped {
		return nil, fmt.Errorf("make token: there is no class %q to make", class)
	}
	return a.newToken(c, a.now()), nil
}

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

// Decode reads a token without any check of signature, time or type: for looking into it, never for trusting it.
// Errors: ErrTokenInvalid where it is no JWT.
func (a *Auth) Decode(raw string) (*Token, error) {
	claims, err := jose.Decode(raw)
	if err != nil {
		return nil, tokenError(err)
	}
	return &Token{auth: a, class: a.classes.untyped, claims: claims, now: a.now()}, nil
}

// requireSigningKey returns ErrServiceUnavailable in a program without a SIGNING_KEY: it is asked before anything is recorded or
// consumed for tokens that can't be signed.
func (a *Auth) requireSigningKey(ctx context.Context) error {
	if !a.codec.CanSign() {
		return a.unavailable(ctx, "sign", jose.ErrNoSigningKey)
	}
	return nil
}

// Sign returns the compact JWS of the token (RFC 7515), with AUDIENCE and ISSUER written into it. Errors: claims that can't
// be encoded, or no SIGNING_KEY.
func (t *Token) Sign() (string, error) { return t.auth.codec.Sign(t.claims) }

// Format prints the class and the id of the token, for every verb.
func (t Token) Format(w fmt.State, _ rune) {
	fmt.Fprint(w, "core.Token{", t.class.Name, " ", t.JTI(), "}")
}

// Class is the class of the token.
func (t *Token) Class() TokenClass { return *t.class }

// Get is a claim; nil where there is none. Numbers of a parsed token are json.Number.
func (t *Token) Get(claim string) any { return t.claims.Get(claim).Value() }

// Has reports whether the token has the claim, be it null.
func (t *Token) Has(claim string) bool { return t.claims.Has(claim) }

// Set sets a claim.
func (t *Token) Set(claim string, value any) {
	t.claims.Set(claim, value)
	if t.setByHook != nil {
		t.setByHook[claim] = true
	}
}

// Delete removes a claim.
func (t *Token) Delete(claim string) { t.claims.Delete(claim) }

// Claims is a copy of all claims.
func (t *Token) Claims() simplejwt.Claims { return t.claims.Map() }

// JTI is the token's id; "" where it has none.
func (t *Token) JTI() string { return t.textClaim(t.auth.settings.JTIClaim) }

// SessionID is the session that the token names; "" where it names none that could be on record.
func (t *Token) SessionID() string {
	if sid := t.textClaim(claimSession); isID(sid) {
		return sid
	}
	return ""
}

// Session is the session that the token belongs to: the one it names, else for a refresh or sliding token its own; "" for
// an access token that names none.
func (t *Token) Session() string {
	if t.class.Blacklistable && isID(t.JTI()) {
		return t.ownSession()
	}
	return t.SessionID()
}

// ownSession is the session of a refresh or sliding token: the one it names, else the one that it began.
func (t *Token) ownSession() string {
	if sid := t.SessionID(); sid != "" {
		return sid
	}
	return t.JTI()
}

// sessionByRecord is the session of the token's record, if that names one.
func (t *Token) sessionByRecord(record *TokenState) string {
	if record.SessionID != "" {
		return record.SessionID
	}
	return t.ownSession()
}

// UserID is the user id claim as text; "" where the token has none that could be a user's.
func (t *Token) UserID() string { id, _ := t.userID().UserID(); return id }

// userID is the user id claim.
func (t *Token) userID() *jose.Claim { return t.claims.Get(t.auth.settings.UserIDClaim) }

// ExpiresAt is the exp claim; zero where there is none.
func (t *Token) ExpiresAt() time.Time { at, _ := t.claims.Get("exp").Time(); return at }

// SetJTI gives the token a new id.
func (t *Token) SetJTI() {
	if t.auth.settings.JTIClaim != "" {
		t.claims.Set(t.auth.settings.JTIClaim, t.auth.deps.NewID())
	}
}

// SetExp sets a claim ("exp", or SLIDING_TOKEN_REFRESH_EXP_CLAIM) to the token's time plus lifetime, in whole seconds.
func (t *Token) SetExp(claim string, lifetime time.Duration) {
	t.claims.Set(claim, t.now.Add(lifetime).Unix())
}

// SetIat sets iat to the token's time, in whole seconds.
func (t *Token) SetIat() { t.claims.Set("iat", t.now.Unix()) }

// CheckExp refuses where the time in a claim is missing or has passed, LEEWAY granted.
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

// capExp moves a claim back to end, where end is set and earlier.
func (t *Token) capExp(claim string, end time.Time) {
	if at, ok := t.claims.Get(claim).Time(); ok && !end.IsZero() && end.Before(at) {
		t.claims.Set(claim, end.Unix())
	}
}

// AccessToken makes an access token from a refresh token: it copies all claims but type, exp, iat and jti. It expires
// relative to the time of the refresh token, so that a pair made together ends together.
func (t *Token) AccessToken() *Token {
	access := t.auth.newToken(t.auth.classes.access, t.now)
	for c := range t.claims.All() {
		switch c.Name() {
		case "": // the name of a claim that is switched off, but no less a name
			access.claims.Put(*c)
		case t.auth.settings.TokenTypeClaim, t.auth.settings.JTIClaim, "exp", "iat", "jti":
		default:
			access.claims.Put(*c)
		}
	}
	return access
}

// Outstand records the token as the user's (nil for nobody) in the store, as it is now. A token already on record stays
// as it is. Without a store, or with JTI_CLAIM off, it does nothing. Errors: ErrUserGone, 503.
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

// newRecord is the row of the token. It belongs to the session that it names.
func (t *Token) newRecord(userID string) OutstandingToken {
	exp := t.ExpiresAt()
	if refreshExp, ok := t.claims.Get(t.auth.settings.SlidingTokenRefreshExpClaim).Time(); ok && t.class == t.auth.classes.sliding && refreshExp.After(exp) {
		exp = refreshExp // a sliding token's row must outlive the token's last refresh
	}
	return OutstandingToken{JTI: t.JTI(), UserID: userID, CreatedAt: t.now, ExpiresAt: exp, SessionID: t.SessionID()}
}

// setUser sets the claims that tell whose token it is.
func (t *Token) setUser(idValue string, user simplejwt.User) {
	t.claims.Set(t.auth.settings.UserIDClaim, idValue)
	if t.auth.settings.CheckRevokeToken {
		t.claims.Set(t.auth.settings.RevokeTokenClaim, passwordDigest(user))
	}
}

// passwordMatches is the check of CHECK_REVOKE_TOKEN: whether the token was made with the user's present password.
func (t *Token) passwordMatches(user simplejwt.User) bool {
	return !t.auth.settings.CheckRevokeToken || t.claims.Get(t.auth.settings.RevokeTokenClaim).Is(passwordDigest(user))
}

// passwordDigest is SimpleJWT's digest of a stored password hash.
func passwordDigest(user simplejwt.User) string {
	sum := md5.Sum([]byte(user.AuthPassword())) //nolint:gosec // see the import
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

func (t *Token) textClaim(claim string) string { s, _ := t.claims.Get(claim).Text(); return s }
