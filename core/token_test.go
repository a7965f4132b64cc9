package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

func TestANewTokenHasTypeTimesAndAnID(t *testing.T) {
	t.Parallel()
	noon := tokNow().Unix()
	for class, want := range map[core.ClassName]simplejwt.Claims{
		core.AccessToken:  {"token_type": "access", "iat": noon, "exp": noon + 300, "jti": "id"},
		core.RefreshToken: {"token_type": "refresh", "iat": noon, "exp": noon + 86400, "jti": "id"},
		core.SlidingToken: {"token_type": "sliding", "iat": noon, "exp": noon + 300, "refresh_exp": noon + 86400, "jti": "id"},
	} {
		token := tokMade(t, tokNew(t, tokOneID), class)
		if diff := cmp.Diff(want, token.Claims()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", class, diff)
		}
		if token.Class().Name != class || token.JTI() != "id" || token.SessionID() != "" || token.UserID() != "" {
			t.Errorf("%s: class %v, id %q, session %q, user %q", class, token.Class(), token.JTI(), token.SessionID(), token.UserID())
		}
		if got := token.ExpiresAt(); !got.Equal(time.Unix(want["exp"].(int64), 0)) || got.Location() != time.UTC {
			t.Errorf("%s: ends %v", class, got)
		}
		bare := tokMade(t, tokNew(t, tokOneID, tokFile(t, `{"JTI_CLAIM":null,"TOKEN_TYPE_CLAIM":null}`)), class)
		bare.SetJTI() // does nothing
		delete(want, "jti")
		delete(want, "token_type")
		if diff := cmp.Diff(want, bare.Claims()); diff != "" {
			t.Errorf("%s without type and id (-want +got):\n%s", class, diff)
		}
	}
	auth := tokNew(t)
	one, two := tokMade(t, auth, core.AccessToken).JTI(), tokMade(t, auth, core.AccessToken).JTI()
	if one == two || !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(one) {
		t.Errorf("the ids are %q and %q", one, two)
	}
}

func TestAnUnknownClassIsNoRefusal(t *testing.T) {
	t.Parallel()
	auth := tokNew(t)
	for _, class := range []core.ClassName{"", "accesstoken", "rest_framework_simplejwt.tokens.AccessToken", core.UntypedToken} {
		made, err := auth.NewToken(class)
		tokNoRefusal(t, "NewToken of "+string(class), made, err)
		made, err = auth.ForUser(t.Context(), class, tokAlice())
		tokNoRefusal(t, "ForUser of "+string(class), made, err)
		if class != core.UntypedToken {
			parsed, err := auth.ParseToken(t.Context(), class, tokTrue(tokPayload()))
			tokNoRefusal(t, "ParseToken of "+string(class), parsed, err)
		}
	}
}

func TestClaimsAreReadAndWritten(t *testing.T) {
	t.Parallel()
	token := tokMade(t, tokNew(t, tokOneID), core.AccessToken)
	token.Set("null", nil)
	token.Set("sid", "s")
	token.Set("user_id", "7")
	if token.Get("null") != nil || !token.Has("null") || token.Get("none") != nil || token.Has("none") {
		t.Error("null is not told from nothing")
	}
	if token.SessionID() != "s" || token.UserID() != "7" {
		t.Errorf("session %q, user %q", token.SessionID(), token.UserID())
	}
	token.Claims()["token_type"] = "refresh"
	if token.Get("token_type") != "access" {
		t.Error("Claims is not a copy")
	}
	for _, claim := range []string{"null", "none", "jti", "exp", "sid", "user_id"} {
		token.Delete(claim)
	}
	if diff := cmp.Diff(simplejwt.Claims{"token_type": "access", "iat": tokNow().Unix()}, token.Claims()); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
	if token.JTI() != "" || !token.ExpiresAt().IsZero() {
		t.Errorf("without id and exp: %q, %v", token.JTI(), token.ExpiresAt())
	}
}

func TestTimesAreRelativeToTheToken(t *testing.T) {
	t.Parallel()
	now := tokNow()
	clock := func(_ *simplejwt.Settings, d *core.Deps) { d.Now = func() time.Time { return now } }
	auth := tokNew(t, clock)
	token := tokMade(t, auth, core.RefreshToken)
	now = now.Add(time.Hour)
	token.SetExp("x", time.Minute)
	token.Set("iat", "gone")
	token.SetIat()
	access := token.AccessToken()
	want := tokNow().Unix()
	if token.Get("x") != want+60 || token.Get("iat") != want || access.Get("iat") != want || access.Get("exp") != want+300 {
		t.Errorf("claims %v and %v, want them relative to %d", token.Claims(), access.Claims(), want)
	}
	for value, says := range map[any]string{
		want + 1: "", want: "Token 'x' claim has expired", want - 1: "Token 'x' claim has expired", int64(0): "Token 'x' claim has expired",
		int(want) + 1: "", json.Number(tokUnix(1)): "", json.Number(tokUnix(0) + ".9"): "Token 'x' claim has expired", nil: tokInvalid,
		"4102444800": tokInvalid, true: tokInvalid, 1e10: tokInvalid, json.Number("1e400"): tokInvalid, int64(1) << 60: tokInvalid,
	} {
		token.Set("x", value)
		if got := tokDetail(token.CheckExp("x")); got != says {
			t.Errorf("CheckExp of %v (%T): %q, want %q", value, value, got, says)
		}
	}
	if got := tokDetail(token.CheckExp("y")); got != "Token has no 'y' claim" {
		t.Errorf("CheckExp without the claim: %q", got)
	}
	lenient := tokMade(t, tokNew(t, tokLeeway(10*time.Second), tokAt(-500*time.Millisecond)), core.AccessToken) // noon sharp
	for offset, says := range map[int64]string{-9: "", -10: "Token 'x' claim has expired"} {
		lenient.Set("x", want+offset)
		if got := tokDetail(lenient.CheckExp("x")); got != says {
			t.Errorf("CheckExp %d seconds late, 10 forgiven: %q, want %q", -offset, got, says)
		}
	}
}

func TestAnAccessTokenCopiesAllButTypeTimesAndIDs(t *testing.T) {
	t.Parallel()
	ids := 0
	auth := tokNew(t, tokFile(t, `{"JTI_CLAIM":"token_id"}`), func(_ *simplejwt.Settings, d *core.Deps) {
		d.NewID = func() string { ids++; return strings.Repeat("i", ids) }
	})
	refresh := tokMade(t, auth, core.RefreshToken)
	for claim, value := range map[string]any{"jti": "another's", "iat": int64(1), "nbf": int64(2), "user_id": "7", "sid": "s", "name": "Ann", "hash_password": "X"} {
		refresh.Set(claim, value)
	}
	before := refresh.Claims()
	access := refresh.AccessToken()
	noon := tokNow().Unix()
	want := simplejwt.Claims{"token_type": "access", "token_id": "ii", "iat": noon, "exp": noon + 300, "nbf": int64(2), "user_id": "7", "sid": "s", "name": "Ann", "hash_password": "X"}
	if diff := cmp.Diff(want, access.Claims()); diff != "" {
		t.Errorf("access token (-want +got):\n%s", diff)
	}
	if access.Class().Name != core.AccessToken {
		t.Errorf("class %v", access.Class())
	}
	access.Set("name", "Bob")
	if diff := cmp.Diff(before, refresh.Claims()); diff != "" {
		t.Errorf("the refresh token changed (-before +after):\n%s", diff)
	}
}

func TestOutstandRecordsATokenOnce(t *testing.T) {
	t.Parallel()
	e := opsNew(t)
	at := opsStart().Truncate(time.Microsecond)
	token, err := e.NewToken(core.SlidingToken)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is on record
		if err := token.Outstand(opsCtx(), e.user("alice")); err != nil {
			t.Fatal(err)
		}
		want := core.OutstandingToken{JTI: token.JTI(), UserID: "1", CreatedAt: at, ExpiresAt: at.Add(24 * time.Hour).Truncate(time.Second)}
		if diff := cmp.Diff(&core.TokenState{OutstandingToken: want}, e.row(token.JTI())); diff != "" {
			t.Errorf("row (-want +got):\n%s", diff)
		}
		token.SetExp("refresh_exp", time.Hour)
	}
	nobodys, err := e.NewToken(core.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	nobodys.Set("sid", "s")
	nobodys.SetExp("refresh_exp", 48*time.Hour) // means nothing but in a sliding token
	if err := nobodys.Outstand(opsCtx(), nil); err != nil {
		t.Fatal(err)
	}
	if row := e.row(nobodys.JTI()); row == nil || row.UserID != "" || row.SessionID != "s" || row.ExpiresAt.Unix() != opsStart().Unix()+300 {
		t.Errorf("row of nobody's token: %+v", row)
	}
	e.spy.before = func(context.Context, string) error { return errors.New("down") }
	if err := nobodys.Outstand(opsCtx(), nil); !errors.Is(err, core.ErrServiceUnavailable) {
		t.Errorf("with a store that is down: %v", err)
	}
	for _, option := range []opsOption{opsNoStore, opsNoIDs} {
		e := opsNew(t, option)
		token, err := e.NewToken(core.RefreshToken)
		if err != nil {
			t.Fatal(err)
		}
		if err := token.Outstand(opsCtx(), e.user("alice")); err != nil || len(e.spy.take()) > 0 {
			t.Errorf("without records: error %v", err)
		}
	}
}

func TestCustomClaimsCannotReplaceOurs(t *testing.T) {
	t.Parallel()
	own := []string{"exp", "iat", "jti", "token_type", "user_id", "hash_password", "refresh_exp", "sid", "aud", "iss"}
	for name, spoil := range map[string]func(*core.Token, string){
		"sets":    func(token *core.Token, claim string) { token.Set(claim, "spoilt") },
		"deletes": func(token *core.Token, claim string) { token.Delete(claim) },
		"moves":   func(token *core.Token, claim string) { token.SetExp(claim, time.Hour) },
	} {
		for _, check := range []bool{true, false} {
			want := tokAll(t, check, func(*core.Token) {})
			got := tokAll(t, check, func(token *core.Token) {
				for _, claim := range own {
					spoil(token, claim)
				}
			})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("a hook that %s them, CHECK_REVOKE_TOKEN %t (-without +with):\n%s", name, check, diff)
			}
			for which, claims := range want {
				if !strings.Contains(claims, `"name":"alice"`) || strings.Contains(claims, `"hash_password":`) != check {
					t.Errorf("%s: %s", which, claims)
				}
			}
		}
	}
}

func TestAClassOfOnesOwnIsLikeTheOthers(t *testing.T) {
	t.Parallel()
	for _, listed := range []bool{false, true} {
		auth := tokNew(t, tokInvite(listed))
		token, err := auth.ForUser(t.Context(), "InviteToken", tokAlice())
		if err != nil {
			t.Fatal(err)
		}
		if token.Get("token_type") != "invite" || token.Get("exp") != tokNow().Unix()+3600 || token.Has("refresh_exp") || token.Has("sid") != listed {
			t.Errorf("claims %v", token.Claims())
		}
		raw := tokText(t, token)
		user, parsed, err := auth.AuthenticateToken(t.Context(), raw)
		if err != nil || user.AuthID() != "1" || parsed.Class().Name != "InviteToken" {
			t.Errorf("authenticate: user %v, token %v, error %v", user, parsed, err)
		}
		if _, err := auth.ParseToken(t.Context(), "InviteToken", tokTrue(tokPayload())); !errors.Is(err, core.ErrTokenWrongType) {
			t.Errorf("an access token as InviteToken: %v", err)
		}
		if err := token.Blacklist(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, _, err = auth.AuthenticateToken(t.Context(), raw)
		if listed != errors.Is(err, core.ErrTokenNotAllowed) || !listed && err != nil {
			t.Errorf("on the blacklist, looked up: %t, error %v", listed, err)
		}
		var refusal *core.Error
		_, _, err = auth.Stateless().AuthenticateToken(t.Context(), tokTrue(tokPayload(`token_type="refresh"`)))
		if !errors.As(err, &refusal) {
			t.Fatalf("a refresh token: %v", err)
		}
		want := []core.Message{{TokenClass: "AccessToken", TokenType: "access", Message: tokWrongType}, {TokenClass: "InviteToken", TokenType: "invite", Message: tokWrongType}}
		if diff := cmp.Diff(want, refusal.Messages); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	}
}

func TestTheDigestOfThePasswordIsDjangos(t *testing.T) {
	t.Parallel()
	// Written by Python: hashlib.md5(user.password.encode()).hexdigest().upper().
	for password, want := range map[string]string{"hash": "0800FC577294C34E0B28AD2839435945", "": "D41D8CD98F00B204E9800998ECF8427E", opsCheapHash: "45CD44B105CD12CAAE0C9DD785CAF7EA"} {
		auth := tokNew(t, tokFile(t, `{"CHECK_REVOKE_TOKEN":true,"REVOKE_TOKEN_CLAIM":"pw"}`))
		token, err := auth.ForUser(t.Context(), core.AccessToken, &memstore.Account{ID: "1", Username: "alice", Password: password})
		if err != nil || token.Get("pw") != want {
			t.Errorf("the claim is %v, want %s, error %v", token.Get("pw"), want, err)
		}
		_, _, err = auth.AuthenticateToken(t.Context(), tokText(t, token)) // the stored hash is "hash"
		if (password == "hash") != (err == nil) || err != nil && !errors.Is(err, core.ErrPasswordChanged) {
			t.Errorf("a token of the hash %q: %v", password, err)
		}
	}
	auth := tokNew(t, tokFile(t, `{"CHECK_REVOKE_TOKEN":true}`))
	for _, change := range []string{"hash_password=", `hash_password=""`, "hash_password=null", `hash_password="0800fc577294c34e0b28ad2839435945"`, `hash_password=["0800FC577294C34E0B28AD2839435945"]`} {
		if _, _, err := auth.AuthenticateToken(t.Context(), tokTrue(tokPayload(change))); !errors.Is(err, core.ErrPasswordChanged) {
			t.Errorf("%s: %v", change, err)
		}
	}
}

func TestTheStatelessUserIsWhatTheTokenSays(t *testing.T) {
	t.Parallel()
	auth := tokNew(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Users = tokPlainUsers{} }) // which would panic if asked
	for changes, want := range map[string]struct {
		id    any
		text  string
		name  string
		staff bool
	}{
		`user_id="a"`:  {"a", "a", "", false},
		`user_id=7`:    {json.Number("7"), "7", "", false},
		`user_id=null`: {nil, "", "", false},
		`user_id=9007199254740993,"username":"Ann","is_staff":true,"is_superuser":true`: {json.Number("9007199254740993"), "9007199254740993", "Ann", true},
		`user_id=1.0,"username":1,"is_staff":1,"is_superuser":"true"`:                   {json.Number("1.0"), "1.0", "", false},
		`user_id=["a"],"is_staff":null,"is_superuser":[true]`:                           {[]any{"a"}, "[a]", "", false},
	} {
		user, _, err := auth.Stateless().AuthenticateToken(t.Context(), tokTrue(tokPayload(changes)))
		if err != nil {
			t.Errorf("%s: %v", changes, err)
			continue
		}
		u := user.(*core.TokenUser)
		if !cmp.Equal(u.ID(), want.id) || u.AuthID() != want.text || u.Username() != want.name || u.IsStaff() != want.staff || u.IsSuperuser() != want.staff {
			t.Errorf("%s: id %#v, text %q, name %q, staff %t, superuser %t", changes, u.ID(), u.AuthID(), u.Username(), u.IsStaff(), u.IsSuperuser())
		}
		if !u.AuthActive() || u.AuthPassword() != "" || u.Claim("jti") != "one" || u.Claim("none") != nil {
			t.Errorf("%s: active %t, password %q, jti %v", changes, u.AuthActive(), u.AuthPassword(), u.Claim("jti"))
		}
	}
	var given simplejwt.Claims
	own := tokNew(t, func(s *simplejwt.Settings, _ *core.Deps) {
		s.TokenUserClass = func(c simplejwt.Claims) simplejwt.User { given = c; c["jti"] = "changed"; return tokAlice() }
	})
	user, token, err := own.Stateless().AuthenticateToken(t.Context(), tokTrue(tokPayload()))
	if err != nil || user.AuthID() != "1" || given["user_id"] != "1" || token.JTI() != "one" {
		t.Errorf("TOKEN_USER_CLASS got %v and made %v, token %v, error %v", given, user, token, err)
	}
	if _, _, err := auth.Stateless().AuthenticateToken(t.Context(), tokTrue(tokPayload("user_id="))); !errors.Is(err, core.ErrTokenNoUser) {
		t.Errorf("without a user id: %v", err)
	}
}

func TestDecode_LooksWithoutTrust(t *testing.T) {
	t.Parallel()
	auth := tokNew(t)
	for name, raw := range map[string]string{
		"forged":   tokJWS(tokHeader, tokPayload("exp=0"), tokHMAC("another")),
		"unsigned": tokJWS(`{"alg":"none","crit":["x"]}`, tokPayload("exp=0"), func(string) []byte { return nil }),
	} {
		token, err := auth.Decode(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if token.JTI() != "one" || token.UserID() != "1" || !token.ExpiresAt().Equal(time.Unix(0, 0)) || token.Class().Name != core.UntypedToken {
			t.Errorf("%s: %v of class %s", name, token.Claims(), token.Class().Name)
		}
	}
	for _, raw := range []string{"", "..", tokB64(tokHeader) + "." + tokB64("[]") + ".", tokTrue(tokPayload()) + "=", tokTrue(strings.Repeat(" ", tokMaxBytes))} {
		if token, err := auth.Decode(raw); !errors.Is(err, core.ErrTokenInvalid) || token != nil {
			t.Errorf("%.40q: %v, %v", raw, token, err)
		}
	}
}

func TestSign_FailingEncoder(t *testing.T) {
	t.Parallel()
	failure := errors.New("no such thing")
	auth := tokNew(t, func(s *simplejwt.Settings, _ *core.Deps) {
		s.JSONEncoder = func(simplejwt.Claims) ([]byte, error) { return []byte("{}"), failure }
	})
	token := tokMade(t, auth, core.AccessToken)
	if raw, err := token.Sign(); !errors.Is(err, failure) || raw != "" {
		t.Errorf("Sign: %q, %v", raw, err)
	}
	if pair, err := auth.Login(t.Context(), tokAlice()); !errors.Is(err, core.ErrServiceUnavailable) || !errors.Is(err, failure) || pair != (core.Pair{}) {
		t.Errorf("Login: %v, %v", pair, err)
	}
}

func TestSign_WithoutASigningKey(t *testing.T) {
	t.Parallel()
	verifier, err := core.New(simplejwt.Settings{Algorithm: "ES256", VerifyingKey: tokPublic(t, tokSigner(t).Public())}, core.Deps{Now: tokNow})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := tokMade(t, verifier, core.AccessToken).Sign()
	var refusal *core.Error
	if err == nil || errors.As(err, &refusal) || err.Error() != "sign token: there is no SIGNING_KEY" || raw != "" {
		t.Errorf("%q, error %v", raw, err)
	}
}
