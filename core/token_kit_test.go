package core_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// tokKey is an HMAC key that is long enough for every algorithm.
const tokKey = "telltale-key-0123456789abcdef0123456789abcdef0123456789abcdef-end"

const tokHeader = `{"alg":"HS256","typ":"JWT"}`

// tokNow is the time of all token tests: half a second past noon, so that cut fractions show.
func tokNow() time.Time { return time.Date(2031, 5, 6, 12, 0, 0, 500_000_000, time.UTC) }

// tokUnix is the time in a claim, so many seconds after noon.
func tokUnix(offset int64) string { return strconv.FormatInt(tokNow().Unix()+offset, 10) }

// tokDeps are a store and users in memory, with alice (1) among them, and a clock that stands still.
func tokDeps(t testing.TB) core.Deps {
	t.Helper()
	users := memstore.NewUsers()
	if err := users.Add(memstore.Account{ID: "1", Username: "alice", Password: "hash"}); err != nil {
		t.Fatal(err)
	}
	return core.Deps{Users: users, Store: memstore.New(), Now: tokNow}
}

// tokNew makes an Auth for HS256 with tokKey, changed as told.
func tokNew(t testing.TB, changes ...func(*simplejwt.Settings, *core.Deps)) *core.Auth {
	t.Helper()
	settings, deps := simplejwt.Settings{SigningKey: tokKey}, tokDeps(t)
	for _, change := range changes {
		change(&settings, &deps)
	}
	auth, err := core.New(settings, deps)
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// tokFile lays settings from a file over those of an Auth.
func tokFile(t testing.TB, json string) func(*simplejwt.Settings, *core.Deps) {
	return func(s *simplejwt.Settings, _ *core.Deps) {
		var err error
		if *s, err = simplejwt.FromJSON(*s, []byte(json)); err != nil {
			t.Fatal(err)
		}
	}
}

// tokAlice is the one user of tokDeps.
func tokAlice() *memstore.Account {
	return &memstore.Account{ID: "1", Username: "alice", Password: "hash"}
}

func tokB64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// tokJWS makes a compact JWS by hand.
func tokJWS(header, payload string, sign func(text string) []byte) string {
	text := tokB64(header) + "." + tokB64(payload)
	return text + "." + base64.RawURLEncoding.EncodeToString(sign(text))
}

// tokHMAC signs with HS256.
func tokHMAC(key string) func(string) []byte {
	return func(text string) []byte {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
}

// tokTrue is a payload under the header and with the signature that are right.
func tokTrue(payload string) string { return tokJWS(tokHeader, payload, tokHMAC(tokKey)) }

// tokPayload is the payload of a good access token of alice. Each change is a claim and its value in JSON; a claim
// without value is left out.
func tokPayload(changes ...string) string {
	claims := map[string]string{"token_type": `"access"`, "exp": tokUnix(300), "iat": tokUnix(0), "jti": `"one"`, "user_id": `"1"`}
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		claims[name] = value
	}
	var members []string
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		if claims[name] != "" {
			members = append(members, `"`+name+`":`+claims[name])
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

// tokPart is a part of a token, decoded.
func tokPart(t testing.TB, raw string, part int) string {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[part])
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// tokSorted is a JSON object with its names in order.
func tokSorted(t testing.TB, object string) string {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &members); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// tokSigner makes a private key for ES256.
func tokSigner(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func tokPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// tokPrivate is a private key in PKCS #8.
func tokPrivate(t testing.TB, key crypto.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return tokPEM("PRIVATE KEY", der)
}

// tokPublic is a public key in SPKI.
func tokPublic(t testing.TB, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return tokPEM("PUBLIC KEY", der)
}

// tokMaxBytes is the longest token that is looked at.
const tokMaxBytes = 16 << 10

// tokDetail is what a refusal of a token says; "" for none. Any other error shows itself.
func tokDetail(err error) string {
	var refusal *core.Error
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &refusal):
		return "no refusal but: " + err.Error()
	case refusal.Status != 401 || refusal.Code != "token_not_valid":
		return "of another kind: " + err.Error()
	}
	return refusal.Detail
}

// tokParse says what ParseToken says of an access token; "" where it is good.
func tokParse(t testing.TB, auth *core.Auth, raw string) string {
	t.Helper()
	_, err := auth.ParseToken(t.Context(), core.AccessToken, raw)
	return tokDetail(err)
}

const (
	tokGood    = ""
	tokInvalid = "Token is invalid"
	tokExpired = "Token is expired"
)

// tokOneID makes every id the same.
func tokOneID(_ *simplejwt.Settings, d *core.Deps) { d.NewID = func() string { return "id" } }

// tokMade makes a token.
func tokMade(t testing.TB, auth *core.Auth, class core.ClassName) *core.Token {
	t.Helper()
	token, err := auth.NewToken(class)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// tokText signs a token.
func tokText(t testing.TB, token *core.Token) string {
	t.Helper()
	raw, err := token.Sign()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// tokNoRefusal sees that an error is the programmer's, not the client's.
func tokNoRefusal(t *testing.T, what string, token *core.Token, err error) {
	t.Helper()
	var refusal *core.Error
	if token != nil || err == nil || errors.As(err, &refusal) {
		t.Errorf("%s: token %v, error %v", what, token, err)
	}
}

// tokAll are the payloads of all tokens that logins and refreshes give where the hook spoils what it gets.
func tokAll(t *testing.T, checkRevoke bool, spoil func(*core.Token)) map[string]string {
	t.Helper()
	made := 0
	auth := tokNew(t, func(s *simplejwt.Settings, d *core.Deps) {
		s.CheckRevokeToken, s.RotateRefreshTokens, s.Issuer, s.Audience = checkRevoke, true, "i", []string{"a"}
		d.NewID = func() string { made++; return strconv.Itoa(made) }
		d.Claims = func(_ context.Context, user simplejwt.User, token *core.Token) error {
			spoil(token)
			token.Set("name", user.(*memstore.Account).Username)
			return nil
		}
	})
	pair, err := auth.Login(t.Context(), tokAlice())
	next, _, err2 := auth.Refresh(t.Context(), pair.Refresh)
	sliding, err3 := auth.LoginSliding(t.Context(), tokAlice())
	again, _, err4 := auth.RefreshSliding(t.Context(), sliding)
	if err := errors.Join(err, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"access": pair.Access, "refresh": pair.Refresh, "next access": next.Access, "next refresh": next.Refresh, "sliding": sliding, "sliding again": again}
	for which, raw := range all {
		all[which] = tokSorted(t, tokPart(t, raw, 1))
	}
	return all
}

// tokInvite is a class of one's own.
func tokInvite(blacklistable bool) func(*simplejwt.Settings, *core.Deps) {
	return func(s *simplejwt.Settings, d *core.Deps) {
		d.TokenClasses = []core.TokenClass{{Name: "InviteToken", Type: "invite", Lifetime: time.Hour, Blacklistable: blacklistable}}
		s.AuthTokenClasses = []core.ClassName{core.AccessToken, "InviteToken"}
	}
}
