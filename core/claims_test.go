package core_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

const (
	tokNoExp     = "Token has no 'exp' claim"
	tokNoID      = "Token has no id"
	tokNoType    = "Token has no type"
	tokWrongType = "Token has wrong type"
)

// tokAt is a setting of the clock, so long after the usual time.
func tokAt(after time.Duration) func(*simplejwt.Settings, *core.Deps) {
	return func(_ *simplejwt.Settings, d *core.Deps) { d.Now = func() time.Time { return tokNow().Add(after) } }
}

func tokLeeway(d time.Duration) func(*simplejwt.Settings, *core.Deps) {
	return func(s *simplejwt.Settings, _ *core.Deps) { s.Leeway = d }
}

// tokSays are changes of a good token's claims, by what is to be said of it then.
type tokSays map[string][]string

// tokClaims sees what is said of access tokens whose claims are changed.
func tokClaims(t *testing.T, auth *core.Auth, cases tokSays) {
	t.Helper()
	for want, changes := range cases {
		for _, change := range changes {
			if got := tokParse(t, auth, tokTrue(tokPayload(change))); got != want {
				t.Errorf("%.90s: %q, want %q", change, got, want)
			}
		}
	}
}

// tokIDs are values of an id claim.
func tokIDs(claim string) tokSays {
	return tokSays{
		tokGood: {
			claim + `="x"`, claim + `="é\ud83d\ude00 \n"`, claim + `="` + strings.Repeat("x", 255) + `"`,
			claim + `="` + strings.Repeat("é", 127) + `x"`,
		},
		tokNoID: {claim + `=`},
		tokInvalid: {
			claim + `="` + strings.Repeat("x", 256) + `"`, claim + `="` + strings.Repeat("é", 128) + `"`, claim + `=""`,
			claim + `="\u0000"`, claim + `="x\u0000"`, claim + `="\ud800"`, claim + `="x\udc00y"`,
			claim + `="\ude00\ud83d"`, claim + `=null`, claim + `=1`, claim + `=true`, claim + `=["x"]`,
			claim + `={"x":"x"}`,
		},
	}
}

func TestAnIDIsATextThatFitsTheTable(t *testing.T) {
	t.Parallel()
	tokClaims(t, tokNew(t), tokIDs("jti"))
	named := tokNew(t, tokFile(t, `{"JTI_CLAIM":"token_id"}`))
	tokClaims(t, named, tokIDs("token_id"))
	beside := tokSays{ // jti is another's id then, but RFC 7519 says that it is a text
		tokGood:    {`jti=`, `jti=""`, `jti="` + strings.Repeat("x", 300) + `"`},
		tokInvalid: {`jti=1`, `jti=null`, `jti="\ud800"`},
	}
	for want, changes := range beside {
		for _, change := range changes {
			if got := tokParse(t, named, tokTrue(tokPayload(`token_id="x"`, change))); got != want {
				t.Errorf("beside token_id, %.40s: %q, want %q", change, got, want)
			}
		}
	}
	tokClaims(t, tokNew(t, tokFile(t, `{"JTI_CLAIM":null}`)), tokSays{
		tokGood:    {`jti=`, `jti=""`, `jti="\u0000"`, `jti="` + strings.Repeat("x", 300) + `"`},
		tokInvalid: {`jti=1`, `jti=null`, `jti="\ud800"`},
	})
	auth := tokNew(t)
	for want, changes := range tokIDs("jti") { // for every class, also where no type is asked for
		for _, change := range changes {
			if _, err := auth.Verify(t.Context(), tokTrue(tokPayload(change))); tokDetail(err) != want {
				t.Errorf("Verify, %.40s: error %v, want %q", change, err, want)
			}
		}
	}
}

func TestTheTypeMustBeThatOfTheClass(t *testing.T) {
	t.Parallel()
	tokClaims(t, tokNew(t), tokSays{
		tokGood:   {`token_type="access"`, `token_type="\u0061ccess"`, `Token_type="refresh"`, `typ="refresh"`},
		tokNoType: {`token_type=`},
		tokWrongType: {
			`token_type=null`, `token_type=""`, `token_type="refresh"`, `token_type="sliding"`, `token_type="untyped"`,
			`token_type="Access"`, `token_type="access "`, `token_type="access\u0000"`, `token_type="access\ud800"`,
			`token_type=["access"]`, `token_type={"access":1}`, `token_type=1`, `token_type=true`,
			`token_type=["access",["x"]]`,
		},
	})
	tokClaims(t, tokNew(t, tokFile(t, `{"TOKEN_TYPE_CLAIM":null}`)), tokSays{
		tokGood: {`token_type=`, `token_type="refresh"`, `token_type=1`},
	})
	tokClaims(t, tokNew(t, tokFile(t, `{"TOKEN_TYPE_CLAIM":"kind"}`)), tokSays{
		tokGood:      {`kind="access"`},
		tokNoType:    {`kind=`},
		tokWrongType: {`kind="refresh"`},
	})
	for _, change := range []string{`token_type=`, `token_type="refresh"`, `token_type="untyped"`, `token_type=1`} {
		if _, err := tokNew(t).Verify(t.Context(), tokTrue(tokPayload(change))); err != nil {
			t.Errorf("Verify asks for a type: %s: %v", change, err)
		}
	}
}

func TestEachClassAsksForItsType(t *testing.T) {
	t.Parallel()
	auth := tokNew(t)
	types := map[core.ClassName]string{core.AccessToken: "access", core.RefreshToken: "refresh", core.SlidingToken: "sliding"}
	for class, own := range types {
		for _, kind := range types {
			want := tokWrongType
			if kind == own {
				want = tokGood
			}
			_, err := auth.ParseToken(t.Context(), class, tokTrue(tokPayload("token_type="+strconv.Quote(kind))))
			if got := tokDetail(err); got != want {
				t.Errorf("a token of type %s as %s: %q, want %q", kind, class, got, want)
			}
		}
	}
}

func TestTheChecksHaveTheOrderOfPyJWTAndSimpleJWT(t *testing.T) {
	t.Parallel()
	auth := tokNew(t, tokFile(t, `{"ISSUER":"i","AUDIENCE":"a"}`))
	const iss, aud = `iss="i"`, `aud="a"`
	for name, c := range map[string]struct {
		want    string
		changes []string
	}{
		"nothing is wrong":                {tokGood, []string{iss, aud}},
		"iat before exp":                  {tokInvalid, []string{iss, aud, "iat=" + tokUnix(9), "exp=0"}},
		"nbf before exp":                  {tokInvalid, []string{iss, aud, "nbf=" + tokUnix(9), "exp=0"}},
		"exp before the issuer":           {tokExpired, []string{`iss="x"`, aud, "exp=0"}},
		"exp before the audience":         {tokExpired, []string{iss, `aud="x"`, "exp=0"}},
		"exp before sub":                  {tokExpired, []string{iss, aud, "sub=1", "exp=0"}},
		"exp before an id of no text":     {tokExpired, []string{iss, aud, "jti=1", "exp=0"}},
		"exp before no id":                {tokExpired, []string{iss, aud, "jti=", "exp=0"}},
		"exp before the type":             {tokExpired, []string{iss, aud, `token_type="refresh"`, "exp=0"}},
		"the issuer before a missing exp": {tokInvalid, []string{`iss="x"`, aud, "exp="}},
		"the audience before it":          {tokInvalid, []string{iss, `aud="x"`, "exp="}},
		"sub before it":                   {tokInvalid, []string{iss, aud, "sub=1", "exp="}},
		"an id of no text before it":      {tokInvalid, []string{iss, aud, "jti=1", "exp="}},
		"a missing exp before no id":      {tokNoExp, []string{iss, aud, "exp=", "jti="}},
		"a missing exp before a bad id":   {tokNoExp, []string{iss, aud, "exp=", `jti=""`}},
		"a missing exp before the type":   {tokNoExp, []string{iss, aud, "exp=", `token_type="refresh"`}},
		"no id before no type":            {tokNoID, []string{iss, aud, "jti=", "token_type="}},
		"no id before the type":           {tokNoID, []string{iss, aud, "jti=", `token_type="refresh"`}},
		"a bad id before the type":        {tokInvalid, []string{iss, aud, `jti=""`, "token_type="}},
	} {
		if got := tokParse(t, auth, tokTrue(tokPayload(c.changes...))); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestOnlyAClassWithABlacklistIsToldOfItAndFirst(t *testing.T) {
	t.Parallel()
	auth := tokNew(t)
	refresh, err := auth.ForUser(t.Context(), core.RefreshToken, tokAlice())
	if err != nil {
		t.Fatal(err)
	}
	if err := refresh.Blacklist(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := "jti=" + strconv.Quote(refresh.JTI())
	for name, c := range map[string]struct {
		class   core.ClassName
		want    string
		changes []string
	}{
		"as what it is":                {core.RefreshToken, "Token is blacklisted", []string{`token_type="refresh"`}},
		"of another type":              {core.RefreshToken, "Token is blacklisted", []string{`token_type="access"`}},
		"as another class with a list": {core.SlidingToken, "Token is blacklisted", []string{`token_type="refresh"`}},
		"without exp":                  {core.RefreshToken, "Token is blacklisted", []string{"exp="}},
		"expired":                      {core.RefreshToken, tokExpired, []string{`token_type="refresh"`, "exp=0"}},
		"as an access token":           {core.AccessToken, tokGood, []string{`token_type="access"`}},
		"as an access token, wrongly":  {core.AccessToken, tokWrongType, []string{`token_type="refresh"`}},
		"as any token":                 {core.UntypedToken, tokGood, []string{`token_type="refresh"`}},
	} {
		_, err := auth.ParseToken(t.Context(), c.class, tokTrue(tokPayload(append(c.changes, id)...)))
		if got := tokDetail(err); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if _, err := auth.Verify(t.Context(), tokTrue(tokPayload(id))); tokDetail(err) != "Token is blacklisted" {
		t.Errorf("Verify: %v", err)
	}
}

// tokFieldUsers note the values that they are asked for.
type tokFieldUsers struct {
	core.Users
	asked []string
}

func (u *tokFieldUsers) ByField(ctx context.Context, field, value string) (simplejwt.User, error) {
	u.asked = append(u.asked, field+" "+value)
	return u.Users.ByField(ctx, field, value)
}

func TestAUserIDIsATextOrAnInteger(t *testing.T) {
	t.Parallel()
	users := &tokFieldUsers{Users: tokDeps(t).Users}
	auth := tokNew(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Users = users })
	const alice, nobody = "alice", "nobody"
	for value, c := range map[string]struct {
		asked     string // what the users are asked for, "" for nothing
		opens     bool   // a protected route
		refreshes string // whose token a refresh takes it for, "" for a refusal
	}{
		`"1"`:                      {"1", true, alice},
		`1`:                        {"1", true, alice},
		`"01"`:                     {"01", false, ""},
		`" 1"`:                     {" 1", false, ""},
		`"\u0031"`:                 {"1", true, alice},
		`"1\u0000"`:                {"1\x00", false, ""},
		`-1`:                       {"-1", false, ""},
		`123456789012345678901234`: {"123456789012345678901234", false, ""},
		`1.0`:                      {"", false, ""}, // Python would find user 1
		`1e0`:                      {"", false, ""},
		`1E+400`:                   {"", false, ""},
		`0.5`:                      {"", false, ""},
		`true`:                     {"", false, ""},
		`[1]`:                      {"", false, ""},
		`{"id":1}`:                 {"", false, ""},
		`"1\ud800"`:                {"", false, ""},
		`0`:                        {"", false, nobody}, // what Python calls false is nobody's
		`-0.0`:                     {"", false, nobody},
		`""`:                       {"", false, nobody},
		`false`:                    {"", false, nobody},
		`null`:                     {"", false, nobody},
		`[]`:                       {"", false, nobody},
		`{}`:                       {"", false, nobody},
	} {
		users.asked = nil
		user, _, err := auth.AuthenticateToken(t.Context(), tokTrue(tokPayload("user_id="+value)))
		if c.opens != (err == nil && user.AuthID() == "1") || !c.opens && !errors.Is(err, core.ErrUnknownUser) {
			t.Errorf("authenticate with %s: user %v, error %v", value, user, err)
		}
		_, user, err = auth.Refresh(t.Context(), tokTrue(tokPayload(`token_type="refresh"`, "user_id="+value)))
		switch c.refreshes {
		case alice:
			if err != nil || user == nil || user.AuthID() != "1" {
				t.Errorf("refresh with %s: user %v, error %v", value, user, err)
			}
		case nobody:
			if err != nil || user != nil {
				t.Errorf("refresh with %s: user %v, error %v", value, user, err)
			}
		default:
			if !errors.Is(err, core.ErrNoActiveAccount) {
				t.Errorf("refresh with %s: user %v, error %v", value, user, err)
			}
		}
		var want []string
		if c.asked != "" {
			want = []string{"id " + c.asked, "id " + c.asked}
		}
		if !slices.Equal(users.asked, want) {
			t.Errorf("with %s the users were asked for %q, want %q", value, users.asked, want)
		}
	}
	if _, _, err := auth.AuthenticateToken(t.Context(), tokTrue(tokPayload("user_id="))); !errors.Is(err, core.ErrTokenNoUser) {
		t.Errorf("without the claim: %v", err)
	}
}
